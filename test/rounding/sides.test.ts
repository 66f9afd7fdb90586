import { expect } from "chai";

import { WAD } from "../../scripts/model/fixed.ts";
import { eventOf } from "../clearing/support.ts";
import { type Account, loadFixture, type World } from "../fixture.ts";
import { ETH, wad } from "../parameters.ts";
import { positionOf } from "../waterfall/support.ts";
import { cut, OTHER } from "./crowds.ts";
import { ceil, floor } from "./exact.ts";

const ONE = 2n ** 64n;
/** B is a price with so many more steps. */
const OFFSET = 2n ** 32n * WAD;

describe("rounding of sides and of positions through their index", () => {
  it("side of a market in pool equity, Φ: up", async () => {
    const world = await loadFixture(cut);
    const { clearingHouse, parameters } = world;
    const price = await world.priceOf(ETH);
    const { units, quote, scale, profitScale, offset } = await clearingHouse.sideOf(ETH, true);
    const long = ceil(units * scale * price, ONE * WAD) + ceil(units * offset, OFFSET) + ceil(quote * profitScale, ONE);
    const short = ceil(-OTHER * price, WAD) + (await clearingHouse.sideOf(ETH, false)).quote;
    const skew = floor(units * scale, ONE) - OTHER;
    const held = ceil(skew * skew * price, 2n * (parameters.assets[ETH]?.depth ?? 0n) * WAD);

    const { base } = await clearingHouse.ledger();
    expect((await clearingHouse.poolValuation()).equity).to.equal(base - long - short - held);
  });

  it("size of a position through its index, of a side: down", async () => {
    const world = await loadFixture(cut);
    const { clearingHouse, account } = world;
    const { units } = await clearingHouse.storedPositionOf(account, ETH);
    const side = await clearingHouse.sideOf(ETH, true);

    expect((await positionOf(world, account, ETH)).size).to.equal(floor(units * side.scale, ONE));
    expect(side.size).to.equal(floor(side.units * side.scale, ONE));
  });

  it("units written; what they are worth beyond the size; quote written: up (reads back as the size exactly); up; down", async () => {
    const world = await loadFixture(cut);
    const { clearingHouse, account } = world;
    const { sequence } = await world.submit(account, ETH, wad("-1.000000000000000007"), { reduceOnly: true });
    const hints = await world.settle(account, sequence, wad("2_399.13579246"));
    const before = await readOf(world, account);
    const { receipt } = await world.execute(account, sequence, hints);

    const fill = eventOf(clearingHouse, receipt, "Fill");
    const [realised, cost] = [fill.getValue("realised") as bigint, fill.getValue("quote") as bigint];
    const [size, quote] = [before.size - wad("1.000000000000000007"), before.quote - realised - cost];
    const { scale, profitScale, offset } = await clearingHouse.sideOf(ETH, true);
    const written = await clearingHouse.storedPositionOf(account, ETH);
    const price = await world.priceOf(ETH);
    const beyond = ceil((written.units * scale - size * ONE) * price, ONE * WAD);
    expect(written.units).to.equal(ceil(size * ONE, scale));
    expect((await positionOf(world, account, ETH)).size).to.equal(size);
    expect(written.quote).to.equal(floor((quote - beyond - floor(written.units * offset, OFFSET)) * ONE, profitScale));
  });

  it("value of a position through its index: down", async () => {
    const world = await loadFixture(cut);
    const { clearingHouse, account } = world;
    const stored = await clearingHouse.storedPositionOf(account, ETH);
    const { scale, profitScale, offset } = await clearingHouse.sideOf(ETH, true);
    const { size, quote } = await readOf(world, account);
    const price = await world.priceOf(ETH);

    expect(floor(size * price, WAD) + quote).to.equal(
      floor(stored.units * scale * price, ONE * WAD) +
        floor(stored.units * offset, OFFSET) +
        floor(stored.quote * profitScale, ONE),
    );
  });
});

/** Size and quote of the account's only position as its value is reckoned, the fraction beyond its size included. */
async function readOf({ clearingHouse }: World, account: Account): Promise<{ size: bigint; quote: bigint }> {
  const [, [exposure]] = await clearingHouse.snapshot(account);
  if (exposure === undefined) throw new Error("no position");
  return { size: exposure.size, quote: exposure.quote };
}
