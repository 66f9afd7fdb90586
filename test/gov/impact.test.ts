/** Whom a change of parameters affects: the model at the end of the ramps, checked against the contracts afterwards. */
import { expect } from "chai";

import { WAD } from "../../scripts/drill/stage.ts";
import { readBooks } from "../../scripts/gov/books.ts";
import { isHealthy, ModelError, readImpact } from "../../scripts/gov/impact.ts";
import { makePlan } from "../../scripts/gov/plan.ts";
import { renderPlan } from "../../scripts/gov/render.ts";
import { DAY, govOf, load, networkHelpers, rejection, type World } from "./world.ts";

/** Alice long 20 ETH on little, Bob short 5 BTC on much. */
async function traded() {
  const stage = await load();
  await stage.fund(stage.alice, 9_300n * WAD);
  await stage.fund(stage.bob, 500_000n * WAD);
  expect((await stage.trade(stage.alice, "ETH", 20n * WAD)).outcome).to.equal("OrderFilled");
  expect((await stage.trade(stage.bob, "BTC", -5n * WAD)).outcome).to.equal("OrderFilled");
  return stage;
}

async function planFor(stage: World, changes: Record<string, unknown>) {
  const gov = await govOf(stage, changes);
  return { gov, plan: await makePlan(gov, { caller: stage.governor.address, only: [] }) };
}

describe("impact", () => {
  it("is none of a change that no requirement follows", async () => {
    const stage = await networkHelpers.loadFixture(traded);
    const { plan } = await planFor(stage, { "pool.cooldown": "5 h" });

    expect(plan.impact.accounts).to.be.greaterThan(1);
    expect(plan.impact.changed).to.deep.equal([]);
    expect(plan.impact.pool.after).to.deep.equal(plan.impact.pool.before);
    expect(plan.impact.insurance.after).to.deep.equal(plan.impact.insurance.before);
  });

  it("has what the contracts say of accounts and pool before it", async () => {
    const stage = await networkHelpers.loadFixture(traded);
    const { plan } = await planFor(stage, { "assets.ETH.risk.sigma": "3 %" });
    const account = stage.accountOf(stage.alice);

    const [impact] = plan.impact.changed;
    const view = await stage.lens.account(account);
    expect(impact?.account).to.equal(account);
    expect(impact?.before).to.deep.include({
      equity: view.equity,
      maintenance: view.maintenance,
      initial: view.initial,
    });
    const [equity] = await stage.lens.poolEquity();
    const { redeemable } = await stage.contracts.clearingHouse.poolValuation();
    expect(plan.impact.pool.before).to.deep.include({ equity, redeemable });
  });

  it("is what the contracts say when the ramp has ended", async () => {
    const stage = await networkHelpers.loadFixture(traded);
    const changes = { "assets.ETH.risk.sigma": "3 %" };
    const { plan } = await planFor(stage, changes);
    const [call] = plan.calls.map((planned) => planned.call);
    await stage.govern(stage.governor, "clearingHouse", "rampRisk", call?.args ?? []);
    await stage.wait(8n * DAY);
    await stage.refresh();

    const after = await stage.lens.account(stage.accountOf(stage.alice));
    // Requirements follow prices and rates alone; equity has paid funding meanwhile.
    expect(plan.impact.changed[0]?.after.maintenance).to.equal(after.maintenance);
    expect(plan.impact.changed[0]?.after.initial).to.equal(after.initial);
    expect(plan.impact.changed.map(({ account }) => account)).to.deep.equal([stage.accountOf(stage.alice)]);
  });

  it("names who falls below a requirement at the end", async () => {
    const stage = await networkHelpers.loadFixture(traded);
    const alice = stage.accountOf(stage.alice);
    // R_I of 80,000 is now 10.5 % + 0.75 %, R_M 6.8 %; she has 11.6 %.
    const mild = await planFor(stage, { "assets.ETH.risk.sigma": "3 %" });
    expect(mild.plan.impact.newlyBelowInitial).to.deep.equal([alice]);
    expect(mild.plan.impact.newlyUnhealthy).to.deep.equal([]);

    // One step of each: R_M is 11.9 % then.
    const harsh = await planFor(stage, { "assets.ETH.risk.beta": "15 %", "assets.ETH.risk.sigma": "4 %" });
    expect(harsh.plan.impact.newlyUnhealthy).to.deep.equal([alice]);
    expect(harsh.plan.impact.changed.map(({ after }) => isHealthy(after))).to.deep.equal([false]);
    expect(renderPlan(harsh.gov, harsh.plan)).to.match(new RegExp(`newly below maintenance: 1: ${alice}`));
    expect(renderPlan(harsh.gov, harsh.plan)).to.match(new RegExp(`^${alice} .* LIQUIDATABLE$`, "m"));
  });

  it("has what pool and insurance carry before and after", async () => {
    const stage = await networkHelpers.loadFixture(traded);
    const { plan } = await planFor(stage, {
      "assets.ETH.market.openInterestCap": "1_000 ETH",
      "assets.ETH.market.insuranceCap": "100_000 USD",
      "insurance.targetShare": "10 %",
      "money.unattributedCap": "40_000 USD",
    });

    const { pool, insurance } = plan.impact;
    // Both sides of ETH may reach 1,000 in place of min(4,000 ETH, 60 % of the pool).
    const eth = await stage.priceOf("ETH");
    const mark = (await stage.contracts.clearingHouse.ledger()).markValue;
    const share = (mark * 600_000n) / 1_000_000n;
    const before = 4_000n * eth < share ? 4_000n * eth : share;
    expect(pool.before.capacity - pool.after.capacity).to.equal(2n * (before - 1_000n * eth));
    expect(insurance.before.daily - insurance.after.daily).to.equal(160_000n * WAD);
    expect(insurance.after.target).to.equal((mark * 100_000n) / 1_000_000n);
  });

  it("refuses to answer where the model and the contracts differ", async () => {
    const stage = await networkHelpers.loadFixture(traded);
    const gov = await govOf(stage);
    const now = await readBooks(gov.contracts, gov.at);
    const wrong = { ...now, globals: { ...now.globals, maintenanceFactor: now.globals.maintenanceFactor + 1n } };

    const error = await rejection(readImpact(gov, { now: wrong, planned: wrong }));
    expect(error).to.be.instanceOf(ModelError);
  });
});
