/** The whole of a calibration, from files to a proposal and how it did afterwards. */
import { pathToFileURL } from "node:url";

import { type Asset, loadParameters, type Parameters, parseParameters, quantityOf } from "../../deploy/parameters.ts";
import { showQuantity } from "../../gov/units.ts";
import { STEWARD_BOUNDS } from "../../model/bounds.ts";
import { PPM, WAD } from "../../model/fixed.ts";
import { loadPrices, type PriceFile } from "../data/prices.ts";
import { roundsOf } from "../data/synthetic.ts";
import { LabError, UsageError } from "../errors.ts";
import { checkClock } from "./clocks.ts";
import { booksOf, type Coverage, coverageOf, type Measure, requirementOf, type TestBook } from "./coverage.ts";
import { fitGroup, type GroupFit, neededFloor } from "./fit.ts";
import { loadFunding } from "./funding.ts";
import type { CalibrateOptions } from "./options.ts";
import { overridden, type Override } from "./overrides.ts";
import { type Change, type Measured, proposeGroup } from "./propose.ts";
import { quantileUp, rootMeanSquare } from "./statistics.ts";
import { ewma, followTargets, type StewardDay } from "./steward.ts";
import {
  endMoves,
  type Grid,
  stressedWindows,
  type Track,
  trackOf,
  type Window,
  windowsOf,
  worstLosses,
} from "./windows.ts";

/** Fewer windows say nothing of a tail. */
const LEAST_WINDOWS = 100;
/** Of moves from round to round: the jump limit halts on purpose what is rarer. */
const JUMP_QUANTILE = 0.9999;
/** Between the prices of a candle the way is looked at so often, s. */
const EVERY = 15;
const DAY = 86_400;
/** Longer without a window is another stretch of data. */
const LONGEST_PAUSE = 7 * DAY;

export interface Tested {
  readonly set: "in force" | "proposed";
  readonly period: "fit" | "test";
  readonly measure: Measure;
  readonly book: TestBook;
  /** Share of the gross notional. */
  readonly requirement: number;
  readonly coverage: Coverage;
}

export interface Advice {
  readonly symbol: string;
  readonly parameter: "beta" | "sigma";
  /** Days of the last stretch of data, unix seconds of their beginnings. */
  readonly days: readonly number[];
  readonly start: bigint;
  readonly course: readonly StewardDay[];
}

export interface Study {
  readonly before: Parameters;
  readonly proposed: Parameters;
  readonly symbols: readonly string[];
  readonly files: readonly PriceFile[];
  readonly fits: readonly GroupFit[];
  readonly measured: ReadonlyMap<string, Measured>;
  readonly changes: readonly Change[];
  readonly overrides: readonly Override[];
  readonly tests: readonly Tested[];
  readonly advice: readonly Advice[];
  /** Windows of every asset alone, by symbol. */
  readonly windows: ReadonlyMap<string, { readonly fit: readonly Window[]; readonly test: readonly Window[] }>;
}

/** Throws a LabError for files or options that do not allow it. @param breathe Awaited between parts. */
export async function study(
  options: CalibrateOptions,
  breathe: (done: number, what: string) => Promise<void>,
): Promise<Study> {
  const before = await loadParameters(options.parameters);
  await breathe(0, "reading prices");
  const listed = options.prices.map(([symbol, file]) => ({ asset: assetOf(before, symbol), file }));
  const symbols = before.assets
    .map(({ symbol }) => symbol)
    .filter((symbol) => listed.some(({ asset }) => asset.symbol === symbol));
  const files = listed.map(({ asset, file }) => readFile(asset, file, options));
  const tracks = listed.map(({ asset }, index) => trackOf(asset.symbol, fileAt(files, index)));
  checkClocks(tracks);

  const panel = new Panel(tracks, options);
  await breathe(0.2, "measuring");
  const measured = new Map(
    symbols.map(
      (symbol) => [symbol, measure(assetOf(before, symbol), { listed, files, tracks, panel, options })] as const,
    ),
  );

  await breathe(0.5, "fitting");
  const fits = groupsOf(before, symbols).map(({ group, members }) => {
    const windows = panel.stressed(members);
    if (windows.length < LEAST_WINDOWS) {
      const what = `${windows.length} windows of ${members.join(", ")} in the stressed days before --fit-until`;
      throw new LabError(`${what}: at least ${LEAST_WINDOWS} are needed`);
    }
    const { beta, sigma } = assetOf(before, members[0] ?? "").listing.risk;
    const split = beta + sigma === 0n ? 1 : Number(sigma) / Number(beta + sigma);
    return fitGroup(group, { symbols: members, windows, confidence: options.confidence, split });
  });
  const changes = fits.flatMap((fit) => {
    const windows = panel.stressed(fit.assets.map(({ symbol }) => symbol));
    const floor = (rates: Rates): number => neededFloor(rates, windows, options.confidence);
    return proposeGroup(before, fit, { measured, floor, assumptions: options });
  });
  const overrides = changes.map(({ path, after }) => ({ path, text: showQuantity(after, quantityOf(path)) }));
  const raw = ((await import(pathToFileURL(options.parameters).href)) as { default: unknown }).default;
  const proposed = parseParameters(overridden(raw, overrides), "proposed parameters");

  await breathe(0.7, "testing");
  const priceOf = (symbol: string): number => measured.get(symbol)?.price ?? 1;
  const tests = (["in force", "proposed"] as const).flatMap((set) =>
    testAll(set === "proposed" ? proposed : before, { set, symbols, panel, priceOf, confidence: options.confidence }),
  );
  await breathe(0.9, "steward");
  const advice = symbols.flatMap((symbol) => adviceOf(symbol, { before, proposed, panel, options }));
  const windows = new Map(
    symbols.map((symbol) => [symbol, { fit: panel.of([symbol], "fit"), test: panel.of([symbol], "test") }] as const),
  );
  return { before, proposed, symbols, files, fits, measured, changes, overrides, tests, advice, windows };
}

type Rates = readonly { readonly beta: number; readonly sigma: number }[];

/** Windows of sets of assets, each made once. */
class Panel {
  readonly #tracks: readonly Track[];
  readonly #options: CalibrateOptions;
  readonly #made = new Map<string, readonly Window[]>();

  constructor(tracks: readonly Track[], options: CalibrateOptions) {
    this.#tracks = tracks;
    this.#options = options;
  }

  of(symbols: readonly string[], period: "fit" | "test", horizon = this.#options.horizon): readonly Window[] {
    const key = `${symbols.join()} ${period} ${horizon}`;
    const { fitUntil, step } = this.#options;
    const grid: Grid =
      period === "fit"
        ? { horizon, step, from: 0, until: fitUntil - horizon + 1 }
        : { horizon, step, from: fitUntil, until: Infinity };
    const windows = this.#made.get(key) ?? windowsOf(this.#tracks, symbols, grid);
    this.#made.set(key, windows);
    return windows;
  }

  /** What rates are fitted on: calm days say little of a tail, and there are many of them. */
  stressed(symbols: readonly string[]): readonly Window[] {
    return stressedWindows(this.of(symbols, "fit"), this.#options.stressed);
  }

  /** As long as liquidations take. */
  short(symbols: readonly string[], period: "fit" | "test"): readonly Window[] {
    return this.of(symbols, period, this.#options.liquidation);
  }
}

function readFile(asset: Asset, file: string, { allowGaps }: CalibrateOptions): PriceFile {
  const { limits, source } = asset;
  const decimals = "feed" in source ? Number(source.feed.decimals) : 8;
  const usd = (value: bigint): number => Number(value) / Number(WAD);
  const range = { low: usd(limits.minAnswer), high: usd(limits.maxAnswer) };
  return loadPrices(file, { range, decimals, ...(allowGaps === undefined ? {} : { maxGap: allowGaps }) });
}

/** Each file against the first one of another asset that it shares two days with. */
function checkClocks(tracks: readonly Track[]): void {
  for (const [index, track] of tracks.entries()) {
    for (const leader of tracks.slice(0, index)) if (leader.asset !== track.asset) checkClock(track, leader);
  }
}

function measure(
  { symbol, deviation, heartbeat }: Asset,
  {
    listed,
    files,
    tracks,
    panel,
    options,
  }: {
    listed: readonly { readonly asset: Asset }[];
    files: readonly PriceFile[];
    tracks: readonly Track[];
    panel: Panel;
    options: CalibrateOptions;
  },
): Measured {
  const settings = { deviation: Number(deviation) / Number(PPM), heartbeat: Number(heartbeat), every: EVERY };
  const own = files.filter((_, index) => listed[index]?.asset.symbol === symbol);
  const steps = own.flatMap((prices) => {
    const rounds = roundsOf(prices, settings).filter(({ updatedAt }) => updatedAt < options.fitUntil);
    return rounds
      .slice(1)
      .map(({ answer }, index) => Math.abs(Number(answer) / Number(rounds[index]?.answer ?? answer) - 1));
  });
  const short = panel.short([symbol], "fit");
  if (steps.length === 0 || short.length === 0) throw new LabError(`there is nothing of ${symbol} before --fit-until`);
  const rates = options.funding.filter(([name]) => name === symbol).flatMap(([, file]) => loadFunding(file));
  const last = tracks.filter(({ asset }) => asset === symbol).map(({ points }) => points.at(-1));
  const latest = last.reduce((a, b) => ((b?.at ?? 0) > (a?.at ?? 0) ? b : a));
  return {
    jump: quantileUp(steps, JUMP_QUANTILE),
    liquidationMove: Math.max(...[1, -1].map((side) => quantileUp(worstLosses(short, [side]), 1))),
    price: latest?.price ?? 1,
    funding: rates.length === 0 ? undefined : quantileUp(rates.map(Math.abs), options.confidence),
  };
}

function groupsOf({ assets, groups }: Parameters, symbols: readonly string[]) {
  return groups.flatMap((group, index) => {
    const members = assets.filter(({ symbol, listing }) => symbols.includes(symbol) && listing.group === BigInt(index));
    return members.length === 0 ? [] : [{ group, members: members.map(({ symbol }) => symbol) }];
  });
}

function testAll(
  parameters: Parameters,
  {
    set,
    symbols,
    panel,
    priceOf,
    confidence,
  }: {
    set: Tested["set"];
    symbols: readonly string[];
    panel: Panel;
    priceOf: (symbol: string) => number;
    confidence: number;
  },
): readonly Tested[] {
  return booksOf(parameters, symbols).flatMap((book) =>
    (["initial", "maintenance"] as const).flatMap((kind) =>
      (["fit", "test"] as const).flatMap((period): Tested[] => {
        const own = [...book.weights.keys()];
        const windows = kind === "initial" ? panel.of(own, period) : panel.short(own, period);
        if (windows.length === 0) return [];
        const requirement = requirementOf(parameters, book, { measure: kind, priceOf });
        const coverage = coverageOf(book, windows, { symbols: own, requirement, confidence });
        return [{ set, period, measure: kind, book, requirement, coverage }];
      }),
    ),
  );
}

/** What the steward would do over the last stretch of an asset's prices, from what is in force. */
function adviceOf(
  symbol: string,
  {
    before,
    proposed,
    panel,
    options,
  }: {
    before: Parameters;
    proposed: Parameters;
    panel: Panel;
    options: CalibrateOptions;
  },
): readonly Advice[] {
  const fit = panel.of([symbol], "fit");
  const usual = rootMeanSquare(endMoves(fit, 0));
  const all = [...fit, ...panel.of([symbol], "test")].sort((a, b) => a.at - b.at);
  const begin = all.findLastIndex(({ at }, index) => at - (all[index - 1]?.at ?? -Infinity) > LONGEST_PAUSE);
  const stretch = all.slice(begin);
  const halfLife = (options.halfLife * 3_600) / options.horizon;
  const volatility = ewma(endMoves(stretch, 0), { halfLife, start: usual });
  // The day's highest: what was raised too late cannot be raised any more.
  const highest = new Map<number, number>();
  for (const [index, { at }] of stretch.entries()) {
    const day = at - (at % DAY);
    highest.set(day, Math.max(highest.get(day) ?? 0, volatility[index] ?? 0));
  }
  const stress = [...highest.values()].map((value) => Math.max(1, value / usual));
  const [now, fitted] = [before, proposed].map((parameters) => assetOf(parameters, symbol).listing.risk);
  if (now === undefined || fitted === undefined) return [];
  return (["beta", "sigma"] as const).map((parameter) => ({
    symbol,
    parameter,
    days: [...highest.keys()],
    start: now[parameter],
    course: followTargets(
      now[parameter],
      stress.map((factor) => BigInt(Math.round(factor * Number(fitted[parameter])))),
      { bound: STEWARD_BOUNDS[parameter], rules: options },
    ),
  }));
}

function assetOf({ assets }: Parameters, symbol: string): Asset {
  const found = assets.find((asset) => asset.symbol === symbol);
  if (found === undefined) {
    throw new UsageError(`the parameter file has no ${symbol}: ${assets.map((asset) => asset.symbol).join(", ")}`);
  }
  return found;
}

function fileAt(files: readonly PriceFile[], index: number): PriceFile {
  const found = files[index];
  if (found === undefined) throw new RangeError(`no file ${index}`);
  return found;
}
