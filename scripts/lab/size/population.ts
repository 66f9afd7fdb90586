/** Accounts that fill every market up to its caps: what insurance and the pool have to stand for. */
import { seeded } from "../../history/random.ts";
import type { Parameters } from "../../deploy/parameters.ts";
import { max, min, mulDivDown, PPM, WAD } from "../../model/fixed.ts";
import type { Price } from "../../model/price.ts";
import { type BookAccount, capitalUp, openBook, withEquity } from "../compare/account.ts";
import { assetIndex, type Rules } from "../compare/rules.ts";
import type { Shape } from "../compare/shapes.ts";
import { START_PRICES } from "../compare/sources.ts";

export interface Resident {
  readonly name: string;
  readonly shape: Shape;
  /** WAD of settlement token. */
  readonly size: bigint;
  /** Equity at the start over R_I, 1e-6. */
  readonly multiple: bigint;
}

/** Open interest of one market, WAD of settlement token. */
export interface Interest {
  readonly symbol: string;
  readonly asset: number;
  /** Of the crowded side: as much as its caps allow. */
  readonly crowded: bigint;
  /** Net size of traders: as much as its cap allows. */
  readonly skew: bigint;
}

/** Accounts of a side; the k-th is 1/k of the first, which has 48 %. */
const RESIDENTS_OF_SIDE = 4;
/** Of a side, 1e-6: outright; the rest is hedged by the side of another market. */
const OUTRIGHT = 750_000n;
const PAIRS = [
  ["BTC", "ETH"],
  ["SOL", "LINK"],
] as const;

/** What the caps allow, for a pool of a size (WAD) at the prices that drawn paths begin at. */
export function interestsOf({ assets }: Parameters, pool: bigint): readonly Interest[] {
  return assets.flatMap(({ symbol, listing }, asset) => {
    const price = START_PRICES.get(symbol);
    if (!listing.market || price === undefined) return [];
    const inUnits = mulDivDown(listing.openInterestCap, price, WAD);
    const crowded = min(inUnits, mulDivDown(pool, listing.openInterestShare, PPM));
    return [{ symbol, asset, crowded, skew: min(crowded, mulDivDown(listing.skewCap, price, WAD)) }];
  });
}

/** The same accounts for the same seed. Longs are the crowded side. */
export function residentsOf(interests: readonly Interest[], seed: number): readonly Resident[] {
  const random = seeded(seed);
  // Most are near what is asked of them, few far above.
  const drawMultiple = (): bigint => PPM + BigInt(Math.round(1.5e6 * random() ** 2));
  const weights = Array.from({ length: RESIDENTS_OF_SIDE }, (_, index) => PPM / BigInt(index + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0n);
  const split = (name: string, amount: bigint, legs: Shape["legs"]): readonly Resident[] =>
    weights.map((weight, index) => ({
      name: `${name} ${index + 1}`,
      shape: { name, kind: legs.length === 1 ? "outright" : "pair", legs, held: [] },
      size: mulDivDown(amount, weight, total),
      multiple: drawMultiple(),
    }));
  const outright = interests.flatMap(({ symbol, crowded, skew }) => [
    ...split(`${symbol} long`, mulDivDown(crowded, OUTRIGHT, PPM), [{ symbol, share: PPM }]),
    ...split(`${symbol} short`, mulDivDown(max(crowded - skew, 0n), OUTRIGHT, PPM), [{ symbol, share: -PPM }]),
  ]);
  const sideOf = (symbol: string): bigint => interests.find((interest) => interest.symbol === symbol)?.crowded ?? 0n;
  const pairs = PAIRS.flatMap(([one, other]) => {
    // Both legs together, in each direction.
    const size = 2n * mulDivDown(min(sideOf(one), sideOf(other)), PPM - OUTRIGHT, PPM);
    const half = PPM / 2n;
    return [1n, -1n].flatMap((sign) =>
      split(`${one}/${other} ${sign > 0n ? "long" : "short"}`, size, [
        { symbol: one, share: sign * half },
        { symbol: other, share: -sign * half },
      ]),
    );
  });
  return [...outright, ...pairs].filter(({ size }) => size !== 0n);
}

/** A resident's account at the prices of a path, with its multiple of what is asked. */
export function accountOf(resident: Resident, rules: Rules, prices: ReadonlyMap<number, Price>): BookAccount {
  const book = openBook(resident.shape, { rules, prices, size: resident.size });
  const { requirement } = capitalUp("joint", book, rules);
  return withEquity(book, mulDivDown(requirement, resident.multiple, PPM), rules);
}

/** Whether a path has a price of all that a resident trades. */
export function isPriced({ shape }: Resident, rules: Rules, prices: ReadonlyMap<number, Price>): boolean {
  return shape.legs.every(({ symbol }) => prices.has(assetIndex(rules, symbol)));
}
