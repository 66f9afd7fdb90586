import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { Artifact } from "@nomicfoundation/ignition-core";
import accessManager from "@openzeppelin/contracts/build/contracts/AccessManager.json" with { type: "json" };

/** OpenZeppelin publishes the contract built; what is deployed is what they have audited. */
export const accessManagerArtifact = accessManager as unknown as Artifact;

/** What needs no address of the core: who may do what, prices, and the code that the clearing house is linked with. */
export default buildModule("Foundation", (m) => {
  const authority = m.contract("AccessManager", accessManagerArtifact, [m.getParameter("admin")]);
  const oracle = m.contract("PriceOracle", [authority]);
  return {
    authority,
    oracle,
    Listings: m.library("Listings"),
    Ramps: m.library("Ramps"),
    Settings: m.library("Settings"),
    Liquidations: m.library("Liquidations"),
    PoolAccount: m.library("PoolAccount"),
    Waterfall: m.library("Waterfall"),
    Deleveraging: m.library("Deleveraging"),
  };
});
