/** What the feeds said on a recorded day, by the symbols of assets. */
import { fileURLToPath } from "node:url";

import { loadRounds, type Round } from "../../replay/rounds.ts";
import { UsageError } from "../errors.ts";

export interface Recording {
  readonly name: string;
  /** First and last second that are replayed, unix. */
  readonly from: number;
  readonly to: number;
  /** By symbol, ascending in time. */
  readonly rounds: ReadonlyMap<string, readonly Round[]>;
}

export const MARKETS = ["ETH", "BTC", "SOL", "LINK"] as const;

interface RecordedEvent {
  /** From here. */
  readonly folder: string;
  readonly from: string;
  readonly to: string;
}

/** Events whose rounds are part of the project. */
export const EVENTS = {
  "cascade-2025": { folder: "../rounds/cascade-2025", from: "2025-10-10T18:00:00Z", to: "2025-10-11T02:00:00Z" },
  "crash-2021": { folder: "../rounds/crash-2021", from: "2021-05-19T08:00:00Z", to: "2021-05-19T18:00:00Z" },
  "drop-2023": { folder: "../../replay/rounds", from: "2023-08-17T10:00:00Z", to: "2023-08-18T01:00:00Z" },
} as const satisfies Readonly<Record<string, RecordedEvent>>;

export type EventName = keyof typeof EVENTS;

/** With eight decimals, as every answer. */
const PAR = 10n ** 8n;
/** As often as a feed that nothing happens to writes a round, s. */
const HEARTBEAT = 3_600;

export function loadEvent(name: EventName): Recording {
  const { folder, from, to } = EVENTS[name];
  const rounds = MARKETS.map((symbol) => {
    const file = new URL(`${folder}/${symbol.toLowerCase()}_usd.csv`, import.meta.url);
    return [symbol, loadRounds(fileURLToPath(file))] as const;
  });
  return { name, from: Date.parse(from) / 1_000, to: Date.parse(to) / 1_000, rounds: new Map(rounds) };
}

/** The whole time that all series tell of. Throws a UsageError where a market has none, or they have no time in common. */
export function recordingOf(name: string, rounds: ReadonlyMap<string, readonly Round[]>): Recording {
  const missing = MARKETS.filter((symbol) => !rounds.has(symbol));
  if (missing.length > 0) throw new UsageError(`no rounds of ${missing.join(", ")}: every market needs a series`);
  const series = [...rounds.values()];
  const from = Math.max(...series.map((each) => each[0]?.updatedAt ?? Infinity));
  const to = Math.min(...series.map((each) => each.at(-1)?.updatedAt ?? -Infinity));
  if (from >= to) throw new UsageError("the series have no time in common");
  return { name, from, to, rounds };
}

/**
 * A part of it. Throws a UsageError for a part that it does not have.
 * @param from Unix seconds, as `to`; its own by default.
 */
export function partOf(
  recording: Recording,
  { from, to }: { from: number | undefined; to: number | undefined },
): Recording {
  const part = { ...recording, from: from ?? recording.from, to: to ?? recording.to };
  if (part.from < recording.from || part.to > recording.to || part.from >= part.to) {
    const iso = (time: number): string => new Date(time * 1_000).toISOString().slice(0, 19);
    throw new UsageError(`the rounds reach from ${iso(recording.from)} to ${iso(recording.to)}`);
  }
  return part;
}

/** Feeds that report no sooner than so long after their last round, as in a congested chain: what comes sooner is left out. */
export function paused(recording: Recording, pause: number): Recording {
  const thinned = [...recording.rounds].map(([symbol, series]) => {
    const kept: Round[] = [];
    for (const round of series) {
      const last = kept.at(-1);
      if (last === undefined || round.updatedAt >= last.updatedAt + pause) kept.push(round);
    }
    return [symbol, kept] as const;
  });
  return { ...recording, rounds: new Map(thinned) };
}

/** With what is priced by another's rounds: WBTC as BTC, and USDC at par where it has no series of its own. */
export function completed(recording: Recording): Recording {
  const rounds = new Map(recording.rounds);
  const [btc, usdc] = [rounds.get("BTC"), rounds.get("USDC")];
  if (btc !== undefined && !rounds.has("WBTC")) rounds.set("WBTC", btc);
  if (usdc === undefined) rounds.set("USDC", atPar(recording));
  return { ...recording, rounds };
}

function atPar({ from, to }: Recording): Round[] {
  const count = Math.ceil((to - from) / HEARTBEAT) + 1;
  return Array.from({ length: count }, (_, index) => {
    const time = from + index * HEARTBEAT;
    return { updatedAt: time, startedAt: time, answer: PAR, id: (1n << 64n) + BigInt(index) + 1n };
  });
}

/** Price at a time, WAD; of the first round before there is one. */
export function priceAt({ rounds }: Recording, symbol: string, time: number): bigint {
  const series = rounds.get(symbol) ?? [];
  let [low, high] = [0, series.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((series[middle]?.updatedAt ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  return (series[Math.max(0, low - 1)]?.answer ?? 0n) * 10n ** 10n;
}
