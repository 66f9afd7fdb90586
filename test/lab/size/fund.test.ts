import { expect } from "chai";

import { lossOf } from "../../../scripts/lab/size/fund.ts";
import { interestsOf, type Resident } from "../../../scripts/lab/size/population.ts";
import { PPM, WAD } from "../../../scripts/model/fixed.ts";
import { listed, parameters, rounds, stepsAlong } from "../compare/support.ts";
import { expectNear } from "../near.ts";

const POOL = 12_000_000n * WAD;
const LONG: Resident = {
  name: "ETH",
  shape: { name: "ETH", kind: "outright", legs: [{ symbol: "ETH", share: PPM }], held: [] },
  size: 1_000_000n * WAD,
  multiple: PPM,
};
const FALL = stepsAlong({
  ETH: rounds([0, 4_000], [30, 3_800], [60, 3_610], [90, 3_430], [120, 3_260], [150, 3_100]),
});
const options = (values: object = {}) => ({
  rules: listed,
  residents: [LONG, { ...LONG, size: LONG.size / 2n }, { ...LONG, size: LONG.size / 4n }],
  interests: interestsOf(parameters, POOL),
  latency: 3_600,
  pool: POOL,
  insurance: 600_000n * WAD,
  ...values,
});

describe("what insurance and the pool pay", () => {
  it("is the bad debt, insurance first and up to the market's cap", () => {
    const cap = listed.assets[0]?.trade.insuranceCap ?? 0n;
    const few = lossOf(FALL, options());
    expect(few.badDebt > 0n && few.badDebt < cap).to.equal(true);
    expect([few.fromInsurance, few.uncovered, few.emptied]).to.deep.equal([few.badDebt, 0n, false]);
    const many = lossOf(FALL, options({ residents: Array.from({ length: 4 }, () => LONG) }));
    expect(many.fromInsurance).to.equal(cap);
    expect(many.uncovered).to.equal(many.badDebt - cap);
  });

  it("leaves to the pool what is beyond the fund", () => {
    const insurance = 1_000n * WAD;
    const loss = lossOf(FALL, options({ insurance }));
    expect(loss).to.deep.include({ fromInsurance: insurance, uncovered: loss.badDebt - insurance, emptied: true });
  });

  it("names the two accounts that left most", () => {
    const [first, second, third] = [LONG.size, LONG.size / 2n, LONG.size / 4n].map(
      (size) => lossOf(FALL, options({ residents: [{ ...LONG, size }] })).badDebt,
    );
    const loss = lossOf(FALL, options());
    expect(loss.twoLargest).to.equal((first ?? 0n) + (second ?? 0n));
    expect(loss.badDebt).to.equal(loss.twoLargest + (third ?? 0n));
  });

  it("deleverages a crowded side down to what the loss budget allows", () => {
    const moved = stepsAlong({ ETH: rounds([0, 4_000], [30, 4_200], [60, 4_400], [90, 4_600]) });
    const [eth] = interestsOf(parameters, POOL);
    if (eth === undefined) throw new Error("no market");
    const owed = (eth.skew * 15n) / 100n;
    const money = { ...listed.money, lossBudget: (owed * PPM * 8n) / (POOL * 10n) };
    const cut = lossOf(moved, options({ residents: [], rules: { ...listed, money } }));
    expect(cut.owed).to.equal(owed);
    // Four fifths of what is owed may be.
    expectNear(Number(cut.haircut), 200_000, 2);
    const free = lossOf(moved, options({ residents: [], rules: { ...listed, money: { ...money, lossBudget: PPM } } }));
    expect([free.deleveraged, free.haircut]).to.deep.equal([false, 0n]);
  });
});
