import { expect } from "chai";

import { expectConserved, expectNear, load, movePrice } from "../clearing/support.ts";
import { type Account, deploy, receiptOf, type World } from "../fixture.ts";
import { BTC, ETH, percent, wad, WAD } from "../parameters.ts";
import { positionOf } from "./support.ts";

type Insolvent = World & Record<"long" | "short", Account>;

describe("ClearingHouse.cutProfits of shorts", () => {
  afterEach(expectConserved);

  it("scales what they are worth by the same factor as what longs are worth, so that the pool is solvent", async () => {
    const world = await load(insolvent);
    const { clearingHouse, long, short } = world;
    const { equity } = await clearingHouse.poolValuation();
    expect(equity).to.be.lessThan(wad("-10_000"));
    const before = [await valueOf(world, short, ETH), await valueOf(world, long, BTC)];
    const profits = before.reduce((sum, value) => sum + value);

    const receipt = await receiptOf(clearingHouse.cutProfits());
    for (const [index, value] of [await valueOf(world, short, ETH), await valueOf(world, long, BTC)].entries()) {
      const kept = (before[index] ?? 0n) * (profits + equity);
      expectNear(value, kept / profits, 1_000_000n);
      expect(value * profits).to.be.at.most(kept);
    }
    expect((await clearingHouse.poolValuation()).equity).to.be.within(0n, 2_000_000n);
    await expect(receipt)
      .to.emit(clearingHouse, "ProfitsCut")
      .withArgs(
        ETH,
        false,
        (h: bigint) => h > 0n,
        () => true,
      );
  });
});

/** A pool of 200,000; a short of 200 ETH and a long of 10 BTC have won more than that. */
async function insolvent(): Promise<Insolvent> {
  const world = await deploy(({ assets, globals }) => {
    for (const asset of assets) {
      [asset.maxFundingRate, asset.fundingVelocity, asset.openInterestShare] = [0, 0, 10 * percent(100)];
    }
    globals.insuranceFeeShare = 0;
  });
  await world.poolDeposit(world.provider, wad("200_000"));
  const short = await world.fund(world.alice, wad("100_000"));
  const long = await world.fund(world.carol, wad("100_000"));
  await world.trade(short, ETH, wad("-200"));
  await world.trade(long, BTC, wad("10"));
  await movePrice(world, ETH, wad("900"));
  await movePrice(world, BTC, wad("35_000"));
  return { ...world, long, short };
}

/** Of a position at the latest price, WAD. */
async function valueOf(world: World, account: Account, asset: number): Promise<bigint> {
  const { size, quote } = await positionOf(world, account, asset);
  return (size * (await world.priceOf(asset))) / WAD + quote;
}
