import { expect } from "chai";

import { cashOf, expectConserved, load, movePrice } from "../clearing/support.ts";
import { accountOf } from "../fixture.ts";
import { BTC, DAY, ETH, LINK, MINUTE, SETTLEMENT, SOL, USDC, wad, WAD, WBTC, WETH_TOKEN } from "../parameters.ts";
import { type Case, indebted } from "./scenarios.ts";

const FEED_UNIT = 10n ** 10n; // WAD of one unit of an answer

describe("Insolvency without a deficit", () => {
  afterEach(expectConserved);

  it("is over once the collateral has paid the debt to the wei", async () => {
    const world = await load(even);
    const { clearingHouse, account } = world;
    await clearingHouse.flagInsolvent(account);
    await world.advance(10 * MINUTE);

    await expect(clearingHouse.seize(account)).not.to.emit(clearingHouse, "DeficitBooked");
    const { cash, shares, collaterals } = await clearingHouse.accountOf(account);
    expect([shares, collaterals]).to.deep.equal([0n, 0n]);
    expect(cash).to.be.within(0n, 1n); // paid for, rounded up
    expect((await clearingHouse.ledger()).pendingLosses).to.equal(0n);
  });

  it("is over for an account that owes nothing and holds what is worth nothing", async () => {
    const world = await load(even);
    const { clearingHouse, account, carol } = world;
    await world.advance(2 * DAY); // without a word of the feed
    for (const asset of [BTC, SOL, LINK, WBTC, USDC]) await world.setPrice(asset);
    await clearingHouse.flagInsolvent(account);
    const rich = await world.fund(carol, wad("200_000"), 1n);
    await clearingHouse.connect(carol).transfer(rich, account, SETTLEMENT, -(await cashOf(world, account)));
    const { cash, collaterals } = await clearingHouse.accountOf(account);
    expect([cash, collaterals]).to.deep.equal([0n, 1n]);

    await clearingHouse.clearInsolvency(account);
    expect((await clearingHouse.ledger()).pendingLosses).to.equal(0n);
  });

  it("is over for an account that has paid its debt and taken everything out", async () => {
    const world = await load(even);
    const { clearingHouse, vault, account, carol } = world;
    await clearingHouse.flagInsolvent(account);
    await world.fund(carol, wad("200_000"));
    await vault
      .connect(carol)
      .withdraw(account, WETH_TOKEN, await clearingHouse.collateralOf(account, WETH_TOKEN), carol);
    await clearingHouse.connect(carol).transfer(account, accountOf(carol, 1n), 255, await cashOf(world, account));
    expect(await cashOf(world, account)).to.equal(0n);

    await clearingHouse.clearInsolvency(account);
    expect((await clearingHouse.ledger()).pendingLosses).to.equal(0n);
  });
});

/** What Carol owes is to the wei what her collateral is worth, rounded down. */
async function even(): Promise<Case> {
  const world = await indebted();
  const { account, carol } = world;
  const debt = -(await cashOf(world, account));
  const held = await world.clearingHouse.collateralOf(account, WETH_TOKEN);
  const { price, amount } = matching(debt, held);
  await world.fundCollateral(carol, WETH_TOKEN, amount - held);
  await movePrice(world, ETH, price);
  await world.refresh();
  return world;
}

/** A price of a feed, and a little more than `held` that is worth `debt` at it, and less than a wei more. */
function matching(debt: bigint, held: bigint): { price: bigint; amount: bigint } {
  const highest = ((debt * WAD) / held / FEED_UNIT) * FEED_UNIT;
  for (let price = highest; price > highest / 2n; price -= FEED_UNIT) {
    const amount = (debt * WAD + price - 1n) / price;
    if ((amount * price) / WAD === debt) return { price, amount };
  }
  throw new Error("no such price");
}
