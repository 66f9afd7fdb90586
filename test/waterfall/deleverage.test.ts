import { expect } from "chai";

import { abs } from "../../scripts/model/fixed.ts";
import { findLiquidation } from "../../scripts/model/liquidationSearch.ts";
import { decodeWatch } from "../../scripts/model/watch.ts";
import { frozen } from "../clearing/scenarios.ts";
import {
  betterTerms,
  cashOf,
  eventOf,
  expectConserved,
  expectNear,
  formerTermsOf,
  load,
  movePrice,
  now,
  poolEquityOf,
  sizeOf,
  skewOf,
  stateOf,
  toCall,
} from "../clearing/support.ts";
import { type Account, accountOf, deploy, ethers, receiptOf, time, type World } from "../fixture.ts";
import { BTC, DAY, ETH, HOUR, MINUTE, type Parameters, percent, SOL, wad, WAD } from "../parameters.ts";
import { requestRedeem } from "../pool/helpers.ts";
import { capSkew, type Crowded, crowdedSide, flagAndSettle } from "./scenarios.ts";
import { movesOf, positionOf } from "./support.ts";

/** In the order of the contract's enum. */
const Trigger = { None: 0n, Skew: 1n, Budget: 2n, Pool: 3n };
const NO_HINT = { round: 0n, before: 0n };

describe("ClearingHouse.flagDeleveraging", () => {
  afterEach(expectConserved);

  it("records when the skew is first seen over twice its cap", async () => {
    const world = await load(overCap);
    const { clearingHouse, stranger } = world;

    await expect(clearingHouse.connect(stranger).flagDeleveraging(ETH))
      .to.emit(clearingHouse, "SkewWatched")
      .withArgs(ETH, wad("800"), wad("600"), true);
    expect((await watchOf(world)).overSince).to.equal(await now());
    expect((await clearingHouse.ledger()).flaggedMarkets).to.equal(0n);
  });

  it("flags once it has been so for an hour, and not before", async () => {
    const world = await load(watched);
    const { clearingHouse } = world;
    const { overSince } = await watchOf(world);
    await time.setNextBlockTimestamp(overSince + BigInt(HOUR - 1));
    await expect(clearingHouse.flagDeleveraging(ETH))
      .to.be.revertedWithCustomError(clearingHouse, "NotDue")
      .withArgs(ETH);

    await time.setNextBlockTimestamp(overSince + BigInt(HOUR));
    await expect(clearingHouse.flagDeleveraging(ETH))
      .to.emit(clearingHouse, "DeleveragingFlagged")
      .withArgs(ETH, Trigger.Skew);
    expect(await watchOf(world)).to.deep.include({ flaggedAt: overSince + BigInt(HOUR), trigger: "Skew" });
    expect((await clearingHouse.ledger()).flaggedMarkets).to.equal(1n);
  });

  it("begins anew with the hour when the skew has been seen within its cap", async () => {
    const world = await load(watched);
    const { clearingHouse, long, trade } = world;
    await trade(long, ETH, wad("-250"), { reduceOnly: true });
    await expect(clearingHouse.flagDeleveraging(ETH))
      .to.emit(clearingHouse, "SkewWatched")
      .withArgs(ETH, wad("550"), wad("600"), false);
    await capSkew(world, wad("250"));
    await clearingHouse.flagDeleveraging(ETH);
    const { overSince } = await watchOf(world);
    expect(overSince).to.equal(await now());
    await time.increaseTo(overSince + BigInt(HOUR - 100));
    await world.setPrice(ETH);

    await expect(clearingHouse.flagDeleveraging(ETH)).to.be.revertedWithCustomError(clearingHouse, "NotDue");
    await time.increaseTo(overSince + BigInt(HOUR));
    await clearingHouse.flagDeleveraging(ETH);
  });

  it("flags a market that owes its traders more than the pool's budget, at once", async () => {
    const world = await load(overBudget);

    await expect(world.clearingHouse.flagDeleveraging(ETH))
      .to.emit(world.clearingHouse, "DeleveragingFlagged")
      .withArgs(ETH, Trigger.Budget);
  });

  it("flags a market whose risk the pool's equity does not cover, at once", async () => {
    const world = await load(weakPool);

    await expect(world.clearingHouse.flagDeleveraging(ETH))
      .to.emit(world.clearingHouse, "DeleveragingFlagged")
      .withArgs(ETH, Trigger.Pool);
  });

  it("makes requests of the pool wait", async () => {
    const world = await load(overBudget);
    await world.clearingHouse.flagDeleveraging(ETH);

    expect((await world.clearingHouse.poolValuation()).blocked).to.equal(true);
  });

  it("is done once", async () => {
    const { clearingHouse } = await load(overBudget);
    await clearingHouse.flagDeleveraging(ETH);

    await expect(clearingHouse.flagDeleveraging(ETH))
      .to.be.revertedWithCustomError(clearingHouse, "AlreadyFlagged")
      .withArgs(ETH);
  });

  it("is not for a market within its bounds, without positions, or not listed", async () => {
    const { clearingHouse } = await load(within);

    for (const asset of [ETH, BTC, 95]) {
      await expect(clearingHouse.flagDeleveraging(asset))
        .to.be.revertedWithCustomError(clearingHouse, "NotDue")
        .withArgs(asset);
    }
  });

  it("is not for a market that is being wound down", async () => {
    const { clearingHouse } = await load(overBudget);
    await clearingHouse.windDown(ETH);

    await expect(clearingHouse.flagDeleveraging(ETH))
      .to.be.revertedWithCustomError(clearingHouse, "NotDue")
      .withArgs(ETH);
  });

  it("is not for a market that only hedges what the pool has elsewhere", async () => {
    const world = await load(hedgedPool);
    const { clearingHouse } = world;
    await clearingHouse.flagDeleveraging(ETH); // over its cap from now on
    await time.increase(HOUR);
    await world.refresh();

    await expect(clearingHouse.flagDeleveraging(ETH))
      .to.be.revertedWithCustomError(clearingHouse, "NotDue")
      .withArgs(ETH);
  });

  it("waits for a live price, and for the sequencer to settle", async () => {
    const world = await load(overBudget);
    const { clearingHouse } = world;
    await world.advance(2 * HOUR);
    await expect(clearingHouse.flagDeleveraging(ETH))
      .to.be.revertedWithCustomError(clearingHouse, "NotLiquidatable")
      .withArgs(ETH);
    await world.refresh();
    await world.setSequencer(false);
    await world.setSequencer(true);

    await expect(clearingHouse.flagDeleveraging(ETH)).to.be.revertedWithCustomError(
      clearingHouse,
      "SequencerNotSettled",
    );
  });
});

describe("ClearingHouse.deleverage", () => {
  afterEach(expectConserved);

  describe("closes", () => {
    it("the same fraction of every position of the crowded side, and pays each the price of the fill", async () => {
      const world = await load(due);
      const { clearingHouse, long, second, stranger } = world;
      const [first, other] = [await positionOf(world, long, ETH), await positionOf(world, second, ETH)];
      const hint = await flagAndSettle(world);

      const receipt = await receiptOf(clearingHouse.connect(stranger).deleverage(ETH, hint));
      const event = eventOf(clearingHouse, receipt, "Deleveraged");
      const closed = event.getValue("closed") as bigint;
      expectNear(closed, wad("200"), 1_000n); // 800 − 2 · 300
      expect([event.getValue("long"), event.getValue("price")]).to.deep.equal([true, wad("1800")]);
      // Δ·P·(2D + 2S + Δ)/(2D) with Δ = −200: 0.28 % above the price
      const paid = (closed * wad("1800") * (wad("500_000") + 2n * wad("800") - closed)) / (wad("500_000") * WAD);
      expectNear(event.getValue("paid") as bigint, paid, 1n);
      for (const [account, before, share] of [
        [long, first, 600n],
        [second, other, 300n],
      ] as const) {
        const after = await positionOf(world, account, ETH);
        expectNear(after.size, before.size - (closed * share) / 900n, 2n);
        expectNear(after.quote - before.quote, (paid * share) / 900n, 2n);
      }
    });

    it("nothing of any other position", async () => {
      const world = await load(due);
      const { clearingHouse, long, short, second } = world;
      await world.trade(second, SOL, wad("100"));
      const hint = await flagAndSettle(world);
      const before = [await positionOf(world, short, ETH), await positionOf(world, second, SOL)];

      const { cash } = await movesOf(world, [long, short, second], () => clearingHouse.deleverage(ETH, hint));
      expect(cash).to.deep.equal([0n, 0n, 0n]);
      expect([await positionOf(world, short, ETH), await positionOf(world, second, SOL)]).to.deep.equal(before);
      expect((await clearingHouse.marketOf(ETH)).shortSize).to.equal(wad("100"));
    });

    it("without a change of anybody's value: the impact comes out of what is held for it", async () => {
      const world = await load(due);
      const { clearingHouse, long, short, second } = world;
      const hint = await flagAndSettle(world);
      const sumOf = async () => {
        let sum = (await poolEquityOf(world, await now())).equity;
        const skew = await skewOf(world, ETH);
        sum += (skew * skew * wad("1800")) / (wad("500_000") * WAD);
        for (const account of [long, short, second]) {
          sum += betterTerms(await stateOf(world, account, await now())).equity;
        }
        return sum;
      };
      const [sum, { equity }] = [await sumOf(), await clearingHouse.poolValuation()];

      await clearingHouse.deleverage(ETH, hint);
      expectNear((await clearingHouse.poolValuation()).equity, equity, 1_800n); // a wei of size
      expectNear(await sumOf(), sum, 4_000n);
    });

    it("the short side where that is the crowded one", async () => {
      const world = await load(crowdedShort);
      const { clearingHouse, short } = world;
      const { quote } = await positionOf(world, short, ETH);
      const hint = await flagAndSettle(world);

      const receipt = await receiptOf(clearingHouse.deleverage(ETH, hint));
      const event = eventOf(clearingHouse, receipt, "Deleveraged");
      const closed = event.getValue("closed") as bigint;
      expect(event.getValue("long")).to.equal(false);
      expectNear(closed, wad("150"), 1_000n); // 750 − 600
      const after = await positionOf(world, short, ETH);
      expectNear(after.size, wad("-600"), 1_000n);
      const paid = -((closed * wad("1800") * (wad("500_000") - 2n * wad("750") + closed)) / (wad("500_000") * WAD));
      expectNear(after.quote - quote, paid, 2n);
    });

    it("no more than is needed to be within the hard cap again, after which nothing is due", async () => {
      const world = await load(due);
      const { clearingHouse } = world;
      const hint = await flagAndSettle(world);
      await clearingHouse.deleverage(ETH, hint);

      expect((await watchOf(world)).overSince).to.equal(0n);
      await expect(clearingHouse.flagDeleveraging(ETH)).to.be.revertedWithCustomError(clearingHouse, "NotDue");
    });

    it("no less than is needed to be within the hard cap again, to the wei", async () => {
      const world = await load(crowdedShort);
      const { clearingHouse } = world;
      const hint = await flagAndSettle(world);
      await clearingHouse.deleverage(ETH, hint);

      expect(await skewOf(world, ETH)).to.be.within(wad("-600"), wad("-599.999999"));
      expect((await watchOf(world)).overSince).to.equal(0n);
    });

    it("no more than a quarter of the side", async () => {
      const world = await load(due);
      await capSkew(world, wad("50"));
      const hint = await flagAndSettle(world);

      const receipt = await receiptOf(world.clearingHouse.deleverage(ETH, hint));
      const closed = eventOf(world.clearingHouse, receipt, "Deleveraged").getValue("closed") as bigint;
      expectNear(closed, wad("225"), 1_000n);
      expect((await watchOf(world)).overSince).to.be.greaterThan(0n);
      await world.clearingHouse.flagDeleveraging(ETH); // at once, for it is over its cap still
    });

    it("no more than the skew", async () => {
      const world = await load(evenlyCrowded);
      const hint = await flagAndSettle(world);

      await world.clearingHouse.deleverage(ETH, hint);
      expectNear(await skewOf(world, ETH), 0n, 1_000n);
      expect(await skewOf(world, ETH)).to.be.at.least(0n);
    });

    it("the least that lets the pool's equity cover its requirement", async () => {
      const world = await load(weakPool);
      const { clearingHouse } = world;
      const hint = await flagAndSettle(world);
      const { equity } = await clearingHouse.poolValuation();

      const receipt = await receiptOf(clearingHouse.deleverage(ETH, hint));
      const closed = eventOf(clearingHouse, receipt, "Deleveraged").getValue("closed") as bigint;
      const skew = await skewOf(world, ETH);
      const requirement = maintenanceOf(skew, await world.priceOf(ETH));
      expect(requirement).to.be.at.most(equity + 2n);
      // A step of the search is a quarter of the side over 256.
      expect(maintenanceOf(skew + wad("900") / 1_024n, await world.priceOf(ETH))).to.be.greaterThan(equity - 2n);
      expect(closed).to.be.within(wad("1"), wad("200"));
      await expect(clearingHouse.flagDeleveraging(ETH)).to.be.revertedWithCustomError(clearingHouse, "NotDue");
    });

    it("a second time what is left", async () => {
      const world = await load(due);
      const { clearingHouse, long } = world;
      await capSkew(world, wad("50"));
      await clearingHouse.deleverage(ETH, await flagAndSettle(world));
      const { size } = await positionOf(world, long, ETH);

      await clearingHouse.deleverage(ETH, await flagAndSettle(world));
      expectNear(await sizeOf(world, long, ETH), (size * 3n) / 4n, 1_000n);
    });
  });

  describe("settles", () => {
    it("at the first round after the flag, not one before and none after", async () => {
      const world = await load(due);
      const { clearingHouse, setPrice } = world;
      const earlier = await setPrice(ETH, wad("1801"));
      await clearingHouse.flagDeleveraging(ETH);
      const first = await setPrice(ETH, wad("1790"));
      const later = await setPrice(ETH, wad("1780"));

      const errors = await hintErrors();
      const { flaggedAt } = await watchOf(world);
      await expect(clearingHouse.deleverage(ETH, { round: earlier, before: earlier - 1n }))
        .to.be.revertedWithCustomError(errors, "HintTooEarly")
        .withArgs(ETH, earlier, await writtenAt(world, earlier), flaggedAt);
      await expect(clearingHouse.deleverage(ETH, { round: later, before: first }))
        .to.be.revertedWithCustomError(errors, "HintTooLate")
        .withArgs(ETH, first, await writtenAt(world, first), flaggedAt);
      await expect(clearingHouse.deleverage(ETH, { round: first, before: earlier }))
        .to.emit(clearingHouse, "Deleveraged")
        .withArgs(
          ETH,
          true,
          (closed: bigint) => closed > 0n,
          wad("1790"),
          (paid: bigint) => paid > 0n,
          (scale: bigint) => scale > 0n,
          (offset: bigint) => offset > 0n,
        );
    });

    it("nothing where the price of the round no longer calls for it", async () => {
      const world = await load(overBudget);
      const { clearingHouse, long } = world;
      const hint = await flagAndSettle(world, wad("1800"));

      await expect(clearingHouse.deleverage(ETH, hint)).to.emit(clearingHouse, "DeleveragingDropped").withArgs(ETH);
      expect(await sizeOf(world, long, ETH)).to.equal(wad("600"));
      await expectUnflagged(world);
    });

    it("by the price of that round, whatever the latest is", async () => {
      const world = await load(overBudget);
      const { clearingHouse } = world;
      const hint = await flagAndSettle(world);
      await world.setPrice(ETH, wad("1800"));

      await expect(clearingHouse.deleverage(ETH, hint)).to.emit(clearingHouse, "Deleveraged");
    });

    it("nothing at a round that has jumped", async () => {
      const world = await load(due);
      const hint = await flagAndSettle(world, wad("2_300"));

      await expect(world.clearingHouse.deleverage(ETH, hint)).to.emit(world.clearingHouse, "DeleveragingDropped");
      await expectUnflagged(world);
    });

    it("nothing without a round in the window", async () => {
      const world = await load(due);
      await world.clearingHouse.flagDeleveraging(ETH);
      const flaggedAt = await now();
      await world.advance(2 * HOUR);
      await world.setPrice(ETH);

      const hint = await world.hintFor(ETH, flaggedAt);
      await expect(world.clearingHouse.deleverage(ETH, hint)).to.emit(world.clearingHouse, "DeleveragingDropped");
      await expectUnflagged(world);
    });

    for (const late of [0, 1]) {
      it(`${late === 0 ? "until" : "nothing after"} ten minutes from its round: not for who joins at a later price`, async () => {
        const world = await load(due);
        const { clearingHouse, stranger } = world;
        const hint = await flagAndSettle(world);
        const settledAt = await time.latest();
        await world.advance(9 * MINUTE);
        await world.refresh();
        await time.setNextBlockTimestamp(settledAt + 10 * MINUTE + late);

        await expect(clearingHouse.connect(stranger).deleverage(ETH, hint)).to.emit(
          clearingHouse,
          late === 0 ? "Deleveraged" : "DeleveragingDropped",
        );
        await expectUnflagged(world);
      });
    }

    it("nothing after a day, without any proof", async () => {
      const world = await load(due);
      const { clearingHouse } = world;
      await clearingHouse.flagDeleveraging(ETH);
      const flaggedAt = await now();
      await world.setPrice(ETH);
      const errors = await hintErrors();
      await time.setNextBlockTimestamp(flaggedAt + BigInt(DAY));
      await expect(clearingHouse.deleverage(ETH, NO_HINT)).to.be.revertedWithCustomError(errors, "RoundExists");

      await expect(clearingHouse.deleverage(ETH, NO_HINT)).to.emit(clearingHouse, "DeleveragingDropped");
      await expectUnflagged(world);
    });

    it("nothing once all positions are closed", async () => {
      const world = await load(due);
      const { clearingHouse, long, second, short, trade } = world;
      await clearingHouse.flagDeleveraging(ETH);
      const flaggedAt = await now();
      await world.setPrice(ETH);
      const hint = await world.hintFor(ETH, flaggedAt);
      await trade(long, ETH, wad("-600"), { reduceOnly: true });
      await trade(second, ETH, wad("-300"), { reduceOnly: true });
      await trade(short, ETH, wad("100"), { reduceOnly: true });

      await expect(clearingHouse.deleverage(ETH, hint)).to.emit(clearingHouse, "DeleveragingDropped");
      await expectUnflagged(world);
    });

    it("nothing that was not flagged", async () => {
      const { clearingHouse } = await load(due);

      await expect(clearingHouse.deleverage(ETH, NO_HINT))
        .to.be.revertedWithCustomError(clearingHouse, "NotFlagged")
        .withArgs(ETH);
    });
  });

  describe("leaves, for an hour, in peace", () => {
    it("whoever is unhealthy only because its hedge was cut", async () => {
      const world = await load(cutHedge);
      const { clearingHouse, second, liquidator } = world;
      const state = await stateOf(world, second, await now());
      const { equity, maintenance } = betterTerms(state);
      expect(equity).to.be.lessThan(maintenance);
      const { size, graced } = await clearingHouse.formerPositionOf(second, ETH);
      expect([graced, size]).to.deep.equal([true, wad("300")]);
      const basket = toCall(findLiquidation(state)?.basket ?? { reductions: [], sales: [] });
      const liquidating = () => clearingHouse.connect(world.keeper).liquidate(second, ...basket, liquidator);

      const former = await formerTermsOf(world, second, ETH);
      expect(former.equity).to.be.greaterThan(former.maintenance);
      await expect(liquidating())
        .to.be.revertedWithCustomError(clearingHouse, "InGrace")
        .withArgs(second, former.equity, former.maintenance);
      const { graceUntil } = await watchOf(world);
      await time.increaseTo(graceUntil - 100n);
      await world.refresh();
      await time.setNextBlockTimestamp(graceUntil - 1n);
      await expect(liquidating())
        .to.be.revertedWithCustomError(clearingHouse, "InGrace")
        .withArgs(second, former.equity, former.maintenance);
      await time.setNextBlockTimestamp(graceUntil);
      await liquidating();
      expect((await clearingHouse.formerPositionOf(second, ETH)).graced).to.equal(false);
    });

    it("the same account whatever others do to it", async () => {
      const world = await load(cutHedge);
      const { clearingHouse, second, stranger } = world;
      await world.setPrice(ETH, wad("1_790"));
      await expect(clearingHouse.connect(stranger).realise(second))
        .to.emit(clearingHouse, "LossRealised")
        .withArgs(second, ETH, (loss: bigint) => loss > 0n);

      const { size, graced } = await clearingHouse.formerPositionOf(second, ETH);
      expect(graced).to.equal(true);
      expectNear(size, wad("300"), 1n);
    });

    it("nobody for a size that it has chosen since", async () => {
      const world = await load(cutHedge);
      const { clearingHouse, second, liquidator, keeper } = world;
      await world.trade(second, ETH, wad("-1"), { reduceOnly: true });
      expect((await clearingHouse.formerPositionOf(second, ETH)).graced).to.equal(false);

      const state = await stateOf(world, second, await now());
      const basket = toCall(findLiquidation(state)?.basket ?? { reductions: [], sales: [] });
      await clearingHouse.connect(keeper).liquidate(second, ...basket, liquidator);
    });

    it("nobody for a position that it has opened since", async () => {
      const world = await load(cutHedge);
      const { clearingHouse, liquidator } = world;
      await openLater(world, liquidator);
      expect((await clearingHouse.formerPositionOf(liquidator, ETH)).graced).to.equal(false);
    });

    it("of a run of deleveragings everybody whose size is from before the first, and of later ones nobody", async () => {
      const world = await load(cutHedge);
      const { clearingHouse, second, liquidator } = world;
      await openLater(world, liquidator);
      await clearingHouse.deleverage(ETH, await flagAndSettle(world));

      const former = await clearingHouse.formerPositionOf(second, ETH);
      expect([former.graced, former.size]).to.deep.equal([true, wad("300")]);
      expect((await clearingHouse.formerPositionOf(liquidator, ETH)).graced).to.equal(false);
    });

    it("the same account from a takeover", async () => {
      const world = await load(cutHedge);
      const { clearingHouse, second, liquidator, keeper } = world;

      const former = await formerTermsOf(world, second, ETH);
      await expect(clearingHouse.connect(keeper).takeOver(second, [{ asset: BTC, delta: wad("1") }], liquidator))
        .to.be.revertedWithCustomError(clearingHouse, "InGrace")
        .withArgs(second, former.equity, former.maintenance);
    });

    it("not whoever would be unhealthy with the hedge, too", async () => {
      const world = await load(cutHedge);
      const { clearingHouse, second, liquidator, keeper } = world;
      await world.setPrice(ETH, wad("1900"));
      const state = await stateOf(world, second, await now());
      const basket = toCall(findLiquidation(state)?.basket ?? { reductions: [], sales: [] });

      await clearingHouse.connect(keeper).liquidate(second, ...basket, liquidator);
    });
  });

  describe("closes a side whole in the end", () => {
    it("once its scale is spent: positions become cash, and the next epoch begins", async function () {
      this.timeout(300_000);
      const world = await load(longOnly);
      const { clearingHouse, long, second } = world;
      const { steps, receipt } = await spend(world);
      expect(steps).to.be.within(70, 80); // (3/4)^n < 2^-32

      await expect(receipt).to.emit(clearingHouse, "SideClosed").withArgs(ETH, true, 0n);
      expect(await clearingHouse.sideOf(ETH, true)).to.deep.equal([0n, 0n, 1n, 0n, 1n << 64n, 1n << 64n, 0n, 0n]);
      const { quote, size } = await positionOf(world, long, ETH);
      expect(size).to.equal(0n);
      const { closedValue } = await clearingHouse.ledger();
      expect(closedValue).to.be.greaterThan(quote);

      const cash = await cashOf(world, long);
      await expect(clearingHouse.realise(long))
        .to.emit(clearingHouse, "PositionsClosed")
        .withArgs(long, 1n << BigInt(ETH), quote);
      expect((await cashOf(world, long)) - cash).to.equal(quote);
      expect((await clearingHouse.accountOf(long)).positions).to.equal(0n);
      await clearingHouse.realise(second);
      expect((await clearingHouse.ledger()).closedValue).to.be.within(0n, 4n);

      await world.refresh();
      const { outcome } = await world.trade(long, ETH, wad("10"));
      expect(outcome).to.equal("Filled");
      expect((await clearingHouse.storedPositionOf(long, ETH)).epoch).to.equal(1n);
      expect(await sizeOf(world, long, ETH)).to.equal(wad("10"));
    });

    it("sooner where the cap on open interest would come to more units than a sum can hold", async function () {
      this.timeout(300_000);
      const world = await load(widelyCapped);
      const { steps } = await spend(world);
      expect(steps).to.equal(28); // (3/4)^n < 10^30 / 2^111
    });
  });
});

async function watchOf({ clearingHouse }: World) {
  return decodeWatch(await clearingHouse.watchOf(ETH));
}

async function expectUnflagged(world: World): Promise<void> {
  expect((await watchOf(world)).flaggedAt).to.equal(0n);
  expect((await world.clearingHouse.ledger()).flaggedMarkets).to.equal(0n);
}

/** The errors of the proof of a round. */
async function writtenAt(world: World, round: bigint): Promise<bigint> {
  const [, , , updatedAt] = await world.feedOf(ETH).proxy.getRoundData(round);
  return updatedAt;
}

async function hintErrors() {
  return ethers.getContractAt("ChainlinkPush", ethers.ZeroAddress);
}

/** R_M of a skew of ETH alone. */
function maintenanceOf(skew: bigint, price: bigint): bigint {
  const value = (abs(skew) * price) / WAD;
  const concentration = (50_000n * skew * skew * price) / (500_000n * WAD * WAD * 1_000_000n);
  return (value * 65_000n * 600_000n) / 10n ** 12n + (value * 3_000n) / 1_000_000n + concentration;
}

/** Opens a long position on the side that has just been cut. */
async function openLater(world: World, account: Account): Promise<void> {
  await capSkew(world, wad("2_500"));
  await world.trade(account, ETH, wad("10"));
  expect(await sizeOf(world, account, ETH)).to.equal(wad("10"));
  await capSkew(world, wad("155")); // as far as it goes within the hour
}

/** Deleverages until the side is closed. */
async function spend(world: World) {
  const { clearingHouse } = world;
  for (let steps = 1; steps < 100; steps++) {
    const hint = await flagAndSettle(world);
    const receipt = await receiptOf(clearingHouse.deleverage(ETH, hint));
    if ((await clearingHouse.sideOf(ETH, true)).epoch === 1n) return { steps, receipt };
  }
  throw new Error("the side is still open");
}

async function within(): Promise<Crowded> {
  return crowdedSide();
}

/** A skew of 800 with a hard cap of 600. */
async function overCap(): Promise<Crowded> {
  const world = await crowdedSide();
  await capSkew(world, wad("300"));
  return world;
}

async function watched(): Promise<Crowded> {
  const world = await overCap();
  await world.setPrice(ETH);
  await world.clearingHouse.flagDeleveraging(ETH);
  return world;
}

/** For an hour. */
async function due(): Promise<Crowded> {
  const world = await watched();
  await time.increase(HOUR);
  await world.refresh();
  return world;
}

/** Alice alone is short, 750 ETH with a hard cap of 600. */
async function crowdedShort(): Promise<World & { short: Account }> {
  const world = await frozen();
  const short = accountOf(world.alice);
  await world.trade(short, ETH, wad("-750"));
  await capSkew(world, wad("300"));
  await world.clearingHouse.flagDeleveraging(ETH);
  await time.increase(HOUR);
  await world.refresh();
  return { ...world, short };
}

/** The market owes 136,000 of a pool of ten million, of which one percent is its budget. */
async function overBudget(): Promise<Crowded> {
  const world = await crowdedSide(({ money }) => {
    money.lossBudget = percent(1);
  });
  await world.setPrice(ETH, wad("1970"));
  return world;
}

/** The same with 800 ETH short of 900 long. */
async function evenlyCrowded(): Promise<Crowded> {
  const world = await crowdedSide(({ money }) => {
    money.lossBudget = percent(1);
  });
  const more = await world.fund(world.bob, wad("400_000"));
  await world.trade(more, ETH, wad("-700"));
  await movePrice(world, ETH, wad("2_900"));
  return world;
}

/** A pool of 58,000, whose requirement is 62,500. */
async function weakPool(): Promise<Crowded> {
  const world = await deploy(({ assets, money }) => {
    for (const asset of assets) {
      [asset.maxFundingRate, asset.fundingVelocity, asset.openInterestShare] = [0, 0, 10 * percent(100)];
    }
    money.lossBudget = percent(100);
  });
  await world.poolDeposit(world.provider, wad("170_000"));
  const long = await world.fund(world.alice, wad("100_000"));
  const second = await world.fund(world.carol, wad("100_000"));
  const short = await world.fund(world.bob, wad("100_000"));
  await world.trade(long, ETH, wad("600"));
  await world.trade(second, ETH, wad("300"));
  await world.trade(short, ETH, wad("-100"));
  const batch = await requestRedeem(world, world.provider, wad("67_000"));
  await world.mature(batch);
  await world.pool.fulfill(batch);
  await world.setPrice(ETH, wad("1_860"));
  return { ...world, long, second, short };
}

/** Traders are long 800 ETH and short 120 BTC, so that the pool's ETH hedge its BTC. */
async function hedgedPool(): Promise<Crowded> {
  const world = await crowdedSide();
  const whale = await world.fund(world.keeper, wad("500_000"));
  await world.trade(whale, BTC, wad("-120"));
  await capSkew(world, wad("300"));
  return world;
}

/** Carol's 300 ETH hedge 18.6 BTC short; a quarter of them was closed, and both have risen by 15 % since. */
async function cutHedge(): Promise<World & { second: Account; liquidator: Account }> {
  const world = await frozen();
  const second = await world.fund(world.carol, wad("35_500"));
  await world.trade(second, BTC, wad("-18.6"));
  await world.trade(second, ETH, wad("300"));
  await world.trade(accountOf(world.alice), ETH, wad("500"));
  await capSkew(world, wad("50"));
  await time.increase(DAY); // from then on the cap can be lowered by a step again
  await world.refresh();
  await world.clearingHouse.flagDeleveraging(ETH);
  await time.increase(HOUR);
  await world.refresh();
  await world.clearingHouse.deleverage(ETH, await flagAndSettle(world));
  await world.setPrice(ETH, wad("2_070"));
  await movePrice(world, BTC, wad("33_350"));
  return { ...world, second, liquidator: await world.fund(world.keeper, wad("100_000")) };
}

/** Only longs, whose profit is over a budget of one percent for good. */
async function longOnly(): Promise<World & { long: Account; second: Account }> {
  return withLongsOnly(() => undefined);
}

/** The same with room for a million million ETH. */
async function widelyCapped(): Promise<World & { long: Account; second: Account }> {
  return withLongsOnly(({ assets: [eth] }) => {
    if (eth !== undefined) [eth.depth, eth.openInterestCap] = [2n * 10n ** 32n, 10n ** 30n];
  });
}

async function withLongsOnly(
  adapt: (parameters: Parameters) => void,
): Promise<World & { long: Account; second: Account }> {
  const world = await frozen((parameters) => {
    parameters.money.lossBudget = percent(1);
    adapt(parameters);
  });
  const second = await world.fund(world.carol, wad("100_000"));
  const long = accountOf(world.alice);
  await world.trade(long, ETH, wad("600"));
  await world.trade(second, ETH, wad("300"));
  await world.setPrice(ETH, wad("2_000"));
  return { ...world, long, second };
}
