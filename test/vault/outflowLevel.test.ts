import { expect } from "chai";

import { deploy, loadFixture, time } from "../fixture.ts";
import { DAY, SETTLEMENT, wad } from "../parameters.ts";

const USDC_UNIT = 10n ** 6n;
const LIMIT = 50_000n * USDC_UNIT;

/** Limited to 50,000 a day; alice has 400,000 for longer than a window, and 100,000 just now. */
async function flowing() {
  const world = await deploy((parameters) => {
    parameters.custody.usdc = { cap: 1_000_000n * USDC_UNIT, outflowLimit: LIMIT };
  });
  await world.fund(world.alice, wad("400_000"));
  await time.increase(2 * DAY);
  const account = await world.fund(world.alice, wad("100_000"));
  const available = async () => (await world.vault.limitsOf(SETTLEMENT)).available;
  return { ...world, account, available };
}

describe("Vault's level of outflow", () => {
  it("forgets an inflow when the limit changes", async () => {
    const { vault, available } = await loadFixture(flowing);
    expect(await available()).to.be.greaterThan(2n * LIMIT);

    await vault.setOutflowLimit(SETTLEMENT, 2n * LIMIT);
    expect(await available()).to.equal(2n * LIMIT);
  });

  it("refuses by its own error an amount that is too many limits for the level to count", async () => {
    const { vault, alice, account } = await loadFixture(flowing);
    await vault.setCap(SETTLEMENT, 20n);
    await vault.setOutflowLimit(SETTLEMENT, 1n);

    const amount = 500_000n * USDC_UNIT;
    await expect(vault.connect(alice).withdraw(account, SETTLEMENT, amount, alice))
      .to.be.revertedWithCustomError(vault, "OutflowLimited")
      .withArgs(SETTLEMENT, amount, 1n);
  });
});
