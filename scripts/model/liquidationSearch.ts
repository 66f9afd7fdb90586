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
  const plans = [...legs.map((leg) => legPlan(state, leg)), slicePlan(state, legs)];
  const reaching = plans.filter((plan) => plan !== undefined);
  const [first, ...others] = reaching;
  if (first !== undefined) {
    return others.reduce((best, plan) => (plan.outcome.reward > best.outcome.reward ? plan : best), first);
  }
  return nearestSlice(state, legs) ?? whole;
}

/**
 * The least size of one leg that brings the account to its target, or the last lot before that where the contract
 * refuses it; undefined where no size of it does. Mirrors nothing: the contract verifies, it does not solve.
 */
function legPlan(state: LiquidationState, leg: Leg): LiquidationPlan | undefined {
  const count = stepsOf(leg);
  const basketAt = (steps: bigint): Basket => leg.basketOf(amountOf(leg, steps * leg.lot));
  const steps = firstNonNegative(count, (n) => gapOf(state, basketAt(n)));
  return steps === undefined ? undefined : firstAccepted(state, "leg", steps, basketAt);
}

/** The least equal share of every leg that brings the account to its target. */
function slicePlan(state: LiquidationState, legs: readonly Leg[]): LiquidationPlan | undefined {
  const of = resolutionOf(legs);
  const basketAt = (part: bigint): Basket => sliceOf(legs, { part, of });
  const part = firstNonNegative(of, (n) => gapOf(state, basketAt(n)));
  return part === undefined ? undefined : firstAccepted(state, "slice", part, basketAt);
}

/** The share of every leg that brings the account as near to its target as a share can, or the next smaller sixteenth
 * that the contract accepts: closing the last of an account may pay so well that it passes its target. */
function nearestSlice(state: LiquidationState, legs: readonly Leg[]): LiquidationPlan | undefined {
  const of = resolutionOf(legs);
  const best = peak({ low: 1n, high: of }, (n) => gapOf(state, sliceOf(legs, { part: n, of })));
  for (let part = best; part > 0n; part -= divUp(of, 16n)) {
    const plan = planOf(state, "slice", sliceOf(legs, { part, of }));
    if (plan !== undefined) return plan;
  }
  return undefined;
}

/** The basket at `steps`, or just below it where closing the last lot earns more than the target has room for. */
function firstAccepted(
  state: LiquidationState,
  kind: LiquidationPlan["kind"],
  steps: bigint,
  basketAt: (steps: bigint) => Basket,
): LiquidationPlan | undefined {
  for (let n = steps; n > 0n && n > steps - 3n; --n) {
    const plan = planOf(state, kind, basketAt(n));
    if (plan !== undefined) return plan;
  }
  return undefined;
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
