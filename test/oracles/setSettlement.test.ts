import { expect } from "chai";

import {
  DAY,
  LIMITS,
  createWorld,
  decodeSettle,
  ethers,
  id,
  networkHelpers,
  still,
  wad,
  type FeedOptions,
  type World,
} from "./fixture.ts";
import { LONGEST_DELAY, STREAM_WINDOW, admit, deployStream, passTo } from "./sources.ts";

const CHANGE_GAP = 8 * DAY;

/** A push feed at 2,000 and a stream with a report at 2,001, both of `firstAt`. */
async function createBoth(options: FeedOptions = {}) {
  const world = await createWorld({ feeds: [options, { price: 3 }] });
  const stream = await deployStream();
  await stream.report(2_001, world.firstAt - 10, world.firstAt);
  return { world, stream };
}

/** Sets the stream at `at`, and writes rounds and reports on both sides of it. */
async function createChanged(at: number, { world, stream }: Awaited<ReturnType<typeof createBoth>>) {
  await networkHelpers.time.setNextBlockTimestamp(at);
  await world.oracle.setSettlement(0, stream.proxy, STREAM_WINDOW);
  await world.feed.write(2_010, at + 300);
  await world.feed.write(2_020, at + 600);
  await stream.report(2_003, at - 50, at + LONGEST_DELAY + 20);
}

async function priceOf(world: World, at: number, boundary: number, round: bigint, before: bigint) {
  const { outcome, price } = await world.settle(at, boundary, round, before);
  return outcome === "Settled" ? price : outcome;
}

describe("PriceOracle.setSettlement", () => {
  it("has orders settle by a stream, and touches nothing else", async () => {
    const { world, stream } = await createBoth();
    const { oracle } = world;
    const before = [
      await oracle.feedOf(0),
      await oracle.stateOf(0),
      await oracle.sourceOf(1),
      await oracle.environment(),
    ];
    await networkHelpers.time.setNextBlockTimestamp(world.now);
    await expect(oracle.setSettlement(0, stream.proxy, STREAM_WINDOW))
      .to.emit(oracle, "SettlementSet")
      .withArgs(0n, stream.proxy, STREAM_WINDOW);

    const expected = [0n, await stream.proxy.getAddress(), BigInt(STREAM_WINDOW), 0n, BigInt(world.now)];
    expect(await oracle.sourceOf(0)).to.deep.equal(expected);
    const after = [
      await oracle.feedOf(0),
      await oracle.stateOf(0),
      await oracle.sourceOf(1),
      await oracle.environment(),
    ];
    expect(after).to.deep.equal(before);
    await oracle.configure(0, LIMITS);
    expect(await oracle.sourceOf(0)).to.deep.equal(expected);
  });

  it("leaves an asset that was never changed without a stream", async () => {
    const { world } = await createBoth();
    expect(await world.oracle.sourceOf(0)).to.deep.equal([0n, ethers.ZeroAddress, 0n, 0n, 0n]);
  });

  describe("at the time of the change", () => {
    it("leaves older orders to the rounds, refunds those between, and gives later ones to the stream", async () => {
      const both = await createBoth();
      const { world } = both;
      const at = world.now;
      await createChanged(at, both);
      const late = at + 1_000;

      expect(await priceOf(world, late, at - 1, id(2), id(1))).to.equal(wad(2_010));
      expect(await priceOf(world, late + 1, at - 1, id(2), 0n)).to.equal("HintTooEarly");
      for (const [shift, boundary] of [at, at + 1, at + LONGEST_DELAY - 1, at + LONGEST_DELAY].entries()) {
        for (const [more, [round, before]] of [
          [id(2), id(1)],
          [id(2), 0n],
          [id(1), 0n],
          [0n, 0n],
        ].entries()) {
          const outcome = await priceOf(world, late + 10 + 4 * shift + more, boundary, round ?? 0n, before ?? 0n);
          expect(outcome).to.equal("Void");
        }
      }
      expect(await priceOf(world, late + 50, at + LONGEST_DELAY + 1, id(2), 0n)).to.equal(wad(2_003));
      expect(await priceOf(world, late + 51, at + LONGEST_DELAY + 1, id(2), id(1))).to.equal("HintNotAlone");
    });

    it("keeps a proof made in the same transaction from reaching over it", async () => {
      const both = await createBoth();
      const { world } = both;
      const at = world.now;
      await createChanged(at, both);
      const call = (boundary: number, round: bigint, before: bigint) => ({
        contract: world.oracle,
        verb: "settle",
        args: [0, 1, boundary, { round, before }],
      });
      const later = at + LONGEST_DELAY + 1;
      // The first order's round comes after `later`, and the second one's report has begun before the change.
      const outcomes = await world.run(
        at + 1_000,
        call(at - 1, id(2), id(1)),
        call(later, id(2), 0n),
        call(later - 1, 0n, 0n),
        call(at - 1, 0n, 0n),
        call(at - 1, id(2), id(1)),
        call(at - 2, 0n, 0n),
      );
      expect(outcomes.map(decodeSettle).map(({ outcome, price }) => (price === 0n ? outcome : price))).to.deep.equal([
        wad(2_010),
        wad(2_003),
        "Void",
        "WindowOpen",
        wad(2_010),
        wad(2_010),
      ]);
    });

    it("keeps the limits that held for older orders", async () => {
      const both = await createBoth();
      const { world } = both;
      const at = world.now;
      await createChanged(at, both);
      await still(() => world.oracle.configure(0, { ...LIMITS, window: LIMITS.maxAge, minAnswer: wad(2_015) }));
      await world.feed.write(2_014, at + 700);

      expect(await priceOf(world, at + 1_000, at - 1, id(2), id(1))).to.equal(wad(2_010));
    });

    it("is the same backwards: from the stream to the rounds again", async () => {
      const both = await createBoth();
      const { world, stream } = both;
      await createChanged(world.now, both);
      const at = world.now + CHANGE_GAP;
      await passTo(world, at - 10);
      await stream.report(2_001, at - 20, at - 1);
      await networkHelpers.time.setNextBlockTimestamp(at);
      await expect(world.oracle.setSettlement(0, ethers.ZeroAddress, 0))
        .to.emit(world.oracle, "SettlementSet")
        .withArgs(0n, ethers.ZeroAddress, 0n);
      await world.feed.write(2_005, at + 300);

      expect(await priceOf(world, at + 400, at - 1, id(3), 0n)).to.equal(wad(2_001));
      expect(await priceOf(world, at + 401, at - 1, id(5), id(4))).to.equal("HintNotAlone");
      expect(await priceOf(world, at + 402, at + LONGEST_DELAY, id(5), id(4))).to.equal("Void");
      expect(await priceOf(world, at + 403, at + LONGEST_DELAY + 1, id(5), id(4))).to.equal(wad(2_005));
      expect(await world.oracle.sourceOf(0)).to.deep.equal([0n, ethers.ZeroAddress, 0n, 0n, BigInt(at)]);
    });
  });

  it("is refused a second time within eight days", async () => {
    const both = await createBoth();
    const { world, stream } = both;
    await createChanged(world.now, both);
    const until = world.now + CHANGE_GAP;
    await passTo(world, until - 10);
    await networkHelpers.time.setNextBlockTimestamp(until - 1);
    await expect(world.oracle.setSettlement(0, ethers.ZeroAddress, 0))
      .to.be.revertedWithCustomError(world.oracle, "ChangedRecently")
      .withArgs(0n, BigInt(until));
    await networkHelpers.time.setNextBlockTimestamp(until);
    await world.oracle.setSettlement(0, ethers.ZeroAddress, 0);
    expect((await world.oracle.sourceOf(0)).stream).not.to.equal(await stream.proxy.getAddress());
  });

  it("refuses an address without code, and more than 18 decimals", async () => {
    const { world } = await createBoth();
    await expect(world.oracle.setSettlement(0, world.stranger, STREAM_WINDOW))
      .to.be.revertedWithCustomError(world.oracle, "ProxyNotContract")
      .withArgs(world.stranger.address);
    const wide = await deployStream({ decimals: 19 });
    await expect(world.oracle.setSettlement(0, wide.proxy, STREAM_WINDOW))
      .to.be.revertedWithCustomError(world.oracle, "DecimalsTooMany")
      .withArgs(wide.proxy, 19n, 18n);
  });

  it("refuses a window outside its bounds, and any without a stream", async () => {
    const { world, stream } = await createBoth();
    const field = ethers.encodeBytes32String("window");
    for (const window of [0, 3_601]) {
      await expect(world.oracle.setSettlement(0, stream.proxy, window))
        .to.be.revertedWithCustomError(world.oracle, "LimitOutOfRange")
        .withArgs(field, BigInt(window), 1n, 3_600n);
    }
    await expect(world.oracle.setSettlement(0, ethers.ZeroAddress, 1))
      .to.be.revertedWithCustomError(world.oracle, "LimitOutOfRange")
      .withArgs(field, 1n, 0n, 0n);
    await world.oracle.setSettlement(0, stream.proxy, 3_600);
    await world.oracle.setSettlement(1, await (await reported(world, 3)).proxy.getAddress(), 1);
  });

  it("refuses a stream that is not live by the limits of the asset, or far from its price", async () => {
    const { world } = await createBoth({ limits: { minAnswer: wad(1_000), maxAnswer: wad(2_100) } });
    const { now } = world;
    await admit(world);
    const cases = [
      [undefined, 0, 1n],
      [0, now, 2n],
      [2_000, now + DAY, 3n],
      [2_000, now - LIMITS.maxAge - 1, 4n],
      [2_100.000001, now, 5n],
      [1_799.999999, now, 6n],
    ] as const;
    for (const [price, at, refusal] of cases) {
      const stream = await deployStream();
      if (price !== undefined) await stream.report(price, at, at);
      const { error, args } = await world.one(now, "setSettlement", 0, await stream.proxy.getAddress(), STREAM_WINDOW);
      expect([error, args]).to.deep.equal(["FeedNotLive", [await stream.proxy.getAddress(), refusal]]);
    }
    const stream = await deployStream();
    await stream.report(1_800, now - LIMITS.maxAge, now - LIMITS.maxAge);
    const { error } = await world.one(now, "setSettlement", 0, await stream.proxy.getAddress(), STREAM_WINDOW);
    expect(error).to.equal(undefined);
  });

  it("is refused for an unknown asset and to strangers", async () => {
    const { world, stream } = await createBoth();
    const { oracle, stranger } = world;
    await expect(oracle.setSettlement(2, stream.proxy, 1))
      .to.be.revertedWithCustomError(oracle, "UnknownAsset")
      .withArgs(2n, 2n);
    await expect(oracle.connect(stranger).setSettlement(0, stream.proxy, 1)).to.be.revertedWithCustomError(
      oracle,
      "AccessManagedUnauthorized",
    );
  });
});

async function reported(world: World, price: number) {
  const stream = await deployStream();
  await stream.report(price, world.firstAt, world.firstAt);
  return stream;
}
