import { expect } from "chai";

import { Kind } from "../parameters.ts";
import { LIMITS, createWorld, networkHelpers, still, wad } from "./fixture.ts";
import { MAX_WATCH_GAP, TOLERANCE, createProposed } from "./replacement.ts";
import { mondayAfter, packSessions } from "./sources.ts";

const shadowOf = async ({ world }: Awaited<ReturnType<typeof createProposed>>) => {
  const { agreedSince, watchedAt } = await world.oracle.proposalOf(0);
  return [Number(agreedSince), Number(watchedAt)];
};

describe("PriceOracle.watchSource", () => {
  it("goes on with a shadow that agrees, by anyone", async () => {
    const proposed = await createProposed();
    const { world, next, proposedAt } = proposed;
    const at = proposedAt + MAX_WATCH_GAP;
    await world.feed.write(2_000, at);
    await next.write(2_020, at);
    await networkHelpers.time.setNextBlockTimestamp(at);
    await expect(world.oracle.connect(world.stranger).watchSource(0))
      .to.emit(world.oracle, "SourceWatched")
      .withArgs(0n, wad(2_000), wad(2_020), BigInt(proposedAt));
    expect(await shadowOf(proposed)).to.deep.equal([proposedAt, at]);
  });

  it("starts anew after a silence of more than two hours", async () => {
    const proposed = await createProposed();
    const at = proposed.proposedAt + MAX_WATCH_GAP + 1;
    const { value } = await proposed.watch(at);
    expect(value?.toArray()).to.deep.equal([BigInt(at)]);
    expect(await shadowOf(proposed)).to.deep.equal([at, at]);
  });

  it("starts anew with the first agreement after a disagreement", async () => {
    for (const price of [2_020.000001, 1_979.999999]) {
      const proposed = await createProposed();
      const at = proposed.proposedAt + 600;
      const { value } = await proposed.watch(at, 2_000, price);
      expect(value?.toArray()).to.deep.equal([0n]);
      expect(await shadowOf(proposed)).to.deep.equal([0, at]);

      await proposed.watch(at + 60);
      expect(await shadowOf(proposed)).to.deep.equal([at + 60, at + 60]);
    }
  });

  it("compares with the price that is accepted, and stores it", async () => {
    const proposed = await createProposed();
    await proposed.watch(proposed.proposedAt + 600, 2_015, 2_010);
    expect((await proposed.world.oracle.stateOf(0)).price).to.equal(wad(2_015));
  });

  it("needs the source in use to be live", async () => {
    const { world, next, watch, proposedAt } = await createProposed();
    const jumped = await watch(proposedAt + 60, 2_500, 2_500);
    expect([jumped.error, jumped.args]).to.deep.equal(["SourceNotLive", [0n, 6n]]);

    const late = proposedAt + 60 + LIMITS.maxAge + 1;
    await next.write(2_010, late);
    const stale = await world.one(late, "watchSource", 0);
    expect([stale.error, stale.args]).to.deep.equal(["SourceNotLive", [0n, 4n]]);
  });

  it("needs the proposed one to be live", async () => {
    const { world, input, watch, proposedAt } = await createProposed();
    const late = proposedAt + LIMITS.maxAge + 1;
    await world.feed.write(2_000, late);
    const stale = await world.one(late, "watchSource", 0);
    expect([stale.error, stale.args]).to.deep.equal(["FeedNotLive", [input.proxy, 4n]]);

    const zero = await watch(late + 60, 2_000, 0);
    expect([zero.error, zero.args]).to.deep.equal(["FeedNotLive", [input.proxy, 2n]]);
  });

  it("needs the sequencer up", async () => {
    const world = await createWorld({ uptime: true });
    const { feed, uptime, oracle, now } = world;
    const other = await createWorld();
    const input = { proxy: await other.feed.proxy.getAddress(), kind: Kind.Rounds, limits: LIMITS };
    await feed.write(2_000, other.firstAt);
    await still(() => oracle.proposeSource(0, input, TOLERANCE));
    await uptime.transmit(1n, now);
    const { error, args } = await world.one(other.now, "watchSource", 0);
    expect([error, args]).to.deep.equal(["SourceNotLive", [0n, 8n]]);
  });

  it("counts the hours of the asset for the proposed source, too", async () => {
    const proposed = await createProposed({ limits: { deadAfter: 29 * 86_400 } });
    const { world, next } = proposed;
    const monday = mondayAfter(world.now);
    await networkHelpers.time.increaseTo(monday + 60);
    await world.feed.write(2_000, monday + 60);
    await still(() => world.oracle.setSessions(0, packSessions([[0, 1_440]])));
    await next.write(2_000, monday - 1);
    const { error, args } = await world.one(monday + 60, "watchSource", 0);
    expect([error, args]).to.deep.equal(["FeedNotLive", [proposed.input.proxy, 9n]]);
  });

  it("is refused without a proposal", async () => {
    const { world } = await createProposed();
    const { error, args } = await world.one(world.now, "watchSource", 1);
    expect([error, args]).to.deep.equal(["NotProposed", [1n]]);
  });
});
