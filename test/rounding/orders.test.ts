import { expect } from "chai";

import { WAD } from "../../scripts/model/fixed.ts";
import { frozen } from "../clearing/scenarios.ts";
import { eventOf } from "../clearing/support.ts";
import { type Account, accountOf, ethers, loadFixture, networkHelpers, time, type World } from "../fixture.ts";
import { DAY, ETH, wad } from "../parameters.ts";
import { ceil, floor, stepOf } from "./exact.ts";

const TRADE = 1n;
/** WAD of what an allowance is counted in. */
const ALLOWANCE_UNIT = 10n ** 12n;

describe("rounding of pay, allowances and triggers", () => {
  it("keeper pay: down", async () => {
    const world = await loadFixture(priced);
    const { account, orders, clearingHouse } = world;
    const baseFee = 1_000_000_007n;
    await networkHelpers.setNextBlockBaseFeePerGas(baseFee);
    const { sequence } = await world.submit(account, ETH, wad("1"));
    const hints = await world.settle(account, sequence);
    const { pay: escrow } = await orders.orderOf(account, sequence);
    await networkHelpers.setNextBlockBaseFeePerGas(baseFee);
    const { receipt } = await world.execute(account, sequence, hints);

    const { singleGas, tip, fixedPay } = world.parameters.orders;
    const pay = fixedPay + floor(singleGas * (baseFee + tip) * (await world.priceOf(ETH)), WAD);
    expect(pay).to.be.lessThan(escrow);
    expect(eventOf(clearingHouse, receipt, "OrderClosed").getValue("pay")).to.equal(pay);
  });

  it("what counts against an operator's allowance: up", async () => {
    const world = await loadFixture(priced);
    const { account, alice, bob, clearingHouse } = world;
    const pay = wad("1.234567890123456789");
    const spent = ceil(pay, ALLOWANCE_UNIT);
    const until = (await time.latest()) + DAY;

    await clearingHouse.connect(alice).setOperator(account, bob, TRADE, until, spent - 1n);
    await expect(spentOf(world, account, pay))
      .to.be.revertedWithCustomError(world.extension, "FeeAllowanceExceeded")
      .withArgs(pay, (spent - 1n) * ALLOWANCE_UNIT);
    await clearingHouse.connect(alice).setOperator(account, bob, TRADE, until, spent);
    expect(await spentOf(world, account, pay)).to.equal(spent);
  });

  it("price of a trigger: one above up, one below down", async () => {
    const { account, alice, clearingHouse, orders } = await loadFixture(priced);
    const triggerPrice = wad("1799.123456789012345679");
    const step = stepOf(triggerPrice);
    const packed = async (above: boolean) => {
      const { sequence } = await clearingHouse.accountOf(account);
      const input = { asset: ETH, delta: wad("-1"), triggerPrice, above, acceptablePrice: 0n, expiry: 0 };
      await orders.connect(alice).submitTrigger(account, input);
      return (await orders.triggerOf(account, sequence)).triggerPrice;
    };

    expect([await packed(true), await packed(false)]).to.deep.equal([
      ceil(triggerPrice, step) * step,
      floor(triggerPrice, step) * step,
    ]);
  });

  it("middle of the band of a basket's leg: down", async () => {
    const { account, alice, orders, clearingHouse } = await loadFixture(priced);
    const price = wad("1799.12345678");
    const step = stepOf(price);
    const { sequence } = await clearingHouse.accountOf(account);
    await orders.connect(alice).submitBasket(account, [{ asset: ETH, delta: wad("1") }], false, 0);

    const [leg] = (await orders.basketOf(account, sequence)).legs;
    expect(leg?.middle).to.equal(floor(price, step) * step);
  });
});

async function priced() {
  const world = await frozen();
  await world.setPrice(ETH, wad("1799.12345678"));
  return { ...world, account: accountOf(world.alice) };
}

/** What bob has spent of his allowance once an order of no leg has cost `pay`; those of `Orders` cost whole units. */
async function spentOf({ clearingHouse, orders, bob }: World, account: Account, pay: bigint): Promise<bigint> {
  const { interface: verbs } = clearingHouse;
  const calls = [
    verbs.encodeFunctionData("lock"),
    verbs.encodeFunctionData("reserveSequence", [account, bob.address, [], pay]),
    verbs.encodeFunctionData("operatorOf", [account, bob.address]),
    verbs.encodeFunctionData("unlock"),
  ];
  const from = await orders.getAddress();
  const [, , grant = "0x"] = await clearingHouse.connect(ethers.provider).multicall.staticCall(calls, { from });
  return BigInt.asUintN(64, BigInt(grant) >> 112n);
}
