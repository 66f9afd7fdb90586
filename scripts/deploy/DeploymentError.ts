import { PlimsollError } from "./PlimsollError.ts";

/** The chain, or what was deployed on it, is not what it should be. */
export class DeploymentError extends PlimsollError {}
