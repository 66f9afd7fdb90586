/** What the build has made of the contracts of a deployment. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import accessManager from "@openzeppelin/contracts/build/contracts/AccessManager.json" with { type: "json" };
import type { InterfaceAbi } from "ethers";

import type { ContractName } from "../deploy/addressBook.ts";
import { PlimsollError } from "../deploy/PlimsollError.ts";

interface Range {
  readonly start: number;
  readonly length: number;
}

export interface Built {
  readonly abi: InterfaceAbi;
  readonly deployedBytecode: string;
  readonly immutableReferences?: Readonly<Record<string, readonly Range[]>>;
  readonly deployedLinkReferences?: Readonly<Record<string, Readonly<Record<string, readonly Range[]>>>>;
}

/** Where the code of each is built; the manager's is published by OpenZeppelin. */
const SOURCES: Readonly<Record<Exclude<ContractName, "authority">, string>> = {
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

const folder = join(import.meta.dirname, "../../artifacts/contracts");

/** The artifact of a contract of the deployment. Throws a PlimsollError where nothing has been built. */
export function builtAs(name: ContractName): Built {
  return name === "authority" ? accessManager : readArtifact(SOURCES[name]);
}

/** @param source As `Vault.sol/Vault`. Throws a PlimsollError where nothing has been built. */
export function readArtifact(source: string): Built {
  try {
    return JSON.parse(readFileSync(join(folder, `${source}.json`), "utf8")) as Built;
  } catch (cause) {
    throw new PlimsollError(`no artifact of ${source}: build first`, { cause });
  }
}
