import { expect } from "chai";

import { empty, ethers, loadFixture } from "../fixture.ts";
import { SETTLEMENT, WBTC_TOKEN, WETH_TOKEN } from "../parameters.ts";
import { LISTED } from "./helpers.ts";

async function withToken() {
  const world = await empty();
  return { ...world, token: await ethers.deployContract("TestToken", ["Any", "ANY", 12]) };
}

describe("Vault.list", () => {
  it("appends, and knows the token by index and address", async () => {
    const { vault, token } = await loadFixture(withToken);

    await expect(vault.list(token, 100n, 20n))
      .to.emit(vault, "TokenListed")
      .withArgs(LISTED, token, 12n)
      .and.to.emit(vault, "CapChanged")
      .withArgs(LISTED, 100n)
      .and.to.emit(vault, "OutflowLimitChanged")
      .withArgs(LISTED, 20n);

    expect(await vault.tokenOf(LISTED)).to.deep.equal([await token.getAddress(), 12n]);
    expect(await vault.indexOf(token)).to.equal(LISTED);
    expect(await vault.limitsOf(LISTED)).to.deep.equal([100n, 20n, 0n]);
    expect(await vault.count()).to.equal(3n);
  });

  it("has the settlement token from the start", async () => {
    const { vault, tokens } = await loadFixture(empty);

    expect(await vault.indexOf(tokens.usdc)).to.equal(SETTLEMENT);
    expect(await vault.indexOf(tokens.weth)).to.equal(WETH_TOKEN);
    expect(await vault.indexOf(tokens.wbtc)).to.equal(WBTC_TOKEN);
    expect(await vault.tokenOf(SETTLEMENT)).to.deep.equal([await tokens.usdc.getAddress(), 6n]);
  });

  it("refuses a token twice, the settlement token included", async () => {
    const { vault, tokens } = await loadFixture(empty);

    await expect(vault.list(tokens.wbtc, 1n, 0n))
      .to.be.revertedWithCustomError(vault, "AlreadyListed")
      .withArgs(tokens.wbtc, WBTC_TOKEN);
    await expect(vault.list(tokens.usdc, 1n, 0n))
      .to.be.revertedWithCustomError(vault, "AlreadyListed")
      .withArgs(tokens.usdc, SETTLEMENT);
  });

  it("refuses what is no contract, more than 18 decimals, and numbers too wide", async () => {
    const { vault, token, stranger } = await loadFixture(withToken);
    const fine = await ethers.deployContract("TestToken", ["Nineteen", "N", 19]);

    for (const address of [stranger.address, ethers.ZeroAddress]) {
      await expect(vault.list(address, 1n, 0n))
        .to.be.revertedWithCustomError(vault, "NotAContract")
        .withArgs(address);
    }
    await expect(vault.list(fine, 1n, 0n))
      .to.be.revertedWithCustomError(vault, "TooManyDecimals")
      .withArgs(fine, 19n);
    await expect(vault.list(token, 2n ** 88n, 0n))
      .to.be.revertedWithCustomError(vault, "SafeCastOverflowedUintDowncast")
      .withArgs(88n, 2n ** 88n);
    await expect(vault.list(token, 1n, 2n ** 88n))
      .to.be.revertedWithCustomError(vault, "SafeCastOverflowedUintDowncast")
      .withArgs(88n, 2n ** 88n);
  });

  it("refuses a seventeenth token", async () => {
    const { vault } = await loadFixture(empty);
    for (let index = await vault.count(); index < 16n; index++) {
      await vault.list(await ethers.deployContract("TestToken", ["T", "T", 18]), 1n, 0n);
    }

    await expect(vault.list(await ethers.deployContract("TestToken", ["T", "T", 18]), 1n, 0n))
      .to.be.revertedWithCustomError(vault, "TooManyTokens")
      .withArgs(16n);
  });

  it("refuses everybody but its role", async () => {
    const { vault, token, alice } = await loadFixture(withToken);

    await expect(vault.connect(alice).list(token, 1n, 0n))
      .to.be.revertedWithCustomError(vault, "AccessManagedUnauthorized")
      .withArgs(alice);
    const list = vault.interface.encodeFunctionData("list", [await token.getAddress(), 1n, 0n]);
    await expect(vault.connect(alice).multicall([list]))
      .to.be.revertedWithCustomError(vault, "AccessManagedUnauthorized")
      .withArgs(alice);
  });
});
