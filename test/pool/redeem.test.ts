import { expect } from "chai";

import { accountOf, loadFixture } from "../fixture.ts";
import { ETH, SETTLEMENT, wad } from "../parameters.ts";
import { fulfilled, matured, nextInterval, quiet, requestRedeem, UNIT, USDC } from "./helpers.ts";

describe("LiquidityPool.redeem and withdraw", () => {
  it("pay the receiver what the shares have got", async () => {
    const { pool, vault, tokens, clearingHouse, provider, carol, batch } = await loadFixture(fulfilled);
    const { paid } = await pool.batchOf(batch);
    const held = await vault.held(SETTLEMENT);

    await expect(pool.connect(provider).redeem(wad("1000"), carol, provider))
      .to.emit(pool, "Withdraw")
      .withArgs(provider, carol, provider, paid, wad("1000"));

    expect(await tokens.usdc.balanceOf(carol)).to.equal(paid);
    expect(await vault.held(SETTLEMENT)).to.equal(held - paid);
    expect((await clearingHouse.accountOf(accountOf(await pool.getAddress(), 1n))).cash).to.equal(0n);
  });

  it("pay for a part of the shares, rounded down", async () => {
    const { pool, tokens, provider, batch } = await loadFixture(fulfilled);
    const { paid } = await pool.batchOf(batch);

    await pool.connect(provider).redeem(wad("333.000000000000000001"), provider, provider);

    expect(await tokens.usdc.balanceOf(provider)).to.equal((paid * wad("333.000000000000000001")) / wad("1000"));
    expect(await pool.claimableRedeemRequest(batch, provider)).to.equal(wad("666.999999999999999999"));
  });

  it("pay exactly the assets that are named, for shares rounded up", async () => {
    const { pool, tokens, provider, carol, batch } = await loadFixture(fulfilled);
    const { paid } = await pool.batchOf(batch);
    const shares = (wad("1000") * 500n * USDC + paid - 1n) / paid;

    await expect(pool.connect(provider).withdraw(500n * USDC, carol, provider))
      .to.emit(pool, "Withdraw")
      .withArgs(provider, carol, provider, 500n * USDC, shares);

    expect(await tokens.usdc.balanceOf(carol)).to.equal(500n * USDC);
    expect(await pool.claimableRedeemRequest(batch, provider)).to.equal(wad("1000") - shares);
  });

  it("pay no more in parts than at once", async () => {
    const { pool, tokens, provider, batch } = await loadFixture(fulfilled);
    const { paid } = await pool.batchOf(batch);

    for (const part of [1n, wad("333"), 7n * UNIT, UNIT]) await pool.connect(provider).redeem(part, provider, provider);
    await pool.connect(provider).withdraw(USDC + 1n, provider, provider);
    await pool.connect(provider).redeem(await pool.maxRedeem(provider), provider, provider);

    expect(await tokens.usdc.balanceOf(provider)).to.be.within(paid - 4n, paid);
  });

  it("claim over batches, the oldest first, to the last unit", async () => {
    const world = await loadFixture(fulfilled);
    const { pool, tokens, provider, mature, setPrice, batch: first } = world;
    const second = await requestRedeem(world, provider, wad("500"));
    await mature(second);
    await setPrice(ETH, wad("1700"));
    await pool.fulfill(second);
    const paid = [(await pool.batchOf(first)).paid, (await pool.batchOf(second)).paid] as const;

    await pool.connect(provider).redeem(wad("1250"), provider, provider);
    expect(await tokens.usdc.balanceOf(provider)).to.equal(paid[0] + paid[1] / 2n);
    expect(await pool.claimableRedeemRequest(second, provider)).to.equal(wad("250"));
    await pool.connect(provider).withdraw(await pool.maxWithdraw(provider), provider, provider);
    expect(await tokens.usdc.balanceOf(provider)).to.equal(paid[0] + paid[1]);
    expect(await pool.maxRedeem(provider)).to.equal(0n);
  });

  it("claim nothing of what is still waiting", async () => {
    const world = await loadFixture(fulfilled);
    const { pool, provider, batch } = world;
    const { paid } = await pool.batchOf(batch);
    await nextInterval();
    await requestRedeem(world, provider, wad("5"));

    await expect(pool.connect(provider).redeem(wad("1001"), provider, provider))
      .to.be.revertedWithCustomError(pool, "BeyondClaimable")
      .withArgs(provider, wad("1001"), wad("1000"));
    await expect(pool.connect(provider).withdraw(paid + 1n, provider, provider))
      .to.be.revertedWithCustomError(pool, "BeyondClaimable")
      .withArgs(provider, paid + 1n, paid);
  });

  it("claim nothing before the fulfilment", async () => {
    const { pool, provider } = await loadFixture(matured);

    await expect(pool.connect(provider).redeem(1n, provider, provider))
      .to.be.revertedWithCustomError(pool, "BeyondClaimable")
      .withArgs(provider, 1n, 0n);
  });

  it("claim nothing twice", async () => {
    const { pool, provider } = await loadFixture(fulfilled);
    await pool.connect(provider).redeem(wad("1000"), provider, provider);

    await expect(pool.connect(provider).redeem(1n, provider, provider))
      .to.be.revertedWithCustomError(pool, "BeyondClaimable")
      .withArgs(provider, 1n, 0n);
    await expect(pool.connect(provider).withdraw(1n, provider, provider))
      .to.be.revertedWithCustomError(pool, "BeyondClaimable")
      .withArgs(provider, 1n, 0n);
  });

  it("refuse zero", async () => {
    const { pool, provider } = await loadFixture(fulfilled);

    for (const call of ["redeem", "withdraw"] as const) {
      await expect(pool.connect(provider)[call](0n, provider, provider)).to.be.revertedWithCustomError(
        pool,
        "ZeroAmount",
      );
    }
  });

  for (const call of ["redeem", "withdraw"] as const) {
    it(`${call} obeys the controller and its operators only`, async () => {
      const { pool, provider, carol } = await loadFixture(fulfilled);
      await pool.connect(provider).approve(carol, wad("1000"));

      await expect(pool.connect(carol)[call](1n, carol, provider))
        .to.be.revertedWithCustomError(pool, "NotAuthorized")
        .withArgs(provider, carol);
      await pool.connect(provider).setOperator(carol, true);
      await expect(pool.connect(carol)[call](USDC, carol, provider)).to.emit(pool, "Withdraw");
    });
  }

  it("leave everything as it was where the outflow limit of the vault refuses", async () => {
    const { pool, vault, tokens, provider, batch } = await loadFixture(drained);

    await expect(pool.connect(provider).redeem(wad("1000"), provider, provider)).to.be.revertedWithCustomError(
      vault,
      "OutflowLimited",
    );

    expect(await tokens.usdc.balanceOf(provider)).to.equal(0n);
    expect(await pool.claimableRedeemRequest(batch, provider)).to.equal(wad("1000"));
    await pool.connect(provider).redeem(await pool.maxRedeem(provider), provider, provider);
  });

  it("let what is worth less than a unit be claimed for nothing", async () => {
    const world = await loadFixture(quiet);
    const { pool, tokens, provider, mature } = world;
    const batch = await requestRedeem(world, provider, UNIT - 1n);
    await mature(batch);
    await pool.fulfill(batch);

    await pool.connect(provider).redeem(UNIT - 1n, provider, provider);

    expect(await pool.maxRedeem(provider)).to.equal(0n);
    expect(await tokens.usdc.balanceOf(provider)).to.equal(0n);
  });

  it("show and pay no more than the outflow limit of the vault lets out", async () => {
    const { pool, vault, tokens, provider } = await loadFixture(drained);
    const { available } = await vault.limitsOf(SETTLEMENT);
    expect(available).to.equal(50n * USDC);

    const most = await pool.maxWithdraw(provider);
    expect(most).to.equal(available);
    expect(await pool.maxRedeem(provider)).to.be.within(wad("49"), wad("51"));
    await pool.connect(provider).withdraw(most, provider, provider);
    expect(await tokens.usdc.balanceOf(provider)).to.equal(most);
  });
});

/** As `fulfilled`; the vault lets 50 USDC out a day. */
async function drained() {
  const world = await fulfilled();
  await world.vault.setCap(SETTLEMENT, 1_000n * USDC);
  await world.vault.setOutflowLimit(SETTLEMENT, 50n * USDC);
  return world;
}
