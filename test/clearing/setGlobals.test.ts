import { expect } from "chai";

import { decodeGlobals } from "../../scripts/model/parameters.ts";
import { empty, ethers, time } from "../fixture.ts";
import { DAY, percent } from "../parameters.ts";
import { expectConserved, load } from "./support.ts";

const NOW = {
  shortfallInitial: 500_000n,
  shortfallMaintenance: 700_000n,
  protocolFeeShare: 100_000n,
  insuranceFeeShare: 200_000n,
  markMaxAge: 3_600n,
  liquidationTarget: 500_000n,
  liquidationPenalty: 100_000n,
  liquidatorShare: 500_000n,
  deepLoss: 500_000n,
  takeoverDiscount: 20_000n,
};
const CHANGED = {
  shortfallInitial: 450_000n,
  shortfallMaintenance: 750_000n,
  protocolFeeShare: 300_000n,
  insuranceFeeShare: 700_000n,
  markMaxAge: 60n,
  liquidationTarget: 400_000n,
  liquidationPenalty: 110_000n,
  liquidatorShare: 600_000n,
  deepLoss: 400_000n,
  takeoverDiscount: 25_000n,
};
const FLOORS = [percent(25), percent(50), ...Array.from({ length: 8 }, () => percent(100))];

describe("ClearingHouse.setGlobals", () => {
  afterEach(expectConserved);

  it("sets all that accounts share, but m", async () => {
    const { clearingHouse } = await load(empty);

    await expect(clearingHouse.setGlobals(CHANGED))
      .to.emit(clearingHouse, "GlobalsChanged")
      .withArgs(Object.values(CHANGED));
    const [globals] = await clearingHouse.globals();
    expect(decodeGlobals(globals)).to.deep.equal({ maintenanceFactor: 600_000n, ...CHANGED });
  });

  it("leaves a ramp of m where it is", async () => {
    const { clearingHouse } = await load(empty);
    await clearingHouse.rampMargins(percent(70), FLOORS, 2 * DAY);
    await time.increaseTo((await time.latest()) + DAY - 1);

    await clearingHouse.setGlobals(CHANGED);
    const [globals] = await clearingHouse.globals();
    expect(decodeGlobals(globals)).to.deep.equal({ maintenanceFactor: 650_000n, ...CHANGED });
  });

  it("refuses a penalty at which a position costs more to close than it frees", async () => {
    const { clearingHouse } = await load(empty);
    await clearingHouse.setGlobals({ ...NOW, liquidationPenalty: 110_000n });
    await time.increase(DAY);

    // 88 % of 0.3 % + 60 % · 1.5 % is 10,560; the fee and the impact of 2,500 / 250,000 are 10,600.
    await expect(clearingHouse.setGlobals({ ...NOW, liquidationPenalty: 120_000n }))
      .to.be.revertedWithCustomError(clearingHouse, "ListingInvariantBroken")
      .withArgs(10_560n, 10_600n);
  });

  it("refuses limits of shortfall in the wrong order, and more fees than there are", async () => {
    const { clearingHouse } = await load(empty);

    await expect(clearingHouse.setGlobals({ ...NOW, shortfallMaintenance: 499_999n }))
      .to.be.revertedWithCustomError(clearingHouse, "OutOfRange")
      .withArgs(ethers.encodeBytes32String("shortfallMaintenance"), 499_999n, 500_000n, 1_000_000n);
    await expect(clearingHouse.setGlobals({ ...NOW, protocolFeeShare: 800_001n }))
      .to.be.revertedWithCustomError(clearingHouse, "OutOfRange")
      .withArgs(ethers.encodeBytes32String("feeShares"), 1_000_001n, 0n, 1_000_000n);
  });

  it("refuses what does not fit its field instead of cutting it off", async () => {
    const { clearingHouse } = await load(empty);

    await expect(clearingHouse.setGlobals({ ...NOW, deepLoss: 500_000n + 2n ** 24n }))
      .to.be.revertedWithCustomError(clearingHouse, "SafeCastOverflowedUintDowncast")
      .withArgs(24n, 500_000n + 2n ** 24n);
  });

  it("obeys the authority only", async () => {
    const { clearingHouse, stranger } = await load(empty);

    await expect(clearingHouse.connect(stranger).setGlobals(NOW))
      .to.be.revertedWithCustomError(clearingHouse, "AccessManagedUnauthorized")
      .withArgs(stranger);
  });
});
