/** What is kept of a run among thousands. Money in whole settlement tokens. */
import { toNumber } from "../engine/screen.ts";
import type { RunResult } from "../engine/types.ts";

export interface RunSummary {
  readonly index: number;
  readonly case: string;
  readonly seed: number;
  readonly badDebt: number;
  /** What insurance did not pay of it. */
  readonly uncovered: number;
  readonly insuranceStart: number;
  readonly insuranceLeast: number;
  /** Of its equity at the start, what providers took back apart: how far the pool fell; whether it was negative. */
  readonly poolDrawdown: number;
  readonly isPoolInsolvent: boolean;
  readonly poolChange: number;
  readonly keeperProfit: number;
  readonly liquidated: number;
  readonly liquidations: number;
  /** Between unhealthy and relieved, s. */
  readonly waits: readonly number[];
  /** Penalties and what else being liquidated cost, all accounts. */
  readonly lossGivenLiquidation: number;
  /** Of equity over R_M: most accounts within 5, 10, 20 % at once. */
  readonly near: readonly [number, number, number];
  readonly mostUnhealthy: number;
  readonly deleveraged: readonly number[];
  readonly profitCut: number;
  readonly healthyLiquidated: number;
  /**
   * Equity of attackers at the end, with what they took out, less at the start; what their positions have gained or lost by
   * the oracle's price apart. So it is what others paid them: funding, fees, and losses that they did not bear.
   */
  readonly attackProfit: number;
  /** Insurance at every step that is kept. */
  readonly insurance: readonly number[];
  readonly digest: string;
  readonly deeds: number;
  /** CPU of the run, s. */
  readonly seconds: number;
}

/** Steps of the insurance path. */
export const KEPT_STEPS = 25;
const ONE_64 = 2 ** 64;

/** @param attackers How many of the last accounts are an attacker's. */
export function summarise(
  result: RunResult,
  { index, attackers, seconds }: { index: number; attackers: number; seconds: number },
): RunSummary {
  const { steps, liquidations, deleveragings, cuts, accounts } = result;
  const [first, last] = [steps[0], steps.at(-1)];
  const insurance = steps.map((step) => toNumber(step.insurance));
  const equities = steps.map((step) => toNumber(step.poolEquity + step.poolLeft));
  const start = equities[0] ?? 0;
  const most = (pick: (step: RunResult["steps"][number]) => number): number => Math.max(...steps.map(pick));
  return {
    index,
    case: result.name,
    seed: result.seed,
    badDebt: toNumber(last?.badDebt ?? 0n),
    uncovered: toNumber(last?.uncovered ?? 0n),
    insuranceStart: toNumber(first?.insurance ?? 0n),
    insuranceLeast: Math.min(...insurance),
    poolDrawdown: start === 0 ? 0 : 1 - Math.min(...equities) / start,
    isPoolInsolvent: steps.some(({ poolEquity }) => poolEquity < 0n),
    poolChange: (equities.at(-1) ?? 0) - start,
    keeperProfit: toNumber(result.keeperProfit),
    liquidated: accounts.filter((account) => account.liquidations > 0).length,
    liquidations: liquidations.length,
    waits: liquidations.map(({ waited }) => waited),
    lossGivenLiquidation: accounts.reduce((sum, account) => sum + toNumber(account.lossGivenLiquidation), 0),
    near: [most(({ near }) => near[0]), most(({ near }) => near[1]), most(({ near }) => near[2])],
    mostUnhealthy: most(({ unhealthy }) => unhealthy),
    deleveraged: deleveragings.map(({ fraction }) => toNumber(fraction)),
    profitCut: cuts.reduce((kept, { cut }) => kept * (1 - Number(cut) / ONE_64), 1),
    healthyLiquidated: result.healthyLiquidated,
    attackProfit: attackProfitOf(result, accounts.length - attackers),
    insurance: Array.from(
      { length: KEPT_STEPS },
      (_, position) => insurance[Math.round((position * (insurance.length - 1)) / (KEPT_STEPS - 1))] ?? 0,
    ),
    digest: result.digest,
    deeds: result.log.length,
    seconds,
  };
}

function attackProfitOf({ accounts, fills, steps }: RunResult, first: number): number {
  const prices = new Map(steps.at(-1)?.markets.map(({ asset, price }) => [asset, price] as const));
  const gained = accounts
    .slice(first)
    .reduce((sum, { startEquity, endEquity, withdrawn }) => sum + toNumber(endEquity + withdrawn - startEquity), 0);
  return fills
    .filter(({ account }) => account >= first)
    .reduce((left, { asset, delta, price }) => {
      return left - toNumber(delta) * toNumber((prices.get(asset) ?? price) - price);
    }, gained);
}

/** Value at risk: what is not exceeded in `confidence` of the runs (nearest rank). */
export function valueAtRisk(losses: readonly number[], confidence: number): number {
  const ordered = losses.toSorted((one, other) => one - other);
  return ordered[Math.max(0, Math.ceil(confidence * ordered.length) - 1)] ?? 0;
}

/** Mean of the worst 1 − `confidence` of the runs, at least one. */
export function expectedShortfall(losses: readonly number[], confidence: number): number {
  const ordered = losses.toSorted((one, other) => other - one);
  const count = Math.max(1, Math.round((1 - confidence) * ordered.length));
  return mean(ordered.slice(0, count));
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Nearest rank, of values in any order. */
export function quantile(values: readonly number[], share: number): number {
  return valueAtRisk(values, share);
}
