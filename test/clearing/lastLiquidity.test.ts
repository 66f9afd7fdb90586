import { expect } from "chai";

import { empty, networkHelpers, type World } from "../fixture.ts";
import { ETH, wad, WETH_TOKEN } from "../parameters.ts";
import { eventOf, expectConserved, load } from "./support.ts";

const UNIT = 10n ** 12n; // WAD of a token unit

describe("The pool's last liquidity", () => {
  afterEach(expectConserved);

  it("is lent to whoever opens an order, and not a token unit more", async () => {
    const world = await load(empty);
    const { clearingHouse, provider } = world;
    const escrow = await submitWithCash(world);
    const account = await world.fundCollateral(world.carol, WETH_TOKEN, wad("10"));
    await world.poolDeposit(provider, escrow - UNIT);
    const { base } = await clearingHouse.ledger();

    await expect(submit(world, account))
      .to.be.revertedWithCustomError(clearingHouse, "InsufficientLiquidity")
      .withArgs(base, escrow);
    await world.poolDeposit(provider, escrow - base);
    await submit(world, account);
    expect((await clearingHouse.ledger()).base).to.equal(0n);
  });
});

async function submit(world: World, account: string) {
  await networkHelpers.setNextBlockBaseFeePerGas(10n ** 9n);
  return world.submit(account, ETH, wad("1"));
}

/** What an order takes out of cash. */
async function submitWithCash(world: World): Promise<bigint> {
  const { receipt } = await submit(world, await world.fund(world.bob, wad("1_000")));
  const event = eventOf(world.orders, receipt, "OrderSubmitted");
  return (event.getValue("pay") as bigint) + (event.getValue("charge") as bigint);
}
