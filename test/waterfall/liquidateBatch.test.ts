import { expect } from "chai";

import { frozen } from "../clearing/scenarios.ts";
import { betterTerms, expectConserved, load, now, sizeOf, stateOf } from "../clearing/support.ts";
import { type Account, accountOf, receiptOf } from "../fixture.ts";
import { BTC, ETH, wad } from "../parameters.ts";
import type { Case } from "./scenarios.ts";
import { moneyOf, movesOf } from "./support.ts";

/** What an item gets at least. */
const ITEM_GAS = 3_000_000n;

describe("ClearingHouse.liquidateBatch", () => {
  afterEach(expectConserved);

  it("liquidates each account as if it were alone", async () => {
    const world = await load(threeDue);
    const { clearingHouse, accounts, other } = world;
    const [first, second] = accounts;
    const moved = await movesOf(world, [other], () => batch(world, [item(first, "-100"), item(second, "-50")]));

    const events = moved.receipt.logs
      .map((log) => clearingHouse.interface.parseLog(log))
      .filter((event) => event?.name === "Liquidated");
    expect(events.map((event) => event?.args.getValue("account") as string)).to.deep.equal([first, second]);
    expect(await sizeOf(world, first, ETH)).to.equal(wad("200"));
    expect(await sizeOf(world, second, ETH)).to.equal(wad("250"));
    const rewards = events.map((event) => (event?.args.getValue("result") as { reward: bigint }).reward);
    expect(moved.cash).to.deep.equal([rewards.reduce((sum, reward) => sum + reward)]);
  });

  it("reports an item that fails, and carries out the others", async () => {
    const world = await load(threeDue);
    const { clearingHouse, accounts, provider } = world;
    const [first, second] = accounts;
    const healthy = await world.fund(provider, wad("50"));
    const reason = clearingHouse.interface.encodeErrorResult("Healthy", [healthy, wad("50"), 0n]);

    const receipt = await receiptOf(batch(world, [item(first, "-100"), item(healthy, "-1"), item(second, "-100")]));
    await expect(receipt).to.emit(clearingHouse, "LiquidationFailed").withArgs(healthy, reason);
    expect(await sizeOf(world, first, ETH)).to.equal(wad("200"));
    expect(await sizeOf(world, second, ETH)).to.equal(wad("200"));
  });

  it("changes nothing by an item that fails after its fills", async () => {
    const world = await load(threeDue);
    const { clearingHouse, accounts, other } = world;
    const [first] = accounts;
    const [before, market] = [await moneyOf(world, [first, other]), await clearingHouse.marketOf(ETH)];
    const refused = clearingHouse.connect(world.bob).liquidate.staticCall(first, [leg("-290")], [], other);
    await expect(refused).to.be.revertedWithCustomError(clearingHouse, "TargetPassed");

    const receipt = await receiptOf(batch(world, [item(first, "-290")]));
    await expect(receipt).to.emit(clearingHouse, "LiquidationFailed");
    expect(await moneyOf(world, [first, other])).to.deep.equal(before);
    expect(await sizeOf(world, first, ETH)).to.equal(wad("300"));
    expect([...(await clearingHouse.marketOf(ETH))]).to.deep.equal([...market]);
  });

  it("judges the second item of one account by what the first has left", async () => {
    const world = await load(threeDue);
    const { clearingHouse, accounts } = world;
    const [first] = accounts;

    const receipt = await receiptOf(batch(world, [item(first, "-120"), item(first, "-120")]));
    const { equity, maintenance } = betterTerms(await stateOf(world, first, await now()));
    expect(equity).to.be.greaterThan(maintenance);
    const reason = clearingHouse.interface.encodeErrorResult("Healthy", [first, equity, maintenance]);
    await expect(receipt).to.emit(clearingHouse, "LiquidationFailed").withArgs(first, reason);
  });

  it("reverts whole where gas does not suffice for an item", async () => {
    const world = await load(threeDue);
    const { clearingHouse, accounts, bob, other } = world;
    const [first, second] = accounts;
    const items = [item(first, "-100"), item(second, "-100")];

    await expect(clearingHouse.connect(bob).liquidateBatch(items, other, { gasLimit: ITEM_GAS + 200_000n }))
      .to.be.revertedWithCustomError(clearingHouse, "InsufficientGas")
      .withArgs((left: bigint) => left < ITEM_GAS, ITEM_GAS);
    expect(await sizeOf(world, first, ETH)).to.equal(wad("300"));
  });

  it("does nothing without items", async () => {
    const world = await load(threeDue);

    const { logs } = await receiptOf(batch(world, []));
    expect(logs).to.have.length(0);
  });

  it("obeys only who may trade for the liquidator", async () => {
    const { clearingHouse, accounts, other, stranger } = await load(threeDue);

    await expect(clearingHouse.connect(stranger).liquidateBatch([item(accounts[0], "-100")], other))
      .to.be.revertedWithCustomError(clearingHouse, "NotAuthorized")
      .withArgs(other, stranger, 1n);
  });

  it("calls its items itself, and nobody else does", async () => {
    const { clearingHouse, accounts, other, bob } = await load(threeDue);

    await expect(clearingHouse.connect(bob).liquidateItem(item(accounts[0], "-100"), other))
      .to.be.revertedWithCustomError(clearingHouse, "OnlySelf")
      .withArgs(bob);
  });
});

interface Item {
  account: Account;
  reductions: { asset: number; delta: bigint }[];
  sales: { token: number; amount: bigint }[];
}

function leg(delta: string) {
  return { asset: ETH, delta: wad(delta) };
}

function item(account: Account, delta: string): Item {
  return { account, reductions: [leg(delta)], sales: [] };
}

function batch({ clearingHouse, bob, other }: Case, items: Item[]) {
  return clearingHouse.connect(bob).liquidateBatch(items, other);
}

/** Three sub-accounts of alice, each long 300 ETH and due. */
async function threeDue(): Promise<Case & { accounts: [Account, Account, Account] }> {
  const world = await frozen();
  const accounts: Account[] = [];
  for (const subAccount of [1n, 2n, 3n]) {
    const account = await world.fund(world.alice, wad("39_000"), subAccount);
    await world.trade(account, ETH, wad("300"));
    accounts.push(account);
  }
  await world.setPrice(BTC);
  await world.setPrice(ETH, wad("1728"));
  await world.oracle.update(1n << BigInt(ETH));
  const [first = "", second = "", third = ""] = accounts;
  return { ...world, account: first, accounts: [first, second, third], other: accountOf(world.bob) };
}
