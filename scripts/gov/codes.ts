/** Whether the code at the addresses of a deployment is what this tree builds. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { accessManagerArtifact } from "../../deploy/modules/Foundation.ts";
import type { ContractName } from "../deploy/addressBook.ts";
import { PlimsollError } from "../deploy/PlimsollError.ts";
import type { Gov } from "./gov.ts";

interface Range {
  readonly start: number;
  readonly length: number;
}

interface Built {
  readonly deployedBytecode: string;
  readonly immutableReferences?: Readonly<Record<string, readonly Range[]>>;
  readonly deployedLinkReferences?: Readonly<Record<string, Readonly<Record<string, readonly Range[]>>>>;
}

/** Where each contract is built. */
const BUILDS: Readonly<Record<string, string>> = {
  oracle: "oracles/PriceOracle.sol/PriceOracle",
  clearingHouse: "ClearingHouse.sol/ClearingHouse",
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

/** Names of contracts whose code is another's; immutables and linked libraries apart, which the audit compares by views. */
export async function findForeignCode({ provider, intent: { book }, at }: Gov): Promise<ContractName[]> {
  const names = Object.keys(book.contracts) as ContractName[];
  const found = await Promise.all(
    names.map(async (name) => {
      const built = builtAs(name);
      if (built === undefined) return false;
      const code = await provider.getCode(book.contracts[name], at.blockTag);
      return masked(code, built) !== masked(built.deployedBytecode, built);
    }),
  );
  return names.filter((_, index) => found[index]);
}

function builtAs(name: ContractName): Built | undefined {
  if (name === "authority") return accessManagerArtifact;
  const source = BUILDS[name];
  if (source === undefined) return undefined;
  try {
    const file = join(import.meta.dirname, "../../artifacts/contracts", `${source}.json`);
    return JSON.parse(readFileSync(file, "utf8")) as Built;
  } catch (cause) {
    throw new PlimsollError(`no artifact of ${source}: build first`, { cause });
  }
}

/** With zeros where a deployment writes what only it knows. */
function masked(code: string, { immutableReferences = {}, deployedLinkReferences = {} }: Built): string {
  const digits = code.slice(2).split("");
  const links = Object.values(deployedLinkReferences).flatMap((library) => Object.values(library));
  for (const { start, length } of [...Object.values(immutableReferences), ...links].flat()) {
    digits.fill("0", 2 * start, 2 * (start + length));
  }
  return digits.join("").toLowerCase();
}
