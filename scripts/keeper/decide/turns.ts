/** What is as urgent as each other, keepers that compete do not all do in the same order. */
import { concat, keccak256, toBeHex } from "ethers";

import type { KeeperState } from "./state.ts";

interface OfAccount {
  readonly account: string;
}

/** Where the accounts of these come in this keeper's order at this block: ascending. */
export function turnsOf(
  items: readonly OfAccount[],
  { own: { account: keeper }, block }: Pick<KeeperState, "own" | "block">,
): (item: OfAccount) => string {
  const seed = concat([keeper, toBeHex(block, 32)]);
  const accounts = new Set(items.map(({ account }) => account));
  const turns = new Map([...accounts].map((account) => [account, keccak256(concat([seed, account]))]));
  return ({ account }) => turns.get(account) ?? "";
}

export function ascending<Value extends bigint | string>(a: Value, b: Value): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
