import { expect } from "chai";

import { PPM, WAD } from "../../scripts/model/fixed.ts";
import { decodeRisk } from "../../scripts/model/parameters.ts";
import { decodeWatch } from "../../scripts/model/watch.ts";
import { frozen } from "../clearing/scenarios.ts";
import { eventOf, movePrice, skewOf } from "../clearing/support.ts";
import { accountOf, loadFixture, receiptOf, time, type World } from "../fixture.ts";
import { ETH, type Parameters, wad } from "../parameters.ts";
import { cutToTheLast, flagAndSettle } from "../waterfall/scenarios.ts";
import { positionOf } from "../waterfall/support.ts";
import { type Crowd, deleveraged, insolvent, OTHER, over, SIZE, SKEW_CAP } from "./crowds.ts";
import { ceil, floor } from "./exact.ts";

const ONE = 2n ** 64n;
/** B is a price with so many more steps. */
const STEPS = 2n ** 32n;

describe("rounding of what reaches a whole side", () => {
  it("A after deleveraging; B after it, after a cut: down (closes no less than needed); toward the pool", async () => {
    for (const fixture of [overLong, overShort]) {
      const world = await loadFixture(fixture);
      const { clearingHouse, long } = world;
      const receipt = await receiptOf(clearingHouse.deleverage(ETH, await flagAndSettle(world)));

      const needed = ceil((SIZE - OTHER - 2n * SKEW_CAP) * WAD, SIZE);
      const { units, scale, offset } = await clearingHouse.sideOf(ETH, long);
      expect(scale).to.equal(ONE - ceil(ONE * needed, WAD));
      const event = eventOf(clearingHouse, receipt, "Deleveraged");
      expect(event.getValue("closed")).to.equal(SIZE - floor(units * scale, ONE));
      expect(abs(await skewOf(world, ETH))).to.be.at.most(2n * SKEW_CAP);
      const paid = (event.getValue("paid") as bigint) * STEPS * WAD;
      expect(offset).to.equal(long ? floor(paid, units) : -floor(paid, units));
    }
    for (const fixture of [insolventLong, insolventShort]) {
      const world = await loadFixture(fixture);
      const { clearingHouse, long } = world;
      const toPool = long ? ceil : floor;
      const { scale, offset } = await clearingHouse.sideOf(ETH, long);
      const value = toPool(scale * (await world.priceOf(ETH)), STEPS) + offset;

      await clearingHouse.cutProfits();
      const after = await clearingHouse.sideOf(ETH, long);
      expect(after.offset).to.equal(offset - toPool(value * (ONE - after.profitScale), ONE));
    }
  });

  it("fraction to be closed; what bounds it: up; down", async () => {
    const needed = await loadFixture(overLong);
    await needed.clearingHouse.deleverage(ETH, await flagAndSettle(needed));
    const upToCap = ceil((SIZE - OTHER - 2n * SKEW_CAP) * WAD, SIZE);
    expect((await needed.clearingHouse.sideOf(ETH, true)).scale).to.equal(ONE - ceil(ONE * upToCap, WAD));

    const bounded = await loadFixture(nearlyEven);
    await bounded.clearingHouse.deleverage(ETH, await flagAndSettle(bounded));
    const whole = floor((SIZE - SHORT) * WAD, SIZE);
    expect((await bounded.clearingHouse.sideOf(ETH, true)).scale).to.equal(ONE - ceil(ONE * whole, WAD));
  });

  it("charge of a change of depth; its rate; κ after it; B: Φ up before and after; up, and one more; down; toward the pool", async () => {
    for (const sign of [1n, -1n]) {
      const world = await loadFixture(sign > 0n ? onlyLong : onlyShort);
      const { clearingHouse, parameters } = world;
      const [price, before] = [await world.priceOf(ETH), parameters.assets[ETH]?.depth ?? 0n];
      const premium = (depth: bigint) => ceil(SIZE * SIZE * price, 2n * depth * WAD);
      const charged = premium(DEPTH) - premium(before);
      const rate = ceil(charged * PPM, floor(SIZE * price, WAD)) + 1n;
      const { gamma, kappa } = decodeRisk((await clearingHouse.parametersOf(ETH))[0]).from;

      const receipt = await receiptOf(clearingHouse.setDepth(ETH, DEPTH));
      expect(eventOf(clearingHouse, receipt, "DepthChanged").getValue("charged")).to.equal(charged);
      const { from } = decodeRisk((await clearingHouse.parametersOf(ETH))[0]);
      expect([from.gamma, from.kappa]).to.deep.equal([gamma - rate, floor(kappa * DEPTH, before)]);
      const { offset } = await clearingHouse.sideOf(ETH, sign > 0n);
      expect(offset).to.equal(sign * floor(-charged * STEPS * WAD, SIZE));
    }
  });

  it("h of a cut of profits; H after it: up; down", async () => {
    const world = await loadFixture(insolventLong);
    const { clearingHouse } = world;
    const first = ceil(-(await equityOf(world)) * ONE, await profitOf(world, { cut: false }));
    await clearingHouse.cutProfits();
    const { profitScale } = await clearingHouse.sideOf(ETH, true);
    expect(profitScale).to.equal(ONE - first);

    await movePrice(world, ETH, wad("2_600.87654321"));
    const second = ceil(-(await equityOf(world)) * ONE, await profitOf(world, { cut: true }));
    expect(await clearingHouse.cutProfits.staticCall()).to.equal(second);
    const receipt = await receiptOf(clearingHouse.cutProfits());
    const left = profitScale - ceil(profitScale * second, ONE);
    expect((await clearingHouse.sideOf(ETH, true)).profitScale).to.equal(left);
    expect(eventOf(clearingHouse, receipt, "ProfitsCut").getValue("cut")).to.equal(
      ONE - floor(ONE * left, profitScale),
    );
  });

  it("what a side that a cut closes whole keeps; its H; its B: down; down; toward the pool", async () => {
    const world = await loadFixture(nearlyCut);
    const { clearingHouse, account, parameters } = world;
    const { units, quote, profitScale, size } = await clearingHouse.sideOf(ETH, true);
    const { size: other } = await clearingHouse.sideOf(ETH, false);
    const value = await profitOf(world, { cut: true });
    const cut = await clearingHouse.cutProfits.staticCall();
    const twoDepth = 2n * (parameters.assets[ETH]?.depth ?? 0n) * WAD;
    const price = await world.priceOf(ETH);
    const premium = (skew: bigint): bigint => ceil(skew * skew * price, twoDepth);
    const kept = value - ceil(value * cut, ONE) + premium(size - other) - premium(other);
    expect(kept).to.be.within(1n, value);
    const left = floor(profitScale * kept, value);
    const offset = floor((kept - ceil(quote * left, ONE)) * STEPS * WAD, units);
    const stored = await clearingHouse.storedPositionOf(account, ETH);

    const receipt = await receiptOf(clearingHouse.cutProfits());
    expect(eventOf(clearingHouse, receipt, "ProfitsCut").getValue("offset")).to.equal(offset);
    expect(await positionOf(world, account, ETH)).to.deep.equal({
      size: 0n,
      quote: floor(stored.units * offset, STEPS * WAD) + floor(stored.quote * left, ONE),
    });
    expect(await equityOf(world)).to.be.at.least(0n);
  });

  it("final price of a market: down, then toward the pool on each side", async () => {
    for (const fixture of [cheapLong, cheapShort]) {
      const world = await loadFixture(fixture);
      const { clearingHouse, account, long, parameters } = world;
      const { scale, offset } = await clearingHouse.sideOf(ETH, long);
      const stored = await clearingHouse.storedPositionOf(account, ETH);
      const twoDepth = 2n * (parameters.assets[ETH]?.depth ?? 0n);
      const skew = await skewOf(world, ETH);

      const receipt = await receiptOf(clearingHouse.closeMarket(ETH, await lastRound(world)));
      const last = floor((await world.priceOf(ETH)) * (twoDepth + skew), twoDepth);
      expect(eventOf(clearingHouse, receipt, "MarketClosed").getValue("last")).to.equal(last);
      const unit = offset + (long ? floor(scale * last, STEPS) : ceil(scale * last, STEPS));
      expect(await positionOf(world, account, ETH)).to.deep.equal({
        size: 0n,
        quote: floor(stored.units * unit, STEPS * WAD) + stored.quote,
      });
    }
  });
});

/** Of bob against alice's 500: less than a quarter of hers would be left. */
const SHORT = wad("400.000000000000000001");

/** The market owes its traders more than the pool is to lose by it. */
async function nearlyEven(): Promise<World> {
  const world = await frozen(({ assets, money }) => {
    money.lossBudget = 10_000;
    for (const asset of assets) asset.openInterestShare = 10_000_000;
  });
  await world.fund(world.alice, wad("200_000"));
  await world.fund(world.bob, wad("200_000"));
  await world.trade(accountOf(world.bob), ETH, -SHORT);
  await world.trade(accountOf(world.alice), ETH, SIZE);
  await movePrice(world, ETH, wad("3_100.12345678"));
  return world;
}

/** Not a whole number of what κ is counted in. */
const DEPTH = wad("238_765.4321");

async function onlyLong(): Promise<World> {
  return alone(1n);
}

async function onlyShort(): Promise<World> {
  return alone(-1n);
}

/** Alice has 500 ETH on one side, and nobody has any on the other. */
async function alone(sign: bigint): Promise<World> {
  const world = await frozen(({ assets }) => {
    const [eth] = assets;
    if (eth) eth.openInterestCap = wad("2_000");
  });
  await world.trade(accountOf(world.alice), ETH, sign * SIZE);
  await world.setPrice(ETH, wad("1799.12345678"));
  return world;
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

async function equityOf({ clearingHouse }: World): Promise<bigint> {
  return (await clearingHouse.poolValuation()).equity;
}

/** What the pool owes to all longs. @param cut Whether profits have been cut before. */
async function profitOf(world: World, { cut }: { cut: boolean }): Promise<bigint> {
  const { units, quote, scale, profitScale, offset } = await world.clearingHouse.sideOf(ETH, true);
  const price = await world.priceOf(ETH);
  const held = cut ? ceil(quote * profitScale, ONE) : quote;
  return ceil(units * scale * price, ONE * WAD) + ceil(units * offset, STEPS * WAD) + held;
}

async function overLong(): Promise<Crowd> {
  return over({ long: true });
}

async function overShort(): Promise<Crowd> {
  return over({ long: false });
}

async function insolventLong(): Promise<Crowd> {
  return insolvent({ long: true });
}

async function insolventShort(): Promise<Crowd> {
  return insolvent({ long: false });
}

/** As `insolvent` for longs, and the next cut closes them. */
async function nearlyCut(): Promise<Crowd> {
  const world = await insolventLong();
  await cutToTheLast(world);
  return world;
}

/** A unit is worth so little, and a position has so many, that a step of B is several wei of its value. */
const CHEAP = 50_000_000n;

async function cheapLong(): Promise<Crowd> {
  return announced(await deleveraged({ long: true, adapt: cheapen, by: CHEAP }));
}

async function cheapShort(): Promise<Crowd> {
  return announced(await deleveraged({ long: false, adapt: cheapen, by: CHEAP }));
}

function cheapen({ feeds, assets }: Parameters): void {
  const [feed, eth] = [feeds[ETH], assets[ETH]];
  if (feed === undefined || eth === undefined) throw new Error("no such market");
  feed.price /= CHEAP;
  [feed.limits.minAnswer, feed.limits.maxAnswer] = [feed.price / 100n, feed.price * 100n];
  [eth.depth, eth.openInterestCap, eth.skewCap] = [eth.depth * CHEAP, eth.openInterestCap * CHEAP, eth.skewCap * CHEAP];
}

async function announced(world: Crowd): Promise<Crowd> {
  await world.tick();
  await world.clearingHouse.windDown(ETH);
  return world;
}

/** The first round after the notice. */
async function lastRound(world: World): Promise<Awaited<ReturnType<World["hintFor"]>>> {
  const { closesAt } = decodeWatch(await world.clearingHouse.watchOf(ETH));
  await time.increaseTo(closesAt);
  await world.refresh();
  return world.hintFor(ETH, closesAt);
}
