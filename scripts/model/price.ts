/** The price of an asset as an interval: `contracts/types/Price.sol`. */
import { PPM } from "./fixed.ts";
import { readUint, writeUint } from "./word.ts";

/** Why a feed's answer is not live, in the order of the contract's enum; the first means live. */
export const REFUSALS = [
  "None",
  "Missing",
  "NonPositive",
  "Future",
  "Stale",
  "OutOfBounds",
  "Jump",
  "Halted",
  "SequencerDown",
  "Closed",
] as const;

export type Refusal = (typeof REFUSALS)[number];

export interface Price {
  /** Last accepted price, WAD. */
  readonly last: bigint;
  /** Half width of the interval, 1e-6 of `last`, at most 1e6; 0 while live. */
  readonly spread: bigint;
  readonly refusal: Refusal;
  /** Live again, but still in the grace period in which nothing of the asset is liquidated. */
  readonly settling: boolean;
  /** Without an answer for so long that collateral in it counts nothing. */
  readonly dead: boolean;
  /** Unix seconds. */
  readonly updatedAt: bigint;
}

/** A live price. @param last WAD. */
export function livePrice(last: bigint, updatedAt = 0n): Price {
  return { last, spread: 0n, refusal: "None", settling: false, dead: false, updatedAt };
}

/** The same reading, live, with another price. Mirrors `withLast`. @param last WAD. */
export function priceAt(price: Price, last: bigint): Price {
  return { ...price, last, spread: 0n, refusal: "None", dead: false };
}

/** Unpacks a `Price` word. Throws a RangeError for a refusal that the contract's enum does not have. */
export function decodePrice(word: bigint): Price {
  const refusal = REFUSALS[Number(readUint(word, 120, 8))];
  if (refusal === undefined) throw new RangeError(`unknown refusal in price word ${String(word)}`);
  return {
    last: readUint(word, 0, 96),
    spread: readUint(word, 96, 24),
    refusal,
    settling: readUint(word, 128, 1) !== 0n,
    dead: readUint(word, 129, 1) !== 0n,
    updatedAt: readUint(word, 130, 32),
  };
}

/** Packs as `toPrice`. Throws a RangeError for a field that is too wide. */
export function encodePrice(price: Price): bigint {
  return (
    writeUint(price.last, 0, 96) |
    writeUint(price.spread, 96, 24) |
    writeUint(BigInt(REFUSALS.indexOf(price.refusal)), 120, 8) |
    writeUint(price.settling ? 1n : 0n, 128, 1) |
    writeUint(price.dead ? 1n : 0n, 129, 1) |
    writeUint(price.updatedAt, 130, 32)
  );
}

/** Mirrors `live`. */
export function isLive(price: Price): boolean {
  return price.refusal === "None";
}

/** Whether positions and collateral of the asset may be closed by a liquidation. Mirrors `liquidatable`. */
export function isLiquidatable(price: Price): boolean {
  return isLive(price) && !price.settling;
}

/** Lower end, WAD, rounded down. Mirrors `low`. */
export function lowDown(price: Price): bigint {
  return (price.last * (PPM - price.spread)) / PPM;
}

/** Upper end, WAD, rounded up. Mirrors `high`. */
export function highUp(price: Price): bigint {
  return (price.last * (PPM + price.spread) + PPM - 1n) / PPM;
}

/** One end of the interval, WAD. Mirrors `Risk.endOf`. */
export function endOf(price: Price, end: "lower" | "upper"): bigint {
  return end === "lower" ? lowDown(price) : highUp(price);
}
