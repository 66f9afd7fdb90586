/** Numbers of the chain as a parameter file writes them. */
import { getAddress, isAddress } from "ethers";

import type { Quantity } from "../deploy/readers.ts";

const DURATIONS: readonly (readonly [string, bigint])[] = [
  ["d", 86_400n],
  ["h", 3_600n],
  ["min", 60n],
];

/** So that the file's reader makes the same number of it again. A value without a quantity as it is. */
export function showQuantity(value: bigint, quantity: Quantity | undefined): string {
  if (quantity === undefined) return String(value);
  if (quantity.kind === "duration") return showDuration(value);
  if (quantity.kind === "lot") return withUnit(showDecimal(10n ** value, quantity.scale), quantity.unit);
  return withUnit(showDecimal(value, quantity.scale), quantity.unit);
}

/** What a value may be: `0.5 % to 50 %`. */
export function showBounds({ kind, ...quantity }: Quantity): string {
  const show = (value: bigint): string => showQuantity(value, { kind, ...quantity });
  return `${show(quantity.min)} to ${show(quantity.max)}`;
}

/** In the longest unit of which it is a whole number. */
export function showDuration(seconds: bigint): string {
  const found = DURATIONS.find(([, length]) => seconds !== 0n && seconds % length === 0n);
  return found === undefined ? `${String(seconds)} s` : `${String(seconds / found[1])} ${found[0]}`;
}

/** Digits in groups of three from 10,000 on, as the files have them. */
function showDecimal(value: bigint, scale: number): string {
  if (value < 0n) return `-${showDecimal(-value, scale)}`;
  const digits = String(value).padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale === 0 ? "" : digits.slice(-scale).replace(/0+$/, "");
  const grouped = whole.length < 5 ? whole : whole.replace(/\B(?=(\d{3})+$)/g, "_");
  return fraction === "" ? grouped : `${grouped}.${fraction}`;
}

function withUnit(digits: string, unit: string): string {
  return unit === "" ? digits : `${digits} ${unit}`;
}

/** An address as a person gives it, with its checksum; undefined for anything else. */
export function addressIn(text: string): string | undefined {
  return isAddress(text) ? getAddress(text) : undefined;
}
