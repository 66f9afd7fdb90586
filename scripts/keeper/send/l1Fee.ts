/** What a rollup takes for the data of a transaction, besides the gas that it uses there. */
import { AbiCoder, Interface, type JsonRpcApiProvider, Transaction } from "ethers";

import type { Call } from "../job.ts";

/** Wei. */
export type L1Fee = (call: Call) => Promise<bigint>;

const OP_ORACLE = "0x420000000000000000000000000000000000000F";
const ARB_SYS = "0x0000000000000000000000000000000000000064";
const ARBITRUM = new Set([42_161n, 42_170n, 421_614n]);

const oracle = new Interface(["function getL1Fee(bytes) view returns (uint256)"]);

/** What the oracle of an OP chain is asked with: sizes matter, values hardly. */
const TYPICAL = { nonce: 1_000, gasLimit: 2_000_000n, maxFeePerGas: 10n ** 9n, maxPriorityFeePerGas: 10n ** 6n };

/**
 * - OP stack: its oracle is asked for each transaction.
 * - Arbitrum: nothing. The estimate of gas already holds the data, as gas (`NodeInterface.gasEstimateComponents` shows
 *   which part): adding `gasEstimateL1Component` to it would count the data twice.
 * - Elsewhere nothing.
 */
export async function l1FeeOf(provider: JsonRpcApiProvider, chainId: bigint): Promise<L1Fee> {
  const nothing: L1Fee = () => Promise.resolve(0n);
  if (await paysDataInGas(provider, chainId)) return nothing;
  if ((await provider.getCode(OP_ORACLE)) === "0x") return nothing;
  return async ({ to, data, value = 0n }) => {
    const { unsignedSerialized } = Transaction.from({ type: 2, chainId, to, data, value, ...TYPICAL });
    const answer = await provider.call({
      to: OP_ORACLE,
      data: oracle.encodeFunctionData("getL1Fee", [unsignedSerialized]),
    });
    return AbiCoder.defaultAbiCoder().decode(["uint256"], answer)[0] as bigint;
  };
}

/** Whether the data of a transaction is paid for in gas, as on Arbitrum: a call does not count it, an estimate does. */
export async function paysDataInGas(provider: JsonRpcApiProvider, chainId: bigint): Promise<boolean> {
  return ARBITRUM.has(chainId) || (await provider.getCode(ARB_SYS)) === "0xfe";
}
