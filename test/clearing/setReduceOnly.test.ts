import { expect } from "chai";

import { empty } from "../fixture.ts";
import { ETH, WBTC } from "../parameters.ts";
import { expectConserved, load } from "./support.ts";

describe("ClearingHouse.setReduceOnly", () => {
  afterEach(expectConserved);

  it("changes the status there and back, and nothing else", async () => {
    const { clearingHouse } = await load(empty);
    const [, before] = await clearingHouse.parametersOf(ETH);

    await expect(clearingHouse.setReduceOnly(ETH, true)).to.emit(clearingHouse, "MarketReduceOnly").withArgs(ETH, true);
    expect((await clearingHouse.parametersOf(ETH))[1]).to.equal(before + (1n << 248n));
    await clearingHouse.setReduceOnly(ETH, false);
    expect((await clearingHouse.parametersOf(ETH))[1]).to.equal(before);
  });

  it("makes no market of what is collateral only", async () => {
    const { clearingHouse } = await load(empty);

    for (const asset of [WBTC, 95]) {
      await expect(clearingHouse.setReduceOnly(asset, false))
        .to.be.revertedWithCustomError(clearingHouse, "UnknownMarket")
        .withArgs(asset);
    }
  });

  it("obeys the authority only", async () => {
    const { clearingHouse, stranger } = await load(empty);

    await expect(clearingHouse.connect(stranger).setReduceOnly(ETH, true))
      .to.be.revertedWithCustomError(clearingHouse, "AccessManagedUnauthorized")
      .withArgs(stranger);
  });
});
