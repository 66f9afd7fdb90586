import { quantityOf } from "../../deploy/parameters.ts";
import { showQuantity } from "../../gov/units.ts";
import { PPM } from "../../model/fixed.ts";
import type { Table } from "../output/report.ts";
import type { Study } from "./study.ts";

export function tablesOf(found: Study): readonly Table[] {
  return [changes(found), fits(found), measures(found), coverage(found), steward(found), course(found)];
}

function changes({ changes: all }: Study): Table {
  return {
    name: "diff",
    title: "Before and after",
    columns: [
      { name: "parameter" },
      { name: "before" },
      { name: "after" },
      { name: "change", unit: "%" },
      { name: "why" },
    ],
    rows: all.map(({ path, before, after, reason }) => [
      path,
      showQuantity(before, quantityOf(path)),
      showQuantity(after, quantityOf(path)),
      before === 0n ? undefined : Math.round((1_000 * Number(after - before)) / Number(before)) / 10,
      reason,
    ]),
  };
}

function fits({ fits: groups }: Study): Table {
  return {
    name: "fit",
    title: "Fitted on",
    columns: [
      { name: "group" },
      { name: "asset" },
      { name: "slope on the factor" },
      { name: "shock of the factor" },
      { name: "beta", unit: "%" },
      { name: "sigma", unit: "%" },
      { name: "outright loss at the confidence", unit: "%" },
      { name: "windows" },
    ],
    rows: groups.flatMap(({ group, shock, windows, assets }) =>
      assets.map(({ symbol, slope, sigma, need }) => [
        group,
        symbol,
        rounded(slope),
        rounded(shock),
        percentOf(slope * shock),
        percentOf(sigma),
        percentOf(need),
        windows,
      ]),
    ),
  };
}

function measures({ measured }: Study): Table {
  return {
    name: "measured",
    title: "Measured before the date",
    columns: [
      { name: "asset" },
      { name: "jump", unit: "%" },
      { name: "worst while liquidating", unit: "%" },
      { name: "last price", unit: "USD" },
      { name: "funding", unit: "%/day" },
    ],
    rows: [...measured].map(([symbol, { jump, liquidationMove, price, funding }]) => [
      symbol,
      percentOf(jump),
      percentOf(liquidationMove),
      price,
      funding === undefined ? undefined : percentOf(funding),
    ]),
  };
}

function coverage({ tests }: Study): Table {
  return {
    name: "coverage",
    title: "Share of windows whose loss was covered",
    columns: [
      { name: "parameters" },
      { name: "period" },
      { name: "requirement" },
      { name: "kind" },
      { name: "book" },
      { name: "of gross", unit: "%" },
      { name: "windows" },
      { name: "failures" },
      { name: "covered", unit: "%" },
      { name: "low", unit: "%" },
      { name: "high", unit: "%" },
      { name: "Kupiec p" },
      { name: "p of so many failures" },
      { name: "worst loss/requirement" },
    ],
    rows: tests.map(({ set, period, measure, book, requirement, coverage: seen }) => [
      set,
      period,
      measure,
      book.kind,
      book.name,
      percentOf(requirement),
      seen.windows,
      seen.failures,
      percentOf(seen.covered),
      percentOf(seen.low),
      percentOf(seen.high),
      rounded(seen.kupiec),
      rounded(seen.tooMany),
      rounded(seen.worst),
    ]),
  };
}

function steward({ advice }: Study): Table {
  return {
    name: "steward",
    title: "What the steward would have in force after the last day",
    columns: [
      { name: "parameter" },
      { name: "in force", unit: "%" },
      { name: "target", unit: "%" },
      { name: "recommended", unit: "%" },
      { name: "last action" },
      { name: "raised", unit: "days" },
      { name: "lowered", unit: "days" },
    ],
    rows: advice.map(({ symbol, parameter, start, course: days }) => {
      const last = days.at(-1);
      return [
        `assets.${symbol}.risk.${parameter}`,
        percent(start),
        percent(last?.target ?? start),
        percent(last?.value ?? start),
        last?.action ?? "hold",
        days.filter(({ action }) => action === "raise").length,
        days.filter(({ action }) => action === "lower").length,
      ];
    }),
  };
}

function course({ advice }: Study): Table {
  return {
    name: "steward-days",
    title: "Day by day",
    columns: [
      { name: "day" },
      { name: "parameter" },
      { name: "target", unit: "%" },
      { name: "in force after it", unit: "%" },
      { name: "action" },
    ],
    rows: advice.flatMap(({ symbol, parameter, days, course: all }) =>
      all.map(({ target, value, action }, index) => [
        new Date((days[index] ?? 0) * 1_000).toISOString().slice(0, 10),
        `${symbol} ${parameter}`,
        percent(target),
        percent(value),
        action,
      ]),
    ),
  };
}

function percentOf(share: number): number {
  return rounded(100 * share);
}

/** To seven digits: the rest is noise of the last bits. */
function rounded(value: number): number {
  return Number(value.toPrecision(7));
}

function percent(rate: bigint): number {
  return (100 * Number(rate)) / Number(PPM);
}
