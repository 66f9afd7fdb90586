import { expect } from "chai";

import { deploy, loadFixture, time } from "../fixture.ts";
import { DAY, SETTLEMENT, wad } from "../parameters.ts";
import { LISTED } from "./helpers.ts";

const USDC_UNIT = 10n ** 6n;
const CAP = 1_000_000n * USDC_UNIT;

async function limited() {
  const world = await deploy((parameters) => {
    parameters.custody.usdc = { cap: CAP, outflowLimit: CAP / 10n };
  });
  const account = await world.fund(world.alice, wad("500_000"));
  return { ...world, account };
}

describe("Vault.setOutflowLimit", () => {
  it("keeps what has flowed out", async () => {
    const { vault, alice, account } = await loadFixture(limited);
    await time.increase(2 * DAY);
    await vault.connect(alice).withdraw(account, SETTLEMENT, CAP / 10n, alice);

    await vault.setOutflowLimit(SETTLEMENT, CAP / 5n);
    const { available } = await vault.limitsOf(SETTLEMENT);
    expect(available - CAP / 10n).to.be.within(0n, CAP / 10n / 10_000n);

    await vault.setOutflowLimit(SETTLEMENT, CAP / 20n);
    expect((await vault.limitsOf(SETTLEMENT)).available).to.equal(0n);
  });

  it("refuses a limit that would lock holders in", async () => {
    const { vault } = await loadFixture(limited);

    await expect(vault.setOutflowLimit(SETTLEMENT, CAP / 20n - 1n))
      .to.be.revertedWithCustomError(vault, "OutflowLimitTooLow")
      .withArgs(SETTLEMENT, CAP / 20n - 1n, CAP / 20n);
    await expect(vault.setOutflowLimit(SETTLEMENT, CAP / 20n))
      .to.emit(vault, "OutflowLimitChanged")
      .withArgs(SETTLEMENT, CAP / 20n);
  });

  it("refuses an unknown token, and everybody but its role", async () => {
    const { vault, alice } = await loadFixture(limited);

    await expect(vault.setOutflowLimit(LISTED, 1n))
      .to.be.revertedWithCustomError(vault, "UnknownToken")
      .withArgs(LISTED);
    await expect(vault.connect(alice).setOutflowLimit(SETTLEMENT, 0n))
      .to.be.revertedWithCustomError(vault, "AccessManagedUnauthorized")
      .withArgs(alice);
  });
});
