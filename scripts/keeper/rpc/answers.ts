/** What a well-formed answer looks like, and whose error an error is. */
import type { BlockRef } from "../index/entries.ts";
import type { RpcError } from "./endpoint.ts";

type Check = (value: unknown) => boolean;

const hex: Check = (value) => typeof value === "string" && /^0x([0-9a-fA-F]{2})*$/.test(value);
const quantity: Check = (value) => typeof value === "string" && /^0x[0-9a-fA-F]{1,64}$/.test(value);
const hash: Check = (value) => typeof value === "string" && /^0x[0-9a-fA-F]{64}$/.test(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const fields =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === "object" &&
    value !== null &&
    Object.entries(checks).every(([name, check]) => check((value as Record<string, unknown>)[name]));

const block = fields({ number: quantity, hash, parentHash: hash, timestamp: quantity });
const log = fields({
  address: hex,
  topics: (topics) => Array.isArray(topics) && topics.every(hash),
  data: hex,
  blockNumber: quantity,
  blockHash: hash,
  transactionHash: hash,
  logIndex: quantity,
});
const receipt = fields({ transactionHash: hash, blockNumber: quantity, blockHash: hash, gasUsed: quantity });

const CHECKS: Readonly<Record<string, Check>> = {
  eth_chainId: quantity,
  eth_blockNumber: quantity,
  eth_call: hex,
  eth_estimateGas: quantity,
  eth_gasPrice: quantity,
  eth_maxPriorityFeePerGas: quantity,
  eth_getBalance: quantity,
  eth_getTransactionCount: quantity,
  eth_getCode: hex,
  eth_getStorageAt: hex,
  eth_getBlockByNumber: orNull(block),
  eth_getBlockByHash: orNull(block),
  eth_getLogs: (value) => Array.isArray(value) && value.every(log),
  eth_getTransactionReceipt: orNull(receipt),
  eth_getTransactionByHash: orNull(fields({ hash, nonce: quantity })),
  eth_sendRawTransaction: hash,
};

export function isWellFormed(method: string, result: unknown): boolean {
  return CHECKS[method]?.(result) ?? true;
}

/** A null of one endpoint says little: it may be behind. These are believed to be absent only when nobody has them. */
const ABSENT_ONLY_FOR_ALL = new Set([
  "eth_getBlockByNumber",
  "eth_getBlockByHash",
  "eth_getTransactionReceipt",
  "eth_getTransactionByHash",
]);

export function mayBeElsewhere(method: string): boolean {
  return ABSENT_ONLY_FOR_ALL.has(method);
}

/**
 * Whether an error is what the chain says to the question, so that every honest endpoint would answer the same. All
 * others (a block that is not there yet, state that was pruned, a limit) are worth asking somebody else.
 */
export function isOfChain(method: string, { code, message, data }: RpcError): boolean {
  if (method === "eth_call" || method === "eth_estimateGas") {
    return code === 3 || hasRevertData(data) || /revert|invalid opcode|out of gas|insufficient funds/i.test(message);
  }
  return false;
}

function hasRevertData(data: unknown): boolean {
  if (typeof data === "string") return hex(data);
  return typeof data === "object" && data !== null && hasRevertData((data as { data?: unknown }).data);
}

/** Of an answer that is well-formed. */
export function blockOf(value: unknown): BlockRef | undefined {
  if (value === null || !block(value)) return undefined;
  const { number, hash, parentHash, timestamp } = value as Record<
    "number" | "hash" | "parentHash" | "timestamp",
    string
  >;
  return { number: Number(number), hash, parentHash, time: BigInt(timestamp) };
}
