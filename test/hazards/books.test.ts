import { expect } from "chai";

import { still } from "../clearing/scenarios.ts";
import { expectConserved, expectNear, load, skewOf } from "../clearing/support.ts";
import { type Account, accountOf, funded, networkHelpers, receiptOf, time, type World } from "../fixture.ts";
import { DAY, ETH, HOUR, SETTLEMENT, wad, WAD } from "../parameters.ts";
import { poolWorthOf, worthOf } from "./support.ts";

const UNIT = 10n ** 12n;

describe("hazards of the books", () => {
  afterEach(expectConserved);

  describe("hazard 21: a loss that nobody can pay stays in the books as somebody's claim", () => {
    it("it is booked in the call that finds it, and everyone else can then leave with all that is theirs", async () => {
      const world = await load(indebted);
      const { alice, bob, clearingHouse, tokens, vault } = world;
      const account = accountOf(alice);
      const before = await clearingHouse.balances();
      const pool = await poolWorthOf(world);
      const worth = await worthOf(world, account);
      expect(worth).to.be.lessThan(wad("-5000"));

      await clearingHouse.connect(bob).liquidate(account, [{ asset: ETH, delta: wad("-740") }], [], accountOf(bob));
      const after = await clearingHouse.balances();
      expect(after.debts, "a debt that nobody pays").to.equal(0n);
      expect((await clearingHouse.accountOf(account)).cash).to.equal(0n);
      const lost = pool + before.insurance - (await poolWorthOf(world)) - after.insurance;
      expect(lost).to.be.greaterThan(wad("5000"));

      // The run: all that anybody holds can be paid out, in any order.
      const claims = await claimsOf(
        world,
        [alice, bob, world.carol, world.keeper].map((owner) => accountOf(owner)),
      );
      expect(claims).to.be.at.most((await tokens.usdc.balanceOf(vault)) * UNIT);
      for (const owner of [bob, world.carol, world.keeper]) {
        const { cash } = await clearingHouse.accountOf(accountOf(owner));
        if (cash >= UNIT) await vault.connect(owner).withdraw(accountOf(owner), SETTLEMENT, cash / UNIT, owner);
      }
      const { base } = await clearingHouse.balances();
      expect(base).to.be.at.least(0n);
    });
  });

  describe("hazard 25: funding is read off the skew of one instant", () => {
    it("a skew that is pumped and dumped in one block moves the funding of the others by dust", async () => {
      const world = await load(funded);
      const { alice, carol, bob, clearingHouse, orders } = world;
      const target = accountOf(bob);
      await world.trade(target, ETH, wad("-100"));
      const [pump, dump] = [accountOf(alice), await world.fund(carol, wad("5_000_000"))];
      await world.fund(alice, wad("5_000_000"));
      await world.advance(HOUR - 10 * 60);
      await world.refresh();
      await clearingHouse.markPool();

      // Two accounts of one owner, in one transaction: nineteen hundred up, nineteen hundred down.
      const items: { account: Account; sequence: bigint }[] = [];
      for (const [account, delta] of [
        [pump, "1900"],
        [dump, "-1900"],
      ] as const) {
        const { sequence } = await world.submit(account, ETH, wad(delta));
        items.push({ account, sequence });
      }
      const { boundary } = await orders.orderOf(dump, items[1]?.sequence ?? 0n);
      await time.increaseTo(boundary);
      await world.setPrice(ETH);
      const hints = [await world.hintFor(ETH, boundary)];
      const snapshot = await networkHelpers.takeSnapshot();
      const batch = () =>
        receiptOf(
          orders.connect(world.keeper).executeBatch(
            items.map((item) => ({ ...item, hints })),
            accountOf(world.keeper),
          ),
        );

      await world.advance(60);
      const without = await worthOf(world, target);
      await snapshot.restore();
      await batch();
      expect((await clearingHouse.positionOf(dump, ETH)).size).to.equal(wad("-1900"));
      await world.advance(59);
      const with_ = await worthOf(world, target);
      // 100 ETH at 1800: less than a cent.
      expectNear(with_, without, wad("0.01"));
    });

    it("what one side pays the other receives, to the rounding of a position each", async () => {
      const world = await load(funded);
      const [long, short] = [accountOf(world.alice), accountOf(world.bob)];
      await world.trade(long, ETH, wad("600"));
      await world.trade(short, ETH, wad("-200"));
      const sum = async () => {
        const skew = await skewOf(world, ETH);
        const premium = (skew * skew * (await world.priceOf(ETH))) / (2n * wad("250_000") * WAD);
        const equity = await poolWorthOf(world);
        return (await worthOf(world, long, short)) + equity + premium;
      };
      const before = await sum();
      const paid = await worthOf(world, long);
      for (let day = 0; day < 10; day++) {
        await world.advance(DAY);
        await world.refresh();
      }

      expect(await worthOf(world, long)).to.be.lessThan(paid - wad("1"));
      expectNear(await sum(), before, 8n);
    });
  });
});

/** Alice, long 740 ETH, owes more than she has; bob and carol are well. */
async function indebted() {
  const world = await still();
  await world.trade(accountOf(world.alice), ETH, wad("740"));
  await world.fund(world.carol, wad("1000"));
  await world.setPrice(ETH, wad("1655"));
  await world.oracle.update(1n << BigInt(ETH));
  return world;
}

/** Σ positive cash, insurance, protocol fees and what the pool may lend or pay out. */
async function claimsOf({ clearingHouse }: World, accounts: Account[]): Promise<bigint> {
  const { base, insurance, protocolFees } = await clearingHouse.balances();
  let claims = insurance + protocolFees + (base > 0n ? base : 0n);
  for (const account of accounts) {
    const { cash } = await clearingHouse.accountOf(account);
    if (cash > 0n) claims += cash;
  }
  return claims;
}
