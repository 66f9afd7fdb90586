import { expect } from "chai";
import fc from "fast-check";

import { accountOf, deploy, loadFixture, networkHelpers, time } from "../fixture.ts";
import { DAY, SETTLEMENT, wad } from "../parameters.ts";
import { expectRefused } from "./helpers.ts";

const USDC_UNIT = 10n ** 6n;
const CAP = 1_000_000n * USDC_UNIT;
const LIMIT = 50_000n * USDC_UNIT;
const WINDOW = BigInt(DAY);

/** Limited to 50,000 a day; alice has 500,000 for longer than a window. */
async function limited() {
  const world = await deploy((parameters) => {
    parameters.custody.usdc = { cap: CAP, outflowLimit: LIMIT };
  });
  const { vault, alice, tokens } = world;
  const account = await world.fund(alice, wad("500_000"));
  await tokens.usdc.mint(alice, CAP);
  await time.increase(2 * DAY);

  /** Both at a time of their own, so that the sums are exact. */
  const withdraw = async (amount: bigint, at?: bigint) => {
    if (at !== undefined) await time.setNextBlockTimestamp(at);
    return vault.connect(alice).withdraw(account, SETTLEMENT, amount, alice);
  };
  const deposit = async (amount: bigint) => vault.connect(alice).deposit(account, SETTLEMENT, amount);
  const available = async () => (await vault.limitsOf(SETTLEMENT)).available;
  const encode = (verb: "deposit" | "withdraw", amount: bigint) =>
    verb === "deposit"
      ? vault.interface.encodeFunctionData("deposit", [account, SETTLEMENT, amount])
      : vault.interface.encodeFunctionData("withdraw", [account, SETTLEMENT, amount, alice.address]);
  return { ...world, account, withdraw, deposit, available, encode };
}

describe("Vault's outflow limit", () => {
  it("lets the limit out and not a unit more", async () => {
    const world = await loadFixture(limited);
    const { vault, withdraw, available, account } = world;
    expect(await available()).to.equal(LIMIT);
    const at = BigInt(await time.latest()) + 10n;

    await withdraw(LIMIT - 100n * USDC_UNIT, at);
    expect(await available()).to.equal(100n * USDC_UNIT);
    await time.setNextBlockTimestamp(at + 1n);
    const left = 100n * USDC_UNIT + LIMIT / WINDOW;
    await expectRefused(
      world,
      account,
      SETTLEMENT,
      () => withdraw(left + 60n),
      (call) =>
        expect(call)
          .to.be.revertedWithCustomError(vault, "OutflowLimited")
          .withArgs(SETTLEMENT, left + 60n, (amount: bigint) => amount <= left && amount > left - 60n),
    );
  });

  it("refuses an amount beyond the whole limit", async () => {
    const { vault, withdraw } = await loadFixture(limited);

    await expect(withdraw(LIMIT + 1n))
      .to.be.revertedWithCustomError(vault, "OutflowLimited")
      .withArgs(SETTLEMENT, LIMIT + 1n, LIMIT);
    await withdraw(LIMIT);
  });

  it("frees itself linearly within 24 hours", async () => {
    const { withdraw, available } = await loadFixture(limited);
    const at = BigInt(await time.latest()) + 10n;
    await withdraw(LIMIT, at);

    for (const quarter of [0n, 1n, 2n, 3n, 4n]) {
      if (quarter !== 0n) await time.increaseTo(at + (quarter * WINDOW) / 4n);
      expect(await available()).to.equal((quarter * LIMIT) / 4n);
    }
    await time.increase(30 * DAY);
    expect(await available()).to.equal(LIMIT);
  });

  it("counts a deposit against what has flowed out", async () => {
    const { withdraw, deposit, available } = await loadFixture(limited);
    await withdraw(LIMIT);
    await deposit(LIMIT / 2n);

    expect(await available()).to.be.at.least(LIMIT / 2n);
    await withdraw(LIMIT / 2n);
  });

  it("cannot be used up with a borrowed amount", async () => {
    const { vault, alice, available, encode } = await loadFixture(limited);

    for (const amount of [LIMIT, 9n * LIMIT]) {
      await vault.connect(alice).multicall([encode("deposit", amount), encode("withdraw", amount)]);
      expect(await available()).to.equal(LIMIT);
    }
  });

  it("cannot be used up by dust", async () => {
    const { vault, alice, available, encode } = await loadFixture(limited);
    const withdrawals = Array.from({ length: 100 }, () => encode("withdraw", 1n));

    await vault.connect(alice).multicall(withdrawals);

    expect(LIMIT - (await available())).to.be.at.most(LIMIT / 10_000_000n);
  });

  it("forgets an inflow within 24 hours", async () => {
    const { vault, deposit, withdraw, available } = await loadFixture(limited);
    await deposit(4n * LIMIT);
    const at = await time.latest();
    expect(await available()).to.equal(5n * LIMIT);

    await time.increaseTo(at + DAY / 2);
    expect(await available()).to.equal(3n * LIMIT);
    await time.increaseTo(at + DAY);
    expect(await available()).to.equal(LIMIT);
    await expect(withdraw(LIMIT + 1n)).to.be.revertedWithCustomError(vault, "OutflowLimited");
  });

  it("is never beaten by splitting over time", async () => {
    const world = await loadFixture(limited);
    const { vault, alice, account, available } = world;
    const start = await networkHelpers.takeSnapshot();
    const step = fc.record({ wait: fc.integer({ min: 1, max: DAY / 4 }), share: fc.integer({ min: 1, max: 1000 }) });

    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        await start.restore();
        const begin = BigInt(await time.latest());
        let out = 0n;
        for (const { wait, share } of steps) {
          await time.increase(wait);
          const amount = ((await available()) * BigInt(share)) / 1000n;
          if (amount === 0n) continue;
          await vault.connect(alice).withdraw(account, SETTLEMENT, amount, alice);
          out += amount;
          const elapsed = BigInt(await time.latest()) - begin;
          expect(out).to.be.at.most(LIMIT + (LIMIT * elapsed) / WINDOW);
        }
      }),
      { numRuns: 25, seed: 7 },
    );
  });

  it("is off when zero", async () => {
    const { vault, withdraw, available } = await loadFixture(limited);
    await vault.setOutflowLimit(SETTLEMENT, 0);

    await withdraw(10n * LIMIT);
    expect(await available()).to.equal(0n);
  });

  it("does not hold collateral back", async () => {
    const { vault, fundCollateral, withdraw, alice } = await loadFixture(limited);
    await withdraw(LIMIT);
    const account = await fundCollateral(alice, 0, wad("1"));

    await vault.connect(alice).withdraw(account, 0, wad("1"), alice);
    expect(account).to.equal(accountOf(alice));
  });
});
