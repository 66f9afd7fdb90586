/** Tables, plots and sentences of the comparison. */
import { barPlot, linePlot, type Plot } from "../output/plots.ts";
import type { Table } from "../output/report.ts";
import { MARGINS } from "./account.ts";
import { KINDS } from "./shapes.ts";
import { type Judgement, type Row, TOLERANCE, type Verdict } from "./study.ts";

/** Basis points of the size of a book. */
const BP = 1e4;
const GAP_NAME = /^gap (.+) (-?\d+) %$/;
const GROUPS = [
  { name: "recorded", has: isRecorded },
  { name: "drawn", has: isDrawn },
  { name: "gaps", has: isGap },
] as const;

export function tablesOf(rows: readonly Row[], judgements: readonly Judgement[]): readonly Table[] {
  return [
    {
      name: "verdicts",
      title: "What is asked of a book, and whether less of it costs bad debt",
      columns: [
        { name: "book" },
        { name: "kind" },
        ...MARGINS.map((margin) => ({ name: margin, unit: "% of size" })),
        { name: "joint less than plain", unit: "%" },
        ...GROUPS.flatMap(({ name }) => [
          { name: `bad debt joint, ${name}`, unit: "bp" },
          { name: `bad debt plain, ${name}`, unit: "bp" },
          { name: `bad debt joint with plain's equity, ${name}`, unit: "bp" },
        ]),
        { name: "verdict" },
        { name: "worse in" },
      ],
      rows: judgements.map(({ shape, asked, badDebt, verdict }) => [
        shape.name,
        shape.kind,
        ...MARGINS.map((margin) => round(100 * asked[margin])),
        round(100 * (1 - asked.joint / asked.plain)),
        ...GROUPS.flatMap(({ has }) => {
          const some = badDebt.filter(({ source }) => has(source));
          return (["joint", "plain", "jointAtPlain"] as const).map((of) =>
            round(BP * mean(some.map((debt) => debt[of]))),
          );
        }),
        verdict,
        worseIn(badDebt).join(", "),
      ]),
    },
    {
      name: "outcomes",
      title: "What became of the books",
      columns: [
        { name: "source" },
        { name: "book" },
        { name: "margin" },
        { name: "sizing" },
        { name: "runs" },
        { name: "equity at start", unit: "% of size" },
        { name: "liquidated", unit: "% of runs" },
        { name: "bad debt, mean", unit: "bp" },
        { name: "VaR 95", unit: "bp" },
        { name: "VaR 99", unit: "bp" },
        { name: "expected shortfall 99", unit: "bp" },
        { name: "worst", unit: "bp" },
        { name: "deficit given liquidation", unit: "bp" },
        { name: "loss given liquidation", unit: "bp" },
        { name: "longest wait", unit: "s" },
      ],
      rows: rows.map(({ source, shape, margin, sizing, summary }) => [
        source,
        shape.name,
        margin,
        sizing,
        summary.runs,
        round(100 * summary.capital),
        round(100 * summary.liquidated),
        round(BP * summary.badDebt),
        round(BP * summary.badDebt95),
        round(BP * summary.badDebt99),
        round(BP * summary.shortfall99),
        round(BP * summary.worstBadDebt),
        round(BP * summary.deficitGivenLiquidation),
        round(BP * summary.lossGivenLiquidation),
        summary.waited,
      ]),
    },
  ];
}

export function plotsOf(rows: readonly Row[], judgements: readonly Judgement[]): readonly Plot[] {
  const own = rows.filter(({ sizing }) => sizing === "own");
  const recorded = own.filter(({ source }) => isRecorded(source));
  return [
    barPlot({
      name: "capital",
      title: "What is asked of a book",
      y: { title: "initial requirement, of the size", format: ".0%" },
      groups: judgements.map(({ shape, asked }) => ({
        label: shape.name,
        bars: MARGINS.map((margin) => ({ label: margin, value: asked[margin] })),
      })),
    }),
    ...(
      [
        ["liquidated", "Books liquidated in the recorded crashes", "share of runs", ".0%"],
        ["badDebt", "Bad debt in the recorded crashes", "mean, of the size", ".2%"],
        ["lossGivenLiquidation", "Loss given liquidation in the recorded crashes", "of the size", ".1%"],
      ] as const
    ).map(([field, title, axis, format]) =>
      barPlot({
        name: `recorded-${field.toLowerCase()}`,
        title,
        note: "Each kind of margin with the same multiple of its own requirement.",
        y: { title: axis, format },
        groups: KINDS.map((kind) => ({
          label: kind,
          bars: MARGINS.map((margin) => ({
            label: margin,
            value: mean(
              recorded
                .filter(({ shape, margin: of }) => shape.kind === kind && of === margin)
                .map(({ summary }) => summary[field]),
            ),
          })),
        })),
      }),
    ),
    ...GAP_PLOTS.map(({ name, book, gap }) =>
      linePlot({
        name,
        title: `Bad debt of ${book} against a gap, ${gap}`,
        x: { title: "gap", format: ".0%" },
        y: { title: "bad debt, of the size", format: ".0%", zero: true },
        series: MARGINS.map((margin) => ({
          label: margin,
          points: own.flatMap(({ source, shape, margin: of, summary }) => {
            const [, kind, percent] = GAP_NAME.exec(source) ?? [];
            if (shape.name !== book || of !== margin || kind !== gap) return [];
            return [[Number(percent) / 100, summary.badDebt] as const];
          }),
        })),
      }),
    ),
  ];
}

const GAP_PLOTS = [
  { name: "gap-outright", book: "ETH long", gap: "by beta" },
  { name: "gap-pair", book: "BTC/ETH by beta long", gap: "by beta" },
  { name: "gap-pair-alone", book: "BTC/ETH by beta long", gap: "one alone" },
  { name: "gap-basket", book: "all four long", gap: "by beta" },
  { name: "gap-hedged", book: "WETH, short ETH", gap: "by beta" },
] as const;

/** For which books the joint formula needs less at no more bad debt, and for which not. */
export function verdictsOf(judgements: readonly Judgement[]): readonly string[] {
  const listOf = (verdict: Verdict): string =>
    judgements
      .filter((judgement) => judgement.verdict === verdict)
      .map(({ shape, asked, badDebt }) => {
        const needs = `${(100 * asked.joint).toFixed(1)} % against ${(100 * asked.plain).toFixed(1)} %`;
        const worse = worseIn(badDebt);
        return `${shape.name} (${needs}${worse.length === 0 ? "" : `; worse in ${worse.join(", ")}`})`;
      })
      .join("; ");
  const say = (verdict: Verdict, text: string): readonly string[] => {
    const list = listOf(verdict);
    return list === "" ? [] : [`${text}: ${list}.`];
  };
  return [
    ...say(
      "less, no more bad debt",
      "The joint formula needs less than plain cross margin, at no more bad debt anywhere",
    ),
    ...say("less, more bad debt", "It needs less, and leaves more bad debt somewhere"),
    ...say("the same", "It needs the same"),
    ...say("more", "It needs more"),
    ...GROUPS.flatMap(({ name, has }) => {
      const less = judgements.filter(({ verdict }) => verdict.startsWith("less"));
      const isNoWorse = ({ badDebt }: Judgement, of: "joint" | "jointAtPlain"): boolean =>
        badDebt.every((debt) => !has(debt.source) || debt[of] <= debt.plain + TOLERANCE);
      const count = (of: "joint" | "jointAtPlain"): number => less.filter((one) => isNoWorse(one, of)).length;
      return [
        `Of the ${less.length} books that need less, ${count("joint")} leave no more bad debt in what is ${name === "gaps" ? "a gap" : name}, ` +
          `and with plain cross margin's equity ${count("jointAtPlain")}.`,
      ];
    }),
  ];
}

/** Sources in which the joint formula left more bad debt than plain cross margin, gaps of one kind together. */
function worseIn(badDebt: Judgement["badDebt"]): readonly string[] {
  const worse = badDebt.filter(({ joint, plain }) => joint > plain + TOLERANCE).map(({ source }) => source);
  const named = worse.map((source) => {
    const kind = GAP_NAME.exec(source)?.[1];
    return kind === undefined ? source : `gaps ${kind}`;
  });
  return [...new Set(named)].map((name) => {
    if (!name.startsWith("gaps ")) return name;
    const percents = worse.flatMap((source) => {
      const [, kind, percent] = GAP_NAME.exec(source) ?? [];
      return `gaps ${kind ?? ""}` === name ? [Number(percent)] : [];
    });
    const least = percents.reduce((a, b) => (Math.abs(b) < Math.abs(a) ? b : a));
    return `${name} from ${least} %`;
  });
}

function isGap(source: string): boolean {
  return GAP_NAME.test(source);
}

function isDrawn(source: string): boolean {
  return source.startsWith("drawn");
}

function isRecorded(source: string): boolean {
  return !isGap(source) && !isDrawn(source);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** To four digits that matter. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}
