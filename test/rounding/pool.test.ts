import { expect } from "chai";

import { PPM, WAD } from "../../scripts/model/fixed.ts";
import { frozen } from "../clearing/scenarios.ts";
import { accountOf, loadFixture, type World } from "../fixture.ts";
import { BTC, ETH, wad } from "../parameters.ts";
import { nextInterval, requestRedeem } from "../pool/helpers.ts";
import { ceil, floor } from "./exact.ts";

/** WAD of a unit of settlement token. */
const UNIT = 10n ** 12n;
const VIRTUAL = 1_000_000n;

describe("rounding of the pool and of insurance", () => {
  it("pool shares minted; amount redeemed: down; down", async () => {
    const world = await loadFixture(exposed);
    const { pool, bob, provider } = world;
    const { value, spread, supply } = await quoteOf(world);
    const [entering, leaving] = [value + spread + VIRTUAL, value - spread + VIRTUAL];
    // Worth less than a wei less than a whole number of units.
    const shares = ceil((1_000_000_000n * UNIT - 1n) * (supply + VIRTUAL), leaving);
    const batch = await world.requestDeposit(bob, wad("777.777777"));
    expect(await requestRedeem(world, provider, shares)).to.equal(batch);
    await world.mature(batch);

    await pool.fulfill(batch);
    const { minted, paid } = await pool.batchOf(batch);
    expect(minted).to.equal(floor(wad("777.777777") * (supply + VIRTUAL), entering));
    expect(paid).to.equal(floor(shares * leaving, (supply + VIRTUAL) * UNIT));
    expect(paid).to.equal(1_000_000_000n - 1n);
  });

  it("shares burned for a part payment: up", async () => {
    const world = await loadFixture(scarce);
    const { pool, batch } = world;
    const { value, spread, supply, redeemable } = await quoteOf(world);
    const units = floor(redeemable, UNIT);

    await pool.fulfill(batch);
    const { burned, paid } = await pool.batchOf(batch);
    expect([burned, paid]).to.deep.equal([ceil(units * UNIT * (supply + VIRTUAL), value - spread + VIRTUAL), units]);
  });

  it("spread of a batch: up", async () => {
    const world = await loadFixture(exposed);
    const { pool, bob } = world;
    const batch = await world.requestDeposit(bob, wad("1"));
    await world.mature(batch);
    const { value, spread, gross } = await quoteOf(world);
    const exposures = [ceil(SIZE * (await world.priceOf(ETH)), WAD), ceil(SMALL * (await world.priceOf(BTC)), WAD)];
    expect(gross).to.equal(exposures.reduce((sum, exposure) => sum + exposure));

    const minted = floor(WAD * ((await pool.totalSupply()) + VIRTUAL), value + spread + VIRTUAL);
    await expect(pool.fulfill(batch))
      .to.emit(pool, "DepositsFulfilled")
      .withArgs(batch, 1_000_000n, minted, value, spread);
  });

  it("what a claim gets; what an exact claim takes: down; up", async () => {
    const world = await loadFixture(scarce);
    const { pool, provider, tokens, batch } = world;
    await pool.fulfill(batch);
    const { toRedeem, burned, paid } = await pool.batchOf(batch);
    const [put, due] = [floor(ASKED * burned, toRedeem), floor(ASKED * paid, toRedeem)];
    expect([await pool.maxRedeem(provider), await pool.maxWithdraw(provider)]).to.deep.equal([put, due]);

    const part = put / 3n;
    const before = await tokens.usdc.balanceOf(provider);
    await pool.connect(provider).redeem(part, provider, provider);
    const got = floor(due * part, put);
    expect((await tokens.usdc.balanceOf(provider)) - before).to.equal(got);

    const wanted = due / 7n;
    await pool.connect(provider).withdraw(wanted, provider, provider);
    expect(await pool.maxRedeem(provider)).to.equal(put - part - ceil((put - part) * wanted, due - got));
  });

  it("target of the insurance fund: down", async () => {
    const { clearingHouse, insuranceFund, parameters } = await loadFixture(exposed);
    await clearingHouse.markPool();
    const { markValue } = await clearingHouse.ledger();

    expect(await insuranceFund.targetBalance()).to.equal(
      floor(markValue * BigInt(parameters.insurance.targetShare), PPM),
    );
  });
});

const SIZE = wad("500.000000000000000003");
const SMALL = wad("1.000000000000000007");

/** What a fulfilment settles at, in exact arithmetic but for the parts of the value. */
async function quoteOf({ clearingHouse, pool, parameters }: World) {
  const { equity: value, gross, redeemable } = await clearingHouse.poolValuation();
  const spread = ceil(gross * BigInt(parameters.pool.deviation), PPM);
  return { value, spread, gross, redeemable, supply: await pool.totalSupply() };
}

/** Ten million of the provider; alice is long 500 ETH, bob short of a BTC. */
async function exposed() {
  const world = await frozen();
  await world.trade(accountOf(world.alice), ETH, SIZE);
  await world.trade(accountOf(world.bob), BTC, -SMALL);
  await world.setPrice(ETH, wad("1801.00000003"));
  await world.setPrice(BTC, wad("29_001.00000007"));
  await nextInterval();
  return world;
}

/** Shares of the provider, which waits beside carol. */
const ASKED = wad("9_000_000.000000000000000001");

/** Nearly all shares are to be redeemed, of a pool that must keep its initial requirement. */
async function scarce() {
  const world = await exposed();
  const { pool, provider, carol } = world;
  await pool.connect(provider).transfer(carol, wad("990_000"));
  const batch = await requestRedeem(world, provider, ASKED);
  await requestRedeem(world, carol, wad("990_000"));
  await world.mature(batch);
  return { ...world, batch };
}
