/** What every command of the lab is given, and what it gives back. */
import { setImmediate as nextTurn } from "node:timers/promises";

import type { Progress } from "../replay/progress.ts";
import { InterruptedError } from "./errors.ts";
import type { Report } from "./output/report.ts";

export interface Shell {
  /** On long work. */
  readonly progress: Progress;
  /** Folder that the report goes to. It is written when the command has ended well, by whoever started it. */
  readonly out: string;
  /** Aborted by SIGINT: for workers and children. */
  readonly signal: AbortSignal;
  /** Of the wall clock, s. For what is measured only: results must not depend on it. */
  readonly now: () => number;
  /** Lets signals in. A loop that takes long awaits this now and then. Throws an InterruptedError after SIGINT. */
  readonly checkpoint: () => Promise<void>;
}

/** A command, in `<name>/command.ts`. */
export interface Command {
  /** Lines that say what it does and its options. */
  readonly usage: string;
  /** @param args What follows the name of the command, without the options that all commands have. */
  readonly run: (args: readonly string[], shell: Shell) => Promise<Report>;
}

export function createShell({
  progress,
  out,
  signal,
}: {
  progress: Progress;
  out: string;
  signal: AbortSignal;
}): Shell {
  return {
    progress,
    out,
    signal,
    now: () => performance.now() / 1_000,
    checkpoint: async () => {
      await nextTurn();
      if (signal.aborted) throw new InterruptedError();
    },
  };
}
