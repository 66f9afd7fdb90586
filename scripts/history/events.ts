/** Two days on which prices were not what they seemed, as rounds of feeds. */
import { readFileSync } from "node:fs";

import type { FeedRound } from "./guards.ts";
import { loadRecorded } from "./rounds.ts";

export interface EventFeed {
  readonly symbol: string;
  /** Largest step between accepted prices, 1e-6. */
  readonly jump: number;
  readonly spread: number;
  readonly maxAge: number;
  readonly rounds: readonly FeedRound[];
}

export interface MarketEvent {
  readonly name: string;
  readonly from: number;
  readonly feeds: readonly EventFeed[];
}

const FOLDER = new URL("../../test/history/rounds/", import.meta.url);
const PRICE_UNIT = 10n ** 10n;
const HOUR = 3_600;
/** Heartbeat and margin. */
const HOURLY = HOUR + 300;
const DAILY = 24 * HOUR + 300;

/** Jump limits and spreads of `deploy/parameters/arbitrum.ts`; thin markets as LINK. */
const MAJOR = { spread: 100_000, maxAge: HOURLY };
const THIN = { jump: 120_000, spread: 200_000, maxAge: HOURLY };
const STABLE = { jump: 50_000, spread: 50_000, maxAge: DAILY };

/** USDC loses its peg: 11 to 13 March 2023. */
export function loadDepeg(): MarketEvent {
  const from = Date.UTC(2023, 2, 10, 22) / 1_000;
  const recorded = loadRecorded(["usdc_usd_2022-11_2023-03"]).map(({ answer, updatedAt }) => ({
    price: answer * PRICE_UNIT,
    updatedAt,
  }));
  const usdc = [...recorded, ...loadDerived("2023-03_depeg/usdc_usd")];
  return {
    name: "2023-03_depeg",
    from,
    feeds: [
      { symbol: "ETH", jump: 60_000, ...MAJOR, rounds: loadDerived("2023-03_depeg/eth_usd") },
      { symbol: "BTC", jump: 50_000, ...MAJOR, rounds: loadDerived("2023-03_depeg/btc_usd") },
      { symbol: "USDC", ...STABLE, rounds: usdc.filter(({ updatedAt }) => updatedAt >= from) },
    ],
  };
}

/** The cascade of liquidations of 10 October 2025. */
export function loadCascade(): MarketEvent {
  const series = (symbol: string) => loadDerived(`2025-10_cascade/${symbol.toLowerCase()}_usd`);
  return {
    name: "2025-10_cascade",
    from: Date.UTC(2025, 9, 10, 20, 30) / 1_000,
    feeds: [
      { symbol: "ETH", jump: 60_000, ...MAJOR, rounds: series("ETH") },
      { symbol: "BTC", jump: 50_000, ...MAJOR, rounds: series("BTC") },
      { symbol: "SOL", jump: 100_000, spread: 200_000, maxAge: HOURLY, rounds: series("SOL") },
      ...["XRP", "DOGE", "ADA", "LTC"].map((symbol) => ({ symbol, ...THIN, rounds: series(symbol) })),
    ],
  };
}

function loadDerived(name: string): FeedRound[] {
  return readFileSync(new URL(`${name}.csv`, FOLDER), "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [updatedAt = "", answer = ""] = line.split(",");
      return { price: BigInt(answer) * PRICE_UNIT, updatedAt: Number(updatedAt) };
    });
}
