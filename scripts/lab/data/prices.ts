/** Files of prices: candles of an exchange, or rounds of a feed. Which of them a file has is seen by its header. */
import { readFileSync } from "node:fs";

import type { Round } from "../../replay/rounds.ts";
import { type Candle, parseCandles } from "./candles.ts";
import { DataError } from "./errors.ts";
import { readSheet } from "./sheet.ts";
import { parseFeedRounds } from "./feedRounds.ts";

export type PriceFile =
  | {
      readonly kind: "candles";
      readonly file: string;
      /** Of a candle, s. */
      readonly interval: number;
      readonly candles: readonly Candle[];
    }
  | {
      readonly kind: "rounds";
      readonly file: string;
      /** Of the answers. */
      readonly decimals: number;
      readonly rounds: readonly Round[];
    };

export interface PriceOptions {
  /**
   * Longest time from one row to the next, s. Without it one interval of candles (a missing row, which is a time
   * without trades, is refused), and 2 h of rounds.
   */
  readonly maxGap?: number;
  /** Of the answers of rounds; 8 without it. */
  readonly decimals?: number;
  /** What a price may be, USD; `USUAL` without it. */
  readonly range?: PriceRange;
}

export interface PriceRange {
  readonly low: number;
  readonly high: number;
}

/** Of most assets. An answer of 8 decimals is above it, a price in place of an answer below. */
export const USUAL: PriceRange = { low: 0.001, high: 10_000_000 };

/** Throws a DataError with the file, the line and the reason. */
export function loadPrices(file: string, options: PriceOptions = {}): PriceFile {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new DataError("unreadable", { file, line: 1, detail: "the file cannot be read", cause });
  }
  return parsePrices(text, file, options);
}

/** @param file For messages. */
export function parsePrices(text: string, file: string, options: PriceOptions = {}): PriceFile {
  const sheet = readSheet(text, file);
  const { maxGap, decimals = 8, range = USUAL } = options;
  if (sheet.columns.includes("answer")) {
    return { kind: "rounds", file, decimals, rounds: parseFeedRounds(sheet, { maxGap, decimals, range }) };
  }
  return { kind: "candles", file, ...parseCandles(sheet, { maxGap, range }) };
}
