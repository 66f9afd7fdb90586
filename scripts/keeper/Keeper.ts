/** The careful shell around `decide`: read at one block → decide → simulate → send → confirm → record. */
import { setTimeout as sleep } from "node:timers/promises";

import { toBeHex } from "ethers";

import { type Action, argumentsOf, decide, type Execution, type Settings } from "./decide.ts";
import { type Block, type Chain, revertDataOf } from "./chain.ts";
import { EventIndex, keyOf } from "./eventIndex.ts";
import type { Log } from "./log.ts";
import type { Call, Sender } from "./sender.ts";

export interface KeeperOptions {
  readonly chain: Chain;
  readonly sender: Sender;
  readonly log: Log;
  /** Without it, say what would be sent. */
  readonly send: boolean;
  /** First block that may hold an event. */
  readonly firstBlock: number;
  /** Blocks per request for events. */
  readonly logRange: number;
  readonly intervalMs: number;
  readonly settings?: Partial<Settings>;
}

/** Blocks that are read again each time, because the newest may still change. */
const OVERLAP = 16;
const LONGEST_PAUSE_MS = 300_000;
const DEFAULTS: Settings = { batchSize: 8, refreshAge: 900n };

export class Keeper {
  readonly counters = { cycles: 0, failedCycles: 0, sent: 0, refused: 0, failed: 0, dry: 0 };
  readonly #chain: Chain;
  readonly #sender: Sender;
  readonly #log: Log;
  readonly #options: KeeperOptions;
  readonly #settings: Settings;
  readonly #index = new EventIndex();
  readonly #pauses = new Map<string, { readonly failures: number; readonly until: number }>();
  /** The keeper's own account: it is paid there, and buys collateral from there. */
  readonly #account: string;
  #nextBlock: number;
  #lastGoodCycle = Date.now();
  readonly #stopping = new AbortController();

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#chain = options.chain;
    this.#sender = options.sender;
    this.#log = options.log;
    this.#settings = { ...DEFAULTS, ...options.settings };
    this.#account = toBeHex(BigInt(options.sender.address) << 96n, 32);
    this.#nextBlock = options.firstBlock;
  }

  /** Lets the transaction that is being sent finish; nothing is begun any more. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Cycles until `stop`. One is in flight at a time; a failed one costs a pause. */
  async run({ once = false }: { once?: boolean } = {}): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.cycle();
      if (once) return;
      // The pause ends early, without an error, when the keeper is stopped.
      await sleep(this.#options.intervalMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async cycle(): Promise<void> {
    this.counters.cycles += 1;
    try {
      const block = await this.#chain.latestBlock();
      await this.#readEvents(block);
      const state = await this.#chain.readState(this.#index, block, this.#account);
      const actions = decide(state, this.#settings);
      this.#log.debug("cycle", {
        block: block.number,
        accounts: this.#index.accounts.size,
        orders: this.#index.orders.size,
        triggers: this.#index.triggers.size,
        unhealthy: state.unhealthy.length,
        actions: actions.map(({ kind }) => kind),
      });
      for (const action of actions) {
        if (this.#stopping.signal.aborted) break;
        await this.#perform(action);
      }
      this.#lastGoodCycle = Date.now();
    } catch (error) {
      this.counters.failedCycles += 1;
      const sinceGood = Math.round((Date.now() - this.#lastGoodCycle) / 1_000);
      this.#log.error("cycle failed", { reason: this.#chain.describe(error).text, secondsSinceGoodCycle: sinceGood });
    }
  }

  async #readEvents({ number }: Block): Promise<void> {
    const from = Math.max(this.#options.firstBlock, this.#nextBlock - OVERLAP);
    await this.#chain.readEvents(this.#index, { from, to: number, range: this.#options.logRange });
    this.#nextBlock = number + 1;
  }

  // ---------------------------------------------------------------- actions

  /** Failures stay with their action, and postpone its next try. */
  async #perform(action: Action): Promise<void> {
    if (action.kind === "execute") return this.#execute(action.items);
    const name = nameOf(action);
    if (this.#isPaused(name)) return;
    await this.#isolated(name, action.kind, async () => this.#submit(name, this.#callOf(action), detailsOf(action)));
  }

  /** Each item is tried alone first, so that a batch has only what works. */
  async #execute(items: readonly Execution[]): Promise<void> {
    const { orders } = this.#chain;
    const good: Execution[] = [];
    for (const item of items) {
      const name = `execute ${keyOf(item)}`;
      if (this.#isPaused(name)) continue;
      await this.#isolated(name, "execute", async () => {
        const hints = item.hints.map(({ round, before }) => ({ round, before }));
        const from = this.#sender.address;
        await orders.execute.staticCall(item.account, item.sequence, hints, this.#account, { from });
        good.push(item);
      });
    }
    if (good.length === 0 || this.#stopping.signal.aborted) return;
    const batch = good.map(({ account, sequence, hints }) => ({ account, sequence, hints: [...hints] }));
    const name = `execute ${good.map(keyOf).join(" ")}`;
    const call = {
      to: await orders.getAddress(),
      data: orders.interface.encodeFunctionData("executeBatch", [batch, this.#account]),
    };
    await this.#isolated(name, "execute", async () => this.#submit(name, call, { orders: good.map(keyOf) }));
  }

  #callOf(action: Exclude<Action, { kind: "execute" }>): Promise<Call> {
    const { clearingHouse, oracle, orders } = this.#chain;
    switch (action.kind) {
      case "advance":
        return callTo(oracle, oracle.interface.encodeFunctionData("advance", [action.asset, [...action.rounds]]));
      case "update": {
        const bitmap = action.assets.reduce((bits, asset) => bits | (1n << BigInt(asset)), 0n);
        return callTo(oracle, oracle.interface.encodeFunctionData("update", [bitmap]));
      }
      case "liquidate": {
        const { reductions, sales } = argumentsOf(action.plan.basket);
        const args: [string, typeof reductions, typeof sales, string] = [
          action.account,
          reductions,
          sales,
          this.#account,
        ];
        return callTo(clearingHouse, clearingHouse.interface.encodeFunctionData("liquidate", args));
      }
      case "settle":
        return callTo(clearingHouse, clearingHouse.interface.encodeFunctionData("settleDeficit", [action.account]));
      case "mark":
        return callTo(clearingHouse, clearingHouse.interface.encodeFunctionData("markPool"));
      case "poke":
        return callTo(
          orders,
          orders.interface.encodeFunctionData("poke", [action.account, action.sequence, this.#account]),
        );
    }
  }

  /** Simulates, then sends. */
  async #submit(
    name: string,
    prepared: Call | Promise<Call>,
    details: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const call = await prepared;
    const gas = await this.#sender.estimate(call);
    if (!this.#options.send) {
      this.counters.dry += 1;
      this.#log.info("would send", { action: name, gas, ...details });
      return;
    }
    const receipt = await this.#sender.send(call, gas);
    this.counters.sent += 1;
    this.#pauses.delete(name);
    this.#log.info("sent", { action: name, hash: receipt.hash, gasUsed: receipt.gasUsed, ...details });
  }

  async #isolated(name: string, kind: string, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      const { name: reason, text } = this.#chain.describe(error);
      const refused = revertDataOf(error) !== undefined;
      this.counters[refused ? "refused" : "failed"] += 1;
      // Gone for good: the events that said otherwise are of a block that is no more.
      const key = name.slice(kind.length + 1);
      if (reason === "UnknownOrder") this.#index.orders.delete(key);
      if (reason === "UnknownTrigger") this.#index.triggers.delete(key);
      const failures = (this.#pauses.get(name)?.failures ?? 0) + 1;
      const pause = Math.min(LONGEST_PAUSE_MS, this.#options.intervalMs * 2 ** (failures - 1));
      this.#pauses.set(name, { failures, until: Date.now() + pause });
      this.#log.warn("failed", { action: name, reason: text, failures });
    }
  }

  #isPaused(name: string): boolean {
    const pause = this.#pauses.get(name);
    return pause !== undefined && Date.now() < pause.until;
  }
}

async function callTo(contract: { getAddress(): Promise<string> }, data: string): Promise<Call> {
  return { to: await contract.getAddress(), data };
}

function nameOf(action: Exclude<Action, { kind: "execute" }>): string {
  switch (action.kind) {
    case "advance":
      return `advance ${action.asset}`;
    case "update":
      return `update ${action.assets.join(",")}`;
    case "liquidate":
      return `liquidate ${action.account}`;
    case "settle":
      return `settle ${action.account}`;
    case "mark":
      return "mark";
    case "poke":
      return `poke ${keyOf(action)}`;
  }
}

function detailsOf(action: Action): Readonly<Record<string, unknown>> {
  if (action.kind !== "liquidate") return {};
  const { kind, basket, outcome } = action.plan;
  return { basket: kind, ...argumentsOf(basket), reward: outcome.reward, deficit: outcome.deficit };
}
