import { expect } from "chai";
import fc from "fast-check";

import {
  ABSENT,
  LEG_GAS,
  type Round,
  SIDES,
  brokenAnswers,
  createFeeds,
  deployComposite,
  encodeRound,
  latestOf,
  roundOf,
} from "./derived.ts";
import {
  DAY,
  type Feed,
  HOUR,
  LIMITS,
  MINUTE,
  WAD,
  createWorld,
  deployFeed,
  ethers,
  id,
  instrumented,
  still,
  switchAggregator,
  wad,
} from "./fixture.ts";
import { Kind } from "../parameters.ts";

const MAX_96 = (1n << 96n) - 1n;

/** wstETH: market × USD against redemption × market of what it redeems for × USD. */
async function createStaked() {
  const { world, feeds } = await createFeeds(
    { price: 1.15, decimals: 18 },
    { price: 2_000 },
    { price: 1.16, decimals: 18 },
    { price: 0.999, decimals: 18 },
  );
  const [market, usd, rate, peg] = feeds;
  if (!market || !usd || !rate || !peg) throw new Error("four feeds were asked for");
  const composite = await deployComposite(
    { feed: market.proxy, side: "Market", maxAge: DAY },
    { feed: usd.proxy, side: "Both", maxAge: HOUR },
    { feed: rate.proxy, side: "Rate", maxAge: DAY },
    { feed: peg.proxy, side: "Rate", maxAge: 2 * HOUR },
  );
  return { world, market, usd, rate, peg, feeds, composite };
}

describe("CompositeFeed, construction", () => {
  it("keeps its legs and names the least of their ages", async () => {
    const { composite, market, usd } = await createStaked();
    const legs = await composite.legs();

    expect(legs.length).to.equal(4);
    expect(legs[0]).to.deep.equal([await market.proxy.getAddress(), SIDES.Market, BigInt(DAY), LEG_GAS]);
    expect(legs[1]).to.deep.equal([await usd.proxy.getAddress(), SIDES.Both, BigInt(HOUR), LEG_GAS]);
    expect(await composite.maxAge()).to.equal(BigInt(HOUR));
    expect(await composite.decimals()).to.equal(18n);
    expect(await composite.description()).to.equal("X / USD");
  });

  const cases: [string, (feeds: string[]) => [address: string, side: bigint, maxAge: number, gas: bigint][], string][] =
    [
      ["no leg", () => [], "LegCountOutOfRange"],
      [
        "five legs",
        (feeds) => feeds.slice(0, 5).map((feed) => [feed, SIDES.Both, HOUR, 20_000n]),
        "LegCountOutOfRange",
      ],
      ["an address without code", () => [[ethers.ZeroAddress, SIDES.Both, HOUR, LEG_GAS]], "FeedNotContract"],
      [
        "a feed twice",
        ([a = ""]) => [
          [a, SIDES.Both, HOUR, LEG_GAS],
          [a, SIDES.Both, HOUR, LEG_GAS],
        ],
        "LegRepeated",
      ],
      ["an age below a minute", ([a = ""]) => [[a, SIDES.Both, 59, LEG_GAS]], "LimitOutOfRange"],
      ["an age beyond three days", ([a = ""]) => [[a, SIDES.Both, 3 * DAY + 1, LEG_GAS]], "LimitOutOfRange"],
      ["too little gas", ([a = ""]) => [[a, SIDES.Both, HOUR, 19_999n]], "LimitOutOfRange"],
      ["too much gas", ([a = ""]) => [[a, SIDES.Both, HOUR, 100_001n]], "LimitOutOfRange"],
      [
        "too much gas together",
        ([a = "", b = ""]) => [
          [a, SIDES.Both, HOUR, 50_000n],
          [b, SIDES.Both, HOUR, 50_001n],
        ],
        "LimitOutOfRange",
      ],
      ["19 decimals", (feeds) => [[feeds[5] ?? "", SIDES.Both, HOUR, LEG_GAS]], "DecimalsTooMany"],
      ["only legs of the market", ([a = ""]) => [[a, SIDES.Market, HOUR, LEG_GAS]], "SideMissing"],
      [
        "only legs of the rate beside common ones",
        ([a = "", b = ""]) => [
          [a, SIDES.Both, HOUR, LEG_GAS],
          [b, SIDES.Rate, HOUR, LEG_GAS],
        ],
        "SideMissing",
      ],
    ];
  const addresses: string[] = [];
  before(async () => {
    for (const decimals of [8, 8, 8, 8, 8, 19]) {
      const { proxy } = await deployFeed({ decimals });
      addresses.push(await proxy.getAddress());
    }
  });
  for (const [name, legsOf, error] of cases) {
    it(`refuses ${name}`, async () => {
      const legs = legsOf(addresses).map(([feed, side, maxAge, gasLimit]) => ({ feed, side, maxAge, gasLimit }));
      const factory = await ethers.getContractFactory("CompositeFeed");

      await expect(factory.deploy("X / USD", legs)).to.be.revertedWithCustomError(factory, error);
    });
  }

  it("takes the least and the most of each number", async () => {
    const { feeds } = await createFeeds({ price: 1 }, { price: 1, decimals: 18 }, { price: 1, decimals: 0 });
    const [a, b, c] = feeds;
    if (!a || !b || !c) throw new Error("three feeds were asked for");

    const composite = await deployComposite(
      { feed: a.proxy, maxAge: MINUTE, gasLimit: 20_000n },
      { feed: b.proxy, maxAge: 3 * DAY, gasLimit: 20_000n },
      { feed: c.proxy, gasLimit: 60_000n },
    );
    expect(await composite.maxAge()).to.equal(BigInt(MINUTE));
  });
});

describe("CompositeFeed, answer", () => {
  it("is the market's product where that is lower", async () => {
    const { world, composite } = await createStaked();

    expect((await roundOf(world, composite, world.now)).answer).to.equal(wad(1.15 * 2_000));
  });

  it("is the rate's product where that is lower", async () => {
    const { world, composite, peg } = await createStaked();
    await peg.write(0.9, world.now);

    expect((await roundOf(world, composite, world.now)).answer).to.equal(wad(1.16 * 0.9 * 2_000));
  });

  it("is the product of common legs where there are no others", async () => {
    const { world, feeds } = await createFeeds({ price: 1.15 }, { price: 2_000, decimals: 0 });
    const composite = await deployComposite(...feeds.map(({ proxy }) => ({ feed: proxy })));

    expect((await roundOf(world, composite, world.now)).answer).to.equal(wad(2_300));
  });

  it("is 0, in a round, where the product is below a unit", async () => {
    const { world, feeds } = await createFeeds({ price: 1, decimals: 18 }, { price: 1, decimals: 18 });
    const [a, b] = feeds;
    await a?.transmit(10n ** 9n, world.now);
    await b?.transmit(10n ** 9n - 1n, world.now);
    const composite = await deployComposite(...feeds.map(({ proxy }) => ({ feed: proxy })));

    const round = await roundOf(world, composite, world.now);
    expect([round.answer, round.updatedAt]).to.deep.equal([0n, BigInt(world.now)]);
  });

  it("is the model's for any decimals, sides and answers", async () => {
    const world = await createWorld();
    const feeds: Feed[] = [];
    for (let decimals = 0; decimals <= 18; ++decimals) feeds.push(await deployFeed({ decimals }));
    const width = (decimals: number) => MAX_96 / 10n ** BigInt(18 - decimals);
    const answerOf = (decimals: number) =>
      fc.oneof(
        fc.constantFrom(1n, 2n, width(decimals) - 1n, width(decimals), width(decimals) + 1n),
        fc.bigInt({ min: 1n, max: width(decimals) }),
        fc.bigInt({ min: 1n, max: 10n ** BigInt(decimals + 4) }),
      );
    const legs = fc
      .tuple(
        fc.uniqueArray(fc.integer({ min: 0, max: 18 }), { minLength: 1, maxLength: 4 }),
        fc.constantFrom(["Both"] as const, ["Market", "Rate", "Both", "Market"] as const),
      )
      .filter(([decimals, sides]) => sides.length === 1 || decimals.length > 1)
      .chain(([decimals, sides]) =>
        fc.tuple(
          ...decimals.map((d, index) =>
            fc.record({
              decimals: fc.constant(d),
              side: fc.constant(sides[index % sides.length]),
              answer: answerOf(d),
            }),
          ),
        ),
      );

    await fc.assert(
      fc.asyncProperty(legs, async (drawn) => {
        let market = WAD;
        let rate = WAD;
        let wide = false;
        const inputs = [];
        for (const { decimals, side = "Both", answer } of drawn) {
          const feed = feeds[decimals];
          if (feed === undefined) throw new Error("no such feed");
          await feed.transmit(answer, world.now - 1);
          inputs.push({ feed: feed.proxy, side });
          const price = answer * 10n ** BigInt(18 - decimals);
          wide ||= price >= MAX_96;
          if (side !== "Rate") market = (market * price) / WAD;
          if (side !== "Market") rate = (rate * price) / WAD;
        }
        const composite = await deployComposite(...inputs);
        const { answer, updatedAt } = await roundOf(world, composite, world.now);
        expect([answer, updatedAt === 0n]).to.deep.equal([wide ? 0n : market < rate ? market : rate, wide]);
      }),
      { numRuns: 40, seed: 4 },
    );
  }).timeout(60_000);
});

describe("CompositeFeed, a leg that", () => {
  const names = brokenAnswers(MINUTE).map(([name]) => name);
  for (const [index, name] of names.entries()) {
    it(`${name}: there is no round, wherever the leg stands`, async () => {
      const { world, feeds } = await createFeeds({ price: 2 });
      const [good] = feeds;
      if (!good) throw new Error("a feed was asked for");
      const raw = await still(() => ethers.deployContract("RawFeed"));
      const [, response, burns = false] = brokenAnswers(world.now)[index] ?? [];
      await still(() => raw.set(response ?? "0x", burns));
      const market = { feed: good.proxy, side: "Market" } as const;
      const rate = { feed: raw, side: "Rate" } as const;
      const last = await deployComposite(market, rate);
      const first = await deployComposite({ ...rate, side: "Market" }, { ...market, side: "Rate" });

      expect(await latestOf(world, last, world.now)).to.deep.equal(ABSENT);
      expect(await latestOf(world, first, world.now)).to.deep.equal(ABSENT);
    });
  }

  it("reverts: there is no round", async () => {
    const { world, composite, rate } = await createStaked();
    const flux = await switchAggregator(rate, { decimals: 18, revertsOnMissing: true });
    await flux.confirm();

    expect(await latestOf(world, composite, world.now)).to.deep.equal(ABSENT);
  });
});

describe("CompositeFeed, time", () => {
  /** Legs of an hour and of a day. */
  async function createTwo() {
    const { world, feeds } = await createFeeds({ price: 1 }, { price: 2_000 });
    const [fast, slow] = feeds;
    if (!fast || !slow) throw new Error("two feeds were asked for");
    const composite = await deployComposite({ feed: fast.proxy, maxAge: HOUR }, { feed: slow.proxy, maxAge: DAY });
    const limits = { ...LIMITS, maxAge: HOUR, window: DAY };
    await still(async () => world.oracle.list([{ proxy: await composite.getAddress(), kind: Kind.Derived, limits }]));
    return { world, fast, slow, composite };
  }

  it("lets the oracle's one limit refuse the fast leg a second after its own age, the slow one being fresh", async () => {
    const { world, slow } = await createTwo();
    await slow.write(2_000, world.now);

    expect((await world.readPrice(world.firstAt + HOUR, 1)).refusal).to.equal("None");
    expect((await world.readPrice(world.firstAt + HOUR + 1, 1)).refusal).to.equal("Stale");
  });

  it("lets it refuse the slow leg a second after its own age, the fast one being fresh", async () => {
    const { world, fast } = await createTwo();
    await fast.write(1, world.firstAt + DAY);

    expect((await world.readPrice(world.firstAt + DAY, 1)).refusal).to.equal("None");
    expect((await world.readPrice(world.firstAt + DAY + 1, 1)).refusal).to.equal("Stale");
  });

  it("is that of the leg with the least life left, by the least age", async () => {
    const { world, composite, fast } = await createTwo();
    const at = world.firstAt + DAY - 10;
    await fast.write(1, at);

    // The slow leg lives 10 s more, as if it were a leg of an hour from DAY − HOUR later.
    expect((await roundOf(world, composite, at)).updatedAt).to.equal(BigInt(world.firstAt + DAY - HOUR));
  });

  it("and id follow the legs: never in the future, never back, a new id with every round of a leg", async () => {
    const { world, feeds, composite } = await createStaked();
    const steps = fc.array(
      fc.record({
        leg: fc.integer({ min: 0, max: 3 }),
        wait: fc.integer({ min: 0, max: 3 * HOUR }),
        lag: fc.integer({ min: 0, max: 30 }),
        switches: fc.integer({ min: 0, max: 9 }).map((draw) => draw === 0),
      }),
      { minLength: 60, maxLength: 60 },
    );
    const [drawn] = fc.sample(steps, { numRuns: 1, seed: 7 });

    const current = [...feeds];
    const writtenAt = feeds.map(() => world.firstAt);
    let at = world.now;
    let previous: Round = await roundOf(world, composite, at);
    for (const { leg: index, wait, lag, switches } of drawn ?? []) {
      const feed = current[index];
      const proxied = feeds[index];
      if (!feed || !proxied) throw new Error("no such leg");
      at += wait;
      const time = Math.max(writtenAt[index] ?? 0, at - lag);
      writtenAt[index] = time;
      if (switches) {
        const next = await switchAggregator(proxied, { decimals: index === 1 ? 8 : 18 });
        await next.write(1, time);
        await next.confirm();
        current[index] = { ...proxied, write: next.write, transmit: next.transmit };
      } else {
        await feed.write(1, time);
      }
      const round = await roundOf(world, composite, at);
      expect(round.id > previous.id, "id").to.equal(true);
      expect(round.updatedAt >= previous.updatedAt, "back").to.equal(true);
      expect(round.updatedAt <= BigInt(at), "future").to.equal(true);
      expect(round.updatedAt >= BigInt(Math.min(...writtenAt)), "oldest").to.equal(true);
      expect(await roundOf(world, composite, at + 1)).to.deep.equal(round);
      at += 1;
      previous = round;
    }
  }).timeout(60_000);
});

describe("CompositeFeed, round id", () => {
  it("is the sum of the phases and the sum of the rounds", async () => {
    const { world, composite, usd } = await createStaked();
    await usd.write(2_001, world.now);
    const next = await switchAggregator(usd);
    await next.write(2_002, world.now);
    const before = await roundOf(world, composite, world.now);
    await next.confirm();

    expect(before.id).to.equal(id(5, 4));
    expect((await roundOf(world, composite, world.now + 1)).id).to.equal(id(4, 5));
  });

  for (const [name, first, second] of [
    ["phases", id(1, 0xff00), id(1, 0x00ff)],
    ["rounds", id(2 ** 40 - 2), id(1)],
  ] as const) {
    it(`fits: there is no round where the sum of the ${name} does not`, async () => {
      const world = await createWorld();
      const at = BigInt(world.firstAt);
      const raws = [];
      for (const id_ of [first, second]) {
        const raw = await still(() => ethers.deployContract("RawFeed"));
        await still(() => raw.set(encodeRound({ id: id_, answer: 1n, startedAt: at, updatedAt: at }), false));
        raws.push(raw);
      }
      const [raw] = raws;
      const composite = await deployComposite(...raws.map((feed) => ({ feed })));
      const phase = first >> 64n;
      const sum = { phase: phase + 1n, round: BigInt.asUintN(64, first + second) };

      expect((await roundOf(world, composite, world.now)).id).to.equal((((second >> 64n) + phase) << 64n) | sum.round);
      const over = name === "phases" ? first + (1n << 64n) : first + 1n;
      await still(async () => raw?.set(encodeRound({ id: over, answer: 1n, startedAt: at, updatedAt: at }), false));
      expect(await latestOf(world, composite, world.now + 1)).to.deep.equal(ABSENT);
    });
  }
});

describe("CompositeFeed.getRoundData", () => {
  it("returns the latest round and keeps no other", async () => {
    const { world, composite } = await createStaked();
    const { id: latest } = await roundOf(world, composite, world.now);
    const [kept, earlier] = await world.run(
      world.now + 1,
      { contract: composite, verb: "getRoundData", args: [latest] },
      { contract: composite, verb: "getRoundData", args: [latest - 1n] },
    );

    expect(kept?.value?.[1]).to.equal(wad(2_300));
    expect([earlier?.error, earlier?.args]).to.deep.equal(["RoundNotKept", [latest - 1n, latest]]);
  });
});

describe("CompositeFeed, gas", () => {
  it("of four proxies, cold, is within what the oracle gives", async function () {
    if (instrumented) this.skip();
    const { world, composite } = await createStaked();
    const limits = { ...LIMITS, maxAge: HOUR };
    await still(async () => world.oracle.list([{ proxy: await composite.getAddress(), kind: Kind.Derived, limits }]));

    const { prices, gas } = await world.read(world.now, 0b10n);
    expect(prices[0]?.refusal).to.equal("None");
    expect(Number(gas)).to.be.lessThan(105_000);
  });

  it("suffices for four legs that take all of theirs", async function () {
    if (instrumented) this.skip();
    const world = await createWorld();
    const legs = [];
    for (let i = 0; i < 4; ++i) legs.push({ feed: await ethers.deployContract("HungryFeed") });
    const composite = await deployComposite(...legs);
    await still(async () =>
      world.oracle.list([{ proxy: await composite.getAddress(), kind: Kind.Derived, limits: LIMITS }]),
    );

    expect((await world.readPrice(world.now, 1)).refusal).to.equal("None");
  });

  it("is there or the reading reverts: no amount makes a leg look dead", async function () {
    if (instrumented) this.skip();
    const { world, composite } = await createStaked();
    const outcomes = new Set<string>();
    let at = world.now;
    for (let gas = 1_000; gas <= 121_000; gas += 1_000) {
      const outcome = await latestOf(world, composite, at++, gas);
      outcomes.add(typeof outcome === "string" ? "reverts" : String(outcome.answer));
    }

    expect([...outcomes]).to.deep.equal(["reverts", String(wad(2_300))]);
  });
});

describe("CompositeFeed of a share feed", () => {
  it("takes the lower of the market and the share's rate, within the oracle's gas", async function () {
    if (instrumented) this.skip();
    const { world, feeds } = await createFeeds({ price: 1.05 }, { price: 1 });
    const [market, usd] = feeds;
    if (!market || !usd) throw new Error("two feeds were asked for");
    const token = await still(() => ethers.deployContract("TestToken", ["USD", "USD", 6]));
    const vault = await still(() => ethers.deployContract("TestVault", [token, 0]));
    const share = await still(async () =>
      ethers.deployContract("ShareFeed", [
        "SHARE / USD",
        { vault, feed: await usd.proxy.getAddress(), vaultGas: 35_000, feedGas: 25_000, maxGrowth: 1_000 },
      ]),
    );
    const composite = await deployComposite(
      { feed: market.proxy, side: "Market" },
      { feed: share, side: "Rate", gasLimit: 75_000n },
    );
    await still(async () =>
      world.oracle.list([{ proxy: await composite.getAddress(), kind: Kind.Derived, limits: LIMITS }]),
    );

    expect((await world.readPrice(world.now, 1)).last).to.equal(WAD);
    await market.write(0.97, world.now + 10);
    expect((await world.readPrice(world.now + 10, 1)).last).to.equal(wad(0.97));
  });
});
