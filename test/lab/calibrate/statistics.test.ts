import { expect } from "chai";

import { seeded } from "../../../scripts/history/random.ts";
import {
  atLeast,
  binomialInterval,
  firstComponent,
  kupiec,
  quantileUp,
  robustSlope,
} from "../../../scripts/lab/calibrate/statistics.ts";
import { expectNear } from "../near.ts";

describe("statistics of a calibration", () => {
  it("take the least value that covers a share", () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect(quantileUp(values, 0.995)).to.equal(199);
    expect(quantileUp(values, 1)).to.equal(200);
    expect(quantileUp([5], 0.995)).to.equal(5);
    expect(() => quantileUp([], 0.5)).to.throw(RangeError);
  });

  it("find a slope that outliers do not move", () => {
    const random = seeded(3);
    const x = Array.from({ length: 500 }, () => random() - 0.5);
    const y = x.map((value) => 1.7 * value + 0.01 * (random() - 0.5));
    for (let index = 0; index < 25; index++) y[index] = -50 * (x[index] ?? 0);
    expectNear(robustSlope(x, y), 1.7, 0.02);
  });

  it("find the direction in which columns move together", () => {
    const common = [1, -2, 3, -1, 2];
    const [a = NaN, b = NaN] = firstComponent([common, common.map((value) => 2 * value)]);
    expectNear(a, 1 / Math.sqrt(5), 1e-9);
    expectNear(b, 2 / Math.sqrt(5), 1e-9);
  });

  // By sums of exact binomial terms.
  it("give Clopper's and Pearson's interval", () => {
    const { low, high } = binomialInterval(3, 240);
    expectNear(low, 0.0025853, 1e-6);
    expectNear(high, 0.0360937, 1e-6);
    expect(binomialInterval(0, 240)).to.have.property("low", 0);
    expectNear(binomialInterval(0, 240).high, 1 - 0.025 ** (1 / 240), 1e-9);
  });

  it("give the probability of so many failures", () => {
    expect(atLeast(0, 240, 0.005)).to.equal(1);
    expectNear(atLeast(1, 240, 0.005), 1 - 0.995 ** 240, 1e-9);
    expectNear(atLeast(240, 240, 0.5), 0.5 ** 240, 1e-9);
  });

  it("give Kupiec's test", () => {
    expectNear(kupiec(5, 1_000, 0.005), 1, 1e-6);
    // LR = 2·(10·ln 2 + 990·ln(0.99/0.995)): 3.888.
    expectNear(kupiec(10, 1_000, 0.005), 0.0486, 5e-4);
    expect(kupiec(0, 1_000, 0.005)).to.be.lessThan(0.002);
  });
});
