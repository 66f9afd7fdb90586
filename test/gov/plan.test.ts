/** What of a deployment is not as its file says, and what a plan says about it. */
import { expect } from "chai";

import { findChanges, makePlan, matches } from "../../scripts/gov/plan.ts";
import { renderPlan } from "../../scripts/gov/render.ts";
import { govOf, load } from "./world.ts";

describe("plan", () => {
  it("has nothing to change of a deployment that is as its file says", async () => {
    const world = await load();
    const gov = await govOf(world);

    expect(await findChanges(gov)).to.deep.equal([]);
    const plan = await makePlan(gov, { caller: world.governor.address, only: [] });
    expect([plan.calls, plan.unreachable, plan.unlisted]).to.deep.equal([[], [], []]);
    expect(renderPlan(gov, plan)).to.match(/\n\nnothing to change$/);
  });

  it("smoke", async () => {
    const world = await load();
    const gov = await govOf(world, {
      "assets.ETH.risk.sigma": "2.5 %",
      "assets.ETH.market.takerFee": "0.06 %",
      "assets.BTC.feed.spread": "12 %",
      "money.flatReward": "3 USD",
      "globals.deepLoss": "21 %",
      "pool.cooldown": "5 h",
      "collaterals.WETH.cap": "2_500 WETH",
    });
    const plan = await makePlan(gov, { caller: world.governor.address, only: [] });
    console.log(renderPlan(gov, plan));
    expect(matches("a.b", "a")).to.equal(true);
  });
});
