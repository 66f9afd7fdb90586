import { EXIT, LabError } from "../errors.ts";

/** A scenario that cannot be run as it stands. */
export class ScenarioError extends LabError {}

/** Something came from nothing or went nowhere. */
export class ConservationError extends LabError {
  constructor(message: string) {
    super(message, { exitCode: EXIT.failed });
  }
}

/** The contracts did not do what the model did. */
export class DifferenceError extends LabError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, exitCode: EXIT.failed });
  }
}
