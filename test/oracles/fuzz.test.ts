import { expect } from "chai";

import { Kind } from "../parameters.ts";
import {
  DAY,
  HOUR,
  LIMITS,
  createWorld,
  decodePrice,
  ethers,
  id,
  networkHelpers,
  still,
  switchAggregator,
  wad,
  type World,
} from "./fixture.ts";
import { drawSessions, generator, readingOf, reportSettlementOf, settlementOf, type Round } from "./settlement.ts";
import { LAG, LONGEST_DELAY, STREAM_WINDOW, deployStream, encodeRound, packSessions } from "./sources.ts";

type Random = (below: number) => number;

const pick = <T>(random: Random, values: readonly T[]): T => {
  const value = values[random(values.length)];
  if (value === undefined) throw new Error("nothing to draw from");
  return value;
};

/** Bounds and jump that whole dollars meet exactly: at 2,000 a jump is below 1,800 or above 2,200. */
const BOUNDS = { minAnswer: wad(1_700), maxAnswer: wad(2_300) };
const EDGES = [1_700, 1_800, 2_000, 2_200, 2_300];

describe("PriceOracle.read over drawn answers", () => {
  const random = generator(0x0ac1e5);

  /** An answer at an edge, or one unit off it, or beyond what the oracle can keep. */
  function drawAnswer(decimals: number): bigint {
    const unit = 10n ** BigInt(decimals);
    const widest = (1n << 96n) / 10n ** BigInt(18 - decimals);
    if (random(5) === 0)
      return pick(random, [0n, -1n, 1n, widest - 1n, widest, widest + 1n, (1n << 255n) - 1n, -(1n << 255n)]);
    return BigInt(pick(random, EDGES)) * unit + BigInt(random(3) - 1);
  }

  function drawTime(now: bigint, storedAt: bigint): bigint {
    const age = BigInt(LIMITS.maxAge);
    const wide = 1n << 32n;
    return pick(random, [
      now,
      now,
      now - 1n,
      now + 1n,
      now - age,
      now - age - 1n,
      storedAt,
      storedAt - 1n,
      0n,
      1n,
      wide - 1n,
      wide,
      now + wide,
      (1n << 256n) - 1n,
    ]);
  }

  function drawId(): bigint {
    const wide = (1n << 40n) - 1n;
    return pick(random, [
      id(2),
      id(2),
      id(3),
      id(1),
      id(0),
      id(0, 2),
      id(1, 2),
      id(9, 0),
      id(1, 65_535),
      id(1) + wide,
      id(2) + wide,
      id(1, 65_536),
    ]);
  }

  for (let decimals = 0; decimals <= 18; ++decimals) {
    it(`finds what the rules say at ${decimals} decimals`, async () => {
      const world = await createWorld();
      const feed = await still(() => ethers.deployContract("RawFeed"));
      await still(() => feed.setDecimals(decimals));
      const storedAt = BigInt(world.firstAt);
      await still(() => feed.set(encodeRound(id(1), 2_000n * 10n ** BigInt(decimals), storedAt, storedAt), false));
      const limits = { ...LIMITS, ...BOUNDS };
      await still(async () => world.oracle.list([{ proxy: await feed.getAddress(), kind: Kind.Rounds, limits }]));

      // Late enough for the stored price to be stale in the second half.
      for (const now of [storedAt + BigInt(LIMITS.maxAge), storedAt + BigInt(LIMITS.maxAge) + 1n]) {
        const answers = Array.from({ length: 40 }, () => {
          const updatedAt = drawTime(now, storedAt);
          const startedAt = random(3) === 0 ? drawTime(now, storedAt) : updatedAt;
          return { id: drawId(), answer: drawAnswer(decimals), startedAt, updatedAt };
        });
        const calls = answers.flatMap((said) => [
          {
            contract: feed,
            verb: "set",
            args: [encodeRound(said.id, said.answer, said.startedAt, said.updatedAt), false],
          },
          { contract: world.oracle, verb: "peek", args: [2n, false] },
        ]);
        const outcomes = await world.run(Number(now), ...calls);
        for (const [index, said] of answers.entries()) {
          const value = outcomes[2 * index + 1]?.value as unknown as [bigint, bigint[]] | undefined;
          const price = decodePrice(value?.[1][0] ?? 0n);
          const rules = {
            decimals,
            now,
            maxAge: BigInt(LIMITS.maxAge),
            jump: LIMITS.jump,
            ...BOUNDS,
            stored: { id: id(1), price: wad(2_000), updatedAt: storedAt },
          };
          const label = Object.entries(said).map(String).join(" ");
          expect([price.refusal, price.last], label).to.deep.equal(readingOf(said, rules));
        }
      }
    });
  }
});

describe("PriceOracle.settle over drawn histories of several phases", () => {
  const random = generator(0x9a5e5);

  for (let history = 0; history < 8; ++history) {
    const kind = history % 2 === 0 ? Kind.Rounds : Kind.Observed;
    const what = kind === Kind.Rounds ? "push rounds" : "observed rounds";

    it(`one outcome can be proved for each phase, now or later (${what}, ${history})`, async () => {
      const limits = { ...BOUNDS, window: LIMITS.maxAge, deadAfter: 29 * DAY };
      const world = await createWorld({ feeds: [{ kind, limits }] });
      const boundary = world.now;
      const sessions = history % 3 === 2 ? drawSessions(random) : undefined;
      if (sessions !== undefined) await still(() => world.oracle.setSessions(0, packSessions(sessions)));
      const phases = await drawPhases(world, limits.window);
      const rules = { ...LIMITS, ...limits, ...(sessions && { sessions }) };

      const longest = Math.max(...phases.map((rounds) => rounds.length));
      const numbers = [0, ...Array.from({ length: longest + 1 }, (_, index) => index + 1)];
      const provable = phases.map(() => new Set<string>());
      const end = boundary + limits.window;
      for (const time of [end, end + 1, end + LAG + 1]) {
        await networkHelpers.time.setNextBlockTimestamp(Math.max(time, (await networkHelpers.time.latest()) + 1));
        await networkHelpers.mine(1);
        for (const [index, outcomes] of provable.entries()) {
          const phase = index + 1;
          const stranger = 1 + random(phases.length + 1);
          const hints = numbers.flatMap((round) =>
            numbers.map((before) => ({ round: round && id(round, phase), before: before && id(before, phase) })),
          );
          const strangers = Array.from({ length: 6 }, () => ({
            round: id(pick(random, numbers), random(2) === 0 ? stranger : phase),
            before: id(pick(random, numbers), stranger),
          }));
          for (const hint of [...hints, ...strangers]) {
            const proved = await world.oracle.settle.staticCall(0, phase, boundary, hint).then(
              (outcome) => outcome.join(" "),
              () => undefined,
            );
            if (proved !== undefined) outcomes.add(proved);
          }
        }
      }
      for (const [index, outcomes] of provable.entries()) {
        const expected = settlementOf(phases[index] ?? [], boundary, rules);
        expect([...outcomes], `phase ${index + 1}`).to.deep.equal([expected]);
      }
    });
  }

  /** Two or three phases of up to four rounds around the boundary `now`: at its edges, at those of the window, and ties. */
  async function drawPhases(world: World, window: number): Promise<Round[][]> {
    const phases: Round[][] = [[{ price: wad(2_000), updatedAt: world.firstAt, startedAt: world.firstAt }]];
    let feed = { write: world.feed.write, confirm: () => Promise.resolve() };
    const count = 2 + random(2);
    for (let phase = 0; phase < count; ++phase) {
      if (phase !== 0) {
        feed = await switchAggregator(world.feed);
        phases.push([]);
      }
      const steps = Array.from({ length: random(5) }, () =>
        pick(random, [-20, -1, 0, 0, 1, 1, 30, window - 1, window, window + 1, window + 100]),
      ).sort((a, b) => a - b);
      for (const [index, step] of steps.entries()) {
        const updatedAt = world.now + step;
        // What is stamped with its observation rises strictly.
        if (step === steps[index - 1] && (await world.oracle.sourceOf(0)).kind === BigInt(Kind.Observed)) continue;
        const startedAt = random(3) === 0 ? pick(random, [updatedAt - 1, world.now, world.now + 1]) : updatedAt;
        const price = pick(random, EDGES) + (random(3) - 1) / 1e6;
        await feed.write(price, updatedAt, startedAt);
        phases[phase]?.push({ price: wad(price), updatedAt, startedAt });
      }
      await feed.confirm();
    }
    return phases;
  }
});

describe("PriceOracle.settle over drawn reports", () => {
  const random = generator(0x57e4);

  for (let history = 0; history < 6; ++history) {
    it(`one report settles each boundary (${history})`, async () => {
      const limits = { ...BOUNDS, deadAfter: 29 * DAY };
      const world = await createWorld({ feeds: [{ limits }] });
      const decimals = pick(random, [6, 8, 18]);
      const stream = await deployStream({ decimals });
      const first = { price: wad(2_000), startedAt: world.firstAt, updatedAt: world.firstAt };
      await stream.report(2_000, first.startedAt, first.updatedAt);
      await still(() => world.oracle.setSettlement(0, stream.proxy, STREAM_WINDOW));
      // Hours with an edge among the reports, in half of the histories.
      const minute = (Math.floor(world.now / 60) + 3 * 1_440) % 10_080;
      const sessions = history % 2 === 0 || minute < 60 ? undefined : ([[minute - 60, minute + 1]] as const);
      if (sessions !== undefined) await still(() => world.oracle.setSessions(0, packSessions(sessions)));

      const reports: Round[] = [first];
      let time = world.now - 5;
      for (let index = 0; index < 6; ++index) {
        const startedAt = time + pick(random, [1, 1, 2, 30]);
        time = startedAt + pick(random, [0, 0, 1, 5, STREAM_WINDOW - 1, STREAM_WINDOW, STREAM_WINDOW + 1]);
        const price = pick(random, EDGES) + (random(3) - 1) / 1e6;
        await stream.report(price, startedAt, time);
        reports.push({ price: wad(price), startedAt, updatedAt: time });
      }
      await networkHelpers.time.setNextBlockTimestamp(time + HOUR);
      await networkHelpers.mine(1);

      const rules = { ...LIMITS, ...limits, window: STREAM_WINDOW, ...(sessions && { sessions }) };
      const boundaries = new Set(
        reports.flatMap(({ startedAt, updatedAt }) => [
          startedAt - 1,
          startedAt,
          startedAt + 1,
          updatedAt - STREAM_WINDOW - 1,
          updatedAt - STREAM_WINDOW,
          updatedAt - 1,
          updatedAt,
          updatedAt + 1,
        ]),
      );
      for (const boundary of boundaries) {
        if (boundary <= world.firstAt + 1 + LONGEST_DELAY) continue;
        const proved = new Set<string>();
        for (let round = 0; round <= reports.length + 1; ++round) {
          const hint = { round: round && id(round), before: 0n };
          const outcome = await world.oracle.settle.staticCall(0, 1, boundary, hint).then(
            (verdict) => verdict.join(" "),
            () => undefined,
          );
          if (outcome !== undefined) proved.add(outcome);
        }
        const expected = reportSettlementOf(reports, boundary, rules);
        expect([...proved], String(boundary - world.now)).to.deep.equal(expected === undefined ? [] : [expected]);
      }
    });
  }
});
