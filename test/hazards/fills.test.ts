import { expect } from "chai";

import { still } from "../clearing/scenarios.ts";
import { expectConserved, load, sizeOf } from "../clearing/support.ts";
import { type Account, accountOf, networkHelpers, type World } from "../fixture.ts";
import { BTC, ETH, SOL, wad } from "../parameters.ts";
import { expectRefused, healthy, largest, marginOf, movePrice, type Refusal, worthOf } from "./support.ts";

describe("hazards of the check at the fill", () => {
  afterEach(expectConserved);

  describe("hazard 13: the check leaves out fees, keeper pay and orders that wait", () => {
    it("the largest order that is filled leaves its account above the initial requirement when all of it is paid", async () => {
      const world = await load(still);
      const { alice } = world;
      const account = accountOf(alice);
      const most = await largest(wad("1500"), wad("0.000001"), async (delta) => {
        const snapshot = await networkHelpers.takeSnapshot();
        const outcome = await filled(world, account, { asset: ETH, delta });
        await snapshot.restore();
        return outcome;
      });
      expect(most).to.be.greaterThan(wad("500"));

      expect(await filled(world, account, { asset: ETH, delta: most })).to.equal(true);
      const { initialEquity, initial } = await world.lens.account(account);
      expect(initialEquity).to.be.within(initial, initial + wad("0.001"));
    });

    it("two orders that fit only one by one do not wait together, and what waits backs nothing else", async () => {
      const world = await load(still);
      const { alice, vault } = world;
      const account = accountOf(alice);
      const { sequence } = await world.submit(account, ETH, wad("500"));
      const pending: Refusal = [world.clearingHouse, "OrderPending", account, 1n];
      await expectRefused(world.submit(account, BTC, wad("30")), "a second order that raises risk", pending);
      const withdrawal = vault.connect(alice).withdraw(account, 255, 1, alice);
      await expectRefused(withdrawal, "a withdrawal of what backs an order", pending);
      const hints = await world.settle(account, sequence);
      await world.execute(account, sequence, hints);

      expect((await world.trade(account, BTC, wad("30"))).cause).to.equal("InsufficientMargin");
    });
  });

  describe("hazard 14: an order is filled straight into liquidation", () => {
    it("an order whose price has run away before it is filled is cancelled, and nobody liquidates its account", async () => {
      const world = await load(still);
      const { alice, bob, clearingHouse } = world;
      const account = accountOf(alice);
      const { sequence } = await world.submit(account, ETH, wad("740"));
      const { charge } = await world.orders.orderOf(account, sequence);
      const before = await worthOf(world, account);
      const hints = await world.settle(account, sequence);
      await world.setPrice(ETH, wad("1728"));

      const { outcome, cause } = await world.execute(account, sequence, hints);
      expect([outcome, cause]).to.deep.equal(["Cancelled", "InsufficientMargin"]);
      expect(await sizeOf(world, account, ETH)).to.equal(0n);
      await expectRefused(
        clearingHouse.connect(bob).liquidate(account, [{ asset: ETH, delta: wad("-100") }], [], accountOf(bob)),
        "a liquidation at once",
        await healthy(world, account),
      );
      // Out of the escrow, which `before` counts, the charge has gone to the pool and the keeper has its pay.
      const { pay } = await escrowOf(world, account, sequence);
      expect(charge).to.be.greaterThan(0n);
      expect(await worthOf(world, account)).to.be.within(before - charge - pay, before - charge);
    });
  });

  describe("hazard 15: who is short of margin may not even reduce", () => {
    for (const price of ["1760", "1735", "1700"]) {
      it(`every reduction that lowers risk is filled at ${price}, the smaller of them below maintenance`, async () => {
        const world = await load(still);
        const { alice, clearingHouse } = world;
        const account = accountOf(alice);
        await world.trade(account, ETH, wad("700"));
        await world.trade(account, SOL, wad("1000"));
        await movePrice(world, ETH, wad(price));
        const { initialEquity, initial, equity } = await world.lens.account(account);
        expect(initialEquity).to.be.lessThan(initial);
        expect(equity).to.be.greaterThan(0n);

        for (const [asset, delta] of [
          [ETH, "-1"],
          [SOL, "-10"],
          [ETH, "-100"],
          [SOL, "-990"],
          [ETH, "-599"],
        ] as const) {
          const margin = await marginOf(world, account);
          const { outcome, cause } = await world.trade(account, asset, wad(delta), { reduceOnly: true });
          expect([outcome, cause], `${asset} ${delta}`).to.deep.equal(["Filled", "None"]);
          expect(await marginOf(world, account)).to.be.greaterThan(margin);
        }
        expect((await clearingHouse.accountOf(account)).positions).to.equal(0n);
      });
    }
  });
});

async function filled(world: World, account: Account, leg: { asset: number; delta: bigint }): Promise<boolean> {
  try {
    return (await world.trade(account, leg.asset, leg.delta)).outcome === "Filled";
  } catch {
    return false; // refused at submission
  }
}

async function escrowOf({ orders }: World, account: Account, sequence: bigint): Promise<{ pay: bigint }> {
  const [event] = await orders.queryFilter(orders.filters.OrderSubmitted(account, sequence));
  if (event === undefined) throw new Error("no such order");
  return event.args;
}
