/** What is estimated from samples. Plain numbers: nothing here is settled on a chain. */

/** The least value that at least the share `q` of the values does not exceed. Throws a RangeError without values. */
export function quantileUp(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const found = sorted[Math.max(0, Math.ceil(q * sorted.length - 1e-9) - 1)];
  if (found === undefined) throw new RangeError("a quantile of nothing");
  return found;
}

export function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

/** 1.4826 · median |value|: the deviation of normal values, whatever a few others are. */
export function robustScale(values: readonly number[]): number {
  return 1.4826 * quantileUp(values.map(Math.abs), 0.5);
}

/** Huber's constant: 95 % efficient where errors are normal. */
const HUBER = 1.345;
const ROUNDS = 50;

/** Slope b of y = b·x through the origin, in which errors beyond Huber's bound count by their size and not its square. */
export function robustSlope(x: readonly number[], y: readonly number[]): number {
  let slope = weightedSlope(x, y, () => 1);
  for (let round = 0; round < ROUNDS; round++) {
    const errors = y.map((value, index) => value - slope * (x[index] ?? 0));
    const bound = HUBER * robustScale(errors);
    const next = weightedSlope(x, y, (index) => {
      const size = Math.abs(errors[index] ?? 0);
      return size <= bound || size === 0 ? 1 : bound / size;
    });
    if (Math.abs(next - slope) <= 1e-12 * Math.max(1, Math.abs(slope))) return next;
    slope = next;
  }
  return slope;
}

function weightedSlope(x: readonly number[], y: readonly number[], weightOf: (index: number) => number): number {
  let [products, squares] = [0, 0];
  for (const [index, at] of x.entries()) {
    const weight = weightOf(index);
    products += weight * at * (y[index] ?? 0);
    squares += weight * at * at;
  }
  return squares === 0 ? 0 : products / squares;
}

/** Unit vector along which the columns vary most, its entries summing to more than zero. @param columns Of equal length. */
export function firstComponent(columns: readonly (readonly number[])[]): readonly number[] {
  const products = columns.map((a) =>
    columns.map((b) => a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0)),
  );
  let vector = columns.map(() => 1 / Math.sqrt(columns.length));
  for (let round = 0; round < 500; round++) {
    const next = products.map((row) => row.reduce((sum, value, index) => sum + value * (vector[index] ?? 0), 0));
    const length = Math.hypot(...next);
    if (length === 0) return vector;
    vector = next.map((value) => value / length);
  }
  return vector.reduce((sum, value) => sum + value, 0) < 0 ? vector.map((value) => -value) : vector;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Clopper's and Pearson's interval of a share of which `hits` of `count` were seen, at `level`. */
export function binomialInterval(hits: number, count: number, level = 0.95): Interval {
  const tail = (1 - level) / 2;
  return {
    low: hits === 0 ? 0 : solve((p) => 1 - binomialBelow(hits - 1, count, p) - tail),
    high: hits === count ? 1 : solve((p) => tail - binomialBelow(hits, count, p)),
  };
}

/** Probability of at least `hits` of `count` where each has probability p. */
export function atLeast(hits: number, count: number, p: number): number {
  return hits === 0 ? 1 : Math.max(0, 1 - binomialBelow(hits - 1, count, p));
}

/** Kupiec's test of whether failures come with probability p: how probable a ratio of likelihoods as large as this one is. */
export function kupiec(failures: number, count: number, p: number): number {
  const log = (share: number): number =>
    (failures === 0 ? 0 : failures * Math.log(share)) +
    (failures === count ? 0 : (count - failures) * Math.log(1 - share));
  const ratio = Math.max(0, 2 * (log(failures / count) - log(p)));
  return complementaryError(Math.sqrt(ratio / 2));
}

/** P(X ≤ hits) of a binomial X. */
function binomialBelow(hits: number, count: number, p: number): number {
  if (p <= 0) return 1;
  if (p >= 1) return hits >= count ? 1 : 0;
  let log = count * Math.log(1 - p);
  let sum = Math.exp(log);
  for (let k = 1; k <= hits; k++) {
    log += Math.log((count - k + 1) / k) + Math.log(p / (1 - p));
    sum += Math.exp(log);
  }
  return Math.min(1, sum);
}

/** Where a function that rises over [0, 1] crosses zero. */
function solve(rising: (p: number) => number): number {
  let [low, high] = [0, 1];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (rising(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** erfc of x ≥ 0, within 1.5e-7: Abramowitz and Stegun 7.1.26. */
function complementaryError(x: number): number {
  const t = 1 / (1 + 0.3275911 * x);
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return series * Math.exp(-x * x);
}
