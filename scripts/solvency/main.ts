/** `npm run solvency`: see `USAGE` in `config.ts`. Exit codes: `EXIT` there. */
import { FetchRequest, JsonRpcProvider, Network } from "ethers";

import { messageOf, PlimsollError } from "../deploy/PlimsollError.ts";
import { ConfigError, EXIT, parseConfig, USAGE } from "./config.ts";
import { readSolvency, WrongChainError } from "./reading.ts";
import { findBreaches, render, toJson } from "./report.ts";

/** The endpoint does not answer. */
class UnreachableError extends PlimsollError {}

const TIMEOUT_MS = 30_000;

async function main(argv: readonly string[]): Promise<number> {
  const { book, rpc, json } = parseConfig(argv);
  const request = new FetchRequest(rpc);
  request.timeout = TIMEOUT_MS;
  const network = Network.from(await chainIdOf(rpc));
  const provider = new JsonRpcProvider(request, network, { staticNetwork: network, cacheTimeout: -1 });
  try {
    const reading = await readSolvency(provider, book);
    const breaches = findBreaches(reading);
    console.log(json ? toJson(reading, breaches) : render(reading, breaches));
    return breaches.length === 0 ? EXIT.sound : EXIT.unsound;
  } finally {
    provider.destroy();
  }
}

/** Throws an UnreachableError unless the endpoint answers. */
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

function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError) return EXIT.config;
  if (error instanceof WrongChainError) return EXIT.wrongChain;
  if (error instanceof UnreachableError) return EXIT.unreachable;
  return EXIT.unexpected;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(messageOf(error));
  if (error instanceof ConfigError) console.error(USAGE);
  if (!(error instanceof PlimsollError)) console.error(error);
  process.exitCode = exitCodeOf(error);
}
