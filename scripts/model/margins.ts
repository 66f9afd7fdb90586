/** A ramp of m and of every ρ: `contracts/types/MarginRamp.sol`. */
import { decodeGroups, type GlobalParameters, type GroupParameters, hedgeFloorOf, MAX_GROUPS } from "./parameters.ts";
import { readUint, writeUint } from "./word.ts";

export interface MarginRamp {
  /** m at the end, 1e-6. */
  readonly endFactor: bigint;
  /** Unix seconds. */
  readonly start: bigint;
  /** Seconds. */
  readonly duration: bigint;
}

/** What is in force. */
export interface Margins {
  readonly globals: GlobalParameters;
  readonly groups: GroupParameters;
}

/**
 * m and ρ at `now` (unix seconds), each rounded up. Mirrors `applied`. Throws a RangeError for a group that does not
 * exist.
 *
 * @param from Those at the start.
 * @param end ρ at the end.
 */
export function marginsUp(ramp: MarginRamp, from: Margins, end: GroupParameters, now: bigint): Margins {
  const { endFactor, start, duration } = ramp;
  const elapsed = now > start ? now - start : 0n;
  if (elapsed >= duration) return { globals: { ...from.globals, maintenanceFactor: endFactor }, groups: end };
  const at = (first: bigint, last: bigint): bigint =>
    (first * (duration - elapsed) + last * elapsed + duration - 1n) / duration;
  return {
    globals: { ...from.globals, maintenanceFactor: at(from.globals.maintenanceFactor, endFactor) },
    groups: Array.from({ length: MAX_GROUPS }, (_, group) =>
      at(hedgeFloorOf(from.groups, group), hedgeFloorOf(end, group)),
    ),
  };
}

/** Unpacks a `MarginRamp` word; one of zeros is no ramp. */
export function decodeMarginRamp(word: bigint): MarginRamp {
  return { endFactor: readUint(word, 0, 24), start: readUint(word, 24, 32), duration: readUint(word, 56, 24) };
}

/** m and every ρ where the last ramp leads to, from the words of `marginRamp`; undefined where there is none. */
export function marginsAtEnd(
  ramp: bigint,
  end: bigint,
): { maintenanceFactor: bigint; groups: GroupParameters } | undefined {
  return ramp === 0n ? undefined : { maintenanceFactor: decodeMarginRamp(ramp).endFactor, groups: decodeGroups(end) };
}

/** Packs as `toMarginRamp`. Throws a RangeError for a field that is too wide. */
export function encodeMarginRamp({ endFactor, start, duration }: MarginRamp): bigint {
  return writeUint(endFactor, 0, 24) | writeUint(start, 24, 32) | writeUint(duration, 56, 24);
}
