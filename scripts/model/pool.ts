/** The pool as an account, the mirror of all traders: `contracts/libraries/PoolAccount.sol`. */
import { abs, max, min, mulDivUp, WAD } from "./fixed.ts";
import type { GroupParameters } from "./parameters.ts";
import { isLive } from "./price.ts";
import { heldPremiumUp } from "./pricing.ts";
import { assess, type Exposure, initialUp, type Terms } from "./risk.ts";
import { type Side, sideValueCeil, skewOf } from "./sideIndex.ts";

/** A market with its two sides; funding accrued to the time of the valuation. */
export interface PoolMarket extends Omit<Exposure, "size" | "quote" | "collateral"> {
  readonly long: Side;
  readonly short: Side;
}

/** What the pool's equity consists of, WAD of settlement token. */
export interface PoolState {
  /** Free liquidity. */
  readonly base: bigint;
  /** What accounts owe it, as it counts it. */
  readonly lent: bigint;
  /** Owed to positions of sides that were closed whole and have not become cash yet. */
  readonly closedValue: bigint;
  /** Those with open interest, ascending. */
  readonly markets: readonly PoolMarket[];
}

export interface PoolValue {
  /** base + lent − closed value − Σ ceil(value of a side) − Σ ceil(Φ), WAD. */
  readonly equity: bigint;
  /** Σ |S|·P, WAD, rounded up. */
  readonly gross: bigint;
  /** Least time of a price, unix seconds; undefined without open interest. */
  readonly oldest: bigint | undefined;
  /** No market without a live price. */
  readonly live: boolean;
}

/** The pool's value at the last prices. Mirrors `PoolAccount.value`. */
export function valuePool({ base, lent, closedValue, markets }: PoolState): PoolValue {
  const times = markets.map(({ price }) => price.updatedAt);
  return {
    equity: base + lent - closedValue - markets.reduce((sum, market) => sum + owedUp(market), 0n),
    gross: markets.reduce((sum, market) => sum + mulDivUp(abs(skewOf(market)), market.price.last, WAD), 0n),
    oldest: times.length === 0 ? undefined : times.reduce(min),
    live: markets.every(({ price }) => isLive(price)),
  };
}

/** What the pool owes to all positions of a market and holds for them at the last price: Σ ceil(value of a side) +
 * ceil(Φ), WAD. Mirrors `PoolAccount.weigh`. */
export function owedUp(market: PoolMarket): bigint {
  const { long, short, price, sizes } = market;
  const net = netPriceOf(market);
  const premium = heldPremiumUp({ skew: skewOf(market), price: price.last, depth: sizes.depth });
  return sideValueCeil(long, net) + sideValueCeil(short, net) + premium;
}

/** P − F at the last price, WAD. */
export function netPriceOf({ price, funding }: Pick<PoolMarket, "price" | "funding">): bigint {
  return price.last - funding.index;
}

/** The pool's exposures: −S in each market with open interest. */
export function poolExposures(markets: readonly PoolMarket[]): readonly Exposure[] {
  return markets.map((market) => ({ ...market, size: -skewOf(market), quote: 0n, collateral: 0n }));
}

/** The pool's risk at the worse ends; its requirements follow by `initialUp` and `maintenanceUp`. @param time Unix
 * seconds. */
export function poolTerms(
  exposures: readonly Exposure[],
  { groups, time }: { groups: GroupParameters; time: bigint },
): Terms {
  return assess({ exposures, cash: 0n, groups, time, end: "worse" });
}

/** Most that can leave the pool now: free liquidity, and equity beyond its initial requirement, WAD. Mirrors
 * `PoolAccount._report`. */
export function redeemableDown(pool: PoolState, options: { groups: GroupParameters; time: bigint }): bigint {
  const free = valuePool(pool).equity - initialUp(poolTerms(poolExposures(pool.markets), options));
  return max(0n, min(pool.base, free));
}
