/** What a solvency report is asked for with. */
import { parseArgs } from "node:util";

import { type AddressBook, readAddressBook } from "../deploy/addressBook.ts";
import { messageOf, PlimsollError } from "../deploy/PlimsollError.ts";

export const USAGE = `npm run solvency -- --deployment FILE --rpc URL [--json]
  --deployment FILE   address book that the deployment wrote
  --rpc URL           JSON-RPC endpoint, http or https
  --json              print one JSON object, amounts as decimal strings of WAD or token units`;

/** How the process ends. */
export const EXIT = { sound: 0, unsound: 1, config: 2, wrongChain: 3, unreachable: 4, unexpected: 5 } as const;

export class ConfigError extends PlimsollError {}

export interface Config {
  readonly book: AddressBook;
  readonly rpc: string;
  readonly json: boolean;
}

/** Throws a ConfigError that says what is wrong. */
export function parseConfig(argv: readonly string[]): Config {
  const { deployment, rpc, json } = read(argv);
  if (deployment === undefined || deployment === "") throw new ConfigError("--deployment is missing");
  if (rpc === undefined || rpc === "") throw new ConfigError("--rpc is missing");
  if (!/^https?:\/\/./.test(rpc) || !URL.canParse(rpc)) throw new ConfigError(`--rpc is no http URL: ${rpc}`);
  return { book: bookOf(deployment), rpc, json };
}

function read(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        deployment: { type: "string" },
        rpc: { type: "string" },
        json: { type: "boolean", default: false },
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
