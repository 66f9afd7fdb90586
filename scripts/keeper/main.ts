/** `npm run keeper`: see `USAGE` in `config.ts`. Exit codes: `EXIT` there. */
import { FetchRequest, JsonRpcProvider, Network, Wallet } from "ethers";

import { messageOf, PlimsollError } from "../deploy/PlimsollError.ts";
import { Chain, WrongChainError } from "./chain.ts";
import { type Config, ConfigError, EXIT, parseConfig, USAGE } from "./config.ts";
import { Keeper } from "./Keeper.ts";
import { createLog } from "./log.ts";
import { Sender } from "./sender.ts";

/** The endpoint does not answer. */
class UnreachableError extends PlimsollError {}

const PROBE_TIMEOUT_MS = 10_000;

async function main(config: Config): Promise<void> {
  const log = createLog(config.logLevel);
  const { book, rpc, send } = config;
  await probe(rpc);
  const network = Network.from(book.chainId);
  const request = new FetchRequest(rpc);
  request.timeout = config.timeoutMs;
  const provider = new JsonRpcProvider(request, network, { staticNetwork: network, cacheTimeout: -1 });
  const chain = new Chain(provider, book, log);
  await chain.check();

  const wallet = new Wallet(config.key, provider);
  const sender = new Sender({ provider, wallet, chainId: book.chainId, timeoutMs: config.timeoutMs, log });
  const keeper = new Keeper({ ...config, chain, sender, log, firstBlock: Number(book.block) });
  const stop = (signal: NodeJS.Signals): void => {
    log.info("stopping", { signal });
    keeper.stop();
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  log.info("started", { chainId: book.chainId, address: wallet.address, send });
  await keeper.run({ once: config.once });
  provider.destroy();
  log.info("stopped", { ...keeper.counters });
}

/** Throws an UnreachableError unless the endpoint answers, whatever it says. */
async function probe(rpc: string): Promise<void> {
  try {
    const response = await fetch(rpc, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] }),
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    });
    await response.json();
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
  await main(parseConfig(process.argv.slice(2), process.env));
} catch (error) {
  createLog("error").error("failed", { reason: messageOf(error) });
  if (error instanceof ConfigError) console.error(USAGE);
  if (!(error instanceof PlimsollError)) console.error(error);
  process.exitCode = exitCodeOf(error);
}
