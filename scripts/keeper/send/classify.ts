/** What the answer to a broadcast means for the transaction. */
import { PlimsollError } from "../../deploy/PlimsollError.ts";
import { RpcError } from "../rpc/endpoint.ts";

/**
 * - `known`: it is in the pool already, as wanted;
 * - `nonceUsed`: a block has a transaction of this nonce, perhaps this one;
 * - `underpriced`: another transaction of this nonce waits and pays as much, or the fee is below what gas costs;
 * - `retry`: nothing is known about it: it may be in the pool or not;
 * - `fatal`: this transaction will never be taken.
 */
export type Verdict = "known" | "nonceUsed" | "underpriced" | "retry" | "fatal";

/** In the words of geth, Erigon, Nethermind, Besu, Reth, Nitro and EDR. The first that matches counts. */
const TABLE: readonly (readonly [RegExp, Verdict])[] = [
  [/already known|known transaction|alreadyknown|already imported|already exists/i, "known"],
  [/nonce (is )?too low|nonce_?too_?low|old ?nonce|nonce has already been used|invalid nonce.*too low/i, "nonceUsed"],
  [/nonce too high|nonce_?gap|too many pending|txpool is full|pool is full|already reserved|queued limit/i, "retry"],
  [/underpriced|replacement fee too low|gas price too low|feetoolow/i, "underpriced"],
  [
    /less than (the )?(next )?block'?s? base ?fee|max ?fee ?per ?gas (is )?(less|too low)|below.*base ?fee/i,
    "underpriced",
  ],
  [/insufficient (funds|balance)|doesn't have enough funds|not enough funds|upfront cost/i, "fatal"],
  [/intrinsic gas|gas limit reached|exceeds (the )?(block|transaction) gas limit|exceeds block/i, "fatal"],
  [/gas limit too high|transaction gas limit cap|exceeds allowance|tx fee .*exceeds the configured cap/i, "fatal"],
  [/invalid (sender|signature|chain ?id)|chain ?id mismatch|incorrect chain|wrong chain|not supported/i, "fatal"],
  [/max initcode|oversized data|sender not an eoa|rlp|typed transaction too short/i, "fatal"],
];

const CODES: Readonly<Record<string, Verdict>> = {
  NONCE_EXPIRED: "nonceUsed",
  REPLACEMENT_UNDERPRICED: "underpriced",
  INSUFFICIENT_FUNDS: "fatal",
};

/** @param error As ethers or `Endpoints` throw it. What is not understood may have been sent: `retry`. */
export function classify(error: unknown): Verdict {
  if (error instanceof PlimsollError && !(error instanceof RpcError)) return "retry";
  const text = wordsOf(error);
  const found = TABLE.find(([pattern]) => pattern.test(text));
  if (found !== undefined) return found[1];
  const { code } = error as { code?: unknown };
  return (typeof code === "string" ? CODES[code] : undefined) ?? "retry";
}

/** What tells most about a transaction that several were asked to take; refused for good only where all of them say so. */
const TELLING: readonly Verdict[] = ["known", "nonceUsed", "underpriced", "retry", "fatal"];

/** @param errors Of all that were asked, at least one. @returns The one that the transaction is judged by. */
export function mostTelling(errors: readonly unknown[]): unknown {
  const rank = (error: unknown): number => TELLING.indexOf(classify(error));
  return errors.reduce((best, error) => (rank(error) < rank(best) ? error : best));
}

/** The node's own words: ethers keeps them under what it says itself. */
function wordsOf(error: unknown): string {
  const {
    message,
    info,
    error: inner,
  } = error as {
    message?: unknown;
    info?: { error?: { message?: unknown } };
    error?: { message?: unknown };
  };
  return [info?.error?.message, inner?.message, message].filter((text) => typeof text === "string").join(" ");
}
