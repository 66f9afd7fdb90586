import { parseArgs } from "node:util";

import { EXIT, ReplayError } from "./errors.ts";

export interface ReplayOptions {
  readonly port: number;
  /** Leaves the chain running at the end. */
  readonly keep: boolean;
  /** Folder of the reports. */
  readonly reports: string;
  /** Unix seconds; orders of earlier hours are submitted at this time. */
  readonly from: number | undefined;
  /** Unix seconds. */
  readonly to: number | undefined;
  /** Only the first so many traders of each kind. */
  readonly perKind: number | undefined;
  readonly quiet: boolean;
  readonly help: boolean;
}

export const USAGE = `Replays 2023-08-17 (ETH −8.6 % in seven minutes) against Plimsoll on a local chain.

  npm start -- [options]

  --port N         port of the local chain (default 8545)
  --keep           leave the chain running and print its addresses and keys
  --reports DIR    where report.json and report.html go (default reports/replay)
  --from TIME      first moment, ISO 8601 or unix seconds; earlier orders are submitted then
  --to TIME        last moment
  --per-kind N     only the first N traders of each kind
  --quiet          no progress bar
  --help           this text

Exit status: 0 all checks hold, 1 a check failed, 2 bad flags or input, 3 port in use, 4 chain or keeper failed.`;

const FLAGS = {
  port: { type: "string", default: "8545" },
  keep: { type: "boolean", default: false },
  reports: { type: "string", default: "reports/replay" },
  from: { type: "string" },
  to: { type: "string" },
  "per-kind": { type: "string" },
  quiet: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** Throws a ReplayError that names the flag. */
export function parseOptions(args: readonly string[]): ReplayOptions {
  const { values, positionals } = readFlags(args);
  const [stray] = positionals;
  if (stray !== undefined) throw usage(`unexpected argument "${stray}"`);
  const from = values.from === undefined ? undefined : parseTime("--from", values.from);
  const to = values.to === undefined ? undefined : parseTime("--to", values.to);
  if (from !== undefined && to !== undefined && from >= to) throw usage("--from must lie before --to");
  return {
    port: parseWhole("--port", values.port, { minimum: 1, maximum: 65_535 }),
    keep: values.keep,
    reports: values.reports,
    from,
    to,
    perKind:
      values["per-kind"] === undefined
        ? undefined
        : parseWhole("--per-kind", values["per-kind"], { minimum: 1, maximum: 100 }),
    quiet: values.quiet,
    help: values.help,
  };
}

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS, allowPositionals: true, strict: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Node's own text goes on with advice about positional arguments.
    const [reason = error.message] = error.message.split(". ");
    throw usage(reason.charAt(0).toLowerCase() + reason.slice(1));
  }
}

function parseWhole(flag: string, text: string, { minimum, maximum }: { minimum: number; maximum: number }): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < minimum || value > maximum) {
    throw usage(`${flag} needs a whole number from ${minimum} to ${maximum}, not "${text}"`);
  }
  return value;
}

function parseTime(flag: string, text: string): number {
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (!Number.isFinite(milliseconds)) throw usage(`${flag} needs ISO 8601 or unix seconds, not "${text}"`);
  return Math.floor(milliseconds / 1000);
}

function usage(reason: string): ReplayError {
  return new ReplayError(`${reason} (see --help)`, { exitCode: EXIT.usage });
}
