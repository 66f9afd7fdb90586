/** What a solvency report is asked for with. */
import { asConfig, ConfigError, endpointOf, readArguments } from "../command.ts";
import { type AddressBook, readAddressBook } from "../deploy/addressBook.ts";

export const USAGE = `npm run solvency -- --deployment FILE --rpc URL [--json]
  --deployment FILE   address book that the deployment wrote
  --rpc URL           JSON-RPC endpoint, http or https
  --json              print one JSON object, amounts as decimal strings of WAD or token units`;

/** How the process ends. */
export const EXIT = { sound: 0, unsound: 1, config: 2, wrongChain: 3, unreachable: 4, unexpected: 5 } as const;

export interface Config {
  readonly book: AddressBook;
  readonly rpc: string;
  readonly json: boolean;
}

/** Throws a ConfigError that says what is wrong. */
export async function parseConfig(argv: readonly string[]): Promise<Config> {
  const {
    deployment = "",
    rpc,
    json,
  } = readArguments({
    args: [...argv],
    options: {
      deployment: { type: "string" },
      rpc: { type: "string" },
      json: { type: "boolean", default: false },
    },
  }).values;
  if (deployment === "") throw new ConfigError("--deployment is missing");
  const endpoint = endpointOf(rpc);
  return { book: await asConfig(() => readAddressBook(deployment)), rpc: endpoint, json };
}
