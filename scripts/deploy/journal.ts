/**
 * What Ignition leaves open when it dies while it sends: a transaction that its journal has prepared and of which it knows no
 * hash. It would not go on by itself. Either the transaction is on the chain, and its hash is looked up by its nonce, or
 * it never left, and the journal forgets it.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { trackTransaction } from "@nomicfoundation/ignition-core";
import type { NetworkConnection } from "hardhat/types/network";

import { DeploymentError } from "./DeploymentError.ts";

interface Message {
  readonly type: string;
  readonly futureId?: string;
  readonly constructorArgs?: readonly unknown[];
  readonly networkInteractionId?: number;
  readonly nonce?: number;
}

/** Blocks that are searched for a transaction, from the latest back. */
const SEARCHED = 20_000;

/** @param folder Of the deployment. @param sender Whose nonces they are. @param confirmations That Ignition waits for. */
export async function mendJournal(
  folder: string,
  {
    connection,
    sender,
    confirmations,
  }: { connection: NetworkConnection; sender: string; confirmations: number | undefined },
): Promise<void> {
  const { provider } = connection.ethers;
  const lines = linesOf(folder);
  const messages = lines.map((line) => JSON.parse(line) as Message);
  const sent = new Set(messages.filter(({ type }) => type === "TRANSACTION_SEND").map(keyOf));
  const isOpen = (message: Message): boolean =>
    message.type === "TRANSACTION_PREPARE_SEND" && !sent.has(keyOf(message));
  const open = messages.filter(isOpen);
  if (open.length === 0) return;

  const next = await provider.getTransactionCount(sender, "pending");
  const gone = open.filter(({ nonce = 0 }) => nonce < next);
  const kept = lines
    .filter((_, index) => {
      const message = messages[index];
      return message === undefined || !isOpen(message) || gone.includes(message);
    })
    // Ignition links libraries by addresses in mixed case, and takes a transaction with the same data for another one.
    .map((line) => line.replace(/"data":"0x[0-9a-fA-F]*"/, (data) => data.toLowerCase()));
  writeFileSync(fileIn(folder), `\n${kept.join("\n")}`);
  for (const { nonce = 0, futureId = "" } of gone) {
    const hash = await findTransaction(connection, sender, nonce);
    if (hash === undefined) {
      throw new DeploymentError(`the transaction of ${futureId} with nonce ${String(nonce)} is in no recent block`);
    }
    await trackTransaction(folder, hash, connection.provider, confirmations);
  }
}

/**
 * What the constructor of a contract is given, as the journal has it from before its transaction is sent: a deployment that goes on
 * must give it the same. Undefined where it has not begun with that contract.
 */
export function constructorArguments(folder: string, future: string): readonly unknown[] | undefined {
  return linesOf(folder)
    .map((line) => JSON.parse(line) as Message)
    .find(({ type, futureId }) => type === "DEPLOYMENT_EXECUTION_STATE_INITIALIZE" && futureId === future)
    ?.constructorArgs;
}

function fileIn(folder: string): string {
  return join(folder, "journal.jsonl");
}

/** None where nothing was deployed. */
function linesOf(folder: string): string[] {
  if (!existsSync(fileIn(folder))) return [];
  return readFileSync(fileIn(folder), "utf8")
    .split("\n")
    .filter((line) => line !== "");
}

function keyOf({ futureId = "", networkInteractionId = 0, nonce = 0 }: Message): string {
  return `${futureId}/${String(networkInteractionId)}/${String(nonce)}`;
}

async function findTransaction(
  { ethers: { provider } }: NetworkConnection,
  sender: string,
  nonce: number,
): Promise<string | undefined> {
  const latest = await provider.getBlockNumber();
  for (let number = latest; number > latest - SEARCHED && number >= 0; --number) {
    const block = await provider.getBlock(number, true);
    const found = block?.prefetchedTransactions.find((each) => each.from === sender && each.nonce === nonce);
    if (found !== undefined) return found.hash;
  }
  return undefined;
}
