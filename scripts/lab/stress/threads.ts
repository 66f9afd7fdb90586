/** Carries tasks out on so many threads. Which thread has which task changes nothing in the result. */
import { Worker } from "node:worker_threads";

import { InterruptedError } from "../errors.ts";
import type { StudySettings } from "./build.ts";
import type { RunSummary } from "./summary.ts";
import type { Task } from "./task.ts";

const WORKER = new URL("worker.ts", import.meta.url);

/** Summaries in the order of the tasks. Rejects with what a thread throws, and after the signal with an InterruptedError. */
export async function performAll(
  settings: StudySettings,
  tasks: readonly Task[],
  { workers, signal, onDone }: { workers: number; signal: AbortSignal; onDone: (done: number) => void },
): Promise<readonly RunSummary[]> {
  const summaries = new Map<number, RunSummary>();
  let next = 0;
  const threads = Array.from(
    { length: Math.min(workers, tasks.length) },
    () => new Worker(WORKER, { workerData: settings }),
  );
  const end = (): void => {
    for (const thread of threads) void thread.terminate();
  };
  signal.addEventListener("abort", end, { once: true });
  try {
    await Promise.all(
      threads.map(
        (thread) =>
          new Promise<void>((resolve, reject) => {
            const give = (): void => {
              const task = tasks[next++];
              if (task === undefined) resolve();
              else thread.postMessage(task);
            };
            thread.on("message", (summary: RunSummary) => {
              summaries.set(summary.index, summary);
              onDone(summaries.size);
              give();
            });
            thread.on("error", reject);
            thread.on("exit", () => {
              reject(new InterruptedError());
            });
            give();
          }),
      ),
    );
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
  return tasks.flatMap(({ index }) => summaries.get(index) ?? []);
}
