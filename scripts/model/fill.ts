/** The one primitive: size of a market moves between an account and the pool at a price: `contracts/libraries/Fills.sol`. */
import { abs, min, mulDivDown, mulDivFloor, PPM } from "./fixed.ts";
import { steered } from "./funding.ts";
import type { GlobalParameters } from "./parameters.ts";
import { feeUp, quoteCeil } from "./pricing.ts";
import type { Exposure } from "./risk.ts";

export interface FillResult {
  /** Taken on for the fill, net of funding, WAD of settlement token. */
  readonly quote: bigint;
  /** Moved from the position's quote to cash, and the opposite to the pool's base, WAD. */
  readonly realised: bigint;
  /** WAD. */
  readonly fee: bigint;
  /** The exposure after the fill, its funding steered by the new skew. */
  readonly exposure: Exposure;
  /** S after the fill, base units, WAD. */
  readonly skew: bigint;
}

/**
 * Fills `delta` against the pool. Realisation by mirror: with cl = min(|Δ|, |s|) of it closing,
 * N_cl = floor(N·cl/|Δ|), part = floor(q·cl/|s|), realised = part − N_cl; the rest of a flip opens with −(N − N_cl).
 * The account's cash moves by realised − fee. Mirrors `Fills.fill`.
 *
 * @param exposure To the market before the fill; its funding is accrued to now.
 * @param delta Signed change of size, base units, WAD; not 0.
 * @param price Price of the fill before impact, WAD.
 * @param skew S before the fill, base units, WAD.
 */
export function fill({
  exposure,
  delta,
  price,
  skew,
}: {
  exposure: Exposure;
  delta: bigint;
  price: bigint;
  skew: bigint;
}): FillResult {
  const { sizes, trade, funding } = exposure;
  const { depth } = sizes;
  const taken = quoteCeil({ delta, price, skew, depth, index: funding.index });
  const fee = feeUp({ delta, price, skew, takerFee: trade.takerFee, makerFee: trade.makerFee });
  const booked = book({ size: exposure.size, quote: exposure.quote, delta, taken });
  const skewAfter = skew + delta;
  return {
    quote: taken,
    realised: booked.realised,
    fee,
    exposure: {
      ...exposure,
      size: booked.size,
      quote: booked.quote,
      funding: steered(funding, { maxVelocity: trade.fundingVelocity, skew: skewAfter, depth }),
    },
    skew: skewAfter,
  };
}

/**
 * A position after it took on `delta` for the quote `taken`, and what that realised. Σ of quote and realised falls by
 * exactly `taken`. Mirrors the body of `Fills.fill`.
 *
 * @param size s, base units, WAD. @param quote q, WAD of settlement token.
 * @param delta Not 0, base units, WAD. @param taken N, WAD of settlement token.
 */
export function book({ size, quote, delta, taken }: { size: bigint; quote: bigint; delta: bigint; taken: bigint }): {
  size: bigint;
  quote: bigint;
  realised: bigint;
} {
  if (size === 0n || size < 0n === delta < 0n) return { size: size + delta, quote: quote - taken, realised: 0n };
  const closing = min(abs(size), abs(delta));
  const closingQuote = mulDivFloor(taken, closing, abs(delta));
  const part = mulDivFloor(quote, closing, abs(size));
  return { size: size + delta, quote: quote - part - (taken - closingQuote), realised: part - closingQuote };
}

/** Fees (WAD) by receiver: insurance and protocol by their shares, rounded down; the rest goes to the pool. Mirrors
 * `Fills.splitFees`. */
export function splitFees(
  fees: bigint,
  globals: GlobalParameters,
): { insurance: bigint; protocol: bigint; pool: bigint } {
  const insurance = mulDivDown(fees, globals.insuranceFeeShare, PPM);
  const protocol = mulDivDown(fees, globals.protocolFeeShare, PPM);
  return { insurance, protocol, pool: fees - insurance - protocol };
}

/** Cash (WAD) after `delta`, and what of it the pool lent (negative: was paid back). Mirrors `Books.moveCash`. */
export function moveCash(cash: bigint, delta: bigint): { cash: bigint; borrowed: bigint } {
  const moved = cash + delta;
  return { cash: moved, borrowed: debtOf(moved) - debtOf(cash) };
}

function debtOf(cash: bigint): bigint {
  return cash < 0n ? -cash : 0n;
}
