/** Sends transactions of governance one after the other, each only when the one before is in a block. */
import { type Provider, Wallet } from "ethers";

import { refusalOf, revertDataOf } from "./contracts.ts";
import { RefusedError } from "./errors.ts";
import type { Transaction } from "./operations.ts";

/** Added to an estimate: the state moves until then. */
const MARGIN_PERCENT = 20n;
/** EIP-7825. */
const MAX_GAS = 16_777_216n;

/** Hashes in order. Throws a RefusedError at the first that would revert, and sends none after it. */
export async function sendAll(
  provider: Provider,
  key: string,
  transactions: readonly Transaction[],
  onSent: (transaction: Transaction, hash: string) => void,
): Promise<void> {
  const wallet = new Wallet(key, provider);
  for (const transaction of transactions) {
    const { to, data, description } = transaction;
    let gas: bigint;
    try {
      gas = await provider.estimateGas({ from: wallet.address, to, data });
    } catch (error) {
      if (revertDataOf(error) === undefined && (error as { code?: unknown }).code !== "CALL_EXCEPTION") throw error;
      throw new RefusedError(`${description}: ${refusalOf(error)}`, { cause: error });
    }
    const wanted = gas + (gas * MARGIN_PERCENT) / 100n;
    const sent = await wallet.sendTransaction({ to, data, gasLimit: wanted < MAX_GAS ? wanted : MAX_GAS });
    const receipt = await sent.wait();
    if (receipt?.status !== 1) throw new RefusedError(`${description}: transaction ${sent.hash} reverted`);
    onSent(transaction, sent.hash);
  }
}
