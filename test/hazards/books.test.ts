import { expect } from "chai";

import { frozen, still } from "../clearing/scenarios.ts";
import { expectConserved, expectNear, load, skewOf } from "../clearing/support.ts";
import {
  type Account,
  accountOf,
  funded,
  loadFixture,
  networkHelpers,
  receiptOf,
  time,
  type World,
} from "../fixture.ts";
import { DAY, ETH, HOUR, SETTLEMENT, wad, WAD, WETH_TOKEN } from "../parameters.ts";
import { poolWorthOf, walletOf, worthOf } from "./support.ts";

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

  describe("hazard 26: a rounding in the user's favour is taken ten thousand times", () => {
    it("ten thousand deposits, withdrawals and transfers of dust give back what was put in", async () => {
      const world = await loadFixture(still);
      const { alice, vault, clearingHouse } = world;
      const [account, other] = [accountOf(alice), accountOf(alice, 1n)];
      await world.fundCollateral(alice, WETH_TOKEN, wad("1"));
      await world.trade(account, ETH, wad("1.000000000000000007"));
      await world.tokens.usdc.mint(alice, 1);
      const before = (await worthOf(world, account, other)) + (await walletOf(world, alice));
      const pairs = Array.from({ length: 60 }, () => [
        vault.interface.encodeFunctionData("deposit", [account, SETTLEMENT, 1]),
        vault.interface.encodeFunctionData("withdraw", [account, SETTLEMENT, 1, alice.address]),
      ]).flat();
      for (let i = 0; i < 42; i++) await vault.connect(alice).multicall(pairs);
      const there = clearingHouse.interface.encodeFunctionData("transfer", [account, other, WETH_TOKEN, 1]);
      const back = clearingHouse.interface.encodeFunctionData("transfer", [other, account, WETH_TOKEN, 1]);
      const ways = Array.from({ length: 100 }, () => [there, back]).flat();
      for (let i = 0; i < 25; i++) await clearingHouse.connect(alice).multicall(ways);

      const after = (await worthOf(world, account, other)) + (await walletOf(world, alice));
      expect(after).to.be.at.most(before);
    });

    it("a thousand fills without a fee, of odd sizes in both directions, cost at least their roundings", async () => {
      const world = await loadFixture(free);
      const { alice, orders } = world;
      const accounts = [];
      for (let i = 0; i < 20; i++) accounts.push(await world.fund(alice, wad("10_000"), BigInt(i)));
      const before = await worthOf(world, ...accounts);
      let fills = 0;
      for (let round = 0; round < 25; round++) {
        // Up and down again within the round, each account at its own odd size.
        for (const sign of [1n, -1n]) {
          const items = [];
          const calls = accounts.map((account, i) => {
            const delta = sign * (wad("0.1") + BigInt(round * 37 + i * 101 + 1) * 1_234_567_891n);
            const input = { asset: ETH, delta, acceptablePrice: 0n, reduceOnly: false, expiry: 0 };
            return orders.interface.encodeFunctionData("submit", [account, input]);
          });
          for (const account of accounts) {
            items.push({ account, sequence: (await world.clearingHouse.accountOf(account)).sequence });
          }
          await world.tick();
          await orders.connect(alice).multicall(calls);
          const [first] = items;
          if (first === undefined) throw new Error("no order");
          const { boundary } = await orders.orderOf(first.account, first.sequence);
          await time.increaseTo(boundary);
          await world.setPrice(ETH, wad("1799.12345679") + BigInt(round) * 10n ** 10n);
          const hints = [await world.hintFor(ETH, boundary)];
          await world.tick();
          const receipt = await receiptOf(
            orders.executeBatch(
              items.map((item) => ({ ...item, hints })),
              accountOf(alice),
            ),
          );
          fills += receipt.logs.filter((log) => orders.interface.parseLog(log)?.name === "OrderFilled").length;
        }
        await world.clearingHouse.markPool();
      }

      expect(fills).to.equal(1000);
      const gain = (await worthOf(world, ...accounts)) - before;
      expect(gain).to.be.within(-4n * 1000n, 0n);
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

/** Nothing is charged for trading, and keepers are not paid. */
function free() {
  return frozen(({ assets, orders }) => {
    for (const asset of assets) [asset.takerFee, asset.makerFee] = [0, 0];
    orders.fixedPay = 0n;
    orders.tip = 0n;
    [orders.singleGas, orders.basketGas, orders.legGas, orders.pokeGas, orders.refundGas] = [0n, 0n, 0n, 0n, 0n];
  });
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
