import { resolve } from "node:path";

import { UsageError } from "../errors.ts";
import { readFlags, readNumber, readPair, readTime, readWhole } from "../options.ts";

export interface CalibrateOptions {
  /** Files of each asset, in the order in which they are asked. */
  readonly prices: readonly (readonly [symbol: string, file: string])[];
  readonly funding: readonly (readonly [symbol: string, file: string])[];
  readonly parameters: string;
  /** Unix seconds: windows that begin before are fitted on, the others tested on. */
  readonly fitUntil: number;
  readonly confidence: number;
  /** s. */
  readonly horizon: number;
  /** s. */
  readonly step: number;
  /** s; what maintenance has to outlast. */
  readonly liquidation: number;
  /** s; undefined: a missing row is refused. */
  readonly allowGaps: number | undefined;
  readonly thin: number;
  readonly closing: number;
  readonly exposed: number;
  /** Share of days, those that moved most, that rates are fitted on. */
  readonly stressed: number;
  /** Hours. */
  readonly halfLife: number;
  readonly band: number;
  /** Days. */
  readonly patience: number;
}

const FLAGS = {
  prices: { type: "string", multiple: true },
  funding: { type: "string", multiple: true },
  parameters: { type: "string", default: "deploy/parameters/local.ts" },
  "fit-until": { type: "string" },
  confidence: { type: "string", default: "99.5" },
  horizon: { type: "string", default: "3600" },
  step: { type: "string", default: "300" },
  liquidation: { type: "string", default: "600" },
  "allow-gaps": { type: "string" },
  thin: { type: "string", default: "4" },
  closing: { type: "string", default: "10" },
  exposed: { type: "string", default: "25" },
  stressed: { type: "string", default: "25" },
  "half-life": { type: "string", default: "72" },
  band: { type: "string", default: "20" },
  patience: { type: "string", default: "7" },
} as const;

export const usage = `npm run lab -- calibrate --prices SYMBOL=FILE [--prices …] --fit-until TIME [options]

Fits risk rates, jump limits, caps and funding to price files, tests them on what came after, and writes a parameter file.

  --prices SYMBOL=FILE  candles or rounds of an asset of the parameter file; may be given again, for one asset too
  --fit-until TIME      fitted on what is before, tested on the rest; ISO 8601 or unix seconds
  --parameters FILE     what is in force (default deploy/parameters/local.ts)
  --confidence PERCENT  of windows whose loss is covered (default 99.5)
  --horizon SECONDS     length of a window (default 3600)
  --step SECONDS        within a window the worst of these moments counts (default 300)
  --liquidation SECONDS what maintenance has to outlast (default 600)
  --allow-gaps SECONDS  longest time between two rows; without it a missing candle is refused
  --funding SYMBOL=FILE rates of funding that an exchange has charged
  --thin FACTOR         by how much depth is less in a stressed hour (default 4)
  --closing PERCENT     of the open-interest cap closed at once (default 10)
  --exposed PERCENT     of the open interest at its maintenance requirement when a crash begins (default 25)
  --stressed PERCENT    of days, those that moved most, that rates are fitted on (default 25)
  --half-life HOURS     of the volatility that the steward follows (default 72)
  --band PERCENT        above its target a value may stay (default 20)
  --patience DAYS       above the band before it comes down (default 7)`;

/** Throws a UsageError that names the option. */
export function parseOptions(args: readonly string[]): CalibrateOptions {
  const { values } = readFlags(args, FLAGS);
  const prices = (values.prices ?? []).map((text) => readPair("prices", text));
  if (prices.length === 0) throw new UsageError("--prices is missing");
  if (values["fit-until"] === undefined) throw new UsageError("--fit-until is missing");
  const seconds = { minimum: 1, maximum: 86_400 };
  const horizon = readWhole("horizon", values.horizon, seconds);
  const step = readWhole("step", values.step, seconds);
  const liquidation = readWhole("liquidation", values.liquidation, seconds);
  for (const [flag, length] of [
    ["horizon", horizon],
    ["liquidation", liquidation],
  ] as const) {
    if (length % step !== 0) throw new UsageError(`--${flag} must be a multiple of --step`);
  }
  const percent = (flag: "closing" | "exposed" | "stressed" | "band"): number =>
    readNumber(flag, values[flag], { minimum: 1, maximum: 100 }) / 100;
  const gaps = values["allow-gaps"];
  return {
    prices,
    funding: (values.funding ?? []).map((text) => readPair("funding", text)),
    parameters: resolve(values.parameters),
    fitUntil: readTime("fit-until", values["fit-until"]),
    confidence: readNumber("confidence", values.confidence, { minimum: 50, maximum: 99.99 }) / 100,
    horizon,
    step,
    liquidation,
    allowGaps: gaps === undefined ? undefined : readWhole("allow-gaps", gaps, { minimum: 1, maximum: 31_536_000 }),
    thin: readNumber("thin", values.thin, { minimum: 1, maximum: 100 }),
    closing: percent("closing"),
    exposed: percent("exposed"),
    stressed: percent("stressed"),
    halfLife: readNumber("half-life", values["half-life"], { minimum: 1, maximum: 8_760 }),
    band: percent("band"),
    patience: readWhole("patience", values.patience, { minimum: 1, maximum: 365 }),
  };
}
