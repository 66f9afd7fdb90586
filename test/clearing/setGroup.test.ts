import { expect } from "chai";

import { accountOf, empty, ethers, time } from "../fixture.ts";
import { BTC, DAY, ETH, wad } from "../parameters.ts";
import { still } from "./scenarios.ts";
import { expectConserved, load } from "./support.ts";

/** Own risk in place of the group's. */
const APART = { beta: 0n, sigma: 30_000n, gamma: 3_000n, kappa: 50_000n };

describe("ClearingHouse.setGroup", () => {
  afterEach(expectConserved);

  it("changes no requirement, not even a hedge's, where it is allowed", async () => {
    const world = await load(apart);
    const { clearingHouse, lens, alice } = world;
    const before = await lens.account(accountOf(alice));

    await expect(clearingHouse.setGroup(ETH, 3)).to.emit(clearingHouse, "AssetGroupChanged").withArgs(ETH, 3);
    const after = await lens.account(accountOf(alice));
    expect([after.maintenance, after.initial]).to.deep.equal([before.maintenance, before.initial]);
    const [risk] = await clearingHouse.parametersOf(ETH);
    expect(risk >> 248n).to.equal(3n);
  });

  it("leaves all else of the asset as it is", async () => {
    const { clearingHouse } = await load(apart);
    const [before] = await clearingHouse.parametersOf(ETH);

    await clearingHouse.setGroup(ETH, 9);
    const [after] = await clearingHouse.parametersOf(ETH);
    expect(after & (2n ** 248n - 1n)).to.equal(before & (2n ** 248n - 1n));
  });

  it("refuses an asset whose beta counts, during the ramp that takes it away too", async () => {
    const { clearingHouse } = await load(empty);

    await expect(clearingHouse.setGroup(ETH, 1))
      .to.be.revertedWithCustomError(clearingHouse, "GroupInUse")
      .withArgs(ETH, 50_000n);
    await clearingHouse.rampRisk(ETH, APART, DAY);
    await time.increase(DAY - 2);
    await expect(clearingHouse.setGroup(ETH, 1))
      .to.be.revertedWithCustomError(clearingHouse, "GroupInUse")
      .withArgs(ETH, 1n);
  });

  it("knows ten groups, and listed assets", async () => {
    const { clearingHouse } = await load(apart);

    await expect(clearingHouse.setGroup(ETH, 10))
      .to.be.revertedWithCustomError(clearingHouse, "OutOfRange")
      .withArgs(ethers.encodeBytes32String("group"), 10, 0, 9);
    await expect(clearingHouse.setGroup(95, 1))
      .to.be.revertedWithCustomError(clearingHouse, "UnknownMarket")
      .withArgs(95n);
  });

  it("obeys the authority only", async () => {
    const { clearingHouse, stranger } = await load(empty);

    await expect(clearingHouse.connect(stranger).setGroup(ETH, 1))
      .to.be.revertedWithCustomError(clearingHouse, "AccessManagedUnauthorized")
      .withArgs(stranger);
  });
});

/** Alice has hedged ETH by BTC; the beta of ETH is 0 since a moment ago. */
async function apart() {
  const world = await still();
  await world.trade(accountOf(world.alice), ETH, wad("100"));
  await world.trade(accountOf(world.alice), BTC, wad("-6"));
  await world.clearingHouse.rampRisk(ETH, APART, DAY);
  await time.increase(DAY);
  await world.refresh();
  return world;
}
