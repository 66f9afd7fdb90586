/** How a keeper ends: the status of its process, one for each kind of cause. `docs/operations.md` has the same table. */
import { PlimsollError } from "../deploy/PlimsollError.ts";

/** By the name of the error's class. What is not here is unexpected. */
export const EXIT_CODES = {
  /** A flag or a variable is missing, unknown or out of range. */
  ConfigError: 2,
  /** An endpoint is on another chain than the deployment. */
  WrongChainError: 3,
  /** No endpoint answers. */
  EndpointsError: 4,
  /** An address of the deployment has no code, other code, or points elsewhere. */
  WrongContractsError: 5,
  /** No key is given, or what is given is none; or half of the credentials for reports. */
  KeyError: 6,
  CredentialsError: 6,
  /** The signer has less than `--min-balance`. */
  FundsError: 7,
  /** The database is of another version of the keeper. */
  SchemaError: 8,
  /** Another keeper uses the database. */
  StoreInUseError: 9,
  /** The database is that of another deployment. */
  StoreMismatchError: 10,
  /** The database is locked, does not answer, cannot be written, or is damaged beyond rebuilding. */
  StoreBusyError: 11,
  StoreCorruptError: 11,
  StoreFileError: 11,
  StoreServerError: 11,
  /** The signer does not sign, or signs something else. */
  SignerError: 12,
  /** The port for metrics is taken. */
  PortError: 13,
  /** The endpoints agree on no block. */
  QuorumError: 14,
  /** The only cycle, by `--once`, has failed of something that has no code here. */
  CycleError: 15,
  /** A restricted function of the deployment is for another role, or the signer's key has a role. */
  RolesError: 16,
} as const satisfies Readonly<Record<string, number>>;

/** What only a person mends: a supervisor need not start it again. Everything else may be an outage, and pass. */
export const LASTING = [
  "ConfigError",
  "WrongChainError",
  "WrongContractsError",
  "KeyError",
  "CredentialsError",
  "SchemaError",
  "StoreMismatchError",
  "RolesError",
] as const satisfies readonly (keyof typeof EXIT_CODES)[];

export const EXIT = { ok: 0, unexpected: 1 } as const;

/**
 * The status for what was thrown; of an error that others have caused, that of the first that has one. A cycle says only
 * where something has failed: what has failed comes first.
 */
export function exitCodeOf(error: unknown): number {
  let general: number = EXIT.unexpected;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = cause instanceof PlimsollError ? codes.get(cause.name) : undefined;
    if (code === undefined) continue;
    if (code !== EXIT_CODES.CycleError) return code;
    general = code;
  }
  return general;
}

const codes: ReadonlyMap<string, number> = new Map(Object.entries(EXIT_CODES));
