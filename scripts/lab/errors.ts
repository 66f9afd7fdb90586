import { PlimsollError } from "../deploy/PlimsollError.ts";

/** Exit codes of `npm run lab`. */
export const EXIT = {
  ok: 0,
  /** The report is written, and says what does not hold. */
  failed: 1,
  /** Options or input files are not understood; nothing is written. */
  usage: 2,
  unexpected: 5,
  /** By SIGINT; nothing is written. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A failure whose message is all that the user needs. */
export class LabError extends PlimsollError {
  readonly exitCode: ExitCode;

  constructor(message: string, { exitCode = EXIT.usage, cause }: { exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message, cause === undefined ? {} : { cause });
    this.exitCode = exitCode;
  }
}

/** Options are not understood. */
export class UsageError extends LabError {}

/** Ended by SIGINT. */
export class InterruptedError extends LabError {
  constructor() {
    super("interrupted: nothing is written", { exitCode: EXIT.interrupted });
  }
}
