import { expect } from "chai";

import { accountOf, funded, loadFixture, time } from "../fixture.ts";
import { wad } from "../parameters.ts";

describe("LiquidityPool.requestWithdrawal", () => {
  it("takes the shares into escrow and starts the cooldown", async () => {
    const { pool, provider, parameters } = await loadFixture(funded);
    const balance = await pool.balanceOf(provider);
    const at = BigInt(await time.latest()) + 5n;
    await time.setNextBlockTimestamp(at);

    await expect(pool.connect(provider).requestWithdrawal(wad("3")))
      .to.emit(pool, "WithdrawalRequested")
      .withArgs(provider, wad("3"), at + BigInt(parameters.pool.cooldown));

    expect(await pool.balanceOf(provider)).to.equal(balance - wad("3"));
    expect(await pool.balanceOf(pool)).to.equal(wad("3"));
    expect(await pool.totalSupply()).to.equal(balance);
  });

  it("starts the cooldown of all anew when more is asked for", async () => {
    const { pool, provider } = await loadFixture(funded);
    await pool.connect(provider).requestWithdrawal(wad("3"));
    const { maturesAt } = await pool.requestOf(provider);
    await time.increaseTo(maturesAt);

    await pool.connect(provider).requestWithdrawal(wad("1"));

    const request = await pool.requestOf(provider);
    expect(request.shares).to.equal(wad("4"));
    await expect(pool.connect(provider).withdraw(accountOf(provider), wad("3"), 0)).to.be.revertedWithCustomError(
      pool,
      "NotMatured",
    );
  });

  it("refuses zero and more than the caller has", async () => {
    const { pool, provider, bob } = await loadFixture(funded);
    const balance = await pool.balanceOf(provider);

    await expect(pool.connect(provider).requestWithdrawal(0)).to.be.revertedWithCustomError(pool, "ZeroAmount");
    await expect(pool.connect(provider).requestWithdrawal(balance + 1n))
      .to.be.revertedWithCustomError(pool, "ERC20InsufficientBalance")
      .withArgs(provider, balance, balance + 1n);
    await expect(pool.connect(bob).requestWithdrawal(1n))
      .to.be.revertedWithCustomError(pool, "ERC20InsufficientBalance")
      .withArgs(bob, 0n, 1n);
  });
});
