/** An account with a book of a given shape, and the least equity with which each kind of margin lets it be opened. */
import { max, min, mulDivUp, PPM, WAD } from "../../model/fixed.ts";
import { NO_FUNDING } from "../../model/funding.ts";
import { isolate } from "../../model/isolated.ts";
import type { Holding } from "../../model/liquidation.ts";
import type { Price } from "../../model/price.ts";
import { assess, type Exposure, initialUp } from "../../model/risk.ts";
import { LabError } from "../errors.ts";
import { assetIndex, type Rules, tokenIndex, withoutCredit } from "./rules.ts";
import type { Shape } from "./shapes.ts";

export const MARGINS = ["isolated", "plain", "joint"] as const;
/** Each position alone with its share of what backs it; cross margin without credit between assets; the listed formula. */
export type Margin = (typeof MARGINS)[number];

/** Money WAD of settlement token. */
export interface BookAccount {
  readonly exposures: readonly Exposure[];
  readonly holdings: readonly Holding[];
  readonly cash: bigint;
}

export interface Opening {
  readonly rules: Rules;
  /** Live, by asset; of those that the book needs. */
  readonly prices: ReadonlyMap<number, Price>;
  /** Of the book, WAD of settlement token. */
  readonly size: bigint;
}

/** The rules of a kind of margin: isolated accounts follow the listed ones. */
export function rulesFor(margin: Margin, listed: Rules): Rules {
  return margin === "plain" ? withoutCredit(listed) : listed;
}

/** The book at its prices, filled without impact or fee, without cash. Throws a LabError where a price is missing. */
export function openBook(shape: Shape, { rules, prices, size }: Opening): BookAccount {
  const exposures = new Map<number, Exposure>();
  const holdings: Holding[] = [];
  const exposureTo = (asset: number): Exposure => {
    const price = prices.get(asset);
    const parameters = rules.assets[asset];
    if (price === undefined || parameters === undefined) throw new LabError(`no price of asset ${String(asset)}`);
    const { risk, sizes, trade } = parameters;
    const empty = { asset, price, size: 0n, quote: 0n, collateral: 0n, funding: NO_FUNDING, risk, sizes, trade };
    return exposures.get(asset) ?? empty;
  };
  for (const { symbol, share } of shape.legs) {
    const exposure = exposureTo(assetIndex(rules, symbol));
    const units = unitsOf(size * share, exposure.price);
    exposures.set(exposure.asset, { ...exposure, size: units, quote: -(units * exposure.price.last) / WAD });
  }
  for (const { symbol, share } of shape.held) {
    const token = tokenIndex(rules, symbol);
    const parameters = rules.tokens[token]?.parameters;
    if (parameters === undefined) continue;
    const exposure = exposureTo(parameters.asset);
    const amount = unitsOf(size * share, exposure.price);
    exposures.set(exposure.asset, { ...exposure, collateral: exposure.collateral + amount });
    holdings.push({ token, amount, parameters });
  }
  return { exposures: [...exposures.values()], holdings, cash: 0n };
}

/** The accounts that a kind of margin keeps a book in, sharing out its cash and collateral; nothing is lost. */
export function accountsOf(margin: Margin, account: BookAccount, rules: Rules): readonly BookAccount[] {
  if (margin !== "isolated") return [account];
  const parts = isolate({ exposures: account.exposures, cash: account.cash, groups: rules.groups, time: 0n });
  const given = account.holdings.map(() => 0n);
  return parts.map(({ exposures, cash }, index) => {
    const holdings = account.holdings.map((holding, token) => {
      const left = holding.amount - (given[token] ?? 0n);
      // One token per asset in what is compared, so a part's collateral in the asset is its amount of the token.
      const own = exposures.find(({ asset }) => asset === holding.parameters.asset)?.collateral ?? 0n;
      const amount = index === parts.length - 1 ? left : min(left, own);
      given[token] = (given[token] ?? 0n) + amount;
      return { ...holding, amount };
    });
    return { exposures, holdings: holdings.filter(({ amount }) => amount !== 0n), cash };
  });
}

export interface Capital {
  /** R_I of the book; of isolated accounts the sum. WAD, rounded up. */
  readonly requirement: bigint;
  /** Least equity with which it may be opened: R_I, and never more debt than λ_I of the collateral. WAD, rounded up. */
  readonly least: bigint;
}

/** What a kind of margin asks of a book. @param rules Those of the kind. */
export function capitalUp(margin: Margin, account: BookAccount, rules: Rules): Capital {
  return accountsOf(margin, account, rules)
    .map(({ exposures }) => {
      const terms = assess({ exposures, cash: 0n, groups: rules.groups, time: 0n, end: "worse" });
      const requirement = initialUp(terms);
      const owned = mulDivUp(terms.collateralValue, PPM - rules.globals.shortfallInitial, PPM);
      return { requirement, least: max(requirement, owned) };
    })
    .reduce((sum, part) => ({ requirement: sum.requirement + part.requirement, least: sum.least + part.least }), {
      requirement: 0n,
      least: 0n,
    });
}

/** The book with so much equity (WAD): cash is what collateral leaves over, or debt. */
export function withEquity(account: BookAccount, equity: bigint, rules: Rules): BookAccount {
  const { exposures } = account;
  const bare = assess({ exposures, cash: 0n, groups: rules.groups, time: 0n, end: "worse" }).weighted;
  return { ...account, cash: equity - bare };
}

/** Base units, WAD, toward zero. */
function unitsOf(value: bigint, { last }: Price): bigint {
  return (value * WAD) / (PPM * last);
}
