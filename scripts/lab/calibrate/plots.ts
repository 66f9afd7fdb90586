import { PPM } from "../../model/fixed.ts";
import { barPlot, cdfPlot, linePlot, type Plot, scatterPlot, thin } from "../output/plots.ts";
import type { CalibrateOptions } from "./options.ts";
import type { Study, Tested } from "./study.ts";
import { endMoves, type Window, worstLosses } from "./windows.ts";

/** Dots of a cloud. */
const DOTS = 1_200;

export function plotsOf(found: Study, { fitUntil, horizon }: CalibrateOptions): readonly Plot[] {
  return [needs(found), covered(found), losses(found), ...clouds(found, horizon), ...courses(found, fitUntil)];
}

/** Requirement before and after, and what was lost. */
function needs({ tests }: Study): Plot {
  const of = (set: Tested["set"], name: string): number =>
    tests.find((test) => test.set === set && test.book.name === name && test.measure === "initial")?.requirement ?? 0;
  const names = [...new Set(tests.map(({ book }) => book.name))];
  return barPlot({
    name: "requirements",
    title: "Initial requirement of gross notional",
    y: { title: "of gross", format: ".0%" },
    groups: names.map((name) => ({
      label: name,
      bars: [
        { label: "in force", value: of("in force", name) },
        { label: "proposed", value: of("proposed", name) },
      ],
    })),
  });
}

function covered({ tests }: Study): Plot {
  const shown = tests.filter(({ measure, period }) => measure === "initial" && period === "test");
  const names = [...new Set(shown.map(({ book }) => book.name))];
  return barPlot({
    name: "failures",
    title: "Failures out of sample, share of windows",
    y: { title: "not covered", format: ".2%" },
    groups: names.map((label) => ({
      label,
      bars: shown
        .filter(({ book }) => book.name === label)
        .map(({ set, coverage }) => ({ label: set, value: 1 - coverage.covered })),
    })),
  });
}

/** Losses over the proposed requirement: beyond 1 is not covered. */
function losses({ tests, windows }: Study): Plot {
  const outright = tests.filter(
    ({ set, period, measure, book }) =>
      set === "proposed" &&
      period === "test" &&
      measure === "initial" &&
      book.weights.size === 1 &&
      book.name.endsWith("long"),
  );
  return cdfPlot({
    name: "losses",
    title: "Loss over the proposed initial requirement, long, out of sample",
    x: { title: "loss / requirement", format: ".1f", zero: true },
    series: outright.flatMap(({ book, requirement }) => {
      const [symbol = ""] = book.weights.keys();
      const seen = windows.get(symbol)?.test ?? [];
      return [{ label: symbol, values: worstLosses(seen, [1]).map((loss) => loss / requirement) }];
    }),
  });
}

/** Moves of an asset against those of the first of its group. */
function clouds({ fits, windows }: Study, horizon: number): readonly Plot[] {
  return fits.flatMap(({ group, assets }) => {
    const [leader, ...others] = assets;
    if (leader === undefined || others.length === 0) return [];
    return [
      scatterPlot({
        name: `moves-${group}`,
        title: `Moves of ${group} over ${horizon} s, before the date`,
        x: { title: leader.symbol, format: ".1%" },
        y: { title: "the other", format: ".1%" },
        line: true,
        series: others.map(({ symbol }) => ({
          label: symbol,
          points: together(windows.get(leader.symbol)?.fit ?? [], windows.get(symbol)?.fit ?? []),
        })),
      }),
    ];
  });
}

/** Moves of two assets in the windows that both have; of many, those that stand out. */
function together(first: readonly Window[], second: readonly Window[]): readonly (readonly [number, number])[] {
  const moves = endMoves(second, 0);
  const at = new Map(second.map((window, index) => [window.at, moves[index] ?? 0]));
  const pairs = endMoves(first, 0).flatMap((move, index) => {
    const other = at.get(first[index]?.at ?? -1);
    return other === undefined ? [] : [[move, other] as const];
  });
  return thin(pairs, DOTS);
}

function courses({ advice }: Study, fitUntil: number): readonly Plot[] {
  const symbols = [...new Set(advice.map(({ symbol }) => symbol))];
  return symbols.map((symbol) => {
    const own = advice.filter((one) => one.symbol === symbol);
    const days = own[0]?.days ?? [];
    const sum = (pick: "target" | "value") =>
      days.map((day, index) => {
        const rates = own.map(({ course }) => course[index]?.[pick] ?? 0n);
        return [day, Number(rates.reduce((a, b) => a + b, 0n)) / Number(PPM)] as const;
      });
    return linePlot({
      name: `steward-${symbol.toLowerCase()}`,
      title: `${symbol}: β + σ that volatility asks for, and what the steward makes of it`,
      x: { title: "day", time: true, format: "%Y-%m-%d" },
      y: { title: "β + σ", format: ".1%" },
      steps: true,
      series: [
        { label: "target", points: sum("target") },
        { label: "in force", points: sum("value") },
      ],
      note: `Fitted on what was before ${new Date(fitUntil * 1_000).toISOString().slice(0, 10)}.`,
    });
  });
}
