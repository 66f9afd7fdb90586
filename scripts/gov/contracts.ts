/** The contracts of a deployment through any provider, and what they say when they refuse. */
import { Contract, type ContractRunner, Interface } from "ethers";

import { type AddressBook, CONTRACTS, type ContractName } from "../deploy/addressBook.ts";
import type { Contracts } from "../deploy/contracts.ts";
import { builtAs, readArtifact } from "./artifacts.ts";

/** What callers see of contracts that consist of several parts. */
const WHOLE: Readonly<Partial<Record<ContractName, string>>> = {
  oracle: "oracles/IPriceOracle.sol/IPriceOracle",
  clearingHouse: "interfaces/IClearingHouse.sol/IClearingHouse",
};

/** Whose errors pass through the contracts above. */
const LIBRARIES = ["ClearingHouse.sol/ClearingHouse", "oracles/ChainlinkPush.sol/ChainlinkPush"];

/** Throws a PlimsollError where nothing has been built. */
export function interfaceOf(name: ContractName): Interface {
  const whole = WHOLE[name];
  return new Interface((whole === undefined ? builtAs(name) : readArtifact(whole)).abi);
}

export function contractsThrough(runner: ContractRunner, addresses: AddressBook["contracts"]): Contracts {
  const made: Record<string, Contract> = {};
  for (const name of CONTRACTS) made[name] = new Contract(addresses[name], interfaceOf(name), runner);
  return made as unknown as Contracts;
}

let known: readonly Interface[] | undefined;

/** The error that revert data stands for, with its arguments; undefined for one that no contract here has. */
export function errorIn(data: string): { readonly name: string; readonly text: string } | undefined {
  known ??= [...CONTRACTS.map(interfaceOf), ...LIBRARIES.map((source) => new Interface(readArtifact(source).abi))];
  for (const candidate of known) {
    const parsed = candidate.parseError(data);
    if (parsed === null) continue;
    const args = parsed.args.map((arg: unknown) => showArgument(arg)).join(", ");
    return { name: parsed.name, text: `${parsed.name}(${args})` };
  }
  return undefined;
}

/** Names of parameters are kept as bytes32 in errors. */
function showArgument(arg: unknown): string {
  if (typeof arg !== "string" || !/^0x[0-9a-f]{64}$/.test(arg)) return String(arg);
  const text = Buffer.from(arg.slice(2), "hex").toString("latin1").replace(/\0+$/, "");
  return /^[\w ]+$/.test(text) ? text : arg;
}

/** Revert data as text. */
export function refusalText(data: string): string {
  return errorIn(data)?.text ?? (data === "0x" ? "it reverts without a reason" : `it reverts with ${data}`);
}

/** What a call was refused with: the error of a contract, or what the node says. */
export function refusalOf(error: unknown): string {
  const data = revertDataOf(error);
  const parsed = data === undefined ? undefined : errorIn(data);
  if (parsed !== undefined) return parsed.text;
  const { shortMessage } = error as { shortMessage?: string };
  const text = shortMessage ?? (error instanceof Error ? error.message : String(error));
  return data === undefined || data === "0x" ? text : `${text} ${data}`;
}

/** What a call reverted with; undefined if it failed otherwise. Nodes put it in different places. */
export function revertDataOf(error: unknown): string | undefined {
  for (let current: unknown = error, depth = 0; depth < 5 && typeof current === "object" && current !== null; ++depth) {
    const { data, info, error: inner, cause } = current as Record<string, unknown>;
    if (typeof data === "string" && data.startsWith("0x")) return data;
    const nested = (data as { data?: unknown } | null | undefined)?.data;
    if (typeof nested === "string" && nested.startsWith("0x")) return nested;
    current = inner ?? (info as { error?: unknown } | undefined)?.error ?? cause;
  }
  return undefined;
}
