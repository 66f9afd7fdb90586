/** A thread that carries runs out: a task in, a summary back. */
import { parentPort, workerData } from "node:worker_threads";

import { loadWorld } from "../engine/world.ts";
import type { StudySettings } from "./build.ts";
import { perform, type Task } from "./task.ts";

const settings = workerData as StudySettings;
const world = await loadWorld(settings.parameters);
const cpu = (): number => process.threadCpuUsage().user / 1e6;

parentPort?.on("message", (task: Task) => {
  parentPort?.postMessage(perform(world, settings, task, cpu));
});
