/** Tables and plots of a study. */
import { toNumber } from "../engine/screen.ts";
import type { RunResult } from "../engine/types.ts";
import {
  type Band,
  barPlot,
  cdfPlot,
  fanPlot,
  heatPlot,
  linePlot,
  type Plot,
  scatterPlot,
  waterfallPlot,
} from "../output/plots.ts";
import type { Table } from "../output/report.ts";
import { DOWN_TIMES, FALLS } from "./cases.ts";
import type { Manipulation } from "./manipulation.ts";
import { expectedShortfall, KEPT_STEPS, mean, quantile, type RunSummary, valueAtRisk } from "./summary.ts";

const HOUR = 3_600;
const MONEY = { unit: "USD" } as const;

export interface PairCell {
  readonly risk: number;
  readonly maintenance: number;
  readonly badDebt: number;
  readonly liquidated: number;
}

export function caseTable(name: string, groups: ReadonlyMap<string, readonly RunSummary[]>): Table {
  return {
    name,
    title: "Losses by kind of run",
    columns: [
      { name: "case" },
      { name: "runs" },
      { name: "bad debt VaR 95", ...MONEY },
      { name: "VaR 99", ...MONEY },
      { name: "ES 99", ...MONEY },
      { name: "uncovered, mean", ...MONEY },
      { name: "uncovered, most", ...MONEY },
      { name: "insurance emptied", unit: "%" },
      { name: "pool insolvent", unit: "%" },
      { name: "pool drawdown, 99 %", unit: "%" },
      { name: "accounts liquidated, mean" },
      { name: "wait, median", unit: "s" },
      { name: "wait, 95 %", unit: "s" },
      { name: "within 5 %, mean of most" },
      { name: "within 10 %" },
      { name: "within 20 %" },
      { name: "deleveragings, mean" },
      { name: "largest fraction", unit: "%" },
      { name: "loss given liquidation, mean", ...MONEY },
      { name: "keeper profit, mean", ...MONEY },
      { name: "attack profit, mean", ...MONEY },
    ],
    rows: [...groups].map(([label, runs]) => {
      const debts = runs.map(({ badDebt }) => badDebt);
      const uncovered = runs.map((run) => run.uncovered);
      const waits = runs.flatMap((run) => run.waits);
      const liquidated = runs.reduce((sum, run) => sum + run.liquidated, 0);
      const lost = runs.reduce((sum, { lossGivenLiquidation }) => sum + lossGivenLiquidation, 0);
      return [
        label,
        runs.length,
        whole(valueAtRisk(debts, 0.95)),
        whole(valueAtRisk(debts, 0.99)),
        whole(expectedShortfall(debts, 0.99)),
        whole(mean(uncovered)),
        whole(Math.max(0, ...uncovered)),
        percent(shareOf(runs, isEmptied)),
        percent(shareOf(runs, ({ isPoolInsolvent }) => isPoolInsolvent)),
        percent(
          quantile(
            runs.map(({ poolDrawdown }) => poolDrawdown),
            0.99,
          ),
        ),
        tenth(liquidated / Math.max(1, runs.length)),
        quantile(waits, 0.5),
        quantile(waits, 0.95),
        ...[0, 1, 2].map((position) => tenth(mean(runs.map(({ near }) => near[position] ?? 0)))),
        tenth(mean(runs.map(({ deleveraged }) => deleveraged.length))),
        percent(Math.max(0, ...runs.flatMap(({ deleveraged }) => deleveraged))),
        whole(lost / Math.max(1, liquidated)),
        whole(mean(runs.map(({ keeperProfit }) => keeperProfit))),
        whole(mean(runs.map(({ attackProfit }) => attackProfit))),
      ];
    }),
  };
}

/** Of all deleveragings, by the share of the side that each closed. */
export function deleveragingTable(runs: readonly RunSummary[]): Table {
  const edges = [0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25];
  const fractions = runs.flatMap(({ deleveraged }) => deleveraged);
  return {
    name: "deleveraging",
    title: "Deleveragings by the share of a side that they closed",
    columns: [{ name: "above", unit: "%" }, { name: "number" }],
    rows: edges.map((edge, index) => {
      const next = edges[index + 1] ?? Infinity;
      return [percent(edge), fractions.filter((fraction) => fraction > edge && fraction <= next).length];
    }),
  };
}

export function manipulationTable(rows: readonly Manipulation[]): Table {
  return {
    name: "manipulation",
    title: "Pushing an index: cost against profit",
    columns: [
      { name: "market" },
      { name: "push", unit: "%" },
      { name: "position" },
      { name: "cost", ...MONEY },
      { name: "profit", ...MONEY },
      { name: "profit over cost" },
      { name: "halted" },
    ],
    rows: rows.map(({ symbol, push, size, cost, profit, isHalted }) => [
      symbol,
      percent(push),
      tenth(size),
      whole(cost),
      whole(profit),
      Math.round((100 * profit) / cost) / 100,
      isHalted,
    ]),
  };
}

export function runTable(name: string, title: string, runs: readonly RunSummary[]): Table {
  return {
    name,
    title,
    columns: [
      { name: "run" },
      { name: "case" },
      { name: "seed" },
      { name: "bad debt", ...MONEY },
      { name: "uncovered", ...MONEY },
      { name: "insurance, least", ...MONEY },
      { name: "pool drawdown", unit: "%" },
      { name: "liquidations" },
      { name: "deleveragings" },
      { name: "keeper profit", ...MONEY },
      { name: "digest" },
    ],
    rows: runs.map((run) => [
      run.index,
      run.case,
      run.seed,
      whole(run.badDebt),
      whole(run.uncovered),
      whole(run.insuranceLeast),
      percent(run.poolDrawdown),
      run.liquidations,
      run.deleveraged.length,
      whole(run.keeperProfit),
      run.digest,
    ]),
  };
}

export function pairTable(cells: readonly PairCell[]): Table {
  return {
    name: "parameter-pairs",
    title: "Falls of 20 % at once under other parameters",
    columns: [
      { name: "β and σ times" },
      { name: "m", unit: "%" },
      { name: "bad debt, mean", ...MONEY },
      { name: "accounts liquidated, mean" },
    ],
    rows: cells.map(({ risk, maintenance, badDebt, liquidated }) => [
      risk,
      percent(maintenance),
      whole(badDebt),
      tenth(liquidated),
    ]),
  };
}

/** @param duration s. */
export function studyPlots(
  groups: ReadonlyMap<string, readonly RunSummary[]>,
  {
    pairs,
    manipulated,
    duration,
  }: { pairs: readonly PairCell[]; manipulated: readonly Manipulation[]; duration: number },
): Plot[] {
  const debtOf = (name: string, pick: (debts: readonly number[]) => number): number =>
    pick((groups.get(name) ?? []).map(({ badDebt }) => badDebt));
  const line = (kind: string, label: string, pick: (debts: readonly number[]) => number) => ({
    label,
    points: FALLS.map((share) => [share, debtOf(`${kind}-${String(Math.round(100 * share))}`, pick)] as const),
  });
  const all = [...groups.values()].flat();
  return [
    linePlot({
      name: "bad-debt-against-shock",
      title: "Bad debt against the size of the fall",
      x: { title: "fall", format: ".0%" },
      y: { title: "USD", format: "~s", zero: true },
      series: [
        line("gap", "at once, mean", mean),
        line("gap", "at once, ES 95", (debts) => expectedShortfall(debts, 0.95)),
        line("slide", "in 20 minutes, mean", mean),
        line("slide", "in 20 minutes, ES 95", (debts) => expectedShortfall(debts, 0.95)),
      ],
      note: "A fall at once is beyond the jump limit: the feeds halt, and nothing is liquidated meanwhile.",
    }),
    fanPlot({
      name: "insurance-fan",
      title: "Insurance over all runs",
      x: { title: "hours" },
      y: { title: "USD", format: "~s", zero: true },
      bands: bandsOf(all, duration),
      note: "Median, middle half, nine tenths of the runs.",
    }),
    barPlot({
      name: "keepers-down",
      title: "A slide of 20 % without keepers for so long",
      y: { title: "USD", format: "~s" },
      groups: [
        ["slide-20", "0 min"],
        ...DOWN_TIMES.map((minutes) => [`keepers-down-${minutes}`, `${minutes} min`]),
      ].map(([name = "", label = ""]) => ({
        label,
        bars: [
          { label: "mean", value: debtOf(name, mean) },
          { label: "ES 95", value: debtOf(name, (debts) => expectedShortfall(debts, 0.95)) },
        ],
      })),
    }),
    ...(pairs.length === 0
      ? []
      : [
          heatPlot({
            name: "parameter-pairs",
            title: "Mean bad debt of falls of 20 % at once",
            x: { title: "β and σ, times the listed ones" },
            y: { title: "m", format: ".0%" },
            value: { title: "USD", format: "~s" },
            cells: pairs.map(({ risk, maintenance, badDebt }) => ({ x: risk, y: maintenance, value: badDebt })),
          }),
        ]),
    scatterPlot({
      name: "manipulation",
      title: "Pushing an index by 1 to 20 %",
      x: { title: "cost, USD", format: "~s", log: true },
      y: { title: "profit, USD", format: "~s", log: true },
      series: [...new Set(manipulated.map(({ symbol }) => symbol))].map((symbol) => ({
        label: symbol,
        points: manipulated
          .filter((one) => one.symbol === symbol && one.profit > 0)
          .map(({ cost, profit }) => [cost, profit] as const),
      })),
      line: true,
      note: "Above the line a push would pay for itself. Steps beyond the jump limit halt the feed.",
    }),
  ];
}

/** What one run was like, the worst as a rule. @param symbolOf By asset. */
export function runPlots(result: RunResult, symbolOf: (asset: number) => string): Plot[] {
  const { steps, liquidations, deleveragings, fills, accounts } = result;
  const hours = (at: number): number => at / HOUR;
  const markets = (steps[0]?.markets ?? []).map(({ asset }) => asset);
  const perMarket = (pick: (market: RunResult["steps"][number]["markets"][number]) => number) =>
    markets.map((asset, position) => ({
      label: symbolOf(asset),
      points: steps.map(({ at, markets: records }) => {
        const record = records[position];
        return [hours(at), record === undefined ? 0 : pick(record)] as const;
      }),
    }));
  const counted = (times: readonly number[]) =>
    steps.map(({ at }) => [hours(at), times.filter((time) => time <= at).length] as const);
  const healths = (pick: (account: RunResult["accounts"][number]) => number | undefined) =>
    accounts.flatMap((account) => pick(account) ?? []).map((health) => Math.min(5, health));
  const [first, last] = [steps[0], steps.at(-1)];
  const toMoney = (wad: bigint | undefined): number => toNumber(wad ?? 0n);
  const badDebt = toMoney(last?.badDebt);
  const uncovered = toMoney(last?.uncovered);
  return [
    linePlot({
      name: "run-liquidations",
      title: `Liquidations and deleveragings, ${result.name}`,
      x: { title: "hours" },
      y: { title: "until then", zero: true },
      steps: true,
      series: [
        { label: "liquidations", points: counted(liquidations.map(({ at }) => at)) },
        { label: "deleveragings", points: counted(deleveragings.map(({ at }) => at)) },
      ],
    }),
    cdfPlot({
      name: "run-health",
      title: "Equity over the maintenance requirement, before and after",
      x: { title: "times" },
      series: [
        { label: "before", values: healths(({ startHealth }) => startHealth) },
        { label: "after", values: healths(({ endHealth }) => endHealth) },
      ],
    }),
    linePlot({
      name: "run-skew",
      title: "Skew, as value",
      x: { title: "hours" },
      y: { title: "USD", format: "~s" },
      steps: true,
      series: perMarket(({ price, longSize, shortSize }) => toNumber(longSize - shortSize) * toNumber(price)),
    }),
    linePlot({
      name: "run-funding",
      title: "Funding rate, a day",
      x: { title: "hours" },
      y: { title: "of the price", format: ".3%" },
      series: perMarket(({ fundingRate }) => toNumber(fundingRate)),
    }),
    scatterPlot({
      name: "run-fills",
      title: "Fill against oracle price",
      x: { title: "hours" },
      y: { title: "basis points" },
      series: markets.map((asset) => ({
        label: symbolOf(asset),
        points: fills
          .filter((fill) => fill.asset === asset)
          .map(
            ({ at, price, fillPrice }) => [hours(at), (toNumber(fillPrice) / toNumber(price) - 1) * 10_000] as const,
          ),
      })),
    }),
    waterfallPlot({
      name: "run-waterfall",
      title: "Who bears the bad debt",
      y: { title: "USD", format: "~s" },
      steps: [
        { label: "bad debt", change: badDebt },
        { label: "insurance", change: -(badDebt - uncovered) },
        { label: "pool", change: -Math.min(uncovered, Math.max(0, toMoney(first?.poolEquity))) },
      ],
      total: "nobody",
    }),
    linePlot({
      name: "run-reserves",
      title: "Pool and insurance",
      x: { title: "hours" },
      y: { title: "USD", format: "~s" },
      series: [
        { label: "pool", points: steps.map(({ at, poolEquity }) => [hours(at), toNumber(poolEquity)] as const) },
        { label: "insurance", points: steps.map(({ at, insurance }) => [hours(at), toNumber(insurance)] as const) },
      ],
    }),
  ];
}

export function isEmptied({ insuranceLeast, insuranceStart }: RunSummary): boolean {
  return insuranceStart > 0 && insuranceLeast < 1;
}

function bandsOf(runs: readonly RunSummary[], duration: number): Band[] {
  return Array.from({ length: KEPT_STEPS }, (_, position) => {
    const values = runs.map(({ insurance }) => insurance[position] ?? 0);
    const [p5 = 0, p25 = 0, p50 = 0, p75 = 0, p95 = 0] = [0.05, 0.25, 0.5, 0.75, 0.95].map((share) =>
      quantile(values, share),
    );
    return { x: (position * duration) / (KEPT_STEPS - 1) / HOUR, p5, p25, p50, p75, p95 };
  });
}

function shareOf(runs: readonly RunSummary[], holds: (run: RunSummary) => boolean): number {
  return runs.length === 0 ? 0 : runs.filter(holds).length / runs.length;
}

function whole(value: number): number {
  return Math.round(value);
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

/** With two digits behind the point. */
function percent(share: number): number {
  return Math.round(share * 10_000) / 100;
}
