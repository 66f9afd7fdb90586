import type { PriceRange } from "./prices.ts";
import { placeColumns, readStamp, refuse, type Row, type Sheet } from "./sheet.ts";

export interface Candle {
  /** Its start, unix seconds. */
  readonly at: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
}

const COLUMNS = ["unix_timestamp", "open", "high", "low", "close"] as const;
/** A close is at most so many times the one before, or that part of it. */
const LARGEST_STEP = 10;

/** Throws a DataError for the first row that cannot be. */
export function parseCandles(
  sheet: Sheet,
  { maxGap, range }: { maxGap: number | undefined; range: PriceRange },
): { readonly interval: number; readonly candles: readonly Candle[] } {
  const places = placeColumns(sheet, COLUMNS);
  const candles = sheet.rows.map((row): Candle => {
    const price = (name: (typeof COLUMNS)[number]): number => readPrice(sheet, row, places[name], range);
    return {
      at: readStamp(sheet, row, places.unix_timestamp),
      open: price("open"),
      high: price("high"),
      low: price("low"),
      close: price("close"),
    };
  });
  const interval = commonStep(candles);
  for (const [index, candle] of candles.entries()) checkCandle(sheet, candle, candles[index - 1], index + 2);
  for (const [index, { at }] of candles.entries()) {
    const line = index + 2;
    if (at % interval !== 0) {
      const detail = `${at} is ${at % interval} s off the grid of ${interval} s: stamped in another time zone?`;
      refuse(sheet, line, "off the grid", detail);
    }
    const before = candles[index - 1]?.at ?? at;
    const longest = maxGap ?? interval;
    if (at - before > longest) refuse(sheet, line, "gap", `${at - before} s without a row, ${longest} s are allowed`);
  }
  return { interval, candles };
}

function checkCandle(
  sheet: Sheet,
  { at, open, high, low, close }: Candle,
  before: Candle | undefined,
  line: number,
): void {
  if (high < low) refuse(sheet, line, "high below low", `high ${high}, low ${low}`);
  if (Math.max(open, close) > high || Math.min(open, close) < low) {
    refuse(sheet, line, "outside low and high", `open ${open} or close ${close}, low ${low}, high ${high}`);
  }
  if (before === undefined) return;
  if (at === before.at) refuse(sheet, line, "duplicate", `${at} is there twice`);
  if (at < before.at) refuse(sheet, line, "unsorted", `${at} after ${before.at}`);
  checkStep(sheet, line, { from: before.close, to: close });
}

/** Refuses a step that only another unit explains. */
export function checkStep(sheet: Sheet, line: number, { from, to }: { from: number; to: number }): void {
  if (to > LARGEST_STEP * from || to * LARGEST_STEP < from) {
    refuse(sheet, line, "wrong unit", `from ${from} to ${to} in one row`);
  }
}

/** The price of a field, USD. */
function readPrice(sheet: Sheet, { line, fields }: Row, column: number, range: PriceRange): number {
  const text = fields[column] ?? "";
  const name = sheet.columns[column] ?? "";
  if (text.trim().endsWith("%")) refuse(sheet, line, "wrong unit", `${name} "${text}" is a percentage and no price`);
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) refuse(sheet, line, "not a number", `${name} "${text}"`);
  if (value <= 0) refuse(sheet, line, "not positive", `${name} ${text}`);
  checkRange(sheet, line, { name, value, range });
  return value;
}

export function checkRange(
  sheet: Sheet,
  line: number,
  { name, value, range: { low, high } }: { name: string; value: number; range: PriceRange },
): void {
  if (value >= low && value <= high) return;
  const [least, most] = [low, high].map((bound) => Number(bound.toPrecision(6)));
  refuse(sheet, line, "wrong unit", `${name} would be ${value} USD, which is not from ${least} to ${most}`);
}

/** The step that most rows are apart. */
function commonStep(candles: readonly Candle[]): number {
  const counts = new Map<number, number>();
  for (const [index, { at }] of candles.entries()) {
    const step = at - (candles[index - 1]?.at ?? at);
    if (step > 0) counts.set(step, (counts.get(step) ?? 0) + 1);
  }
  const [[common] = [1]] = [...counts].sort(([a, some], [b, others]) => others - some || a - b);
  return common;
}
