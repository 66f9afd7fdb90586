import { expect } from "chai";

import { LabError } from "../../../scripts/lab/errors.ts";
import { DEFAULT_MARKET, fitMarket, type MarketModel, samplePrices } from "../../../scripts/lab/stress/sampler.ts";
import { expectNear } from "../near.ts";

const HOUR = 3_600;
const options = { seed: 3, duration: 24 * HOUR, step: 60 };

function movesOf(prices: readonly number[]): number[] {
  return prices.slice(1).map((price, index) => Math.log(price / (prices[index] ?? price)));
}

describe("sampled prices", () => {
  it("are the same for the same seed, and others for another", () => {
    const [first, again, other] = [3, 3, 4].map((seed) => samplePrices(DEFAULT_MARKET, { ...options, seed }));
    expect(again).to.deep.equal(first);
    expect(other).to.not.deep.equal(first);
  });

  it("have one price for each step, and begin where the model does", () => {
    for (const { symbol, price } of DEFAULT_MARKET.assets) {
      const prices = samplePrices(DEFAULT_MARKET, options).get(symbol);
      expect(prices?.length).to.equal(24 * 60 + 1);
      expect(prices?.[0]).to.equal(price);
    }
  });

  it("move in the same direction at every step where all move as one", () => {
    const sampled = samplePrices(DEFAULT_MARKET, { ...options, asOne: true });
    const [eth, btc] = ["ETH", "BTC"].map((symbol) => movesOf(sampled.get(symbol) ?? []));
    const opposite = eth?.filter((move, step) => Math.sign(move) !== Math.sign(btc?.[step] ?? 0)).length ?? 0;
    // A move of less than the drift may have any sign.
    expect(opposite / (eth?.length ?? 1)).to.be.lessThan(0.01);
  });
});

describe("fit of a market", () => {
  const model: MarketModel = {
    source: "made up",
    assets: [
      { symbol: "A", price: 100, volatility: 0.8, jumps: 6, jumpSize: 0.12 },
      { symbol: "B", price: 10, volatility: 1.6, jumps: 6, jumpSize: 0.12 },
    ],
    correlations: [
      [1, 0.6],
      [0.6, 1],
    ],
    together: 0.75,
  };

  it("finds the volatilities, jumps and correlation that prices were drawn with", () => {
    const spacing = 300;
    const drawn = samplePrices(model, { seed: 9, duration: 120 * 24 * HOUR, step: spacing });
    const series = [...drawn].map(([symbol, prices]) => ({ symbol, prices }));
    const fitted = fitMarket(series, { spacing, source: "drawn" });
    for (const [index, { volatility, jumps, jumpSize }] of fitted.assets.entries()) {
      const original = model.assets[index];
      expect(volatility / (original?.volatility ?? 0)).to.be.within(0.95, 1.05);
      expect(jumps / (original?.jumps ?? 0)).to.be.within(0.75, 1.25);
      expect(jumpSize / (original?.jumpSize ?? 0)).to.be.within(0.8, 1.2);
    }
    expectNear(fitted.correlations[0]?.[1], 0.6, 0.03);
  });

  it("refuses series of different lengths", () => {
    const series = [30, 20].map((length, index) => ({
      symbol: String(index),
      prices: Array.from({ length }, (_, step) => 100 + step),
    }));
    expect(() => fitMarket(series, { spacing: 60, source: "" })).to.throw(LabError, "of every asset");
  });
});
