/** What of a deployment is not as its file says, and what a plan says about it. */
import { expect } from "chai";

import { type Gov } from "../../scripts/gov/gov.ts";
import { execute, propose } from "../../scripts/gov/operations.ts";
import { type Change, findChanges, makePlan, matches } from "../../scripts/gov/plan.ts";
import { planToJson, renderPlan } from "../../scripts/gov/render.ts";
import { DAY, ethers, govOf, load, networkHelpers, sendAs, type World } from "./world.ts";

/** One number of every setter, and another for it. */
const EVERY: Record<string, string | readonly string[]> = {
  "collaterals.WETH.cap": "1_900 WETH",
  "settlement.outflowLimit": "900_000_000 USDC",
  "assets.BTC.feed.spread": "12 %",
  "assets.EUR.feed.sessions": ["Sun 23:00 – Fri 20:00"],
  "oracle.haltGrace": "11 min",
  "oracle.pegLow": "0.985 USD",
  "assets.ETH.risk.sigma": "2.1 %",
  "assets.BTC.risk.beta": "7.5 %",
  "assets.ETH.market.takerFee": "0.06 %",
  "assets.SOL.market.insuranceCap": "60_000 USD",
  "money.flatReward": "2.5 USD",
  "orders.band": "2.5 %",
  "orders.tip": "0.5 gwei",
  "pool.cooldown": "5 h",
  "pool.deviation": "0.6 %",
  "insurance.targetShare": "6 %",
};

async function planFor(world: World, changes: Record<string, unknown>, only: string[] = []) {
  const gov = await govOf(world, changes);
  return { gov, plan: await makePlan(gov, { caller: world.governor.address, only }) };
}

function pathsOf(changes: readonly Change[]): string[] {
  return changes.flatMap(({ fields }) => fields.map(({ field }) => field.path));
}

/** Schedules the calls of a plan as the governor, lets its delay pass and executes them. */
async function carryOut(world: World, changes: Record<string, unknown>): Promise<Gov> {
  const { gov, plan } = await planFor(world, changes);
  const caller = world.governor.address;
  const calls = plan.calls.map(({ call }) => call);
  const { transactions } = await propose(gov, { calls, caller, when: 0n, refusals: [] });
  await sendAs(world.governor, transactions);
  await networkHelpers.time.increase(2n * DAY);
  await world.refresh();
  const later = await govOf(world, changes);
  await sendAs(world.governor, await execute(later, { selection: { all: true }, caller }));
  return govOf(world, changes);
}

describe("plan", () => {
  it("has nothing to change of a deployment that is as its file says", async () => {
    const world = await load();
    const { gov, plan } = await planFor(world, {});

    expect([plan.calls, plan.unreachable, plan.unlisted]).to.deep.equal([[], [], []]);
    expect(renderPlan(gov, plan)).to.match(/\n\nnothing to change$/);
  });

  it("finds one number of every setter, and its calls make the chain as the file says", async () => {
    const world = await load();
    const { plan } = await planFor(world, EVERY);

    expect(plan.unreachable).to.deep.equal([]);
    expect(pathsOf(plan.calls.flatMap(({ changes }) => changes))).to.have.members(Object.keys(EVERY));
    expect(plan.calls.map(({ refusal }) => refusal).filter((refusal) => refusal !== undefined)).to.deep.equal([]);
    expect(plan.simulated).to.equal(true);

    expect(await findChanges(await carryOut(world, EVERY))).to.deep.equal([]);
  });

  it("shows old and new in units, the bounds, the ramp and the delay", async () => {
    const world = await load();
    const { gov, plan } = await planFor(world, { "assets.ETH.risk.sigma": "2.1 %", "pool.cooldown": "5 h" });

    const text = renderPlan(gov, plan);
    expect(text).to.match(
      /^1 +clearingHouse\.rampRisk +assets\.ETH\.risk\.sigma +2 % +→ +2\.1 % +0\.1 % to 100 % +over 7 d +governor, after 2 d$/m,
    );
    expect(text).to.match(
      /^2 +pool\.setCooldown +pool\.cooldown +4 h +→ +5 h +1 h to 7 d +at once +governor, after 2 d$/m,
    );
    const json = JSON.parse(planToJson(gov, plan)) as { calls: { method: string; delay: string; role: string }[] };
    expect(json.calls.map(({ method, delay, role }) => [method, delay, role])).to.deep.equal([
      ["rampRisk", "172800", "governor"],
      ["setCooldown", "172800", "governor"],
    ]);
  });

  it("says what no function sets, and keeps it out of the calls", async () => {
    const world = await load();
    const { gov, plan } = await planFor(world, {
      "assets.ETH.market.profitWeight": "80 %",
      "collaterals.WETH.saleDiscount": "0.6 %",
      "pool.cooldown": "5 h",
    });

    expect(plan.calls.map(({ call }) => call.method)).to.deep.equal(["setCooldown"]);
    expect(renderPlan(gov, plan)).to.match(
      /CANNOT BE CHANGED:\n {2}assets\.ETH\.market\.profitWeight: 90 % → 80 % \(nothing sets it\)\n {2}collaterals\.WETH\.saleDiscount: 0\.5 % → 0\.6 % \(nothing sets it\)/,
    );
  });

  it("says what a contract would refuse, by trying the calls one after the other", async () => {
    const world = await load();
    // The rates that the cap needs are only there when the ramp has ended.
    const { gov, plan } = await planFor(world, {
      "assets.ETH.risk.sigma": "3 %",
      "assets.ETH.market.openInterestCap": "6_000 ETH",
    });

    expect(plan.calls.map(({ call, refusal }) => [call.method, refusal])).to.deep.equal([
      ["rampRisk", undefined],
      ["setLimits", "ListingInvariantBroken(15300, 15500)"],
    ]);
    expect(renderPlan(gov, plan)).to.match(/WOULD BE REFUSED: ListingInvariantBroken\(15300, 15500\)/);
  });

  it("lowers a cap before the rates that go with it", async () => {
    const world = await load();
    const { plan } = await planFor(world, {
      "assets.ETH.risk.sigma": "1 %",
      "assets.ETH.market.openInterestCap": "3_000 ETH",
    });

    expect(plan.calls.map(({ call, refusal }) => [call.method, refusal])).to.deep.equal([
      ["setLimits", undefined],
      ["rampRisk", undefined],
    ]);
  });

  it("raises an outflow limit before the cap that needs it, and lowers it after", async () => {
    const world = await load();
    const raised = await planFor(world, {
      "collaterals.WETH.cap": "9_000 WETH",
      "collaterals.WETH.outflowLimit": "450 WETH",
    });
    expect(raised.plan.calls.map(({ call, refusal }) => [call.method, refusal])).to.deep.equal([
      ["setOutflowLimit", undefined],
      ["setCap", undefined],
    ]);

    const lowered = await planFor(world, {
      "collaterals.WETH.cap": "1_000 WETH",
      "collaterals.WETH.outflowLimit": "50 WETH",
    });
    expect(lowered.plan.calls.map(({ call, refusal }) => [call.method, refusal])).to.deep.equal([
      ["setCap", undefined],
      ["setOutflowLimit", undefined],
    ]);
  });

  it("leaves what --only leaves out as it is, in the same call too", async () => {
    const world = await load();
    const changes = {
      "assets.ETH.market.takerFee": "0.06 %",
      "assets.ETH.market.insuranceCap": "300_000 USD",
      "pool.cooldown": "5 h",
    };
    const { gov, plan } = await planFor(world, changes, ["assets.*.market.insuranceCap"]);

    expect(pathsOf(plan.calls.flatMap((planned) => planned.changes))).to.deep.equal(["assets.ETH.market.insuranceCap"]);
    const [, , , , takerFee, , insuranceCap] = plan.calls[0]?.call.args ?? [];
    expect([takerFee, insuranceCap]).to.deep.equal([500n, 300_000n * 10n ** 18n]);
    expect(await findChanges(gov, { only: ["orders"] })).to.deep.equal([]);
  });

  it("says who lacks the role of a call", async () => {
    const world = await load();
    const gov = await govOf(world, { "pool.cooldown": "5 h" });
    const plan = await makePlan(gov, { caller: world.stranger.address, only: [] });

    expect(plan.calls.map(({ access }) => access.holds)).to.deep.equal([false]);
    expect(renderPlan(gov, plan)).to.match(/governor: NOT HELD by the caller$/m);
  });

  it("proposes a new source, and adopts the one that is in shadow", async () => {
    const world = await load();
    const aggregator = await ethers.deployContract("AccessListAggregator", [8, "ETH / USD", false]);
    const proxy = await ethers.deployContract("EACAggregatorProxy", [aggregator, ethers.ZeroAddress]);
    await aggregator.addAccess(proxy);
    await world.refresh();
    const now = await networkHelpers.time.latest();
    await aggregator.transmit(4_000n * 10n ** 8n, now, now);
    const feed: Record<string, unknown> = { ...world.file.assets.ETH.feed };
    delete feed["price"];
    const changes = { "assets.ETH.feed": { ...feed, proxy: await proxy.getAddress(), jump: "5 %" } };

    const first = await planFor(world, changes);
    // Its limits come with it: those of the old source stay.
    expect(first.plan.calls.map(({ call, refusal }) => [call.method, refusal])).to.deep.equal([
      ["proposeSource", undefined],
    ]);
    const [call] = first.plan.calls.map((planned) => planned.call);
    await world.allow(call?.address ?? "", call?.data ?? "");

    const second = await planFor(world, changes);
    expect(second.plan.calls.map((planned) => planned.call.method)).to.deep.equal(["adoptSource"]);
    expect(second.plan.calls[0]?.refusal).to.match(/^ShadowTooShort\(0, \d+, 86400\)$/);
  });

  it("names what is in the file and not listed yet", async () => {
    const world = await load();
    const collaterals = world.file.collaterals as Record<string, object>;
    const { plan } = await planFor(world, {
      "collaterals.USDT": { ...collaterals["WBTC"], address: world.book.tokens["USDC"], decimals: 6n },
      "collaterals.USDT.cap": "80 USDT",
      "collaterals.USDT.outflowLimit": "16 USDT",
      "collaterals.USDT.lot": "0.001 USDT",
    });

    expect(plan.unlisted).to.deep.equal(["collaterals.USDT"]);
  });
});

describe("matches", () => {
  it("takes a path for all that is below it, and a star for any part", () => {
    const path = "assets.ETH.market.takerFee";
    expect(["assets", "assets.ETH", "assets.*.market", path].map((pattern) => matches(path, pattern))).to.deep.equal([
      true,
      true,
      true,
      true,
    ]);
    expect(["asset", "assets.BTC", "*.market", `${path}.x`].map((pattern) => matches(path, pattern))).to.deep.equal([
      false,
      false,
      false,
      false,
    ]);
  });
});
