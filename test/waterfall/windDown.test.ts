import { expect } from "chai";

import { decodeWatch } from "../../scripts/model/watch.ts";
import { cashOf, eventOf, expectConserved, expectNear, load, now, sizeOf } from "../clearing/support.ts";
import { ethers, receiptOf, time } from "../fixture.ts";
import {
  BTC,
  DAY,
  ETH,
  HOUR,
  Kind,
  LINK,
  percent,
  SETTLEMENT,
  SOL,
  USDC,
  wad,
  WAD,
  WBTC,
  WETH_TOKEN,
} from "../parameters.ts";
import { type Crowded, crowdedSide } from "./scenarios.ts";
import { positionOf } from "./support.ts";

const Status = { None: 0n, Active: 1n, ReduceOnly: 2n, Closing: 3n, Closed: 4n };
const NO_HINT = { round: 0n, before: 0n };

describe("The end of a market", () => {
  afterEach(expectConserved);

  describe("windDown", () => {
    it("makes it reduce-only at once, and closes it a day later", async () => {
      const world = await load(open);
      const { clearingHouse } = world;

      const receipt = await receiptOf(clearingHouse.windDown(ETH));
      const closesAt = (await now()) + BigInt(DAY);
      await expect(receipt).to.emit(clearingHouse, "WindDownAnnounced").withArgs(ETH, closesAt);
      await expect(receipt).to.emit(clearingHouse, "MarketStatusChanged").withArgs(ETH, Status.Closing);
      expect(decodeWatch(await clearingHouse.watchOf(ETH))).to.deep.include({ closesAt, phase: 1n });
    });

    it("refuses new orders, and fills reductions until the end", async () => {
      const world = await load(announced);
      const { clearingHouse, orders, long, alice } = world;
      const order = { asset: ETH, delta: wad("1"), acceptablePrice: 0n, reduceOnly: false, expiry: 0 };

      await expect(orders.connect(alice).submit(long, order))
        .to.be.revertedWithCustomError(clearingHouse, "MarketIsReduceOnly")
        .withArgs(ETH);
      expect((await world.trade(long, ETH, wad("-100"), { reduceOnly: true })).outcome).to.equal("Filled");
      expect(await sizeOf(world, long, ETH)).to.equal(wad("500"));
    });

    it("cancels an order in flight without a charge", async () => {
      const world = await load(open);
      const { clearingHouse, long, submit, settle, execute } = world;
      const cash = await cashOf(world, long);
      const { sequence } = await submit(long, ETH, wad("1"));
      await clearingHouse.windDown(ETH);

      const { outcome, cause, receipt } = await execute(long, sequence, await settle(long, sequence));
      expect([outcome, cause]).to.deep.equal(["Cancelled", "MarketReduceOnly"]);
      const closed = eventOf(clearingHouse, receipt, "OrderClosed");
      expect(closed.getValue("forfeited")).to.equal(0n);
      expect(cash - (await cashOf(world, long))).to.equal(closed.getValue("pay"));
    });

    it("forgets a flag, so that nobody waits for a deleveraging that will not come", async () => {
      const world = await load(overBudget);
      const { clearingHouse } = world;
      await clearingHouse.flagDeleveraging(ETH);
      await clearingHouse.windDown(ETH);

      expect((await clearingHouse.ledger()).flaggedMarkets).to.equal(0n);
      await expect(clearingHouse.deleverage(ETH, NO_HINT))
        .to.be.revertedWithCustomError(clearingHouse, "NotFlagged")
        .withArgs(ETH);
    });

    it("ends also a market that was reduce-only", async () => {
      const { clearingHouse } = await load(open);
      await clearingHouse.restrictMarket(ETH);

      await expect(clearingHouse.windDown(ETH)).to.emit(clearingHouse, "WindDownAnnounced");
    });

    it("is done once, and only for what is a market", async () => {
      const { clearingHouse } = await load(announced);

      await expect(clearingHouse.windDown(ETH))
        .to.be.revertedWithCustomError(clearingHouse, "WrongStatus")
        .withArgs(ETH, Status.Closing);
      await expect(clearingHouse.windDown(WBTC))
        .to.be.revertedWithCustomError(clearingHouse, "WrongStatus")
        .withArgs(WBTC, Status.None);
      await expect(clearingHouse.windDown(95))
        .to.be.revertedWithCustomError(clearingHouse, "UnknownMarket")
        .withArgs(95n);
    });

    it("obeys the authority only", async () => {
      const { clearingHouse, stranger } = await load(open);

      await expect(clearingHouse.connect(stranger).windDown(ETH))
        .to.be.revertedWithCustomError(clearingHouse, "AccessManagedUnauthorized")
        .withArgs(stranger);
    });
  });

  describe("closeMarket", () => {
    it("closes both sides at the first round after the notice, with the impact of the skew, by anyone", async () => {
      const world = await load(ended);
      const { clearingHouse, stranger, long, second, short, hint } = world;
      const before = await Promise.all([long, second, short].map((account) => positionOf(world, account, ETH)));

      const receipt = await receiptOf(clearingHouse.connect(stranger).closeMarket(ETH, hint));
      // 1,750 · (1 + 800/500,000)
      const last = wad("1752.8");
      await expect(receipt).to.emit(clearingHouse, "MarketClosed").withArgs(ETH, wad("1750"), last);
      await expect(receipt).to.emit(clearingHouse, "MarketStatusChanged").withArgs(ETH, Status.Closed);
      for (const [index, account] of [long, second, short].entries()) {
        const { size = 0n, quote = 0n } = before[index] ?? {};
        const left = await positionOf(world, account, ETH);
        expect(left.size).to.equal(0n);
        expectNear(left.quote, (size * last) / WAD + quote, 2n);
      }
      expect((await clearingHouse.marketOf(ETH)).longSize).to.equal(0n);
    });

    it("costs the pool nothing: the impact is what it has held as premium", async () => {
      const world = await load(ended);
      const { clearingHouse, hint } = world;
      const { equity } = await clearingHouse.poolValuation();

      await clearingHouse.closeMarket(ETH, hint);
      expectNear((await clearingHouse.poolValuation()).equity, equity, 10n);
    });

    it("makes every position cash when its account is next touched", async () => {
      const world = await load(closed);
      const { clearingHouse, long, second, short, trade } = world;
      const { closedValue } = await clearingHouse.ledger();
      const owed = await Promise.all([long, second, short].map(async (a) => (await positionOf(world, a, ETH)).quote));
      expect(closedValue).to.be.within(
        owed.reduce((sum, value) => sum + value),
        owed.reduce((sum, value) => sum + value) + 6n,
      );

      const cash = await cashOf(world, long);
      await trade(long, SOL, wad("10"));
      const receipt = await receiptOf(clearingHouse.realise(second));
      await expect(receipt)
        .to.emit(clearingHouse, "PositionsClosed")
        .withArgs(second, 1n << BigInt(ETH), owed[1]);
      await clearingHouse.realise(short);
      expectNear((await cashOf(world, long)) - cash, owed[0] ?? 0n, wad("2")); // fee and pay of the trade
      expect((await clearingHouse.ledger()).closedValue).to.be.within(0n, 6n);
      for (const account of [long, second, short]) {
        const { positions } = await clearingHouse.accountOf(account);
        expect(positions & (1n << BigInt(ETH))).to.equal(0n);
        expect([...(await clearingHouse.storedPositionOf(account, ETH))]).to.deep.equal([0n, 0n, 0n, 0n]);
      }
    });

    it("lets every account withdraw all that it has", async () => {
      const world = await load(closed);
      const { clearingHouse, vault, long, second, short, alice, bob, carol } = world;

      for (const [account, owner] of [
        [long, alice],
        [second, carol],
        [short, bob],
      ] as const) {
        await clearingHouse.realise(account);
        const units = (await cashOf(world, account)) / 10n ** 12n;
        await vault.connect(owner).withdraw(account, SETTLEMENT, units, owner);
        expect(await cashOf(world, account)).to.be.lessThan(10n ** 12n);
      }
    });

    it("counts what is not cash yet as cash: it can be withdrawn and is not charged for", async () => {
      const world = await load(closed);
      const { clearingHouse, vault, short, bob } = world;
      const { quote } = await positionOf(world, short, ETH);
      const cash = await cashOf(world, short);
      expect(quote).to.be.greaterThan(wad("4_000"));

      await vault.connect(bob).withdraw(short, SETTLEMENT, cash / 10n ** 12n, bob);
      await clearingHouse.realise(short);
      expectNear(await cashOf(world, short), quote, 10n ** 12n);
    });

    it("waits for the end of the notice", async () => {
      const world = await load(announced);
      const { clearingHouse } = world;
      const { closesAt } = decodeWatch(await clearingHouse.watchOf(ETH));
      await time.setNextBlockTimestamp(closesAt);

      await expect(clearingHouse.closeMarket(ETH, NO_HINT))
        .to.be.revertedWithCustomError(clearingHouse, "ClosingLater")
        .withArgs(ETH, closesAt);
    });

    it("takes neither a round before the end of the notice nor a later one", async () => {
      const world = await load(ended);
      const { clearingHouse, hint, setPrice } = world;
      const errors = await ethers.getContractAt("ChainlinkPush", ethers.ZeroAddress);
      const later = await setPrice(ETH, wad("1700"));

      const { closesAt } = decodeWatch(await clearingHouse.watchOf(ETH));
      const writtenAt = async (round: bigint) => (await world.feedOf(ETH).proxy.getRoundData(round))[3];
      await expect(clearingHouse.closeMarket(ETH, { round: hint.before, before: hint.before - 1n }))
        .to.be.revertedWithCustomError(errors, "HintTooEarly")
        .withArgs(ETH, hint.before, await writtenAt(hint.before), closesAt);
      await expect(clearingHouse.closeMarket(ETH, { round: later, before: hint.round }))
        .to.be.revertedWithCustomError(errors, "HintTooLate")
        .withArgs(ETH, hint.round, await writtenAt(hint.round), closesAt);
      await clearingHouse.closeMarket(ETH, hint);
    });

    it("takes the last accepted price where there is no round in the window", async () => {
      const world = await load(announced);
      const { clearingHouse } = world;
      const { closesAt } = decodeWatch(await clearingHouse.watchOf(ETH));
      await time.increaseTo(closesAt + BigInt(DAY));

      await expect(clearingHouse.closeMarket(ETH, await world.hintFor(ETH, closesAt)))
        .to.emit(clearingHouse, "MarketClosed")
        .withArgs(ETH, wad("1800"), wad("1802.88"));
    });

    for (const walked of [false, true]) {
      it(`takes the price as it is, ${walked ? "not to where somebody has walked it" : "not as somebody has left it"}`, async () => {
        const world = await load(open);
        const { clearingHouse, oracle } = world;
        // Not ETH, which is read anew for keepers' pay.
        await clearingHouse.windDown(BTC);
        const { closesAt } = decodeWatch(await clearingHouse.watchOf(BTC));
        await time.increaseTo(closesAt + BigInt(DAY)); // without a round in the window
        await world.setPrice(BTC, wad("29_500"));
        const [high] = await world.feedOf(BTC).proxy.latestRoundData();
        await world.setPrice(BTC, wad("28_600"));
        const hint = await world.hintFor(BTC, closesAt);
        if (walked) await oracle.advance(BTC, [high]);

        await expect(clearingHouse.closeMarket(BTC, hint))
          .to.emit(clearingHouse, "MarketClosed")
          .withArgs(BTC, wad("28_600"), wad("28_600"));
      });
    }

    it("waits where the round has jumped, until the halt is over", async () => {
      const world = await load(announced);
      const { clearingHouse, oracle } = world;
      const { closesAt } = decodeWatch(await clearingHouse.watchOf(ETH));
      await time.increaseTo(closesAt + 1n);
      await world.setPrice(ETH, wad("2_500"));
      const hint = await world.hintFor(ETH, closesAt);
      await oracle.update(1n << BigInt(ETH));

      // Who likes 1,800 better would close at it, for as long as the halt runs.
      await expect(clearingHouse.closeMarket(ETH, hint))
        .to.be.revertedWithCustomError(clearingHouse, "NotLiquidatable")
        .withArgs(ETH);
      for (const price of ["2_510", "2_520"]) {
        await world.advance(6 * 60);
        await world.setPrice(ETH, wad(price));
        await oracle.update(1n << BigInt(ETH));
      }
      await expect(clearingHouse.closeMarket(ETH, hint))
        .to.emit(clearingHouse, "MarketClosed")
        .withArgs(ETH, wad("2_520"), wad("2_524.032"));
    });

    it("takes the last accepted price where none other has been accepted within a week", async () => {
      const world = await load(announced);
      const { clearingHouse } = world;
      const { closesAt } = decodeWatch(await clearingHouse.watchOf(ETH));
      await time.increaseTo(closesAt + 1n);
      await world.setPrice(ETH, wad("2_500"));
      const hint = await world.hintFor(ETH, closesAt);
      await time.increaseTo(closesAt + BigInt(7 * DAY) - 60n);
      await world.setPrice(ETH, wad("2_500"));
      await expect(clearingHouse.closeMarket(ETH, hint)).to.be.revertedWithCustomError(
        clearingHouse,
        "NotLiquidatable",
      );

      await world.advance(60);
      await expect(clearingHouse.closeMarket(ETH, NO_HINT))
        .to.emit(clearingHouse, "MarketClosed")
        .withArgs(ETH, wad("1800"), wad("1802.88"));
    });

    it("takes no wrong price that is repeated, so that the round has not jumped", async () => {
      const world = await load(announced);
      const { clearingHouse } = world;
      const { closesAt } = decodeWatch(await clearingHouse.watchOf(ETH));
      await time.increaseTo(closesAt - 30n);
      await world.setPrice(ETH, wad("2_500"));
      await time.increaseTo(closesAt + 1n);
      await world.setPrice(ETH, wad("2_500"));

      await expect(clearingHouse.closeMarket(ETH, await world.hintFor(ETH, closesAt)))
        .to.be.revertedWithCustomError(clearingHouse, "NotLiquidatable")
        .withArgs(ETH);
    });

    it("takes the last accepted price after a week without any proof, not before", async () => {
      const world = await load(ended);
      const { clearingHouse } = world;
      const { closesAt } = decodeWatch(await clearingHouse.watchOf(ETH));
      const errors = await ethers.getContractAt("ChainlinkPush", ethers.ZeroAddress);
      await world.oracle.update(1n << BigInt(ETH));
      await time.setNextBlockTimestamp(closesAt + BigInt(7 * DAY));
      await expect(clearingHouse.closeMarket(ETH, NO_HINT)).to.be.revertedWithCustomError(errors, "RoundExists");

      await expect(clearingHouse.closeMarket(ETH, NO_HINT))
        .to.emit(clearingHouse, "MarketClosed")
        .withArgs(ETH, wad("1750"), wad("1752.8"));
    });

    it("is done once, and only after an announcement", async () => {
      const world = await load(closed);
      const { clearingHouse } = world;

      for (const [asset, status] of [
        [ETH, Status.Closed],
        [BTC, Status.Active],
        [WBTC, Status.None],
      ] as const) {
        await expect(clearingHouse.closeMarket(asset, NO_HINT))
          .to.be.revertedWithCustomError(clearingHouse, "WrongStatus")
          .withArgs(asset, status);
      }
    });

    it("cancels an order in flight without a charge", async () => {
      const world = await load(almostEnded);
      const { clearingHouse, long, submit, execute } = world;
      const { sequence } = await submit(long, ETH, wad("-10"), { reduceOnly: true });
      const { closesAt } = decodeWatch(await clearingHouse.watchOf(ETH));
      await time.increaseTo(closesAt + 1n);
      await world.setPrice(ETH, wad("1750"));
      const hint = await world.hintFor(ETH, closesAt);
      await clearingHouse.closeMarket(ETH, hint);

      const { boundary } = await world.orders.orderOf(long, sequence);
      const { outcome, cause, receipt } = await execute(long, sequence, [await world.hintFor(ETH, boundary)]);
      expect([outcome, cause]).to.deep.equal(["Cancelled", "MarketReduceOnly"]);
      expect(eventOf(clearingHouse, receipt, "OrderClosed").getValue("forfeited")).to.equal(0n);
    });

    it("leaves an account that owes more than it has to be settled", async () => {
      const world = await load(ruined);
      const { clearingHouse, long } = world;
      const { quote } = await positionOf(world, long, ETH);
      const cash = await cashOf(world, long);
      expect(cash + quote).to.be.lessThan(0n);

      await expect(clearingHouse.settleDeficit(long))
        .to.emit(clearingHouse, "DeficitBooked")
        .withArgs(long, 255n, -(cash + quote), (paid: bigint) => paid >= 0n);
      expect(await cashOf(world, long)).to.equal(0n);
    });
  });

  describe("a market over a derived price", () => {
    it("refunds its orders, which no round can settle", async () => {
      const world = await load(derived);
      const { clearingHouse, long, submit, execute } = world;
      const cash = await cashOf(world, long);
      const { sequence } = await submit(long, ETH, wad("-10"), { reduceOnly: true });

      const { outcome, receipt } = await execute(long, sequence, [NO_HINT]);
      expect(outcome).to.equal("Refunded");
      const pay = eventOf(clearingHouse, receipt, "OrderClosed").getValue("pay") as bigint;
      expect(cash - (await cashOf(world, long))).to.equal(pay);
    });

    it("drops a flag for deleveraging, so that pool requests do not wait for it", async () => {
      const world = await load(derived);
      const { clearingHouse } = world;
      await world.setPrice(ETH, wad("1970"));
      await clearingHouse.flagDeleveraging(ETH);
      expect((await clearingHouse.ledger()).flaggedMarkets).to.equal(1n);

      await expect(clearingHouse.deleverage(ETH, NO_HINT)).to.emit(clearingHouse, "DeleveragingDropped").withArgs(ETH);
      expect((await clearingHouse.ledger()).flaggedMarkets).to.equal(0n);
    });

    it("is wound down at the last accepted price", async () => {
      const world = await load(derived);
      const { clearingHouse, long, alice, vault } = world;
      await clearingHouse.windDown(ETH);
      const { closesAt } = decodeWatch(await clearingHouse.watchOf(ETH));
      await time.increaseTo(closesAt);
      await world.setPrice(ETH, wad("1_750"));
      await world.oracle.update(1n << BigInt(ETH));

      await expect(clearingHouse.closeMarket(ETH, NO_HINT))
        .to.emit(clearingHouse, "MarketClosed")
        .withArgs(ETH, wad("1750"), wad("1752.8"));
      await clearingHouse.realise(long);
      const units = (await cashOf(world, long)) / 10n ** 12n;
      for (const asset of [BTC, SOL, LINK, WBTC, USDC]) await world.setPrice(asset);
      await vault.connect(alice).withdraw(long, SETTLEMENT, units, alice);
    });
  });

  describe("dead collateral", () => {
    it("is taken out in kind where the account is sound without it", async () => {
      const world = await load(closed);
      const { vault, tokens, carol, second } = world;
      await world.fundCollateral(carol, WETH_TOKEN, wad("5"));
      await world.trade(second, SOL, wad("10"));
      await world.advance(3 * DAY);
      for (const asset of [BTC, SOL, LINK, WBTC, USDC]) await world.setPrice(asset);

      await vault.connect(carol).withdraw(second, WETH_TOKEN, wad("5"), carol);
      expect(await tokens.weth.balanceOf(carol)).to.equal(wad("5"));
    });

    it("backs nothing", async () => {
      const world = await load(closed);
      const { clearingHouse, vault, carol, second } = world;
      await world.fundCollateral(carol, WETH_TOKEN, wad("5"));
      await world.trade(second, SOL, wad("10_000"));
      await world.advance(3 * DAY);
      for (const asset of [BTC, SOL, LINK, WBTC, USDC]) await world.setPrice(asset);
      const units = (await cashOf(world, second)) / 10n ** 12n;

      await expect(vault.connect(carol).withdraw(second, SETTLEMENT, units, carol)).to.be.revertedWithCustomError(
        clearingHouse,
        "InsufficientMargin",
      );
    });
  });
});

/** A skew of 800 ETH. */
async function open(): Promise<Crowded> {
  return crowdedSide();
}

async function announced(): Promise<Crowded> {
  const world = await open();
  await world.tick();
  await world.clearingHouse.windDown(ETH);
  return world;
}

/** A few seconds before the end of the notice. */
async function almostEnded(): Promise<Crowded> {
  const world = await announced();
  const { closesAt } = decodeWatch(await world.clearingHouse.watchOf(ETH));
  await time.increaseTo(closesAt - 40n);
  await world.refresh();
  return world;
}

type Ended = Crowded & { hint: { round: bigint; before: bigint } };

/** The round after the notice is at 1,750. */
async function ended(): Promise<Ended> {
  return endedAt("1750");
}

async function endedAt(price: string): Promise<Ended> {
  const world = await announced();
  const { closesAt } = decodeWatch(await world.clearingHouse.watchOf(ETH));
  await time.increaseTo(closesAt - 60n);
  await world.refresh();
  await time.increaseTo(closesAt);
  for (const asset of [BTC, SOL, LINK, WBTC, USDC]) await world.setPrice(asset);
  await world.setPrice(ETH, wad(price));
  return { ...world, hint: await world.hintFor(ETH, closesAt) };
}

async function closed(): Promise<Ended> {
  const world = await ended();
  await world.clearingHouse.closeMarket(ETH, world.hint);
  return world;
}

/** Alice's loss is more than she had. */
async function ruined(): Promise<Ended> {
  const world = await endedAt("1600");
  await world.clearingHouse.closeMarket(ETH, world.hint);
  return world;
}

/** The source of ETH has been replaced by one without history, after its shadow. The market's loss budget is small. */
async function derived(): Promise<Crowded> {
  const world = await crowdedSide(({ money }) => {
    money.lossBudget = percent(1);
  });
  const { oracle, feeds, parameters } = world;
  const [proxy] = await oracle.feedOf(ETH);
  const limits = parameters.feeds[ETH]?.limits;
  if (limits === undefined || feeds.length === 0) throw new Error("no feed");
  await world.setPrice(ETH);
  await oracle.proposeSource(ETH, { proxy, kind: Kind.Derived, limits }, 1);
  for (let hour = 0; hour <= 24; hour += 2) {
    if (hour !== 0) await world.advance(2 * HOUR - 60);
    await world.setPrice(ETH);
    await oracle.watchSource(ETH);
  }
  await world.advance(HOUR);
  await world.refresh();
  await oracle.adoptSource(ETH);
  await world.advance(HOUR);
  await world.refresh();
  return world;
}

/** The market owes more than its budget of one percent of the pool. */
async function overBudget(): Promise<Crowded> {
  const world = await crowdedSide(({ money }) => {
    money.lossBudget = percent(1);
  });
  await world.setPrice(ETH, wad("1970"));
  return world;
}
