/**
 * Runs the Solidity tests and reports what the handler of the invariants did: of each of its actions, and of each thing
 * tried in them, how often it was tried and how often it succeeded. A handler whose calls are mostly refused proves
 * nothing, so that is a failure too, as is a part of the protocol that it never reached.
 *
 *   TEST_DEPTH=deep node scripts/deep.ts     what `npm run test:deep` does: a million calls and more
 *   node scripts/deep.ts                     the depth of `npm test`
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import hre from "hardhat";

interface Count {
  calls: number;
  successes: number;
}

interface TestResult {
  name: string;
  status: string;
  reason?: string;
  kind: { calls?: bigint };
}

/** The runner's own results; the task is typed as unknown. */
interface Outcome {
  value?: { suiteResults: { testResults: TestResult[] }[] };
  error?: { suiteResults: { testResults: TestResult[] }[] };
}

const DEEP_CALLS = 1_000_000;
const LEAST_SHARE = 0.5;
const PROGRESS_EVERY = 30_000; // ms
/** Names of the handler's own actions begin with this; the others are what is tried in them. */
const ACTION = "@";
const MUST_BE_REACHED = [
  "liquidate",
  "takeOver",
  "convert",
  "realise",
  "flagInsolvent",
  "seize",
  "buySeized",
  "settleDeficit",
  "flagDeleveraging",
  "deleverage",
  "cutProfits",
  "windDown",
  "closeMarket",
  "provide",
  "redeem",
  "claim shares",
  "claim assets",
];

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** `hardhat.config.ts` lets tests write this file and no other. */
const COUNTS = "cache/invariants.txt";

rmSync(join(ROOT, COUNTS), { force: true });
mkdirSync(dirname(join(ROOT, COUNTS)), { recursive: true });
process.env["INVARIANT_COUNTS"] = COUNTS;

const started = performance.now();
const progress = setInterval(() => {
  console.log(`${elapsed()} s: ${String(callsOf(readCounts()))} calls`);
}, PROGRESS_EVERY);
const outcome = (await hre.tasks.getTask(["test", "solidity"]).run()) as Outcome;
clearInterval(progress);

const results = (outcome.value ?? outcome.error)?.suiteResults.flatMap(({ testResults }) => testResults) ?? [];
const counts = readCounts();
const complaints = results
  .filter(({ status }) => status !== "Success")
  .map(({ name, reason = "" }) => `${name} ${reason}`);
report("action of the handler", (name) => name.startsWith(ACTION));
report("tried in them", (name) => !name.startsWith(ACTION));
const calls = results.reduce((sum, { kind }) => sum + Number(kind.calls ?? 0n), 0);
console.log(`\n${String(calls)} calls of the handler in ${elapsed()} s`);

if (process.env["TEST_DEPTH"] === "deep" && calls < DEEP_CALLS) complaints.push(`only ${String(calls)} calls`);
for (const name of MUST_BE_REACHED) if (!counts.has(name)) complaints.push(`${name}: never reached`);
for (const complaint of complaints) console.error(complaint);
if (complaints.length !== 0) process.exitCode = 1;

function elapsed(): string {
  return ((performance.now() - started) / 1000).toFixed(0);
}

function callsOf(all: Map<string, Count>): number {
  return [...all].reduce((sum, [name, { calls: tried }]) => (name.startsWith(ACTION) ? sum + tried : sum), 0);
}

function report(title: string, isIncluded: (name: string) => boolean): void {
  console.log(`\n${title.padEnd(28)}${"calls".padStart(10)}${"succeeded".padStart(12)}`);
  for (const [name, { calls: tried, successes }] of [...counts].sort(([a], [b]) => a.localeCompare(b))) {
    if (!isIncluded(name)) continue;
    const share = successes / tried;
    const label = name.replace(ACTION, "");
    console.log(`${label.padEnd(28)}${String(tried).padStart(10)}${`${(100 * share).toFixed(1)} %`.padStart(12)}`);
    if (share < LEAST_SHARE) complaints.push(`${name}: ${share.toFixed(3)} succeeded`);
  }
}

/** Each run of a campaign leaves a line of `name:calls:successes;`. */
function readCounts(): Map<string, Count> {
  const sums = new Map<string, Count>();
  if (!existsSync(join(ROOT, COUNTS))) return sums;
  for (const item of readFileSync(join(ROOT, COUNTS), "utf8").split(/[;\n]/)) {
    const [name = "", tried = "0", successes = "0"] = item.split(":");
    if (name === "") continue;
    const sum = sums.get(name) ?? { calls: 0, successes: 0 };
    sums.set(name, { calls: sum.calls + Number(tried), successes: sum.successes + Number(successes) });
  }
  return sums;
}
