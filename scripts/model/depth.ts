/** A change of a market's depth: `contracts/libraries/Deleveraging.sol`, `contracts/libraries/Ramps.sol`. */
import { crowdedSide, offsetFor } from "./deleverage.ts";
import { min, mulDivDown, mulDivUp, PPM, WAD } from "./fixed.ts";
import { type Funding, steered, withIndexed } from "./funding.ts";
import { ratesUp, type RiskParameters, type RiskRates } from "./parameters.ts";
import type { PoolMarket } from "./pool.ts";
import { heldPremiumUp } from "./pricing.ts";
import { type Side, sideSizeDown, skewOf, withIndex } from "./sideIndex.ts";

/** What a change of depth does to a market. */
export interface DepthChange {
  /** Φ' − Φ: what the crowded side is charged, or paid if negative, WAD. */
  readonly charged: bigint;
  /** What γ gives way by for it, 1e-6. */
  readonly rate: bigint;
  /** The crowded side afterwards; undefined without skew. */
  readonly side: Side | undefined;
  readonly funding: Funding;
}

/**
 * Charges the crowded side what the held premium grows by. Mirrors `Deleveraging.moveDepth`. Throws a RangeError where the
 * depth is 0.
 *
 * @param market As it is, funding accrued to now.
 * @param depth D afterwards, base units, WAD.
 */
export function moveDepth(market: PoolMarket, depth: bigint): DepthChange {
  const { price, sizes, trade } = market;
  const skew = skewOf(market);
  const velocity = { maxVelocity: trade.fundingVelocity, skew, depth };
  if (skew === 0n) return { charged: 0n, rate: 0n, side: undefined, funding: steered(market.funding, velocity) };
  const held = (at: bigint): bigint => heldPremiumUp({ skew, price: price.last, depth: at });
  const charged = held(depth) - held(sizes.depth);
  const side = crowdedSide(market);
  const notional = mulDivDown(sideSizeDown(side), price.last, WAD);
  const offset = side.index.offset + offsetFor(side, -charged);
  return {
    charged,
    rate: charged > 0n ? mulDivUp(charged, PPM, notional) + 1n : 0n,
    side: withIndex(side, { ...side.index, offset }),
    funding: steered(withIndexed(market.funding, side), velocity),
  };
}

/** Largest κ, 1e-6. */
const MAX_KAPPA = 10n * PPM;
/** Seconds. */
const MIN_RAMP = 86_400n;

/**
 * The ramp that follows: κ moves with D and γ gives way, so that E − R_M falls for nobody, and both return. Mirrors
 * `Ramps._balance`.
 *
 * @param rate As of `moveDepth`.
 * @param now Unix seconds.
 */
export function balancedRisk(
  risk: RiskParameters,
  { before, depth, rate, now }: { before: bigint; depth: bigint; rate: bigint; now: bigint },
): RiskParameters {
  const current = ratesUp(risk, now);
  const from: RiskRates = {
    ...current,
    gamma: current.gamma - rate,
    kappa: min(mulDivDown(current.kappa, depth, before), MAX_KAPPA),
  };
  const left = risk.start + risk.duration - now;
  return { ...risk, from, start: now, duration: left > MIN_RAMP ? left : MIN_RAMP };
}
