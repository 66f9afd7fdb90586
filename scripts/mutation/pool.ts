/** Worker processes, each with the tests loaded, and the order in which they try the tests on a mutant. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";

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
const LEAST_TIMEOUT = 20_000;
/** ms of tests that are tried at once: most mutants die of the first few, and the others need all of them. */
const STAGES = [800, 4_000, 15_000];
/** ms that go by around each test. */
const OVERHEAD = 40;

export interface Verdict {
  readonly status: "killed" | "survived" | "uncovered";
  readonly killedBy: string | undefined;
  readonly error: string | undefined;
  readonly milliseconds: number;
}

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
    if (reply?.kind !== "ready") throw new Error("a test process did not start");
    this.files = reply.files;
  }

  /** `undefined` if there was no answer in time; the process is then gone. */
  async ask(request: Request, milliseconds: number): Promise<Reply | undefined> {
    if (this.#child === undefined) await this.start();
    this.#child?.send(request);
    const reply = await this.#reply(milliseconds);
    if (reply === undefined) this.stop();
    return reply;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  stop(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  async #reply(milliseconds: number): Promise<Reply | undefined> {
    const child = this.#child;
    if (child === undefined) return undefined;
    return new Promise((resolve) => {
      const finish = (reply?: Reply) => {
        clearTimeout(timer);
        child.off("message", onMessage);
        child.off("exit", onExit);
        resolve(reply);
      };
      const onMessage = (reply: unknown) => {
        finish(reply as Reply);
      };
      const onExit = () => {
        finish();
      };
      const timer = setTimeout(onExit, milliseconds);
      child.once("message", onMessage);
      child.once("exit", onExit);
    });
  }
}

/** Which tests pass without a mutant, and what each of them reaches. */
export class Coverage {
  #tests: readonly KnownTest[];
  readonly #sound = new Set<string>();
  readonly failing: readonly string[];
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

  /** The tests that reach a mutant, in stages: those that kill most of its kind per second first. */
  stagesFor(mutant: Mutant, number: number): TimedTest[][] {
    const worth = ({ key, milliseconds }: KnownTest) =>
      (1 +
        30 * (this.#kills.get(scopeKey(mutant))?.get(key) ?? 0) +
        8 * (this.#kills.get(mutant.file)?.get(key) ?? 0) +
        (this.#kills.get("")?.get(key) ?? 0)) /
      (milliseconds + OVERHEAD);
    const candidates = this.#tests
      .filter(({ reached }) => reached.has(number))
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

  /** Whether a test is known to pass alone, and not only after those that stand before it. */
  isSound(key: string): boolean {
    return this.#sound.has(key);
  }

  judge(key: string, sound: boolean): void {
    if (sound) this.#sound.add(key);
    else this.#tests = this.#tests.filter((test) => test.key !== key);
  }

  learn(mutant: Mutant, killer: string): void {
    for (const group of [scopeKey(mutant), mutant.file, ""]) {
      const counts = this.#kills.get(group) ?? new Map<string, number>();
      this.#kills.set(group, counts);
      counts.set(killer, (counts.get(killer) ?? 0) + 1);
    }
  }
}

/** Runs every test file once with the recording on and once plainly, the files shared out among the workers. */
export async function measure(workers: readonly Worker[]): Promise<Coverage> {
  const recorded = await onEachFile(workers, "record");
  return new Coverage(recorded, await onEachFile(workers, "control"));
}

/** Runs the tests that reach a mutant until one fails that passes without it. */
export async function tryMutant(worker: Worker, coverage: Coverage, mutant: Mutant, number: number): Promise<Verdict> {
  const since = performance.now();
  const verdict = (status: Verdict["status"], killedBy?: string, error?: string): Verdict => {
    return { status, killedBy, error, milliseconds: Math.round(performance.now() - since) };
  };
  const pending = coverage.stagesFor(mutant, number);
  if (pending.length === 0) return verdict("uncovered");
  let first = true;
  for (let tests = pending.shift(); tests !== undefined; tests = pending.shift()) {
    const outcome = await runTests(worker, number, first, tests);
    if (outcome === undefined) return verdict("killed", "(does not end)");
    first = false;
    const { killedBy, error } = outcome;
    if (killedBy === undefined) continue;
    if (!coverage.isSound(killedBy)) {
      const alone = [{ key: killedBy, timeout: RECORDING }];
      const control = await runTests(worker, NONE, true, alone);
      coverage.judge(killedBy, control?.killedBy === undefined);
      first = true;
    }
    if (coverage.isSound(killedBy)) {
      coverage.learn(mutant, killedBy);
      return verdict("killed", killedBy, error);
    }
    pending.unshift(tests.filter(({ key }) => key !== killedBy));
  }
  return verdict("survived");
}

/** `undefined` if they did not end. What an earlier mutant has left behind does not count: a new process then. */
async function runTests(
  worker: Worker,
  mutant: number,
  first: boolean,
  tests: readonly TimedTest[],
): Promise<Outcome | undefined> {
  const limit = tests.reduce((sum, { timeout }) => sum + timeout, LEAST_TIMEOUT);
  const reply = await worker.ask({ kind: "run", mutant, first: first || !worker.running, tests }, limit);
  if (reply?.kind !== "ran") return undefined;
  if (reply.tainted || reply.disturbed) worker.stop();
  return reply.disturbed ? runTests(worker, mutant, true, tests) : reply;
}

async function onEachFile(workers: readonly Worker[], kind: "record" | "control"): Promise<TestReport[]> {
  const pending = [...(workers[0]?.files ?? [])];
  const reports: TestReport[] = [];
  await Promise.all(
    workers.map(async (worker) => {
      for (let file = pending.shift(); file !== undefined; file = pending.shift()) {
        const reply = await worker.ask({ kind, file }, RECORDING);
        if (reply?.kind !== "recorded") throw new Error(`${file} did not end without a mutant`);
        reports.push(...reply.tests);
      }
    }),
  );
  return reports;
}

function scopeKey({ file, scope }: Mutant): string {
  return `${file}:${scope}`;
}
