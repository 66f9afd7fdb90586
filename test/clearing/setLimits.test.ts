import { expect } from "chai";

import { empty, ethers } from "../fixture.ts";
import { DAY, ETH, wad } from "../parameters.ts";
import { expectConserved, load } from "./support.ts";

const DEPTH = wad("250_000");
const NOW = {
  openInterestCap: wad("2500"),
  openInterestShare: 900_000n,
  skewCap: wad("2000"),
  takerFee: 600n,
  makerFee: 200n,
  insuranceCap: wad("250_000"),
};
type Limits = typeof NOW;

describe("ClearingHouse.setLimits", () => {
  afterEach(expectConserved);

  it("changes caps and fees, and nothing else", async () => {
    const { clearingHouse } = await load(empty);
    const [risk, sizes, trade] = await clearingHouse.parametersOf(ETH);
    const limits = {
      openInterestCap: 1n,
      openInterestShare: 2n,
      skewCap: 3n,
      takerFee: 5n,
      makerFee: 4n,
      insuranceCap: wad("700"),
    };

    await expect(clearingHouse.setLimits(...args(limits)))
      .to.emit(clearingHouse, "AssetLimitsChanged")
      .withArgs(...args(limits));
    const after = await clearingHouse.parametersOf(ETH);
    const [caps, fees, insurance] = [2n ** 112n - 1n, 2n ** 144n - 1n, 0xffffn << 240n];
    expect(after[0]).to.equal(risk);
    expect(after[1]).to.equal((sizes & caps) | (1n << 112n) | (2n << 224n) | ((sizes >> 248n) << 248n));
    expect(after[2]).to.equal((trade & ~fees & ~insurance) | 3n | (5n << 112n) | (4n << 128n) | (7n << 240n));
  });

  for (const [what, maximum] of [
    ["openInterestCap", DEPTH],
    ["openInterestShare", 10_000_000n],
    ["skewCap", DEPTH],
    ["takerFee", 10_000n],
    ["makerFee", NOW.takerFee],
    ["insuranceCap", wad("6_553_500")],
  ] as const) {
    it(`bounds ${what}`, async () => {
      const { clearingHouse } = await load(empty);

      await expect(clearingHouse.setLimits(...args({ ...NOW, [what]: maximum + 1n })))
        .to.be.revertedWithCustomError(clearingHouse, "OutOfRange")
        .withArgs(ethers.encodeBytes32String(what), maximum + 1n, 0n, maximum);
    });
  }

  it("takes insurance caps in hundreds only", async () => {
    const { clearingHouse } = await load(empty);

    await expect(clearingHouse.setLimits(...args({ ...NOW, insuranceCap: wad("100") + 1n })))
      .to.be.revertedWithCustomError(clearingHouse, "OutOfRange")
      .withArgs(ethers.encodeBytes32String("insuranceCapRest"), 1n, 0n, 0n);
    await clearingHouse.setLimits(...args({ ...NOW, insuranceCap: 0n }));
    await clearingHouse.setLimits(...args({ ...NOW, insuranceCap: wad("6_553_500") }));
    expect((await clearingHouse.insuranceRoomOf(ETH)).cap).to.equal(wad("6_553_500"));
  });

  it("refuses caps and fees at which a position costs more to close than it frees", async () => {
    const { clearingHouse } = await load(empty);

    // 10,800 is freed; 600 and 10,200 · 250,000 / 10^6 cost as much.
    await expect(clearingHouse.setLimits(...args({ ...NOW, openInterestCap: wad("2550") })))
      .to.be.revertedWithCustomError(clearingHouse, "ListingInvariantBroken")
      .withArgs(10_800n, 10_800n);
    await clearingHouse.setLimits(...args({ ...NOW, openInterestCap: wad("2549.75") }));
  });

  it("refuses what the end of a ramp in progress would not allow", async () => {
    const { clearingHouse } = await load(empty);
    await clearingHouse.rampRisk(ETH, { beta: 50_000n, sigma: 14_632n, gamma: 3_000n, kappa: 50_000n }, DAY);

    await expect(clearingHouse.setLimits(...args({ ...NOW, takerFee: 700n })))
      .to.be.revertedWithCustomError(clearingHouse, "ListingInvariantBroken")
      .withArgs(10_601n, 10_700n);
    await clearingHouse.setLimits(...args(NOW));
  });

  it("refuses an asset that is not listed", async () => {
    const { clearingHouse } = await load(empty);

    await expect(clearingHouse.setLimits(...args(NOW, 95)))
      .to.be.revertedWithCustomError(clearingHouse, "UnknownMarket")
      .withArgs(95n);
  });

  it("obeys the authority only", async () => {
    const { clearingHouse, stranger } = await load(empty);

    await expect(clearingHouse.connect(stranger).setLimits(...args(NOW)))
      .to.be.revertedWithCustomError(clearingHouse, "AccessManagedUnauthorized")
      .withArgs(stranger);
  });
});

function args({ openInterestCap, openInterestShare, skewCap, takerFee, makerFee, insuranceCap }: Limits, asset = ETH) {
  return [asset, openInterestCap, openInterestShare, skewCap, takerFee, makerFee, insuranceCap] as const;
}
