import { expect } from "chai";

import {
  DAY,
  HOUR,
  LIMITS,
  createWorld,
  decodeSettle,
  id,
  networkHelpers,
  switchAggregator,
  wad,
  type FeedOptions,
  type World,
  instrumented,
} from "./fixture.ts";
import { generator, settlementOf, type Round } from "./settlement.ts";

/** Rounds 2 to 5 at −20, +30, +90 and +150 s of the boundary `now`. Round 1 is older. */
async function createHistory(options: FeedOptions = {}) {
  const world = await createWorld({ feeds: [options] });
  await world.feed.write(2_005, world.now - 20);
  await world.feed.write(2_010, world.now + 30);
  await world.feed.write(2_020, world.now + 90);
  await world.feed.write(2_030, world.now + 150);
  return { world, boundary: world.now, after: world.now + 200 };
}

function expectSettled(settlement: { outcome: string; price: bigint; settledAt: bigint }, price: number, at: number) {
  const { outcome, price: settled, settledAt } = settlement;
  expect({ outcome, settled, settledAt }).to.deep.equal({
    outcome: "Settled",
    settled: wad(price),
    settledAt: BigInt(at),
  });
}

describe("PriceOracle.settle", () => {
  it("settles at the first round after the boundary, the latest or not", async () => {
    const { world, boundary, after } = await createHistory();

    expectSettled(await world.settle(after, boundary, id(3), id(2)), 2_010, boundary + 30);
    expectSettled(await world.settle(after + 1, boundary + 90, id(5), id(4)), 2_030, boundary + 150);
  });

  it("counts a round at the very boundary to the near side", async () => {
    const { world, boundary, after } = await createHistory();

    expectSettled(await world.settle(after, boundary + 30, id(4), id(3)), 2_020, boundary + 90);
    expect((await world.settle(after + 1, boundary + 30, id(3), id(2))).outcome).to.equal("HintTooEarly");
    expectSettled(await world.settle(after + 2, boundary + 29, id(3), id(2)), 2_010, boundary + 30);
  });

  it("settles at the phase's first round when that is on the far side", async () => {
    const { world, after } = await createHistory();

    expectSettled(await world.settle(after, world.firstAt - 1, id(1), 0n), 2_000, world.firstAt);
    expect((await world.settle(after + 1, world.firstAt, id(1), 0n)).outcome).to.equal("HintTooEarly");
    expect((await world.settle(after + 2, world.firstAt - 1, id(2), 0n)).outcome).to.equal("HintTooLate");
  });

  it("refuses every hint but the right one", async () => {
    const { world, boundary, after } = await createHistory();
    let at = after;
    for (let round = 0; round <= 7; ++round) {
      for (let before = 0; before <= 7; ++before) {
        const hint = [round === 0 ? 0n : id(round), before === 0 ? 0n : id(before)] as const;
        const { outcome } = await world.settle(++at, boundary, ...hint);
        if (round === 3 && before === 2) expect(outcome).to.equal("Settled");
        else expect(outcome, `${round} ${before}`).not.to.be.oneOf(["Settled", "Void"]);
      }
    }
  });

  it("names what is wrong with a hint", async () => {
    const { world, boundary, after } = await createHistory();
    const cases = [
      [id(4), id(3), "HintTooLate", [0n, id(3), BigInt(boundary + 30), BigInt(boundary)]],
      [id(4), id(2), "HintTooLate", [0n, id(3), BigInt(boundary + 30), BigInt(boundary)]],
      [id(3), id(1), "HintTooEarly", [0n, id(2), BigInt(boundary - 20), BigInt(boundary)]],
      [id(2), id(1), "HintTooEarly", [0n, id(2), BigInt(boundary - 20), BigInt(boundary)]],
      [id(6), id(2), "HintTooLate", [0n, id(3), BigInt(boundary + 30), BigInt(boundary)]],
      [id(2), id(2), "HintDisordered", [0n, id(2), id(2)]],
      [id(3), id(9), "RoundMissing", [0n, id(9)]],
      [id(12), id(2), "TooManyBetween", [0n, id(2), id(12), 8n]],
      [id(3, 2), id(2), "WrongPhase", [0n, 1n, 2n]],
      [id(3), id(2, 2), "WrongPhase", [0n, 1n, 2n]],
    ] as const;
    let at = after;
    for (const [round, before, error, args] of cases) {
      const settlement = await world.settle(++at, boundary, round, before);
      expect([settlement.outcome, settlement.args]).to.deep.equal([error, args]);
    }
  });

  it("refuses a phase that the proxy has not reached", async () => {
    const { world, boundary } = await createHistory();

    const settlement = await world.settle(boundary + DAY, boundary, 0n, 0n, 2);
    expect([settlement.outcome, settlement.args]).to.deep.equal(["WrongPhase", [0n, 1n, 2n]]);
  });

  it("refuses a round of this very second: another may follow it in the block", async () => {
    const { world, boundary } = await createHistory();
    const freshAt = boundary + 200;
    await world.feed.write(2_040, freshAt);

    expect((await world.settle(freshAt, boundary + 150, id(6), id(5))).outcome).to.equal("RoundTooFresh");
    expectSettled(await world.settle(freshAt + 1, boundary + 150, id(6), id(5)), 2_040, freshAt);
  });

  it("passes over a round written at the boundary that claims to be observed after it", async () => {
    const world = await createWorld();
    const boundary = world.now;
    await world.feed.write(2_010, boundary, boundary + 1);
    await world.feed.write(2_020, boundary + 40);

    expect((await world.settle(boundary + 50, boundary, id(2), id(1))).outcome).to.equal("HintTooEarly");
    expectSettled(await world.settle(boundary + 51, boundary, id(3), id(2)), 2_020, boundary + 40);
  });

  it("passes over a round observed before the boundary and written after it", async () => {
    const world = await createWorld();
    const boundary = world.now;
    await world.feed.write(2_005, boundary - 5);
    await world.feed.write(2_010, boundary + 5, boundary);
    await world.feed.write(2_020, boundary + 40, boundary + 35);

    expect((await world.settle(boundary + 50, boundary, id(3), id(2))).outcome).to.equal("HintTooEarly");
    expect((await world.settle(boundary + 51, boundary, id(4), id(3))).outcome).to.equal("HintTooLate");
    expectSettled(await world.settle(boundary + 52, boundary, id(4), id(2)), 2_020, boundary + 40);
  });

  it("refuses an unknown asset", async () => {
    const world = await createWorld();
    const { error, args } = await world.one(world.now, "settle", 7, 1, world.now, { round: id(1), before: 0n });
    expect([error, args]).to.deep.equal(["UnknownAsset", [7n, 1n]]);
  });

  describe("rounds with equal time", () => {
    async function createTies(count: number) {
      const world = await createWorld();
      const boundary = world.now;
      await world.feed.write(2_005, boundary - 20);
      for (let i = 1; i <= count; ++i) await world.feed.write(2_010 + i, boundary + 30);
      return { world, boundary };
    }

    it("settles at the last of them, whether it is the latest round or not", async () => {
      const { world, boundary } = await createTies(3);
      expectSettled(await world.settle(boundary + 40, boundary, id(5), id(2)), 2_013, boundary + 30);
      await world.feed.write(2_050, boundary + 50);
      expectSettled(await world.settle(boundary + 60, boundary, id(5), id(2)), 2_013, boundary + 30);
    });

    it("refuses any but the last", async () => {
      const { world, boundary } = await createTies(3);
      expect((await world.settle(boundary + 40, boundary, id(3), id(2))).outcome).to.equal("NotLastOfTies");
      expect((await world.settle(boundary + 41, boundary, id(4), id(2))).outcome).to.equal("NotLastOfTies");
    });

    it("refuses one of them as the round before", async () => {
      const { world, boundary } = await createTies(3);
      expect((await world.settle(boundary + 40, boundary, id(5), id(4))).outcome).to.equal("HintTooLate");
      expect((await world.settle(boundary + 41, boundary, id(5), id(3))).outcome).to.equal("HintTooLate");
    });

    it("walks over as many as the limit", async () => {
      const { world, boundary } = await createTies(10);
      expect((await world.settle(boundary + 40, boundary, id(11), id(2))).outcome).to.equal("NotLastOfTies");
      expect((await world.settle(boundary + 41, boundary, id(12), id(2))).outcome).to.equal("TooManyBetween");
    });

    it("does not settle at a last one that was observed before the boundary", async () => {
      const world = await createWorld();
      const boundary = world.now;
      await world.feed.write(2_010, boundary + 5, boundary + 1);
      await world.feed.write(2_020, boundary + 5, boundary);

      expect((await world.settle(boundary + 10, boundary, id(2), id(1))).outcome).to.equal("NotLastOfTies");
      expect((await world.settle(boundary + 11, boundary, id(3), id(1))).outcome).to.equal("Void");
    });
  });

  describe("void", () => {
    it("is an order whose first round comes after the window", async () => {
      const world = await createWorld();
      const boundary = world.now;
      await world.feed.write(2_010, boundary + LIMITS.window + 1);

      const { outcome, price, settledAt } = await world.settle(boundary + LIMITS.window + 1, boundary, id(2), id(1));
      expect([outcome, price, settledAt]).to.deep.equal(["Void", 0n, 0n]);
      expectSettled(
        await world.settle(boundary + LIMITS.window + 2, boundary + 1, id(2), id(1)),
        2_010,
        boundary + LIMITS.window + 1,
      );
    });

    it("is not shown by a later round than the first after the window", async () => {
      const world = await createWorld();
      const boundary = world.now;
      await world.feed.write(2_010, boundary + 10);
      await world.feed.write(2_020, boundary + LIMITS.window + 1);

      const after = boundary + LIMITS.window + 10;
      expect((await world.settle(after, boundary, id(3), id(2))).outcome).to.equal("HintTooLate");
      expect((await world.settle(after + 1, boundary, id(3), id(1))).outcome).to.equal("HintTooLate");
    });

    it("is an order without a later round, once its window is over", async () => {
      const world = await createWorld();
      const boundary = world.now;
      const end = boundary + LIMITS.window;

      const open = await world.settle(end, boundary, 0n, id(1));
      expect([open.outcome, open.args]).to.deep.equal(["WindowOpen", [0n, BigInt(end), BigInt(end)]]);
      expect((await world.settle(end + 1, boundary, 0n, id(1))).outcome).to.equal("Void");
    });

    it("is not shown by absence while a later round exists", async () => {
      const world = await createWorld();
      const boundary = world.now;
      await world.feed.write(2_005, boundary - 5);
      await world.feed.write(2_010, boundary + 10);

      const after = boundary + LIMITS.window + 10;
      for (const before of [0n, id(1), id(2), id(3), id(4)]) {
        const { outcome } = await world.settle(after + Number(before & 7n), boundary, 0n, before);
        expect(outcome).to.be.oneOf(["RoundExists", "HintTooLate", "RoundMissing"]);
      }
    });

    it("is shown past a round observed before the boundary and written after it", async () => {
      const world = await createWorld();
      const boundary = world.now;
      await world.feed.write(2_010, boundary + 5, boundary);

      const after = boundary + LIMITS.window + 1;
      expect((await world.settle(after, boundary, 0n, id(1))).outcome).to.equal("Void");
      expect((await world.settle(after + 1, boundary, 0n, id(2))).outcome).to.equal("HintTooLate");
    });

    const unusable = [
      ["jumped up from its predecessor", 2_200.000001],
      ["jumped down from its predecessor", 1_799.999999],
      ["is zero", 0],
      ["is negative", -2_000],
    ] as const;
    for (const [why, price] of unusable) {
      it(`is an order whose round ${why}`, async () => {
        const world = await createWorld();
        await world.feed.write(price, world.now + 10);
        await world.feed.write(2_000, world.now + 20);

        expect((await world.settle(world.now + 30, world.now, id(2), id(1))).outcome).to.equal("Void");
        expect((await world.settle(world.now + 31, world.now, id(3), id(2))).outcome).to.equal("HintTooLate");
      });
    }

    it("is an order whose round is out of bounds", async () => {
      const world = await createWorld({ feeds: [{ limits: { minAnswer: wad(1_990), maxAnswer: wad(2_010) } }] });
      await world.feed.write(2_011, world.now + 10);
      await world.feed.write(1_989, world.now + 20);

      expect((await world.settle(world.now + 30, world.now, id(2), id(1))).outcome).to.equal("Void");
      expect((await world.settle(world.now + 31, world.now + 10, id(3), id(2))).outcome).to.equal("Void");
    });

    it("is not an order whose round is within the jump limit", async () => {
      const world = await createWorld();
      await world.feed.write(2_200, world.now + 10);

      expectSettled(await world.settle(world.now + 30, world.now, id(2), id(1)), 2_200, world.now + 10);
    });
  });

  describe("over an aggregator switch", () => {
    for (const revertsOnMissing of [false, true]) {
      const kind = revertsOnMissing ? "reverts on missing rounds" : "answers missing rounds with zeros";

      it(`settles at the old phase's round although the proxy has moved on (${kind})`, async () => {
        const { world, boundary, after } = await createHistory({ revertsOnMissing });
        const next = await switchAggregator(world.feed);
        for (const at of [10, 40, 100]) await next.write(1_990, boundary + at);
        await next.confirm();

        expectSettled(await world.settle(after, boundary, id(3), id(2)), 2_010, boundary + 30);
        expectSettled(await world.settle(after + 1, boundary + 90, id(5), id(4)), 2_030, boundary + 150);
        expect((await world.settle(after + 2, boundary, id(2, 2), id(1, 2))).outcome).to.equal("WrongPhase");
        expect((await world.settle(after + 3, boundary, id(2, 2), id(2))).outcome).to.equal("WrongPhase");
        expect((await world.settle(after + 4, boundary, id(3), id(1, 2))).outcome).to.equal("WrongPhase");
      });

      it(`refunds an order of a phase that ended before its boundary (${kind})`, async () => {
        const { world, boundary } = await createHistory({ revertsOnMissing });
        const next = await switchAggregator(world.feed);
        await next.write(2_040, boundary + 300);
        await next.confirm();
        const end = boundary + 160 + LIMITS.window;

        expect((await world.settle(end, boundary + 160, 0n, id(5))).outcome).to.equal("WindowOpen");
        expect((await world.settle(end + 1, boundary + 160, 0n, id(4))).outcome).to.equal("RoundExists");
        expect((await world.settle(end + 2, boundary + 160, 0n, id(5))).outcome).to.equal("Void");
        expect((await world.settle(end + 3, boundary + 160, id(1, 2), id(5))).outcome).to.equal("WrongPhase");
      });
    }

    it("settles an order of the new phase by rounds of the new phase", async () => {
      const { world, boundary, after } = await createHistory();
      const next = await switchAggregator(world.feed);
      await next.write(1_990, boundary - 10);
      await next.write(1_995, boundary + 100);
      await next.confirm();

      expectSettled(await world.settle(after, boundary, id(2, 2), id(1, 2), 2), 1_995, boundary + 100);
      expect((await world.settle(after + 1, boundary, id(3), id(2), 2)).outcome).to.equal("WrongPhase");
    });
  });

  describe("several orders in one transaction", () => {
    it("are settled by one proof as far as it reaches", async () => {
      const { world, boundary, after } = await createHistory();
      const call = (at: number, round: bigint, before: bigint, phase = 1) => ({
        contract: world.oracle,
        verb: "settle",
        args: [0, phase, at, { round, before }],
      });
      const outcomes = await world.run(
        after,
        call(boundary, id(3), id(2)),
        call(boundary + 29, 0n, 0n), // the last boundary that the proof covers
        call(boundary - 20, 0n, 0n), // the first
        call(boundary - 21, 0n, id(2)),
        call(boundary + 30, id(4), id(3)),
        call(boundary + 31, 0n, 0n),
        call(boundary + 31, 0n, 0n, 2),
      );
      const settlements = outcomes.map(decodeSettle);
      expect(settlements.map(({ outcome, price }) => (price === 0n ? outcome : price))).to.deep.equal([
        wad(2_010),
        wad(2_010),
        wad(2_010),
        "HintTooLate",
        wad(2_020),
        wad(2_020),
        "WrongPhase",
      ]);
      if (!instrumented) expect(settlements[1]?.gas).to.be.lessThan(5_000n);
    });

    it("keep their own windows", async () => {
      const world = await createWorld();
      const settledAt = world.now + LIMITS.window;
      await world.feed.write(2_010, settledAt);
      const call = (boundary: number) => ({
        contract: world.oracle,
        verb: "settle",
        args: [0, 1, boundary, { round: id(2), before: id(1) }],
      });

      const outcomes = await world.run(settledAt + 1, call(world.now), call(world.now - 1));
      expect(outcomes.map((outcome) => decodeSettle(outcome).outcome)).to.deep.equal(["Settled", "Void"]);
    });
  });

  it("reverts when starved of gas, rather than calling a round absent", async () => {
    const world = await createWorld();
    await world.feed.write(2_010, world.now + 10);
    const after = world.now + LIMITS.window + 10;
    const args = [0, 1, world.now, { round: 0n, before: id(1) }];
    for (let i = 0; i < 20; ++i) {
      const gasLimit = 40_000 + i * 10_000;
      const [outcome] = await world.run(after + i, { contract: world.oracle, verb: "settle", args, gasLimit });
      expect(outcome?.error).to.be.oneOf(["InsufficientGas", "RoundExists"]);
    }
  });

  describe("all hints over drawn histories", () => {
    const random = generator(0x9e3779b9);

    for (let history = 0; history < 12; ++history) {
      it(`at most one outcome can be proved, now or later (${history})`, async () => {
        const world = await createWorld();
        const boundary = world.now;
        const rounds = await drawHistory(world, random);
        const expected = settlementOf(rounds, boundary, LIMITS);
        const provable = new Set<string>();
        const times = [boundary + 20, boundary + 600, boundary + LIMITS.window + 1, boundary + LIMITS.window + HOUR];
        for (const time of times) {
          await networkHelpers.time.setNextBlockTimestamp(time);
          await networkHelpers.mine(1);
          for (let round = 0; round <= rounds.length + 1; ++round) {
            for (let before = 0; before <= rounds.length; ++before) {
              const hint = { round: round && id(round), before: before && id(before) };
              const proved = await world.oracle.settle.staticCall(0, 1, boundary, hint).then(
                ([verdict, price, settledAt]) => [verdict, price, settledAt].join(" "),
                () => undefined,
              );
              if (proved !== undefined) provable.add(proved);
            }
          }
        }
        expect([...provable]).to.deep.equal([expected]);
      });
    }
  });
});

/** Rounds around the boundary `now`: ties, late starts, jumps, zeros, and sometimes none in the window. */
async function drawHistory(world: World, random: (below: number) => number): Promise<Round[]> {
  const rounds: Round[] = [{ price: wad(2_000), updatedAt: world.firstAt, startedAt: world.firstAt }];
  let time = world.now - 20;
  for (let i = 0; i < 6; ++i) {
    time += [0, 0, 5, 10, 15, LIMITS.window][random(6)] ?? 0;
    const startedAt = time - (random(3) === 0 ? random(25) : 0);
    const price = random(8) === 0 ? 0 : random(8) === 0 ? 3_000 : 2_000 + random(50);
    await world.feed.write(price, time, startedAt);
    rounds.push({ price: wad(price), updatedAt: time, startedAt });
  }
  return rounds;
}
