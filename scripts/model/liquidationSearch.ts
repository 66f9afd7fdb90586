/**
 * Finds a basket that `ClearingHouse.liquidate` accepts. Every basket that it returns has passed the same checks
 * (`liquidate`), so the search may be heuristic while its answer is exact.
 */
import { abs, divUp, max, min } from "./fixed.ts";
import { firstNonNegative, peak } from "./concave.ts";
import {
  type Basket,
  BasketRefused,
  leastSizeUp,
  liquidate,
  type LiquidationOutcome,
  type LiquidationState,
  mayCloseWhole,
} from "./liquidation.ts";
import { lotOf, saleLotOf } from "./parameters.ts";
import { isLiquidatable } from "./price.ts";

export interface LiquidationPlan {
  /** `leg`: one position or one token; `slice`: the same share of everything; `whole`: all that can be closed. */
  readonly kind: "leg" | "slice" | "whole";
  readonly basket: Basket;
  readonly outcome: LiquidationOutcome;
}

/** Baskets that grow in steps, up to `count`. */
interface Path {
  readonly kind: LiquidationPlan["kind"];
  readonly count: bigint;
  readonly basketAt: (step: bigint) => Basket;
}

/** A position or a token, cut into steps of a lot. */
interface Leg {
  readonly size: bigint;
  readonly lot: bigint;
  /** What must not be left open, other than nothing. */
  readonly least: bigint;
  readonly basketOf: (amount: bigint) => Basket;
}

/** The finest share that a slice is counted in. */
const FINEST = 1n << 40n;
const NOTHING: Basket = { reductions: [], sales: [] };

/**
 * The best basket for an account whose equity does not cover its maintenance requirement: the whole of a small account
 * or a deep loss, else the single leg or the slice that brings it to its target with the highest reward, else what
 * brings it nearest. Undefined for a healthy account, and where no closing of live legs makes the account healthier.
 */
export function findLiquidation(state: LiquidationState): LiquidationPlan | undefined {
  const start = tryBasket(state, NOTHING);
  if (start === undefined) return undefined;
  const legs = legsOf(state);
  const whole = planOf(state, "whole", sliceOf(legs, { part: 1n, of: 1n }));
  const { equityBefore, maintenanceBefore } = start;
  if (whole !== undefined && mayCloseWhole(state, { equity: equityBefore, maintenance: maintenanceBefore })) {
    return whole;
  }
  const paths = [...legs.map(legPath), slicePath(legs)];
  const [first, ...others] = paths.map((path) => leastReaching(state, path)).filter((plan) => plan !== undefined);
  if (first !== undefined) {
    return others.reduce((best, plan) => (plan.outcome.reward > best.outcome.reward ? plan : best), first);
  }
  return leastSlice(state);
}

/**
 * The least reduction of one position, to the lot, that brings an unhealthy account to its target; where the contract
 * refuses it, the last before it that it accepts. Undefined where no size of it reaches the target. Mirrors
 * `LiquidationSearch.leastOf`.
 */
export function leastReduction(state: LiquidationState, asset: number): LiquidationPlan | undefined {
  const leg = legsOf(state).find(({ basketOf }) => basketOf(1n).reductions[0]?.asset === asset);
  return leg === undefined ? undefined : leastReaching(state, legPath(leg));
}

/**
 * The least equal share of every leg that brings an unhealthy account to its target; where none does, the share that ends
 * nearest to it, or everything if none gets any nearer. Where the contract refuses that, the last share before it that it
 * accepts; where there is none, all that can be closed. Mirrors `LiquidationSearch.leastSlice`.
 */
export function leastSlice(state: LiquidationState): LiquidationPlan | undefined {
  const path = slicePath(legsOf(state));
  const share = firstReaching(state, path) ?? nearest(state, path);
  return lastAccepted(state, path, share) ?? planOf(state, "whole", path.basketAt(path.count));
}

function leastReaching(state: LiquidationState, path: Path): LiquidationPlan | undefined {
  const first = firstReaching(state, path);
  return first === undefined ? undefined : lastAccepted(state, path, first);
}

function firstReaching(state: LiquidationState, { count, basketAt }: Path): bigint | undefined {
  return firstNonNegative(count, (step) => gapOf(state, basketAt(step)));
}

/** The step whose end is nearest to the target, or the last if none gets nearer than nothing: E − R_M may rise all the
 * same. */
function nearest(state: LiquidationState, { count, basketAt }: Path): bigint {
  const gapAt = (step: bigint): bigint => gapOf(state, basketAt(step));
  const best = peak({ low: 1n, high: count }, gapAt);
  return gapAt(best) > gapAt(0n) ? best : count;
}

function legPath(leg: Leg): Path {
  const basketAt = (steps: bigint): Basket => leg.basketOf(amountOf(leg, steps * leg.lot));
  return { kind: "leg", count: stepsOf(leg), basketAt };
}

function slicePath(legs: readonly Leg[]): Path {
  const of = resolutionOf(legs);
  return { kind: "slice", count: of, basketAt: (part) => sliceOf(legs, { part, of }) };
}

/**
 * The greatest step from 1 to `from` that the contract accepts, given that it accepts all below one that it does: the last
 * lot may earn more than the target has room for, and one lot more of a hedge may need less. Strides double on the way
 * down, and the last one is bisected. Mirrors `_lastAccepted`.
 */
function lastAccepted(state: LiquidationState, { kind, basketAt }: Path, from: bigint): LiquidationPlan | undefined {
  const planAt = (step: bigint): LiquidationPlan | undefined => planOf(state, kind, basketAt(step));
  let [low, high] = [from, from];
  let plan = planAt(low);
  for (let stride = 1n; plan === undefined && low > 1n; stride *= 2n) {
    high = low;
    low = max(1n, low - stride);
    plan = planAt(low);
  }
  if (plan === undefined) return undefined;
  while (high - low > 1n) {
    const middle: bigint = (low + high) / 2n;
    const better = planAt(middle);
    if (better === undefined) high = middle;
    else [low, plan] = [middle, better];
  }
  return plan;
}

function planOf(state: LiquidationState, kind: LiquidationPlan["kind"], basket: Basket): LiquidationPlan | undefined {
  const outcome = tryBasket(state, basket);
  return outcome === undefined || outcome.refusal !== undefined ? undefined : { kind, basket, outcome };
}

/** E − target after a basket, WAD; reaching the target is ≥ 0. */
function gapOf(state: LiquidationState, basket: Basket): bigint {
  const { equityAfter, target } = liquidate(state, basket);
  return equityAfter - target;
}

function tryBasket(state: LiquidationState, basket: Basket): LiquidationOutcome | undefined {
  try {
    return liquidate(state, basket);
  } catch (error) {
    if (error instanceof BasketRefused) return undefined;
    throw error;
  }
}

/** Everything of the account that may be closed now. */
function legsOf(state: LiquidationState): readonly Leg[] {
  const positions = state.exposures
    .filter(({ size, price }) => size !== 0n && isLiquidatable(price))
    .map((exposure) => ({
      size: abs(exposure.size),
      lot: lotOf(exposure.trade),
      least: leastSizeUp(state.money, exposure),
      basketOf: (amount: bigint): Basket => ({
        reductions: amount === 0n ? [] : [{ asset: exposure.asset, delta: exposure.size < 0n ? amount : -amount }],
        sales: [],
      }),
    }));
  const priced = new Set(state.exposures.filter(({ price }) => isLiquidatable(price)).map(({ asset }) => asset));
  const tokens = state.holdings
    .filter(({ amount, parameters }) => amount !== 0n && priced.has(parameters.asset) && state.settlementPrice !== 0n)
    .map(({ token, amount: held, parameters }) => ({
      size: held,
      lot: saleLotOf(parameters),
      least: 0n,
      basketOf: (amount: bigint): Basket => ({ reductions: [], sales: amount === 0n ? [] : [{ token, amount }] }),
    }));
  return [...positions, ...tokens];
}

/** `amount` as the contract takes it: the whole leg where less than the least would be left. */
function amountOf({ size, least }: Leg, amount: bigint): bigint {
  const left = size - amount;
  return left <= 0n || left < least ? size : amount;
}

/** Steps of a lot until the whole leg is closed. */
function stepsOf({ size, lot, least }: Leg): bigint {
  return max(1n, divUp(max(0n, size - least) + 1n, lot));
}

/** The same share of every leg, in lots, rounded down. */
function sliceOf(legs: readonly Leg[], { part, of }: { part: bigint; of: bigint }): Basket {
  const baskets = legs.map((leg) => {
    const amount = (leg.size * part) / of;
    return leg.basketOf(amountOf(leg, part === of ? leg.size : amount - (amount % leg.lot)));
  });
  return {
    reductions: baskets.flatMap(({ reductions }) => reductions),
    sales: baskets.flatMap(({ sales }) => sales),
  };
}

/** Shares that move the longest leg by a lot. */
function resolutionOf(legs: readonly Leg[]): bigint {
  return min(FINEST, legs.map(stepsOf).reduce(max, 1n));
}
