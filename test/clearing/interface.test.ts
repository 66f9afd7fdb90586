/** One contract to callers, in three parts: what answers to each function of `IClearingHouse`. */
import { expect } from "chai";
import { Interface } from "ethers";
import hre from "hardhat";

/** The parts, each with what callers are not told of: where the next one is. */
const OWN = {
  ClearingHouse: ["extension()"],
  ClearingHouseExtension: ["governance()"],
  ClearingHouseGovernance: [],
};

describe("IClearingHouse", () => {
  it("has each function in exactly one of the clearing house, its extension and its governance", async () => {
    const shared = await functionsOf("Clearing");
    const parts = [];
    for (const part of Object.keys(OWN)) parts.push(await functionsOf(part));

    for (const [selector, name] of await functionsOf("IClearingHouse")) {
      const places = parts.filter((functions) => functions.has(selector)).length;
      // Links and authority are in all; the clearing house answers before its fallback would ask the extension.
      expect(places, name).to.equal(shared.has(selector) ? parts.length : 1);
    }
  });

  it("has all that any of them does", async () => {
    const declared = await functionsOf("IClearingHouse");

    for (const [part, own] of Object.entries(OWN)) {
      const others = [...(await functionsOf(part))].filter(([selector]) => !declared.has(selector));
      expect(others.map(([, name]) => name)).to.deep.equal(own);
    }
  });
});

/** Signatures by selector. */
async function functionsOf(contract: string): Promise<Map<string, string>> {
  const { abi } = await hre.artifacts.readArtifact(contract);
  const functions = new Map<string, string>();
  new Interface(abi).forEachFunction((fragment) => functions.set(fragment.selector, fragment.format()));
  return functions;
}
