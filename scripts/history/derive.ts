/**
 * Makes the rounds that a feed could have reported out of the candles of an exchange, which are not part of the project:
 *
 *   node scripts/history/derive.ts CANDLES --from TIME --to TIME --deviation SHARE --heartbeat SECONDS > rounds.csv
 *
 *   --every SECONDS  walk straight between the prices that are looked at, and look at the way so often too
 *   --shape CANDLES  of another asset, with shorter candles: the asset goes the way of that one between the low and the high
 *                    of each of its own candles, of which nothing else is looked at
 *   --ids            with the columns round_id (from 1 in phase 1) and started_at
 *
 * CANDLES has the columns `unix_timestamp,open,high,low,close`, stamped with the start of the candle. How their prices
 * become rounds is said in `scripts/lab/data/synthetic.ts`.
 */
import { parseArgs } from "node:util";

import { loadPrices, type PriceFile } from "../lab/data/prices.ts";
import { pathOf, type Point, reported, sampled, shaped, toRounds } from "../lab/data/synthetic.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    from: { type: "string" },
    to: { type: "string" },
    deviation: { type: "string" },
    heartbeat: { type: "string" },
    every: { type: "string" },
    shape: { type: "string" },
    ids: { type: "boolean", default: false },
  },
});
const [file] = positionals;
if (file === undefined) throw new Error("which candles?");
const [from, to] = [values.from, values.to].map((time) => Date.parse(time ?? "") / 1_000);
const [deviation, heartbeat] = [values.deviation, values.heartbeat].map(Number);

const path = sampled(pathOfAsset(readCandles(file)), values.every === undefined ? undefined : Number(values.every));
const inside = path.filter(({ at }) => at >= (from ?? NaN) && at <= (to ?? NaN));
const points = reported(inside, { deviation: deviation ?? NaN, heartbeat: heartbeat ?? NaN });
console.log(values.ids ? "timestamp,answer,round_id,started_at" : "timestamp,answer");
for (const { updatedAt, answer, id, startedAt } of toRounds(points)) {
  console.log([updatedAt, answer, ...(values.ids ? [id, startedAt] : [])].join(","));
}

/** A missing row is a time without trades. */
function readCandles(of: string): Extract<PriceFile, { kind: "candles" }> {
  const prices = loadPrices(of, { maxGap: Infinity });
  if (prices.kind !== "candles") throw new Error(`${of} has no candles`);
  return prices;
}

function pathOfAsset(candles: Extract<PriceFile, { kind: "candles" }>): readonly Point[] {
  return values.shape === undefined ? pathOf(candles) : shaped(candles, pathOf(readCandles(values.shape)));
}
