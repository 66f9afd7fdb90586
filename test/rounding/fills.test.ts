import { expect } from "chai";
import type { ContractTransactionReceipt } from "ethers";

import { PPM, WAD } from "../../scripts/model/fixed.ts";
import { frozen } from "../clearing/scenarios.ts";
import { eventOf } from "../clearing/support.ts";
import { accountOf, loadFixture, networkHelpers, receiptOf, type World } from "../fixture.ts";
import { ETH, SETTLEMENT, wad } from "../parameters.ts";
import { positionOf } from "../waterfall/support.ts";
import { ceil, floor, stepOf } from "./exact.ts";

/** WAD of what escrows are multiples of. */
const ESCROW_UNIT = 10n ** 14n;
/** WAD of a unit of settlement token. */
const UNIT = 10n ** 12n;
const MAKER_FEE = 200n;
const TAKER_FEE = 600n;

describe("rounding of fills and orders", () => {
  it("realised: quote released / cost of the closing part: down / down (their sum with the rest is exact)", async () => {
    const world = await loadFixture(long);
    const { account } = world;
    const before = await positionOf(world, account, ETH);
    const closing = wad("1.000000000000000007");

    const reduced = fillOf(
      world,
      (await world.trade(account, ETH, -closing, { price: wad("1812.34567891") })).executed,
    );
    const released = floor(before.quote * closing, before.size);
    const left = await positionOf(world, account, ETH);
    expect([reduced.realised, left.quote]).to.deep.equal([released - reduced.quote, before.quote - released]);

    const flipping = 3n * left.size + 1n;
    const flipped = fillOf(
      world,
      (await world.trade(account, ETH, -flipping, { price: wad("1799.87654321") })).executed,
    );
    const cost = floor(flipped.quote * left.size, flipping);
    expect(flipped.realised).to.equal(left.quote - cost);
    expect((await positionOf(world, account, ETH)).quote).to.equal(-(flipped.quote - cost));
  });

  it("fee, cancel charge, escrow: up", async () => {
    const world = await loadFixture(long);
    const { account, orders } = world;
    const price = await world.priceOf(ETH);
    const { size } = await positionOf(world, account, ETH);
    // Its fee is a whole number of escrow units and a part of a wei.
    const delta = ceil(10_001n * ESCROW_UNIT * PPM * WAD, price * TAKER_FEE);
    const baseFee = 1_000_000_007n;
    await world.tick();
    await networkHelpers.setNextBlockBaseFeePerGas(baseFee);
    const input = { asset: ETH, delta, acceptablePrice: 0n, reduceOnly: false, expiry: 0 };
    const submitted = await receiptOf(orders.connect(world.alice).submit(account, input));

    const order = eventOf(orders, submitted, "OrderSubmitted");
    expect(order.getValue("charge")).to.equal(ceil(delta * price * TAKER_FEE, PPM * WAD * ESCROW_UNIT) * ESCROW_UNIT);
    const { singleGas, tip, fixedPay } = world.parameters.orders;
    const cost = singleGas * (2n * baseFee + tip) * price;
    expect(order.getValue("pay")).to.equal(fixedPay + ceil(cost, WAD * ESCROW_UNIT) * ESCROW_UNIT);

    const sequence = order.getValue("sequence") as bigint;
    const { receipt } = await world.execute(account, sequence, await world.settle(account, sequence));
    expect(fillOf(world, receipt).fee).to.equal(ceil(delta * price * TAKER_FEE, PPM * WAD));
    const closing = fillOf(world, (await world.trade(account, ETH, -size)).executed);
    expect(closing.fee).to.equal(ceil(size * price * MAKER_FEE, PPM * WAD));
  });

  it("fee shares of insurance and protocol: down, rest to the pool", async () => {
    const world = await loadFixture(long);
    const { account, clearingHouse, parameters } = world;
    const { sequence } = await world.submit(account, ETH, wad("1.000000000000000007"));
    const hints = await world.settle(account, sequence);
    const before = await clearingHouse.ledger();
    const { receipt } = await world.execute(account, sequence, hints);
    const after = await clearingHouse.ledger();

    const { fee } = fillOf(world, receipt);
    const { insuranceFeeShare, protocolFeeShare } = parameters.globals;
    const [insurance, protocol] = [
      floor(fee * BigInt(insuranceFeeShare), PPM),
      floor(fee * BigInt(protocolFeeShare), PPM),
    ];
    expect([
      after.insurance - before.insurance,
      after.protocolFees - before.protocolFees,
      after.base - before.base,
    ]).to.deep.equal([insurance, protocol, fee - insurance - protocol]);
  });

  it("cap on open interest as a share of the pool's mark: down", async () => {
    const world = await loadFixture(narrow);
    const { clearingHouse, alice } = world;
    await clearingHouse.markPool();
    const { markValue } = await clearingHouse.ledger();
    const most = floor(markValue * BigInt(NARROW) * WAD, (await world.priceOf(ETH)) * PPM);

    const over = await world.trade(accountOf(alice), ETH, most + 1n);
    expect([over.outcome, over.cause]).to.deep.equal(["Cancelled", "OpenInterestExceeded"]);
    expect((await clearingHouse.ledger()).markValue).to.equal(markValue);
    expect((await world.trade(accountOf(alice), ETH, most)).outcome).to.equal("Filled");
  });

  it("acceptable price in an order: a buy's down, a sell's up", async () => {
    const world = await loadFixture(long);
    const price = wad("1799.123456789012345679");
    const step = stepOf(price);
    const packed = async (delta: bigint) => {
      const { receipt } = await world.submit(
        await world.fund(world.bob, wad("100"), delta > 0n ? 1n : 2n),
        ETH,
        delta,
        {
          acceptablePrice: price,
        },
      );
      return eventOf(world.orders, receipt, "OrderSubmitted").getValue("acceptablePrice");
    };

    expect([await packed(wad("0.1")), await packed(wad("-0.1"))]).to.deep.equal([
      floor(price, step) * step,
      ceil(price, step) * step,
    ]);
  });

  it("token units to WAD: exact (≤ 18 decimals)", async () => {
    const world = await loadFixture(long);
    const { clearingHouse, vault, tokens, carol } = world;
    const account = accountOf(carol);
    await tokens.usdc.mint(carol, 7n);
    await tokens.usdc.connect(carol).approve(vault, 7n);

    await vault.connect(carol).deposit(account, SETTLEMENT, 7n);
    expect((await clearingHouse.accountOf(account)).cash).to.equal(7n * UNIT);
    await vault.connect(carol).withdraw(account, SETTLEMENT, 3n, carol);
    expect((await clearingHouse.accountOf(account)).cash).to.equal(4n * UNIT);
    expect(await tokens.usdc.balanceOf(carol)).to.equal(3n);
  });
});

/** Alice is long some 10 ETH. */
async function long() {
  const world = await frozen();
  await world.setPrice(ETH, wad("1799.12345678"));
  const account = accountOf(world.alice);
  await world.trade(account, ETH, wad("10.000000000000000003"));
  return { ...world, account };
}

/** 1e-6 of the pool's mark. */
const NARROW = 5_003;

/** ETH may be held up to half a percent of what the pool is worth. */
async function narrow() {
  const world = await frozen(({ assets }) => {
    const [eth] = assets;
    if (eth) eth.openInterestShare = NARROW;
  });
  await world.setPrice(ETH, wad("1799.12345678"));
  return world;
}

interface Fill {
  quote: bigint;
  realised: bigint;
  fee: bigint;
}

function fillOf({ clearingHouse }: World, receipt: ContractTransactionReceipt): Fill {
  const fill = eventOf(clearingHouse, receipt, "Fill");
  const value = (name: keyof Fill) => fill.getValue(name) as bigint;
  return { quote: value("quote"), realised: value("realised"), fee: value("fee") };
}
