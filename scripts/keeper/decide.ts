/**
 * What a keeper does in a given state of the chain. Pure: no clock, no network, so that a test can put any state to it.
 * What it returns is simulated before it is sent; a wrong decision costs a request, a missing one costs the protocol.
 */
import { abs } from "../model/fixed.ts";
import type { Basket, LiquidationState } from "../model/liquidation.ts";
import { findLiquidation, type LiquidationPlan } from "../model/liquidationSearch.ts";
import type { Price } from "../model/price.ts";
import type { PendingOrder, RestingTrigger } from "./eventIndex.ts";
import type { Round, RoundHint, Settlement } from "./rounds.ts";

/** A feed and what the oracle has stored of it. Prices are WAD, times unix seconds. */
export interface FeedState {
  readonly asset: number;
  /** The guards' verdict on it now. */
  readonly price: Price;
  /** The feed's latest round, if it has one. */
  readonly latest: Round | undefined;
  readonly stored: {
    readonly price: bigint;
    readonly round: bigint;
    readonly updatedAt: bigint;
    readonly checkedAt: bigint;
  };
  /** The recorded jump of a halted asset. */
  readonly halt:
    | { readonly candidate: bigint; readonly round: bigint; readonly since: bigint; readonly vetoedUntil: bigint }
    | undefined;
  /** J, 1e-6. */
  readonly jump: bigint;
  /** Rounds from the stored one, not included, to the latest, included; read only where the price has jumped. */
  readonly steps: readonly Round[];
}

export interface KeeperState {
  /** Time of the block that all of it was read at. */
  readonly time: bigint;
  readonly sequencerUp: boolean;
  /** When it came up last; 0 without an uptime feed. */
  readonly upSince: bigint;
  readonly feeds: readonly FeedState[];
  /** Settlements of the legs, in their order. */
  readonly orders: readonly { readonly order: PendingOrder; readonly settlements: readonly Settlement[] }[];
  /** With the position of the account in the trigger's asset. */
  readonly triggers: readonly { readonly trigger: RestingTrigger; readonly size: bigint }[];
  readonly unhealthy: readonly { readonly account: string; readonly state: LiquidationState }[];
  /** Accounts that have nothing but a debt. */
  readonly owing: readonly string[];
  readonly mark: { readonly time: bigint; readonly maxAge: bigint };
  /** Cash of the keeper's own account, WAD: what it can buy collateral with. */
  readonly cash: bigint;
}

export interface Settings {
  /** Orders in a transaction. */
  readonly batchSize: number;
  /** Age at which a stored price is replaced by a newer one even if nothing else needs it, s. */
  readonly refreshAge: bigint;
}

export interface Execution {
  readonly account: string;
  readonly sequence: bigint;
  readonly hints: readonly RoundHint[];
}

export type Action =
  | { readonly kind: "advance"; readonly asset: number; readonly rounds: readonly bigint[] }
  | { readonly kind: "update"; readonly assets: readonly number[] }
  | { readonly kind: "liquidate"; readonly account: string; readonly plan: LiquidationPlan }
  | { readonly kind: "settle"; readonly account: string }
  | { readonly kind: "mark" }
  | { readonly kind: "execute"; readonly items: readonly Execution[] }
  | { readonly kind: "poke"; readonly account: string; readonly sequence: bigint };

/** A jump must have lasted so long, and so many rounds must have followed, as in PriceOracleExtension.sol. */
const HALT_TIME = 600n;
const HALT_ROUNDS = 2n;
const PPM = 1_000_000n;

/** Most urgent first: prices that the rest depends on, then liquidation, then what others wait for. */
export function decide(state: KeeperState, settings: Settings): Action[] {
  // Nothing may be executed, nor liquidated, and no price is taken, while the sequencer is down.
  if (!state.sequencerUp) return [];
  return [
    ...state.feeds.flatMap((feed) => advanceOf(feed, state.time)),
    ...updatesOf(state, settings),
    ...liquidationsOf(state),
    ...deficitsOf(state),
    ...markOf(state),
    ...executionsOf(state, settings),
    ...pokesOf(state),
  ];
}

// ---------------------------------------------------------------- prices

/** Steps that show that a price has walked and not jumped. */
function advanceOf({ asset, price, latest, stored, halt, jump, steps }: FeedState, time: bigint): Action[] {
  const jumped = price.refusal === "Jump" || price.refusal === "Halted";
  if (!jumped || latest === undefined || time < (halt?.vetoedUntil ?? 0n)) return [];
  if (isNear(latest.answer, stored.price, jump)) return []; // an update ends the halt
  const rounds = pathOf({ from: stored.price, steps, jump });
  return rounds === undefined || rounds.length === 0 ? [] : [{ kind: "advance", asset, rounds }];
}

/**
 * The fewest rounds, each within `jump` of the one before, the first of `from`, the last of the latest round. Undefined
 * if there are none. @param steps Ascending; the last is the latest round.
 */
export function pathOf({
  from,
  steps,
  jump,
}: {
  from: bigint;
  steps: readonly Round[];
  jump: bigint;
}): readonly bigint[] | undefined {
  const latest = steps.at(-1);
  if (latest === undefined) return undefined;
  const paths: (readonly bigint[] | undefined)[] = [];
  let best: readonly bigint[] | undefined;
  for (const [place, step] of steps.entries()) {
    let path = isNear(step.answer, from, jump) ? [step.id] : undefined;
    for (let earlier = 0; earlier < place; ++earlier) {
      const shorter = paths[earlier];
      const base = steps[earlier]?.answer ?? 0n;
      if (shorter === undefined || !isNear(step.answer, base, jump)) continue;
      if (path === undefined || shorter.length + 1 < path.length) path = [...shorter, step.id];
    }
    paths.push(path);
    if (path === undefined || !isNear(latest.answer, step.answer, jump)) continue;
    if (best === undefined || path.length < best.length) best = path;
  }
  return best;
}

function updatesOf({ feeds, time }: KeeperState, { refreshAge }: Settings): Action[] {
  const assets = feeds.filter((feed) => needsUpdate(feed, time, refreshAge)).map(({ asset }) => asset);
  return assets.length === 0 ? [] : [{ kind: "update", assets }];
}

function needsUpdate(
  { price, latest, stored, halt, jump, steps }: FeedState,
  time: bigint,
  refreshAge: bigint,
): boolean {
  if (latest === undefined) return false;
  const isNewer = latest.id > stored.round && latest.updatedAt >= stored.updatedAt;
  const isBack = isNear(latest.answer, stored.price, jump);
  if (halt !== undefined) {
    if (isBack && (isNewer || latest.id === stored.round)) return true;
    if (!isNewer || latest.id === halt.round) return false;
    if (latest.id >> 64n !== halt.round >> 64n || !isNear(latest.answer, halt.candidate, jump)) return true;
    return time >= halt.since + HALT_TIME && time >= halt.vetoedUntil && latest.id >= halt.round + HALT_ROUNDS;
  }
  // A jump is recorded unless steps explain it.
  if (price.refusal === "Jump") return pathOf({ from: stored.price, steps, jump }) === undefined;
  if (price.refusal !== "None" || !isNewer) return false;
  // Half way to a jump: a stored price that stays behind makes one out of two small moves.
  return time >= stored.checkedAt + refreshAge || !isNear(latest.answer, stored.price, jump / 2n);
}

function isNear(price: bigint, base: bigint, jump: bigint): boolean {
  return abs(price - base) * PPM <= base * jump;
}

// ---------------------------------------------------------------- accounts

function liquidationsOf({ unhealthy, cash }: KeeperState): Action[] {
  return unhealthy.flatMap(({ account, state }): Action[] => {
    const plan = affordable(state, cash);
    return plan === undefined ? [] : [{ kind: "liquidate", account, plan }];
  });
}

/** The best basket that the keeper can pay for: whoever liquidates buys the collateral that is sold. */
function affordable(state: LiquidationState, cash: bigint): LiquidationPlan | undefined {
  const plan = findLiquidation(state);
  if (plan === undefined || plan.outcome.proceeds <= cash) return plan;
  // Without a price of the settlement token the search sells nothing.
  return findLiquidation({ ...state, settlementPrice: 0n });
}

/** What nothing stands against any more is booked: until then the pool counts it as lent. */
function deficitsOf({ owing }: KeeperState): Action[] {
  return owing.map((account) => ({ kind: "settle", account }));
}

/** @returns What of a basket goes to the contract. */
export function argumentsOf({ reductions, sales }: Basket) {
  return {
    reductions: reductions.map(({ asset, delta }) => ({ asset, delta })),
    sales: sales.map(({ token, amount }) => ({ token, amount })),
  };
}

// ---------------------------------------------------------------- pool and orders

/** Half of its life, so that a failure leaves time for more tries. */
function markOf({ mark, time }: KeeperState): Action[] {
  return time >= mark.time + mark.maxAge / 2n ? [{ kind: "mark" }] : [];
}

function executionsOf({ orders, upSince }: KeeperState, { batchSize }: Settings): Action[] {
  const ready = orders.flatMap(({ order, settlements }) => {
    const hints = hintsOf(order, settlements, upSince);
    return hints === undefined ? [] : [{ account: order.account, sequence: order.sequence, hints, at: order.boundary }];
  });
  // The order of submission: an account's own orders may depend on each other.
  ready.sort((a, b) => (a.at === b.at ? Number(a.sequence - b.sequence) : a.at < b.at ? -1 : 1));
  const batches: Action[] = [];
  for (let start = 0; start < ready.length; start += batchSize) {
    const items = ready
      .slice(start, start + batchSize)
      .map(({ account, sequence, hints }) => ({ account, sequence, hints }));
    batches.push({ kind: "execute", items });
  }
  return batches;
}

/** The hints that end an order now; undefined if it has to wait. */
function hintsOf(
  { boundary, legs }: PendingOrder,
  settlements: readonly Settlement[],
  upSince: bigint,
): readonly RoundHint[] | undefined {
  // Submitted before the sequencer came up last: refunded, whatever the rounds.
  if (boundary <= upSince) return [];
  if (settlements.length !== legs.length) return undefined;
  // The first leg without a round decides alone; those before it must be proved, those after it are not read.
  const hints: RoundHint[] = [];
  for (const settlement of settlements) {
    if (settlement.kind === "waiting" || settlement.kind === "unprovable") return undefined;
    hints.push(settlement.hint);
    if (settlement.kind === "void") break;
  }
  while (hints.length < legs.length) hints.push({ round: 0n, before: 0n });
  return hints;
}

function pokesOf({ triggers, feeds, time }: KeeperState): Action[] {
  const prices = new Map(feeds.map(({ asset, price }) => [asset, price]));
  return triggers
    .filter(({ trigger: { asset, delta, triggerPrice, above, expiry }, size }) => {
      const price = prices.get(asset);
      if (price?.refusal !== "None" || (expiry !== 0n && time > expiry)) return false;
      if (size === 0n || size < 0n === delta < 0n) return false; // nothing to reduce
      return above ? price.last >= triggerPrice : price.last <= triggerPrice;
    })
    .map(({ trigger: { account, sequence } }) => ({ kind: "poke", account, sequence }));
}
