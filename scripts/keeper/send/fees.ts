/** What a transaction offers for its gas. Wei. */
import { PlimsollError } from "../../deploy/PlimsollError.ts";
import { max, min } from "../../model/fixed.ts";

/** Gas costs more than the cap. It may be cheaper later. */
export class TooDearError extends PlimsollError {}

export interface Fees {
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

export interface GasPrice {
  /** Of the latest block. */
  readonly baseFee: bigint;
  readonly tip: bigint;
}

/** What gas costs now. */
export function priceOf({ baseFee, tip }: GasPrice): bigint {
  return baseFee + tip;
}

/**
 * Twice the base fee, which six full blocks in a row cannot pass, and the tip; at most `cap`. Throws a TooDearError if
 * that does not pay for the next block.
 */
export function feesFor(price: GasPrice, cap: bigint): Fees {
  const { baseFee, tip } = price;
  // The base fee rises by an eighth at most from one block to the next.
  const needed = baseFee + baseFee / 8n + 1n;
  if (needed > cap) throw new TooDearError(`gas costs ${String(priceOf(price))} wei, the cap is ${String(cap)}`);
  const wanted = 2n * baseFee + tip;
  const maxFeePerGas = wanted < cap ? wanted : cap;
  return { maxFeePerGas, maxPriorityFeePerGas: tip < maxFeePerGas ? tip : maxFeePerGas };
}

/** Most that a transaction may come to offer, wei for a unit of gas. */
export interface FeeBounds {
  readonly maxFee: bigint;
  readonly maxTip: bigint;
}

/**
 * An eighth more than before, which every node takes for a replacement, and at least what is asked now; undefined where
 * the bounds leave less of either fee.
 */
export function raised(before: Fees, price: GasPrice, { maxFee, maxTip }: FeeBounds): Fees | undefined {
  const { baseFee, tip } = price;
  const least = (old: bigint): bigint => old + old / 8n + 1n;
  const rise = (old: bigint, asked: bigint, most: bigint): bigint => min(most, max(least(old), asked));
  const maxFeePerGas = rise(before.maxFeePerGas, 2n * baseFee + tip, maxFee);
  const maxPriorityFeePerGas = rise(before.maxPriorityFeePerGas, tip, min(maxTip, maxFeePerGas));
  const isEnough =
    maxFeePerGas >= least(before.maxFeePerGas) && maxPriorityFeePerGas >= least(before.maxPriorityFeePerGas);
  return isEnough ? { maxFeePerGas, maxPriorityFeePerGas } : undefined;
}

/** What a unit of gas costs in the next block with such fees: at most all that is offered. */
export function paidAt({ maxFeePerGas, maxPriorityFeePerGas }: Fees, { baseFee }: GasPrice): bigint {
  return min(maxFeePerGas, baseFee + maxPriorityFeePerGas);
}

/**
 * What a unit of gas is weighed at before such fees are offered: what it costs now, and for fees that were raised beyond
 * what `feesFor` would offer, as much more as they leave room for.
 */
export function weighedAt(fees: Fees, price: GasPrice): bigint {
  return max(paidAt(fees, price), fees.maxFeePerGas - price.baseFee);
}
