/** Rules of trading that a trader follows by what he sees, without knowing what comes: do they earn? */
import type { FillRule } from "./fills.ts";
import { lastAt, type Market, tripProfit } from "./market.ts";

export interface TradingRule {
  /** How far back the price is compared with that seen, s; 0: with the latest one on chain. */
  readonly lookback: number;
  /** Least move that is acted upon. */
  readonly threshold: number;
  /** How long the position is held at least, s. */
  readonly hold: number;
  /** With the move, or against it. */
  readonly direction: 1 | -1;
}

export interface RuleResult {
  readonly rule: TradingRule;
  readonly ahead: number;
  readonly trips: number;
  /** Sum over the trips, as a multiple of the notional of one. */
  readonly total: number;
  /** Of the mean profit of a trip. */
  readonly tStatistic: number;
}

const LOOKBACKS = [0, 600, 3_600];
const THRESHOLDS = [0.001, 0.002, 0.005, 0.01];
const HOLDS = [0, 60, 600, 3_600, 14_400];
/** Of fewer trips the t-statistic says nothing. */
export const LEAST_TRIPS = 30;

export const TRADING_RULES: readonly TradingRule[] = LOOKBACKS.flatMap((lookback) =>
  THRESHOLDS.flatMap((threshold) =>
    HOLDS.flatMap((hold) => ([1, -1] as const).map((direction) => ({ lookback, threshold, hold, direction }))),
  ),
);

/** Follows a rule through the whole history, one position at a time. @param ahead L, s. */
export function followRule(market: Market, fill: FillRule, rule: TradingRule, ahead: number): RuleResult {
  const { times, prices } = market;
  const profits: number[] = [];
  let free = 0;
  for (const [index, time] of times.entries()) {
    // A round comes in sight.
    const now = time - ahead;
    if (now < free) continue;
    const base = rule.lookback === 0 ? index - 1 : lastAt(times, now - rule.lookback);
    const move = (prices[index] ?? 0) / (prices[base] ?? Infinity) - 1;
    if (base < 0 || Math.abs(move) < rule.threshold) continue;

    const entry = fill.fill(market, now);
    if (entry === undefined) continue;
    const exit = fill.fill(market, Math.max(now + rule.hold, entry.at, time));
    if (exit === undefined) continue;
    const side = move > 0 === rule.direction > 0 ? 1 : -1;
    profits.push(tripProfit(market, side, prices[entry.index] ?? 0, prices[exit.index] ?? 0));
    free = exit.at + 1;
  }
  const total = profits.reduce((sum, profit) => sum + profit, 0);
  return { rule, ahead, trips: profits.length, total, tStatistic: tStatisticOf(profits, total) };
}

function tStatisticOf(profits: readonly number[], total: number): number {
  if (profits.length < LEAST_TRIPS) return 0;
  const mean = total / profits.length;
  const squares = profits.reduce((sum, profit) => sum + (profit - mean) ** 2, 0);
  const error = Math.sqrt(squares / (profits.length - 1) / profits.length);
  // Filled twice at one price, every trip loses its costs and nothing else.
  return error < 1e-12 ? Math.sign(mean) * Infinity : mean / error;
}
