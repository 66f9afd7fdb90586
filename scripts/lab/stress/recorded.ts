/** The model of a market out of files of candles. */
import { basename } from "node:path";

import { loadPrices } from "../data/prices.ts";
import { UsageError } from "../errors.ts";
import { fitMarket, type MarketModel } from "./sampler.ts";

/** What the lab tries its attacks on. */
const NEEDED = "ETH";

/**
 * Fits the closes that all files have, which must be spaced alike; paths begin at the last of them. Throws a DataError for a
 * row that cannot be, a UsageError for files that do not go together.
 *
 * @param files Symbol and path of each.
 */
export function fitFiles(files: readonly (readonly [symbol: string, path: string])[]): MarketModel {
  const loaded = files.map(([symbol, path]) => {
    const prices = loadPrices(path);
    if (prices.kind !== "candles") throw new UsageError(`${path} has rounds; a fit needs candles of equal spacing`);
    const closes = new Map(prices.candles.map(({ at, close }) => [at, close]));
    return { symbol, path, interval: prices.interval, closes };
  });
  const [first] = loaded;
  if (first === undefined || !loaded.some(({ symbol }) => symbol === NEEDED)) {
    throw new UsageError(`--prices needs ${NEEDED} among its files`);
  }
  const other = loaded.find(({ interval }) => interval !== first.interval);
  if (other !== undefined) {
    throw new UsageError(`${other.path} has candles of ${other.interval} s, ${first.path} of ${first.interval} s`);
  }
  const shared = [...first.closes.keys()].filter((at) => loaded.every(({ closes }) => closes.has(at)));
  const series = loaded.map(({ symbol, closes }) => ({ symbol, prices: shared.map((at) => closes.get(at) ?? 0) }));
  return fitMarket(series, {
    spacing: first.interval,
    source: loaded.map(({ symbol, path }) => `${symbol}: ${basename(path)}`).join(", "),
  });
}
