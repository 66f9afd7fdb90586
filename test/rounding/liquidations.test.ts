import { expect } from "chai";
import type { ContractTransactionReceipt } from "ethers";

import { PPM, WAD } from "../../scripts/model/fixed.ts";
import { frozen } from "../clearing/scenarios.ts";
import { afterFills, betterTerms, eventOf, movePrice, now, stateOf } from "../clearing/support.ts";
import { type Account, accountOf, loadFixture, receiptOf, time, type World } from "../fixture.ts";
import { BTC, ETH, MINUTE, USDC, wad, WETH_TOKEN } from "../parameters.ts";
import { type Case, indebtedWith, leveragedWith } from "../waterfall/scenarios.ts";
import { ceil, floor } from "./exact.ts";

const DAY = 86_400n;
/** 1e-6. */
const CONVERSION_DISCOUNT = 5_000n;
const SLICE = wad("100.000000000000000007");
const LOT = 10n ** 15n;
/** 1e-6; in six hours. */
const AUCTION_DISCOUNT = 100_000n;
const AUCTION_TIME = 21_600n;

describe("rounding of liquidations", () => {
  it("room in a bucket of insurance: down", async () => {
    const world = await loadFixture(insured);
    const { clearingHouse, account, other, bob } = world;
    const { size } = await clearingHouse.positionOf(account, ETH);
    await clearingHouse.connect(bob).liquidate(account, [{ asset: ETH, delta: -size }], [], other);
    await time.increase(100);

    expect((await clearingHouse.insuranceRoomOf(ETH)).room).to.equal(floor(CAP * 100n, DAY));
  });

  it("takeover discount: down", async () => {
    const world = await loadFixture(leveraged);
    const { clearingHouse, account, other, bob, parameters } = world;
    const price = wad("1728.12345678");
    await world.setPrice(ETH, price);
    const legs = [{ asset: ETH, delta: -SLICE }];

    const result = resultOf(world, await receiptOf(clearingHouse.connect(bob).takeOver(account, legs, other)));
    const most = BigInt(parameters.globals.takeoverDiscount);
    const rate = floor(most * (result.maintenanceBefore - result.equityBefore), result.maintenanceBefore);
    expect(result.discount).to.equal(floor(SLICE * price * rate, PPM * WAD));
  });

  it("quote of a takeover: up (account pays)", async () => {
    const world = await loadFixture(leveraged);
    const { clearingHouse, account, other, bob } = world;
    const price = wad("1728.12345678");
    await world.setPrice(ETH, price);
    await clearingHouse.connect(bob).takeOver(account, [{ asset: ETH, delta: -SLICE }], other);

    const quoteOf = async (of: Account) => {
      const [fill] = await clearingHouse.queryFilter(clearingHouse.filters.Fill(of), "latest");
      return fill?.args.quote;
    };
    const quote = ceil(-SLICE * price, WAD);
    expect([await quoteOf(account), await quoteOf(other)]).to.deep.equal([quote, -quote]);
  });

  it("target of a liquidation: up", async () => {
    const world = await loadFixture(leveraged);
    const { clearingHouse, account, other, bob, parameters } = world;
    const price = wad("1728.12345678");
    await world.setPrice(ETH, price);
    const delta = -4n * SLICE;
    const { state } = afterFills(await stateOf(world, account, await now()), [{ asset: ETH, delta, price }]);
    // With one lot more left open.
    const exposures = state.exposures.map((exposure) => ({ ...exposure, size: exposure.size + LOT }));
    const { initial, maintenance } = betterTerms({ ...state, exposures });
    const share = BigInt(parameters.globals.liquidationTarget);
    const target = maintenance + ceil((initial - maintenance) * share, PPM);

    await expect(clearingHouse.connect(bob).liquidate(account, [{ asset: ETH, delta }], [], other))
      .to.be.revertedWithCustomError(clearingHouse, "TargetPassed")
      .withArgs((equity: bigint) => equity >= target, target);
  });

  it("what an account may owe before its collateral is sold, λ: down", async () => {
    const world = await loadFixture(owing);
    const { clearingHouse, account, other, bob, parameters } = world;
    const amount = await clearingHouse.collateralOf(account, WETH_TOKEN);
    const value = floor(amount * (await world.priceOf(ETH)), WAD);
    const { cash } = await clearingHouse.accountOf(account);

    await expect(clearingHouse.connect(bob).convert(account, [{ token: WETH_TOKEN, amount: SOLD }], other))
      .to.be.revertedWithCustomError(clearingHouse, "ShortfallWithinLimit")
      .withArgs(account, -cash, floor(value * BigInt(parameters.globals.shortfallMaintenance), PPM));
  });

  it("discount of seized collateral, what it takes off: down", async () => {
    const world = await loadFixture(seized);
    const { clearingHouse, bob, other } = world;
    const { since } = await clearingHouse.seizedOf(WETH_TOKEN);
    const elapsed = 3_607n;
    await time.increaseTo(since + elapsed - 10n);
    for (const asset of [ETH, USDC]) await world.setPrice(asset);
    await time.setNextBlockTimestamp(since + elapsed);
    const sale = { token: WETH_TOKEN, amount: SOLD };
    const receipt = await receiptOf(clearingHouse.connect(bob).buySeized(sale, other));

    const whole = ceil(SOLD * (await world.priceOf(ETH)), WAD);
    const discount = floor(AUCTION_DISCOUNT * elapsed, AUCTION_TIME);
    const proceeds = whole - floor(whole * discount, PPM);
    expect(eventOf(clearingHouse, receipt, "CollateralSold").getValue("proceeds")).to.equal(proceeds);
  });

  it("penalty, discount, their bound, reward: down", async () => {
    const world = await loadFixture(leveraged);
    const { liquidationPenalty, liquidatorShare } = world.parameters.globals;
    await world.setPrice(ETH, wad("1728.12345678"));
    const paid = await reduce(world);
    expect(paid.penalty).to.equal(floor(reliefOf(paid) * BigInt(liquidationPenalty), PPM));
    expect(paid.reward).to.equal(floor(paid.penalty * BigInt(liquidatorShare), PPM));

    await world.setPrice(ETH, wad("1668.12345678"));
    const bounded = await reduce(world);
    const equity = bounded.equityAfter + bounded.penalty + bounded.discount;
    const least = equity < bounded.equityBefore ? equity : bounded.equityBefore;
    expect(bounded.penalty).to.equal(floor(least * reliefOf(bounded), bounded.maintenanceBefore));

    const sold = await loadFixture(collateralised);
    const receipt = await sell(sold);
    const proceeds = eventOf(sold.clearingHouse, receipt, "CollateralSold").getValue("proceeds") as bigint;
    const discount = BigInt(sold.parameters.collateral[WETH_TOKEN]?.saleDiscount ?? 0);
    expect(resultOf(sold, receipt).discount).to.equal(floor(proceeds * discount, PPM));
  });

  it("proceeds of sold collateral: up (buyer pays)", async () => {
    const world = await loadFixture(collateralised);
    const { clearingHouse, account, bob } = world;
    const proceeds = ceil(SOLD * (await world.priceOf(ETH)), await world.priceOf(USDC));
    const sold = await sell(world);
    expect(eventOf(clearingHouse, sold, "CollateralSold").getValue("proceeds")).to.equal(proceeds);

    const sales = [{ token: WETH_TOKEN, amount: SOLD }];
    const converted = await receiptOf(clearingHouse.connect(bob).convert(account, sales, accountOf(bob)));
    expect(eventOf(clearingHouse, converted, "CollateralSold").getValue("proceeds")).to.equal(
      proceeds - floor(proceeds * CONVERSION_DISCOUNT, PPM),
    );
  });
});

interface Result {
  equityBefore: bigint;
  equityAfter: bigint;
  maintenanceBefore: bigint;
  maintenanceAfter: bigint;
  penalty: bigint;
  discount: bigint;
  reward: bigint;
}

function resultOf({ clearingHouse }: World, receipt: ContractTransactionReceipt): Result {
  return eventOf(clearingHouse, receipt, "Liquidated").getValue("result") as Result;
}

function reliefOf({ maintenanceBefore, maintenanceAfter }: Result): bigint {
  return maintenanceBefore - maintenanceAfter;
}

async function reduce(world: Case): Promise<Result> {
  const { clearingHouse, account, other, bob } = world;
  const reductions = [{ asset: ETH, delta: -SLICE }];
  return resultOf(world, await receiptOf(clearingHouse.connect(bob).liquidate(account, reductions, [], other)));
}

async function leveraged(): Promise<Case> {
  return leveragedWith(({ globals }) => {
    [globals.liquidationPenalty, globals.liquidatorShare, globals.liquidationTarget] = [100_003, 500_001, 500_003];
  });
}

/** What insurance pays for ETH within a day. */
const CAP = wad("1_000");

/** Insurance of 20,000; alice has 750 ETH and no equity. */
async function insured(): Promise<Case> {
  const world = await leveragedWith(({ assets }) => {
    const [eth] = assets;
    if (eth) eth.insuranceCap = CAP;
  });
  await world.insuranceFund.connect(world.bob).contribute(world.other, wad("20_000"));
  await world.setPrice(ETH, wad("1650"));
  return world;
}

const SOLD = wad("10.000000000000000007");

async function sell({
  clearingHouse,
  bob,
  account,
}: World & { account: Account }): Promise<ContractTransactionReceipt> {
  const sales = [{ token: WETH_TOKEN, amount: SOLD }];
  return receiptOf(clearingHouse.connect(bob).liquidate(account, [], sales, accountOf(bob)));
}

/** Carol has lost with 20 BTC most of what her 100 WETH are worth; a settlement token is worth less than a dollar. */
async function collateralised(): Promise<World & { account: Account }> {
  const world = await frozen();
  const account = await world.fundCollateral(world.carol, WETH_TOKEN, wad("100"));
  await world.trade(account, BTC, wad("20"));
  await movePrice(world, BTC, wad("21_000"));
  await world.setPrice(ETH, wad("1799.12345678"));
  await world.setPrice(USDC, wad("0.99512345"));
  await world.oracle.update(1n << BigInt(USDC));
  return { ...world, account };
}

/** Carol owes 130,790 against WETH that may stand for more; less by a ten-thousandth of it, and a part of a wei. */
async function owing(): Promise<Case> {
  const world = await indebtedWith(({ globals }) => {
    globals.shortfallMaintenance = 700_001;
  });
  await world.fundCollateral(world.carol, WETH_TOKEN, 1n);
  await world.setPrice(ETH, wad("2000.12345678"));
  return world;
}

/** Insurance has carol's 100 WETH, which are worth less than she owed. */
async function seized(): Promise<Case> {
  const world = await indebtedWith(() => undefined);
  await movePrice(world, ETH, wad("1_300.12345678"));
  await world.clearingHouse.flagInsolvent(world.account);
  await world.advance(10 * MINUTE);
  await world.clearingHouse.seize(world.account);
  return world;
}
