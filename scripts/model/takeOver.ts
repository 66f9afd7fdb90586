/** Positions of an unhealthy account move to another one: `contracts/libraries/Liquidations.sol`. */
import { book } from "./fill.ts";
import { abs, mulDivCeil, mulDivDown, PPM, WAD } from "./fixed.ts";
import {
  BasketRefused,
  type LiquidationOutcome,
  LiquidationRun,
  type LiquidationState,
  type Reduction,
  requireDistinct,
  requireUnhealthy,
  requireViable,
  settle,
} from "./liquidation.ts";
import type { GlobalParameters } from "./parameters.ts";
import { assess, type Exposure, maintenanceUp, meetsInitial } from "./risk.ts";

/** The account that takes positions over. */
export interface Taker {
  /** All that it has, and an exposure to every market that it takes over. */
  readonly exposures: readonly Exposure[];
  /** WAD. */
  readonly cash: bigint;
}

export interface TakeOver {
  /** Of the account that is relieved. */
  readonly outcome: LiquidationOutcome;
  /** The taker afterwards, discount and reward included. */
  readonly taker: Taker;
  /** Moved from the taker's quotes to its cash, and the opposite to the pool's base, WAD. */
  readonly realised: bigint;
}

/**
 * Moves `legs` to the taker at the last prices: the account is charged N = ceil(Δ·(P − F)), the taker gets exactly that; no
 * impact, no fee. Mirrors `Liquidations.takeOver`. Throws BasketRefused where a leg is not allowed at all; what the
 * contract checks at its end is in `outcome.refusal`.
 */
export function takeOver(state: LiquidationState, legs: readonly Reduction[], taker: Taker): TakeOver {
  const before = requireUnhealthy(state);
  if (legs.length === 0) throw new BasketRefused("NothingToTakeOver");
  requireDistinct(legs.map(({ asset }) => asset));
  const rate = takeoverDiscountDown(state.globals, {
    equity: before.equity,
    maintenance: maintenanceUp(before, state.globals),
  });
  const run = new LiquidationRun(state);
  const exposures = new Map(taker.exposures.map((exposure) => [exposure.asset, exposure]));
  let realised = 0n;
  for (const leg of legs) {
    const from = run.slice(leg);
    const to = exposures.get(leg.asset);
    if (to === undefined) throw new BasketRefused("UnknownMarket");
    const { delta } = leg;
    const taken = mulDivCeil(delta, from.price.last - from.funding.index, WAD);
    const left = book({ ...from, delta, taken });
    run.book({ ...from, size: left.size, quote: left.quote }, { realised: left.realised, fee: 0n });
    const grown = book({ ...to, delta: -delta, taken: -taken });
    const exposure = { ...to, size: grown.size, quote: grown.quote };
    requireViable(exposure, state.money);
    exposures.set(leg.asset, exposure);
    realised += grown.realised;
    run.discount += mulDivDown(abs(delta) * from.price.last, rate, PPM * WAD);
  }
  const outcome = settle(state, { reductions: legs, sales: [] }, { before, run });
  const cash = taker.cash + realised + outcome.discount + outcome.reward;
  const after = { exposures: [...exposures.values()], cash };
  const terms = assess({ ...after, groups: state.groups, time: state.time, end: "worse" });
  const refusal = outcome.refusal ?? (meetsInitial(terms, state.globals) ? undefined : "InsufficientMargin");
  return { outcome: { ...outcome, refusal }, taker: after, realised };
}

/** Grows with the shortfall, from 0 at E = R_M to the whole at E ≤ 0; 1e-6 of the notional, rounded down. Mirrors
 * `Liquidations._takeoverDiscount`. @param equity At most `maintenance`, WAD. */
export function takeoverDiscountDown(
  { takeoverDiscount }: GlobalParameters,
  { equity, maintenance }: { equity: bigint; maintenance: bigint },
): bigint {
  if (equity <= 0n) return takeoverDiscount;
  return mulDivDown(takeoverDiscount, maintenance - equity, maintenance);
}
