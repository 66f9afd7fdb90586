import { expect } from "chai";

import { convert as model } from "../../scripts/model/convert.ts";
import { frozen } from "../clearing/scenarios.ts";
import { betterTerms, cashOf, expectConserved, load, movePrice, now, stateOf } from "../clearing/support.ts";
import { BTC, ETH, HOUR, percent, USDC, wad, WBTC_TOKEN, WETH_TOKEN } from "../parameters.ts";
import { type Case, indebted, indebtedWith } from "./scenarios.ts";
import { movesOf } from "./support.ts";

const LOT = 10n ** 15n;

describe("ClearingHouse.convert", () => {
  afterEach(expectConserved);

  describe("sells", () => {
    it("collateral for cash at the oracle's price less half a percent, healthy or not", async () => {
      const world = await load(indebted);
      const { clearingHouse, account, other } = world;
      const { equity, maintenance } = betterTerms(await stateOf(world, account, await now()));
      expect(equity).to.be.greaterThan(4n * maintenance);
      const owed = -(await cashOf(world, account));

      // 30 WETH at 1800 are worth 54,000; a liquidation would take 1 % off.
      const { receipt, ...moved } = await movesOf(world, [account, other], () => attempt(world, "30"));
      expect(moved).to.deep.equal({
        base: wad("53_730"),
        lent: wad("-53_730"),
        insurance: 0n,
        protocolFees: 0n,
        cash: [wad("53_730"), wad("-53_730")],
      });
      expect(await clearingHouse.collateralOf(account, WETH_TOKEN)).to.equal(wad("70"));
      expect(await clearingHouse.collateralOf(other, WETH_TOKEN)).to.equal(wad("30"));
      await expect(receipt)
        .to.emit(clearingHouse, "CollateralSold")
        .withArgs(account, other, WETH_TOKEN, wad("30"), wad("53_730"));
      await expect(receipt).to.emit(clearingHouse, "Converted").withArgs(account, other, wad("53_730"), owed);
    });

    it("at the listed discount where that is less", async () => {
      const world = await load(cheap);
      const { cash } = await movesOf(world, [world.account], () => attempt(world, "30"));

      expect(cash).to.deep.equal([wad("53_838")]); // 0.3 %
    });

    for (const [settlement, proceeds] of [
      ["0.99", (wad("54_000") * 100n + 98n) / 99n],
      ["1.01", wad("54_000")],
    ] as const) {
      it(`at a price over ${settlement === "0.99" ? "0.99" : "1"} when the settlement token stands at ${settlement}`, async () => {
        const world = await load(indebted);
        await world.setPrice(USDC, wad(settlement));
        await world.oracle.update(1n << BigInt(USDC));

        const { cash } = await movesOf(world, [world.account], () => attempt(world, "30"));
        expect(cash).to.deep.equal([proceeds - (proceeds * 5_000n) / 1_000_000n]);
      });
    }

    it("down to the lot at which the shortfall is within its initial limit, and no further", async () => {
      const world = await load(indebted);
      const { clearingHouse, account } = world;
      const enough = await leastEnough(world);

      await expect(attemptAmount(world, enough + LOT))
        .to.be.revertedWithCustomError(clearingHouse, "TargetPassed")
        .withArgs(
          (left: bigint) => left < 0n,
          (limit: bigint) => limit > 0n,
        );
      await attemptAmount(world, enough);
      const owed = -(await cashOf(world, account));
      const limit = ((await clearingHouse.collateralOf(account, WETH_TOKEN)) * 900n) / 1n;
      expect(owed).to.be.within(limit - wad("2"), limit);
    });

    it("collateral of several kinds at once, but each once", async () => {
      const world = await load(twoKinds);
      const { clearingHouse, account, other, bob } = world;
      const sell = (...sales: { token: number; amount: bigint }[]) =>
        clearingHouse.connect(bob).convert(account, sales, other);
      const weth = { token: WETH_TOKEN, amount: wad("5") };

      await expect(sell(weth, weth)).to.be.revertedWithCustomError(clearingHouse, "DuplicateLeg").withArgs(WETH_TOKEN);
      await sell(weth, { token: WBTC_TOKEN, amount: wad("0.5") });
      expect(await clearingHouse.collateralOf(other, WBTC_TOKEN)).to.equal(wad("0.5"));
    });
  });

  describe("leaves alone", () => {
    it("a shortfall within the maintenance limit", async () => {
      const world = await load(indebted);
      const { clearingHouse, account } = world;
      const owed = -(await cashOf(world, account));
      await world.setPrice(ETH, (owed * 100n) / 7_000n + 10n ** 10n);
      const value = (await world.priceOf(ETH)) * 100n;

      await expect(attempt(world, "1"))
        .to.be.revertedWithCustomError(clearingHouse, "ShortfallWithinLimit")
        .withArgs(account, owed, (value * 7n) / 10n);
      await world.setPrice(ETH, (owed * 100n) / 7_000n - 10n ** 10n);
      await attempt(world, "1");
    });

    it("an account that owes nothing, whatever it holds", async () => {
      const world = await load(indebted);
      const { clearingHouse, other } = world;

      await expect(clearingHouse.connect(world.carol).convert(other, [], world.account))
        .to.be.revertedWithCustomError(clearingHouse, "ShortfallWithinLimit")
        .withArgs(other, 0n, 0n);
    });

    it("the hedge of a short: selling it makes nobody liquidatable", async () => {
      const world = await load(hedgedShort);
      const { clearingHouse, account } = world;
      const before = betterTerms(await stateOf(world, account, await now()));
      expect(before.equity).to.be.greaterThan(before.maintenance);
      // The shortfall alone would have it sell far more.
      const sold = model({ ...(await stateOf(world, account, await now())) }, [
        { token: WETH_TOKEN, amount: wad("68") },
      ]);
      expect(sold).to.equal("HealthNotImproved");

      await expect(attempt(world, "68"))
        .to.be.revertedWithCustomError(clearingHouse, "HealthNotImproved")
        .withArgs(before.equity - before.maintenance, (left: bigint) => left < 0n);
      await attempt(world, "30");
      const after = betterTerms(await stateOf(world, account, await now()));
      expect(after.maintenance).to.be.greaterThan(before.maintenance);
      expect(after.equity).to.be.greaterThan(after.maintenance);
    });
  });

  describe("the buyer", () => {
    it("must meet its initial requirement with collateral in place of cash", async () => {
      const world = await load(busyBuyer);

      await expect(attempt(world, "40"))
        .to.be.revertedWithCustomError(world.clearingHouse, "InsufficientMargin")
        .withArgs(
          world.other,
          (equity: bigint) => equity > 0n,
          (requirement: bigint) => requirement > wad("90_000"),
          0n,
        );
    });

    it("has no pending order", async () => {
      const world = await load(indebted);
      await world.submit(world.other, ETH, wad("1"));

      await expect(attempt(world, "30"))
        .to.be.revertedWithCustomError(world.clearingHouse, "OrderPending")
        .withArgs(world.other, 1n);
    });

    it("can pay", async () => {
      const world = await load(indebted);
      const poor = await world.fund(world.bob, wad("53_729.999999"), 1n);

      await expect(attempt({ ...world, other: poor }, "30"))
        .to.be.revertedWithCustomError(world.clearingHouse, "InsufficientCash")
        .withArgs(poor, wad("53_729.999999"), wad("53_730"));
    });

    it("is not the account itself", async () => {
      const { clearingHouse, account, carol } = await load(indebted);

      await expect(clearingHouse.connect(carol).convert(account, saleOf("30"), account))
        .to.be.revertedWithCustomError(clearingHouse, "SelfLiquidation")
        .withArgs(account);
    });

    it("is an account that the caller may trade for", async () => {
      const { clearingHouse, account, other, stranger } = await load(indebted);

      await expect(clearingHouse.connect(stranger).convert(account, saleOf("30"), other))
        .to.be.revertedWithCustomError(clearingHouse, "NotAuthorized")
        .withArgs(other, stranger, 1n);
    });
  });

  describe("guards", () => {
    for (const amount of ["100.000000000000000001", "0"]) {
      it(`refuse a sale of ${amount} out of 100`, async () => {
        const world = await load(indebted);

        await expect(attempt(world, amount))
          .to.be.revertedWithCustomError(world.clearingHouse, "InsufficientCollateral")
          .withArgs(world.account, WETH_TOKEN, wad("100"), wad(amount));
      });
    }

    it("refuse a price that is not live", async () => {
      const world = await load(indebted);
      // At the upper end of the doubt the shortfall would be within its limit.
      await world.setPrice(ETH, wad("1500"));
      await world.oracle.update(1n << BigInt(ETH));
      await world.advance(2 * HOUR);

      await expect(attempt(world, "30"))
        .to.be.revertedWithCustomError(world.clearingHouse, "NotLiquidatable")
        .withArgs(ETH);
    });

    it("wait for the sequencer to settle", async () => {
      const world = await load(indebted);
      await world.setSequencer(false);
      await world.setSequencer(true);

      await expect(attempt(world, "30")).to.be.revertedWithCustomError(world.clearingHouse, "SequencerNotSettled");
    });
  });
});

function saleOf(amount: string) {
  return [{ token: WETH_TOKEN, amount: wad(amount) }];
}

function attempt(world: Case, amount: string) {
  return attemptAmount(world, wad(amount));
}

function attemptAmount({ clearingHouse, account, other, bob }: Case, amount: bigint) {
  return clearingHouse.connect(bob).convert(account, [{ token: WETH_TOKEN, amount }], other);
}

/** The greatest amount, in lots, that the model still accepts. */
async function leastEnough(world: Case): Promise<bigint> {
  const state = await stateOf(world, world.account, await now());
  let [low, high] = [1n, 100_000n];
  while (low < high) {
    const middle: bigint = (low + high + 1n) / 2n;
    if (model(state, [{ token: WETH_TOKEN, amount: middle * LOT }]) === "TargetPassed") high = middle - 1n;
    else low = middle;
  }
  return low * LOT;
}

/** Collateral sells at 0.3 % in a liquidation. */
async function cheap(): Promise<Case> {
  return indebtedWith(({ collateral }) => {
    for (const token of collateral) token.saleDiscount = percent(0.3);
  });
}

/** Beside the WETH some WBTC, at a lower price. */
async function twoKinds(): Promise<Case> {
  const world = await indebted();
  await world.fundCollateral(world.carol, WBTC_TOKEN, wad("1"));
  await world.setPrice(ETH, wad("1500"));
  return world;
}

/** Bob is long 750 ETH with 97,000 beyond what he has bought collateral with. */
async function busyBuyer(): Promise<Case> {
  const world = await indebted();
  await world.trade(world.other, ETH, wad("750"));
  return world;
}

/** 100 WETH against 100 ETH short from 1800, now at 12,000; ETH alone has a beta of 0.4. */
async function hedgedShort(): Promise<Case> {
  const world = await frozen(({ assets }) => {
    const [eth] = assets;
    if (eth) eth.risk.beta = percent(40);
  });
  const account = await world.fundCollateral(world.carol, WETH_TOKEN, wad("100"));
  await world.trade(account, ETH, wad("-100"));
  await movePrice(world, ETH, wad("12_000"));
  await world.setPrice(BTC);
  return { ...world, account, other: await world.fund(world.bob, wad("2_000_000"), 1n) };
}
