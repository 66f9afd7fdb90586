import { anyValue } from "@nomicfoundation/hardhat-ethers-chai-matchers/withArgs";
import { expect } from "chai";

import { accountOf, ethers, funded, loadFixture, time } from "../fixture.ts";
import { DAY, ETH, SETTLEMENT, wad, WBTC_TOKEN, WETH_TOKEN } from "../parameters.ts";
import { expectRefused, LISTED, listToken } from "./helpers.ts";

const USDC_UNIT = 10n ** 6n;
const RIGHT_WITHDRAW = 4n;
const FOREVER = 2n ** 40n - 1n;

async function withAccount() {
  const world = await funded();
  return { ...world, account: accountOf(world.alice) };
}

async function withPosition() {
  const world = await withAccount();
  await world.trade(world.account, ETH, wad("100"));
  return world;
}

async function withCollateral() {
  const world = await withAccount();
  await world.fundCollateral(world.alice, WETH_TOKEN, wad("2"));
  await world.fundCollateral(world.alice, WBTC_TOKEN, wad("0.5"));
  return world;
}

/** A token of the named kind, listed and deposited by alice. */
async function withListed(name: "BlacklistToken" | "ReentrantToken" | "SurchargeToken") {
  const world = await withAccount();
  const token = await ethers.deployContract(name as "SurchargeToken", [18]);
  await listToken(world, token);
  await token.mint(world.alice, wad("20"));
  await token.connect(world.alice).approve(world.vault, ethers.MaxUint256);
  await world.vault.connect(world.alice).deposit(world.account, LISTED, wad("10"));
  return { ...world, tokenAddress: await token.getAddress() };
}
async function withBlacklist() {
  const world = await withListed("BlacklistToken");
  return { ...world, token: await ethers.getContractAt("BlacklistToken", world.tokenAddress) };
}
async function withReentrant() {
  const world = await withListed("ReentrantToken");
  const { clearingHouse, alice, account, tokenAddress } = world;
  await clearingHouse.connect(alice).setOperator(account, tokenAddress, 7, FOREVER, 2n ** 64n - 1n);
  return { ...world, token: await ethers.getContractAt("ReentrantToken", tokenAddress) };
}
async function withSurcharge() {
  const world = await withListed("SurchargeToken");
  return { ...world, token: await ethers.getContractAt("SurchargeToken", world.tokenAddress) };
}

describe("Vault.withdraw", () => {
  it("pays cash to any recipient", async () => {
    const { vault, clearingHouse, tokens, alice, stranger, account } = await loadFixture(withAccount);
    const held = await vault.held(SETTLEMENT);

    await expect(vault.connect(alice).withdraw(account, SETTLEMENT, 1_234_567n, stranger))
      .to.emit(vault, "Withdrawn")
      .withArgs(account, SETTLEMENT, stranger, 1_234_567n)
      .and.to.emit(clearingHouse, "Debited")
      .withArgs(account, SETTLEMENT, wad("1.234567"));

    expect(await tokens.usdc.balanceOf(stranger)).to.equal(1_234_567n);
    expect((await clearingHouse.accountOf(account)).cash).to.equal(wad("100_000") - wad("1.234567"));
    expect(await vault.held(SETTLEMENT)).to.equal(held - 1_234_567n);
  });

  it("pays collateral back to the last unit", async () => {
    const { vault, clearingHouse, tokens, alice, account } = await loadFixture(withCollateral);

    await vault.connect(alice).withdraw(account, WBTC_TOKEN, 50_000_000n, alice);
    await vault.connect(alice).withdraw(account, WETH_TOKEN, wad("2"), alice);

    expect(await tokens.wbtc.balanceOf(alice)).to.equal(50_000_000n);
    expect(await tokens.weth.balanceOf(alice)).to.equal(wad("2"));
    expect((await clearingHouse.accountOf(account)).collaterals).to.equal(0n);
    expect(await vault.held(WBTC_TOKEN)).to.equal(0n);
  });

  it("rounds nothing up: cash below one token unit stays", async () => {
    const { vault, clearingHouse, alice, stranger } = await loadFixture(withPosition);
    const account = accountOf(alice);
    await clearingHouse.connect(alice).transfer(account, accountOf(alice, 1n), SETTLEMENT, 10n ** 12n - 1n);
    const dust = accountOf(alice, 1n);

    await expect(vault.connect(alice).withdraw(dust, SETTLEMENT, 1n, stranger))
      .to.be.revertedWithCustomError(clearingHouse, "InsufficientCash")
      .withArgs(dust, 10n ** 12n - 1n, 10n ** 12n);
  });

  it("lets an operator with the right withdraw, until its time", async () => {
    const world = await loadFixture(withAccount);
    const { vault, clearingHouse, alice, bob, account } = world;
    const until = (await time.latest()) + DAY;
    await clearingHouse.connect(alice).setOperator(account, bob, RIGHT_WITHDRAW, until, 0);
    const withdraw = () => vault.connect(bob).withdraw(account, SETTLEMENT, 1n, alice);

    await withdraw();
    await time.increaseTo(until);
    await expectRefused(world, account, SETTLEMENT, withdraw, (call) =>
      expect(call).to.be.revertedWithCustomError(clearingHouse, "OperatorExpired").withArgs(account, bob, until),
    );
  });

  it("refuses an operator without the right, and a stranger", async () => {
    const world = await loadFixture(withAccount);
    const { vault, clearingHouse, alice, bob, stranger, account } = world;
    await clearingHouse.connect(alice).setOperator(account, bob, 7n - RIGHT_WITHDRAW, FOREVER, 2n ** 64n - 1n);

    for (const caller of [bob, stranger]) {
      await expectRefused(
        world,
        account,
        SETTLEMENT,
        () => vault.connect(caller).withdraw(account, SETTLEMENT, 1n, caller),
        (call) =>
          expect(call)
            .to.be.revertedWithCustomError(clearingHouse, "NotAuthorized")
            .withArgs(account, caller, RIGHT_WITHDRAW),
      );
    }
  });

  it("refuses an operator of another sub-account", async () => {
    const world = await loadFixture(withAccount);
    const { vault, clearingHouse, alice, bob, account } = world;
    await clearingHouse.connect(alice).setOperator(accountOf(alice, 1n), bob, 7, FOREVER, 0);

    await expect(vault.connect(bob).withdraw(account, SETTLEMENT, 1n, bob))
      .to.be.revertedWithCustomError(clearingHouse, "NotAuthorized")
      .withArgs(account, bob, RIGHT_WITHDRAW);
  });

  it("refuses zero, and more than the account has", async () => {
    const world = await loadFixture(withCollateral);
    const { vault, clearingHouse, alice, account } = world;

    await expectRefused(
      world,
      account,
      SETTLEMENT,
      () => vault.connect(alice).withdraw(account, SETTLEMENT, 0n, alice),
      (call) => expect(call).to.be.revertedWithCustomError(clearingHouse, "ZeroAmount"),
    );
    await expectRefused(
      world,
      account,
      SETTLEMENT,
      () => vault.connect(alice).withdraw(account, SETTLEMENT, 100_000n * USDC_UNIT + 1n, alice),
      (call) =>
        expect(call)
          .to.be.revertedWithCustomError(clearingHouse, "InsufficientCash")
          .withArgs(account, wad("100_000"), wad("100_000.000001")),
    );
    await expectRefused(
      world,
      account,
      WBTC_TOKEN,
      () => vault.connect(alice).withdraw(account, WBTC_TOKEN, 50_000_001n, alice),
      (call) =>
        expect(call)
          .to.be.revertedWithCustomError(clearingHouse, "InsufficientCollateral")
          .withArgs(account, WBTC_TOKEN, wad("0.5"), wad("0.50000001")),
    );
  });

  it("refuses amounts beyond every type with a typed error", async () => {
    const { vault, alice, account } = await loadFixture(withAccount);

    for (const amount of [2n ** 88n, ethers.MaxUint256]) {
      await expect(vault.connect(alice).withdraw(account, SETTLEMENT, amount, alice))
        .to.be.revertedWithCustomError(vault, "SafeCastOverflowedUintDowncast")
        .withArgs(88n, amount);
    }
  });

  it("refuses a token that is not listed", async () => {
    const { vault, alice, account } = await loadFixture(withAccount);

    await expect(vault.connect(alice).withdraw(account, LISTED, 1n, alice))
      .to.be.revertedWithCustomError(vault, "UnknownToken")
      .withArgs(LISTED);
  });

  it("refuses no recipient, and itself", async () => {
    const world = await loadFixture(withAccount);
    const { vault, alice, account } = world;

    for (const recipient of [ethers.ZeroAddress, await vault.getAddress()]) {
      await expectRefused(
        world,
        account,
        SETTLEMENT,
        () => vault.connect(alice).withdraw(account, SETTLEMENT, 1n, recipient),
        (call) => expect(call).to.be.revertedWithCustomError(vault, "InvalidRecipient").withArgs(recipient),
      );
    }
  });

  it("refuses what backs a position", async () => {
    const world = await loadFixture(withPosition);
    const { vault, clearingHouse, alice, account } = world;

    await expectRefused(
      world,
      account,
      SETTLEMENT,
      () => vault.connect(alice).withdraw(account, SETTLEMENT, 99_000n * USDC_UNIT, alice),
      (call) =>
        expect(call)
          .to.be.revertedWithCustomError(clearingHouse, "InsufficientMargin")
          .withArgs(account, anyValue, anyValue, 0n),
    );
    await vault.connect(alice).withdraw(account, SETTLEMENT, 80_000n * USDC_UNIT, alice);
  });

  it("refuses to sell a profit that has not been realised", async () => {
    const { vault, clearingHouse, setPrice, alice, account } = await loadFixture(withPosition);
    await setPrice(ETH, wad("2100"));

    await expect(vault.connect(alice).withdraw(account, SETTLEMENT, 101_000n * USDC_UNIT, alice))
      .to.be.revertedWithCustomError(clearingHouse, "InsufficientCash")
      .withArgs(account, anyValue, wad("101_000"));
  });

  it("refuses while an order is pending", async () => {
    const world = await loadFixture(withAccount);
    const { vault, clearingHouse, submit, settle, execute, alice, account } = world;
    const { sequence } = await submit(account, ETH, wad("1"));
    const withdraw = () => vault.connect(alice).withdraw(account, SETTLEMENT, 1n, alice);

    await expectRefused(world, account, SETTLEMENT, withdraw, (call) =>
      expect(call).to.be.revertedWithCustomError(clearingHouse, "OrderPending").withArgs(account, 1n),
    );
    await execute(account, sequence, await settle(account, sequence));
    await withdraw();
  });

  it("passes a blacklisted recipient's refusal on, and another recipient works", async () => {
    const world = await loadFixture(withBlacklist);
    const { vault, token, alice, bob, account } = world;
    await token.setBlacklisted(bob, true);

    await expectRefused(
      world,
      account,
      LISTED,
      () => vault.connect(alice).withdraw(account, LISTED, wad("1"), bob),
      (call) => expect(call).to.be.revertedWithCustomError(token, "Blacklisted").withArgs(bob),
    );
    await vault.connect(alice).withdraw(account, LISTED, wad("1"), alice);
    expect(await token.balanceOf(alice)).to.equal(wad("11"));
  });

  it("keeps one frozen token from stopping the others", async () => {
    const { vault, token, alice, account } = await loadFixture(withBlacklist);
    await token.setBlacklisted(vault, true);

    await expect(vault.connect(alice).withdraw(account, LISTED, 1n, alice)).to.be.revertedWithCustomError(
      token,
      "Blacklisted",
    );
    await vault.connect(alice).withdraw(account, SETTLEMENT, 1n, alice);
  });

  it("refuses a token that takes more than the amount", async () => {
    const world = await loadFixture(withSurcharge);
    const { vault, token, alice, account } = world;
    await token.setSurcharge(7n);

    await expectRefused(
      world,
      account,
      LISTED,
      () => vault.connect(alice).withdraw(account, LISTED, 100n, alice),
      (call) => expect(call).to.be.revertedWithCustomError(vault, "WrongOutflow").withArgs(LISTED, 100n, 107n),
    );
    await token.setSurcharge(0n);
    await vault.connect(alice).withdraw(account, LISTED, 100n, alice);
  });

  it("refuses a withdrawal, a deposit and a value inside the transfer of a token that calls back", async () => {
    const world = await loadFixture(withReentrant);
    const { vault, clearingHouse, token, alice, account } = world;
    const calls: [string, string][] = [
      [
        await vault.getAddress(),
        vault.interface.encodeFunctionData("withdraw", [account, LISTED, wad("5"), alice.address]),
      ],
      [
        await vault.getAddress(),
        vault.interface.encodeFunctionData("withdraw", [account, SETTLEMENT, 1n, alice.address]),
      ],
      [await vault.getAddress(), vault.interface.encodeFunctionData("deposit", [account, LISTED, 1n])],
      [await clearingHouse.getAddress(), clearingHouse.interface.encodeFunctionData("snapshot", [account])],
    ];

    for (const [target, data] of calls) {
      await token.arm(target, data, true);
      await expectRefused(
        world,
        account,
        LISTED,
        () => vault.connect(alice).withdraw(account, LISTED, wad("5"), alice),
        (call) => expect(call).to.be.revertedWithCustomError(clearingHouse, "Locked"),
      );
    }
  });

  it("does all or nothing in a multicall", async () => {
    const world = await loadFixture(withAccount);
    const { vault, tokens, clearingHouse, alice, account } = world;
    await tokens.usdc.mint(alice, 5n);
    const deposit = vault.interface.encodeFunctionData("deposit", [account, SETTLEMENT, 5n]);
    const withdraw = vault.interface.encodeFunctionData("withdraw", [account, SETTLEMENT, 5n, alice.address]);
    const tooMuch = vault.interface.encodeFunctionData("withdraw", [account, SETTLEMENT, 2n ** 80n, alice.address]);

    await vault.connect(alice).multicall([deposit, withdraw, deposit, withdraw]);
    await expectRefused(
      world,
      account,
      SETTLEMENT,
      () => vault.connect(alice).multicall([deposit, withdraw, tooMuch]),
      (call) => expect(call).to.be.revertedWithCustomError(clearingHouse, "InsufficientCash"),
    );
  });
});
