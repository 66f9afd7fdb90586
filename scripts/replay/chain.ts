import { Agent } from "node:http";
import { createServer } from "node:net";

import { FetchRequest, JsonRpcProvider, toQuantity } from "ethers";

import { type Child, startChild } from "./children.ts";
import { EXIT, ReplayError } from "./errors.ts";

/** Wei per gas, in every block: pay and escrow of keepers do not depend on how many blocks were mined. */
export const BASE_FEE = 20_000_000n;

const STARTUP_TIMEOUT = 60_000;

export interface Chain {
  readonly url: string;
  readonly provider: JsonRpcProvider;
  readonly child: Child;
  /** From here on blocks come from `mine` alone. */
  takeOver(): Promise<void>;
  /** Blocks come by themselves again. */
  handBack(): Promise<void>;
  /** A block at `time` (unix seconds, not before the last one) with all that is pending. */
  mine(time: number): Promise<void>;
  pendingCount(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a chain whose first block is at `genesis`, unix seconds. Throws a ReplayError if the port is taken. */
export async function startChain({ port, genesis }: { port: number; genesis: number }): Promise<Chain> {
  await requireFree(port);
  const child = startChild("chain", new URL("node.ts", import.meta.url), { args: [String(port), String(genesis)] });
  const url = await Promise.race([listening(child), child.failed]);
  const provider = new JsonRpcProvider(requestTo(url), 31_337, {
    staticNetwork: true,
    batchMaxCount: 500,
    batchStallTime: 0,
    // Nothing is remembered between calls: a block can be a millisecond old.
    cacheTimeout: -1,
  });
  const rpc = (method: string, ...params: unknown[]): Promise<unknown> => provider.send(method, params);

  return {
    url,
    provider,
    child,
    takeOver: async () => {
      await rpc("evm_setAutomine", false);
      await rpc("evm_setIntervalMining", 0);
    },
    handBack: async () => {
      await rpc("evm_setAutomine", true);
    },
    mine: async (time) => {
      await Promise.all([
        rpc("hardhat_setNextBlockBaseFeePerGas", toQuantity(BASE_FEE)),
        rpc("evm_setNextBlockTimestamp", toQuantity(time)),
        rpc("evm_mine"),
      ]);
    },
    pendingCount: async () => ((await rpc("eth_pendingTransactions")) as unknown[]).length,
    stop: async () => {
      provider.destroy();
      await child.stop();
    },
  };
}

/** A connection for each request: the node closes idle ones after five seconds, and may do so as the next request is on its way. */
function requestTo(url: string): FetchRequest {
  const request = new FetchRequest(url);
  request.getUrlFunc = FetchRequest.createGetUrlFunc({ agent: new Agent({ keepAlive: false }) });
  return request;
}

async function listening(child: Child): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new ReplayError("the chain did not start in time", { exitCode: EXIT.process }));
    }, STARTUP_TIMEOUT);
    child.failed.catch(() => {
      clearTimeout(timer);
    });
    child.onMessage((message) => {
      if (typeof message !== "object" || message === null || !("listening" in message)) return;
      clearTimeout(timer);
      resolve(String(message.listening));
    });
  });
}

async function requireFree(port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === "EADDRINUSE" ? "is in use; choose another with --port" : "cannot be opened";
      reject(new ReplayError(`port ${port} ${reason}`, { exitCode: EXIT.port, cause }));
    });
    probe.listen(port, "127.0.0.1", () => {
      probe.close(() => {
        resolve();
      });
    });
  });
}
