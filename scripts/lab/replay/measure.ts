/** What a book needs, by the model, before it is opened. */
import type { Parameters } from "../../deploy/parameters.ts";
import { NO_FUNDING } from "../../model/funding.ts";
import { livePrice } from "../../model/price.ts";
import { assess, type Exposure, initialUp } from "../../model/risk.ts";
import { rulesOf } from "../compare/rules.ts";
import type { Leg, TokenAmount } from "./cast.ts";

/** Positions and collateral, filled at the prices of the measure. */
export interface Book {
  readonly exposures: readonly Exposure[];
  /** WAD of settlement token. */
  readonly collateralValue: bigint;
}

export interface Measure {
  /** Cash is left out. */
  readonly bookOf: (legs: readonly Leg[], funds: readonly TokenAmount[]) => Book;
  readonly initialOf: (exposures: readonly Exposure[]) => bigint;
  readonly priceOf: (symbol: string) => bigint;
}

const WAD = 10n ** 18n;

/** @param priceOf WAD by symbol of an asset. */
export function measureOf(parameters: Parameters, priceOf: (symbol: string) => bigint): Measure {
  const { assets, groups } = rulesOf(parameters);
  const symbols = parameters.assets.map(({ symbol }) => symbol);
  const emptyOf = (symbol: string): Exposure => {
    const asset = symbols.indexOf(symbol);
    const rules = assets[asset];
    if (rules === undefined) throw new Error(`no asset ${symbol}`);
    const { risk, sizes, trade } = rules;
    const price = livePrice(priceOf(symbol));
    return { asset, price, size: 0n, quote: 0n, collateral: 0n, funding: NO_FUNDING, risk, sizes, trade };
  };
  return {
    priceOf,
    initialOf: (exposures) => initialUp(assess({ exposures, cash: 0n, groups, time: 0n, end: "worse" })),
    bookOf: (legs, funds) => {
      const held = new Map<string, Exposure>();
      for (const { symbol, size } of legs) {
        const before = held.get(symbol) ?? emptyOf(symbol);
        const grown = before.size + size;
        held.set(symbol, { ...before, size: grown, quote: -(grown * before.price.last) / WAD });
      }
      let collateralValue = 0n;
      for (const { token, amount } of funds) {
        const asset = parameters.collaterals.find(({ symbol }) => symbol === token)?.asset;
        if (asset === undefined) continue;
        const symbol = symbols[asset] ?? "";
        const before = held.get(symbol) ?? emptyOf(symbol);
        held.set(symbol, { ...before, collateral: before.collateral + amount });
        collateralValue += (amount * before.price.last) / WAD;
      }
      return { exposures: [...held.values()], collateralValue };
    },
  };
}

/** R_I of a book, WAD, rounded up. */
export function marginFor(measure: Measure, { exposures }: Book): bigint {
  return measure.initialOf(exposures);
}

/** |size|·P, WAD. */
export function legValue({ priceOf }: Measure, { symbol, size }: Leg): bigint {
  return ((size < 0n ? -size : size) * priceOf(symbol)) / WAD;
}
