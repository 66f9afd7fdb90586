import { expect } from "chai";

import { Kind } from "../parameters.ts";
import {
  LIMITS,
  MINUTE,
  createWorld,
  decodeSettle,
  id,
  instrumented,
  networkHelpers,
  switchAggregator,
  wad,
  type World,
} from "./fixture.ts";
import { STREAM_WINDOW, createStreamed } from "./sources.ts";

async function outcomeOf(world: World, at: number, boundary: number, round: bigint, before = 0n, phase = 1) {
  const { outcome, price, settledAt } = await world.settle(at, boundary, round, before, phase);
  return outcome === "Settled" ? [price, Number(settledAt) - boundary] : outcome;
}

describe("PriceOracle.settle by reports", () => {
  it("settles at the report whose window contains the boundary, both ends included", async () => {
    const { world, after } = await createStreamed();
    const { now } = world;
    const cases = [
      [now - 10, 2, 2_001, 10],
      [now, 2, 2_001, 0],
      [now + 1, 3, 2_002, 3],
      [now + 2, 3, 2_002, 2],
      [now + 4, 3, 2_002, 0],
      [now + 5, 4, 2_003, 0],
      [now + 100 - STREAM_WINDOW, 5, 2_004, STREAM_WINDOW],
      [now + 100, 5, 2_004, 0],
    ] as const;
    for (const [index, [boundary, round, price, later]] of cases.entries()) {
      expect(await outcomeOf(world, after + index, boundary, id(round))).to.deep.equal([wad(price), later]);
    }
  });

  it("refuses every other report, and says how far it is off", async () => {
    const { world, after } = await createStreamed();
    const { now } = world;
    const windows = [
      [2, now - 10, now],
      [3, now + 1, now + 4],
      [4, now + 5, now + 5],
      [5, now + 6, now + 100],
    ] as const;
    let at = after;
    for (const [round, from, to] of windows) {
      for (const boundary of [from - 1, to + 1]) {
        const { outcome, args } = await world.settle(++at, boundary, id(round), 0n);
        expect([outcome, args]).to.deep.equal([
          "ReportOutsideWindow",
          [0n, BigInt(boundary), BigInt(from), BigInt(to)],
        ]);
      }
    }
    for (let round = 0; round <= 7; ++round) {
      const outcome = await outcomeOf(world, ++at, now + 2, id(round));
      if (round === 3) expect(outcome).to.deep.equal([wad(2_002), 2]);
      else expect(outcome).to.be.oneOf(["ReportOutsideWindow", "RoundMissing"]);
    }
  });

  it("needs a report that exists, and no round before it", async () => {
    const { world, after } = await createStreamed();
    for (const [shift, round] of [0n, id(6), id(3, 2)].entries()) {
      const { outcome, args } = await world.settle(after + shift, world.now, round, 0n);
      expect([outcome, args]).to.deep.equal(["RoundMissing", [0n, round]]);
    }
    const { outcome, args } = await world.settle(after + 3, world.now, id(2), id(1));
    expect([outcome, args]).to.deep.equal(["HintNotAlone", [0n, id(1)]]);
  });

  it("waits for a report of the future", async () => {
    const { world } = await createStreamed();
    const { now } = world;
    const early = await world.settle(now + 3, now + 2, id(3), 0n);
    expect([early.outcome, early.args]).to.deep.equal(["RoundTooFresh", [0n, BigInt(now + 4), BigInt(now + 3)]]);
    expect(await outcomeOf(world, now + 4, now + 2, id(3))).to.deep.equal([wad(2_002), 2]);
  });

  it("does not depend on the phase", async () => {
    const { world, after } = await createStreamed();
    for (const phase of [0, 1, 2, 7]) {
      expect(await outcomeOf(world, after + phase, world.now, id(2), 0n, phase)).to.deep.equal([wad(2_001), 0]);
    }
  });

  it("does not depend on the rounds of the source", async () => {
    const { world, after } = await createStreamed();
    await world.feed.write(1_990, world.now + 1);
    await (await switchAggregator(world.feed)).confirm();

    expect(await outcomeOf(world, after, world.now, id(2))).to.deep.equal([wad(2_001), 0]);
    expect(await outcomeOf(world, after + 1, world.now, id(2), id(1))).to.equal("HintNotAlone");
  });

  it("refunds an order whose report ends after its window, whatever it says", async () => {
    const { world, after } = await createStreamed();
    const boundary = world.now + 100 - STREAM_WINDOW - 1;
    expect(await outcomeOf(world, after, boundary, id(5))).to.equal("Void");
    expect(await outcomeOf(world, after + 1, world.now + 6, id(5))).to.equal("Void");
    expect(await outcomeOf(world, after + 2, boundary, id(4))).to.equal("ReportOutsideWindow");
  });

  for (const [what, price, outcome] of [
    ["is zero", 0, "Void"],
    ["is negative", -1, "Void"],
    ["is below the bounds", 1_899.999999, "Void"],
    ["is at the lower bound", 1_900, [wad(1_900), 0]],
    ["is at the upper bound", 2_100, [wad(2_100), 0]],
    ["is above the bounds", 2_100.000001, "Void"],
  ] as const) {
    it(`${outcome === "Void" ? "refunds" : "settles"} an order whose report ${what}`, async () => {
      const { world, stream } = await createStreamed({ limits: { minAnswer: wad(1_900), maxAnswer: wad(2_100) } });
      await stream.report(price, world.now + 101, world.now + 101);
      expect(await outcomeOf(world, world.now + 200, world.now + 101, id(6))).to.deep.equal(outcome);
    });
  }

  it("is judged against the price that the source was accepted at, not the report before", async () => {
    const { world, after } = await createStreamed();
    let at = after;
    for (const [price, accepted] of [
      [2_200, true],
      [2_200.000001, false],
      [1_800, true],
      [1_799.999999, false],
    ] as const) {
      const { value } = await world.one(++at, "accepts", 0, wad(price));
      expect(value?.toArray(), String(price)).to.deep.equal([accepted]);
    }
    const { value } = await world.one(at + 1, "stored", 0);
    expect(value?.toArray()).to.deep.equal([wad(2_000), 1n, 0n]);
  });

  it("settles several orders in one transaction by one report, as far as it reaches", async () => {
    const { world, after } = await createStreamed();
    const { now } = world;
    const call = (boundary: number, round: bigint) => ({
      contract: world.oracle,
      verb: "settle",
      args: [0, 1, boundary, { round, before: 0n }],
    });
    const outcomes = await world.run(
      after,
      call(now + 50, id(5)),
      call(now + 100, 0n), // the last boundary that the report covers
      call(now + 6, 0n), // the first, whose window is over
      call(now + 5, 0n),
      call(now + 101, 0n),
      call(now + 100 - STREAM_WINDOW, 0n),
    );
    const settlements = outcomes.map(decodeSettle);
    expect(settlements.map(({ outcome, price }) => (price === 0n ? outcome : price))).to.deep.equal([
      wad(2_004),
      wad(2_004),
      "Void",
      "RoundMissing",
      "RoundMissing",
      wad(2_004),
    ]);
    if (!instrumented) expect(settlements[1]?.gas).to.be.lessThan(10_000n);
  });

  it("reverts when starved of gas, rather than calling a report missing", async () => {
    const { world, after } = await createStreamed();
    const args = [0, 1, world.now, { round: id(2), before: 0n }];
    for (let i = 0; i < 12; ++i) {
      const gasLimit = 50_000 + i * 15_000;
      const [outcome] = await world.run(after + i, { contract: world.oracle, verb: "settle", args, gasLimit });
      expect(outcome?.error).to.be.oneOf(["InsufficientGas", undefined]);
    }
  });
});

describe("PriceOracle over a stream", () => {
  const createSource = () => createWorld({ feeds: [{ kind: Kind.Stream, decimals: 18 }] });

  it("is valued by its latest report and settles by its own reports, within its window", async () => {
    const world = await createSource();
    const { now } = world;
    await world.feed.write(2_010, now + 3, now);
    const { last, refusal } = await world.readPrice(now + 3);
    expect([last, refusal]).to.deep.equal([wad(2_010), "None"]);
    await world.feed.write(2_020, now + 4 + LIMITS.window, now + 4);

    const after = now + 100 + LIMITS.window;
    expect(await outcomeOf(world, after, now + 2, id(2))).to.deep.equal([wad(2_010), 1]);
    expect(await outcomeOf(world, after + 1, now + 4, id(3))).to.deep.equal([wad(2_020), LIMITS.window]);
    expect(await outcomeOf(world, after + 2, now + 2, id(2), id(1))).to.equal("HintNotAlone");
  });

  it("halts, and walks along its reports, as with rounds", async () => {
    const world = await createSource();
    for (const [step, price] of [2_150, 2_300, 2_450].entries()) await world.feed.write(price, world.now + step);
    await world.one(world.now + 10, "update", 1n);
    expect((await world.oracle.stateOf(0)).halted).to.equal(true);
    await networkHelpers.time.setNextBlockTimestamp(world.now + MINUTE);
    await world.oracle.advance(0, [id(2), id(3)]);
    await world.one(world.now + MINUTE + 1, "update", 1n);

    const { last, refusal, settling } = await world.readPrice(world.now + MINUTE + 2);
    expect([last, refusal, settling]).to.deep.equal([wad(2_450), "None", true]);
  });
});
