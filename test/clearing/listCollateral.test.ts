import { expect } from "chai";

import { empty, ethers } from "../fixture.ts";
import { ETH, WBTC } from "../parameters.ts";
import { expectConserved, load } from "./support.ts";

describe("ClearingHouse.listCollateral", () => {
  afterEach(expectConserved);

  it("lists a token as an asset", async () => {
    const { clearingHouse } = await load(empty);
    const { tokens } = await clearingHouse.listed();

    await expect(clearingHouse.listCollateral(ETH, 7_000, 13))
      .to.emit(clearingHouse, "CollateralListed")
      .withArgs(tokens, ETH, 7_000n, 13n);
    expect(await clearingHouse.collateralParametersOf(tokens)).to.equal(
      BigInt(ETH) | (7_000n << 8n) | (13n << 32n) | (1n << 40n),
    );
  });

  for (const [what, place, minimum, maximum] of [
    ["saleDiscount", 1, 0n, 100_000n],
    ["lotExponent", 2, 6n, 24n],
  ] as const) {
    it(`bounds ${what}`, async () => {
      const { clearingHouse } = await load(empty);
      const list = (value: bigint) => {
        const [discount, exponent] = place === 1 ? [value, 15n] : [1_000n, value];
        return clearingHouse.listCollateral.staticCall(ETH, discount, exponent);
      };

      for (const value of [maximum + 1n, minimum - 1n].filter((bad) => bad >= 0n)) {
        await expect(list(value))
          .to.be.revertedWithCustomError(clearingHouse, "OutOfRange")
          .withArgs(ethers.encodeBytes32String(what), value, minimum, maximum);
      }
      await list(minimum);
    });
  }

  it("refuses a discount that costs more than the requirement that a sale frees", async () => {
    const { clearingHouse, parameters } = await load(empty);
    const { gamma, sigma } = parameters.assets[ETH]?.risk ?? expect.fail("no ETH");
    const { liquidationPenalty, maintenanceFactor } = parameters.globals;
    const freed = Math.floor(((1e6 - liquidationPenalty) * (gamma + (maintenanceFactor * sigma) / 1e6)) / 1e6);

    await clearingHouse.listCollateral.staticCall(ETH, freed - 1, 15);
    await expect(clearingHouse.listCollateral.staticCall(ETH, freed, 15))
      .to.be.revertedWithCustomError(clearingHouse, "ListingInvariantBroken")
      .withArgs(BigInt(freed), BigInt(freed));
  });

  it("keeps a ramp from undercutting a listed discount", async () => {
    const { clearingHouse, parameters } = await load(empty);
    const risk = parameters.assets[WBTC]?.risk ?? expect.fail("no WBTC");

    await expect(clearingHouse.rampRisk.staticCall(WBTC, { ...risk, sigma: 5_000, gamma: 4_000 }, 86_400))
      .to.be.revertedWithCustomError(clearingHouse, "ListingInvariantBroken")
      .withArgs(6_300n, 10_000n);
  });

  it("refuses an asset that is not listed", async () => {
    const { clearingHouse } = await load(empty);
    const { assets } = await clearingHouse.listed();

    await expect(clearingHouse.listCollateral(assets, 0, 15))
      .to.be.revertedWithCustomError(clearingHouse, "UnknownMarket")
      .withArgs(assets);
  });

  it("has room for sixteen", async () => {
    const { clearingHouse } = await load(empty);
    for (let { tokens } = await clearingHouse.listed(); tokens < 16n; tokens++) {
      await clearingHouse.listCollateral(ETH, 0, 15);
    }

    await expect(clearingHouse.listCollateral(ETH, 0, 15))
      .to.be.revertedWithCustomError(clearingHouse, "ListingFull")
      .withArgs(16n);
  });

  it("obeys the authority only", async () => {
    const { clearingHouse, stranger } = await load(empty);

    await expect(clearingHouse.connect(stranger).listCollateral(ETH, 0, 15))
      .to.be.revertedWithCustomError(clearingHouse, "AccessManagedUnauthorized")
      .withArgs(stranger);
  });
});
