import { join } from "node:path";

import { expect } from "chai";

import { loadParameters } from "../../scripts/deploy/parameters.ts";
import { expectConserved, load, sizeOf } from "../clearing/support.ts";
import { still, wealthy } from "../clearing/scenarios.ts";
import { accountOf, time } from "../fixture.ts";
import { ETH, MINUTE, percent, SETTLEMENT, SOL, wad } from "../parameters.ts";
import {
  executeByAny,
  expectRefused,
  feesOf,
  goesThrough,
  healthy,
  hintsOver,
  movePrice,
  notional,
  print,
  walletOf,
  worthOf,
} from "./support.ts";

const deployed = await loadParameters(join(import.meta.dirname, "../../deploy/parameters/arbitrum.ts"));

describe("hazards of known, wrong and moved prices", () => {
  afterEach(expectConserved);

  describe("hazard 1: an order is placed ahead of price updates that its sender already sees", () => {
    for (const [near, far, delta] of [
      ["1805", "1840", "100"],
      ["1795", "1760", "-100"],
    ] as const) {
      it(`a trader who knows the rounds of the next 30 s, ${near} and ${far}, earns nothing by them`, async () => {
        const world = await load(still);
        const { alice, orders } = world;
        const account = accountOf(alice);
        const before = await worthOf(world, account);

        const { sequence } = await world.submit(account, ETH, wad(delta));
        const at = await time.latest();
        await print(world, ETH, { price: wad(near), at: at + 10 });
        await print(world, ETH, { price: wad(far), at: at + 29 });
        await print(world, ETH, { price: wad(far), at: at + 31 });
        await executeByAny(world, account, { sequence, hints: await hintsOver(world, ETH, 4n) });
        expect(await orders.isPending(account, sequence)).to.equal(false);
        await world.trade(account, ETH, wad(delta) * -1n, { reduceOnly: true });

        const gain = (await worthOf(world, account)) - before;
        expect(gain).to.be.at.most(-(await feesOf(world, account)));
      });
    }
  });

  describe("hazard 2: a feed gives the price of something else", () => {
    it("a thousandfold price fills, liquidates and releases nothing, and the guardian and a right price end it", async () => {
      const world = await load(still);
      const { alice, bob, carol, clearingHouse, oracle, vault } = world;
      const [long, short] = [accountOf(alice), accountOf(bob)];
      await world.trade(long, SOL, wad("2000"));
      await world.trade(short, SOL, wad("-2000"));
      const liquidator = await world.fund(carol, wad("1000"));
      const before = await worthOf(world, long, short);
      const { sequence } = await world.submit(long, SOL, wad("-2000"), { reduceOnly: true });
      const { boundary } = await world.orders.orderOf(long, sequence);
      await time.increaseTo(boundary);

      await world.setPrice(SOL, wad("24000"));
      await executeByAny(world, long, { sequence, hints: await hintsOver(world, SOL, 2n) });
      expect(await sizeOf(world, long, SOL), "closed at the wrong price").to.equal(wad("2000"));
      await oracle.update(1n << BigInt(SOL));
      await expectRefused(
        clearingHouse.connect(carol).liquidate(short, [{ asset: SOL, delta: wad("2000") }], [], liquidator),
        "a liquidation at the wrong price",
        await healthy(world, short),
      );
      await expectRefused(
        vault.connect(alice).withdraw(long, SETTLEMENT, 99_000n * 10n ** 6n, alice),
        "a withdrawal on the strength of the wrong price",
        [clearingHouse, "InsufficientMargin"],
      );

      await oracle.vetoJump(SOL);
      for (let round = 0; round < 3; round++) {
        await world.advance(11 * MINUTE);
        await world.setPrice(SOL, wad("24000"));
        await oracle.update(1n << BigInt(SOL));
      }
      expect((await oracle.stateOf(SOL)).halted, "a vetoed price is accepted").to.equal(true);
      await world.setPrice(SOL, wad("24"));
      await oracle.update(1n << BigInt(SOL));
      expect((await oracle.stateOf(SOL)).halted).to.equal(false);
      expect(await worthOf(world, long, short)).to.be.at.most(before);
    });

    it("a wrong price that is repeated fills nothing either, though its predecessor is as wrong", async () => {
      const world = await load(still);
      const { alice, oracle, vault } = world;
      const account = accountOf(alice);
      await world.trade(account, SOL, wad("2000"));
      const before = (await worthOf(world, account)) + (await walletOf(world, alice));
      await world.setPrice(SOL, wad("24000"));
      await oracle.update(1n << BigInt(SOL));
      const { sequence } = await world.submit(account, SOL, wad("-2000"), { reduceOnly: true });
      await world.settle(account, sequence, wad("24000"));
      await goesThrough(executeByAny(world, account, { sequence, hints: await hintsOver(world, SOL, 3n) }));

      await goesThrough(vault.connect(alice).withdraw(account, SETTLEMENT, 10_000_000n * 10n ** 6n, alice));
      await world.setPrice(SOL, wad("24"));
      await oracle.update(1n << BigInt(SOL));
      expect((await worthOf(world, account)) + (await walletOf(world, alice))).to.be.at.most(before);
    });
  });

  describe("hazard 3: a thin outside market is moved against a position here", () => {
    for (const { symbol, listing } of deployed.assets.filter((asset) => asset.listing.market)) {
      it(`the cap of ${symbol} as deployed makes every move of a percent or more cost what it gains`, () => {
        const { openInterestCap, skewCap, depth } = listing;
        const most = openInterestCap < skewCap ? openInterestCap : skewCap;
        // most·x ≤ x²·D from x = most/D on.
        expect(most * 100n).to.be.at.most(depth);
      });
    }

    for (const move of [1, 2, 5]) {
      it(`the most that can be opened gains less by ${move} % than the move costs in a book of the listed depth`, async () => {
        const world = await load(wealthy);
        const { alice, parameters } = world;
        const account = accountOf(alice);
        const depth = parameters.assets[ETH]?.depth ?? 0n;
        const before = await worthOf(world, account);

        // As much as the market takes.
        for (const size of ["2000", "1000", "500", "250", "100", "10"]) {
          await world.trade(account, ETH, wad(size));
        }
        const { size } = await world.clearingHouse.positionOf(account, ETH);
        expect(size).to.be.at.least(wad("1500"));
        const moved = (wad("1800") * BigInt(100 + move)) / 100n;
        await movePrice(world, ETH, moved);
        await world.trade(account, ETH, -size, { reduceOnly: true });
        const gain = (await worthOf(world, account)) - before;

        // Bought up along the book, x·D at x/2 above, and sold down it again at x/2 below: x²·D·P.
        const x = BigInt(percent(move));
        const cost = (notional(depth, wad("1800")) * x * x) / 10n ** 12n;
        expect(gain).to.be.within(1n, cost);
      });
    }
  });
});
