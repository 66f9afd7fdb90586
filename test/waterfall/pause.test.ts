import { expect } from "chai";

import { still } from "../clearing/scenarios.ts";
import { cashOf, eventOf, expectConserved, load, sizeOf } from "../clearing/support.ts";
import { type Account, accountOf, type World } from "../fixture.ts";
import { ETH, SETTLEMENT, wad, WETH_TOKEN } from "../parameters.ts";
import { indebted, leveraged } from "./scenarios.ts";

/** Reason of `IncreaseRefused`. */
const PAUSED = 3n;

describe("ClearingHouse.pause", () => {
  afterEach(expectConserved);

  it("is set and taken back, by the authority only", async () => {
    const { clearingHouse, stranger } = await load(still);

    await expect(clearingHouse.pause()).to.emit(clearingHouse, "Paused").withArgs(true);
    expect((await clearingHouse.ledger()).paused).to.equal(true);
    await expect(clearingHouse.unpause()).to.emit(clearingHouse, "Paused").withArgs(false);
    expect((await clearingHouse.ledger()).paused).to.equal(false);
    for (const name of ["pause", "unpause"] as const) {
      await expect(clearingHouse.connect(stranger)[name]())
        .to.be.revertedWithCustomError(clearingHouse, "AccessManagedUnauthorized")
        .withArgs(stranger);
    }
  });

  describe("refuses", () => {
    it("an order that is not reduce-only", async () => {
      const { clearingHouse, orders, account, alice } = await load(paused);
      const order = { asset: ETH, delta: wad("1"), acceptablePrice: 0n, reduceOnly: false, expiry: 0 };

      await expect(orders.connect(alice).submit(account, order))
        .to.be.revertedWithCustomError(clearingHouse, "IncreaseRefused")
        .withArgs(account, 0n, PAUSED);
      expect((await clearingHouse.accountOf(account)).pending).to.equal(0n);
    });

    it("a basket", async () => {
      const { clearingHouse, orders, account, alice } = await load(paused);
      const legs = [
        { asset: ETH, delta: wad("1") },
        { asset: 1, delta: wad("-1") },
      ];

      await expect(orders.connect(alice).submitBasket(account, legs, false, 0))
        .to.be.revertedWithCustomError(clearingHouse, "IncreaseRefused")
        .withArgs(account, 0n, PAUSED);
    });

    it("an order in flight that raises the requirement: it is cancelled free", async () => {
      const world = await load(open);
      const { clearingHouse, account, submit, settle, execute } = world;
      const cash = await cashOf(world, account);
      const { sequence } = await submit(account, ETH, wad("1"));
      await clearingHouse.pause();

      const { outcome, cause, receipt } = await execute(account, sequence, await settle(account, sequence));
      expect([outcome, cause]).to.deep.equal(["Cancelled", "MarketReduceOnly"]);
      const closed = eventOf(clearingHouse, receipt, "OrderClosed");
      expect(closed.getValue("forfeited")).to.equal(0n);
      expect(cash - (await cashOf(world, account))).to.equal(closed.getValue("pay"));
      expect(await sizeOf(world, account, ETH)).to.equal(wad("10"));
    });
  });

  describe("does not stop", () => {
    it("deposits and withdrawals", async () => {
      const world = await load(paused);
      const { vault, alice, account } = world;
      await world.fund(alice, wad("10"));
      await world.fundCollateral(alice, WETH_TOKEN, wad("1"));

      await vault.connect(alice).withdraw(account, SETTLEMENT, 10n * 10n ** 6n, alice);
      await vault.connect(alice).withdraw(account, WETH_TOKEN, wad("1"), alice);
    });

    it("transfers between own sub-accounts", async () => {
      const { clearingHouse, account, alice } = await load(paused);

      await clearingHouse.connect(alice).transfer(account, accountOf(alice, 1n), SETTLEMENT, wad("10"));
    });

    it("reductions", async () => {
      const world = await load(paused);

      const { outcome } = await world.trade(world.account, ETH, wad("-10"), { reduceOnly: true });
      expect(outcome).to.equal("Filled");
      expect(await sizeOf(world, world.account, ETH)).to.equal(0n);
    });

    it("an order in flight that happens to lower the requirement", async () => {
      const world = await load(open);
      const { clearingHouse, account, submit, settle, execute } = world;
      const { sequence } = await submit(account, ETH, wad("-4"));
      await clearingHouse.pause();

      expect((await execute(account, sequence, await settle(account, sequence))).outcome).to.equal("Filled");
      expect(await sizeOf(world, account, ETH)).to.equal(wad("6"));
    });

    it("liquidations and takeovers", async () => {
      const world = await load(leveraged);
      const { clearingHouse, account, other, bob } = world;
      await clearingHouse.pause();
      await world.setPrice(ETH, wad("1728"));
      const leg = [{ asset: ETH, delta: wad("-100") }];

      await clearingHouse.connect(bob).takeOver(account, leg, other);
      await clearingHouse.connect(bob).liquidate(account, leg, [], other);
      expect(await sizeOf(world, account, ETH)).to.equal(wad("550"));
    });

    it("conversions and the realising of losses", async () => {
      const world = await load(indebted);
      const { clearingHouse, account, other, bob } = world;
      await clearingHouse.pause();

      await clearingHouse.connect(bob).convert(account, [{ token: WETH_TOKEN, amount: wad("10") }], other);
      await clearingHouse.realise(account);
    });

    it("the pool's requests", async () => {
      const world = await load(paused);

      expect(await world.poolDeposit(world.provider, wad("1_000"))).to.be.greaterThan(0n);
    });
  });

  it("is over when it is taken back", async () => {
    const world = await load(paused);
    await world.clearingHouse.unpause();

    expect((await world.trade(world.account, ETH, wad("1"))).outcome).to.equal("Filled");
  });
});

/** Alice is long 10 ETH. */
async function open(): Promise<World & { account: Account }> {
  const world = await still();
  const account = accountOf(world.alice);
  await world.trade(account, ETH, wad("10"));
  return { ...world, account };
}

async function paused(): Promise<World & { account: Account }> {
  const world = await open();
  await world.clearingHouse.pause();
  return world;
}
