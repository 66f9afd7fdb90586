import { expect } from "chai";

import { cashOf, expectConserved, load } from "../clearing/support.ts";
import { accountOf, ethers } from "../fixture.ts";
import { HOUR, MINUTE, percent, wad } from "../parameters.ts";
import { flagSkew, insolvent, insolventPool, rich, seize } from "./support.ts";

describe("InsuranceFund.payOut", () => {
  afterEach(expectConserved);

  it("pays what is over the target into an account", async () => {
    const world = await load(rich);
    const { clearingHouse, insuranceFund, stranger } = world;
    const account = accountOf(stranger);

    const paid = insuranceFund.payOut(account, wad("150_000"));
    await expect(paid)
      .to.emit(insuranceFund, "PaidOut")
      .withArgs(account, wad("150_000"), wad("500_000"), wad("500_000"));
    await expect(paid).to.emit(clearingHouse, "InsurancePaidOut").withArgs(account, wad("150_000"));
    expect(await cashOf(world, account)).to.equal(wad("150_000"));
    expect(await insuranceFund.balance()).to.equal(wad("500_000"));
    expect(await insuranceFund.surplus()).to.equal(0n);
  });

  it("leaves the target", async () => {
    const { insuranceFund, stranger } = await load(rich);
    const account = accountOf(stranger);

    await expect(insuranceFund.payOut(account, wad("150_000") + 1n))
      .to.be.revertedWithCustomError(insuranceFund, "SurplusExceeded")
      .withArgs(wad("150_000") + 1n, wad("150_000"));
    await insuranceFund.setTargetShare(percent(6.5));
    await expect(insuranceFund.payOut(account, 1n))
      .to.be.revertedWithCustomError(insuranceFund, "SurplusExceeded")
      .withArgs(1n, 0n);
  });

  it("pays nothing while a market is to be deleveraged", async () => {
    const world = await load(rich);
    const { clearingHouse, insuranceFund, stranger } = world;
    await flagSkew(world);
    await clearingHouse.markPool();

    await expect(insuranceFund.payOut(accountOf(stranger), 1n))
      .to.be.revertedWithCustomError(insuranceFund, "LossPending")
      .withArgs(0n, 1n, 0n);
  });

  it("pays nothing while an account is insolvent, or its collateral is not sold", async () => {
    const world = await load(insolvent);
    const { clearingHouse, insuranceFund, account, bob, stranger } = world;
    await clearingHouse.flagInsolvent(account);
    await world.fund(bob, wad("1_000_000"));
    await clearingHouse.markPool();
    const refused = expect(insuranceFund.payOut(accountOf(stranger), 1n)).to.be.revertedWithCustomError(
      insuranceFund,
      "LossPending",
    );
    await refused.withArgs(1n, 0n, 0n);

    await world.advance(10 * MINUTE);
    await clearingHouse.seize(account);
    await insuranceFund.connect(bob).contribute(accountOf(bob), wad("650_000"));
    await clearingHouse.markPool();
    const { seizedOwed } = await clearingHouse.ledger();
    expect(seizedOwed).to.be.greaterThan(0n);
    await expect(insuranceFund.payOut(accountOf(stranger), 1n))
      .to.be.revertedWithCustomError(insuranceFund, "LossPending")
      .withArgs(0n, 0n, seizedOwed);

    await clearingHouse.connect(bob).buySeized({ token: 0, amount: wad("10") }, accountOf(bob));
    await clearingHouse.markPool();
    await expect(insuranceFund.payOut(accountOf(stranger), 1n)).to.emit(insuranceFund, "PaidOut");
  });

  it("needs a mark that is not old", async () => {
    const { clearingHouse, insuranceFund, stranger, advance } = await load(rich);
    const { markTime } = await clearingHouse.ledger();
    await advance(HOUR + 1);

    await expect(insuranceFund.payOut(accountOf(stranger), 1n))
      .to.be.revertedWithCustomError(insuranceFund, "MarkTooOld")
      .withArgs(markTime, HOUR);
  });

  it("pays nothing while the pool is in the red, though the target is nothing then", async () => {
    const { clearingHouse, insuranceFund, bob, stranger } = await load(insolventPool);
    await insuranceFund.connect(bob).contribute(accountOf(bob), wad("1_000"));
    const { markValue } = await clearingHouse.ledger();

    expect(await insuranceFund.targetBalance()).to.equal(0n);
    await expect(insuranceFund.payOut(accountOf(stranger), 1n))
      .to.be.revertedWithCustomError(insuranceFund, "PoolInsolvent")
      .withArgs(markValue);
  });

  it("refuses zero, and its own account, which nobody could take it out of", async () => {
    const { insuranceFund, stranger } = await load(rich);
    const own = accountOf(await insuranceFund.getAddress(), 1n);

    await expect(insuranceFund.payOut(accountOf(stranger), 0n)).to.be.revertedWithCustomError(
      insuranceFund,
      "ZeroAmount",
    );
    await expect(insuranceFund.payOut(own, 1n))
      .to.be.revertedWithCustomError(insuranceFund, "OwnAccount")
      .withArgs(own);
  });

  it("is for governance", async () => {
    const { insuranceFund, stranger } = await load(rich);

    await expect(insuranceFund.connect(stranger).payOut(accountOf(stranger), 1n))
      .to.be.revertedWithCustomError(insuranceFund, "AccessManagedUnauthorized")
      .withArgs(stranger);
  });

  it("does not reach what was seized", async () => {
    const world = await load(insolvent);
    const { clearingHouse, insuranceFund, vault, account } = world;
    await seize(world, account);
    const own = accountOf(await insuranceFund.getAddress());

    expect(await clearingHouse.collateralOf(own, 0)).to.equal(wad("10"));
    for (const signer of await ethers.getSigners()) {
      await expect(vault.connect(signer).withdraw(own, 0, 1n, signer)).to.be.revertedWithCustomError(
        clearingHouse,
        "NotAuthorized",
      );
    }
  });
});
