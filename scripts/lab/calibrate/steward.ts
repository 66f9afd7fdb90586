/** What the steward would do, day by day: raise at once, lower late, and never beyond its steps. */
import { max, min } from "../../model/fixed.ts";
import { type Bound, largestStepDown } from "../../model/bounds.ts";

export interface StewardRules {
  /** A value that is above its target by more than this share of it may come down. */
  readonly band: number;
  /** Days in a row that it has to be. */
  readonly patience: number;
}

export interface StewardDay {
  /** What the day's volatility asks for, in the parameter's unit. */
  readonly target: bigint;
  /** In force after the day. */
  readonly value: bigint;
  readonly action: "hold" | "raise" | "lower";
}

/** The days of one parameter. @param targets One for each day. */
export function followTargets(
  start: bigint,
  targets: readonly bigint[],
  { bound, rules: { band, patience } }: { bound: Bound; rules: StewardRules },
): readonly StewardDay[] {
  let [value, below] = [start, 0];
  return targets.map((wanted) => {
    const target = max(bound.minimum, min(bound.maximum, wanted));
    below = Number(target) * (1 + band) < Number(value) ? below + 1 : 0;
    const action = target > value ? "raise" : below >= patience ? "lower" : "hold";
    if (action !== "hold") value = step(value, target, bound);
    return { target, value, action };
  });
}

/** Toward `to`, as far as the steward may go in a day. */
function step(from: bigint, to: bigint, bound: Bound): bigint {
  const most = largestStepDown(bound, { power: "steward", from, to });
  if (most === undefined) return to;
  return to > from ? min(to, from + most) : max(to, from - most);
}

/**
 * Volatility after each window, as a share of a window: squares of moves weighted by halves per `halfLife` windows, from
 * `start`.
 */
export function ewma(
  moves: readonly number[],
  { halfLife, start }: { halfLife: number; start: number },
): readonly number[] {
  const decay = 0.5 ** (1 / halfLife);
  let variance = start * start;
  return moves.map((move) => {
    variance = decay * variance + (1 - decay) * move * move;
    return Math.sqrt(variance);
  });
}
