/** How a command of governance ends when it does not do what it was asked for. */
import { PlimsollError } from "../deploy/PlimsollError.ts";

/** Exit codes; the first six are those of the other reports. */
export const EXIT = {
  ok: 0,
  /** The chain is not what the file says, or a check has failed. */
  attention: 1,
  config: 2,
  wrongChain: 3,
  unreachable: 4,
  unexpected: 5,
  nothingToDo: 6,
  notReady: 7,
  unauthorized: 8,
  /** A contract would refuse it, or no function could do it. */
  refused: 9,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The chain is not the one of the deployment. */
export class WrongChainError extends PlimsollError {}

/** Everything is already as the file says, or no operation is meant. */
export class NothingToDoError extends PlimsollError {}

/** An operation whose time has not come, or has passed. */
export class NotReadyError extends PlimsollError {}

/** The caller has not the role that the call needs. */
export class UnauthorizedError extends PlimsollError {}

/** A contract refuses the call, or there is no function for it. */
export class RefusedError extends PlimsollError {}
