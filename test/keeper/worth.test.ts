import { expect } from "chai";

import { worth } from "../../scripts/keeper/worth.ts";

const WAD = 10n ** 18n;
const GWEI = 10n ** 9n;

/** A million gas at 1 gwei and 3,000 USD: 3 of settlement token. */
const prospect = {
  reward: 5n * WAD,
  gas: 1_000_000n,
  feePerGas: GWEI,
  l1Fee: 0n,
  nativePrice: 3_000n * WAD,
  margin: 0n,
};

describe("worth", () => {
  it("compares reward and cost in settlement token", () => {
    expect(worth(prospect)).to.deep.equal({ worthwhile: true, cost: 3n * WAD, profit: 2n * WAD });
    expect(worth({ ...prospect, reward: 3n * WAD })).to.deep.equal({ worthwhile: true, cost: 3n * WAD, profit: 0n });
    expect(worth({ ...prospect, reward: 3n * WAD - 1n }).worthwhile).to.equal(false);
  });

  it("asks for the margin, which may be a loss", () => {
    expect(worth({ ...prospect, margin: 2n * WAD }).worthwhile).to.equal(true);
    expect(worth({ ...prospect, margin: 2n * WAD + 1n }).worthwhile).to.equal(false);
    expect(worth({ ...prospect, reward: 0n, margin: -3n * WAD }).worthwhile).to.equal(true);
  });

  it("counts the fee of the layer below", () => {
    const l1Fee = WAD / 1_000n;

    expect(worth({ ...prospect, l1Fee }).cost).to.equal(6n * WAD);
  });

  it("rounds a cost up", () => {
    expect(worth({ ...prospect, gas: 1n, feePerGas: 1n, nativePrice: 1n }).cost).to.equal(1n);
  });

  it("counts a settlement token below its peg for less, and one without a price for its peg", () => {
    expect(worth({ ...prospect, settlementPrice: WAD / 2n }).cost).to.equal(6n * WAD);
    expect(worth({ ...prospect, settlementPrice: 2n * WAD }).cost).to.equal(3n * WAD);
    expect(worth({ ...prospect, settlementPrice: 0n }).cost).to.equal(3n * WAD);
  });

  it("takes a duty for worth it whatever it costs", () => {
    expect(worth({ ...prospect, reward: undefined })).to.deep.equal({
      worthwhile: true,
      cost: 3n * WAD,
      profit: -3n * WAD,
    });
  });
});
