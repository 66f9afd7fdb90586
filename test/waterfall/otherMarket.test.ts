import { expect } from "chai";

import { frozen } from "../clearing/scenarios.ts";
import { eventOf, expectConserved, expectNear, load } from "../clearing/support.ts";
import { type Account, accountOf, receiptOf, time, type World } from "../fixture.ts";
import { BTC, ETH, HOUR, wad } from "../parameters.ts";
import { positionOf } from "./support.ts";

describe("ClearingHouse.deleverage of a market that is not the first", () => {
  afterEach(expectConserved);

  it("closes of its own side, at its own price, and nothing of the first", async () => {
    const world = await load(due);
    const { clearingHouse, first, second } = world;
    const before = await positionOf(world, first, ETH);
    const { quote } = await positionOf(world, second, BTC);
    await clearingHouse.flagDeleveraging(BTC);
    const flaggedAt = BigInt(await time.latest());
    await world.setPrice(BTC, wad("30_000"));

    const receipt = await receiptOf(clearingHouse.deleverage(BTC, await world.hintFor(BTC, flaggedAt)));
    const event = eventOf(clearingHouse, receipt, "Deleveraged");
    expect(event.getValue("asset")).to.equal(BTC);
    expectNear(event.getValue("closed") as bigint, wad("10"), 1_000n); // 40 − 30
    const after = await positionOf(world, second, BTC);
    expectNear(after.size, wad("30"), 1_000n);
    // 10 · 30,000 · (1 + (80 − 10) / 40,000)
    expectNear(after.quote - quote, wad("300_525"), 100_000n);
    expect(await positionOf(world, first, ETH)).to.deep.equal(before);
  });
});

/** Alice is long 40 BTC, of which 30 may be skew; bob is short 100 ETH. */
async function due(): Promise<World & Record<"first" | "second", Account>> {
  const world = await frozen();
  const [first, second] = [accountOf(world.bob), accountOf(world.alice)];
  await world.trade(first, ETH, wad("-100"));
  await world.trade(second, BTC, wad("40"));
  await world.setSkewCap(BTC, wad("15"));
  await world.clearingHouse.flagDeleveraging(BTC);
  await time.increase(HOUR);
  await world.refresh();
  return { ...world, first, second };
}
