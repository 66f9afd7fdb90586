import { expect } from "chai";

import { empty, ethers } from "../fixture.ts";
import { percent, wad } from "../parameters.ts";
import { expectConserved, load } from "./support.ts";

const MAX_UINT112 = 2n ** 112n - 1n;
const MAX_UINT110 = 2n ** 110n - 1n;

describe("ClearingHouse.listAssets", () => {
  afterEach(expectConserved);

  it("lists a market as it is given", async () => {
    const { clearingHouse } = await load(empty);
    const { assets } = await clearingHouse.listed();

    await expect(clearingHouse.listAssets([listing()])).to.emit(clearingHouse, "AssetListed");
    expect((await clearingHouse.listed()).assets).to.equal(assets + 1n);
    const [risk, sizes, trade] = await clearingHouse.parametersOf(assets);
    expect([risk & (2n ** 24n - 1n), risk >> 248n]).to.deep.equal([50_000n, 3n]);
    expect([sizes & MAX_UINT112, sizes >> 248n]).to.deep.equal([wad("1000"), 1n]);
    expect([trade & MAX_UINT112, trade >> 240n]).to.deep.equal([wad("8"), 3n]);
  });

  it("needs no trading parameters of what is collateral only", async () => {
    const { clearingHouse } = await load(empty);
    const { assets } = await clearingHouse.listed();

    await clearingHouse.listAssets([{ ...listing(), market: false, takerFee: 60_000, openInterestCap: wad("1001") }]);
    const [, sizes] = await clearingHouse.parametersOf(assets);
    expect(sizes >> 248n).to.equal(0n);
  });

  const bounds: [string, (value: bigint) => object, bigint, bigint][] = [
    ["beta", (beta) => risk({ beta }), 0n, 1_000_000n],
    ["sigma", (sigma) => risk({ sigma, gamma: 250_000n }), 1_000n, 1_000_000n],
    ["gamma", (gamma) => risk({ gamma, sigma: 1_000_000n }), 500n, 250_000n],
    ["kappa", (kappa) => risk({ kappa }), 0n, 10_000_000n],
    ["group", (group) => ({ group }), 0n, 9n],
    ["depth", (depth) => ({ depth, openInterestCap: 0n, skewCap: 0n }), 10n ** 12n, MAX_UINT110],
    ["openInterestShare", (openInterestShare) => ({ openInterestShare }), 0n, 10_000_000n],
    ["skewCap", (skewCap) => ({ skewCap }), 0n, wad("1000")],
    ["takerFee", (takerFee) => ({ takerFee, makerFee: 0n, openInterestCap: 0n }), 0n, 10_000n],
    ["makerFee", (makerFee) => ({ makerFee }), 0n, 600n],
    ["maxFundingRate", (maxFundingRate) => ({ maxFundingRate }), 0n, 50_000_000n],
    ["fundingVelocity", (fundingVelocity) => ({ fundingVelocity }), 0n, 1_000_000_000n],
    ["profitWeight", (profitWeight) => ({ profitWeight }), 0n, 1_000_000n],
    ["lotExponent", (lotExponent) => ({ lotExponent }), 6n, 24n],
    ["insuranceCap", (insuranceCap) => ({ insuranceCap }), 0n, wad("6_553_500")],
  ];
  for (const [what, having, minimum, maximum] of bounds) {
    it(`bounds ${what}`, async () => {
      const { clearingHouse } = await load(empty);
      const list = (value: bigint) => clearingHouse.listAssets.staticCall([{ ...listing(), ...having(value) }]);

      for (const value of [maximum + 1n, minimum - 1n].filter((bad) => bad >= 0n)) {
        await expect(list(value))
          .to.be.revertedWithCustomError(clearingHouse, "OutOfRange")
          .withArgs(ethers.encodeBytes32String(what), value, minimum, maximum);
      }
      await list(minimum);
      await list(maximum);
    });
  }

  it("bounds openInterestCap by the depth", async () => {
    const { clearingHouse } = await load(empty);

    await expect(clearingHouse.listAssets([{ ...listing(), openInterestCap: wad("1000") + 1n }]))
      .to.be.revertedWithCustomError(clearingHouse, "OutOfRange")
      .withArgs(ethers.encodeBytes32String("openInterestCap"), wad("1000") + 1n, 0n, wad("1000"));
  });

  it("refuses what costs more to close than it frees, to the millionth", async () => {
    const { clearingHouse } = await load(empty);
    // 90 % of 0.3 % + 60 % · 1.5 % = 10,800; 600 for the fee and 10,200 · 1000 / 10^6 for the impact
    const list = (openInterestCap: bigint) => clearingHouse.listAssets([{ ...listing(), openInterestCap }]);

    await expect(list(wad("10.2")))
      .to.be.revertedWithCustomError(clearingHouse, "ListingInvariantBroken")
      .withArgs(10_800n, 10_800n);
    await expect(list(wad("10.199") + 1n)).to.be.revertedWithCustomError(clearingHouse, "ListingInvariantBroken");
    await list(wad("10.199"));
  });

  it("has room for 96", async () => {
    const { clearingHouse } = await load(empty);
    const { assets } = await clearingHouse.listed();
    const missing = 96 - Number(assets);

    await expect(clearingHouse.listAssets(Array.from({ length: missing + 1 }, listing)))
      .to.be.revertedWithCustomError(clearingHouse, "ListingFull")
      .withArgs(assets);
    await clearingHouse.listAssets(Array.from({ length: missing }, listing));
    await expect(clearingHouse.listAssets([listing()]))
      .to.be.revertedWithCustomError(clearingHouse, "ListingFull")
      .withArgs(96n);
  });

  it("obeys the authority only", async () => {
    const { clearingHouse, stranger } = await load(empty);

    await expect(clearingHouse.connect(stranger).listAssets([listing()]))
      .to.be.revertedWithCustomError(clearingHouse, "AccessManagedUnauthorized")
      .withArgs(stranger);
  });
});

function listing() {
  return {
    risk: rates(),
    group: 3n,
    depth: wad("1000"),
    openInterestCap: wad("10"),
    openInterestShare: percent(90),
    skewCap: wad("8"),
    takerFee: 600n,
    makerFee: 200n,
    maxFundingRate: 10_000_000n,
    fundingVelocity: 200_000_000n,
    profitWeight: percent(80),
    lotExponent: 15n,
    insuranceCap: wad("300"),
    market: true,
  };
}

function rates() {
  return { beta: 50_000n, sigma: 15_000n, gamma: 3_000n, kappa: 50_000n };
}

function risk(change: Partial<ReturnType<typeof rates>>) {
  return { risk: { ...rates(), ...change } };
}
