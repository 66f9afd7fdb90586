/** Causes of a cancelled order, in the order of the contract's enum. */
export const CAUSES = [
  "None",
  "PriceNotAcceptable",
  "OutsideBand",
  "MarketReduceOnly",
  "Expired",
  "TooLate",
  "InsufficientMargin",
  "ReductionRefused",
  "OpenInterestExceeded",
  "SkewExceeded",
  "PositionTooSmall",
  "TooManyAssets",
  "NothingToReduce",
  "InsufficientLiquidity",
] as const;
