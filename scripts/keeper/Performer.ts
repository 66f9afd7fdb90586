/** Carries out one plan: simulate, weigh, send; and, when its transaction is in a block, record what it did. */
import { messageOf } from "../deploy/PlimsollError.ts";
import { Cooldown } from "./cooldown.ts";
import { GasUse } from "./gasUse.ts";
import type { Batch, Job, Plan } from "./job.ts";
import type { Log } from "./log.ts";
import { isLostRace } from "./lostRaces.ts";
import { priceOf, TooDearError } from "./send/fees.ts";
import type { Receipt } from "./send/node.ts";
import { BusyError, type Outcome, type Sender } from "./send/Sender.ts";
import type { Metrics } from "./watch/metrics.ts";

/** What a job needs, as simulated against the latest state. */
export interface Estimate {
  /** The least limit that it does not revert with. */
  readonly gas: bigint;
  /** Of a rollup, wei. */
  readonly l1Fee: bigint;
}

export interface Prospect {
  readonly job: Job;
  /** What it will use, which is less than what it must be given. */
  readonly gas: bigint;
  /** Of a rollup, wei. */
  readonly l1Fee: bigint;
  /** What a unit of gas costs now, wei. */
  readonly feePerGas: bigint;
}

/** What a transaction has done, as its events say. */
export interface Deeds {
  /** Of its items; 1 for a transaction without items. */
  readonly done: number;
  /** Names of the refusals of the others. */
  readonly refused: readonly string[];
  /** WAD of settlement token that the keeper's account was paid. */
  readonly reward: bigint;
}

export interface PerformerOptions {
  readonly sender: Pick<Sender, "canTake" | "send" | "quote">;
  /** Throws what the call reverts with. */
  readonly simulate: (job: Job) => Promise<Estimate>;
  /** Does no more than that, for what is to go into a batch: a call costs a node a tenth of an estimate. */
  readonly check: (job: Job) => Promise<unknown>;
  /** The error of a revert by its name, or an empty name for whatever is none. */
  readonly describe: (error: unknown) => { readonly name: string; readonly text: string; readonly isRevert: boolean };
  readonly deedsOf: (receipt: Receipt, items: number) => Deeds;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Without it, say what would be sent. */
  readonly send: boolean;
  /** Simulations at once. */
  readonly width: number;
  /** The first pause after a failure; doubled with each. */
  readonly pauseMs: number;
  readonly longestPauseMs: number;
  /** After so long what is left of a plan is left to the next one, which begins with what is most urgent by then. */
  readonly sliceMs: number;
  readonly now?: () => number;
}

/** Something that is worth sending. */
interface Ready extends Estimate {
  readonly job: Job;
  /** Jobs that it is made of; itself where it is no batch. */
  readonly items: readonly Job[];
}

export interface PerformOptions {
  readonly plan: Plan;
  /** Number of the block that it was made from. */
  readonly block: number;
  readonly isWorth: (prospect: Prospect) => boolean;
  readonly signal: AbortSignal;
}

export class Performer {
  readonly counters = { sent: 0, executed: 0, lost: 0, refused: 0, failed: 0, dry: 0 };
  readonly #options: PerformerOptions;
  readonly #cooldown: Cooldown;
  readonly #gasUse = new GasUse();
  /** Blocks that jobs were done in, by name: a plan from before does not know of it. */
  readonly #doneIn = new Map<string, number>();
  readonly #following = new Set<Promise<void>>();

  constructor(options: PerformerOptions) {
    this.#options = options;
    const { pauseMs, longestPauseMs, now } = options;
    this.#cooldown = new Cooldown({ firstMs: pauseMs, longestMs: longestPauseMs, ...(now && { now }) });
  }

  /** Tries what is in a plan, in its order, for a while. Failures stay with their job. Returns when all that is worth it has
   * been broadcast. */
  async perform({ plan, block, isWorth, signal }: PerformOptions): Promise<void> {
    this.#cooldown.prune();
    for (const [name, doneIn] of this.#doneIn) if (doneIn <= block) this.#doneIn.delete(name);
    if (plan.length === 0) return;
    const price = await this.#price();
    if (price === undefined) return;
    const end = this.#now() + this.#options.sliceMs;
    let left = 0;
    // Simulated several at a time, sent in their order: the first does not wait for the last. What has been begun is sent.
    const ready = ahead(plan, this.#options.width, async (entry) => {
      const isOver = this.#now() >= end;
      if (isOver) left += 1;
      if (isOver || signal.aborted) return [];
      return "items" in entry ? this.#prepareBatch(entry) : this.#prepare(entry);
    });
    for (const some of ready) {
      for (const one of await some) {
        if (signal.aborted) return;
        const { job, items, l1Fee } = one;
        const gas = this.#gasUse.expected(job.kind, items.length, one.gas);
        if (isWorth({ job, gas, l1Fee, feePerGas: price })) await this.#send(one);
        else {
          this.#options.metrics.skipped("unprofitable");
          this.#options.log.debug("not worth it", { action: job.name, gas, feePerGas: price, reward: job.reward });
        }
      }
    }
    if (left > 0) this.#options.log.debug("left to the next plan", { entries: left });
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  /** Whether a job that is stuck in the pool would still do something. */
  async isWanted(job: Job): Promise<boolean> {
    try {
      await this.#options.simulate(job);
      return true;
    } catch (error) {
      return !this.#options.describe(error).isRevert;
    }
  }

  /** Waits until what has been sent is recorded. */
  async settled(): Promise<void> {
    while (this.#following.size > 0) await Promise.all(this.#following);
  }

  async #price(): Promise<bigint | undefined> {
    try {
      return priceOf((await this.#options.sender.quote()).price);
    } catch (error) {
      if (!(error instanceof TooDearError)) throw error;
      this.#options.metrics.skipped("dear");
      this.#options.log.warn("gas is too dear", { reason: error.message });
      return undefined;
    }
  }

  // ---------------------------------------------------------------- before sending

  async #prepare(job: Job): Promise<Ready[]> {
    const estimate = await this.#try(job);
    return estimate === undefined ? [] : [{ ...estimate, job, items: [job] }];
  }

  /** Each item is tried alone, so that a batch has only what works. */
  async #prepareBatch({ items, join }: Batch): Promise<Ready[]> {
    const { check } = this.#options;
    const tried = await Promise.all(items.map(async (item) => ({ item, isGood: await this.#passes(item, check) })));
    const good = tried.filter(({ isGood }) => isGood).map(({ item }) => item);
    if (good.length === 0) return [];
    const job = join(good);
    const estimate = await this.#try(job);
    if (estimate !== undefined) return [{ ...estimate, job, items: good }];
    if (good.length === 1) return [];
    // They work alone and not together: one at a time then.
    return (await Promise.all(good.map(async (item) => this.#prepare(join([item]))))).flat();
  }

  async #try(job: Job): Promise<Estimate | undefined> {
    let estimate: Estimate | undefined;
    await this.#passes(job, async () => {
      estimate = await this.#options.simulate(job);
    });
    return estimate;
  }

  /** Whether a job may be done now, and passes a test that throws what it reverts with. */
  async #passes(job: Job, test: (job: Job) => Promise<unknown>): Promise<boolean> {
    const { metrics, sender, send } = this.#options;
    if (this.#cooldown.isPaused(job.name)) {
      metrics.skipped("paused");
      return false;
    }
    // One of its accounts may be in flight: what is simulated now says nothing about afterwards.
    if (this.#doneIn.has(job.name) || (send && !sender.canTake(job))) {
      metrics.skipped("busy");
      return false;
    }
    try {
      await test(job);
      return true;
    } catch (error) {
      this.#failed(job, error);
      return false;
    }
  }

  #failed(job: Job, error: unknown): void {
    const { describe, metrics, log } = this.#options;
    const { name, text, isRevert } = describe(error);
    const failures = this.#cooldown.fail(job.name);
    if (isRevert && isLostRace(name)) {
      this.counters.lost += 1;
      metrics.lostRace(job.kind);
      log.info("lost race", { action: job.name, reason: text });
      return;
    }
    this.counters[isRevert ? "refused" : "failed"] += 1;
    metrics.failed(job.kind, name === "" ? reasonOf(error, isRevert) : name);
    log.warn("failed", { action: job.name, reason: text, failures });
  }

  // ---------------------------------------------------------------- sending

  async #send({ job, items, gas }: Ready): Promise<void> {
    const { sender, log, metrics, send } = this.#options;
    if (!send) {
      this.counters.dry += 1;
      log.info("would send", { action: job.name, gas, reward: job.reward, ...job.details });
      return;
    }
    try {
      const { hash, nonce, outcome } = await sender.send(job, gas);
      this.counters.sent += 1;
      log.info("sent", { action: job.name, hash, nonce, reward: job.reward, ...job.details });
      this.#follow(job, items, outcome);
    } catch (error) {
      if (error instanceof BusyError) metrics.skipped("busy");
      else if (error instanceof TooDearError) metrics.skipped("dear");
      else this.#failed(job, error);
    }
  }

  #follow(job: Job, items: readonly Job[], outcome: Promise<Outcome>): void {
    const following = outcome
      .then(async (result) => this.#record(job, items, result))
      .catch((error: unknown) => {
        this.#options.log.error("cannot record", { action: job.name, reason: messageOf(error) });
      });
    this.#following.add(following);
    void following.finally(() => this.#following.delete(following));
  }

  async #record(job: Job, items: readonly Job[], outcome: Outcome): Promise<void> {
    const { metrics, log, deedsOf } = this.#options;
    if ("receipt" in outcome) metrics.gas(outcome.receipt.cost);
    switch (outcome.kind) {
      case "confirmed": {
        const { hash, gasUsed, cost, block } = outcome.receipt;
        const { done, refused, reward } = deedsOf(outcome.receipt, items.length);
        this.counters.executed += done;
        this.#gasUse.learn(job.kind, items.length, gasUsed);
        metrics.executed(job.kind, done);
        metrics.reward(reward);
        for (const name of refused) {
          const isLost = isLostRace(name);
          this.counters[isLost ? "lost" : "refused"] += 1;
          if (isLost) metrics.lostRace(job.kind);
          else metrics.failed(job.kind, name === "" ? "unknown" : name);
        }
        for (const { name } of [job, ...items]) {
          this.#doneIn.set(name, block);
          if (refused.length === 0) this.#cooldown.succeed(name);
        }
        log.info("confirmed", { action: job.name, hash, block, gasUsed, cost, reward, done, refused });
        return;
      }
      case "reverted": {
        const error = await this.#reasonNow(job);
        log.warn("reverted", { action: job.name, hash: outcome.receipt.hash });
        this.#failed(job, error);
        return;
      }
      case "displaced":
      case "withdrawn":
      case "abandoned":
        // Decided anew from the next state.
        log.warn("not executed", { action: job.name, why: outcome.kind });
    }
  }

  /** Why it would revert now: that somebody else was faster shows in the state after. */
  async #reasonNow(job: Job): Promise<unknown> {
    try {
      await this.#options.simulate(job);
      return new Error("reverted, and would not now");
    } catch (error) {
      return error;
    }
  }
}

function reasonOf(error: unknown, isRevert: boolean): string {
  if (isRevert) return "revert";
  return error instanceof Error && error.name !== "Error" ? error.name : "unknown";
}

/** Starts `task` for all items, at most `width` at a time, in order. None of the promises is left unhandled. */
function ahead<Item, Value>(
  items: readonly Item[],
  width: number,
  task: (item: Item) => Promise<Value>,
): Promise<Value>[] {
  const results = items.map(() => Promise.withResolvers<Value>());
  let next = 0;
  const work = async (): Promise<void> => {
    for (let place = next++; place < items.length; place = next++) {
      const item = items[place] as Item;
      try {
        results[place]?.resolve(await task(item));
      } catch (error) {
        results[place]?.reject(error);
      }
    }
  };
  for (const { promise } of results) promise.catch(() => undefined);
  void Promise.all(Array.from({ length: Math.min(width, items.length) }, work));
  return results.map(({ promise }) => promise);
}
