import { expect } from "chai";

import { accountOf, empty, ethers, loadFixture, time } from "../fixture.ts";
import { HOUR, SETTLEMENT, wad } from "../parameters.ts";
import { expectRefused, LISTED, listToken } from "./helpers.ts";

const AMOUNT = 1_000_000n;

async function withUsdc() {
  const world = await empty();
  const { vault, tokens, alice, bob } = world;
  await tokens.usdc.mint(alice, 10n * AMOUNT);
  await tokens.usdc.mint(bob, 10n * AMOUNT);
  const deadline = (await time.latest()) + HOUR;

  /** Alice's permit to the vault; `value` may differ from what is deposited. */
  async function sign(value = AMOUNT) {
    const { name, version, chainId, verifyingContract } = await tokens.usdc.eip712Domain();
    const domain = { name, version, chainId, verifyingContract };
    const types = {
      Permit: [
        { name: "owner", type: "address" },
        { name: "spender", type: "address" },
        { name: "value", type: "uint256" },
        { name: "nonce", type: "uint256" },
        { name: "deadline", type: "uint256" },
      ],
    };
    const nonce = await tokens.usdc.nonces(alice);
    const message = { owner: alice.address, spender: await vault.getAddress(), value, nonce, deadline };
    return ethers.Signature.from(await alice.signTypedData(domain, types, message));
  }
  return { ...world, account: accountOf(alice), deadline, sign };
}

describe("Vault.depositWithPermit", () => {
  it("needs no allowance before and leaves none", async () => {
    const { vault, clearingHouse, tokens, alice, account, deadline, sign } = await loadFixture(withUsdc);
    const { v, r, s } = await sign();

    await vault.connect(alice).depositWithPermit(account, SETTLEMENT, AMOUNT, deadline, v, r, s);

    expect((await clearingHouse.accountOf(account)).cash).to.equal(wad("1"));
    expect(await tokens.usdc.allowance(alice, vault)).to.equal(0n);
  });

  it("works when somebody else has used the permit first", async () => {
    const { vault, clearingHouse, tokens, alice, stranger, account, deadline, sign } = await loadFixture(withUsdc);
    const { v, r, s } = await sign();
    await tokens.usdc.connect(stranger).permit(alice, vault, AMOUNT, deadline, v, r, s);

    await vault.connect(alice).depositWithPermit(account, SETTLEMENT, AMOUNT, deadline, v, r, s);

    expect((await clearingHouse.accountOf(account)).cash).to.equal(wad("1"));
  });

  it("refuses a permit that has been spent", async () => {
    const world = await loadFixture(withUsdc);
    const { vault, alice, account, deadline, sign } = world;
    const { v, r, s } = await sign();
    const verb = vault.connect(alice);
    await verb.depositWithPermit(account, SETTLEMENT, AMOUNT, deadline, v, r, s);

    await expectRefused(
      world,
      account,
      SETTLEMENT,
      () => verb.depositWithPermit(account, SETTLEMENT, AMOUNT, deadline, v, r, s),
      (call) => expect(call).to.be.revertedWithCustomError(vault, "PermitRefused").withArgs(SETTLEMENT, AMOUNT, 0n),
    );
  });

  it("refuses a permit for another amount, from another caller, or after its deadline", async () => {
    const world = await loadFixture(withUsdc);
    const { vault, alice, bob, account, deadline, sign } = world;
    const { v, r, s } = await sign(AMOUNT - 1n);
    const full = await sign();
    const refused = (call: Promise<unknown>) =>
      expect(call).to.be.revertedWithCustomError(vault, "PermitRefused").withArgs(SETTLEMENT, AMOUNT, 0n);
    const expectPermitRefused = (call: () => Promise<unknown>) =>
      expectRefused(world, account, SETTLEMENT, call, refused);

    await expectPermitRefused(() =>
      vault.connect(alice).depositWithPermit(account, SETTLEMENT, AMOUNT, deadline, v, r, s),
    );
    await expectPermitRefused(() =>
      vault.connect(bob).depositWithPermit(account, SETTLEMENT, AMOUNT, deadline, full.v, full.r, full.s),
    );
    await time.increase(2 * HOUR);
    await expectPermitRefused(() =>
      vault.connect(alice).depositWithPermit(account, SETTLEMENT, AMOUNT, deadline, full.v, full.r, full.s),
    );
  });

  it("relies on the allowance where the token has no permits", async () => {
    const world = await loadFixture(withUsdc);
    const { vault, clearingHouse, alice, account, deadline } = world;
    const token = await ethers.deployContract("NoReturnToken", [6]);
    await listToken(world, token);
    await token.mint(alice, AMOUNT);
    const deposit = () =>
      vault.connect(alice).depositWithPermit(account, LISTED, AMOUNT, deadline, 27, ethers.ZeroHash, ethers.ZeroHash);

    await expectRefused(world, account, LISTED, deposit, (call) =>
      expect(call).to.be.revertedWithCustomError(vault, "PermitRefused").withArgs(LISTED, AMOUNT, 0n),
    );
    await token.connect(alice).approve(vault, AMOUNT);
    await deposit();
    expect(await clearingHouse.collateralOf(account, LISTED)).to.equal(wad("1"));
  });

  it("refuses zero and a token that is not listed", async () => {
    const { vault, clearingHouse, alice, account, deadline, sign } = await loadFixture(withUsdc);
    const { v, r, s } = await sign(0n);

    await expect(
      vault.connect(alice).depositWithPermit(account, SETTLEMENT, 0n, deadline, v, r, s),
    ).to.be.revertedWithCustomError(clearingHouse, "ZeroAmount");
    await expect(vault.connect(alice).depositWithPermit(account, LISTED, 1n, deadline, v, r, s))
      .to.be.revertedWithCustomError(vault, "UnknownToken")
      .withArgs(LISTED);
  });
});
