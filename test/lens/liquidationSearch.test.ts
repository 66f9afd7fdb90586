import { expect } from "chai";

import type { Basket } from "../../scripts/model/liquidation.ts";
import { findLiquidation, leastSlice } from "../../scripts/model/liquidationSearch.ts";
import { crowdedWithCollateral } from "../clearing/scenarios.ts";
import { betterTerms, expectConserved, load, movePrice, now, stateOf } from "../clearing/support.ts";
import { instrumented } from "../fixture.ts";
import { insolvent } from "../insurance/support.ts";
import { expectNoShareBetter, gapOf } from "../model/shares.ts";
import { BTC, ETH, HOUR, SOL, wad } from "../parameters.ts";
import { expectAccepted } from "./plans.ts";
import { cut, hedged, hedgingStale, indebted, outright, overdrawn, partlyHedged, small } from "./standings.ts";

const LOTS: Readonly<Record<number, bigint>> = { [ETH]: wad("0.001"), [BTC]: wad("0.0001") };
/** What a node that holds calls to the limit of transactions leaves them. */
const CALL_GAS = 1n << 24n;

describe("Lens.leastReduction", () => {
  afterEach(expectConserved);

  it("is the least of a leg, to the lot, that brings the account to its target, and is accepted", async () => {
    const world = await load(outright);
    const state = await stateOf(world, world.account, await now());

    const plan = await world.lens.leastReduction(world.account, ETH);
    const basket = await expectAccepted(world, plan);
    expect(basket).to.deep.equal(findLiquidation(state)?.basket);
    expect(gapOf(state, basket)).to.be.at.least(0n);
    expect(gapOf(state, withLess(basket, ETH))).to.be.lessThan(0n);
  });

  it("is found where little less and little more of the leg would not reach the target", async () => {
    const world = await load(partlyHedged);
    const state = await stateOf(world, world.account, await now());
    const gapOfShare = (ninths: bigint) =>
      gapOf(state, { reductions: [{ asset: BTC, delta: (wad("4") * ninths) / 9n }], sales: [] });
    // A search by thirds looks at a third, at two, and then at five ninths and at seven.
    const reaching = [3n, 6n, 9n, 5n, 7n].filter((ninths) => gapOfShare(ninths) >= 0n);
    expect(reaching).to.deep.equal([7n]);

    const basket = await expectAccepted(world, await world.lens.leastReduction(world.account, BTC));
    expect(gapOf(state, basket)).to.be.at.least(0n);
    expect(gapOf(state, withLess(basket, BTC))).to.be.lessThan(0n);
  });

  it("leaves nothing that is too small to stay open", async () => {
    const world = await load(outright);
    const { lens, clearingHouse, account } = world;
    await world.setPrice(ETH, wad("1_673"));
    const before = await lens.leastReduction(account, ETH);
    expect(before.result.maintenanceAfter).to.be.greaterThan(0n);
    await clearingHouse.setMoney({ ...world.parameters.money, minNotional: 100_000_00 });

    const plan = await lens.leastReduction(account, ETH);
    const { reductions } = await expectAccepted(world, plan);
    expect(reductions).to.deep.equal([{ asset: ETH, delta: wad("-750") }]);
  });

  it("is nothing where the leg is a hedge", async () => {
    const world = await load(hedged);

    for (const asset of [ETH, BTC]) {
      const plan = await world.lens.leastReduction(world.account, asset);
      const state = await stateOf(world, world.account, await now());
      if (plan.reductions.length === 0) {
        // Not even the best size of it reaches the target.
        const { size } = state.exposures.find((exposure) => exposure.asset === asset) ?? { size: 0n };
        for (let part = 1n; part <= 100n; part++) {
          const delta = (-size * part) / 100n;
          expect(gapOf(state, { reductions: [{ asset, delta }], sales: [] })).to.be.lessThan(0n);
        }
      } else await expectAccepted(world, plan);
    }
    const found = await Promise.all([ETH, BTC].map((asset) => world.lens.leastReduction(world.account, asset)));
    expect(found.some(({ reductions }) => reductions.length === 0)).to.equal(true);
  });

  it("is nothing of an asset that the account has no position in", async () => {
    const { lens, account } = await load(outright);

    const { reductions, sales } = await lens.leastReduction(account, SOL);
    expect([reductions.length, sales.length]).to.deep.equal([0, 0]);
  });
});

describe("Lens.leastSlice", () => {
  afterEach(expectConserved);

  for (const [what, arrange] of [
    ["one position", outright],
    ["a hedge with collateral", hedged],
  ] as const) {
    it(`of ${what} reaches the target, no smaller share does, and it is accepted`, async () => {
      const world = await load(arrange);
      const state = await stateOf(world, world.account, await now());

      const basket = await expectAccepted(world, await world.lens.leastSlice(world.account));
      expect(gapOf(state, basket)).to.be.at.least(0n);
      const legs = [...basket.reductions, ...basket.sales];
      expect(legs.length).to.equal(
        state.exposures.filter(({ size }) => size !== 0n).length + state.holdings.filter((h) => h.amount !== 0n).length,
      );
      expect(gapOf(state, withLess(basket))).to.be.lessThan(0n);
    });
  }

  it("is the same share of every leg, to the lot", async () => {
    const world = await load(hedged);
    const state = await stateOf(world, world.account, await now());
    const { reductions } = await world.lens.leastSlice(world.account);

    const shares = reductions.map(({ asset, delta }) => {
      const { size } = state.exposures.find((exposure) => exposure.asset === Number(asset)) ?? { size: 1n };
      return { least: (-delta * wad("1")) / size, most: ((-delta + sign(-delta) * lotOf(asset)) * wad("1")) / size };
    });
    const least = shares.reduce((high, share) => (share.least > high ? share.least : high), 0n);
    for (const { most } of shares) expect(most).to.be.at.least(least);
  });

  it("is everything where there is no equity to reach the target with", async () => {
    const world = await load(outright);
    await world.setPrice(ETH, wad("1_650"));
    const { equity } = betterTerms(await stateOf(world, world.account, await now()));
    expect(equity).to.be.lessThan(0n);

    const plan = await world.lens.leastSlice(world.account);
    const { reductions } = await expectAccepted(world, plan);
    expect(reductions).to.deep.equal([{ asset: ETH, delta: wad("-750") }]);
    expect(plan.result.deficit).to.be.greaterThan(0n);
  });

  it("is all collateral of an insolvent account", async () => {
    const world = await load(insolvent);

    const { reductions, sales } = await expectAccepted(world, await world.lens.leastSlice(world.account));
    expect([reductions, sales]).to.deep.equal([[], [{ token: 0, amount: wad("10") }]]);
  });

  it("closes what may be closed, as near to the target as that comes", async () => {
    const world = await load(outright);
    const { account } = world;
    await world.fund(world.alice, wad("30_000"));
    await world.setPrice(ETH, wad("1_800"));
    await world.refresh();
    await world.trade(account, SOL, wad("5_000"));
    await world.setPrice(ETH, wad("1_520"));
    await world.oracle.update(1n << BigInt(ETH));
    await world.advance(2 * HOUR);
    await world.setPrice(SOL, wad("23.5"));
    const state = await stateOf(world, account, await now());
    const { equity, maintenance } = betterTerms(state);
    expect(equity).to.be.at.most(maintenance).and.be.greaterThan(0n);

    const { reductions } = await expectAccepted(world, await world.lens.leastSlice(account));
    expect(reductions.map(({ asset }) => asset)).to.deep.equal([SOL]);
  });

  it("is the share that ends nearest to the target where none reaches it and no equity need be lacking", async () => {
    const world = await load(hedgingStale);
    const state = await stateOf(world, world.account, await now());
    const { equity, maintenance } = betterTerms(state);
    expect(equity).to.be.at.most(maintenance).and.be.greaterThan(0n);

    const basket = await expectAccepted(world, await world.lens.leastSlice(world.account));
    expect(basket).to.deep.equal(leastSlice(state)?.basket);
    expect(gapOf(state, basket)).to.be.lessThan(0n);
    // All of the ether would leave the short bitcoin bare.
    const [{ delta } = { delta: 0n }] = basket.reductions;
    expect(-delta).to.be.greaterThan(0n).and.lessThan(wad("200"));
    expectNoShareBetter(state, basket);
  });

  it("says what insurance adds to the reward where a small account is closed with equity", async () => {
    const world = await load(small);
    const plan = await world.lens.leastSlice(world.account);
    const { penalty, reward } = plan.result;

    await expectAccepted(world, plan);
    expect(penalty).to.be.greaterThan(0n);
    expect(reward).to.equal(penalty);
  });

  it("counts the shares of insurance in fees and penalty into what it may add", async () => {
    const world = await load(outright);
    await world.clearingHouse.setMoney({
      ...world.parameters.money,
      flatReward: 100_000_00,
      unattributedCap: 1_000_000_00,
    });
    await world.setPrice(ETH, wad("1_650"));
    const { insurance } = await world.clearingHouse.balances();

    const plan = await world.lens.leastSlice(world.account);
    await expectAccepted(world, plan);
    expect(plan.result.reward).to.be.greaterThan(insurance).and.lessThan(plan.result.maintenanceBefore);
  });

  it("says no more of a reward than insurance still pays today", async () => {
    const world = await load(outright);
    await world.clearingHouse.setMoney({ ...world.parameters.money, unattributedCap: 1_50 });
    await world.setPrice(ETH, wad("1_650"));

    const plan = await world.lens.leastSlice(world.account);
    await expectAccepted(world, plan);
    expect(plan.result.reward).to.equal(wad("1.5"));
  });

  it("bounds penalty and discount together by what equity is left", async () => {
    const world = await load(hedged);
    await movePrice(world, BTC, wad("31_600"));
    await world.refresh();

    const plan = await world.lens.leastSlice(world.account);
    const { discount, penalty, maintenanceBefore, maintenanceAfter } = plan.result;
    expect(discount).to.be.greaterThan(0n);
    expect(penalty).to.be.lessThan((maintenanceBefore - maintenanceAfter) / 10n);
    await expectAccepted(world, plan);
  });

  it("is nothing of an account that cannot be liquidated", async () => {
    for (const arrange of [overdrawn, indebted, cut]) {
      const { lens, account } = await load(arrange);

      const { reductions, sales } = await lens.leastSlice(account);
      expect([reductions.length, sales.length]).to.deep.equal([0, 0]);
    }
  });

  it("of sixteen assets is found with a quarter of the gas of a call", async () => {
    const world = await load(crowdedWithCollateral);
    const { account, bob } = world;
    await world.fund(bob, wad("100_000"));
    for (const [asset, price] of [
      [BTC, "12_000"],
      [ETH, "1_300"],
    ] as const) {
      await movePrice(world, asset, wad(price));
    }
    await world.refresh();
    const { equity, maintenance } = betterTerms(await stateOf(world, account, await now()));
    expect(equity).to.be.at.most(maintenance);

    await expectAccepted(world, await world.lens.leastSlice(account));
    if (!instrumented) expect(await world.lens.leastSlice.estimateGas(account)).to.be.lessThan(CALL_GAS / 4n);
  });
});

/** A basket with one lot less of each leg, or of one. */
function withLess({ reductions, sales }: Basket, only?: number): Basket {
  return {
    reductions: reductions.map(({ asset, delta }) => ({
      asset,
      delta: only === undefined || only === asset ? delta - sign(delta) * lotOf(BigInt(asset)) : delta,
    })),
    sales: only === undefined ? sales.map(({ token, amount }) => ({ token, amount: amount - wad("0.001") })) : sales,
  };
}

function lotOf(asset: bigint): bigint {
  const lot = LOTS[Number(asset)];
  if (lot === undefined) throw new Error("no such lot");
  return lot;
}

function sign(value: bigint): bigint {
  return value < 0n ? -1n : 1n;
}
