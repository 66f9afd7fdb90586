import { expect } from "chai";

import {
  DAY,
  HOUR,
  LIMITS,
  MINUTE,
  WAD,
  createWorld,
  decodeConditions,
  decodeRead,
  id,
  still,
  wad,
} from "./fixture.ts";

/** Asset 0 is the settlement token, asset 1 the native token. */
async function createPegged() {
  const limits = { maxAge: DAY, window: DAY };
  const world = await createWorld({
    feeds: [
      { price: 1, limits },
      { price: 2_000, limits },
    ],
    environment: { pegAsset: 0, nativeAsset: 1 },
  });
  const [token, native] = world.feeds;
  if (token === undefined || native === undefined) throw new Error("two feeds were asked for");
  return { ...world, token, native, listedAt: Number((await world.oracle.stateOf(0)).checkedAt) };
}

describe("PriceOracle, peg", () => {
  it("holds inside its band, both ends included", async () => {
    const world = await createPegged();
    let at = world.listedAt + 16 * MINUTE;
    for (const [price, held] of [
      [0.98, true],
      [0.979999, false],
      [1.02, true],
      [1.020001, false],
    ] as const) {
      await world.token.write(price, at);
      const { conditions } = await world.read(at, 0n, true);
      expect([conditions.pegHeld, conditions.settlementPrice]).to.deep.equal([held, wad(price)]);
      at += 16 * MINUTE;
    }
  });

  it("is not looked at unless asked for", async () => {
    const world = await createPegged();
    const { conditions } = await world.read(world.now, 0b11n, false);
    expect([conditions.pegHeld, conditions.settlementPrice]).to.deep.equal([false, 0n]);
  });

  it("uses a stored price up to 15 minutes after its check, then reads the feed", async () => {
    const world = await createPegged();
    await world.token.write(0.95, world.listedAt + 1);

    expect((await world.read(world.listedAt + 15 * MINUTE, 0n, true)).conditions.pegHeld).to.equal(true);
    const { conditions } = await world.read(world.listedAt + 15 * MINUTE + 1, 0n, true);
    expect([conditions.pegHeld, conditions.settlementPrice]).to.deep.equal([false, wad(0.95)]);
  });

  it("stores that it has checked, though there was no new round", async () => {
    const world = await createPegged();
    const at = world.listedAt + 20 * MINUTE;
    await world.read(at, 0n, true);

    const state = await world.oracle.stateOf(0);
    expect([state.checkedAt, state.updatedAt]).to.deep.equal([BigInt(at), BigInt(world.firstAt)]);
  });

  it("uses the feed's price when the transaction has read it anyway", async () => {
    const world = await createPegged();
    await world.token.write(0.95, world.now);

    const { conditions } = await world.read(world.now, 1n, true);
    expect([conditions.pegHeld, conditions.settlementPrice]).to.deep.equal([false, wad(0.95)]);
  });

  it("does not hold where the settlement token's price is refused, and its lower end counts", async () => {
    const world = await createPegged();
    await world.token.write(0.85, world.now);
    const low = (WAD * BigInt(1_000_000 - LIMITS.spread)) / 1_000_000n;
    const jumped = await world.read(world.listedAt + 20 * MINUTE, 0n, true);
    expect([jumped.conditions.pegHeld, jumped.conditions.settlementPrice]).to.deep.equal([false, low]);
    await world.one(world.listedAt + 21 * MINUTE, "update", 1n);
    const halted = await world.read(world.listedAt + 22 * MINUTE, 0n, true);
    expect([halted.conditions.pegHeld, halted.conditions.settlementPrice]).to.deep.equal([false, low]);
    const { value } = await world.one(world.listedAt + 23 * MINUTE, "peek", 0n, true);
    const { pegHeld, settlementPrice } = decodeConditions((value as unknown as [bigint])[0]);
    expect([pegHeld, settlementPrice]).to.deep.equal([false, low]);
  });

  it("does not hold where no settlement token is named", async () => {
    const world = await createWorld();
    expect((await world.read(world.now, 0n, true)).conditions.pegHeld).to.equal(false);
  });

  it("is the same for all readers of a transaction", async () => {
    const world = await createPegged();
    await still(() => world.token.aggregator.transferOwnership(world.sequence));
    const at = world.listedAt + 20 * MINUTE;
    const read = { contract: world.oracle, verb: "read", args: [0n, true] };
    const plain = { contract: world.oracle, verb: "read", args: [0n, false] };
    const peek = { ...read, verb: "peek" };
    const transmit = { contract: world.token.aggregator, verb: "transmit", args: [95_000_000n, at, at] };

    const outcomes = await world.run(at, read, transmit, read, peek, plain);
    const held = [0, 2, 3, 4].map((index) => {
      const outcome = outcomes[index];
      return outcome && decodeRead(outcome).conditions.pegHeld;
    });
    expect(held).to.deep.equal([true, true, true, false]);
  });

  it("is the same in peek, which stores nothing", async () => {
    const world = await createPegged();
    await world.token.write(0.99, world.now);
    const before = await world.oracle.stateOf(0);
    for (const [at, price] of [
      [world.listedAt + 15 * MINUTE, 1],
      [world.listedAt + 15 * MINUTE + 1, 0.99],
    ] as const) {
      const { value } = await world.one(at, "peek", 0n, true);
      const { pegHeld, settlementPrice } = decodeConditions((value as unknown as [bigint])[0]);
      expect([pegHeld, settlementPrice]).to.deep.equal([true, wad(price)]);
    }
    expect(await world.oracle.stateOf(0)).to.deep.equal(before);
  });
});

describe("PriceOracle.stored", () => {
  async function stored(world: Awaited<ReturnType<typeof createPegged>>, at: number, asset = 0) {
    const { value } = await world.one(at, "stored", asset);
    return [...(value as unknown as bigint[])];
  }

  it("returns the last accepted price and its phase without reading the feed", async () => {
    const world = await createPegged();
    await world.token.write(1.01, world.now);

    expect(await stored(world, world.now + 1)).to.deep.equal([wad(1), 1n, wad(2_000)]);
  });

  it("uses a stored native price up to an hour after its check, then reads the feed", async () => {
    const world = await createPegged();
    await world.native.write(2_100, world.listedAt + 1);

    expect((await stored(world, world.listedAt + HOUR))[2]).to.equal(wad(2_000));
    expect((await stored(world, world.listedAt + HOUR + 1))[2]).to.equal(wad(2_100));
    expect((await world.oracle.stateOf(1)).checkedAt).to.equal(BigInt(world.listedAt + HOUR + 1));
  });

  it("returns what the reading of the native price has just stored", async () => {
    const world = await createPegged();
    await world.native.write(2_100, world.listedAt + 1);

    expect(await stored(world, world.listedAt + HOUR + 1, 1)).to.deep.equal([wad(2_100), 1n, wad(2_100)]);
  });

  it("returns the last native price where the feed is refused", async () => {
    const world = await createPegged();

    expect((await stored(world, world.firstAt + 25 * HOUR))[2]).to.equal(wad(2_000));
  });

  it("returns zeros for an asset that is not listed, and no native price where none is named", async () => {
    const world = await createWorld();
    const { value } = await world.one(world.now, "stored", 7);
    expect([...(value as unknown as bigint[])]).to.deep.equal([0n, 0n, 0n]);
    expect((await world.oracle.stateOf(0)).round).to.equal(id(1));
  });
});
