import { parseArgs } from "node:util";

import { messageOf, PlimsollError } from "../deploy/PlimsollError.ts";

export const BENCHES = ["screen", "index", "latency"] as const;
export type Bench = (typeof BENCHES)[number];

export const USAGE = `How fast a keeper is, in absolute figures and beside what they compare with.

  npm run bench:keeper -- [options]

  --only LIST      of ${BENCHES.join(", ")}; all
  --accounts N     accounts of latency (default 10000)
  --samples N      liquidations that latency measures (default 100)
  --json           figures for programs
  --help           this text

Exit status: 0 measured, 1 it failed, 2 bad flags.`;

export interface Options {
  readonly benches: readonly Bench[];
  readonly accounts: number;
  readonly samples: number;
  readonly json: boolean;
  readonly help: boolean;
}

/** A flag that cannot be. */
export class OptionsError extends PlimsollError {}

/** Throws an OptionsError that names the flag. */
export function parseOptions(args: readonly string[]): Options {
  const values = read(args);
  return {
    benches: chosen(values.only),
    accounts: whole("accounts", values.accounts),
    samples: whole("samples", values.samples),
    json: values.json,
    help: values.help,
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: "string", default: BENCHES.join(",") },
        accounts: { type: "string", default: "10000" },
        samples: { type: "string", default: "100" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (cause) {
    throw new OptionsError(messageOf(cause), { cause });
  }
}

function chosen(list: string): readonly Bench[] {
  return list.split(",").map((name) => {
    const bench = BENCHES.find((candidate) => candidate === name);
    if (bench === undefined) throw new OptionsError(`--only knows no "${name}"`);
    return bench;
  });
}

function whole(flag: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1) throw new OptionsError(`--${flag} needs a whole number above 0, not "${text}"`);
  return value;
}
