/** A stage as governance reads it: one deployment for all tests, whose roles are held by different accounts. */
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { network } from "hardhat";

import local from "../../deploy/parameters/local.ts";
import { parseParameters } from "../../scripts/deploy/parameters.ts";
import { FILE, setStage } from "../../scripts/drill/stage.ts";
import { type Gov, openGov } from "../../scripts/gov/gov.ts";
import type { Transaction } from "../../scripts/gov/operations.ts";

export const connection = await network.create();
export const { ethers, networkHelpers } = connection;

export const DAY = 86_400n;

export type Tree = Record<string, unknown>;

/** A file with other values at some paths. */
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

async function staged() {
  const stage = await setStage(connection);
  const { book, stranger } = stage;
  /** A call as the governor would make it, without the delay: the manager's answer to who may is replaced for it. */
  const allow = async (to: string, data: string): Promise<void> => {
    const { authority } = book.contracts;
    const code = await ethers.provider.getCode(authority);
    await networkHelpers.setCode(authority, "0x600160005260406000f3");
    await (await stranger.sendTransaction({ to, data })).wait();
    await networkHelpers.setCode(authority, code);
  };
  return { ...stage, allow };
}

export type World = Awaited<ReturnType<typeof staged>>;

/** The state after the deployment, the pool's first deposit, and fresh rounds of every feed. */
export async function load(): Promise<World> {
  const world = await networkHelpers.loadFixture(staged);
  await networkHelpers.time.increase(1);
  return world;
}

/** The deployment read by its file, or by the file with other values at some paths. */
export async function govOf(world: World, changes: Readonly<Record<string, unknown>> = {}): Promise<Gov> {
  const parameters = parseParameters(fileWith(changes, world.file), FILE);
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
