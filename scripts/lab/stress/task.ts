/** One run of a study, from its number to its summary. */
import { PPM } from "../../model/fixed.ts";
import { simulateIn } from "../engine/simulate.ts";
import type { RunResult, Scenario } from "../engine/types.ts";
import type { World } from "../engine/world.ts";
import { buildScenario, type StudySettings } from "./build.ts";
import type { Case } from "./cases.ts";
import { type RunSummary, summarise } from "./summary.ts";

/** Other parameters than the file's. */
export interface Variant {
  /** β and σ are multiplied by this. */
  readonly risk: number;
  /** m, 1e-6. */
  readonly maintenance: bigint;
}

export interface Task {
  readonly index: number;
  readonly one: Case;
  readonly variant?: Variant;
}

export function scenarioOf(world: World, settings: StudySettings, { index, one }: Task): Scenario {
  return buildScenario(world, settings, { index, one });
}

/** @param now Seconds of CPU or of the wall, for what is measured. */
export function perform(world: World, settings: StudySettings, task: Task, now: () => number): RunSummary {
  const varied = variantOf(world, task.variant);
  const scenario = scenarioOf(varied, settings, task);
  const start = now();
  const result = simulateIn(varied, scenario);
  const seconds = now() - start;
  return summarise(result, { index: task.index, attackers: scenario.traders.length - settings.traders, seconds });
}

/** The same run in full. */
export function repeat(world: World, settings: StudySettings, task: Task): { scenario: Scenario; result: RunResult } {
  const varied = variantOf(world, task.variant);
  const scenario = scenarioOf(varied, settings, task);
  return { scenario, result: simulateIn(varied, scenario) };
}

function variantOf(world: World, variant: Variant | undefined): World {
  if (variant === undefined) return world;
  const scaled = (rate: bigint): bigint => (rate * BigInt(Math.round(variant.risk * Number(PPM)))) / PPM;
  const { parameters } = world;
  return {
    ...world,
    parameters: { ...parameters, globals: { ...parameters.globals, maintenanceFactor: variant.maintenance } },
    assets: world.assets.map((asset) => {
      const rates = { ...asset.risk.to, beta: scaled(asset.risk.to.beta), sigma: scaled(asset.risk.to.sigma) };
      return { ...asset, risk: { ...asset.risk, from: rates, to: rates } };
    }),
  };
}
