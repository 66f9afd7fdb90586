/**
 * Products and quotients with the rounding in their name: `contracts/libraries/Fixed.sol`.
 *
 * Intermediate products are exact. A result that a 256-bit word cannot hold throws a RangeError, as does a division by
 * zero, where the contract reverts.
 */

export const WAD = 10n ** 18n;
/** Rates and shares set by governance are in millionths. */
export const PPM = 10n ** 6n;
/** Seconds. */
export const DAY = 86_400n;

/** Throws a RangeError unless `value` fits an unsigned integer of `bits`. Mirrors `SafeCast.toUintN`. */
export function fitUint(value: bigint, bits: number): bigint {
  if (BigInt.asUintN(bits, value) !== value) throw new RangeError(`${String(value)} does not fit uint${String(bits)}`);
  return value;
}

/** Throws a RangeError unless `value` fits a signed integer of `bits`. Mirrors `SafeCast.toIntN`. */
export function fitInt(value: bigint, bits: number): bigint {
  if (BigInt.asIntN(bits, value) !== value) throw new RangeError(`${String(value)} does not fit int${String(bits)}`);
  return value;
}

/** |value|. */
export function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

export function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

export function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** `value` moved into [−bound, bound]; `bound` ≥ 0. */
export function clamp(value: bigint, bound: bigint): bigint {
  return max(-bound, min(bound, value));
}

/** a·b/denominator rounded down; all unsigned. Mirrors `Fixed.mulDivDown`. */
export function mulDivDown(a: bigint, b: bigint, denominator: bigint): bigint {
  return fitUint((a * b) / denominator, 256);
}

/** a·b/denominator rounded up; all unsigned. Mirrors `Fixed.mulDivUp`. */
export function mulDivUp(a: bigint, b: bigint, denominator: bigint): bigint {
  return fitUint(divUp(a * b, denominator), 256);
}

/** a/denominator rounded up; both unsigned. Mirrors `Fixed.divUp`. */
export function divUp(a: bigint, denominator: bigint): bigint {
  return divCeil(a, denominator);
}

/** a·b/denominator toward −∞; denominator > 0. Mirrors `Fixed.mulDivFloor`. */
export function mulDivFloor(a: bigint, b: bigint, denominator: bigint): bigint {
  return fitInt(divFloor(a * b, denominator), 256);
}

/** a·b/denominator toward +∞; denominator > 0. Mirrors `Fixed.mulDivCeil`. */
export function mulDivCeil(a: bigint, b: bigint, denominator: bigint): bigint {
  return fitInt(divCeil(a * b, denominator), 256);
}

/** a/denominator toward −∞; denominator > 0. Mirrors `Fixed.divFloor`. */
export function divFloor(a: bigint, denominator: bigint): bigint {
  const quotient = a / denominator;
  return a < 0n && quotient * denominator !== a ? quotient - 1n : quotient;
}

/** a/denominator toward +∞; denominator > 0. Mirrors `Fixed.divCeil`. */
export function divCeil(a: bigint, denominator: bigint): bigint {
  const quotient = a / denominator;
  return a > 0n && quotient * denominator !== a ? quotient + 1n : quotient;
}
