/** How often a requirement covered what books lost, in windows that are not those it was fitted on, or that are. */
import type { Parameters } from "../../deploy/parameters.ts";
import { PPM, WAD } from "../../model/fixed.ts";
import { NO_FUNDING } from "../../model/funding.ts";
import { livePrice } from "../../model/price.ts";
import { assess, type Exposure, initialUp, maintenanceUp } from "../../model/risk.ts";
import { atLeast, binomialInterval, kupiec } from "./statistics.ts";
import { type Window, worstLosses } from "./windows.ts";

/** Signed notionals by symbol; their sizes sum to one. */
export interface TestBook {
  readonly name: string;
  readonly kind: "outright" | "pair" | "basket" | "hedge";
  readonly weights: ReadonlyMap<string, number>;
}

export type Measure = "initial" | "maintenance";

export interface Coverage {
  readonly windows: number;
  readonly failures: number;
  /** Share of windows whose loss the requirement covered, and its interval at 95 %. */
  readonly covered: number;
  readonly low: number;
  readonly high: number;
  /** Probability of Kupiec's ratio if the confidence were right, both sides. */
  readonly kupiec: number;
  /** Probability of so many failures or more if the confidence were right. */
  readonly tooMany: number;
  /** Largest loss over requirement. */
  readonly worst: number;
}

/** USD; small enough for γ to be all of the close-out charge. */
const NOTIONAL = 10_000;

/** Requirement of a book as a share of its gross notional, by the protocol's own formula. @param priceOf USD. */
export function requirementOf(
  { assets, hedgeFloors, globals }: Parameters,
  { weights }: TestBook,
  { measure, priceOf }: { measure: Measure; priceOf: (symbol: string) => number },
): number {
  const exposures = [...weights].map(([symbol, weight]): Exposure => {
    const index = assets.findIndex((asset) => asset.symbol === symbol);
    const found = assets[index];
    if (found === undefined) throw new RangeError(`no asset ${symbol}`);
    const { risk, group, depth, ...trade } = found.listing;
    const price = toWad(priceOf(symbol));
    const size = toWad((weight * NOTIONAL) / priceOf(symbol));
    return {
      asset: index,
      price: livePrice(price),
      size,
      quote: (-size * price) / WAD,
      collateral: 0n,
      funding: NO_FUNDING,
      risk: { from: risk, to: risk, start: 0n, duration: 0n, group: Number(group) },
      sizes: { depth, openInterestCap: trade.openInterestCap, openInterestShare: 0n, status: "Active" },
      trade,
    };
  });
  const terms = assess({ exposures, cash: 0n, groups: hedgeFloors, time: 0n, end: "worse" });
  const requirement = measure === "initial" ? initialUp(terms) : maintenanceUp(terms, globals);
  return Number(requirement / 10n ** 12n) / 1e6 / NOTIONAL;
}

/** @param requirement Share of the gross notional. @param symbols Of the windows' moves. */
export function coverageOf(
  { weights }: TestBook,
  windows: readonly Window[],
  { symbols, requirement, confidence }: { symbols: readonly string[]; requirement: number; confidence: number },
): Coverage {
  const losses = worstLosses(
    windows,
    symbols.map((symbol) => weights.get(symbol) ?? 0),
  );
  const failures = losses.filter((loss) => loss > requirement).length;
  const count = windows.length;
  const interval = binomialInterval(failures, count);
  return {
    windows: count,
    failures,
    covered: 1 - failures / count,
    low: 1 - interval.high,
    high: 1 - interval.low,
    kupiec: kupiec(failures, count, 1 - confidence),
    tooMany: atLeast(failures, count, 1 - confidence),
    worst: losses.reduce((most, loss) => Math.max(most, loss / requirement), 0),
  };
}

/**
 * The books that are tested: each asset long and short, the pairs of each group without net β, the firsts of the groups against
 * each other, all assets long and short, and the first group against the rest.
 */
export function booksOf(parameters: Parameters, symbols: readonly string[]): readonly TestBook[] {
  const listed = parameters.assets.filter(({ symbol }) => symbols.includes(symbol));
  const groups = [...new Set(listed.map(({ listing }) => listing.group))].map((group) =>
    listed.filter(({ listing }) => listing.group === group),
  );
  const books: TestBook[] = listed.flatMap(({ symbol }) => [
    book("outright", `${symbol} long`, [[symbol, 1]]),
    book("outright", `${symbol} short`, [[symbol, -1]]),
  ]);
  for (const members of groups) {
    for (const [index, long] of members.entries()) {
      for (const short of members.slice(index + 1)) {
        const { beta } = long.listing.risk;
        const ratio = short.listing.risk.beta === 0n ? 1 : Number((beta * PPM) / short.listing.risk.beta) / Number(PPM);
        books.push(...bothWays("pair", [long.symbol, short.symbol], [1, -ratio]));
      }
    }
  }
  const firsts = groups.flatMap(([first]) => (first === undefined ? [] : [first.symbol]));
  for (const [index, first] of firsts.entries()) {
    for (const second of firsts.slice(index + 1)) books.push(...bothWays("pair", [first, second], [1, -1]));
  }
  if (listed.length > 1)
    books.push(
      ...bothWays(
        "basket",
        symbols,
        symbols.map(() => 1),
      ),
    );
  const [majors, ...others] = groups;
  if (majors !== undefined && others.length > 0 && majors.length > 1) {
    const rest = others.flat();
    books.push(
      ...bothWays(
        "hedge",
        [...majors, ...rest].map(({ symbol }) => symbol),
        [...majors.map(() => 1 / majors.length), ...rest.map(() => -1 / rest.length)],
      ),
    );
  }
  return books;
}

function bothWays(kind: TestBook["kind"], symbols: readonly string[], weights: readonly number[]): TestBook[] {
  return [1, -1].map((side) => {
    const signed = weights.map((weight) => side * weight);
    const name = symbols.map((symbol, index) => `${(signed[index] ?? 0) < 0 ? "−" : "+"}${symbol}`).join(" ");
    return book(
      kind,
      name,
      symbols.map((symbol, index) => [symbol, signed[index] ?? 0]),
    );
  });
}

function book(kind: TestBook["kind"], name: string, weights: readonly (readonly [string, number])[]): TestBook {
  const gross = weights.reduce((sum, [, weight]) => sum + Math.abs(weight), 0);
  return { kind, name, weights: new Map(weights.map(([symbol, weight]) => [symbol, weight / gross])) };
}

function toWad(value: number): bigint {
  return BigInt(Math.round(value * 1e12)) * 10n ** 6n;
}
