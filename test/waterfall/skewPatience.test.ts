import { expect } from "chai";

import { expectConserved, load, sizeOf } from "../clearing/support.ts";
import { ETH, percent, wad } from "../parameters.ts";
import { capSkew, type Crowded, crowdedSide, flagAndSettle } from "./scenarios.ts";

describe("The hour that a skew may be over its hard cap", () => {
  afterEach(expectConserved);

  it("holds at the settlement of a flag that was set for another reason", async () => {
    const world = await load(overBudget);
    const { clearingHouse, long } = world;
    // Back at 1,800 the market owes nothing; the skew of 800 has only now come over its hard cap of 600.
    const hint = await flagAndSettle(world, wad("1_800"));
    await capSkew(world, wad("300"));

    await expect(clearingHouse.deleverage(ETH, hint)).to.emit(clearingHouse, "DeleveragingDropped").withArgs(ETH);
    expect(await sizeOf(world, long, ETH)).to.equal(wad("600"));
  });
});

/** The market owes more than its budget of one percent of the pool. */
async function overBudget(): Promise<Crowded> {
  const world = await crowdedSide(({ money }) => {
    money.lossBudget = percent(1);
  });
  await world.setPrice(ETH, wad("1_970"));
  return world;
}
