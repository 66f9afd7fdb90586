import { expect } from "chai";

import { expectConserved, expectNear, load, sizeOf } from "../clearing/support.ts";
import { time } from "../fixture.ts";
import { ETH, HOUR, wad } from "../parameters.ts";
import { capSkew, type Crowded, crowdedSide, flagAndSettle } from "./scenarios.ts";

describe("The grace after a later deleveraging", () => {
  afterEach(expectConserved);

  it("knows the sizes from before it, not those from before an earlier one", async () => {
    const world = await load(graceOver);
    const { clearingHouse, second } = world;
    const size = await sizeOf(world, second, ETH);
    expectNear(size, wad("225"), 1_000n);
    expect((await clearingHouse.formerPositionOf(second, ETH)).graced).to.equal(false);

    await clearingHouse.deleverage(ETH, await flagAndSettle(world));
    expect(await sizeOf(world, second, ETH)).to.be.lessThan(size);
    const former = await clearingHouse.formerPositionOf(second, ETH);
    expect([former.graced, former.size]).to.deep.equal([true, size]);
  });

  it("knows the sizes from before the first of those that follow within an hour", async () => {
    const world = await load(cut);
    const { clearingHouse, second } = world;
    await clearingHouse.deleverage(ETH, await flagAndSettle(world));

    const former = await clearingHouse.formerPositionOf(second, ETH);
    expect([former.graced, former.size]).to.deep.equal([true, wad("300")]);
  });
});

/** A quarter of 900 ETH long, of which carol had 300, has been closed; the skew is far over its cap still. */
async function cut(): Promise<Crowded> {
  const world = await crowdedSide();
  await capSkew(world, wad("50"));
  await world.clearingHouse.flagDeleveraging(ETH);
  await time.increase(HOUR);
  await world.refresh();
  await world.clearingHouse.deleverage(ETH, await flagAndSettle(world));
  return world;
}

/** An hour later. */
async function graceOver(): Promise<Crowded> {
  const world = await cut();
  await time.increase(HOUR);
  await world.refresh();
  return world;
}
