/** The pool's insolvency: every side that is worth something loses the same share: `contracts/libraries/Deleveraging.sol`. */
import { max, min, mulDivCeil, mulDivDown, mulDivFloor, mulDivUp } from "./fixed.ts";
import { steered, withIndexed } from "./funding.ts";
import { MIN_PROFIT_SCALE, offsetFor } from "./deleverage.ts";
import { netPriceOf, type PoolMarket, type PoolState, valuePool } from "./pool.ts";
import { heldPremiumUp } from "./pricing.ts";
import { closedWhole, OFFSET_UNIT, ONE_64, type Side, sideValueCeil, skewOf, withIndex } from "./sideIndex.ts";

export interface ProfitCut {
  /** What insurance gives to the pool first, WAD. */
  readonly fromInsurance: bigint;
  /** h, in 2^-64. */
  readonly cut: bigint;
  /** The pool's markets; the side of one whose value was cut has a new index, or is in its next epoch. */
  readonly markets: readonly PoolMarket[];
  /** What is owed to the positions of sides that were closed whole, WAD, rounded up. */
  readonly owed: bigint;
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
  if (shortfall === 0n) return { fromInsurance, cut: 0n, markets: pool.markets, owed: 0n };
  const profits = pool.markets.reduce(
    (sum, market) => sum + profitOf(market.long, market) + profitOf(market.short, market),
    0n,
  );
  if (profits === 0n) return undefined;
  const cut = min(ONE_64, mulDivUp(shortfall, ONE_64, profits));
  let owed = 0n;
  const markets = pool.markets.map((market) =>
    (["long", "short"] as const).reduce((current, name) => {
      if (profitOf(current[name], current) === 0n) return current;
      const done = cutOf(current, name, cut);
      owed += done.owed;
      return done.market;
    }, market),
  );
  return { fromInsurance, cut, markets, owed };
}

/** One side cut that is worth something, closed whole where H has no room for it. Mirrors `Deleveraging._cut`.
 * @param cut h, in 2^-64. @return What is owed to its positions, if it was closed: WAD, rounded up. */
export function cutOf(market: PoolMarket, name: "long" | "short", cut: bigint): { market: PoolMarket; owed: bigint } {
  const side = market[name];
  if (profitScaleAfter(side, cut) < MIN_PROFIT_SCALE) return cutWhole(market, name, cut);
  const funding = withIndexed(market.funding, side);
  return { market: { ...market, funding, [name]: cutSide(side, { cut, net: netPriceOf(market) }) }, owed: 0n };
}

/**
 * A side closed whole at the last price, its positions left with (1 − h) of its value less what Φ grows by without it,
 * not below 0: by value, and what Φ falls by, by size. Mirrors `Deleveraging._cutWhole`.
 *
 * @param cut h, in 2^-64.
 */
function cutWhole(market: PoolMarket, name: "long" | "short", cut: bigint): { market: PoolMarket; owed: bigint } {
  const {
    price: { last: price },
    sizes: { depth },
    trade,
    [name]: side,
  } = market;
  const value = profitOf(side, market);
  const held = (skew: bigint): bigint => heldPremiumUp({ skew, price, depth });
  const empty = { ...market, [name]: { ...side, units: 0n, quote: 0n } };
  const kept = max(0n, value - mulDivUp(value, cut, ONE_64) + held(skewOf(market)) - held(skewOf(empty)));
  const profitScale = max(1n, mulDivDown(side.index.profitScale, min(kept, value), value));
  const offset = offsetFor(side, kept - mulDivCeil(side.quote, profitScale, ONE_64));
  const closed = closedWhole(withIndex(side, { ...side.index, profitScale }), offset);
  const funding = steered(withIndexed(market.funding, side), {
    maxVelocity: trade.fundingVelocity,
    skew: skewOf(empty),
    depth,
  });
  return { market: { ...market, funding, [name]: closed.side }, owed: closed.owed };
}

/** H·(1 − h), in 2^-64, rounded down. */
function profitScaleAfter({ index: { profitScale } }: Side, cut: bigint): bigint {
  return profitScale - mulDivUp(profitScale, cut, ONE_64);
}

/**
 * A side whose every value is scaled by 1 − h: H' = H·(1 − h), and B' = B − h'·(A·(P − F) + B) with the h' that H' stands
 * for, rounded toward the pool. Mirrors `Deleveraging._cut`.
 *
 * @param cut h, in 2^-64. @param net P − F, WAD.
 */
function cutSide(side: Side, { cut, net }: { cut: bigint; net: bigint }): Side {
  const { scale, profitScale: before, offset } = side.index;
  const profitScale = profitScaleAfter(side, cut);
  const mulDiv = side.long ? mulDivCeil : mulDivFloor;
  const lost = mulDiv(mulDiv(scale, net, OFFSET_UNIT) + offset, before - profitScale, before);
  return withIndex(side, { scale, profitScale, offset: offset - lost });
}

/** Value of a side that is worth something, else 0; WAD. Mirrors `Deleveraging._profitOf`. */
function profitOf(side: Side, market: PoolMarket): bigint {
  return max(0n, sideValueCeil(side, netPriceOf(market)));
}
