import { expect } from "chai";
import fc from "fast-check";

import { UNATTRIBUTED } from "../../scripts/model/deficit.ts";
import { type Basket, liquidate as carryOut, type LiquidationState } from "../../scripts/model/liquidation.ts";
import { findLiquidation, leastSlice } from "../../scripts/model/liquidationSearch.ts";
import { expectConserved, load, movePrice, nextSecond, now, stateOf, toCall } from "../clearing/support.ts";
import { accountOf, receiptOf } from "../fixture.ts";
import { expectAccepted } from "../lens/plans.ts";
import { unhealthy } from "../model/accounts.ts";
import { holds } from "../model/arbitraries.ts";
import { expectNoShareBetter } from "../model/shares.ts";
import { BTC, ETH, wad, WETH_TOKEN } from "../parameters.ts";
import { type Case, funded, isAtTarget, isClosed, isSettled, randomBook } from "./randomBooks.ts";

/** Baskets that an account may take until it is sound. */
const MOST_STEPS = 4;
const BOOKS = 80;

describe("Unhealthy books", () => {
  it("a thousand random ones come to their target or are closed, in a few baskets", () => {
    let [closed, inPart] = [0, 0];
    holds(
      fc.property(unhealthy, (book) => {
        let state = book;
        let last: Basket = { reductions: [], sales: [] };
        for (let step = 0; step < MOST_STEPS && !isSettled(state); step++) {
          const plan = findLiquidation(state);
          if (plan === undefined) throw new Error("nothing to liquidate");
          state = afterBasket(state, plan.basket, plan.outcome);
          last = plan.basket;
        }
        expect(isSettled(state)).to.equal(true);
        expect(isAtTarget(state, last)).to.equal(true);
        if (isClosed(state)) ++closed;
        else ++inPart;
      }),
      { runs: 1_000 },
    );
    // Neither would prove anything of the other.
    expect(Math.min(closed, inPart), "closed, or in part").to.be.greaterThan(300);
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
    });

    it("a short that WETH hedges comes to its target, though selling the WETH alone makes it worse", async () => {
      const world = await load(hedgedShort);
      const state = await stateOf(world, world.account, await now());
      const worse = carryOut(state, { reductions: [], sales: [{ token: WETH_TOKEN, amount: wad("20") }] });
      expect(worse.refusal).to.equal("HealthNotImproved");

      expect(await liquidateAll(world)).to.have.length(1);
    });

    for (let seed = 1; seed <= BOOKS; seed++) {
      it(`random book ${seed} comes to its target or is closed, and the lens says how`, async () => {
        const world = await randomBook(await load(funded), seed);
        await expectPlanKept(world);

        const kinds = await liquidateAll(world);
        expect(kinds).to.have.length.within(1, MOST_STEPS);
      });
    }
  });
});

// ---------------------------------------------------------------- model

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

/** Liquidates what the search finds until the account is at its target or closed; the kinds of the baskets. */
async function liquidateAll(world: Case): Promise<string[]> {
  const { clearingHouse, account, liquidator, keeper } = world;
  const kinds = [];
  let last: Basket = { reductions: [], sales: [] };
  for (;;) {
    const state = await stateOf(world, account, await nextSecond());
    if (isSettled(state)) {
      expect(isAtTarget(state, last)).to.equal(true);
      return kinds;
    }
    const plan = findLiquidation(state);
    if (plan === undefined || kinds.length === MOST_STEPS) throw new Error(`not settled after ${kinds.join()}`);
    await receiptOf(clearingHouse.connect(keeper).liquidate(account, ...toCall(plan.basket), liquidator));
    kinds.push(plan.kind);
    last = plan.basket;
  }
}

/** The slice that the lens finds is the model's, does what it says, and no other share is better. */
async function expectPlanKept(world: Case): Promise<void> {
  const { clearingHouse, lens, account, bob } = world;
  await world.fund(bob, wad("2_000_000"));
  const { room } = await clearingHouse.insuranceRoomOf(UNATTRIBUTED);
  const insuranceRooms = new Map([[UNATTRIBUTED, room]]);
  const state = { ...(await stateOf(world, account, await now())), insuranceRooms };
  const basket = await expectAccepted(world, await lens.leastSlice(account));
  expect(basket).to.deep.equal(leastSlice(state)?.basket);
  expectNoShareBetter(state, basket);
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
