import { expect } from "chai";

import { frozen, still } from "../clearing/scenarios.ts";
import {
  betterTerms,
  cashOf,
  expectConserved,
  expectNear,
  load,
  movePrice,
  now,
  stateOf,
} from "../clearing/support.ts";
import { accountOf, receiptOf } from "../fixture.ts";
import { BTC, DAY, defaults, ETH, HOUR, LINK, SOL, USDC, wad, WETH_TOKEN } from "../parameters.ts";
import type { Case } from "./scenarios.ts";
import { movesOf, positionOf } from "./support.ts";

describe("ClearingHouse.realise", () => {
  afterEach(expectConserved);

  it("moves the loss of a position to cash and to the pool, by anyone", async () => {
    const world = await load(losing);
    const { clearingHouse, account, stranger } = world;
    const [{ size, quote }, equity] = [await positionOf(world, account, ETH), await equityOf(world)];
    const loss = -(quote + wad("170_000"));
    expectNear(loss, wad("10_000"), wad("100"));

    const { receipt, ...moved } = await movesOf(world, [account], () =>
      clearingHouse.connect(stranger).realise(account),
    );
    expect(moved).to.deep.equal({ base: loss, lent: 0n, insurance: 0n, protocolFees: 0n, cash: [-loss] });
    expect(await positionOf(world, account, ETH)).to.deep.equal({ size, quote: quote + loss });
    expect(await equityOf(world)).to.equal(equity);
    await expect(receipt).to.emit(clearingHouse, "LossRealised").withArgs(account, ETH, loss);
  });

  it("leaves the pool's equity", async () => {
    const world = await load(losing);
    const { clearingHouse, account } = world;
    const { equity } = await clearingHouse.poolValuation();

    await clearingHouse.realise(account);
    expect((await clearingHouse.poolValuation()).equity).to.equal(equity);
  });

  it("makes a debt of what cash does not cover, which bears interest from then on", async () => {
    const world = await load(uncovered);
    const { clearingHouse, account, advance } = world;
    const cash = await cashOf(world, account);
    await advance(DAY);
    expect(await cashOf(world, account)).to.equal(cash);
    await world.refresh();
    const equity = await equityOf(world);

    const moved = await clearingHouse.realise.staticCall(account);
    await clearingHouse.realise(account);
    const owed = -(await cashOf(world, account));
    expect(owed).to.equal(moved - cash);
    expect((await clearingHouse.ledger()).lent).to.be.within(owed - 1n, owed);
    expectNear(await equityOf(world), equity, 1n);
    await advance(365 * DAY);
    expect(-(await cashOf(world, account))).to.be.greaterThan(owed);
  });

  it("does nothing twice", async () => {
    const world = await load(losing);
    const { clearingHouse, account } = world;
    await clearingHouse.realise(account);

    const { receipt, ...moved } = await movesOf(world, [account], () => clearingHouse.realise(account));
    expect(moved).to.deep.equal({ base: 0n, lent: 0n, insurance: 0n, protocolFees: 0n, cash: [0n] });
    expect(receipt.logs.some((log) => clearingHouse.interface.parseLog(log) !== null)).to.equal(false);
  });

  it("does nothing to an account in profit", async () => {
    const world = await load(losing);
    const { clearingHouse, account } = world;
    await world.setPrice(ETH, wad("1900"));
    const before = await positionOf(world, account, ETH);

    const moved = await movesOf(world, [account], () => clearingHouse.realise(account));
    expect([moved.base, moved.cash]).to.deep.equal([0n, [0n]]);
    expect(await positionOf(world, account, ETH)).to.deep.equal(before);
  });

  it("does nothing to an account without positions", async () => {
    const world = await load(losing);

    expect(await world.clearingHouse.realise.staticCall(world.other)).to.equal(0n);
    await world.clearingHouse.realise(world.other);
  });

  it("moves only what losses exceed profits by, and leaves the profits", async () => {
    const world = await load(winningToo);
    const { clearingHouse, account } = world;
    const [eth, btc] = [await positionOf(world, account, ETH), await positionOf(world, account, BTC)];
    const loss = -(eth.quote + wad("170_000"));
    const profit = btc.quote + wad("145_000"); // 5 · 29,000
    const gained = btc.quote + wad("150_000");
    expect(profit).to.be.lessThan(gained);

    const { cash } = await movesOf(world, [account], () => clearingHouse.realise(account));
    expect(cash).to.deep.equal([gained - loss]);
    expect(await positionOf(world, account, BTC)).to.deep.equal(btc);
    expect((await positionOf(world, account, ETH)).quote).to.equal(eth.quote + loss - gained);
  });

  it("takes several losses, in the order of the assets", async () => {
    const world = await load(losingTwice);
    const { clearingHouse, account } = world;
    const [eth, btc] = [await positionOf(world, account, ETH), await positionOf(world, account, BTC)];

    const receipt = await receiptOf(clearingHouse.realise(account));
    const events = receipt.logs
      .map((log) => clearingHouse.interface.parseLog(log))
      .filter((event) => event?.name === "LossRealised")
      .map((event) => [event?.args.getValue("asset") as bigint, event?.args.getValue("loss") as bigint]);
    expect(events).to.deep.equal([
      [0n, -(eth.quote + wad("170_000"))],
      [1n, -(btc.quote + wad("140_000"))],
    ]);
  });

  it("leaves a position without a live price alone, and takes the others", async () => {
    const world = await load(losingTwice);
    const { clearingHouse, account, advance, setPrice } = world;
    await clearingHouse.realise.staticCall(account);
    const eth = await positionOf(world, account, ETH);
    await advance(2 * HOUR);
    for (const asset of [BTC, SOL, LINK, USDC]) await setPrice(asset);

    const receipt = await receiptOf(clearingHouse.realise(account));
    expect(await positionOf(world, account, ETH)).to.deep.equal(eth);
    await expect(receipt).to.emit(clearingHouse, "LossRealised");
    expectNear((await positionOf(world, account, BTC)).quote, wad("-140_000"), 1n);
  });

  it("does not count the profit of a position without a live price", async () => {
    const world = await load(winningToo);
    const { clearingHouse, account, advance, setPrice } = world;
    const { quote } = await positionOf(world, account, ETH);
    await advance(2 * HOUR);
    for (const asset of [ETH, SOL, LINK, USDC]) await setPrice(asset);

    expect(await clearingHouse.realise.staticCall(account)).to.equal(-(quote + wad("170_000")));
  });

  it("waits for the sequencer to settle", async () => {
    const world = await load(losing);
    await world.setSequencer(false);
    await world.setSequencer(true);

    await expect(world.clearingHouse.realise(world.account)).to.be.revertedWithCustomError(
      world.clearingHouse,
      "SequencerNotSettled",
    );
  });
});

async function equityOf(world: Case): Promise<bigint> {
  return betterTerms(await stateOf(world, world.account, await now())).equity;
}

/** Alice is long 100 ETH from 1800, now at 1700. */
async function losing(): Promise<Case> {
  const world = await still();
  const account = accountOf(world.alice);
  await world.trade(account, ETH, wad("100"));
  await world.setPrice(ETH, wad("1700"));
  return { ...world, account, other: accountOf(world.bob) };
}

/** The same, and long 5 BTC from 29,000, now at 30,000. */
async function winningToo(): Promise<Case> {
  const world = await losing();
  await world.trade(world.account, BTC, wad("5"));
  await movePrice(world, BTC, wad("30_000"));
  return world;
}

/** The same, with BTC at 28,000. */
async function losingTwice(): Promise<Case> {
  const world = await losing();
  await world.trade(world.account, BTC, wad("5"));
  await movePrice(world, BTC, wad("28_000"));
  return world;
}

/** Carol has 100 WETH, no cash, and 10 BTC from 29,000, now at 25,000. */
async function uncovered(): Promise<Case> {
  const world = await frozen((parameters) => {
    parameters.money = defaults().money; // with interest
  });
  const account = await world.fundCollateral(world.carol, WETH_TOKEN, wad("100"));
  await world.fund(world.carol, wad("1_000"));
  await world.trade(account, BTC, wad("10"));
  await movePrice(world, BTC, wad("25_000"));
  return { ...world, account, other: accountOf(world.bob) };
}
