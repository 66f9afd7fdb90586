/** The plots of a replay. Money in USD. */
import type { FillRecord } from "../../replay/journal.ts";
import { cdfPlot, linePlot, type Plot, type Point, scatterPlot, type Series, waterfallPlot } from "../output/plots.ts";
import type { Replayed } from "./command.ts";
import { cents, type Findings, shareValue, symbolsOf, whole } from "./findings.ts";
import { MARKETS } from "./recording.ts";
import type { Health } from "./checks.ts";
import type { MarketSample } from "./run.ts";

const TIME = { title: "UTC", time: true } as const;
const USD = { title: "USD", format: "~s" } as const;
/** Accounts with many times their requirement are all as safe. */
const MOST_HEALTH = 5;

export function plotsOf(replayed: Replayed, findings: Findings): readonly Plot[] {
  return [
    prices(replayed),
    closed(replayed),
    unhealthy(replayed),
    healthBeforeAfter(replayed),
    treasury(replayed),
    lossWaterfall(findings),
    fills(replayed),
    marketLines(replayed, {
      name: "skew",
      title: "Net skew of the traders, what the pool stands against",
      y: { ...USD, zero: true },
      read: ({ long, short, price }) => whole(long - short) * whole(price),
    }),
    marketLines(replayed, {
      name: "funding",
      title: "Funding rate",
      y: { title: "a day", format: ".3%" },
      read: ({ fundingRate }) => whole(fundingRate),
    }),
  ];
}

function prices({ recording }: Replayed): Plot {
  const series = MARKETS.map((symbol): Series => {
    const rounds = (recording.rounds.get(symbol) ?? []).filter(
      ({ updatedAt }) => updatedAt >= recording.from && updatedAt <= recording.to,
    );
    const first = Number(rounds[0]?.answer ?? 1n);
    return { label: symbol, points: rounds.map(({ updatedAt, answer }) => [updatedAt, Number(answer) / first - 1]) };
  });
  const y = { title: "since the start", format: ".0%" };
  return linePlot({ name: "prices", title: "Rounds of the feeds", x: TIME, y, series, steps: true });
}

function closed({ result: { journal }, recording: { from, to } }: Replayed): Plot {
  const growing = (label: string, items: readonly (readonly [time: number, value: number])[]): Series => {
    let sum = 0;
    const points = items.map(([time, value]): Point => [time, (sum += value)]);
    return { label, points: [[from, 0], ...points, [to, sum]] };
  };
  const notional = ({ time, delta, price }: FillRecord): Point => [time, Math.abs(whole(delta)) * whole(price)];
  return linePlot({
    name: "closed",
    title: "Closed by liquidations and by deleveraging, so far",
    x: TIME,
    y: { ...USD, zero: true },
    steps: true,
    series: [
      growing("liquidated", journal.fills.filter(({ liquidation }) => liquidation).map(notional)),
      growing(
        "deleveraged",
        journal.deleveragings.map(({ time, closed: size, price }): Point => [time, whole(size) * whole(price)]),
      ),
    ],
  });
}

function unhealthy({ result: { samples } }: Replayed): Plot {
  const line = (label: string, read: (sample: (typeof samples)[number]) => number): Series => ({
    label,
    points: samples.map((sample): Point => [sample.time, read(sample)]),
  });
  return linePlot({
    name: "near",
    title: "Accounts near their liquidation",
    x: TIME,
    y: { title: "accounts", zero: true },
    steps: true,
    series: [
      line("unhealthy", (sample) => sample.unhealthy),
      line("within 5 %", ({ within }) => within[0]),
      line("within 10 %", ({ within }) => within[1]),
      line("within 20 %", ({ within }) => within[2]),
    ],
  });
}

function healthBeforeAfter({ result: { health } }: Replayed): Plot {
  const values = (all: readonly Health[]): readonly number[] =>
    all
      .filter(({ maintenance }) => maintenance > 0n)
      .map(({ equity, maintenance }) => Math.min(MOST_HEALTH, Math.max(-1, whole(equity) / whole(maintenance))));
  return cdfPlot({
    name: "health",
    title: "Equity over maintenance requirement, before the fall and at the end",
    note: `Of accounts with positions; above ${MOST_HEALTH} counts as ${MOST_HEALTH}. Below 1 is liquidated.`,
    x: { title: "E / R_M" },
    series: [
      { label: "before", values: values(health.before) },
      { label: "at the end", values: values(health.after) },
    ],
  });
}

function treasury({ result: { samples } }: Replayed): Plot {
  const first = samples[0];
  const start = first === undefined ? 1 : shareValue(first);
  const insured = whole(first?.insurance ?? 0n) || 1;
  return linePlot({
    name: "treasury",
    title: "Value of a share of the pool, and insurance, since the start",
    x: TIME,
    y: { title: "since the start", format: ".1%" },
    steps: true,
    series: [
      { label: "pool", points: samples.map((sample): Point => [sample.time, shareValue(sample) / start - 1]) },
      {
        label: "insurance",
        points: samples.map(({ time, insurance }): Point => [time, whole(insurance) / insured - 1]),
      },
    ],
  });
}

function lossWaterfall({ pool, badDebt }: Findings): Plot {
  return waterfallPlot({
    name: "waterfall",
    title: "What the pool gained and lost",
    note: `Insurance paid ${cents(badDebt.fromInsurance)} USD of bad debt before the pool.`,
    y: USD,
    steps: [
      { label: "results of traders", change: pool.traders },
      { label: "fees and forfeits", change: pool.fees },
      { label: "bad debt", change: pool.badDebt },
    ],
    total: "gain or loss",
  });
}

/** What fills paid beyond the oracle's price, with the sign that hurts the trader. */
function fills({ result: { journal } }: Replayed): Plot {
  const series = (label: string, all: readonly FillRecord[]): Series => ({
    label,
    points: all.map((fill): Point => [fill.time, premiumOf(fill)]),
  });
  return scatterPlot({
    name: "fills",
    title: "Fill price against the oracle's price",
    note: "Above zero: worse for the trader than the oracle's price. Fees and penalties apart.",
    x: TIME,
    y: { title: "basis points" },
    series: [
      series(
        "orders",
        journal.fills.filter(({ liquidation }) => !liquidation),
      ),
      series(
        "liquidations",
        journal.fills.filter(({ liquidation }) => liquidation),
      ),
    ],
  });
}

/** Basis points. */
export function premiumOf({ delta, price, quote, fundingIndex }: FillRecord): number {
  const paid = Number(quote) / Number(delta) + Number(fundingIndex) / 1e18;
  const premium = paid / (Number(price) / 1e18) - 1;
  return 1e4 * premium * (delta > 0n ? 1 : -1);
}

function marketLines(
  { result: { samples }, stage }: Replayed,
  {
    read,
    ...heading
  }: Pick<Plot, "name" | "title"> & {
    y: Parameters<typeof linePlot>[0]["y"];
    read: (sample: MarketSample) => number;
  },
): Plot {
  const symbols = symbolsOf(stage.protocol);
  const assets = samples[0]?.markets.map(({ asset }) => asset) ?? [];
  return linePlot({
    ...heading,
    x: TIME,
    steps: true,
    series: assets.map((asset): Series => ({
      label: symbols[asset] ?? String(asset),
      points: samples.flatMap(({ time, markets }) =>
        markets.filter((market) => market.asset === asset).map((market): Point => [time, read(market)]),
      ),
    })),
  });
}
