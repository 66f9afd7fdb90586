/** Plans by the clearing house's own table of steps: the governor's, and the steward's. */
import { expect } from "chai";

import { execute, propose } from "../../scripts/gov/operations.ts";
import { findChanges, makePlan } from "../../scripts/gov/plan.ts";
import { DAY, govOf, load, networkHelpers, sendAs } from "./world.ts";

describe("plan with the table of steps", () => {
  it("ramps margins, sets globals and depths, and the chain is as the file says when the ramps have ended", async () => {
    const world = await load();
    const changes = {
      "globals.deepLoss": "21 %",
      "globals.maintenanceFactor": "61 %",
      "groups.majors.hedgeFloor": "26 %",
      "assets.ETH.depth": "410_000 ETH",
    };
    const gov = await govOf(world, changes);
    const caller = world.governor.address;
    const { calls, unreachable } = await makePlan(gov, { caller, only: [] });
    expect(unreachable).to.deep.equal([]);
    expect(calls.map(({ call, refusal }) => [call.method, refusal])).to.deep.equal([
      ["setGlobals", undefined],
      ["rampMargins", undefined],
      ["setDepth", undefined],
    ]);
    const proposal = { calls: calls.map(({ call }) => call), caller, when: 0n, refusals: [] };
    await sendAs(world.governor, (await propose(gov, proposal)).transactions);
    await networkHelpers.time.increase(2n * DAY);
    await world.refresh();
    await sendAs(world.governor, await execute(await govOf(world, changes), { selection: { all: true }, caller }));
    await networkHelpers.time.increase(8n * DAY);
    await world.refresh();
    expect(await findChanges(await govOf(world, changes))).to.deep.equal([]);
  });

  it("takes the first of the steps that lead there, smaller ones for the steward", async () => {
    const world = await load();
    const gov = await govOf(world, {
      "assets.ETH.depth": "480_000 ETH",
      "assets.BTC.risk.sigma": "6 %",
      "globals.deepLoss": "45 %",
    });
    const stepsFor = async (caller: string) => {
      const { calls, unreachable } = await makePlan(gov, { caller, only: [] });
      const fields = calls.flatMap(({ call, changes }) =>
        changes.flatMap((change) => change.fields.map(({ to, steps }) => [call.method, to, steps])),
      );
      return { fields, refused: calls.filter(({ refusal }) => refusal !== undefined), unreachable };
    };

    const governor = await stepsFor(world.governor.address);
    expect(governor.fields).to.deep.equal([
      ["rampRisk", 35_000n, 2],
      ["setGlobals", 300_000n, 3],
      ["setDepth", 420_000n * 10n ** 18n, 4],
    ]);
    const steward = await stepsFor(world.steward.address);
    expect(steward.fields).to.deep.equal([
      ["tuneRisk", 16_500n, 15],
      ["tuneDepth", 408_000n * 10n ** 18n, 10],
    ]);
    expect(steward.unreachable.map(({ reason }) => reason)).to.deep.equal(["not the steward's to move"]);
    expect([...governor.refused, ...steward.refused]).to.deep.equal([]);
  });
});
