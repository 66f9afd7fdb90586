/** Funding of a market: `contracts/types/Funding.sol`. */
import { abs, clamp, DAY, divFloor, min, mulDivFloor, WAD } from "./fixed.ts";
import { readInt, readUint, writeInt, writeUint } from "./word.ts";

export interface Funding {
  /** F: settlement token per base unit that longs have paid so far, WAD. */
  readonly index: bigint;
  /** r: fraction of the price per day, WAD; positive: longs pay. */
  readonly rate: bigint;
  /** dr/dt: WAD per day². */
  readonly velocity: bigint;
  /** Whether long positions have to be read through the index of their side (`sideIndex.ts`). */
  readonly longIndexed: boolean;
  /** The same of short ones. */
  readonly shortIndexed: boolean;
  /** When index and rate were valid, unix seconds. */
  readonly time: bigint;
}

/** Of a market in which nothing has happened yet, or of none. */
export const NO_FUNDING: Funding = {
  index: 0n,
  rate: 0n,
  velocity: 0n,
  longIndexed: false,
  shortIndexed: false,
  time: 0n,
};

/** Unpacks a `Funding` word. */
export function decodeFunding(word: bigint): Funding {
  return {
    index: readInt(word, 0, 96),
    rate: readInt(word, 96, 62),
    velocity: readInt(word, 158, 62),
    longIndexed: readUint(word, 220, 1) !== 0n,
    shortIndexed: readUint(word, 221, 1) !== 0n,
    time: readUint(word, 224, 32),
  };
}

/** Packs as `toFunding`, the flags included. Throws a RangeError for a field that does not fit. */
export function encodeFunding(funding: Funding): bigint {
  return (
    writeInt(funding.index, 0, 96) |
    writeInt(funding.rate, 96, 62) |
    writeInt(funding.velocity, 158, 62) |
    writeUint(funding.longIndexed ? 1n : 0n, 220, 1) |
    writeUint(funding.shortIndexed ? 1n : 0n, 221, 1) |
    writeUint(funding.time, 224, 32)
  );
}

/**
 * The funding as of `now`: r moves with its velocity and stays within ±`maxRate`; F grows by ∫ r dt · price, one
 * rounding toward −∞ for the whole step. Mirrors `accrued`.
 *
 * Throws a RangeError if `now` lies before the funding's time, or index or rate leave their fields.
 *
 * @param maxRate Bound of |r|, WAD per day.
 * @param price Price that the whole step is charged at, WAD.
 * @param now Unix seconds.
 */
export function accrued(
  funding: Funding,
  { maxRate, price, now }: { maxRate: bigint; price: bigint; now: bigint },
): Funding {
  const elapsed = now - funding.time;
  if (elapsed < 0n) throw new RangeError(`${String(now)} is before the funding's time ${String(funding.time)}`);
  if (elapsed === 0n) return funding;
  const { velocity } = funding;
  const rate0 = clamp(funding.rate, maxRate);
  let rate1 = rate0 + divFloor(velocity * elapsed, DAY);
  let moving = elapsed;
  if (abs(rate1) > maxRate) {
    rate1 = clamp(rate1, maxRate);
    moving = min(elapsed, (abs(rate1 - rate0) * DAY) / abs(velocity));
  }
  const doubled = (rate0 + rate1) * moving + 2n * rate1 * (elapsed - moving);
  const index = funding.index + mulDivFloor(doubled, price, 2n * DAY * WAD);
  return fit({ ...funding, index, rate: rate1, time: now });
}

/**
 * The funding with its velocity set from the skew: dr/dt = v·clamp(skew/depth, ±1), toward −∞. Mirrors `steered`.
 *
 * @param maxVelocity v, WAD per day².
 * @param skew S: net size of traders, base units, WAD.
 * @param depth D, base units, WAD; above 0.
 */
export function steered(
  funding: Funding,
  { maxVelocity, skew, depth }: { maxVelocity: bigint; skew: bigint; depth: bigint },
): Funding {
  return fit({ ...funding, velocity: mulDivFloor(maxVelocity, clamp(skew, depth), depth) });
}

/** The funding of a market one of whose sides has to be read through its index from now on. Mirrors `withIndex`. */
export function withIndexed(funding: Funding, side: { long: boolean }): Funding {
  return side.long ? { ...funding, longIndexed: true } : { ...funding, shortIndexed: true };
}

/** Throws where packing would. */
function fit(funding: Funding): Funding {
  encodeFunding(funding);
  return funding;
}
