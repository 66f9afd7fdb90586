import { parseArgs } from "node:util";

import { messageOf, PlimsollError } from "../deploy/PlimsollError.ts";
import { type Fault, FAULTS } from "./faults.ts";

export const USAGE = `Two keepers compete through the recorded drop of 2023-08-17 on a local chain, once for each fault.

  npm run test:keeper -- [options]

  --accounts N     traders (default 1000)
  --faults LIST    of ${FAULTS.map(({ key }) => key).join(", ")}; all
  --pace MS        least time between two blocks of 4 s (default 400)
  --limit S        ends a run that takes longer; it has failed then (default 900)
  --seed N         of what is random (default 1)
  --table FILE     puts the table into this page, between its lines <!-- faults --> and <!-- /faults -->, after each run;
                   makes the page if there is none
  --json FILE      figures of all runs
  --logs DIR       keeps databases and logs of the keepers there
  --help           this text

Exit status: 0 every run passed, 1 one did not, 2 bad flags.`;

export interface Options {
  readonly accounts: number;
  readonly faults: readonly Fault[];
  readonly pace: number;
  /** Seconds. */
  readonly limit: number;
  readonly seed: number;
  readonly table: string | undefined;
  readonly json: string | undefined;
  readonly logs: string | undefined;
  readonly help: boolean;
}

/** A flag that cannot be. */
export class OptionsError extends PlimsollError {}

/** Throws an OptionsError that names the flag. */
export function parseOptions(args: readonly string[]): Options {
  const values = read(args);
  return {
    accounts: whole("accounts", values.accounts, { min: 10, max: 5_000 }),
    faults: chosen(values.faults),
    pace: whole("pace", values.pace, { min: 0, max: 60_000 }),
    limit: whole("limit", values.limit, { min: 1, max: 86_400 }),
    seed: whole("seed", values.seed, { min: 0, max: 2 ** 31 - 1 }),
    table: values.table,
    json: values.json,
    logs: values.logs,
    help: values.help,
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        accounts: { type: "string", default: "1000" },
        faults: { type: "string", default: "all" },
        pace: { type: "string", default: "400" },
        limit: { type: "string", default: "900" },
        seed: { type: "string", default: "1" },
        table: { type: "string" },
        json: { type: "string" },
        logs: { type: "string" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (cause) {
    throw new OptionsError(messageOf(cause), { cause });
  }
}

function chosen(list: string): readonly Fault[] {
  if (list === "all") return FAULTS;
  return list.split(",").map((key) => {
    const fault = FAULTS.find((candidate) => candidate.key === key);
    if (fault === undefined) throw new OptionsError(`--faults knows no "${key}"`);
    return fault;
  });
}

function whole(flag: string, text: string, { min, max }: { min: number; max: number }): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new OptionsError(`--${flag} needs a whole number from ${min} to ${max}, not "${text}"`);
  }
  return value;
}
