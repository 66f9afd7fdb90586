/** How far a parameter may move at once: `contracts/types/Bounds.sol`, `contracts/libraries/Steps.sol`. */
import { abs, max, mulDivDown, PPM } from "./fixed.ts";

/** A row of the table, in the unit in which the parameter is kept. */
export interface Bound {
  readonly minimum: bigint;
  readonly maximum: bigint;
  /** Most that the governor lowers it by, 1e-6 of its value; `ANY`: as far as the range. */
  readonly down: bigint;
  /** And raises it by. */
  readonly up: bigint;
  /** Or by so much, either way. */
  readonly amount: bigint;
  /** Between two such changes, seconds. */
  readonly interval: bigint;
  /** Most that the steward moves it by, either way, 1e-6 of its value. */
  readonly stewardShare: bigint;
  /** Or by so much. */
  readonly stewardAmount: bigint;
}

export type Power = "governor" | "steward";

/** No step but the range. */
export const ANY = 2n ** 256n - 1n;

/** Seconds between two changes of the same parameter by the steward. */
export const STEWARD_INTERVAL = 86_400n;

/** Most that `power` may move a parameter by at once from `from` toward `to`; undefined where only the range binds. */
export function largestStepDown(
  bound: Bound,
  { power, from, to }: { power: Power; from: bigint; to: bigint },
): bigint | undefined {
  const steward = power === "steward";
  const share = steward ? bound.stewardShare : to < from ? bound.down : bound.up;
  if (share === ANY) return undefined;
  return max(mulDivDown(from, share, PPM), steward ? bound.stewardAmount : bound.amount);
}

/** Why a change is refused: its step, its time, or not at all. Mirrors `Steps.move`. The range is not looked at.
 *
 * @param last When the parameter last moved by a step, unix seconds; 0: not yet.
 * @param now Unix seconds.
 */
export function refusalOf(
  bound: Bound,
  { power, from, to, last, now }: { power: Power; from: bigint; to: bigint; last: bigint; now: bigint },
): "StepTooLarge" | "ChangedTooSoon" | undefined {
  const most = from === to ? undefined : largestStepDown(bound, { power, from, to });
  if (most === undefined) return undefined;
  if (abs(to - from) > most) return "StepTooLarge";
  const interval = power === "steward" ? STEWARD_INTERVAL : bound.interval;
  return last !== 0n && now < last + interval ? "ChangedTooSoon" : undefined;
}

const row = (
  minimum: bigint,
  maximum: bigint,
  steps: Pick<Bound, "down" | "up" | "amount" | "interval" | "stewardShare" | "stewardAmount">,
): Bound => ({ minimum, maximum, ...steps });

/** The rows of what the steward may move of an asset and of a group: rates in 1e-6, caps in WAD of base units or of money. */
export const STEWARD_BOUNDS = {
  beta: row(0n, 1_000_000n, {
    down: 1_000_000n,
    up: 1_000_000n,
    amount: 50_000n,
    interval: 0n,
    stewardShare: 100_000n,
    stewardAmount: 2_000n,
  }),
  sigma: row(1_000n, 1_000_000n, {
    down: 500_000n,
    up: 1_000_000n,
    amount: 20_000n,
    interval: 0n,
    stewardShare: 100_000n,
    stewardAmount: 1_000n,
  }),
  gamma: row(500n, 250_000n, {
    down: 500_000n,
    up: 1_000_000n,
    amount: 5_000n,
    interval: 0n,
    stewardShare: 100_000n,
    stewardAmount: 200n,
  }),
  hedgeFloor: row(100_000n, 1_000_000n, {
    down: 0n,
    up: 0n,
    amount: 250_000n,
    interval: 0n,
    stewardShare: 0n,
    stewardAmount: 50_000n,
  }),
} as const satisfies Readonly<Record<string, Bound>>;
