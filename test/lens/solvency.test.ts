import { expect } from "chai";

import { expectConserved, load } from "../clearing/support.ts";
import { accountOf, ethers, networkHelpers, type World } from "../fixture.ts";
import { flagSkew, insolvent, rich, seize } from "../insurance/support.ts";
import { BTC, DAY, ETH, LINK, SETTLEMENT, SOL, wad, WBTC_TOKEN, WETH_TOKEN } from "../parameters.ts";
import { cut, seizable } from "./standings.ts";
import { diverse, untouched } from "./support.ts";

const UNIT = 10n ** 12n;
const SKEW = 1n;
const CLOSING = 3n;

describe("Lens.solvency", () => {
  afterEach(expectConserved);

  it("finds what traders have in cash and in escrow, to the wei", async () => {
    const world = await load(diverse);
    const { lens, clearingHouse, orders, alice, bob, keeper } = world;
    const { sequence } = await world.submit(world.account, LINK, wad("10"));
    const { pay, charge } = await orders.orderOf(world.account, sequence);
    expect(pay + charge).to.be.greaterThan(0n);

    const pool = await world.pool.getAddress();
    const accounts = [...[alice, bob, keeper].map((owner) => accountOf(owner)), accountOf(pool), accountOf(pool, 1n)];
    let cash = 0n;
    for (const account of accounts) {
      const state = await clearingHouse.accountOf(account);
      if (state.cash > 0n) cash += state.cash;
    }
    const { tradersCash, seniorCoverage, ledger } = await lens.solvency();
    expect(tradersCash).to.equal(cash + pay + charge);
    expect(seniorCoverage).to.equal(ledger.base + ledger.insurance + ledger.protocolFees);
  });

  for (const [what, arrange] of [
    ["ordinary markets", diverse],
    ["a market that was deleveraged", cut],
    ["sides that were closed whole", closed],
  ] as const) {
    it(`has rows that explain the pool's equity, with ${what}`, async () => {
      const world = await load<World>(arrange);
      const { ledger, pool, markets } = await world.lens.solvency();

      const owed = markets.reduce((sum, row) => sum + row.longValue + row.shortValue + row.heldPremium, 0n);
      expect(ledger.base + ledger.lent - ledger.closedValue - owed).to.equal(pool.equity);
      expect(pool.equity).to.equal((await world.lens.poolEquity()).equity);
      expect(markets.some(({ longValue, shortValue }) => longValue !== 0n || shortValue !== 0n)).to.equal(
        arrange !== closed,
      );
    });
  }

  it("shows what each market has, owes and is insured for", async () => {
    const world = await load(diverse);
    const { lens, clearingHouse, parameters } = world;
    await world.setPrice(ETH, wad("1810"));
    const { markets, ledger, pool } = await lens.solvency();

    // Of what the pool has now: the mark is from before.
    expect(pool.equity).not.to.equal(ledger.markValue);
    expect(markets.map(({ asset }) => Number(asset))).to.deep.equal([ETH, BTC, SOL, LINK]);
    for (const row of markets) {
      const { longSize, shortSize } = await clearingHouse.marketOf(row.asset);
      const { price, refusal, status } = await lens.market(row.asset);
      expect([row.longSize, row.shortSize, row.skew]).to.deep.equal([longSize, shortSize, longSize - shortSize]);
      expect([row.price, row.refusal, row.status]).to.deep.equal([price, refusal, status]);
      expect([row.insuranceRoom, row.insuranceCap]).to.deep.equal(
        Array(2).fill(parameters.assets[Number(row.asset)]?.insuranceCap),
      );
      expect(row.budget).to.equal((pool.equity * 20n) / 100n);
      expect([row.flag, row.flaggedAt, row.overSince, row.graceUntil, row.closesAt]).to.deep.equal([
        0n,
        0n,
        0n,
        0n,
        0n,
      ]);
    }
  });

  it("shows what is wrong with a market", async () => {
    const world = await load(rich);
    const { lens, clearingHouse } = world;
    await flagSkew(world);
    await clearingHouse.windDown(BTC);
    const { markets, ledger, pool } = await lens.solvency();

    const [eth, btc] = markets;
    const watch = await clearingHouse.watchOf(ETH);
    expect([eth?.flag, eth?.overSince, eth?.flaggedAt]).to.deep.equal([
      SKEW,
      watch & 0xffffffffn,
      (watch >> 32n) & 0xffffffffn,
    ]);
    expect([btc?.status, btc?.closesAt]).to.deep.equal([
      CLOSING,
      BigInt(await networkHelpers.time.latest()) + BigInt(DAY),
    ]);
    expect([ledger.flaggedMarkets, pool.blocked]).to.deep.equal([1n, true]);
  });

  it("compares what the vault has with its ledger", async () => {
    const world = await load(diverse);
    const { lens, vault, tokens } = world;
    const before = await lens.solvency();
    expect(
      before.custody.map(({ token, contractAddress, surplus }) => [token, contractAddress, surplus]),
    ).to.deep.equal([
      [BigInt(SETTLEMENT), await tokens.usdc.getAddress(), 0n],
      [BigInt(WETH_TOKEN), await tokens.weth.getAddress(), 0n],
      [BigInt(WBTC_TOKEN), await tokens.wbtc.getAddress(), 0n],
    ]);
    expect(before.custody.map(({ decimals, held }) => [decimals, held])).to.deep.equal([
      [6n, await vault.held(SETTLEMENT)],
      [18n, wad("12.345678901234567891")],
      [8n, 54_321_000n],
    ]);

    await tokens.usdc.mint(vault, 7n);
    const more = await lens.solvency();
    expect(more.custody[0]?.surplus).to.equal(7n);
    expect(more.seniorCoverage).to.equal(before.seniorCoverage);

    await steal(world, 7n + 100n);
    const less = await lens.solvency();
    expect(less.custody[0]?.surplus).to.equal(-100n);
    expect(less.seniorCoverage).to.equal(before.seniorCoverage - 100n * UNIT);
    expect(less.tradersCash).to.equal(before.tradersCash);
    await tokens.usdc.mint(vault, 100n); // so that the books are whole at the end of the test
  });

  it("shows what was seized, and what insurance should have", async () => {
    const world = await load(insolvent);
    const { lens, account } = world;
    const { ledger: quiet } = await lens.solvency();
    expect([quiet.pendingLosses, quiet.seizedOwed]).to.deep.equal([0n, 0n]);

    await seize(world, account);
    const { ledger, pool, insuranceTarget } = await lens.solvency();
    expect(ledger.seizedOwed).to.be.greaterThan(0n);
    expect([ledger.pendingLosses, ledger.insurance, pool.blocked]).to.deep.equal([0n, 0n, true]);
    expect(insuranceTarget).to.equal(await world.insuranceFund.targetBalance());
  });

  it("shows what is lent, and what that costs", async () => {
    const world = await load(insolvent);
    const { lens, clearingHouse, parameters } = world;
    const money = { ...parameters.money, borrowRateKink: 100_000, borrowRateFull: 900_000 };
    await clearingHouse.setMoney(money);
    const { ledger, utilisation, borrowRate } = await lens.solvency();

    expect(ledger.lent).to.be.greaterThan(0n);
    expect(utilisation).to.equal((ledger.lent * 1_000_000n) / (ledger.lent + ledger.base));
    expect(borrowRate).to.equal((100_000n * utilisation) / BigInt(money.borrowKink));
    expect(borrowRate).to.be.greaterThan(0n);
  });

  it("counts accounts that were found insolvent", async () => {
    const { lens } = await load(seizable);
    const { ledger, pool } = await lens.solvency();

    expect([ledger.pendingLosses, pool.blocked]).to.deep.equal([1n, true]);
  });

  it("is quiet about a protocol that nobody uses", async () => {
    const { tradersCash, ledger, pool, seniorCoverage } = await (await load(untouched)).lens.solvency();

    expect(tradersCash).to.equal(wad("200_000"));
    expect([ledger.base, pool.equity, seniorCoverage]).to.deep.equal(Array(3).fill(wad("10_000_000")));
  });
});

/** Moves tokens out of the vault as no code of the protocol could. */
async function steal({ vault, tokens, stranger }: World, units: bigint): Promise<void> {
  const address = await vault.getAddress();
  await networkHelpers.setBalance(address, wad("1"));
  await networkHelpers.impersonateAccount(address);
  await tokens.usdc.connect(await ethers.getSigner(address)).transfer(stranger, units);
  await networkHelpers.stopImpersonatingAccount(address);
}

/** ETH was wound down with positions on both sides; nobody has touched them since. */
async function closed() {
  const world = await untouched();
  const { clearingHouse, alice, bob } = world;
  await world.trade(accountOf(alice), ETH, wad("100"));
  await world.trade(accountOf(bob), ETH, wad("-30"));
  await clearingHouse.windDown(ETH);
  const { closesAt } = await world.lens.market(ETH);
  await world.advance(DAY);
  await world.setPrice(ETH, wad("1_900"));
  await clearingHouse.closeMarket(ETH, await world.hintFor(ETH, closesAt));
  return world;
}
