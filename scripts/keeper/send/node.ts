/** What the sender asks of the chain. */
import type { JsonRpcApiProvider } from "ethers";

import type { GasPrice } from "./fees.ts";

export interface ReceiptLog {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
}

export interface Receipt {
  readonly hash: string;
  readonly block: number;
  readonly succeeded: boolean;
  readonly gasUsed: bigint;
  /** Wei for all of it, the data fee of a rollup included. */
  readonly cost: bigint;
  readonly logs: readonly ReceiptLog[];
}

export interface Node {
  /** Transactions of an account in blocks, or with those that wait in the pool. */
  nonceOf(address: string, tag: "latest" | "pending"): Promise<number>;
  /**
   * To the private relay where there is one; `openly` to everybody. Throws what the node says, or an EndpointsError.
   */
  broadcast(raw: string, options?: { readonly openly?: boolean }): Promise<void>;
  /** Of a block that is still one of the chain. */
  receiptOf(hash: string): Promise<Receipt | undefined>;
  /** Whether a public pool or a block has it: what waits at a private relay is not known. */
  knows(hash: string): Promise<boolean>;
  blockNumber(): Promise<number>;
  /** With the number of the block that it is of. */
  gasPrice(): Promise<GasPrice & { readonly block: number }>;
  /** Gas of a transaction from an account to itself that says nothing: on some rollups more than 21,000. */
  emptyGas(address: string): Promise<bigint>;
}

interface RawReceipt {
  readonly transactionHash: string;
  readonly blockHash: string;
  readonly blockNumber: string;
  readonly status: string;
  readonly gasUsed: string;
  readonly effectiveGasPrice?: string;
  readonly l1Fee?: string | null;
  readonly logs: readonly ReceiptLog[];
}

/** @param broadcastOpenly Past the private relay; as everything else by default. */
export function nodeOf(provider: JsonRpcApiProvider, broadcastOpenly?: (raw: string) => Promise<void>): Node {
  const ask = async (method: string, ...params: unknown[]): Promise<unknown> => provider.send(method, params);
  return {
    nonceOf: async (address, tag) => Number(await ask("eth_getTransactionCount", address, tag)),
    broadcast: async (raw, { openly = false } = {}) => {
      await (openly && broadcastOpenly ? broadcastOpenly(raw) : ask("eth_sendRawTransaction", raw));
    },
    receiptOf: async (hash) => {
      const receipt = (await ask("eth_getTransactionReceipt", hash)) as RawReceipt | null;
      if (receipt === null) return undefined;
      // A node may be on a fork that the others have left.
      const block = (await ask("eth_getBlockByNumber", receipt.blockNumber, false)) as { hash: string } | null;
      return block?.hash === receipt.blockHash ? receiptOf(receipt) : undefined;
    },
    knows: async (hash) => (await ask("eth_getTransactionByHash", hash)) !== null,
    blockNumber: async () => Number(await ask("eth_blockNumber")),
    gasPrice: async () => {
      const [block, tip] = await Promise.all([
        ask("eth_getBlockByNumber", "latest", false) as Promise<{ number: string; baseFeePerGas?: string } | null>,
        tipOf(ask),
      ]);
      return { baseFee: BigInt(block?.baseFeePerGas ?? 0), tip, block: Number(block?.number ?? 0) };
    },
    emptyGas: async (address) => BigInt((await ask("eth_estimateGas", { from: address, to: address })) as string),
  };
}

function receiptOf(receipt: RawReceipt): Receipt {
  const { transactionHash, blockNumber, status, effectiveGasPrice, l1Fee, logs } = receipt;
  const gasUsed = BigInt(receipt.gasUsed);
  return {
    hash: transactionHash,
    block: Number(blockNumber),
    succeeded: BigInt(status) === 1n,
    gasUsed,
    cost: gasUsed * BigInt(effectiveGasPrice ?? 0) + BigInt(l1Fee ?? 0),
    logs,
  };
}

/** Not every node suggests a tip. */
async function tipOf(ask: (method: string) => Promise<unknown>): Promise<bigint> {
  try {
    return BigInt((await ask("eth_maxPriorityFeePerGas")) as string);
  } catch {
    return 0n;
  }
}
