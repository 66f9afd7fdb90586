/**
 * What a feed would have reported of the candles of an exchange.
 *
 * Four prices of a candle are looked at, a quarter of it apart: its open, the extreme against its direction, the other one,
 * its close (open, low, high, close of one that rises; open, high, low, close of one that falls). That order is assumed;
 * the prices were paid. A round is reported where the price has moved by the deviation threshold since the last one, or
 * after the heartbeat. Nothing is random.
 */
import type { Round } from "../../replay/rounds.ts";
import type { Candle } from "./candles.ts";
import type { PriceFile } from "./prices.ts";

export interface Point {
  /** Unix seconds. */
  readonly at: number;
  readonly price: number;
}

export interface FeedSettings {
  /** Deviation threshold, as a share. */
  readonly deviation: number;
  /** s. */
  readonly heartbeat: number;
  /** The way between two prices is straight and looked at so often, s. Without it only the prices themselves are. */
  readonly every?: number;
}

/** What the feed would have reported; a file of rounds as it is. */
export function roundsOf(prices: PriceFile, settings: FeedSettings): readonly Round[] {
  if (prices.kind === "rounds") return prices.rounds;
  return toRounds(reported(sampled(pathOf(prices), settings.every), settings));
}

/** The prices of candles in an order that is assumed. */
export function pathOf({
  candles,
  interval,
}: {
  readonly candles: readonly Candle[];
  readonly interval: number;
}): readonly Point[] {
  const quarter = interval / 4;
  return candles.flatMap(({ at, open, high, low, close }) =>
    [open, ...(close >= open ? [low, high] : [high, low]), close].map((price, index) => ({
      at: at + index * quarter,
      price,
    })),
  );
}

/** The points and those on the straight way between them, `every` seconds apart. */
export function sampled(path: readonly Point[], every: number | undefined): readonly Point[] {
  if (every === undefined) return path;
  return path.flatMap((point, index) => {
    const next = path[index + 1];
    const steps = next === undefined ? 1 : Math.max(1, Math.floor((next.at - point.at) / every));
    return Array.from({ length: steps }, (_, step) => ({
      at: point.at + step * every,
      price: point.price + (((next ?? point).price - point.price) * step) / steps,
    }));
  });
}

/** The asset goes the way of `path`, of another one, between the low and the high of each of its own candles. */
export function shaped(
  { candles, interval }: { readonly candles: readonly Candle[]; readonly interval: number },
  path: readonly Point[],
): readonly Point[] {
  return candles.flatMap(({ at: start, low, high }) => {
    const within = path.filter(({ at }) => at >= start && at < start + interval);
    const prices = within.map(({ price }) => price);
    const [bottom, top] = [Math.min(...prices), Math.max(...prices)];
    return within.map(({ at, price }) => ({
      at,
      price: low + ((price - bottom) / (top - bottom || 1)) * (high - low),
    }));
  });
}

/** The points at which the feed would have reported. Where nothing was paid for longer than a heartbeat it repeats itself. */
export function reported(path: readonly Point[], { deviation, heartbeat }: FeedSettings): readonly Point[] {
  const rounds: Point[] = [];
  let last: Point | undefined;
  let before: Point | undefined;
  const report = (point: Point): void => {
    last = point;
    rounds.push(point);
  };
  for (const point of path) {
    if (before !== undefined && point.at - before.at > heartbeat) {
      while (last !== undefined && last.at + heartbeat < point.at) {
        report({ at: last.at + heartbeat, price: before.price });
      }
    }
    const isDue =
      last === undefined || Math.abs(point.price / last.price - 1) >= deviation || point.at - last.at >= heartbeat;
    if (isDue) report(point);
    before = point;
  }
  return rounds;
}

const UNIT = 1e8;
const PHASE = 1n << 64n;

/** With answers of 8 decimals, and ids from 1 in phase 1. */
export function toRounds(points: readonly Point[]): readonly Round[] {
  return points.map(({ at, price }, index) => ({
    updatedAt: at,
    startedAt: at,
    answer: BigInt(Math.round(price * UNIT)),
    id: PHASE + BigInt(index + 1),
  }));
}
