/** The end of a market: `contracts/libraries/Deleveraging.sol`. */
import { mulDivCeil, mulDivFloor } from "./fixed.ts";
import type { PoolMarket } from "./pool.ts";
import { closedWhole, OFFSET_UNIT, type Side, skewOf } from "./sideIndex.ts";

/** From its announcement to its final price, seconds. */
export const CLOSING_NOTICE = 86_400n;

export interface ClosedMarket {
  /** Price at which every position became cash, WAD. */
  readonly last: bigint;
  readonly long: Side;
  readonly short: Side;
  /** Owed to all positions, WAD, rounded up. */
  readonly owed: bigint;
}

/**
 * Closes both sides whole at P·(1 + S/(2D)), rounded down: the impact that the pool holds goes back to whom it came from.
 * Mirrors `Deleveraging.closeMarket`.
 *
 * @param price P: the final price, WAD; funding is accrued at it.
 */
export function closeMarket(
  market: Pick<PoolMarket, "long" | "short" | "sizes" | "funding">,
  price: bigint,
): ClosedMarket {
  const twoDepth = 2n * market.sizes.depth;
  const last = mulDivFloor(price, twoDepth + skewOf(market), twoDepth);
  const net = last - market.funding.index;
  const [long, short] = [closeSide(market.long, net), closeSide(market.short, net)];
  return { last, long: long.side, short: short.side, owed: long.owed + short.owed };
}

/** Every unit becomes worth A·(p − F) + B, rounded toward the pool. Mirrors `Deleveraging._closeSide`. @param net WAD. */
function closeSide(side: Side, net: bigint): ReturnType<typeof closedWhole> {
  const { scale, offset } = side.index;
  const mulDiv = side.long ? mulDivFloor : mulDivCeil;
  return closedWhole(side, offset + mulDiv(scale, net, OFFSET_UNIT));
}
