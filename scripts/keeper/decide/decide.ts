/**
 * What a keeper does in a given state of the chain. Pure: no clock, no network, so that a test can put any state to it.
 * What it returns is simulated before it is sent; a wrong decision costs a request, a missing one costs the protocol.
 */
import type { Role } from "../job.ts";
import type { Action, Deed } from "./actions.ts";
import { deleveragingOf } from "./deleverage.ts";
import { liquidationsOf } from "./liquidations.ts";
import { ordersOf } from "./orders.ts";
import { markOf, poolOf } from "./pool.ts";
import { pricesOf } from "./prices.ts";
import { hasDuties } from "./shard.ts";
import type { KeeperState, Settings } from "./state.ts";

/** Who looks after prices, and after the pool's mark: the first of those that depend on it. */
const PRICED: readonly Role[] = ["liquidate", "orders", "deleverage", "pool"];
const MARKED: readonly Role[] = ["pool", "orders"];

/** Most urgent first: prices that the rest depends on, then liquidation, then what others wait for. */
export function decide(state: KeeperState, settings: Settings, roles: ReadonlySet<Role>): Action[] {
  // Nothing may be executed, nor liquidated, and no price is taken, while the sequencer is down.
  if (!state.sequencerUp) return [];
  const own = hasDuties(settings.shard);
  const as = (candidates: readonly Role[], isDue: boolean, deedsOf: () => readonly Deed[]): Action[] => {
    const role = candidates.find((candidate) => roles.has(candidate));
    return role === undefined || !isDue ? [] : deedsOf().map((deed) => ({ ...deed, role }));
  };
  const settled = state.sequencerSettled;
  return [
    ...as(PRICED, own, () => pricesOf(state, settings)),
    ...as(["liquidate"], settled, () => liquidationsOf(state, settings)),
    ...as(["deleverage"], own && settled, () => deleveragingOf(state)),
    ...as(MARKED, own, () => markOf(state)),
    ...as(["orders"], true, () => ordersOf(state, settings)),
    ...as(["pool"], own, () => poolOf(state)),
  ];
}
