/**
 * Readers of values that a person wrote: a number with its unit, an address, a name. Each checks and converts to chain
 * units in one step, and says on failure where the value stands.
 */
import { getAddress, isAddress } from "ethers";

import { PlimsollError } from "./PlimsollError.ts";
import type { Session } from "./sessions.ts";

export type ParameterFault =
  | "missing key"
  | "unknown key"
  | "wrong type"
  | "wrong unit"
  | "not a number"
  | "too fine"
  | "out of range"
  | "not an address"
  | "not a time"
  | "unknown name"
  | "inconsistent";

/** Where a value stands: `file` is for messages, `path` the keys down to it, joined by dots. */
export interface Place {
  readonly file: string;
  readonly path: string;
}

export class ParameterError extends PlimsollError {
  readonly fault: ParameterFault;
  readonly file: string;
  readonly path: string;
  readonly value: unknown;

  constructor(fault: ParameterFault, { file, path }: Place, value: unknown, detail?: string) {
    super(`${file}: ${path}: ${fault}${detail === undefined ? "" : ` (${detail})`}: ${show(value)}`);
    this.fault = fault;
    this.file = file;
    this.path = path;
    this.value = value;
  }
}

/** How a number of a file is written, and what it may be. */
export interface Quantity {
  /** `duration` is written in the longest unit that fits, `lot` as the power of ten that the value is the exponent of. */
  readonly kind: "number" | "duration" | "lot";
  /** As a person writes it, "" for none. */
  readonly unit: string;
  /** One unit is 10^scale of the chain's. */
  readonly scale: number;
  /** In the chain's unit, both included. */
  readonly min: bigint;
  readonly max: bigint;
}

/** Checks a value and converts it. Throws a ParameterError. */
export interface Reader<T> {
  (value: unknown, place: Place): T;
  /** Of a number. */
  readonly quantity?: Quantity;
  /** Of an object: the reader of a key. */
  readonly keyed?: (key: string) => Reader<unknown> | undefined;
}

/** How the number at a path of what `reader` reads is written; undefined for anything but a number. */
export function quantityAt(reader: Reader<unknown>, path: string): Quantity | undefined {
  let current: Reader<unknown> | undefined = reader;
  for (const key of path.split(".")) current = current?.keyed?.(key);
  return current?.quantity;
}

/** Bounds are written by whoever writes a schema. */
const SCHEMA: Place = { file: "schema", path: "bounds" };

/** What the readers of an object's keys make of it. */
export type Read<Readers extends Record<string, Reader<unknown>>> = {
  -readonly [Key in keyof Readers]: ReturnType<Readers[Key]>;
};

/** Bounds in the unit that the value is written in, both included. */
export interface Bounds {
  readonly min: string;
  readonly max: string;
}

export function at({ file, path }: Place, key: string): Place {
  return { file, path: path === "" ? key : `${path}.${key}` };
}

/** An object with exactly these keys; those of `optional` may be absent. */
export function object<Readers extends Record<string, Reader<unknown>>>(
  readers: Readers,
  optional: readonly (keyof Readers & string)[] = [],
): Reader<Read<Readers>> {
  const read: Reader<Read<Readers>> = (value, place) => {
    const given = entriesOf(value, place);
    for (const key of given.keys()) {
      if (!Object.hasOwn(readers, key)) throw new ParameterError("unknown key", at(place, key), given.get(key));
    }
    const result: Record<string, unknown> = {};
    for (const [key, reader] of Object.entries(readers)) {
      if (given.has(key)) result[key] = reader(given.get(key), at(place, key));
      else if (!optional.includes(key)) throw new ParameterError("missing key", at(place, key), undefined);
    }
    return result as Read<Readers>;
  };
  return Object.assign(read, { keyed: (key: string) => (Object.hasOwn(readers, key) ? readers[key] : undefined) });
}

/** Entries under any keys, in their order. @param reader Of an entry's value, by its key. */
export function record<T>(reader: (key: string) => Reader<T>): Reader<Map<string, T>> {
  const read: Reader<Map<string, T>> = (value, place) => {
    const result = new Map<string, T>();
    for (const [key, entry] of entriesOf(value, place)) result.set(key, reader(key)(entry, at(place, key)));
    return result;
  };
  return Object.assign(read, { keyed: reader });
}

/** `"0.05 %"` as multiples of 10^-decimals: 6 for millionths. `unit` may be another one, as `"%/day"`. */
export function percent({
  min,
  max,
  unit = "%",
  decimals = 6,
}: Bounds & { unit?: string; decimals?: number }): Reader<bigint> {
  return quantity({ units: { [unit]: -2 }, decimals, min: `${min} ${unit}`, max: `${max} ${unit}` });
}

/** `"20 ETH"` with `decimals`; bounds in the same unit. */
export function amount(unit: string, { min, max, decimals = 18 }: Bounds & { decimals?: number }): Reader<bigint> {
  return quantity({ units: { [unit]: 0 }, decimals, min: `${min} ${unit}`, max: `${max} ${unit}` });
}

/** `"30 s"`, `"5 min"`, `"1 h"`, `"2 d"` in seconds; bounds with their unit. */
export function duration(bounds: Bounds): Reader<bigint> {
  const [min, max] = [readDuration(bounds.min, SCHEMA), readDuration(bounds.max, SCHEMA)];
  const read: Reader<bigint> = (value, place) => {
    const seconds = readDuration(value, place);
    if (seconds < min || seconds > max) throw new ParameterError("out of range", place, value, rangeOf(bounds));
    return seconds;
  };
  return Object.assign(read, { quantity: { kind: "duration", unit: "s", scale: 0, min, max } as const });
}

/** A power of ten, `"0.001 ETH"`, as the exponent of it in WAD (15). */
export function lot(unit: string): Reader<bigint> {
  const read = amount(unit, { min: "0.000000000001", max: "1000000" });
  const readLot: Reader<bigint> = (value, place) => {
    const digits = read(value, place).toString();
    if (!/^10*$/.test(digits)) throw new ParameterError("out of range", place, value, "not a power of ten");
    return BigInt(digits.length - 1);
  };
  return Object.assign(readLot, { quantity: { kind: "lot", unit, scale: 18, min: 6n, max: 24n } as const });
}

/** An address with its checksum, or one of `words`. */
export function address<Word extends string = never>(...words: Word[]): Reader<Word | `0x${string}`> {
  return (value, place) => {
    if (words.includes(value as Word)) return value as Word;
    if (typeof value !== "string") throw new ParameterError("wrong type", place, value, "an address");
    if (!isAddress(value) || getAddress(value) !== value) throw new ParameterError("not an address", place, value);
    return value as `0x${string}`;
  };
}

/** One of `words`. */
export function choice<Word extends string>(...words: Word[]): Reader<Word> {
  return (value, place) => {
    if (!words.includes(value as Word)) throw new ParameterError("unknown name", place, value, words.join(", "));
    return value as Word;
  };
}

/** Each entry of a list, which is not empty. */
export function list<T>(reader: Reader<T>): Reader<readonly T[]> {
  return (value, place) => {
    if (!Array.isArray(value) || value.length === 0) throw new ParameterError("wrong type", place, value, "a list");
    return value.map((entry: unknown, index) => reader(entry, at(place, String(index))));
  };
}

/** A feed id of Data Streams; the contracts decode reports of schema 3. */
export const streamId: Reader<`0x${string}`> = (value, place) => {
  if (typeof value !== "string" || !/^0x[0-9a-f]{64}$/.test(value)) {
    throw new ParameterError("wrong type", place, value, "a feed id, 32 bytes in small letters");
  }
  if (!value.startsWith("0x0003"))
    throw new ParameterError("out of range", place, value, "schema 3 begins with 0x0003");
  return value as `0x${string}`;
};

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** `"Sun 22:00 – Fri 21:00"`, UTC, in minutes since Monday 00:00. One that closes before it opens runs over the week's end. */
export const session: Reader<Session> = (value, place) => {
  if (typeof value !== "string") throw new ParameterError("wrong type", place, value, "Sun 22:00 – Fri 21:00");
  const day = `(${DAYS.join("|")})`;
  const [, ...parts] = new RegExp(`^${day} (\\d\\d):(\\d\\d) – ${day} (\\d\\d):(\\d\\d)$`).exec(value) ?? [];
  const [open, close] = [minuteOf(parts.slice(0, 3)), minuteOf(parts.slice(3))];
  if (open === undefined || close === undefined) {
    throw new ParameterError("not a time", place, value, "Sun 22:00 – Fri 21:00, in UTC");
  }
  if (open === close) throw new ParameterError("out of range", place, value, "open for some time, and closed for some");
  return { open, close };
};

function minuteOf([day, hours, minutes]: readonly string[]): bigint | undefined {
  if (day === undefined || Number(hours) > 23 || Number(minutes) > 59) return undefined;
  return BigInt(DAYS.indexOf(day) * 1_440 + Number(hours) * 60 + Number(minutes));
}

export const text: Reader<string> = (value, place) => {
  if (typeof value !== "string" || value === "") throw new ParameterError("wrong type", place, value, "a string");
  return value;
};

export function integer({ min, max }: { min: bigint; max: bigint }): Reader<bigint> {
  const read: Reader<bigint> = (value, place) => {
    if (typeof value !== "bigint") throw new ParameterError("wrong type", place, value, "a bigint");
    if (value < min || value > max) {
      throw new ParameterError("out of range", place, value, `${String(min)} to ${String(max)}`);
    }
    return value;
  };
  return Object.assign(read, { quantity: { kind: "number", unit: "", scale: 0, min, max } as const });
}

/** A number and its unit in multiples of 10^-decimals. @param units Power of ten of each unit. */
function quantity({
  units,
  decimals,
  ...bounds
}: Bounds & { units: Record<string, number>; decimals: number }): Reader<bigint> {
  const read = (written: unknown, place: Place) => {
    const { digits, unit } = split(written, place);
    const power = units[unit];
    if (power === undefined) {
      throw new ParameterError("wrong unit", place, written, `in ${Object.keys(units).join(", ")}`);
    }
    const scaled = scale(digits, decimals + power);
    if (scaled === undefined) throw new ParameterError("too fine", place, written, `10^-${String(decimals)}`);
    return scaled;
  };
  const [written] = Object.entries(units);
  if (written === undefined) throw new RangeError("a quantity without a unit");
  const [unit, power] = written;
  // A bound finer than the chain's unit: nothing below one of it can be written.
  const bound = (text: string): bigint => {
    const { digits } = split(text, SCHEMA);
    return scale(digits, decimals + power) ?? 1n;
  };
  const [min, max] = [bound(bounds.min), bound(bounds.max)];
  const checked: Reader<bigint> = (value, place) => {
    const result = read(value, place);
    if (result < min || result > max) throw new ParameterError("out of range", place, value, rangeOf(bounds));
    return result;
  };
  return Object.assign(checked, { quantity: { kind: "number", unit, scale: decimals + power, min, max } as const });
}

const SECONDS: Readonly<Record<string, bigint>> = { s: 1n, min: 60n, h: 3_600n, d: 86_400n };

function readDuration(value: unknown, place: Place): bigint {
  const { digits, unit } = split(value, place);
  const seconds = SECONDS[unit];
  if (seconds === undefined) throw new ParameterError("wrong unit", place, value, "in s, min, h or d");
  const count = scale(digits, 0);
  if (count === undefined) throw new ParameterError("too fine", place, value, "a whole number");
  return count * seconds;
}

function split(value: unknown, place: Place): { digits: string; unit: string } {
  if (typeof value !== "string") throw new ParameterError("wrong type", place, value, "a number with its unit");
  const [digits = "", ...rest] = value.split(" ");
  if (!/^\d[\d_]*(\.\d+)?$/.test(digits)) throw new ParameterError("not a number", place, value);
  return { digits: digits.replaceAll("_", ""), unit: rest.join(" ") };
}

/** A decimal number times 10^decimals; undefined if that is not whole. */
function scale(digits: string, decimals: number): bigint | undefined {
  const [whole = "", fraction = ""] = digits.split(".");
  const kept = fraction.replace(/0+$/, "");
  const zeros = decimals - kept.length;
  if (zeros < 0) return undefined;
  return BigInt(whole + kept) * 10n ** BigInt(zeros);
}

function entriesOf(value: unknown, place: Place): Map<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ParameterError("wrong type", place, value, "an object");
  }
  return new Map(Object.entries(value));
}

function rangeOf({ min, max }: Bounds): string {
  return `${min} to ${max}`;
}

function show(value: unknown): string {
  if (typeof value === "bigint") return `${String(value)}n`;
  return value === undefined
    ? "absent"
    : JSON.stringify(value, (_, entry: unknown) => (typeof entry === "bigint" ? String(entry) : entry));
}
