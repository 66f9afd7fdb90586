/** One call as a person writes it: `clearingHouse.windDown(ETH)`, `authority.grantRole(guardian, 0x…, 0 s)`. */
import type { Interface, ParamType } from "ethers";

import { ROLES, type Role } from "../../deploy/roles.ts";
import { ConfigError } from "../command.ts";
import { amount, duration, type Place } from "../deploy/readers.ts";
import { ADMIN, type Call, callOf, TARGET_NAMES } from "./authority.ts";
import type { Gov } from "./gov.ts";
import { SETTLEMENT } from "./setters.ts";
import { addressIn } from "./units.ts";

/** Throws a ConfigError for what is no call of the deployment, or has an argument in the wrong unit. */
export function parseCall(gov: Gov, text: string): Call {
  const [, targetName = "", method = "", list = ""] = /^(\w+)\.(\w+)\((.*)\)$/s.exec(text.trim()) ?? [];
  const target = TARGET_NAMES.find((name) => name === targetName);
  if (target === undefined) {
    throw new ConfigError(`no call, as clearingHouse.windDown(ETH), of ${TARGET_NAMES.join(", ")}: ${text}`);
  }
  const found = functionsNamed(gov.contracts[target].interface, method);
  if (found === null) throw new ConfigError(`${target} has no function ${method}`);
  const given = list.trim() === "" ? [] : list.split(",").map((part) => part.trim());
  const signature = found.inputs.map(({ name, type }) => `${name}: ${type}`).join(", ");
  if (given.length !== found.inputs.length) {
    const counts = `${String(found.inputs.length)} arguments (${signature}), not ${String(given.length)}`;
    throw new ConfigError(`${method} takes ${counts}`);
  }
  const args = found.inputs.map((input, index) => readArgument(gov, input, given[index] ?? ""));
  return callOf(gov, target, method, args);
}

function functionsNamed(abi: Interface, method: string) {
  const found = abi.fragments.filter(
    (fragment) => fragment.type === "function" && "name" in fragment && fragment.name === method,
  );
  return found.length === 1 ? abi.getFunction(method) : null;
}

const MONEY = amount("USD", { min: "0", max: "1000000000000" });
const SECONDS = duration({ min: "0 s", max: "3650 d" });

function readArgument({ intent: { parameters } }: Gov, input: ParamType, text: string): unknown {
  const { name, type } = input;
  const place: Place = { file: "--call", path: name };
  const indexIn = (symbols: readonly string[]): number | undefined => {
    const index = symbols.indexOf(text);
    return index < 0 ? undefined : index;
  };
  const symbols = (entries: readonly { symbol: string }[]): string[] => entries.map(({ symbol }) => symbol);
  if (type === "address") {
    const address = addressIn(text);
    if (address === undefined) throw new ConfigError(`${name} is not an address: ${text}`);
    return address;
  }
  if (type === "bytes32" && /^0x[0-9a-fA-F]{64}$/.test(text)) return text;
  if (!/^u?int\d*$/.test(type)) throw new ConfigError(`${name}: a ${type} cannot be written in a call`);
  if (name === "asset") {
    const index = indexIn(symbols(parameters.assets));
    if (index !== undefined) return index;
  }
  if (name === "token") {
    if (text === parameters.settlement.symbol) return SETTLEMENT;
    const index = indexIn(symbols(parameters.collaterals));
    if (index !== undefined) return index;
  }
  if (name === "roleId" || name === "guardian" || name === "admin") {
    if (text === "admin") return ADMIN;
    if (Object.hasOwn(ROLES, text)) return ROLES[text as Role];
  }
  if (name === "amount") return MONEY(text, place);
  if (/delay$|^duration$|cooldown/i.test(name)) return SECONDS(text, place);
  throw new ConfigError(`${name}: not understood: ${text}`);
}
