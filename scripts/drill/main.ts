/**
 * `npm run drill -- NAME …`, or `all`: what to do when something has happened, on a throw-away chain in this process.
 * Each step is said and checked. Exit codes: 0 it ended as it should, 1 it did not, 2 no such drill.
 */
import { network } from "hardhat";

import { messageOf, PlimsollError } from "../deploy/PlimsollError.ts";
import { DRILLS, type DrillName, isDrill } from "./drills.ts";
import { DrillError, setStage } from "./stage.ts";

const USAGE = `npm run drill -- NAME …
${Object.entries(DRILLS)
  .map(([name, { cause }]) => `  ${name.padEnd(16)} ${cause}`)
  .join("\n")}
  ${"all".padEnd(16)} one after the other`;

class UnknownDrillError extends PlimsollError {}

function namesIn(argv: readonly string[]): DrillName[] {
  if (argv.length === 0) throw new UnknownDrillError("which drill?");
  const names = argv.flatMap((name) => (name === "all" ? Object.keys(DRILLS) : [name]));
  return names.map((name) => {
    if (!isDrill(name)) throw new UnknownDrillError(`no drill ${name}`);
    return name;
  });
}

async function run(name: DrillName): Promise<void> {
  const { cause, run: act } = DRILLS[name];
  console.log(`${name}: ${cause}`);
  const connection = await network.create();
  try {
    await act(await setStage(connection), (text) => {
      console.log(`  ✓ ${text}`);
    });
  } finally {
    await connection.close();
  }
}

try {
  for (const name of namesIn(process.argv.slice(2))) await run(name);
} catch (error) {
  console.error(messageOf(error));
  if (error instanceof UnknownDrillError) console.error(USAGE);
  else if (!(error instanceof DrillError)) console.error(error);
  process.exitCode = error instanceof UnknownDrillError ? 2 : 1;
}
