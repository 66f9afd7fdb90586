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
 * CANDLES has the columns `unix_timestamp,open,high,low,close`, stamped with the start of the candle. Four prices of a candle
 * are looked at, a quarter of it apart: its open, the extreme against its direction, the other one, and its close. That
 * order is assumed; the prices were paid. A round is reported where the price has moved by the deviation threshold since
 * the last one, or after the heartbeat. Answers have 8 decimals.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

interface Candle {
  readonly at: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
}

interface Point {
  readonly at: number;
  readonly price: number;
}

const UNIT = 1e8;
const PHASE = 1n << 64n;

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

let last: Point | undefined;
let id = PHASE;
console.log(values.ids ? "timestamp,answer,round_id,started_at" : "timestamp,answer");
for (const { at, price } of seen(pathOfAsset(readCandles(file)))) {
  if (at < (from ?? NaN) || at > (to ?? NaN)) continue;
  const isDue =
    last === undefined || Math.abs(price / last.price - 1) >= (deviation ?? NaN) || at - last.at >= (heartbeat ?? NaN);
  if (!isDue) continue;
  last = { at, price };
  const fields = [at, Math.round(price * UNIT), ...(values.ids ? [++id, at] : [])];
  console.log(fields.join(","));
}

function readCandles(path: string): Candle[] {
  const lines = readFileSync(path, "utf8").trim().split("\n").slice(1);
  return lines.map((line) => {
    const [at = NaN, open = NaN, high = NaN, low = NaN, close = NaN] = line.split(",").map(Number);
    return { at, open, high, low, close };
  });
}

function pathOfAsset(candles: readonly Candle[]): Point[] {
  return values.shape === undefined ? pathOf(candles) : shaped(candles, pathOf(readCandles(values.shape)));
}

function pathOf(candles: readonly Candle[]): Point[] {
  const quarter = lengthOf(candles) / 4;
  return candles.flatMap(({ at, open, high, low, close }) =>
    [open, ...(close >= open ? [low, high] : [high, low]), close].map((price, index) => ({
      at: at + index * quarter,
      price,
    })),
  );
}

/** Where the other asset stands between its extremes within a candle, the asset stands between its own. */
function shaped(candles: readonly Candle[], path: readonly Point[]): Point[] {
  const length = lengthOf(candles);
  return candles.flatMap(({ at: start, low, high }) => {
    const within = path.filter(({ at }) => at >= start && at < start + length);
    const prices = within.map(({ price }) => price);
    const [bottom, top] = [Math.min(...prices), Math.max(...prices)];
    return within.map(({ at, price }) => ({
      at,
      price: low + ((price - bottom) / (top - bottom || 1)) * (high - low),
    }));
  });
}

/** The points and, with `--every`, those on the straight way between them. */
function seen(path: readonly Point[]): Point[] {
  if (values.every === undefined) return [...path];
  const every = Number(values.every);
  return path.flatMap((point, index) => {
    const next = path[index + 1];
    const steps = next === undefined ? 1 : Math.max(1, Math.floor((next.at - point.at) / every));
    return Array.from({ length: steps }, (_, step) => ({
      at: point.at + step * every,
      price: point.price + (((next ?? point).price - point.price) * step) / steps,
    }));
  });
}

function lengthOf(candles: readonly Candle[]): number {
  return Math.min(...candles.slice(1).map(({ at }, index) => at - (candles[index]?.at ?? 0)));
}
