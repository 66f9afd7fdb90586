/** How a node that is some blocks behind answers, made from a node that is not. */

export interface RpcCall {
  readonly jsonrpc: "2.0";
  readonly id: number | string;
  readonly method: string;
  readonly params?: readonly unknown[];
}

export interface RpcAnswer {
  readonly jsonrpc: "2.0";
  readonly id: number | string;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

type Outcome =
  /** Ask this instead. */
  | { readonly call: RpcCall }
  /** Do not ask. */
  | { readonly answer: Pick<RpcAnswer, "result" | "error"> };

/** Where the block stands among the parameters. */
const BLOCK_PLACE: Readonly<Record<string, number>> = {
  eth_call: 1,
  eth_estimateGas: 1,
  eth_getBalance: 1,
  eth_getCode: 1,
  eth_getTransactionCount: 1,
  eth_getStorageAt: 2,
  eth_getBlockByNumber: 0,
  eth_feeHistory: 1,
};

const UNKNOWN_BLOCK = { code: -32000, message: "header not found" } as const;

/** @param head The last block that the node has. */
export function lagging(call: RpcCall, head: number): Outcome {
  const { method, params = [] } = call;
  if (method === "eth_blockNumber") return { answer: { result: quantity(head) } };
  if (method === "eth_getLogs") return logs(call, head);
  const place = BLOCK_PLACE[method];
  if (place === undefined) return { call };
  const block = params[place];
  // What it has taken into its pool it knows, behind or not.
  if (method === "eth_getTransactionCount" && block === "pending") return { call };
  if (typeof block === "string" && block.startsWith("0x")) {
    if (Number(block) <= head) return { call };
    return { answer: method === "eth_getBlockByNumber" ? { result: null } : { error: UNKNOWN_BLOCK } };
  }
  if (block === "earliest" || (typeof block === "object" && block !== null)) return { call };
  const changed = [...params];
  changed[place] = quantity(head);
  return { call: { ...call, params: changed } };
}

function logs(call: RpcCall, head: number): Outcome {
  const [filter] = (call.params ?? []) as [{ fromBlock?: string; toBlock?: string; blockHash?: string } | undefined];
  if (filter === undefined || filter.blockHash !== undefined) return { call };
  const bounded = (block: string | undefined): number =>
    block?.startsWith("0x") === true ? Math.min(Number(block), head) : head;
  const from = filter.fromBlock?.startsWith("0x") === true ? Number(filter.fromBlock) : head;
  if (from > head) return { answer: { result: [] } };
  const bounds = { fromBlock: quantity(from), toBlock: quantity(bounded(filter.toBlock)) };
  return { call: { ...call, params: [{ ...filter, ...bounds }] } };
}

/** Takes away what an answer tells of later blocks. */
export function trim(call: RpcCall, answer: RpcAnswer, head: number): RpcAnswer {
  const { result } = answer;
  if (typeof result !== "object" || result === null) return answer;
  const { blockNumber, number } = result as { blockNumber?: string | null; number?: string | null };
  const isLater = (block: string | null | undefined): boolean => typeof block === "string" && Number(block) > head;
  switch (call.method) {
    case "eth_getTransactionReceipt":
      return isLater(blockNumber) ? { ...answer, result: null } : answer;
    case "eth_getTransactionByHash":
      return isLater(blockNumber)
        ? { ...answer, result: { ...result, blockNumber: null, blockHash: null, transactionIndex: null } }
        : answer;
    case "eth_getBlockByHash":
      return isLater(number) ? { ...answer, result: null } : answer;
    default:
      return answer;
  }
}

function quantity(value: number): string {
  return `0x${value.toString(16)}`;
}
