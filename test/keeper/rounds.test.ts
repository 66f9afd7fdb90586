import { expect } from "chai";
import fc from "fast-check";

import { findSettlement, type Round, RoundBook, type RoundHint } from "../../scripts/keeper/rounds.ts";

const PHASE = 3n;
const BASE = PHASE << 64n;
const WINDOW = 100n;

function round(number: number, updatedAt: number, startedAt = updatedAt): Round {
  return { id: BASE + BigInt(number), answer: 10n ** 18n, startedAt: BigInt(startedAt), updatedAt: BigInt(updatedAt) };
}

function bookOf(rounds: readonly Round[]) {
  const asked: bigint[] = [];
  const book = new RoundBook((id) => {
    asked.push(id);
    return Promise.resolve(rounds.find((one) => one.id === id));
  });
  return { book, asked };
}

async function settle(rounds: readonly Round[], boundary: number, now: number, phase = PHASE) {
  const { book } = bookOf(rounds);
  return findSettlement(book, {
    phase,
    boundary: BigInt(boundary),
    window: WINDOW,
    latest: rounds.at(-1),
    now: BigInt(now),
  });
}

/** What `ChainlinkPush.prove` makes of a hint, read off the contract: undefined where it reverts. */
function prove(rounds: readonly Round[], boundary: bigint, now: bigint, { round: target, before }: RoundHint) {
  const byId = new Map(rounds.map((one) => [one.id, one]));
  const isAfter = (one: Round) => one.updatedAt > boundary && one.startedAt > boundary;
  let cursor = BASE;
  if (before !== 0n) {
    cursor = before;
    const near = byId.get(before);
    if (near === undefined || near.updatedAt > boundary) return undefined;
  }
  if (target === 0n) {
    if (now <= boundary + WINDOW) return undefined;
    for (let between = 0; between <= 8; ++between) {
      const one = byId.get(++cursor);
      if (one === undefined) return { verdict: "void", settledAt: 0n };
      if (one.updatedAt <= boundary || isAfter(one)) return undefined;
    }
    return undefined;
  }
  if (target <= cursor || target - cursor > 9n) return undefined;
  let first: Round | undefined;
  let last: Round | undefined;
  do {
    last = byId.get(++cursor);
    if (last === undefined) return undefined;
    if (first !== undefined) {
      if (last.updatedAt !== first.updatedAt) return undefined;
    } else {
      if (last.updatedAt <= boundary) return undefined;
      if (isAfter(last)) first = last;
    }
  } while (cursor !== target);
  if (first === undefined) return undefined;
  if (first.updatedAt > boundary + WINDOW) return { verdict: "void", settledAt: 0n };
  if (now <= last.updatedAt) return undefined;
  const next = byId.get(target + 1n);
  if (next !== undefined && next.updatedAt <= last.updatedAt) return undefined;
  return isAfter(last) ? { verdict: "settled", settledAt: last.updatedAt } : { verdict: "void", settledAt: 0n };
}

describe("findSettlement", () => {
  it("finds the first round after the boundary and the one before it", async () => {
    const rounds = [round(1, 10), round(2, 20), round(3, 30), round(4, 40)];

    expect(await settle(rounds, 20, 50)).to.deep.equal({
      kind: "settled",
      hint: { round: BASE + 3n, before: BASE + 2n },
      settledAt: 30n,
    });
  });

  it("names no predecessor of the first round of a phase", async () => {
    expect(await settle([round(1, 30)], 20, 50)).to.deep.include({ hint: { round: BASE + 1n, before: 0n } });
  });

  it("takes the last of rounds with the same time", async () => {
    const rounds = [round(1, 10), round(2, 30), round(3, 30), round(4, 31)];

    expect(await settle(rounds, 20, 50)).to.deep.include({ hint: { round: BASE + 3n, before: BASE + 1n } });
  });

  it("skips a round that was observed before the boundary and written after it", async () => {
    const rounds = [round(1, 10), round(2, 25, 19), round(3, 30)];

    expect(await settle(rounds, 20, 50)).to.deep.include({ hint: { round: BASE + 3n, before: BASE + 1n } });
  });

  it("waits while a round with the same time may come in the block", async () => {
    const rounds = [round(1, 10), round(2, 30)];

    expect(await settle(rounds, 20, 30)).to.deep.equal({ kind: "waiting" });
    expect(await settle(rounds, 20, 31)).to.deep.include({ kind: "settled" });
  });

  it("waits until the window is over where there is no round", async () => {
    expect(await settle([round(1, 10)], 20, 120)).to.deep.equal({ kind: "waiting" });
    expect(await settle([round(1, 10)], 20, 121)).to.deep.equal({
      kind: "void",
      hint: { round: 0n, before: BASE + 1n },
      settledAt: 0n,
    });
  });

  it("waits for what may still be written of its window, where rounds come later than their time", async () => {
    const { book } = bookOf([round(1, 100)]);
    const at = async (now: bigint) => {
      const latest = round(1, 100);
      return findSettlement(book, { phase: PHASE, boundary: 100n, window: WINDOW, latest, now, lag: 50n });
    };

    expect((await at(250n)).kind).to.equal("waiting");
    expect((await at(251n)).kind).to.equal("void");
  });

  it("voids by a round that came too late", async () => {
    expect(await settle([round(1, 10), round(2, 121)], 20, 122)).to.deep.equal({
      kind: "void",
      hint: { round: BASE + 2n, before: BASE + 1n },
      settledAt: 0n,
    });
  });

  it("says that more rounds than a proof may skip cannot be proved", async () => {
    const between = Array.from({ length: 9 }, (_, place) => round(place + 2, 21 + place, 15));

    expect(await settle([round(1, 10), ...between, round(11, 40)], 20, 50)).to.deep.equal({ kind: "unprovable" });
  });

  it("says the same of more rounds with one time", async () => {
    const ties = (count: number) => [
      round(1, 10),
      ...Array.from({ length: count }, (_, place) => round(place + 2, 30)),
    ];

    expect(await settle(ties(9), 20, 50)).to.deep.include({ kind: "settled" });
    expect(await settle(ties(10), 20, 50)).to.deep.equal({ kind: "unprovable" });
  });

  it("finds the end of a phase that is over", async () => {
    const { book } = bookOf([1, 2, 3, 4, 5, 6, 7].map((number) => round(number, number * 10)));
    const latest: Round = { ...round(1, 500), id: ((PHASE + 1n) << 64n) + 1n };

    const found = async (boundary: bigint) =>
      findSettlement(book, { phase: PHASE, boundary, window: WINDOW, latest, now: 600n });
    expect(await found(55n)).to.deep.include({ hint: { round: BASE + 6n, before: BASE + 5n } });
    expect(await found(70n)).to.deep.equal({ kind: "void", hint: { round: 0n, before: BASE + 7n }, settledAt: 0n });
  });

  it("reads few rounds, and none twice", async () => {
    const rounds = Array.from({ length: 10_000 }, (_, place) => round(place + 1, 10 * (place + 1)));
    const { book, asked } = bookOf(rounds);
    const query = { phase: PHASE, boundary: 12_345n, window: WINDOW, latest: rounds.at(-1), now: 200_000n };

    expect(await findSettlement(book, query)).to.deep.include({ settledAt: 12_350n });
    expect(asked.length).to.be.below(40);
    const before = asked.length;
    await findSettlement(book, query);
    expect(asked.length).to.equal(before);
  });

  it("asks once for what many look for at once, and for what is not there again in the next block", async () => {
    const rounds = [round(1, 100), round(2, 200), round(3, 300)];
    const { book, asked } = bookOf(rounds);
    const query = { phase: PHASE, boundary: 150n, window: WINDOW, latest: undefined, now: 1_000n };
    await Promise.all([150n, 151n, 152n, 150n].map(async (boundary) => findSettlement(book, { ...query, boundary })));
    expect(asked).to.have.length(new Set(asked).size);

    const before = asked.length;
    await findSettlement(book, query);
    expect(asked.length).to.equal(before);
    rounds.push(round(4, 400));
    book.renew();
    expect(await book.find(BASE + 4n)).to.deep.equal(rounds[3]);
  });

  it("asks again for a round that was not answered", async () => {
    let isDown = true;
    const book = new RoundBook(async () =>
      isDown ? Promise.reject(new Error("down")) : Promise.resolve(round(1, 100)),
    );
    expect(await Promise.allSettled([book.find(1n), book.find(1n)])).to.have.length(2);
    isDown = false;

    expect(await book.find(1n)).to.deep.equal(round(1, 100));
  });

  it("proves what the contract accepts, and nothing else (random feeds)", async () => {
    const step = fc.record({ gap: fc.integer({ min: 0, max: 60 }), lag: fc.integer({ min: 0, max: 40 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 0, maxLength: 14 }),
        fc.integer({ min: 90, max: 400 }),
        fc.integer({ min: 0, max: 300 }),
        async (steps, boundary, wait) => {
          let time = 100;
          const all = steps.map(({ gap, lag }, place) => {
            time += gap;
            return round(place + 1, time, time - lag);
          });
          const now =
            Math.max(boundary, all.at(-1)?.updatedAt === undefined ? 0 : Number(all.at(-1)?.updatedAt)) + wait;
          const found = await settle(all, boundary, now);
          const accepted = all
            .flatMap(({ id }) => [id, 0n])
            .concat(0n)
            .flatMap((target) =>
              [0n, ...all.map(({ id }) => id)].map((before) =>
                prove(all, BigInt(boundary), BigInt(now), { round: target, before }),
              ),
            )
            .filter((outcome) => outcome !== undefined);
          if (found.kind === "waiting" || found.kind === "unprovable") {
            expect(accepted).to.be.empty;
          } else {
            const outcome = prove(all, BigInt(boundary), BigInt(now), found.hint);
            expect(outcome).to.deep.equal({ verdict: found.kind, settledAt: found.settledAt });
            expect(new Set(accepted.map(({ verdict, settledAt }) => `${verdict} ${String(settledAt)}`)).size).to.equal(
              1,
            );
          }
        },
      ),
      { numRuns: 2_000, seed: 1_885_432_173 },
    );
  });
});
