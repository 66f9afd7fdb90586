import { expect } from "chai";

import { empty, ethers } from "../fixture.ts";
import { expectConserved, load } from "./support.ts";

const MAXIMUM = 10_000_000n;

describe("ClearingHouse.setMoney", () => {
  afterEach(expectConserved);

  it("sets the three amounts in cents", async () => {
    const { clearingHouse } = await load(empty);

    await expect(clearingHouse.setMoney(1n, 2n, MAXIMUM))
      .to.emit(clearingHouse, "MoneyChanged")
      .withArgs(1n, 2n, MAXIMUM);
    const [, , money] = await clearingHouse.globals();
    expect(money).to.equal(1n | (2n << 32n) | (MAXIMUM << 64n));
  });

  for (const [place, what] of ["minNotional", "smallRequirement", "flatReward"].entries()) {
    it(`bounds ${what}`, async () => {
      const { clearingHouse } = await load(empty);

      for (const value of [MAXIMUM + 1n, 2n ** 64n]) {
        const [a = 0n, b = 0n, c = 0n] = [0n, 0n, 0n].with(place, value);
        await expect(clearingHouse.setMoney(a, b, c))
          .to.be.revertedWithCustomError(clearingHouse, "OutOfRange")
          .withArgs(ethers.encodeBytes32String(what), value, 0n, MAXIMUM);
      }
    });
  }

  it("obeys the authority only", async () => {
    const { clearingHouse, stranger } = await load(empty);

    await expect(clearingHouse.connect(stranger).setMoney(1n, 1n, 1n))
      .to.be.revertedWithCustomError(clearingHouse, "AccessManagedUnauthorized")
      .withArgs(stranger);
  });
});
