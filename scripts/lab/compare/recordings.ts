/** The recorded markets that are committed with the project. */
import { fileURLToPath } from "node:url";

import { loadDepeg } from "../../history/events.ts";
import type { FeedRound } from "../../history/guards.ts";
import { loadRecorded, RECORDED } from "../../history/rounds.ts";
import { loadRounds } from "../../replay/rounds.ts";
import { type Recording, recordingOf } from "./sources.ts";

/** Folders of rounds by event, with all four markets. */
const FOLDERS: ReadonlyMap<string, URL> = new Map([
  ["crash-2021", new URL("../rounds/crash-2021/", import.meta.url)],
  ["drop-2023", new URL("../../replay/rounds/", import.meta.url)],
  ["cascade-2025", new URL("../rounds/cascade-2025/", import.meta.url)],
]);
/** The markets that are listed. */
export const MARKETS = ["ETH", "BTC", "SOL", "LINK"] as const;
/** Answers have 8 decimals. */
const PRICE_UNIT = 10n ** 10n;

/** Ten months of ETH and BTC, in Chainlink's own rounds. */
export function loadMonths(): Recording {
  const roundsOf = (files: readonly string[]): readonly FeedRound[] =>
    loadRecorded(files).map(({ answer, updatedAt }) => ({ price: answer * PRICE_UNIT, updatedAt }));
  return {
    name: "months-2023",
    rounds: new Map([
      ["ETH", roundsOf(RECORDED.ETH)],
      ["BTC", roundsOf(RECORDED.BTC)],
    ]),
  };
}

/** The days on which all four markets fell. */
export function loadCrashes(): readonly Recording[] {
  return [...FOLDERS].map(([name, folder]) => {
    const rounds = MARKETS.map((symbol) => {
      const file = fileURLToPath(new URL(`${symbol.toLowerCase()}_usd.csv`, folder));
      const series = loadRounds(file).map(({ answer, updatedAt }) => ({ price: answer * PRICE_UNIT, updatedAt }));
      return [symbol, series] as const;
    });
    return { name, rounds: new Map(rounds) };
  });
}

/** The days on which the settlement token lost its peg, with ETH and BTC. */
export function loadDepegged(): Recording {
  return { ...recordingOf(loadDepeg()), name: "depeg-2023" };
}
