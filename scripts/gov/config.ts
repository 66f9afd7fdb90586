/** What a command of governance is asked for with. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

import { Wallet } from "ethers";

import { asConfig, ConfigError, endpointOf, readArguments } from "../command.ts";
import { type AddressBook, readAddressBook } from "../deploy/addressBook.ts";
import { loadParameters, type Parameters } from "../deploy/parameters.ts";
import { addressIn } from "./units.ts";

export const COMMANDS = ["plan", "propose", "execute", "cancel", "status", "audit", "list"] as const;
export type Command = (typeof COMMANDS)[number];

export const USAGE = `npm run gov -- COMMAND --deployment FILE --rpc URL [options]
  plan       what of the deployment is not as its parameter file says, the calls that change it, and whom they affect
  propose    schedules these calls, or the one that --call names
  execute    executes what is scheduled and due
  cancel     cancels what is scheduled
  status     what is scheduled, ramped, in shadow, stopped
  audit      every number, role, delay, function, feed and link against the file; exits with 1 on a difference
  list       checks and proposes the markets and collateral of a listing file

  --deployment FILE   address book that the deployment wrote
  --rpc URL           JSON-RPC endpoint, http or https
  --parameters FILE   otherwise the one that the address book names, in deploy/parameters
  --from ADDRESS      who would call; otherwise the key's account, or the governor of the file
  --key-env NAME      environment variable that holds the private key of who calls
  --send              send transactions; without it only say what would be sent
  --safe FILE         write them for Safe's Transaction Builder, in place of sending
  --only PATH         of the file, as assets.ETH.market or assets.*.risk; may be given again. Without it: all
  --call CALL         of propose: one call in place of the file's, as "clearingHouse.windDown(ETH)"
  --at TIME           of propose: not to be executed before, as 2026-12-01T12:00:00Z
  --allow-refused     of propose and list: also what a contract would refuse if it were executed now
  --operation ID      of execute and cancel; may be given again
  --all               of execute and cancel: all that are due, all that are scheduled
  --listing FILE      of list: what is to be listed; without it, what the parameter file has and the deployment has not
  --holder ADDRESS    of list: an account that has the token, to try transfers with
  --json              print one JSON object`;

export interface Config {
  readonly command: Command;
  readonly rpc: string;
  readonly book: AddressBook;
  readonly parameters: Parameters;
  readonly from: string;
  /** Of `from`; undefined without. */
  readonly key: string | undefined;
  readonly send: boolean;
  readonly safe: string | undefined;
  readonly only: readonly string[];
  readonly call: string | undefined;
  /** Unix seconds; 0: as early as may be. */
  readonly when: bigint;
  readonly allowRefused: boolean;
  readonly operations: readonly string[];
  readonly all: boolean;
  readonly listing: string | undefined;
  readonly holder: string | undefined;
  readonly json: boolean;
}

/** Options that only some commands know. */
const ONLY_FOR: Readonly<Record<string, readonly Command[]>> = {
  send: ["propose", "execute", "cancel", "list"],
  safe: ["propose", "execute", "cancel", "list"],
  only: ["plan", "propose"],
  call: ["propose"],
  at: ["propose", "list"],
  "allow-refused": ["propose", "list"],
  operation: ["execute", "cancel"],
  all: ["execute", "cancel"],
  listing: ["list"],
  holder: ["list"],
};

/** Throws a ConfigError that says what is wrong, and never shows the key. */
export async function parseConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Config> {
  const { values, positionals } = read(argv);
  const command = commandOf(positionals);
  for (const [option, commands] of Object.entries(ONLY_FOR)) {
    const given = (values as Record<string, unknown>)[option];
    if (given !== undefined && given !== false && !commands.includes(command)) {
      throw new ConfigError(`--${option} is not for ${command}`);
    }
  }
  const { deployment = "" } = values;
  if (deployment === "") throw new ConfigError("--deployment is missing");
  const rpc = endpointOf(values.rpc);
  const operations = values.operation ?? [];
  const acts = command === "execute" || command === "cancel";
  if (acts && operations.length === 0 && !values.all) throw new ConfigError("--operation or --all is missing");
  if (operations.length > 0 && values.all) throw new ConfigError("--operation and --all exclude each other");
  for (const id of operations) {
    if (!/^0x[0-9a-fA-F]{64}$/.test(id)) throw new ConfigError(`--operation is no id (0x and 64 hex digits): ${id}`);
  }
  if (values.send && values.safe !== undefined) throw new ConfigError("--send and --safe exclude each other");
  if (values.call !== undefined && values.only !== undefined) {
    throw new ConfigError("--call and --only exclude each other");
  }

  const key = keyOf(values["key-env"], env);
  if (values.send && key === undefined) throw new ConfigError("--send needs --key-env");
  const book = await asConfig(() => readAddressBook(deployment));
  const parameters = await asConfig(async () => loadParameters(fileOf(book, values.parameters)));
  return {
    command,
    rpc,
    book,
    parameters,
    from: callerOf(values.from, key, { book, parameters }),
    key,
    send: values.send,
    safe: values.safe,
    only: values.only ?? [],
    call: values.call,
    when: timeOf(values.at),
    allowRefused: values["allow-refused"],
    operations,
    all: values.all,
    listing: values.listing === undefined ? undefined : resolve(values.listing),
    holder: values.holder === undefined ? undefined : addressOf("holder", values.holder),
    json: values.json,
  };
}

function commandOf(positionals: readonly string[]): Command {
  const [command, extra] = positionals;
  if (command === undefined) throw new ConfigError(`a command is missing: ${COMMANDS.join(", ")}`);
  if (extra !== undefined) throw new ConfigError(`one command at a time, not ${extra} too`);
  const known = COMMANDS.find((name) => name === command);
  if (known === undefined) throw new ConfigError(`no command ${command}: ${COMMANDS.join(", ")}`);
  return known;
}

function fileOf(book: AddressBook, given: string | undefined): string {
  if (given !== undefined) return resolve(given);
  const usual = join(import.meta.dirname, "../../deploy/parameters", book.parameters);
  if (!existsSync(usual)) throw new ConfigError(`no ${usual}: --parameters is missing`);
  return usual;
}

function keyOf(name: string | undefined, env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (name === undefined) return undefined;
  const key = env[name];
  if (key === undefined) throw new ConfigError(`the environment has no ${name}`);
  if (!/^0x[0-9a-fA-F]{64}$/.test(key)) throw new ConfigError(`${name} is not a private key (0x and 64 hex digits)`);
  return key;
}

function callerOf(
  given: string | undefined,
  key: string | undefined,
  { book, parameters }: { book: AddressBook; parameters: Parameters },
): string {
  const own = key === undefined ? undefined : new Wallet(key).address;
  if (given !== undefined) {
    const from = addressOf("from", given);
    if (own !== undefined && own !== from) throw new ConfigError(`--from is ${from}, the key is of ${own}`);
    return from;
  }
  const { governor } = parameters.governance;
  return own ?? (governor === "deployer" ? book.deployer : governor);
}

function addressOf(option: string, text: string): string {
  const address = addressIn(text);
  if (address === undefined) throw new ConfigError(`--${option} is not an address: ${text}`);
  return address;
}

function timeOf(text: string | undefined): bigint {
  if (text === undefined) return 0n;
  const milliseconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z$/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(milliseconds)) throw new ConfigError(`--at is not a time in UTC, as 2026-12-01T12:00:00Z: ${text}`);
  return BigInt(milliseconds / 1_000);
}

function read(argv: readonly string[]) {
  return readArguments({
    args: [...argv],
    allowPositionals: true,
    options: {
      deployment: { type: "string" },
      rpc: { type: "string" },
      parameters: { type: "string" },
      from: { type: "string" },
      "key-env": { type: "string" },
      send: { type: "boolean", default: false },
      safe: { type: "string" },
      only: { type: "string", multiple: true },
      call: { type: "string" },
      at: { type: "string" },
      "allow-refused": { type: "boolean", default: false },
      operation: { type: "string", multiple: true },
      all: { type: "boolean", default: false },
      listing: { type: "string" },
      holder: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
}
