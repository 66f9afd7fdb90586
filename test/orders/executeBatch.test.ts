import { expect } from "chai";

import { accountOf, funded, loadFixture, receiptOf, time, type World } from "../fixture.ts";
import { BTC, ETH, wad } from "../parameters.ts";
import { CAUSE, cashOf, eventOf, eventsOf, execution, type Hint, pendingOf } from "./helpers.ts";

const ONE = wad("1");

interface Item {
  account: string;
  sequence: bigint;
  hints: Hint[];
}

/** An order each of alice and bob, and a reduction of alice that has nothing to reduce between them; all settled. */
async function items(world: World): Promise<[Item, Item, Item]> {
  const [alice, bob] = [accountOf(world.alice), accountOf(world.bob)];
  const first = await world.submit(alice, ETH, ONE);
  const second = await world.submit(alice, BTC, -ONE, { reduceOnly: true });
  const third = await world.submit(bob, ETH, -ONE);
  const { boundary } = await world.orders.orderOf(bob, third.sequence);
  await time.increaseTo(boundary);
  await world.setPrice(ETH, wad("1801"));
  await world.setPrice(BTC);
  const item = async (account: string, sequence: bigint): Promise<Item> => {
    const order = await world.orders.orderOf(account, sequence);
    return { account, sequence, hints: [await world.hintFor(Number(order.asset), order.boundary)] };
  };
  return [await item(alice, first.sequence), await item(alice, second.sequence), await item(bob, third.sequence)];
}

function batch(world: World, list: Item[], overrides = {}) {
  return world.orders.connect(world.keeper).executeBatch(list, accountOf(world.keeper), overrides);
}

describe("Orders.executeBatch", () => {
  it("executes every item, whatever its outcome, and pays for each", async () => {
    const world = await loadFixture(funded);
    const list = await items(world);
    const before = await cashOf(world, accountOf(world.keeper));
    const receipt = await receiptOf(batch(world, list));
    expect(eventsOf(world, receipt, "OrderFilled").length).to.equal(2);
    expect(eventOf(world, receipt, "OrderCancelled").getValue("cause")).to.equal(CAUSE.NothingToReduce);
    const pays = eventsOf(world, receipt, "OrderClosed").map((closed) => closed.getValue("pay") as bigint);
    expect((await cashOf(world, accountOf(world.keeper))) - before).to.equal(pays.reduce((sum, pay) => sum + pay));
    expect(await pendingOf(world, accountOf(world.alice))).to.equal(0n);
    expect(await pendingOf(world, accountOf(world.bob))).to.equal(0n);
  });

  it("isolates an item that fails: it is told, changes nothing and can be executed later", async () => {
    const world = await loadFixture(funded);
    const [first, second, third] = await items(world);
    const bad = { ...second, hints: [{ round: 1n, before: 0n }] };
    const unknown = { ...first, sequence: 77n };
    const receipt = await receiptOf(batch(world, [bad, first, unknown, first, third]));
    const failed = eventsOf(world, receipt, "ItemFailed").map((event) => [
      event.getValue("account") as string,
      event.getValue("sequence") as bigint,
    ]);
    expect(failed).to.deep.equal([
      [bad.account, bad.sequence],
      [unknown.account, unknown.sequence],
      [first.account, first.sequence], // the second time
    ]);
    const reasons = eventsOf(world, receipt, "ItemFailed").map((event) => event.getValue("reason") as string);
    expect(world.orders.interface.parseError(reasons[1] ?? "")?.name).to.equal("UnknownOrder");
    expect(eventsOf(world, receipt, "OrderFilled").length).to.equal(2);
    expect(await world.orders.isPending(bad.account, bad.sequence)).to.equal(true);
    await execution(world, second.account, second.sequence, second.hints);
  });

  it("leaves the order of an item pending that failed for a passing reason", async () => {
    const world = await loadFixture(funded);
    const [first, , third] = await items(world);
    await world.setPrice(ETH, wad("2500")); // not live: nothing may be increased
    const receipt = await receiptOf(batch(world, [first, third]));
    const reasons = eventsOf(world, receipt, "ItemFailed").map((event) => event.getValue("reason") as string);
    expect(reasons.map((reason) => world.clearingHouse.interface.parseError(reason)?.name)).to.deep.equal([
      "IncreaseRefused",
      "IncreaseRefused",
    ]);
    expect(await world.orders.isPending(first.account, first.sequence)).to.equal(true);
  });

  it("reverts as a whole when gas runs short, rather than failing or cancelling an item", async () => {
    const world = await loadFixture(funded);
    const list = await items(world);
    for (const gasLimit of [300_000n, 1_000_000n, 2_000_000n, 2_150_000n]) {
      await expect(batch(world, list, { gasLimit })).to.be.revertedWithCustomError(world.orders, "InsufficientGas");
    }
    for (const { account, sequence } of list) {
      expect(await world.orders.isPending(account, sequence)).to.equal(true);
    }
    await receiptOf(batch(world, list, { gasLimit: 3_000_000n }));
  });

  it("shares the settlement round among the orders of a market", async () => {
    const world = await loadFixture(funded);
    const [first, , third] = await items(world);
    const both = (await receiptOf(batch(world, [first, third]))).gasUsed;
    const other = await loadFixture(funded);
    const [one] = await items(other);
    const single = (await receiptOf(batch(other, [one]))).gasUsed;
    expect(both - single).to.be.lessThan(single / 2n);
  });

  it("keeps its item function to itself", async () => {
    const world = await loadFixture(funded);
    const [first] = await items(world);
    const keeper = accountOf(world.keeper);
    const { orders } = world;
    await expect(orders.connect(world.keeper).executeItem(first, keeper))
      .to.be.revertedWithCustomError(orders, "OnlySelf")
      .withArgs(world.keeper.address);
    await expect(
      orders.connect(world.keeper).multicall([orders.interface.encodeFunctionData("executeItem", [first, keeper])]),
    ).to.be.revertedWithCustomError(orders, "OnlySelf");
  });
});
