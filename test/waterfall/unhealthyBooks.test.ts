import { expect } from "chai";
import fc from "fast-check";

import { abs, max, WAD } from "../../scripts/model/fixed.ts";
import {
  type Basket,
  liquidate as carryOut,
  type LiquidationState,
  targetUp,
} from "../../scripts/model/liquidation.ts";
import { findLiquidation } from "../../scripts/model/liquidationSearch.ts";
import { assess, maintenanceUp } from "../../scripts/model/risk.ts";
import { still, tradeBasket } from "../clearing/scenarios.ts";
import {
  betterTerms,
  expectConserved,
  load,
  movePrice,
  nextSecond,
  now,
  stateOf,
  toCall,
  worseTerms,
} from "../clearing/support.ts";
import { type Account, accountOf, receiptOf, type World } from "../fixture.ts";
import { unhealthy } from "../model/accounts.ts";
import { holds } from "../model/arbitraries.ts";
import { BTC, ETH, LINK, SETTLEMENT, SOL, wad, WBTC, WBTC_TOKEN, WETH_TOKEN } from "../parameters.ts";

/** Baskets that an account may take until it is sound. */
const MOST_STEPS = 4;
const BOOKS = 20;

type Case = World & { account: Account; liquidator: Account };

describe("Unhealthy books", () => {
  it("a thousand random ones come to their target or are closed, in a few baskets", () => {
    holds(
      fc.property(unhealthy, (book) => {
        let state = book;
        for (let step = 0; step < MOST_STEPS && !isSettled(state); step++) {
          const plan = findLiquidation(state);
          if (plan === undefined) throw new Error("nothing to liquidate");
          state = afterBasket(state, plan.basket, plan.outcome);
        }
        expect(isSettled(state)).to.equal(true);
      }),
      { runs: 1_000 },
    );
  });

  describe("on chain", () => {
    afterEach(expectConserved);

    it("an exactly beta-neutral pair comes to its target by a slice of both legs", async () => {
      const world = await load(betaNeutral);
      const { exposures } = await stateOf(world, world.account, await now());
      const [eth, btc] = exposures;
      // 0.05 · 659.025 · 1720 = 0.045 · 43 · 29,290
      expect((eth?.size ?? 0n) * (eth?.price.last ?? 0n) * 50n).to.equal(
        -(btc?.size ?? 0n) * (btc?.price.last ?? 0n) * 45n,
      );

      const kinds = await liquidateAll(world);
      expect(kinds).to.deep.equal(["slice"]);
      await expectAtTarget(world);
    });

    it("a short that WETH hedges comes to its target, though selling the WETH alone makes it worse", async () => {
      const world = await load(hedgedShort);
      const state = await stateOf(world, world.account, await now());
      const worse = carryOut(state, { reductions: [], sales: [{ token: WETH_TOKEN, amount: wad("20") }] });
      expect(worse.refusal).to.equal("HealthNotImproved");

      expect(await liquidateAll(world)).to.have.length(1);
      await expectAtTarget(world);
    });

    for (let seed = 1; seed <= BOOKS; seed++) {
      it(`random book ${seed} comes to its target or is closed`, async () => {
        const world = await randomBook(await load(funded), seed);

        const kinds = await liquidateAll(world);
        expect(kinds).to.have.length.within(1, MOST_STEPS);
        await expectAtTarget(world);
      });
    }
  });
});

// ---------------------------------------------------------------- model

/** Healthy, or with nothing left to close. */
function isSettled(state: LiquidationState): boolean {
  const open = state.exposures.some(({ size, collateral }) => abs(size) + collateral !== 0n);
  if (!open) return true;
  const terms = assess({ ...state, end: "better" });
  return terms.equity > maintenanceUp(terms, state.globals);
}

/** The account after an accepted basket. */
function afterBasket(
  state: LiquidationState,
  { reductions, sales }: Basket,
  {
    exposures,
    cash,
    insuranceChange,
  }: { exposures: LiquidationState["exposures"]; cash: bigint; insuranceChange: bigint },
): LiquidationState {
  const skews = new Map(state.skews);
  for (const { asset, delta } of reductions) skews.set(asset, (skews.get(asset) ?? 0n) + delta);
  const holdings = state.holdings.map((holding) => ({
    ...holding,
    amount: holding.amount - (sales.find(({ token }) => token === holding.token)?.amount ?? 0n),
  }));
  return { ...state, exposures, cash, skews, holdings, insurance: state.insurance + insuranceChange };
}

// ---------------------------------------------------------------- chain

/** Liquidates what the search finds until the account is sound or closed; the kinds of the baskets. */
async function liquidateAll(world: Case): Promise<string[]> {
  const { clearingHouse, account, liquidator, keeper } = world;
  const kinds = [];
  for (;;) {
    const state = await stateOf(world, account, await nextSecond());
    if (isSettled(state)) return kinds;
    const plan = findLiquidation(state);
    if (plan === undefined || kinds.length === MOST_STEPS) throw new Error(`not settled after ${kinds.join()}`);
    await receiptOf(clearingHouse.connect(keeper).liquidate(account, ...toCall(plan.basket), liquidator));
    kinds.push(plan.kind);
  }
}

/** At R_M + τ·(R_I − R_M), but for the last lot; or closed. */
async function expectAtTarget(world: Case): Promise<void> {
  const state = await stateOf(world, world.account, await now());
  const terms = betterTerms(state);
  if (terms.maintenance === 0n) return;
  expect(terms.equity).to.be.at.least(targetUp(terms, state.globals) - wad("2"));
}

async function funded(): Promise<Case> {
  const world = await still();
  const liquidator = await world.fund(world.keeper, wad("2_000_000"));
  return { ...world, account: accountOf(world.carol), liquidator };
}

async function betaNeutral(): Promise<Case> {
  const world = await funded();
  const account = accountOf(world.alice);
  await world.trade(account, BTC, wad("-43"));
  await world.trade(account, ETH, wad("659.025"));
  await world.setPrice(ETH, wad("1720"));
  await world.setPrice(BTC, wad("29290"));
  return { ...world, account };
}

/** 100 WETH against 400 ETH short from 1800. */
async function hedgedShort(): Promise<Case> {
  const world = await funded();
  const account = await world.fundCollateral(world.carol, WETH_TOKEN, wad("100"));
  await world.trade(account, ETH, wad("-400"));
  await movePrice(world, ETH, wad("2_330"));
  return { ...world, account };
}

/** Numbers of 0 to 1, the same for a seed (mulberry32). */
function randomness(seed: number): () => number {
  let state = seed * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Some positions of alice, some collateral, no more cash than she needs, and prices that move against her until she is
 * unhealthy, or well beyond. */
async function randomBook(world: Case, seed: number): Promise<Case> {
  const { clearingHouse, vault, alice } = world;
  const random = randomness(seed);
  const account = await world.fund(alice, wad("1_000_000"));
  const legs = [];
  for (const asset of [ETH, BTC, SOL, LINK]) {
    if (random() < 0.3 && legs.length + 3 > asset) continue;
    const value = BigInt(Math.round(5_000 * 60 ** random())) * WAD;
    const size = (value * WAD) / (await world.priceOf(asset));
    legs.push({ asset, delta: random() < 0.5 ? size : -size });
  }
  if (legs.length === 0) legs.push({ asset: ETH, delta: wad("50") });
  const isFilled =
    legs.length > 1
      ? await tradeBasket(world, account, legs)
      : (await world.trade(account, legs[0]?.asset ?? ETH, legs[0]?.delta ?? 0n)).outcome === "Filled";
  expect(isFilled).to.equal(true);
  if (random() < 0.4) await world.fundCollateral(alice, WETH_TOKEN, wad((random() * 4 + 0.1).toFixed(3)));
  if (random() < 0.3) await world.fundCollateral(alice, WBTC_TOKEN, wad((random() * 0.2 + 0.01).toFixed(3)));

  const { weighted, initial } = worseTerms(await stateOf(world, account, await now()));
  const { cash } = await clearingHouse.accountOf(account);
  const spare = weighted - (initial * 105n) / 100n;
  await vault.connect(alice).withdraw(account, SETTLEMENT, max(0n, spare < cash ? spare : cash) / 10n ** 12n, alice);
  await fall({ ...world, account }, random);
  return { ...world, account };
}

async function fall(world: Case, random: () => number): Promise<void> {
  const beyond = random() < 0.3 ? 1 : 0;
  for (let left = beyond, step = 0; step < 30; step++) {
    const state = await stateOf(world, world.account, await now());
    if (isSettled(state)) left = beyond;
    else if (left-- === 0) return;
    for (const { asset, size, collateral, price } of state.exposures) {
      const moved = (price.last * BigInt(Math.round(10_000 + 500 * random()))) / 10_000n;
      const against = size + collateral > 0n ? 2n * price.last - moved : moved;
      await world.setPrice(asset, against - (against % 10n ** 10n));
    }
    await world.oracle.update((1n << BigInt(WBTC + 1)) - 1n);
  }
  throw new Error("the account is still sound");
}
