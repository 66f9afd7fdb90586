/** What is as urgent as each other, keepers that compete do not all do in the same order. */
import { id } from "ethers";

import type { KeeperState } from "./state.ts";

/** Where an account comes in this keeper's order at this block: ascending. */
export function turnsAt({
  own: { account: keeper },
  block,
}: Pick<KeeperState, "own" | "block">): (item: { readonly account: string }) => string {
  const turns = new Map<string, string>();
  return ({ account }) => {
    const known = turns.get(account);
    if (known !== undefined) return known;
    const turn = id(`${keeper}/${block}/${account}`);
    turns.set(account, turn);
    return turn;
  };
}

export function ascending<Value extends bigint | string>(a: Value, b: Value): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
