/** Where the paths of prices come from: recorded events, and draws from what was recorded in them. */
import type { MarketEvent } from "../../history/events.ts";
import type { FeedRound, GuardLimits } from "../../history/guards.ts";
import type { Parameters } from "../../deploy/parameters.ts";
import { abs, PPM } from "../../model/fixed.ts";
import { assetIndex, type Rules } from "./rules.ts";
import type { FeedSeries } from "./steps.ts";

/** Rounds by symbol of an asset. */
export interface Recording {
  readonly name: string;
  readonly rounds: ReadonlyMap<string, readonly FeedRound[]>;
}

/** Draws paths. Every one of them is a function of the numbers that `random` gives. */
export interface Sampler {
  readonly name: string;
  readonly sample: (random: () => number) => readonly FeedSeries[];
}

/** Of a feed that writes once an hour at least, as those that were recorded. */
const RECORDED_AGE = 3_900;
const DAILY_AGE = 86_700;

export function recordingOf({ name, feeds }: MarketEvent): Recording {
  return { name, rounds: new Map(feeds.map(({ symbol, rounds }) => [symbol, rounds])) };
}

/**
 * What the listed feeds make of a recording: the guards of each asset as listed, with the age of the recorded feed. WBTC
 * repeats BTC's rounds and WSTETH ETH's at a fixed ratio, where they have none of their own.
 */
export function seriesOf(recording: Recording, parameters: Parameters): readonly FeedSeries[] {
  return parameters.assets.flatMap(({ symbol, limits }, asset) => {
    const own = recording.rounds.get(symbol);
    const [base = symbol, ratio = PPM] = FOLLOWERS.get(symbol) ?? [];
    const rounds =
      own ?? recording.rounds.get(base)?.map((round) => ({ ...round, price: (round.price * ratio) / PPM }));
    if (rounds === undefined || rounds.length === 0) return [];
    return [{ asset, rounds, limits: guardLimits(limits, symbol === "USDC" ? DAILY_AGE : RECORDED_AGE) }];
  });
}

const FOLLOWERS: ReadonlyMap<string, readonly [base: string, ratio: bigint]> = new Map([
  ["WBTC", ["BTC", 999_000n]],
  ["WSTETH", ["ETH", 1_217_000n]],
]);

export function guardLimits({ jump, spread }: Parameters["assets"][number]["limits"], maxAge: number): GuardLimits {
  return { maxAge, jump: Number(jump), spread: Number(spread) };
}

// ---------------------------------------------------------------- draws

/** Of a drawn path, seconds: a grid cell, a block of them that is drawn together, and the path. */
const CELL = 300;
const BLOCK_CELLS = 3;
const PATH_CELLS = 48;
/** Where drawn paths begin, and their prices, WAD by symbol. */
export const PATH_START = 1_700_000_000;
export const START_PRICES: ReadonlyMap<string, bigint> = new Map([
  ["ETH", 4_000n * 10n ** 18n],
  ["BTC", 110_000n * 10n ** 18n],
  ["SOL", 200n * 10n ** 18n],
  ["LINK", 20n * 10n ** 18n],
]);

/**
 * Four hours made of quarters of an hour that are drawn, with replacement, from some recordings that have all of the
 * assets: the moves of all assets in a block stay together, so that their dependence, and how it breaks, is the recorded
 * one. A block counts backwards as often as forwards: crashes are recorded, rallies as fast are not, and shorts are exposed
 * to those. @param scale Of every move.
 */
export function bootstrap(
  recordings: readonly Recording[],
  { parameters, symbols, scale }: { parameters: Parameters; symbols: readonly string[]; scale: number },
): Sampler {
  const blocks = recordings.flatMap((recording) => blocksOf(recording, symbols));
  return {
    name: `drawn from ${recordings.map(({ name }) => name).join(", ")}, moves × ${scale}`,
    sample: (random) => {
      const levels = symbols.map(() => 0);
      const paths = symbols.map(() => [0]);
      while ((paths[0]?.length ?? 0) < PATH_CELLS) {
        const block = blocks[Math.floor(random() * blocks.length)] ?? [];
        const direction = random() < 0.5 ? -scale : scale;
        for (const moves of block) {
          for (const [index, move] of moves.entries()) {
            const level = (levels[index] ?? 0) + direction * move;
            levels[index] = level;
            paths[index]?.push(level);
          }
        }
      }
      const rounds = new Map(symbols.map((symbol, index) => [symbol, roundsAlong(symbol, paths[index] ?? [])]));
      return seriesOf({ name: "drawn", rounds }, parameters);
    },
  };
}

/** Logarithms of the moves of all symbols, by block and cell. */
function blocksOf({ rounds }: Recording, symbols: readonly string[]): readonly (readonly (readonly number[])[])[] {
  const all = symbols.map((symbol) => rounds.get(symbol) ?? []);
  const from = Math.max(...all.map((one) => one[0]?.updatedAt ?? Infinity));
  const until = Math.min(...all.map((one) => one.at(-1)?.updatedAt ?? -Infinity));
  const blocks: (readonly (readonly number[])[])[] = [];
  for (let at = from; at + BLOCK_CELLS * CELL <= until; at += BLOCK_CELLS * CELL) {
    blocks.push(
      Array.from({ length: BLOCK_CELLS }, (_, cell) => {
        const start = at + cell * CELL;
        return all.map((one) => Math.log(priceAt(one, start + CELL) / priceAt(one, start)));
      }),
    );
  }
  return blocks;
}

function priceAt(rounds: readonly FeedRound[], time: number): number {
  return Number(rounds.findLast(({ updatedAt }) => updatedAt <= time)?.price ?? rounds[0]?.price ?? 1n);
}

function roundsAlong(symbol: string, levels: readonly number[]): readonly FeedRound[] {
  return levels.map((level, cell) => ({ price: scaled(symbol, Math.exp(level)), updatedAt: PATH_START + cell * CELL }));
}

function scaled(symbol: string, factor: number): bigint {
  return ((START_PRICES.get(symbol) ?? 0n) * BigInt(Math.round(factor * 1e9))) / 10n ** 9n;
}

// ---------------------------------------------------------------- gaps

export const GAP_KINDS = ["equal", "by beta", "one alone"] as const;
/** All assets move by as much; in proportion to β, ETH by the gap; or one of them moves and the others stay. */
export type GapKind = (typeof GAP_KINDS)[number];

const BEFORE_GAP = 600;
const AFTER_GAP = 3_600;

/** One step between two rounds, then an hour at the new prices. @param gap −0.6: a fall by 60 %. @param alone That moves. */
export function gapSeries(
  { kind, gap, alone }: { kind: GapKind; gap: number; alone: string },
  parameters: Parameters,
  rules: Rules,
): readonly FeedSeries[] {
  const betaOf = (symbol: string): bigint => rules.assets[assetIndex(rules, symbol)]?.risk.to.beta ?? 0n;
  const factorOf = (symbol: string): number => {
    if (kind === "equal") return 1 + gap;
    if (kind === "one alone") return symbol === alone ? 1 + gap : 1;
    const base = betaOf("ETH");
    // As a power, so that no price falls below zero.
    return (1 + gap) ** (base === 0n ? 1 : Number(abs(betaOf(symbol))) / Number(base));
  };
  const rounds = new Map(
    [...START_PRICES.keys()].map((symbol) => {
      const times = [0, BEFORE_GAP];
      for (let at = BEFORE_GAP + CELL; at <= BEFORE_GAP + AFTER_GAP; at += CELL) times.push(at);
      const moved = factorOf(symbol);
      return [
        symbol,
        times.map((at) => ({ price: scaled(symbol, at < BEFORE_GAP ? 1 : moved), updatedAt: PATH_START + at })),
      ] as const;
    }),
  );
  return seriesOf({ name: "gap", rounds }, parameters);
}
