import { AssertionError } from "chai";

/** For fractions: the matcher of that kind is Hardhat's here and takes whole numbers only. NaN is near nothing. */
export function expectNear(actual: number | undefined, expected: number, tolerance: number): void {
  if (actual !== undefined && Math.abs(actual - expected) <= tolerance) return;
  throw new AssertionError(`expected ${String(actual)} to be within ${String(tolerance)} of ${String(expected)}`, {
    actual,
    expected,
    showDiff: true,
  });
}
