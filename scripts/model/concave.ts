/** Search on functions of an integer that are concave but for rounding. */

/**
 * The least n in [1, count] with f(n) ≥ 0, given f(0) < 0: found by bisection below a point where f is not negative, so
 * that f(n − 1) < 0 ≤ f(n) exactly. Undefined where no such point is found.
 */
export function firstNonNegative(count: bigint, f: (n: bigint) => bigint): bigint | undefined {
  let high = nonNegativePoint({ low: 1n, high: count }, f);
  if (high === undefined) return undefined;
  let low = 0n;
  while (high - low > 1n) {
    const middle: bigint = (low + high) / 2n;
    if (f(middle) >= 0n) high = middle;
    else low = middle;
  }
  return high;
}

/** Some n in [low, high] with f(n) ≥ 0; the upper end if it will do. Undefined if the way to the peak meets none. */
export function nonNegativePoint(
  { low, high }: { low: bigint; high: bigint },
  f: (n: bigint) => bigint,
): bigint | undefined {
  if (f(high) >= 0n) return high;
  const top = peak({ low, high, enough: 0n }, f);
  return f(top) >= 0n ? top : undefined;
}

/** Where f is largest in [low, high], the upper end if it is as large, or some n with f(n) ≥ `enough`. Thirds of the
 * range are dropped in turn. */
export function peak(
  { low, high, enough }: { low: bigint; high: bigint; enough?: bigint },
  f: (n: bigint) => bigint,
): bigint {
  let [left, right] = [low, high];
  while (right - left > 2n) {
    const third = (right - left) / 3n;
    const [a, b] = [left + third, right - third];
    const [fa, fb] = [f(a), f(b)];
    if (enough !== undefined && fa >= enough) return a;
    if (enough !== undefined && fb >= enough) return b;
    if (fa < fb) left = a;
    else right = b;
  }
  let best = high;
  for (let n = left; n <= right; ++n) if (f(n) > f(best)) best = n;
  return best;
}
