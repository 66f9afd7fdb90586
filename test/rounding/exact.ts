/**
 * What the tests of this folder expect: exact quotients, rounded by these two alone. Each must have a remainder, so that
 * a contract that rounds the other way is off by one.
 */

export class NothingToRound extends Error {
  constructor(numerator: bigint, denominator: bigint) {
    super(`${numerator} / ${denominator} is whole and tells no direction`);
    this.name = "NothingToRound";
  }
}

/** numerator/denominator toward −∞; denominator > 0. */
export function floor(numerator: bigint, denominator: bigint): bigint {
  const remainder = ((numerator % denominator) + denominator) % denominator;
  if (remainder === 0n) throw new NothingToRound(numerator, denominator);
  return (numerator - remainder) / denominator;
}

/** numerator/denominator toward +∞; denominator > 0. */
export function ceil(numerator: bigint, denominator: bigint): bigint {
  return floor(numerator, denominator) + 1n;
}

/** What a price near this one is a multiple of in an order, which keeps 26 significant bits. */
export function stepOf(price: bigint): bigint {
  return 2n ** BigInt(price.toString(2).length - 26);
}
