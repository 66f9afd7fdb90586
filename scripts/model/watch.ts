/** What is kept of a market for its deleveraging and its end: `contracts/types/MarketWatch.sol`. */
import { type Trigger, TRIGGERS } from "./deleverage.ts";
import { readUint, writeUint } from "./word.ts";

export interface MarketWatch {
  /** Since when |S| has been seen over its hard cap, unix seconds; 0: it has not. */
  readonly overSince: bigint;
  /** When the market was flagged for deleveraging, unix seconds; 0: it is not. */
  readonly flaggedAt: bigint;
  /** Phase of the feed at the flag, or at the announcement of a wind-down. */
  readonly phase: bigint;
  readonly trigger: Trigger;
  /** Until when accounts are also judged by the sizes that they had before the last deleveraging, unix seconds. */
  readonly graceUntil: bigint;
  /** After when the final price is taken, unix seconds; 0: no wind-down. */
  readonly closesAt: bigint;
  /** Epoch, cuts and side that the former index belongs to. */
  readonly formerEpoch: bigint;
  readonly formerCuts: bigint;
  readonly formerLong: boolean;
}

/** Unpacks a `MarketWatch` word. Throws a RangeError for a trigger that the contract's enum does not have. */
export function decodeWatch(word: bigint): MarketWatch {
  const trigger = TRIGGERS[Number(readUint(word, 80, 8))];
  if (trigger === undefined) throw new RangeError(`unknown trigger in watch word ${String(word)}`);
  return {
    overSince: readUint(word, 0, 32),
    flaggedAt: readUint(word, 32, 32),
    phase: readUint(word, 64, 16),
    trigger,
    graceUntil: readUint(word, 88, 32),
    closesAt: readUint(word, 120, 32),
    formerEpoch: readUint(word, 152, 10),
    formerCuts: readUint(word, 162, 6),
    formerLong: readUint(word, 168, 1) !== 0n,
  };
}

/** Packs a `MarketWatch` word. Throws a RangeError for a field that is too wide. */
export function encodeWatch(watch: MarketWatch): bigint {
  return (
    writeUint(watch.overSince, 0, 32) |
    writeUint(watch.flaggedAt, 32, 32) |
    writeUint(watch.phase, 64, 16) |
    writeUint(BigInt(TRIGGERS.indexOf(watch.trigger)), 80, 8) |
    writeUint(watch.graceUntil, 88, 32) |
    writeUint(watch.closesAt, 120, 32) |
    writeUint(watch.formerEpoch, 152, 10) |
    writeUint(watch.formerCuts, 162, 6) |
    writeUint(watch.formerLong ? 1n : 0n, 168, 1)
  );
}
