import { expect } from "chai";

import { accountOf, funded, loadFixture, time } from "../fixture.ts";
import { DAY, ETH, WAD } from "../parameters.ts";
import { cashOf, pendingOf, poolBaseOf } from "./helpers.ts";

describe("Orders.abandon", () => {
  async function pending() {
    const world = await loadFixture(funded);
    const account = accountOf(world.alice);
    const { sequence } = await world.submit(account, ETH, WAD);
    const order = await world.orders.orderOf(account, sequence);
    const abandon = () => world.orders.connect(world.keeper).abandon(account, sequence, accountOf(world.keeper));
    return { world, account, sequence, order, abandon, earliest: order.boundary + BigInt(8 * DAY) };
  }

  it("ends an order that nobody could prove, and frees the account", async () => {
    const { world, account, sequence, order, abandon, earliest } = await pending();
    const cash = await cashOf(world, account);
    const base = await poolBaseOf(world);
    const keeperCash = await cashOf(world, accountOf(world.keeper));
    await time.increaseTo(earliest);
    await world.refresh();
    await abandon();

    expect(await world.orders.isPending(account, sequence)).to.equal(false);
    expect(await pendingOf(world, account)).to.equal(0n);
    const paid = (await cashOf(world, accountOf(world.keeper))) - keeperCash;
    expect((await poolBaseOf(world)) - base).to.equal(order.charge);
    expect((await cashOf(world, account)) - cash + paid).to.equal(order.pay);
  });

  it("refuses a second before", async () => {
    const { world, abandon, earliest } = await pending();
    await time.increaseTo(earliest - 2n);

    await expect(abandon())
      .to.be.revertedWithCustomError(world.orders, "NotAbandoned")
      .withArgs(earliest, earliest - 1n);
  });

  it("refuses an order that is not there", async () => {
    const { world, account, sequence } = await pending();

    await expect(world.orders.abandon(account, sequence + 1n, account))
      .to.be.revertedWithCustomError(world.orders, "UnknownOrder")
      .withArgs(account, sequence + 1n);
  });
});
