import { expect } from "chai";

import { accountOf, ethers, funded, loadFixture, receiptOf, time, type World } from "../fixture.ts";
import { print } from "../hazards/support.ts";
import { BTC, ETH, HOUR, LINK, SOL, wad } from "../parameters.ts";
import {
  baseFeeOf,
  CAUSE,
  escrowFor,
  eventOf,
  eventsOf,
  executed,
  execution,
  type Hint,
  legSlotOf,
  passBoundary,
} from "./helpers.ts";

const LEGS = [
  { asset: ETH, delta: wad("-2") },
  { asset: BTC, delta: wad("0.1") },
  { asset: SOL, delta: wad("100") },
];
const ASSETS = LEGS.map(({ asset }) => asset);

async function submitted(world: World, legs = LEGS, { reduceOnly = false, expiry = 0 } = {}) {
  const account = accountOf(world.alice);
  const receipt = await receiptOf(world.orders.connect(world.alice).submitBasket(account, legs, reduceOnly, expiry));
  const event = eventOf(world, receipt, "BasketSubmitted");
  return { account, receipt, event, sequence: event.getValue("sequence") as bigint };
}

/** Rounds of the legs past the boundary, and their hints. */
async function settle(world: World, account: string, sequence: bigint, prices: Partial<Record<number, bigint>> = {}) {
  const boundary = await passBoundary(world, account, sequence);
  for (const asset of ASSETS) await world.setPrice(asset, prices[asset]);
  const hints: Hint[] = [];
  for (const asset of ASSETS) hints.push(await world.hintFor(asset, boundary));
  return hints;
}

describe("Orders.submitBasket", () => {
  it("stores every leg and tells all of them", async () => {
    const world = await loadFixture(funded);
    const { account, receipt, event, sequence } = await submitted(world);
    const { basketGas, legGas } = world.parameters.orders;
    const pay = escrowFor(world, basketGas + 3n * legGas, await baseFeeOf(receipt), wad("1800"));
    const charge = event.getValue("charge") as bigint;
    expect(event.getValue("pay")).to.equal(pay);
    // 3600 and 2900 at 600, 2400 at 800 millionths
    expect(charge).to.equal(wad("5.82"));

    const [order, legs] = await world.orders.basketOf(account, sequence);
    expect([order.legs, order.delta, order.pay, order.charge]).to.deep.equal([3n, 0n, pay, charge]);
    expect(legs.map(({ asset, delta, phase }) => [asset, delta, phase])).to.deep.equal(
      LEGS.map(({ asset, delta }) => [BigInt(asset), delta, 1n]),
    );
    for (const [index, price] of ["1800", "29000", "24"].entries()) {
      const middle = legs[index]?.middle ?? 0n;
      expect(wad(price) - middle).to.be.within(0n, wad(price) >> 25n);
    }
  });

  it("refuses no legs, nine legs, a leg twice and a leg of zero", async () => {
    const world = await loadFixture(funded);
    const orders = world.orders.connect(world.alice);
    const account = accountOf(world.alice);
    const leg = { asset: ETH, delta: 1n };
    for (const count of [0, 9]) {
      await expect(
        orders.submitBasket(
          account,
          Array.from({ length: count }, () => leg),
          false,
          0,
        ),
      )
        .to.be.revertedWithCustomError(orders, "LegCount")
        .withArgs(count, 8);
    }
    await expect(orders.submitBasket(account, [...LEGS, leg], false, 0))
      .to.be.revertedWithCustomError(orders, "DuplicateLeg")
      .withArgs(ETH);
    await expect(orders.submitBasket(account, [...LEGS, { asset: LINK, delta: 0n }], false, 0))
      .to.be.revertedWithCustomError(orders, "ZeroSize")
      .withArgs(LINK);
  });

  it("counts as the one order that may raise the requirement", async () => {
    const world = await loadFixture(funded);
    const { account } = await submitted(world);
    await expect(world.submit(account, ETH, wad("1"))).to.be.revertedWithCustomError(
      world.clearingHouse,
      "OrderPending",
    );
  });
});

describe("Orders.execute of a basket", () => {
  it("fills every leg at its own round", async () => {
    const world = await loadFixture(funded);
    const { account, sequence } = await submitted(world);
    const prices = { [ETH]: wad("1801"), [BTC]: wad("29001"), [SOL]: wad("24.1") };
    const hints = await settle(world, account, sequence, prices);
    const end = await executed(world, account, sequence, hints);
    eventOf(world, end.receipt, "OrderFilled");
    const fills = eventsOf(world, end.receipt, "Fill").map((fill) => fill.getValue("price") as bigint);
    expect(fills).to.deep.equal([wad("1801"), wad("29001"), wad("24.1")]);
    expect(end.released).to.equal(end.escrow + end.charge - end.pay);
    await expect(world.orders.basketOf(account, sequence)).to.be.revertedWithCustomError(world.orders, "UnknownOrder");
  });

  it("leaves none of its legs in storage", async () => {
    const world = await loadFixture(funded);
    const { account, sequence } = await submitted(world);
    for (const index of LEGS.keys()) expect(await legSlotOf(world, account, sequence, index)).not.to.equal(0n);
    await executed(world, account, sequence, await settle(world, account, sequence));
    for (const index of LEGS.keys()) expect(await legSlotOf(world, account, sequence, index)).to.equal(0n);
  });

  it("cancels all legs free of charge when one is outside the band", async () => {
    const world = await loadFixture(funded);
    for (const price of ["24.49", "23.51"]) {
      const { account, sequence } = await submitted(world);
      const hints = await settle(world, account, sequence, { [SOL]: wad(price) }); // 2.04 %
      const end = await executed(world, account, sequence, hints);
      const event = eventOf(world, end.receipt, "OrderCancelled");
      expect(event.getValue("cause")).to.equal(CAUSE.OutsideBand);
      expect(end.forfeited).to.equal(0n);
      expect(eventsOf(world, end.receipt, "Fill")).to.deep.equal([]);
      await world.setPrice(SOL, wad("24"));
      await world.oracle.update(1n << BigInt(SOL));
    }
  });

  it("fills inside the band, up and down", async () => {
    const world = await loadFixture(funded);
    const { account, sequence } = await submitted(world);
    const hints = await settle(world, account, sequence, { [SOL]: wad("24.47"), [ETH]: wad("1765") }); // under 2 %
    const { receipt } = await executed(world, account, sequence, hints);
    eventOf(world, receipt, "OrderFilled");
  });

  it("refunds all when one leg has no round", async () => {
    const world = await loadFixture(funded);
    const { account, sequence } = await submitted(world);
    const boundary = await passBoundary(world, account, sequence);
    await world.setPrice(ETH);
    await world.setPrice(BTC);
    const hints = [await world.hintFor(ETH, boundary), await world.hintFor(BTC, boundary)];
    await time.increase(HOUR + 5 * 60 + 1);
    await world.refresh();
    hints.push(await world.hintFor(SOL, boundary));
    const end = await executed(world, account, sequence, hints);
    eventOf(world, end.receipt, "OrderRefunded");
    expect(end.cashGained).to.equal(end.escrow + end.charge - end.pay);
  });

  it("is no option on the leg that settles first: rounds too far apart refund it, whatever has been paid in", async () => {
    for (const [apart, outcome] of [
      [60, "OrderFilled"],
      [61, "OrderRefunded"],
    ] as const) {
      const world = await loadFixture(funded);
      await world.orders.setParameters({ ...world.parameters.orders, legGap: 60n });
      const { account, sequence } = await submitted(world);
      const boundary = await passBoundary(world, account, sequence);
      const at = (await time.latest()) + 1;
      await print(world, BTC, { price: wad("29001"), at });
      await print(world, ETH, { price: wad("1800"), at: at + 1 });
      await print(world, SOL, { price: wad("24"), at: at + apart });
      const hints = [];
      for (const asset of ASSETS) hints.push(await world.hintFor(asset, boundary));
      await world.fund(world.alice, wad("1_000_000"));

      const end = await executed(world, account, sequence, hints);
      eventOf(world, end.receipt, outcome);
      if (outcome === "OrderRefunded") expect(end.cashGained).to.equal(end.escrow + end.charge - end.pay);
    }
  });

  it("needs a hint for each leg, in their order", async () => {
    const world = await loadFixture(funded);
    const { account, sequence } = await submitted(world);
    await world.setPrice(BTC); // so that the rounds have other ids
    const hints = await settle(world, account, sequence);
    await expect(execution(world, account, sequence, hints.slice(1)))
      .to.be.revertedWithCustomError(world.orders, "HintCount")
      .withArgs(2, 3);
    const [first, second, ...rest] = hints;
    if (!first || !second) throw new Error("too few hints");
    await expect(execution(world, account, sequence, [second, first, ...rest])).to.revert(ethers);
  });

  it("measures its own expiry and the execution window from its last leg", async () => {
    const world = await loadFixture(funded);
    const expiry = (await time.latest()) + 1 + 64;
    const { account, sequence } = await submitted(world, LEGS, { expiry });
    const boundary = await passBoundary(world, account, sequence);
    await world.setPrice(ETH);
    await world.setPrice(BTC);
    await time.increaseTo(expiry);
    await world.setPrice(SOL);
    const hints = [];
    for (const asset of ASSETS) hints.push(await world.hintFor(asset, boundary));
    const end = await executed(world, account, sequence, hints);
    expect(eventOf(world, end.receipt, "OrderCancelled").getValue("cause")).to.equal(CAUSE.Expired);
    expect(end.forfeited).to.equal(end.charge);

    const other = await submitted(world);
    const otherBoundary = await passBoundary(world, account, other.sequence);
    await world.setPrice(BTC);
    await world.setPrice(SOL);
    await time.increase(500);
    await world.setPrice(ETH); // the first leg is the last to settle
    await time.increase(500);
    const otherHints = [];
    for (const asset of ASSETS) otherHints.push(await world.hintFor(asset, otherBoundary));
    eventOf(world, (await executed(world, account, other.sequence, otherHints)).receipt, "OrderFilled");
  });
});
