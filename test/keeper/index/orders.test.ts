/** Orders, triggers and pool requests of the real contracts, and a fork of their chain. */
import { join } from "node:path";

import { expect } from "chai";

import { ChainSource } from "../../../scripts/keeper/index/ChainSource.ts";
import { keyOf } from "../../../scripts/keeper/index/entries.ts";
import { Index } from "../../../scripts/keeper/index/Index.ts";
import { SqliteStore } from "../../../scripts/keeper/index/SqliteStore.ts";
import { accountOf, ethers, funded, loadFixture, networkHelpers, type World } from "../../fixture.ts";
import { BTC, ETH, wad, WETH_TOKEN } from "../../parameters.ts";
import { blockOf, keepingLog, temporaryDirectory } from "./support.ts";

describe("index of orders, triggers and pool requests", () => {
  const directory = temporaryDirectory();
  let files = 0;

  async function contractsOf({ clearingHouse, orders, pool, oracle, insuranceFund }: World) {
    const [house, ordersAt, poolAt, oracleAt, fund] = await Promise.all(
      [clearingHouse, orders, pool, oracle, insuranceFund].map(async (contract) => contract.getAddress()),
    );
    return {
      clearingHouse: String(house),
      orders: String(ordersAt),
      pool: String(poolAt),
      oracle: String(oracleAt),
      insuranceFund: String(fund),
    };
  }

  async function openIndex(world: World): Promise<Index> {
    const contracts = await contractsOf(world);
    const { clearingHouse } = contracts;
    const log = keepingLog();
    const { chainId } = await ethers.provider.getNetwork();
    const file = join(directory, `orders-${files++}.sqlite`);
    const store = await SqliteStore.open({ file, identity: { chainId, clearingHouse }, log });
    const source = new ChainSource(ethers.provider, contracts);
    return Index.open({ store, source, contracts, log, firstBlock: 0, range: 1_000 });
  }

  /** To the latest block; every account is as the chain has it then. */
  async function sync(index: Index) {
    const head = await blockOf(ethers.provider);
    const result = await index.sync(head);
    const { accounts, wrong } = await index.check(head);
    expect(accounts).to.be.greaterThan(0);
    expect(wrong).to.equal(0);
    return result;
  }

  it("has an order from its submission to its fill, and its escrow out of the account", async () => {
    const world = await loadFixture(funded);
    const index = await openIndex(world);
    const account = accountOf(world.alice);
    const { sequence } = await world.submit(account, ETH, wad("2"));
    await sync(index);
    const { boundary, phase } = await world.orders.orderOf(account, sequence);
    expect(index.orders.get(keyOf({ account, sequence }))).to.deep.equal({
      account,
      sequence,
      boundary,
      legs: [{ asset: ETH, phase }],
    });
    expect(index.accounts.get(account)?.cash).to.equal((await world.clearingHouse.accountOf(account)).cash);

    await world.execute(account, sequence, await world.settle(account, sequence));
    await sync(index);
    expect(index.orders.size).to.equal(0);
    const [size, quote] = await world.clearingHouse.positionOf(account, ETH);
    expect(size).to.equal(wad("2"));
    expect(index.accounts.get(account)?.positions.get(ETH)).to.deep.equal({ size, quote });
    await index.close();
  });

  it("gives the escrow back with an order that is cancelled or refunded", async () => {
    const world = await loadFixture(funded);
    const index = await openIndex(world);
    const account = accountOf(world.bob);
    // Its price is not acceptable.
    await world.trade(account, ETH, wad("1"), { acceptablePrice: wad("1") });
    // The sequencer was down after it.
    const { sequence } = await world.submit(account, BTC, wad("0.1"));
    await world.setSequencer(false);
    await world.advance(60);
    await world.setSequencer(true);
    const { outcome } = await world.execute(account, sequence, []);
    expect(outcome).to.equal("Refunded");
    await sync(index);
    expect(index.orders.size).to.equal(0);
    expect(index.accounts.get(account)?.positions.size).to.equal(0);
    await index.close();
  });

  it("has every leg of a basket", async () => {
    const world = await loadFixture(funded);
    const index = await openIndex(world);
    const account = accountOf(world.alice);
    const { sequence } = await world.clearingHouse.accountOf(account);
    const legs = [
      { asset: BTC, delta: wad("0.1") },
      { asset: ETH, delta: -wad("1") },
    ];
    await world.orders.connect(world.alice).submitBasket(account, legs, false, 0);
    await sync(index);
    const [, views] = await world.orders.basketOf(account, sequence);
    expect(index.orders.get(keyOf({ account, sequence }))?.legs).to.deep.equal(
      views.map(({ asset, phase }) => ({ asset: Number(asset), phase })),
    );
    // One of a single leg is a basket to the contract.
    await world.orders.connect(world.bob).submitBasket(accountOf(world.bob), legs.slice(1), false, 0);
    await sync(index);
    expect([...index.orders.values()].map((order) => order.legs.length)).to.deep.equal([2, 1]);
    await index.close();
  });

  it("has the check find orders and triggers that are not there any more, or are others", async () => {
    const world = await loadFixture(funded);
    const index = await openIndex(world);
    const account = accountOf(world.alice);
    await world.submit(account, ETH, wad("2"));
    await world.submit(accountOf(world.bob), BTC, wad("0.1"));
    const trigger = {
      asset: ETH,
      delta: wad("-2"),
      triggerPrice: wad("2000"),
      above: true,
      acceptablePrice: 0n,
      expiry: 0,
    };
    await world.orders.connect(world.alice).submitTrigger(account, trigger);
    await sync(index);
    const source = new ChainSource(ethers.provider, await contractsOf(world));
    const block = await ethers.provider.getBlockNumber();
    const [orders, triggers] = [[...index.orders.values()], [...index.triggers.values()]];
    const gone = <Item extends { sequence: bigint }>(items: readonly Item[]) =>
      items.map((item) => ({ ...item, sequence: item.sequence + 40n }));

    expect([orders.length, triggers.length]).to.deep.equal([2, 1]);
    expect(await source.orders([...gone(orders), ...orders], block)).to.deep.equal([undefined, undefined, ...orders]);
    expect(await source.triggers([...gone(triggers), ...triggers], block)).to.deep.equal([undefined, ...triggers]);
    await index.close();
  });

  it("has a trigger until it is poked, which pays the poker and leaves an order, or cancelled", async () => {
    const world = await loadFixture(funded);
    const index = await openIndex(world);
    const account = accountOf(world.alice);
    await world.trade(account, ETH, wad("2"));
    const price = await world.priceOf(ETH);
    const triggerPrice = price / 2n;
    const { sequence } = await world.clearingHouse.accountOf(account);
    const input = { asset: ETH, delta: -wad("2"), triggerPrice, above: true, acceptablePrice: 0n, expiry: 0n };
    await world.orders.connect(world.alice).submitTrigger(account, input);
    await world.orders.connect(world.alice).submitTrigger(account, { ...input, above: false, expiry: 4_000_000_000n });
    await sync(index);
    expect([...index.triggers.values()].map(({ above, expiry }) => ({ above, expiry }))).to.deep.equal([
      { above: true, expiry: 0n },
      { above: false, expiry: 4_000_000_000n },
    ]);
    const stored = await world.orders.triggerOf(account, sequence);
    expect(index.triggers.get(keyOf({ account, sequence }))).to.deep.equal({
      account,
      sequence,
      asset: ETH,
      delta: -wad("2"),
      triggerPrice: stored.triggerPrice,
      above: true,
      expiry: 0n,
    });

    await world.setPrice(ETH, price);
    await world.orders.connect(world.keeper).poke(account, sequence, accountOf(world.keeper));
    await world.orders.connect(world.alice).cancelTrigger(account, sequence + 1n);
    await sync(index);
    expect(index.triggers.size).to.equal(0);
    expect([...index.orders.keys()]).to.deep.equal([keyOf({ account, sequence: sequence + 2n })]);
    expect(index.accounts.get(accountOf(world.keeper))?.cash).to.be.a("bigint");
    await index.close();
  });

  it("has a batch of the pool as long as anything of it waits", async () => {
    const world = await loadFixture(funded);
    const index = await openIndex(world);
    await sync(index);
    expect(index.batches.size).to.equal(0);
    const batch = await world.requestDeposit(world.provider, wad("500"));
    await world.pool.connect(world.provider).requestRedeem(1_000n, world.provider, world.provider);
    await sync(index);
    const { closesAt, maturesAt } = await world.pool.batchOf(batch);
    expect(index.batches.get(batch)).to.deep.equal({
      batch,
      closesAt,
      maturesAt,
      assets: 500_000_000n,
      shares: 1_000n,
    });
    await world.mature(batch);
    await world.pool.fulfill(batch);
    await sync(index);
    expect(index.batches.size).to.equal(0);
    await index.close();
  });

  it("has collateral as it comes, moves between sub-accounts, and goes", async () => {
    const world = await loadFixture(funded);
    const index = await openIndex(world);
    const account = await world.fundCollateral(world.alice, WETH_TOKEN, wad("3"));
    const other = await world.fundCollateral(world.alice, WETH_TOKEN, wad("0.5"), 1n);
    await world.clearingHouse.connect(world.alice).transfer(account, other, WETH_TOKEN, wad("1"));
    await world.vault.connect(world.alice).withdraw(other, WETH_TOKEN, wad("1.5"), world.alice);
    await sync(index);
    expect(index.accounts.get(account)?.collateral.get(WETH_TOKEN)).to.equal(wad("2"));
    expect(index.accounts.get(other)?.collateral.size).to.equal(0);
    await index.close();
  });

  it("takes a fork of the chain back", async () => {
    const world = await loadFixture(funded);
    const index = await openIndex(world);
    const account = accountOf(world.alice);
    await world.fund(world.alice, wad("1"));
    await sync(index);
    const snapshot = await networkHelpers.takeSnapshot();
    const before = await blockOf(ethers.provider);
    await world.submit(account, ETH, wad("2"));
    await world.fund(world.bob, wad("5"));
    await sync(index);
    await snapshot.restore();
    await networkHelpers.time.increase(7);
    for (let block = 0; block < 3; ++block) await world.fund(world.alice, wad("10"));
    const { rewoundTo } = await sync(index);
    expect(rewoundTo).to.equal(before.number);
    expect(index.orders.size).to.equal(0);
    expect(index.accounts.get(account)?.cash).to.equal(wad("100_031"));
    await index.close();
  });
});
