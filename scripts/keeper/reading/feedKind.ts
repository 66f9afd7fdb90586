/** What the rounds of a source prove, in the order of the contract's enum: `contracts/types/FeedSource.sol`. */
export const FEED_KINDS = ["Rounds", "Observed", "Derived", "Stream"] as const;

export type FeedKind = (typeof FEED_KINDS)[number];
