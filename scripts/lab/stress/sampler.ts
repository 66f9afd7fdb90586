/**
 * Prices of many assets that diffuse and jump together. Between jumps logarithms are correlated normal; jumps come in
 * events of the whole market, in each of which every asset takes part with a chance of its own and by a correlated normal
 * size. Fitted by moments: see `fitMarket`.
 */
import { seeded } from "../../history/random.ts";
import { LabError } from "../errors.ts";

const YEAR = 365 * 86_400;
const DAY = 86_400;
/** Of a robust standard deviation: what is beyond is a jump. */
const JUMP = 4;
/** Standard deviation of a normal for a median of distances of 1. */
const MEDIAN_TO_DEVIATION = 1.4826;

export interface AssetModel {
  readonly symbol: string;
  /** At the start. */
  readonly price: number;
  /** Of the logarithm between jumps, a year. */
  readonly volatility: number;
  /** Jumps a day, and the standard deviation of their logarithms. */
  readonly jumps: number;
  readonly jumpSize: number;
}

export interface MarketModel {
  readonly source: string;
  readonly assets: readonly AssetModel[];
  /** Of what the assets do between jumps, and of their jumps. */
  readonly correlations: readonly (readonly number[])[];
  /** Share of the assets that jump in an event. */
  readonly together: number;
}

/**
 * Ten days round the crash of 19 May 2021, candles of 5 minutes of ETH, BTC, SOL and LINK against USDT (Binance), fitted by
 * `fitMarket`. Those of October 2025 are calmer between jumps (ETH 64 % a year) and have smaller ones (1.6 %).
 */
export const DEFAULT_MARKET: MarketModel = {
  source: "Binance, 5 minutes, ten days round 2021-05-19",
  assets: [
    { symbol: "ETH", price: 4_000, volatility: 2.454, jumps: 4.6, jumpSize: 0.0604 },
    { symbol: "BTC", price: 110_000, volatility: 1.695, jumps: 5.1, jumpSize: 0.0395 },
    { symbol: "SOL", price: 200, volatility: 3.493, jumps: 4.4, jumpSize: 0.0608 },
    { symbol: "LINK", price: 20, volatility: 2.836, jumps: 4.7, jumpSize: 0.0664 },
  ],
  correlations: [
    [1, 0.89, 0.67, 0.89],
    [0.89, 1, 0.67, 0.84],
    [0.67, 0.67, 1, 0.67],
    [0.89, 0.84, 0.67, 1],
  ],
  together: 0.53,
};

export interface SampleOptions {
  readonly seed: number;
  /** s, a whole number of steps. */
  readonly duration: number;
  /** Seconds between two prices. */
  readonly step: number;
  /** All assets move as one, and jump together. */
  readonly asOne?: boolean;
}

/** Prices by symbol, one for each step from 0 to the end. The same for the same seed. */
export function samplePrices(
  { assets, correlations, together }: MarketModel,
  { seed, duration, step, asOne = false }: SampleOptions,
): Map<string, number[]> {
  const random = seeded(seed);
  const normal = normals(random);
  const factor = choleskyOf(correlations);
  const meanJumps = assets.reduce((sum, { jumps }) => sum + jumps, 0) / Math.max(1, assets.length);
  const events = asOne ? meanJumps : meanJumps / together;
  const logs = assets.map(({ price }) => Math.log(price));
  const paths = assets.map(({ price }) => [price]);
  for (let at = step; at <= duration; at += step) {
    const moves = correlated(factor, normal, asOne);
    const isEvent = random() < (events * step) / DAY;
    const jumps = isEvent ? correlated(factor, normal, asOne) : [];
    for (const [index, { volatility, jumps: own, jumpSize }] of assets.entries()) {
      const deviation = volatility * Math.sqrt(step / YEAR);
      let move = deviation * (moves[index] ?? 0) - deviation ** 2 / 2;
      if (isEvent && (asOne || random() < own / events)) move += jumpSize * (jumps[index] ?? 0);
      logs[index] = (logs[index] ?? 0) + move;
      paths[index]?.push(Math.exp(logs[index] ?? 0));
    }
  }
  return new Map(assets.map(({ symbol }, index) => [symbol, paths[index] ?? []]));
}

/**
 * The model whose moments are those of recorded prices: what is beyond four robust standard deviations is a jump, by number
 * and mean square; the rest gives volatilities and correlations.
 *
 * @param series Prices of equal spacing, at the same times for all. @param spacing s.
 */
export function fitMarket(
  series: readonly { readonly symbol: string; readonly prices: readonly number[] }[],
  { spacing, source }: { spacing: number; source: string },
): MarketModel {
  const moves = series.map(({ prices }) =>
    prices.slice(1).map((price, index) => Math.log(price / (prices[index] ?? price))),
  );
  const count = moves[0]?.length ?? 0;
  if (count < 10 || moves.some(({ length }) => length !== count)) {
    throw new LabError("a fit needs the same ten steps or more of every asset");
  }
  const jumped = moves.map((own) => {
    const bound = JUMP * MEDIAN_TO_DEVIATION * median(own.map(Math.abs));
    return own.map((move) => Math.abs(move) > bound);
  });
  const calm = Array.from({ length: count }, (_, step) => jumped.every((own) => own[step] === false));
  const days = (count * spacing) / DAY;
  const events = Array.from({ length: count }, (_, step) => jumped.filter((own) => own[step] === true).length);
  const active = events.filter((number) => number > 0);
  return {
    source,
    assets: series.map(({ symbol, prices }, index): AssetModel => {
      const own = moves[index] ?? [];
      const rest = own.filter((_, step) => jumped[index]?.[step] === false);
      const jumps = own.filter((_, step) => jumped[index]?.[step] === true);
      return {
        symbol,
        price: prices.at(-1) ?? 0,
        volatility: rootMeanSquare(rest) * Math.sqrt(YEAR / spacing),
        jumps: jumps.length / days,
        jumpSize: rootMeanSquare(jumps),
      };
    }),
    correlations: moves.map((one) => moves.map((other) => correlationOf(one, other, calm))),
    together:
      active.length === 0 ? 1 : active.reduce((sum, number) => sum + number, 0) / (active.length * series.length),
  };
}

/** Box and Muller. */
function normals(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function correlated(factor: readonly (readonly number[])[], normal: () => number, asOne: boolean): number[] {
  const draws = factor.map(() => normal());
  if (asOne) return factor.map(() => draws[0] ?? 0);
  return factor.map((row) => row.reduce((sum, weight, index) => sum + weight * (draws[index] ?? 0), 0));
}

/** L with L·Lᵀ the matrix; a direction that has no variance of its own gets none. */
export function choleskyOf(matrix: readonly (readonly number[])[]): number[][] {
  const factor = matrix.map((row) => row.map(() => 0));
  for (const [i, row] of matrix.entries()) {
    for (let j = 0; j <= i; ++j) {
      let rest = row[j] ?? 0;
      for (let k = 0; k < j; ++k) rest -= (factor[i]?.[k] ?? 0) * (factor[j]?.[k] ?? 0);
      const diagonal = factor[j]?.[j] ?? 0;
      const value = i === j ? Math.sqrt(Math.max(0, rest)) : diagonal === 0 ? 0 : rest / diagonal;
      const target = factor[i];
      if (target !== undefined) target[j] = value;
    }
  }
  return factor;
}

function correlationOf(one: readonly number[], other: readonly number[], included: readonly boolean[]): number {
  let [both, first, second] = [0, 0, 0];
  for (const [step, move] of one.entries()) {
    if (included[step] !== true) continue;
    const counterpart = other[step] ?? 0;
    both += move * counterpart;
    first += move * move;
    second += counterpart * counterpart;
  }
  return first === 0 || second === 0 ? 0 : both / Math.sqrt(first * second);
}

function rootMeanSquare(values: readonly number[]): number {
  return values.length === 0 ? 0 : Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
}

function median(values: readonly number[]): number {
  const ordered = values.toSorted((one, other) => one - other);
  return ordered[Math.floor(ordered.length / 2)] ?? 0;
}
