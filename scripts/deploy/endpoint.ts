/** A JSON-RPC endpoint that scripts read a chain through. */
import { FetchRequest, JsonRpcProvider, Network } from "ethers";

import { PlimsollError } from "./PlimsollError.ts";

/** The endpoint does not answer. */
export class UnreachableError extends PlimsollError {}

const TIMEOUT_MS = 30_000;

/** Throws an UnreachableError unless the endpoint answers. The caller destroys the provider. */
export async function connect(rpc: string): Promise<JsonRpcProvider> {
  const request = new FetchRequest(rpc);
  request.timeout = TIMEOUT_MS;
  const network = Network.from(await chainIdOf(rpc));
  return new JsonRpcProvider(request, network, { staticNetwork: network, cacheTimeout: -1 });
}

async function chainIdOf(rpc: string): Promise<bigint> {
  try {
    const response = await fetch(rpc, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const { result } = (await response.json()) as { result: string };
    return BigInt(result);
  } catch (cause) {
    throw new UnreachableError("the RPC endpoint does not answer", { cause });
  }
}
