/** What becomes of a book over a path of prices, with a liquidator who is some seconds late. */
import { UNATTRIBUTED } from "../../model/deficit.ts";
import { abs, max } from "../../model/fixed.ts";
import type { Holding, LiquidationOutcome, LiquidationState } from "../../model/liquidation.ts";
import { marginOf } from "../../model/liquidationPrice.ts";
import { findLiquidation } from "../../model/liquidationSearch.ts";
import { assess } from "../../model/risk.ts";
import { accountsOf, type BookAccount, type Margin } from "./account.ts";
import type { Rules } from "./rules.ts";
import type { Step } from "./steps.ts";

/** Of a book, all its accounts together. Money WAD of settlement token, times seconds. */
export interface Carried {
  readonly startEquity: bigint;
  /** At the last prices; what an account owes without anything left is not counted as its owner's. */
  readonly endEquity: bigint;
  readonly liquidations: number;
  /** Longest that an account was unhealthy before it was dealt with. */
  readonly waited: number;
  /** What being liquidated has cost: penalties, discounts, fees and impact. */
  readonly liquidationCost: bigint;
  /** Booked as deficits, and what is owed at the end by accounts that nobody could close. */
  readonly badDebt: bigint;
  /** What of it was booked, and when; what is owed at the end comes last, in the name of the largest position's market. */
  readonly deficits: readonly Deficit[];
  /** How often the risk formula was asked. */
  readonly assessments: number;
}

export interface Deficit {
  /** Unix seconds. */
  readonly time: number;
  /** Asset, or `UNATTRIBUTED`. */
  readonly market: number;
  readonly amount: bigint;
}

export interface CarryOptions {
  readonly margin: Margin;
  /** Those of the kind of margin. */
  readonly rules: Rules;
  readonly steps: readonly Step[];
  /** From the price that makes an account unhealthy to its liquidation, seconds. */
  readonly latency: number;
}

/** Liquidations of one account at one moment, which none needs: the target ends them. */
const MOST_AT_ONCE = 8;
/** What insurance has, for rewards: its size is another command's question. */
const INSURANCE = 10n ** 27n;

export function carry(account: BookAccount, options: CarryOptions): Carried {
  return accountsOf(options.margin, account, options.rules)
    .map((part) => carryOne(part, options))
    .reduce((sum, part) => ({
      startEquity: sum.startEquity + part.startEquity,
      endEquity: sum.endEquity + part.endEquity,
      liquidations: sum.liquidations + part.liquidations,
      waited: Math.max(sum.waited, part.waited),
      liquidationCost: sum.liquidationCost + part.liquidationCost,
      badDebt: sum.badDebt + part.badDebt,
      deficits: [...sum.deficits, ...part.deficits],
      assessments: sum.assessments + part.assessments,
    }));
}

function carryOne(opened: BookAccount, { rules, steps, latency }: CarryOptions): Carried {
  let account = opened;
  let assessments = 0;
  let unhealthySince: number | undefined;
  let [liquidations, waited, liquidationCost] = [0, 0, 0n];
  const deficits: Deficit[] = [];
  const { groups, globals } = rules;
  for (const [index, step] of steps.entries()) {
    if (isEmpty(account)) break;
    account = repriced(account, step);
    assessments++;
    if (marginOf({ ...account, groups, globals, time: 0n }) > 0n) {
      unhealthySince = undefined;
      continue;
    }
    unhealthySince ??= step.time;
    const next = steps[index + 1]?.time ?? Infinity;
    if (unhealthySince + latency >= next) continue;
    for (let count = 0; count < MOST_AT_ONCE; count++) {
      const done = liquidated(account, rules, step);
      if (done === undefined) break;
      const { outcome } = done;
      account = done.account;
      liquidations++;
      waited = Math.max(waited, Math.max(unhealthySince + latency, step.time) - unhealthySince);
      liquidationCost += outcome.equityBefore - outcome.equityAfter;
      if (outcome.deficit !== 0n) {
        deficits.push({ time: step.time, market: outcome.market, amount: outcome.deficit });
      }
      if (isEmpty(account) || marginOf({ ...account, groups, globals, time: 0n }) > 0n) {
        unhealthySince = undefined;
        break;
      }
    }
  }
  const endEquity = equityOf(account, rules);
  if (endEquity < 0n) {
    deficits.push({ time: steps.at(-1)?.time ?? 0, market: largestMarket(account), amount: -endEquity });
  }
  return {
    startEquity: equityOf(repriced(opened, steps[0]), rules),
    endEquity: max(endEquity, 0n),
    liquidations,
    waited,
    liquidationCost,
    badDebt: deficits.reduce((sum, { amount }) => sum + amount, 0n),
    deficits,
    assessments,
  };
}

/** The account after the best basket that the contract accepts; undefined where there is none. */
export function liquidated(
  account: BookAccount,
  { groups, globals, money }: Rules,
  { time, settlementPrice }: Pick<Step, "time" | "settlementPrice">,
): { account: BookAccount; outcome: LiquidationOutcome } | undefined {
  const state: LiquidationState = {
    ...account,
    skews: new Map(),
    globals,
    groups,
    money,
    time: BigInt(time),
    settlementPrice,
    insurance: INSURANCE,
  };
  const plan = findLiquidation(state);
  if (plan === undefined) return undefined;
  const { outcome, basket } = plan;
  const sold = new Map(basket.sales.map(({ token, amount }) => [token, amount]));
  const holdings: readonly Holding[] = account.holdings.map((holding) => ({
    ...holding,
    amount: holding.amount - (sold.get(holding.token) ?? 0n),
  }));
  return { account: { exposures: outcome.exposures, holdings, cash: outcome.cash }, outcome };
}

/** The account at the prices of a step; what that does not name stays. */
export function repriced(account: BookAccount, step: Step | undefined): BookAccount {
  if (step === undefined) return account;
  const exposures = account.exposures.map((exposure) => {
    const price = step.prices.get(exposure.asset);
    return price === undefined ? exposure : { ...exposure, price };
  });
  return { ...account, exposures };
}

/** E at the better ends, WAD. */
export function equityOf({ exposures, cash }: BookAccount, { groups }: Rules): bigint {
  return assess({ exposures, cash, groups, time: 0n, end: "better" }).equity;
}

function largestMarket({ exposures }: BookAccount): number {
  const worth = exposures.map(({ asset, size, price }) => ({ asset, value: abs(size) * price.last }));
  return worth.reduce((best, one) => (one.value > best.value ? one : best), { asset: UNATTRIBUTED, value: 0n }).asset;
}

function isEmpty({ exposures, holdings }: BookAccount): boolean {
  return exposures.every(({ size }) => size === 0n) && holdings.every(({ amount }) => amount === 0n);
}
