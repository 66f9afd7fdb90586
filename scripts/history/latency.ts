/** The trader who sees prices ahead of the chain, against three ways to fill his orders. */
import { certainProfit, foreseenRounds } from "./certain.ts";
import { fallback, type FillRule, latestPrice, settlement } from "./fills.ts";
import type { Market } from "./market.ts";
import { followRule, LEAST_TRIPS, type RuleResult, TRADING_RULES } from "./rules.ts";

export interface CertainRow {
  readonly market: string;
  readonly fill: FillRule["name"];
  readonly of: string;
  /** L, s. */
  readonly ahead: number;
  /** Rounds at which an order can be filled that was sent with its price in sight. */
  readonly foreseen: number;
  readonly trips: number;
  /** Multiples of the notional of one trip. */
  readonly total: number;
  readonly best: number;
}

export interface RulesRow {
  readonly market: string;
  readonly fill: FillRule["name"];
  readonly results: readonly RuleResult[];
  readonly aboveZero: number;
  readonly best: RuleResult;
  /** The best rule followed by what is on chain only (L = 0). */
  readonly bestWithoutSight: RuleResult;
}

export const AHEAD = [1, 5, 10, 20, 30];
/**
 * A t-statistic that counts as more than chance. Among the 1,440 rules of both markets it would be passed by chance in one
 * history of twenty (Bonferroni).
 */
export const SIGNIFICANT = 4;

/** What is compared. The last two rows have a delay shorter than L, so that it shows what d ≥ L is for. */
export function fillRules(market: Market): FillRule[] {
  return [settlement(), latestPrice, fallback(), fallback(market.recordedWindow), settlement(10), settlement(0)];
}

export function certainRows(market: Market): CertainRow[] {
  return fillRules(market).flatMap((rule) =>
    AHEAD.map((ahead) => ({
      market: market.symbol,
      fill: rule.name,
      of: rule.of,
      ahead,
      foreseen: foreseenRounds(market, rule, ahead),
      ...certainProfit(market, rule, ahead),
    })),
  );
}

/** Every rule of trading, at every L and without any. */
export function rulesRow(market: Market, fill: FillRule, aheads: readonly number[] = [0, ...AHEAD]): RulesRow {
  const results = aheads.flatMap((ahead) => TRADING_RULES.map((rule) => followRule(market, fill, rule, ahead)));
  const counted = results.filter(({ trips }) => trips >= LEAST_TRIPS);
  const best = counted.reduce((one, other) => (other.tStatistic > one.tStatistic ? other : one));
  return {
    market: market.symbol,
    fill: fill.name,
    results,
    aboveZero: results.filter(({ total }) => total > 0).length,
    best,
    bestWithoutSight: followRule(market, fill, best.rule, 0),
  };
}
