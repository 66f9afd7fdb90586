import { expect } from "chai";

import { funded, loadFixture } from "../fixture.ts";
import { wad } from "../parameters.ts";

describe("LiquidityPool.cancelWithdrawal", () => {
  it("gives the shares back, once", async () => {
    const { pool, provider } = await loadFixture(funded);
    const balance = await pool.balanceOf(provider);
    await pool.connect(provider).requestWithdrawal(wad("3"));

    await expect(pool.connect(provider).cancelWithdrawal())
      .to.emit(pool, "WithdrawalCancelled")
      .withArgs(provider, wad("3"));

    expect(await pool.balanceOf(provider)).to.equal(balance);
    await expect(pool.connect(provider).cancelWithdrawal())
      .to.be.revertedWithCustomError(pool, "NothingRequested")
      .withArgs(provider);
  });
});
