import { expect } from "chai";

import { cashOf, expectConserved, load } from "../clearing/support.ts";
import { accountOf, ethers, funded } from "../fixture.ts";
import { ETH, wad } from "../parameters.ts";

describe("InsuranceFund.contribute", () => {
  afterEach(expectConserved);

  it("moves cash to insurance and says who gave it", async () => {
    const world = await load(funded);
    const { insuranceFund, alice } = world;
    const account = accountOf(alice);

    await expect(insuranceFund.connect(alice).contribute(account, wad("1_000")))
      .to.emit(insuranceFund, "Contributed")
      .withArgs(account, alice, wad("1_000"));
    expect(await insuranceFund.balance()).to.equal(wad("1_000"));
    expect(await cashOf(world, account)).to.equal(wad("99_000"));
  });

  it("takes nothing of others but from an operator who may withdraw", async () => {
    const { clearingHouse, insuranceFund, alice, stranger } = await load(funded);
    const account = accountOf(alice);

    await expect(insuranceFund.connect(stranger).contribute(account, 1n))
      .to.be.revertedWithCustomError(clearingHouse, "NotAuthorized")
      .withArgs(account, stranger, 4n);
    await clearingHouse.connect(alice).setOperator(account, stranger, 4n, 2n ** 40n - 1n, 0n);
    await expect(insuranceFund.connect(stranger).contribute(account, 1n))
      .to.emit(insuranceFund, "Contributed")
      .withArgs(account, stranger, 1n);
  });

  it("runs under the one lock", async () => {
    const { clearingHouse, insuranceFund, vault, alice } = await load(funded);
    const account = accountOf(alice);
    const token = await ethers.deployContract("ReentrantToken", [18]);
    await vault.list(token, wad("1000000"), 0);
    await clearingHouse.listCollateral(ETH, 10_000, 15);
    await token.mint(alice, 1n);
    await token.connect(alice).approve(vault, 1n);
    await clearingHouse.connect(alice).setOperator(account, token, 4n, 2n ** 40n - 1n, 0n);

    const data = insuranceFund.interface.encodeFunctionData("contribute", [account, 1n]);
    await token.arm(insuranceFund, data, false);
    await vault.connect(alice).deposit(account, await vault.indexOf(token), 1n);
    expect(await token.lastSuccess()).to.equal(false);
    expect(clearingHouse.interface.parseError(await token.lastResult())?.name).to.equal("Locked");
    expect(await insuranceFund.balance()).to.equal(0n);
  });
});
