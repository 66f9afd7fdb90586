/** What the health view says of feeds, past the guards and by them. */
import { expect } from "chai";
import type { Result } from "ethers";

import {
  createWorld,
  DAY,
  ethers,
  HOUR,
  id,
  LIMITS,
  MINUTE,
  networkHelpers,
  switchAggregator,
  WAD,
  wad,
  type World,
} from "../oracles/fixture.ts";
import { Kind } from "../parameters.ts";

const REFUSAL = { none: 0n, missing: 1n, stale: 4n, jump: 6n, halted: 7n, sequencerDown: 8n, closed: 9n };

/** What `latestRoundData` answers. */
function roundData(answer: bigint, time: bigint): string {
  const types = ["uint80", "int256", "uint256", "uint256", "uint80"];
  return ethers.AbiCoder.defaultAbiCoder().encode(types, [id(1), answer, time, time, id(1)]);
}

/** A struct by the names of its fields. */
function fieldsOf(struct: object): unknown {
  return (struct as Result).toObject();
}

async function withHealth<T extends World>(world: T) {
  const health = await ethers.deployContract("OracleHealth", [world.oracle]);
  /** The first asset, or another, at a time. */
  const feedAt = async (time: number, asset = 0) => {
    await networkHelpers.time.increaseTo(time);
    return health.feed(asset);
  };
  return { ...world, health, feedAt };
}

async function plain() {
  return withHealth(await createWorld());
}

/** Not dead before it opens again. */
async function patient() {
  return withHealth(await createWorld({ feeds: [{ limits: { deadAfter: 9 * DAY } }] }));
}

async function several() {
  return withHealth(
    await createWorld({ feeds: [{}, { price: 1, decimals: 18 }], uptime: true, environment: { pegAsset: 1 } }),
  );
}

describe("OracleHealth.feed", () => {
  it("shows the source, what is behind it, its latest round and the price that was accepted", async () => {
    const { feedAt, feed, now, firstAt } = await networkHelpers.loadFixture(plain);
    await feed.write(2_010, now);
    const reading = await feedAt(now + 1);
    const { source, limits } = reading;

    expect(source.source).to.equal(await feed.proxy.getAddress());
    expect(source.aggregator).to.equal(await feed.aggregator.getAddress());
    expect([source.kind, source.decimals, source.currentDecimals]).to.deep.equal([0n, 8n, 8n]);
    expect(fieldsOf(source.latest)).to.deep.equal({
      readable: true,
      round: id(2),
      answer: 2_010_00000000n,
      price: wad(2_010),
      startedAt: BigInt(now),
      updatedAt: BigInt(now),
    });
    expect([reading.price, reading.round, reading.updatedAt]).to.deep.equal([wad(2_000), id(1), BigInt(firstAt)]);
    expect([reading.refusal, reading.low, reading.high]).to.deep.equal([REFUSAL.none, wad(2_010), wad(2_010)]);
    expect(limits.maxAge).to.equal(BigInt(LIMITS.maxAge));
    expect(limits.maxAnswer).to.equal(LIMITS.maxAnswer);
  });

  it("shows the phase that the proxy is in", async () => {
    const { feedAt, feed, now } = await networkHelpers.loadFixture(plain);
    const next = await switchAggregator(feed);
    await next.write(2_001, now);
    await next.confirm();

    const { source } = await feedAt(now + 1);
    expect(source.latest.round).to.equal(id(1, 2));
    expect(source.aggregator).to.equal(await next.aggregator.getAddress());
  });

  it("shows an answer that the guards refuse, why, and the interval that counts instead", async () => {
    const { feedAt, feed, now } = await networkHelpers.loadFixture(plain);
    await feed.write(3_000, now);
    const { source, refusal, low, high, price } = await feedAt(now + 1);

    expect(refusal).to.equal(REFUSAL.jump);
    expect(source.latest.price).to.equal(wad(3_000));
    expect([price, low, high]).to.deep.equal([wad(2_000), wad(1_900), wad(2_100)]);
  });

  it("shows a feed that has gone stale, and dead", async () => {
    const { feedAt, firstAt } = await networkHelpers.loadFixture(plain);

    const stale = await feedAt(firstAt + LIMITS.maxAge + 1);
    expect([stale.refusal, stale.dead]).to.deep.equal([REFUSAL.stale, false]);
    const dead = await feedAt(firstAt + LIMITS.deadAfter + 1);
    expect([dead.refusal, dead.dead]).to.deep.equal([REFUSAL.stale, true]);
  });

  it("shows a halt and its veto", async () => {
    const { feedAt, feed, oracle, now } = await networkHelpers.loadFixture(plain);
    await feed.write(3_000, now);
    await networkHelpers.time.setNextBlockTimestamp(now + 1);
    await oracle.update(1);
    await oracle.vetoJump(0);
    const { halt, refusal } = await feedAt(now + 10);

    expect(refusal).to.equal(REFUSAL.halted);
    expect(fieldsOf(halt)).to.deep.equal({
      halted: true,
      candidate: wad(3_000),
      round: id(2),
      since: BigInt(now),
      haltedAt: BigInt(now + 1),
      vetoedUntil: BigInt(now + 1 + DAY),
    });
  });

  it("shows the grace after a halt", async () => {
    const { feedAt, feed, oracle, now } = await networkHelpers.loadFixture(plain);
    await feed.write(3_000, now);
    await networkHelpers.time.setNextBlockTimestamp(now + 1);
    await oracle.update(1);
    await feed.write(2_000, now + MINUTE);
    await networkHelpers.time.setNextBlockTimestamp(now + MINUTE + 1);
    await oracle.update(1);
    const { halt, refusal, settling, graceUntil } = await feedAt(now + MINUTE + 2);

    expect([halt.halted, refusal, settling]).to.deep.equal([false, REFUSAL.none, true]);
    expect(graceUntil).to.equal(BigInt(now + MINUTE + 1 + 10 * MINUTE));
  });

  it("shows hours, and whether it is open", async () => {
    const { feedAt, feed, oracle, now } = await networkHelpers.loadFixture(patient);
    const minute = (time: number): bigint => (BigInt(time + 3 * DAY) / 60n) % 10_080n;
    // Open until an hour from now; the week's end is far enough.
    const closes = minute(now + HOUR);
    const sessions = (closes << 14n) | (minute(now) - 60n);
    await oracle.setSessions(0, sessions);
    await feed.write(2_000, now);

    const open = await feedAt(now + MINUTE);
    expect([open.sessions, open.open, open.refusal]).to.deep.equal([sessions, true, REFUSAL.none]);
    const closed = await feedAt(now + HOUR + MINUTE);
    expect([closed.open, closed.refusal]).to.deep.equal([false, REFUSAL.closed]);
  });

  it("shows what orders settle by", async () => {
    const { feedAt, feed, oracle, now } = await networkHelpers.loadFixture(plain);
    await feed.write(2_000, now);
    const stream = await ethers.deployContract("RawFeed");
    const at = BigInt(now);
    await stream.set(roundData(1_999_00000000n, at), false);
    await networkHelpers.time.setNextBlockTimestamp(now + 1);
    await oracle.setSettlement(0, stream, 60);
    const reading = await feedAt(now + 2);

    expect(reading.stream.source).to.equal(await stream.getAddress());
    expect([reading.stream.kind, reading.stream.latest.price]).to.deep.equal([3n, wad(1_999)]);
    expect([reading.window, reading.changedAt]).to.deep.equal([60n, BigInt(now + 1)]);

    // More decimals than there are prices for.
    await stream.setDecimals(77);
    const { latest } = (await feedAt(now + 4)).stream;
    expect([latest.readable, latest.answer, latest.price]).to.deep.equal([true, 1_999_00000000n, 0n]);
  });

  it("shows a source in shadow beside the one in use", async () => {
    const { feedAt, oracle, feed, now } = await networkHelpers.loadFixture(plain);
    await feed.write(2_000, now);
    await networkHelpers.time.setNextBlockTimestamp(now + 1);
    const proxy = await feed.proxy.getAddress();
    await oracle.proposeSource(0, { proxy, kind: Kind.Observed, limits: LIMITS }, 1_000);
    const { proposal, proposed } = await feedAt(now + 2);

    expect([proposal.tolerance, proposal.agreedSince, proposal.watchedAt]).to.deep.equal([
      1_000n,
      BigInt(now + 1),
      BigInt(now + 1),
    ]);
    expect([proposed.source, proposed.kind, proposed.latest.price]).to.deep.equal([proxy, 1n, wad(2_000)]);
  });

  it("shows nothing for what there is not", async () => {
    const { feedAt, now } = await networkHelpers.loadFixture(plain);
    const { stream, proposed, halt, changedAt, sessions, open } = await feedAt(now);

    expect([stream.source, proposed.source]).to.deep.equal([ethers.ZeroAddress, ethers.ZeroAddress]);
    expect([halt.halted, changedAt, sessions, open]).to.deep.equal([false, 0n, 0n, true]);
  });

  it("refuses an asset that is not listed", async () => {
    const { health, oracle } = await networkHelpers.loadFixture(plain);

    for (const asset of [1n, 256n]) {
      await expect(health.feed(asset)).to.be.revertedWithCustomError(oracle, "UnknownAsset").withArgs(asset, 1);
    }
  });
});

describe("OracleHealth.feed of a feed that misbehaves", () => {
  async function raw() {
    const world = await createWorld();
    const feed = await ethers.deployContract("RawFeed");
    const answer = async (value: bigint) => {
      const time = BigInt(await networkHelpers.time.latest());
      await feed.set(roundData(value, time), false);
    };
    await answer(2_000_00000000n);
    await world.oracle.list([{ proxy: feed, kind: Kind.Rounds, limits: LIMITS }]);
    const { health } = await withHealth(world);
    return { ...world, health, raw: feed, answer };
  }

  it("shows one that answers with nothing as unreadable, and the others as they are", async () => {
    const { health, raw: feed } = await networkHelpers.loadFixture(raw);
    await feed.set("0x", false);
    const { feeds } = await health.health();

    expect(feeds[1]?.source.latest.readable).to.equal(false);
    expect(feeds[1]?.refusal).to.equal(REFUSAL.missing);
    expect(feeds[0]?.source.latest.readable).to.equal(true);
  });

  it("shows one that fails as unreadable", async () => {
    const { health, raw: feed } = await networkHelpers.loadFixture(raw);
    await feed.set("0x", true);
    const { source, refusal } = await health.feed(1);

    expect([source.latest.readable, source.aggregator, refusal]).to.deep.equal([
      false,
      ethers.ZeroAddress,
      REFUSAL.missing,
    ]);
  });

  it("shows one that answers too little as unreadable", async () => {
    const { health, raw: feed } = await networkHelpers.loadFixture(raw);
    await feed.set(`0x${"00".repeat(159)}`, false);

    expect((await health.feed(1)).source.latest.readable).to.equal(false);
  });

  const answers: [string, bigint, bigint][] = [
    ["zero", 0n, 0n],
    ["less than zero", -1n, 0n],
    ["more than prices go", 2n ** 255n - 1n, 0n],
    ["one", 1n, 10n ** 10n],
  ];
  for (const [what, answer, price] of answers) {
    it(`shows an answer of ${what} as it is, and the price ${String(price)}`, async () => {
      const world = await networkHelpers.loadFixture(raw);
      await world.answer(answer);
      const { latest } = (await world.health.feed(1)).source;

      expect([latest.readable, latest.answer, latest.price]).to.deep.equal([true, answer, price]);
    });
  }

  it("shows no price of an answer below zero in eighteen decimals", async () => {
    const { health, oracle } = await networkHelpers.loadFixture(raw);
    const other = await ethers.deployContract("RawFeed");
    await other.setDecimals(18);
    const time = BigInt(await networkHelpers.time.latest());
    await other.set(roundData(2_000n * WAD, time), false);
    await oracle.list([{ proxy: other, kind: Kind.Rounds, limits: LIMITS }]);
    await other.set(roundData(-1n, time), false);

    expect((await health.feed(2)).source.latest.price).to.equal(0n);
  });

  it("shows decimals that are no longer those it was listed with", async () => {
    const { health, raw: feed } = await networkHelpers.loadFixture(raw);
    await feed.setDecimals(18);
    const { source } = await health.feed(1);

    expect([source.decimals, source.currentDecimals]).to.deep.equal([8n, 18n]);
  });
});

describe("OracleHealth.health", () => {
  it("shows every asset as its own reading does", async () => {
    const { health } = await networkHelpers.loadFixture(several);
    const { feeds } = await health.health();

    expect(feeds).to.have.length(2);
    for (const [asset, reading] of feeds.entries()) expect(reading).to.deep.equal(await health.feed(asset));
  });

  it("shows the sequencer, its grace and the peg", async () => {
    const { health, uptime, now } = await networkHelpers.loadFixture(several);
    await networkHelpers.time.increaseTo(now);
    const { environment } = await health.health();

    expect(environment.sequencer).to.equal(await uptime.proxy.getAddress());
    expect([environment.up, environment.settled, environment.upSince]).to.deep.equal([
      true,
      true,
      BigInt(now - 2 * DAY),
    ]);
    expect([environment.sequencerGrace, environment.pegHeld]).to.deep.equal([BigInt(HOUR), true]);
    expect([environment.settlementPrice, environment.pegLow, environment.pegHigh]).to.deep.equal([
      wad(1),
      wad(0.98),
      wad(1.02),
    ]);
  });

  it("shows a sequencer that is down, and in its grace", async () => {
    const { health, uptime, now } = await networkHelpers.loadFixture(several);
    await uptime.transmit(1n, now);
    await networkHelpers.time.increaseTo(now + 1);
    const down = await health.health();
    expect([down.environment.up, down.environment.settled]).to.deep.equal([false, false]);
    expect(down.feeds[0]?.refusal).to.equal(REFUSAL.sequencerDown);

    await uptime.transmit(0n, now + MINUTE);
    await networkHelpers.time.increaseTo(now + 2 * MINUTE);
    const { environment } = await health.health();
    expect([environment.up, environment.settled, environment.upSince]).to.deep.equal([
      true,
      false,
      BigInt(now + MINUTE),
    ]);
  });

  it("shows a peg that does not hold", async () => {
    const { health, feeds, now } = await networkHelpers.loadFixture(several);
    await feeds[1]?.write(0.95, now);
    await networkHelpers.time.increaseTo(now + 16 * MINUTE);
    const { environment } = await health.health();

    expect([environment.pegHeld, environment.settlementPrice]).to.deep.equal([false, wad(0.95)]);
  });

  it("knows nothing of an oracle without feeds", async () => {
    const authority = await ethers.deployContract("TestAuthority");
    const oracle = await ethers.deployContract("PriceOracle", [authority]);
    const health = await ethers.deployContract("OracleHealth", [oracle]);
    const { environment, feeds } = await health.health();

    expect([...feeds]).to.deep.equal([]);
    expect([environment.sequencer, environment.up, environment.pegHeld]).to.deep.equal([
      ethers.ZeroAddress,
      true,
      false,
    ]);
  });
});
