/** Random accounts of a plausible size, for properties that hold where listings obey their invariants. */
import fc from "fast-check";

import { abs, PPM, WAD } from "../../scripts/model/fixed.ts";
import { NO_FUNDING } from "../../scripts/model/funding.ts";
import type { LiquidationState } from "../../scripts/model/liquidation.ts";
import type { GlobalParameters, GroupParameters, MoneyParameters, RiskRates } from "../../scripts/model/parameters.ts";
import { livePrice, type Price } from "../../scripts/model/price.ts";
import { assess, type Exposure, maintenanceUp } from "../../scripts/model/risk.ts";
import { between } from "./arbitraries.ts";

const TIME = 1_800_000_000n;

const globals: fc.Arbitrary<GlobalParameters> = fc.record({
  maintenanceFactor: between(400_000n, 700_000n),
  shortfallInitial: fc.constant(500_000n),
  shortfallMaintenance: fc.constant(600_000n),
  protocolFeeShare: fc.constant(100_000n),
  insuranceFeeShare: fc.constant(100_000n),
  markMaxAge: fc.constant(86_400n),
  liquidationTarget: between(200_000n, 800_000n),
  liquidationPenalty: between(50_000n, 150_000n),
  liquidatorShare: fc.constant(500_000n),
  deepLoss: between(100_000n, 400_000n),
  takeoverDiscount: between(0n, 20_000n),
});

const money: MoneyParameters = {
  minNotional: 10n * WAD,
  smallRequirement: 20n * WAD,
  flatReward: 5n * WAD,
  unattributedCap: 10_000n * WAD,
  borrowKink: 800_000n,
  borrowRateKink: 80_000n,
  borrowRateFull: 800_000n,
  lossBudget: 100_000n,
};

const groups: fc.Arbitrary<GroupParameters> = fc.array(between(PPM / 10n, PPM), { minLength: 10, maxLength: 10 });

/** (1 − φ)·(γ + m·σ) exceeds fee + impact + discount for what follows. */
const rates: fc.Arbitrary<RiskRates> = fc.record({
  beta: between(20_000n, 200_000n),
  sigma: between(20_000n, 60_000n),
  gamma: between(8_000n, 20_000n),
  kappa: between(0n, 100_000n),
});

/** An asset with a price of 10^exponent (WAD) or a little more, and depth, skew and holdings in proportion. */
function exposure(asset: number): fc.Arbitrary<{ exposure: Exposure; skew: bigint }> {
  return fc
    .record({
      exponent: fc.integer({ min: -3, max: 5 }),
      mantissa: between(1_000_000n, 9_999_999n),
      rates,
      group: fc.integer({ min: 0, max: 2 }),
      depthValue: between(50_000_000n, 5_000_000_000n),
      /** 1e-6 of the depth. */
      size: fc.oneof(fc.constant(0n), between(-5_000n, 5_000n)),
      skew: between(-5_000n, 5_000n),
      collateral: fc.oneof(fc.constant(0n), between(0n, 2_000n)),
      /** 1e-6 of the size's value. */
      paid: between(500_000n, 1_500_000n),
      /** 1e-6 of the price; may exceed it. */
      index: between(-1_500_000n, 1_500_000n),
      lotStep: fc.integer({ min: -6, max: 0 }),
    })
    .map((raw) => {
      const last =
        raw.exponent < 0
          ? (WAD * raw.mantissa) / 10n ** BigInt(6 - raw.exponent)
          : (WAD * raw.mantissa * 10n ** BigInt(raw.exponent)) / PPM;
      const depth = (raw.depthValue * WAD * WAD) / last;
      const size = (depth * raw.size) / PPM;
      const index = (last * raw.index) / PPM;
      return {
        exposure: {
          asset,
          price: livePrice(last),
          size,
          quote: size === 0n ? 0n : (-size * ((last * raw.paid) / PPM - index)) / WAD,
          collateral: (depth * raw.collateral) / PPM,
          funding: { ...NO_FUNDING, index, time: TIME },
          risk: { from: raw.rates, to: raw.rates, start: 0n, duration: 0n, group: raw.group },
          sizes: { depth, openInterestCap: depth, openInterestShare: PPM, status: "Active" as const },
          trade: {
            skewCap: depth,
            takerFee: 500n,
            makerFee: 200n,
            maxFundingRate: WAD / 100n,
            fundingVelocity: WAD / 5n,
            profitWeight: PPM,
            // A lot is worth between a millionth of a unit of money and ten units.
            lotExponent: BigInt(Math.max(0, 18 - raw.exponent + raw.lotStep)),
            insuranceCap: 0n,
          },
        },
        skew: (depth * raw.skew) / PPM,
      };
    });
}

/** @param count Assets of the account. */
function account(count: number): fc.Arbitrary<LiquidationState> {
  return fc
    .record({
      markets: fc.tuple(...Array.from({ length: count }, (_, asset) => exposure(asset))),
      globals,
      groups,
      /** Equity, 1e-6 of R_M. */
      health: between(-500_000n, 1_000_000n),
      insurance: fc.oneof(fc.constant(0n), fc.constant(1_000_000n * WAD)),
    })
    .map(({ markets, health, insurance, ...parameters }) => {
      const exposures = markets.map((market) => market.exposure);
      const state = {
        ...parameters,
        exposures,
        cash: 0n,
        holdings: exposures
          .filter(({ collateral }) => collateral !== 0n)
          .map(({ asset, collateral, trade }) => ({
            token: asset,
            amount: collateral,
            parameters: { asset, saleDiscount: 3_000n, lotExponent: trade.lotExponent, listed: true },
          })),
        skews: new Map(markets.map(({ skew }, asset) => [asset, skew])),
        money,
        time: TIME,
        settlementPrice: WAD,
        insurance,
      };
      return { ...state, cash: cashForHealth(state, health) };
    });
}

/** Accounts with equity between −0.5 and 1 of their maintenance requirement, every price live. */
export const unhealthy: fc.Arbitrary<LiquidationState> = fc
  .integer({ min: 1, max: 6 })
  .chain(account)
  .filter(({ exposures }) => exposures.some(({ size, collateral }) => abs(size) + collateral !== 0n));

/** The same with some prices that are not live. */
export const unhealthyInDoubt: fc.Arbitrary<LiquidationState> = fc
  .tuple(unhealthy, fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), between(1_000n, 100_000n))
  .map(([state, doubts, spread]) => ({
    ...state,
    exposures: state.exposures.map((exposure, position) => ({
      ...exposure,
      price: doubts[position] === true ? { ...exposure.price, spread, refusal: "Stale" as const } : exposure.price,
    })),
  }));

/** `state` with another price of one asset. */
export function withPrice(state: LiquidationState, asset: number, price: Price): LiquidationState {
  return {
    ...state,
    exposures: state.exposures.map((exposure) => (exposure.asset === asset ? { ...exposure, price } : exposure)),
  };
}

/** Cash (WAD) that brings equity to `health` (1e-6) of R_M. */
export function cashForHealth(state: LiquidationState, health: bigint): bigint {
  const terms = assess({ ...state, cash: 0n, end: "better" });
  return (maintenanceUp(terms, state.globals) * health) / PPM - terms.equity;
}
