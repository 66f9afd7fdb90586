import { expect } from "chai";

import { decodeWatch } from "../../scripts/model/watch.ts";
import { expectConserved, load } from "../clearing/support.ts";
import { time } from "../fixture.ts";
import { ETH, wad } from "../parameters.ts";
import { type Crowded, crowdedSide } from "./scenarios.ts";

describe("The final price of a market", () => {
  afterEach(expectConserved);

  it("is that of the first round after the notice, whatever has been accepted since", async () => {
    const world = await load(overtaken);
    const { clearingHouse, hint } = world;
    const [accepted] = await world.oracle.stored.staticCall(ETH);
    expect(accepted).to.equal(wad("1_780"));

    await expect(clearingHouse.closeMarket(ETH, hint))
      .to.emit(clearingHouse, "MarketClosed")
      .withArgs(ETH, wad("1_750"), wad("1_752.8")); // 1,750 · (1 + 800/500,000)
  });
});

/** The round after the notice is at 1,750; a later one at 1,780 has been accepted. */
async function overtaken(): Promise<Crowded & { hint: { round: bigint; before: bigint } }> {
  const world = await crowdedSide();
  await world.tick();
  await world.clearingHouse.windDown(ETH);
  const { closesAt } = decodeWatch(await world.clearingHouse.watchOf(ETH));
  await time.increaseTo(closesAt - 60n);
  await world.refresh();
  await time.increaseTo(closesAt);
  await world.setPrice(ETH, wad("1_750"));
  const hint = await world.hintFor(ETH, closesAt);
  await world.setPrice(ETH, wad("1_780"));
  await world.oracle.update(1n << BigInt(ETH));
  return { ...world, hint };
}
