/** From a head to what is to be done there: follow the events → read → decide → plan. */
import { PlimsollError } from "../deploy/PlimsollError.ts";
import { addressOf, type Contracts } from "./contracts.ts";
import { decide } from "./decide/decide.ts";
import type { Settings } from "./decide/state.ts";
import type { BlockRef } from "./index/entries.ts";
import type { Index } from "./index/Index.ts";
import type { Role } from "./job.ts";
import type { Outlook } from "./Keeper.ts";
import type { Log } from "./log.ts";
import { plan, type PlanSettings } from "./plan.ts";
import type { Reader } from "./reading/Reader.ts";
import type { Metrics } from "./watch/metrics.ts";
import { worth } from "./worth.ts";

/** Blocks that the index may be behind the head in a good cycle: one that follows has it from another process. */
export const MAX_INDEX_LAG = 50;

/** What was decided was decided from an index that is too old. */
export class StaleIndexError extends PlimsollError {}

export interface OutlookOptions {
  readonly index: Index;
  readonly reader: Reader;
  readonly contracts: Contracts;
  readonly roles: ReadonlySet<Role>;
  readonly settings: Settings;
  readonly planSettings: PlanSettings;
  /** Least profit of a transaction, WAD of settlement token. */
  readonly margin: bigint;
  readonly metrics: Metrics;
  readonly log: Log;
}

export function outlookOf(options: OutlookOptions): (head: BlockRef, signal: AbortSignal) => Promise<Outlook> {
  const { index, reader, contracts, roles, settings, planSettings, margin, metrics, log } = options;
  return async (head, signal) => {
    const { rewoundTo, applied } = await index.sync(head, signal);
    if (rewoundTo !== undefined) log.warn("the chain was reorganised", { rewoundTo, head: head.number });
    metrics.indexed(index.counters);
    signal.throwIfAborted();
    const { state, nearness, liquidatable } = await reader.read(index, head, roles);
    signal.throwIfAborted();
    const actions = decide(state, settings, roles);
    const [accounts, orders, triggers] = [index.accounts.size, index.orders.size, index.triggers.size];
    metrics.index({ accounts, orders, triggers });
    metrics.near(nearness);
    const { nativePrice, settlementPrice } = state;
    return {
      plan: plan(actions, contracts, planSettings),
      actions: actions.map(({ kind }) => kind),
      isWorth: ({ job, gas, l1Fee, feePerGas }) =>
        worth({ reward: job.reward, gas, l1Fee, feePerGas, nativePrice, settlementPrice, margin }).worthwhile,
      liquidatable,
      doubt: doubtOf(index.head?.number, head.number),
      seen: { accounts, orders, triggers, unhealthy: liquidatable.length, events: applied },
    };
  };
}

function doubtOf(indexed: number | undefined, head: number): StaleIndexError | undefined {
  const behind = head - (indexed ?? -1);
  if (behind <= MAX_INDEX_LAG) return undefined;
  return new StaleIndexError(`the index is ${behind} blocks behind the head ${head}, more than ${MAX_INDEX_LAG}`);
}

/** Interfaces of what emits events, by lower-case address. */
export function emittersOf({ clearingHouse, orders }: Contracts) {
  return new Map([clearingHouse, orders].map((contract) => [addressOf(contract).toLowerCase(), contract.interface]));
}
