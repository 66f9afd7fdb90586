import { expect } from "chai";

import { cashOf, eventOf, expectConserved, load, movePrice } from "../clearing/support.ts";
import { type Account, accountOf, receiptOf, time } from "../fixture.ts";
import { BTC, DAY, ETH, HOUR, wad, WETH_TOKEN } from "../parameters.ts";
import { type Case, indebted, leveraged, leveragedWith } from "./scenarios.ts";
import { movesOf } from "./support.ts";

/** In place of a market. */
const UNATTRIBUTED = 255;

describe("Deficits", () => {
  afterEach(expectConserved);

  describe("settleDeficit", () => {
    it("forgives the debt of an account that has nothing else: insurance pays, and the pool the rest", async () => {
      const world = await load(emptyHanded);
      const { clearingHouse, account, other, stranger, insuranceFund, bob } = world;
      await insuranceFund.connect(bob).contribute(other, wad("1_000"));
      const { insurance, lent } = await clearingHouse.ledger();
      const owed = -(await cashOf(world, account));
      expect(owed).to.be.greaterThan(insurance);

      const { receipt, ...moved } = await movesOf(world, [account], () =>
        clearingHouse.connect(stranger).settleDeficit(account),
      );
      expect(moved).to.deep.equal({
        base: insurance,
        lent: -lent,
        insurance: -insurance,
        protocolFees: 0n,
        cash: [owed],
      });
      await expect(receipt).to.emit(clearingHouse, "DeficitBooked").withArgs(account, UNATTRIBUTED, owed, insurance);
    });

    it("costs the pool what insurance does not pay", async () => {
      const world = await load(emptyHanded);
      const { clearingHouse, account } = world;
      const [{ equity }, { insurance }] = [await clearingHouse.poolValuation(), await clearingHouse.ledger()];
      const owed = -(await cashOf(world, account));

      await clearingHouse.settleDeficit(account);
      expect((await clearingHouse.poolValuation()).equity).to.equal(equity - owed + insurance);
      expect((await clearingHouse.ledger()).uncoveredDeficits).to.equal(owed - insurance);
    });

    it("is done once", async () => {
      const { clearingHouse, account } = await load(emptyHanded);
      await clearingHouse.settleDeficit(account);

      await expect(clearingHouse.settleDeficit(account))
        .to.be.revertedWithCustomError(clearingHouse, "NoDeficit")
        .withArgs(account, 0n);
    });

    it("is not for an account with cash", async () => {
      const { clearingHouse, other } = await load(emptyHanded);

      await expect(clearingHouse.settleDeficit(other))
        .to.be.revertedWithCustomError(clearingHouse, "NoDeficit")
        .withArgs(other, wad("100_000"));
    });

    it("waits until positions are closed", async () => {
      const world = await load(leveraged);
      await world.setPrice(ETH, wad("1650"));
      await world.clearingHouse.realise(world.account);
      expect(await cashOf(world, world.account)).to.be.lessThan(0n);

      await expect(world.clearingHouse.settleDeficit(world.account))
        .to.be.revertedWithCustomError(world.clearingHouse, "PositionsLeft")
        .withArgs(world.account, 1n << BigInt(ETH));
    });

    it("waits until collateral is sold", async () => {
      const { clearingHouse, account } = await load(indebted);

      await expect(clearingHouse.settleDeficit(account))
        .to.be.revertedWithCustomError(clearingHouse, "CollateralLeft")
        .withArgs(account, 1n << BigInt(WETH_TOKEN));
    });

    it("waits until an order in flight has given its escrow back", async () => {
      const world = await load(leveraged);
      const { clearingHouse, account, bob, other, submit, settle, execute } = world;
      await world.setPrice(ETH, wad("1690"));
      const { sequence } = await submit(account, ETH, wad("-10"), { reduceOnly: true });
      const hints = await settle(account, sequence, wad("1660"));
      await clearingHouse.connect(bob).liquidate(account, [{ asset: ETH, delta: wad("-750") }], [], other);

      await expect(clearingHouse.settleDeficit(account))
        .to.be.revertedWithCustomError(clearingHouse, "OrderPending")
        .withArgs(account, 1n);
      await execute(account, sequence, hints);
      await clearingHouse.settleDeficit(account);
      expect(await cashOf(world, account)).to.equal(0n);
    });

    it("until then holds up the pool, whose loss it is already", async () => {
      const world = await load(leveraged);
      const { clearingHouse, account, submit, settle, execute } = world;
      await world.setPrice(ETH, wad("1690"));
      const { sequence } = await submit(account, ETH, wad("-10"), { reduceOnly: true });
      const hints = await settle(account, sequence, wad("1660"));

      const receipt = await close(world, account);
      const { cash, escrow } = await clearingHouse.accountOf(account);
      expect(cash + escrow).to.be.lessThan(0n);
      await expect(receipt)
        .to.emit(clearingHouse, "Insolvent")
        .withArgs(account, cash + escrow);
      expect(await pendingOf(world)).to.deep.equal([1n, true]);
      await expect(clearingHouse.clearInsolvency(account))
        .to.be.revertedWithCustomError(clearingHouse, "StillInsolvent")
        .withArgs(account, cash + escrow);

      await execute(account, sequence, hints);
      expect(await pendingOf(world)).to.deep.equal([1n, true]);
      await expect(clearingHouse.settleDeficit(account)).to.emit(clearingHouse, "InsolvencyCleared").withArgs(account);
      expect(await pendingOf(world)).to.deep.equal([0n, false]);
    });

    it("until then is found by anybody, where an order has left the debt", async () => {
      const world = await load(leveraged);
      const { clearingHouse, lens, account, stranger, submit, settle, execute } = world;
      await world.setPrice(ETH, wad("1690"));
      const all = await submit(account, ETH, wad("-750"), { reduceOnly: true });
      const next = await submit(account, ETH, wad("-10"), { reduceOnly: true });
      const hints = await settle(account, all.sequence, wad("1660"));
      expect((await execute(account, all.sequence, hints)).outcome).to.equal("Filled");
      expect(await pendingOf(world)).to.deep.equal([0n, false]);
      expect((await lens.account(account)).standing.insolvent).to.equal(true);

      await clearingHouse.connect(stranger).flagInsolvent(account);
      expect(await pendingOf(world)).to.deep.equal([1n, true]);
      await expect(clearingHouse.flagInsolvent(account))
        .to.be.revertedWithCustomError(clearingHouse, "AlreadyInsolvent")
        .withArgs(account);
      await world.advance(10 * 60);
      await expect(clearingHouse.seize(account))
        .to.be.revertedWithCustomError(clearingHouse, "OrderPending")
        .withArgs(account, 1n);

      await execute(account, next.sequence, await settle(account, next.sequence, wad("1660")));
      expect((await lens.account(account)).standing.insolvent).to.equal(false);
      await clearingHouse.settleDeficit(account);
      expect(await pendingOf(world)).to.deep.equal([0n, false]);
    });
  });

  describe("the cap of a market", () => {
    it("bounds what insurance pays for it; the pool bears the rest", async () => {
      const world = await load(capped);
      const { clearingHouse, account } = world;

      const receipt = await close(world, account);
      const deficit = eventOf(clearingHouse, receipt, "DeficitBooked").getValue("deficit") as bigint;
      expect(deficit).to.be.greaterThan(wad("5_000"));
      await expect(receipt).to.emit(clearingHouse, "DeficitBooked").withArgs(account, ETH, deficit, wad("1_000"));
      const { insurance, uncoveredDeficits } = await clearingHouse.ledger();
      expect(insurance).to.be.greaterThan(wad("15_000"));
      expect(uncoveredDeficits).to.equal(deficit - wad("1_000"));
      expect([...(await clearingHouse.insuranceRoomOf(ETH))]).to.deep.equal([0n, wad("1_000")]);
    });

    it("leaks within a day, and comes to no more", async () => {
      const world = await load(capped);
      const { clearingHouse, account } = world;
      await close(world, account);
      const start = await time.latest();

      for (const [hours, room] of [
        [6, "250"],
        [12, "500"],
        [24, "1_000"],
        [72, "1_000"],
      ] as const) {
        await time.increaseTo(start + hours * HOUR);
        expect((await clearingHouse.insuranceRoomOf(ETH)).room).to.equal(wad(room));
      }
    });

    it("counts what has leaked meanwhile for the next deficit", async () => {
      const world = await load(capped);
      const { clearingHouse, account, second, refresh } = world;
      await close(world, account);
      const first = await time.latest();
      await time.increaseTo(first + DAY / 2);
      await refresh();

      const receipt = await close(world, second);
      const leaked = (wad("1_000") * BigInt((await time.latest()) - first)) / BigInt(DAY);
      const deficit = eventOf(clearingHouse, receipt, "DeficitBooked").getValue("deficit") as bigint;
      await expect(receipt).to.emit(clearingHouse, "DeficitBooked").withArgs(second, ETH, deficit, leaked);
      expect(leaked).to.be.within(wad("500"), wad("501"));
    });

    it("is of its own for each market", async () => {
      const world = await load(capped);
      await close(world, world.account);

      const [eth, btc] = [
        await world.clearingHouse.insuranceRoomOf(ETH),
        await world.clearingHouse.insuranceRoomOf(BTC),
      ];
      expect([eth.room, btc.room]).to.deep.equal([0n, wad("250_000")]);
    });

    it("is that of the market with the greatest loss in the closing call", async () => {
      const world = await load(twoMarkets);
      const { clearingHouse, account, other, bob } = world;
      const reductions = [
        { asset: BTC, delta: wad("-1") },
        { asset: ETH, delta: wad("-700") },
      ];

      const receipt = await receiptOf(clearingHouse.connect(bob).liquidate(account, reductions, [], other));
      expect(eventOf(clearingHouse, receipt, "DeficitBooked").getValue("market")).to.equal(BigInt(ETH));
    });

    it("is another one for what no market has caused in the call", async () => {
      const world = await load(tightUnattributed);
      const { clearingHouse, account } = world;
      await world.trade(account, ETH, wad("-750"), { reduceOnly: true });
      const owed = -(await cashOf(world, account));

      await expect(clearingHouse.settleDeficit(account))
        .to.emit(clearingHouse, "DeficitBooked")
        .withArgs(account, UNATTRIBUTED, owed, wad("300"));
      expect([...(await clearingHouse.insuranceRoomOf(UNATTRIBUTED))]).to.deep.equal([0n, wad("300")]);
      expect((await clearingHouse.insuranceRoomOf(ETH)).room).to.equal(wad("250_000"));
    });

    it("of zero leaves all to the pool", async () => {
      const world = await load(uncovered);
      const receipt = await close(world, world.account);

      const event = eventOf(world.clearingHouse, receipt, "DeficitBooked");
      expect(event.getValue("fromInsurance")).to.equal(0n);
      expect(event.getValue("deficit")).to.be.greaterThan(0n);
    });
  });

  describe("the flat reward", () => {
    it("takes no more of an account with equity than its penalty: insurance leaves its own share", async () => {
      const world = await load(small);
      const { clearingHouse, other } = world;
      const { receipt, cash, insurance } = await movesOf(world, [other], () => closing(world, world.account, "-0.6"));

      const { penalty, reward } = eventOf(clearingHouse, receipt, "Liquidated").getValue("result") as {
        penalty: bigint;
        reward: bigint;
      };
      expect(penalty).to.be.within(1n, wad("5") - 1n);
      expect(reward).to.equal(penalty);
      expect(cash).to.deep.equal([penalty]);
      const fee = eventOf(clearingHouse, receipt, "Fill").getValue("fee") as bigint;
      expect(insurance).to.equal(fee / 5n);
    });

    it("counts in the bucket that no market has caused", async () => {
      const world = await load(small);
      const receipt = await receiptOf(closing(world, world.account, "-0.6"));
      const { penalty } = eventOf(world.clearingHouse, receipt, "Liquidated").getValue("result") as { penalty: bigint };

      const { room, cap } = await world.clearingHouse.insuranceRoomOf(UNATTRIBUTED);
      expect(cap - room).to.equal(penalty - penalty / 2n);
    });

    it("is no more than that bucket has room for", async () => {
      const world = await load(stingy);
      const { clearingHouse, account } = world;
      const receipt = await close(world, account);

      const { reward } = eventOf(clearingHouse, receipt, "Liquidated").getValue("result") as { reward: bigint };
      expect(reward).to.equal(wad("3"));
      await time.increase(8 * HOUR);
      await world.refresh();
      const again = eventOf(clearingHouse, await close(world, world.second), "Liquidated").getValue("result") as {
        reward: bigint;
      };
      expect(again.reward).to.be.within(wad("1"), wad("1.001"));
    });

    it("is not paid for closing a part", async () => {
      const world = await load(capped);
      const receipt = await receiptOf(closing(world, world.account, "-100"));

      const { reward } = eventOf(world.clearingHouse, receipt, "Liquidated").getValue("result") as { reward: bigint };
      expect(reward).to.equal(0n);
    });
  });
});

function closing({ clearingHouse, bob, other }: Case, account: Account, delta = "-750") {
  return clearingHouse.connect(bob).liquidate(account, [{ asset: ETH, delta: wad(delta) }], [], other);
}

async function pendingOf({ clearingHouse }: Case) {
  return [(await clearingHouse.ledger()).pendingLosses, (await clearingHouse.poolValuation()).blocked];
}

/** Liquidates all 750 ETH of an account. */
async function close(world: Case, account: Account) {
  return receiptOf(closing(world, account));
}

/** Alice has closed 750 ETH at a loss of more than she had. */
async function emptyHanded(): Promise<Case> {
  const world = await leveraged();
  await world.setPrice(ETH, wad("1660"));
  await world.trade(world.account, ETH, wad("-750"), { reduceOnly: true });
  return world;
}

type Twice = Case & { second: Account };

/** Insurance of 20,000, of which 1,000 a day for ETH; alice and carol have 750 ETH each and no equity. */
async function capped(): Promise<Twice> {
  return twice(
    await leveragedWith(({ assets }) => {
      const [eth] = assets;
      if (eth) eth.insuranceCap = wad("1_000");
    }),
  );
}

/** Three a day for flat rewards. */
async function stingy(): Promise<Twice> {
  return twice(
    await leveragedWith(({ money }) => {
      money.unattributedCap = 3_00;
    }),
  );
}

async function twice(world: Case): Promise<Twice> {
  const second = await world.fund(world.carol, wad("105_000"));
  await world.trade(second, ETH, wad("750"));
  await world.insuranceFund.connect(world.bob).contribute(world.other, wad("20_000"));
  await world.setPrice(ETH, wad("1650"));
  return { ...world, second };
}

/** Nothing of insurance is for ETH. */
async function uncovered(): Promise<Case> {
  const world = await leveragedWith(({ assets }) => {
    const [eth] = assets;
    if (eth) eth.insuranceCap = 0n;
  });
  await world.insuranceFund.connect(world.bob).contribute(world.other, wad("20_000"));
  await world.setPrice(ETH, wad("1650"));
  return world;
}

async function tightUnattributed(): Promise<Case> {
  const world = await leveragedWith(({ money }) => {
    money.unattributedCap = 300_00;
  });
  await world.insuranceFund.connect(world.bob).contribute(world.other, wad("20_000"));
  await world.setPrice(ETH, wad("1660"));
  return world;
}

/** Alice is long 700 ETH and a BTC, and both have lost. */
async function twoMarkets(): Promise<Case> {
  const world = await leveraged();
  await world.trade(world.account, ETH, wad("-50"), { reduceOnly: true });
  await world.trade(world.account, BTC, wad("1"));
  await movePrice(world, BTC, wad("24_000"));
  await world.setPrice(ETH, wad("1660"));
  return world;
}

/** 0.6 ETH with 90 that have lost more than half; insurance of 1,000. */
async function small(): Promise<Case> {
  const world = await leveraged();
  const account = await world.fund(world.alice, wad("90"), 3n);
  await world.trade(account, ETH, wad("0.6"));
  await world.insuranceFund.connect(world.bob).contribute(world.other, wad("1_000"));
  await world.setPrice(ETH, wad("1720"));
  return { ...world, account, other: accountOf(world.bob) };
}
