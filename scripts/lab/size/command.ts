/** `npm run lab -- size`: insurance fund and budget of the pool. */
import { pathToFileURL } from "node:url";

import { loadParameters, type Parameters } from "../../deploy/parameters.ts";
import { messageOf } from "../../deploy/PlimsollError.ts";
import { seeded } from "../../history/random.ts";
import { max, mulDivDown, PPM, WAD } from "../../model/fixed.ts";
import { LISTED, stepOptionsOf } from "../compare/command.ts";
import { loadCrashes, MARKETS } from "../compare/recordings.ts";
import { rulesOf } from "../compare/rules.ts";
import { bootstrap, gapSeries, seriesOf } from "../compare/sources.ts";
import { stepsOf, stepsWithin, type Step } from "../compare/steps.ts";
import { expectedShortfall, quantile } from "../compare/tally.ts";
import { readFlags, readNumber, readWhole } from "../options.ts";
import { barPlot, cdfPlot, linePlot } from "../output/plots.ts";
import { hashParameters, readCommit } from "../output/provenance.ts";
import type { Report } from "../output/report.ts";
import type { Shell } from "../shell.ts";
import { dollars, type FundOptions, lossOf, marketName, type PathLoss } from "./fund.ts";
import { interestsOf, residentsOf } from "./population.ts";
import { type Change, changesFor, fileOf, type Needs, scaleOf, withChanges } from "./recommend.ts";

export const usage = `npm run lab -- size [options]
  Markets filled to their caps, over recorded crashes, draws from them and gaps: expected shortfall of bad debt, the two
  largest accounts, the worst replay, deleveraging and its haircuts; and the parameters that would have been enough.

  --parameters FILE   rules (default deploy/parameters/arbitrum.ts)
  --seed N            of accounts and draws (default 1)
  --runs N            drawn paths (default 200)
  --scale X           of the drawn moves (default 1.5)
  --pool USD          liquidity (default 12000000)
  --latency SECONDS   of the liquidator (default 60)
  --gap PERCENT       that the two largest accounts are to be covered for, by beta (default 20)
  --affordable PERCENT  most of the pool that the fund may be; beyond, open interest is cut (default 10)`;

const FLAGS = {
  parameters: { type: "string", default: LISTED },
  seed: { type: "string", default: "1" },
  runs: { type: "string", default: "200" },
  scale: { type: "string", default: "1.5" },
  pool: { type: "string", default: "12000000" },
  latency: { type: "string", default: "60" },
  gap: { type: "string", default: "20" },
  affordable: { type: "string", default: "10" },
} as const;

const HELD = 4 * 3_600;
const STRIDE = 2 * 3_600;
const GAPS = [10, 20, 30, 40, 50, 60] as const;

interface Named extends PathLoss {
  readonly source: string;
}

export async function run(args: readonly string[], shell: Shell): Promise<Report> {
  const { values } = readFlags(args, FLAGS);
  const seed = readWhole("seed", values.seed, { minimum: 0, maximum: 2 ** 31 });
  const runs = readWhole("runs", values.runs, { minimum: 1, maximum: 1_000_000 });
  const scale = readNumber("scale", values.scale, { minimum: 0.1, maximum: 10 });
  const latency = readWhole("latency", values.latency, { minimum: 0, maximum: 86_400 });
  const pool = BigInt(readWhole("pool", values.pool, { minimum: 1, maximum: 1e12 })) * WAD;
  const gap = readWhole("gap", values.gap, { minimum: 1, maximum: 90 });
  const affordable = BigInt(readWhole("affordable", values.affordable, { minimum: 1, maximum: 100 })) * 10_000n;
  const parameters = await loadParameters(values.parameters);
  const rules = rulesOf(parameters);
  const interests = interestsOf(parameters, pool);
  const residents = residentsOf(interests, seed);
  const insurance = mulDivDown(pool, parameters.insurance.targetShare, PPM);
  const options: FundOptions = { rules, residents, interests, latency, pool, insurance };

  const paths = pathsOf(parameters, { seed, runs, scale, gaps: [...new Set([...GAPS, gap])].sort((a, b) => a - b) });
  const losses: Named[] = [];
  const started = shell.now();
  for (const { source, steps } of paths) {
    await shell.checkpoint();
    losses.push({ source, ...lossOf(steps, options) });
    shell.progress.advance(losses.length / paths.length, source);
  }
  const seconds = shell.now() - started;
  const assessments = losses.reduce((sum, loss) => sum + loss.assessments, 0);

  const drawn = losses.filter(({ source }) => source === "drawn");
  const replayed = losses.filter(({ source }) => !isGap(source) && source !== "drawn");
  const covered = losses.filter(({ source }) => source === gapName(-gap) || source === gapName(gap));
  const sorted = drawn.map(({ badDebt }) => dollars(badDebt)).sort((a, b) => a - b);
  const parts = {
    shortfall: expectedShortfall(sorted, 0.99),
    twoLargest: Math.max(...covered.map(({ twoLargest }) => dollars(twoLargest))),
    replay: Math.max(...replayed.map(({ badDebt }) => dollars(badDebt))),
  };
  const owedShares = drawn.map(({ owed }) => Number(mulDivDown(owed, PPM, pool))).sort((a, b) => a - b);
  const needs: Needs = {
    pool,
    fund: wad(Math.max(parts.shortfall, parts.twoLargest, parts.replay)),
    byMarket: needsByMarket([...drawn, ...replayed], options),
    owedShare: BigInt(quantile(owedShares, 0.995)),
    affordable,
  };
  const changes = changesFor(parameters, needs);
  const failures = await checked(values.parameters, changes);
  const probability = (pick: (loss: PathLoss) => boolean): number => drawn.filter(pick).length / drawn.length;
  const haircuts = drawn.filter(({ deleveraged }) => deleveraged).map(({ haircut }) => Number(haircut) / 1e6);

  return {
    command: "size",
    title: "Insurance fund and budget of the pool",
    seed,
    parameterHash: hashParameters(parameters),
    commit: readCommit(),
    settings: { parameters: values.parameters, runs, scale, pool, latency, gap, affordable, insurance },
    tables: [
      {
        name: "needs",
        title: "What the fund is to stand for",
        columns: [{ name: "measure" }, { name: "amount", unit: "USD" }, { name: "of the pool", unit: "%" }],
        rows: [
          ["listed target", dollars(insurance), percentOf(dollars(insurance), pool)],
          ["bad debt, VaR 95", quantile(sorted, 0.95), percentOf(quantile(sorted, 0.95), pool)],
          ["bad debt, VaR 99", quantile(sorted, 0.99), percentOf(quantile(sorted, 0.99), pool)],
          ["bad debt, expected shortfall 99", parts.shortfall, percentOf(parts.shortfall, pool)],
          [`two largest accounts, gap of ${gap} %`, parts.twoLargest, percentOf(parts.twoLargest, pool)],
          ["worst replay", parts.replay, percentOf(parts.replay, pool)],
        ],
      },
      {
        name: "diff",
        title: "Recommended parameters",
        columns: [{ name: "parameter" }, { name: "before" }, { name: "after" }],
        rows: changes.map(({ name, before, after }) => [name, before, after]),
      },
      {
        name: "paths",
        title: "Paths",
        columns: [
          { name: "source" },
          { name: "bad debt", unit: "USD" },
          { name: "two largest", unit: "USD" },
          { name: "from insurance", unit: "USD" },
          { name: "uncovered", unit: "USD" },
          { name: "insurance emptied" },
          { name: "accounts liquidated" },
          { name: "most owed by a market", unit: "USD" },
          { name: "deleveraged" },
          { name: "haircut", unit: "%" },
        ],
        rows: losses.map((loss) => [
          loss.source,
          dollars(loss.badDebt),
          dollars(loss.twoLargest),
          dollars(loss.fromInsurance),
          dollars(loss.uncovered),
          loss.emptied,
          loss.liquidatedAccounts,
          dollars(loss.owed),
          loss.deleveraged,
          Number(loss.haircut) / 1e4,
        ]),
      },
    ],
    plots: [
      cdfPlot({
        name: "bad-debt",
        title: "Bad debt of a drawn path",
        x: { title: "USD", format: "~s" },
        series: [{ label: "drawn", values: sorted }],
      }),
      linePlot({
        name: "gaps",
        title: "Bad debt against a gap, all assets by beta",
        x: { title: "gap of ETH", format: ".0%" },
        y: { title: "USD", format: "~s", zero: true },
        series: (["badDebt", "twoLargest", "uncovered"] as const).map((field) => ({
          label: { badDebt: "all", twoLargest: "two largest accounts", uncovered: "left to the pool" }[field],
          points: losses
            .flatMap((loss) => (isGap(loss.source) ? [[gapOf(loss.source), dollars(loss[field])] as const] : []))
            .sort(([a], [b]) => a - b),
        })),
      }),
      barPlot({
        name: "waterfall",
        title: "Who pays in the worst replay of each event",
        y: { title: "USD", format: "~s" },
        groups: [...new Set(replayed.map(({ source }) => source))].map((source) => {
          const worst = replayed
            .filter((loss) => loss.source === source)
            .reduce((most, loss) => (loss.badDebt > most.badDebt ? loss : most));
          return {
            label: source,
            bars: [
              { label: "insurance", value: dollars(worst.fromInsurance) },
              { label: "pool", value: dollars(worst.uncovered) },
            ],
          };
        }),
      }),
      ...(haircuts.length === 0
        ? []
        : [
            cdfPlot({
              name: "haircuts",
              title: "Share of the crowded side that is deleveraged, where any is",
              x: { title: "of the side", format: ".0%" },
              series: [{ label: "drawn", values: haircuts }],
            }),
          ]),
    ],
    notes: [
      `Fund: expected shortfall 99 ${usd(parts.shortfall)}, two largest accounts in a gap of ${gap} % ${usd(parts.twoLargest)}, ` +
        `worst replay ${usd(parts.replay)}; listed target ${usd(dollars(insurance))}.`,
      `Of ${drawn.length} drawn paths insurance is emptied in ${(100 * probability(({ emptied }) => emptied)).toFixed(1)} %, ` +
        `something is left to the pool in ${(100 * probability(({ uncovered }) => uncovered > 0n)).toFixed(1)} %, a market is ` +
        `deleveraged in ${(100 * probability(({ deleveraged }) => deleveraged)).toFixed(1)} %.`,
      ...(scaleOf(needs) === PPM
        ? []
        : [
            `That is more than ${Number(affordable) / 1e4} % of the pool: open interest at ${Number(scaleOf(needs)) / 1e4} % of what is listed.`,
          ]),
      changes.length === 0 ? "No change." : `${changes.length} changes, in recommended.mjs beside this report.`,
      `${assessments} assessments of an account in ${seconds.toFixed(0)} s.`,
      "Losses are taken as proportional to open interest. Left out: funding, fees that insurance earns meanwhile, takeovers.",
    ],
    failures,
    files: { "recommended.mjs": fileOf(values.parameters, changes) },
    json: {
      needs: { ...needs, byMarket: Object.fromEntries(needs.byMarket) },
      parts,
      changes,
      residents: residents.length,
    },
  };
}

function pathsOf(
  parameters: Parameters,
  { seed, runs, scale, gaps }: { seed: number; runs: number; scale: number; gaps: readonly number[] },
): readonly { readonly source: string; readonly steps: readonly Step[] }[] {
  const options = stepOptionsOf(parameters);
  const crashes = loadCrashes();
  const rules = rulesOf(parameters);
  const replays = crashes.flatMap((recording) => {
    const steps = stepsOf(seriesOf(recording, parameters), options);
    const [from, until] = [steps[0]?.time ?? 0, steps.at(-1)?.time ?? 0];
    const starts = Array.from({ length: Math.ceil((until - from) / STRIDE) }, (_, index) => from + index * STRIDE);
    return starts.map((at) => ({ source: recording.name, steps: stepsWithin(steps, at, at + HELD) }));
  });
  const sampler = bootstrap(crashes, { parameters, symbols: MARKETS, scale });
  const random = seeded(seed);
  const drawn = Array.from({ length: runs }, () => ({
    source: "drawn",
    steps: stepsOf(sampler.sample(random), options),
  }));
  const gapped = gaps.flatMap((percent) =>
    [-percent, percent].map((signed) => ({
      source: gapName(signed),
      steps: stepsOf(gapSeries({ kind: "by beta", gap: signed / 100, alone: "ETH" }, parameters, rules), options),
    })),
  );
  return [...replays, ...drawn, ...gapped];
}

/** By market: the expected shortfall of the draws, or the worst replay if that is more. */
function needsByMarket(losses: readonly Named[], { rules }: FundOptions): ReadonlyMap<string, bigint> {
  const markets = new Set(losses.flatMap(({ byMarket }) => [...byMarket.keys()]));
  const of = (loss: Named, market: number): bigint => loss.byMarket.get(market) ?? 0n;
  return new Map(
    [...markets].map((market) => {
      const drawn = losses.filter(({ source }) => source === "drawn").map((loss) => dollars(of(loss, market)));
      const tail = expectedShortfall(
        drawn.sort((a, b) => a - b),
        0.99,
      );
      const worst = losses
        .filter(({ source }) => source !== "drawn")
        .map((loss) => of(loss, market))
        .reduce(max, 0n);
      return [marketName(rules, market), max(wad(tail), worst)];
    }),
  );
}

/** What a parameter file with the changes would be refused for. */
async function checked(file: string, changes: readonly Change[]): Promise<readonly string[]> {
  const { default: raw } = (await import(pathToFileURL(file).href)) as { default: unknown };
  try {
    withChanges(raw, changes, "recommended.mjs");
    return [];
  } catch (error) {
    return [`The recommended parameters are not ones that can be listed: ${messageOf(error)}`];
  }
}

function gapName(percent: number): string {
  return `gap ${percent} %`;
}

function gapOf(source: string): number {
  return Number(source.split(" ")[1]) / 100;
}

function isGap(source: string): boolean {
  return source.startsWith("gap ");
}

function wad(amount: number): bigint {
  return BigInt(Math.ceil(amount * 100)) * (WAD / 100n);
}

function percentOf(amount: number, pool: bigint): number {
  return Number(((100 * amount) / dollars(pool)).toPrecision(4));
}

function usd(amount: number): string {
  return `${Math.round(amount).toLocaleString("en")} USD`;
}
