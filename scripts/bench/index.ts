/** How long the keeper's index takes: cold over a long history, and after a restart. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { Interface } from "ethers";

import { eventDecoder } from "../keeper/index/events.ts";
import type { EventSource, RawLog } from "../keeper/index/EventSource.ts";
import { Index } from "../keeper/index/Index.ts";
import { SqliteStore } from "../keeper/index/SqliteStore.ts";
import { createLog } from "../keeper/log.ts";
import { CONTRACTS, SyntheticHistory } from "./syntheticEvents.ts";

export interface IndexBench {
  readonly events: number;
  readonly accounts: number;
  /** Raw logs to rows on disk, without the time that making the logs up takes. */
  readonly coldSeconds: number;
  readonly eventsPerSecond: number;
  /** Of the processor, the making up of the logs included: what other work on the machine does not lengthen. */
  readonly coldCpuSeconds: number;
  /** From a closed database to an index at the same block. */
  readonly resumeSeconds: number;
  /** Of the cold index. */
  readonly resumeShare: number;
  /** One more block with `eventsPerBlock` events, stored. */
  readonly nextBlockMs: number;
  readonly databaseBytes: number;
  /** What the index keeps in memory: the heap's growth, garbage apart. */
  readonly heapBytes: number;
  /** Of the whole process after the cold index. */
  readonly residentBytes: number;
  /** How many times as long ethers takes to decode the same logs. */
  readonly ethersDecodingRatio: number;
}

export interface IndexBenchOptions {
  readonly events?: number;
  readonly accounts?: number;
  readonly eventsPerBlock?: number;
  /** Blocks per request. */
  readonly range?: number;
}

/** Runs on a database in a temporary directory, which is gone afterwards. */
export async function benchIndex({
  events = 1_000_000,
  accounts = 20_000,
  eventsPerBlock = 50,
  range = 400,
}: IndexBenchOptions = {}): Promise<IndexBench> {
  const directory = mkdtempSync(join(tmpdir(), "plimsoll-bench-"));
  try {
    const file = join(directory, "index.sqlite");
    const history = new SyntheticHistory({ events, accounts, eventsPerBlock });
    const source = new TimedSource(history);
    const open = async (): Promise<Index> => {
      const log = createLog("error");
      const identity = { chainId: 1n, clearingHouse: CONTRACTS.clearingHouse };
      const store = await SqliteStore.open({ file, identity, log });
      return Index.open({ store, source, contracts: CONTRACTS, log, firstBlock: 1, range });
    };

    const heapBefore = heapInUse();
    let index = await open();
    const cpuBefore = process.cpuUsage();
    const cold = await secondsOf(async () => index.sync(history.head));
    const { user, system } = process.cpuUsage(cpuBefore);
    const coldSeconds = cold - source.seconds;
    const { rss: residentBytes } = process.memoryUsage();
    const heapBytes = heapInUse() - heapBefore;
    await index.close();
    const resumeSeconds = await secondsOf(async () => {
      index = await open();
      await index.sync(history.head);
    });
    const longer = new SyntheticHistory({ events: events + eventsPerBlock, accounts, eventsPerBlock });
    source.inner = longer;
    source.seconds = 0;
    const nextBlock = await secondsOf(async () => index.sync(longer.head));
    await index.close();
    return {
      events,
      accounts: index.accounts.size,
      coldSeconds,
      eventsPerSecond: events / coldSeconds,
      coldCpuSeconds: (user + system) / 1e6,
      resumeSeconds,
      resumeShare: resumeSeconds / coldSeconds,
      nextBlockMs: (nextBlock - source.seconds) * 1_000,
      databaseBytes: statSync(file).size,
      residentBytes,
      heapBytes,
      ethersDecodingRatio: await decodingRatio(history),
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Counts the time that the history takes to make up its logs. */
class TimedSource implements EventSource {
  inner: EventSource;
  seconds = 0;

  constructor(inner: EventSource) {
    this.inner = inner;
  }

  async block(...args: Parameters<EventSource["block"]>): ReturnType<EventSource["block"]> {
    return this.inner.block(...args);
  }

  async logs(from: number, to: number): Promise<readonly RawLog[]> {
    let logs: readonly RawLog[] = [];
    this.seconds += await secondsOf(async () => {
      logs = await this.inner.logs(from, to);
    });
    return logs;
  }

  async books(...args: Parameters<EventSource["books"]>): ReturnType<EventSource["books"]> {
    return this.inner.books(...args);
  }

  async orders(...args: Parameters<EventSource["orders"]>): ReturnType<EventSource["orders"]> {
    return this.inner.orders(...args);
  }

  async triggers(...args: Parameters<EventSource["triggers"]>): ReturnType<EventSource["triggers"]> {
    return this.inner.triggers(...args);
  }

  async debtIndex(block: number): Promise<bigint> {
    return this.inner.debtIndex(block);
  }
}

const ABI = [
  "event Credited(bytes32 indexed, uint256 indexed, uint256)",
  `event OrderSubmitted(bytes32 indexed, uint256 indexed, uint256 indexed, int256, uint256, bool, uint256, uint256,
    uint256, uint256, uint256)`,
  "event Fill(bytes32 indexed, uint256 indexed, int256, uint256, int256, int256, uint256, int256)",
  "event OrderClosed(bytes32 indexed, bytes32 indexed, uint256, uint256, uint256)",
  "event OrderFilled(bytes32 indexed, uint256 indexed, bytes32 indexed, uint256, uint256)",
];

/** Over the last blocks of a history. */
async function decodingRatio(history: SyntheticHistory): Promise<number> {
  const { number } = history.head;
  const logs = await history.logs(Math.max(1, number - 200), number);
  const decode = eventDecoder(CONTRACTS);
  const abi = new Interface(ABI);
  const ours = await secondsOf(() => {
    for (const log of logs) decode(log);
  });
  const theirs = await secondsOf(() => {
    for (const log of logs) abi.parseLog(log);
  });
  return theirs / ours;
}

/** Bytes, after garbage is gone. */
function heapInUse(): number {
  setFlagsFromString("--expose_gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}

async function secondsOf(task: () => unknown): Promise<number> {
  const start = performance.now();
  await task();
  return (performance.now() - start) / 1_000;
}
