/** Whether a transaction earns more than it costs. */
import { max, min, mulDivUp, WAD } from "../model/fixed.ts";

export interface Prospect {
  /** WAD of settlement token; undefined: a duty, done at any price. */
  readonly reward: bigint | undefined;
  /** As simulated. */
  readonly gas: bigint;
  /** What a unit of gas will cost, wei: base fee and tip. */
  readonly feePerGas: bigint;
  /** Of a rollup, wei. */
  readonly l1Fee: bigint;
  /** USD per whole native token, WAD; 0 where it is not known: then every reward is worth it. */
  readonly nativePrice: bigint;
  /** USD price of the settlement token, WAD; taken for 1 by default and where it is 0. */
  readonly settlementPrice?: bigint;
  /** Least profit, WAD of settlement token; negative: how much a transaction may lose. */
  readonly margin: bigint;
}

export interface Worth {
  readonly worthwhile: boolean;
  /** WAD of settlement token, rounded up. */
  readonly cost: bigint;
  /** Reward less cost; of a duty what it costs, negative. */
  readonly profit: bigint;
}

/** Expected reward less cost, both in settlement token, against the margin. */
export function worth({ reward, gas, feePerGas, l1Fee, nativePrice, settlementPrice = WAD, margin }: Prospect): Worth {
  // A token above its peg is not counted for more: nobody would have to give more for it.
  const rate = settlementPrice === 0n ? WAD : min(settlementPrice, WAD);
  const cost = mulDivUp(max(0n, gas * feePerGas + l1Fee), nativePrice, rate);
  const profit = (reward ?? 0n) - cost;
  return { worthwhile: reward === undefined || profit >= margin, cost, profit };
}
