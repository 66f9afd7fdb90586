import { expect } from "chai";

import { divUp } from "../../scripts/model/fixed.ts";
import {
  type Basket,
  liquidate as carryOut,
  type LiquidationState,
  targetWithOneLotMore,
} from "../../scripts/model/liquidation.ts";
import { findLiquidation } from "../../scripts/model/liquidationSearch.ts";
import { type Account, accountOf, instrumented, receiptOf, time, type World } from "../fixture.ts";
import { BTC, ETH, HOUR, LINK, MINUTE, SOL, USDC, wad, WETH_TOKEN } from "../parameters.ts";
import { indebted } from "../waterfall/scenarios.ts";
import { crowdedWithCollateral, frozen, still } from "./scenarios.ts";
import {
  betterTerms,
  cashOf,
  eventOf,
  expectConserved,
  expectNear,
  load,
  movePrice,
  nextSecond,
  now,
  poolEquityOf,
  sizeOf,
  skewOf,
  stateOf,
  toCall,
} from "./support.ts";

const NOTHING: Basket = { reductions: [], sales: [] };
const GAS_CAP = 1n << 24n;
/** Of a sale of WETH. */
const SALE_LOT = wad("0.001");
/** In place of a market. */
const UNATTRIBUTED = 255n;

type Due = World & { account: Account; liquidator: Account };

describe("ClearingHouse.liquidate", () => {
  afterEach(expectConserved);

  describe("who", () => {
    it("is not a healthy account", async () => {
      const world = await due("1755");
      const { equity, maintenance } = betterTerms(await stateOf(world, world.account, await now()));

      await expect(attempt(world, reduce(ETH, "-1")))
        .to.be.revertedWithCustomError(world.clearingHouse, "Healthy")
        .withArgs(world.account, equity, maintenance);
    });

    it("is not an account that holds nothing", async () => {
      const world = await due("1728");

      for (const account of [accountOf(world.carol), accountOf(world.provider)]) {
        await expect(attempt({ ...world, account }, NOTHING))
          .to.be.revertedWithCustomError(world.clearingHouse, "Healthy")
          .withArgs(account, 0n, 0n);
      }
    });

    it("is not an account that is healthy at one end of a doubtful price", async () => {
      const world = await due("1728");
      await world.advance(2 * HOUR);
      const { equity, maintenance } = betterTerms(await stateOf(world, world.account, await now()));
      expect(equity).to.be.greaterThan(maintenance);

      await expect(attempt(world, reduce(ETH, "-1"))).to.be.revertedWithCustomError(world.clearingHouse, "Healthy");
    });

    it("is an account with a pending order", async () => {
      const world = await due("1728");
      await world.submit(world.account, ETH, wad("-1"), { reduceOnly: true });

      await liquidate(world, reduce(ETH, "-100"));
      expect(await sizeOf(world, world.account, ETH)).to.equal(wad("650"));
    });

    it("is not the liquidator's own account", async () => {
      const world = await due("1728");

      await expect(attempt({ ...world, liquidator: world.account }, reduce(ETH, "-1"), world.alice))
        .to.be.revertedWithCustomError(world.clearingHouse, "SelfLiquidation")
        .withArgs(world.account);
    });

    it("is not the liquidator's own account through an operator either", async () => {
      const world = await due("1728");
      const { clearingHouse, account, alice, stranger } = world;
      await clearingHouse.connect(alice).setOperator(account, stranger, 1, 2n ** 40n - 1n, 0);

      await expect(attempt({ ...world, liquidator: account }, reduce(ETH, "-1"), stranger))
        .to.be.revertedWithCustomError(clearingHouse, "SelfLiquidation")
        .withArgs(account);
    });

    it("pays an account of the caller or of one it may trade for, and no other", async () => {
      const world = await due("1728");
      const { clearingHouse, liquidator, stranger, bob } = world;
      await expect(attempt(world, reduce(ETH, "-1"), stranger))
        .to.be.revertedWithCustomError(clearingHouse, "NotAuthorized")
        .withArgs(liquidator, stranger, 1n);
      await clearingHouse.connect(bob).setOperator(liquidator, stranger, 1, 2n ** 40n - 1n, 0);

      await attempt(world, reduce(ETH, "-1"), stranger);
    });

    it("gains its owner nothing over trading from another own account", async () => {
      const world = await due("1728");
      const { alice, account, clearingHouse } = world;
      const other = await world.fund(alice, wad("10"), 1n);
      const { insurance } = await clearingHouse.balances();
      const { penalty, reward } = await liquidate({ ...world, liquidator: other }, reduce(ETH, "-100"), alice);

      // The taker of a trade would have paid the same price and fee, and no penalty.
      expect(penalty).to.be.greaterThan(reward);
      const fee = (100n * wad("1728") * 200n) / 1_000_000n;
      expect((await clearingHouse.balances()).insurance - insurance).to.equal(penalty - reward + fee / 5n);
      expect(await cashOf(world, other)).to.equal(wad("10") + reward);
      expect(await sizeOf(world, account, ETH)).to.equal(wad("650"));
    });
  });

  describe("how much", () => {
    it("brings an outright position to its target with one leg", async () => {
      const world = await due("1728");
      const at = await nextSecond();
      const plan = planOf(await stateOf(world, world.account, at));
      expect(plan.kind).to.equal("leg");

      const result = await liquidate(world, plan.basket);
      const { equityBefore, maintenanceBefore, equityAfter, maintenanceAfter, penalty, discount } = plan.outcome;
      expect(result).to.deep.include({
        equityBefore,
        maintenanceBefore,
        equityAfter,
        maintenanceAfter,
        penalty,
        discount,
        reward: plan.outcome.reward,
        deficit: 0n,
      });
      const { equity, maintenance, initial } = betterTerms(await stateOf(world, world.account, await now()));
      expect(equity).to.equal(equityAfter);
      expectNear(equity, maintenance + (initial - maintenance) / 2n, wad("1"));
    });

    it("does not pass the target by more than a lot", async () => {
      const world = await due("1728");
      const state = await stateOf(world, world.account, await now());
      const [leg] = planOf(state).basket.reductions;
      if (leg === undefined) throw new Error("no leg");
      const further = { reductions: [{ ...leg, delta: leg.delta - 2n * 10n ** 15n }], sales: [] };
      const outcome = carryOut(state, further);
      expect(outcome.refusal).to.equal("TargetPassed");

      await expect(call(world, further))
        .to.be.revertedWithCustomError(world.clearingHouse, "TargetPassed")
        .withArgs(outcome.equityAfter, (target: bigint) => target <= outcome.equityAfter);
    });

    it("brings a hedged book, which no single leg helps, to its target by a slice of it", async () => {
      const world = await load(evenlyHedged);
      const at = await nextSecond();
      const state = await stateOf(world, world.account, at);
      const plan = planOf(state);
      expect(plan.kind).to.equal("slice");
      expect(plan.basket.reductions).to.have.length(2);
      for (const { asset, size } of state.exposures) {
        const { equityAfter, maintenanceAfter } = carryOut(state, { reductions: [{ asset, delta: -size }], sales: [] });
        expect(equityAfter).to.be.lessThan(maintenanceAfter);
      }

      const { equityAfter, maintenanceAfter } = await liquidate(world, plan.basket);
      expect(equityAfter).to.equal(plan.outcome.equityAfter);
      expect(equityAfter).to.be.greaterThan(maintenanceAfter);
    });

    it("does not close a hedge, which makes the account worse", async () => {
      const world = await load(halfHedged);
      const state = await stateOf(world, world.account, await now());
      const worse = carryOut(state, { reductions: [{ asset: BTC, delta: wad("30") }], sales: [] });
      expect(worse.maintenanceAfter).to.be.greaterThan(worse.maintenanceBefore);

      await expect(call(world, reduce(BTC, "30")))
        .to.be.revertedWithCustomError(world.clearingHouse, "HealthNotImproved")
        .withArgs(worse.equityBefore - worse.maintenanceBefore, worse.equityAfter - worse.maintenanceAfter);
      await call(world, reduce(ETH, "-100"));
    });

    it("does not do nothing", async () => {
      const world = await due("1728");
      const { equity, maintenance } = betterTerms(await stateOf(world, world.account, await now()));

      await expect(call(world, NOTHING))
        .to.be.revertedWithCustomError(world.clearingHouse, "HealthNotImproved")
        .withArgs(equity - maintenance, equity - maintenance);
    });

    for (const [what, delta] of [
      ["grow", "1"],
      ["flip", "-750.000000000000000001"],
      ["stay", "0"],
    ] as const) {
      it(`does not let a position ${what}`, async () => {
        const world = await due("1728");

        await expect(attempt(world, reduce(ETH, delta)))
          .to.be.revertedWithCustomError(world.clearingHouse, "NotASlice")
          .withArgs(ETH, wad("750"), wad(delta));
      });
    }

    it("takes no leg twice", async () => {
      const world = await load(owing);
      const [leg, sale] = [
        { asset: BTC, delta: wad("-1") },
        { token: WETH_TOKEN, amount: wad("1") },
      ];

      await expect(attempt(world, { reductions: [leg, leg], sales: [] }))
        .to.be.revertedWithCustomError(world.clearingHouse, "DuplicateLeg")
        .withArgs(BTC);
      await expect(attempt(world, { reductions: [], sales: [sale, sale] }))
        .to.be.revertedWithCustomError(world.clearingHouse, "DuplicateLeg")
        .withArgs(WETH_TOKEN);
    });

    it("does not open a position in what the account does not hold", async () => {
      const world = await due("1728");

      await expect(attempt(world, reduce(BTC, "1")))
        .to.be.revertedWithCustomError(world.clearingHouse, "UnknownMarket")
        .withArgs(BTC);
    });

    it("leaves no dust", async () => {
      const world = await due("1690");

      await expect(attempt(world, reduce(ETH, "-749.99")))
        .to.be.revertedWithCustomError(world.clearingHouse, "PositionTooSmall")
        .withArgs(ETH, (notional: bigint) => notional < wad("17"), wad("20"));
      await attempt(world, reduce(ETH, "-750"));
    });

    it("closes the whole of a small account", async () => {
      const world = await load(small);
      const { equity, maintenance } = betterTerms(await stateOf(world, world.account, await now()));
      expect(maintenance).to.be.within(wad("40"), wad("50"));
      expect(equity).to.be.within(maintenance / 2n + 1n, maintenance);

      await liquidate(world, reduce(ETH, "-0.6"));
      expect((await world.clearingHouse.accountOf(world.account)).positions).to.equal(0n);
    });

    it("closes the whole of a position of which the least that may be left is too much", async () => {
      const world = await load(indivisible);
      const { equity, maintenance } = betterTerms(await stateOf(world, world.account, await now()));
      expect(equity).to.be.within(maintenance / 2n + 1n, maintenance);

      await liquidate(world, reduce(ETH, "-83"));
      expect(await sizeOf(world, world.account, ETH)).to.equal(0n);
    });

    it("closes the whole of a deep loss", async () => {
      const world = await due("1699");
      const { equity, maintenance } = betterTerms(await stateOf(world, world.account, await now()));
      expect(equity).to.be.within(1n, maintenance / 2n);

      await liquidate(world, reduce(ETH, "-750"));
      expect(await sizeOf(world, world.account, ETH)).to.equal(0n);
    });

    it("does not close the whole of a large account above that", async () => {
      const world = await due("1707");
      const { equity, maintenance } = betterTerms(await stateOf(world, world.account, await now()));
      expect(equity).to.be.within(maintenance / 2n + 1n, (maintenance * 6n) / 10n);

      const state = await stateOf(world, world.account, await now());
      const outcome = carryOut(state, reduce(ETH, "-750"));
      const target = targetWithOneLotMore(state, reduce(ETH, "-750"), outcome);
      await expect(attempt(world, reduce(ETH, "-750")))
        .to.be.revertedWithCustomError(world.clearingHouse, "TargetPassed")
        .withArgs(outcome.equityAfter, target);
    });
  });

  describe("guards", () => {
    it("leave a leg without a live price alone, and let the others be closed", async () => {
      const world = await load(mixed);
      const { clearingHouse, advance, setPrice } = world;
      await advance(2 * HOUR);
      for (const asset of [ETH, BTC, LINK, USDC]) await setPrice(asset);

      await expect(call(world, reduce(SOL, "-10")))
        .to.be.revertedWithCustomError(clearingHouse, "NotLiquidatable")
        .withArgs(SOL);
      await call(world, reduce(ETH, "-10"));
    });

    it("leave a halted leg alone, and until its grace is over", async () => {
      const world = await load(mixed);
      const { clearingHouse, oracle, setPrice, advance, refresh } = world;
      const jump = async () => {
        await setPrice(SOL, wad("18"));
        await oracle.update(1n << BigInt(SOL));
      };
      const refused = () =>
        expect(call(world, reduce(SOL, "-10")))
          .to.be.revertedWithCustomError(clearingHouse, "NotLiquidatable")
          .withArgs(SOL);

      await jump();
      await refused();
      await jump();
      await advance(10 * MINUTE);
      await jump(); // accepted
      expect((await oracle.stateOf(SOL)).price).to.equal(wad("18"));
      const accepted = await time.latest();
      await refused();
      await refresh();
      await time.increaseTo(accepted + 10 * MINUTE - 1);
      await refused();
      await time.increaseTo(accepted + 10 * MINUTE);
      await call(world, reduce(SOL, "-10"));
    });

    it("stop everything while the sequencer is down, and until its grace is over", async () => {
      const world = await due("1728");
      const { clearingHouse, setSequencer, refresh } = world;
      const refused = () =>
        expect(call(world, reduce(ETH, "-10"))).to.be.revertedWithCustomError(clearingHouse, "SequencerNotSettled");

      await setSequencer(false);
      await refused();
      await setSequencer(true);
      const up = await time.latest();
      await refused();
      await time.increaseTo(up + HOUR - 10);
      await refresh();
      await time.increaseTo(up + HOUR);
      await refused();
      await time.increaseTo(up + HOUR + 1);
      await call(world, reduce(ETH, "-10"));
    });
  });

  describe("pay", () => {
    it("is a tenth of the requirement removed, half to the liquidator and half to insurance", async () => {
      const world = await due("1728");
      const { clearingHouse, account, liquidator } = world;
      const [cash, paid, before] = [
        await cashOf(world, account),
        await cashOf(world, liquidator),
        await clearingHouse.balances(),
      ];

      const { receipt, maintenanceBefore, maintenanceAfter, penalty, reward } = await liquidate(
        world,
        reduce(ETH, "-100"),
      );
      const relief = maintenanceBefore - maintenanceAfter;
      // 100 · 1728 · 4.2 %, and the concentration of 750 less that of 650
      expectNear(relief, wad("7257.6") + wad("24.192"), 2n);
      expect(penalty).to.equal(relief / 10n);
      expect(reward).to.equal(penalty / 2n);
      const fill = eventOf(clearingHouse, receipt, "Fill");
      const [realised, fee] = [fill.getValue("realised") as bigint, fill.getValue("fee") as bigint];
      expect((await cashOf(world, account)) - cash).to.equal(realised - fee - penalty);
      expect((await cashOf(world, liquidator)) - paid).to.equal(reward);
      const after = await clearingHouse.balances();
      expect(after.insurance - before.insurance).to.equal(penalty - reward + fee / 5n);
      expect(after.protocolFees - before.protocolFees).to.equal(fee / 10n);
    });

    it("is in the trigger: an account closed at its maintenance requirement can pay for it", async () => {
      const world = await load(small);
      const { equityAfter, penalty, deficit } = await liquidate(world, reduce(ETH, "-0.6"));

      expect(penalty).to.be.greaterThan(wad("4"));
      expect(equityAfter).to.be.greaterThan(wad("15"));
      expect(deficit).to.equal(0n);
      expect(await cashOf(world, world.account)).to.equal(equityAfter);
    });

    it("is no more than the equity, pro rata to what is closed", async () => {
      const world = await due("1671.5");
      const { equity, maintenance } = betterTerms(await stateOf(world, world.account, await now()));
      expect(equity).to.be.within(1n, maintenance / 20n);

      const half = await liquidate(world, reduce(ETH, "-375"));
      const relief = half.maintenanceBefore - half.maintenanceAfter;
      expect(half.penalty).to.equal((half.equityBefore * relief) / half.maintenanceBefore);
      const rest = await liquidate(world, reduce(ETH, "-375"));
      expect(rest.penalty).to.be.at.most(rest.equityBefore);
      expect(rest.deficit).to.equal(0n);
      expect(await cashOf(world, world.account)).to.be.at.least(0n);
    });

    it("is flat and out of insurance where there is no equity", async () => {
      const world = await due("1660");
      await world.insuranceFund.connect(world.bob).contribute(world.liquidator, wad("20_000"));
      const [before, paid] = [await world.clearingHouse.balances(), await cashOf(world, world.liquidator)];
      const { receipt, penalty, reward, deficit } = await liquidate(world, reduce(ETH, "-750"));

      expect([penalty, reward]).to.deep.equal([0n, wad("5")]);
      expect((await cashOf(world, world.liquidator)) - paid).to.equal(wad("5"));
      const fee = eventOf(world.clearingHouse, receipt, "Fill").getValue("fee") as bigint;
      const { insurance } = await world.clearingHouse.balances();
      expect(insurance - before.insurance).to.equal(fee / 5n - wad("5") - deficit);
    });

    it("is no more than the requirement of a small account without equity", async () => {
      const world = await load(tiny);
      await world.insuranceFund.connect(world.bob).contribute(world.liquidator, wad("20_000"));
      const { equityBefore, maintenanceBefore, reward } = await liquidate(world, reduce(ETH, "-0.02"));

      expect(equityBefore).to.be.lessThan(0n);
      expect(maintenanceBefore).to.be.within(wad("1"), wad("2"));
      expect(reward).to.equal(maintenanceBefore);
    });

    it("is nothing flat for a part of an account without equity", async () => {
      const world = await due("1660");
      const { penalty, reward } = await liquidate(world, reduce(ETH, "-100"));

      expect([penalty, reward]).to.deep.equal([0n, 0n]);
    });

    it("moves value between account, liquidator, pool and insurance, and neither makes nor loses any", async () => {
      const world = await due("1728");
      const valueOf = async () => {
        const at = await now();
        const { insurance, protocolFees } = await world.clearingHouse.balances();
        const price = await world.priceOf(ETH);
        const skew = await skewOf(world, ETH);
        // Premium that the pool holds and owes back is in nobody's equity.
        const premium = (skew * skew * price) / (2n * wad("250_000") * wad("1"));
        let sum = insurance + protocolFees + premium + (await poolEquityOf(world, at)).equity;
        for (const account of [world.account, world.liquidator]) {
          sum += betterTerms(await stateOf(world, account, at)).equity;
        }
        return sum;
      };
      const before = await valueOf();

      await liquidate(world, reduce(ETH, "-123.456789"));
      expectNear(await valueOf(), before, 4n);
    });
  });

  describe("deficit", () => {
    it("is paid by insurance as far as it goes, and by the pool beyond", async () => {
      const world = await due("1660");
      const before = await world.clearingHouse.balances();
      const pool = (await poolEquityOf(world, await now())).equity;
      const { receipt, deficit } = await liquidate(world, reduce(ETH, "-750"));

      const fee = eventOf(world.clearingHouse, receipt, "Fill").getValue("fee") as bigint;
      const left = before.insurance + fee / 5n - wad("5");
      expect(left).to.be.within(1n, deficit - 1n);
      await expect(receipt).to.emit(world.clearingHouse, "DeficitBooked").withArgs(world.account, ETH, deficit, left);
      expect(await cashOf(world, world.account)).to.equal(0n);
      const { insurance, debts } = await world.clearingHouse.balances();
      expect([insurance, debts]).to.deep.equal([0n, before.debts]);
      const lost = pool - (await poolEquityOf(world, await now())).equity;
      expectNear(lost, deficit - left - (fee * 7n) / 10n, 3n);
    });

    it("is paid by insurance alone where that has enough", async () => {
      const world = await due("1660");
      await world.insuranceFund.connect(world.bob).contribute(world.liquidator, wad("50_000"));
      const pool = (await poolEquityOf(world, await now())).equity;
      const { receipt, deficit } = await liquidate(world, reduce(ETH, "-750"));

      expect(deficit).to.be.greaterThan(wad("5000"));
      await expect(receipt)
        .to.emit(world.clearingHouse, "DeficitBooked")
        .withArgs(world.account, ETH, deficit, deficit);
      const fee = eventOf(world.clearingHouse, receipt, "Fill").getValue("fee") as bigint;
      expectNear((await poolEquityOf(world, await now())).equity - pool, (fee * 7n) / 10n, 3n);
    });

    it("is the pool's where insurance is empty, and nobody is paid then", async () => {
      const world = await load(uninsured);
      const { receipt, deficit, reward } = await liquidate(world, reduce(ETH, "-750"));

      expect(reward).to.equal(0n);
      await expect(receipt).to.emit(world.clearingHouse, "DeficitBooked").withArgs(world.account, ETH, deficit, 0n);
    });

    it("of an account that closed itself is booked by anyone", async () => {
      const world = await due("1660");
      const { clearingHouse, trade, account, bob, stranger } = world;
      const { outcome } = await trade(account, ETH, wad("-750"), { reduceOnly: true });
      expect(outcome).to.equal("Filled");
      const cash = await cashOf(world, account);
      expect(cash).to.be.lessThan(0n);
      await expect(call(world, NOTHING)).to.be.revertedWithCustomError(clearingHouse, "Healthy");
      await world.insuranceFund.connect(bob).contribute(world.liquidator, wad("20_000"));

      await expect(clearingHouse.connect(stranger).settleDeficit(account))
        .to.emit(clearingHouse, "DeficitBooked")
        .withArgs(account, UNATTRIBUTED, -cash, -cash);
      expect((await clearingHouse.balances()).debts).to.equal(0n);
    });

    it("is not forgiven while an order's escrow is still to come back", async () => {
      const world = await due("1690");
      const { clearingHouse, account, submit, settle, execute } = world;
      const { sequence } = await submit(account, ETH, wad("-10"), { reduceOnly: true });
      const hints = await settle(account, sequence, wad("1660"));
      const { deficit } = await liquidate(world, reduce(ETH, "-750"));
      expect(deficit).to.equal(0n);
      expect(await cashOf(world, account)).to.be.lessThan(0n);
      await expect(clearingHouse.settleDeficit(account))
        .to.be.revertedWithCustomError(clearingHouse, "OrderPending")
        .withArgs(account, 1n);

      await execute(account, sequence, hints);
      const left = -(await cashOf(world, account));
      const { insurance } = await clearingHouse.balances();
      expect(insurance).to.be.within(1n, left - 1n);
      await expect(clearingHouse.settleDeficit(account))
        .to.emit(clearingHouse, "DeficitBooked")
        .withArgs(account, UNATTRIBUTED, left, insurance);
      expect(await cashOf(world, account)).to.equal(0n);
    });
  });

  describe("collateral", () => {
    it("is sold to the caller at the oracle's price less the discount", async () => {
      const world = await load(owing);
      const { clearingHouse, account, liquidator } = world;
      const [cash, paid] = [await cashOf(world, account), await cashOf(world, liquidator)];

      const { receipt, discount, penalty, reward } = await liquidate(world, sell("30"));
      expect(discount).to.equal(wad("540"));
      await expect(receipt)
        .to.emit(clearingHouse, "CollateralSold")
        .withArgs(account, liquidator, WETH_TOKEN, wad("30"), wad("54_000"));
      expect((await cashOf(world, account)) - cash).to.equal(wad("54_000") - discount - penalty);
      expect((await cashOf(world, liquidator)) - paid).to.equal(reward + discount - wad("54_000"));
      expect(await clearingHouse.collateralOf(account, WETH_TOKEN)).to.equal(wad("70"));
      expect(await clearingHouse.collateralOf(liquidator, WETH_TOKEN)).to.equal(wad("30"));
    });

    for (const [settlement, proceeds] of [
      ["0.99", (wad("54_000") * 100n + 98n) / 99n],
      ["1.01", wad("54_000")],
    ] as const) {
      it(`costs ${settlement === "0.99" ? "more" : "no less"} when the settlement token stands at ${settlement}`, async () => {
        const world = await load(owing);
        await world.setPrice(USDC, wad(settlement));
        await world.oracle.update(1n << BigInt(USDC));

        const { receipt } = await liquidate(world, sell("30"));
        expect(eventOf(world.clearingHouse, receipt, "CollateralSold").getValue("proceeds")).to.equal(proceeds);
      });
    }

    it("is sold without discount where there is no equity to pay it from", async () => {
      const world = await load(owing);
      await world.setPrice(BTC, wad("20_000"));
      const { equityBefore, discount, penalty } = await liquidate(world, sell("30"));

      expect(equityBefore).to.be.lessThan(0n);
      expect([discount, penalty]).to.deep.equal([0n, 0n]);
    });

    it("is sold to nobody who cannot pay", async () => {
      const world = await load(owing);
      const buyer = await world.fund(world.bob, wad("53_999.999999"), 1n);

      await expect(attempt({ ...world, liquidator: buyer }, sell("30")))
        .to.be.revertedWithCustomError(world.clearingHouse, "InsufficientCash")
        .withArgs(buyer, wad("53_999.999999"), wad("54_000"));
    });

    it("is not sold beyond what there is, nor in nothing", async () => {
      const world = await load(owing);

      for (const amount of ["100.000000000000000001", "0"]) {
        await expect(attempt(world, sell(amount)))
          .to.be.revertedWithCustomError(world.clearingHouse, "InsufficientCollateral")
          .withArgs(world.account, WETH_TOKEN, wad("100"), wad(amount));
      }
    });

    it("is not sold in a token that there is not", async () => {
      const world = await load(owing);

      for (const token of [9, 300]) {
        await expect(attempt(world, { reductions: [], sales: [{ token, amount: 1n }] }))
          .to.be.revertedWithCustomError(world.clearingHouse, "InsufficientCollateral")
          .withArgs(world.account, token, 0n, 1n);
      }
    });

    it("is not sold beyond what the target needs, to the lot", async () => {
      const { other: liquidator, ...rest } = await load(indebted);
      const world = { ...rest, liquidator };
      await movePrice(world, ETH, wad("1_362"));
      const state = await stateOf(world, world.account, await now());
      const enough = leastSaleOf(state);
      const { equityAfter } = carryOut(state, saleOf(enough + SALE_LOT));
      const { target } = carryOut(state, saleOf(enough));

      await expect(attempt(world, saleOf(enough + SALE_LOT)))
        .to.be.revertedWithCustomError(world.clearingHouse, "TargetPassed")
        .withArgs(equityAfter, target);
      await attempt(world, saleOf(enough));
    });

    it("is not sold at a price that is not live", async () => {
      const world = await load(owing);
      await world.setPrice(BTC, wad("20_000"));
      await world.advance(2 * HOUR);
      for (const asset of [BTC, USDC]) await world.setPrice(asset);

      await expect(attempt(world, sell("30")))
        .to.be.revertedWithCustomError(world.clearingHouse, "NotLiquidatable")
        .withArgs(ETH);
    });

    it("is sold at the lower end of the settlement token's price while that is refused", async () => {
      const world = await load(owing);
      const spread = world.parameters.feeds[USDC]?.limits.spread ?? 0;
      await world.setPrice(USDC, wad("0.75"));
      await world.oracle.update(1n << BigInt(USDC));

      const { receipt } = await liquidate(world, sell("30"));
      const proceeds = divUp(wad("54_000") * 1_000_000n, BigInt(1_000_000 - spread));
      expect(eventOf(world.clearingHouse, receipt, "CollateralSold").getValue("proceeds")).to.equal(proceeds);
    });

    it("of all kinds and all positions are closed at once in a deep loss", async () => {
      const world = await load(owing);
      await world.setPrice(BTC, wad("20_500"));
      const { clearingHouse, account } = world;
      await world.fund(world.bob, wad("200_000"));

      await liquidate(world, { ...reduce(BTC, "-20"), ...{ sales: sell("100").sales } });
      const { cash, positions, collaterals } = await clearingHouse.accountOf(account);
      expect([positions, collaterals]).to.deep.equal([0n, 0n]);
      expect(cash).to.be.greaterThan(0n);
    });
  });

  it("closes sixteen assets inside the gas limit of a transaction", async () => {
    const world = await load(crowdedWithCollateral);
    const { account, bob } = world;
    const liquidator = await world.fund(bob, wad("100_000"));
    await movePrice(world, BTC, wad("8_000"));
    await movePrice(world, ETH, wad("600"));
    await world.refresh();
    const state = await stateOf(world, account, await now());
    const { equity, maintenance } = betterTerms(state);
    expect(equity * 2n).to.be.lessThan(maintenance);
    const basket = {
      reductions: state.exposures.filter(({ size }) => size !== 0n).map(({ asset, size }) => ({ asset, delta: -size })),
      sales: state.holdings.map(({ token, amount }) => ({ token, amount })),
    };
    expect([basket.reductions.length, basket.sales.length, state.exposures.length]).to.deep.equal([15, 2, 16]);

    const { receipt } = await liquidate({ ...world, account, liquidator }, basket);
    expect((await world.clearingHouse.accountOf(account)).positions).to.equal(0n);
    if (!instrumented) expect(receipt.gasUsed).to.be.lessThan(GAS_CAP / 8n);
  });
});

function reduce(asset: number, delta: string): Basket {
  return { reductions: [{ asset, delta: wad(delta) }], sales: [] };
}

function sell(amount: string): Basket {
  return { reductions: [], sales: [{ token: WETH_TOKEN, amount: wad(amount) }] };
}

function saleOf(amount: bigint): Basket {
  return { reductions: [], sales: [{ token: WETH_TOKEN, amount }] };
}

/** The least sale of WETH, to the lot, that brings an account to its target. */
function leastSaleOf(state: LiquidationState): bigint {
  let [low, high] = [0n, wad("100") / SALE_LOT];
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    const { equityAfter, target } = carryOut(state, saleOf(middle * SALE_LOT));
    if (equityAfter < target) low = middle;
    else high = middle;
  }
  return high * SALE_LOT;
}

function planOf(state: Parameters<typeof findLiquidation>[0]) {
  const plan = findLiquidation(state);
  if (plan === undefined) throw new Error("nothing to liquidate");
  return plan;
}

/** A transaction of the liquidator. */
function attempt({ clearingHouse, account, liquidator, bob }: Due, basket: Basket, signer = bob) {
  return clearingHouse.connect(signer).liquidate(account, ...toCall(basket), liquidator);
}

/** The same without effect, at the time of the latest block. */
function call({ clearingHouse, account, liquidator, bob }: Due, basket: Basket) {
  return clearingHouse.connect(bob).liquidate.staticCall(account, ...toCall(basket), liquidator);
}

async function liquidate(world: Due, basket: Basket, signer = world.bob) {
  const receipt = await receiptOf(attempt(world, basket, signer));
  const event = eventOf(world.clearingHouse, receipt, "Liquidated");
  const result = event.getValue("result") as Awaited<ReturnType<typeof call>>;
  const { equityBefore, maintenanceBefore, equityAfter, maintenanceAfter, penalty, discount, reward, deficit } = result;
  expect(equityAfter - maintenanceAfter > equityBefore - maintenanceBefore || deficit !== 0n).to.equal(true);
  return {
    receipt,
    equityBefore,
    maintenanceBefore,
    equityAfter,
    maintenanceAfter,
    penalty,
    discount,
    reward,
    deficit,
  };
}

/** Alice, long 750 ETH from 1800 with 97,133 after impact and fee, at another price. */
async function due(price: string): Promise<Due> {
  const world = await load(leveraged);
  await world.setPrice(ETH, wad(price));
  await world.oracle.update(1n << BigInt(ETH));
  return world;
}

/** Bob liquidates. */
async function leveraged() {
  return withLong(await still());
}

/** Without any share of fees for insurance. */
async function uninsured() {
  const world = await withLong(
    await frozen(({ globals }) => {
      globals.insuranceFeeShare = 0;
    }),
  );
  await world.setPrice(ETH, wad("1660"));
  return world;
}

async function withLong(world: World): Promise<Due> {
  const account = accountOf(world.alice);
  await world.trade(account, ETH, wad("750"));
  return { ...world, account, liquidator: accountOf(world.bob) };
}

/** As much BTC short as ETH long. */
async function evenlyHedged() {
  return hedged(["800", "-49.65"], "1719");
}

/** ETH beyond what BTC hedges. */
async function halfHedged() {
  return hedged(["900", "-30"], "1732");
}

async function hedged([long, short]: [string, string], price: string): Promise<Due> {
  const world = await still();
  const account = accountOf(world.alice);
  await world.trade(account, BTC, wad(short));
  await world.trade(account, ETH, wad(long));
  await world.setPrice(ETH, wad(price));
  return { ...world, account, liquidator: accountOf(world.bob) };
}

/** 0.6 ETH with 90, which have lost more than half. */
async function small() {
  const world = await still();
  const account = await world.fund(world.alice, wad("90"), 3n);
  await world.trade(account, ETH, wad("0.6"));
  await world.setPrice(ETH, wad("1720"));
  return { ...world, account, liquidator: accountOf(world.bob) };
}

/** 83 ETH, of which nothing less than 100,000 may be left, with about two thirds of their requirement. */
async function indivisible() {
  const world = await still();
  await world.clearingHouse.setMoney({ ...world.parameters.money, minNotional: 100_000_00 });
  const account = await world.fund(world.alice, wad("12_000"), 3n);
  await world.trade(account, ETH, wad("83"));
  await world.setPrice(ETH, wad("1703"));
  return { ...world, account, liquidator: accountOf(world.bob) };
}

/** 0.02 ETH with 5, which are lost. */
async function tiny() {
  const world = await still();
  const account = await world.fund(world.alice, wad("5"), 3n);
  await world.trade(account, ETH, wad("0.02"));
  await world.setPrice(ETH, wad("1450"));
  return { ...world, account, liquidator: accountOf(world.bob) };
}

/** Long ETH and some SOL and LINK, due at the better end of any doubt about SOL. */
async function mixed() {
  const world = await still();
  const account = accountOf(world.alice);
  await world.trade(account, SOL, wad("100"));
  await world.trade(account, ETH, wad("740"));
  await world.setPrice(ETH, wad("1720"));
  return { ...world, account, liquidator: accountOf(world.bob) };
}

/** 100 WETH against a loss of 20 BTC. */
async function owing() {
  const world = await still();
  const account = await world.fundCollateral(world.carol, WETH_TOKEN, wad("100"));
  await world.trade(account, BTC, wad("20"));
  await movePrice(world, BTC, wad("21_000"));
  return { ...world, account, liquidator: accountOf(world.bob) };
}
