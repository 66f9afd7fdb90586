/** What a trader can take who sees prices some seconds ahead and risks nothing. */
import type { FillRule } from "./fills.ts";
import { type Market, tripProfit } from "./market.ts";

export interface CertainProfit {
  /** Round trips whose profit is known, after all costs, when the trader commits himself to the first fill. */
  readonly trips: number;
  /** Their sum, as a multiple of the notional of one. */
  readonly total: number;
  readonly best: number;
}

/**
 * Looks at every second of the history at which something becomes known or the fill of an order becomes another one (all
 * others are like the second before them), and takes the best certain round trip, if there is one, before it looks on.
 * @param ahead L: a round is seen so many seconds before its time.
 */
export function certainProfit(market: Market, rule: FillRule, ahead: number): CertainProfit {
  const { times, prices } = market;
  const reach = Math.max(ahead, market.delay) + 1;
  const found = { trips: 0, total: 0, best: 0 };
  let now = 0;
  for (const time of times) {
    for (now = Math.max(now, time - reach); now <= time + 1; now++) {
      const known = rule.known(market, now, now + ahead);
      if (known === undefined) continue;
      const trip = bestTrip(market, prices, known);
      if (trip.profit <= 0) continue;
      found.trips++;
      found.total += trip.profit;
      found.best = Math.max(found.best, trip.profit);
      // Not the same rounds again: on from the exit.
      now = Math.max(now, (times[trip.exit] ?? 0) - 1);
    }
  }
  return found;
}

/** At how many rounds an order can be filled whose price was seen when the trader committed himself to it. */
export function foreseenRounds(market: Market, rule: FillRule, ahead: number): number {
  const foreseen = new Set<number>();
  const reach = Math.max(ahead, market.delay) + 1;
  for (const time of market.times) {
    for (let now = time - reach; now <= time; now++) {
      const [first, last] = rule.known(market, now, now + ahead) ?? [1, 0];
      // What is on chain already is no foresight.
      for (let index = first; index <= last; index++) if ((market.times[index] ?? 0) > now) foreseen.add(index);
    }
  }
  return foreseen.size;
}

function bestTrip(
  market: Market,
  prices: readonly number[],
  [first, last]: readonly [number, number],
): { profit: number; exit: number } {
  let best = { profit: 0, exit: first };
  for (let entry = first; entry < last; entry++) {
    for (let exit = entry + 1; exit <= last; exit++) {
      for (const side of [1, -1] as const) {
        const profit = tripProfit(market, side, prices[entry] ?? 0, prices[exit] ?? 0);
        if (profit > best.profit) best = { profit, exit };
      }
    }
  }
  return best;
}

/**
 * The same trader with the whole history before his eyes: the largest sum of round trips, every one of them after costs.
 * That is what the market moved, and has nothing to do with how orders are filled or how far ahead a price is seen.
 */
export function hindsightProfit(market: Market): number {
  const { prices, takerFee, makerFee } = market;
  // Best sums with no position, a long one and a short one; what is open is counted at its costs so far, per unit of the
  // price at entry, so that each trip has the same notional.
  let flat = 0;
  let [long, short] = [-Infinity, -Infinity];
  let before = prices[0] ?? 1;
  for (const price of prices) {
    const move = price / before - 1;
    before = price;
    const closed = Math.max(flat, long + move - makerFee, short - move - makerFee);
    long = Math.max(long + move, closed - takerFee);
    short = Math.max(short - move, closed - takerFee);
    flat = closed;
  }
  return flat;
}
