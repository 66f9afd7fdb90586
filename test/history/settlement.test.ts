import { expect } from "chai";

import { seeded } from "../../scripts/history/random.ts";
import { RECORDED } from "../../scripts/history/rounds.ts";
import { hintOf, settlementOf, type Round } from "../oracles/settlement.ts";
import { ALL_HINTS, BOUNDS, deployRecorded, type Hint, type Listing, ofPhase, switchTimeOf } from "./feeds.ts";

type Numbered = Round & { number: number };

interface History {
  name: keyof typeof RECORDED;
  /** As the recorded feed would be listed: its heartbeat and five minutes, and the jump limit of its parameters. */
  listed: Listing;
  /** So narrow that many orders of its history are void. */
  narrow: Listing;
  /** Orders tried with all neighbours of their hints. */
  samples: number;
  /** Rounds that no order settles at, as `phase.number`: the reason is with each test. */
  unreachable: Record<"tied" | "late" | "unprovable", string[]>;
}

const deep = process.env["TEST_DEPTH"] === "deep";
const DELAY = 30;
const EXECUTION_WINDOW = 600;
const LISTED = 0;
const NARROW = 1;
const VOID = "1 0 0";
const NEAR = 20;

const HISTORIES: History[] = [
  {
    name: "ETH",
    listed: { window: 3_900, jump: 60_000 },
    narrow: { window: 2_055, jump: 10_000 },
    samples: 300,
    unreachable: { tied: ["6.402", "6.1006", "6.4578", "6.4791", "6.7748"], late: [], unprovable: [] },
  },
  {
    name: "BTC",
    listed: { window: 3_900, jump: 50_000 },
    narrow: { window: 2_055, jump: 10_000 },
    samples: 300,
    unreachable: {
      tied: ["6.1238", "6.1745", "6.4506", "6.5200", "6.7550", "6.8070", "6.9797"],
      late: [],
      unprovable: [],
    },
  },
  {
    name: "USDC",
    listed: { window: 86_700, jump: 50_000 },
    narrow: { window: 3_900, jump: 5_000 },
    samples: 180,
    unreachable: { tied: ["2.460"], late: ["1.292", "1.293", "1.294", "1.295"], unprovable: ["2.746"] },
  },
];

for (const history of HISTORIES) {
  describe(`settlement over every recorded round of ${history.name} / USD`, () => {
    const listings = [history.listed, history.narrow];
    let feed: Awaited<ReturnType<typeof deployRecorded>>;
    let phases: Map<number, Numbered[]>;
    let switchTime: number | undefined;
    let end: number;

    before(async () => {
      feed = await deployRecorded(RECORDED[history.name], listings);
      phases = new Map(feed.phases.map((phase) => [phase, ofPhase(feed.rounds, phase)]));
      switchTime = switchTimeOf(feed.rounds);
      end = Math.max(...feed.rounds.map(({ updatedAt }) => updatedAt));
    });

    function roundsOf(phase: number): Numbered[] {
      return phases.get(phase) ?? [];
    }

    /** The rounds that matter at a boundary, for the model looks at all it gets: times do not fall within a phase. */
    function roundsNear(phase: number, boundary: number): Numbered[] {
      const rounds = roundsOf(phase);
      let [low, high] = [0, rounds.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((rounds[middle]?.updatedAt ?? 0) <= boundary) low = middle + 1;
        else high = middle;
      }
      return rounds.slice(Math.max(0, low - NEAR), low + NEAR);
    }

    /** The phase that an order of this boundary has recorded. */
    function phaseAt(boundary: number): number {
      const [first = 0, second = first] = feed.phases;
      return switchTime !== undefined && boundary - DELAY >= switchTime ? second : first;
    }

    /** Between two rounds that do not follow each other: what came between is not recorded. */
    function isUnrecorded(rounds: readonly Numbered[], boundary: number): boolean {
      const after = rounds.findIndex(({ updatedAt }) => updatedAt > boundary);
      const [last, next] = [rounds[after - 1], rounds[after]];
      return last !== undefined && next !== undefined && next.number !== last.number + 1;
    }

    function hintAt(rounds: readonly Numbered[], boundary: number): Hint {
      const { round, before } = hintOf([...rounds], boundary);
      return { round: rounds[round - 1]?.number ?? 0, before: rounds[before - 1]?.number ?? 0 };
    }

    /** Where the first round comes after the window, each of several with its time proves that the order is void. */
    function lateTies(rounds: readonly Numbered[], { round }: Hint, windowEnd: number): bigint {
      const time = rounds.find(({ number }) => number === round)?.updatedAt ?? 0;
      let bits = 0n;
      for (const { number, updatedAt } of rounds) {
        const below = round - number;
        if (time > windowEnd && updatedAt === time && below > 0) bits |= 1n << BigInt(6 * below - 4);
      }
      return bits;
    }

    /** Moves on to `at`, and checks that an order is settled by its hint and by no other. */
    async function expectOnlyHint(asset: number, boundary: number, at: number): Promise<string> {
      if (switchTime !== undefined && at >= switchTime) await confirmSwitch();
      await feed.setTime(at);
      const now = await feed.now();
      const phase = phaseAt(boundary);
      const rounds = roundsNear(phase, boundary);
      const hint = hintAt(
        rounds.filter(({ updatedAt }) => updatedAt <= now),
        boundary,
      );
      const limits = listings[asset] ?? history.listed;
      const settlement = settlementOf(rounds, boundary, { ...BOUNDS, ...limits });
      const { accepted, refused, settlements } = await feed.tryAround({ asset, phase, boundary }, hint);

      const what = `boundary ${boundary} of phase ${phase} at ${now}, ${hint.round} after ${hint.before}`;
      const proving = 1n | lateTies(rounds, hint, boundary + limits.window);
      expect(settlements, what).to.deep.equal(settlements.map(() => settlement));
      expect(accepted, what).to.equal(proving);
      expect(refused, what).to.equal(ALL_HINTS ^ proving);
      return settlement;
    }

    async function confirmSwitch(): Promise<void> {
      if (switchTime === undefined || feed.phaseNow() === feed.phases[1]) return;
      await feed.confirmPhase(feed.phases[1] ?? 0, switchTime);
    }

    /** When an order can be executed: once its round is older than the block, or its window has passed. */
    function executableAt(asset: number, boundary: number): number {
      const limits = listings[asset] ?? history.listed;
      const rounds = roundsNear(phaseAt(boundary), boundary);
      const [verdict, , settledAt] = settlementOf(rounds, boundary, { ...BOUNDS, ...limits }).split(" ");
      return 1 + (verdict === "0" ? Number(settledAt) : boundary + limits.window);
    }

    it("takes of all hints around the right one only that, at random submit times as they come", async () => {
      const random = seeded(feed.rounds.length);
      const [start = 0] = feed.rounds.map(({ updatedAt }) => updatedAt);
      // Half of them anywhere, half within seconds of a round, where neighbours are closest; and all where rounds tie.
      const boundaries = Array.from({ length: history.samples }, (_, index) => {
        const { updatedAt } = feed.rounds[Math.floor(random() * feed.rounds.length)] ?? { updatedAt: start };
        const anywhere = start + Math.floor(random() * (end - start));
        return index % 2 === 0 ? anywhere : updatedAt - 3 + Math.floor(random() * 6);
      });
      for (const [index, { updatedAt }] of feed.rounds.entries()) {
        if (feed.rounds[index + 1]?.updatedAt === updatedAt) boundaries.push(updatedAt - 1, updatedAt);
      }
      const orders = boundaries
        .map((boundary, index) => {
          const asset = index % 3 === 2 ? NARROW : LISTED;
          const lag = Math.floor(random() * EXECUTION_WINDOW);
          return { asset, boundary, at: executableAt(asset, boundary) + lag };
        })
        .filter(({ boundary }) => boundary > start && !isUnrecorded(roundsNear(phaseAt(boundary), boundary), boundary));
      orders.sort((one, other) => one.at - other.at);

      const outcomes = new Map<string, number>();
      for (const { asset, boundary, at } of orders) {
        const settlement = await expectOnlyHint(asset, boundary, at);
        const kind = `${asset === LISTED ? "listed" : "narrow"} ${settlement === VOID ? "void" : "settled"}`;
        outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
      }
      expect([...outcomes.keys()]).to.include.members(["listed settled", "narrow settled", "narrow void"]);
    });

    it("settles some order at every round, but for those that none can settle at", async () => {
      await confirmSwitch();
      await feed.setTime(end + 10 * 86_400);
      const unreachable: string[] = [];
      for (const phase of feed.phases) {
        const unrecorded = new Set<number>();
        const orders = roundsOf(phase).flatMap((round) => {
          // The latest boundary that the round is after: earlier ones let earlier rounds come first.
          const boundary = Math.min(round.startedAt, round.updatedAt) - 1;
          const rounds = roundsNear(phase, boundary);
          if (isUnrecorded(rounds, boundary)) {
            unrecorded.add(round.number);
            return [];
          }
          const expected = settlementOf(rounds, boundary, { ...BOUNDS, ...history.listed });
          return [{ round, boundary, hint: hintAt(rounds, boundary), expected }];
        });
        const settled = await feed.settleEach(LISTED, phase, orders);
        expect(settled).to.deep.equal(orders.map(({ expected }) => expected));
        unreachable.push(...[...unrecorded].map((number) => `${phase}.${number}`));
        for (const [index, { round, hint }] of orders.entries()) {
          const reached = settled[index] !== VOID && hint.round === round.number;
          if (!reached) unreachable.push(`${phase}.${round.number}`);
        }
      }
      const { tied, late, unprovable } = history.unreachable;
      expect(unreachable).to.have.members([...tied, ...late, ...unprovable]);
    });

    if (history.name === "USDC") {
      it("settles no order that is under way over the switch of phases at a round of the new one", async () => {
        await confirmSwitch();
        await feed.setTime(end + 10 * 86_400);
        const [phase = 0, next = 0] = feed.phases;
        const last = roundsOf(phase).at(-1)?.updatedAt ?? 0;
        for (const boundary of [last - 1, last, last + DELAY, (switchTime ?? 0) + DELAY - 1]) {
          const order = { asset: LISTED, phase, boundary };
          const rounds = roundsNear(phase, boundary);
          // What it would settle at, were it an order of the new phase.
          const tempting = hintAt(roundsNear(next, boundary), boundary);
          const { accepted, refused } = await feed.tryAround(order, tempting, next);
          expect([accepted, refused]).to.deep.equal([0n, ALL_HINTS]);
          const own = await feed.tryAround(order, hintAt(rounds, boundary));
          expect([own.accepted, ...own.settlements]).to.deep.equal([1n, VOID]);
        }
      });

      it("proves nothing about the time in which no round is recorded", async () => {
        await confirmSwitch();
        await feed.setTime(end + 10 * 86_400);
        const phase = feed.phases[1] ?? 0;
        const rounds = roundsOf(phase);
        const after = rounds.findIndex(
          ({ number }, index) => index > 0 && number !== (rounds[index - 1]?.number ?? 0) + 1,
        );
        const [from = 0, until = 0] = [rounds[after - 1]?.updatedAt, rounds[after]?.updatedAt];
        for (const boundary of [from, from + 1, Math.floor((from + until) / 2), until - 1]) {
          const { accepted, refused } = await feed.tryAround(
            { asset: LISTED, phase, boundary },
            hintAt(roundsNear(phase, boundary), boundary),
          );
          expect([accepted, refused]).to.deep.equal([0n, ALL_HINTS]);
        }
      });
    }

    if (deep) {
      it("takes only the right hint around every single round", async function () {
        this.timeout(3 * 3_600_000);
        await confirmSwitch();
        await feed.setTime(end + 10 * 86_400);
        const random = seeded(end);
        for (const phase of feed.phases) {
          const rounds = roundsOf(phase);
          for (const [index, { updatedAt }] of rounds.entries()) {
            const previous = rounds[index - 1]?.updatedAt ?? updatedAt - 1;
            const within = previous + Math.floor(random() * (updatedAt - previous));
            for (const boundary of new Set([updatedAt, within])) {
              if (isUnrecorded(roundsNear(phase, boundary), boundary) || phaseAt(boundary) !== phase) continue;
              await expectOnlyHint(index % 2, boundary, 0);
            }
          }
        }
      });
    }
  });
}
