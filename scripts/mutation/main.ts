/**
 * Mutation tests of the Solidity libraries: small changes, each of which ought to make a test fail.
 *
 *   npm run test:mutation -- --help
 *
 * 1. `mutants.ts` finds the changes in solc's syntax tree.
 * 2. `schemata.ts` writes a batch of them into one program, each behind a switch, and the program is compiled once.
 * 3. `worker.ts` has the tests loaded and turns on one mutant after another: the switch is the coinbase of the chain.
 * 4. A first run with all mutants off records which tests reach which mutants; only these are tried, and those that
 *    killed mutants of the same function come first (`pool.ts`).
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { setPriority } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { importsOf, parse, type Program, readSources } from "./ast.ts";
import { NONE } from "./connections.ts";
import { withoutEquivalents } from "./equivalents.ts";
import { findMutants, type Mutant } from "./mutants.ts";
import { thinned } from "./crowded.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { measure, tryMutant, type Verdict, Worker } from "./pool.ts";
import { printResult, printSummary, Progress } from "./report.ts";
import { type Result, Results } from "./results.ts";
import { validMutants, write } from "./schemata.ts";
import { build, createTree, OPTIMIZERS, passesSolidityTests, writeProgram } from "./tree.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TREE = join(ROOT, "cache/mutation");
const RESULTS = join(ROOT, "reports/mutation/results.json");
const MUTATED = /^contracts\/(libraries|types)\//;
/** Tests of the contracts; the others drive processes of their own, which the switch does not reach. */
const FOLDERS =
  "{clearing,governance,hazards,insurance,lens,model,oracles,orders,pool,rounding,streams,vault,waterfall}";
const TESTS = [`test/${FOLDERS}/**/*.test.ts`];
/** More in one program slow every test down, and may not compile. */
const BATCH = 250;

/** A mutant as it goes through the tests. */
interface Trial {
  readonly mutant: Mutant;
  /** In its program. */
  readonly number: number;
  readonly milliseconds: number;
  /** By some test. */
  readonly reached: boolean;
}

class Run {
  readonly #options: Options;
  readonly #program: Program;
  readonly #switch = readFileSync(new URL("MutantSwitch.sol", import.meta.url), "latin1");
  readonly #results: Results;

  constructor(options: Options) {
    this.#options = options;
    this.#program = parse(ROOT, readSources(ROOT));
    this.#results = new Results(ROOT, RESULTS, options.fresh);
  }

  /** The mutants of this run, without those that do not compile or are declared equivalent. */
  choose(): Mutant[] {
    const { only, sample, seed } = this.#options;
    const all = findMutants(this.#program, (file) => MUTATED.test(file));
    const counted = withoutEquivalents(validMutants(ROOT, this.#program, this.#switch, all));
    const wanted = counted.filter(({ file }) => only.length === 0 || only.some((path) => file.startsWith(path)));
    return shuffled(wanted, seed).slice(0, sample);
  }

  /** Tries those that have no result yet. */
  async tryAll(mutants: readonly Mutant[]): Promise<Result[]> {
    const pending = mutants.filter((mutant) => this.#results.get(mutant) === undefined);
    const progress = new Progress(mutants.length, pending.length);
    if (pending.length > 0) createTree(ROOT, TREE);
    while (pending.length > 0) {
      const next = pending.splice(0, BATCH);
      const batch = await this.#compile(next, progress);
      const left = next.filter((mutant) => !batch.includes(mutant));
      // In the last batch it is not worth the measuring again for a few.
      if (pending.length > 0) pending.push(...left);
      else for (const mutant of left) this.#leaveOut(mutant);
      await this.#tryBatch(batch, progress);
    }
    return mutants.flatMap((mutant) => this.#results.get(mutant) ?? []);
  }

  /** Compiles as many of them together as will do, and says which. */
  async #compile(wanted: readonly Mutant[], progress: Progress): Promise<readonly Mutant[]> {
    for (let batch = wanted; ;) {
      progress.say(`compiling ${String(batch.length)} mutants`);
      writeProgram(TREE, this.#program.texts, write(this.#program, batch), this.#switch);
      const refusals: string[] = [];
      // Code generation refuses what the analysis accepts (a stack too deep): either way at times, and without a mutant.
      for (const optimizer of OPTIMIZERS) {
        const refusal = await build(TREE, optimizer);
        if (refusal === undefined) return batch;
        refusals.push(refusal);
      }
      const fewer = refusals
        .map((refusal) => thinned(this.#program, batch, refusal))
        .find((left) => left !== undefined);
      batch = fewer ?? batch.slice(0, Math.floor(batch.length / 2));
      if (batch.length === 0) throw new Error(refusals.join("\n"));
    }
  }

  #leaveOut(mutant: Mutant): void {
    console.log("\nNot tried: does not compile together with the others; the next run does it");
    printResult(mutant);
  }

  async #tryBatch(batch: readonly Mutant[], progress: Progress): Promise<void> {
    const workers = Array.from({ length: this.#options.workers }, () => new Worker(TREE, TESTS));
    try {
      progress.say("measuring the tests");
      await Promise.all(workers.map((worker) => worker.start()));
      const coverage = await measure(workers, (text) => {
        progress.say(text);
      });
      for (const key of coverage.failing) progress.say(`left out, fails without a mutant: ${key}`);
      if (coverage.count === 0) throw new Error("no test passes without a mutant");
      const solidityTests = await this.#passingSolidityTests();
      const left: Trial[] = [];
      const settle = (trial: Trial, verdict: Verdict) => {
        this.#results.set(trial.mutant, verdict);
        progress.count(verdict);
        if (verdict.status !== "killed") printResult({ ...trial.mutant, ...verdict });
      };
      const trials = batch.map((mutant, index): Trial => ({
        mutant,
        number: index + 1,
        milliseconds: 0,
        reached: false,
      }));
      await forEach(workers, trials, async (worker, trial) => {
        const verdict = await tryMutant(worker, coverage, { ...trial, pace: "quick" });
        if (isSurvivor(verdict)) left.push(after(trial, verdict));
        if (!isSurvivor(verdict)) settle(trial, verdict);
      });
      progress.say(`${String(left.length)} have survived the quick tests`);
      await forEach(workers, left, async (worker, trial) => {
        const verdict = await tryMutant(worker, coverage, { ...trial, pace: "slow" });
        const { reached, milliseconds } = after(trial, verdict);
        if (!isSurvivor(verdict)) settle(trial, { ...verdict, milliseconds });
        else settle(trial, await this.#judge(solidityTests, { ...trial, reached, milliseconds }));
      });
      for (const key of coverage.distrusted) progress.say(`left out halfway, failed without a mutant: ${key}`);
    } finally {
      for (const worker of workers) worker.stop();
    }
  }

  /** What the Solidity tests say of a mutant that all others let through. */
  async #judge(solidityTests: readonly string[], { mutant, number, reached, milliseconds }: Trial): Promise<Verdict> {
    const verdict = (status: Verdict["status"], killedBy?: string) => {
      return { status, killedBy, error: undefined, milliseconds };
    };
    const files = solidityTests.filter((file) => importsOf(this.#program, file).has(mutant.file));
    if (files.length === 0) return verdict(reached ? "survived" : "uncovered");
    if (await passesSolidityTests(TREE, files, number)) return verdict("survived");
    return verdict("killed", files.join(", "));
  }

  async #passingSolidityTests(): Promise<string[]> {
    const passing: string[] = [];
    for (const file of this.#program.texts.keys()) {
      if (!file.endsWith(".t.sol")) continue;
      if (await passesSolidityTests(TREE, [file], NONE)) passing.push(file);
      else console.log(`left out, fails without a mutant: ${file}`);
    }
    return passing;
  }
}

function isSurvivor({ status }: Verdict): boolean {
  return status === "survived" || status === "uncovered";
}

function after(trial: Trial, { status, milliseconds }: Verdict): Trial {
  return {
    ...trial,
    reached: trial.reached || status !== "uncovered",
    milliseconds: trial.milliseconds + milliseconds,
  };
}

async function forEach<T>(
  workers: readonly Worker[],
  items: readonly T[],
  act: (worker: Worker, item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  await Promise.all(
    workers.map(async (worker) => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) await act(worker, next);
    }),
  );
}

/** The same draw for the same seed, a smaller sample being part of it; what is added or taken away moves nothing else. */
function shuffled(mutants: readonly Mutant[], seed: number): Mutant[] {
  const lot = ({ key }: Mutant) =>
    createHash("sha256")
      .update(`${String(seed)}:${key}`)
      .digest("hex");
  return mutants
    .map((mutant) => ({ mutant, lot: lot(mutant) }))
    .sort((a, b) => (a.lot < b.lot ? -1 : 1))
    .map(({ mutant }) => mutant);
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  // It runs for long: whatever else the machine does goes first.
  setPriority(10);
  const run = new Run(options);
  const mutants = run.choose();
  if (mutants.length === 0) throw new Error("no mutants there");
  if (options.list) {
    const inOrder = mutants.toSorted((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
    for (const mutant of inOrder) printResult(mutant);
    console.log(`${String(mutants.length)} mutants`);
    return 0;
  }
  const score = printSummary(await run.tryAll(mutants));
  return score >= options.threshold ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
