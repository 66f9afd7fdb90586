/** What a fill against the pool costs: `contracts/libraries/Pricing.sol`. */
import { abs, min, mulDivCeil, mulDivUp, PPM, WAD } from "./fixed.ts";

/**
 * Quote that a trader takes on, net of the funding index, WAD of settlement token, rounded once, up:
 * N = ceil( Δ·(P·(2D + 2·S₀ + Δ)/(2D) − F) ). Mirrors `Pricing.quoteCeil`. Throws a RangeError where depth is 0.
 *
 * @param delta Δ: signed change of the trader's size, base units, WAD.
 * @param price P: oracle price, WAD.
 * @param skew S₀: net size of all traders before the fill, base units, WAD.
 * @param depth D, base units, WAD.
 * @param index F: funding index, WAD.
 */
export function quoteCeil({
  delta,
  price,
  skew,
  depth,
  index,
}: {
  delta: bigint;
  price: bigint;
  skew: bigint;
  depth: bigint;
  index: bigint;
}): bigint {
  const scaled = price * (2n * depth + 2n * skew + delta) - 2n * depth * index;
  return mulDivCeil(delta, scaled, 2n * depth * WAD);
}

/**
 * Φ = S²·P/(2D): what the pool has taken in as premium and owes back, WAD of settlement token, rounded up. Mirrors
 * `Pricing.heldPremiumUp`. Throws a RangeError where depth is 0.
 */
export function heldPremiumUp({ skew, price, depth }: { skew: bigint; price: bigint; depth: bigint }): bigint {
  return mulDivUp(abs(skew) * price, abs(skew), 2n * depth * WAD);
}

/**
 * Fee of a fill, WAD of settlement token, rounded up: taker on the part that widens |S|, maker on the part that narrows
 * it. Mirrors `Pricing.feeUp`.
 *
 * @param delta Δ, base units, WAD.
 * @param price WAD.
 * @param skew S₀, base units, WAD.
 * @param takerFee 1e-6 of the notional.
 * @param makerFee 1e-6 of the notional.
 */
export function feeUp({
  delta,
  price,
  skew,
  takerFee,
  makerFee,
}: {
  delta: bigint;
  price: bigint;
  skew: bigint;
  takerFee: bigint;
  makerFee: bigint;
}): bigint {
  const size = abs(delta);
  const narrowing = skew < 0n === delta < 0n ? 0n : min(size, abs(skew));
  return mulDivUp((size - narrowing) * takerFee + narrowing * makerFee, price, PPM * WAD);
}
