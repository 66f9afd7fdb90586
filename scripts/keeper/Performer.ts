/** Carries out one plan: simulate, weigh, send; and, when its transaction is in a block, record what it did. */
import { messageOf, PlimsollError } from "../deploy/PlimsollError.ts";
import { max } from "../model/fixed.ts";
import { Cooldown } from "./cooldown.ts";
import { GasUse } from "./gasUse.ts";
import type { Batch, Call, Job, Plan, Trial, Verdict } from "./job.ts";
import type { Log } from "./log.ts";
import { isLostRace } from "./lostRaces.ts";
import { priceOf, TooDearError } from "./send/fees.ts";
import type { Receipt } from "./send/node.ts";
import { BusyError, type Outcome, RefusedError, type Sender, type Weighed } from "./send/Sender.ts";
import type { Metrics } from "./watch/metrics.ts";

/** A transaction failed in its block, and no reason for it is left. */
class RevertedError extends PlimsollError {}

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
  /** What a call returns that may use so much gas: it costs a node a tenth of an estimate. Throws what it reverts with. */
  readonly ask: (call: Call, gas: bigint) => Promise<string>;
  /** What the data of a call costs besides gas, wei. Undefined: data costs gas, which only an estimate knows of. */
  readonly dataFee: ((call: Call) => Promise<bigint>) | undefined;
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

/** How one plan goes. */
interface Run {
  /** After which nothing of it is begun, milliseconds. */
  readonly end: number;
  /** Failures in a row that were no answer of the chain. */
  unanswered: number;
  /** Entries that were not begun. */
  left: number;
}

/** Something that is worth sending. */
interface Ready extends Estimate {
  readonly job: Job;
  /** Jobs that it is made of; itself where it is no batch. */
  readonly items: readonly Job[];
  /** How its items are tried; undefined where it is no batch. */
  readonly trial?: Trial;
}

/** What a batch came to as a whole. */
interface Attempt {
  readonly ready: readonly Ready[];
  readonly gone: readonly Job[];
  readonly refused: readonly Job[];
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
  /** What has been sent, by its job, for as long as a sender has it. */
  readonly #sent = new WeakMap<Job, Ready>();
  /** Of the last plan. */
  #isWorth: PerformOptions["isWorth"] | undefined;

  constructor(options: PerformerOptions) {
    this.#options = options;
    const { pauseMs, longestPauseMs, now } = options;
    this.#cooldown = new Cooldown({ firstMs: pauseMs, longestMs: longestPauseMs, ...(now && { now }) });
  }

  /** Tries what is in a plan, in its order, for a while. Failures stay with their job. Returns when all that is worth it has
   * been broadcast. */
  async perform({ plan, block, isWorth, signal }: PerformOptions): Promise<void> {
    this.#cooldown.prune();
    this.#isWorth = isWorth;
    for (const [name, doneIn] of this.#doneIn) if (doneIn <= block) this.#doneIn.delete(name);
    if (plan.length === 0) return;
    const price = await this.#price();
    if (price === undefined) return;
    const run: Run = { end: this.#now() + this.#options.sliceMs, unanswered: 0, left: 0 };
    // Simulated several at a time, sent in their order: the first does not wait for the last. What has been begun is sent.
    const ready = ahead(plan, this.#options.width, async (entry) => {
      if (signal.aborted) return [];
      if (this.#isOver(run)) {
        run.left += 1;
        return [];
      }
      return "items" in entry ? this.#prepareBatch(entry, run) : this.#prepare(entry, run);
    });
    for (const some of ready) {
      for (const one of await some) {
        if (signal.aborted) return;
        const { job, items, l1Fee } = one;
        const gas = this.#gasUse.expected(job.kind, items.length, one.gas);
        if (isWorth({ job, gas, l1Fee, feePerGas: price })) await this.#send(one, run);
        else {
          this.#options.metrics.skipped("unprofitable");
          this.#options.log.debug("not worth it", { action: job.name, gas, feePerGas: price, reward: job.reward });
        }
      }
    }
    const { left, unanswered } = run;
    if (left > 0) this.#options.log.debug("left to the next plan", { entries: left, unanswered });
  }

  #isOver(run: Run): boolean {
    return this.#now() >= run.end || this.#isDown(run);
  }

  /** Nothing answers any more: every further job would only wait for a failure of its own. */
  #isDown({ unanswered }: Run): boolean {
    return unanswered >= this.#options.width;
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  /**
   * What a job that was sent would do if it got into a block now, by the worth of the last plan; undefined where nobody
   * can say. Items of a batch that others have done meanwhile earn nothing, and count with their gas all the same.
   */
  async weigh(job: Job): Promise<Weighed | undefined> {
    const [sent, isWorth] = [this.#sent.get(job), this.#isWorth];
    if (sent === undefined || isWorth === undefined) return undefined;
    try {
      const { reward, gas, l1Fee } = await this.#nowOf(sent);
      if (gas === 0n) return { does: false, isWorth: () => false };
      const use = this.#gasUse.expected(job.kind, sent.items.length, gas);
      const now = { ...job, reward };
      return {
        does: true,
        isWorth: (feePerGas, spared = 0n) => isWorth({ job: now, gas: max(0n, use - spared), l1Fee, feePerGas }),
      };
    } catch (error) {
      return this.#options.describe(error).isRevert ? { does: false, isWorth: () => false } : undefined;
    }
  }

  /** No gas: nothing of it would be done. Throws what the whole reverts with. */
  async #nowOf({ job, items, trial }: Ready): Promise<Estimate & Pick<Job, "reward">> {
    const { ask, dataFee, simulate } = this.#options;
    if (trial === undefined) return { ...(await simulate(job)), reward: job.reward };
    const { call, gas, verdicts } = trial;
    const found = verdicts(await ask(call, gas));
    const done = items.filter((_, place) => found[place] === "done");
    if (done.length === 0) return { gas: 0n, l1Fee: 0n, reward: 0n };
    const reward = job.reward === undefined ? undefined : done.reduce((sum, one) => sum + (one.reward ?? 0n), 0n);
    return { ...(dataFee === undefined ? await simulate(job) : { gas, l1Fee: await dataFee(job.call) }), reward };
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

  async #prepare(job: Job, run: Run): Promise<Ready[]> {
    if (!this.#isFree(job)) return [];
    try {
      const estimate = await this.#options.simulate(job);
      run.unanswered = 0;
      return [{ ...estimate, job, items: [job] }];
    } catch (error) {
      this.#failed(job, error, run);
      return [];
    }
  }

  async #prepareBatch(batch: Batch, run: Run): Promise<Ready[]> {
    return this.#tryTogether(
      batch,
      batch.items.filter((item) => this.#isFree(item)),
      run,
    );
  }

  /** All of them in one simulation. Where it fails as a whole, each half by itself, down to single items. */
  async #tryTogether(batch: Batch, items: readonly Job[], run: Run): Promise<Ready[]> {
    const [first] = items;
    if (first === undefined) return [];
    if (items.length === 1) return this.#prepare(first, run);
    const found = await this.#attempt(batch, items, run);
    if (found === undefined) {
      if (this.#isDown(run)) return [];
      const middle = items.length >> 1;
      const halves = [items.slice(0, middle), items.slice(middle)];
      return (await Promise.all(halves.map(async (half) => this.#tryTogether(batch, half, run)))).flat();
    }
    for (const item of found.gone) this.#refused(item, { name: "UnknownOrder", text: "it has ended" });
    // Why they are refused, each says by itself.
    const alone = await Promise.all(found.refused.map(async (item) => this.#prepare(item, run)));
    return [...found.ready, ...alone.flat()];
  }

  /** @returns Nothing where they cannot be tried together, which says nothing about any of them. */
  async #attempt(batch: Batch, items: readonly Job[], run: Run): Promise<Attempt | undefined> {
    // Sent together they have failed of late.
    if (this.#cooldown.isPaused(batch.join(items).name)) return undefined;
    try {
      const found = await this.#simulated(batch, items);
      run.unanswered = 0;
      return found;
    } catch (error) {
      const { text, isRevert } = this.#options.describe(error);
      run.unanswered = isRevert ? 0 : run.unanswered + 1;
      this.#options.log.debug("not together", { items: items.length, reason: text });
      return undefined;
    }
  }

  async #simulated({ join, trial }: Batch, items: readonly Job[]): Promise<Attempt> {
    const { ask, dataFee, simulate } = this.#options;
    const { call, gas, verdicts } = trial(items);
    const found = verdicts(await ask(call, gas));
    const as = (verdict: Verdict): readonly Job[] => items.filter((_, place) => found[place] === verdict);
    const [done, gone, refused] = [as("done"), as("gone"), as("refused")];
    if (done.length === 0) return { ready: [], gone, refused };
    const job = join(done);
    const estimate =
      done.length === 1 || dataFee === undefined ? await simulate(job) : { gas, l1Fee: await dataFee(job.call) };
    return {
      ready: [{ ...estimate, job, items: done, ...(done.length > 1 && { trial: trial(done) }) }],
      gone,
      refused,
    };
  }

  /** Whether a job may be tried now. */
  #isFree(job: Job): boolean {
    const { metrics, sender, send } = this.#options;
    if (this.#cooldown.isPaused(job.name)) {
      metrics.skipped("paused");
      return false;
    }
    // One of its subjects may be in flight: what is simulated now says nothing about afterwards.
    if (this.#doneIn.has(job.name) || (send && !sender.canTake(job))) {
      metrics.skipped("busy");
      return false;
    }
    return true;
  }

  // ---------------------------------------------------------------- failures

  /** A failure of the job pauses it; one of an endpoint or of the signer does not: it is tried again in the next cycle. */
  #failed(job: Job, error: unknown, run?: Run): void {
    const { describe, metrics, log } = this.#options;
    const { name, text, isRevert } = describe(error);
    if (isRevert) {
      if (run !== undefined) run.unanswered = 0;
      this.#refused(job, { name, text });
      return;
    }
    const isOwn = error instanceof RefusedError || error instanceof RevertedError;
    const failures = isOwn ? this.#cooldown.fail(job.name) : 0;
    if (!isOwn && run !== undefined) run.unanswered += 1;
    this.counters.failed += 1;
    metrics.failed(job.kind, name === "" ? reasonOf(error) : name);
    log.warn("failed", { action: job.name, reason: text, failures });
  }

  #refused(job: Job, { name, text }: { readonly name: string; readonly text: string }): void {
    const { metrics, log } = this.#options;
    const failures = this.#cooldown.fail(job.name);
    if (isLostRace(name)) {
      this.counters.lost += 1;
      metrics.lostRace(job.kind);
      log.info("lost race", { action: job.name, reason: text });
      return;
    }
    this.counters.refused += 1;
    metrics.failed(job.kind, name === "" ? "revert" : name);
    log.warn("failed", { action: job.name, reason: text, failures });
  }

  // ---------------------------------------------------------------- sending

  async #send(ready: Ready, run: Run): Promise<void> {
    const { job, items, gas } = ready;
    const { sender, log, metrics, send } = this.#options;
    if (!send) {
      this.counters.dry += 1;
      log.info("would send", { action: job.name, gas, reward: job.reward, ...job.details });
      return;
    }
    // Before it is sent: it may have to be weighed at once.
    this.#sent.set(job, ready);
    try {
      const { hash, nonce, outcome } = await sender.send(job, gas);
      this.counters.sent += 1;
      log.info("sent", { action: job.name, hash, nonce, reward: job.reward, ...job.details });
      this.#follow(job, items, outcome);
    } catch (error) {
      if (error instanceof BusyError) metrics.skipped("busy");
      else if (error instanceof TooDearError) metrics.skipped("dear");
      else this.#failed(job, error, run);
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
      return new RevertedError("reverted, and would not now");
    } catch (error) {
      // Without an answer it has failed in its block all the same.
      return this.#options.describe(error).isRevert ? error : new RevertedError("reverted", { cause: error });
    }
  }
}

function reasonOf(error: unknown): string {
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
