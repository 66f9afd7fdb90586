import { expect } from "chai";

import { accountOf, funded, time } from "../fixture.ts";
import { BTC, ETH, HOUR, SOL, wad } from "../parameters.ts";
import { expectConserved, load, nextSecond, poolEquityOf } from "./support.ts";

describe("ClearingHouse.markPool", () => {
  afterEach(expectConserved);

  it("stores the pool's equity by the model, and its time", async () => {
    const world = await load(exposed);
    const { clearingHouse, stranger } = world;
    const at = await nextSecond();
    const { equity } = await poolEquityOf(world, at);

    await expect(clearingHouse.connect(stranger).markPool()).to.emit(clearingHouse, "PoolMarked").withArgs(equity);
    const { markValue, markTime } = await clearingHouse.balances();
    expect([markValue, markTime]).to.deep.equal([equity, at]);
  });

  it("is what was paid in while nobody has a position", async () => {
    const { clearingHouse } = await load(funded);

    expect(await clearingHouse.markPool.staticCall()).to.equal(wad("10_000_000"));
  });

  it("does not count the premium that it owes back", async () => {
    const { clearingHouse, trade, alice } = await load(funded);
    const { base } = await clearingHouse.balances();
    await trade(accountOf(alice), ETH, wad("700"));

    // 700² · 1800 / 500,000 of premium taken, and 70 % of a fee of 756 earned
    expect((await clearingHouse.balances()).base - base).to.equal(wad("529.2"));
    expect(await clearingHouse.markPool.staticCall()).to.be.within(wad("10_000_529.1"), wad("10_000_529.3"));
  });

  it("values at the last accepted prices while feeds are stale", async () => {
    const world = await load(exposed);
    await time.increase(2 * HOUR);
    const at = await nextSecond();
    const { equity } = await poolEquityOf(world, at);

    await world.clearingHouse.markPool();
    expect((await world.clearingHouse.balances()).markValue).to.equal(equity);
  });
});

/** Three markets with open interest, two of which have moved. */
async function exposed() {
  const world = await funded();
  const { trade, setPrice, advance, alice, bob } = world;
  const [a, b] = [accountOf(alice), accountOf(bob)];
  await trade(a, ETH, wad("300.123"));
  await trade(b, ETH, wad("-100.456"));
  await trade(b, BTC, wad("-12"));
  await advance(HOUR / 2);
  await setPrice(ETH, wad("1844.12345678"));
  await setPrice(BTC, wad("29_321.87654321"));
  await trade(a, SOL, wad("1000"));
  await trade(a, ETH, wad("-10"));
  return world;
}
