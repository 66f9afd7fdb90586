/**
 * `npm run history`: what a trader earns who sees prices L seconds ahead of the chain, over the whole recorded history of
 * each listed market, with the fees, the premium and the delay of `deploy/parameters/arbitrum.ts`; and what the guards make
 * of the depeg of March 2023 and the cascade of October 2025. Prints tables, of which `docs/history.md` is made, and writes
 * `reports/history/`. Takes about half a minute.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { renderTable } from "../replay/table.ts";
import { hindsightProfit } from "./certain.ts";
import { fallback, latestPrice, settlement } from "./fills.ts";
import { loadCascade, loadDepeg } from "./events.ts";
import { certainRows, type CertainRow, rulesRow, type RulesRow } from "./latency.ts";
import { loadMarkets, NOTIONAL } from "./market.ts";
import type { RuleResult } from "./rules.ts";
import { haltsOf, pegChangesOf } from "./timeline.ts";

const REPORTS = fileURLToPath(new URL("../../reports/history", import.meta.url));

const markets = await loadMarkets();
const certain: CertainRow[] = [];
const rules: RulesRow[] = [];
const hindsight: { market: string; total: number }[] = [];
for (const market of markets) {
  certain.push(...certainRows(market));
  rules.push(...[settlement(), latestPrice, fallback()].map((fill) => rulesRow(market, fill)));
  hindsight.push({ market: market.symbol, total: hindsightProfit(market) });
}

console.log("Round trips that are profitable for sure when the trader commits himself, after fees and premium;");
console.log(`profit in multiples of the notional of one (${NOTIONAL} USD)\n`);
console.log(
  renderTable(
    [
      { title: "market", align: "left" },
      { title: "fill", align: "left" },
      { title: "at the price of", align: "left" },
      { title: "L, s", align: "right" },
      { title: "foreseen", align: "right" },
      { title: "trips", align: "right" },
      { title: "profit", align: "right" },
      { title: "best, %", align: "right" },
    ],
    certain.map(({ market, fill, of, ahead, foreseen, trips, total, best }) => [
      market,
      fill,
      of,
      `${ahead}`,
      `${foreseen}`,
      `${trips}`,
      total.toFixed(2),
      (100 * best).toFixed(2),
    ]),
  ),
);

console.log("\nRules that are followed without knowing what comes\n");
console.log(
  renderTable(
    [
      { title: "market", align: "left" },
      { title: "fill", align: "left" },
      { title: "rules", align: "right" },
      { title: "above zero", align: "right" },
      { title: "best t", align: "right" },
      { title: "with L = 0", align: "right" },
      { title: "profit", align: "right" },
      { title: "trips", align: "right" },
      { title: "the best rule", align: "left" },
    ],
    rules.map(({ market, fill, results, aboveZero, best, bestWithoutSight }) => [
      market,
      fill,
      `${results.length}`,
      `${aboveZero}`,
      best.tStatistic.toFixed(2),
      bestWithoutSight.tStatistic.toFixed(2),
      best.total.toFixed(2),
      `${best.trips}`,
      describe(best),
    ]),
  ),
);

for (const { market, total } of hindsight) {
  console.log(
    `\n${market}: with the whole history before his eyes anyone makes ${total.toFixed(1)}, however orders fill.`,
  );
}

const BAND = { low: 98n * 10n ** 16n, high: 102n * 10n ** 16n };
const halts = [loadDepeg(), loadCascade()].flatMap((event) =>
  haltsOf(event).map((halt) => ({ event: event.name, ...halt })),
);
console.log("\nHalts, UTC\n");
console.log(
  renderTable(
    [
      { title: "event", align: "left" },
      { title: "market", align: "left" },
      { title: "from", align: "left" },
      { title: "until", align: "left" },
      { title: "accepted before", align: "right" },
      { title: "jumped to", align: "right" },
      { title: "accepted after", align: "right" },
      { title: "replaced", align: "right" },
      { title: "end", align: "left" },
    ],
    halts.map(({ event, symbol, from, until, last, candidate, accepted, replaced, end }) => [
      event,
      symbol,
      clock(from),
      clock(until),
      price(last),
      price(candidate),
      price(accepted),
      `${replaced}`,
      end,
    ]),
  ),
);
console.log("\nUSDC and its band, UTC\n");
for (const { at, held, price: answer } of pegChangesOf(loadDepeg(), "USDC", BAND)) {
  console.log(`${clock(at)}  ${held ? "back at" : "out at "} ${price(answer)}`);
}

mkdirSync(REPORTS, { recursive: true });
writeFileSync(join(REPORTS, "latency.json"), `${JSON.stringify({ certain, hindsight, rules }, undefined, 2)}\n`);
writeFileSync(join(REPORTS, "rules.csv"), toCsv(rules));
writeFileSync(join(REPORTS, "halts.csv"), haltsToCsv());

/** Month, day and time of a unix time. */
function clock(at: number): string {
  return new Date(at * 1_000).toISOString().slice(5, 19).replace("T", " ");
}

/** WAD with the digits that matter. */
function price(wad: bigint): string {
  return String(Number((Number(wad) / 1e18).toPrecision(5)));
}

function describe({ rule: { lookback, threshold, hold, direction }, ahead }: RuleResult): string {
  const move = lookback === 0 ? "a step" : `a move in ${lookback} s`;
  return `L ${ahead} s, ${direction > 0 ? "with" : "against"} ${move} of ${100 * threshold} %, held ${hold} s`;
}

function toCsv(rows: readonly RulesRow[]): string {
  const header = "market,fill,ahead,lookback,threshold,hold,direction,trips,total,t";
  const lines = rows.flatMap(({ market, fill, results }) =>
    results.map(({ rule, ahead, trips, total, tStatistic }) =>
      [market, fill, ahead, ...Object.values(rule).map(String), trips, total.toFixed(6), tStatistic.toFixed(3)].join(
        ",",
      ),
    ),
  );
  return `${[header, ...lines].join("\n")}\n`;
}

function haltsToCsv(): string {
  const lines = halts.map((halt) => Object.values(halt).map(String).join(","));
  return `${[Object.keys(halts[0] ?? {}).join(","), ...lines].join("\n")}\n`;
}
