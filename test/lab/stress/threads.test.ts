import { expect } from "chai";

import { InterruptedError } from "../../../scripts/lab/errors.ts";
import type { StudySettings } from "../../../scripts/lab/stress/build.ts";
import { casesOf } from "../../../scripts/lab/stress/cases.ts";
import { chosenOf, tasksOf } from "../../../scripts/lab/stress/command.ts";
import { DEFAULT_MARKET } from "../../../scripts/lab/stress/sampler.ts";
import { expectedShortfall, type RunSummary, valueAtRisk } from "../../../scripts/lab/stress/summary.ts";
import { repeat } from "../../../scripts/lab/stress/task.ts";
import { performAll } from "../../../scripts/lab/stress/threads.ts";
import { ETH, PARAMETERS, world } from "../engine/scenarios.ts";

const settings: StudySettings = {
  parameters: PARAMETERS,
  seed: 11,
  market: DEFAULT_MARKET,
  traders: 8,
  pool: 5_000_000,
  insurance: 100_000,
  duration: 2_400,
  step: 60,
  latency: 60,
  margin: 0,
};
const cases = casesOf({ index: ETH });
const { signal } = new AbortController();

describe("study of many runs", () => {
  it("comes to the same on one thread and on three, and when a run is repeated alone", async () => {
    const tasks = tasksOf(cases, 5);
    const [one, three] = await Promise.all(
      [1, 3].map((workers) => performAll(settings, tasks, { workers, signal, onDone: () => undefined })),
    );
    const plain = (runs: readonly RunSummary[] | undefined) => runs?.map((run) => ({ ...run, seconds: 0 }));
    expect(plain(three)).to.deep.equal(plain(one));
    const last = tasks.at(-1);
    if (last === undefined) throw new Error("no tasks");
    expect(repeat(world, settings, last).result.digest).to.equal(one?.at(-1)?.digest);
  });

  it("ends with an InterruptedError when it is aborted", async () => {
    const controller = new AbortController();
    const tasks = tasksOf(cases, 50);
    const study = performAll(settings, tasks, { workers: 2, signal: controller.signal, onDone: () => undefined });
    controller.abort();
    try {
      await study;
    } catch (error) {
      expect(error).to.be.instanceOf(InterruptedError);
      return;
    }
    expect.fail("it went on");
  });
});

describe("runs that are confirmed", () => {
  it("are the worst and others at random, none twice", () => {
    const ranked = Array.from({ length: 20 }, (_, index) => ({ index })) as RunSummary[];
    const chosen = chosenOf(ranked, { worst: 3, sample: 5, seed: 1 }).map(({ index }) => index);
    expect(chosen.slice(0, 3)).to.deep.equal([0, 1, 2]);
    expect(new Set(chosen).size).to.equal(8);
  });
});

describe("value at risk and expected shortfall", () => {
  const losses = Array.from({ length: 100 }, (_, index) => 100 - index);

  it("are the rank of the confidence, and the mean of what is beyond", () => {
    expect(valueAtRisk(losses, 0.95)).to.equal(95);
    expect(expectedShortfall(losses, 0.95)).to.equal(98);
  });
});
