/** How many steps lead from one number to another, by rows of the clearing house's table. */
import { expect } from "chai";
import fc from "fast-check";

import { walk } from "../../scripts/gov/steps.ts";

const ANY = (1n << 256n) - 1n;
const ROW = { down: 500_000n, up: 1_000_000n, amount: 20_000n, stewardShare: 100_000n, stewardAmount: 1_000n };

describe("walk", () => {
  it("goes all the way where only the range binds", () => {
    const row = { ...ROW, down: ANY, up: ANY };
    expect(walk(row, { unit: 1n, power: "governor", from: 7n, to: 900_000n })).to.deep.equal({
      to: 900_000n,
      count: 1,
    });
  });

  it("takes a share of the present value, or an amount where that is more", () => {
    const step = (from: bigint, to: bigint) => walk(ROW, { unit: 1n, power: "governor", from, to });
    // Doubling: 10 % to 20 % to 40 %.
    expect(step(100_000n, 400_000n)).to.deep.equal({ to: 200_000n, count: 2 });
    // Halving: 40 % to 20 % to 10 %.
    expect(step(400_000n, 100_000n)).to.deep.equal({ to: 200_000n, count: 2 });
    // From nothing a share leads nowhere: by 2 points.
    expect(step(0n, 30_000n)).to.deep.equal({ to: 20_000n, count: 2 });
    expect(step(100_000n, 100_000n)).to.deep.equal({ to: 100_000n, count: 0 });
  });

  it("goes by the steward's steps for the steward, and nowhere where there are none", () => {
    const steward = { unit: 1n, power: "steward" as const, from: 100_000n, to: 121_000n };
    expect(walk(ROW, steward)).to.deep.equal({ to: 110_000n, count: 2 });
    expect(walk({ ...ROW, stewardShare: 0n, stewardAmount: 0n }, steward)).to.deep.equal({ to: 100_000n, count: 0 });
  });

  it("stays on multiples of the unit that the number is kept in", () => {
    const unit = 100n * 10n ** 18n;
    const { to } = walk(ROW, { unit, power: "steward", from: 2_505n * unit, to: 9_000n * unit });
    expect(to).to.equal((2_505n + 1_000n) * unit);
    const share = walk(
      { ...ROW, stewardAmount: 1n },
      { unit, power: "steward", from: 2_505n * unit, to: 9_000n * unit },
    );
    expect(share.to).to.equal((2_505n + 250n) * unit);
  });

  it("never steps further than a row allows, nor beyond the end", () => {
    const rate = fc.bigInt({ min: 0n, max: 1_000_000n });
    fc.assert(
      fc.property(rate, rate, fc.constantFrom("governor" as const, "steward" as const), (from, to, power) => {
        const { to: next } = walk(ROW, { unit: 1n, power, from, to });
        const share = power === "steward" ? ROW.stewardShare : to < from ? ROW.down : ROW.up;
        const amount = power === "steward" ? ROW.stewardAmount : ROW.amount;
        const most = (from * share) / 1_000_000n > amount ? (from * share) / 1_000_000n : amount;
        const moved = next < from ? from - next : next - from;
        expect(moved <= most).to.equal(true);
        expect(from <= to ? next >= from && next <= to : next <= from && next >= to).to.equal(true);
      }),
    );
  });
});
