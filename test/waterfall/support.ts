/** What the tests of the waterfall share. */
import type { ContractTransactionReceipt, ContractTransactionResponse } from "ethers";

import { type Account, receiptOf, type World } from "../fixture.ts";

/** Balances that an action may change, WAD. */
export interface Money {
  base: bigint;
  lent: bigint;
  insurance: bigint;
  protocolFees: bigint;
  /** Of the accounts asked for, in their order. */
  cash: bigint[];
}

export async function moneyOf({ clearingHouse }: World, accounts: readonly Account[]): Promise<Money> {
  const { base, lent, insurance, protocolFees } = await clearingHouse.ledger();
  const states = await Promise.all(accounts.map((account) => clearingHouse.accountOf(account)));
  return { base, lent, insurance, protocolFees, cash: states.map(({ cash }) => cash) };
}

/** What a transaction changes of the balances. */
export async function movesOf(
  world: World,
  accounts: readonly Account[],
  send: () => Promise<ContractTransactionResponse>,
): Promise<Money & { receipt: ContractTransactionReceipt }> {
  const before = await moneyOf(world, accounts);
  const receipt = await receiptOf(send());
  const after = await moneyOf(world, accounts);
  return {
    receipt,
    base: after.base - before.base,
    lent: after.lent - before.lent,
    insurance: after.insurance - before.insurance,
    protocolFees: after.protocolFees - before.protocolFees,
    cash: after.cash.map((cash, index) => cash - (before.cash[index] ?? 0n)),
  };
}

/** A position of an account as it reads. */
export async function positionOf(
  { clearingHouse }: World,
  account: Account,
  asset: number,
): Promise<{ size: bigint; quote: bigint }> {
  const { size, quote } = await clearingHouse.positionOf(account, asset);
  return { size, quote };
}
