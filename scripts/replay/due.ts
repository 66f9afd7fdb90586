/** What a keeper could do now: the replay waits until nothing of it is left. */
import type { AccountStanding } from "./books.ts";
import type { PendingOrder, RestingTrigger } from "./journal.ts";

export interface DueInput {
  /** Unix seconds, of the block that the keeper would act in. */
  readonly now: number;
  readonly pending: Iterable<PendingOrder>;
  readonly triggers: Iterable<RestingTrigger>;
  readonly standings: ReadonlyMap<string, AccountStanding>;
  /** Times of all rounds so far by asset, ascending. */
  readonly rounds: ReadonlyMap<number, readonly number[]>;
  /** Latest prices by asset, WAD. */
  readonly prices: ReadonlyMap<number, bigint>;
}

export interface Due {
  readonly kind: "execute" | "poke" | "liquidate";
  /** `account/sequence` of an order, otherwise the account. */
  readonly subject: string;
}

export function findDue({ now, pending, triggers, standings, rounds, prices }: DueInput): Due[] {
  const due: Due[] = [];
  for (const { account, sequence, boundary, assets } of pending) {
    const settled = assets.every((asset) => {
      const round = rounds.get(asset)?.find((time) => time > boundary);
      return round !== undefined && round < now;
    });
    if (settled) due.push({ kind: "execute", subject: `${account}/${String(sequence)}` });
  }
  for (const { account, sequence, asset, delta, price, above } of triggers) {
    const latest = prices.get(asset) ?? 0n;
    const size = standings.get(account)?.exposures.find((exposure) => exposure.asset === asset)?.size ?? 0n;
    const reduces = size !== 0n && size < 0n !== delta < 0n;
    if (reduces && (above ? latest >= price : latest <= price)) {
      due.push({ kind: "poke", subject: `${account}/${String(sequence)}` });
    }
  }
  for (const { account, unhealthy } of standings.values()) {
    if (unhealthy) due.push({ kind: "liquidate", subject: account });
  }
  return due;
}
