import { expect } from "chai";

import { accountOf, deploy, funded, loadFixture, networkHelpers, receiptOf, time, type World } from "../fixture.ts";
import { BTC, DAY, ETH, SETTLEMENT, wad, WBTC, WETH_TOKEN } from "../parameters.ts";
import {
  baseFeeOf,
  cashOf,
  ceilDiv,
  ESCROW_UNIT,
  escrowFor,
  eventOf,
  executed,
  order,
  passBoundary,
  pendingOf,
} from "./helpers.ts";

const ONE = wad("1");

/** Alice has collateral and a long position but no cash. */
async function withoutCash() {
  const world = await deploy();
  await world.poolDeposit(world.provider, wad("10_000_000"));
  const account = await world.fund(world.alice, wad("20"));
  await world.fundCollateral(world.alice, WETH_TOKEN, wad("10"));
  const trade = await world.trade(account, ETH, wad("10"));
  expect(trade.outcome).to.equal("Filled");
  const units = (await cashOf(world, account)) / 10n ** 12n;
  await world.vault.connect(world.alice).withdraw(account, SETTLEMENT, units, world.alice);
  return world;
}

async function submitted(world: World, input: ReturnType<typeof order>) {
  const account = accountOf(world.alice);
  const receipt = await receiptOf(world.orders.connect(world.alice).submit(account, input));
  return { account, receipt, event: eventOf(world, receipt, "OrderSubmitted") };
}

describe("Orders.submit", () => {
  it("stores the order and tells all of it", async () => {
    const world = await loadFixture(funded);
    const account = accountOf(world.alice);
    const start = (await time.latest()) + 1;
    await time.setNextBlockTimestamp(start);
    const input = order(ETH, wad("2"), { acceptablePrice: wad("1810"), expiry: start + 100 });
    const { receipt } = await submitted(world, input);
    const baseFee = await baseFeeOf(receipt);

    const pay = escrowFor(world, world.parameters.orders.singleGas, baseFee, wad("1800"));
    const charge = ceilDiv((wad("3600") * 600n) / 1_000_000n, ESCROW_UNIT) * ESCROW_UNIT;
    const acceptable = (wad("1810") >> 45n) << 45n; // 71 bits, 26 kept
    const expiry = BigInt(start + 96); // offsets are multiples of 32 s
    const boundary = BigInt(start) + 30n;
    const phase = 1n;
    await expect(receipt)
      .to.emit(world.orders, "OrderSubmitted")
      .withArgs(account, 0n, BigInt(ETH), wad("2"), acceptable, false, expiry, boundary, phase, pay, charge);
    expect(await world.orders.orderOf(account, 0n)).to.deep.equal([
      BigInt(ETH),
      wad("2"),
      acceptable,
      phase,
      BigInt(start),
      boundary,
      expiry,
      pay,
      charge,
      0n,
      false,
    ]);
    expect(await world.orders.isPending(account, 0n)).to.equal(true);
    expect(await cashOf(world, account)).to.equal(wad("100_000") - pay - charge);
  });

  it("escrows for twice the base fee, at the native token's price", async () => {
    const world = await loadFixture(funded);
    await world.setPrice(ETH, wad("2000"));
    await world.oracle.update(1n << BigInt(ETH));
    const baseFee = 40n * 10n ** 9n;
    await networkHelpers.setNextBlockBaseFeePerGas(baseFee);
    const { event } = await submitted(world, order(BTC, ONE));
    expect(event.getValue("pay")).to.equal(escrowFor(world, world.parameters.orders.singleGas, baseFee, wad("2000")));
  });

  it("escrows no more than its field holds", async () => {
    const world = await loadFixture(funded);
    await networkHelpers.setNextBlockBaseFeePerGas(10n ** 13n);
    const receipt = await receiptOf(
      world.orders.connect(world.alice).submit(accountOf(world.alice), order(BTC, ONE), { gasLimit: 500_000 }),
    );
    expect(eventOf(world, receipt, "OrderSubmitted").getValue("pay")).to.equal((2n ** 24n - 1n) * ESCROW_UNIT);
  });

  it("rounds a buy's acceptable price down and a sell's up", async () => {
    const world = await loadFixture(funded);
    const price = wad("1800") + 1n;
    const buy = await submitted(world, order(ETH, ONE, { acceptablePrice: price, reduceOnly: true }));
    const sell = await submitted(world, order(ETH, -ONE, { acceptablePrice: price, reduceOnly: true }));
    const unit = 1n << 45n;
    const down = (price / unit) * unit;
    expect(buy.event.getValue("acceptablePrice")).to.equal(down);
    expect(sell.event.getValue("acceptablePrice")).to.equal(down + unit);
  });

  it("refuses a size of zero", async () => {
    const world = await loadFixture(funded);
    await expect(world.orders.connect(world.alice).submit(accountOf(world.alice), order(ETH, 0n)))
      .to.be.revertedWithCustomError(world.orders, "ZeroSize")
      .withArgs(ETH);
  });

  it("refuses an asset without a price", async () => {
    const world = await loadFixture(funded);
    for (const asset of [60, 127, 128, 256]) {
      await expect(world.orders.connect(world.alice).submit(accountOf(world.alice), order(asset, ONE)))
        .to.be.revertedWithCustomError(world.orders, "NoPrice")
        .withArgs(asset);
    }
  });

  it("refuses an asset that is no market", async () => {
    const world = await loadFixture(funded);
    await expect(world.orders.connect(world.alice).submit(accountOf(world.alice), order(WBTC, ONE)))
      .to.be.revertedWithCustomError(world.clearingHouse, "UnknownMarket")
      .withArgs(WBTC);
  });

  it("refuses an expiry that no round can meet, and one that does not fit", async () => {
    const world = await loadFixture(funded);
    const start = (await time.latest()) + 10;
    const [earliest, latest] = [start + 32, start + 511 * 32];
    for (const expiry of [start, earliest - 1, latest + 1]) {
      await time.setNextBlockTimestamp(start);
      await expect(
        world.orders.connect(world.alice).submit.staticCall(accountOf(world.alice), order(ETH, ONE, { expiry }), {
          blockTag: "pending",
        }),
      )
        .to.be.revertedWithCustomError(world.orders, "ExpiryOutOfRange")
        .withArgs(expiry, earliest, latest);
    }
    await time.setNextBlockTimestamp(start);
    const { event } = await submitted(world, order(ETH, ONE, { expiry: latest }));
    expect(event.getValue("expiry")).to.equal(BigInt(latest));
  });

  it("refuses a charge that does not fit", async () => {
    const world = await loadFixture(funded);
    const account = await world.fund(world.alice, wad("200_000"));
    await expect(
      world.orders.connect(world.alice).submit(account, order(ETH, wad("100_000"))),
    ).to.be.revertedWithCustomError(world.orders, "ChargeTooLarge");
  });

  it("refuses a second order that may raise the requirement, and allows reductions beside it", async () => {
    const world = await loadFixture(funded);
    const { account } = await submitted(world, order(ETH, ONE));
    await expect(world.orders.connect(world.alice).submit(account, order(BTC, ONE)))
      .to.be.revertedWithCustomError(world.clearingHouse, "OrderPending")
      .withArgs(account, 1n);
    await submitted(world, order(ETH, -ONE, { reduceOnly: true }));
    await submitted(world, order(BTC, -ONE, { reduceOnly: true }));
    expect(await pendingOf(world, account)).to.equal(3n);
  });

  it("opens a reduce-only order without cash, without a charge and alone", async () => {
    const world = await loadFixture(withoutCash);
    const { account, event } = await submitted(world, order(ETH, wad("-10"), { reduceOnly: true }));
    expect(event.getValue("charge")).to.equal(0n);
    expect(await cashOf(world, account)).to.be.lessThan(0n);
    await expect(
      world.orders.connect(world.alice).submit(account, order(ETH, wad("-10"), { reduceOnly: true })),
    ).to.be.revertedWithCustomError(world.clearingHouse, "OrderPending");

    const sequence = event.getValue("sequence") as bigint;
    const boundary = await passBoundary(world, account, sequence);
    await world.setPrice(ETH);
    const end = await executed(world, account, sequence, [await world.hintFor(ETH, boundary)]);
    expect((await world.clearingHouse.positionOf(account, ETH)).size).to.equal(0n);
    expect(end.pending).to.equal(0n);
  });

  it("refuses a stranger", async () => {
    const world = await loadFixture(funded);
    const account = accountOf(world.alice);
    await expect(world.orders.connect(world.stranger).submit(account, order(ETH, ONE)))
      .to.be.revertedWithCustomError(world.clearingHouse, "NotAuthorized")
      .withArgs(account, world.stranger.address, 1n);
  });

  it("takes an operator with the right to trade, within its time and allowance", async () => {
    const world = await loadFixture(funded);
    const account = accountOf(world.alice);
    const house = world.clearingHouse.connect(world.alice);
    const orders = world.orders.connect(world.bob);
    const until = (await time.latest()) + DAY;

    await house.setOperator(account, world.bob, 6, until, 10n ** 9n); // every right but trading
    await expect(orders.submit(account, order(ETH, ONE)))
      .to.be.revertedWithCustomError(house, "NotAuthorized")
      .withArgs(account, world.bob.address, 1n);

    await house.setOperator(account, world.bob, 1, until, 2_000_000n); // 2 USD
    await orders.submit(account, order(ETH, ONE, { reduceOnly: true })); // about 1.2
    await expect(orders.submit(account, order(ETH, ONE))).to.be.revertedWithCustomError(
      world.extension,
      "FeeAllowanceExceeded",
    );

    await time.increaseTo(until + 1);
    await world.refresh();
    await expect(orders.submit(account, order(ETH, ONE)))
      .to.be.revertedWithCustomError(house, "OperatorExpired")
      .withArgs(account, world.bob.address, until);
  });

  it("leaves no lock behind", async () => {
    const world = await loadFixture(funded);
    const account = accountOf(world.alice);
    const data = [
      world.orders.interface.encodeFunctionData("submit", [account, order(ETH, ONE)]),
      world.orders.interface.encodeFunctionData("submit", [account, order(ETH, -ONE, { reduceOnly: true })]),
    ];
    await world.orders.connect(world.alice).multicall(data);
    expect(await pendingOf(world, account)).to.equal(2n);
  });
});
