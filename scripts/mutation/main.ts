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
import { readFileSync } from "node:fs";
import { setPriority } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { importsOf, parse, type Program, readSources } from "./ast.ts";
import { NONE } from "./connections.ts";
import { withoutEquivalents } from "./equivalents.ts";
import { findMutants, type Mutant } from "./mutants.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { type Coverage, measure, tryMutant, type Verdict, Worker } from "./pool.ts";
import { printResult, printSummary, Progress } from "./report.ts";
import { type Result, Results } from "./results.ts";
import { validMutants, write } from "./schemata.ts";
import { build, createTree, passesSolidityTests, writeProgram } from "./tree.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TREE = join(ROOT, "cache/mutation");
const RESULTS = join(ROOT, "reports/mutation/results.json");
const MUTATED = /^contracts\/(libraries|types)\//;
/** Tests of the contracts; the others drive processes of their own, which the switch does not reach. */
const TESTS = ["clearing", "lens", "model", "oracles", "orders", "pool", "vault"].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);
/** More in one program slow every test down, and may not compile. */
const BATCH = 250;

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
    for (let start = 0; start < pending.length; start += BATCH) {
      await this.#tryBatch(pending.slice(start, start + BATCH), progress);
    }
    return mutants.flatMap((mutant) => this.#results.get(mutant) ?? []);
  }

  async #tryBatch(batch: readonly Mutant[], progress: Progress): Promise<void> {
    progress.say(`compiling ${String(batch.length)} mutants`);
    writeProgram(TREE, this.#program.texts, write(this.#program, batch), this.#switch);
    try {
      await build(TREE);
    } catch (error) {
      // Code generation may refuse what the analysis accepts (a stack too deep), and does not say at which mutant.
      if (batch.length < 8) throw error;
      progress.say(`does not compile together: ${firstError(error)}`);
      const half = Math.ceil(batch.length / 2);
      await this.#tryBatch(batch.slice(0, half), progress);
      await this.#tryBatch(batch.slice(half), progress);
      return;
    }
    const workers = Array.from({ length: this.#options.workers }, () => new Worker(TREE, TESTS));
    try {
      progress.say("measuring the tests");
      await Promise.all(workers.map((worker) => worker.start()));
      const coverage = await measure(workers);
      for (const key of coverage.failing) progress.say(`left out, fails without a mutant: ${key}`);
      if (coverage.count === 0) throw new Error("no test passes without a mutant");
      const solidityTests = await this.#passingSolidityTests();
      const queue = [...batch.entries()];
      await Promise.all(
        workers.map(async (worker) => {
          for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
            const [index, mutant] = next;
            const verdict = await this.#tryOne(worker, coverage, solidityTests, mutant, index + 1);
            this.#results.set(mutant, verdict);
            progress.count(verdict);
            if (verdict.status !== "killed") printResult({ ...mutant, ...verdict });
          }
        }),
      );
    } finally {
      for (const worker of workers) worker.stop();
    }
  }

  async #tryOne(
    worker: Worker,
    coverage: Coverage,
    solidityTests: readonly string[],
    mutant: Mutant,
    number: number,
  ): Promise<Verdict> {
    const verdict = await tryMutant(worker, coverage, mutant, number);
    if (verdict.status === "killed") return verdict;
    const files = solidityTests.filter((file) => importsOf(this.#program, file).has(mutant.file));
    if (files.length === 0) return verdict;
    if (await passesSolidityTests(TREE, files, number)) return { ...verdict, status: "survived" };
    return { ...verdict, status: "killed", killedBy: files.join(", ") };
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

/** Fisher-Yates with a small generator: the same draw for the same seed, and a prefix of it for a smaller sample. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const result = [...items];
  let state = (seed + 0x9e3779b9) >>> 0;
  const next = (bound: number) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
  for (let at = 0; at < result.length; at++) {
    const other = at + next(result.length - at);
    [result[at], result[other]] = [result[other] as T, result[at] as T];
  }
  return result;
}

function firstError(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n").find((line) => /(error|exception):/i.test(line)) ?? text;
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
