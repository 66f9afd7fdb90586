import { expect } from "chai";

import { still } from "../clearing/scenarios.ts";
import { betterTerms, movePrice, now, stateOf, worseTerms } from "../clearing/support.ts";
import { accountOf, empty, ethers, loadFixture, type World } from "../fixture.ts";
import { BTC, ETH, SETTLEMENT, wad, WBTC_TOKEN, WETH_TOKEN } from "../parameters.ts";
import { expectRefused, LISTED, listToken } from "./helpers.ts";

const USDC_UNIT = 10n ** 6n;

async function withUsdc() {
  const world = await empty();
  const account = accountOf(world.alice);
  await world.tokens.usdc.mint(world.alice, 1_000_000n * USDC_UNIT);
  await world.tokens.usdc.connect(world.alice).approve(world.vault, ethers.MaxUint256);
  return { ...world, account };
}

async function withTightCap() {
  const world = await withUsdc();
  await world.vault.setCap(SETTLEMENT, 1_000n * USDC_UNIT);
  await world.vault.connect(world.alice).deposit(world.account, SETTLEMENT, 600n * USDC_UNIT);
  return world;
}

async function withReentrantToken() {
  const world = await withUsdc();
  const token = await ethers.deployContract("ReentrantToken", [18]);
  await listToken(world, token);
  await token.mint(world.alice, wad("1000"));
  await token.connect(world.alice).approve(world.vault, ethers.MaxUint256);
  await world.vault.connect(world.alice).deposit(world.account, LISTED, wad("10"));
  // The token may do all that alice may.
  const operator = await token.getAddress();
  const until = 2n ** 40n - 1n;
  await world.clearingHouse.connect(world.alice).setOperator(world.account, operator, 7, until, 2n ** 64n - 1n);
  return { ...world, token };
}

/** Alice is long 700 ETH; the cap on cash is lowered to nothing, and a stranger has some to give. */
async function lacking() {
  const world = await still();
  const account = accountOf(world.alice);
  await world.trade(account, ETH, wad("700"));
  return withoutRoom({ ...world, account });
}

/** Carol owes for a loss of BTC, with ether that would pay for it. */
async function indebted() {
  const world = await still();
  const account = await world.fundCollateral(world.carol, WETH_TOKEN, wad("100"));
  await world.trade(account, BTC, wad("20"));
  await movePrice(world, BTC, wad("23_500"));
  return withoutRoom({ ...world, account });
}

async function withoutRoom<T extends World>(world: T): Promise<T> {
  const { vault, tokens, stranger } = world;
  await vault.setCap(SETTLEMENT, 0);
  await tokens.usdc.mint(stranger, 1_000_000n * USDC_UNIT);
  await tokens.usdc.connect(stranger).approve(vault, ethers.MaxUint256);
  return world;
}

/** Of settlement token, for an amount in WAD. */
function unitsUp(amount: bigint): bigint {
  return (amount + 10n ** 12n - 1n) / 10n ** 12n;
}

describe("Vault.deposit", () => {
  it("credits cash and takes the tokens", async () => {
    const { vault, clearingHouse, tokens, alice, account } = await loadFixture(withUsdc);

    await expect(vault.connect(alice).deposit(account, SETTLEMENT, 1_234_567n))
      .to.emit(vault, "Deposited")
      .withArgs(account, SETTLEMENT, alice, 1_234_567n)
      .and.to.emit(clearingHouse, "Credited")
      .withArgs(account, SETTLEMENT, wad("1.234567"));

    expect((await clearingHouse.accountOf(account)).cash).to.equal(wad("1.234567"));
    expect(await vault.held(SETTLEMENT)).to.equal(1_234_567n);
    expect(await tokens.usdc.balanceOf(vault)).to.equal(1_234_567n);
  });

  it("credits collateral of 8 and 18 decimals exactly", async () => {
    const world = await loadFixture(withUsdc);

    await world.fundCollateral(world.alice, WBTC_TOKEN, wad("0.00000001"));
    await world.fundCollateral(world.alice, WETH_TOKEN, 1n);

    expect(await world.clearingHouse.collateralOf(world.account, WBTC_TOKEN)).to.equal(wad("0.00000001"));
    expect(await world.clearingHouse.collateralOf(world.account, WETH_TOKEN)).to.equal(1n);
    expect(await world.vault.held(WBTC_TOKEN)).to.equal(1n);
    expect((await world.clearingHouse.accountOf(world.account)).collaterals).to.equal(0b11n);
  });

  it("takes cash into anybody's account", async () => {
    const { vault, clearingHouse, alice, bob } = await loadFixture(withUsdc);

    await vault.connect(alice).deposit(accountOf(bob, 7n), SETTLEMENT, USDC_UNIT);

    expect((await clearingHouse.accountOf(accountOf(bob, 7n))).cash).to.equal(wad("1"));
  });

  it("refuses a new kind of collateral for another's account", async () => {
    const world = await loadFixture(withUsdc);
    const { vault, clearingHouse, tokens, alice, bob } = world;
    await tokens.weth.connect(alice).deposit({ value: wad("1") });
    await tokens.weth.connect(alice).approve(vault, wad("1"));
    const account = accountOf(bob);

    await expectRefused(
      world,
      account,
      WETH_TOKEN,
      () => vault.connect(alice).deposit(account, WETH_TOKEN, 1n),
      (call) => expect(call).to.be.revertedWithCustomError(clearingHouse, "NotAuthorized").withArgs(account, alice, 1n),
    );
  });

  it("refuses zero", async () => {
    const world = await loadFixture(withUsdc);
    const { vault, clearingHouse, alice, account } = world;

    await expectRefused(
      world,
      account,
      SETTLEMENT,
      () => vault.connect(alice).deposit(account, SETTLEMENT, 0),
      (call) => expect(call).to.be.revertedWithCustomError(clearingHouse, "ZeroAmount"),
    );
  });

  it("refuses a token that is not listed", async () => {
    const { vault, alice, account } = await loadFixture(withUsdc);

    for (const token of [LISTED, 16n, 254n, 256n, ethers.MaxUint256]) {
      await expect(vault.connect(alice).deposit(account, token, 1n))
        .to.be.revertedWithCustomError(vault, "UnknownToken")
        .withArgs(token);
    }
  });

  it("refuses a token that the vault knows and the clearing house does not", async () => {
    const world = await loadFixture(withUsdc);
    const { vault, clearingHouse, alice, account } = world;
    const token = await ethers.deployContract("TestToken", ["Half listed", "HALF", 18]);
    await vault.list(token, wad("100"), 0);
    await token.mint(alice, wad("1"));
    await token.connect(alice).approve(vault, wad("1"));

    await expectRefused(
      world,
      account,
      LISTED,
      () => vault.connect(alice).deposit(account, LISTED, 1n),
      (call) => expect(call).to.be.revertedWithCustomError(clearingHouse, "UnknownCollateral").withArgs(LISTED),
    );
  });

  it("refuses what exceeds the cap, by one unit", async () => {
    const world = await loadFixture(withTightCap);
    const { vault, alice, account } = world;
    const amount = 400n * USDC_UNIT + 1n;

    await expectRefused(
      world,
      account,
      SETTLEMENT,
      () => vault.connect(alice).deposit(account, SETTLEMENT, amount),
      (call) =>
        expect(call)
          .to.be.revertedWithCustomError(vault, "CapExceeded")
          .withArgs(SETTLEMENT, amount, 600n * USDC_UNIT, 1_000n * USDC_UNIT),
    );
    await expect(vault.connect(alice).deposit(account, SETTLEMENT, ethers.MaxUint256)).to.be.revertedWithCustomError(
      vault,
      "CapExceeded",
    );
    await vault.connect(alice).deposit(account, SETTLEMENT, amount - 1n);
  });

  it("refuses every deposit while the cap is below what is held", async () => {
    const { vault, alice, account } = await loadFixture(withTightCap);
    await vault.setCap(SETTLEMENT, 500n * USDC_UNIT);

    await expect(vault.connect(alice).deposit(account, SETTLEMENT, 1n))
      .to.be.revertedWithCustomError(vault, "CapExceeded")
      .withArgs(SETTLEMENT, 1n, 600n * USDC_UNIT, 500n * USDC_UNIT);
    await vault.connect(alice).withdraw(account, SETTLEMENT, 600n * USDC_UNIT, alice);
  });

  describe("beyond the cap", () => {
    it("takes what an account lacks to its initial requirement, from anyone, and no unit more", async () => {
      const world = await loadFixture(lacking);
      const { vault, clearingHouse, setPrice, stranger, account } = world;
      await setPrice(ETH, wad("1740"));
      const state = await stateOf(world, account, await now());
      const { weighted, initial } = worseTerms(state);
      const { equity, maintenance } = betterTerms(state);
      expect(equity).to.be.greaterThan(maintenance);
      const lack = unitsUp(initial - weighted);
      expect(lack).to.be.greaterThan(1_000n * USDC_UNIT);

      await expect(vault.connect(stranger).deposit(account, SETTLEMENT, lack + 1n))
        .to.be.revertedWithCustomError(vault, "CapExceeded")
        .withArgs(SETTLEMENT, lack + 1n, await vault.held(SETTLEMENT), 0n);
      await vault.connect(stranger).deposit(account, SETTLEMENT, lack);
      const after = worseTerms(await stateOf(world, account, await now()));
      expect(after.weighted).to.be.within(after.initial, after.initial + 10n ** 12n - 1n);
      await expect(vault.connect(stranger).deposit(account, SETTLEMENT, 1n)).to.be.revertedWithCustomError(
        vault,
        "CapExceeded",
      );
      expect((await clearingHouse.accountOf(account)).cash).to.be.greaterThan(0n);
    });

    it("takes what an account's shortfall is above its limit", async () => {
      const world = await loadFixture(indebted);
      const { vault, stranger, account, parameters } = world;
      const { weighted, initial, shortfall, collateralValue } = worseTerms(await stateOf(world, account, await now()));
      const excess = shortfall - (collateralValue * BigInt(parameters.globals.shortfallInitial)) / 1_000_000n;
      expect(excess).to.be.greaterThan(initial - weighted);

      await expect(
        vault.connect(stranger).deposit(account, SETTLEMENT, unitsUp(excess) + 1n),
      ).to.be.revertedWithCustomError(vault, "CapExceeded");
      await vault.connect(stranger).deposit(account, SETTLEMENT, unitsUp(excess));
    });

    it("takes nothing for an account that lacks nothing, and no collateral", async () => {
      const world = await loadFixture(lacking);
      const { vault, tokens, setPrice, stranger, account } = world;

      for (const sound of [account, accountOf(stranger)]) {
        await expect(vault.connect(stranger).deposit(sound, SETTLEMENT, 1n)).to.be.revertedWithCustomError(
          vault,
          "CapExceeded",
        );
      }
      await setPrice(ETH, wad("1740"));
      await vault.setCap(WETH_TOKEN, 0);
      await tokens.weth.connect(stranger).deposit({ value: 1n });
      await tokens.weth.connect(stranger).approve(vault, 1n);
      await expect(vault.connect(stranger).deposit(account, WETH_TOKEN, 1n)).to.be.revertedWithCustomError(
        vault,
        "CapExceeded",
      );
    });
  });

  it("refuses a token that takes a fee", async () => {
    const world = await loadFixture(withUsdc);
    const { vault, alice, account } = world;
    const token = await ethers.deployContract("FeeOnTransferToken", [18, 100]);
    await listToken(world, token);
    await token.mint(alice, wad("100"));
    await token.connect(alice).approve(vault, wad("100"));

    await expectRefused(
      world,
      account,
      LISTED,
      () => vault.connect(alice).deposit(account, LISTED, wad("100")),
      (call) =>
        expect(call).to.be.revertedWithCustomError(vault, "FeeOnTransfer").withArgs(LISTED, wad("100"), wad("99")),
    );
  });

  it("takes a token that returns nothing", async () => {
    const world = await loadFixture(withUsdc);
    const { vault, clearingHouse, alice, account } = world;
    const token = await ethers.deployContract("NoReturnToken", [6]);
    await listToken(world, token);
    await token.mint(alice, USDC_UNIT);
    await token.connect(alice).approve(vault, USDC_UNIT);

    await vault.connect(alice).deposit(account, LISTED, USDC_UNIT);

    expect(await clearingHouse.collateralOf(account, LISTED)).to.equal(wad("1"));
    expect(await token.balanceOf(vault)).to.equal(USDC_UNIT);
  });

  it("passes a payer's lack of allowance or balance on", async () => {
    const world = await loadFixture(withUsdc);
    const { vault, tokens, bob } = world;
    const account = accountOf(bob);

    await expectRefused(
      world,
      account,
      SETTLEMENT,
      () => vault.connect(bob).deposit(account, SETTLEMENT, 5n),
      (call) =>
        expect(call).to.be.revertedWithCustomError(tokens.usdc, "ERC20InsufficientAllowance").withArgs(vault, 0n, 5n),
    );
    await tokens.usdc.connect(bob).approve(vault, 5n);
    await expectRefused(
      world,
      account,
      SETTLEMENT,
      () => vault.connect(bob).deposit(account, SETTLEMENT, 5n),
      (call) =>
        expect(call).to.be.revertedWithCustomError(tokens.usdc, "ERC20InsufficientBalance").withArgs(bob, 0n, 5n),
    );
  });

  it("passes a blacklisted payer's refusal on", async () => {
    const world = await loadFixture(withUsdc);
    const { vault, alice, account } = world;
    const token = await ethers.deployContract("BlacklistToken", [18]);
    await listToken(world, token);
    await token.mint(alice, wad("1"));
    await token.connect(alice).approve(vault, wad("1"));
    await token.setBlacklisted(alice, true);

    await expectRefused(
      world,
      account,
      LISTED,
      () => vault.connect(alice).deposit(account, LISTED, wad("1")),
      (call) => expect(call).to.be.revertedWithCustomError(token, "Blacklisted").withArgs(alice),
    );
  });

  it("is not changed by a donation", async () => {
    const { vault, clearingHouse, tokens, alice, account } = await loadFixture(withUsdc);
    await vault.connect(alice).deposit(account, SETTLEMENT, 100n);

    await tokens.usdc.connect(alice).transfer(vault, 1_000n);

    expect(await vault.held(SETTLEMENT)).to.equal(100n);
    expect(await vault.surplus(SETTLEMENT)).to.equal(1_000n);
    expect((await clearingHouse.accountOf(account)).cash).to.equal(wad("0.0001"));
    await vault.connect(alice).deposit(account, SETTLEMENT, 50n);
    expect(await vault.held(SETTLEMENT)).to.equal(150n);
    await expect(vault.connect(alice).withdraw(account, SETTLEMENT, 151n, alice)).to.be.revertedWithCustomError(
      clearingHouse,
      "InsufficientCash",
    );
    expect(await vault.surplus(SETTLEMENT)).to.equal(1_000n);
  });

  describe("of a token that calls back", () => {
    it("refuses a deposit inside", async () => {
      const world = await loadFixture(withReentrantToken);
      const { vault, clearingHouse, token, alice, account } = world;
      await token.arm(vault, vault.interface.encodeFunctionData("deposit", [account, LISTED, 1n]), true);

      await expectRefused(
        world,
        account,
        LISTED,
        () => vault.connect(alice).deposit(account, LISTED, 5n),
        (call) => expect(call).to.be.revertedWithCustomError(clearingHouse, "Locked"),
      );
    });

    it("refuses a withdrawal inside, alone or in a multicall", async () => {
      const world = await loadFixture(withReentrantToken);
      const { vault, clearingHouse, token, alice, account } = world;
      const withdraw = vault.interface.encodeFunctionData("withdraw", [account, LISTED, wad("10"), alice.address]);

      for (const data of [withdraw, vault.interface.encodeFunctionData("multicall", [[withdraw]])]) {
        await token.arm(vault, data, true);
        await expectRefused(
          world,
          account,
          LISTED,
          () => vault.connect(alice).deposit(account, LISTED, 5n),
          (call) => expect(call).to.be.revertedWithCustomError(clearingHouse, "Locked"),
        );
      }
      // Outside the token may.
      await token.arm(ethers.ZeroAddress, "0x", false);
      await vault.connect(alice).deposit(account, LISTED, 5n);
    });

    it("hides the refusal, and the deposit counts once", async () => {
      const { vault, clearingHouse, token, alice, account } = await loadFixture(withReentrantToken);
      const data = vault.interface.encodeFunctionData("withdraw", [account, LISTED, wad("10"), alice.address]);
      await token.arm(vault, data, false);

      await vault.connect(alice).deposit(account, LISTED, 5n);

      expect(await token.lastSuccess()).to.equal(false);
      expect(await token.lastResult()).to.equal(clearingHouse.interface.encodeErrorResult("Locked"));
      expect(await clearingHouse.collateralOf(account, LISTED)).to.equal(wad("10") + 5n);
      expect(await vault.held(LISTED)).to.equal(wad("10") + 5n);
    });

    it("shows no value inside", async () => {
      const { vault, clearingHouse, token, alice, account } = await loadFixture(withReentrantToken);
      const views = [
        clearingHouse.interface.encodeFunctionData("snapshot", [account]),
        clearingHouse.interface.encodeFunctionData("accountOf", [account]),
        clearingHouse.interface.encodeFunctionData("balances"),
        clearingHouse.interface.encodeFunctionData("markPool"),
      ];

      for (const data of views) {
        await token.arm(clearingHouse, data, true);
        await expect(vault.connect(alice).deposit(account, LISTED, 5n)).to.be.revertedWithCustomError(
          clearingHouse,
          "Locked",
        );
      }
    });

    it("refuses governance inside", async () => {
      const { vault, clearingHouse, authority, token, alice, account } = await loadFixture(withReentrantToken);
      await authority.grantRole(0, token, 0);
      await token.arm(vault, vault.interface.encodeFunctionData("setCap", [LISTED, 0]), true);

      await expect(vault.connect(alice).deposit(account, LISTED, 5n)).to.be.revertedWithCustomError(
        clearingHouse,
        "Locked",
      );
    });

    it("refuses every other contract's verbs inside", async () => {
      const { vault, clearingHouse, orders, pool, insuranceFund, token, alice, account } =
        await loadFixture(withReentrantToken);
      const order = { asset: ETH, delta: 1n, acceptablePrice: 0, reduceOnly: false, expiry: 0 };
      const calls: [{ getAddress(): Promise<string> }, string][] = [
        [orders, orders.interface.encodeFunctionData("submit", [account, order])],
        [pool, pool.interface.encodeFunctionData("requestRedeem", [1n, alice.address, alice.address])],
        [insuranceFund, insuranceFund.interface.encodeFunctionData("contribute", [account, 1n])],
        [clearingHouse, clearingHouse.interface.encodeFunctionData("markPool")],
      ];

      for (const [target, data] of calls) {
        await token.arm(await target.getAddress(), data, true);
        await expect(vault.connect(alice).deposit(account, LISTED, 5n)).to.be.revertedWithCustomError(
          clearingHouse,
          "Locked",
        );
      }
    });
  });
});
