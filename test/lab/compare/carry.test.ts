import { expect } from "chai";

import { openBook, withEquity } from "../../../scripts/lab/compare/account.ts";
import { carry } from "../../../scripts/lab/compare/carry.ts";
import type { Shape } from "../../../scripts/lab/compare/shapes.ts";
import { PPM, WAD } from "../../../scripts/model/fixed.ts";
import { listed, rounds, START, stepsAlong } from "./support.ts";
import { expectNear } from "../near.ts";

const SIZE = 100_000n * WAD;
const LONG: Shape = { name: "ETH long", kind: "outright", legs: [{ symbol: "ETH", share: PPM }], held: [] };

/** A long of ETH with an equity in thousands along some prices. */
function held(equity: bigint, prices: readonly (readonly [number, number])[], latency = 0) {
  const steps = stepsAlong({ ETH: rounds(...prices) });
  const book = openBook(LONG, { rules: listed, prices: steps[0]?.prices ?? new Map(), size: SIZE });
  const account = withEquity(book, equity * 1_000n * WAD, listed);
  return carry(account, { margin: "joint", rules: listed, steps, latency });
}

describe("a book over a path of prices", () => {
  it("gains and loses by its size where it is never unhealthy", () => {
    const { startEquity, endEquity, liquidations, badDebt } = held(12n, [
      [0, 4_000],
      [60, 3_960],
      [120, 4_080],
    ]);
    expect([liquidations, badDebt]).to.deep.equal([0, 0n]);
    expect(startEquity).to.equal(12_000n * WAD);
    expect(endEquity).to.equal(14_000n * WAD);
  });

  it("is liquidated once its equity is below its requirement, and pays for that", () => {
    const { endEquity, liquidations, liquidationCost, badDebt } = held(12n, [
      [0, 4_000],
      [60, 3_840],
      [120, 3_720],
      [180, 3_720],
    ]);
    expect(liquidations).to.equal(1);
    expect(badDebt).to.equal(0n);
    expect(liquidationCost > 0n).to.equal(true);
    // 7 % of its size are lost by the price.
    expectNear(Number(endEquity + liquidationCost) / 1e18, 5_000, 0.001);
  });

  it("is closed at the price of the moment at which a late liquidator comes", () => {
    const dip = [
      [0, 4_000],
      [60, 3_840],
      [120, 3_720],
      [150, 3_900],
      [600, 3_900],
    ] as const;
    expect(held(12n, dip, 0).liquidations).to.equal(1);
    expect(held(12n, dip, 29).liquidations).to.equal(1);
    expect(held(12n, dip, 30).liquidations).to.equal(0);
  });

  it("leaves as bad debt what a fall takes beyond its equity", () => {
    const { endEquity, badDebt, deficits, liquidationCost } = held(
      12n,
      [
        [0, 4_000],
        [30, 3_800],
        [60, 3_610],
        [90, 3_430],
        [120, 3_260],
      ],
      100,
    );
    expect(endEquity).to.equal(0n);
    // 18.5 % of 100,000, less 12,000, and the taker fee and the impact of closing.
    expect(Number(badDebt) / 1e18).to.be.within(6_500, 6_700);
    expect(badDebt).to.equal(6_500n * WAD + liquidationCost);
    expect(deficits).to.deep.equal([{ time: START + 121, market: 0, amount: badDebt }]);
  });

  it("waits out the halt that a jump of its price brings, and the grace after it", () => {
    const { waited, liquidations, deficits } = held(12n, [
      [0, 4_000],
      [60, 2_800],
      [360, 2_800],
      [660, 2_800],
      [1_500, 2_800],
    ]);
    expect(liquidations).to.equal(1);
    // Halted for ten minutes, then ten of grace.
    expect(deficits[0]?.time).to.be.within(START + 60 + 1_200, START + 60 + 1_320);
    expect(waited).to.be.lessThan(1_300);
  });

  it("owes at the end what nobody could close by then", () => {
    const { endEquity, badDebt, liquidations, deficits } = held(12n, [
      [0, 4_000],
      [60, 2_800],
      [360, 2_800],
      [660, 2_800],
    ]);
    expect([liquidations, endEquity]).to.deep.equal([0, 0n]);
    // 30 % of 100,000, less 12,000.
    expect(badDebt).to.equal(18_000n * WAD);
    expect(deficits).to.deep.equal([{ time: START + 661, market: 0, amount: badDebt }]);
  });
});
