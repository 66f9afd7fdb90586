import { expect } from "chai";

import { accountOf, type Account, type Trade, type World } from "../fixture.ts";
import { ETH, wad } from "../parameters.ts";
import { still } from "./scenarios.ts";
import { cashOf, eventOf, expectConserved, load } from "./support.ts";

/** Positions and cash in a market of depth 250,000 at a skew of zero, without funding. */
describe("ClearingHouse.executeOrder, fill", () => {
  afterEach(expectConserved);

  it("opens at the price plus half of its own impact", async () => {
    const world = await load(still);
    const account = accountOf(world.alice);

    // 10 · 1800 · (1 + 10 / 500,000)
    await expectFill(world, account, await fill(world, account, "10", "1800"), {
      quote: "18_000.36",
      realised: "0",
      fee: "10.8",
      position: ["10", "-18_000.36"],
    });
  });

  it("realises a part of the quote when it closes a part", async () => {
    const world = await load(still);
    const account = accountOf(world.alice);
    await fill(world, account, "10", "1800");

    // −4 · 1900 · (1 + (20 − 4) / 500,000); 7200.144 of the quote leaves
    await expectFill(world, account, await fill(world, account, "-4", "1900"), {
      quote: "-7600.2432",
      realised: "400.0992",
      fee: "1.52",
      position: ["6", "-10_800.216"],
    });
  });

  it("realises all and opens the rest when it flips", async () => {
    const world = await load(still);
    const account = accountOf(world.alice);
    await fill(world, account, "10", "1800");
    await fill(world, account, "-4", "1900");

    // −16 · 1700 · (1 + (12 − 16) / 500,000), of which 6/16 close; 6 at the maker's fee and 10 at the taker's
    await expectFill(world, account, await fill(world, account, "-16", "1700"), {
      quote: "-27_199.7824",
      realised: "-600.2976",
      fee: "12.24",
      position: ["-10", "16_999.864"],
    });
  });

  it("leaves nothing when it closes all", async () => {
    const world = await load(still);
    const account = accountOf(world.alice);
    await fill(world, account, "10", "1800");
    await fill(world, account, "-4", "1900");
    await fill(world, account, "-16", "1700");

    await expectFill(world, account, await fill(world, account, "10", "1800"), {
      quote: "17_999.64",
      realised: "-999.776",
      fee: "3.6",
      position: ["0", "0"],
    });
    expect((await world.clearingHouse.accountOf(account)).positions).to.equal(0n);
  });

  it("drops no wei of a quote that does not divide", async () => {
    const world = await load(still);
    const account = accountOf(world.alice);
    const [size, part] = [3_333_333_333_333_333_337n, 1_111_111_111_111_111_111n];
    const results = [];
    for (const delta of [size, -part, -part - 2n * size, size + 2n * part]) {
      results.push(await world.trade(account, ETH, delta));
    }

    // Σ quote + Σ realised = −Σ N: what the account has taken on is in its quote or has been paid.
    const fills = results.map((result) => fillOf(world, result));
    const sum = (name: string) => fills.reduce((total, args) => total + (args.getValue(name) as bigint), 0n);
    const { size: left, quote } = await world.clearingHouse.positionOf(account, ETH);
    expect(left).to.equal(0n);
    expect(quote).to.equal(0n);
    expect(sum("realised")).to.equal(-sum("quote"));
  });

  it("moves what it realises between the account and the pool", async () => {
    const world = await load(still);
    const account = accountOf(world.alice);
    await fill(world, account, "10", "1800");
    const [cash, { base }] = [await cashOf(world, account), await world.clearingHouse.balances()];

    const { sequence, executed } = await fill(world, account, "-4", "1900");

    // 70 % of the fee of 1.52 is the pool's.
    expect(sequence).to.equal(1n);
    expect((await world.clearingHouse.balances()).base).to.equal(base - wad("400.0992") + wad("1.064"));
    const pay = eventOf(world.clearingHouse, executed, "OrderClosed").getValue("pay") as bigint;
    expect(await cashOf(world, account)).to.equal(cash + wad("400.0992") - wad("1.52") - pay);
  });

  it("costs the same in slices up to a wei for each", async () => {
    const world = await load(still);
    const [whole, sliced] = [accountOf(world.alice), accountOf(world.bob)];
    const slices = [
      1_234_567_890_123_456_789n,
      987_654_321_987_654_321n,
      3n * 10n ** 18n + 1n,
      2_777_777_777_777_777_777n,
    ];
    const total = slices.reduce((sum, slice) => sum + slice, 0n);

    const { quote } = await quoteOf(world, whole, total);
    await world.trade(whole, ETH, -total);
    let cost = 0n;
    for (const slice of slices) cost += (await quoteOf(world, sliced, slice)).quote;
    expect(cost).to.be.within(quote, quote + BigInt(slices.length));
  });

  it("gives nothing for going in by slices and out at once, or the other way round", async () => {
    const world = await load(still);
    const account = accountOf(world.bob);
    const slices = [333_333_333_333_333_333n, 111_111_111_111_111_113n, 55_555_555_555_555_559n];
    const total = slices.reduce((sum, slice) => sum + slice, 0n);

    for (const sign of [1n, -1n]) {
      let taken = 0n;
      for (const slice of slices) taken += (await quoteOf(world, account, sign * slice)).quote;
      taken += (await quoteOf(world, account, -sign * total)).quote;
      taken += (await quoteOf(world, account, sign * total)).quote;
      for (const slice of slices) taken += (await quoteOf(world, account, -sign * slice)).quote;
      expect(taken).to.be.within(0n, 8n);
    }
  });

  it("pays narrowing a skew what widening it has cost", async () => {
    const world = await load(still);
    const [long, short] = [accountOf(world.alice), accountOf(world.bob)];

    const widening = await quoteOf(world, long, wad("500"));
    const narrowing = await quoteOf(world, short, wad("-500"));
    expect(widening.quote).to.equal(wad("900_900"));
    expect(narrowing.quote).to.equal(wad("-900_900"));
  });

  describe("fee", () => {
    it("is the taker's on what widens the skew", async () => {
      const world = await load(still);

      const args = fillOf(world, await fill(world, accountOf(world.alice), "-20", "1800"));
      expect(args.getValue("fee")).to.equal(wad("21.6"));
    });

    it("is the maker's on what narrows it", async () => {
      const world = await load(still);
      await fill(world, accountOf(world.alice), "-20", "1800");

      const args = fillOf(world, await fill(world, accountOf(world.bob), "15", "1800"));
      expect(args.getValue("fee")).to.equal(wad("5.4"));
    });

    it("is both on a fill that does both", async () => {
      const world = await load(still);
      await fill(world, accountOf(world.alice), "-20", "1800");

      // 20 of 50 narrow: 20 · 1800 · 2 bp + 30 · 1800 · 6 bp
      const args = fillOf(world, await fill(world, accountOf(world.bob), "50", "1800"));
      expect(args.getValue("fee")).to.equal(wad("39.6"));
    });

    it("goes by shares to insurance and protocol, rounded down, and with the dust to the pool", async () => {
      const world = await load(still);
      const before = await world.clearingHouse.balances();

      const fee = fillOf(world, await world.trade(accountOf(world.alice), ETH, 1_000_000_000_000_000_007n)).getValue(
        "fee",
      ) as bigint;
      expect(fee).to.equal(1_080_000_000_000_000_008n); // 7.56 wei up
      const after = await world.clearingHouse.balances();
      expect(after.insurance - before.insurance).to.equal(216_000_000_000_000_001n);
      expect(after.protocolFees - before.protocolFees).to.equal(108_000_000_000_000_000n);
      expect(after.base - before.base).to.equal(756_000_000_000_000_007n);
    });
  });
});

async function fill(world: World, account: Account, delta: string, price: string): Promise<Trade> {
  const trade = await world.trade(account, ETH, wad(delta), { price: wad(price) });
  expect(trade.outcome).to.equal("Filled");
  return trade;
}

function fillOf(world: World, { executed }: Trade) {
  return eventOf(world.clearingHouse, executed, "Fill");
}

async function quoteOf(world: World, account: Account, delta: bigint): Promise<{ quote: bigint }> {
  return { quote: fillOf(world, await world.trade(account, ETH, delta)).getValue("quote") as bigint };
}

async function expectFill(
  world: World,
  account: Account,
  trade: Trade,
  expected: { quote: string; realised: string; fee: string; position: [string, string] },
): Promise<void> {
  const args = fillOf(world, trade);
  expect(args.getValue("quote")).to.equal(wad(expected.quote));
  expect(args.getValue("realised")).to.equal(wad(expected.realised));
  expect(args.getValue("fee")).to.equal(wad(expected.fee));
  expect(await world.clearingHouse.positionOf(account, ETH)).to.deep.equal(expected.position.map(wad));
}
