import { PlimsollError } from "../deploy/PlimsollError.ts";

/** Why `npm start` failed, as its exit status. A signal exits with 128 and its number. */
export const EXIT = {
  /** Conservation is off, or a healthy account was liquidated. */
  check: 1,
  /** Bad flags or input files. */
  usage: 2,
  /** The port of the chain is taken. */
  port: 3,
  /** The chain, the deployment or the keeper failed. */
  process: 4,
} as const;

/** A failure whose message is all that the user needs. */
export class ReplayError extends PlimsollError {
  readonly exitCode: number;

  constructor(message: string, { exitCode, cause }: { exitCode: number; cause?: unknown }) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
  }
}

/** What went wrong, for people; with the reasons behind it. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}\n  because: ${describe(error.cause)}`;
}
