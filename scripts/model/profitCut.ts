/** The pool's insolvency: every side that is worth something loses the same share: `contracts/libraries/Deleveraging.sol`. */
import { max, min, mulDivCeil, mulDivFloor, mulDivUp } from "./fixed.ts";
import { MIN_SCALE } from "./deleverage.ts";
import { netPriceOf, type PoolMarket, type PoolState, valuePool } from "./pool.ts";
import { ONE_64, OFFSET_UNIT, type Side, sideValueCeil, withIndex } from "./sideIndex.ts";

export interface ProfitCut {
  /** What insurance gives to the pool first, WAD. */
  readonly fromInsurance: bigint;
  /** h, in 2^-64. */
  readonly cut: bigint;
  /** The pool's markets; the side of one whose value was cut has a new index. */
  readonly markets: readonly PoolMarket[];
}

/**
 * What the pool lacks comes from insurance first, and then from every side that is worth something, in equal shares:
 * h = min(1, shortfall/Σ value of those sides), in 2^-64, rounded up so that it covers the shortfall. Undefined where the
 * pool is solvent, a price is not live, or no side is worth anything. Mirrors `Deleveraging.cutProfits`.
 *
 * @param insurance WAD.
 */
export function cutProfits(pool: PoolState, { insurance }: { insurance: bigint }): ProfitCut | undefined {
  const { equity, live } = valuePool(pool);
  if (equity >= 0n || !live) return undefined;
  const fromInsurance = min(-equity, insurance);
  const shortfall = -equity - fromInsurance;
  if (shortfall === 0n) return { fromInsurance, cut: 0n, markets: pool.markets };
  const profits = pool.markets.reduce(
    (sum, market) => sum + profitOf(market.long, market) + profitOf(market.short, market),
    0n,
  );
  if (profits === 0n) return undefined;
  const cut = min(ONE_64, mulDivUp(shortfall, ONE_64, profits));
  const cutOf = (side: Side, market: PoolMarket): Side =>
    profitOf(side, market) === 0n ? side : cutSide(side, { cut, net: netPriceOf(market) });
  const markets = pool.markets.map((market) => ({
    ...market,
    long: cutOf(market.long, market),
    short: cutOf(market.short, market),
  }));
  return { fromInsurance, cut, markets };
}

/**
 * A side whose every value is scaled by 1 − h: H' = H·(1 − h), not below `MIN_SCALE`, and B' = B − h'·(A·(P − F) + B) with
 * the h' that H' stands for, rounded toward the pool. Mirrors `Deleveraging._cut`.
 *
 * @param cut h, in 2^-64. @param net P − F, WAD.
 */
export function cutSide(side: Side, { cut, net }: { cut: bigint; net: bigint }): Side {
  const { scale, profitScale: before, offset } = side.index;
  const profitScale = max(MIN_SCALE, before - mulDivUp(before, cut, ONE_64));
  const mulDiv = side.long ? mulDivCeil : mulDivFloor;
  const lost = mulDiv(mulDiv(scale, net, OFFSET_UNIT) + offset, before - profitScale, before);
  return withIndex(side, { scale, profitScale, offset: offset - lost });
}

/** Value of a side that is worth something, else 0; WAD. Mirrors `Deleveraging._profitOf`. */
function profitOf(side: Side, market: PoolMarket): bigint {
  return max(0n, sideValueCeil(side, netPriceOf(market)));
}
