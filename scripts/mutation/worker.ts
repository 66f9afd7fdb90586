/**
 * Runs chosen tests for one mutant after another, in a process that has loaded them once. Started by `pool.ts`; its
 * folder is the written program, already built.
 */
import { globSync } from "node:fs";
import { relative, resolve, sep } from "node:path";

import fc from "fast-check";
import hre from "hardhat";
import Mocha from "mocha";

import { NONE, reached, RECORD, select, settle, watchFixtures } from "./connections.ts";
import type { Outcome, Reply, Request, TestReport, TimedTest } from "./protocol.ts";

/** Until a test's own time is known. */
const TIMEOUT = 120_000;

// A counterexample is enough; making it small would take longer than all other tests.
fc.configureGlobal({ endOnFailure: true });

const [, , ...patterns] = process.argv;
const files = globSync(patterns).sort();
const mocha = new Mocha({
  ...hre.config.test.mocha,
  parallel: false,
  timeout: TIMEOUT,
  reporter: Mocha.reporters.Base,
});
mocha.cleanReferencesAfterRun(false);
for (const file of files) mocha.addFile(resolve(file));
await mocha.loadFilesAsync();

const testsOf = new Map<Mocha.Suite, Mocha.Test[]>();
const tests = new Map<string, Mocha.Test>();
const keys = new Map<Mocha.Test, string>();
register(mocha.suite);

let onFixture: (inside: ReadonlySet<number>) => void = () => undefined;
watchFixtures((inside) => {
  onFixture(inside);
});

// Of a test that has failed already. To throw would fail whatever test is running by then.
process.on("unhandledRejection", () => undefined);
process.on("message", (request: Request) => {
  void answer(request).then(send, (error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
// Nobody is left to report to.
process.on("disconnect", () => process.exit(1));

send({ kind: "ready", files: [...new Set([...tests.values()].map(fileOf))] });

async function answer(request: Request): Promise<Reply> {
  switch (request.kind) {
    case "record":
      await select(RECORD);
      return { kind: "recorded", tests: await record(request.file) };
    case "control":
      await select(NONE);
      return { kind: "recorded", tests: await record(request.file) };
    case "run":
      if (request.first) await select(request.mutant);
      return { kind: "ran", ...(await runUntilFailure(request.tests)) };
  }
}

function send(reply: Reply): void {
  process.send?.(reply);
}

/** Runs all tests of a file: how long each takes, and the mutants that it reaches, its hooks and fixtures included. */
async function record(file: string): Promise<TestReport[]> {
  const reports: (TestReport & { reached: number[] })[] = [];
  const sharedBy = new Map<Mocha.Suite, Set<number>>();
  const inside = new Set<number>();
  const failed = new Set<Mocha.Runnable>();
  let since = performance.now();
  // What a suite's hooks reach before its first test, all its tests have reached.
  let suite = mocha.suite;
  const shareHooks = () => {
    const shared = sharedBy.get(suite) ?? new Set<number>();
    for (const mutant of [...reached, ...inside]) shared.add(mutant);
    sharedBy.set(suite, shared);
    reached.clear();
    inside.clear();
  };
  onFixture = (fixture) => {
    for (const mutant of fixture) inside.add(mutant);
  };
  reached.clear();
  choose((test) => fileOf(test) === file);
  await run((runner) => {
    runner.on("suite", (next) => (suite = next));
    runner.on("hook end", (hook) => {
      if (hook.title.startsWith('"before all"')) shareHooks();
      if (hook.title.startsWith('"after each"')) {
        reports.at(-1)?.reached.push(...reached);
        reached.clear();
      }
    });
    runner.on("test", () => (since = performance.now()));
    runner.on("fail", (test) => failed.add(test));
    runner.on("test end", (test) => {
      const all = new Set([...reached, ...inside]);
      for (let at = test.parent; at !== undefined; at = at.parent) {
        for (const mutant of sharedBy.get(at) ?? []) all.add(mutant);
      }
      reached.clear();
      inside.clear();
      reports.push({
        key: keys.get(test) ?? "",
        file,
        milliseconds: performance.now() - since,
        reached: [...all],
        passed: test.isPassed(),
      });
    });
  });
  onFixture = () => undefined;
  const hookFailed = [...failed].some((runnable) => !(runnable instanceof Mocha.Test));
  return hookFailed ? reports.map((report) => ({ ...report, passed: false })) : reports;
}

async function runUntilFailure(chosen: readonly TimedTest[]): Promise<Outcome> {
  const names = new Set(chosen.map(({ key }) => key));
  for (const { key, timeout } of chosen) setTimeoutOf(tests.get(key), timeout);
  choose((test) => names.has(keys.get(test) ?? ""));
  let killedBy: string | undefined;
  let message: string | undefined;
  let tainted = false;
  let disturbed = false;
  await run((runner) => {
    runner.on("fail", (test: Mocha.Runnable, error: Error) => {
      killedBy ??= testOf(test);
      message ??= error.message.split("\n", 1)[0];
      if (error.message.startsWith("Timeout of")) tainted = true;
      if (error.message.startsWith("done() called multiple times")) disturbed = true;
      runner.abort();
    });
  });
  await settle();
  return { killedBy, error: message, tainted, disturbed };
}

/** Mocha keeps the timer of the last run, takes it for a running one and would start it again at once. */
function setTimeoutOf(test: Mocha.Test | undefined, milliseconds: number): void {
  if (test === undefined) return;
  test.timer = undefined;
  test.timeout(milliseconds);
}

/** The test that failed; of a hook, the test that it was run for. */
function testOf(runnable: Mocha.Runnable): string {
  const test = runnable instanceof Mocha.Test ? runnable : runnable.ctx?.currentTest;
  return (test && keys.get(test)) ?? runnable.fullTitle();
}

async function run(listen: (runner: Mocha.Runner) => void): Promise<void> {
  await new Promise<void>((done) => {
    const runner = mocha.run(() => {
      done();
    });
    listen(runner);
  });
}

/** Mocha passes over suites without tests, hooks included. */
function choose(wanted: (test: Mocha.Test) => boolean): void {
  for (const [suite, all] of testsOf) suite.tests = all.filter(wanted);
}

function register(suite: Mocha.Suite): void {
  testsOf.set(suite, suite.tests);
  for (const test of suite.tests) {
    const name = `${fileOf(test)} › ${test.fullTitle()}`;
    let key = name;
    for (let count = 2; tests.has(key); count++) key = `${name} (${String(count)})`;
    tests.set(key, test);
    keys.set(test, key);
  }
  suite.suites.forEach(register);
}

function fileOf(test: Mocha.Test): string {
  return relative(process.cwd(), test.file ?? "")
    .split(sep)
    .join("/");
}
