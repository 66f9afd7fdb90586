/** Who bears what an account could not pay: `contracts/libraries/Deficits.sol`. */
import { DAY, max, min, mulDivDown } from "./fixed.ts";

/** In place of a market: a deficit that none has caused. */
export const UNATTRIBUTED = 255;

/** What insurance has paid of late for one market. */
export interface Bucket {
  /** When it was last raised, WAD; leaks its cap within a day. */
  readonly level: bigint;
  /** Unix seconds. */
  readonly time: bigint;
}

export const EMPTY_BUCKET: Bucket = { level: 0n, time: 0n };

/** Level as of `now`, WAD, rounded up. Mirrors `Deficits._levelUp`. @param cap WAD. */
export function levelUp({ level, time }: Bucket, { cap, now }: { cap: bigint; now: bigint }): bigint {
  return max(0n, level - mulDivDown(cap, now - time, DAY));
}

/** What insurance would still pay for the market, WAD. Mirrors `Deficits.roomDown`. @param cap Of a day, WAD. */
export function roomDown(bucket: Bucket, options: { cap: bigint; now: bigint }): bigint {
  return max(0n, options.cap - levelUp(bucket, options));
}

/** What insurance pays of `wished` (WAD), and the bucket afterwards; the rest of a deficit is the pool's. Mirrors
 * `Deficits.take`. @param insurance What it has, WAD. */
export function takeFromInsurance(
  wished: bigint,
  { bucket, insurance, cap, now }: { bucket: Bucket; insurance: bigint; cap: bigint; now: bigint },
): { taken: bigint; bucket: Bucket } {
  const taken = min(min(wished, insurance), roomDown(bucket, { cap, now }));
  if (taken === 0n) return { taken, bucket };
  return { taken, bucket: { level: levelUp(bucket, { cap, now }) + taken, time: now } };
}
