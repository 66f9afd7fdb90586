import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { Future } from "@nomicfoundation/ignition-core";

/** Feeds, assets and collateral, so that their indices are those of the parameter file. */
export function listingModule(collaterals: readonly { symbol: string }[]) {
  return buildModule("Listing", (m) => {
    const oracle = m.contractAt("IPriceOracle", m.getParameter<string>("oracle"));
    const vault = m.contractAt("Vault", m.getParameter<string>("vault"));
    const clearingHouse = m.contractAt("IClearingHouse", m.getParameter<string>("clearingHouse"));

    const feeds = m.call(oracle, "list", [m.getParameter("feeds")]);
    m.call(oracle, "setEnvironment", [m.getParameter("environment")], { after: [feeds] });

    let last: Future = m.call(clearingHouse, "listAssets", [m.getParameter("assets")], { after: [feeds] });
    for (const { symbol } of collaterals) {
      // One after the other: the index of a token is the next free one, in the vault and in the clearing house.
      const custody: Future = m.call(
        vault,
        "list",
        [m.getParameter(`${symbol}Token`), m.getParameter(`${symbol}Cap`), m.getParameter(`${symbol}OutflowLimit`)],
        { id: `${symbol}Custody`, after: [last] },
      );
      last = m.call(
        clearingHouse,
        "listCollateral",
        [m.getParameter(`${symbol}Asset`), m.getParameter(`${symbol}SaleDiscount`), m.getParameter(`${symbol}Lot`)],
        { id: `${symbol}Collateral`, after: [custody] },
      );
    }
    return {};
  });
}
