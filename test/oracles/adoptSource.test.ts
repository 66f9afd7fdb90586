import { expect } from "chai";

import { Kind } from "../parameters.ts";
import {
  DAY,
  ENVIRONMENT,
  HOUR,
  LIMITS,
  decodeSettle,
  id,
  networkHelpers,
  still,
  switchAggregator,
  wad,
} from "./fixture.ts";
import { MAX_WATCH_GAP, SHADOW_TIME, TOLERANCE, createProposed, createShadowed } from "./replacement.ts";
import { LAG, LONGEST_DELAY, STREAM_WINDOW, admit, deployStream, mondayAfter, packSessions } from "./sources.ts";

/** Adopted at `at`, an hour after the last watching. Old rounds: 14 so far. New rounds: 14. */
async function createAdopted() {
  const shadowed = await createShadowed();
  const { world, next, until } = shadowed;
  const at = until + 600;
  await world.feed.write(2_000, at - 20);
  await next.write(2_011, at - 10);
  await admit(world);
  expect((await world.one(at, "adoptSource", 0)).error).to.equal(undefined);
  const oldCount = Number(await world.feed.aggregator.latestRound());
  const newCount = Number(await next.aggregator.latestRound());
  return { ...shadowed, at, oldCount, newCount };
}

describe("PriceOracle.adoptSource", () => {
  it("replaces the source and its limits, keeps the rest, and gives nothing time to be liquidated by the step", async () => {
    const { world, next, input, until } = await createShadowed();
    const { oracle } = world;
    const at = until + 600;
    await next.write(2_011, at - 10);
    await world.feed.write(2_000, at - 20);
    const others = [await oracle.feedOf(1), await oracle.stateOf(1), await oracle.environment()];
    await networkHelpers.time.setNextBlockTimestamp(at);
    const round = id(Number(await next.aggregator.latestRound()));
    await expect(oracle.adoptSource(0)).to.emit(oracle, "SourceAdopted").withArgs(0n, input.proxy, wad(2_011), round);

    expect(await oracle.feedOf(0)).to.deep.equal([input.proxy, 18n, Object.values(input.limits).map(BigInt)]);
    expect((await oracle.sourceOf(0)).kind).to.equal(BigInt(Kind.Observed));
    expect((await oracle.sourceOf(0)).changedAt).to.equal(BigInt(at));
    expect((await oracle.proposalOf(0)).agreedSince).to.equal(0n);
    expect([await oracle.feedOf(1), await oracle.stateOf(1), await oracle.environment()]).to.deep.equal(others);
    expect(await oracle.stateOf(0)).to.deep.equal([
      wad(2_011),
      round,
      BigInt(at - 10),
      BigInt(at),
      BigInt(at + ENVIRONMENT.haltGrace),
      false,
    ]);
    const settling = await world.readPrice(at + ENVIRONMENT.haltGrace - 1);
    expect([settling.refusal, settling.last, settling.settling]).to.deep.equal(["None", wad(2_011), true]);
    expect((await world.readPrice(at + ENVIRONMENT.haltGrace)).settling).to.equal(false);
  });

  it("reads the new source from then on, whatever the old one says", async () => {
    const { world, next, at } = await createAdopted();
    await world.feed.write(3_000, at + 20);
    await next.write(2_020, at + 10);
    const { refusal, last } = await world.readPrice(at + 20);
    expect([refusal, last]).to.deep.equal(["None", wad(2_020)]);
  });

  it("does not take a round of the old source for one of the new, in the transaction of the change", async () => {
    const { world, next, until } = await createShadowed();
    await admit(world);
    // Of a greater id than any of the new source, and as new.
    await (await switchAggregator(world.feed)).confirm();
    const old = await switchAggregator(world.feed);
    await old.write(2_000, until + 100);
    await old.confirm();
    await next.write(2_010, until + 100);
    const call = (verb: string, ...args: unknown[]) => ({ contract: world.oracle, verb, args });
    const outcomes = await world.run(until + 100, call("read", 1n, false), call("adoptSource", 0), call("update", 1n));
    expect(outcomes.map(({ error }) => error)).to.deep.equal([undefined, undefined, undefined]);
    expect((await world.oracle.stateOf(0)).price).to.equal(wad(2_010));
  });

  describe("at the time of the change", () => {
    it("leaves older orders to the old source, refunds those between, and gives later ones to the new", async () => {
      const { world, next, at, oldCount, newCount } = await createAdopted();
      await world.feed.write(2_001, at + 300);
      await next.write(2_012, at + 310);
      const settle = async (shift: number, boundary: number, round: bigint, before: bigint) => {
        const { outcome, price } = await world.settle(at + 400 + shift, boundary, round, before);
        return outcome === "Settled" ? price : outcome;
      };
      const [old, fresh] = [id(oldCount + 1), id(newCount + 1)];
      expect(await settle(0, at - 1, old, id(oldCount))).to.equal(wad(2_001));
      expect(await settle(1, at - 20, old, id(oldCount))).to.equal(wad(2_001));
      let shift = 2;
      for (const boundary of [at, at + 1, at + LONGEST_DELAY]) {
        for (const [round, before] of [
          [old, id(oldCount)],
          [fresh, id(newCount)],
          [0n, 0n],
        ] as const) {
          expect(await settle(shift++, boundary, round, before)).to.equal("Void");
        }
      }
      expect(await settle(20, at + LONGEST_DELAY + 1, fresh, id(newCount))).to.equal(wad(2_012));
    });

    it("proves absence by the kind that the source had", async () => {
      const { world, at, oldCount, newCount } = await createAdopted();
      const before = id(oldCount);
      const end = at - 1 + LIMITS.window;
      expect((await world.settle(end, at - 1, 0n, before)).outcome).to.equal("WindowOpen");
      expect((await world.settle(end + 1, at - 1, 0n, before)).outcome).to.equal("Void");
      const later = at + LONGEST_DELAY + 1;
      const laterEnd = later + LIMITS.window + LAG;
      expect((await world.settle(laterEnd, later, 0n, id(newCount))).outcome).to.equal("WindowOpen");
      expect((await world.settle(laterEnd + 1, later, 0n, id(newCount))).outcome).to.equal("Void");
    });

    it("keeps a proof made in the same transaction from reaching over it", async () => {
      const { world, next, at, oldCount, newCount } = await createAdopted();
      await world.feed.write(2_001, at + 500);
      await next.write(2_012, at + 500);
      const call = (boundary: number, round: number, before: number) => ({
        contract: world.oracle,
        verb: "settle",
        args: [0, 1, boundary, { round: id(round), before: id(before) }],
      });
      const later = at + LONGEST_DELAY + 1;
      const outcomes = await world.run(
        at + 600,
        call(at - 1, oldCount + 1, oldCount),
        call(later, newCount + 1, newCount),
        call(at - 2, oldCount + 1, oldCount),
      );
      const prices = outcomes.map(decodeSettle).map(({ outcome, price }) => (price === 0n ? outcome : price));
      expect(prices).to.deep.equal([wad(2_001), wad(2_012), wad(2_001)]);
    });

    it("reads the old source anew for older orders, not what this transaction has read of the new", async () => {
      const { world, next, at, oldCount } = await createAdopted();
      await world.feed.write(2_001, at + 30);
      await next.write(2_012, at + 40);
      const outcomes = await world.run(
        at + 60,
        { contract: world.oracle, verb: "read", args: [1n, false] },
        {
          contract: world.oracle,
          verb: "settle",
          args: [0, 1, at - 1, { round: id(oldCount + 1), before: id(oldCount) }],
        },
      );
      const settled = outcomes[1];
      if (settled === undefined) throw new Error("no outcome");
      expect(decodeSettle(settled).price).to.equal(wad(2_001));
    });
  });

  it("keeps hours and settlement stream", async () => {
    const { world, until, watchUntil } = await createShadowed();
    const { oracle } = world;
    const stream = await deployStream();
    await stream.report(2_000, until - 10, until);
    const sessions = packSessions([[0, 10_080]]);
    await still(() => oracle.setSessions(0, sessions));
    await networkHelpers.time.setNextBlockTimestamp(until + 1);
    await oracle.setSettlement(0, stream.proxy, STREAM_WINDOW);
    // A change has been made: the next waits eight days.
    await admit(world);
    const { error, args } = await world.one(until + 2, "adoptSource", 0);
    expect([error, args]).to.deep.equal(["ChangedRecently", [0n, BigInt(until + 1 + 8 * DAY)]]);

    const at = until + 1 + 8 * DAY;
    await watchUntil(at);
    expect((await world.one(at, "adoptSource", 0)).error).to.equal(undefined);
    const source = await oracle.sourceOf(0);
    expect(source).to.deep.equal([1n, await stream.proxy.getAddress(), BigInt(STREAM_WINDOW), sessions, BigInt(at)]);
    const boundary = at + LONGEST_DELAY + 1;
    await stream.report(2_002, boundary, boundary + 1);
    expect((await world.settle(boundary + 2, boundary, id(2), 0n)).price).to.equal(wad(2_002));
  });

  it("needs 24 hours of agreement", async () => {
    const { world, until, proposedAt } = await createShadowed(SHADOW_TIME - 1);
    await admit(world);
    const short = await world.one(until, "adoptSource", 0);
    expect([short.error, short.args]).to.deep.equal(["ShadowTooShort", [0n, BigInt(proposedAt), BigInt(SHADOW_TIME)]]);
    expect((await world.one(until + 1, "adoptSource", 0)).error).to.equal(undefined);
  });

  it("needs the last watching to have found agreement", async () => {
    const { world, watch, until } = await createShadowed();
    await admit(world);
    await watch(until + 10, 2_000, 2_100);
    await world.feed.write(2_000, until + 20);
    const { error, args } = await world.one(until + 20, "adoptSource", 0);
    expect([error, args]).to.deep.equal(["ShadowTooShort", [0n, 0n, BigInt(SHADOW_TIME)]]);
  });

  it("needs a watching within the last two hours", async () => {
    const { world, next, until } = await createShadowed();
    await admit(world);
    const at = until + MAX_WATCH_GAP;
    await world.feed.write(2_000, at);
    await next.write(2_010, at);
    const late = await world.one(at + 1, "adoptSource", 0);
    expect([late.error, late.args]).to.deep.equal(["NotWatched", [0n, BigInt(until), BigInt(MAX_WATCH_GAP)]]);
  });

  it("takes a watching two hours ago", async () => {
    const { world, next, until } = await createShadowed();
    await admit(world);
    const at = until + MAX_WATCH_GAP;
    await world.feed.write(2_000, at);
    await next.write(2_010, at);
    expect((await world.one(at, "adoptSource", 0)).error).to.equal(undefined);
  });

  it("needs agreement now", async () => {
    const { world, next, until } = await createShadowed();
    await admit(world);
    await next.write(2_021, until + 10);
    const { error, args } = await world.one(until + 10, "adoptSource", 0);
    expect([error, args]).to.deep.equal(["SourcesDisagree", [0n, wad(2_000), wad(2_021), BigInt(TOLERANCE)]]);
  });

  it("needs both live now, and no halt", async () => {
    const { world, next, input, until } = await createShadowed();
    await admit(world);
    await world.feed.write(2_500, until + 10);
    await world.one(until + 11, "update", 1n);
    await world.feed.write(2_000, until + 12);
    const halted = await world.one(until + 12, "adoptSource", 0);
    expect([halted.error, halted.args]).to.deep.equal(["SourceNotLive", [0n, 7n]]);

    await world.one(until + 13, "update", 1n);
    await next.write(0, until + 14);
    const dead = await world.one(until + 14, "adoptSource", 0);
    expect([dead.error, dead.args]).to.deep.equal(["FeedNotLive", [input.proxy, 2n]]);
  });

  it("does not take time back", async () => {
    const { world, next, until } = await createShadowed();
    await admit(world);
    await next.write(2_010, until + 10);
    await world.feed.write(2_000, until + 11);
    const { error, args } = await world.one(until + 20, "adoptSource", 0);
    expect([error, args]).to.deep.equal(["PriceGoesBack", [0n, BigInt(until + 10), BigInt(until + 11)]]);
    await next.write(2_010, until + 11);
    expect((await world.one(until + 21, "adoptSource", 0)).error).to.equal(undefined);
  });

  it("refuses a proxy that another asset has been listed with meanwhile", async () => {
    const { world, input, until } = await createShadowed();
    await still(() => world.oracle.list([input]));
    await admit(world);
    const { error, args } = await world.one(until, "adoptSource", 0);
    expect([error, args]).to.deep.equal(["ProxyListed", [input.proxy, 2n]]);
  });

  it("refuses limits by which the asset would be dead because it is closed by hours set meanwhile", async () => {
    const { world, until, watchUntil } = await createShadowed();
    await admit(world);
    await still(() => world.oracle.configure(0, { ...LIMITS, deadAfter: 8 * DAY }));
    const at = mondayAfter(until + DAY) + DAY;
    await watchUntil(at);
    await still(() => world.oracle.setSessions(0, packSessions([[0, 7_200]])));
    const least = BigInt(2 * DAY + LIMITS.maxAge);
    const { error, args } = await world.one(at, "adoptSource", 0);
    expect([error, args.slice(1)]).to.deep.equal(["LimitOutOfRange", [BigInt(DAY), least, BigInt(30 * DAY)]]);
  });

  it("keeps a grace period that lasts longer", async () => {
    const { world, next, until } = await createShadowed();
    await admit(world);
    await still(() => world.oracle.setEnvironment({ ...ENVIRONMENT, haltGrace: 4 * HOUR }));
    await world.feed.write(2_500, until + 10);
    await world.one(until + 11, "update", 1n);
    await world.feed.write(2_000, until + 12);
    await world.one(until + 13, "update", 1n);
    await still(() => world.oracle.setEnvironment(ENVIRONMENT));
    await next.write(2_000, until + 20);
    expect((await world.one(until + 20, "adoptSource", 0)).error).to.equal(undefined);
    expect((await world.oracle.stateOf(0)).graceUntil).to.equal(BigInt(until + 13 + 4 * HOUR));
  });

  it("is refused without a proposal and to strangers", async () => {
    const { world } = await createProposed();
    const { oracle, stranger } = world;
    await expect(oracle.adoptSource(1)).to.be.revertedWithCustomError(oracle, "NotProposed").withArgs(1n);
    await expect(oracle.connect(stranger).adoptSource(0)).to.be.revertedWithCustomError(
      oracle,
      "AccessManagedUnauthorized",
    );
  });
});
