/** Accounts are divided among any number of keepers by their hash. */
import { keccak256 } from "ethers";

/** One of `count` parts; `index` from 0. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** All of it. */
export const WHOLE: Shard = { index: 0, count: 1 };

/** The shard that looks after an account: keccak(account) mod n. */
export function shardOf(account: string, count: number): number {
  return Number(BigInt(keccak256(account)) % BigInt(count));
}

/** Whether an account is this shard's. */
export function isOwn({ index, count }: Shard, account: string): boolean {
  return count === 1 || shardOf(account, count) === index;
}

/** Whether what belongs to no account is this shard's. */
export function hasDuties({ index }: Shard): boolean {
  return index === 0;
}
