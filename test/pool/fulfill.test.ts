import { expect } from "chai";

import { accountOf, loadFixture, time } from "../fixture.ts";
import { BTC, ETH, HOUR, percent, SETTLEMENT, wad } from "../parameters.ts";
import {
  divUp,
  expectNotDiluted,
  exposed,
  fulfilled,
  matured,
  nextInterval,
  PPM,
  PRICE_DELAY,
  quiet,
  quoteOf,
  requestRedeem,
  ruined,
  sharesFor,
  UNIT,
  unitsFor,
  USDC,
  VIRTUAL,
} from "./helpers.ts";

describe("LiquidityPool.fulfill", () => {
  describe("deposits", () => {
    it("gives the first provider a share for a dollar", async () => {
      const { pool, clearingHouse, bob, requestDeposit, mature } = await loadFixture(nothing);
      const batch = await requestDeposit(bob, wad("400"));
      await mature(batch);
      const account = accountOf(await pool.getAddress());

      await expect(pool.fulfill(batch))
        .to.emit(pool, "DepositsFulfilled")
        .withArgs(batch, 400n * USDC, wad("400"), 0n, 0n)
        .and.to.emit(clearingHouse, "PoolFunded")
        .withArgs(account, wad("400"));

      expect(await pool.totalSupply()).to.equal(wad("400"));
      expect((await clearingHouse.accountOf(account)).cash).to.equal(0n);
      expect(await clearingHouse.markPool.staticCall()).to.equal(wad("400"));
    });

    it("are settled at the value plus what prices may be off", async () => {
      const world = await loadFixture(matured);
      const { pool, batch } = world;
      const quote = await quoteOf(world);
      const shares = sharesFor(1_000n * USDC, quote);
      expect(quote.spread).to.be.greaterThan(wad("4000"));

      await expect(pool.fulfill(batch))
        .to.emit(pool, "DepositsFulfilled")
        .withArgs(batch, 1_000n * USDC, shares, quote.value, quote.spread);

      expect((await pool.batchOf(batch)).minted).to.equal(shares);
    });

    it("round the spread up", async () => {
      const world = await loadFixture(exposed);
      await world.trade(accountOf(world.bob), ETH, wad("1.000000000000000003"));
      const batch = await world.requestDeposit(world.carol, wad("1"));
      await world.mature(batch);
      const { gross } = await world.clearingHouse.poolValuation();
      const quote = await quoteOf(world);
      expect(quote.spread * PPM).to.be.greaterThan(gross * BigInt(world.parameters.pool.deviation));

      await expect(world.pool.fulfill(batch))
        .to.emit(world.pool, "DepositsFulfilled")
        .withArgs(batch, USDC, sharesFor(USDC, quote), quote.value, quote.spread);
    });

    it("never dilute those who are in", async () => {
      const world = await loadFixture(exposed);
      const batch = await world.requestDeposit(world.bob, wad("90_000.000001"));
      await world.mature(batch);
      const before = await quoteOf(world);

      await world.pool.fulfill(batch);

      expectNotDiluted(before, await quoteOf(world));
    });

    it("do not wait for redemptions", async () => {
      const world = await loadFixture(exposed);
      const { pool, provider, bob, requestDeposit, mature } = world;
      const first = await requestRedeem(world, provider, await pool.balanceOf(provider));
      await nextInterval();
      const second = await requestDeposit(bob, wad("10"));
      await mature(second);

      await pool.fulfill(second);

      expect(await pool.queue()).to.deep.equal([second, second, first - 1n]);
      expect(await pool.claimableDepositRequest(second, bob)).to.equal(10n * USDC);
    });
  });

  describe("redemptions", () => {
    it("are settled at the value less what prices may be off", async () => {
      const world = await loadFixture(matured);
      const { pool, clearingHouse, batch } = world;
      const quote = await quoteOf(world);
      const units = unitsFor(wad("1000"), quote);
      const minted = sharesFor(1_000n * USDC, quote);

      await expect(pool.fulfill(batch))
        .to.emit(pool, "RedemptionsFulfilled")
        .withArgs(batch, wad("1000"), units, quote.value, quote.spread)
        .and.to.emit(clearingHouse, "PoolDrained")
        .withArgs(accountOf(await pool.getAddress(), 1n), units * UNIT);

      expect(await pool.totalSupply()).to.equal(quote.supply + minted - wad("1000"));
      expect((await clearingHouse.accountOf(accountOf(await pool.getAddress(), 1n))).cash).to.equal(units * UNIT);
    });

    it("never take from those who stay", async () => {
      const world = await loadFixture(exposed);
      const batch = await requestRedeem(world, world.provider, wad("3_333_333.333333333333333333"));
      await world.mature(batch);
      const before = await quoteOf(world);

      await world.pool.fulfill(batch);

      expectNotDiluted(before, await quoteOf(world));
    });

    it("bear a loss that comes while they wait", async () => {
      const world = await loadFixture(exposed);
      const { pool, provider, setPrice, mature } = world;
      const batch = await requestRedeem(world, provider, wad("1_000_000"));
      await mature(batch);
      await setPrice(ETH, wad("2001")); // alice is long: the pool has lost 100,000 of 10 million

      await pool.fulfill(batch);

      const { paid } = await pool.batchOf(batch);
      expect(paid).to.be.within(989_000n * USDC, 990_100n * USDC);
    });

    it("are paid in part where liquidity ends, pro rata within the batch", async () => {
      const world = await loadFixture(scarce);
      const { pool, provider, carol, first } = world;
      const quote = await quoteOf(world);
      const units = quote.redeemable / UNIT;
      const burned = divUp(units * UNIT * (quote.supply + VIRTUAL), quote.value - quote.spread + VIRTUAL);
      const asked = wad("9_900_000");
      expect(burned).to.be.lessThan(asked);

      await expect(pool.fulfill(first))
        .to.emit(pool, "RedemptionsFulfilled")
        .withArgs(first, burned, units, quote.value, quote.spread);

      expect(await pool.claimableRedeemRequest(first, provider)).to.equal((wad("6_600_000") * burned) / asked);
      expect(await pool.pendingRedeemRequest(first, provider)).to.equal(
        wad("6_600_000") - (wad("6_600_000") * burned) / asked,
      );
      expect(await pool.claimableRedeemRequest(first, carol)).to.equal((wad("3_300_000") * burned) / asked);
      expect(await pool.maxWithdraw(carol)).to.equal((units * wad("3_300_000")) / asked);
      expectNotDiluted(quote, await quoteOf(world));
    });

    it("go on at the value of another day", async () => {
      const world = await loadFixture(scarce);
      const { pool, carol, alice, trade, first } = world;
      await pool.fulfill(first);
      const before = await pool.batchOf(first);
      for (let i = 0; i < 4; i++) await trade(accountOf(alice), ETH, wad("-500"), { price: wad("1750") });
      const quote = await quoteOf(world);
      const rest = before.toRedeem - before.burned;
      const units = unitsFor(rest, quote);

      await expect(pool.fulfill(first))
        .to.emit(pool, "RedemptionsFulfilled")
        .withArgs(first, rest, units, quote.value, quote.spread);

      expect(await pool.claimableRedeemRequest(first, carol)).to.equal(wad("3_300_000"));
      expect(await pool.maxWithdraw(carol)).to.equal((before.paid + units) / 3n);
    });

    it("are paid in the order of their batches", async () => {
      const world = await loadFixture(scarce);
      const { pool, alice, trade, requestDeposit, mature, carol, first, second } = world;

      await pool.fulfill(second);
      expect((await pool.batchOf(second)).burned).to.equal(0n);
      expect((await pool.queue()).redemptions).to.equal(first - 1n);

      await trade(accountOf(alice), ETH, wad("-100"));
      await pool.fulfill(second);
      expect((await pool.batchOf(second)).burned).to.equal(0n);

      const third = await requestDeposit(carol, wad("1_000_000"));
      await mature(third);
      await pool.fulfill(third);
      const { burned, toRedeem } = await pool.batchOf(first);
      expect(burned).to.equal(toRedeem);
      expect((await pool.batchOf(second)).burned).to.be.greaterThan(0n);
    });

    it("are paid out of the deposits of the same fulfilment", async () => {
      const world = await loadFixture(scarce);
      const { pool, bob, requestDeposit, mature } = world;
      const batch = await requestDeposit(bob, wad("100_000"));
      await mature(batch);
      const { redeemable } = await quoteOf(world);

      await pool.fulfill(batch);

      expect((await pool.batchOf(world.first)).paid).to.equal(redeemable / UNIT + 100_000n * USDC);
    });

    it("are paid out of deposits that first fill up what the pool lacks", async () => {
      const world = await loadFixture(lacking);
      const { pool, bob, requestDeposit, mature, first } = world;
      const before = await pool.batchOf(first);
      const batch = await requestDeposit(bob, wad("100_000"));
      await mature(batch);

      await pool.fulfill(batch);

      expect((await pool.batchOf(first)).paid - before.paid).to.be.within(1n, 99_999n * USDC);
      expect((await quoteOf(world)).redeemable).to.be.lessThan(UNIT);
    });

    it("keep their place while nothing can be paid", async () => {
      const { pool, bob, requestDeposit, mature, first } = await loadFixture(lacking);
      const before = await pool.batchOf(first);
      const batch = await requestDeposit(bob, wad("10"));
      await mature(batch);

      await pool.fulfill(batch);

      expect(await pool.queue()).to.deep.equal([batch, batch, first - 1n]);
      expect(await pool.batchOf(first)).to.deep.equal(before);
    });

    it("leave the pool its own initial requirement", async () => {
      const world = await loadFixture(scarce);

      await world.pool.fulfill(world.first);

      expect((await quoteOf(world)).redeemable).to.be.lessThan(UNIT);
    });

    it("let the last provider out after a loss", async () => {
      const world = await loadFixture(exposed);
      const { pool, clearingHouse, alice, provider, trade, mature } = world;
      await trade(accountOf(alice), ETH, wad("-500"), { price: wad("2000") });
      const supply = await pool.totalSupply();
      const { value } = await quoteOf(world);
      expect(value).to.be.lessThan(supply);
      const batch = await requestRedeem(world, provider, supply);
      await mature(batch);

      await pool.fulfill(batch);

      expect((await pool.batchOf(batch)).paid).to.equal(value / UNIT);
      expect(await pool.totalSupply()).to.be.at.most(UNIT * 2n);
      expect(await clearingHouse.markPool.staticCall()).to.be.lessThan(UNIT);
    });

    it("of dust are burned for nothing and hold nobody up", async () => {
      const world = await loadFixture(quiet);
      const { pool, provider, mature } = world;
      await requestRedeem(world, provider, 1n);
      await nextInterval();
      const batch = await requestRedeem(world, provider, wad("5"));
      await mature(batch);

      await pool.fulfill(batch);

      expect((await pool.batchOf(batch - 1n)).burned).to.equal(1n);
      expect((await pool.batchOf(batch)).paid).to.equal(5n * USDC);
    });

    it("wait where the spread would leave nothing of them", async () => {
      // A requirement of 1.75 % of the exposure, a spread of 2 %, and a value between.
      const { pool, batch, ...world } = await loadFixture(thin);
      const { value, spread, redeemable } = await quoteOf({ pool, ...world });
      expect(value).to.be.within(1n, spread);
      expect(redeemable).to.be.greaterThan(UNIT);

      await expect(pool.fulfill(batch)).to.be.revertedWithCustomError(pool, "NothingRedeemable").withArgs(redeemable);
    });
  });

  describe("both", () => {
    it("get one price in all batches of a fulfilment, whatever their order", async () => {
      const world = await loadFixture(exposed);
      const { pool, provider, bob, requestDeposit, mature } = world;
      const first = await requestDeposit(bob, wad("1000"));
      await requestRedeem(world, provider, wad("2_000_000"));
      await nextInterval();
      const second = await requestDeposit(bob, wad("1_000_000"));
      await requestRedeem(world, provider, wad("1000"));
      await mature(second);
      const quote = await quoteOf(world);

      await pool.fulfill(second);

      expect((await pool.batchOf(first)).minted).to.equal(sharesFor(1_000n * USDC, quote));
      expect((await pool.batchOf(second)).minted).to.equal(sharesFor(1_000_000n * USDC, quote));
      expect((await pool.batchOf(first)).paid).to.equal(unitsFor(wad("2_000_000"), quote));
      expect((await pool.batchOf(second)).paid).to.equal(unitsFor(wad("1000"), quote));
      expectNotDiluted(quote, await quoteOf(world));
    });

    it("are settled as far as named", async () => {
      const world = await loadFixture(quiet);
      const { pool, bob, requestDeposit, mature } = world;
      const first = await requestDeposit(bob, wad("1"));
      await nextInterval();
      const second = await requestDeposit(bob, wad("2"));
      await mature(second);

      await pool.fulfill(first);

      expect(await pool.queue()).to.deep.equal([second, first, first]);
      expect(await pool.pendingDepositRequest(second, bob)).to.equal(2n * USDC);
    });

    it("are settled by anyone", async () => {
      const { pool, stranger, batch } = await loadFixture(matured);

      await pool.connect(stranger).fulfill(batch);

      expect(await pool.queue()).to.deep.equal([batch, batch, batch]);
    });

    it("are settled once", async () => {
      const { pool, batch } = await loadFixture(fulfilled);

      for (const again of [batch, batch - 1n]) {
        await expect(pool.fulfill(again)).to.be.revertedWithCustomError(pool, "AlreadyFulfilled").withArgs(again);
      }
    });

    it("are refused for a batch that does not exist", async () => {
      const { pool, batch } = await loadFixture(matured);

      for (const unknown of [0n, batch + 1n]) {
        await expect(pool.fulfill(unknown))
          .to.be.revertedWithCustomError(pool, "UnknownBatch")
          .withArgs(unknown, batch);
      }
    });

    it("are refused when nothing can be paid", async () => {
      const { pool, first } = await loadFixture(scarce);
      await pool.fulfill(first);

      await expect(pool.fulfill(first))
        .to.be.revertedWithCustomError(pool, "NothingRedeemable")
        .withArgs((redeemable: bigint) => redeemable < UNIT);
    });

    it("are refused before the cooldown has passed, to the second", async () => {
      const { pool, bob, requestDeposit } = await loadFixture(quiet);
      const batch = await requestDeposit(bob, wad("1"));
      const { maturesAt } = await pool.batchOf(batch);

      await time.setNextBlockTimestamp(maturesAt - 1n);
      await expect(pool.fulfill(batch))
        .to.be.revertedWithCustomError(pool, "NotMatured")
        .withArgs(batch, maturesAt - 1n, maturesAt);
      await time.setNextBlockTimestamp(maturesAt);
      await pool.fulfill(batch);
    });

    it("are refused at a price that is not newer than the batch by the delay, to the second", async () => {
      const { pool, bob, requestDeposit, setPrice } = await loadFixture(exposed);
      const batch = await requestDeposit(bob, wad("1"));
      const { closesAt, maturesAt } = await pool.batchOf(batch);
      const boundary = closesAt + BigInt(PRICE_DELAY);
      await time.increaseTo(boundary - 1n);
      await setPrice(ETH);
      await time.increaseTo(maturesAt);

      await expect(pool.fulfill(batch))
        .to.be.revertedWithCustomError(pool, "PriceTooOld")
        .withArgs(batch, boundary, boundary);
    });

    it("are settled at a price that is newer by a second", async () => {
      const { pool, bob, requestDeposit, setPrice } = await loadFixture(exposed);
      const batch = await requestDeposit(bob, wad("1"));
      const { closesAt, maturesAt } = await pool.batchOf(batch);
      await time.increaseTo(closesAt + BigInt(PRICE_DELAY));
      await setPrice(ETH);
      await time.increaseTo(maturesAt);

      await pool.fulfill(batch);
    });

    it("are refused while a market of the pool has no live price", async () => {
      const { pool, advance, setPrice, batch } = await loadFixture(matured);
      await advance(2 * HOUR);

      await expect(pool.fulfill(batch)).to.be.revertedWithCustomError(pool, "PoolNotLive");
      await setPrice(ETH); // the only one with open interest
      await pool.fulfill(batch);
    });

    it("are refused in a jump halt", async () => {
      const { pool, setPrice, batch } = await loadFixture(matured);
      await setPrice(ETH, wad("2400"));

      await expect(pool.fulfill(batch)).to.be.revertedWithCustomError(pool, "PoolNotLive");
    });

    it("are refused while a loss is being worked out", async () => {
      const { pool, clearingHouse, setPrice, setSkewCap, advance, batch } = await loadFixture(matured);
      // Traders are long 500 ETH net.
      await setSkewCap(ETH, wad("200"));
      await clearingHouse.flagDeleveraging(ETH);
      await advance(HOUR);
      await setPrice(ETH);
      await clearingHouse.flagDeleveraging(ETH);

      await expect(pool.fulfill(batch)).to.be.revertedWithCustomError(pool, "PoolBlocked");
    });

    it("are refused in a pool that owes more than it has", async () => {
      const { pool, batch } = await loadFixture(insolvent);
      const supply = await pool.totalSupply();

      await expect(pool.fulfill(batch))
        .to.be.revertedWithCustomError(pool, "PoolInsolvent")
        .withArgs((value: bigint) => value < 0n, supply);
    });

    it("are refused in a pool that has nothing for its shares", async () => {
      const { pool, batch } = await loadFixture(broke);
      const supply = await pool.totalSupply();

      await expect(pool.fulfill(batch))
        .to.be.revertedWithCustomError(pool, "PoolInsolvent")
        .withArgs((value: bigint) => value >= 0n && value < 10n ** 11n, supply);
    });

    it("go on in a pool that has nothing but dust of shares", async () => {
      const { pool, bob, requestDeposit, mature } = await loadFixture(left);
      expect(await pool.totalSupply()).to.be.within(1n, UNIT);

      const batch = await requestDeposit(bob, wad("10"));
      await mature(batch);
      await pool.fulfill(batch);

      const { minted } = await pool.batchOf(batch);
      expect(await pool.convertToAssets(minted)).to.be.within(10n * USDC - 1n, 10n * USDC);
    });
  });

  it("moves no tokens", async () => {
    const { pool, vault, batch } = await loadFixture(matured);
    const held = await vault.held(SETTLEMENT);

    await pool.fulfill(batch);

    expect(await vault.held(SETTLEMENT)).to.equal(held);
  });
});

/** Nothing in the pool. */
async function nothing() {
  const world = await quiet();
  const batch = await requestRedeem(world, world.provider, await world.pool.balanceOf(world.provider));
  await world.mature(batch);
  await world.pool.fulfill(batch);
  return world;
}

/** Alice is long 2,000 ETH, and the pool cannot pay a first batch of 6.6 million shares of the provider and 3.3 of carol,
 * let alone a second of 100,000. Both have matured. */
async function scarce() {
  const world = await quiet();
  const { pool, provider, carol, alice, bob, fund, trade, mature } = world;
  await fund(alice, wad("5_000_000"));
  for (let i = 0; i < 4; i++) await trade(accountOf(alice), ETH, wad("500"));
  await trade(accountOf(bob), BTC, wad("1"));
  await pool.connect(provider).transfer(carol, wad("3_300_000"));
  await nextInterval();
  const first = await requestRedeem(world, provider, wad("6_600_000"));
  expect(await requestRedeem(world, carol, wad("3_300_000"))).to.equal(first);
  await nextInterval();
  const second = await requestRedeem(world, provider, wad("100_000"));
  await mature(second);
  return { ...world, first, second };
}

/** As `scarce`, with the first batch paid in part and the price against the pool since: it does not cover its own initial
 * requirement. */
async function lacking() {
  const world = await scarce();
  await world.pool.fulfill(world.first);
  await world.setPrice(ETH, wad("1810"));
  expect((await quoteOf(world)).redeemable).to.equal(0n);
  return world;
}

async function insolvent() {
  return ruined(-10_000, wad("49"));
}

async function broke() {
  return ruined(0, wad("4.9"));
}

async function thin() {
  return ruined(18_700, wad("49"), (parameters) => {
    parameters.pool.deviation = percent(2);
    const eth = parameters.assets[ETH];
    if (eth === undefined) throw new Error("no such market");
    Object.assign(eth.risk, { beta: percent(0.5), sigma: percent(0.8) });
    eth.openInterestCap = wad("1000");
    for (const collateral of parameters.collateral) collateral.saleDiscount = percent(0.1);
  });
}

/** All but dust of the shares have left after a loss. */
async function left() {
  const world = await exposed();
  const { pool, alice, provider, trade, mature } = world;
  await trade(accountOf(alice), ETH, wad("-500"), { price: wad("2000") });
  const batch = await requestRedeem(world, provider, (await pool.totalSupply()) - 1_000n);
  await mature(batch);
  await pool.fulfill(batch);
  return world;
}
