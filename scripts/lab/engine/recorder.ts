/** Notes what a run did. */
import { createHash } from "node:crypto";

import { type Books, found } from "../../model/books.ts";
import { accrued } from "../../model/funding.ts";
import type { LiquidationOutcome } from "../../model/liquidation.ts";
import { max } from "../../model/fixed.ts";
import { assess, maintenanceUp } from "../../model/risk.ts";
import { sideSizeDown } from "../../model/sideIndex.ts";
import { toNumber } from "./screen.ts";
import type {
  AccountRecord,
  CutRecord,
  DeleveragingRecord,
  FillRecord,
  LiquidationRecord,
  LoggedDeed,
  MarketRecord,
  RunResult,
  Scenario,
  StepRecord,
} from "./types.ts";

interface AccountTally {
  startEquity: bigint;
  startHealth: number | undefined;
  withdrawn: bigint;
  liquidations: number;
  lost: bigint;
  badDebt: bigint;
}

export class Recorder {
  readonly steps: StepRecord[] = [];
  readonly liquidations: LiquidationRecord[] = [];
  readonly deleveragings: DeleveragingRecord[] = [];
  readonly cuts: CutRecord[] = [];
  readonly fills: FillRecord[] = [];
  readonly refusals = new Map<string, number>();
  readonly log: LoggedDeed[] = [];
  readonly #tallies: readonly AccountTally[];
  keeperProfit = 0n;
  poolLeft = 0n;
  badDebt = 0n;
  uncovered = 0n;
  healthyLiquidated = 0;

  constructor(accounts: number) {
    const none = { startEquity: 0n, startHealth: undefined, withdrawn: 0n, liquidations: 0, lost: 0n, badDebt: 0n };
    this.#tallies = Array.from({ length: accounts }, () => ({ ...none }));
  }

  /** The run begins for an account as it is. */
  started(books: Books, account: number, now: bigint): void {
    const { equity, health } = standingOf(books, account, now);
    Object.assign(this.#tally(account), { startEquity: equity, startHealth: health });
  }

  /** @param amount Taken out, WAD. */
  withdrew(account: number, amount: bigint): void {
    this.#tally(account).withdrawn += amount;
  }

  refused(reason: string): void {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
  }

  liquidated(
    outcome: LiquidationOutcome,
    {
      kind,
      at,
      account,
      waited,
      cost,
    }: { kind: "liquidate" | "takeOver"; at: number; account: number; waited: number; cost: bigint },
  ): void {
    const { equityBefore, maintenanceBefore, equityAfter, penalty, deficit, fromInsurance, reward, discount } = outcome;
    const keeperProfit = reward + discount - cost;
    this.liquidations.push({
      at,
      account,
      kind,
      waited,
      equityBefore,
      maintenanceBefore,
      penalty,
      deficit,
      keeperProfit,
    });
    if (equityBefore > maintenanceBefore) ++this.healthyLiquidated;
    const tally = this.#tally(account);
    ++tally.liquidations;
    tally.lost += max(0n, equityBefore) - max(0n, equityAfter);
    this.#booked(account, { deficit, fromInsurance });
  }

  /** A debt that was booked without a liquidation. */
  wroteOff(account: number, debt: { deficit: bigint; fromInsurance: bigint }): void {
    this.#booked(account, debt);
  }

  stepped(step: Omit<StepRecord, "badDebt" | "uncovered" | "poolLeft">): void {
    const { badDebt, uncovered, poolLeft } = this;
    this.steps.push({ ...step, badDebt, uncovered, poolLeft });
  }

  resultOf(books: Books, { name, seed, traders }: Scenario, now: bigint): RunResult {
    const accounts = traders.map((trader, index): AccountRecord => {
      const { lost, ...tally } = this.#tally(index);
      const { equity, health } = standingOf(books, index, now);
      return { ...tally, name: trader.name, endEquity: equity, endHealth: health, lossGivenLiquidation: lost };
    });
    const { steps, liquidations, deleveragings, cuts, fills, keeperProfit, refusals, healthyLiquidated, log } = this;
    return {
      name,
      seed,
      steps,
      liquidations,
      deleveragings,
      cuts,
      fills,
      accounts,
      keeperProfit,
      refusals,
      healthyLiquidated,
      log,
      digest: digestOf(books),
    };
  }

  #booked(account: number, { deficit, fromInsurance }: { deficit: bigint; fromInsurance: bigint }): void {
    this.badDebt += deficit;
    this.uncovered += deficit - fromInsurance;
    this.#tally(account).badDebt += deficit;
  }

  #tally(account: number): AccountTally {
    return found(this.#tallies[account]);
  }
}

/** At the better ends. */
function standingOf(
  books: Books,
  account: number,
  now: bigint,
): { equity: bigint; health: AccountRecord["startHealth"] } {
  const standing = books.standingOf(books.account(account), now);
  const terms = assess({ ...standing, groups: books.groups, time: now, end: "better" });
  const maintenance = maintenanceUp(terms, books.globals);
  const health = maintenance === 0n ? undefined : toNumber(terms.equity) / toNumber(maintenance);
  return { equity: terms.equity, health };
}

export function marketRecordOf(books: Books, asset: number, now: bigint): MarketRecord {
  const { long, short, funding } = books.market(asset);
  const { last } = found(books.prices[asset]);
  const { maxFundingRate } = found(books.assets[asset]).trade;
  const { index, rate } = accrued(funding, { maxRate: maxFundingRate, price: last, now });
  return {
    asset,
    price: last,
    longSize: sideSizeDown(long),
    shortSize: sideSizeDown(short),
    fundingIndex: index,
    fundingRate: rate,
  };
}

/** Of everything that the books keep. */
export function digestOf(books: Books): string {
  const { base, debts, insurance, protocolFees, closedValue, seizedOwed, uncoveredDeficits, pendingLosses } = books;
  const { mark, markTime, paidIn } = books;
  const state = {
    totals: {
      base,
      debts,
      insurance,
      protocolFees,
      closedValue,
      seizedOwed,
      uncoveredDeficits,
      pendingLosses,
      mark,
      markTime,
      paidIn,
    },
    accounts: [...books.accounts, books.fund].map(({ cash, shares, insolventSince, positions, collateral }) => ({
      cash,
      shares,
      insolventSince,
      positions: [...positions].sort(([one], [other]) => one - other),
      collateral: [...collateral].sort(([one], [other]) => one - other),
    })),
    markets: books.assets.map((_, asset) => {
      const { long, short, funding, watch } = books.market(asset);
      return {
        long: { ...long, closed: [...long.closed] },
        short: { ...short, closed: [...short.closed] },
        funding,
        watch,
      };
    }),
    buckets: [...books.buckets].sort(([one], [other]) => one - other),
    seizures: [...books.seizures].sort(([one], [other]) => one - other),
  };
  return createHash("sha256").update(toJson(state)).digest("hex");
}

/** JSON with `bigint` as text. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => {
    if (typeof field === "bigint") return field.toString();
    return field instanceof Map ? [...(field as Map<unknown, unknown>)] : field;
  });
}
