/** A market whose price history is recorded, with the costs that its parameters set. */
import { fileURLToPath } from "node:url";

import { type Asset, loadParameters } from "../deploy/parameters.ts";
import { loadRecorded, RECORDED } from "./rounds.ts";

export interface Market {
  readonly symbol: string;
  /** When the price changed, ascending; of rounds with one time the last. */
  readonly times: readonly number[];
  readonly prices: readonly number[];
  /** Rounds in the record. */
  readonly rounds: number;
  /** Of the notional. */
  readonly takerFee: number;
  readonly makerFee: number;
  /** The trader's size over twice the depth: what a fill from an even book costs in premium. */
  readonly premium: number;
  /** Settlement delay d, s. */
  readonly delay: number;
  /** How long an order may wait for its round, s: by the heartbeat of the recorded feed, and by that of the listed one. */
  readonly recordedWindow: number;
  readonly listedWindow: number;
  /** How long an order may be executed after its settlement time, s. */
  readonly executionWindow: number;
}

const PARAMETERS = fileURLToPath(new URL("../../deploy/parameters/arbitrum.ts", import.meta.url));
const PPM = 1_000_000;
const PRICE_UNIT = 1e8;
/** Heartbeat of the recorded feeds (3,600 s) and the margin of the listed ones. */
const RECORDED_WINDOW = 3_600 + 300;
/** What the trader trades, USD. */
export const NOTIONAL = 10_000;

/** Every listed market whose history is recorded. */
export async function loadMarkets(): Promise<Market[]> {
  const { assets, orders } = await loadParameters(PARAMETERS);
  return assets
    .filter(({ symbol, listing }) => listing.market && symbol in RECORDED)
    .map((asset) => toMarket(asset, { delay: Number(orders.delay), executionWindow: Number(orders.executionWindow) }));
}

function toMarket({ symbol, listing, limits }: Asset, orders: Pick<Market, "delay" | "executionWindow">): Market {
  const rounds = loadRecorded(RECORDED[symbol as keyof typeof RECORDED]);
  const last = rounds.filter(({ updatedAt }, index) => rounds[index + 1]?.updatedAt !== updatedAt);
  const prices = last.map(({ answer }) => Number(answer) / PRICE_UNIT);
  const size = NOTIONAL / (prices[0] ?? 1);
  return {
    symbol,
    times: last.map(({ updatedAt }) => updatedAt),
    prices,
    rounds: rounds.length,
    takerFee: Number(listing.takerFee) / PPM,
    makerFee: Number(listing.makerFee) / PPM,
    premium: size / (2 * (Number(listing.depth) / 1e18)),
    recordedWindow: RECORDED_WINDOW,
    listedWindow: Number(limits.window),
    ...orders,
  };
}

/**
 * What a round trip leaves, as a share of its notional at entry, for a trader who is alone in the book: the taker fee to
 * open, the maker fee to close, and the premium, of which a close gets back what the open has paid at the new price.
 * Funding and keeper pay, which only cost, are left out.
 * @param side 1: bought, then sold. -1: sold, then bought.
 */
export function tripProfit(market: Market, side: 1 | -1, entry: number, exit: number): number {
  const { takerFee, makerFee, premium } = market;
  return (side * (exit - entry) * (1 + side * premium) - takerFee * entry - makerFee * exit) / entry;
}

/** Index of the last round at or before a time; -1: none. */
export function lastAt(times: readonly number[], time: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
