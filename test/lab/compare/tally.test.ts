import { expect } from "chai";

import { expectedShortfall, quantile, Tally } from "../../../scripts/lab/compare/tally.ts";
import { WAD } from "../../../scripts/model/fixed.ts";

const NOTHING = {
  startEquity: 10n * WAD,
  endEquity: 10n * WAD,
  liquidations: 0,
  waited: 0,
  liquidationCost: 0n,
  badDebt: 0n,
  deficits: [],
  assessments: 1,
};

describe("what runs come to", () => {
  it("quantiles are the least value that the share does not exceed", () => {
    const values = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([0.95, 0.99, 1].map((share) => quantile(values, share))).to.deep.equal([95, 99, 100]);
    expect(quantile([], 0.99)).to.equal(0);
  });

  it("expected shortfall is the mean beyond it", () => {
    const values = Array.from({ length: 200 }, (_, index) => index);
    expect(expectedShortfall(values, 0.99)).to.equal(198.5);
    expect(expectedShortfall([1, 2, 3], 0.99)).to.equal(3);
  });

  it("losses given liquidation are those of the liquidated only", () => {
    const tally = new Tally(100n * WAD);
    tally.add(NOTHING);
    tally.add({ ...NOTHING, liquidations: 2, liquidationCost: 4n * WAD, badDebt: 3n * WAD, waited: 60 });
    const summary = tally.summary();
    expect(summary).to.deep.include({ runs: 2, liquidated: 0.5, badDebt: 0.015, deficitGivenLiquidation: 0.03 });
    expect(summary).to.deep.include({ lossGivenLiquidation: 0.04, worstBadDebt: 0.03, capital: 0.1, waited: 60 });
  });
});
