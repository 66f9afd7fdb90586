import { expect } from "chai";

import { GasUse } from "../../scripts/keeper/gasUse.ts";

describe("GasUse", () => {
  it("takes the estimate of what it does not know, and of what cannot use more", () => {
    const use = new GasUse();

    expect(use.expected("markPool", 1, 90_000n)).to.equal(90_000n);
    expect(use.expected("execute", 1, 100_000n)).to.equal(100_000n);
  });

  it("does not count the gas that an execution must only have left", () => {
    expect(new GasUse().expected("execute", 1, 2_030_000n)).to.be.below(500_000n);
    expect(new GasUse().expected("executeBatch", 4, 2_900_000n)).to.equal(1_200_000n);
  });

  it("follows a rise at once, and a fall slowly", () => {
    const use = new GasUse();
    use.learn("executeBatch", 2, 1_600_000n);
    expect(use.expected("executeBatch", 1, 10_000_000n)).to.equal(800_000n);
    use.learn("executeBatch", 1, 0n);
    expect(use.expected("executeBatch", 1, 10_000_000n)).to.equal(700_000n);
  });
});
