/** Random inputs for the tests of the model, extremes included. */
import fc from "fast-check";

import { PPM, WAD } from "../../scripts/model/fixed.ts";
import type { Funding } from "../../scripts/model/funding.ts";
import type { MarginRamp } from "../../scripts/model/margins.ts";
import {
  type GlobalParameters,
  type GroupParameters,
  MARKET_STATUSES,
  MAX_GROUPS,
  type MoneyParameters,
  type RiskParameters,
  type RiskRates,
  type SizeParameters,
  type TradeParameters,
} from "../../scripts/model/parameters.ts";
import { type Price, REFUSALS } from "../../scripts/model/price.ts";
import type { Exposure } from "../../scripts/model/risk.ts";

/** Every run draws the same inputs. */
export const SEED = 0x706c696d;

export const MAX_UINT = (bits: number): bigint => (1n << BigInt(bits)) - 1n;

/** Throws unless the property holds for `runs` cases. */
export function holds<Values extends [unknown, ...unknown[]]>(
  property: fc.IProperty<Values>,
  { runs }: { runs: number },
): void {
  fc.assert(property, { seed: SEED, numRuns: runs });
}

/** An unsigned integer of up to `bits`, of any magnitude with the same probability. */
export function magnitude(bits: number): fc.Arbitrary<bigint> {
  return fc
    .tuple(fc.integer({ min: 0, max: bits }), fc.bigInt({ min: 0n, max: MAX_UINT(bits) }))
    .map(([width, value]) =>
      width === 0 ? 0n : width === bits && value % 7n === 0n ? MAX_UINT(bits) : value >> BigInt(bits - width),
    );
}

/** A signed integer of any magnitude that `bits` hold in two's complement. */
export function signed(bits: number): fc.Arbitrary<bigint> {
  return fc.tuple(magnitude(bits - 1), fc.boolean()).map(([value, negative]) => (negative ? -value - 1n : value));
}

export function between(min: bigint, max: bigint): fc.Arbitrary<bigint> {
  return fc.bigInt({ min, max });
}

export function share(max = PPM): fc.Arbitrary<bigint> {
  return fc.bigInt({ min: 0n, max });
}

const TIME = 1_800_000_000n;

/** Unix seconds around `TIME`. */
export const time = between(TIME - 100n, TIME + 100n);

export const rates: fc.Arbitrary<RiskRates> = fc.record({
  beta: share(),
  sigma: share(),
  gamma: share(),
  kappa: share(),
});

/** Ramps that are over, ahead, and in their middle at `time`. */
export const risk: fc.Arbitrary<RiskParameters> = fc.record({
  from: rates,
  to: rates,
  start: between(TIME - 400n, TIME + 300n),
  duration: fc.oneof(fc.constant(0n), between(1n, 500n)),
  group: fc.integer({ min: 0, max: MAX_GROUPS - 1 }),
});

/** As `risk` in time. */
export const marginRamp: fc.Arbitrary<MarginRamp> = fc.record({
  endFactor: between(1n, PPM - 1n),
  start: between(TIME - 400n, TIME + 300n),
  duration: between(1n, 500n),
});

export const sizes: fc.Arbitrary<SizeParameters> = fc.record({
  depth: fc.oneof(between(WAD, 10n ** 9n * WAD), between(1n << 80n, MAX_UINT(112))),
  openInterestCap: magnitude(112),
  openInterestShare: magnitude(24),
  status: fc.constantFrom(...MARKET_STATUSES),
});

export const trade: fc.Arbitrary<TradeParameters> = fc.record({
  skewCap: magnitude(112),
  takerFee: magnitude(16),
  makerFee: magnitude(16),
  maxFundingRate: magnitude(32).map((rate) => rate * 10n ** 9n),
  fundingVelocity: magnitude(32).map((velocity) => velocity * 10n ** 9n),
  profitWeight: share(),
  lotExponent: between(0n, 30n),
  insuranceCap: magnitude(16).map((units) => units * 100n * WAD),
});

export const funding: fc.Arbitrary<Funding> = fc.record({
  index: signed(96),
  rate: signed(62),
  velocity: signed(62),
  longIndexed: fc.boolean(),
  shortIndexed: fc.boolean(),
  time: magnitude(32),
});

export const price: fc.Arbitrary<Price> = fc.record({
  last: magnitude(96),
  spread: fc.oneof(fc.constant(0n), share()),
  refusal: fc.constantFrom(...REFUSALS),
  settling: fc.boolean(),
  dead: fc.boolean(),
  updatedAt: magnitude(32),
});

export const exposure: fc.Arbitrary<Exposure> = fc.record({
  asset: fc.integer({ min: 0, max: 95 }),
  price,
  size: fc.oneof(fc.constant(0n), signed(112)),
  quote: signed(128),
  collateral: fc.oneof(fc.constant(0n), magnitude(112)),
  funding,
  risk,
  sizes,
  trade,
});

export const groups: fc.Arbitrary<GroupParameters> = fc.array(between(PPM / 10n, PPM), {
  minLength: MAX_GROUPS,
  maxLength: MAX_GROUPS,
});

export const globals: fc.Arbitrary<GlobalParameters> = fc.record({
  maintenanceFactor: between(1n, PPM - 1n),
  shortfallInitial: magnitude(24),
  shortfallMaintenance: magnitude(24),
  protocolFeeShare: magnitude(24),
  insuranceFeeShare: magnitude(24),
  markMaxAge: magnitude(24),
  liquidationTarget: share(),
  liquidationPenalty: share(),
  liquidatorShare: share(),
  deepLoss: share(),
  takeoverDiscount: magnitude(16),
});

const cents = magnitude(32).map((amount) => (amount * WAD) / 100n);

export const money: fc.Arbitrary<MoneyParameters> = fc.record({
  minNotional: cents,
  smallRequirement: cents,
  flatReward: cents,
  unattributedCap: cents,
  borrowKink: share(),
  borrowRateKink: magnitude(24),
  borrowRateFull: magnitude(24),
  lossBudget: magnitude(24),
});
