/** Moves of several assets over the same stretches of time. */
import type { PriceFile } from "../data/prices.ts";
import type { Point } from "../data/synthetic.ts";
import { rootMeanSquare } from "./statistics.ts";

/** What one file says of an asset's price. */
export interface Track {
  readonly asset: string;
  readonly file: string;
  /** Ascending in time; of candles the closes, at their ends. */
  readonly points: readonly Point[];
  /** How old the last price may be, s. */
  readonly maxAge: number;
}

/** One stretch of a horizon's length. */
export interface Window {
  /** Its beginning, unix seconds. */
  readonly at: number;
  /** For each asset its move since the beginning, as a share, at the end of every step. */
  readonly moves: readonly (readonly number[])[];
}

export interface Grid {
  /** Length of a window, s. */
  readonly horizon: number;
  /** s; divides the horizon. */
  readonly step: number;
  /** Unix seconds, of the beginnings of windows: from the first, before the second. */
  readonly from: number;
  readonly until: number;
}

/** Rounds hold until the next one, which a heartbeat and a margin make at most so late, s. */
const ROUND_AGE = 7_200;

export function trackOf(asset: string, prices: PriceFile): Track {
  const { file } = prices;
  if (prices.kind === "candles") {
    const { candles, interval } = prices;
    const points = candles.map(({ at, close }) => ({ at: at + interval, price: close }));
    return { asset, file, points, maxAge: interval };
  }
  // Where the phase changes time may go back for some rounds: what counts is the latest.
  const points: Point[] = [];
  for (const { updatedAt, answer } of prices.rounds) {
    const at = Math.max(updatedAt, points.at(-1)?.at ?? 0);
    points.push({ at, price: Number(answer) / 10 ** prices.decimals });
  }
  return { asset, file, points, maxAge: ROUND_AGE };
}

/**
 * Windows that follow each other without overlap, at whole multiples of the horizon, in which every asset has a price at
 * each step. An asset's prices come from one of its files for the whole of a window: the first one that has them.
 */
export function windowsOf(tracks: readonly Track[], assets: readonly string[], grid: Grid): readonly Window[] {
  const { horizon, step } = grid;
  const own = assets.map((asset) => tracks.filter((track) => track.asset === asset));
  const ends = own.flat().flatMap(({ points }) => [points[0]?.at ?? Infinity, points.at(-1)?.at ?? -Infinity]);
  const from = Math.max(
    grid.from,
    ends.reduce((a, b) => Math.min(a, b), Infinity),
  );
  const until = Math.min(
    grid.until,
    ends.reduce((a, b) => Math.max(a, b), -Infinity),
  );
  const windows: Window[] = [];
  for (let at = Math.ceil(from / horizon) * horizon; at < until; at += horizon) {
    const moves = own.flatMap((files) => {
      const found = movesFrom(files, { at, horizon, step });
      return found === undefined ? [] : [found];
    });
    if (moves.length === assets.length) windows.push({ at, moves });
  }
  return windows;
}

function movesFrom(
  files: readonly Track[],
  { at, horizon, step }: { at: number; horizon: number; step: number },
): readonly number[] | undefined {
  for (const track of files) {
    const start = priceAt(track, at);
    if (start === undefined) continue;
    const moves: number[] = [];
    for (let time = at + step; time <= at + horizon; time += step) {
      const price = priceAt(track, time);
      if (price === undefined) break;
      moves.push(price / start - 1);
    }
    if (moves.length === horizon / step) return moves;
  }
  return undefined;
}

/** The last price at or before a time; undefined if it is too old. */
export function priceAt({ points, maxAge }: Track, time: number): number | undefined {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((points[middle]?.at ?? Infinity) <= time) low = middle + 1;
    else high = middle;
  }
  const last = points[low - 1];
  return last === undefined || time - last.at > maxAge ? undefined : last.price;
}

/** What a book of weights loses at its worst moment of each window, as a share of what the weights are of; ≥ 0. */
export function worstLosses(windows: readonly Window[], weights: readonly number[]): readonly number[] {
  return windows.map(({ moves }) => {
    let worst = 0;
    const [first = []] = moves;
    for (let step = 0; step < first.length; step++) {
      let gain = 0;
      for (const [asset, weight] of weights.entries()) gain += weight * (moves[asset]?.[step] ?? 0);
      worst = Math.max(worst, -gain);
    }
    return worst;
  });
}

/** The moves at the end of each window, of one asset. */
export function endMoves(windows: readonly Window[], asset: number): readonly number[] {
  return windows.map(({ moves }) => moves[asset]?.at(-1) ?? 0);
}

const DAY = 86_400;

/**
 * The windows of the days that moved most, as a share of all days; in the order of time. Each asset counts in units of its own
 * moves.
 */
export function stressedWindows(windows: readonly Window[], share: number): readonly Window[] {
  const assets = windows[0]?.moves.length ?? 0;
  const scales = Array.from({ length: assets }, (_, asset) => rootMeanSquare(endMoves(windows, asset)) || 1);
  const days = new Map<number, { sum: number; count: number }>();
  for (const { at, moves } of windows) {
    const day = dayOf(at);
    const { sum, count } = days.get(day) ?? { sum: 0, count: 0 };
    const size = moves.reduce((total, own, asset) => total + ((own.at(-1) ?? 0) / (scales[asset] ?? 1)) ** 2, 0);
    days.set(day, { sum: sum + size, count: count + 1 });
  }
  const ranked = [...days].sort(([, a], [, b]) => b.sum / b.count - a.sum / a.count).map(([day]) => day);
  const kept = new Set(ranked.slice(0, Math.ceil(share * ranked.length)));
  return windows.filter(({ at }) => kept.has(dayOf(at)));
}

function dayOf(at: number): number {
  return at - (at % DAY);
}
