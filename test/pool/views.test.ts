import { expect } from "chai";

import { accountOf, ethers, loadFixture } from "../fixture.ts";
import { ETH, wad } from "../parameters.ts";
import { DEPOSIT, exposed, fulfilled, matured, quoteOf, UNIT, USDC, VIRTUAL } from "./helpers.ts";

describe("LiquidityPool's views", () => {
  it("name the interfaces of ERC-165, ERC-7540 and ERC-7575, and no other", async () => {
    const { pool } = await loadFixture(exposed);

    for (const id of ["0x01ffc9a7", "0xe3bc4e65", "0xce3bbe50", "0x620ee8e4", "0x2f0a18c5"]) {
      expect(await pool.supportsInterface(id), id).to.equal(true);
    }
    expect(await pool.supportsInterface("0xffffffff")).to.equal(false);
  });

  it("name the settlement token as asset, and the pool itself as share", async () => {
    const { pool, tokens, vault, clearingHouse } = await loadFixture(exposed);

    expect(await pool.asset()).to.equal(await tokens.usdc.getAddress());
    expect(await pool.share()).to.equal(await pool.getAddress());
    expect(await pool.decimals()).to.equal(18n);
    expect(await pool.vault()).to.equal(await vault.getAddress());
    expect(await pool.clearingHouse()).to.equal(await clearingHouse.getAddress());
  });

  for (const name of ["previewDeposit", "previewMint", "previewRedeem", "previewWithdraw"] as const) {
    it(`${name} refuses`, async () => {
      const { pool } = await loadFixture(fulfilled);

      await expect(pool[name](1n)).to.be.revertedWithCustomError(pool, "NoPreview");
    });
  }

  it("convert at the value without spread, rounded down", async () => {
    const world = await loadFixture(exposed);
    const { pool } = world;
    const { value, spread, supply } = await quoteOf(world);
    expect(spread).to.be.greaterThan(0n);

    expect(await pool.totalAssets()).to.equal(value / UNIT);
    expect(await pool.convertToShares(7n * USDC)).to.equal((7n * USDC * UNIT * (supply + VIRTUAL)) / (value + VIRTUAL));
    expect(await pool.convertToAssets(wad("7"))).to.equal((wad("7") * (value + VIRTUAL)) / (supply + VIRTUAL) / UNIT);
  });

  it("count no assets in a pool that owes more than it has", async () => {
    const { pool, setPrice, trade, alice, fund, clearingHouse } = await loadFixture(exposed);
    await fund(alice, wad("5_000_000"));
    for (let i = 0; i < 3; i++) await trade(accountOf(alice), ETH, wad("500"));
    for (let price = wad("1801"); price < wad("9000"); price = (price * 119n) / 100n) {
      await setPrice(ETH, price);
      await clearingHouse.markPool();
    }
    expect((await clearingHouse.poolValuation()).equity).to.be.lessThan(0n);

    expect(await pool.totalAssets()).to.equal(0n);
    expect(await pool.convertToAssets(wad("1"))).to.equal(0n);
  });

  it("show a request as pending, then as claimable, then as neither", async () => {
    const { pool, bob, provider, batch } = await loadFixture(matured);
    const show = async () => [
      await pool.pendingDepositRequest(batch, bob),
      await pool.claimableDepositRequest(batch, bob),
      await pool.maxDeposit(bob),
      await pool.pendingRedeemRequest(batch, provider),
      await pool.claimableRedeemRequest(batch, provider),
      await pool.maxRedeem(provider),
    ];
    const [assets, shares] = [1_000n * USDC, wad("1000")];

    expect(await show()).to.deep.equal([assets, 0n, 0n, shares, 0n, 0n]);
    await pool.fulfill(batch);
    expect(await show()).to.deep.equal([0n, assets, assets, 0n, shares, shares]);
    expect(await pool.maxMint(bob)).to.equal((await pool.batchOf(batch)).minted);
    expect(await pool.maxWithdraw(provider)).to.equal((await pool.batchOf(batch)).paid);
    await pool.connect(bob)[DEPOSIT](assets, bob, bob);
    await pool.connect(provider).redeem(shares, provider, provider);
    expect(await show()).to.deep.equal([0n, 0n, 0n, 0n, 0n, 0n]);
    expect([await pool.maxMint(bob), await pool.maxWithdraw(provider)]).to.deep.equal([0n, 0n]);
  });

  it("answer for a batch and a controller that do not exist", async () => {
    const { pool, stranger } = await loadFixture(exposed);

    for (const view of [
      "pendingDepositRequest",
      "claimableDepositRequest",
      "pendingRedeemRequest",
      "claimableRedeemRequest",
    ] as const) {
      expect(await pool[view](ethers.MaxUint256, stranger)).to.equal(0n);
    }
    expect((await pool.batchOf(99n)).closesAt).to.equal(0n);
  });
});

describe("LiquidityPool.setOperator", () => {
  it("gives and takes back the right", async () => {
    const { pool, bob, carol } = await loadFixture(exposed);

    for (const approved of [true, false]) {
      expect(await pool.connect(bob).setOperator.staticCall(carol, approved)).to.equal(true);
      await expect(pool.connect(bob).setOperator(carol, approved))
        .to.emit(pool, "OperatorSet")
        .withArgs(bob, carol, approved);
      expect(await pool.isOperator(bob, carol)).to.equal(approved);
      expect(await pool.isOperator(carol, bob)).to.equal(false);
    }
  });
});
