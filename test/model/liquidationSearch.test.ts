/** `LiquidationSearch` against `scripts/model/liquidationSearch.ts`. */
import { expect } from "chai";
import fc from "fast-check";
import { network } from "hardhat";

import { UNATTRIBUTED } from "../../scripts/model/deficit.ts";
import { abs, min, WAD } from "../../scripts/model/fixed.ts";
import { leastSizeUp, type LiquidationState, termsOf } from "../../scripts/model/liquidation.ts";
import { type LiquidationPlan, leastReduction, leastSlice } from "../../scripts/model/liquidationSearch.ts";
import { encodeGlobals, encodeGroups, encodeMoney, lotOf, saleLotOf } from "../../scripts/model/parameters.ts";
import { isLiquidatable } from "../../scripts/model/price.ts";
import { maintenanceUp } from "../../scripts/model/risk.ts";
import { SETTLEMENT } from "../parameters.ts";
import { unhealthy, unhealthyInDoubt } from "./accounts.ts";
import { between, magnitude, SEED } from "./arbitraries.ts";
import { encodeExposure } from "./encoding.ts";

const { ethers } = await network.create();
const harness = await ethers.deployContract("LiquidationSearchHarness");

const BOOKS = 50;
const CENT = WAD / 100n;

/** Whatever else a reward depends on. */
const books: fc.Arbitrary<LiquidationState> = fc
  .record({
    state: fc.oneof(unhealthy, unhealthyInDoubt),
    flatReward: magnitude(32),
    minNotional: fc.oneof(fc.constant(1_000n), magnitude(32)),
    insurance: fc.oneof(fc.constant(0n), between(0n, 100n * WAD), fc.constant(1_000_000n * WAD)),
    room: fc.oneof(fc.constant(0n), between(0n, 100n * WAD), fc.constant(1_000_000n * WAD)),
    escrowed: fc.oneof(fc.constant(0n), between(1n, 100n * WAD)),
  })
  .map(({ state, flatReward, minNotional, insurance, room, escrowed }) => ({
    ...state,
    // The same equity, a part of it in escrow.
    cash: state.cash - escrowed,
    escrow: escrowed,
    money: { ...state.money, flatReward: flatReward * CENT, minNotional: minNotional * CENT },
    insurance,
    insuranceRooms: new Map([[UNATTRIBUTED, room]]),
    hasPendingOrder: escrowed !== 0n,
  }))
  .filter((state) => {
    const terms = termsOf(state);
    return terms.equity <= maintenanceUp(terms, state.globals);
  });

describe("model against contracts: LiquidationSearch", () => {
  const states = fc.sample(books, { seed: SEED, numRuns: BOOKS });

  it("leastSlice finds the same basket with the same result", async () => {
    const counts = { found: 0, below: 0, toppedUp: 0, deficits: 0 };
    for (const state of states) {
      const plan = leastSlice(state);
      expect(toTuple(await harness.leastSlice(toCase(state)))).to.deep.equal(tupleOf(plan));
      if (plan === undefined) continue;
      ++counts.found;
      if (plan.outcome.equityAfter < plan.outcome.target) ++counts.below;
      if (plan.outcome.topUp > 0n) ++counts.toppedUp;
      if (plan.outcome.deficit > 0n) ++counts.deficits;
    }
    expect(Math.min(counts.found, counts.below, counts.toppedUp, counts.deficits)).to.be.greaterThan(5);
  });

  it("leastOf finds the same reduction with the same result", async () => {
    let found = 0;
    for (const state of states.slice(0, 30)) {
      const { parts, exposures } = toCase(state);
      for (const [index, { place, token }] of parts.entries()) {
        if (token !== SETTLEMENT) continue;
        const plan = leastReduction(state, exposures[place]?.asset ?? 0);
        expect(toTuple(await harness.leastOf(toCase(state), index))).to.deep.equal(tupleOf(plan));
        if (plan !== undefined) ++found;
      }
    }
    expect(found).to.be.greaterThan(5);
  });
});

/** What `LiquidationFinder` reads of an account. */
function toCase(state: LiquidationState) {
  const { globals, groups, money, insurance, insuranceRooms, hasPendingOrder = false, escrow = 0n } = state;
  const terms = termsOf(state);
  const positions = [...state.exposures.entries()]
    .filter(([, { size, price }]) => size !== 0n && isLiquidatable(price))
    .map(([place, exposure]) => ({
      place,
      token: SETTLEMENT,
      size: abs(exposure.size),
      lot: lotOf(exposure.trade),
      least: leastSizeUp(money, exposure),
      discount: 0n,
    }));
  const tokens = state.holdings
    .map(({ token, amount, parameters }) => ({
      place: state.exposures.findIndex(({ asset }) => asset === parameters.asset),
      token,
      size: amount,
      lot: saleLotOf(parameters),
      least: 0n,
      discount: parameters.saleDiscount,
    }))
    .filter(({ place }) => state.exposures.some(({ price }, at) => at === place && isLiquidatable(price)));
  return {
    exposures: state.exposures.map(encodeExposure),
    sizes: state.exposures.map(({ size }) => size),
    quotes: state.exposures.map(({ quote }) => quote),
    collaterals: state.exposures.map(({ collateral }) => collateral),
    skews: state.exposures.map(({ asset }) => state.skews.get(asset) ?? 0n),
    parts: [...positions, ...tokens],
    cash: state.cash + escrow,
    pending: hasPendingOrder,
    globals: encodeGlobals(globals),
    groups: encodeGroups(groups),
    money: encodeMoney(money),
    divisor: min(WAD, state.settlementPrice),
    insurance,
    room: insuranceRooms?.get(UNATTRIBUTED) ?? 0n,
    equity: terms.equity,
    maintenance: maintenanceUp(terms, globals),
  };
}

type Answer = Awaited<ReturnType<typeof harness.leastSlice>>;

/** A plan of the contract as plain values; undefined where it is empty. */
function toTuple({ reductions, sales, result }: Answer) {
  if (reductions.length + sales.length === 0) return undefined;
  return {
    reductions: reductions.map(({ asset, delta }) => [Number(asset), delta]),
    sales: sales.map(({ token, amount }) => [Number(token), amount]),
    result: [...result],
  };
}

function tupleOf(plan: LiquidationPlan | undefined): ReturnType<typeof toTuple> {
  if (plan === undefined) return undefined;
  const { basket, outcome } = plan;
  return {
    reductions: basket.reductions.map(({ asset, delta }) => [asset, delta]),
    sales: basket.sales.map(({ token, amount }) => [token, amount]),
    result: [
      outcome.equityBefore,
      outcome.maintenanceBefore,
      outcome.equityAfter,
      outcome.maintenanceAfter,
      outcome.penalty,
      outcome.discount,
      outcome.reward,
      outcome.deficit,
    ],
  };
}
