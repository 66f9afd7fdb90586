/** What this tree has built of a deployment, by the names of the address book. */
import type { InterfaceAbi } from "ethers";

import { CONTRACTS, type ContractName } from "../deploy/addressBook.ts";
import { type Built, builtAs, readArtifact } from "../gov/artifacts.ts";
import type { Target } from "./roles.ts";

/** Parts that the address book has elsewhere, or not at all. */
const OTHERS: Readonly<Record<string, string>> = {
  oracleExtension: "oracles/PriceOracleExtension.sol/PriceOracleExtension",
  reportRelay: "oracles/ReportRelay.sol/ReportRelay",
  streamReports: "oracles/StreamReports.sol/StreamReports",
};

/** Of what hands calls on, all functions that it answers to. */
const FACES: Partial<Record<Target, string>> = {
  clearingHouse: "interfaces/IClearingHouse.sol/IClearingHouse",
  oracle: "oracles/IPriceOracle.sol/IPriceOracle",
};

/** @param name Of a contract, a part or a library. Throws a PlimsollError where nothing has been built. */
export function builtOf(name: string): Built {
  if (isContract(name)) return builtAs(name);
  return readArtifact(OTHERS[name] ?? `libraries/${name}.sol/${name}`);
}

export function abiOf(target: Target): InterfaceAbi {
  const face = FACES[target];
  return face === undefined ? builtAs(target).abi : readArtifact(face).abi;
}

function isContract(name: string): name is ContractName {
  return CONTRACTS.some((known) => known === name);
}
