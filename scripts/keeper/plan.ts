/** Turns decisions into transactions: single calls, and batches sized by gas. */
import type { Action, Deleverage, CloseMarket, Execute, Liquidate } from "./decide/actions.ts";
import { addressOf, type Contracts } from "./contracts.ts";
import { argumentsOf } from "./decide/liquidations.ts";
import { keyOf } from "./index/entries.ts";
import type { Batch, Call, Job, Plan, Trial, Verdict } from "./job.ts";
import type { Report } from "./rounds.ts";
import { PlimsollError } from "../deploy/PlimsollError.ts";

export interface PlanSettings {
  /** The keeper's own account, which is paid and which buys. */
  readonly account: string;
  /** Most gas of a transaction: the chain's limit, at most 2^24. */
  readonly gasLimit: bigint;
  /** Share of it that a batch may be expected to need, 1e-6. */
  readonly batchShare: bigint;
}

/** EIP-7825; the rest is for what cannot be foreseen. */
export const PLAN_DEFAULTS: Omit<PlanSettings, "account"> = { gasLimit: 16_777_216n, batchShare: 600_000n };

/** Reports have to be brought, and nothing is there that would take them. */
export class NoRelayError extends PlimsollError {}

const PPM = 1_000_000n;
/**
 * Gas of an item of a batch: more than docs/gas.md has for an account with four assets, as most have fewer. What a batch
 * needs in fact comes out when it is simulated.
 */
const EXECUTION_GAS = 320_000n;
const LEG_GAS = 160_000n;
const LIQUIDATION_GAS = 250_000n;
const PART_GAS = 90_000n;
/** Left over at an item of a batch, or the whole reverts, as in Orders.sol and ClearingHouseExtension.sol. */
const SPARE_EXECUTION = 2_000_000n;
const SPARE_LIQUIDATION = 3_000_000n;

/**
 * In the order of the actions, which is that of their urgency. Executions that follow each other are put together, and so
 * are liquidations. Throws a NoRelayError for an action with reports where no relay is deployed.
 */
export function plan(actions: readonly Action[], contracts: Contracts, settings: PlanSettings): Plan {
  const steps: (Job | Batch)[] = [];
  const most = (settings.gasLimit * settings.batchShare) / PPM;
  for (let place = 0; place < actions.length;) {
    const run = runOf(actions.slice(place), most);
    const jobs = run.map((action) => jobOf(action, contracts, settings));
    const [first] = jobs;
    if (first === undefined) throw new PlimsollError("an action came to nothing");
    steps.push(jobs.length === 1 ? first : batchOf(run, jobs, { contracts, settings }));
    place += run.length;
  }
  return steps;
}

/** The first action with those after it that go into its transaction. */
function runOf(actions: readonly Action[], most: bigint): readonly Action[] {
  const run: Action[] = [];
  let gas = 0n;
  for (const action of actions) {
    const { kind } = action;
    if (run[0] !== undefined && (run[0].kind !== kind || run[0].role !== action.role)) break;
    if (run.length !== 0 && (!isBatched(action) || isDuty(action) !== isDuty(run[0]))) break;
    const spare = kind === "execute" ? SPARE_EXECUTION : SPARE_LIQUIDATION;
    gas += gasOf(action);
    if (run.length !== 0 && gas + spare > most) break;
    run.push(action);
    if (!isBatched(action)) break;
  }
  return run;
}

/** Nothing is paid for an account without equity while insurance has nothing: it is closed all the same, as a deficit is
 * booked. */
function isDuty(action: Action | undefined): boolean {
  return action === undefined || !("reward" in action) || (action.kind === "liquidate" && action.reward === 0n);
}

function isBatched(action: Action): action is Action & (Execute | Liquidate) {
  return action.kind === "liquidate" || (action.kind === "execute" && action.reports.length === 0);
}

function gasOf(action: Action): bigint {
  if (action.kind === "execute") return EXECUTION_GAS + LEG_GAS * BigInt(Math.max(0, action.hints.length - 1));
  if (action.kind !== "liquidate") return 0n;
  const { reductions, sales } = action.plan.basket;
  return LIQUIDATION_GAS + PART_GAS * BigInt(reductions.length + sales.length);
}

interface Places {
  readonly contracts: Contracts;
  readonly settings: PlanSettings;
}

/** Each item is a job of its own; together they are one call with per-item isolation. */
function batchOf(run: readonly Action[], jobs: readonly Job[], places: Places): Batch {
  const deeds = new Map(jobs.map((job, place) => [job.name, run[place]]));
  const actionsOf = (items: readonly Job[]): readonly Action[] => items.flatMap(({ name }) => deeds.get(name) ?? []);
  const join = (items: readonly Job[]): Job => {
    const [first] = items;
    if (first === undefined) throw new PlimsollError("a batch of nothing");
    if (items.length === 1) return first;
    return {
      ...first,
      kind: `${first.kind}Batch`,
      name: items.map(({ name }) => name).join(", "),
      subjects: [...new Set(items.flatMap(({ subjects }) => subjects))],
      call: batchCall(actionsOf(items), places),
      reward: first.reward === undefined ? undefined : items.reduce((sum, { reward = 0n }) => sum + reward, 0n),
      details: { items: items.map(({ details }) => details) },
    };
  };
  return { items: jobs, join, trial: (items) => trialOf(actionsOf(items), places) };
}

function batchCall(actions: readonly Action[], places: Places): Call {
  const executions = actions.filter((action) => action.kind === "execute");
  const liquidations = actions.filter((action) => action.kind === "liquidate");
  return executions.length !== 0 ? executeBatchCall(executions, places) : liquidateBatchCall(liquidations, places);
}

function executeBatchCall(actions: readonly Execute[], { contracts: { orders }, settings }: Places): Call {
  const items = actions.map(({ account, sequence, hints }) => ({ account, sequence, hints: [...hints] }));
  return {
    to: addressOf(orders),
    data: orders.interface.encodeFunctionData("executeBatch", [items, settings.account]),
  };
}

function liquidateBatchCall(actions: readonly Liquidate[], { contracts: { clearingHouse }, settings }: Places): Call {
  const items = actions.map(({ account, plan: { basket } }) => ({ account, ...argumentsOf(basket) }));
  const data = clearingHouse.interface.encodeFunctionData("liquidateBatch", [items, settings.account]);
  return { to: addressOf(clearingHouse), data };
}

// ---------------------------------------------------------------- trials

/**
 * A batch returns nothing, and its events are in no answer to a call. What each item comes to shows in a view before the
 * batch and after it, in one multicall: an order is no longer pending, the books of an account that is liquidated change.
 */
function trialOf(actions: readonly Action[], places: Places): Trial {
  const { orders, clearingHouse } = places.contracts;
  const batch = batchCall(actions, places);
  const ofOrders = actions[0]?.kind === "execute";
  const views = actions.map((action) => viewOf(action, places.contracts));
  const multicall = (ofOrders ? orders : clearingHouse).interface;
  const spare = ofOrders ? SPARE_EXECUTION : SPARE_LIQUIDATION;
  return {
    call: { to: batch.to, data: multicall.encodeFunctionData("multicall", [[...views, batch.data, ...views]]) },
    gas: actions.reduce((sum, action) => sum + gasOf(action), spare),
    verdicts: (answer) => {
      const [results] = multicall.decodeFunctionResult("multicall", answer) as unknown as [readonly string[]];
      if (results.length !== 2 * views.length + 1) throw new PlimsollError(`a trial with ${results.length} answers`);
      return views.map((_, place): Verdict => {
        const [before, after] = [results[place], results[views.length + 1 + place]];
        if (ofOrders && BigInt(before ?? 0) === 0n) return "gone";
        return before === after ? "refused" : "done";
      });
    },
  };
}

function viewOf(action: Action, { orders, clearingHouse }: Contracts): string {
  if (action.kind === "execute") {
    return orders.interface.encodeFunctionData("isPending", [action.account, action.sequence]);
  }
  if (action.kind === "liquidate") return clearingHouse.interface.encodeFunctionData("accountOf", [action.account]);
  throw new PlimsollError(`${action.kind} goes into no batch`);
}

// ---------------------------------------------------------------- single calls

function jobOf(action: Action, contracts: Contracts, settings: PlanSettings): Job {
  const { kind, role } = action;
  const { key, details = {}, ...others } = subjectOf(action, settings);
  const name = key === "" ? kind : `${kind} ${key}`;
  return {
    role,
    kind,
    name,
    // Of what concerns no account one at a time is enough: a second would find nothing to do.
    subjects: others.subjects ?? [name],
    call: callOf(action, contracts, settings),
    reward: "reward" in action && !isDuty(action) ? action.reward : undefined,
    details,
  };
}

interface Subject {
  readonly key: string;
  /** By default the job itself. */
  readonly subjects?: readonly string[];
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What an action is about. The keeper's own account is in what spends its cash. */
function subjectOf(action: Action, { account: own }: PlanSettings): Subject {
  switch (action.kind) {
    case "advance":
      return { key: String(action.asset), subjects: [priceOf(action.asset)], details: { asset: action.asset } };
    case "watchSource":
    case "flagDeleveraging":
    case "deleverage":
    case "closeMarket":
      return { key: String(action.asset), details: { asset: action.asset } };
    case "update": {
      const { assets } = action;
      return { key: assets.join(","), subjects: assets.map(priceOf), details: { assets } };
    }
    case "checkpoint":
      return { key: action.feed, details: { feed: action.feed } };
    case "execute":
    case "abandon":
    case "poke":
      return { key: keyOf(action), subjects: [action.account], details: { order: keyOf(action) } };
    case "liquidate": {
      const { account, plan: found } = action;
      const { reductions, sales } = found.basket;
      const details = { account, basket: found.kind, reductions, sales, deficit: found.outcome.deficit };
      return { key: account, subjects: sales.length === 0 ? [account] : [account, own], details };
    }
    case "takeOver":
      return {
        key: action.account,
        subjects: [action.account, own],
        details: { account: action.account, legs: action.legs },
      };
    case "convert":
      return {
        key: action.account,
        subjects: [action.account, own],
        details: { account: action.account, sales: action.sales },
      };
    case "buySeized":
      return { key: String(action.sale.token), subjects: [own], details: { sale: action.sale } };
    case "writeOff":
      return { key: String(action.token), details: { token: action.token } };
    case "realise":
    case "flagInsolvent":
    case "clearInsolvency":
    case "seize":
    case "settleDeficit":
      return { key: action.account, subjects: [action.account], details: { account: action.account } };
    case "fulfill":
      return { key: String(action.lastBatch), details: { lastBatch: action.lastBatch } };
    case "markPool":
    case "cutProfits":
      return { key: "" };
  }
}

/** What an advance and an update of an asset share. */
function priceOf(asset: number): string {
  return `price ${asset}`;
}

function callOf(action: Action, contracts: Contracts, { account }: PlanSettings): Call {
  const { clearingHouse, oracle, orders, pool } = contracts;
  const house = (data: string): Call => ({ to: addressOf(clearingHouse), data });
  switch (action.kind) {
    case "advance": {
      const data = oracle.interface.encodeFunctionData("advance", [action.asset, [...action.rounds]]);
      return { to: addressOf(oracle), data };
    }
    case "update": {
      const bitmap = action.assets.reduce((bits, asset) => bits | (1n << BigInt(asset)), 0n);
      return { to: addressOf(oracle), data: oracle.interface.encodeFunctionData("update", [bitmap]) };
    }
    case "watchSource":
      return { to: addressOf(oracle), data: oracle.interface.encodeFunctionData("watchSource", [action.asset]) };
    case "checkpoint":
      return { to: action.feed, data: contracts.shareFeedAt(action.feed).interface.encodeFunctionData("checkpoint") };
    case "execute": {
      const args: [string, bigint, { round: bigint; before: bigint }[], string] = [
        action.account,
        action.sequence,
        [...action.hints],
        account,
      ];
      const call = { to: addressOf(orders), data: orders.interface.encodeFunctionData("execute", args) };
      return relayed(action.reports, call, contracts);
    }
    case "abandon":
    case "poke": {
      const args: [string, bigint, string] = [action.account, action.sequence, account];
      const data =
        action.kind === "poke"
          ? orders.interface.encodeFunctionData("poke", args)
          : orders.interface.encodeFunctionData("abandon", args);
      return { to: addressOf(orders), data };
    }
    case "liquidate": {
      const { reductions, sales } = argumentsOf(action.plan.basket);
      return house(
        clearingHouse.interface.encodeFunctionData("liquidate", [action.account, reductions, sales, account]),
      );
    }
    case "takeOver":
      return house(clearingHouse.interface.encodeFunctionData("takeOver", [action.account, [...action.legs], account]));
    case "convert":
      return house(clearingHouse.interface.encodeFunctionData("convert", [action.account, [...action.sales], account]));
    case "buySeized":
      return house(clearingHouse.interface.encodeFunctionData("buySeized", [action.sale, account]));
    case "writeOff":
      return house(clearingHouse.interface.encodeFunctionData("writeOff", [action.token]));
    case "realise":
      return house(clearingHouse.interface.encodeFunctionData("realise", [action.account]));
    case "flagInsolvent":
      return house(clearingHouse.interface.encodeFunctionData("flagInsolvent", [action.account]));
    case "clearInsolvency":
      return house(clearingHouse.interface.encodeFunctionData("clearInsolvency", [action.account]));
    case "seize":
      return house(clearingHouse.interface.encodeFunctionData("seize", [action.account]));
    case "settleDeficit":
      return house(clearingHouse.interface.encodeFunctionData("settleDeficit", [action.account]));
    case "fulfill":
      return { to: addressOf(pool), data: pool.interface.encodeFunctionData("fulfill", [action.lastBatch]) };
    case "markPool":
      return house(clearingHouse.interface.encodeFunctionData("markPool"));
    case "cutProfits":
      return house(clearingHouse.interface.encodeFunctionData("cutProfits"));
    case "flagDeleveraging":
      return house(clearingHouse.interface.encodeFunctionData("flagDeleveraging", [action.asset]));
    case "deleverage":
    case "closeMarket":
      return relayed(
        action.report === undefined ? [] : [action.report],
        house(provedCallOf(action, contracts)),
        contracts,
      );
  }
}

function provedCallOf({ kind, asset, hint }: Deleverage | CloseMarket, { clearingHouse }: Contracts): string {
  return kind === "deleverage"
    ? clearingHouse.interface.encodeFunctionData("deleverage", [asset, hint])
    : clearingHouse.interface.encodeFunctionData("closeMarket", [asset, hint]);
}

/** Reports come in the same transaction, first. */
function relayed(reports: readonly Report[], call: Call, { reportRelay }: Contracts): Call {
  if (reports.length === 0) return call;
  if (reportRelay === undefined) throw new NoRelayError("no relay for reports is deployed");
  const calls = [{ target: call.to, data: call.data }];
  const data = reportRelay.interface.encodeFunctionData("relay", [reports.map((report) => report.data), calls]);
  return { to: addressOf(reportRelay), data, value: reports.reduce((sum, { fee }) => sum + fee, 0n) };
}
