import { expect } from "chai";

import { expectConserved, load, now, poolEquityOf } from "../clearing/support.ts";
import { HOUR, wad } from "../parameters.ts";
import { diverse, untouched } from "./support.ts";

describe("Lens.poolEquity", () => {
  afterEach(expectConserved);

  it("is what marking the pool finds, and the model", async () => {
    const world = await load(diverse);
    const { lens, clearingHouse } = world;

    const { equity, live } = await lens.poolEquity();
    expect([equity, live]).to.deep.equal([(await poolEquityOf(world, await now())).equity, true]);
    expect(await clearingHouse.markPool.staticCall()).to.equal(equity);
  });

  it("is what was paid in while nobody has a position", async () => {
    const { lens } = await load(untouched);

    expect(await lens.poolEquity()).to.deep.equal([wad("10_000_000"), true]);
  });

  it("says that a price with exposure is not live", async () => {
    const world = await load(diverse);
    await world.advance(2 * HOUR);

    const { equity, live } = await world.lens.poolEquity();
    expect([equity, live]).to.deep.equal([(await poolEquityOf(world, await now())).equity, false]);
  });

  it("does not mind prices of markets without exposure", async () => {
    const { lens, advance } = await load(untouched);
    await advance(2 * HOUR);

    expect((await lens.poolEquity()).live).to.equal(true);
  });
});
