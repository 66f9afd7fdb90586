/** Reading the options of commands. Each reader throws a UsageError that names the option. */
import { parseArgs, type ParseArgsConfig } from "node:util";

import { UsageError } from "./errors.ts";

type Flags = NonNullable<ParseArgsConfig["options"]>;

/** The values of `flags` in `args`, and the arguments that are none if `positionals` allows them. */
export function readFlags<F extends Flags>(
  args: readonly string[],
  flags: F,
  { positionals = false }: { positionals?: boolean } = {},
) {
  try {
    return parseArgs({ args: [...args], options: flags, allowPositionals: positionals, strict: true });
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    // Node's own text goes on with advice about positional arguments.
    const [reason = cause.message] = cause.message.split(". ");
    throw new UsageError(reason.charAt(0).toLowerCase() + reason.slice(1), { cause });
  }
}

/** A whole number from `minimum` to `maximum`. */
export function readWhole(
  flag: string,
  text: string,
  { minimum, maximum }: { minimum: number; maximum: number },
): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < minimum || value > maximum) {
    throw new UsageError(`--${flag} needs a whole number from ${minimum} to ${maximum}, not "${text}"`);
  }
  return value;
}

/** A number from `minimum` to `maximum`. */
export function readNumber(
  flag: string,
  text: string,
  { minimum, maximum }: { minimum: number; maximum: number },
): number {
  const value = Number(text);
  if (!/^-?\d+(\.\d+)?$/.test(text) || value < minimum || value > maximum) {
    throw new UsageError(`--${flag} needs a number from ${minimum} to ${maximum}, not "${text}"`);
  }
  return value;
}

/** ISO 8601 with its zone, or unix seconds; in unix seconds. */
export function readTime(flag: string, text: string): number {
  const zoned = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const seconds = /^\d{9,10}$/.test(text) ? Number(text) : zoned ? Date.parse(text) / 1_000 : NaN;
  if (!Number.isFinite(seconds)) {
    throw new UsageError(`--${flag} needs a UTC date, ISO 8601 with a zone or unix seconds, not "${text}"`);
  }
  return Math.floor(seconds);
}

/** One of `words`. */
export function readChoice<W extends string>(flag: string, text: string, words: readonly W[]): W {
  const word = words.find((known) => known === text);
  if (word === undefined) throw new UsageError(`--${flag} is one of ${words.join(", ")}, not "${text}"`);
  return word;
}

/** `ETH=eth.csv` as its two parts, for options that are given once for each asset. */
export function readPair(flag: string, text: string): readonly [name: string, value: string] {
  const split = text.indexOf("=");
  if (split <= 0 || split === text.length - 1) throw new UsageError(`--${flag} needs NAME=VALUE, not "${text}"`);
  return [text.slice(0, split), text.slice(split + 1)];
}
