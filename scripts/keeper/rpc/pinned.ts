/** An endpoint that answers for one chain, and no other. */
import { type Endpoint, EndpointError, RpcError } from "./endpoint.ts";

/**
 * Asks for the chain's id before the first answer counts, and again after the endpoint was not reached: what is behind its
 * address may be another node by then. One on another chain does not answer: its requests throw an EndpointError.
 */
export function pinned(endpoint: Endpoint, chainId: bigint): Endpoint {
  const { name } = endpoint;
  /** Shared by requests at the same time; undefined: to be asked. */
  let checked: Promise<void> | undefined;
  const check = async (): Promise<void> => {
    const answer = await endpoint.request("eth_chainId", []).catch((cause: unknown) => {
      throw cause instanceof RpcError
        ? new EndpointError(`${name} names no chain: ${cause.message}`, { cause })
        : cause;
    });
    const found = typeof answer === "string" && /^0x[0-9a-fA-F]{1,64}$/.test(answer) ? BigInt(answer) : undefined;
    if (found === chainId) return;
    throw new EndpointError(`${name} is on chain ${String(found ?? answer)}, not on ${String(chainId)}`);
  };
  return {
    name,
    request: async (method, params) => {
      const mine = (checked ??= check());
      try {
        await mine;
        return await endpoint.request(method, params);
      } catch (error) {
        // Unless another request has begun to ask again.
        if (!(error instanceof RpcError) && checked === mine) checked = undefined;
        throw error;
      }
    },
  };
}
