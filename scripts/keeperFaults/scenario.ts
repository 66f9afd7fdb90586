/** One run of the drop with one fault: two keepers compete, and what they leave is judged. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { parseUnits, Transaction } from "ethers";

import type { Protocol } from "../replay/protocol.ts";
import { Broadcasts } from "./broadcasts.ts";
import type { Member } from "./cast.ts";
import { BLOCK_TIME, type Contender, type Fault, type Scene, type Window } from "./faults.ts";
import { KeeperProcess } from "./keepers.ts";
import { type Lens, Observer, type Spell } from "./observer.ts";
import { FaultProxy } from "./proxy.ts";
import { type Act, END, OPENING, Script } from "./script.ts";
import { KEEPERS, type Mined, type Stage } from "./stage.ts";
import { seeded } from "../history/random.ts";

/** Ends that a keeper in time would have spared the trader. */
const LATE: ReadonlySet<string> = new Set(["refunded", "Expired", "TooLate"]);

/** Endpoints of each keeper. */
const ENDPOINTS = 3;
/** Blocks after the last act in which all that is due has to be done. */
const MAX_TAIL = 120;
/** An account that could be liquidated for longer without being it was missed, in blocks outside a fault. */
const PATIENCE_BLOCKS = 15;
const KEEPER_INTERVAL_MS = 100;
/**
 * Blocks come faster than the clock that they tell, and the machine may be slow: while something waits for so many blocks,
 * they come no faster than this, milliseconds, so that a keeper has seconds and not blocks to answer in.
 */
const OVERDUE_BLOCKS = 3;
const SLOW_PACE = 1_000;

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
  /** Cancelled for a cause that no keeper is to blame for, by cause. */
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
  /** Accounts that could have been liquidated, outside a fault, for too long. */
  readonly missedLiquidations: number;
  /** Blocks from unhealthy to liquidated, outside a fault: median and longest. */
  readonly liquidationBlocks: { readonly median: number; readonly longest: number };
  /** What was due when the last fault ended. */
  readonly backlog: number;
  /** Until it was done; undefined: never. */
  readonly recoveryBlocks: number | undefined;
  readonly recoverySeconds: number | undefined;
  /** Ends of keepers that nobody asked for. */
  readonly exits: readonly string[];
  readonly rebuilt: number;
  /** Keepers that ended with 0 on SIGTERM. */
  readonly cleanStops: number;
  readonly disagreements: number;
  readonly blocks: number;
  readonly wallSeconds: number;
  /** What is wrong, one by one. */
  readonly complaints: readonly string[];
  readonly passed: boolean;
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
  /** Block and time at which each window ended. */
  #healed: { block: number; at: number } | undefined;
  #backlog: Set<string> | undefined;
  /** First block of what is due, by subject. */
  #dueSince: ReadonlyMap<string, number> = new Map();
  #backlogSize = 0;
  #recovered: { block: number; at: number } | undefined;
  readonly #firstBlock: number;
  readonly #blockTime: number;
  #cutShort = false;
  /** Blocks of each window so far; −1: it is over. */
  readonly #active = new Map<Window, number>();
  readonly #faultBlocks: { from: number; to: number }[] = [];

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
          this.#faultBlocks.push({ from: stage.number + 1, to: Number.POSITIVE_INFINITY });
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
        if (tail > 2 && due.length === 0 && [...active.values()].every((place) => place < 0)) break;
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
    for (const hash of mined.hashes) {
      const sent = this.#broadcasts.find(hash);
      if (sent !== undefined) this.#broadcasts.used({ ...sent, at: mined.at });
    }
    await this.#observer.see(mined);
  }

  async #reorg(depth: number, random: () => number): Promise<void> {
    const { stage } = this.#options;
    const endpoints = this.#contenders.flatMap((contender) => contender.endpoints);
    const orders = await stage.protocol.orders.getAddress();
    await Promise.all(endpoints.map(async (endpoint) => endpoint.pause()));
    try {
      const mined = await stage.reorg({
        depth,
        rawOf: (hash) => this.#broadcasts.find(hash)?.raw,
        keeps: () => random() < 0.5,
        // A round has its time, and stays in its block.
        delays: (raw) => Transaction.from(raw).to === orders && random() < 0.5,
      });
      for (const block of mined) await this.#see(block);
    } finally {
      for (const endpoint of endpoints) endpoint.resume();
    }
  }

  // ---------------------------------------------------------------- what is due

  #due(): string[] {
    const { time } = this.#options.stage;
    const orders = this.#observer.executable(this.#rounds, time);
    return [...orders, ...this.#observer.unhealthy];
  }

  #heal(): void {
    const { number } = this.#options.stage;
    const last = this.#faultBlocks.at(-1);
    if (last !== undefined) last.to = number;
    this.#healed = { block: number, at: performance.now() };
    this.#backlog = new Set(this.#due());
    this.#backlogSize = this.#backlog.size;
    this.#recovered = this.#backlogSize === 0 ? this.#healed : undefined;
  }

  /** Whether something waits for a keeper for several blocks already, and no fault is to blame. */
  #isOverdue(due: readonly string[]): boolean {
    const { number } = this.#options.stage;
    const before = this.#dueSince;
    this.#dueSince = new Map(due.map((subject) => [subject, before.get(subject) ?? number]));
    const isFaulty = this.#faultBlocks.some(({ to }) => to > number);
    return !isFaulty && [...this.#dueSince.values()].some((since) => number - since >= OVERDUE_BLOCKS);
  }

  #watchBacklog(subjects: readonly string[]): void {
    const backlog = this.#backlog;
    if (backlog === undefined || this.#recovered !== undefined) return;
    const due = new Set(subjects);
    for (const subject of backlog) if (!due.has(subject)) backlog.delete(subject);
    if (backlog.size === 0) this.#recovered = { block: this.#options.stage.number, at: performance.now() };
  }

  // ---------------------------------------------------------------- judgement

  async #judge(): Promise<Outcome> {
    const { fault, members, lens, stage } = this.#options;
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
    const lengths = this.#liquidationLengths();
    const statuses = await this.#statuses();
    const missedSpells = this.#missedLiquidations();
    const doubles = this.#broadcasts.doubleSends();
    const healthy = await observer.healthyLiquidations();
    const disagreements = await observer.disagreements(lens);
    const healed = this.#healed;
    const recovered = this.#recovered;
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
      sent: statuses.length,
      reverted: statuses.filter((status) => status === 0).length,
      liquidations: liquidations.length,
      liquidatedAccounts: new Set(liquidations.map(({ account }) => account)).size,
      healthyLiquidated: healthy.length,
      missedLiquidations: missedSpells.length,
      liquidationBlocks: { median: lengths[Math.floor(lengths.length / 2)] ?? 0, longest: lengths.at(-1) ?? 0 },
      backlog: this.#backlogSize,
      recoveryBlocks: healed && recovered ? recovered.block - healed.block : undefined,
      recoverySeconds: healed && recovered ? (recovered.at - healed.at) / 1_000 : undefined,
      exits: this.#contenders.flatMap(({ keeper }) => keeper.exits),
      rebuilt: this.#contenders.reduce((sum, { keeper }) => sum + keeper.asides, 0),
      cleanStops: codes.filter((code) => code === 0).length,
      disagreements: disagreements.length,
      blocks: stage.number - this.#firstBlock + 1,
      wallSeconds: (performance.now() - this.#started) / 1_000,
      complaints: [
        ...(this.#cutShort ? ["the run took too long and was ended"] : []),
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
      ],
    };
    const fit = passes(outcome, { faulty: healed !== undefined, rebuilds: fault.rebuilds ?? 0 });
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

  /** Blocks outside faults that accounts waited for their liquidation, ascending. */
  #liquidationLengths(): number[] {
    return this.#observer.spells
      .filter(({ liquidated }) => liquidated)
      .map(({ from, to }) => this.#outside({ from, to: to ?? from }))
      .sort((a, b) => a - b);
  }

  #missedLiquidations(): Spell[] {
    const { number } = this.#options.stage;
    return this.#observer.spells.filter(({ from, to, liquidated }) => {
      const waited = this.#outside({ from, to: to ?? number });
      return waited > PATIENCE_BLOCKS && (to === undefined || !liquidated);
    });
  }

  /** Blocks of a spell that no fault is in. */
  #outside({ from, to }: { from: number; to: number }): number {
    const within = this.#faultBlocks.reduce(
      (sum, fault) => sum + Math.max(0, Math.min(to, fault.to) - Math.max(from, fault.from)),
      0,
    );
    return to - from - within;
  }

  /** Of all keepers' transactions that are in blocks. */
  async #statuses(): Promise<number[]> {
    const { provider } = this.#options.stage.chain;
    const receipts = await Promise.all(
      this.#broadcasts.all.map(async ({ hash }) => provider.getTransactionReceipt(hash)),
    );
    return receipts.flatMap((receipt) => (receipt === null ? [] : [receipt.status ?? 0]));
  }
}

/**
 * Whether nothing was double-sent or lost, and all was done once the fault had ended.
 * @param fault Whether there was one that ended, and how many databases had to be rebuilt because of it.
 */
export function passes(
  outcome: Omit<Outcome, "passed">,
  { faulty, rebuilds }: { readonly faulty: boolean; readonly rebuilds: number },
): boolean {
  const { missedOrders, endedTwice, doubleSends, healthyLiquidated, missedLiquidations, disagreements } = outcome;
  const wrongs = [missedOrders, endedTwice, doubleSends, healthyLiquidated, missedLiquidations, disagreements];
  const recovered = !faulty || outcome.recoveryBlocks !== undefined;
  return wrongs.every((count) => count === 0) && recovered && outcome.orders > 0 && outcome.rebuilt >= rebuilds;
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
