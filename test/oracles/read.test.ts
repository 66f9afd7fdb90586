import { expect } from "chai";

import { Kind } from "../parameters.ts";
import {
  DAY,
  HOUR,
  LIMITS,
  createWorld,
  decodePrice,
  decodeRead,
  ethers,
  id,
  still,
  switchAggregator,
  wad,
  type World,
  instrumented,
} from "./fixture.ts";

/** Expects the price to be refused, and the interval to stand around `last`. */
async function expectRefused(world: World, at: number, refusal: string, last = wad(2_000)) {
  const price = await world.readPrice(at);
  expect(price.refusal).to.equal(refusal);
  expect(price.last).to.equal(last);
  expect(price.spread).to.equal(BigInt(LIMITS.spread));
}

describe("PriceOracle.read", () => {
  it("returns the latest price, live and without spread, and stores it", async () => {
    const world = await createWorld();
    await world.feed.write(2_050, world.now + 30, world.now + 25);

    expect(await world.readPrice(world.now + 40)).to.deep.equal({
      last: wad(2_050),
      spread: 0n,
      refusal: "None",
      settling: false,
      dead: false,
      updatedAt: BigInt(world.now + 30),
    });
    const [price, round, updatedAt, checkedAt] = await world.oracle.stateOf(0);
    expect([price, round, updatedAt, checkedAt]).to.deep.equal([
      wad(2_050),
      id(2),
      BigInt(world.now + 30),
      BigInt(world.now + 40),
    ]);
  });

  it("returns several assets in ascending order", async () => {
    const world = await createWorld({ feeds: [{ price: 1 }, { price: 2_000 }, { price: 3 }, { price: 4 }] });

    const { prices } = await world.read(world.now, 0b1101n);
    expect(prices.map(({ last }) => last)).to.deep.equal([wad(1), wad(3), wad(4)]);
  });

  it("refuses a bitmap with an asset that is not listed", async () => {
    const world = await createWorld();

    const { error, args } = await world.one(world.now, "read", 0b11n, false);
    expect(error).to.equal("UnknownAssets");
    expect(args).to.deep.equal([0b11n, 1n]);
  });

  for (let decimals = 0; decimals <= 18; ++decimals) {
    it(`scales a feed of ${decimals} decimals to WAD`, async () => {
      const world = await createWorld({ feeds: [{ decimals, price: 123 }] });
      await world.feed.transmit(124n * 10n ** BigInt(decimals), world.now);

      expect((await world.readPrice(world.now)).last).to.equal(wad(124));
    });
  }

  it("accepts an answer as old as maxAge and refuses one a second older as Stale", async () => {
    const world = await createWorld();
    const writtenAt = world.firstAt;

    expect((await world.readPrice(writtenAt + LIMITS.maxAge)).refusal).to.equal("None");
    await expectRefused(world, writtenAt + LIMITS.maxAge + 1, "Stale");
  });

  it("accepts a round of this very second and refuses one whose update lies in the future", async () => {
    const world = await createWorld();
    await world.feed.write(2_010, world.now + 100);

    await expectRefused(world, world.now + 99, "Future");
    expect((await world.readPrice(world.now + 100)).last).to.equal(wad(2_010));
  });

  it("refuses a round whose update lies in the future though its start does not", async () => {
    const world = await createWorld();
    await world.feed.write(2_010, world.now + 100, world.now);

    await expectRefused(world, world.now + 50, "Future");
  });

  it("refuses a round whose start lies in the future", async () => {
    const world = await createWorld();
    await world.feed.write(2_010, world.now + 100, world.now + 200);

    await expectRefused(world, world.now + 150, "Future");
  });

  describe("a feed that answers", () => {
    const round = (id_: bigint, startedAt: bigint, updatedAt: bigint) =>
      ethers.AbiCoder.defaultAbiCoder().encode(
        ["uint256", "int256", "uint256", "uint256", "uint256"],
        [id_, 2_000_00000000n, startedAt, updatedAt, id_],
      );

    async function createRaw() {
      const world = await createWorld();
      const raw = await still(() => ethers.deployContract("RawFeed"));
      const at = BigInt(world.now);
      await still(() => raw.set(round(id(1), BigInt(world.firstAt), BigInt(world.firstAt)), false));
      await still(() => world.oracle.list([{ proxy: raw, kind: Kind.Rounds, limits: LIMITS }]));
      return { world, raw, at };
    }

    const wide = 1n << 32n;
    const cases: [string, (at: bigint) => string, string][] = [
      ["an update beyond 32 bits", (at) => round(id(2), at, at + wide), "Future"],
      ["a start beyond 32 bits", (at) => round(id(2), at + wide, at), "Future"],
      ["an id beyond 80 bits", (at) => round(id(2) + (1n << 80n), at, at), "Missing"],
      ["a round number beyond 40 bits", (at) => round(id(2) + (1n << 40n), at, at), "Missing"],
      ["too few bytes", (at) => ethers.dataSlice(round(id(2), at, at), 0, 159), "Missing"],
      ["nothing", () => "0x", "Missing"],
      ["more bytes than asked for", (at) => `${round(id(2), at, at)}${"ff".repeat(500)}`, "None"],
    ];
    for (const [what, response, refusal] of cases) {
      it(`${what} is ${refusal === "None" ? "live" : `refused as ${refusal}`}`, async () => {
        const { world, raw, at } = await createRaw();
        await still(() => raw.set(response(at), false));
        expect((await world.readPrice(world.now, 1)).refusal).to.equal(refusal);
      });
    }

    it("by burning its gas is refused as Missing, for no more than its stipend", async () => {
      const { world, raw } = await createRaw();
      await still(() => raw.set("0x", true));
      const { prices, gas } = await world.read(world.now, 2n);
      expect(prices[0]?.refusal).to.equal("Missing");
      if (!instrumented) expect(gas).to.be.lessThan(150_000n);
    });
  });

  it("refuses an answer of zero and a negative one as NonPositive", async () => {
    const world = await createWorld();
    await world.feed.write(0, world.now);
    await expectRefused(world, world.now, "NonPositive");
    await world.feed.transmit(-1n, world.now + 1);
    await expectRefused(world, world.now + 1, "NonPositive");
    await world.feed.transmit(-(2n ** 191n), world.now + 2);
    await expectRefused(world, world.now + 2, "NonPositive");
  });

  it("refuses a round without update or without start as Missing", async () => {
    const world = await createWorld();
    await world.feed.write(2_010, 0, world.now);
    await expectRefused(world, world.now, "Missing");
    await world.feed.write(2_010, world.now + 1, 0);
    await expectRefused(world, world.now + 1, "Missing");
  });

  it("accepts the bounds themselves and refuses what lies beyond as OutOfBounds", async () => {
    const limits = { minAnswer: wad(1_990), maxAnswer: wad(2_010) };
    const world = await createWorld({ feeds: [{ limits }] });
    const steps = [
      [1_990, "None"],
      [1_989.999999, "OutOfBounds"],
      [2_010, "None"],
      [2_010.000001, "OutOfBounds"],
    ] as const;
    let at = world.now;
    for (const [price, refusal] of steps) {
      await world.feed.write(price, ++at);
      expect((await world.readPrice(at)).refusal).to.equal(refusal);
    }
  });

  it("refuses an answer too wide for its field as OutOfBounds instead of wrapping it", async () => {
    const world = await createWorld();
    // In WAD this is 2^96 · 10 + 2000e18: cut to 96 bits it would look like the price before.
    await world.feed.transmit(2n ** 97n * 5n + 2_000_00000000n, world.now);
    await expectRefused(world, world.now, "OutOfBounds");
    await world.feed.transmit(2n ** 191n - 1n, world.now + 1);
    await expectRefused(world, world.now + 1, "OutOfBounds");
  });

  it("refuses a feed that reverts as Missing", async () => {
    const world = await createWorld();
    const closed = await switchAggregator(world.feed);
    // The new aggregator lets the proxy read, but has no round and reverts for that.
    const flux = await switchAggregator(world.feed, { revertsOnMissing: true });
    await closed.confirm();
    await expectRefused(world, world.now, "Missing");
    await flux.confirm();
    await expectRefused(world, world.now + 1, "Missing");
  });

  it("refuses a price beyond the jump limit as Jump, in both directions, and stores nothing", async () => {
    for (const [beyond, within] of [
      [2_200.000001, 2_200],
      [1_799.999999, 1_800],
    ] as const) {
      const world = await createWorld();
      await world.feed.write(beyond, world.now);
      await expectRefused(world, world.now, "Jump");
      expect((await world.oracle.stateOf(0)).price).to.equal(wad(2_000));

      await world.feed.write(within, world.now + 1);
      expect((await world.readPrice(world.now + 1)).last).to.equal(wad(within));
    }
  });

  it("calls a refused asset dead only when the feed has been silent for longer than deadAfter", async () => {
    const world = await createWorld();
    const lastAt = world.firstAt;

    expect((await world.readPrice(lastAt + LIMITS.deadAfter)).dead).to.equal(false);
    const dead = await world.readPrice(lastAt + LIMITS.deadAfter + 1);
    expect(dead.dead).to.equal(true);
    expect(dead.spread).to.equal(BigInt(LIMITS.spread));
  });

  it("does not call an asset dead that nobody has read while its feed was alive", async () => {
    const world = await createWorld();
    await world.feed.write(2_500, world.now + 3 * DAY);

    const price = await world.readPrice(world.now + 3 * DAY + 60);
    expect([price.refusal, price.dead]).to.deep.equal(["Jump", false]);
  });

  describe("time of the latest price", () => {
    it("never goes back when a new aggregator is behind the old one", async () => {
      const world = await createWorld();
      await world.feed.write(2_010, world.now);
      await world.readPrice(world.now);
      const next = await switchAggregator(world.feed);
      await next.write(1_900, world.now - 30);
      await next.confirm();

      const kept = await world.readPrice(world.now + 1);
      expect([kept.last, kept.updatedAt, kept.refusal]).to.deep.equal([wad(2_010), BigInt(world.now), "None"]);
      expect((await world.oracle.stateOf(0)).round).to.equal(id(2));

      await next.write(2_020, world.now + 10);
      const taken = await world.readPrice(world.now + 11);
      expect([taken.last, taken.updatedAt]).to.deep.equal([wad(2_020), BigInt(world.now + 10)]);
      expect((await world.oracle.stateOf(0)).round).to.equal(id(2, 2));
    });

    it("lets the kept price go stale when the new aggregator stays behind", async () => {
      const world = await createWorld();
      const next = await switchAggregator(world.feed);
      await next.write(2_000, world.firstAt - 30);
      await next.confirm();

      await expectRefused(world, world.firstAt + LIMITS.maxAge + 1, "Stale");
    });

    it("applies the jump limit across a switch", async () => {
      const world = await createWorld();
      const next = await switchAggregator(world.feed);
      await next.write(2, world.now);
      await next.confirm();

      await expectRefused(world, world.now + 1, "Jump");
    });

    it("does not go back within a phase", async () => {
      const world = await createWorld();
      await world.feed.write(2_010, world.now);
      await world.readPrice(world.now);
      await world.feed.write(1_900, world.now - 1);

      expect((await world.readPrice(world.now + 1)).last).to.equal(wad(2_010));
    });

    it("takes the later of two rounds with equal time", async () => {
      const world = await createWorld();
      await world.feed.write(2_010, world.now);
      await world.readPrice(world.now);
      await world.feed.write(2_020, world.now);

      expect((await world.readPrice(world.now + 1)).last).to.equal(wad(2_020));
    });
  });

  describe("once per transaction", () => {
    it("shows all readers what was read first, though the feed has moved since", async () => {
      const world = await createWorld();
      await still(() => world.feed.aggregator.transferOwnership(world.sequence));
      const read = { contract: world.oracle, verb: "read", args: [1n, false] };
      const answer = 2_050_00000000n;
      const transmit = { contract: world.feed.aggregator, verb: "transmit", args: [answer, world.now, world.now] };
      const peek = { ...read, verb: "peek" };

      const [first, , second, third] = await world.run(world.now, read, transmit, read, peek);
      if (first === undefined || second === undefined || third === undefined) throw new Error("no outcome");
      expect(decodeRead(first).prices[0]?.last).to.equal(wad(2_000));
      expect(decodeRead(second).prices[0]?.last).to.equal(wad(2_000));
      expect(decodeRead(third).prices[0]?.last).to.equal(wad(2_000));
      expect((await world.readPrice(world.now + 1)).last).to.equal(wad(2_050));
    });

    it("remembers a refusal too", async () => {
      const world = await createWorld();
      await still(() => world.feed.aggregator.transferOwnership(world.sequence));
      await world.run(world.now, {
        contract: world.feed.aggregator,
        verb: "transmit",
        args: [0, world.now, world.now],
      });
      const read = { contract: world.oracle, verb: "read", args: [1n, false] };
      const args = [2_050_00000000n, world.now + 1, world.now + 1];

      const transmit = { contract: world.feed.aggregator, verb: "transmit", args };
      const [, , second] = await world.run(world.now + 1, read, transmit, read);
      if (second === undefined) throw new Error("no outcome");
      expect(decodeRead(second).prices[0]?.refusal).to.equal("NonPositive");
    });
  });

  it("stays the same in a transaction that ends a halt", async () => {
    const world = await createWorld();
    await world.feed.write(2_500, world.now);
    await world.one(world.now, "update", 1n);
    await world.feed.write(2_010, world.now + 1);
    const read = { contract: world.oracle, verb: "read", args: [1n, false] };

    const outcomes = await world.run(world.now + 2, read, { contract: world.oracle, verb: "update", args: [1n] }, read);
    const [, , last] = outcomes;
    if (last === undefined) throw new Error("no outcome");
    expect(decodeRead(last).prices[0]?.refusal).to.equal("Halted");
    expect((await world.readPrice(world.now + 3)).refusal).to.equal("None");
  });

  it("reverts when starved of gas, at any limit, rather than calling the feed dead", async () => {
    const world = await createWorld();
    await world.feed.write(2_050, world.now);
    const limits = [30_000, 60_000, 90_000, 120_000, 125_000, 128_000, 131_000, 134_000, 140_000, 150_000, 170_000];
    const seen = new Set<string>();
    let at = world.now;
    for (const gasLimit of limits) {
      const [outcome] = await world.run(++at, { contract: world.oracle, verb: "read", args: [1n, false], gasLimit });
      if (outcome === undefined) throw new Error("no outcome");
      if (outcome.error === undefined) expect(decodeRead(outcome).prices[0]?.refusal).to.equal("None");
      seen.add(outcome.error ?? "read");
    }
    expect(seen).to.include("InsufficientGas");
    expect(seen).to.include("read");
  });

  it("writes nothing when there is no new round", async () => {
    const world = await createWorld();
    const before = await world.oracle.stateOf(0);
    await world.readPrice(world.now + HOUR / 2);

    expect(await world.oracle.stateOf(0)).to.deep.equal(before);
  });
});

describe("PriceOracle.peek", () => {
  it("returns what read would, and stores nothing", async () => {
    const world = await createWorld();
    await world.feed.write(2_050, world.now);
    const before = await world.oracle.stateOf(0);

    const { value } = await world.one(world.now, "peek", 1n, false);
    const [, words] = value as unknown as [bigint, bigint[]];
    expect(decodePrice(words[0] ?? 0n).last).to.equal(wad(2_050));
    expect(await world.oracle.stateOf(0)).to.deep.equal(before);
  });
});
