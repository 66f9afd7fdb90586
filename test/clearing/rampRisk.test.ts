import { expect } from "chai";

import { accountOf, empty, ethers, time } from "../fixture.ts";
import { BTC, DAY, ETH, percent, wad } from "../parameters.ts";
import { still } from "./scenarios.ts";
import { expectConserved, load } from "./support.ts";

const TARGET = { beta: 50_000n, sigma: 30_000n, gamma: 3_000n, kappa: 50_000n };

describe("ClearingHouse.rampRisk", () => {
  afterEach(expectConserved);

  it("does not change a requirement in its own block, and then moves it linearly to its target", async () => {
    const world = await load(withPosition);
    // 180,000 · (60 % · (5 % + 1.5 %) + 0.3 %), and 5 % · 100² / 500,000 · 1800 for its size
    expect(await maintenanceOf(world)).to.equal(wad("7561.8"));

    await world.clearingHouse.rampRisk(ETH, TARGET, 4 * DAY);
    const start = await time.latest();
    expect(await maintenanceOf(world)).to.equal(wad("7561.8"));
    for (const [day, maintenance] of [
      [1, "7966.8"], // σ 1.875 %
      [2, "8371.8"], // σ 2.25 %
      [4, "9181.8"], // σ 3 %
      [5, "9181.8"],
    ] as const) {
      await time.increaseTo(start + day * DAY - 1);
      await world.setPrice(ETH);
      expect(await maintenanceOf(world)).to.equal(wad(maintenance));
    }
  });

  it("begins where a ramp that it replaces has come to", async () => {
    const world = await load(withPosition);
    await world.clearingHouse.rampRisk(ETH, TARGET, 4 * DAY);
    const start = await time.latest();
    await time.increaseTo(start + 2 * DAY - 1);
    await world.clearingHouse.rampRisk(ETH, { ...TARGET, sigma: 15_000n }, DAY);
    const terms = await world.clearingHouse.parametersOf(ETH);
    expect((terms[0] >> 24n) & (2n ** 24n - 1n)).to.equal(22_500n);
    await time.increase(DAY);
    await world.setPrice(ETH);
    expect(await maintenanceOf(world)).to.equal(wad("7561.8"));
  });

  it("keeps the group, and says where it goes", async () => {
    const { clearingHouse } = await load(empty);
    const [before] = await clearingHouse.parametersOf(ETH);
    const at = (await time.latest()) + 1;
    await time.setNextBlockTimestamp(at);

    await expect(clearingHouse.rampRisk(ETH, TARGET, DAY))
      .to.emit(clearingHouse, "AssetRisksChanged")
      .withArgs(ETH, Object.values(TARGET), at, DAY);
    const [after] = await clearingHouse.parametersOf(ETH);
    expect(after >> 248n).to.equal(before >> 248n);
  });

  it("takes a day at least, and ninety at most", async () => {
    const { clearingHouse } = await load(empty);

    for (const duration of [DAY - 1, 90 * DAY + 1]) {
      await expect(clearingHouse.rampRisk(ETH, TARGET, duration))
        .to.be.revertedWithCustomError(clearingHouse, "OutOfRange")
        .withArgs(ethers.encodeBytes32String("duration"), duration, DAY, 90 * DAY);
    }
    await clearingHouse.rampRisk(ETH, TARGET, 90 * DAY);
  });

  for (const [what, minimum, maximum] of [
    ["beta", 0n, 1_000_000n],
    ["sigma", 1_000n, 1_000_000n],
    ["gamma", 500n, 250_000n],
    ["kappa", 0n, 10_000_000n],
  ] as const) {
    it(`bounds ${what}`, async () => {
      const { clearingHouse } = await load(empty);

      for (const value of [maximum + 1n, minimum - 1n].filter((bad) => bad >= 0n)) {
        await expect(clearingHouse.rampRisk(ETH, { ...TARGET, [what]: value }, DAY))
          .to.be.revertedWithCustomError(clearingHouse, "OutOfRange")
          .withArgs(ethers.encodeBytes32String(what), value, minimum, maximum);
      }
    });
  }

  it("refuses a target at which a position costs more to close than it frees", async () => {
    const { clearingHouse } = await load(empty);

    // 90 % of 0.3 % + 60 % · 1.5 % is 10,800; the fee and the impact of 2,500 / 250,000 are 10,600.
    await expect(clearingHouse.rampRisk(ETH, { ...TARGET, sigma: 14_629n }, DAY))
      .to.be.revertedWithCustomError(clearingHouse, "ListingInvariantBroken")
      .withArgs(10_599n, 10_600n);
    await clearingHouse.rampRisk(ETH, { ...TARGET, sigma: 14_632n }, DAY);
  });

  it("refuses a target at which a sale of collateral costs as much as it frees", async () => {
    const { clearingHouse } = await load(empty);
    // So little may be open that closing it costs 1,600 only.
    await clearingHouse.setLimits(ETH, wad("250"), percent(90), wad("250"), 600, 200, wad("250_000"));

    // 90 % of 0.3 % + 60 % · σ, against a discount of 1 %
    await expect(clearingHouse.rampRisk(ETH, { ...TARGET, sigma: 13_520n }, DAY))
      .to.be.revertedWithCustomError(clearingHouse, "ListingInvariantBroken")
      .withArgs(10_000n, 10_000n);
    await clearingHouse.rampRisk(ETH, { ...TARGET, sigma: 13_521n }, DAY);
  });

  it("does not mind collateral in another asset", async () => {
    const { clearingHouse } = await load(empty);
    await clearingHouse.setLimits(BTC, wad("20"), percent(90), wad("20"), 600, 200, wad("250_000"));

    await clearingHouse.rampRisk(BTC, { ...TARGET, sigma: 10_000n }, DAY);
  });

  it("refuses an asset that is not listed", async () => {
    const { clearingHouse } = await load(empty);

    await expect(clearingHouse.rampRisk(95, TARGET, DAY))
      .to.be.revertedWithCustomError(clearingHouse, "UnknownMarket")
      .withArgs(95n);
  });

  it("obeys the authority only", async () => {
    const { clearingHouse, stranger } = await load(empty);

    await expect(clearingHouse.connect(stranger).rampRisk(ETH, TARGET, DAY))
      .to.be.revertedWithCustomError(clearingHouse, "AccessManagedUnauthorized")
      .withArgs(stranger);
  });
});

async function withPosition() {
  const world = await still();
  await world.trade(accountOf(world.alice), ETH, wad("100"));
  return { ...world, lens: await ethers.deployContract("Lens", [world.clearingHouse]) };
}

/** R_M, which does not depend on funding. */
async function maintenanceOf({ lens, alice }: Awaited<ReturnType<typeof withPosition>>): Promise<bigint> {
  const { maintenance } = await lens.account(accountOf(alice));
  return maintenance;
}
