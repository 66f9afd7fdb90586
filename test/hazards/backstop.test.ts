import { expect } from "chai";

import { frozen, tradeBasket } from "../clearing/scenarios.ts";
import { expectConserved, expectNear, formerTermsOf, load, now, sizeOf } from "../clearing/support.ts";
import { type Account, accountOf, deploy, time, type World } from "../fixture.ts";
import { BTC, ETH, HOUR, MINUTE, type Parameters, percent, wad, WAD } from "../parameters.ts";
import { expectRefused, healthy, marginOf, movePrice, poolWorthOf, type Refusal } from "./support.ts";

describe("hazards of those who stand behind", () => {
  afterEach(expectConserved);

  describe("hazard 29: the backstop inherits a bad market without end", () => {
    it("what a runaway market costs the pool ends at its budget, give or take a step of the price", async () => {
      const world = await load(small);
      const account = accountOf(world.alice);
      await world.trade(account, ETH, wad("49"));
      const before = await poolWorthOf(world);

      // Up by an eighth at a time, from 1800 to 5,200; in between anyone deleverages.
      let price = wad("1800");
      for (let step = 0; step < 9; step++) {
        price = (price * 9n) / 8n;
        await movePrice(world, ETH, price);
        await world.clearingHouse.markPool();
        while (await deleverage(world, ETH)) await world.clearingHouse.markPool();
      }
      // Without it 49 ETH would have cost 166,000, and the pool is 100,000.
      const lost = before - (await poolWorthOf(world));
      expect(lost).to.be.within(1n, wad("30_000"));
      expect(await poolWorthOf(world)).to.be.greaterThan(0n);
    });

    it("insurance pays for the deficits of one market no more than its cap within a day, and keeps the rest", async () => {
      const world = await load(capped);
      const { alice, bob, keeper, clearingHouse, insuranceFund } = world;
      await world.fund(alice, wad("200_000"));
      const accounts = [await world.fund(alice, wad("50_000"), 1n), await world.fund(alice, wad("50_000"), 2n)];
      for (const account of accounts) await world.trade(account, ETH, wad("380"));
      await insuranceFund.connect(bob).contribute(accountOf(bob), wad("90_000"));
      const { insurance } = await clearingHouse.balances();
      await movePrice(world, ETH, wad("1630"));
      for (const account of accounts) {
        const reductions = [{ asset: ETH, delta: -(await sizeOf(world, account, ETH)) }];
        await clearingHouse.connect(keeper).liquidate(account, reductions, [], accountOf(keeper));
        expect((await clearingHouse.accountOf(account)).cash).to.equal(0n);
      }

      const deficits = await clearingHouse.queryFilter(clearingHouse.filters.DeficitBooked());
      const total = deficits.reduce((sum, { args }) => sum + args.deficit, 0n);
      const paid = deficits.reduce((sum, { args }) => sum + args.fromInsurance, 0n);
      expect(total).to.be.greaterThan(wad("20_000"));
      expect(paid).to.be.within(wad("10_000"), wad("10_001"));
      expect((await clearingHouse.balances()).insurance).to.be.at.least(insurance - paid - wad("10"));
    });
  });

  describe("hazard 30: deleveraging closes the wrong side, or does not stop", () => {
    it("it takes at most a quarter of the crowded side at a time, nothing of the other, and stops at the target", async () => {
      const world = await load(crowded);
      const { clearingHouse } = world;
      const [long, short] = [accountOf(world.alice), accountOf(world.bob)];
      const target = wad("1000");
      const sizes = [await sizeOf(world, long, ETH)];
      while (await deleverage(world, ETH)) sizes.push(await sizeOf(world, long, ETH));

      expect(sizes).to.have.length.greaterThan(2);
      for (const [i, size] of sizes.slice(1).entries()) {
        const before = sizes[i] ?? 0n;
        expect(size).to.be.within((before * 3n) / 4n - 1n, before - 1n);
      }
      expect(await sizeOf(world, short, ETH)).to.equal(wad("-300"));
      const { longSize, shortSize } = await clearingHouse.marketOf(ETH);
      expectNear(longSize - shortSize, target, 10n ** 9n);
      expect(longSize - shortSize).to.be.at.most(target);
      await expectRefused(clearingHouse.flagDeleveraging(ETH), "a deleveraging beyond the target", [
        clearingHouse,
        "NotDue",
        ETH,
      ]);
    });

    it("whose hedge it has cut is not liquidated for it within the hour, and can restore the hedge", async () => {
      const world = await load(hedged);
      const { clearingHouse, bob, account, trade } = world;
      const liquidate = () =>
        clearingHouse.connect(bob).liquidate(account, [{ asset: BTC, delta: wad("1") }], [], accountOf(bob));
      expect(await marginOf(world, account)).to.be.greaterThan(0n);

      for (let step = 0; step < 2; step++) expect(await deleverage(world, ETH)).to.equal(true);
      const cutAt = await time.latest();
      expect(await marginOf(world, account), "what the cut has done").to.be.lessThan(0n);
      const { equity, maintenance } = await formerTermsOf(world, account, ETH);
      expect(equity).to.be.greaterThan(maintenance);
      const graced: Refusal = [clearingHouse, "InGrace", account, equity, maintenance];
      await expectRefused(liquidate(), "a liquidation of whose hedge was cut", graced);
      // Less of the other leg, and the account is as well as before.
      const { outcome } = await trade(account, BTC, wad("10"), { reduceOnly: true });
      expect(outcome).to.equal("Filled");

      await time.increaseTo(cutAt + HOUR);
      await world.refresh();
      if ((await marginOf(world, account)) <= 0n) await liquidate();
      else await expectRefused(liquidate(), "a liquidation of a restored account", await healthy(world, account));
    });
  });
});

/** A pool of 100,000. */
async function small() {
  const world = await deploy(withoutFunding);
  await world.poolDeposit(world.provider, wad("100_000"));
  await world.fund(world.alice, wad("100_000"));
  return world;
}

function withoutFunding({ assets }: Parameters): void {
  for (const asset of assets) [asset.maxFundingRate, asset.fundingVelocity] = [0, 0];
}

/** Insurance pays 10,000 a day for ETH. */
function capped() {
  return frozen(({ assets }) => {
    const market = assets[ETH];
    if (market) market.insuranceCap = wad("10_000");
  });
}

/** Long 2,000 against 300, for an hour over a cap that was lowered to 500 since; twice that is borne. */
async function crowded() {
  const world = await frozen();
  await world.fund(world.alice, wad("1_000_000"));
  await world.trade(accountOf(world.bob), ETH, wad("-300"));
  await world.trade(accountOf(world.alice), ETH, wad("2000"));
  return overCap(world, wad("500"));
}

async function overCap<T extends World>(world: T, cap: bigint): Promise<T> {
  const { clearingHouse } = world;
  await world.setSkewCap(ETH, cap);
  await clearingHouse.flagDeleveraging(ETH);
  await world.advance(HOUR - MINUTE);
  await world.refresh();
  await world.advance(MINUTE);
  return world;
}

/** Long ETH and as much BTC short, where a hedge counts for much; little above maintenance. */
async function hedged() {
  const world = await frozen((parameters) => {
    parameters.hedgeFloors[0] = percent(10);
    for (const asset of [ETH, BTC]) {
      const market = parameters.assets[asset];
      if (market) market.risk = { beta: percent(10), sigma: percent(0.1), gamma: percent(1.5), kappa: 0 };
    }
  });
  const account = accountOf(world.alice);
  await world.fund(world.alice, wad("50_000"));
  // The pool's own book is not hedged: it is what deleveraging has to help.
  await world.fund(world.bob, wad("200_000"));
  await world.trade(accountOf(world.bob), BTC, wad("49"));
  const legs = [
    { asset: ETH, delta: wad("790") },
    { asset: BTC, delta: wad("-49") },
  ];
  if (!(await tradeBasket(world, account, legs))) throw new Error("the basket was not filled");
  await overCap(world, wad("50"));
  await drainTo(world, account, wad("5_000"));
  return { ...world, account };
}

/** Moves ETH against the account until little is left above its maintenance requirement. */
async function drainTo(world: World, account: Account, margin: bigint): Promise<void> {
  const size = await sizeOf(world, account, ETH);
  const excess = (await marginOf(world, account)) - margin;
  const price = await world.priceOf(ETH);
  await movePrice(world, ETH, price - (excess * WAD) / size);
}

/** Flags a market and deleverages it at the next round. Whether that has closed anything. */
async function deleverage(world: World, asset: number): Promise<boolean> {
  const { clearingHouse } = world;
  try {
    await clearingHouse.flagDeleveraging.staticCall(asset);
  } catch {
    return false; // not due
  }
  await clearingHouse.flagDeleveraging(asset);
  const flagged = await now();
  await world.setPrice(asset);
  const hint = await world.hintFor(asset, flagged);
  await world.tick();
  const before = await clearingHouse.marketOf(asset);
  await clearingHouse.deleverage(asset, hint);
  const after = await clearingHouse.marketOf(asset);
  return after.longSize !== before.longSize || after.shortSize !== before.shortSize;
}
