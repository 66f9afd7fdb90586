import { readFileSync } from "node:fs";

import { expect } from "chai";

import { ewma, followTargets } from "../../../scripts/lab/calibrate/steward.ts";
import { STEWARD_BOUNDS } from "../../../scripts/model/bounds.ts";
import { expectNear } from "../near.ts";

const RULES = { band: 0.2, patience: 3 };
const BETA = STEWARD_BOUNDS.beta;

const valuesOf = (start: bigint, targets: readonly bigint[]): bigint[] =>
  followTargets(start, targets, { bound: BETA, rules: RULES }).map(({ value }) => value);

describe("the steward", () => {
  it("raises at once, a tenth a day at most", () => {
    expect(valuesOf(100_000n, [150_000n, 150_000n, 112_000n])).to.deep.equal([110_000n, 121_000n, 121_000n]);
  });

  it("lowers only after days in a row below the band, a tenth a day at most", () => {
    expect(valuesOf(100_000n, [60_000n, 60_000n, 60_000n, 60_000n])).to.deep.equal([
      100_000n,
      100_000n,
      90_000n,
      81_000n,
    ]);
  });

  it("begins to count again after a day within the band", () => {
    expect(valuesOf(100_000n, [60_000n, 60_000n, 90_000n, 60_000n, 60_000n])).to.deep.equal(
      new Array(5).fill(100_000n),
    );
  });

  it("holds within the band", () => {
    expect(valuesOf(100_000n, new Array<bigint>(9).fill(84_000n))).to.deep.equal(new Array(9).fill(100_000n));
  });

  it("moves a small value by the amount of its bound, and stays within its range", () => {
    expect(valuesOf(5_000n, [50_000n])).to.deep.equal([7_000n]);
    const sigma = followTargets(1_500n, [0n, 0n, 0n, 0n], { bound: STEWARD_BOUNDS.sigma, rules: RULES });
    expect(sigma.map(({ value }) => value)).to.deep.equal([1_500n, 1_500n, 1_000n, 1_000n]);
  });

  it("has the bounds of the contract", () => {
    const source = readFileSync(new URL("../../../contracts/types/Bounds.sol", import.meta.url), "utf8");
    for (const [name, bound] of Object.entries(STEWARD_BOUNDS)) {
      const [, row = ""] = new RegExp(`"${name}"\\) return Bound\\(([^)]*)\\)`).exec(source) ?? [];
      const { minimum, maximum, down, up, amount, interval, stewardShare, stewardAmount } = bound;
      const own = [minimum, maximum, down, up, amount, interval, stewardShare, stewardAmount];
      expect(row.split(",").map((text) => BigInt(Number(text.replaceAll("_", ""))))).to.deep.equal(own, name);
    }
  });
});

describe("ewma", () => {
  it("forgets half of the past in its half-life", () => {
    const [, , last = NaN] = ewma([0, 0, 0], { halfLife: 3, start: 0.04 });
    expectNear(last ** 2, 0.0008, 1e-12);
  });

  it("comes to what moves are", () => {
    expectNear(ewma(new Array<number>(500).fill(-0.01), { halfLife: 10, start: 0.5 }).at(-1), 0.01, 1e-9);
  });
});
