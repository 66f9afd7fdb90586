/**
 * Makes the rounds that a feed could have reported out of the candles of an exchange, which are not part of the project:
 *
 *   node scripts/history/derive.ts CANDLES --from TIME --to TIME --deviation SHARE --heartbeat SECONDS > rounds.csv
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

const UNIT = 1e8;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    from: { type: "string" },
    to: { type: "string" },
    deviation: { type: "string" },
    heartbeat: { type: "string" },
  },
});
const [file] = positionals;
if (file === undefined) throw new Error("which candles?");
const [from, to] = [values.from, values.to].map((time) => Date.parse(time ?? "") / 1_000);
const [deviation, heartbeat] = [values.deviation, values.heartbeat].map(Number);

let last: { at: number; price: number } | undefined;
console.log("timestamp,answer");
for (const { at, price } of pathOf(readCandles(file))) {
  if (at < (from ?? NaN) || at > (to ?? NaN)) continue;
  const isDue =
    last === undefined || Math.abs(price / last.price - 1) >= (deviation ?? NaN) || at - last.at >= (heartbeat ?? NaN);
  if (!isDue) continue;
  last = { at, price };
  console.log(`${at},${Math.round(price * UNIT)}`);
}

function readCandles(path: string): Candle[] {
  const lines = readFileSync(path, "utf8").trim().split("\n").slice(1);
  return lines.map((line) => {
    const [at = NaN, open = NaN, high = NaN, low = NaN, close = NaN] = line.split(",").map(Number);
    return { at, open, high, low, close };
  });
}

function pathOf(candles: readonly Candle[]): { at: number; price: number }[] {
  const quarter = Math.min(...candles.slice(1).map(({ at }, index) => at - (candles[index]?.at ?? 0))) / 4;
  return candles.flatMap(({ at, open, high, low, close }) =>
    [open, ...(close >= open ? [low, high] : [high, low]), close].map((price, index) => ({
      at: at + index * quarter,
      price,
    })),
  );
}
