/** The prices of one asset at which an account becomes liquidatable, everything else fixed. */
import { nonNegativePoint } from "./concave.ts";
import type { GlobalParameters } from "./parameters.ts";
import { livePrice } from "./price.ts";
import { assess, maintenanceUp, type Valuation } from "./risk.ts";

/** Largest price that a `Price` word holds, WAD. */
export const MAX_PRICE = (1n << 96n) - 1n;

export interface LiquidationPrices {
  /** Highest price at which a fall makes the account liquidatable, WAD; undefined: none down to 0. */
  readonly below: bigint | undefined;
  /** Lowest price at which a rise makes it liquidatable, WAD; undefined: none up to `MAX_PRICE`. */
  readonly above: bigint | undefined;
}

export type MarginOptions = Omit<Valuation, "end"> & { readonly globals: GlobalParameters };

/** E − R_M at the better ends, WAD; liquidatable at 0 and below. */
export function marginOf({ globals, ...valuation }: MarginOptions): bigint {
  const terms = assess({ ...valuation, end: "better" });
  return terms.equity - maintenanceUp(terms, globals);
}

/**
 * The range of live prices of `asset` in which the account is healthy: open bounds where E = R_M, exact to the wei
 * (healthy one wei inside, liquidatable on the bound). E − R_M is concave along the price, as E is linear in it and R_M
 * is convex; so there are at most two bounds. Undefined where the account is healthy at no price that the search meets;
 * the range around the current price is found always.
 */
export function liquidationPrices(options: MarginOptions, asset: number): LiquidationPrices | undefined {
  const margin = (price: bigint): bigint => marginAt(options, { asset, price });
  const current = options.exposures.find((exposure) => exposure.asset === asset)?.price.last ?? 0n;
  const healthy = margin(current) > 0n ? current : healthyPrice(current, margin);
  if (healthy === undefined) return undefined;
  return { below: edge(healthy, 0n, margin), above: edge(healthy, MAX_PRICE, margin) };
}

/** E − R_M with a live `price` (WAD) of one asset. */
export function marginAt(options: MarginOptions, { asset, price }: { asset: number; price: bigint }): bigint {
  const exposures = options.exposures.map((exposure) =>
    exposure.asset === asset ? { ...exposure, price: livePrice(price, exposure.price.updatedAt) } : exposure,
  );
  return marginOf({ ...options, exposures });
}

/** Some price with a positive margin, looked for near the current one first. */
function healthyPrice(current: bigint, margin: (price: bigint) => bigint): bigint | undefined {
  const positive = (price: bigint): bigint => margin(price) - 1n;
  const near = nonNegativePoint({ low: 0n, high: 4n * current < MAX_PRICE ? 4n * current : MAX_PRICE }, positive);
  return near ?? nonNegativePoint({ low: 0n, high: MAX_PRICE }, positive);
}

/** The price nearest to `healthy` on the way to `end` whose margin is not positive; the one before it is positive. */
function edge(healthy: bigint, end: bigint, margin: (price: bigint) => bigint): bigint | undefined {
  if (margin(end) > 0n) return undefined;
  let [inside, outside] = [healthy, end];
  while (outside - inside > 1n || inside - outside > 1n) {
    const middle = (inside + outside) / 2n;
    if (margin(middle) > 0n) inside = middle;
    else outside = middle;
  }
  return outside;
}
