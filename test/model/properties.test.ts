import { expect } from "chai";
import fc from "fast-check";

import { book, fill, moveCash } from "../../scripts/model/fill.ts";
import { abs, divFloor, min, WAD } from "../../scripts/model/fixed.ts";
import { NO_FUNDING } from "../../scripts/model/funding.ts";
import { isIsolatedLiquidatable, isolate } from "../../scripts/model/isolated.ts";
import { BasketRefused, liquidate } from "../../scripts/model/liquidation.ts";
import { liquidationPrices, marginAt, marginOf, MAX_PRICE } from "../../scripts/model/liquidationPrice.ts";
import { findLiquidation, leastSlice } from "../../scripts/model/liquidationSearch.ts";
import { decodeGlobals } from "../../scripts/model/parameters.ts";
import { livePrice } from "../../scripts/model/price.ts";
import { feeUp, quoteCeil } from "../../scripts/model/pricing.ts";
import { initialUp, maintenanceUp, assess } from "../../scripts/model/risk.ts";
import { cashForHealth, unhealthy, unhealthyInDoubt } from "./accounts.ts";
import { between, holds, signed } from "./arbitraries.ts";
import { expectNoShareAccepted, expectNoShareBetter } from "./shares.ts";

const market = fc.record({
  price: between(1n, 10n ** 6n * WAD),
  depth: between(WAD, 10n ** 12n * WAD),
  index: signed(90),
});

const size = fc.oneof(signed(60), signed(80), signed(100)).filter((value) => value !== 0n);

describe("properties of a fill", () => {
  it("splitting it costs the same quote and up to a wei more for each part, and no lower fee", () => {
    holds(
      fc.property(
        market,
        signed(90),
        fc.array(size.map(abs), { minLength: 2, maxLength: 8 }),
        fc.boolean(),
        (m, skew, sizes, long) => {
          const parts = sizes.map((part) => (long ? part : -part));
          const delta = parts.reduce((sum, part) => sum + part, 0n);
          const fees = { price: m.price, takerFee: 500n, makerFee: 200n };
          const whole = quoteCeil({ ...m, delta, skew });
          let [quote, fee, moved] = [0n, 0n, skew];
          for (const part of parts) {
            quote += quoteCeil({ ...m, delta: part, skew: moved });
            fee += feeUp({ ...fees, delta: part, skew: moved });
            moved += part;
          }
          expect(quote >= whole && quote < whole + BigInt(parts.length)).to.equal(true);
          expect(fee >= feeUp({ ...fees, delta, skew })).to.equal(true);
        },
      ),
      { runs: 1_000 },
    );
  });

  it("a round trip at one price never earns, whatever is filled between", () => {
    holds(
      fc.property(market, signed(90), size, (m, skew, delta) => {
        const there = quoteCeil({ ...m, delta, skew });
        const back = quoteCeil({ ...m, delta: -delta, skew: skew + delta });
        expect(there + back >= 0n && there + back <= 1n).to.equal(true);
      }),
      { runs: 500 },
    );
  });

  it("keeps the sum of quote and realised result, and what a flat position leaves is nothing", () => {
    holds(
      fc.property(signed(100), signed(110), size, signed(110), (held, quote, delta, taken) => {
        const start = held === 0n ? 0n : quote;
        const after = book({ size: held, quote: start, delta, taken });
        expect(after.quote + after.realised).to.equal(start - taken);
        expect(after.size).to.equal(held + delta);
        if (after.size === 0n) expect(after.quote).to.equal(0n);
      }),
      { runs: 1_000 },
    );
  });

  it("changes realised plus unrealised value by its impact alone", () => {
    holds(
      fc.property(unhealthy, fc.nat(), size, (state, pick, delta) => {
        const exposure = state.exposures[pick % state.exposures.length];
        if (exposure === undefined) return;
        const price = exposure.price.last;
        const net = price - exposure.funding.index;
        const filled = fill({ exposure, delta, price, skew: state.skews.get(exposure.asset) ?? 0n });
        const before = exposure.size * net + exposure.quote * WAD;
        const after = filled.exposure.size * net + (filled.exposure.quote + filled.realised) * WAD;
        expect(after - before).to.equal(delta * net - filled.quote * WAD);
      }),
      { runs: 500 },
    );
  });

  it("leaves Σ quotes, the pool's mirror included, at zero over any history", () => {
    const step = fc.record({ trader: fc.nat({ max: 3 }), delta: size, price: between(1n, 10n ** 6n * WAD) });
    holds(
      fc.property(market, fc.array(step, { minLength: 1, maxLength: 40 }), (m, steps) => {
        const traders = Array.from({ length: 4 }, () => ({ size: 0n, quote: 0n, cash: 0n }));
        const pool = { size: 0n, quote: 0n, base: 0n, debts: 0n };
        for (const { trader, delta, price } of steps) {
          const held = traders[trader];
          if (held === undefined) continue;
          const taken = quoteCeil({ ...m, price, delta, skew: -pool.size });
          const { realised, ...position } = book({ ...held, delta, taken });
          const moved = moveCash(held.cash, realised);
          traders[trader] = { ...position, cash: moved.cash };
          pool.size -= delta;
          pool.quote += taken + realised;
          pool.base -= realised + moved.borrowed;
          pool.debts += moved.borrowed;
        }
        const sum = (field: "size" | "quote" | "cash"): bigint => traders.reduce((total, t) => total + t[field], 0n);
        expect(sum("size") + pool.size).to.equal(0n);
        expect(sum("quote") + pool.quote).to.equal(0n);
        // What the pool has is what traders' positive cash lacks.
        expect(sum("cash") + pool.base + pool.debts).to.equal(0n);
        expect(pool.debts >= 0n).to.equal(true);
      }),
      { runs: 300 },
    );
  });
});

describe("properties of the margin", () => {
  it("E − R_M is concave along the price of one asset, but for roundings", () => {
    const prices = fc.tuple(between(0n, 2n ** 80n), between(0n, 2n ** 80n), between(1n, 999n));
    holds(
      fc.property(unhealthy, fc.nat(), prices, (state, pick, [low, high, weight]) => {
        const asset = pick % state.exposures.length;
        const middle = divFloor(low * weight + high * (1_000n - weight), 1_000n);
        const [a, b] = [marginAt(state, { asset, price: low }), marginAt(state, { asset, price: high })];
        // The middle price itself is rounded: a wei of price moves the margin by about the gross size.
        const held = state.exposures[asset];
        const gross = held === undefined ? 0n : abs(held.size) + held.collateral;
        const slack = 100n + (2n * gross) / WAD;
        const chord = a * weight + b * (1_000n - weight);
        expect((marginAt(state, { asset, price: middle }) + slack) * 1_000n >= chord).to.equal(true);
      }),
      { runs: 500 },
    );
  });

  it("liquidation prices are exact to the wei, on both sides", () => {
    holds(
      fc.property(unhealthyInDoubt, fc.nat(), between(500_000n, 3_000_000n), (account, pick, health) => {
        const state = { ...account, cash: cashForHealth(account, health) };
        const asset = pick % state.exposures.length;
        const found = liquidationPrices(state, asset);
        const at = (price: bigint): bigint => marginAt(state, { asset, price });
        if (found === undefined) {
          expect(at(state.exposures[asset]?.price.last ?? 0n) <= 0n).to.equal(true);
          return;
        }
        const { below, above } = found;
        if (below === undefined) expect(at(0n) > 0n).to.equal(true);
        else expect(at(below) <= 0n && at(below + 1n) > 0n).to.equal(true);
        if (above === undefined) expect(at(MAX_PRICE) > 0n).to.equal(true);
        else expect(at(above) <= 0n && at(above - 1n) > 0n).to.equal(true);
      }),
      { runs: 150 },
    );
  });

  it("an account whose hedge turns into risk has a liquidation price on either side", () => {
    // E grows by 1 per unit of price. R_M by 0.965 while the asset hedges the other one, by 1.01 after that.
    const rates = { beta: 100_000n, sigma: 20_000n, gamma: 50_000n, kappa: 0n };
    const risk = { from: rates, to: rates, start: 0n, duration: 0n, group: 0 };
    const flat = { ...risk, from: { ...rates, sigma: 0n, gamma: 0n }, to: { ...rates, sigma: 0n, gamma: 0n } };
    const sizes = { depth: WAD, openInterestCap: 0n, openInterestShare: 0n, status: "Active" as const };
    const trade = {
      skewCap: 0n,
      takerFee: 0n,
      makerFee: 0n,
      maxFundingRate: 0n,
      fundingVelocity: 0n,
      profitWeight: 0n,
      lotExponent: 0n,
      insuranceCap: 0n,
    };
    const common = { quote: 0n, funding: NO_FUNDING, sizes, trade };
    const price = livePrice(2_000n * WAD);
    const exposures = [
      { ...common, asset: 0, price, size: -9n * WAD, collateral: 10n * WAD, risk },
      { ...common, asset: 1, price, size: -WAD, collateral: 0n, risk: flat },
    ];
    const state = {
      exposures,
      cash: 0n,
      groups: new Array<bigint>(10).fill(100_000n),
      globals: decodeGlobals(500_000n),
      time: 0n,
    };
    // At 2000 the hedge is whole and the margin 10: 10/0.035 below, and 2444 + (10 + 444·0.035)/0.01 above.
    const cash = 10n * WAD - marginOf(state);
    const { below = 0n, above = 0n } = liquidationPrices({ ...state, cash }, 0) ?? {};
    expect(below > 1_714n * WAD && below < 1_715n * WAD).to.equal(true);
    expect(above > 4_999n * WAD && above < 5_001n * WAD).to.equal(true);
  });

  it("the initial requirement exceeds the maintenance requirement of whatever is open", () => {
    holds(
      fc.property(unhealthyInDoubt, (state) => {
        const terms = assess({ ...state, end: "worse" });
        expect(initialUp(terms) > maintenanceUp(terms, state.globals)).to.equal(true);
      }),
      { runs: 300 },
    );
  });

  it("isolating an account splits cash, collateral and positions without a rest", () => {
    holds(
      fc.property(unhealthyInDoubt, (state) => {
        const parts = isolate(state);
        if (parts.length === 0) return;
        const exposures = parts.flatMap((part) => part.exposures);
        expect(parts.reduce((sum, { cash }) => sum + cash, 0n)).to.equal(state.cash);
        for (const whole of state.exposures) {
          const shares = exposures.filter(({ asset }) => asset === whole.asset);
          expect(shares.reduce((sum, { collateral }) => sum + collateral, 0n)).to.equal(whole.collateral);
          expect(shares.reduce((sum, share) => sum + share.size, 0n)).to.equal(whole.size);
          expect(shares.reduce((sum, share) => sum + share.quote, 0n)).to.equal(whole.quote);
        }
      }),
      { runs: 300 },
    );
  });

  it("with one position isolated margin is cross margin", () => {
    holds(
      fc.property(unhealthy, between(900_000n, 1_100_000n), (account, health) => {
        const exposures = account.exposures.filter(({ size: s }) => s !== 0n).slice(0, 1);
        const state = { ...account, exposures };
        const margins = { ...state, cash: cashForHealth(state, health) };
        for (const part of isolate(margins)) {
          expect(isIsolatedLiquidatable(part, state)).to.equal(marginOf(margins) <= 0n);
        }
      }),
      { runs: 300 },
    );
  });
});

describe("search for a liquidation", () => {
  it("always ends with a basket that passes the contract's checks while every price is live", () => {
    const kinds = { leg: 0, slice: 0, whole: 0 };
    holds(
      fc.property(unhealthy, (state) => {
        const plan = findLiquidation(state);
        if (plan === undefined) throw new Error("nothing found");
        const outcome = liquidate(state, plan.basket);
        expect(outcome.refusal).to.equal(undefined);
        expect(
          outcome.equityAfter - outcome.maintenanceAfter > outcome.equityBefore - outcome.maintenanceBefore,
        ).to.equal(true);
        ++kinds[plan.kind];
      }),
      { runs: 300 },
    );
    expect(Math.min(kinds.leg, kinds.slice, kinds.whole)).to.be.greaterThan(0);
  });

  it("no share of an account that is accepted is better than the one it finds", () => {
    const ends = { reaching: 0, below: 0 };
    holds(
      fc.property(fc.oneof(unhealthy, unhealthyInDoubt), (account) => {
        const state = { ...account, cash: min(account.cash, cashForHealth(account, 1_000_000n)) };
        const plan = leastSlice(state);
        if (plan === undefined) {
          expectNoShareAccepted(state);
          return;
        }
        expect(plan.outcome.refusal).to.equal(undefined);
        expectNoShareBetter(state, plan.basket);
        ++ends[plan.outcome.equityAfter < plan.outcome.target ? "below" : "reaching"];
      }),
      { runs: 200 },
    );
    expect(Math.min(ends.reaching, ends.below)).to.be.greaterThan(50);
  });

  it("finds nothing for a healthy account, and the contract's rules refuse any basket", () => {
    holds(
      fc.property(unhealthyInDoubt, between(1_000_001n, 3_000_000n), (account, health) => {
        const state = { ...account, cash: cashForHealth(account, health) + 1n };
        expect(findLiquidation(state)).to.equal(undefined);
        expect(() => liquidate(state, { reductions: [], sales: [] })).to.throw(BasketRefused, "Healthy");
      }),
      { runs: 200 },
    );
  });

  it("closes live legs only", () => {
    holds(
      fc.property(unhealthyInDoubt, (state) => {
        const plan = findLiquidation({ ...state, cash: cashForHealth(state, 500_000n) });
        const live = new Set(state.exposures.filter(({ price }) => price.refusal === "None").map(({ asset }) => asset));
        for (const { asset } of plan?.basket.reductions ?? []) expect(live.has(asset)).to.equal(true);
        for (const { token } of plan?.basket.sales ?? []) expect(live.has(token)).to.equal(true);
      }),
      { runs: 200 },
    );
  });
});
