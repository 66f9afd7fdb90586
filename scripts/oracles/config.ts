/** What a report on prices is asked for with. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

import { asConfig, ConfigError, endpointOf, readArguments } from "../command.ts";
import { type AddressBook, readAddressBook } from "../deploy/addressBook.ts";
import { loadParameters, type Parameters } from "../deploy/parameters.ts";

export const USAGE = `npm run oracles -- --deployment FILE --rpc URL [--parameters FILE] [--json]
npm run oracles -- --check FILE --rpc URL [--json]
  --deployment FILE   address book that the deployment wrote: reports on its prices
  --parameters FILE   heartbeats and thresholds to show beside; else the file that the address book names, if it is there
  --check FILE        parameter file: asks the feeds and tokens that it names, whether anything is deployed or not
  --rpc URL           JSON-RPC endpoint, http or https
  --json              print one JSON object, prices as decimal strings of WAD`;

/** How the process ends. */
export const EXIT = { healthy: 0, unhealthy: 1, config: 2, wrongChain: 3, unreachable: 4, unexpected: 5 } as const;

export type Config = { readonly rpc: string; readonly json: boolean } & (
  | {
      readonly book: AddressBook;
      /** Of the deployment; undefined where its file is not there. */
      readonly parameters: Parameters | undefined;
    }
  | { readonly check: Parameters }
);

/** Throws a ConfigError that says what is wrong. */
export async function parseConfig(argv: readonly string[]): Promise<Config> {
  const { deployment, parameters, check, json, ...rest } = read(argv);
  if (check !== undefined && deployment !== undefined)
    throw new ConfigError("--check and --deployment exclude each other");
  if (check !== undefined && parameters !== undefined) throw new ConfigError("--parameters is only for --deployment");
  if (check === undefined && (deployment === undefined || deployment === "")) {
    throw new ConfigError("--deployment or --check is missing");
  }
  const rpc = endpointOf(rest.rpc);

  if (check !== undefined) return { rpc, json, check: await asConfig(async () => loadParameters(resolve(check))) };
  const book = await asConfig(() => readAddressBook(deployment ?? ""));
  return { rpc, json, book, parameters: await parametersOf(book, parameters) };
}

async function parametersOf(book: AddressBook, given: string | undefined): Promise<Parameters | undefined> {
  const usual = join(import.meta.dirname, "../../deploy/parameters", book.parameters);
  if (given === undefined && !existsSync(usual)) return undefined;
  const file = given === undefined ? usual : resolve(given);
  return asConfig(async () => {
    const parameters = await loadParameters(file);
    const symbols = parameters.assets.map(({ symbol }) => symbol).join(", ");
    const listed = Object.keys(book.feeds).join(", ");
    if (symbols !== listed) throw new ConfigError(`${file} lists ${symbols}, the deployment ${listed}`);
    return parameters;
  });
}

function read(argv: readonly string[]) {
  return readArguments({
    args: [...argv],
    options: {
      deployment: { type: "string" },
      parameters: { type: "string" },
      check: { type: "string" },
      rpc: { type: "string" },
      json: { type: "boolean", default: false },
    },
  }).values;
}
