/** Collateral of an insolvent account that insurance takes over, and its sale: `contracts/libraries/Waterfall.sol`. */
import { min, mulDivDown, PPM } from "./fixed.ts";

/** After an account was found insolvent, seconds. */
export const SEIZURE_DELAY = 600n;
/** Discount of seized collateral at its greatest, 1e-6, and the seconds in which it gets there. */
const AUCTION_DISCOUNT = 100_000n;
const AUCTION_TIME = 21_600n;

/** Discount on seized collateral, 1e-6, rounded down. Mirrors `Waterfall._auctionDiscount`. @param elapsed Seconds. */
export function auctionDiscountDown(elapsed: bigint): bigint {
  return (AUCTION_DISCOUNT * min(elapsed, AUCTION_TIME)) / AUCTION_TIME;
}

/** What seized collateral worth `proceeds` (WAD) sells for, rounded up. Mirrors `Waterfall.buySeized`. */
export function seizedPriceUp(proceeds: bigint, elapsed: bigint): bigint {
  return proceeds - mulDivDown(proceeds, auctionDiscountDown(elapsed), PPM);
}
