/** All that the contracts around the clearing house keep, beside what the model keeps. */
import { expect } from "chai";

import { max, mulDivDown, PPM, WAD } from "../../../scripts/model/fixed.ts";
import type { PendingOrder } from "../../../scripts/model/orders.ts";
import { LIQUIDATOR, SETTLEMENT, TRADERS } from "../cast.ts";
import type { ProtocolWorld } from "./world.ts";

/** Batches that are compared after an action of the pool; all are at the end of a history. */
const RECENT = 3;

/** A pending order and where it is. */
export interface Pending extends PendingOrder {
  readonly account: number;
  readonly sequence: bigint;
}

/** What the model has of the satellites beside books and shares. */
export interface Satellites {
  readonly pending: readonly Pending[];
  /** Token units by provider. */
  readonly wallets: readonly bigint[];
}

/** Expects every view of vault, orders, pool and insurance fund to say what the model says. */
export async function compareSatellites(
  world: ProtocolWorld,
  satellites: Satellites,
  { now, batches }: { now: bigint; batches: "none" | "recent" | "all" },
): Promise<void> {
  await Promise.all([
    compareAccounts(world),
    compareOrders(world, satellites.pending),
    compareShares(world, now),
    ...(batches === "none" ? [] : [compareBatches(world, batches === "all"), compareClaims(world)]),
    compareMoney(world, satellites.wallets),
  ]);
}

async function compareAccounts({ house, books, ids }: ProtocolWorld): Promise<void> {
  for (let index = 0; index <= LIQUIDATOR; ++index) {
    const { orders, sequence, escrow } = books.account(index);
    const state = await house.accountOf(ids[index] ?? "");
    const pending = [...orders.values()];
    expect(
      [state.sequence, state.pending, state.escrow, state.raising, state.exclusive],
      `account ${index}`,
    ).to.deep.equal([
      sequence,
      BigInt(orders.size),
      escrow,
      pending.some(({ reduceOnly }) => !reduceOnly),
      pending.some(({ exclusive }) => exclusive),
    ]);
  }
}

async function compareOrders({ orders, books, ids }: ProtocolWorld, pending: readonly Pending[]): Promise<void> {
  const known = books.accounts.slice(0, TRADERS).reduce((sum, account) => sum + account.orders.size, 0);
  expect(pending.length, "pending orders").to.equal(known);
  for (const { account, sequence, ...order } of pending) {
    const view = await orders.orderOf(ids[account] ?? "", sequence);
    const escrow = books.account(account).orders.get(sequence);
    expect([view.pay, view.charge, view.reduceOnly]).to.deep.equal([escrow?.pay, escrow?.charge, escrow?.reduceOnly]);
    expect([view.submittedAt, view.boundary, view.expiry]).to.deep.equal([
      order.submittedAt,
      order.boundary,
      order.expiresAt,
    ]);
    if (order.isBasket) {
      const [, legs] = await orders.basketOf(ids[account] ?? "", sequence);
      expect(legs.map(({ asset, delta, middle }) => [Number(asset), delta, middle])).to.deep.equal(
        order.legs.map(({ asset, delta, bound }) => [asset, delta, bound]),
      );
    } else {
      expect([Number(view.asset), view.delta, view.acceptablePrice]).to.deep.equal(
        order.legs.flatMap(({ asset, delta, bound }) => [asset, delta, bound]),
      );
    }
  }
}

async function compareShares({ pool, shares, providers }: ProtocolWorld, now: bigint): Promise<void> {
  const actual = [
    pool.totalSupply(),
    pool.totalAssets(),
    pool.convertToAssets(WAD),
    pool.convertToShares(10n ** 6n),
    pool.balanceOf(pool),
    ...providers.map((provider) => pool.balanceOf(provider)),
  ];
  expect(await Promise.all(actual), "shares").to.deep.equal([
    shares.supply,
    shares.totalAssets(now),
    shares.convertToAssets(WAD, now),
    shares.convertToShares(10n ** 6n, now),
    shares.held,
    ...providers.map((_, who) => shares.balanceOf(who)),
  ]);
  const { latest, deposits, redemptions } = shares.queue;
  expect([...(await pool.queue())], "queue").to.deep.equal([BigInt(latest), BigInt(deposits), BigInt(redemptions)]);
}

async function compareClaims({ pool, shares, providers }: ProtocolWorld): Promise<void> {
  for (const [who, provider] of providers.entries()) {
    const actual = [
      pool.maxDeposit(provider),
      pool.maxMint(provider),
      pool.maxRedeem(provider),
      pool.maxWithdraw(provider),
    ];
    const [entering, leaving] = [shares.deposits.claimable(who), shares.redemptions.claimable(who)];
    expect(await Promise.all(actual), `claims of provider ${who}`).to.deep.equal([
      entering.put,
      entering.due,
      leaving.put,
      leaving.due,
    ]);
  }
}

async function compareBatches({ pool, shares, providers }: ProtocolWorld, all: boolean): Promise<void> {
  const { latest } = shares.queue;
  for (let batch = all ? 1 : Math.max(1, latest - RECENT + 1); batch <= latest; ++batch) {
    const { closesAt, maturesAt } = shares.timesOf(batch);
    const [deposits, redemptions] = [shares.deposits.tallyOf(batch), shares.redemptions.tallyOf(batch)];
    expect([...(await pool.batchOf(batch))], `batch ${batch}`).to.deep.equal([
      closesAt,
      maturesAt,
      deposits.requested,
      deposits.due,
      redemptions.requested,
      redemptions.settled,
      redemptions.due,
    ]);
    for (const [who, provider] of providers.entries()) {
      const actual = await Promise.all([
        pool.pendingDepositRequest(batch, provider),
        pool.claimableDepositRequest(batch, provider),
        pool.pendingRedeemRequest(batch, provider),
        pool.claimableRedeemRequest(batch, provider),
      ]);
      expect(actual, `requests of provider ${who} in batch ${batch}`).to.deep.equal([
        shares.deposits.pendingOf(who, batch),
        shares.deposits.claimableOf(who, batch).put,
        shares.redemptions.pendingOf(who, batch),
        shares.redemptions.claimableOf(who, batch).put,
      ]);
    }
  }
}

/** What the vault answers for, what providers have outside of it, and what insurance could give away. */
async function compareMoney(
  { vault, tokens, books, insuranceFund, providers, targetShare }: ProtocolWorld,
  wallets: readonly bigint[],
): Promise<void> {
  const collateral = [0, 1].map((token) =>
    [...books.accounts, books.fund].reduce((sum, account) => sum + account.collateralOf(token), 0n),
  );
  const target = mulDivDown(max(0n, books.mark), targetShare, PPM);
  expect(
    await Promise.all([
      vault.held(SETTLEMENT),
      vault.held(0),
      vault.held(1),
      insuranceFund.balance(),
      insuranceFund.targetBalance(),
      insuranceFund.surplus(),
      ...providers.map((provider) => tokens.usdc.balanceOf(provider)),
    ]),
    "money",
  ).to.deep.equal([
    books.paidIn / 10n ** 12n,
    collateral[0],
    (collateral[1] ?? 0n) / 10n ** 10n,
    books.insurance,
    target,
    max(0n, books.insurance - target),
    ...wallets,
  ]);
}
