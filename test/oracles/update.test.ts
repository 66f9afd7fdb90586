import { expect } from "chai";

import {
  DAY,
  ENVIRONMENT,
  HOUR,
  LIMITS,
  MINUTE,
  createWorld,
  id,
  networkHelpers,
  switchAggregator,
  wad,
} from "./fixture.ts";

/** A feed that has jumped by a quarter at `now`, with the halt recorded 10 s later. */
async function createHalted() {
  const world = await createWorld();
  await world.feed.write(2_500, world.now);
  await world.one(world.now + 10, "update", 1n);
  return world;
}

describe("PriceOracle.update", () => {
  it("stores a newer accepted price", async () => {
    const world = await createWorld();
    await world.feed.write(2_100, world.now);
    await world.one(world.now + 1, "update", 1n);

    expect((await world.oracle.stateOf(0)).price).to.equal(wad(2_100));
  });

  it("stores nothing that a guard refuses", async () => {
    const world = await createWorld();
    const before = await world.oracle.stateOf(0);
    await world.feed.write(0, world.now);
    await world.one(world.now, "update", 1n);
    await world.feed.write(2_010, world.now + 100);
    await world.one(world.now + 1, "update", 1n);
    await world.one(world.now + 101 + LIMITS.maxAge, "update", 1n);

    expect(await world.oracle.stateOf(0)).to.deep.equal(before);
  });

  it("refuses a bitmap with an asset that is not listed", async () => {
    const world = await createWorld();
    expect((await world.one(world.now, "update", 2n)).error).to.equal("UnknownAssets");
  });

  describe("halt", () => {
    it("is recorded for a jump, and lasts though the next answer looks fine", async () => {
      const world = await createWorld();
      await world.feed.write(2_500, world.now);
      await networkHelpers.time.setNextBlockTimestamp(world.now + 10);
      await expect(world.oracle.connect(world.stranger).update(1n))
        .to.emit(world.oracle, "JumpHalted")
        .withArgs(0n, wad(2_000), wad(2_500), id(2));
      expect(await world.oracle.haltOf(0)).to.deep.equal([
        wad(2_500),
        id(2),
        BigInt(world.now),
        BigInt(world.now + 10),
        0n,
      ]);

      await world.feed.write(2_010, world.now + 20);
      const price = await world.readPrice(world.now + 30);
      expect([price.refusal, price.last]).to.deep.equal(["Halted", wad(2_000)]);
    });

    it("ends when the price comes back, with a grace period", async () => {
      const world = await createHalted();
      await world.feed.write(2_010, world.now + 20);
      await networkHelpers.time.setNextBlockTimestamp(world.now + 30);
      await expect(world.oracle.update(1n)).to.emit(world.oracle, "JumpResolved").withArgs(0n, wad(2_010), false);

      const settling = await world.readPrice(world.now + 30 + ENVIRONMENT.haltGrace - 1);
      expect([settling.refusal, settling.settling]).to.deep.equal(["None", true]);
      const settled = await world.readPrice(world.now + 30 + ENVIRONMENT.haltGrace);
      expect([settled.last, settled.settling]).to.deep.equal([wad(2_010), false]);
      expect(await world.oracle.haltOf(0)).to.deep.equal([0n, 0n, 0n, 0n, 0n]);
    });

    it("keeps its grace period when new rounds are stored", async () => {
      const world = await createHalted();
      await world.feed.write(2_010, world.now + 20);
      await world.one(world.now + 30, "update", 1n);
      await world.feed.write(2_020, world.now + 40);

      expect((await world.readPrice(world.now + 41)).settling).to.equal(true);
      expect((await world.readPrice(world.now + 42)).settling).to.equal(true);
    });

    it("ends by acceptance after ten minutes and two further rounds near the jump", async () => {
      const world = await createHalted();
      await world.feed.write(2_510, world.now + 20);
      await world.feed.write(2_520, world.now + 30);

      await world.one(world.now + 10 * MINUTE - 1, "update", 1n);
      expect((await world.oracle.stateOf(0)).halted).to.equal(true);

      await networkHelpers.time.setNextBlockTimestamp(world.now + 10 * MINUTE);
      await expect(world.oracle.update(1n)).to.emit(world.oracle, "JumpResolved").withArgs(0n, wad(2_520), true);
      const price = await world.readPrice(world.now + 10 * MINUTE + 1);
      expect([price.last, price.refusal, price.settling]).to.deep.equal([wad(2_520), "None", true]);
    });

    it("does not end by time without the second further round", async () => {
      const world = await createHalted();
      await world.one(world.now + 11 * MINUTE, "update", 1n);
      expect((await world.oracle.stateOf(0)).halted).to.equal(true);
      await world.feed.write(2_510, world.now + 12 * MINUTE);
      await world.one(world.now + 13 * MINUTE, "update", 1n);
      expect((await world.oracle.stateOf(0)).halted).to.equal(true);
      await world.feed.write(2_510, world.now + 14 * MINUTE);
      await world.one(world.now + 15 * MINUTE, "update", 1n);
      expect((await world.oracle.stateOf(0)).halted).to.equal(false);
    });

    it("restarts its clock when the latest price has left the jump", async () => {
      const world = await createHalted();
      await world.feed.write(2_510, world.now + 20);
      await world.feed.write(3_000, world.now + 9 * MINUTE);
      await world.one(world.now + 11 * MINUTE, "update", 1n);

      const { candidate, round, since, haltedAt } = await world.oracle.haltOf(0);
      expect([candidate, round, since, haltedAt]).to.deep.equal([
        wad(3_000),
        id(4),
        BigInt(world.now + 9 * MINUTE),
        BigInt(world.now + 10),
      ]);
      await world.feed.write(3_000, world.now + 12 * MINUTE);
      await world.feed.write(3_000, world.now + 13 * MINUTE);
      await world.one(world.now + 19 * MINUTE - 1, "update", 1n);
      expect((await world.oracle.stateOf(0)).halted).to.equal(true);
      await world.one(world.now + 19 * MINUTE, "update", 1n);
      expect((await world.oracle.stateOf(0)).price).to.equal(wad(3_000));
    });

    it("restarts its clock when one of the two further rounds is not near the jump", async () => {
      const world = await createHalted();
      await world.feed.write(3_000, world.now + 20);
      await world.feed.write(2_510, world.now + 30);
      await world.feed.write(2_520, world.now + 40);
      await world.one(world.now + 11 * MINUTE, "update", 1n);

      const { round } = await world.oracle.haltOf(0);
      expect(round).to.equal(id(5));
      expect((await world.oracle.stateOf(0)).halted).to.equal(true);
    });

    it("restarts its clock after an aggregator switch", async () => {
      const world = await createHalted();
      const next = await switchAggregator(world.feed);
      for (const at of [20, 30, 40, 50]) await next.write(2_510, world.now + at);
      await next.confirm();
      await world.one(world.now + 11 * MINUTE, "update", 1n);

      const { round, since } = await world.oracle.haltOf(0);
      expect([round, since]).to.deep.equal([id(4, 2), BigInt(world.now + 50)]);
    });

    it("ends by rounds of its own phase though the proxy has moved on", async () => {
      const world = await createHalted();
      await world.feed.write(2_510, world.now + 20);
      await world.feed.write(2_520, world.now + 30);
      const next = await switchAggregator(world.feed);
      await next.write(2_530, world.now + 40);
      await next.confirm();
      await world.one(world.now + 10 * MINUTE, "update", 1n);

      expect((await world.oracle.stateOf(0)).round).to.equal(id(1, 2));
    });

    it("is not ended by a new aggregator that is behind", async () => {
      const world = await createHalted();
      const next = await switchAggregator(world.feed);
      await next.write(2_000, world.firstAt - 1);
      await next.confirm();
      await world.one(world.now + 20, "update", 1n);

      expect((await world.oracle.stateOf(0)).halted).to.equal(true);
    });

    it("does not make an asset dead whose feed goes on", async () => {
      const world = await createHalted();
      const late = world.now + 2 * LIMITS.deadAfter;
      await world.feed.write(2_500, late);
      await world.one(late, "update", 1n);
      const halted = await world.readPrice(late + 1);
      expect([halted.refusal, halted.dead]).to.deep.equal(["Halted", false]);

      const silent = await world.readPrice(late + LIMITS.deadAfter + 1);
      expect([silent.refusal, silent.dead]).to.deep.equal(["Halted", true]);
    });
  });
});

describe("PriceOracle.vetoJump", () => {
  it("keeps the jump from being accepted until 24 hours after the halt began, once", async () => {
    const world = await createHalted();
    const until = world.now + 10 + DAY;
    await networkHelpers.time.setNextBlockTimestamp(world.now + 20);
    await expect(world.oracle.vetoJump(0)).to.emit(world.oracle, "JumpVetoed").withArgs(0n, BigInt(until));
    await expect(world.oracle.vetoJump(0)).to.be.revertedWithCustomError(world.oracle, "AlreadyVetoed").withArgs(0n);

    await world.feed.write(2_510, until - HOUR / 2);
    await world.feed.write(2_510, until - HOUR / 4);
    await world.one(until - 1, "update", 1n);
    expect((await world.oracle.stateOf(0)).halted).to.equal(true);
    await world.one(until, "update", 1n);
    expect((await world.oracle.stateOf(0)).price).to.equal(wad(2_510));
  });

  it("holds for a candidate that replaces the first", async () => {
    const world = await createHalted();
    await world.oracle.vetoJump(0);
    await world.feed.write(3_000, world.now + MINUTE);
    await world.one(world.now + 2 * MINUTE, "update", 1n);
    await world.feed.write(3_000, world.now + 3 * MINUTE);
    await world.feed.write(3_000, world.now + 4 * MINUTE);
    await world.one(world.now + HOUR, "update", 1n);

    expect((await world.oracle.stateOf(0)).halted).to.equal(true);
    expect((await world.oracle.haltOf(0)).vetoedUntil).to.equal(BigInt(world.now + 10 + DAY));
  });

  it("does not hold against a price that comes back", async () => {
    const world = await createHalted();
    await world.oracle.vetoJump(0);
    await world.feed.write(2_010, world.now + MINUTE);
    await world.one(world.now + 2 * MINUTE, "update", 1n);

    expect((await world.oracle.stateOf(0)).price).to.equal(wad(2_010));
  });

  it("is refused without a halt, for an unknown asset, and to strangers", async () => {
    const world = await createWorld();
    const { oracle, stranger } = world;
    await expect(oracle.vetoJump(0)).to.be.revertedWithCustomError(oracle, "NotHalted").withArgs(0n);
    await expect(oracle.vetoJump(1)).to.be.revertedWithCustomError(oracle, "UnknownAsset").withArgs(1n, 1n);
    await expect(oracle.connect(stranger).vetoJump(0)).to.be.revertedWithCustomError(
      oracle,
      "AccessManagedUnauthorized",
    );
  });
});

describe("PriceOracle.advance", () => {
  /** A price that has climbed from 2000 to 2600 in steps of less than a tenth, which nobody has read. */
  async function createClimb() {
    const world = await createWorld();
    for (const [step, price] of [2_150, 2_300, 2_450, 2_600].entries()) await world.feed.write(price, world.now + step);
    return { world, after: world.now + 10 };
  }

  it("walks the stored price up to the latest round, which is no jump then", async () => {
    const { world, after } = await createClimb();
    expect((await world.readPrice(after)).refusal).to.equal("Jump");

    await networkHelpers.time.setNextBlockTimestamp(after + 1);
    await expect(world.oracle.connect(world.stranger).advance(0, [id(2), id(3), id(4)]))
      .to.emit(world.oracle, "PriceAdvanced")
      .withArgs(0n, wad(2_450), id(4));
    const price = await world.readPrice(after + 2);
    expect([price.refusal, price.last]).to.deep.equal(["None", wad(2_600)]);
  });

  it("takes steps that are older than maxAge", async () => {
    const { world, after } = await createClimb();
    await world.feed.write(2_610, after + 2 * HOUR);

    expect((await world.one(after + 2 * HOUR, "advance", 0, [id(2), id(3), id(4)])).error).to.equal(undefined);
  });

  it("leaves the time of the last check, which says that a price was the latest", async () => {
    const { world, after } = await createClimb();
    const { checkedAt } = await world.oracle.stateOf(0);
    await world.one(after, "advance", 0, [id(2), id(3), id(4)]);

    expect((await world.oracle.stateOf(0)).checkedAt).to.equal(checkedAt);
  });

  it("lets update end a halt that it has made groundless", async () => {
    for (const steps of [
      [2, 3, 4],
      [2, 3, 4, 5],
    ]) {
      const { world, after } = await createClimb();
      await world.one(after, "update", 1n);
      expect((await world.oracle.stateOf(0)).halted).to.equal(true);
      await world.one(
        after + 1,
        "advance",
        0,
        steps.map((round) => id(round)),
      );
      expect((await world.oracle.stateOf(0)).halted).to.equal(true);
      await world.one(after + 2, "update", 1n);

      const price = await world.readPrice(after + 3);
      expect([price.refusal, price.last, price.settling]).to.deep.equal(["None", wad(2_600), true]);
    }
  });

  it("refuses a step beyond the jump limit, and an end from which the latest round is one", async () => {
    const { world, after } = await createClimb();
    const far = await world.one(after, "advance", 0, [id(3)]);
    expect([far.error, far.args]).to.deep.equal(["StepRefused", [0n, id(3), 6n]]);
    const short = await world.one(after + 1, "advance", 0, [id(2)]);
    expect([short.error, short.args]).to.deep.equal(["StepRefused", [0n, id(5), 6n]]);
  });

  it("refuses a step back, a step in place, another phase, and a missing round", async () => {
    const { world, after } = await createClimb();
    const cases = [
      [[id(2), id(2)], "StepNotLater"],
      [[id(2), id(3), id(2)], "StepNotLater"],
      [[id(1)], "StepNotLater"],
      [[id(2, 2)], "WrongPhase"],
      [[id(9)], "StepRefused"],
    ] as const;
    let at = after;
    for (const [steps, error] of cases) expect((await world.one(++at, "advance", 0, steps)).error).to.equal(error);
    expect((await world.one(at + 1, "advance", 1, [])).error).to.equal("UnknownAsset");
  });

  it("refuses steps with a bad price or a bad time", async () => {
    const limits = { minAnswer: wad(1_950), maxAnswer: wad(2_050) };
    const world = await createWorld({ feeds: [{ limits }] });
    await world.feed.write(2_010, world.now - 20);
    await world.feed.write(2_010, world.now - 30);
    await world.feed.write(0, world.now);
    await world.feed.write(2_060, world.now);
    await world.feed.write(2_020, world.now + 100);
    await world.feed.write(2_020, world.now);
    await world.feed.write(2_030, world.now + 5);
    const cases = [
      [[id(2), id(3)], "StepNotLater", undefined],
      [[id(4)], "StepRefused", 2n],
      [[id(5)], "StepRefused", 5n],
      [[id(6)], "StepRefused", 3n],
    ] as const;
    let at = world.now + 10;
    for (const [steps, error, refusal] of cases) {
      const outcome = await world.one(++at, "advance", 0, steps);
      expect([outcome.error, refusal && outcome.args[2]]).to.deep.equal([error, refusal]);
    }
    // A stale step out of bounds is refused as well.
    await world.feed.write(2_030, at + 2 * HOUR);
    expect((await world.one(at + 2 * HOUR, "advance", 0, [id(5)])).args[2]).to.equal(5n);
  });

  it("is refused while a veto is in force", async () => {
    const { world, after } = await createClimb();
    await world.one(after, "update", 1n);
    await networkHelpers.time.setNextBlockTimestamp(after + 1);
    await world.oracle.vetoJump(0);

    const { error, args } = await world.one(after + 2, "advance", 0, [id(2), id(3), id(4)]);
    expect([error, args]).to.deep.equal(["VetoInForce", [0n, BigInt(after + DAY)]]);
  });
});
