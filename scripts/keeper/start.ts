/** Puts a keeper together: checks what it stands on, and connects its parts. */
import { toBeHex } from "ethers";

import { messageOf } from "../deploy/PlimsollError.ts";
import { checkChain, checkContracts, checkFunds } from "./boot.ts";
import { abiOf, builtOf } from "./builds.ts";
import { type Config, type KeySource, mayAct } from "./config.ts";
import { Contracts, revertDataOf } from "./contracts.ts";
import { DEFAULTS } from "./decide/state.ts";
import type { BlockRef } from "./index/entries.ts";
import { ChainSource } from "./index/ChainSource.ts";
import { Index } from "./index/Index.ts";
import { PostgresStore } from "./index/PostgresStore.ts";
import { SqliteStore } from "./index/SqliteStore.ts";
import type { Store } from "./index/Store.ts";
import type { Job } from "./job.ts";
import { Keeper } from "./Keeper.ts";
import type { Log } from "./log.ts";
import { emittersOf, outlookOf } from "./outlook.ts";
import { Performer } from "./Performer.ts";
import { PLAN_DEFAULTS } from "./plan.ts";
import { Opened } from "./Opened.ts";
import { Reader } from "./reading/Reader.ts";
import type { ReportSource } from "./reading/reports.ts";
import { checkRoles } from "./roles.ts";
import { httpEndpoint } from "./rpc/endpoint.ts";
import { Endpoints } from "./rpc/Endpoints.ts";
import { l1FeeOf, paysDataInGas } from "./send/l1Fee.ts";
import { nodeOf } from "./send/node.ts";
import { Sender } from "./send/Sender.ts";
import { sentNonceIn } from "./send/sentNonce.ts";
import { externalSigner, keySigner, keystoreSigner, type Signer, SignerError } from "./send/signer.ts";
import { Alerts, webhook } from "./watch/Alerts.ts";
import { deedsOf } from "./watch/deeds.ts";
import { Health } from "./watch/health.ts";
import { Metrics } from "./watch/metrics.ts";
import { Overdue } from "./watch/Overdue.ts";
import type { Redact } from "./watch/redact.ts";
import { serveWatch } from "./watch/server.ts";
import { watcherOf } from "./watch/watcher.ts";

export interface StartedKeeper {
  /** Ends `run` when what is in flight has ended. */
  stop(): void;
  /** Until it is stopped. @returns What it has done. Throws a CycleError where the only cycle, by `once`, fails. */
  run(): Promise<Readonly<Record<string, number>>>;
}

/** Simulations at once. Some are of whole batches: more of them would only wait for each other at the node. */
const WIDTH = 8;
const LONGEST_PAUSE_MS = 300_000;
/** A few blocks of a rollup: hundreds of triggers to poke must not hold up a liquidation. */
const SLICE_MS = 3_000;
/** For what is in flight when it is stopped. */
const DRAIN_MS = 60_000;
const POLL_MS = 250;
const WATCH_MS = 1_000;
const BALANCE_MS = 30_000;
const WEBHOOK_TIMEOUT_MS = 10_000;
/** Of `--timeout`: by then what is stuck has been sent again, and replaced, or left because gas is dear. */
const STUCK_TIMEOUTS = 6;
/** Of one comparison with `Lens`: one mistake of the model may concern all accounts. */
const SHOWN_DIFFERENCES = 20;
const REPEAT_ALERT_MS = 3_600_000;
const MAX_ALERTS_PER_HOUR = 30;

export interface StartOptions {
  readonly log: Log;
  readonly redact: Redact;
  readonly reports: ReportSource | undefined;
}

/** Throws one of the errors of `exit.ts`, with nothing left open. */
export async function startKeeper(config: Config, options: StartOptions): Promise<StartedKeeper> {
  const opened = new Opened(options.log);
  try {
    return await assemble(config, { ...options, opened });
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function assemble(
  config: Config,
  { log, redact, reports, opened }: StartOptions & { readonly opened: Opened },
): Promise<StartedKeeper> {
  const { book, roles, send, rpcTimeoutMs } = config;
  const endpoints = config.rpc.map((url) => httpEndpoint(url, { timeoutMs: rpcTimeoutMs }));
  await checkChain(endpoints, book.chainId);
  const relay = config.relay === undefined ? undefined : httpEndpoint(config.relay, { timeoutMs: rpcTimeoutMs });
  const provider = new Endpoints({ endpoints, relay, chainId: book.chainId });
  opened.add("provider", () => {
    provider.destroy();
  });
  const contracts = new Contracts({ provider, book });
  await checkContracts({ provider, book, builtOf });
  const signer = await signerOf(config.key, rpcTimeoutMs);
  const { address } = signer;
  // One that only monitors needs neither a key nor a balance.
  const sends = send && mayAct(roles);
  await checkRoles({ provider, book, abiOf, signer: sends ? address : undefined });
  if (sends) await checkFunds(provider, { address, minBalance: config.minBalance });

  const metrics = new Metrics();
  const health = new Health({ limitMs: config.staleAfterMs });
  const account = toBeHex(BigInt(address) << 96n, 32);
  const alerts = new Alerts({
    post: config.webhook === undefined ? undefined : webhook(config.webhook, WEBHOOK_TIMEOUT_MS),
    from: { chainId: book.chainId, address, roles: [...roles], shard: config.shard },
    log,
    redact,
    record: (result) => {
      metrics.alert(result);
    },
    repeatMs: REPEAT_ALERT_MS,
    maxPerHour: MAX_ALERTS_PER_HOUR,
  });
  opened.add("alerts", async () => alerts.settled());

  const store = await storeOf(config, log);
  opened.add("store", async () => store.close());
  const index = await Index.open({
    store,
    source: new ChainSource(provider, book.contracts),
    contracts: book.contracts,
    log,
    firstBlock: Number(book.block),
    range: config.logRange,
    onProgress: (progress) => {
      metrics.indexAt(progress);
      health.indexed(progress);
    },
  });
  opened.add("index", async () => index.close());

  const sender: Sender = new Sender({
    node: nodeOf(provider, async (raw) => provider.broadcastOpenly(raw)),
    signer,
    chainId: book.chainId,
    log,
    maxFee: config.maxFee,
    maxTip: config.maxTip,
    confirmations: config.confirmations,
    maxInFlight: config.maxInFlight,
    timeoutMs: config.timeoutMs,
    pollMs: POLL_MS,
    weigh: async (job) => performer.weigh(job),
    sentNonce: relay === undefined ? undefined : sentNonceIn(nonceFileOf(config), { chainId: book.chainId, address }),
  });
  const l1Fee = await l1FeeOf(provider, book.chainId);
  const deedOptions = {
    interfaces: emittersOf(contracts),
    account,
    nameOf: (data: string) => contracts.parseRefusal(data)?.name ?? "",
  };
  const performer = new Performer({
    sender,
    simulate: async ({ call }: Job) => {
      const [gas, fee] = await Promise.all([provider.estimateGas({ from: address, ...call }), l1Fee(call)]);
      return { gas, l1Fee: fee };
    },
    ask: async (call, gasLimit) => provider.call({ from: address, ...call, gasLimit }),
    dataFee: (await paysDataInGas(provider, book.chainId)) ? undefined : l1Fee,
    describe: (error) => ({ ...contracts.describe(error), isRevert: revertDataOf(error) !== undefined }),
    deedsOf: (receipt, items) => deedsOf(receipt, items, deedOptions),
    metrics,
    log,
    send,
    width: WIDTH,
    pauseMs: config.intervalMs,
    longestPauseMs: LONGEST_PAUSE_MS,
    sliceMs: config.once ? Infinity : SLICE_MS,
  });

  const stopping = new AbortController();
  const { signal } = stopping;
  const overdue = new Overdue();
  const watch = watcherOf({
    provider,
    sender,
    metrics,
    health,
    alerts,
    overdue,
    overdueAfterMs: config.overdueAfterMs,
    stuckAfterMs: STUCK_TIMEOUTS * config.timeoutMs,
  });
  const reader = new Reader({ contracts, log, account, shard: config.shard, reports });
  const keeper = new Keeper({
    head: async () => provider.head(),
    outlook: outlookOf({
      index,
      reader,
      contracts,
      roles,
      settings: { ...DEFAULTS, shard: config.shard, maxTakeOver: config.maxTakeOver },
      planSettings: { ...PLAN_DEFAULTS, account },
      margin: config.margin,
      metrics,
      log,
    }),
    performer,
    inFlight: () => sender.inFlight,
    upkeep: upkeepOf({ config, address, provider, index, reader, metrics, alerts, log, signal }),
    describe: (error) => contracts.describe(error),
    metrics,
    health,
    log,
    intervalMs: config.intervalMs,
    deadlineMs: config.deadlineMs,
    onCycle: ({ liquidatable }) => {
      overdue.update(liquidatable);
      watch();
    },
  });

  const server = config.watch === undefined ? undefined : await serveWatch({ metrics, health, ...config.watch });
  if (server !== undefined) opened.add("server", async () => server.close());
  log.info("started", {
    chainId: book.chainId,
    address,
    roles: [...roles],
    shard: config.shard,
    send,
    endpoints: endpoints.map(({ name }) => name),
    port: server?.port,
  });

  return {
    stop: () => {
      stopping.abort();
      keeper.stop();
    },
    run: async () => {
      const timer = setInterval(watch, WATCH_MS);
      try {
        await catchUp({ index, provider, log, signal, ...(sends && { sender }) });
        try {
          await keeper.run({ once: config.once });
        } finally {
          const left = await sender.drain(DRAIN_MS);
          if (left > 0) log.warn("left in flight", { transactions: left });
          await performer.settled();
        }
      } finally {
        clearInterval(timer);
        await opened.close();
      }
      return { ...keeper.counters, ...performer.counters, ...sender.counters };
    },
  };
}

interface CatchUpOptions {
  readonly index: Index;
  readonly provider: Endpoints;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly sender?: Sender;
}

/** What an earlier process has left; and all events: the first time may take longer than a cycle may. */
async function catchUp({ index, provider, log, signal, sender }: CatchUpOptions): Promise<void> {
  try {
    await sender?.start();
    const head = await provider.head();
    const begun = Date.now();
    const { applied } = await index.sync(head, signal);
    log.info("indexed", { block: head.number, events: applied, accounts: index.accounts.size, ms: Date.now() - begun });
  } catch (error) {
    if (signal.aborted) log.info("stopped while indexing", { block: index.head?.number });
    else log.warn("not caught up: cycles go on with it", { reason: messageOf(error) });
  }
}

interface UpkeepOptions {
  readonly config: Config;
  readonly address: string;
  readonly provider: Endpoints;
  readonly index: Index;
  readonly reader: Reader;
  readonly metrics: Metrics;
  readonly alerts: Alerts;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** The signer's balance, and the checks of the index and of the model, each when it is due. */
function upkeepOf({ config, address, provider, index, reader, metrics, alerts, log, signal }: UpkeepOptions) {
  let balanceAt = -Infinity;
  let checkedAt = Date.now();
  return async (head: BlockRef): Promise<void> => {
    const now = Date.now();
    if (config.key.kind !== "none" && now - balanceAt >= BALANCE_MS) {
      balanceAt = now;
      const balance = await provider.getBalance(address);
      metrics.balance(balance);
      alerts.update("balance low", balance < config.minBalance, { balance, minBalance: config.minBalance });
    }
    if (config.checkIntervalMs > 0 && now - checkedAt >= config.checkIntervalMs) {
      checkedAt = now;
      const result = await index.check(head, signal);
      metrics.checked(result);
      log.info("index checked", { ...result });
      alerts.update("index wrong", result.wrong > 0, { ...result });
      const { compared, differing } = await reader.compare(index, head, signal);
      metrics.compared(compared, differing.length);
      log.info("model compared with Lens", { accounts: compared, differing: differing.length });
      for (const difference of differing.slice(0, SHOWN_DIFFERENCES)) log.error("model wrong", { ...difference });
      alerts.update("model wrong", differing.length > 0, { accounts: differing.length, first: differing[0]?.account });
    }
  };
}

async function storeOf({ database, book }: Config, log: Log): Promise<Store> {
  const identity = { chainId: book.chainId, clearingHouse: book.contracts.clearingHouse };
  if (database !== undefined && "url" in database) return PostgresStore.open({ url: database.url, identity, log });
  if (database === undefined) log.warn("no --database: everything is indexed anew at the next start");
  return SqliteStore.open({ file: database?.file ?? ":memory:", identity, log });
}

/** Beside the file of the index, which a process has to itself. */
function nonceFileOf({ database }: Config): string | undefined {
  return database !== undefined && "file" in database ? `${database.file}.nonce` : undefined;
}

async function signerOf(key: KeySource, timeoutMs: number): Promise<Signer> {
  switch (key.kind) {
    case "key":
      return keySigner(key.key);
    case "keystore":
      return keystoreSigner(key.json, key.password);
    case "external":
      return externalSigner(httpEndpoint(key.url, { timeoutMs }), key.address);
    case "none":
      return {
        address: key.address,
        sign: async () => Promise.reject(new SignerError("there is no key to sign with")),
      };
  }
}
