import { expect } from "chai";

import { accountOf, deploy, ethers, funded, loadFixture, networkHelpers, time, type World } from "../fixture.ts";
import { BTC, ETH, HOUR, percent, USDC, wad } from "../parameters.ts";
import {
  CAUSE,
  cashOf,
  escrowFor,
  eventOf,
  executed,
  execution,
  type Hint,
  type OrderFields,
  OUTCOME,
  passBoundary,
  payFor,
  pendingOf,
} from "./helpers.ts";

const ONE = wad("1");
const NO_HINT = { round: 0n, before: 0n };

/** A pending order of alice. */
async function pending(world: World, delta: bigint, more: Partial<OrderFields> = {}, asset = ETH) {
  const account = accountOf(world.alice);
  const { sequence } = await world.submit(account, asset, delta, more);
  return { account, sequence };
}

/** A pending order of alice and its settlement round, already there. */
async function settled(world: World, delta: bigint, price?: bigint, more: Partial<OrderFields> = {}) {
  const { account, sequence } = await pending(world, delta, more);
  const hints = await world.settle(account, sequence, price);
  return { account, sequence, hints };
}

/** Five million for alice, so that only caps bind. */
async function rich() {
  const world = await funded();
  await world.fund(world.alice, wad("5_000_000"));
  return world;
}

async function cancelledFor(
  world: World,
  pendingOrder: { account: string; sequence: bigint; hints: Hint[] },
  cause: keyof typeof CAUSE,
  { free }: { free: boolean },
) {
  const { account, sequence, hints } = pendingOrder;
  const end = await executed(world, account, sequence, hints);
  const event = eventOf(world, end.receipt, "OrderCancelled");
  expect(event.getValue("cause")).to.equal(CAUSE[cause]);
  expect(end.charge).to.be.greaterThan(0n);
  expect(event.getValue("forfeited")).to.equal(free ? 0n : end.charge);
  expect(end.forfeited).to.equal(free ? 0n : end.charge);
  expect(end.poolGained).to.equal(end.forfeited);
  expect(end.cashGained).to.equal(end.escrow + end.charge - end.pay - end.forfeited);
  expect(end.keeperGained).to.equal(end.pay);
  expect(end.pending).to.equal(0n);
  expect(end.stored).to.equal(false);
  return end;
}

async function refunded(world: World, account: string, sequence: bigint, hints: Hint[]) {
  const end = await executed(world, account, sequence, hints);
  eventOf(world, end.receipt, "OrderRefunded");
  expect(end.forfeited).to.equal(0n);
  expect(end.poolGained).to.equal(0n);
  expect(end.cashGained).to.equal(end.escrow + end.charge - end.pay);
  expect(end.keeperGained).to.equal(end.pay);
  expect(end.pending).to.equal(0n);
  expect(end.stored).to.equal(false);
}

describe("Orders.execute", () => {
  describe("fill", () => {
    it("fills at the settlement round, pays the keeper and returns the rest of the escrow", async () => {
      const world = await loadFixture(funded);
      const { account, sequence, hints } = await settled(world, ONE, wad("1810"));
      await world.setPrice(ETH, wad("1850")); // later rounds are of no account
      const end = await executed(world, account, sequence, hints);

      const [, , , updatedAt] = await world.feedOf(ETH).proxy.getRoundData(hints[0]?.round ?? 0n);
      await expect(end.receipt)
        .to.emit(world.orders, "OrderFilled")
        .withArgs(account, sequence, accountOf(world.keeper), updatedAt, end.pay);
      const fill = eventOf(world, end.receipt, "Fill");
      expect(fill.getValue("price")).to.equal(wad("1810"));
      expect(end.released).to.equal(end.escrow - end.pay + end.charge);
      expect(end.cashGained).to.equal(end.released - (fill.getValue("fee") as bigint));
      expect(end.keeperGained).to.equal(end.pay);
      expect(end.pending).to.equal(0n);
      expect(end.stored).to.equal(false);
      await expect(execution(world, account, sequence, hints))
        .to.be.revertedWithCustomError(world.orders, "UnknownOrder")
        .withArgs(account, sequence);
    });

    it("is open to anyone, the owner included", async () => {
      const world = await loadFixture(funded);
      const { account, sequence, hints } = await settled(world, ONE);
      await world.orders.connect(world.alice).execute(account, sequence, hints, account);
      expect((await world.clearingHouse.positionOf(account, ETH)).size).to.equal(ONE);
    });

    it("returns what a simulation needs to know", async () => {
      const world = await loadFixture(funded);
      const { account, sequence, hints } = await settled(world, ONE);
      await time.increase(1);
      expect(
        await world.orders.connect(world.keeper).execute.staticCall(account, sequence, hints, account),
      ).to.deep.equal([OUTCOME.Filled, CAUSE.None]);
    });
  });

  describe("settlement round", () => {
    it("accepts the one hint and no other", async () => {
      const world = await loadFixture(funded);
      const { account, sequence } = await pending(world, ONE);
      const early = await world.setPrice(ETH, wad("1801"));
      await passBoundary(world, account, sequence);
      const right = await world.setPrice(ETH, wad("1802"));
      const late = await world.setPrice(ETH, wad("1803"));
      await world.setPrice(ETH, wad("1804"));
      const wrong = [
        { round: early, before: early - 1n },
        { round: late, before: right },
        { round: late, before: early },
        { round: right, before: right },
        { round: right, before: 0n },
        { round: right + (1n << 64n), before: early + (1n << 64n) },
        { round: right + 100n, before: early },
        NO_HINT,
        { round: 0n, before: early },
      ];
      for (const hint of wrong) await expect(execution(world, account, sequence, [hint])).to.revert(ethers);
      const end = await executed(world, account, sequence, [{ round: right, before: early }]);
      expect(eventOf(world, end.receipt, "Fill").getValue("price")).to.equal(wad("1802"));
    });

    it("refuses a round in the block of its own time", async () => {
      const world = await loadFixture(funded);
      const { account, sequence, hints } = await settled(world, ONE);
      const block = await ethers.provider.getBlock("latest");
      await expect(
        world.orders.execute.staticCall(account, sequence, hints, account, { blockTag: block?.number ?? 0 }),
      ).to.revert(ethers);
    });

    it("keeps the boundary of a pending order when the delay changes", async () => {
      const world = await loadFixture(funded);
      const { account, sequence } = await pending(world, ONE);
      const { boundary } = await world.orders.orderOf(account, sequence);
      await world.orders.setParameters({ ...world.parameters.orders, delay: 200n });
      expect((await world.orders.orderOf(account, sequence)).boundary).to.equal(boundary);
      const hints = await world.settle(account, sequence);
      expect((await executed(world, account, sequence, hints)).stored).to.equal(false);
    });

    it("needs a hint for each leg", async () => {
      const world = await loadFixture(funded);
      const { account, sequence, hints } = await settled(world, ONE);
      for (const wrong of [[], [...hints, ...hints]]) {
        await expect(execution(world, account, sequence, wrong))
          .to.be.revertedWithCustomError(world.orders, "HintCount")
          .withArgs(wrong.length, 1);
      }
    });
  });

  describe("refund", () => {
    it("refunds an order without a round in its window, and not before that is known", async () => {
      const world = await loadFixture(funded);
      const { account, sequence } = await pending(world, ONE);
      const boundary = await passBoundary(world, account, sequence);
      const [before] = await world.feedOf(ETH).proxy.latestRoundData();
      await expect(execution(world, account, sequence, [{ round: 0n, before }])).to.revert(ethers);
      await time.increase(HOUR + 5 * 60 + 1);
      await world.refresh();
      await refunded(world, account, sequence, [await world.hintFor(ETH, boundary)]);
    });

    it("refunds an order whose round jumped", async () => {
      const world = await loadFixture(funded);
      const { account, sequence, hints } = await settled(world, ONE, wad("2200"));
      await refunded(world, account, sequence, hints);
    });

    it("refunds rather than forfeits, however late and expired the order is", async () => {
      const world = await loadFixture(funded);
      const expiry = (await time.latest()) + 100;
      const { account, sequence } = await pending(world, ONE, { expiry, acceptablePrice: wad("1000") });
      const boundary = await passBoundary(world, account, sequence);
      await time.increase(2 * HOUR);
      await world.refresh();
      await time.increase(HOUR / 2);
      await refunded(world, account, sequence, [await world.hintFor(ETH, boundary)]);
    });

    it("refunds an order in flight over a switch of the aggregator whose old phase went silent", async () => {
      const world = await loadFixture(funded);
      const { account, sequence } = await pending(world, ONE);
      const { proxy } = world.feedOf(ETH);
      const [before] = await proxy.latestRoundData();
      const next = await ethers.deployContract("AccessListAggregator", [8, "ETH / USD", false]);
      await next.addAccess(proxy);
      await passBoundary(world, account, sequence);
      const now = (await time.latest()) + 1;
      await time.setNextBlockTimestamp(now);
      await next.transmit(1800n * 10n ** 8n, now, now);
      await proxy.proposeAggregator(next);
      await proxy.confirmAggregator(next);
      await expect(execution(world, account, sequence, [{ round: (2n << 64n) + 1n, before: 0n }])).to.revert(ethers);
      await time.increase(HOUR + 10 * 60);
      await refunded(world, account, sequence, [{ round: 0n, before }]);
    });

    it("refunds what was submitted before an outage of the sequencer, without hints and even if it had settled", async () => {
      const world = await loadFixture(funded);
      const { account, sequence, hints } = await settled(world, ONE);
      await world.setSequencer(false);
      await world.setSequencer(true);
      expect(
        await world.orders.connect(world.keeper).execute.staticCall(account, sequence, hints, account),
      ).to.deep.equal([OUTCOME.Refunded, CAUSE.None]);
      await refunded(world, account, sequence, []);
    });

    it("refunds what was submitted during an outage", async () => {
      const world = await loadFixture(funded);
      await world.setSequencer(false);
      const { account, sequence } = await pending(world, ONE);
      await world.setSequencer(true);
      const hints = await world.settle(account, sequence);
      await refunded(world, account, sequence, hints);
    });

    it("executes nothing while the sequencer is down, not even a reduction", async () => {
      const world = await loadFixture(funded);
      await world.trade(accountOf(world.alice), ETH, ONE);
      const { account, sequence, hints } = await settled(world, -ONE, undefined, { reduceOnly: true });
      await world.setSequencer(false);
      await expect(execution(world, account, sequence, hints)).to.be.revertedWithCustomError(
        world.orders,
        "SequencerDown",
      );
      expect(await world.orders.isPending(account, sequence)).to.equal(true);
    });

    it("fills what was submitted after the sequencer came up", async () => {
      const world = await loadFixture(funded);
      await world.setSequencer(false);
      await world.setSequencer(true);
      await time.increase(world.parameters.environment.sequencerGrace + 1);
      await world.refresh();
      await world.clearingHouse.markPool();
      const { account, sequence, hints } = await settled(world, ONE);
      const end = await executed(world, account, sequence, hints);
      eventOf(world, end.receipt, "OrderFilled");
    });
  });

  describe("cancellation", () => {
    it("cancels a buy above its acceptable price free of charge", async () => {
      const world = await loadFixture(funded);
      const late = await settled(world, ONE, wad("1800.01"), { acceptablePrice: wad("1800") });
      await cancelledFor(world, late, "PriceNotAcceptable", { free: true });
    });

    it("cancels a sell below its acceptable price free of charge", async () => {
      const world = await loadFixture(funded);
      const late = await settled(world, -ONE, wad("1799.99"), { acceptablePrice: wad("1800") });
      await cancelledFor(world, late, "PriceNotAcceptable", { free: true });
    });

    it("fills at exactly the acceptable price", async () => {
      const world = await loadFixture(funded);
      for (const delta of [ONE, -ONE]) {
        const price = 5n * 2n ** 35n * 10n ** 10n; // 1717.98…: few enough significant bits to be kept as it is
        const { account, sequence, hints } = await settled(world, delta, price, { acceptablePrice: price });
        const { receipt } = await executed(world, account, sequence, hints);
        eventOf(world, receipt, "OrderFilled");
      }
    });

    it("forfeits the charge when the round came after the order's own expiry, before the price is looked at", async () => {
      const world = await loadFixture(funded);
      const expiry = (await time.latest()) + 1 + 64;
      const { account, sequence } = await pending(world, ONE, { expiry, acceptablePrice: wad("1000") });
      await time.increaseTo(expiry);
      const hints = await world.settle(account, sequence); // one second late
      await cancelledFor(world, { account, sequence, hints }, "Expired", { free: false });
    });

    it("fills when the round came at its own expiry", async () => {
      const world = await loadFixture(funded);
      const expiry = (await time.latest()) + 1 + 64;
      const { account, sequence } = await pending(world, ONE, { expiry });
      await time.increaseTo(expiry - 1);
      const hints = await world.settle(account, sequence);
      await time.increase(60);
      const { receipt } = await executed(world, account, sequence, hints);
      eventOf(world, receipt, "OrderFilled");
    });

    it("forfeits the charge when nobody executed within the window", async () => {
      const world = await loadFixture(funded);
      const late = await settled(world, ONE);
      const settledAt = await time.latest();
      await time.setNextBlockTimestamp(settledAt + 601);
      await cancelledFor(world, late, "TooLate", { free: false });
    });

    it("fills in the last second of the window", async () => {
      const world = await loadFixture(funded);
      const { account, sequence, hints } = await settled(world, ONE);
      await time.setNextBlockTimestamp((await time.latest()) + 600);
      const { receipt } = await executed(world, account, sequence, hints);
      eventOf(world, receipt, "OrderFilled");
    });

    it("lets no delay turn a free cancellation into a forfeit", async () => {
      const world = await loadFixture(funded);
      const late = await settled(world, ONE, wad("1810"), { acceptablePrice: wad("1800") });
      await time.increase(HOUR);
      await cancelledFor(world, late, "PriceNotAcceptable", { free: true });
    });

    it("forfeits for margin", async () => {
      const world = await loadFixture(funded);
      const late = await settled(world, wad("1000"));
      const end = await cancelledFor(world, late, "InsufficientMargin", { free: false });
      expect(end.charge).to.equal(wad("1080"));
    });

    it("forfeits for open interest", async () => {
      const world = await loadFixture(rich);
      const late = await settled(world, wad("5001"));
      await cancelledFor(world, late, "OpenInterestExceeded", { free: false });
    });

    it("forfeits for skew", async () => {
      const world = await loadFixture(rich);
      const late = await settled(world, wad("2001"));
      await cancelledFor(world, late, "SkewExceeded", { free: false });
    });

    it("forfeits for a position that is too small", async () => {
      const world = await loadFixture(funded);
      const late = await settled(world, wad("0.01"));
      await cancelledFor(world, late, "PositionTooSmall", { free: false });
    });

    it("forfeits for too many assets", async () => {
      const world = await loadFixture(crowded);
      const late = await settled(world, ONE);
      await cancelledFor(world, late, "TooManyAssets", { free: false });
    });

    it("forfeits for nothing to reduce", async () => {
      const world = await loadFixture(funded);
      const late = await settled(world, -ONE, undefined, { reduceOnly: true });
      await cancelledFor(world, late, "NothingToReduce", { free: false });
    });

    it("forfeits for a reduction that costs more than it frees", async () => {
      const world = await loadFixture(funded);
      const account = accountOf(world.alice);
      expect((await world.trade(account, ETH, wad("750"))).outcome).to.equal("Filled");
      const late = await settled(world, wad("-100"), wad("1700"), { reduceOnly: true });
      await world.setPrice(ETH, wad("1755"));
      await cancelledFor(world, late, "ReductionRefused", { free: false });
    });

    it("cancels free of charge when the market has been made reduce-only", async () => {
      const world = await loadFixture(funded);
      const late = await settled(world, ONE);
      await world.clearingHouse.restrictMarket(ETH);
      await cancelledFor(world, late, "MarketReduceOnly", { free: true });
    });
  });

  describe("what leaves the order pending", () => {
    async function staysPending(world: World, account: string, sequence: bigint, hints: Hint[], error: string) {
      await expect(execution(world, account, sequence, hints)).to.be.revertedWithCustomError(
        world.clearingHouse,
        error,
      );
      expect(await world.orders.isPending(account, sequence)).to.equal(true);
      expect(await pendingOf(world, account)).to.equal(1n);
    }

    it("a pool mark that is too old for the caps", async () => {
      const world = await loadFixture(funded);
      await time.increase(HOUR);
      await world.refresh();
      const { account, sequence, hints } = await settled(world, ONE);
      await staysPending(world, account, sequence, hints, "StalePoolMark");
      await world.clearingHouse.markPool();
      const { receipt } = await executed(world, account, sequence, hints);
      eventOf(world, receipt, "OrderFilled");
    });

    it("a settlement token off its peg", async () => {
      const world = await loadFixture(funded);
      const { account, sequence, hints } = await settled(world, ONE);
      await world.setPrice(USDC, wad("0.97"));
      await world.oracle.update(1n << BigInt(USDC));
      await staysPending(world, account, sequence, hints, "IncreaseRefused");
    });

    it("a market whose latest price is refused", async () => {
      const world = await loadFixture(funded);
      const { account, sequence, hints } = await settled(world, ONE);
      await world.setPrice(ETH, wad("2500"));
      await staysPending(world, account, sequence, hints, "IncreaseRefused");
    });

    it("too little gas, whatever the amount", async () => {
      const world = await loadFixture(funded);
      const { account, sequence, hints } = await settled(world, wad("1000")); // would be cancelled for margin
      for (const gasLimit of [150_000n, 200_000n, 250_000n, 300_000n, 400_000n, 700_000n, 1_000_000n, 1_999_000n]) {
        await expect(execution(world, account, sequence, hints, { gasLimit })).to.be.revertedWithCustomError(
          world.orders,
          "InsufficientGas",
        );
      }
      expect(await world.orders.isPending(account, sequence)).to.equal(true);
      await execution(world, account, sequence, hints, { gasLimit: 2_100_000n });
      expect(await world.orders.isPending(account, sequence)).to.equal(false);
    });
  });

  describe("owner", () => {
    it("cannot take away what backs a pending order", async () => {
      const world = await loadFixture(funded);
      const { account } = await settled(world, ONE);
      await expect(world.vault.connect(world.alice).withdraw(account, 255, 1n, world.alice)).to.revert(ethers);
      await expect(
        world.clearingHouse.connect(world.alice).transfer(account, accountOf(world.alice, 1n), 255, 1n),
      ).to.revert(ethers);
    });
  });

  describe("keeper pay", () => {
    it("follows the base fee and not what the executor bids", async () => {
      const world = await loadFixture(funded);
      const gas = world.parameters.orders.singleGas;
      for (const bid of [0n, 100n * 10n ** 9n]) {
        const { account, sequence, hints } = await settled(world, ONE);
        const baseFee = 10n ** 9n;
        await networkHelpers.setNextBlockBaseFeePerGas(baseFee);
        const keeperCash = await cashOf(world, accountOf(world.keeper));
        await execution(world, account, sequence, hints, {
          maxPriorityFeePerGas: bid,
          maxFeePerGas: baseFee + bid,
        });
        const pay = (await cashOf(world, accountOf(world.keeper))) - keeperCash;
        const escrow = await escrowOf(world, sequence);
        const due = payFor(world, gas, baseFee, wad("1800"));
        expect(pay).to.equal(due < escrow ? due : escrow);
      }
    });

    it("is never more than the escrow", async () => {
      const world = await loadFixture(funded);
      const { account, sequence, hints } = await settled(world, ONE);
      await networkHelpers.setNextBlockBaseFeePerGas(500n * 10n ** 9n);
      const { pay } = await world.orders.orderOf(account, sequence);
      const receipt = await (await execution(world, account, sequence, hints, { gasLimit: 3_000_000n })).wait();
      if (receipt === null) throw new Error("no receipt");
      const closed = eventOf(world, receipt, "OrderClosed");
      expect(closed.getValue("pay")).to.equal(pay);
      expect(closed.getValue("released")).to.be.greaterThan(0n); // the charge
    });

    it("is less for a refund", async () => {
      const world = await loadFixture(funded);
      await networkHelpers.setNextBlockBaseFeePerGas(10n ** 9n);
      const { account, sequence } = await pending(world, ONE);
      await world.setSequencer(false);
      await world.setSequencer(true);
      const baseFee = 10n ** 8n;
      await networkHelpers.setNextBlockBaseFeePerGas(baseFee);
      const end = await executed(world, account, sequence, []);
      expect(end.pay).to.equal(payFor(world, world.parameters.orders.refundGas, baseFee, wad("1800")));
    });

    it("is what payFor says", async () => {
      const world = await loadFixture(funded);
      const { singleGas, basketGas, legGas, refundGas, pokeGas } = world.parameters.orders;
      const [baseFee, price] = [3n * 10n ** 9n, wad("1800")];
      const single = await world.orders.payFor(0, baseFee, price);
      expect(single).to.deep.equal([
        escrowFor(world, singleGas, baseFee, price),
        ...[singleGas, refundGas, pokeGas].map((gas) => payFor(world, gas, baseFee, price)),
      ]);
      const [escrow, execution] = await world.orders.payFor(3, baseFee, price);
      expect(escrow).to.equal(escrowFor(world, basketGas + 3n * legGas, baseFee, price));
      expect(execution).to.equal(payFor(world, basketGas + 3n * legGas, baseFee, price));
    });
  });
});

async function escrowOf(world: World, sequence: bigint): Promise<bigint> {
  const [event] = await world.orders.queryFilter(world.orders.filters.OrderSubmitted(accountOf(world.alice), sequence));
  if (event === undefined) throw new Error("no such order");
  return event.args.pay;
}

/** Alice holds as many assets as an account may; ETH is not among them. */
async function crowded() {
  const world = await deploy((parameters) => {
    const [feed, market] = [parameters.feeds[2], parameters.assets[2]];
    const usdc = parameters.assets.at(-1);
    if (!feed || !market || !usdc) throw new Error("no such feed");
    parameters.assets.push({ ...usdc });
    for (let i = 0; i < 14; i++) {
      parameters.feeds.push({ ...feed, description: `MORE ${String(i)} / USD` });
      parameters.assets.push({ ...market, openInterestShare: percent(90) });
    }
  });
  await world.poolDeposit(world.provider, wad("10_000_000"));
  const account = await world.fund(world.alice, wad("100_000"));
  const basket = async (assets: number[]) => {
    const { sequence } = await world.clearingHouse.accountOf(account);
    const legs = assets.map((asset) => ({ asset, delta: wad("10") }));
    await world.orders.connect(world.alice).submitBasket(account, legs, false, 0);
    const boundary = await passBoundary(world, account, sequence);
    const hints = [];
    for (const asset of assets) await world.setPrice(asset);
    for (const asset of assets) hints.push(await world.hintFor(asset, boundary));
    const { receipt } = await executed(world, account, sequence, hints);
    eventOf(world, receipt, "OrderFilled");
  };
  await basket([BTC, 2, 3, 6, 7, 8, 9, 10]);
  await basket([11, 12, 13, 14, 15, 16, 17, 18]);
  return world;
}
