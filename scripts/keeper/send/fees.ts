/** What a transaction offers for its gas. Wei. */
import { PlimsollError } from "../../deploy/PlimsollError.ts";

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

/**
 * A quarter more than before, which every node takes for a replacement, and at least what is asked now; undefined where
 * the cap leaves less than the eighth that nodes want at least.
 */
export function raised(before: Fees, price: GasPrice, cap: bigint): Fees | undefined {
  const { baseFee, tip } = price;
  const rise = (old: bigint, asked: bigint): bigint => {
    const more = old + old / 4n + 1n;
    return more > asked ? more : asked;
  };
  const wanted = rise(before.maxFeePerGas, 2n * baseFee + tip);
  const maxFeePerGas = wanted < cap ? wanted : cap;
  const wantedTip = rise(before.maxPriorityFeePerGas, tip);
  const maxPriorityFeePerGas = wantedTip < maxFeePerGas ? wantedTip : maxFeePerGas;
  const isEnough = (now: bigint, old: bigint): boolean => now > old + old / 8n;
  if (!isEnough(maxFeePerGas, before.maxFeePerGas)) return undefined;
  return isEnough(maxPriorityFeePerGas, before.maxPriorityFeePerGas)
    ? { maxFeePerGas, maxPriorityFeePerGas }
    : undefined;
}
