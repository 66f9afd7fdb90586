import { expect } from "chai";

import { parsePrices } from "../../../scripts/lab/data/prices.ts";
import { pathOf, reported, roundsOf, sampled, shaped, toRounds } from "../../../scripts/lab/data/synthetic.ts";

const RISING = { at: 1_200, open: 10, high: 14, low: 8, close: 12 };
const FALLING = { at: 1_600, open: 12, high: 13, low: 6, close: 7 };

describe("a synthetic feed", () => {
  it("takes the extreme against a candle's direction first", () => {
    expect(pathOf({ candles: [RISING, FALLING], interval: 400 })).to.deep.equal([
      { at: 1_200, price: 10 },
      { at: 1_300, price: 8 },
      { at: 1_400, price: 14 },
      { at: 1_500, price: 12 },
      { at: 1_600, price: 12 },
      { at: 1_700, price: 13 },
      { at: 1_800, price: 6 },
      { at: 1_900, price: 7 },
    ]);
  });

  it("walks straight between prices", () => {
    const path = [
      { at: 0, price: 10 },
      { at: 40, price: 14 },
    ];
    expect(sampled(path, 10).map(({ at, price }) => [at, price])).to.deep.equal([
      [0, 10],
      [10, 11],
      [20, 12],
      [30, 13],
      [40, 14],
    ]);
  });

  it("reports a move of the threshold since the last report, and not less", () => {
    const path = [100, 100.4, 100.51, 100.1, 100.99, 99.9].map((price, index) => ({ at: 10 * index, price }));
    expect(reported(path, { deviation: 0.005, heartbeat: 1_000 }).map(({ price }) => price)).to.deep.equal([
      100, 100.51, 99.9,
    ]);
  });

  it("reports after its heartbeat though nothing moves", () => {
    const path = [0, 30, 60, 90, 120].map((at) => ({ at, price: 5 }));
    expect(reported(path, { deviation: 0.01, heartbeat: 60 }).map(({ at }) => at)).to.deep.equal([0, 60, 120]);
  });

  it("repeats the last price by its heartbeat where nothing was paid", () => {
    const path = [
      { at: 0, price: 5 },
      { at: 10, price: 5.01 },
      { at: 200, price: 6 },
    ];
    expect(reported(path, { deviation: 0.01, heartbeat: 60 })).to.deep.equal([
      { at: 0, price: 5 },
      { at: 60, price: 5.01 },
      { at: 120, price: 5.01 },
      { at: 180, price: 5.01 },
      { at: 200, price: 6 },
    ]);
  });

  it("goes another's way between the extremes of its own candles", () => {
    const path = pathOf({ candles: [RISING], interval: 400 });
    const own = { candles: [{ at: 1_200, open: 2, high: 4, low: 1, close: 2 }], interval: 400 };
    expect(shaped(own, path).map(({ price }) => price)).to.deep.equal([2, 1, 4, 3]);
  });

  it("gives answers of eight decimals in phase 1, and rounds that were recorded as they are", () => {
    const [round] = toRounds([{ at: 7, price: 1.23456789 }]);
    expect(round).to.deep.equal({ updatedAt: 7, startedAt: 7, answer: 123456789n, id: (1n << 64n) + 1n });
    const recorded = parsePrices("timestamp,answer\n1600000200,100000000\n1600000210,100000001\n", "some.csv");
    expect(roundsOf(recorded, { deviation: 0.5, heartbeat: 1 })).to.have.length(2);
  });
});
