/** Three ways to fill an order. The first is the protocol's. */
import { lastAt, type Market } from "./market.ts";

export interface Fill {
  /** Of the round whose price it gets. */
  readonly index: number;
  /** When it is filled. */
  readonly at: number;
}

export interface FillRule {
  readonly name: "settlement" | "latest price" | "fallback";
  readonly of: string;
  /** What becomes of an order that is submitted at a time and executed at once when it can be; undefined: refunded. */
  fill(market: Market, time: number): Fill | undefined;
  /**
   * The rounds at which orders are known, at `now`, to be filled: whose price is seen already and which the trader can
   * still choose at `now` or later. First and last index, or undefined.
   */
  known(market: Market, now: number, seenUntil: number): readonly [first: number, last: number] | undefined;
}

/**
 * The first round after t + d, within its window. The choice is made by submitting: what is submitted cannot be changed
 * or cancelled, and fills at the same price whoever executes it and when.
 */
export function settlement(delay?: number): FillRule {
  const delayOf = (market: Market) => delay ?? market.delay;
  return {
    name: "settlement",
    of: `first round later than t + ${delay ?? "d"}`,
    fill(market, time) {
      const boundary = time + delayOf(market);
      const index = lastAt(market.times, boundary) + 1;
      const at = market.times[index];
      if (at === undefined || at > boundary + market.recordedWindow) return undefined;
      return { index, at };
    },
    known(market, now, seenUntil) {
      const first = lastAt(market.times, now + delayOf(market)) + 1;
      const last = lastAt(market.times, seenUntil);
      return first <= last ? [first, last] : undefined;
    },
  };
}

/** The latest price at the time of the transaction, which is the time of the choice. */
export const latestPrice: FillRule = {
  name: "latest price",
  of: "latest round at t",
  fill(market, time) {
    const index = lastAt(market.times, time);
    return index < 0 ? undefined : { index, at: time };
  },
  known(market, now, seenUntil) {
    const first = lastAt(market.times, now);
    return first < 0 ? undefined : [first, lastAt(market.times, seenUntil)];
  },
};

/**
 * As settlement, but an order whose window has passed without a round is not refunded: it fills at the latest price when
 * it is executed, within the execution window. Of such an order the executor chooses the moment.
 */
export function fallback(window?: number): FillRule {
  const windowOf = (market: Market) => window ?? market.listedWindow;
  return {
    name: "fallback",
    of: `first round in (t + d, t + d + ${window ?? "w"}], else the latest one`,
    fill(market, time) {
      const boundary = time + market.delay;
      const index = lastAt(market.times, boundary) + 1;
      const at = market.times[index];
      if (at !== undefined && at <= boundary + windowOf(market)) return { index, at };
      return index === 0 ? undefined : { index: index - 1, at: boundary + windowOf(market) };
    },
    known(market, now, seenUntil) {
      const { times } = market;
      const first = lastAt(times, now);
      if (first < 0) return undefined;
      // Orders in both directions whose windows have passed in this silence wait to be executed: some before the next
      // round, others after it. Those of the latest boundary can be executed for the whole execution window from now on.
      const isOpen = now > (times[first] ?? 0) + windowOf(market);
      return isOpen && lastAt(times, seenUntil) > first ? [first, first + 1] : undefined;
    },
  };
}
