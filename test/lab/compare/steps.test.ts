import { expect } from "chai";

import { stepsWithin } from "../../../scripts/lab/compare/steps.ts";
import { WAD } from "../../../scripts/model/fixed.ts";
import { rounds, START, stepsAlong } from "./support.ts";

describe("steps of a path", () => {
  it("show each round a second later, from the first at which all feeds have one", () => {
    const steps = stepsAlong({ ETH: rounds([0, 4_000], [60, 4_010]), BTC: rounds([30, 110_000]) });
    expect(steps.map(({ time, prices }) => [time - START, prices.get(0)?.last])).to.deep.equal([
      [31, 4_000n * WAD],
      [61, 4_010n * WAD],
    ]);
  });

  it("are every minute while something is halted or in its grace", () => {
    const steps = stepsAlong({ ETH: rounds([0, 4_000], [60, 3_000], [360, 3_000], [660, 3_000], [3_000, 3_000]) });
    const states = steps.map(({ time, prices }) => ({ time: time - START, price: prices.get(0) }));
    const halted = states.filter(({ price }) => price?.refusal === "Halted");
    const settling = states.filter(({ price }) => price?.settling === true);
    expect(halted[0]?.time).to.equal(61);
    expect(halted.at(-1)?.time).to.equal(601);
    expect([settling[0]?.time, settling.at(-1)?.time]).to.deep.equal([661, 1_201]);
    expect(states.at(-1)).to.deep.include({ time: 3_001 });
    expect(states.find(({ time }) => time > 1_201)?.time).to.equal(1_261);
  });

  it("take the settlement token's own price where it has a feed", () => {
    const [step] = stepsAlong({ ETH: rounds([0, 4_000]), USDC: rounds([0, 0.97]) });
    expect(step?.settlementPrice).to.equal((97n * WAD) / 100n);
    expect(stepsAlong({ ETH: rounds([0, 4_000]) })[0]?.settlementPrice).to.equal(WAD);
  });

  it("of a window begin with the one in force", () => {
    const steps = stepsAlong({ ETH: rounds([0, 4_000], [100, 4_010], [200, 4_020], [300, 4_030]) });
    const within = stepsWithin(steps, START + 150, START + 201);
    expect(within.map(({ time }) => time - START)).to.deep.equal([101, 201]);
    expect(stepsWithin(steps, START - 10, START + 201)).to.deep.equal([]);
  });
});
