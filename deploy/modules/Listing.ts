import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { Future } from "@nomicfoundation/ignition-core";

export interface ListingPlan {
  readonly collaterals: readonly { readonly symbol: string }[];
  /** Assets with hours, and such whose orders settle by a stream; by their indices in the oracle. */
  readonly hours: readonly { readonly symbol: string; readonly asset: number }[];
  readonly settlements: readonly { readonly symbol: string; readonly asset: number }[];
}

/** Feeds, assets and collateral, so that their indices are those of the parameter file. */
export function listingModule({ collaterals, hours, settlements }: ListingPlan) {
  return buildModule("Listing", (m) => {
    const oracle = m.contractAt("IPriceOracle", m.getParameter<string>("oracle"));
    const vault = m.contractAt("Vault", m.getParameter<string>("vault"));
    const clearingHouse = m.contractAt("IClearingHouse", m.getParameter<string>("clearingHouse"));

    const feeds = m.call(oracle, "list", [m.getParameter("feeds")]);
    m.call(oracle, "setEnvironment", [m.getParameter("environment")], { after: [feeds] });
    // First: a stream is compared with the accepted price, and its reports do not stay young.
    for (const { symbol, asset } of settlements) {
      m.call(oracle, "setSettlement", [asset, m.getParameter(`${symbol}Stream`), m.getParameter(`${symbol}Window`)], {
        id: `${symbol}Settlement`,
        after: [feeds],
      });
    }
    for (const { symbol, asset } of hours) {
      m.call(oracle, "setSessions", [asset, m.getParameter(`${symbol}Sessions`)], {
        id: `${symbol}Sessions`,
        after: [feeds],
      });
    }

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
