import { expect } from "chai";

import { loadFixture } from "../fixture.ts";
import { wad } from "../parameters.ts";
import { DEPOSIT, fulfilled, matured, MINT, nextInterval, USDC } from "./helpers.ts";

const MINE = "deposit(uint256,address)";
const MINT_MINE = "mint(uint256,address)";

describe("LiquidityPool.deposit and mint", () => {
  it("give the shares of the assets to the receiver", async () => {
    const { pool, bob, carol, batch } = await loadFixture(fulfilled);
    const { minted } = await pool.batchOf(batch);

    await expect(pool.connect(bob)[DEPOSIT](1_000n * USDC, carol, bob))
      .to.emit(pool, "Deposit")
      .withArgs(bob, carol, 1_000n * USDC, minted);

    expect(await pool.balanceOf(carol)).to.equal(minted);
    expect(await pool.claimableDepositRequest(batch, bob)).to.equal(0n);
  });

  it("give a part of the shares for a part of the assets, rounded down", async () => {
    const { pool, bob, batch } = await loadFixture(fulfilled);
    const { minted } = await pool.batchOf(batch);
    const part = 333n * USDC + 1n;

    await pool.connect(bob)[DEPOSIT](part, bob, bob);

    expect((minted * part) % (1_000n * USDC), "a test of nothing").not.to.equal(0n);
    expect(await pool.balanceOf(bob)).to.equal((minted * part) / (1_000n * USDC));
    expect(await pool.claimableDepositRequest(batch, bob)).to.equal(667n * USDC - 1n);
  });

  it("give exactly the shares that are named, for assets rounded up", async () => {
    const { pool, bob, carol, batch } = await loadFixture(fulfilled);
    const { minted } = await pool.batchOf(batch);
    const cost = (wad("500") * 1_000n * USDC + minted - 1n) / minted;

    await expect(pool.connect(bob)[MINT](wad("500"), carol, bob))
      .to.emit(pool, "Deposit")
      .withArgs(bob, carol, cost, wad("500"));

    expect(await pool.balanceOf(carol)).to.equal(wad("500"));
    expect(await pool.maxDeposit(bob)).to.equal(1_000n * USDC - cost);
  });

  it("give no more in parts than at once", async () => {
    const { pool, bob, batch } = await loadFixture(fulfilled);
    const { minted } = await pool.batchOf(batch);

    for (const part of [1n, 333n * USDC, 7n, 1n]) await pool.connect(bob)[DEPOSIT](part, bob, bob);
    await pool.connect(bob)[MINT](wad("1") + 1n, bob, bob);
    await pool.connect(bob)[DEPOSIT](await pool.maxDeposit(bob), bob, bob);

    expect(await pool.balanceOf(bob)).to.be.within(minted - 10n ** 12n, minted);
  });

  it("claim over batches, the oldest first", async () => {
    const { pool, bob, first, second } = await loadFixture(two);
    const { minted } = await pool.batchOf(first);
    const later = await pool.batchOf(second);

    await pool.connect(bob)[DEPOSIT](1_200n * USDC, bob, bob);

    expect(await pool.balanceOf(bob)).to.equal(minted + (later.minted * 200n) / 500n);
    expect(await pool.claimableDepositRequest(first, bob)).to.equal(0n);
    expect(await pool.claimableDepositRequest(second, bob)).to.equal(300n * USDC);
  });

  it("mint over batches to the last share", async () => {
    const { pool, bob, first, second } = await loadFixture(two);
    const all = (await pool.batchOf(first)).minted + (await pool.batchOf(second)).minted;

    await pool.connect(bob)[MINT](all, bob, bob);

    expect(await pool.balanceOf(bob)).to.equal(all);
    expect(await pool.maxDeposit(bob)).to.equal(0n);
  });

  it("claim nothing of a batch that is still waiting", async () => {
    const { pool, bob, requestDeposit, batch } = await loadFixture(fulfilled);
    await nextInterval();
    await requestDeposit(bob, wad("500"));
    const { minted } = await pool.batchOf(batch);

    await expect(pool.connect(bob)[DEPOSIT](1_000n * USDC + 1n, bob, bob))
      .to.be.revertedWithCustomError(pool, "BeyondClaimable")
      .withArgs(bob, 1_000n * USDC + 1n, 1_000n * USDC);
    await expect(pool.connect(bob)[MINT](minted + 1n, bob, bob))
      .to.be.revertedWithCustomError(pool, "BeyondClaimable")
      .withArgs(bob, minted + 1n, minted);
  });

  it("claim nothing before the fulfilment", async () => {
    const { pool, bob } = await loadFixture(matured);

    await expect(pool.connect(bob)[DEPOSIT](1n, bob, bob))
      .to.be.revertedWithCustomError(pool, "BeyondClaimable")
      .withArgs(bob, 1n, 0n);
  });

  it("claim nothing twice", async () => {
    const { pool, bob } = await loadFixture(fulfilled);
    await pool.connect(bob)[DEPOSIT](1_000n * USDC, bob, bob);

    await expect(pool.connect(bob)[DEPOSIT](1n, bob, bob))
      .to.be.revertedWithCustomError(pool, "BeyondClaimable")
      .withArgs(bob, 1n, 0n);
    await expect(pool.connect(bob)[MINT](1n, bob, bob))
      .to.be.revertedWithCustomError(pool, "BeyondClaimable")
      .withArgs(bob, 1n, 0n);
  });

  it("refuse zero", async () => {
    const { pool, bob } = await loadFixture(fulfilled);

    await expect(pool.connect(bob)[DEPOSIT](0n, bob, bob)).to.be.revertedWithCustomError(pool, "ZeroAmount");
    await expect(pool.connect(bob)[MINT](0n, bob, bob)).to.be.revertedWithCustomError(pool, "ZeroAmount");
  });

  for (const [name, call] of [
    ["deposit", DEPOSIT],
    ["mint", MINT],
  ] as const) {
    it(`${name} obeys the controller and its operators only`, async () => {
      const { pool, bob, carol } = await loadFixture(fulfilled);

      await expect(pool.connect(carol)[call](1n, carol, bob))
        .to.be.revertedWithCustomError(pool, "NotAuthorized")
        .withArgs(bob, carol);
      await pool.connect(bob).setOperator(carol, true);
      await pool.connect(carol)[call](USDC, carol, bob);
    });
  }

  it("have the caller as controller where none is named", async () => {
    const { pool, bob, carol } = await loadFixture(fulfilled);

    await pool.connect(bob)[MINE](400n * USDC, carol);
    expect(await pool.maxDeposit(bob)).to.equal(600n * USDC);
    await pool.connect(bob)[MINT_MINE](wad("1"), carol);
    expect(await pool.maxDeposit(bob)).to.be.lessThan(600n * USDC);
    await expect(pool.connect(carol)[MINE](1n, carol)).to.be.revertedWithCustomError(pool, "BeyondClaimable");
    await expect(pool.connect(carol)[MINT_MINE](1n, carol)).to.be.revertedWithCustomError(pool, "BeyondClaimable");
  });
});

/** Bob can claim 1,000 USDC of a first batch and 500 of a second, settled at another price. */
async function two() {
  const world = await fulfilled();
  const { pool, bob, requestDeposit, mature, setPrice, batch: first } = world;
  const second = await requestDeposit(bob, wad("500"));
  await mature(second);
  await setPrice(0, wad("1750"));
  await pool.fulfill(second);
  return { ...world, first, second };
}
