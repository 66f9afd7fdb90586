/** What many runs of one book come to. */
import { WAD } from "../../model/fixed.ts";
import type { Carried } from "./carry.ts";

/** Shares of the size of the book. */
export interface Summary {
  readonly runs: number;
  /** Share of the runs in which it was liquidated at least once. */
  readonly liquidated: number;
  /** Mean equity at the start. */
  readonly capital: number;
  readonly badDebt: number;
  readonly badDebt95: number;
  readonly badDebt99: number;
  /** Mean of the worst hundredth. */
  readonly shortfall99: number;
  readonly worstBadDebt: number;
  /** Mean bad debt of the runs with a liquidation. */
  readonly deficitGivenLiquidation: number;
  /** Mean cost of being liquidated in these. */
  readonly lossGivenLiquidation: number;
  /** Longest time from unhealthy to liquidated, s. */
  readonly waited: number;
}

export class Tally {
  readonly #size: bigint;
  readonly #badDebts: number[] = [];
  #liquidated = 0;
  #capital = 0;
  #cost = 0;
  #deficitOfLiquidated = 0;
  #waited = 0;
  assessments = 0;

  /** @param size Of the book, WAD. */
  constructor(size: bigint) {
    this.#size = size;
  }

  add({ startEquity, liquidations, liquidationCost, badDebt, waited, assessments }: Carried): void {
    const debt = this.#shareOf(badDebt);
    this.#badDebts.push(debt);
    this.#capital += this.#shareOf(startEquity);
    this.assessments += assessments;
    if (liquidations === 0) return;
    this.#liquidated++;
    this.#cost += this.#shareOf(liquidationCost);
    this.#deficitOfLiquidated += debt;
    this.#waited = Math.max(this.#waited, waited);
  }

  summary(): Summary {
    const runs = this.#badDebts.length;
    const sorted = this.#badDebts.toSorted((a, b) => a - b);
    const perLiquidation = (sum: number): number => (this.#liquidated === 0 ? 0 : sum / this.#liquidated);
    return {
      runs,
      liquidated: runs === 0 ? 0 : this.#liquidated / runs,
      capital: runs === 0 ? 0 : this.#capital / runs,
      badDebt: runs === 0 ? 0 : sorted.reduce((sum, debt) => sum + debt, 0) / runs,
      badDebt95: quantile(sorted, 0.95),
      badDebt99: quantile(sorted, 0.99),
      shortfall99: expectedShortfall(sorted, 0.99),
      worstBadDebt: sorted.at(-1) ?? 0,
      deficitGivenLiquidation: perLiquidation(this.#deficitOfLiquidated),
      lossGivenLiquidation: perLiquidation(this.#cost),
      waited: this.#waited,
    };
  }

  #shareOf(amount: bigint): number {
    return Number((amount * WAD) / this.#size) / 1e18;
  }
}

/** The least value that at least so great a share of them does not exceed; 0 of none. @param sorted Ascending. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** Mean of the values beyond a share, of one at least; 0 of none. @param sorted Ascending. */
export function expectedShortfall(sorted: readonly number[], share: number): number {
  const count = Math.max(1, Math.round((1 - share) * sorted.length));
  const tail = sorted.slice(-count);
  return tail.length === 0 ? 0 : tail.reduce((sum, value) => sum + value, 0) / tail.length;
}
