import { expect } from "chai";

import { accountOf, ethers, funded, time } from "../fixture.ts";
import { ETH, HOUR, SETTLEMENT, wad, WETH_TOKEN } from "../parameters.ts";
import { crowded, still } from "./scenarios.ts";
import { cashOf, expectConserved, load } from "./support.ts";

const [TRADE, WITHDRAW] = [1n, 4n];

describe("ClearingHouse.credit", () => {
  afterEach(expectConserved);

  it("books cash from anyone", async () => {
    const { clearingHouse, vault, tokens, alice, stranger } = await load(funded);
    const account = accountOf(alice);
    await tokens.usdc.mint(stranger, 5n);
    await tokens.usdc.connect(stranger).approve(vault, 5n);

    await expect(vault.connect(stranger).deposit(account, SETTLEMENT, 5n))
      .to.emit(clearingHouse, "Credited")
      .withArgs(account, SETTLEMENT, 5n * 10n ** 12n);
    expect((await clearingHouse.accountOf(account)).cash).to.equal(wad("100_000.000005"));
  });

  it("refuses a new kind of collateral from a third party", async () => {
    const { clearingHouse, vault, alice, stranger } = await load(withWeth);
    const account = accountOf(alice);

    await expect(vault.connect(stranger).deposit(account, WETH_TOKEN, 1n))
      .to.be.revertedWithCustomError(clearingHouse, "NotAuthorized")
      .withArgs(account, stranger, TRADE);
  });

  it("books more of a kind that is there from anyone", async () => {
    const { clearingHouse, vault, fundCollateral, alice, stranger } = await load(withWeth);
    const account = await fundCollateral(alice, WETH_TOKEN, wad("1"));

    await vault.connect(stranger).deposit(account, WETH_TOKEN, wad("2"));
    expect(await clearingHouse.collateralOf(account, WETH_TOKEN)).to.equal(wad("3"));
  });

  it("books a new kind from an operator with any right, until its time", async () => {
    const { clearingHouse, vault, alice, stranger } = await load(withWeth);
    const [account, other] = [accountOf(alice), accountOf(alice, 1n)];
    const until = (await time.latest()) + HOUR;
    await clearingHouse.connect(alice).setOperator(account, stranger, WITHDRAW, until, 0);
    await clearingHouse.connect(alice).setOperator(other, stranger, WITHDRAW, until, 0);

    await time.setNextBlockTimestamp(until);
    await vault.connect(stranger).deposit(account, WETH_TOKEN, 1n);
    await time.setNextBlockTimestamp(until + 1);
    await expect(vault.connect(stranger).deposit(other, WETH_TOKEN, 1n)).to.be.revertedWithCustomError(
      clearingHouse,
      "NotAuthorized",
    );
  });

  it("refuses a kind that would make one asset too many", async () => {
    const { clearingHouse, fundCollateral, alice } = await load(crowded);

    await expect(fundCollateral(alice, WETH_TOKEN, 1n))
      .to.be.revertedWithCustomError(clearingHouse, "TooManyAssets")
      .withArgs(17n, 16n);
  });

  it("repays a debt to the pool first", async () => {
    const world = await load(still);
    const { clearingHouse, fundCollateral, fund, trade, alice } = world;
    const account = await fundCollateral(alice, WETH_TOKEN, wad("10"), 1n);
    await trade(account, ETH, wad("5"));
    const debt = -(await cashOf(world, account));
    const before = await clearingHouse.balances();
    expect(before.debts).to.equal(debt);
    expect(debt).to.be.greaterThan(wad("5.4")); // the fee

    await fund(alice, wad("1"), 1n);
    const { base, debts } = await clearingHouse.balances();
    expect(debts).to.equal(debt - wad("1"));
    expect(base).to.equal(before.base + wad("1"));
  });
});

/** A stranger with ether wrapped and approved. */
async function withWeth() {
  const world = await funded();
  const { tokens, vault, stranger } = world;
  await tokens.weth.connect(stranger).deposit({ value: wad("10") });
  await tokens.weth.connect(stranger).approve(vault, ethers.MaxUint256);
  return world;
}
