/** What pending orders hold, when they settle and what becomes of them: `contracts/Orders.sol`. */
import type { Leg } from "./books.ts";
import { abs, min, mulDivUp, PPM, WAD } from "./fixed.ts";
import type { CAUSES } from "./causes.ts";

/** Keeper pay and cancel charges are multiples of this, WAD; pay is at most so much. */
export const ESCROW_UNIT = 10n ** 14n;
const MAX_ESCROWED_PAY = (2n ** 24n - 1n) * ESCROW_UNIT;
/** Own expiries are offsets from the submission in this unit, seconds. */
const EXPIRY_UNIT = 32n;
const MANTISSA_BITS = 26;

/** As the contract's struct of this name. Times in seconds, gas in units, money WAD. */
export interface OrderSettings {
  readonly delay: bigint;
  readonly executionWindow: bigint;
  /** Largest move of a basket's leg between submission and settlement, 1e-6. */
  readonly band: bigint;
  readonly fixedPay: bigint;
  /** Priority fee that keeper pay covers, wei per gas. */
  readonly tip: bigint;
  readonly singleGas: bigint;
  readonly basketGas: bigint;
  readonly legGas: bigint;
  readonly pokeGas: bigint;
  readonly refundGas: bigint;
  /** Most between the first and the last settlement round of a basket's legs. */
  readonly legGap: bigint;
}

/** What gas costs. */
export interface GasPrice {
  /** Wei per gas. */
  readonly baseFee: bigint;
  /** USD per whole native token, WAD. */
  readonly nativePrice: bigint;
}

export interface PendingLeg {
  readonly asset: number;
  /** Base units, WAD. */
  readonly delta: bigint;
  /** WAD: of a single order its acceptable price, 0 for none; of a basket's leg its price at the submission. */
  readonly bound: bigint;
}

export interface PendingOrder {
  readonly legs: readonly PendingLeg[];
  readonly isBasket: boolean;
  readonly reduceOnly: boolean;
  /** Unix seconds. */
  readonly submittedAt: bigint;
  /** Only a round later than this settles it, unix seconds. */
  readonly boundary: bigint;
  /** Last second at which a round may settle it by its owner's will, unix seconds; 0: none. */
  readonly expiresAt: bigint;
}

/** The first round of a feed after a boundary. */
export interface SettlementRound {
  /** WAD. */
  readonly price: bigint;
  /** Unix seconds. */
  readonly at: bigint;
}

export type Decision =
  | { readonly outcome: "Filled"; readonly legs: readonly Leg[] }
  | { readonly outcome: "Cancelled"; readonly cause: (typeof CAUSES)[number] }
  | { readonly outcome: "Refunded" };

/** Gas that the pay for an execution covers. Mirrors `orderGas`. @param legs Of a basket; 0 for a single order. */
export function orderGas({ singleGas, basketGas, legGas }: OrderSettings, legs: number): bigint {
  return legs === 0 ? singleGas : basketGas + BigInt(legs) * legGas;
}

/** fixed + gas·(base fee + tip)·price of the native token, WAD. Mirrors `payAt`. */
export function payDown({ fixedPay, tip }: OrderSettings, gas: bigint, { baseFee, nativePrice }: GasPrice): bigint {
  return fixedPay + (gas * (baseFee + tip) * nativePrice) / WAD;
}

/** What is held for that: enough for twice the base fee, WAD. Mirrors `escrowAt`. */
export function escrowedPayUp(
  { fixedPay, tip }: OrderSettings,
  gas: bigint,
  { baseFee, nativePrice }: GasPrice,
): bigint {
  const units = mulDivUp(gas * (2n * baseFee + tip), nativePrice, WAD * ESCROW_UNIT);
  return min(fixedPay + units * ESCROW_UNIT, MAX_ESCROWED_PAY);
}

/** The largest number of 26 significant bits that is not above `value`. Mirrors `packFloatDown`. */
export function floatDown(value: bigint): bigint {
  const shift = shiftOf(value);
  return (value >> shift) << shift;
}

/** The smallest that is not below it. Mirrors `packFloatUp`. */
export function floatUp(value: bigint): bigint {
  const shift = shiftOf(value);
  return mulDivUp(value, 1n, 1n << shift) << shift;
}

function shiftOf(value: bigint): bigint {
  return BigInt(Math.max(0, value.toString(2).length - MANTISSA_BITS));
}

/** A buy's bound down, a sell's up, so that it is never kinder than what was asked. Mirrors `_packAcceptable`. */
export function acceptablePrice(delta: bigint, price: bigint): bigint {
  return delta > 0n ? floatDown(price) : floatUp(price);
}

/** The own expiry of an order as it is stored: a multiple of 32 s after its submission; 0: none. */
export function storedExpiry(expiry: bigint, submittedAt: bigint): bigint {
  return expiry === 0n ? 0n : submittedAt + ((expiry - submittedAt) / EXPIRY_UNIT) * EXPIRY_UNIT;
}

/**
 * What becomes of an order before anything of its account is looked at. Mirrors `Orders._decide`.
 *
 * @param rounds By leg; undefined where there is none within the feed's window, or the oracle would not accept it now.
 * @param upSince Since when the sequencer has been up, unix seconds.
 */
export function decide(
  order: PendingOrder,
  rounds: readonly (SettlementRound | undefined)[],
  { settings, upSince, now }: { settings: OrderSettings; upSince: bigint; now: bigint },
): Decision {
  if (order.submittedAt < upSince) return { outcome: "Refunded" };
  const settled = rounds.filter((round) => round !== undefined);
  if (settled.length !== order.legs.length) return { outcome: "Refunded" };
  const times = settled.map(({ at }) => at);
  const [first, last] = [times.reduce(min), times.reduce((one, other) => (one > other ? one : other))];
  if (last - first > settings.legGap) return { outcome: "Refunded" };
  if (order.expiresAt !== 0n && last > order.expiresAt) return { outcome: "Cancelled", cause: "Expired" };
  const legs = order.legs.map(({ asset, delta }, index) => ({ asset, delta, price: settled[index]?.price ?? 0n }));
  for (const [index, { price }] of legs.entries()) {
    const { delta, bound } = order.legs[index] ?? { delta: 0n, bound: 0n };
    if (order.isBasket && abs(price - bound) * PPM > bound * settings.band) {
      return { outcome: "Cancelled", cause: "OutsideBand" };
    }
    if (!order.isBasket && bound !== 0n && (delta > 0n ? price > bound : price < bound)) {
      return { outcome: "Cancelled", cause: "PriceNotAcceptable" };
    }
  }
  if (now > last + settings.executionWindow) return { outcome: "Cancelled", cause: "TooLate" };
  return { outcome: "Filled", legs };
}
