import { expect } from "chai";
import fc from "fast-check";

import { found } from "../../../scripts/model/books.ts";
import { SEED } from "../arbitraries.ts";
import { LIQUIDATOR, TRADERS } from "../cast.ts";
import { newProtocolTally, ProtocolPlayer } from "./player.ts";
import { protocolStep, type ProtocolStep } from "./steps.ts";
import { deployProtocol } from "./world.ts";

/** Of each history. */
const STEPS = 250;

describe("model against the whole protocol", () => {
  const tally = newProtocolTally();

  for (const run of [0, 1]) {
    it(`keeps the same books, orders, batches and share price to the wei over a random history (${run})`, async () => {
      const player = new ProtocolPlayer(await deployProtocol(), tally);
      await player.open();
      for (const [position, step] of historyOf(run).entries()) {
        try {
          await player.play(step);
        } catch (error) {
          throw new Error(`step ${position}, ${JSON.stringify(step)}: ${String(error)}`, { cause: error });
        }
      }
      await player.finishAll();
    }).timeout(300_000);
  }

  it("met every kind of action on the way", () => {
    // In a history of this length chance may leave these out; `clearingHouse.test.ts` has all but the last two.
    const elsewhere = new Set([
      ...["folded", "flagsByBudget", "flagsByPool", "realised", "insolvencies", "cleared", "seizures", "advanced"],
      ...["seizedSold", "settledDeficits", "cancelledForMargin", "pokes"],
    ]);
    const counts = Object.entries(tally).filter(([what]) => !elsewhere.has(what));
    for (const [what, count] of counts) expect(count, what).to.be.greaterThan(0);
  });
});

/** What chance seldom brings about. */
function rare(account: number): readonly ProtocolStep[] {
  const other = (account + 3) % TRADERS;
  const wide = [
    { asset: 0, value: 40_000 },
    { asset: 2, value: account % 2 === 0 ? 40_000 : -40_000 },
  ];
  return [
    { kind: "submit", account: other, legs: wide, share: 0, bound: 0, lifetime: 0 },
    ...[2, 1, 0].map((order) => ({ kind: "execute", order, move: 0, seconds: 0 }) as const),
    { kind: "windUp", account: other, share: 100, rescued: true },
    { kind: "crowd", accounts: [0, 1], asset: account % 3, long: account % 2 === 0, deleveraged: true },
    { kind: "liquidate", account: 0, share: 20, due: true },
    { kind: "corner", account, share: 100, deep: true, pending: true },
    { kind: "takeOver", account, share: 30, taker: LIQUIDATOR },
    { kind: "takeOver", account: other, share: 12, taker: LIQUIDATOR },
    { kind: "run" },
  ];
}

/** Random steps, and some that are sure to come. */
function historyOf(run: number): readonly ProtocolStep[] {
  const steps = fc.array(protocolStep, { minLength: STEPS, maxLength: STEPS, size: "max" });
  const drawn = found(fc.sample(steps, { seed: SEED + run, numRuns: 1 })[0]);
  return drawn.flatMap((step, position) =>
    position % 60 === 50 ? [step, ...rare(((position - 50) / 60) % TRADERS)] : [step],
  );
}
