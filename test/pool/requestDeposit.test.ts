import { expect } from "chai";

import { accountOf, ethers, loadFixture, time } from "../fixture.ts";
import { HOUR, SETTLEMENT, wad } from "../parameters.ts";
import { BATCH_INTERVAL, claimShares, endOfInterval, nextInterval, quiet, quoteOf, USDC } from "./helpers.ts";

describe("LiquidityPool.requestDeposit", () => {
  it("takes the tokens into the books and opens a batch", async () => {
    const world = await loadFixture(approved);
    const { pool, vault, clearingHouse, tokens, bob, parameters } = world;
    const before = await quoteOf(world);
    const account = accountOf(await pool.getAddress());
    const { latest } = await pool.queue();
    const at = await world.tick();
    const closesAt = (Math.floor(at / BATCH_INTERVAL) + 1) * BATCH_INTERVAL;

    await expect(pool.connect(bob).requestDeposit(300n * USDC, bob, bob))
      .to.emit(pool, "BatchOpened")
      .withArgs(latest + 1n, closesAt, closesAt + parameters.pool.cooldown)
      .and.to.emit(pool, "DepositRequest")
      .withArgs(bob, bob, latest + 1n, bob, 300n * USDC)
      .and.to.emit(vault, "Deposited")
      .withArgs(account, SETTLEMENT, pool, 300n * USDC);

    expect(await tokens.usdc.balanceOf(bob)).to.equal(700n * USDC);
    expect(await tokens.usdc.balanceOf(pool)).to.equal(0n);
    expect((await clearingHouse.accountOf(account)).cash).to.equal(wad("300"));
    expect(await pool.pendingDepositRequest(latest + 1n, bob)).to.equal(300n * USDC);
    expect(await quoteOf(world)).to.deep.equal(before);
  });

  it("returns the number of the batch", async () => {
    const { pool, bob } = await loadFixture(approved);
    const { latest } = await pool.queue();

    expect(await pool.connect(bob).requestDeposit.staticCall(1n, bob, bob)).to.equal(latest + 1n);
  });

  it("puts all requests of an interval into one batch, to the second", async () => {
    const { pool, bob } = await loadFixture(approved);
    await nextInterval();
    await pool.connect(bob).requestDeposit(1n, bob, bob);
    const { latest } = await pool.queue();

    await endOfInterval();
    await expect(pool.connect(bob).requestDeposit(2n, bob, bob)).not.to.emit(pool, "BatchOpened");
    expect(await pool.pendingDepositRequest(latest, bob)).to.equal(3n);
    await expect(pool.connect(bob).requestDeposit(4n, bob, bob)).to.emit(pool, "BatchOpened");
    expect(await pool.pendingDepositRequest(latest + 1n, bob)).to.equal(4n);
  });

  it("does not let a batch overtake when the cooldown is shortened", async () => {
    const { pool, bob } = await loadFixture(approved);
    await pool.setCooldown(24 * HOUR);
    await pool.connect(bob).requestDeposit(1n, bob, bob);
    const { maturesAt } = await pool.batchOf((await pool.queue()).latest);
    await pool.setCooldown(HOUR);
    await nextInterval();

    await pool.connect(bob).requestDeposit(1n, bob, bob);

    expect((await pool.batchOf((await pool.queue()).latest)).maturesAt).to.equal(maturesAt);
  });

  it("takes an owner's tokens for the owner's operator", async () => {
    const { pool, tokens, bob, carol } = await loadFixture(approved);
    await pool.connect(bob).setOperator(carol, true);
    const { latest } = await pool.queue();

    await expect(pool.connect(carol).requestDeposit(5n, carol, bob))
      .to.emit(pool, "DepositRequest")
      .withArgs(carol, bob, latest + 1n, carol, 5n);
    expect(await tokens.usdc.balanceOf(bob)).to.equal(1_000n * USDC - 5n);
  });

  it("takes an owner's tokens for nobody else", async () => {
    const { pool, bob, carol } = await loadFixture(approved);

    await expect(pool.connect(carol).requestDeposit(5n, carol, bob))
      .to.be.revertedWithCustomError(pool, "NotAuthorized")
      .withArgs(bob, carol);
  });

  it("fills nobody else's list of batches", async () => {
    const { pool, bob, carol } = await loadFixture(approved);

    await expect(pool.connect(bob).requestDeposit(5n, carol, bob))
      .to.be.revertedWithCustomError(pool, "NotAuthorized")
      .withArgs(carol, bob);
    await pool.connect(carol).setOperator(bob, true);
    await pool.connect(bob).requestDeposit(5n, carol, bob);
    expect(await pool.pendingDepositRequest((await pool.queue()).latest, carol)).to.equal(5n);
  });

  it("refuses a ninth batch until one has been claimed", async () => {
    const world = await loadFixture(approved);
    const { pool, bob, mature } = world;
    for (let i = 0; i < 8; i++) {
      await nextInterval();
      await pool.connect(bob).requestDeposit(1n, bob, bob);
    }
    await nextInterval();

    await expect(pool.connect(bob).requestDeposit(1n, bob, bob))
      .to.be.revertedWithCustomError(pool, "TooManyWaitingBatches")
      .withArgs(bob, 8n);

    const first = (await pool.queue()).latest - 7n;
    await mature(first);
    await pool.fulfill(first);
    await claimShares(world, bob);
    await pool.connect(bob).requestDeposit(1n, bob, bob);
  });

  it("adds to the batch that is open when the list is full", async () => {
    const { pool, bob } = await loadFixture(approved);
    for (let i = 0; i < 8; i++) {
      await nextInterval();
      await pool.connect(bob).requestDeposit(1n, bob, bob);
    }

    await pool.connect(bob).requestDeposit(1n, bob, bob);

    expect(await pool.pendingDepositRequest((await pool.queue()).latest, bob)).to.equal(2n);
  });

  it("refuses zero", async () => {
    const { pool, clearingHouse, bob } = await loadFixture(approved);

    await expect(pool.connect(bob).requestDeposit(0n, bob, bob)).to.be.revertedWithCustomError(
      clearingHouse,
      "ZeroAmount",
    );
  });

  it("refuses tokens that it has no allowance for", async () => {
    const { pool, tokens, bob } = await loadFixture(approved);
    await tokens.usdc.connect(bob).approve(pool, 4n);

    await expect(pool.connect(bob).requestDeposit(5n, bob, bob))
      .to.be.revertedWithCustomError(tokens.usdc, "ERC20InsufficientAllowance")
      .withArgs(pool, 4n, 5n);
  });

  it("leaves everything as it was where the cap of the vault refuses", async () => {
    const { pool, vault, tokens, bob } = await loadFixture(approved);
    const held = await vault.held(SETTLEMENT);
    await vault.setCap(SETTLEMENT, held + 4n);
    const before = await pool.queue();

    await expect(pool.connect(bob).requestDeposit(5n, bob, bob))
      .to.be.revertedWithCustomError(vault, "CapExceeded")
      .withArgs(SETTLEMENT, 5n, held, held + 4n);
    expect(await tokens.usdc.balanceOf(bob)).to.equal(1_000n * USDC);
    expect(await pool.queue()).to.deep.equal(before);
    await pool.connect(bob).requestDeposit(4n, bob, bob);
  });

  it("does not take tokens that somebody has sent to the pool", async () => {
    const { pool, tokens, bob, mature } = await loadFixture(approved);
    await tokens.usdc.mint(pool, 50n);
    await pool.connect(bob).requestDeposit(5n, bob, bob);
    const { latest } = await pool.queue();
    await mature(latest);
    await pool.fulfill(latest);

    expect(await tokens.usdc.balanceOf(pool)).to.equal(50n);
    expect((await pool.batchOf(latest)).deposited).to.equal(5n);
  });
});

/** Bob has 1,000 USDC that the pool may take. */
async function approved() {
  const world = await quiet();
  await world.tokens.usdc.mint(world.bob, 1_000n * USDC);
  await world.tokens.usdc.connect(world.bob).approve(world.pool, ethers.MaxUint256);
  // Far from the end of an interval.
  await nextInterval();
  await time.increase(60);
  return world;
}
