import { expect } from "chai";

import { empty, ethers } from "../fixture.ts";
import { expectConserved, load } from "./support.ts";

const CENTS = 10_000_000n;
const NOW = {
  minNotional: 1n,
  smallRequirement: 2n,
  flatReward: CENTS,
  unattributedCap: 2n ** 32n - 1n,
  borrowKink: 900_000n,
  borrowRateKink: 50_000n,
  borrowRateFull: 4_000_000n,
  lossBudget: 100_000n,
};
type Money = typeof NOW;

describe("ClearingHouse.setMoney", () => {
  afterEach(expectConserved);

  it("sets amounts in cents and rates in millionths", async () => {
    const { clearingHouse } = await load(empty);

    await expect(clearingHouse.setMoney(NOW)).to.emit(clearingHouse, "MoneyChanged").withArgs(Object.values(NOW));
    const [, , money] = await clearingHouse.globals();
    expect(money).to.equal(
      1n |
        (2n << 32n) |
        (CENTS << 64n) |
        (NOW.unattributedCap << 96n) |
        (NOW.borrowKink << 128n) |
        (NOW.borrowRateKink << 152n) |
        (NOW.borrowRateFull << 176n) |
        (NOW.lossBudget << 200n),
    );
  });

  const bounds: [keyof Money, bigint, bigint][] = [
    ["minNotional", 0n, CENTS],
    ["smallRequirement", 0n, CENTS],
    ["flatReward", 0n, CENTS],
    ["unattributedCap", 0n, 2n ** 32n - 1n],
    ["borrowKink", 100_000n, 1_000_000n],
    ["borrowRateKink", 0n, NOW.borrowRateFull],
    ["borrowRateFull", 0n, 4_000_000n],
    ["lossBudget", 10_000n, 1_000_000n],
  ];
  for (const [what, minimum, maximum] of bounds) {
    it(`bounds ${what}`, async () => {
      const { clearingHouse } = await load(empty);

      for (const value of [minimum - 1n, maximum + 1n, 2n ** 64n].filter((bad) => bad >= 0n)) {
        await expect(clearingHouse.setMoney({ ...NOW, [what]: value }))
          .to.be.revertedWithCustomError(clearingHouse, "OutOfRange")
          .withArgs(ethers.encodeBytes32String(what), value, minimum, maximum);
      }
      // How far these two move at once is in test/governance.
      if (what === "smallRequirement" || what === "lossBudget") return;
      await clearingHouse.setMoney({ ...NOW, [what]: maximum });
      await clearingHouse.setMoney({ ...NOW, borrowRateKink: 0n, [what]: minimum });
    });
  }

  it("obeys the authority only", async () => {
    const { clearingHouse, stranger } = await load(empty);

    await expect(clearingHouse.connect(stranger).setMoney(NOW))
      .to.be.revertedWithCustomError(clearingHouse, "AccessManagedUnauthorized")
      .withArgs(stranger);
  });
});
