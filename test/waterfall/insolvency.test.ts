import { expect } from "chai";

import { still } from "../clearing/scenarios.ts";
import {
  betterTerms,
  cashOf,
  expectConserved,
  load,
  movePrice,
  nextSecond,
  now,
  stateOf,
  worseTerms,
} from "../clearing/support.ts";
import { type Account, accountOf, receiptOf, time } from "../fixture.ts";
import { BTC, DAY, ETH, HOUR, LINK, MINUTE, SOL, USDC, wad, WBTC, WBTC_TOKEN, WETH_TOKEN } from "../parameters.ts";
import { type Case, indebted } from "./scenarios.ts";
import { movesOf } from "./support.ts";

/** What 100 WETH are worth when carol, who owes 130,790, is insolvent. */
const WORTH = wad("130_000");

type Insured = Case & { fund_: Account };

describe("Insolvency with collateral left", () => {
  afterEach(expectConserved);

  describe("flagInsolvent", () => {
    it("records when it was found", async () => {
      const world = await load(insolvent);
      const { clearingHouse, account, stranger } = world;
      const { equity } = betterTerms(await stateOf(world, account, await now()));
      expect(equity).to.be.lessThan(0n);

      await expect(clearingHouse.connect(stranger).flagInsolvent(account))
        .to.emit(clearingHouse, "Insolvent")
        .withArgs(account, equity);
      expect(await clearingHouse.insolventSince(account)).to.equal(await now());
      expect((await clearingHouse.ledger()).pendingLosses).to.equal(1n);
    });

    it("makes requests of the pool wait", async () => {
      const world = await load(insolvent);
      const { clearingHouse, pool, account, provider } = world;
      const batch = await world.requestDeposit(provider, wad("1_000"));
      await world.mature(batch);
      await clearingHouse.flagInsolvent(account);

      expect((await clearingHouse.poolValuation()).blocked).to.equal(true);
      await expect(pool.fulfill(batch)).to.be.revertedWithCustomError(pool, "PoolBlocked");
      await world.setPrice(ETH, wad("1400"));
      await clearingHouse.clearInsolvency(account);
      await pool.fulfill(batch);
    });

    it("is done once", async () => {
      const { clearingHouse, account } = await load(flagged);

      await expect(clearingHouse.flagInsolvent(account))
        .to.be.revertedWithCustomError(clearingHouse, "AlreadyInsolvent")
        .withArgs(account);
    });

    it("is not for an account that is worth something", async () => {
      const world = await load(indebted);
      const { equity } = betterTerms(await stateOf(world, world.account, await now()));

      await expect(world.clearingHouse.flagInsolvent(world.account))
        .to.be.revertedWithCustomError(world.clearingHouse, "NotInsolvent")
        .withArgs(world.account, equity);
    });

    it("is for positions, too: nobody leaves the pool between a loss and the liquidation that books it", async () => {
      const world = await load(withPosition);
      const { clearingHouse, pool, account, provider, other } = world;
      const batch = await world.requestDeposit(provider, wad("1_000"));
      await world.mature(batch);
      await world.fund(world.bob, wad("100_000"));
      await clearingHouse.flagInsolvent(account);
      await expect(pool.fulfill(batch)).to.be.revertedWithCustomError(pool, "PoolBlocked");

      await clearingHouse
        .connect(world.bob)
        .liquidate(account, [{ asset: BTC, delta: wad("-20") }], [{ token: WETH_TOKEN, amount: wad("100") }], other);
      expect((await clearingHouse.ledger()).pendingLosses).to.equal(0n);
      await pool.fulfill(batch);
    });

    it("is not for a loss that collateral covers", async () => {
      const world = await load(withPosition);
      await movePrice(world, BTC, wad("25_500"));

      await expect(world.clearingHouse.flagInsolvent(world.account)).to.be.revertedWithCustomError(
        world.clearingHouse,
        "NotInsolvent",
      );
    });

    it("is not for dust that is worth nothing, without a debt", async () => {
      const world = await load(insolvent);
      const dust = await world.fundCollateral(world.bob, WETH_TOKEN, 1n, 7n);
      await world.advance(2 * DAY);
      await keepAlive(world);
      expect(betterTerms(await stateOf(world, dust, await now())).equity).to.equal(0n);

      await expect(world.clearingHouse.flagInsolvent(dust))
        .to.be.revertedWithCustomError(world.clearingHouse, "NotInsolvent")
        .withArgs(dust, 0n);
    });

    it("is not for an account that has nothing left, whose deficit can be settled", async () => {
      const world = await load(insolvent);

      await expect(world.clearingHouse.flagInsolvent(accountOf(world.stranger)))
        .to.be.revertedWithCustomError(world.clearingHouse, "NotInsolvent")
        .withArgs(accountOf(world.stranger), 0n);
    });

    it("is not for an account that may be worth something at the better end of a doubtful price", async () => {
      const world = await load(insolvent);
      await world.advance(2 * HOUR); // 1,300 may be 1,430

      await expect(world.clearingHouse.flagInsolvent(world.account)).to.be.revertedWithCustomError(
        world.clearingHouse,
        "NotInsolvent",
      );
    });

    it("waits for the sequencer to settle", async () => {
      const world = await load(insolvent);
      await world.setSequencer(false);
      await world.setSequencer(true);

      for (const name of ["flagInsolvent", "clearInsolvency", "seize"] as const) {
        await expect(world.clearingHouse[name](world.account)).to.be.revertedWithCustomError(
          world.clearingHouse,
          "SequencerNotSettled",
        );
      }
    });
  });

  describe("clearInsolvency", () => {
    it("forgets it once the account is worth something again", async () => {
      const world = await load(flagged);
      const { clearingHouse, account } = world;
      await world.setPrice(ETH, wad("1400"));

      await expect(clearingHouse.clearInsolvency(account))
        .to.emit(clearingHouse, "InsolvencyCleared")
        .withArgs(account);
      expect(await clearingHouse.insolventSince(account)).to.equal(0n);
      const { pendingLosses } = await clearingHouse.ledger();
      expect([pendingLosses, (await clearingHouse.poolValuation()).blocked]).to.deep.equal([0n, false]);
    });

    it("is not for an account that is insolvent still", async () => {
      const world = await load(flagged);
      const { equity } = betterTerms(await stateOf(world, world.account, await now()));

      await expect(world.clearingHouse.clearInsolvency(world.account))
        .to.be.revertedWithCustomError(world.clearingHouse, "StillInsolvent")
        .withArgs(world.account, equity);
    });

    it("is not for an account that was not found so", async () => {
      const { clearingHouse, other } = await load(flagged);

      await expect(clearingHouse.clearInsolvency(other))
        .to.be.revertedWithCustomError(clearingHouse, "NotInsolvent")
        .withArgs(other, wad("100_000"));
    });

    it("follows a purchase of all collateral by itself", async () => {
      const world = await load(flagged);
      const { clearingHouse, account, bob } = world;
      const rich = await world.fund(bob, wad("200_000"), 1n);
      const sales = [{ token: WETH_TOKEN, amount: wad("100") }];

      await expect(clearingHouse.connect(bob).liquidate(account, [], sales, rich))
        .to.emit(clearingHouse, "InsolvencyCleared")
        .withArgs(account);
      expect((await clearingHouse.ledger()).pendingLosses).to.equal(0n);
    });
  });

  describe("seize", () => {
    it("passes all collateral to the insurance account at the oracle's price; the pool advances what that has not", async () => {
      const world = await load(seizable);
      const { clearingHouse, account, fund_, stranger } = world;
      const owed = -(await cashOf(world, account));
      const { insurance } = await clearingHouse.ledger();
      expect(insurance).to.be.within(wad("1"), wad("1_000"));

      const { receipt, ...moved } = await movesOf(world, [account], () =>
        clearingHouse.connect(stranger).seize(account),
      );
      expect(moved).to.deep.equal({
        base: insurance,
        lent: -owed,
        insurance: -insurance,
        protocolFees: 0n,
        cash: [owed],
      });
      await expect(receipt)
        .to.emit(clearingHouse, "CollateralSeized")
        .withArgs(account, WETH_TOKEN, wad("100"), WORTH, WORTH - insurance);
      await expect(receipt)
        .to.emit(clearingHouse, "DeficitBooked")
        .withArgs(account, 255n, owed - WORTH, 0n);
      expect(await clearingHouse.collateralOf(fund_, WETH_TOKEN)).to.equal(wad("100"));
      const { collaterals } = await clearingHouse.accountOf(account);
      expect([collaterals, await clearingHouse.collateralOf(account, WETH_TOKEN)]).to.deep.equal([0n, 0n]);
      expect([...(await clearingHouse.seizedOf(WETH_TOKEN))]).to.deep.equal([
        wad("100"),
        WORTH - insurance,
        await now(),
      ]);
    });

    it("costs the pool's equity the deficit and the advance, and no discount", async () => {
      const world = await load(seizable);
      const { clearingHouse, account } = world;
      const owed = -(await cashOf(world, account));
      const [{ equity }, { insurance }] = [await clearingHouse.poolValuation(), await clearingHouse.ledger()];

      await clearingHouse.seize(account);
      expect((await clearingHouse.poolValuation()).equity).to.equal(equity - owed + insurance);
    });

    it("is paid by insurance alone where that has enough", async () => {
      const world = await load(insured);
      const { clearingHouse, account } = world;
      const owed = -(await cashOf(world, account));

      const { receipt, base, insurance } = await movesOf(world, [account], () => clearingHouse.seize(account));
      expect([base, insurance]).to.deep.equal([owed, -owed]);
      await expect(receipt)
        .to.emit(clearingHouse, "CollateralSeized")
        .withArgs(account, WETH_TOKEN, wad("100"), WORTH, 0n);
      expect((await clearingHouse.poolValuation()).blocked).to.equal(false);
    });

    it("waits ten minutes after the flag", async () => {
      const world = await load(flagged);
      const { clearingHouse, account } = world;
      const since = await clearingHouse.insolventSince(account);
      await time.setNextBlockTimestamp(since + BigInt(10 * MINUTE - 1));

      await expect(clearingHouse.seize(account))
        .to.be.revertedWithCustomError(clearingHouse, "NotSeizable")
        .withArgs(account, since, BigInt(10 * MINUTE));
      await clearingHouse.seize(account);
    });

    it("waits for the liquidation of what positions are left", async () => {
      const world = await load(withPosition);
      const { clearingHouse, account } = world;
      await clearingHouse.flagInsolvent(account);
      await world.advance(10 * MINUTE);
      await world.refresh();

      await expect(clearingHouse.seize(account))
        .to.be.revertedWithCustomError(clearingHouse, "PositionsLeft")
        .withArgs(account, 1n << BigInt(BTC));
    });

    it("is not for an account that was not flagged", async () => {
      const { clearingHouse, account } = await load(insolvent);

      await expect(clearingHouse.seize(account))
        .to.be.revertedWithCustomError(clearingHouse, "NotSeizable")
        .withArgs(account, 0n, BigInt(10 * MINUTE));
    });

    it("is not for an account that is worth something again", async () => {
      const world = await load(seizable);
      await world.setPrice(ETH, wad("1400"));
      const { equity } = betterTerms(await stateOf(world, world.account, await now()));

      await expect(world.clearingHouse.seize(world.account))
        .to.be.revertedWithCustomError(world.clearingHouse, "NotInsolvent")
        .withArgs(world.account, equity);
    });

    it("takes dead collateral for nothing, and all else at its price", async () => {
      const world = await load(twoKinds);
      const { clearingHouse, account, fund_ } = world;
      await world.advance(2 * DAY);
      await keepAlive(world);
      await clearingHouse.flagInsolvent(account);
      await world.advance(10 * MINUTE);

      const receipt = await receiptOf(clearingHouse.seize(account));
      await expect(receipt)
        .to.emit(clearingHouse, "CollateralSeized")
        .withArgs(account, WETH_TOKEN, wad("100"), 0n, 0n);
      const { insurance } = await clearingHouse.ledger();
      expect(insurance).to.equal(0n);
      await expect(receipt)
        .to.emit(clearingHouse, "CollateralSeized")
        .withArgs(account, WBTC_TOKEN, wad("1"), wad("20_000"), (advanced: bigint) => advanced > wad("19_000"));
      expect(await clearingHouse.collateralOf(fund_, WBTC_TOKEN)).to.equal(wad("1"));
    });

    it("waits for the price of collateral that is not live and not dead", async () => {
      const world = await load(deeper);
      await world.advance(2 * HOUR);

      await expect(world.clearingHouse.seize(world.account))
        .to.be.revertedWithCustomError(world.clearingHouse, "NotLiquidatable")
        .withArgs(ETH);
    });
  });

  describe("buySeized", () => {
    for (const [hours, discount] of [
      [1, 16_666n],
      [3, 50_000n],
      [6, 100_000n],
      [30, 100_000n],
    ] as const) {
      it(`sells at the oracle's price less ${Number(discount) / 10_000} % after ${hours} h`, async () => {
        const world = await load(seized);
        const { clearingHouse, other, fund_, bob } = world;
        const { since } = await clearingHouse.seizedOf(WETH_TOKEN);
        await time.increaseTo(since + BigInt(hours * HOUR - 10));
        for (const asset of [ETH, USDC]) await world.setPrice(asset);
        await time.setNextBlockTimestamp(since + BigInt(hours * HOUR));

        const proceeds = wad("65_000") - (wad("65_000") * discount) / 1_000_000n;
        const { receipt, cash, base, insurance } = await movesOf(world, [other], () =>
          clearingHouse.connect(bob).buySeized({ token: WETH_TOKEN, amount: wad("50") }, other),
        );
        expect([cash, base, insurance]).to.deep.equal([[-proceeds], proceeds, 0n]);
        await expect(receipt)
          .to.emit(clearingHouse, "CollateralSold")
          .withArgs(fund_, other, WETH_TOKEN, wad("50"), proceeds);
        expect(await clearingHouse.collateralOf(other, WETH_TOKEN)).to.equal(wad("50"));
        expect(await clearingHouse.collateralOf(fund_, WETH_TOKEN)).to.equal(wad("50"));
      });
    }

    it("repays the pool first, and gives the rest to insurance", async () => {
      const world = await load(halfInsured);
      const { clearingHouse, bob } = world;
      const rich = await world.fund(bob, wad("200_000"), 1n);
      const { owed } = await clearingHouse.seizedOf(WETH_TOKEN);
      expect(owed).to.be.within(wad("40_000"), wad("60_000"));
      await world.setPrice(ETH, wad("1500"));

      const { base, insurance, cash } = await movesOf(world, [rich], () =>
        clearingHouse.connect(bob).buySeized({ token: WETH_TOKEN, amount: wad("80") }, rich),
      );
      expect(base).to.equal(owed);
      expect(insurance).to.equal(-(cash[0] ?? 0n) - owed);
      expect([(await clearingHouse.ledger()).seizedOwed, (await clearingHouse.poolValuation()).blocked]).to.deep.equal([
        0n,
        false,
      ]);
    });

    it("keeps requests of the pool waiting until the advance is repaid", async () => {
      const world = await load(seized);
      const { clearingHouse, other, bob } = world;
      expect((await clearingHouse.poolValuation()).blocked).to.equal(true);
      const { owed } = await clearingHouse.seizedOf(WETH_TOKEN);

      await clearingHouse.connect(bob).buySeized({ token: WETH_TOKEN, amount: wad("50") }, other);
      const { seizedOwed } = await clearingHouse.ledger();
      expect(owed - seizedOwed).to.be.within(wad("64_900"), wad("65_000"));
      expect((await clearingHouse.poolValuation()).blocked).to.equal(true);
    });

    it("leaves what the last of it does not bring as the pool's loss", async () => {
      const world = await load(seized);
      const { clearingHouse, bob } = world;
      const rich = await world.fund(bob, wad("300_000"), 1n);
      await world.advance(6 * HOUR);
      await world.setPrice(ETH);
      const { uncoveredDeficits: borne, seizedOwed: owed } = await clearingHouse.ledger();

      const { base, insurance } = await movesOf(world, [rich], () =>
        clearingHouse.connect(bob).buySeized({ token: WETH_TOKEN, amount: wad("100") }, rich),
      );
      expect([base, insurance]).to.deep.equal([(WORTH * 9n) / 10n, 0n]);
      const { seizedOwed, uncoveredDeficits } = await clearingHouse.ledger();
      expect([seizedOwed, (await clearingHouse.poolValuation()).blocked]).to.deep.equal([0n, false]);
      expect(uncoveredDeficits - borne).to.equal(owed - (WORTH * 9n) / 10n);
    });

    it("begins anew at no discount with each lot that comes", async () => {
      const world = await load(twoInsolvent);
      const { clearingHouse, account, second, bob } = world;
      const rich = await world.fund(bob, wad("300_000"), 1n);
      await clearingHouse.seize(account);
      await world.advance(3 * HOUR);
      await world.setPrice(ETH);
      await clearingHouse.flagInsolvent(second);
      await world.advance(10 * MINUTE);
      const sale = { token: WETH_TOKEN, amount: wad("1") };
      expect(await clearingHouse.connect(bob).buySeized.staticCall(sale, rich)).to.be.lessThan(wad("1_250"));

      await clearingHouse.seize(second);
      expect(await clearingHouse.connect(bob).buySeized.staticCall(sale, rich)).to.equal(wad("1_300"));
    });

    for (const amount of ["100.000000000000000001", "0"]) {
      it(`refuses ${amount} out of 100`, async () => {
        const { clearingHouse, fund_, other, bob } = await load(seized);

        await expect(clearingHouse.connect(bob).buySeized({ token: WETH_TOKEN, amount: wad(amount) }, other))
          .to.be.revertedWithCustomError(clearingHouse, "InsufficientCollateral")
          .withArgs(fund_, WETH_TOKEN, wad("100"), wad(amount));
      });
    }

    it("refuses a token that there is not", async () => {
      const { clearingHouse, other, bob } = await load(seized);

      await expect(clearingHouse.connect(bob).buySeized({ token: 2, amount: 1n }, other))
        .to.be.revertedWithCustomError(clearingHouse, "UnknownCollateral")
        .withArgs(2n);
    });

    it("refuses a buyer that cannot pay", async () => {
      const { clearingHouse, other, bob } = await load(seized);

      await expect(clearingHouse.connect(bob).buySeized({ token: WETH_TOKEN, amount: wad("100") }, other))
        .to.be.revertedWithCustomError(clearingHouse, "InsufficientCash")
        .withArgs(other, wad("100_000"), (proceeds: bigint) => proceeds > wad("129_000"));
    });

    it("refuses a buyer that does not meet its initial requirement afterwards", async () => {
      const world = await load(busyBuyer);
      const { clearingHouse, other, bob } = world;
      const { since } = await clearingHouse.seizedOf(WETH_TOKEN);
      const at = await nextSecond();
      const proceeds = wad("65_000") - (wad("65_000") * ((100_000n * (at - since)) / BigInt(6 * HOUR))) / 1_000_000n;
      const state = await stateOf(world, other, at, [ETH]);
      const exposures = state.exposures.map((exposure) =>
        exposure.asset === ETH ? { ...exposure, collateral: exposure.collateral + wad("50") } : exposure,
      );
      const terms = worseTerms({ ...state, exposures, cash: state.cash - proceeds });

      await expect(clearingHouse.connect(bob).buySeized({ token: WETH_TOKEN, amount: wad("50") }, other))
        .to.be.revertedWithCustomError(clearingHouse, "InsufficientMargin")
        .withArgs(other, terms.weighted, terms.initial, terms.shortfall);
    });

    it("refuses a caller who may not trade for the buyer", async () => {
      const { clearingHouse, other, stranger } = await load(seized);

      await expect(clearingHouse.connect(stranger).buySeized({ token: WETH_TOKEN, amount: 1n }, other))
        .to.be.revertedWithCustomError(clearingHouse, "NotAuthorized")
        .withArgs(other, stranger, 1n);
    });

    it("refuses a price that is not live, and waits for the sequencer", async () => {
      const world = await load(seized);
      const { clearingHouse, other, bob } = world;
      const buying = () => clearingHouse.connect(bob).buySeized({ token: WETH_TOKEN, amount: 1n }, other);
      await world.advance(2 * HOUR);
      await expect(buying()).to.be.revertedWithCustomError(clearingHouse, "NotLiquidatable").withArgs(ETH);
      await world.setPrice(ETH);
      await world.setSequencer(false);
      await world.setSequencer(true);

      await expect(buying()).to.be.revertedWithCustomError(clearingHouse, "SequencerNotSettled");
    });
  });

  describe("writeOff", () => {
    it("gives up what the pool has advanced for dead collateral, which stays with insurance", async () => {
      const world = await load(seized);
      const { clearingHouse, fund_, stranger } = world;
      const { owed } = await clearingHouse.seizedOf(WETH_TOKEN);
      await world.advance(2 * DAY);
      await keepAlive(world);
      const before = await clearingHouse.poolValuation();
      const { uncoveredDeficits: borne } = await clearingHouse.ledger();

      await expect(clearingHouse.connect(stranger).writeOff(WETH_TOKEN))
        .to.emit(clearingHouse, "WrittenOff")
        .withArgs(WETH_TOKEN, owed);
      expect((await clearingHouse.ledger()).uncoveredDeficits).to.equal(borne + owed);
      const after = await clearingHouse.poolValuation();
      expect([before.blocked, after.blocked, after.equity]).to.deep.equal([true, false, before.equity]);
      expect((await clearingHouse.ledger()).seizedOwed).to.equal(0n);
      expect(await clearingHouse.collateralOf(fund_, WETH_TOKEN)).to.equal(wad("100"));
    });

    it("leaves what is sold later to insurance", async () => {
      const world = await load(seized);
      const { clearingHouse, other, bob } = world;
      await world.advance(2 * DAY);
      await keepAlive(world);
      await clearingHouse.writeOff(WETH_TOKEN);
      await world.setPrice(ETH);

      const { base, insurance } = await movesOf(world, [other], () =>
        clearingHouse.connect(bob).buySeized({ token: WETH_TOKEN, amount: wad("10") }, other),
      );
      expect([base, insurance]).to.deep.equal([0n, wad("11_700")]);
    });

    it("is not for a price that may come back", async () => {
      const world = await load(seized);
      const refused = () =>
        expect(world.clearingHouse.writeOff(WETH_TOKEN))
          .to.be.revertedWithCustomError(world.clearingHouse, "NotDead")
          .withArgs(ETH);

      await refused();
      await world.advance(20 * HOUR);
      await refused();
    });

    it("waits until the sequencer is back: a live feed that nobody could read looks dead", async () => {
      const world = await load(seized);
      const { clearingHouse } = world;
      await world.advance(2 * DAY);
      await keepAlive(world);
      await world.setSequencer(false);
      const refused = () =>
        expect(clearingHouse.writeOff(WETH_TOKEN)).to.be.revertedWithCustomError(clearingHouse, "SequencerNotSettled");

      await refused();
      await world.setSequencer(true);
      await refused();
      await world.advance(2 * DAY);
      await expect(clearingHouse.writeOff(WETH_TOKEN)).to.emit(clearingHouse, "WrittenOff");
    });

    it("is not for a token that there is not", async () => {
      const { clearingHouse } = await load(seized);

      await expect(clearingHouse.writeOff(2))
        .to.be.revertedWithCustomError(clearingHouse, "UnknownCollateral")
        .withArgs(2n);
    });
  });
});

/** New rounds of all feeds but that of ETH. */
async function keepAlive({ setPrice }: Case): Promise<void> {
  for (const asset of [BTC, SOL, LINK, WBTC, USDC]) await setPrice(asset);
}

/** Carol's 100 WETH at 1,300 are worth less than she owes. */
async function insolvent(): Promise<Insured> {
  const world = await indebted();
  await movePrice(world, ETH, wad("1_300"));
  return { ...world, fund_: accountOf(await world.insuranceFund.getAddress()) };
}

async function flagged(): Promise<Insured> {
  const world = await insolvent();
  await world.tick();
  await world.clearingHouse.flagInsolvent(world.account);
  return world;
}

async function seizable(): Promise<Insured> {
  const world = await flagged();
  await world.advance(10 * MINUTE);
  return world;
}

async function seized(): Promise<Insured> {
  const world = await seizable();
  await world.clearingHouse.seize(world.account);
  return world;
}

/** Worth less even at the upper end of a doubt of 10 %. */
async function deeper(): Promise<Insured> {
  const world = await seizable();
  await movePrice(world, ETH, wad("1_100"));
  return world;
}

async function insured(): Promise<Insured> {
  const world = await seizable();
  const account = await world.fund(world.bob, wad("300_000"), 2n);
  await world.insuranceFund.connect(world.bob).contribute(account, wad("300_000"));
  return world;
}

/** Insurance pays 80,000 of what it takes. */
async function halfInsured(): Promise<Insured> {
  const world = await seizable();
  await world.insuranceFund.connect(world.bob).contribute(world.other, wad("80_000"));
  await world.clearingHouse.seize(world.account);
  return world;
}

/** Carol has 100 WETH, and a loss on 20 BTC that she has not closed. */
async function withPosition(): Promise<Case> {
  const world = await still();
  const account = await world.fundCollateral(world.carol, WETH_TOKEN, wad("100"));
  await world.trade(account, BTC, wad("20"));
  await movePrice(world, BTC, wad("22_500"));
  await movePrice(world, ETH, wad("1_250"));
  return { ...world, account, other: accountOf(world.bob) };
}

/** Beside the WETH one WBTC. */
async function twoKinds(): Promise<Insured> {
  const world = await insolvent();
  await world.fundCollateral(world.carol, WBTC_TOKEN, wad("1"));
  await movePrice(world, WBTC, wad("20_000"));
  return world;
}

/** Another account of carol, with 10 WETH and as little worth. */
async function twoInsolvent(): Promise<Insured & { second: Account }> {
  const world = await indebted();
  const second = await world.fundCollateral(world.carol, WETH_TOKEN, wad("10"), 1n);
  await world.trade(second, BTC, wad("2"));
  await movePrice(world, BTC, wad("16_000"));
  await world.trade(second, BTC, wad("-2"), { reduceOnly: true });
  await movePrice(world, ETH, wad("1_300"));
  await world.clearingHouse.flagInsolvent(world.account);
  await world.advance(10 * MINUTE);
  return { ...world, second, fund_: accountOf(await world.insuranceFund.getAddress()) };
}

/** Bob is long 68 BTC, which takes most of his 100,000. */
async function busyBuyer(): Promise<Insured> {
  const world = await seized();
  await world.refresh();
  const { outcome } = await world.trade(world.other, BTC, wad("68"));
  expect(outcome).to.equal("Filled");
  return world;
}
