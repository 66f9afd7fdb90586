import { expect } from "chai";

import { accountOf } from "../fixture.ts";
import { ETH, wad } from "../parameters.ts";
import { still } from "./scenarios.ts";
import { cashOf, expectConserved, load } from "./support.ts";

describe("ClearingHouse.payProtocolFees", () => {
  afterEach(expectConserved);

  it("pays out what the protocol has earned, and no more", async () => {
    const world = await load(earned);
    const { clearingHouse, extension, admin } = world;
    const { protocolFees } = await clearingHouse.balances();
    const account = accountOf(admin);
    expect(protocolFees).to.equal(wad("10.8")); // a tenth of 6 bp of 180,000

    await expect(clearingHouse.payProtocolFees(account, protocolFees + 1n)).to.be.revertedWithCustomError(
      extension,
      "SafeCastOverflowedIntToUint",
    );
    await expect(clearingHouse.payProtocolFees(account, protocolFees))
      .to.emit(clearingHouse, "ProtocolFeesPaid")
      .withArgs(account, protocolFees);
    expect(await cashOf(world, account)).to.equal(protocolFees);
    expect((await clearingHouse.balances()).protocolFees).to.equal(0n);
  });

  it("obeys the authority only", async () => {
    const { clearingHouse, stranger } = await load(earned);

    await expect(clearingHouse.connect(stranger).payProtocolFees(accountOf(stranger), 1n))
      .to.be.revertedWithCustomError(clearingHouse, "AccessManagedUnauthorized")
      .withArgs(stranger);
  });
});

async function earned() {
  const world = await still();
  await world.trade(accountOf(world.alice), ETH, wad("100"));
  return world;
}
