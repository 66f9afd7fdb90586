import { expect } from "chai";

import { decodeFunding } from "../../scripts/model/funding.ts";
import { cutProfits } from "../../scripts/model/profitCut.ts";
import { decodeWatch } from "../../scripts/model/watch.ts";
import {
  cashOf,
  eventOf,
  expectConserved,
  expectNear,
  load,
  movePrice,
  nextSecond,
  now,
  poolEquityOf,
  poolStateOf,
  sizeOf,
} from "../clearing/support.ts";
import { type Account, deploy, receiptOf, type World } from "../fixture.ts";
import { BTC, ETH, HOUR, LINK, percent, SOL, USDC, wad, WBTC } from "../parameters.ts";
import { capSkew, cutToTheLast } from "./scenarios.ts";
import { movesOf, positionOf } from "./support.ts";

type Insolvent = World & Record<"winner" | "second" | "loser", Account>;

describe("ClearingHouse.cutProfits", () => {
  afterEach(expectConserved);

  it("scales what every winning side is worth by the same factor, so that the pool is solvent", async () => {
    const world = await load(insolvent);
    const { clearingHouse, winner, second, stranger } = world;
    const { equity } = await clearingHouse.poolValuation();
    expect(equity).to.be.lessThan(wad("-50_000"));
    const before = [await valueOf(world, winner, ETH), await valueOf(world, second, BTC)];
    const profits = before.reduce((sum, value) => sum + value);

    const receipt = await receiptOf(clearingHouse.connect(stranger).cutProfits());
    const after = [await valueOf(world, winner, ETH), await valueOf(world, second, BTC)];
    for (const [index, value] of after.entries()) {
      const kept = (before[index] ?? 0n) * (profits + equity);
      expectNear(value, kept / profits, 1_000_000n);
      expect(value * profits).to.be.at.most(kept);
    }
    expect((await clearingHouse.poolValuation()).equity).to.be.within(0n, 2_000_000n);
    await expect(receipt).not.to.emit(clearingHouse, "PoolRescued");
    const cut = ((1n << 64n) * -equity) / profits;
    for (const asset of [ETH, BTC]) {
      await expect(receipt)
        .to.emit(clearingHouse, "ProfitsCut")
        .withArgs(
          asset,
          true,
          (h: bigint) => h >= cut && h <= cut + 2n,
          (offset: bigint) => offset < 0n,
        );
    }
  });

  it("changes no size, no cash and no side that has lost", async () => {
    const world = await load(insolvent);
    const { clearingHouse, winner, loser } = world;
    const before = [await sizeOf(world, winner, ETH), await positionOf(world, loser, ETH)];

    const { cash, base } = await movesOf(world, [winner, loser], () => clearingHouse.cutProfits());
    expect([cash, base]).to.deep.equal([[0n, 0n], 0n]);
    expect([await sizeOf(world, winner, ETH), await positionOf(world, loser, ETH)]).to.deep.equal(before);
  });

  it("agrees with the model on the pool's equity", async () => {
    const world = await load(insolvent);
    await world.clearingHouse.cutProfits();

    expect((await world.clearingHouse.poolValuation()).equity).to.equal(
      (await poolEquityOf(world, await now())).equity,
    );
  });

  it("leaves the gains and losses that come after it whole", async () => {
    const world = await load(insolvent);
    const { clearingHouse, winner } = world;
    await clearingHouse.cutProfits();
    const value = await valueOf(world, winner, ETH);

    await world.setPrice(ETH, (await world.priceOf(ETH)) + wad("10"));
    expectNear((await valueOf(world, winner, ETH)) - value, wad("2_000"), 10n);
  });

  it("lets positions be closed and opened as before", async () => {
    const world = await load(insolvent);
    const { clearingHouse, winner, trade } = world;
    await clearingHouse.cutProfits();
    const [value, cash] = [await valueOf(world, winner, ETH), await cashOf(world, winner)];

    const { outcome, executed } = await trade(winner, ETH, wad("-200"), { reduceOnly: true });
    expect(outcome).to.equal("Filled");
    const fee = eventOf(clearingHouse, executed, "Fill").getValue("fee") as bigint;
    // The skew's impact is what the pool has held for it.
    expectNear((await cashOf(world, winner)) - cash, value - fee, wad("1_000"));
    expect((await clearingHouse.poolValuation()).equity).to.be.at.least(0n);
  });

  it("favours nobody who left the day before: the same share of every account", async () => {
    const world = await load(twoWinners);
    const { clearingHouse, winner, third } = world;
    const before = [await valueOf(world, winner, ETH), await valueOf(world, third, ETH)] as const;
    expect(before[0]).to.be.greaterThan(before[1]);

    await clearingHouse.cutProfits();
    const after = [await valueOf(world, winner, ETH), await valueOf(world, third, ETH)] as const;
    expectNear(after[0] * before[1], after[1] * before[0], before[0] * 1_000_000n);
  });

  it("takes what insurance has first", async () => {
    const world = await load(partlyInsured);
    const { clearingHouse } = world;
    const [{ equity }, { insurance }] = [await clearingHouse.poolValuation(), await clearingHouse.ledger()];
    expect(insurance).to.be.within(wad("50_000"), -equity);

    const { receipt, ...moved } = await movesOf(world, [], () => clearingHouse.cutProfits());
    expect([moved.insurance, moved.base]).to.deep.equal([-insurance, insurance]);
    await expect(receipt).to.emit(clearingHouse, "PoolRescued").withArgs(insurance);
    await expect(receipt).to.emit(clearingHouse, "ProfitsCut");
    expect((await clearingHouse.poolValuation()).equity).to.be.within(0n, 2_000_000n);
  });

  it("cuts nothing where insurance covers all of it", async () => {
    const world = await load(fullyInsured);
    const { clearingHouse, winner } = world;
    const { equity } = await clearingHouse.poolValuation();
    const value = await valueOf(world, winner, ETH);

    const { receipt, ...moved } = await movesOf(world, [], () => clearingHouse.cutProfits());
    expect([moved.insurance, moved.base]).to.deep.equal([equity, -equity]);
    await expect(receipt).not.to.emit(clearingHouse, "ProfitsCut");
    expect([await valueOf(world, winner, ETH), (await clearingHouse.poolValuation()).equity]).to.deep.equal([
      value,
      0n,
    ]);
  });

  it("can be done again after a further loss", async () => {
    const world = await load(insolvent);
    const { clearingHouse } = world;
    await clearingHouse.cutProfits();
    await world.setPrice(ETH, (await world.priceOf(ETH)) + wad("100"));
    expect((await clearingHouse.poolValuation()).equity).to.be.lessThan(0n);

    await clearingHouse.cutProfits();
    expect((await clearingHouse.poolValuation()).equity).to.be.within(0n, 4_000_000n);
  });

  it("closes a side of which less than 2^-24 is left, and everybody keeps the same share", async () => {
    const world = await load(nearlyCut);
    const { clearingHouse, winner, third } = world;
    const before = [await valueOf(world, winner, ETH), await valueOf(world, third, ETH)] as const;
    const at = await nextSecond();
    const expected = cutProfits(await poolStateOf(world, at), { insurance: 0n });
    const { closedValue } = await clearingHouse.ledger();

    const receipt = await receiptOf(clearingHouse.cutProfits());
    await expect(receipt).to.emit(clearingHouse, "SideClosed").withArgs(ETH, true, 0);
    const kept = [await valueOf(world, winner, ETH), await valueOf(world, third, ETH)] as const;
    expect(kept[1]).to.be.greaterThan(wad("1_000"));
    expectNear(kept[0] * before[1], kept[1] * before[0], before[0] * 1_000_000n);
    expect([await sizeOf(world, winner, ETH), await sizeOf(world, third, ETH)]).to.deep.equal([0n, 0n]);
    expect((await clearingHouse.poolValuation()).equity).to.be.within(0n, 1_000_000n);
    expect((await clearingHouse.ledger()).closedValue - closedValue).to.equal(expected?.owed);
  });

  it("steers the funding rate by the skew that a closed side leaves", async () => {
    const world = await load(nearlyCutWithFunding);
    const { clearingHouse } = world;
    const expected = cutProfits(await poolStateOf(world, await nextSecond()), { insurance: 0n });

    await clearingHouse.cutProfits();
    const { velocity } = decodeFunding((await clearingHouse.marketOf(ETH)).funding);
    expect(velocity).to.be.lessThan(0n);
    expect(velocity).to.equal(expected?.markets.find(({ asset }) => asset === ETH)?.funding.velocity);
  });

  it("pays as cash what a closed side has kept, and owes its positions no more", async () => {
    const world = await load(nearlyCut);
    const { clearingHouse, winner } = world;
    await clearingHouse.cutProfits();
    const value = await valueOf(world, winner, ETH);
    const { equity } = await clearingHouse.poolValuation();
    const short = await valueOf(world, world.loser, ETH);

    await world.setPrice(ETH, (await world.priceOf(ETH)) + wad("1_000"));
    const lost = short - (await valueOf(world, world.loser, ETH));
    const premium = wad("1");
    expectNear((await clearingHouse.poolValuation()).equity - equity, lost, premium);
    const { cash } = await movesOf(world, [winner], () => clearingHouse.realise(winner));
    expect(cash).to.deep.equal([value]);
  });

  it("closes a side that is cut whole, so that its later gains are nobody's", async () => {
    const world = await load(ruined);
    const { clearingHouse, second } = world;
    const profit = await valueOf(world, second, ETH);
    const { equity } = await clearingHouse.poolValuation();
    expect(profit).to.be.within(1n, -equity);

    expect(await clearingHouse.cutProfits.staticCall()).to.equal(1n << 64n);
    await expect(clearingHouse.cutProfits()).to.emit(clearingHouse, "SideClosed").withArgs(ETH, true, 0);
    expect(await sizeOf(world, second, ETH)).to.equal(0n);
    // The premium that has been held for whoever closes: 20²·3,300/(2·250,000).
    expectNear(await valueOf(world, second, ETH), wad("2.64"), 10n);
    const left = (await clearingHouse.poolValuation()).equity;
    expect(left).to.be.greaterThan(equity + profit - 10n);

    await world.setPrice(ETH, (await world.priceOf(ETH)) + wad("200"));
    expect((await clearingHouse.poolValuation()).equity).to.equal(left);
    await expect(clearingHouse.cutProfits()).to.be.revertedWithCustomError(clearingHouse, "NoProfits");
  });

  it("forgets since when the market was over its skew cap where closing the side ends that", async () => {
    const world = await load(nearlyCut);
    const { clearingHouse } = world;
    await capSkew(world, wad("50"));
    await clearingHouse.flagDeleveraging(ETH);
    expect(decodeWatch(await clearingHouse.watchOf(ETH)).overSince).not.to.equal(0n);

    await clearingHouse.cutProfits();
    expect(decodeWatch(await clearingHouse.watchOf(ETH)).overSince).to.equal(0n);
  });

  it("is not for a solvent pool", async () => {
    const world = await load(insolvent);
    const { clearingHouse } = world;
    await clearingHouse.cutProfits();
    const { equity } = await clearingHouse.poolValuation();

    await expect(clearingHouse.cutProfits())
      .to.be.revertedWithCustomError(clearingHouse, "PoolSolvent")
      .withArgs(equity, true);
  });

  it("is not done by a price that is not live", async () => {
    const world = await load(insolvent);
    const { clearingHouse } = world;
    await world.advance(2 * HOUR);
    for (const asset of [ETH, SOL, LINK, WBTC, USDC]) await world.setPrice(asset);
    const { equity } = await clearingHouse.poolValuation();
    expect(equity).to.be.lessThan(0n);

    await expect(clearingHouse.cutProfits())
      .to.be.revertedWithCustomError(clearingHouse, "PoolSolvent")
      .withArgs(equity, false);
  });

  it("finds nothing to cut where no side is worth anything", async () => {
    const world = await load(paidOut);
    const { clearingHouse } = world;
    expect((await clearingHouse.poolValuation()).equity).to.be.lessThan(0n);

    await expect(clearingHouse.cutProfits()).to.be.revertedWithCustomError(clearingHouse, "NoProfits");
  });
});

/** What a position is worth now. */
async function valueOf(world: World, account: Account, asset: number): Promise<bigint> {
  const { size, quote } = await positionOf(world, account, asset);
  return (size * (await world.priceOf(asset))) / 10n ** 18n + quote;
}

/** A pool of 200,000; longs of 200 ETH and 10 BTC have won more than that, a short of 20 ETH has lost. */
async function insolvent(): Promise<Insolvent> {
  return withWinners(await small(), wad("3_200"));
}

async function small({ funded = false } = {}): Promise<World> {
  const world = await deploy(({ assets, globals }) => {
    for (const asset of assets) {
      asset.openInterestShare = 10 * percent(100);
      if (!funded) [asset.maxFundingRate, asset.fundingVelocity] = [0, 0];
    }
    globals.insuranceFeeShare = 0;
  });
  await world.poolDeposit(world.provider, wad("200_000"));
  return world;
}

async function withWinners(world: World, price: bigint): Promise<Insolvent> {
  const winner = await world.fund(world.alice, wad("100_000"));
  const second = await world.fund(world.carol, wad("100_000"));
  const loser = await world.fund(world.bob, wad("100_000"));
  await world.trade(winner, ETH, wad("200"));
  await world.trade(second, BTC, wad("10"));
  await world.trade(loser, ETH, wad("-20"));
  await movePrice(world, ETH, price);
  await movePrice(world, BTC, wad("33_000"));
  return { ...world, winner, second, loser };
}

/** A second long of 50 ETH, from a price of 2,500. */
async function twoWinners(): Promise<Insolvent & { third: Account }> {
  return withThird(await small());
}

async function withThird(empty: World): Promise<Insolvent & { third: Account }> {
  const world = await withWinners(empty, wad("2_500"));
  const third = await world.fund(world.keeper, wad("100_000"));
  await world.trade(third, ETH, wad("50"));
  await movePrice(world, ETH, wad("3_200"));
  return { ...world, third };
}

/** As `twoWinners`, and the next cut leaves less than 2^-24 of the longs. */
async function nearlyCut(): Promise<Insolvent & { third: Account }> {
  const world = await twoWinners();
  await cutToTheLast(world);
  return world;
}

/** The same with funding. */
async function nearlyCutWithFunding(): Promise<Insolvent & { third: Account }> {
  const world = await withThird(await small({ funded: true }));
  await cutToTheLast(world);
  return world;
}

/** Alice has been paid more than the pool had; carol's long has won less than it lacks. */
async function ruined(): Promise<World & { second: Account }> {
  const world = await small();
  const second = await world.fund(world.carol, wad("100_000"));
  const account = await world.fund(world.alice, wad("100_000"));
  await world.trade(account, ETH, wad("200"));
  await world.trade(second, ETH, wad("20"));
  await movePrice(world, ETH, wad("3_300"));
  await world.trade(account, ETH, wad("-200"), { reduceOnly: true });
  return { ...world, second };
}

async function partlyInsured(): Promise<Insolvent> {
  const world = await insolvent();
  await contribute(world, wad("60_000"));
  return world;
}

async function fullyInsured(): Promise<Insolvent> {
  const world = await insolvent();
  await contribute(world, wad("500_000"));
  return world;
}

async function contribute(world: World, amount: bigint): Promise<void> {
  const account = await world.fund(world.stranger, amount);
  await world.insuranceFund.connect(world.stranger).contribute(account, amount);
}

/** Alice has closed at a profit of more than the pool had. */
async function paidOut(): Promise<World> {
  const world = await small();
  const account = await world.fund(world.alice, wad("100_000"));
  await world.trade(account, ETH, wad("200"));
  await movePrice(world, ETH, wad("3_200"));
  await world.trade(account, ETH, wad("-200"), { reduceOnly: true });
  return world;
}
