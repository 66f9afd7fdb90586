import { expect } from "chai";

import { Kind } from "../parameters.ts";
import { DAY, HOUR, LIMITS, deployFeed, ethers, networkHelpers, still, wad } from "./fixture.ts";
import { TOLERANCE, createPair, createProposed } from "./replacement.ts";
import { admit, mondayAfter, packSessions } from "./sources.ts";

const NONE = [ethers.ZeroAddress, 0n, 0n, 0n, 0n, 0n, [0n, 0n, 0n, 0n, 0n, 0n, 0n]];

describe("PriceOracle.proposeSource", () => {
  it("puts a source in shadow and changes no price", async () => {
    const { world, input } = await createPair();
    const { oracle } = world;
    const before = [await oracle.feedOf(0), await oracle.stateOf(0), await oracle.sourceOf(0)];
    expect(await oracle.proposalOf(0)).to.deep.equal(NONE);
    await networkHelpers.time.setNextBlockTimestamp(world.now);
    const limits = Object.values(input.limits).map(BigInt);
    await expect(oracle.proposeSource(0, input, TOLERANCE))
      .to.emit(oracle, "SourceProposed")
      .withArgs(0n, input.proxy, BigInt(Kind.Observed), TOLERANCE, limits);

    const now = BigInt(world.now);
    expect(await oracle.proposalOf(0)).to.deep.equal([input.proxy, 1n, 18n, BigInt(TOLERANCE), now, now, limits]);
    expect([await oracle.feedOf(0), await oracle.stateOf(0), await oracle.sourceOf(0)]).to.deep.equal(before);
  });

  it("takes the proxy of the asset itself with another kind, but no other asset's", async () => {
    const { world, input } = await createPair();
    const [own, other] = world.feeds;
    if (own === undefined || other === undefined) throw new Error("no feeds");
    await expect(world.oracle.proposeSource(0, { ...input, proxy: await other.proxy.getAddress() }, TOLERANCE))
      .to.be.revertedWithCustomError(world.oracle, "ProxyListed")
      .withArgs(other.proxy, 1n);
    await world.oracle.proposeSource(0, { ...input, proxy: await own.proxy.getAddress() }, TOLERANCE);
    expect((await world.oracle.proposalOf(0)).proxy).to.equal(await own.proxy.getAddress());
  });

  it("refuses a second proposal", async () => {
    const { world, input } = await createProposed();
    await expect(world.oracle.proposeSource(0, input, TOLERANCE))
      .to.be.revertedWithCustomError(world.oracle, "AlreadyProposed")
      .withArgs(0n, input.proxy);
  });

  it("refuses what no listing takes: no code, too many decimals, limits out of range", async () => {
    const { world, input } = await createPair();
    const { oracle } = world;
    const wide = await deployFeed({ decimals: 19 });
    await expect(oracle.proposeSource(0, { ...input, proxy: world.stranger.address }, TOLERANCE))
      .to.be.revertedWithCustomError(oracle, "ProxyNotContract")
      .withArgs(world.stranger.address);
    await expect(oracle.proposeSource(0, { ...input, proxy: await wide.proxy.getAddress() }, TOLERANCE))
      .to.be.revertedWithCustomError(oracle, "DecimalsTooMany")
      .withArgs(wide.proxy, 19n, 18n);
    await expect(oracle.proposeSource(0, { ...input, limits: { ...LIMITS, jump: 4_999 } }, TOLERANCE))
      .to.be.revertedWithCustomError(oracle, "LimitOutOfRange")
      .withArgs(ethers.encodeBytes32String("jump"), 4_999n, 5_000n, 500_000n);
  });

  it("refuses a tolerance of nothing and one above 2 %", async () => {
    const { world, input } = await createPair();
    for (const tolerance of [0, 20_001]) {
      await expect(world.oracle.proposeSource(0, input, tolerance))
        .to.be.revertedWithCustomError(world.oracle, "LimitOutOfRange")
        .withArgs(ethers.encodeBytes32String("tolerance"), BigInt(tolerance), 1n, 20_000n);
    }
    await world.oracle.proposeSource(0, input, 20_000);
  });

  it("refuses limits by which the asset would be dead because it is closed", async () => {
    const { world, input } = await createPair({ limits: { deadAfter: 8 * DAY } });
    const monday = mondayAfter(world.now);
    await networkHelpers.time.increaseTo(monday);
    await world.feed.write(2_000, monday);
    await still(() => world.oracle.setSessions(0, packSessions([[0, 1_440]])));
    const least = BigInt(6 * DAY + LIMITS.maxAge);
    await expect(still(() => world.oracle.proposeSource(0, input, TOLERANCE)))
      .to.be.revertedWithCustomError(world.oracle, "LimitOutOfRange")
      .withArgs(ethers.encodeBytes32String("deadAfter"), BigInt(LIMITS.deadAfter), least, BigInt(30 * DAY));
  });

  it("needs the old source live: beside a dead one nothing can be judged", async () => {
    const { world, next, input } = await createPair();
    await admit(world);
    const late = world.firstAt + LIMITS.maxAge + 1;
    await next.write(2_010, late);
    const { error, args } = await world.one(late, "proposeSource", 0, input, TOLERANCE);
    expect([error, args]).to.deep.equal(["SourceNotLive", [0n, 4n]]);
  });

  it("needs the new source live", async () => {
    const { world, input } = await createPair();
    await admit(world);
    const late = world.firstAt + LIMITS.maxAge + 1;
    await world.feed.write(2_000, late);
    const { error, args } = await world.one(late, "proposeSource", 0, input, TOLERANCE);
    expect([error, args]).to.deep.equal(["FeedNotLive", [input.proxy, 4n]]);
    const bounded = { ...input, limits: { ...input.limits, maxAge: 2 * HOUR, maxAnswer: wad(2_009) } };
    const outside = await world.one(late, "proposeSource", 0, bounded, TOLERANCE);
    expect([outside.error, outside.args]).to.deep.equal(["FeedNotLive", [input.proxy, 5n]]);
  });

  it("needs them to agree", async () => {
    const { world, next, input } = await createPair();
    await admit(world);
    for (const price of [2_020.000001, 1_979.999999]) {
      await next.write(price, world.now);
      const { error, args } = await world.one(world.now, "proposeSource", 0, input, TOLERANCE);
      expect([error, args]).to.deep.equal(["SourcesDisagree", [0n, wad(2_000), wad(price), BigInt(TOLERANCE)]]);
    }
    await next.write(1_980, world.now);
    expect((await world.one(world.now, "proposeSource", 0, input, TOLERANCE)).error).to.equal(undefined);
  });

  it("is refused for an unknown asset and to strangers", async () => {
    const { world, input } = await createPair();
    const { oracle, stranger } = world;
    await expect(oracle.proposeSource(2, input, TOLERANCE))
      .to.be.revertedWithCustomError(oracle, "UnknownAsset")
      .withArgs(2n, 2n);
    await expect(oracle.connect(stranger).proposeSource(0, input, TOLERANCE)).to.be.revertedWithCustomError(
      oracle,
      "AccessManagedUnauthorized",
    );
  });
});

describe("PriceOracle.cancelSource", () => {
  it("drops the proposal, so that another can be made", async () => {
    const { world, input } = await createProposed();
    await expect(world.oracle.cancelSource(0)).to.emit(world.oracle, "SourceCancelled").withArgs(0n);
    expect(await world.oracle.proposalOf(0)).to.deep.equal(NONE);
    await world.oracle.proposeSource(0, input, TOLERANCE);
  });

  it("is refused without a proposal and to strangers", async () => {
    const { world } = await createProposed();
    const { oracle, stranger } = world;
    await expect(oracle.cancelSource(1)).to.be.revertedWithCustomError(oracle, "NotProposed").withArgs(1n);
    await expect(oracle.connect(stranger).cancelSource(0)).to.be.revertedWithCustomError(
      oracle,
      "AccessManagedUnauthorized",
    );
  });
});
