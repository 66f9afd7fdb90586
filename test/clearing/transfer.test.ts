import { expect } from "chai";

import { accountOf, funded, time } from "../fixture.ts";
import { BTC, ETH, SETTLEMENT, wad, WBTC_TOKEN, WETH_TOKEN } from "../parameters.ts";
import { cashOf, expectConserved, load, nextSecond, stateOf, worseTerms } from "./support.ts";

const TRANSFER = 2n;

describe("ClearingHouse.transfer", () => {
  afterEach(expectConserved);

  it("moves cash", async () => {
    const world = await load(funded);
    const { clearingHouse, alice } = world;
    const [from, to] = [accountOf(alice), accountOf(alice, 7n)];

    await expect(clearingHouse.connect(alice).transfer(from, to, SETTLEMENT, 1n))
      .to.emit(clearingHouse, "Transferred")
      .withArgs(from, to, SETTLEMENT, 1n);

    expect(await cashOf(world, from)).to.equal(wad("100_000") - 1n);
    expect(await cashOf(world, to)).to.equal(1n);
  });

  it("moves collateral, and forgets a kind of which nothing is left", async () => {
    const { clearingHouse, fundCollateral, alice } = await load(funded);
    const [from, to] = [await fundCollateral(alice, WETH_TOKEN, wad("3")), accountOf(alice, 1n)];
    const move = (amount: bigint) => clearingHouse.connect(alice).transfer(from, to, WETH_TOKEN, amount);

    await move(wad("1"));
    expect(await clearingHouse.collateralOf(from, WETH_TOKEN)).to.equal(wad("2"));
    expect(await clearingHouse.collateralOf(to, WETH_TOKEN)).to.equal(wad("1"));
    expect((await clearingHouse.accountOf(from)).collaterals).to.equal(1n);
    await move(wad("2"));
    expect((await clearingHouse.accountOf(from)).collaterals).to.equal(0n);
    expect((await clearingHouse.accountOf(to)).collaterals).to.equal(1n);
  });

  it("lets an operator of the source bring a kind of collateral that the target does not have", async () => {
    const { clearingHouse, fundCollateral, alice, bob } = await load(funded);
    const [from, to] = [await fundCollateral(alice, WETH_TOKEN, wad("3")), accountOf(alice, 1n)];
    await clearingHouse.connect(alice).setOperator(from, bob, TRANSFER, (await time.latest()) + 100, 0);

    await clearingHouse.connect(bob).transfer(from, to, WETH_TOKEN, wad("3"));

    expect(await clearingHouse.collateralOf(to, WETH_TOKEN)).to.equal(wad("3"));
  });

  it("moves all that the initial requirement leaves free, and not a wei more", async () => {
    const world = await load(funded);
    const { clearingHouse, trade, alice } = world;
    const [from, to] = [accountOf(alice), accountOf(alice, 1n)];
    await trade(from, ETH, wad("100"));
    await trade(from, BTC, wad("-3"));
    const free = async () => {
      const terms = worseTerms(await stateOf(world, from, await nextSecond()));
      return { room: terms.weighted - terms.initial, initial: terms.initial };
    };

    const { room, initial } = await free();
    await expect(clearingHouse.connect(alice).transfer(from, to, SETTLEMENT, room + 1n))
      .to.be.revertedWithCustomError(clearingHouse, "InsufficientMargin")
      .withArgs(from, initial - 1n, initial, 0n);
    await clearingHouse.connect(alice).transfer(from, to, SETTLEMENT, (await free()).room);
  });

  it("refuses collateral whose loss leaves too much owed against the rest", async () => {
    const world = await load(funded);
    const { clearingHouse, fundCollateral, trade, alice } = world;
    const [from, to] = [await fundCollateral(alice, WETH_TOKEN, wad("10"), 1n), accountOf(alice, 2n)];
    // The escrow of an order is owed at once: 6 bp of 9000.
    await trade(from, ETH, wad("5"));
    const { cash } = await clearingHouse.accountOf(from);
    expect(cash).to.be.lessThan(0n);

    await expect(clearingHouse.connect(alice).transfer(from, to, WETH_TOKEN, wad("9.99")))
      .to.be.revertedWithCustomError(clearingHouse, "InsufficientMargin")
      .withArgs(
        from,
        (equity: bigint) => equity < wad("18"),
        (initial: bigint) => initial > wad("625"),
        (h: bigint) => h > 0n,
      );
  });

  it("refuses the account of another, and the account itself", async () => {
    const { clearingHouse, alice, bob } = await load(funded);
    const from = accountOf(alice);

    for (const to of [accountOf(bob), from]) {
      await expect(clearingHouse.connect(alice).transfer(from, to, SETTLEMENT, 1n))
        .to.be.revertedWithCustomError(clearingHouse, "NotOwnSubAccounts")
        .withArgs(from, to);
    }
  });

  it("refuses a stranger", async () => {
    const { clearingHouse, alice, stranger } = await load(funded);
    const from = accountOf(alice);

    await expect(clearingHouse.connect(stranger).transfer(from, accountOf(stranger), SETTLEMENT, 1n))
      .to.be.revertedWithCustomError(clearingHouse, "NotAuthorized")
      .withArgs(from, stranger, TRANSFER);
  });

  it("refuses out of an account with a pending order, and allows into it", async () => {
    const { clearingHouse, submit, fund, alice } = await load(funded);
    const [from, to] = [accountOf(alice), await fund(alice, wad("10"), 1n)];
    await submit(from, ETH, wad("1"));

    await expect(clearingHouse.connect(alice).transfer(from, to, SETTLEMENT, 1n))
      .to.be.revertedWithCustomError(clearingHouse, "OrderPending")
      .withArgs(from, 1n);
    await clearingHouse.connect(alice).transfer(to, from, SETTLEMENT, wad("10"));
  });

  it("refuses zero, more than there is, and a token that is not listed", async () => {
    const { clearingHouse, alice } = await load(funded);
    const [from, to] = [accountOf(alice), accountOf(alice, 1n)];
    const transfer = (token: number, amount: bigint) => clearingHouse.connect(alice).transfer(from, to, token, amount);

    await expect(transfer(SETTLEMENT, 0n)).to.be.revertedWithCustomError(clearingHouse, "ZeroAmount");
    await expect(transfer(SETTLEMENT, wad("100_000") + 1n))
      .to.be.revertedWithCustomError(clearingHouse, "InsufficientCash")
      .withArgs(from, wad("100_000"), wad("100_000") + 1n);
    await expect(transfer(WBTC_TOKEN, 1n))
      .to.be.revertedWithCustomError(clearingHouse, "InsufficientCollateral")
      .withArgs(from, WBTC_TOKEN, 0n, 1n);
    await expect(transfer(9, 1n)).to.be.revertedWithCustomError(clearingHouse, "UnknownCollateral").withArgs(9);
  });
});
