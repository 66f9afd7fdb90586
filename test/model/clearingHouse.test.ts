import { expect } from "chai";
import fc from "fast-check";

import { SEED } from "./arbitraries.ts";
import { found } from "../../scripts/model/books.ts";
import { SETTLEMENT } from "./cast.ts";
import { newTally, Player } from "./player.ts";
import { anyStep, type Step } from "./steps.ts";
import { deploy } from "./world.ts";

/** Of each history. */
const STEPS = 220;

describe("model against the clearing house", () => {
  const tally = newTally();

  for (const run of [0, 1, 2, 3]) {
    it(`keeps the same books to the wei over a random history (${run})`, async () => {
      const player = new Player(await deploy(), tally);
      await player.open();
      for (const [position, step] of historyOf(run).entries()) {
        try {
          await player.play(step);
        } catch (error) {
          throw new Error(`step ${position}, ${JSON.stringify(step)}`, { cause: error });
        }
      }
    });
  }

  it("keeps the same books when the scale of a side is used up and it is closed whole", async () => {
    const world = await deploy();
    const player = new Player(world, newTally());
    const asset = 1;
    const market = world.books.market(asset);
    const order = { kind: "trade", slip: 0, share: 0 } as const;
    await player.open();
    await player.play({ kind: "credit", account: 0, token: SETTLEMENT, value: 20_000 });
    await player.play({ ...order, account: 0, legs: [{ asset, value: 40_000 }] });
    // Its profit is beyond the pool's budget, and stays there: each time a quarter of the side is closed.
    for (let step = 0; step < 11; ++step) await player.play({ kind: "prices", moves: [0, 1_200, 0, 0], doubt: 31 });
    for (let step = 0; step < 80 && market.long.epoch === 0n; ++step) {
      await player.play({ kind: "deleverage", asset, slip: 0, void: false, patient: true });
    }
    expect(market.long.epoch).to.equal(1n);
    expect(world.books.closedValue > 0n).to.equal(true);
    await player.play({ ...order, account: 1, legs: [{ asset, value: 20_000 }] });
    await player.play({ ...order, account: 0, legs: [{ asset, value: -20_000 }] });
    expect(world.books.closedValue >= 0n && world.books.closedValue < 5n).to.equal(true);
  });

  it("met every kind of action on the way", () => {
    for (const [what, count] of Object.entries(tally)) expect(count, what).to.be.greaterThan(0);
  });
});

/** Random steps, and the end of one market among them. */
function historyOf(run: number): readonly Step[] {
  const steps = found(
    fc.sample(fc.array(anyStep, { minLength: STEPS, maxLength: STEPS, size: "max" }), {
      seed: SEED + run,
      numRuns: 1,
    })[0],
  );
  const asset = run % 3;
  const closing = [
    { kind: "closeMarket", asset, proved: run !== 2 },
    ...[0, 1, 2, 3, 4, 5].map((account) => ({ kind: "settleDeficit", account }) as const),
  ] as const;
  const [announced, closed] = [(STEPS * 6) / 10, (STEPS * 7) / 10];
  return [
    ...steps.slice(0, announced),
    { kind: "windDown", asset },
    ...steps.slice(announced, closed),
    ...closing,
    ...steps.slice(closed),
  ];
}
