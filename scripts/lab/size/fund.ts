/** What insurance and the pool pay over a path, and how much of the winning side is deleveraged. */
import { type Bucket, EMPTY_BUCKET, takeFromInsurance, UNATTRIBUTED } from "../../model/deficit.ts";
import { max, min, mulDivDown, PPM, WAD } from "../../model/fixed.ts";
import { carry, type Deficit } from "../compare/carry.ts";
import type { Rules } from "../compare/rules.ts";
import type { Step } from "../compare/steps.ts";
import { accountOf, type Interest, isPriced, type Resident } from "./population.ts";

/** Money WAD of settlement token. */
export interface PathLoss {
  readonly badDebt: bigint;
  /** By market; `UNATTRIBUTED` included. */
  readonly byMarket: ReadonlyMap<number, bigint>;
  /** The two accounts that left most. */
  readonly twoLargest: bigint;
  readonly fromInsurance: bigint;
  /** Bad debt that is left to the pool. */
  readonly uncovered: bigint;
  readonly emptied: boolean;
  /** The most that a market owed its crowded side. */
  readonly owed: bigint;
  /** By market. */
  readonly owedByMarket: ReadonlyMap<number, bigint>;
  readonly deleveraged: boolean;
  /** Largest share of a crowded side that was closed, 1e-6. */
  readonly haircut: bigint;
  readonly liquidatedAccounts: number;
  readonly assessments: number;
}

export interface FundOptions {
  readonly rules: Rules;
  readonly residents: readonly Resident[];
  readonly interests: readonly Interest[];
  readonly latency: number;
  /** WAD. */
  readonly pool: bigint;
  /** WAD. */
  readonly insurance: bigint;
}

/** Carries everybody over a path, then lets insurance pay in the order of time. */
export function lossOf(steps: readonly Step[], options: FundOptions): PathLoss {
  const { rules, residents, latency } = options;
  const [first] = steps;
  const results = residents.flatMap((resident) => {
    if (first === undefined || !isPriced(resident, rules, first.prices)) return [];
    return [carry(accountOf(resident, rules, first.prices), { margin: "joint", rules, steps, latency })];
  });
  const deficits = results.flatMap((result) => result.deficits).sort((one, other) => one.time - other.time);
  const byMarket = new Map<number, bigint>();
  for (const { market, amount } of deficits) byMarket.set(market, (byMarket.get(market) ?? 0n) + amount);
  const sizes = results.map(({ badDebt }) => badDebt).sort((one, other) => (one < other ? 1 : -1));
  return {
    badDebt: sum(sizes),
    byMarket,
    twoLargest: sum(sizes.slice(0, 2)),
    ...paid(deficits, options),
    ...deleveraging(steps, options),
    liquidatedAccounts: results.filter(({ liquidations }) => liquidations !== 0).length,
    assessments: results.reduce((total, { assessments }) => total + assessments, 0),
  };
}

function paid(
  deficits: readonly Deficit[],
  { rules, insurance }: FundOptions,
): Pick<PathLoss, "fromInsurance" | "uncovered" | "emptied"> {
  const buckets = new Map<number, Bucket>();
  let [left, uncovered] = [insurance, 0n];
  for (const { time, market, amount } of deficits) {
    const cap = rules.assets[market]?.trade.insuranceCap ?? rules.money.unattributedCap;
    const bucket = buckets.get(market) ?? EMPTY_BUCKET;
    const done = takeFromInsurance(amount, { bucket, insurance: left, cap, now: BigInt(time) });
    buckets.set(market, done.bucket);
    left -= done.taken;
    uncovered += amount - done.taken;
  }
  return { fromInsurance: insurance - left, uncovered, emptied: insurance > 0n && left === 0n };
}

/**
 * What the pool owes to a side that is crowded by the whole skew cap, with whichever direction wins: |S|·|P − P₀|. Beyond
 * the loss budget the side is closed until what is left owes no more: 1 − budget/owed of it, and never more than the skew.
 */
function deleveraging(
  steps: readonly Step[],
  { rules, interests, pool }: FundOptions,
): Pick<PathLoss, "owed" | "owedByMarket" | "deleveraged" | "haircut"> {
  const budget = mulDivDown(pool, rules.money.lossBudget, PPM);
  const owedByMarket = new Map<number, bigint>();
  let haircut = 0n;
  for (const { asset, skew, crowded } of interests) {
    const start = steps[0]?.prices.get(asset)?.last;
    if (start === undefined) continue;
    const most = steps
      .map(({ prices }) => prices.get(asset)?.last ?? start)
      .map((price) => mulDivDown(skew, price > start ? price - start : start - price, start))
      .reduce(max, 0n);
    owedByMarket.set(asset, most);
    if (most <= budget) continue;
    const needed = PPM - mulDivDown(budget, PPM, most);
    haircut = max(haircut, min(needed, mulDivDown(skew, PPM, crowded)));
  }
  return { owed: [...owedByMarket.values()].reduce(max, 0n), owedByMarket, deleveraged: haircut !== 0n, haircut };
}

/** Name of a market, or of none. */
export function marketName({ assets }: Rules, market: number): string {
  return market === UNATTRIBUTED ? "unattributed" : (assets[market]?.symbol ?? String(market));
}

/** Dollars. */
export function dollars(amount: bigint): number {
  return Number(amount / (WAD / 100n)) / 100;
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}
