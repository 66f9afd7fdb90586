import { anyValue } from "@nomicfoundation/hardhat-ethers-chai-matchers/withArgs";
import { expect } from "chai";

import { accountOf, empty, ethers, funded, loadFixture, type World } from "../fixture.ts";
import { ETH, HOUR, SETTLEMENT, wad, WETH_TOKEN } from "../parameters.ts";
import { exposed, insolvent, valueOf, VIRTUAL } from "./helpers.ts";

async function sharesFor(world: World, amount: bigint) {
  const { value, spread } = await valueOf(world);
  return (amount * ((await world.pool.totalSupply()) + VIRTUAL)) / (value + spread + VIRTUAL);
}

describe("LiquidityPool.deposit", () => {
  it("gives the first provider a share for a dollar", async () => {
    const { pool, clearingHouse, fund, provider } = await loadFixture(empty);
    const account = await fund(provider, wad("1000"));

    await expect(pool.connect(provider).deposit(account, wad("400"), wad("400")))
      .to.emit(pool, "Deposited")
      .withArgs(account, wad("400"), wad("400"), 0n, 0n)
      .and.to.emit(clearingHouse, "PoolFunded")
      .withArgs(account, wad("400"));

    expect(await pool.balanceOf(provider)).to.equal(wad("400"));
    expect((await clearingHouse.accountOf(account)).cash).to.equal(wad("600"));
    const { base, markValue } = await clearingHouse.balances();
    expect([base, markValue]).to.deep.equal([wad("400"), wad("400")]);
  });

  it("prices shares at the value plus what prices may be off", async () => {
    const world = await loadFixture(exposed);
    const { pool, bob, setPrice } = world;
    await setPrice(ETH, wad("1750"));
    await ethers.provider.send("hardhat_mine", []);
    const account = accountOf(bob);
    const estimate = await sharesFor(world, wad("50_000"));

    await pool.connect(bob).deposit(account, wad("50_000"), 0);

    // Funding accrues for the second between.
    const shares = await pool.balanceOf(bob);
    expect(shares).to.be.within(estimate - estimate / 1_000_000n, estimate + estimate / 1_000_000n);
    expect(shares).to.be.lessThan(wad("50_000"));
  });

  it("never dilutes those who are in", async () => {
    const world = await loadFixture(exposed);
    const { pool, clearingHouse, bob } = world;
    const perShare = async () =>
      ((await clearingHouse.markPool.staticCall()) * wad("1000000")) / (await pool.totalSupply());
    const before = await perShare();

    await pool.connect(bob).deposit(accountOf(bob), wad("90_000"), 0);

    expect(await perShare()).to.be.at.least(before);
  });

  it("refuses an account of somebody else, an operator too", async () => {
    const { pool, clearingHouse, alice, bob } = await loadFixture(funded);
    const account = accountOf(alice);
    await clearingHouse.connect(alice).setOperator(account, bob, 7, 2n ** 40n - 1n, 0);

    await expect(pool.connect(bob).deposit(account, 1n, 0))
      .to.be.revertedWithCustomError(pool, "NotOwner")
      .withArgs(account, bob);
  });

  it("refuses zero, and shares below the minimum", async () => {
    const { pool, alice } = await loadFixture(funded);
    const account = accountOf(alice);

    await expect(pool.connect(alice).deposit(account, 0, 0)).to.be.revertedWithCustomError(pool, "ZeroAmount");
    await expect(pool.connect(alice).deposit(account, wad("5"), wad("5") + 1n))
      .to.be.revertedWithCustomError(pool, "TooFewShares")
      .withArgs(wad("5"), wad("5") + 1n);
  });

  it("refuses an amount that buys no share", async () => {
    const world = await loadFixture(inflated);
    const { pool, bob } = world;

    await expect(pool.connect(bob).deposit(accountOf(bob), 1_000n, 0))
      .to.be.revertedWithCustomError(pool, "TooFewShares")
      .withArgs(0n, 1n);
  });

  it("refuses more cash than there is, and what is pending", async () => {
    const { pool, clearingHouse, submit, alice } = await loadFixture(funded);
    const account = accountOf(alice);

    await expect(pool.connect(alice).deposit(account, wad("100_000") + 1n, 0))
      .to.be.revertedWithCustomError(clearingHouse, "InsufficientCash")
      .withArgs(account, wad("100_000"), wad("100_000") + 1n);
    await submit(account, ETH, wad("1"));
    await expect(pool.connect(alice).deposit(account, 1n, 0))
      .to.be.revertedWithCustomError(clearingHouse, "OrderPending")
      .withArgs(account, 1n);
  });

  it("refuses what backs a position", async () => {
    const { pool, clearingHouse, alice } = await loadFixture(exposed);
    const account = accountOf(alice);

    await expect(pool.connect(alice).deposit(account, wad("60_000"), 0))
      .to.be.revertedWithCustomError(clearingHouse, "InsufficientMargin")
      .withArgs(account, anyValue, anyValue, 0n);
  });

  it("refuses while a market of the pool has no live price", async () => {
    const { pool, advance, refresh, bob } = await loadFixture(exposed);
    await advance(2 * HOUR);

    await expect(pool.connect(bob).deposit(accountOf(bob), wad("1"), 0)).to.be.revertedWithCustomError(
      pool,
      "PoolNotLive",
    );
    await refresh();
    await pool.connect(bob).deposit(accountOf(bob), wad("1"), 0);
  });

  it("does not mind a dead price where the pool has nothing", async () => {
    const { pool, advance, setPrice, bob } = await loadFixture(exposed);
    await advance(2 * HOUR);
    await setPrice(ETH);

    await pool.connect(bob).deposit(accountOf(bob), wad("1"), 0);
  });

  it("refuses a pool that owes more than it has", async () => {
    const { pool, clearingHouse, bob } = await loadFixture(insolvent);
    expect(await clearingHouse.markPool.staticCall()).to.be.lessThan(0n);

    await expect(pool.connect(bob).deposit(accountOf(bob), wad("1000"), 0))
      .to.be.revertedWithCustomError(pool, "PoolInsolvent")
      .withArgs((value: bigint) => value < 0n, wad("100_000"));
  });

  it("takes no more than dust from a victim of an inflated share", async () => {
    const world = await loadFixture(inflated);
    const { pool, clearingHouse, bob } = world;
    const before = await clearingHouse.markPool.staticCall();
    expect(before).to.be.greaterThan(wad("500"));

    await pool.connect(bob).deposit(accountOf(bob), wad("1000"), 0);

    const shares = await pool.balanceOf(bob);
    const worth = (shares * (before + wad("1000") + VIRTUAL)) / ((await pool.totalSupply()) + VIRTUAL);
    expect(wad("1000") - worth).to.be.at.most(wad("0.001"));
    // What was put in to inflate it is lost.
    const attacker = ((before + wad("1000")) * 1n) / (await pool.totalSupply());
    expect(attacker).to.be.at.most(wad("0.001"));
  });

  it("moves no token and needs no allowance", async () => {
    const { pool, vault, tokens, alice } = await loadFixture(funded);
    const held = await vault.held(SETTLEMENT);
    await tokens.usdc.connect(alice).approve(vault, 0);

    await pool.connect(alice).deposit(accountOf(alice), wad("10"), 0);

    expect(await vault.held(SETTLEMENT)).to.equal(held);
  });

  it("is not changed by a donation of tokens", async () => {
    const world = await loadFixture(exposed);
    const { pool, vault, tokens, bob } = world;
    const before = await valueOf(world);
    await tokens.usdc.mint(vault, 10n ** 12n);
    await tokens.usdc.mint(pool, 10n ** 12n);
    await tokens.weth.connect(bob).deposit({ value: 1n });
    await tokens.weth.connect(bob).transfer(vault, 1n);

    const after = await valueOf(world);
    expect(after.spread).to.equal(before.spread);
    expect(after.value - before.value).to.be.within(-wad("0.01"), wad("0.01"));
    expect(await vault.held(WETH_TOKEN)).to.equal(0n);
  });
});

/** One wei of a share, and 540 dollars that an order which was meant to fail has forfeited to the pool. */
async function inflated() {
  const world = await empty();
  const account = await world.fund(world.alice, wad("100_000"));
  await world.fund(world.bob, wad("100_000"));
  await world.pool.connect(world.alice).deposit(account, 1n, 0);
  const { outcome, cause } = await world.trade(account, ETH, wad("500"));
  expect([outcome, cause]).to.deep.equal(["Cancelled", "OpenInterestExceeded"]);
  return world;
}
