import { expect } from "chai";

import { cashOf, eventOf, expectConserved, load, movePrice, sizeOf } from "../clearing/support.ts";
import { accountOf, deploy, type World } from "../fixture.ts";
import { BTC, ETH, percent, SOL, wad, WETH_TOKEN } from "../parameters.ts";
import type { Case } from "./scenarios.ts";

describe("Liquidity of the pool", () => {
  afterEach(expectConserved);

  it("covers an escrow that cash does not", async () => {
    const world = await load(exhausted);
    const { clearingHouse, orders, account, carol } = world;
    const { base } = await clearingHouse.ledger();
    expect(base).to.be.lessThan(0n);
    const order = { asset: SOL, delta: wad("10"), acceptablePrice: 0n, reduceOnly: false, expiry: 0 };

    await expect(orders.connect(carol).submit(account, order))
      .to.be.revertedWithCustomError(clearingHouse, "InsufficientLiquidity")
      .withArgs(base, (taken: bigint) => taken > wad("0.2") && taken < wad("10"));
    const { pending, cash } = await clearingHouse.accountOf(account);
    expect([pending, cash]).to.deep.equal([0n, 0n]);
  });

  it("is not asked for where cash suffices", async () => {
    const world = await load(exhausted);
    const account = await world.fund(world.carol, wad("100"));

    const { outcome } = await world.trade(account, SOL, wad("10"));
    expect(outcome).to.equal("Filled");
  });

  it("covers a fee that is more than the escrow and all cash", async () => {
    const world = await load(exhausted);
    const { clearingHouse, submit, settle, execute } = world;
    // 3,000 SOL at 24: a charge of 57.6. At 27 the fee is 64.8.
    const account = await world.fund(world.carol, wad("58.5"));
    const { base } = await clearingHouse.ledger();
    const { sequence } = await submit(account, SOL, wad("3_000"));
    const hints = await settle(account, sequence, wad("27"));

    const { outcome, cause } = await execute(account, sequence, hints);
    expect([outcome, cause]).to.deep.equal(["Cancelled", "InsufficientLiquidity"]);
    expect((await clearingHouse.ledger()).base - base).to.equal(wad("57.6"));
    expect(await sizeOf(world, account, SOL)).to.equal(0n);
  });

  it("does not cover a flip that realises a loss: the order is cancelled, its charge forfeited", async () => {
    const world = await load(withLoss);
    const { clearingHouse, orders, account, trade } = world;
    const { base } = await clearingHouse.ledger();
    expect(base).to.be.lessThan(0n);
    const cash = await cashOf(world, account);
    expect(cash).to.be.within(wad("400"), wad("1_000"));

    const { outcome, cause, submitted } = await trade(account, BTC, wad("-12"));
    expect([outcome, cause]).to.deep.equal(["Cancelled", "InsufficientLiquidity"]);
    expect(await sizeOf(world, account, BTC)).to.equal(wad("10"));
    const charge = eventOf(orders, submitted, "OrderSubmitted").getValue("charge") as bigint;
    expect((await clearingHouse.ledger()).base - base).to.equal(charge);
  });

  it("lends to whoever reduces: a loss is realised whatever the pool has", async () => {
    const world = await load(withLoss);
    const { clearingHouse, account, trade } = world;

    const { outcome } = await trade(account, BTC, wad("-5"), { reduceOnly: true });
    expect(outcome).to.equal("Filled");
    expect(await sizeOf(world, account, BTC)).to.equal(wad("5"));
    expect(await cashOf(world, account)).to.be.lessThan(wad("-10_000"));
    expect((await clearingHouse.ledger()).base).to.be.lessThan(0n);
  });

  it("lends to whoever is made to realise a loss", async () => {
    const world = await load(withLoss);
    const { clearingHouse, account } = world;

    await clearingHouse.realise(account);
    expect(await cashOf(world, account)).to.be.lessThan(wad("-20_000"));
  });

  it("is lent as long as it lasts", async () => {
    const world = await load(withLossAndPool);

    const { outcome } = await world.trade(world.account, BTC, wad("-12"));
    expect(outcome).to.equal("Filled");
    expect(await sizeOf(world, world.account, BTC)).to.equal(wad("-2"));
    expect(await cashOf(world, world.account)).to.be.lessThan(wad("-20_000"));
  });
});

/** A pool of 600,000, of which alice's profit has left less than nothing. Carol has 100 WETH and no cash. */
async function exhausted(): Promise<Case> {
  const world = await small();
  const account = await world.fundCollateral(world.carol, WETH_TOKEN, wad("100"));
  return emptied({ ...world, account, other: accountOf(world.bob) });
}

/** The same; carol has 600 and 10 BTC that have lost 40,000. */
async function withLoss(): Promise<Case> {
  const world = await emptied(await longBitcoin());
  await movePrice(world, BTC, wad("25_000"));
  return world;
}

/** The same with all that the pool had. */
async function withLossAndPool(): Promise<Case> {
  const world = await longBitcoin();
  await movePrice(world, BTC, wad("25_000"));
  return world;
}

async function longBitcoin(): Promise<Case> {
  const world = await small();
  const account = await world.fundCollateral(world.carol, WETH_TOKEN, wad("100"));
  await world.fund(world.carol, wad("800"));
  await world.trade(account, BTC, wad("10"));
  return { ...world, account, other: accountOf(world.bob) };
}

async function small(): Promise<World> {
  const world = await deploy(({ assets }) => {
    for (const asset of assets) {
      [asset.maxFundingRate, asset.fundingVelocity, asset.openInterestShare] = [0, 0, percent(100)];
    }
  });
  await world.poolDeposit(world.provider, wad("600_000"));
  return world;
}

async function emptied(world: Case): Promise<Case> {
  const account = await world.fund(world.alice, wad("100_000"));
  await world.trade(account, ETH, wad("200"));
  await movePrice(world, ETH, wad("5_800"));
  await world.trade(account, ETH, wad("-200"), { reduceOnly: true });
  return world;
}
