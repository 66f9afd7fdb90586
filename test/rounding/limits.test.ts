import { expect } from "chai";

import { PPM, WAD } from "../../scripts/model/fixed.ts";
import { decodeRisk } from "../../scripts/model/parameters.ts";
import { frozen, still } from "../clearing/scenarios.ts";
import { afterFills, betterTerms, movePrice, now, stateOf } from "../clearing/support.ts";
import { accountOf, loadFixture, type World } from "../fixture.ts";
import { ETH, LINK, wad } from "../parameters.ts";
import { leveraged } from "../waterfall/scenarios.ts";
import { SIZE } from "./crowds.ts";
import { ceil, floor } from "./exact.ts";

/** 1e-6 of the pool's equity; so a wei of the budget is a hundred of equity. */
const BUDGET = 10_000n;
/** `Trigger.Budget`. */
const OVER_BUDGET = 2n;
/** WAD of a unit of settlement token. */
const UNIT = 10n ** 12n;

describe("rounding of limits", () => {
  it("close-out charge that a reduction may cost: down", async () => {
    const world = await loadFixture(leveraged);
    const { clearingHouse, account } = world;
    const last = wad("1755.12345678");
    await world.setPrice(ETH, last);
    const { gamma } = decodeRisk((await clearingHouse.parametersOf(ETH))[0]).to;
    const closed = wad("0.300000000000000007");
    const charge = floor(closed * last * gamma, PPM * WAD);

    const state = await stateOf(world, account, await now());
    const before = betterTerms(state);
    const legsAt = (price: bigint) => [{ asset: ETH, delta: -closed, price }];
    const afterAt = (price: bigint) => betterTerms(afterFills(state, legsAt(price)).state);
    const lossAt = (price: bigint) => before.equity - afterAt(price).equity;
    let [bad, good] = [wad("1700"), last];
    while (good - bad > 1n) {
      const middle = (bad + good) / 2n;
      if (lossAt(middle) <= charge) good = middle;
      else bad = middle;
    }

    expect([lossAt(good), lossAt(bad)]).to.deep.equal([charge, charge + 1n]);
    await expect(clearingHouse.simulate.staticCall(account, legsAt(good), true)).to.be.revertedWithCustomError(
      clearingHouse,
      "Simulated",
    );
    const after = afterAt(bad);
    await expect(clearingHouse.simulate.staticCall(account, legsAt(bad), true))
      .to.be.revertedWithCustomError(clearingHouse, "ReductionRefused")
      .withArgs(before.equity, after.equity, before.maintenance, after.maintenance);
  });

  it("notional compared with the minimum: down", async () => {
    const { clearingHouse, alice, parameters } = await loadFixture(still);
    const minimum = (BigInt(parameters.money.minNotional) * WAD) / 100n;
    const delta = wad("0.011234567890123457");
    // The highest at which less than a wei is missing.
    const price = floor(minimum * WAD, delta);
    expect(ceil(delta * price, WAD)).to.equal(minimum);
    const simulate = (at: bigint) =>
      clearingHouse.simulate.staticCall(accountOf(alice), [{ asset: ETH, delta, price: at }], false);

    await expect(simulate(price))
      .to.be.revertedWithCustomError(clearingHouse, "PositionTooSmall")
      .withArgs(ETH, minimum - 1n, minimum);
    await expect(simulate(price + 1n)).to.be.revertedWithCustomError(clearingHouse, "Simulated");
  });

  it("loss budget: down", async () => {
    const world = await loadFixture(barelyOver);
    const { clearingHouse } = world;
    const { equity } = await clearingHouse.poolValuation();

    expect(await owedTo(world)).to.equal(ceil(equity * BUDGET, PPM));
    await expect(clearingHouse.flagDeleveraging(ETH))
      .to.emit(clearingHouse, "DeleveragingFlagged")
      .withArgs(ETH, OVER_BUDGET);
  });
});

/** What the pool owes to the longs of ETH, who are alone, and holds for them. */
async function owedTo(world: World): Promise<bigint> {
  const { size, quote } = await world.clearingHouse.sideOf(ETH, true);
  const price = await world.priceOf(ETH);
  const depth = world.parameters.assets[ETH]?.depth ?? 0n;
  return ceil(size * price, WAD) + quote + ceil(size * size * price, 2n * depth * WAD);
}

/** Alice's 500 ETH have won what the pool may owe for them, and half a wei. */
async function barelyOver(): Promise<World> {
  const world = await frozen(({ globals, money }) => {
    [globals.insuranceFeeShare, globals.protocolFeeShare] = [0, 0];
    money.lossBudget = Number(BUDGET);
  });
  const { clearingHouse, parameters, provider, bob } = world;
  await world.trade(accountOf(world.alice), ETH, SIZE);
  await movePrice(world, ETH, wad("2_050.12345678"));
  const target = ((await owedTo(world)) * PPM - PPM / 2n) / BUDGET;
  const missing = async () => target - (await clearingHouse.poolValuation()).equity;
  // To the unit by a deposit, and to some wei by the fees of a position that is closed again.
  const rest = wad("0.05");
  await world.poolDeposit(provider, (((await missing()) - rest) / UNIT) * UNIT);
  const { takerFee = 0, makerFee = 0 } = parameters.assets[LINK] ?? {};
  const size = ((await missing()) * PPM * WAD) / ((await world.priceOf(LINK)) * BigInt(takerFee + makerFee));
  await world.trade(accountOf(bob), LINK, size);
  await world.trade(accountOf(bob), LINK, -size);
  await world.refresh();
  return world;
}
