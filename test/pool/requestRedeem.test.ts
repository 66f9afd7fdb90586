import { expect } from "chai";

import { ethers, loadFixture } from "../fixture.ts";
import { wad } from "../parameters.ts";
import { nextInterval, quiet, quoteOf, requestRedeem } from "./helpers.ts";

describe("LiquidityPool.requestRedeem", () => {
  it("takes the shares out of the owner's hands", async () => {
    const world = await loadFixture(quiet);
    const { pool, provider, bob } = world;
    const balance = await pool.balanceOf(provider);
    const escrow = await pool.balanceOf(pool);
    const before = await quoteOf(world);
    const { latest } = await pool.queue();

    await expect(pool.connect(provider).requestRedeem(wad("3"), provider, provider))
      .to.emit(pool, "RedeemRequest")
      .withArgs(provider, provider, latest + 1n, provider, wad("3"));

    expect(await pool.balanceOf(provider)).to.equal(balance - wad("3"));
    expect(await pool.balanceOf(pool)).to.equal(escrow + wad("3"));
    expect(await pool.pendingRedeemRequest(latest + 1n, provider)).to.equal(wad("3"));
    expect(await quoteOf(world)).to.deep.equal(before);
    await expect(pool.connect(provider).transfer(bob, balance))
      .to.be.revertedWithCustomError(pool, "ERC20InsufficientBalance")
      .withArgs(provider, balance - wad("3"), balance);
  });

  it("shares a batch with deposits", async () => {
    const world = await loadFixture(quiet);
    const { pool, provider, bob, requestDeposit } = world;
    await nextInterval();
    const batch = await requestDeposit(bob, wad("7"));

    expect(await pool.connect(provider).requestRedeem.staticCall(1n, provider, provider)).to.equal(batch);
    expect(await requestRedeem(world, provider, wad("3"))).to.equal(batch);
    expect((await pool.batchOf(batch)).toRedeem).to.equal(wad("3"));
  });

  it("uses up an allowance of the owner", async () => {
    const { pool, provider, carol } = await loadFixture(quiet);
    await pool.connect(provider).approve(carol, wad("5"));

    await pool.connect(carol).requestRedeem(wad("3"), carol, provider);

    expect(await pool.allowance(provider, carol)).to.equal(wad("2"));
    expect(await pool.pendingRedeemRequest((await pool.queue()).latest, carol)).to.equal(wad("3"));
  });

  it("leaves an infinite allowance", async () => {
    const { pool, provider, carol } = await loadFixture(quiet);
    await pool.connect(provider).approve(carol, ethers.MaxUint256);

    await pool.connect(carol).requestRedeem(wad("3"), carol, provider);

    expect(await pool.allowance(provider, carol)).to.equal(ethers.MaxUint256);
  });

  it("needs no allowance for the owner's operator, and uses none up", async () => {
    const { pool, provider, carol } = await loadFixture(quiet);
    await pool.connect(provider).setOperator(carol, true);
    await pool.connect(provider).approve(carol, 1n);

    await pool.connect(carol).requestRedeem(wad("3"), carol, provider);

    expect(await pool.allowance(provider, carol)).to.equal(1n);
  });

  it("takes an owner's shares for nobody else", async () => {
    const { pool, provider, carol } = await loadFixture(quiet);

    await expect(pool.connect(carol).requestRedeem(wad("3"), carol, provider))
      .to.be.revertedWithCustomError(pool, "ERC20InsufficientAllowance")
      .withArgs(carol, 0n, wad("3"));
  });

  it("fills nobody else's list of batches", async () => {
    const { pool, provider, carol } = await loadFixture(quiet);

    await expect(pool.connect(provider).requestRedeem(wad("3"), carol, provider))
      .to.be.revertedWithCustomError(pool, "NotAuthorized")
      .withArgs(carol, provider);
  });

  it("refuses more than the owner has", async () => {
    const { pool, provider } = await loadFixture(quiet);
    const balance = await pool.balanceOf(provider);

    await expect(pool.connect(provider).requestRedeem(balance + 1n, provider, provider))
      .to.be.revertedWithCustomError(pool, "ERC20InsufficientBalance")
      .withArgs(provider, balance, balance + 1n);
  });

  it("refuses zero", async () => {
    const { pool, provider } = await loadFixture(quiet);

    await expect(pool.connect(provider).requestRedeem(0n, provider, provider)).to.be.revertedWithCustomError(
      pool,
      "ZeroAmount",
    );
  });

  it("refuses a ninth batch", async () => {
    const world = await loadFixture(quiet);
    const { pool, provider } = world;
    for (let i = 0; i < 8; i++) {
      await nextInterval();
      await requestRedeem(world, provider, 1n);
    }
    await nextInterval();

    await expect(pool.connect(provider).requestRedeem(1n, provider, provider))
      .to.be.revertedWithCustomError(pool, "TooManyWaitingBatches")
      .withArgs(provider, 8n);
  });
});
