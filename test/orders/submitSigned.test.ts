import { expect } from "chai";

import { accountOf, ethers, funded, loadFixture, receiptOf, time, type World } from "../fixture.ts";
import { BTC, ETH, SETTLEMENT, wad } from "../parameters.ts";
import { domainOf, eventOf, order, ORDER_TYPES, signOrder } from "./helpers.ts";

const INPUT = order(ETH, wad("1"), { acceptablePrice: wad("1850") });

async function signed(world: World, signer = world.alice, nonce = 0n, input = INPUT) {
  const account = accountOf(world.alice);
  const deadline = (await time.latest()) + 100;
  return { account, deadline, signature: await signOrder(world, signer, { ...input, account, nonce, deadline }) };
}

describe("Orders.submitSigned", () => {
  it("submits for the owner, whoever sends it", async () => {
    const world = await loadFixture(funded);
    const { account, deadline, signature } = await signed(world);
    const receipt = await receiptOf(
      world.orders.connect(world.stranger).submitSigned(account, INPUT, 0n, deadline, signature),
    );
    expect(eventOf(world, receipt, "OrderSubmitted").getValue("account")).to.equal(account);
    expect(await world.orders["nonces(address)"](world.alice)).to.equal(1n);
  });

  it("refuses another signer, even an operator", async () => {
    const world = await loadFixture(funded);
    const { account, deadline, signature } = await signed(world, world.bob);
    const until = (await time.latest()) + 1000;
    await world.clearingHouse.connect(world.alice).setOperator(account, world.bob, 7, until, 10n ** 12n);
    await expect(world.orders.connect(world.bob).submitSigned(account, INPUT, 0n, deadline, signature))
      .to.be.revertedWithCustomError(world.orders, "InvalidSignature")
      .withArgs(world.alice.address);
  });

  it("refuses anything else than what was signed", async () => {
    const world = await loadFixture(funded);
    const { account, deadline, signature } = await signed(world);
    const other = [
      [accountOf(world.alice, 1n), INPUT, 0n, deadline],
      [account, { ...INPUT, asset: BTC }, 0n, deadline],
      [account, { ...INPUT, delta: -INPUT.delta }, 0n, deadline],
      [account, { ...INPUT, acceptablePrice: 0n }, 0n, deadline],
      [account, { ...INPUT, reduceOnly: true }, 0n, deadline],
      [account, { ...INPUT, expiry: deadline }, 0n, deadline],
      [account, INPUT, 1n << 64n, deadline],
      [account, INPUT, 0n, deadline + 1],
    ] as const;
    for (const values of other) {
      await expect(world.orders.submitSigned(...values, signature)).to.be.revertedWithCustomError(
        world.orders,
        "InvalidSignature",
      );
    }
  });

  it("refuses a signature of another chain or contract", async () => {
    const world = await loadFixture(funded);
    const account = accountOf(world.alice);
    const deadline = (await time.latest()) + 100;
    const domain = await domainOf(world);
    for (const other of [
      { ...domain, chainId: 1n },
      { ...domain, verifyingContract: await world.vault.getAddress() },
    ]) {
      const signature = await world.alice.signTypedData(other, ORDER_TYPES, { ...INPUT, account, nonce: 0n, deadline });
      await expect(world.orders.submitSigned(account, INPUT, 0n, deadline, signature)).to.be.revertedWithCustomError(
        world.orders,
        "InvalidSignature",
      );
    }
  });

  it("refuses a replay and a nonce out of turn", async () => {
    const world = await loadFixture(funded);
    const { account, deadline, signature } = await signed(world);
    await world.orders.submitSigned(account, INPUT, 0n, deadline, signature);
    await expect(world.orders.submitSigned(account, INPUT, 0n, deadline, signature))
      .to.be.revertedWithCustomError(world.orders, "InvalidAccountNonce")
      .withArgs(world.alice.address, 1n);
    const third = await signed(world, world.alice, 2n);
    await expect(
      world.orders.submitSigned(account, INPUT, 2n, third.deadline, third.signature),
    ).to.be.revertedWithCustomError(world.orders, "InvalidAccountNonce");
  });

  it("takes nonces of other keys in any order", async () => {
    const world = await loadFixture(funded);
    const input = { ...INPUT, reduceOnly: true };
    for (const nonce of [7n << 64n, 0n, 3n << 64n, (7n << 64n) + 1n]) {
      const { account, deadline, signature } = await signed(world, world.alice, nonce, input);
      await world.orders.submitSigned(account, input, nonce, deadline, signature);
    }
  });

  it("refuses a signature past its deadline", async () => {
    const world = await loadFixture(funded);
    const { account, deadline, signature } = await signed(world);
    await time.setNextBlockTimestamp(deadline + 1);
    await expect(world.orders.submitSigned(account, INPUT, 0n, deadline, signature))
      .to.be.revertedWithCustomError(world.orders, "SignatureExpired")
      .withArgs(deadline, deadline + 1);
  });

  it("refuses what the owner has voided", async () => {
    const world = await loadFixture(funded);
    const { account, deadline, signature } = await signed(world);
    await world.orders.connect(world.bob).useNonce(0n); // concerns bob alone
    await world.orders.connect(world.alice).useNonce(0n);
    await expect(world.orders.submitSigned(account, INPUT, 0n, deadline, signature)).to.be.revertedWithCustomError(
      world.orders,
      "InvalidAccountNonce",
    );
  });

  it("asks an owner that is a contract (ERC-1271)", async () => {
    const world = await loadFixture(funded);
    const wallet = await ethers.deployContract("ContractWallet");
    const account = accountOf(await wallet.getAddress());
    const units = 10_000n * 10n ** 6n;
    await world.tokens.usdc.mint(world.bob, units);
    await world.tokens.usdc.connect(world.bob).approve(world.vault, units);
    await world.vault.connect(world.bob).deposit(account, SETTLEMENT, units);

    const deadline = (await time.latest()) + 100;
    const values = { ...INPUT, account, nonce: 0n, deadline };
    const digest = ethers.TypedDataEncoder.hash(await domainOf(world), ORDER_TYPES, values);
    await expect(world.orders.submitSigned(account, INPUT, 0n, deadline, "0x"))
      .to.be.revertedWithCustomError(world.orders, "InvalidSignature")
      .withArgs(await wallet.getAddress());
    await wallet.approve(digest);
    await world.orders.submitSigned(account, INPUT, 0n, deadline, "0x");
    expect(await world.orders.isPending(account, 0n)).to.equal(true);
  });
});
