/** Refusals that say that somebody else has done it, or that it no longer needs doing: no failure of anybody's. */

const LOST = new Set([
  // orders
  "UnknownOrder",
  "UnknownTrigger",
  "ConditionNotMet",
  "NothingToReduce",
  // accounts
  "Healthy",
  "NothingToTakeOver",
  "ShortfallWithinLimit",
  "NoDeficit",
  "PositionsLeft",
  "AlreadyInsolvent",
  "NotInsolvent",
  "InsufficientHoldings",
  // markets and pool
  "AlreadyFlagged",
  "NotFlagged",
  "NotDue",
  "PoolSolvent",
  "NoProfits",
  "WrongStatus",
  "AlreadyFulfilled",
  "NothingRedeemable",
  // prices
  "PriceGoesBack",
  "StepNotLater",
  "NotHalted",
  "CheckpointTooEarly",
]);

/** @param name Of the error in the revert. */
export function isLostRace(name: string): boolean {
  return LOST.has(name);
}
