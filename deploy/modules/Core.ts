import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

/**
 * The clearing house and its satellites, which know each other by immutables. The satellites come first, with the
 * address that the clearing house will have: one transaction each, strictly one after the other, so that it follows
 * from the deployer's nonce. `scripts/deploy/deploy.ts` computes it, and checks afterwards that all point back.
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
    [authority, predicted, m.getParameter("poolCooldown"), m.getParameter("poolDeviation")],
    { after: [orders] },
  );
  const clearingHouse = m.contract(
    "ClearingHouse",
    [
      authority,
      oracle,
      vault,
      orders,
      pool,
      m.getParameter("globals"),
      m.getParameter("groups"),
      m.getParameter("money"),
    ],
    {
      libraries: {
        Listings: m.contractAt("Listings", m.getParameter<string>("listings")),
        Liquidations: m.contractAt("Liquidations", m.getParameter<string>("liquidations")),
        PoolAccount: m.contractAt("PoolAccount", m.getParameter<string>("poolAccount")),
      },
      after: [pool],
    },
  );
  const lens = m.contract("Lens", [clearingHouse]);
  return { vault, orders, pool, clearingHouse, lens };
});

/** Contracts that this module deploys before the clearing house. */
export const SATELLITES = 3;
