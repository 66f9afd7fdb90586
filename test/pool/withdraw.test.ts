import { anyValue } from "@nomicfoundation/hardhat-ethers-chai-matchers/withArgs";
import { expect } from "chai";

import { accountOf, deploy, funded, loadFixture, time } from "../fixture.ts";
import { ETH, HOUR, wad } from "../parameters.ts";
import { insolvent, matured, valueOf, VIRTUAL } from "./helpers.ts";

const EXIT_WINDOW = 6 * HOUR;

describe("LiquidityPool.withdraw", () => {
  it("burns shares for the value less what prices may be off", async () => {
    const world = await loadFixture(matured);
    const { pool, clearingHouse, provider, account } = world;
    const shares = wad("1_000_000");
    const supply = await pool.totalSupply();
    const { value, spread } = await valueOf(world);
    const estimate = (shares * (value - spread + VIRTUAL)) / (supply + VIRTUAL);
    const { cash } = await clearingHouse.accountOf(account);

    await expect(pool.connect(provider).withdraw(account, shares, 0))
      .to.emit(pool, "Withdrawn")
      .withArgs(account, shares, anyValue, anyValue, spread);

    const paid = (await clearingHouse.accountOf(account)).cash - cash;
    // Funding accrues for the second between.
    expect(paid).to.be.within(estimate - estimate / 1_000_000n, estimate + estimate / 1_000_000n);
    expect(await pool.totalSupply()).to.equal(supply - shares);
    expect((await pool.requestOf(provider)).shares).to.equal(world.shares - shares);
  });

  it("never takes from those who stay", async () => {
    const { pool, clearingHouse, provider, account } = await loadFixture(matured);
    const perShare = async () =>
      ((await clearingHouse.markPool.staticCall()) * wad("1000000")) / (await pool.totalSupply());
    const before = await perShare();

    await pool.connect(provider).withdraw(account, wad("5_000_000"), 0);

    expect(await perShare()).to.be.at.least(before);
  });

  it("gives back no more than was put in, to the last share", async () => {
    const { pool, clearingHouse, provider, fund } = await loadFixture(untouched);
    const account = accountOf(provider);
    const put = 3_333_333_333_333_333_333n;
    await fund(provider, wad("10"));
    await pool.connect(provider).deposit(account, put, 0);
    const shares = await pool.balanceOf(provider);
    await pool.connect(provider).requestWithdrawal(shares);
    await time.increase(HOUR);

    await pool.connect(provider).withdraw(account, shares, 0);

    const { cash } = await clearingHouse.accountOf(account);
    expect(cash).to.be.within(wad("10") - 2n, wad("10"));
    expect(await pool.totalSupply()).to.equal(0n);
    expect(await clearingHouse.markPool.staticCall()).to.equal(wad("10") - cash);
  });

  it("lets the last provider out after a loss", async () => {
    const { pool, clearingHouse, trade, provider, alice, account } = await loadFixture(matured);
    await trade(accountOf(alice), ETH, wad("-500"), { price: wad("2000") });
    const value = await clearingHouse.markPool.staticCall();
    const supply = await pool.totalSupply();
    expect(value).to.be.lessThan(supply);

    await pool.connect(provider).withdraw(account, supply, value);

    expect(await clearingHouse.markPool.staticCall()).to.equal(0n);
    expect((await clearingHouse.accountOf(account)).cash).to.equal(value);
  });

  it("loses money to go in and out at one price, however it is cut", async () => {
    const world = await loadFixture(matured);
    const { pool, clearingHouse, bob, refresh, parameters } = world;
    const account = accountOf(bob);
    const { cash: before } = await clearingHouse.accountOf(account);
    for (const amount of ["1", "7.000000000000000001", "50_000"]) {
      await pool.connect(bob).deposit(account, wad(amount), 0);
    }
    const shares = await pool.balanceOf(bob);
    await pool.connect(bob).requestWithdrawal(shares);
    await time.increase(parameters.pool.cooldown);
    await refresh();
    await pool.connect(bob).withdraw(account, wad("1"), 0);
    await pool.connect(bob).withdraw(account, shares - wad("1"), 0);

    // Funding of a day, paid by the long side to all, is less than what the entry and the exit cost.
    const { cash: after } = await clearingHouse.accountOf(account);
    expect(after).to.be.lessThan(before);
  });

  it("refuses before the cooldown has passed, to the second", async () => {
    const { pool, provider } = await loadFixture(funded);
    const account = accountOf(provider);
    await pool.connect(provider).requestWithdrawal(wad("1"));
    const { maturesAt } = await pool.requestOf(provider);

    await time.setNextBlockTimestamp(maturesAt - 1n);
    await expect(pool.connect(provider).withdraw(account, wad("1"), 0))
      .to.be.revertedWithCustomError(pool, "NotMatured")
      .withArgs(maturesAt - 1n, maturesAt);
    await time.setNextBlockTimestamp(maturesAt);
    await pool.connect(provider).withdraw(account, wad("1"), 0);
  });

  it("refuses a request that has lapsed, to the second", async () => {
    const { pool, provider } = await loadFixture(funded);
    const account = accountOf(provider);
    await pool.connect(provider).requestWithdrawal(wad("2"));
    const lapsesAt = (await pool.requestOf(provider)).maturesAt + BigInt(EXIT_WINDOW);

    await time.setNextBlockTimestamp(lapsesAt - 1n);
    await pool.connect(provider).withdraw(account, wad("1"), 0);
    await time.setNextBlockTimestamp(lapsesAt);
    await expect(pool.connect(provider).withdraw(account, wad("1"), 0))
      .to.be.revertedWithCustomError(pool, "RequestLapsed")
      .withArgs(lapsesAt, lapsesAt);
  });

  it("refuses without a request, and beyond it", async () => {
    const { pool, bob, provider, account, shares } = await loadFixture(matured);

    await expect(pool.connect(bob).withdraw(accountOf(bob), 1n, 0))
      .to.be.revertedWithCustomError(pool, "NothingRequested")
      .withArgs(bob);
    await expect(pool.connect(provider).withdraw(account, shares + 1n, 0))
      .to.be.revertedWithCustomError(pool, "BeyondRequest")
      .withArgs(shares + 1n, shares);
  });

  it("refuses zero, another's account, and less than the minimum", async () => {
    const { pool, alice, provider, account } = await loadFixture(matured);

    await expect(pool.connect(provider).withdraw(account, 0n, 0)).to.be.revertedWithCustomError(pool, "ZeroAmount");
    await expect(pool.connect(provider).withdraw(accountOf(alice), 1n, 0))
      .to.be.revertedWithCustomError(pool, "NotOwner")
      .withArgs(accountOf(alice), provider);
    await expect(pool.connect(provider).withdraw(account, wad("1"), wad("2")))
      .to.be.revertedWithCustomError(pool, "TooSmallAmount")
      .withArgs((amount: bigint) => amount < wad("2"), wad("2"));
  });

  it("refuses to leave the pool below its own initial requirement", async () => {
    const { pool, clearingHouse, provider, account, shares } = await loadFixture(matured);

    await expect(pool.connect(provider).withdraw(account, shares, 0)).to.be.revertedWithCustomError(
      clearingHouse,
      "PoolUndercovered",
    );
    expect((await pool.requestOf(provider)).shares).to.equal(shares);
    await pool.connect(provider).withdraw(account, (shares * 9n) / 10n, 0);
  });

  it("refuses while a market of the pool has no live price", async () => {
    const { pool, advance, provider, account } = await loadFixture(matured);
    await advance(2 * HOUR);

    await expect(pool.connect(provider).withdraw(account, 1n, 0)).to.be.revertedWithCustomError(pool, "PoolNotLive");
  });

  it("refuses in a pool that owes more than it has", async () => {
    const { pool, refresh, provider } = await loadFixture(insolvent);
    const shares = await pool.balanceOf(provider);
    await pool.connect(provider).requestWithdrawal(shares);
    await time.increaseTo((await pool.requestOf(provider)).maturesAt);
    await refresh();

    await expect(pool.connect(provider).withdraw(accountOf(provider), shares, 0))
      .to.be.revertedWithCustomError(pool, "PoolInsolvent")
      .withArgs((value: bigint) => value < 0n, shares);
  });

  it("charges a loss that comes while the request waits", async () => {
    const { pool, clearingHouse, setPrice, provider, account } = await loadFixture(matured);
    const { cash } = await clearingHouse.accountOf(account);
    await setPrice(ETH, wad("2000")); // alice is long: the pool has lost 100,000 of 10 million

    await pool.connect(provider).withdraw(account, wad("1_000_000"), 0);

    const paid = (await clearingHouse.accountOf(account)).cash - cash;
    expect(paid).to.be.within(wad("985_000"), wad("991_000"));
  });
});

async function untouched() {
  return deploy((parameters) => {
    parameters.pool.cooldown = HOUR;
  });
}
