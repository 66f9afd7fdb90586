/** One run of the drop with one fault: two keepers compete, and what they leave is judged. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { parseUnits, Transaction, type TransactionReceipt } from "ethers";

import { seeded } from "../history/random.ts";
import { BASE_FEE } from "../replay/chain.ts";
import { accountId, type Protocol } from "../replay/protocol.ts";
import { Broadcasts } from "./broadcasts.ts";
import type { Member } from "./cast.ts";
import type { Earnings } from "./earnings.ts";
import {
  BLOCK_TIME,
  type Contender,
  type Fault,
  type Scene,
  type Strike,
  type Strikes,
  strikesOf,
  Tally,
  type Window,
} from "./faults.ts";
import { KeeperProcess } from "./keepers.ts";
import { type Lens, Observer } from "./observer.ts";
import { FaultProxy } from "./proxy.ts";
import { type Act, END, OPENING, Script } from "./script.ts";
import { KEEPERS, type Mined, type Stage } from "./stage.ts";
import { type Blocks, isMissed, waitedIn } from "./waits.ts";

/** Ends that a keeper in time would have spared the trader. */
const LATE: ReadonlySet<string> = new Set(["refunded", "Expired", "TooLate"]);

/** Endpoints of each keeper. */
const ENDPOINTS = 3;
/** Blocks after the last act in which all that is due has to be done. */
const MAX_TAIL = 120;
const KEEPER_INTERVAL_MS = 100;
/**
 * Blocks come faster than the clock that they tell, and the machine may be slow: while something waits for so many blocks,
 * they come no faster than this, milliseconds, so that a keeper has seconds and not blocks to answer in.
 */
const OVERDUE_BLOCKS = 3;
const SLOW_PACE = 2_000;

export interface ScenarioOptions {
  readonly stage: Stage;
  readonly members: readonly Member[];
  readonly fault: Fault;
  readonly lens: Lens;
  /** Least time between blocks, milliseconds. */
  readonly pace: number;
  /** The run is ended, and has failed, after so many seconds of the machine's clock. */
  readonly limit?: number;
  /** Between blocks on the chain's clock, seconds. */
  readonly blockTime?: number;
  readonly seed: number;
  /** Where databases and logs go. */
  readonly folder: string;
  readonly onProgress?: (done: number) => void;
}

export interface Outcome {
  readonly key: string;
  readonly fault: string;
  readonly accounts: number;
  readonly orders: number;
  readonly filled: number;
  /** By cause. The cast keeps all of them within the caps, so none should be. */
  readonly cancelled: Readonly<Record<string, number>>;
  /** Late, or not ended at all. */
  readonly missedOrders: number;
  /** Ended more than once. */
  readonly endedTwice: number;
  readonly doubleSends: number;
  /** Of keepers' transactions. */
  readonly sent: number;
  readonly reverted: number;
  readonly liquidations: number;
  readonly liquidatedAccounts: number;
  readonly healthyLiquidated: number;
  /** Accounts that could have been liquidated, and no fault excuses it, for too long: see `waits.ts`. */
  readonly missedLiquidations: number;
  /** Accounts that could be liquidated, and then could not any more without having been it. */
  readonly unaided: number;
  /** Blocks in which accounts could be liquidated, and no fault excuses it, however that ended: median and longest. */
  readonly waitingBlocks: { readonly median: number; readonly longest: number };
  /** Of each time that the fault came, in their order. */
  readonly recoveries: readonly Recovery[];
  /** What the fault has done. */
  readonly struck: Strikes;
  /** Times that it came and did nothing. */
  readonly idleWindows: number;
  readonly earnings: readonly Earnings[];
  /** Ends of keepers that nobody asked for. */
  readonly exits: readonly string[];
  readonly rebuilt: number;
  /** Keepers that ended with 0 on SIGTERM. */
  readonly cleanStops: number;
  readonly disagreements: number;
  /** Jumps that were recorded. No step of the drop is one: a keeper was late, or took a round that it did not mean. */
  readonly halts: number;
  readonly blocks: number;
  readonly wallSeconds: number;
  /** What is wrong, one by one. */
  readonly complaints: readonly string[];
  readonly passed: boolean;
}

/** From the end of a fault until what was due then was done. */
export interface Recovery {
  readonly backlog: number;
  /** Undefined: never. */
  readonly blocks: number | undefined;
  /** Of the machine's clock. */
  readonly seconds: number | undefined;
}

/** A moment of the run. */
interface Moment {
  readonly block: number;
  /** `performance.now()`. */
  readonly at: number;
}

/** The end of a fault. */
interface Healing extends Moment {
  /** Subjects that were due. */
  readonly backlog: number;
  /** Of these what is still not done. */
  readonly left: Set<string>;
  recovered: Moment | undefined;
}

export async function runScenario(options: ScenarioOptions): Promise<Outcome> {
  const run = await Run.open(options);
  try {
    return await run.play();
  } finally {
    await run.close();
  }
}

class Run {
  readonly #options: ScenarioOptions;
  readonly #observer: Observer;
  readonly #broadcasts: Broadcasts;
  readonly #contenders: readonly Contender[];
  readonly #scene: Scene;
  readonly #rounds = new Map<number, number[]>();
  readonly #started = performance.now();
  /** Of each window that has ended. */
  readonly #healings: Healing[] = [];
  /** First block of what is due, by subject. */
  #dueSince: ReadonlyMap<string, number> = new Map();
  readonly #firstBlock: number;
  readonly #blockTime: number;
  #cutShort = false;
  /** Blocks of each window so far; −1: it is over. */
  readonly #active = new Map<Window, number>();
  /** Blocks in which no keeper can act. */
  readonly #excused: Blocks[] = [];
  /** First block of the window that excuses, while it lasts. */
  #excusedSince: number | undefined;
  /** Strikes when the window began. */
  #strikesBefore = 0;
  #idleWindows = 0;

  private constructor(
    options: ScenarioOptions,
    parts: { observer: Observer; broadcasts: Broadcasts; contenders: readonly Contender[] },
  ) {
    this.#options = options;
    this.#observer = parts.observer;
    this.#broadcasts = parts.broadcasts;
    this.#contenders = parts.contenders;
    this.#blockTime = options.blockTime ?? BLOCK_TIME;
    this.#firstBlock = options.stage.number + 1;
    const random = seeded(options.seed);
    this.#scene = {
      stage: options.stage,
      contenders: parts.contenders,
      broadcasts: parts.broadcasts,
      random,
      reorg: async (depth) => this.#reorg(depth, random),
      tally: new Tally(),
    };
  }

  static async open(options: ScenarioOptions): Promise<Run> {
    const { stage, members, folder, fault } = options;
    const accounts = members.map(({ account }) => account);
    const broadcasts = new Broadcasts(accounts);
    const contenders: Contender[] = [];
    for (const place of KEEPERS) {
      const endpoints: FaultProxy[] = [];
      for (let count = 0; count < ENDPOINTS; ++count) {
        const heard = {
          broadcast: (raw: string, at: number): void => {
            broadcasts.add(raw, at);
          },
        };
        endpoints.push(await FaultProxy.start({ target: stage.chain.url, head: () => stage.number, heard }));
      }
      const keeper = new KeeperProcess({
        place,
        bookFile: stage.protocol.bookFile,
        endpoints: endpoints.map(({ url }) => url),
        folder: join(folder, `${fault.key}-${place}`),
        intervalMs: KEEPER_INTERVAL_MS,
      });
      contenders.push({ keeper, endpoints });
    }
    const observer = await Observer.open(stage.protocol, accounts);
    return new Run(options, { observer, broadcasts, contenders });
  }

  async play(): Promise<Outcome> {
    const { stage, fault, members, pace, limit, onProgress } = this.#options;
    const script = new Script(members);
    for (const { keeper } of this.#contenders) keeper.start();
    await Promise.all(this.#contenders.map(async ({ keeper }) => keeper.begun()));
    const active = this.#active;
    for (let tail = 0; tail < MAX_TAIL;) {
      const started = performance.now();
      const from = stage.time;
      const to = Math.max(from, OPENING) + this.#blockTime;
      for (const window of fault.windows) {
        if (!active.has(window) && to > window.from && to <= window.to) {
          active.set(window, 0);
          if (window.excused === true) this.#excusedSince = stage.number + 1;
          this.#strikesBefore = sumOf(strikesOf(this.#scene));
          await fault.begin?.(this.#scene);
        }
        const place = active.get(window);
        if (place === undefined || place < 0) continue;
        if (to > window.to) {
          active.set(window, -1);
          await fault.end?.(this.#scene);
          this.#heal();
        } else {
          await fault.block?.(this.#scene, place);
          active.set(window, place + 1);
        }
      }
      // A reorganisation has moved the clock on by a second.
      const now = Math.max(to, stage.time);
      for (const act of script.between(from, now)) await this.#queue(act);
      await this.#see(await stage.mine(now));
      const due = this.#due();
      this.#watchBacklog(due);
      onProgress?.(Math.min(1, (now - OPENING) / (END - OPENING)));
      this.#cutShort = performance.now() - this.#started > (limit ?? Number.POSITIVE_INFINITY) * 1_000;
      if (this.#cutShort) break;
      if (now > END) {
        tail += 1;
        // An order whose round has still to come is not due, and is to end all the same.
        const isDone = due.length === 0 && this.#observer.unended === 0;
        if (tail > 2 && isDone && [...active.values()].every((place) => place < 0)) break;
      }
      const wait = this.#isOverdue(due) ? Math.max(pace, SLOW_PACE) : pace;
      await sleep(Math.max(0, wait - (performance.now() - started)));
    }
    return this.#judge();
  }

  async close(): Promise<void> {
    // Where the run was ended inside a window.
    if ([...this.#active.values()].some((place) => place >= 0)) await this.#options.fault.end?.(this.#scene);
    for (const { keeper, endpoints } of this.#contenders) {
      await keeper.kill();
      keeper.close();
      for (const endpoint of endpoints) await endpoint.close();
    }
  }

  // ---------------------------------------------------------------- blocks

  async #queue(act: Act): Promise<void> {
    const { stage } = this.#options;
    const { orders, assets } = stage.protocol;
    if (act.do === "answer") {
      const { feed, answer, at } = act;
      await stage.transmit(feed, { answer, at });
      const asset = assets.get(feed) ?? -1;
      this.#rounds.set(asset, [...(this.#rounds.get(asset) ?? []), at]);
      return;
    }
    await stage.queue(act.member.wallet, await transactionOf(act, { orders, assets }));
  }

  async #see(mined: Mined): Promise<void> {
    const { number: block, at } = mined;
    for (const hash of mined.hashes) {
      const sent = this.#broadcasts.find(hash);
      if (sent !== undefined) this.#broadcasts.used({ ...sent, block, at });
    }
    if (mined.baseFee > BASE_FEE) this.#scene.tally.add("blocks of dear gas");
    await this.#observer.see(mined);
  }

  async #reorg(depth: number, random: () => number): Promise<void> {
    const { stage } = this.#options;
    const endpoints = this.#contenders.flatMap((contender) => contender.endpoints);
    const orders = await stage.protocol.orders.getAddress();
    await Promise.all(endpoints.map(async (endpoint) => endpoint.pause()));
    try {
      const at = performance.now();
      const { undone, mined } = await stage.reorg({
        depth,
        rawOf: (hash) => this.#broadcasts.find(hash)?.raw,
        keeps: () => random() < 0.5,
        // A round has its time, and stays in its block.
        delays: (raw) => Transaction.from(raw).to === orders && random() < 0.5,
      });
      const first = undone[0]?.number ?? stage.number;
      this.#broadcasts.takenBack({ block: first, at });
      const hashes = undone.flatMap((block) => block.hashes);
      const { tally } = this.#scene;
      tally.add("reorganisations");
      tally.add("transactions un-mined", hashes.length);
      tally.add("of these keepers'", hashes.filter((hash) => this.#broadcasts.find(hash) !== undefined).length);
      // They come within a moment, in which no keeper hears of anything.
      this.#excused.push({ from: first, to: stage.number + 1 });
      for (const block of mined) await this.#see(block);
    } finally {
      for (const endpoint of endpoints) endpoint.resume();
    }
  }

  // ---------------------------------------------------------------- what is due

  #due(): string[] {
    const { time } = this.#options.stage;
    const orders = this.#observer.executable(this.#rounds, time);
    return [...orders, ...this.#observer.liquidatable];
  }

  #heal(): void {
    const { number: block } = this.#options.stage;
    if (this.#excusedSince !== undefined) this.#excused.push({ from: this.#excusedSince, to: block + 1 });
    this.#excusedSince = undefined;
    if (sumOf(strikesOf(this.#scene)) === this.#strikesBefore) this.#idleWindows += 1;
    const now = { block, at: performance.now() };
    const left = new Set(this.#due());
    this.#healings.push({ ...now, backlog: left.size, left, recovered: left.size === 0 ? now : undefined });
  }

  /** Whether something waits for a keeper for several blocks already, and no fault is to blame. */
  #isOverdue(due: readonly string[]): boolean {
    const { number } = this.#options.stage;
    const before = this.#dueSince;
    this.#dueSince = new Map(due.map((subject) => [subject, before.get(subject) ?? number]));
    const isExcused = this.#excusedSince !== undefined;
    return !isExcused && [...this.#dueSince.values()].some((since) => number - since >= OVERDUE_BLOCKS);
  }

  #watchBacklog(subjects: readonly string[]): void {
    const due = new Set(subjects);
    for (const healing of this.#healings) {
      if (healing.recovered !== undefined) continue;
      for (const subject of healing.left) if (!due.has(subject)) healing.left.delete(subject);
      if (healing.left.size === 0) healing.recovered = { block: this.#options.stage.number, at: performance.now() };
    }
  }

  // ---------------------------------------------------------------- judgement

  async #judge(): Promise<Outcome> {
    const { fault, members, lens, stage } = this.#options;
    const end = stage.number + 1;
    const codes = await this.#stopKeepers();
    const observer = this.#observer;
    const lives = [...observer.ledger.orders().values()];
    const cancelled: Record<string, number> = {};
    let [filled, missedOrders, endedTwice] = [0, 0, 0];
    for (const { ends } of lives) {
      const [end, ...more] = ends;
      if (more.length > 0) endedTwice += 1;
      if (end === undefined || LATE.has(end.how)) missedOrders += 1;
      else if (end.how === "filled") filled += 1;
      else cancelled[end.how] = (cancelled[end.how] ?? 0) + 1;
    }
    const liquidations = observer.ledger.liquidations();
    const spells = observer.spells.filter(({ from }) => from < end);
    const lengths = spells.map((spell) => waitedIn(spell, this.#excused, end)).sort((a, b) => a - b);
    const missedSpells = spells.filter((spell) => isMissed(spell, this.#excused, end));
    const receipts = await this.#receipts();
    const sent = receipts.filter(({ hash }) => this.#broadcasts.find(hash)?.stolen === false);
    if (sent.length < receipts.length) this.#scene.tally.add("nonces stolen", receipts.length - sent.length);
    const doubles = this.#broadcasts.doubleSends();
    const healthy = await observer.healthyLiquidations();
    const disagreements = await observer.disagreements(lens);
    const outcome = {
      key: fault.key,
      fault: fault.name,
      accounts: members.length,
      orders: lives.length,
      filled,
      cancelled,
      missedOrders,
      endedTwice,
      doubleSends: doubles.length,
      sent: sent.length,
      reverted: sent.filter(({ status }) => status === 0).length,
      liquidations: liquidations.length,
      liquidatedAccounts: new Set(liquidations.map(({ account }) => account)).size,
      healthyLiquidated: healthy.length,
      missedLiquidations: missedSpells.length,
      unaided: spells.filter(({ to, liquidated }) => to !== undefined && !liquidated).length,
      waitingBlocks: { median: lengths[Math.floor(lengths.length / 2)] ?? 0, longest: lengths.at(-1) ?? 0 },
      recoveries: this.#healings.map(({ block, at, backlog, recovered }) => ({
        backlog,
        blocks: recovered && recovered.block - block,
        seconds: recovered && (recovered.at - at) / 1_000,
      })),
      struck: strikesOf(this.#scene),
      idleWindows: this.#idleWindows,
      earnings: this.#contenders.map(({ keeper: { address } }) => this.#earningsOf(address, sent)),
      exits: this.#contenders.flatMap(({ keeper }) => keeper.exits),
      rebuilt: this.#contenders.reduce((sum, { keeper }) => sum + keeper.asides, 0),
      cleanStops: codes.filter((code) => code === 0).length,
      disagreements: disagreements.length,
      halts: observer.halts,
      blocks: stage.number - this.#firstBlock + 1,
      wallSeconds: (performance.now() - this.#started) / 1_000,
      complaints: [
        ...(this.#cutShort ? ["the run took too long and was ended"] : []),
        ...(this.#idleWindows > 0 ? [`the fault came ${this.#idleWindows} times and did nothing`] : []),
        ...lives.flatMap(({ key, ends: [end, ...more] }) => {
          if (end === undefined) return [`order ${key} has not ended`];
          if (LATE.has(end.how)) return [`order ${key} was ${end.how} in block ${end.block}`];
          return more.length === 0 ? [] : [`order ${key} has ended ${more.length + 1} times`];
        }),
        ...missedSpells.map(
          ({ account, from, to }) => `account ${account} could be liquidated from block ${from} to ${to ?? "the end"}`,
        ),
        ...healthy.map(({ account, transaction }) => `account ${account} was healthy before ${transaction}`),
        ...doubles.map(
          ({ account, earlier, later }) =>
            `account ${account} is in ${earlier.hash} (nonce ${earlier.nonce}) and in ${later.hash} (nonce ${later.nonce})`,
        ),
        ...disagreements.map((account) => `the chain and the model disagree on account ${account}`),
        ...Object.entries(cancelled).map(([cause, count]) => `${count} orders were cancelled: ${cause}`),
        ...(observer.halts > 0 ? [`${observer.halts} jumps were recorded, and nothing has jumped`] : []),
      ],
    };
    const fit = passes(outcome, fault);
    return { ...outcome, passed: fit && !this.#cutShort };
  }

  /** Blocks go on until they have finished what they do. */
  async #stopKeepers(): Promise<readonly (number | null)[]> {
    const { stage, pace } = this.#options;
    const stopping = new Set(this.#contenders);
    const stops = [...stopping].map(async (contender) => {
      const code = await contender.keeper.stop();
      stopping.delete(contender);
      return code;
    });
    do {
      await sleep(pace);
      await this.#see(await stage.mine(stage.time + this.#blockTime));
    } while (stopping.size > 0);
    return Promise.all(stops);
  }

  /** Of all transactions with keepers' keys that are in blocks. */
  async #receipts(): Promise<TransactionReceipt[]> {
    const { provider } = this.#options.stage.chain;
    const receipts = await Promise.all(
      this.#broadcasts.all.map(async ({ hash }) => provider.getTransactionReceipt(hash)),
    );
    return receipts.filter((receipt) => receipt !== null);
  }

  #earningsOf(keeper: string, sent: readonly TransactionReceipt[]): Earnings {
    const observer = this.#observer;
    const ether = this.#options.stage.protocol.assets.get("ETH") ?? -1;
    const gas = sent
      .filter(({ from }) => from === keeper)
      .reduce((sum, { fee, blockNumber }) => sum + (fee * observer.priceAt(blockNumber, ether)) / WAD, 0n);
    return { keeper, earned: inWhole(observer.earnedBy(accountId(keeper))), gas: inWhole(gas) };
  }
}

const WAD = 10n ** 18n;

/** To a millionth. @param amount WAD. */
function inWhole(amount: bigint): number {
  return Number(amount / 10n ** 12n) / 1e6;
}

function sumOf(strikes: Strikes): number {
  return Object.values(strikes).reduce((sum, count) => sum + count, 0);
}

/**
 * Whether the fault has struck whenever it came, every order was filled, nothing was double-sent or lost, all was done once
 * the fault had ended, and, where there was none, the keepers have not lost money.
 */
export function passes(
  outcome: Omit<Outcome, "passed">,
  { windows, least, rebuilds = 0 }: Pick<Fault, "windows" | "least" | "rebuilds">,
): boolean {
  const { missedOrders, endedTwice, doubleSends, healthyLiquidated, missedLiquidations, disagreements, halts } =
    outcome;
  const wrongs = [missedOrders, endedTwice, doubleSends, healthyLiquidated, missedLiquidations, disagreements, halts];
  const { recoveries, struck, idleWindows, earnings } = outcome;
  const recovered = recoveries.length === windows.length && recoveries.every(({ blocks }) => blocks !== undefined);
  const hasStruck =
    idleWindows === 0 && Object.entries(least).every(([what, count]) => (struck[what as Strike] ?? 0) >= count);
  const profit = earnings.reduce((sum, { earned, gas }) => sum + earned - gas, 0);
  return (
    wrongs.every((count) => count === 0) &&
    recovered &&
    hasStruck &&
    (windows.length > 0 || profit >= 0) &&
    outcome.orders > 0 &&
    outcome.filled === outcome.orders &&
    outcome.rebuilt >= rebuilds
  );
}

async function transactionOf(
  act: Exclude<Act, { do: "answer" }>,
  { orders, assets }: Pick<Protocol, "orders" | "assets">,
) {
  const { account, legs, later, stop } = act.member;
  const assetOf = (market: string): number => assets.get(market) ?? -1;
  const order = (market: string, delta: bigint, reduceOnly: boolean) =>
    orders.submit.populateTransaction(account, {
      asset: assetOf(market),
      delta,
      acceptablePrice: 0,
      reduceOnly,
      expiry: 0,
    });
  if (act.do === "later" && later !== undefined) return order(later.market, later.size, later.reduceOnly);
  if (act.do === "stop" && stop !== undefined) {
    return orders.submitTrigger.populateTransaction(account, {
      asset: assetOf(stop.market),
      delta: stop.size,
      triggerPrice: stop.price,
      above: false,
      acceptablePrice: 0,
      expiry: 0,
    });
  }
  const [first] = legs;
  if (first === undefined) throw new Error("a member without a leg");
  if (legs.length === 1) return order(first.market, parseUnits(first.size, 18), false);
  const inputs = legs.map(({ market, size }) => ({ asset: assetOf(market), delta: parseUnits(size, 18) }));
  return orders.submitBasket.populateTransaction(account, inputs, false, 0);
}
