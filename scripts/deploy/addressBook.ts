/** Where a deployment is: what frontends, keepers and other scripts start from. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { PlimsollError } from "./PlimsollError.ts";
import { address, at, integer, object, ParameterError, type Place, record, text, type Reader } from "./readers.ts";

export const CONTRACTS = [
  "authority",
  "oracle",
  "clearingHouse",
  "extension",
  "governance",
  "vault",
  "orders",
  "pool",
  "insuranceFund",
  "lens",
  "oracleHealth",
  "governanceLens",
] as const;

export type ContractName = (typeof CONTRACTS)[number];

export interface AddressBook {
  /** Of the parameter file. */
  readonly parameters: string;
  readonly chainId: bigint;
  /** No event of the deployment is in an earlier block. */
  readonly block: bigint;
  readonly deployer: string;
  readonly contracts: Readonly<Record<ContractName, string>>;
  readonly libraries: Readonly<Record<string, string>>;
  /** By symbol; the settlement token first, then collateral in the order of its index. */
  readonly tokens: Readonly<Record<string, string>>;
  /** Sources of prices by symbol, in the order of asset indices. */
  readonly feeds: Readonly<Record<string, string>>;
  /** Feeds behind computed sources that no asset has, by name: `WSTETH.market.0`. */
  readonly legs: Readonly<Record<string, string>>;
  /** ERC-4626 vaults whose shares are priced, by symbol. */
  readonly vaults: Readonly<Record<string, string>>;
  /** Of the reports that orders settle by, by symbol. */
  readonly streams: Readonly<Record<string, string>>;
  /** Where reports are brought; the zero address where no market settles by them. */
  readonly streamReports: string;
  readonly reportRelay: string;
  /** Uptime feed; the zero address where there is none. */
  readonly sequencer: string;
  /** Of Data Streams; the zero address where there is none. */
  readonly verifier: string;
  /** Aggregators behind the proxies, on a local chain only. */
  readonly aggregators: Readonly<Record<string, string>>;
}

export function writeAddressBook(file: string, book: AddressBook): void {
  mkdirSync(dirname(file), { recursive: true });
  const json = JSON.stringify(book, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value), 2);
  writeFileSync(file, `${json}\n`);
}

/** Throws a PlimsollError for a file that is not there or not an address book. */
export function readAddressBook(file: string): AddressBook {
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new PlimsollError(`cannot read the deployment ${file}`, { cause });
  }
  return bookReader(raw, { file, path: "" });
}

/** A whole number in a string, as JSON has no bigint. */
const whole: Reader<bigint> = (value, place) => {
  if (typeof value !== "string" || !/^\d+$/.test(value)) throw new ParameterError("not a number", place, value);
  return integer({ min: 0n, max: 1n << 64n })(BigInt(value), place);
};

const addresses = (value: unknown, place: Place) => Object.fromEntries(record(() => address())(value, place));

const bookReader = object({
  parameters: text,
  chainId: whole,
  block: whole,
  deployer: address(),
  contracts: (value: unknown, place: Place) => {
    const read = addresses(value, place);
    const missing = CONTRACTS.find((name) => !Object.hasOwn(read, name));
    if (missing !== undefined) throw new ParameterError("missing key", at(place, missing), undefined);
    return read as Record<ContractName, string>;
  },
  libraries: addresses,
  tokens: addresses,
  feeds: addresses,
  legs: addresses,
  vaults: addresses,
  streams: addresses,
  streamReports: address(),
  reportRelay: address(),
  sequencer: address(),
  verifier: address(),
  aggregators: addresses,
});
