import { dirname, relative, resolve } from "node:path";

import { quantityOf } from "../../deploy/parameters.ts";
import { showQuantity } from "../../gov/units.ts";
import { hashParameters, readCommit } from "../output/provenance.ts";
import type { Report } from "../output/report.ts";
import type { Shell } from "../shell.ts";
import { type CalibrateOptions, parseOptions } from "./options.ts";
import { renderOverrides } from "./overrides.ts";
import { plotsOf } from "./plots.ts";
import { study, type Study, type Tested } from "./study.ts";
import { tablesOf } from "./tables.ts";

export { usage } from "./options.ts";

/** Name of the proposal beside the report. Not TypeScript, so that checks of the project do not take it for a part of it. */
const PROPOSAL = "parameters.mjs";

/** Fits parameters to price files, tests them, and proposes a file. */
export async function run(args: readonly string[], { progress, checkpoint, out }: Shell): Promise<Report> {
  const options = parseOptions(args);
  progress.phase("calibrate");
  const found = await study(options, async (done, what) => {
    progress.advance(done, what);
    await checkpoint();
  });
  progress.advance(1, "done");
  const parameterHash = hashParameters(found.before);
  return {
    command: "calibrate",
    title: "parameters from prices, and how they did afterwards",
    parameterHash,
    commit: readCommit(),
    settings: settingsOf(options, found),
    tables: tablesOf(found),
    plots: plotsOf(found, options),
    notes: notesOf(options, found),
    files: {
      [PROPOSAL]: renderOverrides(found.overrides, {
        from: importPath(out, options.parameters),
        head: headOf(options, parameterHash),
      }),
    },
    json: {
      proposedHash: hashParameters(found.proposed),
      changes: found.changes.map(({ path, before, after, reason }) => ({
        path,
        before: showQuantity(before, quantityOf(path)),
        after: showQuantity(after, quantityOf(path)),
        reason,
      })),
      fits: found.fits,
      measured: Object.fromEntries(found.measured),
    },
  };
}

/** From the folder of the report: it is not moved without the tree. */
function importPath(out: string, parameters: string): string {
  const path = relative(resolve(out), parameters).replaceAll("\\", "/");
  return path.startsWith(".") ? path : `./${path}`;
}

function headOf({ parameters, confidence, horizon, fitUntil }: CalibrateOptions, hash: string): readonly string[] {
  const until = new Date(fitUntil * 1_000).toISOString();
  return [
    `Proposed by \`npm run lab -- calibrate\` on ${relative(dirname(parameters), parameters)} (${hash}):`,
    `${100 * confidence} % over ${horizon} s, fitted on what was before ${until}. Reasons are in the report beside it.`,
  ];
}

function settingsOf(options: CalibrateOptions, { files }: Study): Readonly<Record<string, unknown>> {
  const { fitUntil, prices, parameters, ...rest } = options;
  return {
    parameters: relative(process.cwd(), parameters),
    fitUntil: new Date(fitUntil * 1_000).toISOString(),
    ...rest,
    prices: prices.map(([symbol], index) => {
      const file = files[index];
      const rows = file === undefined ? 0 : file.kind === "candles" ? file.candles.length : file.rounds.length;
      return `${symbol}: ${file?.file ?? ""} (${rows} ${file?.kind ?? ""})`;
    }),
  };
}

function notesOf({ confidence, horizon, liquidation, stressed }: CalibrateOptions, found: Study): readonly string[] {
  const level = `${100 * confidence} %`;
  const verdict = (set: Tested["set"]): string => {
    const tests = found.tests.filter(
      (test) => test.set === set && test.period === "test" && test.measure === "initial",
    );
    const failing = tests.filter(({ coverage }) => coverage.tooMany < 0.05).map(({ book }) => book.name);
    const failures = failing.length === 0 ? "none fails too often" : `too often: ${failing.join(", ")}`;
    return `Out of sample, ${set}: ${tests.length} books, initial requirement over ${horizon} s; ${failures}.`;
  };
  const unknown = found.before.assets.map(({ symbol }) => symbol).filter((symbol) => !found.symbols.includes(symbol));
  return [
    `The initial requirement is to cover the worst moment of ${level} of all stretches of ${horizon} s, the maintenance ` +
      `requirement of ${liquidation} s, in which an account is liquidated. Rates are fitted on the ${100 * stressed} % of days that ` +
      "moved most: on all days the quantile is one of calm markets.",
    verdict("in force"),
    verdict("proposed"),
    "The factor of a group is the first principal component of its moves in robust units: with its leader as factor the " +
      "leader's own risk would be nothing, and σ of the others would depend on who leads.",
    "Less margin is paid for with smaller caps: what a crash takes beyond the maintenance requirement is insurance's.",
    ...(unknown.length === 0 ? [] : [`Without prices, and left as they are: ${unknown.join(", ")}.`]),
    `${found.changes.length} changes, in ${PROPOSAL}: gov plan --parameters takes it.`,
  ];
}
