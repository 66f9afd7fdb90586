/** Drills of keys: that of the guardian is lost, that of the steward stolen. */
import { callOf, knownRoles, nameOfRole, readOperations } from "../gov/authority.ts";
import { ROLES } from "../../deploy/roles.ts";
import { type Drill, must } from "./drill.ts";
import { DAY, DrillError, type Stage, WAD } from "./stage.ts";

const HOUR = 3_600n;

/** Somebody's call of a contract of the deployment, sent at once. */
async function call(
  stage: Stage,
  who: Stage["alice"],
  target: "clearingHouse",
  method: string,
  args: readonly unknown[],
) {
  const { address, data } = callOf(await stage.gov(), target, method, args);
  await stage.tick();
  return who.sendTransaction({ to: address, data });
}

export const guardianLost: Drill = {
  cause: "the guardian's key is lost, and somebody else has it",
  run: async (stage, say) => {
    const { guardian: thief, governor, stranger: successor, contracts } = stage;
    const { authority, clearingHouse } = contracts;
    const gov = await stage.gov();
    await (await call(stage, thief, "clearingHouse", "pause", [])).wait();
    must((await clearingHouse.ledger()).paused, "whoever has the key can pause");
    const { address, data } = callOf(gov, "clearingHouse", "unpause", []);
    await stage.manage(governor, "schedule", [address, data, 0n]);
    await stage.manage(thief, "cancel", [governor.address, address, data]);
    must((await readOperations(await stage.gov())).length === 0, "and cancel what the governor schedules");
    must(
      await stage.isRefused(call(stage, thief, "clearingHouse", "unpause", [])),
      "but it cannot start anything, and moves no tokens",
    );
    say("everything is paused, and what the governor schedules is cancelled: reductions and withdrawals go on");

    // The admin's own operations have no guardian.
    const { revoke, grant } = await replaceGuardian(stage);
    for (const scheduled of [revoke, grant]) {
      const attempt = stage.manage(thief, "cancel", [governor.address, scheduled.address, scheduled.data]);
      must(await stage.isRefused(attempt), "it cannot cancel its own replacement");
    }
    const [, delay] = (await authority.getFunction("hasRole")(0n, governor.address)) as [boolean, bigint];
    await stage.wait(delay);
    await stage.refresh();
    for (const scheduled of [revoke, grant]) {
      await stage.manage(governor, "execute", [scheduled.address, scheduled.data]);
    }
    say("after the admin's delay the role is another's");

    must(await stage.isRefused(call(stage, thief, "clearingHouse", "pause", [])), "the old key does nothing any more");
    await stage.govern(governor, "clearingHouse", "unpause", []);
    must(!(await clearingHouse.ledger()).paused, "the governor ends the pause, and nobody cancels it");
    await (await call(stage, successor, "clearingHouse", "restrictMarket", [0])).wait();
    say("the pause has ended, the new guardian stops a market");
  },
};

async function replaceGuardian(stage: Stage) {
  const { governor, guardian, stranger } = stage;
  const gov = await stage.gov();
  const revoke = callOf(gov, "authority", "revokeRole", [ROLES.guardian, guardian.address]);
  const grant = callOf(gov, "authority", "grantRole", [ROLES.guardian, stranger.address, 0n]);
  for (const { address, data } of [revoke, grant]) await stage.manage(governor, "schedule", [address, data, 0n]);
  return { revoke, grant };
}

export const stewardStolen: Drill = {
  cause: "the steward's key is stolen, and used as fast as the contracts let it",
  run: async (stage, say) => {
    const { steward: thief, alice, bob, guardian, governor, contracts } = stage;
    const { authority, clearingHouse } = contracts;
    const role = knownRoles().find((name) => nameOfRole(ROLES[name]) === "steward");
    if (role === undefined) throw new DrillError("this deployment has no steward");
    const eth = stage.assetOf("ETH");
    const { risk } = stage.parameters.assets[eth]?.listing ?? {};
    if (risk === undefined) throw new DrillError("no ETH");
    await stage.fund(alice, 20_000n * WAD);
    await stage.trade(alice, "ETH", 20n * WAD);
    const account = stage.accountOf(alice);
    // Down to little more than nothing to spare.
    const { maintenance } = await stage.lens.account(account);
    await stage.fallTo("ETH", alice, maintenance / 50n);
    must(!(await stage.lens.account(account)).standing.liquidatable, "Alice is healthy, barely");

    const worst = Object.fromEntries(Object.entries(risk).map(([name, rate]) => [name, (rate * 110n) / 100n]));
    const tooFar = Object.fromEntries(Object.entries(risk).map(([name, rate]) => [name, rate * 2n]));
    must(
      await stage.isRefused(call(stage, thief, "clearingHouse", "tuneRisk", [eth, tooFar, DAY])),
      "a step beyond the table's is refused",
    );
    await (await call(stage, thief, "clearingHouse", "tuneRisk", [eth, worst, DAY])).wait();
    must(!(await stage.lens.account(account)).standing.liquidatable, "nobody is liquidatable in the block of the step");
    const liquidation = clearingHouse
      .connect(bob)
      .liquidate(account, [{ asset: eth, delta: -WAD }], [], stage.accountOf(bob));
    must(await stage.isRefused(liquidation), "and nobody is liquidated");
    must(
      await stage.isRefused(call(stage, thief, "clearingHouse", "tuneRisk", [eth, risk, DAY])),
      "nor can it be turned round while it runs, or taken again within a day",
    );
    for (const [method, args] of [
      ["windDown", [eth]],
      ["listAssets", [[]]],
      ["payProtocolFees", [account, WAD]],
      ["unpause", []],
    ] as const) {
      must(await stage.isRefused(call(stage, thief, "clearingHouse", method, args)), `the key does not ${method}`);
    }
    say("the largest step of a day was taken: nobody is liquidatable by it, no token moved");

    await (await call(stage, guardian, "clearingHouse", "restrictMarket", [eth])).wait();
    const revoke = callOf(await stage.gov(), "authority", "revokeRole", [ROLES[role], thief.address]);
    await stage.manage(governor, "schedule", [revoke.address, revoke.data, 0n]);
    const [, delay] = (await authority.getFunction("hasRole")(0n, governor.address)) as [boolean, bigint];
    await stage.wait(delay);
    await stage.refresh();
    await stage.manage(governor, "execute", [revoke.address, revoke.data]);
    await stage.wait(DAY);
    must(
      await stage.isRefused(call(stage, thief, "clearingHouse", "tuneRisk", [eth, risk, DAY])),
      "without the role the key does nothing",
    );
    await stage.govern(governor, "clearingHouse", "rampRisk", [eth, risk, DAY]);
    await stage.wait(DAY + HOUR);
    await stage.refresh();
    await stage.govern(governor, "clearingHouse", "reopenMarket", [eth]);
    say("the admin has taken the role away, the governor has ramped the rates back and reopened the market");
  },
};
