/** What the tests of the index share. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import type { BlockRef } from "../../../scripts/keeper/index/entries.ts";
import type { Log, LogLevel } from "../../../scripts/keeper/log.ts";

export interface Line {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A log that keeps its lines. */
export function keepingLog(): Log & { readonly lines: Line[] } {
  const lines: Line[] = [];
  const write =
    (level: LogLevel) =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}) => {
      lines.push({ level, event, fields });
    };
  return { lines, debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

/** A directory that is gone after the tests of the suite. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "plimsoll-index-"));
  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

export async function blockOf(
  provider: { send(method: string, params: unknown[]): Promise<unknown> },
  tag = "latest",
): Promise<BlockRef> {
  const block = (await provider.send("eth_getBlockByNumber", [tag, false])) as Record<string, string>;
  return {
    number: Number(block["number"]),
    hash: String(block["hash"]),
    parentHash: String(block["parentHash"]),
    time: BigInt(String(block["timestamp"])),
  };
}

/** Lower-case digits of a word. */
export function wordOf(value: bigint): string {
  return BigInt.asUintN(256, value).toString(16).padStart(64, "0");
}

/** The error that a promise ends with, which must be of that kind. */
export async function expectRejection<Kind extends Error>(
  sent: Promise<unknown>,
  kind: abstract new (...values: never[]) => Kind,
): Promise<Kind> {
  const reason: unknown = await sent.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(reason).to.be.instanceOf(kind);
  return reason as Kind;
}
