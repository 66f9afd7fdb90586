/** A drift of every kind, made by hand, and what the audit says of it. */
import { expect } from "chai";

import { readAudit, renderAudit } from "../../scripts/gov/audit.ts";
import { callOf } from "../../scripts/gov/authority.ts";
import { openGov } from "../../scripts/gov/gov.ts";
import { makePlan } from "../../scripts/gov/plan.ts";
import { DAY, ethers, govOf, load, networkHelpers, type World } from "./world.ts";

async function findingsOf(world: World, changes: Record<string, unknown> = {}): Promise<string[]> {
  const { findings } = await readAudit(await govOf(world, changes));
  return findings.map(({ kind, text }) => `${kind}: ${text}`);
}

/** As the manager's admin, after its delay. */
async function asManager(world: World, method: string, args: readonly unknown[]): Promise<void> {
  const call = callOf(await govOf(world), "authority", method, args);
  await world.manage(world.governor, "schedule", [call.address, call.data, 0n]);
  await networkHelpers.time.increase(2n * DAY);
  await world.manage(world.governor, "execute", [call.address, call.data]);
  await world.refresh();
}

describe("audit", () => {
  it("finds nothing of a deployment whose admin has been handed over", async () => {
    const world = await load();
    expect(await findingsOf(world)).to.deep.equal([]);
    const gov = await govOf(world);
    expect(renderAudit(gov, await readAudit(gov))).to.match(/\n\nas the file says$/);
  });

  describe("of numbers", () => {
    it("finds one of every contract", async () => {
      const world = await load();
      const gov = await govOf(world);
      const eth = world.parameters.assets[0];
      if (eth === undefined) throw new Error("no assets");
      for (const [target, method, args] of [
        ["pool", "setCooldown", [3_600n]],
        ["insuranceFund", "setTargetShare", [60_000n]],
        ["orders", "setParameters", [{ ...world.parameters.orders, delay: 31n }]],
        ["vault", "setCap", [1, 5n]],
        ["oracle", "configure", [0, { ...eth.limits, spread: 900_000n }]],
        ["clearingHouse", "setLimits", [0, 1n, 1n, 1n, 1n, 1n, 0n]],
      ] as const) {
        const { address, data } = callOf(gov, target, method, args);
        await world.allow(address, data);
      }

      expect(await findingsOf(world)).to.have.members([
        "number: pool.cooldown is 1 h, not 4 h",
        "number: insurance.targetShare is 6 %, not 5 %",
        "number: orders.delay is 31 s, not 30 s",
        "number: collaterals.WBTC.cap is 0.00000005 WBTC, not 80 WBTC",
        "number: assets.ETH.feed.spread is 90 %, not 10 %",
        "number: assets.ETH.market.openInterestCap is 0.000000000000000001 ETH, not 4000 ETH",
        "number: assets.ETH.market.openInterestShare is 0.0001 %, not 60 %",
        "number: assets.ETH.market.skewCap is 0.000000000000000001 ETH, not 4000 ETH",
        "number: assets.ETH.market.takerFee is 0.0001 %, not 0.05 %",
        "number: assets.ETH.market.makerFee is 0.0001 %, not 0.02 %",
        "number: assets.ETH.market.insuranceCap is 0 USD, not 250_000 USD",
      ]);
    });

    it("takes ramps that lead to what the file says for no difference", async () => {
      const world = await load();
      const changes = {
        "assets.ETH.risk.beta": "9 %",
        "globals.maintenanceFactor": "61 %",
        "groups.majors.hedgeFloor": "26 %",
      };
      const plan = await makePlan(await govOf(world, changes), { caller: world.governor.address, only: [] });
      expect(plan.calls.map(({ call }) => call.method)).to.have.members(["rampRisk", "rampMargins"]);
      for (const { call } of plan.calls) await world.allow(call.address, call.data);

      const gov = await govOf(world, changes);
      const audit = await readAudit(gov);
      expect(audit.findings).to.deep.equal([]);
      expect(renderAudit(gov, audit)).to.match(/risk of ETH is ramped/);
      const back = [
        "assets.ETH.risk.beta is 9 %",
        "globals.maintenanceFactor is 61 %",
        "groups.majors.hedgeFloor is 26 %",
      ];
      const found = (await findingsOf(world)).map((text) => text.replace(/^number: |, not .*$/g, ""));
      expect(found).to.have.members(back);
    });

    it("takes a ramp that has ended for what it led to", async () => {
      const world = await load();
      const gov = await govOf(world);
      const rates = { beta: 90_000n, sigma: 20_000n, gamma: 5_000n, kappa: 1_000_000n };
      const { address, data } = callOf(gov, "clearingHouse", "rampRisk", [0, rates, DAY]);
      await world.allow(address, data);

      expect(await findingsOf(world)).to.deep.equal(["number: assets.ETH.risk.beta is 9 %, not 8.5 %"]);
      await networkHelpers.time.increase(2n * DAY);
      await world.refresh();
      expect(await findingsOf(world, { "assets.ETH.risk.beta": "9 %" })).to.deep.equal([]);
    });
  });

  describe("of roles", () => {
    it("finds a holder that is not meant, and one that is missing", async () => {
      const world = await load();
      await asManager(world, "grantRole", [2n, world.stranger.address, 0]);
      await asManager(world, "revokeRole", [2n, world.guardian.address]);

      expect(await findingsOf(world)).to.have.members([
        `role: ${world.guardian.address} is not guardian`,
        `role: ${world.stranger.address} is guardian, and is not meant to be`,
      ]);
    });

    it("finds a second admin", async () => {
      const world = await load();
      await asManager(world, "grantRole", [0n, world.stranger.address, 0]);

      expect(await findingsOf(world)).to.deep.equal([
        `role: ${world.stranger.address} is admin, and is not meant to be`,
      ]);
    });

    it("finds another delay", async () => {
      const world = await load();
      expect(await findingsOf(world, { "governance.governorDelay": "3 d", "governance.adminDelay": "3 d" })).to.include(
        `role: the governor ${world.governor.address} waits 2 d, not 3 d`,
      );
    });

    it("finds who may cancel, and who grants, when it is another", async () => {
      const world = await load();
      await asManager(world, "setRoleGuardian", [1n, 1n]);
      await asManager(world, "setRoleAdmin", [2n, 1n]);
      await asManager(world, "setGrantDelay", [2n, 6n * DAY]);
      await networkHelpers.time.increase(6n * DAY);
      await world.refresh();

      expect(await findingsOf(world)).to.have.members([
        "role: what the governor schedules is cancelled by governor, not by guardian",
        "role: the guardian is granted by governor, not by admin",
        "role: a grant of guardian takes 6 d, not 0 s",
      ]);
    });
  });

  describe("of functions", () => {
    it("finds one that is for another role, and one that has got a role without being meant to", async () => {
      const world = await load();
      const { vault, clearingHouse } = world.contracts;
      const [pause, deposit] = [
        clearingHouse.interface.getFunction("pause").selector,
        vault.interface.getFunction("deposit").selector,
      ];
      await asManager(world, "setTargetFunctionRole", [await clearingHouse.getAddress(), [pause], 1n]);
      await asManager(world, "setTargetFunctionRole", [await vault.getAddress(), [deposit], 2n]);

      expect(await findingsOf(world)).to.have.members([
        "function: clearingHouse.pause is for governor, not guardian",
        "function: vault.deposit is for guardian, not admin",
      ]);
    });

    it("finds a contract that is closed, and a delay of its admin", async () => {
      const world = await load();
      await asManager(world, "setTargetClosed", [world.book.contracts.vault, true]);
      await asManager(world, "setTargetAdminDelay", [world.book.contracts.pool, 6n * DAY]);
      await networkHelpers.time.increase(6n * DAY);
      await world.refresh();

      expect(await findingsOf(world)).to.have.members([
        "function: vault is closed: nobody may call its restricted functions",
        "function: changes of who may call pool take 6 d, not 0 s",
      ]);
    });
  });

  it("finds a feed that describes itself otherwise, and one that is stale", async () => {
    const world = await load();
    const other = await ethers.deployContract("AccessListAggregator", [8, "ETH / EUR", false]);
    const proxy = await ethers.getContractAt("EACAggregatorProxy", world.book.feeds["ETH"] ?? "");
    await other.addAccess(proxy);
    const now = await networkHelpers.time.latest();
    await other.transmit(4_000n * 10n ** 8n, now, now);
    await proxy.proposeAggregator(other);
    await proxy.confirmAggregator(other);
    await networkHelpers.time.increase(4_000);
    await world.refresh("BTC");
    const later = await networkHelpers.time.latest();
    await other.transmit(4_000n * 10n ** 8n, later, later);

    const findings = await findingsOf(world);
    expect(
      findings.map((text) => text.replace(/ \(0x\w+\)/, "").replace(/1 h \d+ min old/, "1 h old")),
    ).to.have.members([
      'feed: ETH describes itself "ETH / EUR", not "ETH / USD"',
      "feed: BTC is 1 h old, heartbeat and margin are 1 h 5 min",
    ]);
  });

  it("finds another contract at an address of the deployment", async () => {
    const world = await load();
    const { vault, orders } = world.book.contracts;
    const book = { ...world.book, contracts: { ...world.book.contracts, orders: vault } };
    const gov = await openGov(ethers.provider, { parameters: (await govOf(world)).intent.parameters, book });
    const error = await readAudit(gov).catch((thrown: unknown) => thrown);
    // Its views are not there: that is no answer of a deployment.
    expect(String(error)).to.match(/orders|could not decode|revert/i);

    await networkHelpers.setCode(orders, `${await ethers.provider.getCode(orders)}00`);
    expect(await findingsOf(world)).to.deep.equal(["code: orders is not what is built here"]);
  });

  it("finds what the guardian has stopped", async () => {
    const world = await load();
    await world.contracts.clearingHouse.connect(world.guardian).restrictMarket(0);
    await world.contracts.clearingHouse.connect(world.guardian).pause();

    const findings = await findingsOf(world);
    expect(findings).to.include("state: ETH is reduce-only");
    expect(findings).to.include("state: everything is paused: reductions, deposits and withdrawals go on");
  });
});
