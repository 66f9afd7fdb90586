import { expect } from "chai";

import { accrued, decodeFunding, type Funding, steered } from "../../scripts/model/funding.ts";
import { accountOf, deploy, ethers, funded, receiptOf, time, type World } from "../fixture.ts";
import { DAY, ETH, HOUR, wad } from "../parameters.ts";
import {
  betterTerms,
  eventOf,
  expectConserved,
  expectNear,
  load,
  now,
  poolEquityOf,
  skewOf,
  stateOf,
} from "./support.ts";

const DEPTH = wad("250_000");

describe("ClearingHouse.executeOrder, funding", () => {
  afterEach(expectConserved);

  it("accrues as the model does up to its bound, across it, on it and back", async () => {
    const world = await load(quick);
    const { trade, advance, setPrice, alice, bob } = world;
    const [long, other] = [accountOf(alice), accountOf(bob)];
    await trade(long, ETH, wad("1000"));
    let expected = await stored(world);
    const rates = [];
    // 0.001 a day² to 0.000,1 a day: the bound comes after 2.4 hours.
    for (const [hours, price, delta] of [
      [0.5, "1800", "1"],
      [0.7, "1850.12345678", "-2"],
      [3, "1790.00000001", "1"],
      [0.9, "1790", "-1100"],
      [0.9, "1801", "50"],
      [0.9, "1801", "-50"],
      [0.9, "1801", "-300"],
    ] as const) {
      await advance(hours * HOUR);
      await setPrice(ETH, wad(price));
      const receipt = (await trade(other, ETH, wad(delta))).executed;
      expected = accrue(expected, { price: wad(price), at: await timeOf(receipt.blockNumber) });
      expected = steered(expected, { maxVelocity: wad("0.25"), skew: await skewOf(world, ETH), depth: DEPTH });
      expect(await stored(world)).to.deep.equal(expected);
      rates.push(expected.rate);
    }
    expect(rates[1]).to.be.lessThan(wad("0.0001"));
    expect(rates[2]).to.equal(wad("0.0001"));
    expect(rates[3]).to.equal(wad("0.0001"));
    expect(rates[6]).to.be.lessThan(wad("0.0001"));
  });

  it("is steered by the skew over the depth", async () => {
    const world = await load(funded);
    await world.trade(accountOf(world.alice), ETH, wad("-700"));

    // 0.2 · 700 / 250,000
    expect((await stored(world)).velocity).to.equal(wad("-0.00056"));
  });

  it("passes from the crowded side to the other and to the pool, and none is lost", async () => {
    const world = await load(funded);
    const { trade, refresh, alice, bob } = world;
    const accounts = [accountOf(alice), accountOf(bob)];
    await trade(accounts[0] ?? "", ETH, wad("700"));
    await trade(accounts[1] ?? "", ETH, wad("-300"));
    const valuesAt = async () => {
      const at = await now();
      const traders = [];
      for (const account of accounts) traders.push(betterTerms(await stateOf(world, account, at)).equity);
      return [...traders, (await poolEquityOf(world, at)).equity];
    };
    const before = await valuesAt();
    await time.increase(3 * DAY);
    await refresh();
    const changes = (await valuesAt()).map((value, i) => value - (before[i] ?? 0n));

    const [long = 0n, short = 0n, pool = 0n] = changes;
    expect(long).to.be.lessThan(wad("-1000"));
    expectNear(short * 7n, long * -3n, 10n);
    expectNear(pool * 7n, long * -4n, 10n);
    expectNear(long + short + pool, 0n, 3n);
  });

  it("is paid in cash when the position is closed", async () => {
    const world = await load(funded);
    const { trade, advance, refresh, alice } = world;
    const account = accountOf(alice);
    const opened = eventOf(world.clearingHouse, (await trade(account, ETH, wad("700"))).executed, "Fill");
    await advance(2 * DAY);
    await refresh();
    const closed = eventOf(world.clearingHouse, (await trade(account, ETH, wad("-700"))).executed, "Fill");

    const index = closed.getValue("fundingIndex") as bigint;
    expect(index).to.be.greaterThan(wad("2")); // 0.00056/2 · 2² days · 1800 = 2.016
    expect(opened.getValue("fundingIndex")).to.equal(0n);
    expectNear(closed.getValue("realised") as bigint, -700n * index, 1n);
  });

  it("does not move when the skew is pumped and dumped in one block", async () => {
    const world = await load(funded);
    const { trade, submit, setPrice, hintFor, fund, orders, keeper, alice, bob, carol } = world;
    const baseline = await fund(carol, wad("100_000"));
    await trade(baseline, ETH, wad("100"));
    await time.increase(HOUR);
    const before = await stored(world);

    const [pump, dump] = [accountOf(alice), accountOf(bob)];
    const first = await submit(pump, ETH, wad("700"));
    const second = await submit(dump, ETH, wad("-700"));
    await time.increase(60);
    await setPrice(ETH);
    await world.clearingHouse.markPool();
    const items = [];
    for (const [account, { sequence }] of [
      [pump, first],
      [dump, second],
    ] as const) {
      const { boundary } = await orders.orderOf(account, sequence);
      items.push({ account, sequence, hints: [await hintFor(ETH, boundary)] });
    }
    const receipt = await receiptOf(orders.connect(keeper).executeBatch(items, accountOf(keeper)));
    expect(receipt.logs.filter((log) => orders.interface.parseLog(log)?.name === "OrderFilled")).to.have.length(2);

    const untouched = accrued(before, {
      maxRate: wad("0.01"),
      price: wad("1800"),
      now: await timeOf(receipt.blockNumber),
    });
    expect(await stored(world)).to.deep.equal(untouched);
  });
});

/** A bound of the rate that is reached within hours. */
async function quick() {
  const world = await deploy(({ assets }) => {
    if (!assets[ETH]) throw new Error("no such asset");
    assets[ETH].maxFundingRate = 100_000;
    assets[ETH].fundingVelocity = 250_000_000;
  });
  await world.poolDeposit(world.provider, wad("10_000_000"));
  await world.fund(world.alice, wad("1_000_000"));
  await world.fund(world.bob, wad("1_000_000"));
  return world;
}

function accrue(funding: Funding, { price, at }: { price: bigint; at: bigint }): Funding {
  return accrued(funding, { maxRate: wad("0.0001"), price, now: at });
}

async function stored({ clearingHouse }: World): Promise<Funding> {
  return decodeFunding((await clearingHouse.marketOf(ETH)).funding);
}

async function timeOf(blockNumber: number): Promise<bigint> {
  const block = await ethers.provider.getBlock(blockNumber);
  if (block === null) throw new Error("no such block");
  return BigInt(block.timestamp);
}
