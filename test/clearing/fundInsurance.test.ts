import { expect } from "chai";

import { accountOf, funded } from "../fixture.ts";
import { ETH, wad } from "../parameters.ts";
import { cashOf, expectConserved, load } from "./support.ts";

describe("ClearingHouse.fundInsurance", () => {
  afterEach(expectConserved);

  it("moves own cash to insurance", async () => {
    const world = await load(funded);
    const { clearingHouse, insuranceFund, alice } = world;
    const account = accountOf(alice);

    await expect(insuranceFund.connect(alice).contribute(account, 7n))
      .to.emit(clearingHouse, "InsuranceFunded")
      .withArgs(account, 7n);
    expect(await cashOf(world, account)).to.equal(wad("100_000") - 7n);
    expect((await clearingHouse.balances()).insurance).to.equal(7n);
  });

  it("takes nothing that backs a position", async () => {
    const world = await load(funded);
    const { clearingHouse, insuranceFund, trade, alice } = world;
    const account = accountOf(alice);
    await trade(account, ETH, wad("700"));

    await expect(insuranceFund.connect(alice).contribute(account, wad("50_000"))).to.be.revertedWithCustomError(
      clearingHouse,
      "InsufficientMargin",
    );
  });

  it("refuses zero, more than there is, and a stranger", async () => {
    const { clearingHouse, insuranceFund, alice, stranger } = await load(funded);
    const account = accountOf(alice);

    await expect(insuranceFund.connect(alice).contribute(account, 0n)).to.be.revertedWithCustomError(
      clearingHouse,
      "ZeroAmount",
    );
    await expect(insuranceFund.connect(alice).contribute(account, wad("100_001")))
      .to.be.revertedWithCustomError(clearingHouse, "InsufficientCash")
      .withArgs(account, wad("100_000"), wad("100_001"));
    await expect(insuranceFund.connect(stranger).contribute(account, 1n))
      .to.be.revertedWithCustomError(clearingHouse, "NotAuthorized")
      .withArgs(account, stranger, 4n);
  });
});
