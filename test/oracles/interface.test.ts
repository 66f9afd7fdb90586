/** One oracle to callers, in two parts: what answers to each function of `IPriceOracle`. */
import { expect } from "chai";
import { Interface } from "ethers";
import hre from "hardhat";

import { createWorld, ethers } from "./fixture.ts";

describe("IPriceOracle", () => {
  it("has each function in exactly one of the oracle and its extension", async () => {
    const shared = await functionsOf("Feeds");
    const oracle = await functionsOf("PriceOracle");
    const extension = await functionsOf("PriceOracleExtension");

    for (const [selector, name] of await functionsOf("IPriceOracle")) {
      const places = [oracle, extension].filter((functions) => functions.has(selector)).length;
      // The authority is in both; the oracle answers before its fallback would ask the extension.
      expect(places, name).to.equal(shared.has(selector) ? 2 : 1);
    }
  });

  it("has all that either of them does", async () => {
    const declared = await functionsOf("IPriceOracle");

    for (const part of ["PriceOracle", "PriceOracleExtension"]) {
      const others = [...(await functionsOf(part))].filter(([selector]) => !declared.has(selector));
      expect(others.map(([, name]) => name)).to.deep.equal(part === "PriceOracle" ? ["extension()"] : []);
    }
  });

  it("is not reached through the extension's own address, which has no feeds", async () => {
    const { oracle } = await createWorld();
    const deployed = await ethers.getContractAt("PriceOracle", await oracle.getAddress());
    const extension = await ethers.getContractAt("PriceOracleExtension", await deployed.extension());
    expect(await extension.assetCount()).to.equal(0n);
    expect(await oracle.assetCount()).to.equal(1n);
  });
});

/** Signatures by selector. */
async function functionsOf(contract: string): Promise<Map<string, string>> {
  const { abi } = await hre.artifacts.readArtifact(contract);
  const functions = new Map<string, string>();
  new Interface(abi).forEachFunction((fragment) => functions.set(fragment.selector, fragment.format()));
  return functions;
}
