import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

/**
 * The clearing house and its satellites, which know each other by immutables. The satellites come first, with the
 * address that the clearing house will have, then its governance and its extension: one transaction each, strictly one after the other, so
 * that it follows from the deployer's nonce. `scripts/deploy/deploy.ts` computes it, and checks afterwards that all point
 * back.
 */
export default buildModule("Core", (m) => {
  const authority = m.getParameter<string>("authority");
  const oracle = m.getParameter<string>("oracle");
  const predicted = m.getParameter<string>("clearingHouse");

  const vault = m.contract("Vault", [
    authority,
    predicted,
    m.getParameter("settlementToken"),
    m.getParameter("settlementCap"),
    m.getParameter("settlementOutflowLimit"),
  ]);
  const orders = m.contract("Orders", [authority, predicted, oracle, m.getParameter("orderSettings")], {
    after: [vault],
  });
  const pool = m.contract(
    "LiquidityPool",
    [authority, predicted, vault, m.getParameter("poolCooldown"), m.getParameter("poolDeviation")],
    { after: [orders] },
  );
  const insuranceFund = m.contract("InsuranceFund", [authority, predicted, m.getParameter("insuranceTargetShare")], {
    after: [pool],
  });

  const library = (name: string) => m.contractAt(name, m.getParameter<string>(name));
  const Listings = library("Listings");
  const Liquidations = library("Liquidations");
  const Deleveraging = library("Deleveraging");
  const links = { authority, oracle, vault, orders, pool, insuranceFund };
  const governance = m.contract("ClearingHouseGovernance", [links], {
    libraries: { Deleveraging, Listings, Ramps: library("Ramps"), Settings: library("Settings") },
    after: [insuranceFund],
  });
  const extension = m.contract("ClearingHouseExtension", [links, governance], {
    libraries: {
      Listings,
      Liquidations,
      PoolAccount: library("PoolAccount"),
      Waterfall: library("Waterfall"),
      Deleveraging,
    },
    after: [governance],
  });
  const clearingHouse = m.contract(
    "ClearingHouse",
    [links, extension, m.getParameter("globals"), m.getParameter("groups"), m.getParameter("money")],
    { libraries: { Listings, Liquidations }, after: [extension] },
  );
  const lens = m.contract("Lens", [clearingHouse]);
  return { vault, orders, pool, insuranceFund, governance, extension, clearingHouse, lens };
});

/** Contracts that this module deploys before the clearing house: four satellites, governance and extension. */
export const BEFORE_CLEARING_HOUSE = 6;
