import { expect } from "chai";

import { accruedIndexDown, rateDown, utilisationDown } from "../../scripts/model/interest.ts";
import { cashOf, expectConserved, load, movePrice, nextSecond, now } from "../clearing/support.ts";
import { accountOf, deploy, time, type World } from "../fixture.ts";
import { BTC, DAY, defaults, ETH, percent, wad, WAD, WETH_TOKEN } from "../parameters.ts";
import { type Case, indebtedWith } from "./scenarios.ts";

const YEAR = 365 * DAY;

describe("Interest on negative cash", () => {
  afterEach(expectConserved);

  it("grows with utilisation up to the kink", async () => {
    const world = await load(plenty);
    const { clearingHouse } = world;
    const { base, lent, debtIndex } = await touched(world);
    // 130,790 of some 10 million are lent: 1.28 % at 8 % / 80 %
    const used = (lent * 1_000_000n) / (lent + base);
    expect(used).to.be.within(12_000n, 14_000n);

    const passed = await passYear();
    const rate = (80_000n * used) / 800_000n;
    expect((await clearingHouse.ledger()).debtIndex).to.equal(grown(debtIndex, rate, passed));
  });

  it("grows faster beyond it", async () => {
    const world = await load(scarce);
    const { clearingHouse } = world;
    const { base, lent, debtIndex } = await touched(world);
    const used = (lent * 1_000_000n) / (lent + base);
    expect(used).to.be.within(150_000n, 500_000n);

    const passed = await passYear();
    const rate = 80_000n + ((800_000n - 80_000n) * (used - 100_000n)) / 900_000n;
    expect((await clearingHouse.ledger()).debtIndex).to.equal(grown(debtIndex, rate, passed));
  });

  it("is what a pool asks that has nothing left to lend", async () => {
    const world = await load(exhausted);
    const { clearingHouse } = world;
    const { base, debtIndex } = await touched(world);
    expect(base).to.be.at.most(0n);

    const passed = await passYear();
    expect((await clearingHouse.ledger()).debtIndex).to.equal(grown(debtIndex, 800_000n, passed));
  });

  it("is owed by the account and earned by the pool", async () => {
    const world = await load(plenty);
    const { clearingHouse, account } = world;
    const [before, owed] = [await touched(world), -(await cashOf(world, account))];
    const pool = (await clearingHouse.poolValuation()).equity;

    await passYear();
    const after = await clearingHouse.ledger();
    const { shares } = await clearingHouse.accountOf(account);
    expect(shares).to.equal(before.debtShares);
    expect(-(await cashOf(world, account))).to.equal((shares * after.debtIndex + WAD - 1n) / WAD);
    expect(after.lent - before.lent).to.be.greaterThan(wad("100"));
    expect((await clearingHouse.poolValuation()).equity - pool).to.equal(after.lent - before.lent);
    expect(-(await cashOf(world, account))).to.be.greaterThan(owed + wad("100"));
  });

  it("rounds up for each account and down for the pool", async () => {
    const world = await load(twoDebtors);
    const { clearingHouse, account, second } = world;
    await time.increase(12_345);

    const { lent, debtShares, debtIndex } = await clearingHouse.ledger();
    expect(lent).to.equal((debtShares * debtIndex) / WAD);
    const owed = -(await cashOf(world, account)) - (await cashOf(world, second));
    expect(owed).to.be.within(lent, lent + 2n);
  });

  it("is stored at the next change of what is lent, by the balances until then", async () => {
    const world = await load(plenty);
    const { clearingHouse, account, carol } = world;
    const { base, lent, debtIndex } = await touched(world);
    const start = await now();
    await time.increase(YEAR);
    await world.fund(carol, wad("30_000"));

    const [, , money] = await clearingHouse.globals();
    expect(money).to.be.greaterThan(0n);
    const rate = (80_000n * ((lent * 1_000_000n) / (lent + base))) / 800_000n;
    const index = grown(debtIndex, rate, (await now()) - start);
    const after = await clearingHouse.ledger();
    expect(after.debtIndex).to.equal(index);
    expect(after.debtShares).to.equal((await clearingHouse.accountOf(account)).shares);
    expect(after.base - base).to.equal(wad("30_000"));
  });

  it("ends with the debt", async () => {
    const world = await load(plenty);
    const { clearingHouse, account, carol } = world;
    await time.increase(YEAR);
    await world.fund(carol, wad("140_000"));

    const cash = await cashOf(world, account);
    expect(cash).to.be.within(1n, wad("140_000") - wad("130_000"));
    const { debtShares, lent, debtIndex } = await clearingHouse.ledger();
    expect([debtShares, lent]).to.deep.equal([0n, 0n]);
    expect((await clearingHouse.accountOf(account)).shares).to.equal(0n);
    await time.increase(YEAR);
    expect(await cashOf(world, account)).to.equal(cash);
    expect((await clearingHouse.ledger()).debtIndex).to.equal(debtIndex);
  });

  it("is not owed for a time before the debt", async () => {
    const world = await load(plenty);
    const { clearingHouse, account, carol } = world;
    await world.fund(carol, wad("140_000")); // no debt any more
    await time.increase(YEAR);
    await world.refresh();
    const { debtIndex } = await clearingHouse.ledger();
    await world.trade(account, BTC, wad("20"));
    await movePrice(world, BTC, wad("20_000"));
    await nextSecond();

    await clearingHouse.realise(account);
    expect(await cashOf(world, account)).to.be.lessThan(0n);
    expect((await clearingHouse.ledger()).debtIndex).to.equal(debtIndex);
  });

  it("does not grow by touching the account", async () => {
    const world = await load(plenty);
    const { clearingHouse, account } = world;
    const { shares } = await clearingHouse.accountOf(account);

    for (let i = 0; i < 5; i++) {
      await time.increase(1_001);
      await clearingHouse.realise(account);
    }
    expect((await clearingHouse.accountOf(account)).shares).to.equal(shares);
  });

  it("is accrued at the old rate before the rate changes", async () => {
    const world = await load(plenty);
    const { clearingHouse, parameters } = world;
    const { base, lent, debtIndex } = await touched(world);
    const start = await now();
    await time.increase(YEAR);
    await clearingHouse.setMoney({ ...parameters.money, borrowRateKink: percent(40) });

    const used = (lent * 1_000_000n) / (lent + base);
    const index = grown(debtIndex, (80_000n * used) / 800_000n, (await now()) - start);
    const after = await clearingHouse.ledger();
    expect(after.debtIndex).to.equal(index);
    const passed = await passYear();
    const usedThen = (after.lent * 1_000_000n) / (after.lent + base);
    expect((await clearingHouse.ledger()).debtIndex).to.equal(grown(index, (400_000n * usedThen) / 800_000n, passed));
  });

  it("follows the model", async () => {
    const world = await load(scarce);
    const { clearingHouse } = world;
    const { base, lent, debtIndex } = await touched(world);
    const passed = await passYear();

    const { borrowKink, borrowRateKink, borrowRateFull } = world.parameters.money;
    const money = {
      borrowKink: BigInt(borrowKink),
      borrowRateKink: BigInt(borrowRateKink),
      borrowRateFull: BigInt(borrowRateFull),
    };
    const rate = rateDown(utilisationDown({ base, lent }), money);
    expect((await clearingHouse.ledger()).debtIndex).to.equal(accruedIndexDown(debtIndex, { rate, elapsed: passed }));
  });
});

/** The ledger in the block of a small repayment, which brings the index up to date. */
async function touched({ fund, carol, clearingHouse }: World) {
  await fund(carol, wad("1"));
  return clearingHouse.ledger();
}

/** Lets a year pass; returns the seconds that did. */
async function passYear(): Promise<bigint> {
  const start = await now();
  await time.increase(YEAR);
  return (await now()) - start;
}

/** @param rate 1e-6 per year. */
function grown(index: bigint, rate: bigint, seconds: bigint): bigint {
  return index + (index * rate * seconds) / (BigInt(YEAR) * 1_000_000n);
}

/** Rates as listed, which other fixtures set to zero. */
async function plenty(): Promise<Case> {
  return indebtedWith((parameters) => {
    parameters.money = defaults().money;
  });
}

/** A pool of 600,000, and a kink at 10 %. */
async function scarce(): Promise<Case> {
  return withDebtor(await small());
}

/** The same, with a base that has been paid out as profit. */
async function exhausted(): Promise<Case> {
  const world = await withDebtor(await small());
  const account = await world.fund(world.alice, wad("100_000"));
  await world.trade(account, ETH, wad("200"));
  await movePrice(world, ETH, wad("5_800"));
  await world.trade(account, ETH, wad("-200"), { reduceOnly: true });
  return world;
}

async function small(): Promise<World> {
  const world = await deploy(({ assets, money }) => {
    for (const asset of assets) {
      [asset.maxFundingRate, asset.fundingVelocity, asset.openInterestShare] = [0, 0, percent(100)];
    }
    money.borrowKink = percent(10);
  });
  await world.poolDeposit(world.provider, wad("600_000"));
  return world;
}

/** Carol owes 130,000 against 100 WETH. */
async function withDebtor(world: World): Promise<Case> {
  const account = await world.fundCollateral(world.carol, WETH_TOKEN, wad("100"));
  await world.trade(account, BTC, wad("20"));
  await movePrice(world, BTC, wad("22_500"));
  await world.trade(account, BTC, wad("-20"), { reduceOnly: true });
  return { ...world, account, other: accountOf(world.bob) };
}

/** Carol and one of her sub-accounts, each with a debt. */
async function twoDebtors(): Promise<Case & { second: string }> {
  const world = await plenty();
  const second = await world.fundCollateral(world.carol, WETH_TOKEN, wad("10"), 1n);
  await world.trade(second, BTC, wad("1.234567891"));
  await movePrice(world, BTC, wad("20_000"));
  await world.clearingHouse.realise(second);
  return { ...world, second };
}
