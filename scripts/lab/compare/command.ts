/** `npm run lab -- compare`: what a book needs, and what becomes of it, under three kinds of margin. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { loadParameters, type Parameters } from "../../deploy/parameters.ts";
import { seeded } from "../../history/random.ts";
import { readFlags, readNumber, readWhole } from "../options.ts";
import { hashParameters, readCommit } from "../output/provenance.ts";
import type { Report } from "../output/report.ts";
import type { Shell } from "../shell.ts";
import { type Margin, MARGINS } from "./account.ts";
import { loadCrashes, loadDepegged, loadMonths, MARKETS } from "./recordings.ts";
import { plotsOf, tablesOf, verdictsOf } from "./report.ts";
import { type Rules, rulesOf } from "./rules.ts";
import { shapesOf, type Shape } from "./shapes.ts";
import { bootstrap, GAP_KINDS, gapSeries, type Recording, seriesOf } from "./sources.ts";
import { type Step, type StepOptions, stepsOf, stepsWithin } from "./steps.ts";
import { judge, shareOfSize, Study } from "./study.ts";

export const LISTED = join(fileURLToPath(new URL("../../../", import.meta.url)), "deploy/parameters/arbitrum.ts");

export const usage = `npm run lab -- compare [options]
  The same books under isolated margin, plain cross margin (every beta 0, outright needs kept) and the joint formula:
  capital, liquidations, bad debt and loss given liquidation over recorded crashes, draws from them, and gaps.

  --parameters FILE  rules (default deploy/parameters/arbitrum.ts)
  --seed N           of the draws (default 1)
  --runs N           drawn paths for each scale of moves (default 60)
  --multiple X       equity at the start over what is asked (default 1)
  --latency SECONDS  of the liquidator (default 60)
  --every MINUTES    between two starts in a crash (default 60); ten times that in the months of 2023 and the depeg
  --months           ten months of 2023 as well, ETH and BTC`;

const FLAGS = {
  parameters: { type: "string", default: LISTED },
  seed: { type: "string", default: "1" },
  runs: { type: "string", default: "60" },
  multiple: { type: "string", default: "1" },
  latency: { type: "string", default: "60" },
  every: { type: "string", default: "60" },
  months: { type: "boolean", default: false },
} as const;

/** How long a book is held, s. */
const HELD_IN_CRASH = 4 * 3_600;
const HELD_IN_MONTHS = 24 * 3_600;
const QUIET_STRIDE = 10;
/** Of the drawn moves: as recorded, and half as large again. */
const SCALES = [1, 1.5] as const;
export const GAPS = [-0.6, -0.5, -0.4, -0.3, -0.2, -0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6] as const;

/** Paths that are counted together. */
interface Source {
  readonly name: string;
  readonly paths: () => Iterable<readonly Step[]>;
  readonly count: number;
}

export async function run(args: readonly string[], shell: Shell): Promise<Report> {
  const { values } = readFlags(args, FLAGS);
  const seed = readWhole("seed", values.seed, { minimum: 0, maximum: 2 ** 31 });
  const runs = readWhole("runs", values.runs, { minimum: 1, maximum: 1_000_000 });
  const multiple = readNumber("multiple", values.multiple, { minimum: 1, maximum: 100 });
  const latency = readWhole("latency", values.latency, { minimum: 0, maximum: 86_400 });
  const every = 60 * readWhole("every", values.every, { minimum: 1, maximum: 1_440 });
  const parameters = await loadParameters(values.parameters);
  const listed = rulesOf(parameters);
  const shapes = shapesOf(listed);
  const study = new Study({ listed, shapes, multiple, latency });

  const sources = sourcesOf(parameters, listed, { seed, runs, every, months: values.months });
  const total = sources.reduce((sum, { count }) => sum + count, 0);
  const started = shell.now();
  let done = 0;
  for (const { name, paths } of sources) {
    for (const steps of paths()) {
      await shell.checkpoint();
      study.add(name, steps);
      shell.progress.advance(Math.min(1, ++done / total), name);
    }
  }
  const seconds = shell.now() - started;

  const asked = askedOf(study, shapes, parameters);
  const rows = study.rows();
  const judgements = judge(rows, asked);
  return {
    command: "compare",
    title: "Isolated, plain cross and joint margin",
    seed,
    parameterHash: hashParameters(parameters),
    commit: readCommit(),
    settings: { parameters: values.parameters, runs, multiple, latency, every, months: values.months, gaps: GAPS },
    tables: tablesOf(rows, judgements),
    plots: plotsOf(rows, judgements),
    notes: [
      ...verdictsOf(judgements),
      `${study.assessments} assessments of an account in ${seconds.toFixed(0)} s.`,
      "Left out: funding, interest, conversion of collateral, takeovers, and what one liquidation does to the next by its impact.",
    ],
    json: {
      rows: rows.map(({ shape, ...row }) => ({ ...row, book: shape.name, kind: shape.kind })),
      verdicts: judgements.map(({ shape, ...judgement }) => ({ book: shape.name, kind: shape.kind, ...judgement })),
    },
  };
}

function sourcesOf(
  parameters: Parameters,
  listed: Rules,
  { seed, runs, every, months }: { seed: number; runs: number; every: number; months: boolean },
): readonly Source[] {
  const options = stepOptionsOf(parameters);
  const crashes = loadCrashes();
  const recorded = [
    ...crashes.map((recording) => windows(recording, { stride: every, held: HELD_IN_CRASH })),
    windows(loadDepegged(), { stride: QUIET_STRIDE * every, held: HELD_IN_MONTHS }),
    ...(months ? [windows(loadMonths(), { stride: QUIET_STRIDE * every, held: HELD_IN_MONTHS })] : []),
  ];
  function windows(recording: Recording, { stride, held }: { stride: number; held: number }): Source {
    const steps = stepsOf(seriesOf(recording, parameters), options);
    const [from, until] = [steps[0]?.time ?? 0, steps.at(-1)?.time ?? 0];
    const starts: number[] = [];
    for (let at = from; at + stride <= until; at += stride) starts.push(at);
    return {
      name: recording.name,
      count: starts.length,
      paths: () => starts.map((at) => stepsWithin(steps, at, at + held)),
    };
  }
  const drawn = SCALES.map((scale, index) => {
    const sampler = bootstrap(crashes, { parameters, symbols: MARKETS, scale });
    const random = seeded(seed + index);
    function* paths(): Iterable<readonly Step[]> {
      for (let count = 0; count < runs; count++) yield stepsOf(sampler.sample(random), options);
    }
    return { name: `drawn × ${scale}`, count: runs, paths };
  });
  const gaps = GAP_KINDS.flatMap((kind) =>
    GAPS.map((gap) => ({
      name: gapName(kind, gap),
      count: alonesOf(kind).length,
      paths: () => alonesOf(kind).map((alone) => stepsOf(gapSeries({ kind, gap, alone }, parameters, listed), options)),
    })),
  );
  return [...recorded, ...drawn, ...gaps];
}

/** One asset at a time where the others stay. */
function alonesOf(kind: (typeof GAP_KINDS)[number]): readonly string[] {
  return kind === "one alone" ? MARKETS : ["ETH"];
}

/** As a source of rows: `gap by beta −30 %`. */
export function gapName(kind: (typeof GAP_KINDS)[number], gap: number): string {
  return `gap ${kind} ${Math.round(100 * gap)} %`;
}

export function stepOptionsOf({ environment }: Parameters): StepOptions {
  return { haltGrace: Number(environment.haltGrace), pegAsset: Number(environment.pegAsset) };
}

/** What each kind of margin asks of each book, at the prices that drawn paths begin at; shares of its size. */
function askedOf(
  study: Study,
  shapes: readonly Shape[],
  parameters: Parameters,
): ReadonlyMap<string, Readonly<Record<Margin, number>>> {
  const [first] = stepsOf(
    gapSeries({ kind: "equal", gap: 0, alone: "ETH" }, parameters, rulesOf(parameters)),
    stepOptionsOf(parameters),
  );
  return new Map(
    shapes.map((shape) => {
      const needs = MARGINS.map((margin) => study.openedWith(margin, shape, first).capital.requirement);
      const [isolated = 0n, plain = 0n, joint = 0n] = needs;
      return [
        shape.name,
        { isolated: shareOfSize(isolated), plain: shareOfSize(plain), joint: shareOfSize(joint) },
      ] as const;
    }),
  );
}
