/** One contract to callers, in two parts: what answers to each function of `IClearingHouse`. */
import { expect } from "chai";
import { Interface } from "ethers";
import hre from "hardhat";

describe("IClearingHouse", () => {
  it("has each function in exactly one of the clearing house and its extension", async () => {
    const shared = await functionsOf("Clearing");
    const house = await functionsOf("ClearingHouse");
    const extension = await functionsOf("ClearingHouseExtension");

    for (const [selector, name] of await functionsOf("IClearingHouse")) {
      const places = [house, extension].filter((functions) => functions.has(selector)).length;
      // Links and authority are in both; the clearing house answers before its fallback would ask the extension.
      expect(places, name).to.equal(shared.has(selector) ? 2 : 1);
    }
  });

  it("has all that either of them does", async () => {
    const declared = await functionsOf("IClearingHouse");

    for (const part of ["ClearingHouse", "ClearingHouseExtension"]) {
      const others = [...(await functionsOf(part))].filter(([selector]) => !declared.has(selector));
      expect(others.map(([, name]) => name)).to.deep.equal(part === "ClearingHouse" ? ["extension()"] : []);
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
