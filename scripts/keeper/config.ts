/** What a keeper is started with. */
import { readAddressBook, type AddressBook } from "../deploy/addressBook.ts";
import { messageOf, PlimsollError } from "../deploy/PlimsollError.ts";
import { isLogLevel, LOG_LEVELS, type LogLevel } from "./log.ts";
import { parseArgs } from "node:util";

export const USAGE = `npm run keeper -- --deployment FILE --rpc URL --key-env NAME [options]
  --deployment FILE   address book that the deployment wrote
  --rpc URL           JSON-RPC endpoint, http or https
  --key-env NAME      environment variable that holds the private key
  --send              send transactions; without it only say what would be sent
  --once              one cycle, then exit
  --interval MS       pause between cycles; 2000
  --log-range N       blocks per request for events; 2000
  --timeout MS        after which an unconfirmed transaction is replaced; 30000
  --log-level LEVEL   ${LOG_LEVELS.join(", ")}; info`;

/** How the process ends. */
export const EXIT = { ok: 0, unexpected: 1, config: 2, wrongChain: 3, unreachable: 4 } as const;

export class ConfigError extends PlimsollError {}

export interface Config {
  readonly book: AddressBook;
  readonly rpc: string;
  readonly key: string;
  readonly send: boolean;
  readonly once: boolean;
  readonly intervalMs: number;
  readonly logRange: number;
  readonly timeoutMs: number;
  readonly logLevel: LogLevel;
}

/** Throws a ConfigError that says what is wrong, and never shows the key. */
export function parseConfig(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Config {
  const values = read(argv);
  const need = (name: "deployment" | "rpc" | "key-env"): string => {
    const value = values[name];
    if (value === undefined || value === "") throw new ConfigError(`--${name} is missing`);
    return value;
  };
  const rpc = need("rpc");
  if (!/^https?:\/\/./.test(rpc) || !URL.canParse(rpc)) throw new ConfigError(`--rpc is no http URL: ${rpc}`);
  const name = need("key-env");
  const key = env[name];
  if (key === undefined) throw new ConfigError(`the environment has no ${name}`);
  if (!/^0x[0-9a-fA-F]{64}$/.test(key)) throw new ConfigError(`${name} is not a private key (0x and 64 hex digits)`);
  const logLevel = values["log-level"];
  if (!isLogLevel(logLevel)) throw new ConfigError(`--log-level is none of ${LOG_LEVELS.join(", ")}: ${logLevel}`);
  return {
    book: bookOf(need("deployment")),
    rpc,
    key,
    send: values.send,
    once: values.once,
    intervalMs: count("interval", values.interval, { min: 50, max: 600_000 }),
    logRange: count("log-range", values["log-range"], { min: 1, max: 100_000 }),
    timeoutMs: count("timeout", values.timeout, { min: 1_000, max: 3_600_000 }),
    logLevel,
  };
}

function read(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        deployment: { type: "string" },
        rpc: { type: "string" },
        "key-env": { type: "string" },
        send: { type: "boolean", default: false },
        once: { type: "boolean", default: false },
        interval: { type: "string", default: "2000" },
        "log-range": { type: "string", default: "2000" },
        timeout: { type: "string", default: "30000" },
        "log-level": { type: "string", default: "info" },
      },
    }).values;
  } catch (cause) {
    throw new ConfigError(messageOf(cause), { cause });
  }
}

function bookOf(file: string): AddressBook {
  try {
    return readAddressBook(file);
  } catch (cause) {
    throw new ConfigError(messageOf(cause), { cause });
  }
}

function count(name: string, text: string, { min, max }: { min: number; max: number }): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new ConfigError(`--${name} is not a whole number from ${min} to ${max}: ${text}`);
  }
  return value;
}
