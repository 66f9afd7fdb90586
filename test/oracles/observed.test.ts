import { expect } from "chai";

import { Kind } from "../parameters.ts";
import { LIMITS, createWorld, id, networkHelpers, wad } from "./fixture.ts";
import { LAG } from "./sources.ts";

const createObserved = () => createWorld({ feeds: [{ kind: Kind.Observed }] });

describe("PriceOracle over rounds stamped with their observation", () => {
  it("settles at the first round after the boundary, at once", async () => {
    const world = await createObserved();
    await world.feed.write(2_010, world.now + 30);

    const { outcome, price, settledAt } = await world.settle(world.now + 31, world.now, id(2), id(1));
    expect([outcome, price, settledAt]).to.deep.equal(["Settled", wad(2_010), BigInt(world.now + 30)]);
  });

  it("shows by the first round after the window, at once, that an order is void", async () => {
    const world = await createObserved();
    const late = world.now + LIMITS.window + 1;
    await world.feed.write(2_010, late);

    expect((await world.settle(late + 1, world.now, id(2), id(1))).outcome).to.equal("Void");
  });

  it("shows by absence only an hour after the window that an order is void", async () => {
    const world = await createObserved();
    const end = world.now + LIMITS.window + LAG;

    const open = await world.settle(end, world.now, 0n, id(1));
    expect([open.outcome, open.args]).to.deep.equal(["WindowOpen", [0n, BigInt(end), BigInt(end)]]);
    expect((await world.settle(end + 1, world.now, 0n, id(1))).outcome).to.equal("Void");
  });

  it("settles at a round that was observed within the window and written after it", async () => {
    const world = await createObserved();
    const end = world.now + LIMITS.window;
    expect((await world.settle(end + LAG - 1, world.now, 0n, id(1))).outcome).to.equal("WindowOpen");
    await world.feed.write(2_010, end);

    const { outcome, price } = await world.settle(end + LAG, world.now, id(2), id(1));
    expect([outcome, price]).to.deep.equal(["Settled", wad(2_010)]);
    expect((await world.settle(end + LAG + 1, world.now, 0n, id(1))).outcome).to.equal("RoundExists");
  });

  it("halts, and ends the halt by the rounds between, as with push rounds", async () => {
    const world = await createObserved();
    await world.feed.write(2_500, world.now);
    await world.one(world.now + 10, "update", 1n);
    await world.feed.write(2_000, world.now + 20);
    await world.feed.write(2_510, world.now + 30);
    await world.one(world.now + 600, "update", 1n);
    expect((await world.oracle.haltOf(0)).round).to.equal(id(4));

    await world.feed.write(2_510, world.now + 40);
    await world.feed.write(2_510, world.now + 50);
    await world.one(world.now + 640, "update", 1n);
    expect((await world.oracle.stateOf(0)).price).to.equal(wad(2_510));
  });

  it("walks along its rounds", async () => {
    const world = await createObserved();
    await world.feed.write(2_150, world.now);
    await world.feed.write(2_300, world.now + 1);
    await networkHelpers.time.setNextBlockTimestamp(world.now + 2);
    await world.oracle.advance(0, [id(2)]);

    expect((await world.readPrice(world.now + 3)).last).to.equal(wad(2_300));
  });
});
