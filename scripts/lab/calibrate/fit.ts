/**
 * Risk rates of a group from the moves of its assets.
 *
 *   F       Σ w_a·r_a/s_a: first principal component of the moves, each in units of its robust scale s
 *   b_a     slope of r_a on F, robust
 *   σ_a     quantile of what r_a − b_a·F loses at the worst moment of the horizon, long or short, the worse side
 *   need_a  the same quantile of r_a itself
 *   S       the least shock by which b_a·S + σ_a ≥ need_a for every asset; β_a = b_a·S
 *
 * The component and not the group's leader: with the leader as factor its own risk would be nothing, and the whole residual of
 * a pair would be its partner's. The contract has no use for that (σ > 0), and it would make σ of one asset
 * depend on which one leads. β by the quantile of F itself would count the tail twice: β + σ would be above need.
 */
import { firstComponent, quantileUp, robustScale, robustSlope } from "./statistics.ts";
import { endMoves, type Window, worstLosses } from "./windows.ts";

/** Shares. */
export interface AssetFit {
  readonly symbol: string;
  /** b: move per move of the factor. */
  readonly slope: number;
  /** Of the factor: w/s. */
  readonly loading: number;
  readonly sigma: number;
  /** Loss of an outright position at the confidence. */
  readonly need: number;
}

export interface GroupFit {
  readonly group: string;
  readonly assets: readonly AssetFit[];
  /** S, in units of the factor. */
  readonly shock: number;
  /** Which asset S is as large for. */
  readonly boundBy: string;
  readonly windows: number;
}

/**
 * @param windows Moves in the order of `symbols`.
 * @param split σ/(β + σ) where the group has one asset alone, and moves do not say which part is its own.
 */
export function fitGroup(
  group: string,
  {
    symbols,
    windows,
    confidence,
    split,
  }: {
    symbols: readonly string[];
    windows: readonly Window[];
    confidence: number;
    split: number;
  },
): GroupFit {
  const assets =
    symbols.length === 1 ? lone(symbols, windows, { confidence, split }) : joint(symbols, windows, confidence);
  let [shock, boundBy] = [0, ""];
  for (const { symbol, slope, sigma, need } of assets) {
    const needed = (need - sigma) / slope;
    if (needed > shock) [shock, boundBy] = [needed, symbol];
  }
  return { group, assets, shock, boundBy, windows: windows.length };
}

function joint(symbols: readonly string[], windows: readonly Window[], confidence: number): readonly AssetFit[] {
  const ends = symbols.map((_, asset) => endMoves(windows, asset));
  const scales = ends.map(robustScale);
  const scaled = ends.map((moves, asset) => moves.map((move) => move / (scales[asset] ?? 1)));
  const loadings = firstComponent(scaled).map((weight, asset) => weight / (scales[asset] ?? 1));
  const factor = windows.map((_, at) =>
    loadings.reduce((sum, loading, asset) => sum + loading * (ends[asset]?.[at] ?? 0), 0),
  );
  return symbols.map((symbol, asset) => {
    const slope = robustSlope(factor, ends[asset] ?? []);
    const residual = loadings.map((loading, other) => (other === asset ? 1 : 0) - slope * loading);
    return {
      symbol,
      slope,
      loading: loadings[asset] ?? 0,
      sigma: worseSide(windows, residual, confidence),
      need: worseSide(windows, unit(symbols.length, asset), confidence),
    };
  });
}

function lone(
  symbols: readonly string[],
  windows: readonly Window[],
  { confidence, split }: { confidence: number; split: number },
): readonly AssetFit[] {
  return symbols.map((symbol) => {
    const need = worseSide(windows, [1], confidence);
    return { symbol, slope: 1, loading: 1, sigma: split * need, need };
  });
}

/** Loss at the confidence of the book of weights or its opposite, whichever is more. */
export function worseSide(windows: readonly Window[], weights: readonly number[], confidence: number): number {
  const opposite = weights.map((weight) => -weight);
  return Math.max(...[weights, opposite].map((book) => quantileUp(worstLosses(windows, book), confidence)));
}

/**
 * ρ that a pair without net β needs at the confidence beyond the own risks of its legs: over all pairs of the group the most,
 * as a share; 0 where own risks are enough.
 */
export function neededFloor(
  rates: readonly { readonly beta: number; readonly sigma: number }[],
  windows: readonly Window[],
  confidence: number,
): number {
  let most = 0;
  for (const [a, first] of rates.entries()) {
    for (const [b, second] of rates.entries()) {
      if (b <= a || first.beta === 0 || second.beta === 0) continue;
      const ratio = first.beta / second.beta;
      const weights = rates.map((_, asset) => (asset === a ? 1 : asset === b ? -ratio : 0));
      const loss = worseSide(windows, weights, confidence);
      most = Math.max(most, (loss - first.sigma - ratio * second.sigma) / (2 * first.beta));
    }
  }
  return most;
}

function unit(length: number, at: number): readonly number[] {
  return Array.from({ length }, (_, index) => (index === at ? 1 : 0));
}
