import { expect } from "chai";

import { empty, ethers, time } from "../fixture.ts";
import { DAY, percent, USDC, wad } from "../parameters.ts";
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

  it("keeps no trading parameters of what is collateral only, so that no share makes a market of it", async () => {
    const { clearingHouse } = await load(empty);
    const { assets } = await clearingHouse.listed();
    const wide = {
      openInterestShare: 2n ** 24n + 500_000n,
      skewCap: MAX_UINT110,
      takerFee: 60_000,
      profitWeight: 2n ** 24n,
    };

    await clearingHouse.listAssets([{ ...listing(), ...wide, market: false }]);
    const [, sizes, trade] = await clearingHouse.parametersOf(assets);
    expect([sizes >> 112n, trade]).to.deep.equal([0n, 0n]);
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
    ["insuranceCap", (insuranceCap) => ({ insuranceCap, openInterestCap: 0n }), 0n, wad("6_553_500")],
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

  describe("what insurance pays of one jump", () => {
    // Of USDC/USD, at 1 USD: μ = 60 % · (5 % + 1.5 %) + 0.3 % = 4.2 %. Beyond it 10 % of the 3,000 units of the cap: 300 USD.
    const jump = percent(14.2);
    const wide = { depth: wad("1000000"), openInterestCap: wad("3000"), skewCap: wad("3000") };

    async function jumping(limit: number) {
      const world = await load(empty);
      const { oracle, parameters } = world;
      const limits = parameters.feeds[USDC]?.limits;
      if (limits === undefined) throw new Error("no feed of USDC");
      await oracle.configure(USDC, { ...limits, jump: limit });
      expect((await world.clearingHouse.listed()).assets).to.equal(USDC);
      return world;
    }

    it("is bounded by the market's insurance cap", async () => {
      const { clearingHouse } = await jumping(jump);

      await expect(clearingHouse.listAssets([{ ...listing(), ...wide, openInterestCap: wad("3000") + 1n }]))
        .to.be.revertedWithCustomError(clearingHouse, "JumpNotInsured")
        .withArgs(USDC, wad("300") + 1n, wad("300"));
      await clearingHouse.listAssets([{ ...listing(), ...wide }]);
    });

    it("is judged at the price of now", async () => {
      const { clearingHouse, setPrice } = await jumping(jump);
      await setPrice(USDC, wad("1.01"));

      await expect(clearingHouse.listAssets([{ ...listing(), ...wide }]))
        .to.be.revertedWithCustomError(clearingHouse, "JumpNotInsured")
        .withArgs(USDC, wad("303"), wad("300"));
    });

    it("is nothing up to the maintenance rate, whatever the cap", async () => {
      const { clearingHouse } = await jumping(percent(4.2));
      const uninsured = { ...listing(), ...wide, openInterestCap: wad("10000"), insuranceCap: 0n };

      await clearingHouse.listAssets.staticCall([uninsured]);
      const { oracle } = await jumping(percent(4.2) + 1);
      expect(await oracle.jumpLimit(USDC)).to.equal(percent(4.2) + 1);
      await expect(clearingHouse.listAssets([uninsured]))
        .to.be.revertedWithCustomError(clearingHouse, "JumpNotInsured")
        .withArgs(USDC, wad("0.01"), 0n);
    });

    it("needs a live price where it is not nothing", async () => {
      const { clearingHouse } = await jumping(jump);
      await time.increase(3 * DAY);

      await expect(clearingHouse.listAssets([{ ...listing(), ...wide }]))
        .to.be.revertedWithCustomError(clearingHouse, "NotLive")
        .withArgs(USDC);
    });

    it("needs a feed", async () => {
      const { clearingHouse, oracle } = await load(empty);
      const collateral = { ...listing(), market: false };

      await expect(clearingHouse.listAssets([collateral, listing()]))
        .to.be.revertedWithCustomError(oracle, "UnknownAsset")
        .withArgs(USDC + 1, USDC + 1);
      await clearingHouse.listAssets([collateral, collateral]);
    });
  });

  it("has room for 96", async () => {
    const { clearingHouse } = await load(empty);
    const { assets } = await clearingHouse.listed();
    const missing = 96 - Number(assets);
    const collateral = { ...listing(), market: false };

    await expect(clearingHouse.listAssets(Array.from({ length: missing + 1 }, () => collateral)))
      .to.be.revertedWithCustomError(clearingHouse, "ListingFull")
      .withArgs(assets);
    await clearingHouse.listAssets(Array.from({ length: missing }, () => collateral));
    await expect(clearingHouse.listAssets([collateral]))
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
