/** `npm run test:keeper`: see `USAGE` in `options.ts`. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { messageOf, PlimsollError } from "../deploy/PlimsollError.ts";
import { cast } from "./cast.ts";
import { type Options, OptionsError, parseOptions, USAGE } from "./options.ts";
import { type Outcome, runScenario } from "./scenario.ts";
import { openingAnswers, openingPrices, recorded } from "./script.ts";
import { Stage } from "./stage.ts";
import { putTable, rowOf, TableError } from "./table.ts";

/** Complaints that are printed of one run; all are in the JSON. */
const SAID = 10;

async function main(options: Options): Promise<boolean> {
  const { accounts, faults, pace, limit, seed, table, json, logs } = options;
  const folder = logs ?? mkdtempSync(join(tmpdir(), "plimsoll-faults-"));
  const given = process.argv.slice(2);
  const command = ["npm run test:keeper", ...(given.length > 0 ? ["--", ...given] : [])].join(" ");
  // Before the hour that it takes, not after.
  if (table !== undefined) putTable(pageOf(table), { outcomes: [], command });
  console.log("starting a chain, deploying");
  const stage = await Stage.open();
  const outcomes: Outcome[] = [];
  try {
    const members = cast(accounts, openingPrices(openingAnswers(recorded())));
    await stage.endow(members, steps("endowing accounts"));
    await stage.checkpoint();
    const lens = await stage.lens();
    for (const [place, fault] of faults.entries()) {
      if (place > 0) await stage.restore();
      const onProgress = steps(`${place + 1}/${faults.length} ${fault.name}`);
      const outcome = await runScenario({
        stage,
        members,
        fault,
        lens,
        pace,
        limit,
        seed: seed + place,
        folder,
        onProgress,
      });
      outcomes.push(outcome);
      console.log(`${rowOf(outcome)} ${outcome.wallSeconds.toFixed(0)} s`);
      for (const complaint of outcome.complaints.slice(0, SAID)) console.log(`  ${complaint}`);
      // After each: the whole takes an hour, and may be ended.
      if (table !== undefined) writeFileSync(table, putTable(pageOf(table), { outcomes, command }));
      if (json !== undefined) writeFileSync(json, `${JSON.stringify(outcomes, undefined, 2)}\n`);
    }
  } finally {
    await stage.close();
    if (logs === undefined) rmSync(folder, { recursive: true, force: true });
  }
  const failed = outcomes.filter(({ passed }) => !passed).map(({ key }) => key);
  console.log(
    `${outcomes.length - failed.length} of ${outcomes.length} faults passed${failed.length > 0 ? `; failed: ${failed.join(", ")}` : ""}`,
  );
  return failed.length === 0;
}

function pageOf(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/** Says a quarter at a time how far something is. */
function steps(what: string): (done: number) => void {
  let said = -1;
  return (done) => {
    const quarter = Math.floor(done * 4);
    if (quarter === said) return;
    said = quarter;
    console.log(`${what}: ${quarter * 25} %`);
  };
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) console.log(USAGE);
  else if (!(await main(options))) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof PlimsollError ? messageOf(error) : error);
  process.exitCode = error instanceof OptionsError || error instanceof TableError ? 2 : 1;
}
