/** Worker processes, each with the tests loaded, and the order in which they try the tests on a mutant. */
import { type ChildProcess, fork } from "node:child_process";
import { basename, join } from "node:path";

import { NONE } from "./connections.ts";
import type { Mutant } from "./mutants.ts";
import type { Outcome, Reply, Request, TestReport, TimedTest } from "./protocol.ts";
import { environment } from "./tree.ts";

/** ms that a process may take to load the tests. */
const STARTUP = 120_000;
/** ms that a file may take with all mutants off. */
const RECORDING = 600_000;
/** A test that takes so many times its own time hangs. */
const PATIENCE = 8;
const LEAST_TIMEOUT = 60_000;
/** ms of tests that are tried at once: most mutants die of the first few, and the others need all of them. */
const STAGES = [800, 4_000, 15_000];
/** ms that go by around each test. */
const OVERHEAD = 40;
/** ms from which on a test waits until all mutants have met the others. */
const SLOW = 8_000;

export interface Verdict {
  /**
   * `uncovered`: no test reaches it. `timeout`: a test did not end. `fault`: the process broke down. The last two say nothing
   * about what the tests notice, and never count as killed.
   */
  readonly status: "killed" | "survived" | "uncovered" | "timeout" | "fault";
  readonly killedBy: string | undefined;
  readonly error: string | undefined;
  readonly milliseconds: number;
}

/** Which of the tests. */
export type Pace = "quick" | "slow";

/** Not in time; or the process has died. */
type NoReply = "timeout" | "fault";

interface KnownTest {
  readonly key: string;
  readonly milliseconds: number;
  readonly reached: ReadonlySet<number>;
}

/** A process that answers one request at a time and is replaced when it hangs or dies. */
export class Worker {
  readonly #tree: string;
  readonly #patterns: readonly string[];
  #child: ChildProcess | undefined;
  files: readonly string[] = [];

  constructor(tree: string, patterns: readonly string[]) {
    this.#tree = tree;
    this.#patterns = patterns;
  }

  async start(): Promise<void> {
    this.stop();
    this.#child = fork(join(this.#tree, "scripts/mutation/worker.ts"), this.#patterns, {
      cwd: this.#tree,
      // Tests do not hold code that counts its coverage to bounds on gas, nor this code.
      env: { ...environment(NONE), HARDHAT_COVERAGE: "true" },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const child = this.#child;
    child.once("exit", () => {
      if (this.#child === child) this.#child = undefined;
    });
    const reply = await this.#reply(STARTUP);
    if (typeof reply === "string" || reply.kind !== "ready") throw new Error("a test process did not start");
    this.files = reply.files;
  }

  /** Without an answer the process is gone. */
  async ask(request: Request, milliseconds: number): Promise<Reply | NoReply> {
    if (this.#child === undefined) await this.start();
    this.#child?.send(request);
    const reply = await this.#reply(milliseconds);
    if (typeof reply === "string") this.stop();
    return reply;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  stop(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  async #reply(milliseconds: number): Promise<Reply | NoReply> {
    const child = this.#child;
    if (child === undefined) return "fault";
    return new Promise((resolve) => {
      const finish = (reply: Reply | NoReply) => {
        clearTimeout(timer);
        child.off("message", onMessage);
        child.off("exit", onExit);
        resolve(reply);
      };
      const onMessage = (reply: unknown) => {
        finish(reply as Reply);
      };
      const onExit = () => {
        finish("fault");
      };
      const timer = setTimeout(() => {
        finish("timeout");
      }, milliseconds);
      child.once("message", onMessage);
      child.once("exit", onExit);
    });
  }
}

/** Which tests pass without a mutant, and what each of them reaches. */
export class Coverage {
  #tests: readonly KnownTest[];
  readonly failing: readonly string[];
  readonly distrusted: string[] = [];
  readonly #kills = new Map<string, Map<string, number>>();

  constructor(recorded: readonly TestReport[], control: readonly TestReport[]) {
    const passing = new Map(control.filter(({ passed }) => passed).map((test) => [test.key, test]));
    this.failing = control.filter(({ passed }) => !passed).map(({ key }) => key);
    this.#tests = recorded.flatMap(({ key, reached }) => {
      const milliseconds = passing.get(key)?.milliseconds;
      return milliseconds === undefined ? [] : [{ key, milliseconds, reached: new Set(reached) }];
    });
  }

  get count(): number {
    return this.#tests.length;
  }

  /**
   * The tests that reach a mutant, in stages: those that kill most of its kind per second first, and of others those that
   * reach little or are called like what is mutated, since they look at it closely.
   */
  stagesFor(mutant: Mutant, number: number, pace: Pace): TimedTest[][] {
    const words = wordsOf(mutant);
    const worth = ({ key, milliseconds, reached }: KnownTest) =>
      ((20 / (20 + reached.size)) * (1 + words.filter((word) => key.toLowerCase().includes(word)).length) +
        30 * (this.#kills.get(scopeKey(mutant))?.get(key) ?? 0) +
        8 * (this.#kills.get(mutant.file)?.get(key) ?? 0) +
        (this.#kills.get("")?.get(key) ?? 0)) /
      (milliseconds + OVERHEAD);
    const candidates = this.#tests
      .filter(({ reached, milliseconds }) => reached.has(number) && milliseconds >= SLOW === (pace === "slow"))
      .map((test) => ({ test, worth: worth(test) }))
      .sort((a, b) => b.worth - a.worth);
    const stages: TimedTest[][] = [];
    let left = 0;
    for (const { test } of candidates) {
      if (left <= 0) {
        left = STAGES[stages.length] ?? STAGES.at(-1) ?? 0;
        stages.push([]);
      }
      left -= test.milliseconds + OVERHEAD;
      stages.at(-1)?.push({ key: test.key, timeout: Math.max(LEAST_TIMEOUT, PATIENCE * test.milliseconds) });
    }
    return stages;
  }

  /** Leaves out a test that has failed without a mutant. */
  distrust(key: string): void {
    this.distrusted.push(key);
    this.#tests = this.#tests.filter((test) => test.key !== key);
  }

  learn(mutant: Mutant, killer: string): void {
    for (const group of [scopeKey(mutant), mutant.file, ""]) {
      const counts = this.#kills.get(group) ?? new Map<string, number>();
      this.#kills.set(group, counts);
      counts.set(killer, (counts.get(killer) ?? 0) + 1);
    }
  }
}

/**
 * Runs every test file once with the recording on, the files shared out among the workers. Where a test fails, the file
 * runs once more without: recording costs gas.
 */
export async function measure(workers: readonly Worker[], say: (text: string) => void): Promise<Coverage> {
  const files = workers[0]?.files ?? [];
  const recorded = await onEachFile(workers, "record", files, say);
  const failed = new Set(recorded.filter(({ passed }) => !passed).map(({ file }) => file));
  const control = failed.size === 0 ? [] : await onEachFile(workers, "control", [...failed], say);
  return new Coverage(recorded, [...recorded.filter(({ file }) => !failed.has(file)), ...control]);
}

/** Runs the tests that reach a mutant until one fails that passes without it. */
export async function tryMutant(
  worker: Worker,
  coverage: Coverage,
  { mutant, number, pace }: { mutant: Mutant; number: number; pace: Pace },
): Promise<Verdict> {
  const since = performance.now();
  const verdict = (status: Verdict["status"], killedBy?: string, error?: string): Verdict => {
    return { status, killedBy, error, milliseconds: Math.round(performance.now() - since) };
  };
  const pending = coverage.stagesFor(mutant, number, pace);
  if (pending.length === 0) return verdict("uncovered");
  let first = true;
  for (let tests = pending.shift(); tests !== undefined; tests = pending.shift()) {
    const outcome = await runTests(worker, number, first, tests);
    if (typeof outcome === "string") return verdict(outcome);
    first = false;
    const { killedBy, error } = outcome;
    if (killedBy === undefined) continue;
    // The very test, in the same process, without the mutant.
    const control = await runTests(worker, NONE, true, [{ key: killedBy, timeout: RECORDING }]);
    first = true;
    if (typeof control !== "string" && control.killedBy === undefined) {
      if (outcome.tainted) return verdict("timeout", undefined, error);
      coverage.learn(mutant, killedBy);
      return verdict("killed", killedBy, error);
    }
    coverage.distrust(killedBy);
    pending.unshift(tests.filter(({ key }) => key !== killedBy));
  }
  return verdict("survived");
}

/** What an earlier mutant has left behind does not count, nor does a process that dies once: a new process then. */
async function runTests(
  worker: Worker,
  mutant: number,
  first: boolean,
  tests: readonly TimedTest[],
  again = true,
): Promise<Outcome | NoReply> {
  const limit = tests.reduce((sum, { timeout }) => sum + timeout, LEAST_TIMEOUT);
  const reply = await worker.ask({ kind: "run", mutant, first: first || !worker.running, tests }, limit);
  if (reply === "timeout") return reply;
  const ran = typeof reply === "string" || reply.kind !== "ran" ? undefined : reply;
  if (ran === undefined || ran.tainted || ran.disturbed) worker.stop();
  if (ran !== undefined && !ran.disturbed) return ran;
  return again ? runTests(worker, mutant, true, tests, false) : "fault";
}

async function onEachFile(
  workers: readonly Worker[],
  kind: "record" | "control",
  files: readonly string[],
  say: (text: string) => void,
): Promise<TestReport[]> {
  const pending = [...files];
  const reports: TestReport[] = [];
  let done = 0;
  await Promise.all(
    workers.map(async (worker) => {
      for (let file = pending.shift(); file !== undefined; file = pending.shift()) {
        const reply = await worker.ask({ kind, file }, RECORDING);
        if (typeof reply === "string" || reply.kind !== "recorded")
          throw new Error(`${file} did not end without a mutant`);
        reports.push(...reply.tests);
        if (++done % 20 === 0 || done === files.length)
          say(`${kind}: ${String(done)} of ${String(files.length)} test files`);
      }
    }),
  );
  return reports;
}

function scopeKey({ file, scope }: Mutant): string {
  return `${file}:${scope}`;
}

/** Words of the names of its file and function: `fee`, `state`, but not `_of`. */
function wordsOf({ file, scope }: Mutant): string[] {
  const words = `${basename(file, ".sol")} ${scope}`.match(/[A-Z]?[a-z]{3,}/g) ?? [];
  return [...new Set(words.map((word) => word.toLowerCase()))];
}
