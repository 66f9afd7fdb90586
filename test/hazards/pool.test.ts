import { expect } from "chai";

import { frozen } from "../clearing/scenarios.ts";
import { expectConserved, load } from "../clearing/support.ts";
import { type Account, accountOf, deploy, time, type World } from "../fixture.ts";
import { BTC, ETH, MINUTE, wad, WETH_TOKEN } from "../parameters.ts";
import { expectRefused, movePrice, poolWorthOf, type Signer, walletOf } from "./support.ts";

const UNIT = 10n ** 12n;

describe("hazards of the pool", () => {
  afterEach(expectConserved);

  describe("hazard 6: shares are bought or sold at a price that is known", () => {
    it("a deposit that knows of a move which no feed has reported yet gains nothing by it", async () => {
      const world = await load(pooled);
      const { alice, bob, pool } = world;
      await world.trade(accountOf(alice), ETH, wad("500"));
      const batch = await world.requestDeposit(bob, wad("100_000"));
      const { closesAt, maturesAt } = await pool.batchOf(batch);
      // The last report before the move, young enough to be live when the batch matures.
      await time.increaseTo(closesAt + BigInt(MINUTE));
      await world.refresh();
      await time.increaseTo(maturesAt + 1n);
      await expectRefused(pool.fulfill(batch), "a settlement at the price of before", [
        pool,
        "PriceTooOld",
        batch,
        (updatedAt: bigint) => updatedAt < closesAt + 240n,
        closesAt + 240n,
      ]);

      await world.setPrice(ETH, wad("1750"));
      await world.refresh();
      await pool.fulfill(batch);
      const assets = await pool.claimableDepositRequest(batch, bob);
      await pool.connect(bob)["deposit(uint256,address)"](assets, bob);
      expect((await pool.convertToAssets(await pool.balanceOf(bob))) * UNIT).to.be.at.most(wad("100_000"));
    });
  });

  describe("hazard 22: a provider, or insurance, leaves ahead of a loss", () => {
    it("who asks in the block before the loss is booked bears the same share of it as who stays", async () => {
      const world = await load(pooled);
      const { alice, bob, provider, carol, pool, clearingHouse } = world;
      const account = accountOf(alice);
      await world.trade(account, ETH, wad("740"));
      await movePrice(world, ETH, wad("1620"));
      const supply = await pool.totalSupply();
      const shares = await pool.balanceOf(carol);
      const before = await poolWorthOf(world);

      // It is there for all to see, and not in the books.
      const batch = await requestRedeem(world, carol);
      const { maturesAt } = await pool.batchOf(batch);
      await expectRefused(pool.fulfill(batch), "an exit at once", [pool, "NotMatured", batch, () => true, maturesAt]);
      await clearingHouse.connect(bob).liquidate(account, [{ asset: ETH, delta: wad("-740") }], [], accountOf(bob));
      const lost = before - (await poolWorthOf(world));
      expect(lost).to.be.greaterThan(wad("20_000"));

      await world.mature(batch);
      await pool.fulfill(batch);
      await redeemAll(world, carol, batch);
      const share = (before * shares) / supply - (await walletOf(world, carol));
      expect(share).to.be.at.least((lost * shares) / supply);
      const left = (await pool.convertToAssets(await pool.balanceOf(provider))) * UNIT;
      expect(((await walletOf(world, carol)) * (supply - shares)) / shares).to.be.at.most(left + wad("1"));
    });

    it("while a loss is being worked out nobody leaves the pool, nor is insurance paid out, though all has matured", async () => {
      const world = await load(pooled);
      const { bob, carol, admin, keeper, pool, clearingHouse, insuranceFund } = world;
      await world.fund(bob, wad("2_000_000"));
      await insuranceFund.connect(bob).contribute(accountOf(bob), wad("2_000_000"));
      const batch = await requestRedeem(world, carol);
      const account = await insolvent(world);
      await world.mature(batch);
      await movePrice(world, ETH, wad("900"));
      await clearingHouse.markPool();
      await insuranceFund.connect(admin).payOut(accountOf(admin), wad("1")); // there is more than the target
      await clearingHouse.connect(keeper).flagInsolvent(account);
      await expectRefused(pool.fulfill(batch), "an exit while an account is insolvent", [pool, "PoolBlocked"]);
      await clearingHouse.markPool();
      await expectRefused(insuranceFund.connect(admin).payOut(accountOf(admin), wad("1")), "insurance paid out", [
        insuranceFund,
        "LossPending",
        1n,
        0n,
        0n,
      ]);

      await world.advance(10 * MINUTE);
      await world.refresh();
      await clearingHouse.connect(keeper).seize(account);
      expect((await clearingHouse.accountOf(account)).cash).to.equal(0n);
      // What the pool has advanced is to be paid back first.
      const { amount } = await clearingHouse.seizedOf(WETH_TOKEN);
      await world.fund(keeper, wad("200_000"));
      await clearingHouse.connect(keeper).buySeized({ token: WETH_TOKEN, amount }, accountOf(keeper));
      await pool.fulfill(batch);
      await redeemAll(world, carol, batch);
      expect(await walletOf(world, carol)).to.be.greaterThan(0n);
    });
  });

  describe("hazard 28: the first provider makes a share too dear for the second", () => {
    it("a share of one wei and a gift of a thousand cost the giver the gift and the next provider dust", async () => {
      const world = await load(bare);
      const { alice, carol, pool, clearingHouse } = world;
      // One unit in, and all of it out again but a single share.
      await world.poolDeposit(alice, UNIT);
      await pool.connect(alice).requestRedeem((await pool.balanceOf(alice)) - 1n, alice, alice);
      const exit = (await pool.queue()).latest;
      await world.mature(exit);
      await pool.fulfill(exit);
      expect(await pool.totalSupply()).to.equal(1n);

      // The gift: the charge of an order that cannot be filled.
      const account = await world.fund(alice, wad("5_000"));
      const { cash } = await clearingHouse.accountOf(account);
      await clearingHouse.markPool();
      const { outcome } = await world.trade(account, ETH, wad("1000"));
      expect(outcome).to.equal("Cancelled");
      const gift = cash - (await clearingHouse.accountOf(account)).cash;
      expect(await poolWorthOf(world)).to.be.greaterThan(wad("1_000"));
      await world.poolDeposit(carol, wad("1_500"));

      const worth = async (owner: Signer) => (await pool.convertToAssets(await pool.balanceOf(owner))) * UNIT;
      expect(await worth(carol)).to.be.at.least(wad("1_499.99"));
      expect(await worth(alice)).to.be.lessThan(gift / 1_000n);
    });
  });
});

/** Three quarters of the pool are the provider's, a quarter carol's; ETH does not move by itself. */
async function pooled() {
  const world = await frozen();
  await world.poolDeposit(world.carol, wad("3_000_000"));
  return world;
}

function bare() {
  return deploy();
}

async function requestRedeem({ pool }: World, owner: Signer): Promise<bigint> {
  await pool.connect(owner).requestRedeem(await pool.balanceOf(owner), owner, owner);
  return (await pool.queue()).latest;
}

async function redeemAll({ pool }: World, owner: Signer, batch: bigint): Promise<void> {
  await pool.connect(owner).redeem(await pool.claimableRedeemRequest(batch, owner), owner, owner);
}

/** Alice's sub-account with 50 WETH that are worth less than what a loss has left her owing. */
async function insolvent(world: World): Promise<Account> {
  const account = await world.fundCollateral(world.alice, WETH_TOKEN, wad("50"), 7n);
  await world.trade(account, BTC, wad("20"));
  await movePrice(world, BTC, wad("26_000"));
  await world.trade(account, BTC, wad("-20"), { reduceOnly: true });
  const { cash, positions } = await world.clearingHouse.accountOf(account);
  expect([cash < wad("-50_000"), positions]).to.deep.equal([true, 0n]);
  return account;
}
