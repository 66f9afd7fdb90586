import { expect } from "chai";
import type { ContractTransactionReceipt, Log } from "ethers";

import { still } from "../clearing/scenarios.ts";
import { accountOf, ethers, instrumented, loadFixture } from "../fixture.ts";
import { outright } from "../lens/standings.ts";
import { ETH, MINUTE, wad } from "../parameters.ts";
import { deployForwarder, deployRegistry } from "./network.ts";
import { CHECK_GAS, PERFORM_GAS, withUpkeep } from "./support.ts";

const NOT_NEEDED = 4n;

async function kept() {
  const world = await withUpkeep(await still());
  return { ...world, network: await deployRegistry(world), target: await world.upkeep.getAddress() };
}

/** An account that is to be liquidated, and an order of another that is to be executed. */
async function busy() {
  const world = await withUpkeep(await outright());
  const { submit, bob, upkeep, account, advance, setPrice } = world;
  const trader = accountOf(bob);
  const network = await deployRegistry(world);
  const { sequence } = await submit(trader, ETH, wad("1"));
  await upkeep.watch(account, []);
  await upkeep.watch(trader, []);
  await advance(MINUTE);
  await setPrice(ETH);
  await advance(1);
  return { ...world, network, target: await upkeep.getAddress(), trader, sequence };
}

describe("The registry of Chainlink Automation", () => {
  it("finds nothing to perform where there is nothing to do", async () => {
    const { network, target } = await loadFixture(kept);
    const id = await network.registerDuty(target, "Orders");

    const { needed, reason } = await network.check(id);
    expect([needed, reason]).to.deep.equal([false, NOT_NEEDED]);
  });

  it("registers the account of an order by its event, and executes the order by a conditional upkeep", async () => {
    const world = await loadFixture(kept);
    const { network, target, orders, alice, submit, upkeep, advance, setPrice, clearingHouse, ownAccount } = world;
    const account = accountOf(alice);
    const event = orders.interface.getEvent("OrderSubmitted").topicHash;
    const watching = await network.registerEvent(target, await orders.getAddress(), event);
    const executing = await network.registerDuty(target, "Orders");
    const { sequence, receipt } = await submit(account, ETH, wad("1"));
    const log = logOf(receipt, event);

    const watch = await network.check(watching, log);
    expect(watch.needed).to.equal(true);
    const trigger = await network.triggerOf(log);
    const watched = await network.transmit([{ id: watching, data: watch.data, trigger }]);
    expect(network.performsIn(watched).map(({ success }) => success)).to.deep.equal([true]);
    expect(await upkeep.isWatched(account)).to.equal(true);

    await advance(MINUTE);
    await setPrice(ETH);
    await advance(1);
    const execute = await network.check(executing);
    expect(execute.needed).to.equal(true);
    expect(await network.succeeds(executing, execute.data)).to.equal(true);
    const before = await network.state.getBalance(executing);
    const performed = await network.transmit([
      { id: executing, data: execute.data, trigger: await network.triggerOf() },
    ]);
    expect(network.performsIn(performed).map(({ id, success }) => [id, success])).to.deep.equal([[executing, true]]);
    expect(await orders.isPending(account, sequence)).to.equal(false);
    expect((await clearingHouse.positionOf(account, ETH)).size).to.equal(wad("1"));
    expect((await clearingHouse.accountOf(ownAccount)).cash).to.be.greaterThan(0n);
    expect(await network.state.getBalance(executing)).to.be.lessThan(before);
    expect((await network.check(executing)).needed).to.equal(false);
  });

  it("performs two duties of one upkeep contract in one report, within the gas of a check and of a perform", async () => {
    const world = await loadFixture(busy);
    const { network, target, orders, trader, sequence, account, lens } = world;
    const ids = [await network.registerDuty(target, "Accounts"), await network.registerDuty(target, "Orders")];
    const found = await Promise.all(ids.map(async (id) => ({ id, ...(await network.check(id)) })));
    expect(found.map(({ needed }) => needed)).to.deep.equal([true, true]);
    const trigger = await network.triggerOf();

    const receipt = await network.transmit(found.map(({ id, data }) => ({ id, data, trigger })));
    const performs = network.performsIn(receipt);
    expect(performs.map(({ id, success }) => [id, success])).to.deep.equal(ids.map((id) => [id, true]));
    expect(await orders.isPending(trader, sequence)).to.equal(false);
    const [health] = await lens.health([account]);
    expect(health?.standing.liquidatable).to.equal(false);
    if (instrumented) return;
    for (const { gasUsed } of found) expect(gasUsed).to.be.lessThan(CHECK_GAS);
    for (const { gasUsed } of performs) expect(gasUsed).to.be.lessThan(PERFORM_GAS);
  });

  it("sees before it reports that a race is lost", async () => {
    const { network, target, orders, trader, sequence, keeper, hintFor } = await loadFixture(busy);
    const id = await network.registerDuty(target, "Orders");
    const { data } = await network.check(id);
    const { boundary } = await orders.orderOf(trader, sequence);
    await orders.connect(keeper).execute(trader, sequence, [await hintFor(ETH, boundary)], accountOf(keeper));

    expect(await network.succeeds(id, data)).to.equal(false);
    expect((await network.check(id)).needed).to.equal(false);
  });

  it("asks through a forwarder of the upkeep's own, which needs no right", async () => {
    const { network, target, upkeep } = await loadFixture(kept);
    const ids = [await network.registerDuty(target, "Orders"), await network.registerDuty(target, "Accounts")];

    const forwarders = await Promise.all(ids.map(async (id) => network.state.getForwarder(id)));
    expect(new Set(forwarders).size).to.equal(2);
    expect(forwarders).to.not.include(await upkeep.owner());
  });
});

describe("The forwarder of the Chainlink Runtime Environment", () => {
  it("writes what a check returns to the upkeep, which performs it", async () => {
    const { upkeep, target, performDataOf, orders, trader, sequence } = await loadFixture(busy);
    const { write } = await deployForwarder();

    expect(await write(target, await performDataOf("Orders"))).to.equal(true);
    expect(await orders.isPending(trader, sequence)).to.equal(false);
    expect(await upkeep.isWatched(trader)).to.equal(true);
  });

  it("is told where a report does nothing any more", async () => {
    const { target, performDataOf, run } = await loadFixture(busy);
    const { write } = await deployForwarder();
    const data = await performDataOf("Orders");
    await run("Orders");

    expect(await write(target, data)).to.equal(false);
  });
});

function logOf(receipt: ContractTransactionReceipt, topic: string): Log {
  const log = receipt.logs.find(({ topics }) => topics[0] === topic);
  if (log === undefined) throw new Error(`no event ${ethers.hexlify(topic)}`);
  return log;
}
