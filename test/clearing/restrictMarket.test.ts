import { expect } from "chai";

import { empty } from "../fixture.ts";
import { ETH, WBTC } from "../parameters.ts";
import { expectConserved, load } from "./support.ts";

/** As the contract's enum of this name. */
const Status = { None: 0n, Active: 1n, ReduceOnly: 2n, Closing: 3n };

describe("ClearingHouse.restrictMarket and reopenMarket", () => {
  afterEach(expectConserved);

  it("change the status there and back, and nothing else", async () => {
    const { clearingHouse } = await load(empty);
    const [, before] = await clearingHouse.parametersOf(ETH);

    await expect(clearingHouse.restrictMarket(ETH))
      .to.emit(clearingHouse, "MarketStatusChanged")
      .withArgs(ETH, Status.ReduceOnly);
    expect((await clearingHouse.parametersOf(ETH))[1]).to.equal(before + (1n << 248n));
    await expect(clearingHouse.reopenMarket(ETH))
      .to.emit(clearingHouse, "MarketStatusChanged")
      .withArgs(ETH, Status.Active);
    expect((await clearingHouse.parametersOf(ETH))[1]).to.equal(before);
  });

  it("refuse what is so already", async () => {
    const { clearingHouse } = await load(empty);

    await expect(clearingHouse.reopenMarket(ETH))
      .to.be.revertedWithCustomError(clearingHouse, "WrongStatus")
      .withArgs(ETH, Status.Active);
    await clearingHouse.restrictMarket(ETH);
    await expect(clearingHouse.restrictMarket(ETH))
      .to.be.revertedWithCustomError(clearingHouse, "WrongStatus")
      .withArgs(ETH, Status.ReduceOnly);
  });

  it("make no market of what is collateral only", async () => {
    const { clearingHouse } = await load(empty);

    for (const name of ["restrictMarket", "reopenMarket"] as const) {
      await expect(clearingHouse[name](WBTC))
        .to.be.revertedWithCustomError(clearingHouse, "WrongStatus")
        .withArgs(WBTC, Status.None);
      await expect(clearingHouse[name](95)).to.be.revertedWithCustomError(clearingHouse, "UnknownMarket").withArgs(95);
    }
  });

  it("do not stop the end of a market", async () => {
    const { clearingHouse } = await load(empty);
    await clearingHouse.windDown(ETH);

    for (const name of ["restrictMarket", "reopenMarket"] as const) {
      await expect(clearingHouse[name](ETH))
        .to.be.revertedWithCustomError(clearingHouse, "WrongStatus")
        .withArgs(ETH, Status.Closing);
    }
  });

  it("obey the authority only", async () => {
    const { clearingHouse, stranger } = await load(empty);

    for (const name of ["restrictMarket", "reopenMarket"] as const) {
      await expect(clearingHouse.connect(stranger)[name](ETH))
        .to.be.revertedWithCustomError(clearingHouse, "AccessManagedUnauthorized")
        .withArgs(stranger);
    }
  });
});
