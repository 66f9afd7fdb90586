import { expect } from "chai";

import { ENVIRONMENT, LIMITS, MINUTE, createWorld, id, networkHelpers, still, wad } from "./fixture.ts";
import { STREAM_WINDOW, createDerived, deployStream } from "./sources.ts";

/** As `createDerived`, jumped by a quarter at `now`, with the halt recorded 10 s later. */
async function createHalted() {
  const { world, derived } = await createDerived();
  await derived.write(2_500, world.now);
  await world.one(world.now + 10, "update", 2n);
  return { world, derived };
}

describe("PriceOracle over a derived feed", () => {
  it("reads its latest price by the same guards", async () => {
    const { world, derived } = await createDerived();
    await derived.write(2_050, world.now);
    const live = await world.readPrice(world.now + 1, 1);
    expect([live.refusal, live.last, live.updatedAt]).to.deep.equal(["None", wad(2_050), BigInt(world.now)]);

    expect((await world.readPrice(world.now + LIMITS.maxAge + 1, 1)).refusal).to.equal("Stale");
  });

  it("settles no order: each is void, whatever the hint and whenever", async () => {
    const { world, derived } = await createDerived();
    await derived.write(2_010, world.now + 10);
    let at = world.now + 20;
    for (const boundary of [world.now - 5, world.now, at + 1_000]) {
      for (const round of [0n, id(1), id(2), id(3)]) {
        for (const before of [0n, id(1)]) {
          const { value, error } = await world.one(++at, "settle", 1, 1, boundary, { round, before });
          expect([error, value?.toArray()]).to.deep.equal([undefined, [1n, 0n, 0n]]);
        }
      }
    }
  });

  it("settles orders by the reports of a stream, if it has one", async () => {
    const { world } = await createDerived();
    const stream = await deployStream();
    await stream.report(2_000, world.firstAt - 10, world.firstAt);
    await still(() => world.oracle.setSettlement(1, stream.proxy, STREAM_WINDOW));
    await stream.report(2_004, world.now, world.now + 1);

    const hint = { round: id(2), before: 0n };
    const { value } = await world.one(world.now + 2, "settle", 1, 1, world.now, hint);
    expect(value?.toArray()).to.deep.equal([0n, wad(2_004), BigInt(world.now + 1)]);
  });

  describe("halt", () => {
    it("ends ten minutes after it began and with an id grown by two, without a look at the rounds between", async () => {
      const { world, derived } = await createHalted();
      // The price moved at `now` and was seen to have 10 s later: a derived price may move without its time.
      const end = world.now + 10 + 10 * MINUTE;
      await derived.write(2_520, world.now + 30, 2);
      await world.one(end - 1, "update", 2n);
      expect((await world.oracle.stateOf(1)).halted).to.equal(true);

      await networkHelpers.time.setNextBlockTimestamp(end);
      await expect(world.oracle.update(2n)).to.emit(world.oracle, "JumpResolved").withArgs(1n, wad(2_520), true);
      const price = await world.readPrice(end + 1, 1);
      expect([price.last, price.refusal, price.settling]).to.deep.equal([wad(2_520), "None", true]);
      const graceUntil = BigInt(end + ENVIRONMENT.haltGrace);
      expect((await world.oracle.stateOf(1)).graceUntil).to.equal(graceUntil);
    });

    it("does not end while the id has grown by one only", async () => {
      const { world, derived } = await createHalted();
      await derived.write(2_520, world.now + 30);
      await world.one(world.now + 11 * MINUTE, "update", 2n);

      expect((await world.oracle.stateOf(1)).halted).to.equal(true);
      expect((await world.oracle.haltOf(1)).round).to.equal(id(2));
    });

    it("restarts its clock when the latest price has left the jump", async () => {
      const { world, derived } = await createHalted();
      await derived.write(3_000, world.now + 30, 2);
      await world.one(world.now + 11 * MINUTE, "update", 2n);

      const { candidate, round, since } = await world.oracle.haltOf(1);
      expect([candidate, round, since]).to.deep.equal([wad(3_000), id(4), BigInt(world.now + 11 * MINUTE)]);
    });

    it("ends when the price comes back", async () => {
      const { world, derived } = await createHalted();
      await derived.write(2_010, world.now + 30);
      await world.one(world.now + 31, "update", 2n);

      expect((await world.oracle.stateOf(1)).price).to.equal(wad(2_010));
    });
  });

  it("has no rounds to advance along, not even none", async () => {
    const { world } = await createDerived();
    for (const [shift, rounds] of [[id(2)], []].entries()) {
      const { error, args } = await world.one(world.now + shift, "advance", 1, rounds);
      expect([error, args]).to.deep.equal(["NoHistory", [1n]]);
    }
  });

  it("differs from a push feed, whose halt needs the rounds between", async () => {
    // The same history with lookups: the round after the jump is not near it.
    const world = await createWorld();
    await world.feed.write(2_500, world.now);
    await world.one(world.now + 10, "update", 1n);
    await world.feed.write(2_000, world.now + 20);
    await world.feed.write(2_520, world.now + 30);
    await world.one(world.now + 10 * MINUTE, "update", 1n);

    expect((await world.oracle.stateOf(0)).halted).to.equal(true);
  });
});
