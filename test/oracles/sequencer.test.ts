import { expect } from "chai";

import { DAY, ENVIRONMENT, HOUR, createWorld, decodeRead, id, still, switchAggregator, wad } from "./fixture.ts";

describe("PriceOracle, sequencer", () => {
  it("is up and settled where no uptime feed is listed", async () => {
    const world = await createWorld();

    const { conditions } = await world.read(world.now);
    expect(conditions).to.deep.equal({
      sequencerUp: true,
      sequencerSettled: true,
      pegHeld: false,
      upSince: 0n,
      settlementPrice: 0n,
    });
  });

  it("is up and settled long after its start", async () => {
    const world = await createWorld({ uptime: true });

    const { conditions, prices } = await world.read(world.now);
    expect([conditions.sequencerUp, conditions.sequencerSettled]).to.deep.equal([true, true]);
    expect(conditions.upSince).to.equal(BigInt(world.now - 2 * DAY));
    expect(prices[0]?.refusal).to.equal("None");
  });

  it("down refuses every asset, and stores nothing", async () => {
    const world = await createWorld({ uptime: true, feeds: [{}, { price: 3 }] });
    await world.feed.write(2_010, world.now);
    await world.uptime.transmit(1n, world.now);

    const { conditions, prices } = await world.read(world.now + 10, 0b11n, true);
    expect([conditions.sequencerUp, conditions.sequencerSettled]).to.deep.equal([false, false]);
    expect(prices.map(({ refusal, last }) => [refusal, last])).to.deep.equal([
      ["SequencerDown", wad(2_000)],
      ["SequencerDown", wad(3)],
    ]);
    expect((await world.oracle.stateOf(0)).round).to.equal(id(1));
  });

  it("down records no halt and ends none", async () => {
    const world = await createWorld({ uptime: true });
    await world.uptime.transmit(1n, world.now);
    await world.feed.write(2_500, world.now);
    await world.one(world.now + 1, "update", 1n);

    expect((await world.oracle.stateOf(0)).halted).to.equal(false);
  });

  it("is settled only after its grace period", async () => {
    const world = await createWorld({ uptime: true });
    await world.uptime.transmit(1n, world.now);
    await world.uptime.transmit(0n, world.now + HOUR);
    const end = world.now + HOUR + ENVIRONMENT.sequencerGrace;

    const inGrace = (await world.read(end)).conditions;
    expect([inGrace.sequencerUp, inGrace.sequencerSettled, inGrace.upSince]).to.deep.equal([
      true,
      false,
      BigInt(world.now + HOUR),
    ]);
    expect((await world.read(end + 1)).conditions.sequencerSettled).to.equal(true);
  });

  const bad = [
    ["has no start", 0n, 0],
    ["starts in the future", 0n, HOUR],
    ["answers neither 0 nor 1", 2n, -HOUR],
    ["answers a negative number", -1n, -HOUR],
  ] as const;
  for (const [why, answer, offset] of bad) {
    it(`is down where the uptime feed ${why}`, async () => {
      const world = await createWorld({ uptime: true });
      await world.uptime.transmit(answer, world.now, offset === 0 ? 0 : world.now + offset);

      const { conditions } = await world.read(world.now);
      expect([conditions.sequencerUp, conditions.sequencerSettled]).to.deep.equal([false, false]);
    });
  }

  it("is down where the uptime feed reverts", async () => {
    const world = await createWorld({ uptime: true });
    const next = await switchAggregator(world.uptime, { decimals: 0, revertsOnMissing: true });
    await next.confirm();
    expect((await world.read(world.now)).conditions.sequencerUp).to.equal(false);
  });

  it("is read once per transaction", async () => {
    const world = await createWorld({ uptime: true });
    await still(() => world.uptime.aggregator.transferOwnership(world.sequence));
    const read = { contract: world.oracle, verb: "read", args: [1n, false] };
    const down = { contract: world.uptime.aggregator, verb: "transmit", args: [1, world.now, world.now] };
    const peek = { ...read, verb: "peek" };

    const outcomes = await world.run(world.now, read, down, read, peek);
    for (const index of [0, 2, 3]) {
      const outcome = outcomes[index];
      if (outcome === undefined) throw new Error("no outcome");
      expect(decodeRead(outcome).conditions.sequencerUp).to.equal(true);
    }
    expect((await world.read(world.now + 1)).conditions.sequencerUp).to.equal(false);
  });

  it("down does not stop a settlement: its round is older than the outage or void", async () => {
    const world = await createWorld({ uptime: true });
    await world.feed.write(2_010, world.now + 5);
    await world.uptime.transmit(1n, world.now + 10);

    const { outcome, price } = await world.settle(world.now + 20, world.now, id(2), id(1));
    expect([outcome, price]).to.deep.equal(["Settled", wad(2_010)]);
  });
});
