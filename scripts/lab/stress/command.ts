/** `npm run lab -- stress`: thousands of runs of the fast model, and the worst of them on the real bytecode. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { seeded } from "../../history/random.ts";
import { confirm, connect } from "../engine/confirm.ts";
import { assetOf, loadWorld, type World } from "../engine/world.ts";
import { readFlags, readNumber, readPair, readWhole } from "../options.ts";
import { hashParameters, readCommit } from "../output/provenance.ts";
import type { Report, Table } from "../output/report.ts";
import type { Shell } from "../shell.ts";
import type { StudySettings } from "./build.ts";
import { type Case, casesOf } from "./cases.ts";
import { manipulations } from "./manipulation.ts";
import {
  caseTable,
  deleveragingTable,
  isEmptied,
  manipulationTable,
  type PairCell,
  pairTable,
  runPlots,
  runTable,
  studyPlots,
} from "./report.ts";
import { fitFiles } from "./recorded.ts";
import { DEFAULT_MARKET } from "./sampler.ts";
import { expectedShortfall, mean, type RunSummary, valueAtRisk } from "./summary.ts";
import { repeat, type Task } from "./task.ts";
import { performAll } from "./threads.ts";

const LISTED = join(fileURLToPath(new URL("../../../", import.meta.url)), "deploy/parameters/arbitrum.ts");

export const usage = `npm run lab -- stress [options]
  Random runs of the whole protocol through falls, faults and attacks on the fast model; the worst of them, and some
  drawn at random, are carried out on the contracts and must be equal to the wei.

  --parameters FILE  rules (default deploy/parameters/arbitrum.ts)
  --prices S=FILE    candles that the market is fitted to, once for each asset, ETH among them (default: figures of May 2021)
  --seed N           of everything random (default 1)
  --runs N           in all, dealt to the kinds of runs in turn (default 2000)
  --workers N        threads (default 2); changes nothing in the result
  --traders N        books in each run (default 24)
  --pool USD         (default 12000000)
  --insurance USD    (default 600000)
  --hours N          of a run (default 2)
  --step SECONDS     between two looks of everybody (default 20)
  --latency SECONDS  of keepers (default 20)
  --margin USD       least profit of a paid action of theirs (default 0)
  --confirm N        worst runs that are carried out on the contracts (default 3)
  --sample N         and runs drawn at random (default 3)
  --every N          deeds between two comparisons of the whole state (default 25)
  --pairs N          runs for each pair of parameters (default 16)
  --measured N       runs that speed is measured by, with one thread and with two (default 16)`;

const FLAGS = {
  parameters: { type: "string", default: LISTED },
  prices: { type: "string", multiple: true },
  seed: { type: "string", default: "1" },
  runs: { type: "string", default: "2000" },
  workers: { type: "string", default: "2" },
  traders: { type: "string", default: "24" },
  pool: { type: "string", default: "12000000" },
  insurance: { type: "string", default: "600000" },
  hours: { type: "string", default: "2" },
  step: { type: "string", default: "20" },
  latency: { type: "string", default: "20" },
  margin: { type: "string", default: "0" },
  confirm: { type: "string", default: "3" },
  sample: { type: "string", default: "3" },
  every: { type: "string", default: "25" },
  pairs: { type: "string", default: "16" },
  measured: { type: "string", default: "16" },
} as const;

const RISKS = [0.6, 0.8, 1, 1.2] as const;
const MAINTENANCES = [400_000n, 600_000n, 800_000n] as const;
/** Slides of 40 % leave no bad debt under any pair. */
const PAIRED = "gap-20";
const WORST_SHOWN = 12;

export async function run(args: readonly string[], shell: Shell): Promise<Report> {
  const { values } = readFlags(args, FLAGS);
  const whole = (flag: Exclude<keyof typeof FLAGS, "prices">, minimum: number, maximum: number): number =>
    readWhole(flag, values[flag], { minimum, maximum });
  const seed = whole("seed", 0, 2 ** 31 - 1);
  const step = whole("step", 1, 600);
  const hours = readNumber("hours", values.hours, { minimum: 0.1, maximum: 48 });
  const settings: StudySettings = {
    parameters: values.parameters,
    seed,
    market:
      values.prices === undefined ? DEFAULT_MARKET : fitFiles(values.prices.map((text) => readPair("prices", text))),
    traders: whole("traders", 4, 500),
    pool: whole("pool", 1_000, 10 ** 9),
    insurance: whole("insurance", 0, 10 ** 9),
    duration: Math.max(1, Math.round((hours * 3_600) / step)) * step,
    step,
    latency: whole("latency", 0, 3_600),
    margin: readNumber("margin", values.margin, { minimum: 0, maximum: 10_000 }),
  };
  const world = await loadWorld(settings.parameters);
  const cases = casesOf({ index: assetOf(world, "ETH") });
  const tasks = tasksOf(cases, whole("runs", 1, 1_000_000));
  const workers = whole("workers", 1, 64);

  shell.progress.phase(`${String(tasks.length)} runs of ${String(cases.length)} kinds`);
  const summaries = await performAll(settings, tasks, {
    workers,
    signal: shell.signal,
    onDone: (done) => {
      shell.progress.advance(done / tasks.length, `${String(done)} runs`);
    },
  });
  const pairs = await pairsOf(settings, cases, { each: whole("pairs", 0, 10_000), workers, shell });
  const speed = await speedOf(settings, tasks.slice(0, whole("measured", 0, 10_000)), shell);
  const ranked = summaries.toSorted((one, other) => other.badDebt - one.badDebt || one.index - other.index);
  const chosen = chosenOf(ranked, { worst: whole("confirm", 0, 1_000), sample: whole("sample", 0, 1_000), seed });
  const confirmed = await confirmAll(world, settings, { tasks, chosen, every: whole("every", 1, 10 ** 6), shell });

  const groups = new Map(cases.map(({ name }) => [name, summaries.filter((summary) => summary.case === name)]));
  const prices = new Map(settings.market.assets.map(({ symbol, price }) => [assetOf(world, symbol), price]));
  const manipulated = manipulations(world, { prices, pool: settings.pool });
  const worst = ranked[0];
  const worstTask = worst === undefined ? undefined : tasks[worst.index];
  const shown = worstTask === undefined ? undefined : repeat(world, settings, worstTask).result;
  const healthy = summaries.reduce((sum, { healthyLiquidated }) => sum + healthyLiquidated, 0);
  const { market, ...rest } = settings;
  return {
    command: "stress",
    title: "Falls, faults and attacks",
    seed,
    parameterHash: hashParameters(world.parameters),
    commit: readCommit(),
    settings: { ...rest, market, runs: tasks.length, workers, confirmed: chosen.length },
    tables: [
      caseTable("all", new Map([["all", summaries]])),
      caseTable("cases", groups),
      deleveragingTable(summaries),
      manipulationTable(manipulated),
      ...(pairs.length === 0 ? [] : [pairTable(pairs)]),
      runTable("worst", "The worst runs", ranked.slice(0, WORST_SHOWN)),
      runTable("runs", "All runs", summaries),
      confirmed,
      speed,
    ],
    plots: [
      ...studyPlots(groups, { pairs, manipulated, duration: settings.duration }),
      ...(shown === undefined
        ? []
        : runPlots(shown, (asset) => world.parameters.assets[asset]?.symbol ?? String(asset))),
    ],
    notes: notesOf(summaries),
    failures: healthy === 0 ? [] : [`${String(healthy)} healthy accounts were liquidated`],
    json: { summaries, pairs },
  };
}

/** Kinds of runs in turn. */
export function tasksOf(cases: readonly Case[], runs: number): Task[] {
  return Array.from({ length: runs }, (_, index) => {
    const one = cases[index % cases.length];
    if (one === undefined) throw new RangeError("no kinds of runs");
    return { index, one };
  });
}

/** The worst, and others at random. */
export function chosenOf(
  ranked: readonly RunSummary[],
  { worst, sample, seed }: { worst: number; sample: number; seed: number },
): readonly RunSummary[] {
  const random = seeded(seed ^ 0x2545f491);
  const rest = ranked.slice(worst);
  const drawn: RunSummary[] = [];
  while (drawn.length < sample && rest.length > 0) drawn.push(...rest.splice(Math.floor(random() * rest.length), 1));
  return [...ranked.slice(0, worst), ...drawn];
}

async function confirmAll(
  world: World,
  settings: StudySettings,
  {
    tasks,
    chosen,
    every,
    shell,
  }: { tasks: readonly Task[]; chosen: readonly RunSummary[]; every: number; shell: Shell },
): Promise<Table> {
  const rows = [];
  shell.progress.phase(`${String(chosen.length)} runs on the contracts`);
  for (const [position, { index, digest }] of chosen.entries()) {
    await shell.checkpoint();
    const task = tasks[index];
    if (task === undefined) continue;
    const { scenario, result } = repeat(world, settings, task);
    const connection = await connect();
    try {
      const accounts = scenario.traders.length + 1 + scenario.providers.length;
      const done = await confirm(world, result, { connection, accounts, every, now: shell.now });
      const { deeds, refused, compared, seconds } = done;
      const rate = Math.round((10 * deeds) / seconds) / 10;
      rows.push([index, task.one.name, deeds, refused, compared, rate, result.digest === digest]);
    } finally {
      await connection.close();
    }
    shell.progress.advance((position + 1) / chosen.length, task.one.name);
  }
  return {
    name: "confirmed",
    title: "Runs on the contracts, equal to the wei",
    columns: [
      { name: "run" },
      { name: "case" },
      { name: "calls" },
      { name: "refused as foreseen" },
      { name: "comparisons of the whole state" },
      { name: "calls", unit: "1/s" },
      { name: "same again" },
    ],
    rows,
  };
}

async function pairsOf(
  settings: StudySettings,
  cases: readonly Case[],
  { each, workers, shell }: { each: number; workers: number; shell: Shell },
): Promise<PairCell[]> {
  const one = cases.find(({ name }) => name === PAIRED);
  if (each === 0 || one === undefined) return [];
  const variants = RISKS.flatMap((risk) => MAINTENANCES.map((maintenance) => ({ risk, maintenance })));
  // Every pair meets the same prices: run n of one is run n of another.
  const cells: PairCell[] = [];
  for (const [position, variant] of variants.entries()) {
    const tasks = Array.from({ length: each }, (_, index) => ({ index, one, variant }));
    const runs = await performAll(settings, tasks, { workers, signal: shell.signal, onDone: () => undefined });
    shell.progress.advance((position + 1) / variants.length, "pairs of parameters");
    cells.push({
      risk: variant.risk,
      maintenance: Number(variant.maintenance) / 1e6,
      badDebt: mean(runs.map(({ badDebt }) => badDebt)),
      liquidated: mean(runs.map(({ liquidated }) => liquidated)),
    });
  }
  return cells;
}

/** Runs per second of one core's time and of the clock, with one thread and with two. */
async function speedOf(settings: StudySettings, tasks: readonly Task[], shell: Shell): Promise<Table> {
  const rows = [];
  for (const workers of tasks.length === 0 ? [] : [1, 2]) {
    const start = shell.now();
    const runs = await performAll(settings, tasks, { workers, signal: shell.signal, onDone: () => undefined });
    const elapsed = shell.now() - start;
    const busy = runs.reduce((sum, { seconds }) => sum + seconds, 0);
    const deeds = runs.reduce((sum, run) => sum + run.deeds, 0);
    rows.push([
      workers,
      runs.length,
      rounded(runs.length / busy),
      rounded(deeds / busy),
      rounded(runs.length / elapsed),
    ]);
  }
  return {
    name: "speed",
    title: "Speed of the model",
    columns: [
      { name: "threads" },
      { name: "runs" },
      { name: "runs of a core", unit: "1/s" },
      { name: "deeds of a core", unit: "1/s" },
      { name: "runs by the clock, start of the threads included", unit: "1/s" },
    ],
    rows,
  };
}

function notesOf(summaries: readonly RunSummary[]): string[] {
  const debts = summaries.map(({ badDebt }) => badDebt);
  const emptied = summaries.filter(isEmptied).length;
  return [
    `Bad debt over all kinds of runs, each as often as any other: VaR 95 ${dollars(valueAtRisk(debts, 0.95))}, ` +
      `VaR 99 ${dollars(valueAtRisk(debts, 0.99))}, expected shortfall 99 ${dollars(expectedShortfall(debts, 0.99))}.`,
    `Insurance was emptied in ${String(emptied)} of ${String(summaries.length)} runs.`,
    "The kinds of runs are chosen, not drawn: shares over all of them are no probabilities of the market.",
    "Conservation of money, sizes and collateral is checked after every step of every run.",
    "Orders are submitted and executed in one deed: an escrow that is pending is not in the books meanwhile.",
  ];
}

function dollars(value: number): string {
  return `${Math.round(value).toLocaleString("en-US")} USD`;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
