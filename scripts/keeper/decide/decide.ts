/**
 * What a keeper does in a given state of the chain. Pure: no clock, no network, so that a test can put any state to it.
 * What it returns is simulated before it is sent; a wrong decision costs a request, a missing one costs the protocol.
 */
import type { Role } from "../job.ts";
import type { Action } from "./actions.ts";
import type { KeeperState, Settings } from "./state.ts";

/** Most urgent first. */
export function decide(_state: KeeperState, _settings: Settings, _roles: ReadonlySet<Role>): Action[] {
  return [];
}
