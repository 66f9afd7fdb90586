/** A deployment on a node of its own, for tests of commands that run as processes. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { network } from "hardhat";

import { writeAddressBook } from "../scripts/deploy/addressBook.ts";
import { deployPlimsoll } from "../scripts/deploy/deploy.ts";
import { stateFolder } from "../scripts/deploy/ignition.ts";
import { loadParameters } from "../scripts/deploy/parameters.ts";
import { endAll, startNode } from "./keeper/processes.ts";

export const root = join(import.meta.dirname, "..");

/** The local parameters, deployed. @param name Of the tests: runs at the same time keep apart what they store. */
export async function startDeployment(folder: string, name: string) {
  const node = await startNode();
  const connection = await network.create({ network: "localhost", override: { url: node.url } });
  const parameters = await loadParameters(join(root, "deploy/parameters/local.ts"));
  const deploymentId = `chain-31337-${name}-${process.pid}`;
  const { book, contracts } = await deployPlimsoll({ connection, parameters, deploymentId, fresh: true });
  const file = join(folder, "addresses.json");
  writeAddressBook(file, book);
  const close = async (): Promise<void> => {
    await connection.close();
    rmSync(stateFolder(deploymentId), { recursive: true, force: true });
  };
  return { node, ethers: connection.ethers, book, contracts, file, close };
}

/** Has a suite start its world, in a folder of its own, and end it with every process, whatever happens. */
export function inWorld<World extends { close: () => Promise<void> }>(start: (folder: string) => Promise<World>) {
  let folder = "";
  let world: World | undefined;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "plimsoll-"));
    world = await start(folder);
  });
  after(async () => {
    try {
      // Where `before` has failed there is none.
      await world?.close();
    } finally {
      await endAll();
      rmSync(folder, { recursive: true, force: true });
    }
  });
  return {
    get folder(): string {
      return folder;
    },
    get world(): World {
      if (world === undefined) throw new Error("the world is not there yet");
      return world;
    },
  };
}

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a script of the project to its end. @param script Its path from the root. */
export async function runScript(script: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, script), ...args], { cwd: root }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}
