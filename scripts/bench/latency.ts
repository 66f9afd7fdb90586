/**
 * From a price to a transaction: a keeper as it runs, with many accounts in its index, against a node of its own. A round
 * makes one more account liquidatable; measured is the time from the answer that tells the keeper of the round's block to
 * the arrival of the transaction that liquidates, both at the keeper's endpoint.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { parseUnits, Transaction } from "ethers";

import { accountsIn } from "../keeperFaults/broadcasts.ts";
import { KeeperProcess } from "../keeperFaults/keepers.ts";
import { FaultProxy } from "../keeperFaults/proxy.ts";
import { OPENING, openingAnswers, recorded } from "../keeperFaults/script.ts";
import { KEEPERS, Stage } from "../keeperFaults/stage.ts";
import { accountId, SETTLEMENT } from "../replay/protocol.ts";
import { ROLES, walletAt } from "../replay/wallets.ts";

export interface LatencyOptions {
  readonly accounts: number;
  /** Liquidations that are measured. */
  readonly samples: number;
  readonly onProgress?: (what: string) => void;
}

/** Milliseconds. */
export interface Latency {
  readonly accounts: number;
  readonly samples: number;
  readonly seenToSent: { readonly median: number; readonly p99: number };
  readonly minedToSent: { readonly median: number; readonly p99: number };
}

/** Place in the phrase of the owner of all accounts. */
const OWNER = 20;
const ETH = 0;
const OPENING_ANSWER = openingAnswers(recorded()).get("ETH") ?? 0n;
const UNIT = 10n ** 6n;
/** Of each position, in whole settlement tokens. */
const NOTIONAL = 300;
const SAFE_MARGIN = 0.5;
/** Just enough for the initial requirement, with what an order costs. */
const FIRST_MARGIN = 0.118;
/** Between two victims: each round falls by as much. */
const STEP = 0.0008;
const COSTS = 2;
/** Orders in one transaction: some 200,000 gas each. */
const BATCH = 32;
const CHUNK = 150;
const DELAY = 30;
const KEEPER_INTERVAL_MS = 50;
const WARM_UP_MS = 180_000;
const PATIENCE_MS = 20_000;
const MAX_EMPTY_ROUNDS = 400;

export async function benchLatency({ accounts, samples, onProgress }: LatencyOptions): Promise<Latency> {
  const say = onProgress ?? ((): void => undefined);
  const folder = mkdtempSync(join(tmpdir(), "plimsoll-bench-"));
  say("a chain, the protocol");
  const stage = await Stage.open();
  try {
    const ids = await populate(stage, { accounts, victims: samples + 5, say });
    return await measure(stage, { ids, samples, folder, say });
  } finally {
    await stage.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Accounts with one position each, all of one owner; the first ones stand a step apart above their requirement. */
async function populate(
  stage: Stage,
  { accounts, victims, say }: { accounts: number; victims: number; say: (what: string) => void },
): Promise<readonly string[]> {
  const { usdc, vault, orders, assets } = stage.protocol;
  if (assets.get("ETH") !== ETH) throw new Error("ETH is not the first asset");
  const owner = walletAt(OWNER);
  const ids = Array.from({ length: accounts }, (_, place) => accountId(owner.address, BigInt(place)));
  const price = Number(OPENING_ANSWER) / 1e8;
  const marginOf = (place: number): number => (place < victims ? FIRST_MARGIN + STEP * place : SAFE_MARGIN);
  await stage.queue(owner, await usdc.mint.populateTransaction(owner.address, BigInt(accounts * NOTIONAL) * UNIT));
  await stage.queue(owner, await usdc.approve.populateTransaction(vault, BigInt(accounts * NOTIONAL) * UNIT));
  await stage.mine(OPENING);
  const size = parseUnits((NOTIONAL / price).toFixed(4), 18);
  for (const [place, id] of ids.entries()) {
    const cash = parseUnits((NOTIONAL * marginOf(place) + COSTS).toFixed(6), 6);
    await stage.queue(owner, await vault.deposit.populateTransaction(id, SETTLEMENT, cash));
    const order = { asset: ETH, delta: size, acceptablePrice: 0, reduceOnly: false, expiry: 0 };
    await stage.queue(owner, await orders.submit.populateTransaction(id, order));
    if (place % CHUNK === CHUNK - 1 || place === ids.length - 1) {
      await stage.mine(OPENING);
      if (place % (20 * CHUNK) < CHUNK) say(`${place + 1} orders submitted`);
    }
  }
  await execute(stage, { ids, say });
  return ids;
}

async function execute(
  stage: Stage,
  { ids, say }: { ids: readonly string[]; say: (what: string) => void },
): Promise<void> {
  const { orders, clearingHouse } = stage.protocol;
  const runner = walletAt(ROLES.insurer);
  const at = OPENING + DELAY + 1;
  await stage.transmit("ETH", { answer: OPENING_ANSWER, at });
  await stage.mine(at);
  await stage.queue(runner, await clearingHouse.markPool.populateTransaction());
  await stage.mine(at + 1);
  const { round } = await latestRound(stage);
  const hints = [{ round, before: round - 1n }];
  for (let start = 0; start < ids.length; start += BATCH) {
    const batch = ids.slice(start, start + BATCH).map((account) => ({ account, sequence: 0n, hints }));
    const call = await orders.executeBatch.populateTransaction(batch, accountId(runner.address));
    await stage.queue(runner, { ...call, gasLimit: 15_000_000n });
    if ((start / BATCH) % 16 === 15 || start + BATCH >= ids.length) await stage.mine(at + 1);
  }
  const last = ids.at(-1) ?? "";
  const [size] = await clearingHouse.positionOf(last, ETH);
  if (size === 0n) throw new Error("the orders were not filled");
  say(`${ids.length} orders filled`);
}

async function latestRound(stage: Stage): Promise<{ round: bigint }> {
  const aggregator = stage.protocol.aggregators.get("ETH");
  if (aggregator === undefined) throw new Error("no feed of ETH");
  // The first phase of its proxy.
  return { round: (1n << 64n) | (await aggregator.latestRound()) };
}

async function measure(
  stage: Stage,
  {
    ids,
    samples,
    folder,
    say,
  }: { ids: readonly string[]; samples: number; folder: string; say: (what: string) => void },
): Promise<Latency> {
  const known = new Set(ids);
  const seen = new Map<number, number>();
  const sent: { at: number; nonce: number }[] = [];
  const endpoint = await FaultProxy.start({
    target: stage.chain.url,
    head: () => stage.number,
    heard: {
      broadcast: (raw, at) => {
        const { data, nonce } = Transaction.from(raw);
        if (accountsIn(data, known).size > 0) sent.push({ at, nonce });
      },
      head: (block, at) => {
        if (!seen.has(block)) seen.set(block, at);
      },
    },
  });
  const keeper = new KeeperProcess({
    place: KEEPERS[0],
    bookFile: stage.protocol.bookFile,
    endpoints: [endpoint.url],
    folder,
    intervalMs: KEEPER_INTERVAL_MS,
  });
  keeper.start();
  const [fromSeen, fromMined]: [number[], number[]] = [[], []];
  try {
    let fall = (FIRST_MARGIN - 0.068) * 0.9;
    let patience = WARM_UP_MS;
    for (let round = 0; fromSeen.length < samples + 1; ++round) {
      if (round > samples + MAX_EMPTY_ROUNDS) throw new Error(`too few liquidations:\n${keeper.lastLines}`);
      fall += STEP;
      const before = sent.length;
      const answer = (OPENING_ANSWER * BigInt(Math.round((1 - fall) * 1e6))) / 1_000_000n;
      const time = stage.time + 4;
      await stage.transmit("ETH", { answer, at: time });
      const mined = await stage.mine(time);
      const isDue = await someUnhealthy(stage, ids.slice(0, samples + 5));
      const first = isDue ? await firstAfter({ sent, before, patience }) : undefined;
      if (first !== undefined) {
        // The first one waits for the index.
        patience = PATIENCE_MS;
        fromSeen.push(first.at - (seen.get(mined.number) ?? first.at));
        fromMined.push(first.at - mined.at);
        if (fromSeen.length % 20 === 0) say(`${fromSeen.length} measured`);
      } else if (isDue) throw new Error(`nothing was sent in time:\n${keeper.lastLines}`);
      // What it has sent gets into blocks, and it comes to rest.
      for (let rest = 0; rest < 3; ++rest) {
        await stage.mine(stage.time + 1);
        await sleep(4 * KEEPER_INTERVAL_MS);
      }
    }
  } finally {
    await keeper.kill();
    keeper.close();
    await endpoint.close();
  }
  return {
    accounts: ids.length,
    samples,
    seenToSent: quantiles(fromSeen.slice(1)),
    minedToSent: quantiles(fromMined.slice(1)),
  };
}

async function firstAfter({
  sent,
  before,
  patience,
}: {
  sent: readonly { at: number }[];
  before: number;
  patience: number;
}): Promise<{ at: number } | undefined> {
  const end = performance.now() + patience;
  while (sent.length <= before && performance.now() < end) await sleep(2);
  return sent[before];
}

async function someUnhealthy(stage: Stage, ids: readonly string[]): Promise<boolean> {
  const lens = await stage.lens();
  const healths = await lens.health(ids, { blockTag: stage.number });
  return healths.some(({ equity, maintenance }) => equity <= maintenance);
}

export function quantiles(values: readonly number[]): { median: number; p99: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { median: at(0.5), p99: at(0.99) };
}
