/** What the simulation of a whole batch says of each item, on the real contracts. */
import { expect } from "chai";

import { revertDataOf } from "../../scripts/keeper/contracts.ts";
import type { Action } from "../../scripts/keeper/decide/actions.ts";
import type { Batch, Job } from "../../scripts/keeper/job.ts";
import { plan, PLAN_DEFAULTS } from "../../scripts/keeper/plan.ts";
import { frozen } from "../clearing/scenarios.ts";
import { load, movePrice } from "../clearing/support.ts";
import { accountOf, ethers, type World } from "../fixture.ts";
import { BTC, ETH, wad } from "../parameters.ts";
import { keeperOf, type Stage } from "./reading/stage.ts";
import { rejected } from "./rejected.ts";

async function batchOf(keeper: Stage, actions: readonly Action[]): Promise<Batch> {
  const steps = plan(actions, await keeper.contracts(), { account: keeper.account, ...PLAN_DEFAULTS });
  const [batch] = steps;
  if (batch === undefined || !("items" in batch) || steps.length !== 1) throw new Error("not one batch");
  return batch;
}

async function tried({ keeper: signer }: World, { trial }: Batch, items: readonly Job[]) {
  const { call, gas, verdicts } = trial(items);
  return verdicts(await ethers.provider.call({ from: signer.address, ...call, gasLimit: gas }));
}

/** Alice's order waits with its round; bob's is over. */
async function twoOrders() {
  const world = await frozen();
  await world.clearingHouse.markPool();
  const [first, second] = [accountOf(world.alice), accountOf(world.bob)];
  const pending = await world.submit(first, ETH, wad("10"));
  const ended = await world.submit(second, BTC, wad("-1"));
  const hints = [
    await world.settle(first, pending.sequence, wad("1_800")),
    await world.settle(second, ended.sequence),
  ] as const;
  await world.execute(second, ended.sequence, hints[1]);
  const actionOf = (account: string, sequence: bigint, proof: (typeof hints)[number]): Action => {
    return { kind: "execute", role: "orders", account, sequence, hints: proof, reports: [], reward: 0n };
  };
  return {
    ...world,
    first,
    good: actionOf(first, pending.sequence, hints[0]),
    ended: actionOf(second, ended.sequence, hints[1]),
    unproved: actionOf(first, pending.sequence, [{ round: 1n, before: 0n }]),
  };
}

/** Alice's account is below its requirement; bob's would be, were it not for his cash. */
async function oneUnhealthy() {
  const world = await frozen();
  await world.fund(world.bob, wad("100_000"));
  const accounts = [accountOf(world.alice), accountOf(world.bob)] as const;
  for (const account of accounts) await world.trade(account, ETH, wad("700"));
  await movePrice(world, ETH, wad("1_690"));
  return { ...world, accounts };
}

describe("the trial of a batch", () => {
  it("tells orders that can end from those that have ended and those that are refused", async () => {
    const world = await load(twoOrders);
    const keeper = keeperOf(world);
    const batch = await batchOf(keeper, [world.ended, world.good]);
    expect(await tried(world, batch, batch.items)).to.deep.equal(["gone", "done"]);
    expect(await tried(world, batch, batch.items.slice(1))).to.deep.equal(["done"]);

    const other = await batchOf(keeper, [world.unproved, world.ended]);
    expect(await tried(world, other, other.items)).to.deep.equal(["refused", "gone"]);
  });

  it("has a limit that the transaction of what is done gets by with", async () => {
    const world = await load(twoOrders);
    const batch = await batchOf(keeperOf(world), [world.ended, world.good]);
    const { gas } = batch.trial(batch.items);
    const { call } = batch.join(batch.items);
    await world.keeper.sendTransaction({ ...call, gasLimit: gas });

    expect((await world.clearingHouse.positionOf(world.first, ETH)).size).to.equal(wad("10"));
    // With less than an execution must have left it would revert as a whole.
    const refusal = await rejected(world.keeper.call({ ...call, gasLimit: gas / 2n }));
    expect(revertDataOf(refusal)).not.to.equal(undefined);
  });

  it("tells accounts that can be liquidated from those that are healthy", async () => {
    const world = await load(oneUnhealthy);
    const keeper = keeperOf(world);
    const [found] = await keeper.decided(["liquidate"]);
    if (found?.kind !== "liquidate") throw new Error("nothing to liquidate");
    expect(found.account).to.equal(world.accounts[0]);
    const batch = await batchOf(keeper, [{ ...found, account: world.accounts[1] }, found]);

    expect(await tried(world, batch, batch.items)).to.deep.equal(["refused", "done"]);
  });
});
