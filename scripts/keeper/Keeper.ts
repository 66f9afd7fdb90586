/** Cycles: the head by quorum → everything that is to be done there → simulate, weigh, send. One at a time. */
import { setTimeout as sleep } from "node:timers/promises";

import { PlimsollError } from "../deploy/PlimsollError.ts";
import type { BlockRef } from "./index/entries.ts";
import type { Plan } from "./job.ts";
import type { Log } from "./log.ts";
import type { Performer, Prospect } from "./Performer.ts";
import type { Health } from "./watch/health.ts";
import type { Metrics } from "./watch/metrics.ts";

/** A cycle has taken too long. */
export class DeadlineError extends PlimsollError {}

/** The only cycle has failed; `cause` says of what. */
export class CycleError extends PlimsollError {}

/** What is to be done at a block, and what was seen there. */
export interface Outlook {
  readonly plan: Plan;
  /** Kinds, for the log. */
  readonly actions: readonly string[];
  readonly isWorth: (prospect: Prospect) => boolean;
  /** Accounts of this keeper's shard that can be liquidated, whether it plans to or not. */
  readonly liquidatable: readonly string[];
  /** Why the cycle is not a good one, though what there is to do is done. */
  readonly doubt?: PlimsollError | undefined;
  /** For the log. */
  readonly seen: Readonly<Record<string, unknown>>;
}

export interface KeeperOptions {
  readonly head: () => Promise<BlockRef>;
  /** Follows the chain to a block, reads, decides and plans. Throws where the block cannot be read as a whole. */
  readonly outlook: (head: BlockRef, signal: AbortSignal) => Promise<Outlook>;
  readonly performer: Pick<Performer, "perform">;
  /** Transactions in flight. */
  readonly inFlight: () => number;
  /** What is done after good cycles, before the next begins, without a deadline. Failures are logged. */
  readonly upkeep?: (head: BlockRef) => Promise<void>;
  readonly describe: (error: unknown) => { readonly text: string };
  readonly metrics: Metrics;
  readonly health: Health;
  readonly log: Log;
  /** Pause between cycles. */
  readonly intervalMs: number;
  /** A cycle that takes longer has failed; what it has begun ends, and no other begins before. */
  readonly deadlineMs: number;
  /** Hears of what is liquidatable in a good cycle. */
  readonly onCycle?: (outlook: Outlook) => void;
}

export class Keeper {
  readonly counters = { cycles: 0, failedCycles: 0 };
  readonly #options: KeeperOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #lastHead: BlockRef | undefined;
  /** What the last cycle has failed of. */
  #failure: unknown;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Nothing is begun any more. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Cycles until `stop`. A failed one costs a pause; the only one, by `once`, throws a CycleError unless it was stopped. */
  async run({ once = false }: { once?: boolean } = {}): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const isGood = await this.cycle();
      if (isGood && !isAborted(signal)) await this.#keepUp();
      if (once) break;
      // The pause ends early, without an error, when the keeper is stopped.
      await sleep(this.#options.intervalMs, undefined, { signal }).catch(() => undefined);
    }
    await this.#running;
    if (once && this.#failure !== undefined && !isAborted(signal)) {
      throw new CycleError("the only cycle has failed", { cause: this.#failure });
    }
  }

  /** @returns Whether it was good. Where one that is past its deadline still runs, it waits for that one's end. */
  async cycle(): Promise<boolean> {
    await this.#running;
    const { metrics, health, log, describe, deadlineMs, onCycle } = this.#options;
    this.counters.cycles += 1;
    const begun = performance.now();
    const deadline = new AbortController();
    const timer = setTimeout(() => {
      deadline.abort(new DeadlineError(`the cycle has taken longer than ${deadlineMs} ms`));
    }, deadlineMs);
    const signal = AbortSignal.any([deadline.signal, this.#stopping.signal]);
    const work = this.#work(signal);
    this.#running = work.then(
      () => undefined,
      () => undefined,
    );
    try {
      const { head, outlook } = await Promise.race([work, rejection(deadline.signal)]);
      this.#lastHead = head;
      this.#failure = undefined;
      health.good(head.number);
      metrics.cycle("ok", performance.now() - begun);
      onCycle?.(outlook);
      return true;
    } catch (error) {
      this.counters.failedCycles += 1;
      this.#failure = error;
      metrics.cycle("failed", performance.now() - begun);
      const secondsSinceGoodCycle = Math.round(health.ageMs / 1_000);
      log.error("cycle failed", { reason: describe(error).text, secondsSinceGoodCycle });
      // A mistake of the keeper's own: only its place tells what it is.
      if (error instanceof TypeError || error instanceof RangeError) log.error("unexpected", { stack: error.stack });
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  async #work(signal: AbortSignal): Promise<{ head: BlockRef; outlook: Outlook }> {
    const { outlook: look, performer, inFlight, metrics, log } = this.#options;
    const head = await this.#options.head();
    metrics.head(head);
    const outlook = await look(head, signal);
    log.debug("cycle", {
      block: head.number,
      ...outlook.seen,
      actions: outlook.actions,
      inFlight: inFlight(),
    });
    await performer.perform({ plan: outlook.plan, block: head.number, isWorth: outlook.isWorth, signal });
    if (outlook.doubt !== undefined) throw outlook.doubt;
    return { head, outlook };
  }

  async #keepUp(): Promise<void> {
    const { upkeep, log, describe } = this.#options;
    if (upkeep === undefined || this.#lastHead === undefined) return;
    try {
      await upkeep(this.#lastHead);
    } catch (error) {
      log.warn("upkeep failed", { reason: describe(error).text });
    }
  }
}

/** As a call, because the signal changes between two looks at it. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

async function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}
