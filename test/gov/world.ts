/** A deployment whose roles are held by different accounts, as governance reads it. */
import { join } from "node:path";

import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { network } from "hardhat";

import local from "../../deploy/parameters/local.ts";
import { deployPlimsoll } from "../../scripts/deploy/deploy.ts";
import { type Parameters, parseParameters } from "../../scripts/deploy/parameters.ts";
import { type Gov, openGov } from "../../scripts/gov/gov.ts";
import type { Transaction } from "../../scripts/gov/operations.ts";

export const connection = await network.create();
export const { ethers, networkHelpers } = connection;

export const FILE = join(import.meta.dirname, "../../deploy/parameters/local.ts");
export const DAY = 86_400n;

export type Tree = Record<string, unknown>;

/** The local file with other values at some paths. */
export function fileWith(changes: Readonly<Record<string, unknown>>, from: Tree = local): Tree {
  const copy = structuredClone(from);
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    const parent = keys.reduce((tree, key) => tree[key] as Tree, copy);
    parent[last] = value;
  }
  return copy;
}

export async function deployed() {
  const [deployer, governor, guardian, stranger, trader, provider] = await ethers.getSigners();
  if (!deployer || !governor || !guardian || !stranger || !trader || !provider) throw new Error("too few accounts");
  const holders = { "governance.governor": governor.address, "governance.guardian": guardian.address };
  const file = fileWith(holders);
  const parameters = parseParameters(file, FILE);
  const { book, contracts } = await deployPlimsoll({ connection, parameters });
  // What the deployment keeps as its admin is handed over.
  const manager = contracts.authority.connect(deployer) as typeof contracts.authority;
  await manager.getFunction("grantRole")(0n, governor.address, 2n * DAY);
  await manager.getFunction("renounceRole")(0n, deployer.address);
  return { book, contracts, file, parameters, deployer, governor, guardian, stranger, trader, provider };
}

export type World = Awaited<ReturnType<typeof deployed>>;

export async function load(): Promise<World> {
  return networkHelpers.loadFixture(deployed);
}

/** The deployment read by the file, or by the file with other values at some paths. */
export async function govOf(world: World, changes: Readonly<Record<string, unknown>> = {}): Promise<Gov> {
  const parameters: Parameters = parseParameters(fileWith(changes, world.file), FILE);
  return openGov(ethers.provider, { parameters, book: world.book });
}

export async function sendAs(signer: HardhatEthersSigner, transactions: readonly Transaction[]): Promise<void> {
  for (const { to, data } of transactions) await (await signer.sendTransaction({ to, data })).wait();
}

/** What a promise is rejected with. Throws where it is not. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("nothing was thrown");
}
