/**
 * Deleveraging: the same fraction of every position of the crowded side is closed at once:
 * `contracts/libraries/Deleveraging.sol`.
 */
import { abs, max, min, mulDivDown, mulDivFloor, mulDivUp, PPM, WAD } from "./fixed.ts";
import { type Funding, steered, withIndexed } from "./funding.ts";
import type { GlobalParameters, GroupParameters, MoneyParameters } from "./parameters.ts";
import { owedUp, poolExposures, type PoolMarket, type PoolState, poolTerms, valuePool } from "./pool.ts";
import { priceAt } from "./price.ts";
import { quoteCeil } from "./pricing.ts";
import { maintenanceUp } from "./risk.ts";
import {
  closedWhole,
  CUTS,
  emptySide,
  type ReadPosition,
  readPosition,
  OFFSET_UNIT,
  type Side,
  sideSizeDown,
  sizeDown,
  skewOf,
  type SideIndex,
  type StoredPosition,
  withIndex,
} from "./sideIndex.ts";

/** Most that one deleveraging closes of a side, WAD. */
const MAX_FRACTION = WAD / 4n;
/** |S| beyond so many skew caps for `SKEW_PATIENCE` is deleveraged. */
const HARD_CAPS = 2n;
/** Seconds. */
export const SKEW_PATIENCE = 3_600n;
/** Seconds in which accounts are also judged by the sizes that they had before. */
const GRACE = 3_600n;
/** Below this scale a side is closed whole. */
export const MIN_SCALE = 1n << 32n;
/** Least H of a side, in 2^-64: a cut below it closes the side whole. */
export const MIN_PROFIT_SCALE = 1n << 40n;
/** Likewise where its cap on open interest would come to more units than 2^111. */
const CAP_SHIFT = 111n - 64n;
/** Halvings of the search for the least fraction that the pool needs. */
const BISECTIONS = 8;

/** Why a market is to be deleveraged, in the order of the contract's enum. */
export const TRIGGERS = ["None", "Skew", "Budget", "Pool"] as const;

export type Trigger = (typeof TRIGGERS)[number];

/** All that the decision depends on. */
export interface DeleveragingState {
  readonly pool: PoolState;
  readonly globals: GlobalParameters;
  readonly groups: GroupParameters;
  readonly money: MoneyParameters;
  /** Since when |S| has been seen over its hard cap, unix seconds; undefined: it has not. */
  readonly overSince: bigint | undefined;
  /** Unix seconds. */
  readonly time: bigint;
}

/** What a deleveraging did. */
export interface Deleveraging {
  readonly long: boolean;
  /** The side afterwards; empty and in its next epoch if it was closed whole. */
  readonly side: Side;
  /** Size that the side lost, base units, WAD. */
  readonly closed: bigint;
  /** What its positions are worth more instead, WAD. */
  readonly paid: bigint;
  /** What is owed to the positions of a side that was closed whole, WAD, rounded up; else 0. */
  readonly owed: bigint;
  /** Of the market, flagged, steered by the new skew. */
  readonly funding: Funding;
}

/** Whether |S| is over its hard cap: what `overSince` keeps the time of. */
export function isOverSkewed(market: Pick<PoolMarket, "long" | "short" | "trade">): boolean {
  return abs(skewOf(market)) > hardSkewCap(market);
}

/** Hard cap of |S|, base units, WAD. */
function hardSkewCap({ trade }: Pick<PoolMarket, "trade">): bigint {
  return HARD_CAPS * trade.skewCap;
}

/**
 * f = min(needed, 25 %, |S|/side), WAD, and what calls for it; 0 where nothing does, and where closing would not lower
 * the pool's R_M. Judged at the market's price in `pool`. Mirrors `Deleveraging._needed`.
 */
export function neededFraction(state: DeleveragingState, asset: number): { fraction: bigint; trigger: Trigger } {
  const nothing = { fraction: 0n, trigger: "None" } as const;
  const market = marketOf(state.pool, asset);
  const skew = skewOf(market);
  const size = sideSizeDown(crowdedSide(market));
  if (skew === 0n || size === 0n) return nothing;
  const most = min(MAX_FRACTION, mulDivDown(abs(skew), WAD, size));
  const cap = hardSkewCap(market);
  const { overSince, time, money } = state;
  let found: { fraction: bigint; trigger: Trigger } = nothing;
  if (abs(skew) > cap && overSince !== undefined && time >= overSince + SKEW_PATIENCE) {
    found = { fraction: min(most, mulDivUp(abs(skew) - cap, WAD, size)), trigger: "Skew" };
  }
  const { equity } = valuePool(state.pool);
  const budget = mulDivDown(max(equity, 0n), money.lossBudget, PPM);
  if (owedUp(market) > budget) found = { fraction: most, trigger: "Budget" };
  const requirement = maintenanceAfter(state, market, 0n);
  if (equity < requirement) {
    const fraction = max(found.fraction, neededByPoolUp(state, market, { equity, most }));
    found = { fraction, trigger: "Pool" };
  }
  if (found.fraction === 0n) return nothing;
  const closing =
    scaleAfter(crowdedSide(market).index, { fraction: found.fraction, cap: market.sizes.openInterestCap }) === 0n
      ? WAD
      : found.fraction;
  return maintenanceAfter(state, market, closing) < requirement ? found : nothing;
}

/** The pool with the settlement `price` (WAD) of one market in place of its last. Mirrors `Deleveraging._revalue`. */
export function revaluedPool(pool: PoolState, { asset, price }: { asset: number; price: bigint }): PoolState {
  const markets = pool.markets.map((market) =>
    market.asset === asset ? { ...market, price: priceAt(market.price, price) } : market,
  );
  return { ...pool, markets };
}

/**
 * A' = A·(1 − f), in 2^-64, rounded down; 0 where the side is to be closed whole. Mirrors `Deleveraging._scaleAfter`.
 *
 * @param fraction WAD. @param cap On the open interest of a side, base units, WAD.
 */
export function scaleAfter({ scale }: SideIndex, { fraction, cap }: { fraction: bigint; cap: bigint }): bigint {
  const after = scale - mulDivUp(scale, fraction, WAD);
  return after < max(MIN_SCALE, cap >> CAP_SHIFT) ? 0n : after;
}

/**
 * Closes `fraction` (WAD) of the crowded side through the ordinary fill price, at the market's price:
 * x = floor(N·A) − floor(N·A'), Q = what a fill of ∓x costs, B' = B − Q/(±N), rounded so that the side gets no more
 * than −Q. Mirrors `Deleveraging._close`. The side must not be empty.
 */
export function deleverage(market: PoolMarket, fraction: bigint): Deleveraging {
  const { price, sizes, trade } = market;
  const { depth } = sizes;
  const skew = skewOf(market);
  const side = crowdedSide(market);
  const { long, index, units } = side;
  const scale = scaleAfter(index, { fraction, cap: sizes.openInterestCap });
  const closed = sideSizeDown(side) - sizeDown({ ...index, scale }, units);
  const delta = long ? -closed : closed;
  const paid = -quoteCeil({ delta, price: price.last, skew, depth, index: market.funding.index });
  const offset = index.offset + offsetFor(side, paid);
  const funding = steered(withIndexed(market.funding, side), {
    maxVelocity: trade.fundingVelocity,
    skew: skew + delta,
    depth,
  });
  if (scale === 0n) return { long, closed, paid, funding, ...closedWhole(side, offset) };
  const cut = { ...side, cuts: (side.cuts + 1n) % CUTS };
  return { long, closed, paid, funding, side: withIndex(cut, { ...index, scale, offset }), owed: 0n };
}

/** How a side read before it was deleveraged, until the grace is over. */
export interface Former {
  readonly index: SideIndex;
  readonly long: boolean;
  readonly epoch: bigint;
  /** Cuts of the side when it read by that index. */
  readonly cuts: bigint;
  /** Unix seconds. */
  readonly until: bigint;
}

/** What is kept of `side` before it is deleveraged: of a run of deleveragings within each other's grace the index before
 * the first. Mirrors `Deleveraging._keepFormer`. @param now Unix seconds. */
export function keptFormer(former: Former | undefined, { index, long, epoch, cuts }: Side, now: bigint): Former {
  const running = former !== undefined && now < former.until && former.long === long && former.epoch === epoch;
  const kept = running ? former : { index, cuts };
  return { index: kept.index, cuts: kept.cuts, long, epoch, until: now + GRACE };
}

/** What a position would read as had its side not been deleveraged of late; undefined where no grace runs for it, and
 * where it was given its size afterwards. Mirrors `Sides.restore`. @param side That of the position. @param now Unix
 * seconds. */
export function formerPosition(
  { index, long, epoch, cuts, until }: Former,
  position: StoredPosition,
  { side, now }: { side: Side; now: bigint },
): ReadPosition | undefined {
  if (now >= until || side.long !== long || position.epoch !== epoch || side.epoch !== epoch) return undefined;
  const since = (before: bigint): bigint => (side.cuts + CUTS - before) % CUTS;
  if (since(position.cuts) < since(cuts)) return undefined;
  return readPosition({ ...emptySide(long), epoch, index }, position);
}

/** The side that S is on. */
export function crowdedSide(market: Pick<PoolMarket, "long" | "short">): Side {
  return skewOf(market) > 0n ? market.long : market.short;
}

/** What B grows by so that a side is paid `paid` (WAD), rounded toward the pool. Mirrors `Deleveraging._offsetFor`. */
export function offsetFor({ long, units }: Side, paid: bigint): bigint {
  const perUnit = mulDivFloor(paid, OFFSET_UNIT * WAD, units);
  return long ? perUnit : -perUnit;
}

/** The least fraction that brings equity up to the pool's R_M, to one part in 2^8 of `most`, or `most`; WAD. Equity
 * stays: what the side is paid as impact has been held for it. Mirrors `Deleveraging._neededByPool`. */
function neededByPoolUp(
  state: DeleveragingState,
  market: PoolMarket,
  { equity, most }: { equity: bigint; most: bigint },
): bigint {
  let [low, high] = [0n, most];
  for (let step = 0; step < BISECTIONS; ++step) {
    const middle: bigint = (low + high + 1n) / 2n;
    if (equity >= maintenanceAfter(state, market, middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** R_M of the pool with `fraction` (WAD) of the crowded side of a market closed, WAD. Mirrors
 * `Deleveraging._maintenanceAfter`. */
function maintenanceAfter(state: DeleveragingState, market: PoolMarket, fraction: bigint): bigint {
  const closed = mulDivDown(sideSizeDown(crowdedSide(market)), fraction, WAD);
  const exposures = poolExposures(state.pool.markets).map((exposure) => {
    if (exposure.asset !== market.asset) return exposure;
    const { size } = exposure;
    return { ...exposure, size: size < 0n ? size + closed : size - closed };
  });
  return maintenanceUp(poolTerms(exposures, state), state.globals);
}

function marketOf({ markets }: PoolState, asset: number): PoolMarket {
  const market = markets.find((candidate) => candidate.asset === asset);
  if (market === undefined) throw new RangeError(`no open interest in market ${String(asset)}`);
  return market;
}
