import { expect } from "chai";

import { BTC, ETH, HOUR, LINK, SOL, wad, WBTC } from "../parameters.ts";
import { exposureOf, expectConserved, load, now } from "../clearing/support.ts";
import { diverse, untouched } from "./support.ts";

const [COLLATERAL_ONLY, ACTIVE, REDUCE_ONLY] = [0n, 1n, 2n];
const STALE = 4n;

describe("Lens.market", () => {
  afterEach(expectConserved);

  it("shows sizes, quotes and funding as of now", async () => {
    const world = await load(diverse);
    const { lens, clearingHouse, account } = world;

    for (const asset of [ETH, BTC, SOL, LINK]) {
      const view = await lens.market(asset);
      const { longSize, longQuote, shortSize, shortQuote } = await clearingHouse.marketOf(asset);
      expect([view.longSize, view.longQuote, view.shortSize, view.shortQuote]).to.deep.equal([
        longSize,
        longQuote,
        shortSize,
        shortQuote,
      ]);
      const { funding, price } = await exposureOf(world, account, { asset, now: await now() });
      expect([view.price, view.fundingRate, view.fundingVelocity, view.fundingIndex]).to.deep.equal([
        price.last,
        funding.rate,
        funding.velocity,
        funding.index,
      ]);
    }
    expect((await lens.market(ETH)).fundingIndex).to.be.lessThan(0n);
  });

  it("shows limits and fees as they are listed", async () => {
    const { lens } = await load(untouched);

    const { status, refusal, depth, skewCap, takerFee, makerFee } = await lens.market(BTC);
    expect([status, refusal, depth, skewCap, takerFee, makerFee]).to.deep.equal([
      ACTIVE,
      0n,
      wad("20_000"),
      wad("120"),
      600n,
      200n,
    ]);
  });

  it("shows the smaller of the two caps on open interest", async () => {
    const { lens, clearingHouse } = await load(untouched);
    expect((await lens.market(ETH)).openInterestCap).to.equal(wad("2500"));

    await clearingHouse.setLimits(ETH, wad("2500"), 9_000, wad("2000"), 600, 200, wad("250_000"));
    expect((await lens.market(ETH)).openInterestCap).to.equal(wad("50")); // 0.9 % of ten million
  });

  it("shows what may not be traded, and why a price is in doubt", async () => {
    const { lens, clearingHouse, advance } = await load(untouched);
    await clearingHouse.restrictMarket(ETH);
    await advance(2 * HOUR);

    const { status, refusal } = await lens.market(ETH);
    expect([status, refusal]).to.deep.equal([REDUCE_ONLY, STALE]);
    expect((await lens.market(WBTC)).status).to.equal(COLLATERAL_ONLY);
  });

  for (const [asset, error] of [
    [96n, "UnknownAssets"],
    [255n, "UnknownAssets"],
    [256n, "UnknownMarket"],
    [1n << 251n, "UnknownMarket"],
  ] as const) {
    it(`refuses an asset that is not listed: ${asset}`, async () => {
      const { lens, clearingHouse, oracle } = await load(untouched);

      const owner = error === "UnknownAssets" ? oracle : clearingHouse;
      await expect(lens.market(asset)).to.be.revertedWithCustomError(owner, error);
    });
  }
});
