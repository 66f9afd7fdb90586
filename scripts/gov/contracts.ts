/** The contracts of a deployment through any provider, and what they say when they refuse. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Contract, type ContractRunner, Interface, type InterfaceAbi } from "ethers";

import { accessManagerArtifact } from "../../deploy/modules/Foundation.ts";
import { type AddressBook, CONTRACTS, type ContractName } from "../deploy/addressBook.ts";
import type { Contracts } from "../deploy/contracts.ts";
import { PlimsollError } from "../deploy/PlimsollError.ts";

/** Where the interface of each contract is built; the manager's is published by OpenZeppelin. */
const SOURCES: Readonly<Record<string, string>> = {
  oracle: "oracles/IPriceOracle.sol/IPriceOracle",
  clearingHouse: "interfaces/IClearingHouse.sol/IClearingHouse",
  extension: "ClearingHouseExtension.sol/ClearingHouseExtension",
  vault: "Vault.sol/Vault",
  orders: "Orders.sol/Orders",
  pool: "LiquidityPool.sol/LiquidityPool",
  insuranceFund: "InsuranceFund.sol/InsuranceFund",
  governance: "ClearingHouseGovernance.sol/ClearingHouseGovernance",
  lens: "Lens.sol/Lens",
  governanceLens: "GovernanceLens.sol/GovernanceLens",
  oracleHealth: "OracleHealth.sol/OracleHealth",
};

/** Whose errors pass through the contracts above. */
const LIBRARIES = ["ClearingHouse.sol/ClearingHouse", "oracles/ChainlinkPush.sol/ChainlinkPush"];

const artifacts = join(import.meta.dirname, "../../artifacts/contracts");

/** Throws a PlimsollError where nothing has been built. */
export function interfaceOf(name: ContractName): Interface {
  if (name === "authority") return new Interface([...accessManagerArtifact.abi] as InterfaceAbi);
  const source = SOURCES[name];
  if (source === undefined) throw new RangeError(`no source of ${name}`);
  return builtInterface(source);
}

function builtInterface(source: string): Interface {
  try {
    const { abi } = JSON.parse(readFileSync(join(artifacts, `${source}.json`), "utf8")) as { abi: InterfaceAbi };
    return new Interface(abi);
  } catch (cause) {
    throw new PlimsollError(`no artifact of ${source}: build first`, { cause });
  }
}

export function contractsThrough(runner: ContractRunner, addresses: AddressBook["contracts"]): Contracts {
  const made: Record<string, Contract> = {};
  for (const name of CONTRACTS) made[name] = new Contract(addresses[name], interfaceOf(name), runner);
  return made as unknown as Contracts;
}

let known: readonly Interface[] | undefined;

/** The error that revert data stands for, with its arguments; undefined for one that no contract here has. */
export function errorIn(data: string): { readonly name: string; readonly text: string } | undefined {
  known ??= [...CONTRACTS.map(interfaceOf), ...LIBRARIES.map(builtInterface)];
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
