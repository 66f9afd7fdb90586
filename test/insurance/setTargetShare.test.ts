import { expect } from "chai";

import { ethers, funded } from "../fixture.ts";
import { expectConserved, load } from "../clearing/support.ts";
import { percent, wad } from "../parameters.ts";

const [LEAST, MOST] = [percent(0.5), percent(50)];

describe("InsuranceFund.setTargetShare", () => {
  afterEach(expectConserved);

  it("sets the target, within its bounds", async () => {
    const { insuranceFund } = await load(funded);

    for (const share of [LEAST, MOST]) {
      await expect(insuranceFund.setTargetShare(share)).to.emit(insuranceFund, "TargetShareChanged").withArgs(share);
      expect(await insuranceFund.targetShare()).to.equal(share);
      expect(await insuranceFund.targetBalance()).to.equal((wad("10_000_000") * BigInt(share)) / 1_000_000n);
    }
    for (const share of [LEAST - 1, MOST + 1]) {
      await expect(insuranceFund.setTargetShare(share))
        .to.be.revertedWithCustomError(insuranceFund, "TargetShareOutOfRange")
        .withArgs(share, LEAST, MOST);
    }
  });

  it("has the same bounds at the deployment", async () => {
    const { insuranceFund, authority, clearingHouse } = await load(funded);

    for (const share of [LEAST - 1, MOST + 1]) {
      await expect(ethers.deployContract("InsuranceFund", [authority, clearingHouse, share]))
        .to.be.revertedWithCustomError(insuranceFund, "TargetShareOutOfRange")
        .withArgs(share, LEAST, MOST);
    }
  });

  it("is for governance", async () => {
    const { insuranceFund, stranger } = await load(funded);

    await expect(insuranceFund.connect(stranger).setTargetShare(LEAST))
      .to.be.revertedWithCustomError(insuranceFund, "AccessManagedUnauthorized")
      .withArgs(stranger);
  });
});
