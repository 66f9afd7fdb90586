/**
 * What it costs to push the index of a market, against what a position of the largest size that the market allows gains from
 * it. Depth as listed: a linear book of which D moves the price by 100 %. Half of what is pushed is taken to come back.
 */
import { toNumber } from "../engine/screen.ts";
import { marketsOf, type World } from "../engine/world.ts";

export interface Manipulation {
  readonly symbol: string;
  /** Of the price. */
  readonly push: number;
  /** Position, whole base units: the lesser of the caps on skew, open interest and its share of the pool. */
  readonly size: number;
  /** Whole settlement tokens. */
  readonly cost: number;
  readonly profit: number;
  /** Beyond the jump limit the feed halts: nothing is filled or valued there for ten minutes. */
  readonly isHalted: boolean;
}

/** Shares of the price that are pushed. */
export const PUSHES = [0.01, 0.02, 0.05, 0.1, 0.2] as const;
/** Of the way there, what the way back costs too. */
const RETURN = 0.5;

/** @param prices Of every market, USD. @param pool Whole settlement tokens. */
export function manipulations(
  world: World,
  { prices, pool }: { prices: ReadonlyMap<number, number>; pool: number },
): readonly Manipulation[] {
  return marketsOf(world).flatMap((asset) => {
    const parameters = world.assets[asset];
    const price = prices.get(asset);
    const symbol = world.parameters.assets[asset]?.symbol ?? "";
    if (parameters === undefined || price === undefined) return [];
    const { sizes, trade } = parameters;
    const depth = toNumber(sizes.depth);
    const share = (pool * Number(sizes.openInterestShare)) / 1e6 / price;
    const size = Math.min(toNumber(trade.skewCap), toNumber(sizes.openInterestCap), share);
    const fees = (Number(trade.takerFee + trade.makerFee) / 1e6) * size * price;
    return PUSHES.map((push): Manipulation => {
      // Opened and closed at the same skew, the premium comes back at the pushed price: it costs nothing by itself.
      const profit = size * price * push - fees;
      const cost = (RETURN * depth * price * push ** 2) / 2;
      const isHalted = push > (world.feeds[asset]?.limits.jump ?? 0) / 1e6;
      return { symbol, push, size, cost, profit, isHalted };
    });
  });
}
