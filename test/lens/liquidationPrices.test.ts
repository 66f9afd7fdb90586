import { expect } from "chai";

import { liquidationPrices, marginAt } from "../../scripts/model/liquidationPrice.ts";
import { accountOf } from "../fixture.ts";
import { expectConserved, load, now, stateOf } from "../clearing/support.ts";
import { BTC, ETH, SOL, wad, WETH_TOKEN } from "../parameters.ts";
import { diverse, untouched } from "./support.ts";

const NONE_BELOW = 0n;
const NONE_ABOVE = 2n ** 96n - 1n;
/** WAD of the last digit of a feed. */
const DIGIT = 10n ** 10n;

describe("Lens.liquidationPrices", () => {
  afterEach(expectConserved);

  for (const [side, delta] of [
    ["long", "700"],
    ["short", "-700"],
  ] as const) {
    it(`has a ${side} position healthy one digit inside, and liquidatable on the bound`, async () => {
      const world = await load(untouched);
      const { lens, trade, setPrice, clearingHouse, alice, bob } = world;
      const account = accountOf(alice);
      await trade(account, ETH, wad(delta));
      const [below, above] = await lens.liquidationPrices(account, ETH);
      const bound = side === "long" ? below : above;
      expect(side === "long" ? above : below).to.equal(side === "long" ? NONE_ABOVE : NONE_BELOW);
      const liquidate = () =>
        clearingHouse
          .connect(bob)
          .liquidate.staticCall(account, [{ asset: ETH, delta: wad(delta) / -10n }], [], accountOf(bob));

      const [down, up] = [(bound / DIGIT) * DIGIT, (bound / DIGIT + 1n) * DIGIT];
      await setPrice(ETH, side === "long" ? up : down);
      expect((await lens.account(account)).standing.liquidatable).to.equal(false);
      await expect(liquidate()).to.be.revertedWithCustomError(clearingHouse, "Healthy");
      await setPrice(ETH, side === "long" ? down : up);
      expect((await lens.account(account)).standing.liquidatable).to.equal(true);
      await liquidate();
    });
  }

  it("is exact to the wei for every position of a book", async () => {
    const world = await load(diverse);
    const { lens, account } = world;
    const options = await stateOf(world, account, await now());

    for (const asset of [ETH, BTC, SOL]) {
      const [below, above] = await lens.liquidationPrices(account, asset);
      const bounds = liquidationPrices(options, asset);
      expect([below, above]).to.deep.equal([bounds?.below ?? NONE_BELOW, bounds?.above ?? NONE_ABOVE]);
      if (below !== NONE_BELOW) expectBound(options, { asset, bound: below, inside: 1n });
      if (above !== NONE_ABOVE) expectBound(options, { asset, bound: above, inside: -1n });
    }
  });

  it("lies below for the long and above for the short leg of a hedged book", async () => {
    const world = await load(untouched);
    const { lens, alice } = world;
    const account = accountOf(alice);
    await world.trade(account, BTC, wad("-45"));
    await world.trade(account, ETH, wad("700"));
    const options = await stateOf(world, account, await now());

    const [below, above] = await lens.liquidationPrices(account, ETH);
    expect(below).to.be.within(wad("1600"), wad("1800"));
    expect(above).to.equal(NONE_ABOVE);
    expectBound(options, { asset: ETH, bound: below, inside: 1n });
    const [under, over] = await lens.liquidationPrices(account, BTC);
    expect(under).to.equal(NONE_BELOW);
    expect(over).to.be.within(wad("29_000"), wad("32_000"));
    expectBound(options, { asset: BTC, bound: over, inside: -1n });
  });

  it("lies above for collateral that is wholly sold short", async () => {
    const world = await load(untouched);
    const { lens, fundCollateral, fund, carol } = world;
    const account = await fundCollateral(carol, WETH_TOKEN, wad("100"));
    await fund(carol, wad("100"));
    await world.trade(account, ETH, wad("-100"));
    const options = await stateOf(world, account, await now());

    // Nothing is at risk but the cost of closing both: 0.6 % of what is worth 180,000 now.
    const [below, above] = await lens.liquidationPrices(account, ETH);
    expect(below).to.equal(NONE_BELOW);
    expect(above).to.be.within(wad("200_000"), wad("400_000"));
    expectBound(options, { asset: ETH, bound: above, inside: -1n });
  });

  it("is the current price for an account that is liquidatable now", async () => {
    const { lens, trade, setPrice, alice } = await load(untouched);
    const account = accountOf(alice);
    await trade(account, ETH, wad("750"));
    await setPrice(ETH, wad("1728"));

    expect(await lens.liquidationPrices(account, ETH)).to.deep.equal([wad("1728"), wad("1728")]);
  });

  it("is none for what the account does not hold", async () => {
    const { lens, trade, alice } = await load(untouched);
    await trade(accountOf(alice), ETH, wad("1"));

    expect(await lens.liquidationPrices(accountOf(alice), BTC)).to.deep.equal([NONE_BELOW, NONE_ABOVE]);
  });
});

function expectBound(
  options: Awaited<ReturnType<typeof stateOf>>,
  { asset, bound, inside }: { asset: number; bound: bigint; inside: bigint },
): void {
  expect(marginAt(options, { asset, price: bound })).to.be.at.most(0n);
  expect(marginAt(options, { asset, price: bound + inside })).to.be.greaterThan(0n);
}
