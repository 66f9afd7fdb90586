/** What the guards make of an event, if somebody has the oracle look at each round a second after it. */
import type { MarketEvent } from "./events.ts";
import { type Change, GuardedFeed } from "./guards.ts";

export interface Halt {
  readonly symbol: string;
  readonly from: number;
  readonly until: number;
  /** The accepted price that the round jumped from, the round, and the price accepted at the end, WAD. */
  readonly last: bigint;
  readonly candidate: bigint;
  readonly accepted: bigint;
  /** How often another round took the place of the one that waited. */
  readonly replaced: number;
  readonly end: Extract<Change, "came back" | "confirmed">;
}

export interface PegChange {
  readonly at: number;
  readonly held: boolean;
  /** WAD. */
  readonly price: bigint;
}

const REACTION = 1;
const HALT_GRACE = 600;

export function haltsOf(event: MarketEvent): Halt[] {
  const halts: Halt[] = [];
  for (const { symbol, rounds, ...limits } of event.feeds) {
    const feed = new GuardedFeed(limits, HALT_GRACE);
    let open: { from: number; last: bigint; candidate: bigint; replaced: number } | undefined;
    for (const round of rounds) {
      const now = round.updatedAt + REACTION;
      if (feed.rounds.length === 0) {
        feed.start(round, now);
        continue;
      }
      const { last } = feed.see(now - REACTION);
      feed.rounds.push(round);
      const change = feed.update(now);
      if (change === "halted") open = { from: now, last, candidate: round.price, replaced: 0 };
      if (open !== undefined && change === "replaced") open.replaced++;
      if (open === undefined || (change !== "came back" && change !== "confirmed")) continue;
      halts.push({ symbol, ...open, until: now, accepted: round.price, end: change });
      open = undefined;
    }
  }
  return halts.sort((one, other) => one.from - other.from);
}

/** When the settlement token leaves its band and comes back into it. @param band WAD. */
export function pegChangesOf(event: MarketEvent, symbol: string, band: { low: bigint; high: bigint }): PegChange[] {
  const changes: PegChange[] = [];
  for (const { price, updatedAt } of event.feeds.find((feed) => feed.symbol === symbol)?.rounds ?? []) {
    const held = price >= band.low && price <= band.high;
    if (held !== (changes.at(-1)?.held ?? true)) changes.push({ at: updatedAt + REACTION, held, price });
  }
  return changes;
}
