import { expect } from "chai";

import { balancedRisk, moveDepth } from "../../scripts/model/depth.ts";
import { decodeFunding } from "../../scripts/model/funding.ts";
import { decodeRisk, decodeSizes, ratesUp } from "../../scripts/model/parameters.ts";
import type { PoolMarket } from "../../scripts/model/pool.ts";
import { emptySide } from "../../scripts/model/sideIndex.ts";
import { type Account, accountOf, empty, ethers, time, type World } from "../fixture.ts";
import { BTC, DAY, ETH, HOUR, wad, WBTC, WETH_TOKEN } from "../parameters.ts";
import { frozen } from "./scenarios.ts";
import { eventOf, expectConserved, exposureOf, load, now } from "./support.ts";

const DEPTH = wad("250_000");
const LOWER = wad("237_500");
const HIGHER = wad("262_500");
const NOBODY = accountOf("0x0000000000000000000000000000000000000000");

describe("ClearingHouse.setDepth", () => {
  afterEach(expectConserved);

  for (const [what, depth] of [
    ["lower", LOWER],
    ["higher", HIGHER],
  ] as const) {
    it(`charges, or pays, the crowded side for a ${what} depth as the model does`, async () => {
      const world = await load(crowded);
      const { clearingHouse } = world;
      const at = (await now()) + 1n;
      const market = await marketAt(world, at);
      const expected = moveDepth(market, depth);
      await time.setNextBlockTimestamp(at);

      const receipt = await (await clearingHouse.setDepth(ETH, depth)).wait();
      if (receipt === null) throw new Error("no receipt");
      expect(eventOf(clearingHouse, receipt, "DepthChanged").getValue("charged")).to.equal(expected.charged);
      expect((await clearingHouse.sideOf(ETH, true)).offset).to.equal(expected.side?.index.offset);
      expect(decodeFunding((await clearingHouse.marketOf(ETH)).funding)).to.deep.equal(expected.funding);
      const [risk, sizes] = await clearingHouse.parametersOf(ETH);
      expect(decodeSizes(sizes)).to.deep.equal({ ...market.sizes, depth });
      const { rate } = expected;
      expect(decodeRisk(risk)).to.deep.equal(balancedRisk(market.risk, { before: DEPTH, depth, rate, now: at }));
      expect(rate > 0n).to.equal(depth < DEPTH);
    });

    it(`leaves the pool as it is at a ${what} depth`, async () => {
      const world = await load(crowded);
      const before = await world.clearingHouse.poolValuation();

      await world.clearingHouse.setDepth(ETH, depth);
      const after = await world.clearingHouse.poolValuation();
      expect(after.equity).to.be.within(before.equity - 3n, before.equity + 3n); // roundings of the side's sums
    });

    it(`takes no margin from anybody at a ${what} depth, whichever side they are on`, async () => {
      const world = await load(crowded);
      const before = await marginsOf(world);

      await world.clearingHouse.setDepth(ETH, depth);
      for (const [i, margin] of (await marginsOf(world)).entries()) {
        expect(margin, `account ${i}`).to.be.at.least(before[i] ?? 0n);
      }
    });
  }

  it("returns to the rates that were in force, within a day", async () => {
    const world = await load(crowded);
    const [before] = await world.clearingHouse.parametersOf(ETH);
    await world.clearingHouse.setDepth(ETH, LOWER);

    const [risk] = await world.clearingHouse.parametersOf(ETH);
    const start = await now();
    expect(ratesUp(decodeRisk(risk), start).gamma).to.be.lessThan(3_000n);
    expect(ratesUp(decodeRisk(risk), start).kappa).to.equal(47_500n);
    expect(ratesUp(decodeRisk(risk), start + BigInt(DAY))).to.deep.equal(ratesUp(decodeRisk(before), start));
  });

  it("keeps the end of a ramp that runs, and its time where that is longer", async () => {
    const { clearingHouse } = await load(crowded);
    const target = { beta: 50_000n, sigma: 20_000n, gamma: 4_000n, kappa: 60_000n };
    await clearingHouse.rampRisk(ETH, target, 10 * DAY);
    const end = (await now()) + BigInt(10 * DAY);
    await clearingHouse.setDepth(ETH, LOWER);

    const risk = decodeRisk((await clearingHouse.parametersOf(ETH))[0]);
    expect([risk.to, risk.start + risk.duration]).to.deep.equal([target, end]);
  });

  it("is worth nothing to who sees it coming", async () => {
    const world = await load(crowded);
    const attacker = await world.fund(world.stranger, wad("50_000"));
    const before = (await world.lens.account(attacker)).equity;
    await world.trade(attacker, ETH, wad("200"), { signer: world.stranger });
    await world.clearingHouse.setDepth(ETH, LOWER);
    await world.trade(attacker, ETH, wad("-200"), { signer: world.stranger, reduceOnly: true });

    const after = await world.lens.account(attacker);
    expect(after.holdings.length).to.equal(0);
    expect(after.equity).to.be.lessThan(before);
  });

  it("refuses a fall that would pay more than the fees of going in and out", async () => {
    const { clearingHouse } = await load(withWideCap);

    // 4,000 / 237,500 − 4,000 / 250,000
    await expect(clearingHouse.setDepth(ETH, LOWER))
      .to.be.revertedWithCustomError(clearingHouse, "StepPays")
      .withArgs(843n, 800n);
    await clearingHouse.setDepth(ETH, HIGHER);
  });

  it("moves by a twentieth, once a day", async () => {
    const { clearingHouse } = await load(crowded);
    const name = ethers.encodeBytes32String("depth");

    await expect(clearingHouse.setDepth(ETH, LOWER - 1n))
      .to.be.revertedWithCustomError(clearingHouse, "StepTooLarge")
      .withArgs(name, DEPTH, LOWER - 1n, wad("12_500"));
    await expect(clearingHouse.setDepth(ETH, HIGHER + 1n)).to.be.revertedWithCustomError(clearingHouse, "StepTooLarge");
    await clearingHouse.setDepth(ETH, LOWER);
    const last = await time.latest();
    await time.setNextBlockTimestamp(last + DAY - 1);
    await expect(clearingHouse.setDepth(ETH, wad("240_000")))
      .to.be.revertedWithCustomError(clearingHouse, "ChangedTooSoon")
      .withArgs(name, last, last + DAY);
  });

  it("refuses a depth at which a position costs more to close than it frees", async () => {
    const { clearingHouse } = await load(empty);

    // 600 and 2,500 / 245,000, against 10,800
    await expect(clearingHouse.setDepth(ETH, wad("245_000")))
      .to.be.revertedWithCustomError(clearingHouse, "ListingInvariantBroken")
      .withArgs(10_800n, 10_805n);
    await clearingHouse.setDepth(ETH, wad("245_200"));
  });

  it("needs a live price where there is skew, and none where there is none", async () => {
    const world = await load(crowded);
    await world.advance(2 * HOUR);

    await expect(world.clearingHouse.setDepth(ETH, LOWER))
      .to.be.revertedWithCustomError(world.clearingHouse, "NotLive")
      .withArgs(ETH);
    await world.clearingHouse.setDepth(BTC, wad("20_100"));
  });

  it("moves that of collateral, whose requirement stays with it", async () => {
    const { clearingHouse } = await load(empty);
    await clearingHouse.setDepth(WBTC, wad("4_750"));

    const [risk, sizes] = await clearingHouse.parametersOf(WBTC);
    expect(decodeSizes(sizes).depth).to.equal(wad("4_750"));
    expect(decodeRisk(risk).from).to.deep.equal({ beta: 45_000n, sigma: 20_000n, gamma: 5_000n, kappa: 47_500n });
  });

  it("refuses a market whose end has been announced", async () => {
    const { clearingHouse } = await load(crowded);
    await clearingHouse.windDown(ETH);

    await expect(clearingHouse.setDepth(ETH, LOWER))
      .to.be.revertedWithCustomError(clearingHouse, "WrongStatus")
      .withArgs(ETH, 3);
  });

  it("obeys the authority only", async () => {
    const { clearingHouse, stranger } = await load(empty);

    await expect(clearingHouse.connect(stranger).setDepth(ETH, LOWER))
      .to.be.revertedWithCustomError(clearingHouse, "AccessManagedUnauthorized")
      .withArgs(stranger);
  });
});

/** Room in the listing invariant for a fall of depth. */
async function roomy() {
  return frozen(({ assets }) => {
    const market = assets[ETH];
    if (market) market.openInterestCap = wad("2_000");
  });
}

/** Alice is long 750 ETH; bob is short 100 and carol has both, collateral and a small short. */
async function crowded() {
  const world = await roomy();
  const carol = await world.fund(world.carol, wad("50_000"));
  await world.fundCollateral(world.carol, WETH_TOKEN, wad("20"));
  await world.trade(accountOf(world.alice), ETH, wad("750"));
  await world.trade(accountOf(world.bob), ETH, wad("-100"));
  await world.trade(carol, ETH, wad("-10"));
  return world;
}

async function withWideCap() {
  return frozen(({ assets }) => {
    const market = assets[ETH];
    if (market) [market.openInterestCap, market.skewCap] = [wad("2_000"), wad("4_000")];
  });
}

/** E − R_M of everybody. */
async function marginsOf({ lens, alice, bob, carol }: World): Promise<bigint[]> {
  const healths = await lens.health([alice, bob, carol].map((owner): Account => accountOf(owner)));
  return healths.map(({ equity, maintenance }) => equity - maintenance);
}

/** ETH as the model knows it, funding accrued to `at`. */
async function marketAt(world: World, at: bigint): Promise<PoolMarket> {
  const exposure = await exposureOf(world, NOBODY, { asset: ETH, now: at });
  const side = async (long: boolean) => {
    const { units, quote, epoch, cuts, scale, profitScale, offset } = await world.clearingHouse.sideOf(ETH, long);
    return { ...emptySide(long), units, quote, epoch, cuts, index: { scale, profitScale, offset } };
  };
  return { ...exposure, long: await side(true), short: await side(false) };
}
