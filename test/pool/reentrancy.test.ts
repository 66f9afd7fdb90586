import { expect } from "chai";

import { ethers, loadFixture, networkHelpers } from "../fixture.ts";
import { SETTLEMENT, wad } from "../parameters.ts";
import { DEPOSIT, fulfilled, MINT, USDC } from "./helpers.ts";

const ANYBODY = "0x00000000000000000000000000000000000000A1";

/** Verbs of the pool and the error that a call in the middle of a withdrawal ends with. */
const INSIDE: readonly (readonly [name: string, args: readonly unknown[], error: string])[] = [
  ["requestDeposit", [1n, ANYBODY, ANYBODY], "ReentrancyGuardReentrantCall"],
  ["requestRedeem", [1n, ANYBODY, ANYBODY], "Locked"],
  ["fulfill", [1n], "Locked"],
  [DEPOSIT, [1n, ANYBODY, ANYBODY], "Locked"],
  [MINT, [1n, ANYBODY, ANYBODY], "Locked"],
  ["deposit(uint256,address)", [1n, ANYBODY], "Locked"],
  ["mint(uint256,address)", [1n, ANYBODY], "Locked"],
  ["redeem", [1n, ANYBODY, ANYBODY], "ReentrancyGuardReentrantCall"],
  ["withdraw", [1n, ANYBODY, ANYBODY], "ReentrancyGuardReentrantCall"],
  ["setOperator", [ANYBODY, true], "Locked"],
  ["totalAssets", [], "Locked"],
  ["convertToShares", [1n], "Locked"],
  ["convertToAssets", [1n], "Locked"],
];

describe("LiquidityPool, from inside a transfer of its asset", () => {
  for (const [name, args, error] of INSIDE) {
    it(`refuses ${name} while it pays`, async () => {
      const { pool, clearingHouse, hooks, provider } = await loadFixture(withHooks);
      const data = pool.interface.encodeFunctionData(name as never, args as never);
      await hooks.arm(pool, data, false);

      await pool.connect(provider).redeem(wad("500"), provider, provider);

      expect(await hooks.attempts()).to.equal(1n);
      const reason = await hooks.lastResult();
      const named = pool.interface.parseError(reason) ?? clearingHouse.interface.parseError(reason);
      expect([await hooks.lastSuccess(), named?.name]).to.deep.equal([false, error]);
    });
  }

  for (const name of ["requestDeposit", "redeem", "withdraw"] as const) {
    it(`refuses ${name} while it takes`, async () => {
      const { pool, hooks, bob } = await loadFixture(withHooks);
      await hooks.arm(pool, pool.interface.encodeFunctionData(name as "redeem", [1n, ANYBODY, ANYBODY]), false);

      await pool.connect(bob).requestDeposit(5n, bob, bob);

      expect(await hooks.attempts()).to.equal(1n);
      expect(pool.interface.parseError(await hooks.lastResult())?.name).to.equal("ReentrancyGuardReentrantCall");
    });
  }

  it("shows a claim as made while it pays", async () => {
    const { pool, hooks, provider } = await loadFixture(withHooks);
    await hooks.arm(pool, pool.interface.encodeFunctionData("maxRedeem", [provider.address]), false);

    await pool.connect(provider).redeem(wad("400"), provider, provider);

    expect(BigInt(await hooks.lastResult())).to.equal(wad("600"));
  });

  it("shows the value of before while it takes, and nothing of the request", async () => {
    const { pool, vault, hooks, bob } = await loadFixture(withHooks);
    const before = await pool.totalAssets();
    const held = await vault.held(SETTLEMENT);
    await hooks.arm(pool, pool.interface.encodeFunctionData("totalAssets"), false);

    await pool.connect(bob).requestDeposit(100n * USDC, bob, bob);

    expect(BigInt(await hooks.lastResult())).to.equal(before);
    expect(await vault.held(SETTLEMENT)).to.equal(held + 100n * USDC);
  });
});

/** As `fulfilled`; the settlement token has become one that calls out in the middle of a transfer. */
async function withHooks() {
  const world = await fulfilled();
  const { tokens, bob, pool } = world;
  const template = await ethers.deployContract("ReentrantToken", [6]);
  const address = await tokens.usdc.getAddress();
  await networkHelpers.setCode(address, await ethers.provider.getCode(template));
  await tokens.usdc.mint(bob, 1_000n * USDC);
  await tokens.usdc.connect(bob).approve(pool, ethers.MaxUint256);
  return { ...world, hooks: await ethers.getContractAt("ReentrantToken", address) };
}
