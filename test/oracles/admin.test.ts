import { expect } from "chai";

import { Kind } from "../parameters.ts";
import {
  DAY,
  ENVIRONMENT,
  HOUR,
  LIMITS,
  NO_ASSET,
  WAD,
  createWorld,
  deployFeed,
  deployOracle,
  ethers,
  id,
  networkHelpers,
  still,
  switchAggregator,
  wad,
  type FeedOptions,
  MINUTE,
} from "./fixture.ts";

/** A feed whose first round is of this block's time. */
async function createFeed(options: FeedOptions = {}) {
  const feed = await deployFeed(options);
  await feed.write(options.price ?? 100, await networkHelpers.time.latest());
  return feed;
}

/** Values outside the bounds of each limit. */
const BAD_LIMITS = [
  ["maxAge", { maxAge: 59 }],
  ["maxAge", { maxAge: 3 * DAY + 1, window: 4 * DAY, deadAfter: 4 * DAY }],
  ["window", { window: LIMITS.maxAge - 1 }],
  ["window", { window: 7 * DAY + 1 }],
  ["jump", { jump: 4_999 }],
  ["jump", { jump: 500_001 }],
  ["spread", { spread: 999 }],
  ["spread", { spread: 1_000_001 }],
  ["deadAfter", { deadAfter: LIMITS.maxAge - 1 }],
  ["deadAfter", { deadAfter: 30 * DAY + 1 }],
  ["minAnswer", { minAnswer: 0n }],
  ["maxAnswer", { maxAnswer: LIMITS.minAnswer }],
  ["maxAnswer", { maxAnswer: 2n ** 96n - 1n }],
] as const;

const GOOD_LIMITS = [
  { maxAge: 60, window: 60, deadAfter: 60 },
  { maxAge: 3 * DAY, window: 7 * DAY, deadAfter: 30 * DAY },
  { jump: 5_000, spread: 1_000, minAnswer: 1n, maxAnswer: 2n ** 96n - 2n },
  { jump: 500_000, spread: 1_000_000 },
];

describe("PriceOracle.list", () => {
  it("appends feeds, keeps the ones before, and stores their first prices", async () => {
    const world = await createWorld({ feeds: [{ price: 2_000, decimals: 8 }] });
    const second = await createFeed({ decimals: 18, price: 7 });
    const third = await createFeed({ decimals: 0, price: 8 });
    const before = [await world.oracle.feedOf(0), await world.oracle.environment()];
    const limits = { ...LIMITS, jump: 20_000 };
    const inputs = [
      { proxy: await second.proxy.getAddress(), kind: Kind.Observed, limits },
      { proxy: await third.proxy.getAddress(), kind: Kind.Rounds, limits: LIMITS },
    ];
    await expect(still(() => world.oracle.list(inputs)))
      .to.emit(world.oracle, "FeedListed")
      .withArgs(1n, second.proxy, BigInt(Kind.Observed), Object.values(limits).map(BigInt));

    expect(await world.oracle.assetCount()).to.equal(3n);
    expect([await world.oracle.feedOf(0), await world.oracle.environment()]).to.deep.equal(before);
    expect(await world.oracle.feedOf(1)).to.deep.equal([
      await second.proxy.getAddress(),
      18n,
      Object.values(limits).map(BigInt),
    ]);
    expect((await world.oracle.feedOf(2)).decimals).to.equal(0n);
    const { price, round } = await world.oracle.stateOf(2);
    expect([price, round]).to.deep.equal([wad(8), id(1)]);
  });

  it("takes as many as 96 assets and no more", async () => {
    const world = await createWorld();
    const inputs: { proxy: string; kind: number; limits: typeof LIMITS }[] = [];
    for (let i = 0; i < 96; ++i) {
      const feed = await createFeed();
      inputs.push({ proxy: await feed.proxy.getAddress(), kind: Kind.Rounds, limits: LIMITS });
    }
    await expect(world.oracle.list(inputs))
      .to.be.revertedWithCustomError(world.oracle, "TooManyAssets")
      .withArgs(97n, 96n);
    await still(() => world.oracle.list(inputs.slice(0, 48)));
    await still(() => world.oracle.list(inputs.slice(48, 95)));

    expect(await world.oracle.assetCount()).to.equal(96n);
    const last = inputs[94];
    expect((await world.oracle.feedOf(95)).proxy).to.equal(last?.proxy);
    expect((await world.readPrice((await networkHelpers.time.latest()) + 1, 95)).last).to.equal(wad(100));
  });

  it("refuses a proxy twice, from before or in the same call", async () => {
    const world = await createWorld();
    const { oracle } = world;
    const feed = await createFeed();
    const listed = { proxy: await world.feed.proxy.getAddress(), kind: Kind.Rounds, limits: LIMITS };
    const input = { proxy: await feed.proxy.getAddress(), kind: Kind.Rounds, limits: LIMITS };

    await expect(oracle.list([listed]))
      .to.be.revertedWithCustomError(oracle, "ProxyListed")
      .withArgs(listed.proxy, 0n);
    await expect(oracle.list([input, input]))
      .to.be.revertedWithCustomError(oracle, "ProxyListed")
      .withArgs(input.proxy, 1n);
  });

  it("refuses an address without code and a feed of more than 18 decimals", async () => {
    const { oracle } = await createWorld();
    await expect(oracle.list([{ proxy: ethers.ZeroAddress, kind: Kind.Rounds, limits: LIMITS }]))
      .to.be.revertedWithCustomError(oracle, "ProxyNotContract")
      .withArgs(ethers.ZeroAddress);
    const wide = await createFeed({ decimals: 19 });
    await expect(oracle.list([{ proxy: wide.proxy, kind: Kind.Rounds, limits: LIMITS }]))
      .to.be.revertedWithCustomError(oracle, "DecimalsTooMany")
      .withArgs(wide.proxy, 19n, 18n);
  });

  it("refuses a feed that is not live", async () => {
    const { oracle, now } = await createWorld();
    const empty = await deployFeed();
    const zero = await createFeed({ price: 0 });
    const high = await createFeed({ price: 2_000_000 });
    const stale = await deployFeed();
    await stale.write(100, now - DAY);
    const future = await deployFeed();
    await future.write(100, now + DAY);
    for (const [feed, refusal] of [
      [empty, 1n],
      [zero, 2n],
      [future, 3n],
      [stale, 4n],
      [high, 5n],
    ] as const) {
      await expect(oracle.list([{ proxy: feed.proxy, kind: Kind.Rounds, limits: LIMITS }]))
        .to.be.revertedWithCustomError(oracle, "FeedNotLive")
        .withArgs(feed.proxy, refusal);
    }
  });

  it("is refused to strangers", async () => {
    const { oracle, stranger } = await createWorld();
    await expect(oracle.connect(stranger).list([])).to.be.revertedWithCustomError(oracle, "AccessManagedUnauthorized");
  });
});

describe("PriceOracle.configure", () => {
  it("replaces the limits of one feed and nothing else", async () => {
    const world = await createWorld({ feeds: [{}, { price: 3 }] });
    const { oracle } = world;
    const before = [await oracle.feedOf(0), await oracle.environment(), await oracle.stateOf(1)];
    const limits = { ...LIMITS, maxAge: 2 * HOUR, jump: 50_000 };
    await expect(oracle.configure(1, limits))
      .to.emit(oracle, "FeedConfigured")
      .withArgs(1n, Object.values(limits).map(BigInt));

    expect((await oracle.feedOf(1)).limits).to.deep.equal(Object.values(limits).map(BigInt));
    expect([await oracle.feedOf(0), await oracle.environment(), await oracle.stateOf(1)]).to.deep.equal(before);
  });

  for (const [field, change] of BAD_LIMITS) {
    it(`refuses ${Object.entries(change)[0]?.join(" ") ?? ""}`, async () => {
      const { oracle } = await createWorld();
      await expect(oracle.configure(0, { ...LIMITS, ...change }))
        .to.be.revertedWithCustomError(oracle, "LimitOutOfRange")
        .withArgs(ethers.encodeBytes32String(field), ...anyRange(change[field as keyof typeof change]));
    });
  }

  it("takes the ends of every range", async () => {
    for (const change of GOOD_LIMITS) {
      const { oracle, feed, now } = await createWorld();
      await feed.write(2_000, now);
      await networkHelpers.time.setNextBlockTimestamp(now + 1);
      await oracle.configure(0, { ...LIMITS, ...change });
      expect((await oracle.feedOf(0)).limits).to.deep.equal(Object.values({ ...LIMITS, ...change }).map(BigInt));
    }
  });

  it("does not make a live price dead", async () => {
    const { oracle, now, firstAt } = await createWorld();
    const limits = { ...LIMITS, maxAge: MINUTE };
    const age = now + 10 - firstAt;
    await networkHelpers.time.setNextBlockTimestamp(now + 10);
    await expect(oracle.configure(0, { ...limits, deadAfter: age - 1 }))
      .to.be.revertedWithCustomError(oracle, "LimitOutOfRange")
      .withArgs(ethers.encodeBytes32String("deadAfter"), BigInt(age - 1), BigInt(age), BigInt(30 * DAY));
    await networkHelpers.time.setNextBlockTimestamp(now + 11);
    await oracle.configure(0, { ...limits, deadAfter: age + 1 });
  });

  it("makes the interval of a price that is not live no narrower, nor dead sooner", async () => {
    const { oracle, firstAt } = await createWorld();
    await networkHelpers.time.increaseTo(firstAt + LIMITS.maxAge + 1);
    for (const [field, value] of [
      ["spread", LIMITS.spread - 1],
      ["deadAfter", LIMITS.deadAfter - 1],
    ] as const) {
      await expect(oracle.configure(0, { ...LIMITS, [field]: value }))
        .to.be.revertedWithCustomError(oracle, "LimitOutOfRange")
        .withArgs(ethers.encodeBytes32String(field), ...anyRange(value));
    }
    await oracle.configure(0, { ...LIMITS, spread: LIMITS.spread + 1, deadAfter: LIMITS.deadAfter + 1 });
  });

  for (const [refusal, code, price, limits] of [
    ["Stale", 4n, 2_100, { maxAge: 2 * HOUR }],
    ["OutOfBounds", 5n, 2_100, { maxAnswer: wad(2_100) }],
    ["Jump", 6n, 2_300, { jump: 150_000 }],
  ] as const) {
    it(`takes no limits by which a price that is ${refusal} would count in its block`, async () => {
      const narrow = { ...LIMITS, maxAnswer: wad(refusal === "OutOfBounds" ? 2_099 : 5_000) };
      const world = await createWorld({ feeds: [{ limits: narrow }] });
      const { oracle, now } = world;
      await world.feed.write(price, now);
      const time = refusal === "Stale" ? now + LIMITS.maxAge + 1 : now + 1;
      await networkHelpers.time.increaseTo(time - 1);
      await networkHelpers.time.setNextBlockTimestamp(time);
      await expect(oracle.configure(0, { ...narrow, ...limits }))
        .to.be.revertedWithCustomError(oracle, "RefusedNow")
        .withArgs(0n, code, wad(price));
      expect((await world.readPrice(time)).refusal).to.equal(refusal);
    });
  }

  it("judges the accepted round where the latest is older, as a reading does", async () => {
    const world = await createWorld();
    const { oracle, feed, firstAt } = world;
    const { confirm, write } = await switchAggregator(feed);
    await write(2_000, firstAt - HOUR);
    await confirm();
    const time = firstAt + LIMITS.maxAge + 1;
    await networkHelpers.time.setNextBlockTimestamp(time);
    await expect(oracle.configure(0, { ...LIMITS, maxAge: LIMITS.maxAge + MINUTE }))
      .to.be.revertedWithCustomError(oracle, "RefusedNow")
      .withArgs(0n, 4n, wad(2_000));
  });

  it("takes wider limits while the price stays refused by others", async () => {
    const world = await createWorld({ feeds: [{ limits: { maxAnswer: wad(2_099) } }] });
    await world.feed.write(2_100, world.now);
    await networkHelpers.time.setNextBlockTimestamp(world.now + 1);
    // The price has left its bounds by less than a jump: with a smaller one it comes back through a halt.
    await world.oracle.configure(0, { ...LIMITS, jump: 49_999 });
    expect((await world.readPrice(world.now + 2)).refusal).to.equal("Jump");
    await world.one(world.now + 3, "update", 1n);
    expect((await world.oracle.stateOf(0)).halted).to.equal(true);
  });

  it("takes new limits while the sequencer is down", async () => {
    const world = await createWorld({ uptime: true });
    await world.uptime.transmit(1n, world.now);
    await networkHelpers.time.setNextBlockTimestamp(world.now + 1);
    await world.oracle.configure(0, { ...LIMITS, jump: 150_000 });
    expect((await world.oracle.feedOf(0)).limits.jump).to.equal(150_000n);
  });

  it("starts the clock of a halt anew, and keeps its veto", async () => {
    const world = await createWorld();
    const { oracle, feed, now } = world;
    await feed.write(2_500, now);
    await world.one(now + 1, "update", 1n);
    await oracle.vetoJump(0);
    await feed.write(2_520, now + 5 * MINUTE);
    await feed.write(2_510, now + 9 * MINUTE);
    const { vetoedUntil } = await oracle.haltOf(0);
    const time = now + 10 * MINUTE;
    await networkHelpers.time.setNextBlockTimestamp(time);
    await expect(oracle.configure(0, { ...LIMITS, jump: 20_000 }))
      .to.emit(oracle, "JumpHalted")
      .withArgs(0n, wad(2_000), wad(2_510), id(4));
    expect(await oracle.haltOf(0)).to.deep.equal([wad(2_510), id(4), BigInt(time), BigInt(now + 1), vetoedUntil]);
  });

  it("ends no halt by new limits in their block", async () => {
    const world = await createWorld();
    const { oracle, feed, now } = world;
    await feed.write(2_500, now);
    await world.one(now + 1, "update", 1n);
    await feed.write(2_500, now + 5 * MINUTE);
    // Near the candidate by the wider limit only.
    await feed.write(2_200, now + 9 * MINUTE);
    const time = now + 10 * MINUTE;
    await networkHelpers.time.setNextBlockTimestamp(time);
    await oracle.configure(0, { ...LIMITS, jump: 99_999 });
    await networkHelpers.time.setNextBlockTimestamp(time);
    await expect(oracle.configure(0, { ...LIMITS, jump: 150_000 }))
      .to.be.revertedWithCustomError(oracle, "RefusedNow")
      .withArgs(0n, 7n, wad(2_200));
    await feed.write(2_450, time);
    await networkHelpers.time.setNextBlockTimestamp(time);
    await oracle.configure(0, { ...LIMITS, jump: 150_000 });
    await world.one(time, "update", 1n);
    expect((await oracle.stateOf(0)).halted).to.equal(true);
  });

  it("is refused for an unknown asset and to strangers", async () => {
    const { oracle, stranger } = await createWorld();
    await expect(oracle.configure(1, LIMITS)).to.be.revertedWithCustomError(oracle, "UnknownAsset").withArgs(1n, 1n);
    await expect(oracle.connect(stranger).configure(0, LIMITS)).to.be.revertedWithCustomError(
      oracle,
      "AccessManagedUnauthorized",
    );
  });
});

describe("PriceOracle.setEnvironment", () => {
  it("replaces the environment and keeps the feeds", async () => {
    const world = await createWorld();
    const { oracle, uptime } = world;
    const feed = await oracle.feedOf(0);
    const environment = {
      ...ENVIRONMENT,
      sequencer: await uptime.proxy.getAddress(),
      sequencerGrace: 2 * HOUR,
      haltGrace: HOUR,
      pegAsset: 0,
      nativeAsset: 0,
      pegLow: (WAD * 95n) / 100n,
      pegHigh: (WAD * 105n) / 100n,
    };
    await expect(oracle.setEnvironment(environment)).to.emit(oracle, "EnvironmentSet");

    expect(await oracle.environment()).to.deep.equal(
      Object.values(environment).map((value) => (typeof value === "number" ? BigInt(value) : value)),
    );
    expect(await oracle.feedOf(0)).to.deep.equal(feed);
    await oracle.configure(0, LIMITS);
    expect((await oracle.environment()).sequencer).to.equal(environment.sequencer);
  });

  it("may come before the first feed", async () => {
    const { authority } = await createWorld();
    const { oracle } = await deployOracle(authority);
    await oracle.setEnvironment(ENVIRONMENT);
    expect((await oracle.environment()).pegAsset).to.equal(BigInt(NO_ASSET));
  });

  const bad = [
    ["sequencerGrace", { sequencerGrace: 299 }],
    ["sequencerGrace", { sequencerGrace: DAY + 1 }],
    ["haltGrace", { haltGrace: 299 }],
    ["haltGrace", { haltGrace: DAY + 1 }],
    ["pegLow", { pegLow: (WAD * 9n) / 10n - 1n }],
    ["pegLow", { pegLow: WAD + 1n }],
    ["pegHigh", { pegHigh: WAD - 1n }],
    ["pegHigh", { pegHigh: (WAD * 11n) / 10n + 1n }],
  ] as const;
  for (const [field, change] of bad) {
    it(`refuses ${Object.entries(change)[0]?.join(" ") ?? ""}`, async () => {
      const { oracle } = await createWorld();
      await expect(oracle.setEnvironment({ ...ENVIRONMENT, ...change }))
        .to.be.revertedWithCustomError(oracle, "LimitOutOfRange")
        .withArgs(ethers.encodeBytes32String(field), ...anyRange(change[field as keyof typeof change]));
    });
  }

  it("refuses unknown assets and an uptime feed that cannot be read", async () => {
    const { oracle, stranger } = await createWorld();
    for (const change of [{ pegAsset: 1 }, { nativeAsset: 1 }]) {
      await expect(oracle.setEnvironment({ ...ENVIRONMENT, ...change }))
        .to.be.revertedWithCustomError(oracle, "UnknownAsset")
        .withArgs(1n, 1n);
    }
    const empty = await deployFeed();
    for (const sequencer of [stranger.address, await empty.proxy.getAddress()]) {
      await expect(oracle.setEnvironment({ ...ENVIRONMENT, sequencer }))
        .to.be.revertedWithCustomError(oracle, "SequencerUnreadable")
        .withArgs(sequencer);
    }
  });

  it("shortens no grace of the sequencer that runs", async () => {
    const { oracle, uptime, now } = await createWorld({ uptime: true });
    const sequencer = await uptime.proxy.getAddress();
    await uptime.transmit(1n, now - HOUR);
    await uptime.transmit(0n, now);
    const end = now + ENVIRONMENT.sequencerGrace;
    const shorter = { ...ENVIRONMENT, sequencer, sequencerGrace: ENVIRONMENT.sequencerGrace - 1 };
    await networkHelpers.time.setNextBlockTimestamp(end);
    await expect(oracle.setEnvironment(shorter))
      .to.be.revertedWithCustomError(oracle, "LimitOutOfRange")
      .withArgs(
        ethers.encodeBytes32String("sequencerGrace"),
        BigInt(shorter.sequencerGrace),
        BigInt(ENVIRONMENT.sequencerGrace),
        BigInt(DAY),
      );
    await networkHelpers.time.setNextBlockTimestamp(end);
    await oracle.setEnvironment({ ...shorter, sequencerGrace: DAY });
    await networkHelpers.time.setNextBlockTimestamp(now + DAY + 1);
    await oracle.setEnvironment(shorter);
  });

  it("replaces an uptime feed that says the sequencer is down", async () => {
    const { oracle, uptime, now } = await createWorld({ uptime: true });
    await uptime.transmit(1n, now - HOUR);
    await networkHelpers.time.setNextBlockTimestamp(now);
    await oracle.setEnvironment({ ...ENVIRONMENT, sequencerGrace: 5 * MINUTE });
    expect((await oracle.environment()).sequencer).to.equal(ethers.ZeroAddress);
  });

  it("is refused to strangers", async () => {
    const { oracle, stranger } = await createWorld();
    await expect(oracle.connect(stranger).setEnvironment(ENVIRONMENT)).to.be.revertedWithCustomError(
      oracle,
      "AccessManagedUnauthorized",
    );
  });
});

/** Arguments of LimitOutOfRange after the field: the value, and a range that does not contain it. */
function anyRange(value: unknown): [(actual: bigint) => boolean, () => boolean, () => boolean] {
  return [(actual) => actual === BigInt(value as number | bigint), () => true, () => true];
}
