import { PlimsollError } from "../../deploy/PlimsollError.ts";

/** A scenario that cannot be run as it stands. */
export class ScenarioError extends PlimsollError {}

/** Something came from nothing or went nowhere. */
export class ConservationError extends PlimsollError {}

/** The contracts did not do what the model did. */
export class DifferenceError extends PlimsollError {}
