import { expect } from "chai";

import { deploy, loadFixture } from "../fixture.ts";
import { SETTLEMENT, wad } from "../parameters.ts";
import { LISTED } from "./helpers.ts";

const USDC_UNIT = 10n ** 6n;
const CAP = 1_000_000n * USDC_UNIT;

async function limited() {
  const world = await deploy((parameters) => {
    parameters.custody.usdc = { cap: CAP, outflowLimit: CAP / 10n };
  });
  await world.fund(world.alice, wad("500_000"));
  return world;
}

describe("Vault.setCap", () => {
  it("changes the cap and nothing else", async () => {
    const { vault } = await loadFixture(limited);
    const held = await vault.held(SETTLEMENT);

    await expect(vault.setCap(SETTLEMENT, 5n)).to.emit(vault, "CapChanged").withArgs(SETTLEMENT, 5n);

    expect(await vault.held(SETTLEMENT)).to.equal(held);
    expect((await vault.limitsOf(SETTLEMENT)).outflowLimit).to.equal(CAP / 10n);
  });

  it("refuses a cap that could not leave within 20 windows", async () => {
    const { vault } = await loadFixture(limited);

    await vault.setCap(SETTLEMENT, 2n * CAP);
    await expect(vault.setCap(SETTLEMENT, 2n * CAP + 1n))
      .to.be.revertedWithCustomError(vault, "OutflowLimitTooLow")
      .withArgs(SETTLEMENT, CAP / 10n, CAP / 10n + 1n);
  });

  it("refuses an unknown token, and everybody but its role", async () => {
    const { vault, alice } = await loadFixture(limited);

    await expect(vault.setCap(LISTED, 1n)).to.be.revertedWithCustomError(vault, "UnknownToken").withArgs(LISTED);
    await expect(vault.connect(alice).setCap(SETTLEMENT, 1n))
      .to.be.revertedWithCustomError(vault, "AccessManagedUnauthorized")
      .withArgs(alice);
  });
});
