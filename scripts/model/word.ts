/** Fields of a packed 256-bit word, as the value types of `contracts/types/` keep them. */
import { fitInt, fitUint } from "./fixed.ts";

/** The unsigned field of `bits` that begins at bit `offset`. */
export function readUint(word: bigint, offset: number, bits: number): bigint {
  return BigInt.asUintN(bits, word >> BigInt(offset));
}

/** The signed field of `bits` that begins at bit `offset`. */
export function readInt(word: bigint, offset: number, bits: number): bigint {
  return BigInt.asIntN(bits, word >> BigInt(offset));
}

/** An unsigned field in its place; throws a RangeError if it is too wide. */
export function writeUint(value: bigint, offset: number, bits: number): bigint {
  return fitUint(value, bits) << BigInt(offset);
}

/** A signed field in its place, two's complement; throws a RangeError if it is too wide. */
export function writeInt(value: bigint, offset: number, bits: number): bigint {
  return BigInt.asUintN(bits, fitInt(value, bits)) << BigInt(offset);
}
