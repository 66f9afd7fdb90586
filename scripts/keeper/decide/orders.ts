/** Orders that can end, and triggers that fire. */
import { min } from "../../model/fixed.ts";
import type { PendingOrder } from "../index/entries.ts";
import type { Report, RoundHint, Settlement } from "../rounds.ts";
import type { Abandon, Execute, Poke } from "./actions.ts";
import { isOwn } from "./shard.ts";
import type { KeeperState, OrderState, Settings } from "./state.ts";
import { ascending, turnsAt } from "./turns.ts";

/** After its boundary an order ends without any proof, s, as in Orders.sol. */
export const ABANDONED_AFTER = 691_200n;

/** Orders of so many seconds are as urgent as each other: little beside the ten minutes that each has. */
const AS_URGENT = 30n;

/**
 * First submitted first, pokes after them. Those of the same half minute, and pokes, each keeper takes in an order of its
 * own, another at each block, so that keepers that compete do not all do the same at the same time. An account's own stay
 * in their order: they may depend on each other.
 */
export function ordersOf(state: KeeperState, { shard }: Settings): (Execute | Abandon | Poke)[] {
  const orders = state.orders.filter(({ order }) => isOwn(shard, order.account));
  const pokes = pokesOf(state).filter(({ account }) => isOwn(shard, account));
  const turnOf = turnsAt(state);
  const ends = [...orders].sort(
    ({ order: a }, { order: b }) =>
      ascending(a.boundary / AS_URGENT, b.boundary / AS_URGENT) ||
      ascending(turnOf(a), turnOf(b)) ||
      ascending(a.boundary, b.boundary) ||
      ascending(a.sequence, b.sequence),
  );
  const inTurn = pokes.sort((a, b) => ascending(turnOf(a), turnOf(b)) || ascending(a.sequence, b.sequence));
  return [...ends.flatMap((one) => endOf(one, state)), ...inTurn];
}

function endOf(
  { order, settlements, pay }: OrderState,
  { upSince, time }: Pick<KeeperState, "upSince" | "time">,
): (Execute | Abandon)[] {
  const { account, sequence, boundary } = order;
  const proof = proofOf(order, settlements, upSince);
  if (proof !== undefined) {
    const reward = min(pay.escrow, proof.isRefund ? pay.refund : pay.execution);
    return [{ kind: "execute", account, sequence, hints: proof.hints, reports: proof.reports, reward }];
  }
  if (time < boundary + ABANDONED_AFTER) return [];
  return [{ kind: "abandon", account, sequence, reward: min(pay.escrow, pay.refund) }];
}

interface Proof {
  readonly hints: readonly RoundHint[];
  readonly reports: readonly Report[];
  readonly isRefund: boolean;
}

/** What ends an order now; undefined if it has to wait. */
function proofOf(
  { boundary, legs }: PendingOrder,
  settlements: readonly Settlement[],
  upSince: bigint,
): Proof | undefined {
  // Submitted before the sequencer came up last: refunded, whatever the rounds.
  if (boundary <= upSince) return { hints: [], reports: [], isRefund: true };
  if (settlements.length !== legs.length) return undefined;
  // The first leg without a round decides alone; those before it must be proved, those after it are not read.
  const hints: RoundHint[] = [];
  const reports: Report[] = [];
  let isRefund = false;
  for (const settlement of settlements) {
    if (settlement.kind === "waiting" || settlement.kind === "unprovable") return undefined;
    hints.push(settlement.hint);
    if (settlement.report !== undefined) reports.push(settlement.report);
    isRefund = settlement.kind === "void";
    if (isRefund) break;
  }
  while (hints.length < legs.length) hints.push({ round: 0n, before: 0n });
  return { hints, reports, isRefund };
}

function pokesOf({ triggers, feeds, time }: KeeperState): Poke[] {
  const prices = new Map(feeds.map(({ asset, price }) => [asset, price]));
  return triggers
    .filter(({ trigger: { asset, delta, triggerPrice, above, expiry }, size }) => {
      const price = prices.get(asset);
      if (price?.refusal !== "None" || (expiry !== 0n && time > expiry)) return false;
      if (size === 0n || size < 0n === delta < 0n) return false; // nothing to reduce
      return above ? price.last >= triggerPrice : price.last <= triggerPrice;
    })
    .map(({ trigger: { account, sequence }, pay }) => ({ kind: "poke", account, sequence, reward: pay }));
}
