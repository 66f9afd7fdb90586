import { expect } from "chai";

import { still } from "../clearing/scenarios.ts";
import { cashOf, expectConserved, load, sizeOf } from "../clearing/support.ts";
import { type Account, accountOf, ethers, networkHelpers, receiptOf, time, type World } from "../fixture.ts";
import { ETH, HOUR, SETTLEMENT, SOL, wad } from "../parameters.ts";
import {
  executeByAny,
  expectRefused,
  feesOf,
  healthy,
  type Hint,
  hintsOver,
  largest,
  marginOf,
  newAggregator,
  print,
  type Refusal,
  worthOf,
} from "./support.ts";

describe("hazards of the round that an action is priced at", () => {
  afterEach(expectConserved);

  describe("hazard 6: one transaction, or one price, is used twice", () => {
    it("a new round in the middle of a transaction is not seen by the rest of it", async () => {
      const world = await load(still);
      const { clearingHouse, oracle, alice } = world;
      expect((await world.trade(accountOf(alice), ETH, wad("500"))).outcome).to.equal("Filled");
      const { aggregator } = world.feedOf(ETH);
      const sequence = await ethers.deployContract("CallSequence");
      await aggregator.transferOwnership(sequence);
      const at = await world.tick();
      const mark = { target: clearingHouse, gasLimit: 0, data: clearingHouse.interface.encodeFunctionData("markPool") };
      const data = aggregator.interface.encodeFunctionData("transmit", [1900n * 10n ** 8n, at, at]);

      const receipt = await receiptOf(sequence.run([mark, { target: aggregator, gasLimit: 0, data }, mark]));
      const values = receipt.logs.flatMap((log) => {
        const event = clearingHouse.interface.parseLog(log);
        return event?.name === "PoolMarked" ? [event.args.getValue("value") as bigint] : [];
      });
      expect(values).to.have.length(2);
      expect(values[0]).to.equal(values[1]);
      await oracle.update(1n << BigInt(ETH));
      expect((await oracle.stateOf(ETH)).price).to.equal(wad("1900"));
    });

    it("an account opened at a price cannot be liquidated by its owner at the same price", async () => {
      const world = await load(still);
      const { alice, clearingHouse } = world;
      const [account, other] = [accountOf(alice), await world.fund(alice, wad("1000"), 1n)];
      const before = await worthOf(world, account, other);
      await openMost(world, account, ETH);

      expect(await marginOf(world, account)).to.be.greaterThan(0n);
      await expectRefused(
        clearingHouse.connect(alice).liquidate(account, [{ asset: ETH, delta: wad("-10") }], [], other),
        "a liquidation at the opening price",
        await healthy(world, account),
      );
      expect(await worthOf(world, account, other)).to.be.lessThan(before);
    });
  });

  describe("hazard 7: an older price is taken after a newer one", () => {
    it("a new aggregator whose latest round is the older one neither liquidates nor values anything", async () => {
      const world = await load(still);
      const { alice, bob, clearingHouse, oracle } = world;
      const account = accountOf(alice);
      await world.trade(account, ETH, wad("700"));
      await world.setPrice(ETH, wad("1800"));
      await oracle.update(1n << BigInt(ETH));
      const [, , updatedAt] = await oracle.stateOf(ETH);
      const worth = await worthOf(world, account);

      const next = await newAggregator(world, ETH);
      await next.write(wad("1700"), Number(updatedAt) - 20);
      await next.confirm();

      await expectRefused(
        clearingHouse.connect(bob).liquidate(account, [{ asset: ETH, delta: wad("-100") }], [], accountOf(bob)),
        "a liquidation at an older price",
        await healthy(world, account),
      );
      await clearingHouse.markPool();
      const [price, , time_] = await oracle.stateOf(ETH);
      expect([price, time_]).to.deep.equal([wad("1800"), updatedAt]);
      expect(await worthOf(world, account)).to.equal(worth);
    });
  });

  describe("hazard 8: whoever executes picks the round he likes", () => {
    for (let history = 1; history <= 6; history++) {
      it(`of all hints over a random history at most one settles (history ${history})`, async () => {
        const world = await load(still);
        const account = accountOf(world.alice);
        const { sequence } = await world.submit(account, ETH, wad("1"));
        await writeHistory(world, { from: await time.latest(), draw: generator(history) });
        await time.increase(1);

        const prices = new Set<string>();
        for (const hint of await hintsOver(world, ETH, 12n)) {
          const price = await priceBy(world, account, { sequence, hint });
          if (price !== undefined) prices.add(`${hint.round} ${hint.before} ${price}`);
        }
        expect([...prices]).to.have.length(1);
      });
    }
  });

  describe("hazard 9: an order is dropped by its owner once its price is there", () => {
    it("nothing that the owner can do takes the order away, and starving it costs what filling it costs", async () => {
      const world = await load(still);
      const { alice, clearingHouse, insuranceFund, orders, vault } = world;
      const account = accountOf(alice);
      const own = await world.fund(alice, wad("100"), 1n);
      const before = await worthOf(world, account, own);
      await world.trade(account, SOL, wad("1000"));
      const most = await largest(wad("900"), wad("0.01"), (delta) => opens(world, account, { asset: ETH, delta }));
      const { sequence } = await world.submit(account, ETH, most);
      const submittedAt = BigInt(await time.latest());
      const { charge } = await orders.orderOf(account, sequence);
      const hints = await world.settle(account, sequence, wad("1800"));

      // The price that the order will have is there, and it has turned out bad.
      await world.setPrice(ETH, wad("1790"));
      const { cash } = await clearingHouse.accountOf(account);
      const pending: Refusal = [clearingHouse, "OrderPending", account, 1n];
      const rules = await ethers.getContractAt("ChainlinkPush", ethers.ZeroAddress);
      const early = (earliest: bigint) => earliest > submittedAt;
      const refused: [string, () => Promise<unknown>, Refusal][] = [
        ["a withdrawal", () => vault.connect(alice).withdraw(account, SETTLEMENT, 1, alice), pending],
        ["a transfer", () => clearingHouse.connect(alice).transfer(account, own, SETTLEMENT, cash / 2n), pending],
        ["a gift to insurance", () => insuranceFund.connect(alice).contribute(account, cash / 2n), pending],
        ["another order that raises risk", () => world.submit(account, ETH, wad("1")), pending],
        [
          "an early end",
          () => orders.connect(alice).abandon(account, sequence, account),
          [orders, "NotAbandoned", early, () => true],
        ],
        [
          "a void trigger",
          () => orders.connect(alice).cancelTrigger(account, sequence),
          [orders, "UnknownTrigger", account, sequence],
        ],
        [
          "a liquidation of his own",
          () => clearingHouse.connect(alice).liquidate(account, [], [], own),
          await healthy(world, account),
        ],
        [
          "a wrong hint",
          () => orders.connect(alice).execute(account, sequence, [{ round: 0n, before: 0n }], account),
          [rules, "WindowOpen", ETH, (end: bigint) => end > submittedAt + BigInt(HOUR), () => true],
        ],
      ];
      for (const [what, action, why] of refused) await expectRefused(action(), what, why);

      // What he can do is to spend the cash that backs it on another order's escrow.
      await world.submit(account, SOL, wad("-1000"), { reduceOnly: true });
      const { outcome, cause } = await world.execute(account, sequence, hints);
      expect([outcome, cause]).to.deep.equal(["Cancelled", "InsufficientMargin"]);
      const fee = (most * wad("1800") * 600n) / (1_000_000n * 10n ** 18n);
      expect(charge).to.be.at.least(fee);
      await world.execute(account, sequence + 1n, await world.settle(account, sequence + 1n));
      const gain = (await worthOf(world, account, own)) - before;
      expect(gain + (await feesOf(world, account))).to.be.at.most(-charge);
      expect(await cashOf(world, own)).to.equal(wad("100"));
    });
  });

  describe("hazard 10: the aggregator is exchanged while an order waits", () => {
    it("an order that has its round before the switch is filled at that round, whatever comes after", async () => {
      const world = await load(still);
      const account = accountOf(world.alice);
      const { sequence } = await world.submit(account, ETH, wad("10"));
      await world.settle(account, sequence, wad("1810"));
      const at = await time.latest();
      const next = await newAggregator(world, ETH);
      // The clock of the new one is behind: by it, its rounds lie before and after the order's boundary.
      for (const [price, second] of [
        ["1700", at - 20],
        ["1705", at - 1],
        ["1710", at],
      ] as const) {
        await next.write(wad(price), second);
      }
      await next.confirm();

      expect(await fillPrices(world, account, sequence)).to.deep.equal([wad("1810")]);
      const receipt = await executeByAny(world, account, { sequence, hints: await hintsOverPhases(world, ETH) });
      expect(receipt.logs.map((log) => world.orders.interface.parseLog(log)?.name)).to.include("OrderFilled");
      expect(await sizeOf(world, account, ETH)).to.equal(wad("10"));
    });

    for (const dead of [false, true]) {
      it(`an order without a round before the switch is refunded${dead ? ", though the old feed is dead" : ""}`, async () => {
        const world = await load(still);
        const account = accountOf(world.alice);
        const before = await worthOf(world, account);
        const { sequence } = await world.submit(account, ETH, wad("10"));
        const { pay } = await world.orders.orderOf(account, sequence);
        const at = await time.latest();
        const next = await newAggregator(world, ETH);
        await next.write(wad("1700"), at - 5);
        await next.write(wad("1750"), at + 40);
        if (dead)
          await ethers.provider.send("hardhat_setCode", [await world.feedOf(ETH).aggregator.getAddress(), "0x"]);
        await next.confirm();

        await time.increaseTo(at + 60);
        expect(await fillPrices(world, account, sequence), "within the window").to.deep.equal([]);
        await time.increaseTo(at + 2 * HOUR);
        const accepted = await fillPrices(world, account, sequence);
        expect(accepted.filter((price) => price !== 0n)).to.deep.equal([]);
        await executeByAny(world, account, { sequence, hints: await hintsOverPhases(world, ETH) });
        expect(await sizeOf(world, account, ETH)).to.equal(0n);
        expect(await worthOf(world, account)).to.be.within(before - pay, before);
      });
    }
  });
});

/** Opens as much as margin allows, to a hundredth. */
async function openMost(world: World, account: Account, asset: number): Promise<void> {
  const most = await largest(wad("1500"), wad("0.01"), (delta) => opens(world, account, { asset, delta }));
  await world.trade(account, asset, most);
}

/** Whether an order would be filled, with all that it costs; nothing is left of it. */
async function opens(world: World, account: Account, leg: { asset: number; delta: bigint }): Promise<boolean> {
  const snapshot = await networkHelpers.takeSnapshot();
  try {
    return (await world.trade(account, leg.asset, leg.delta)).outcome === "Filled";
  } catch {
    return false; // refused at submission
  } finally {
    await snapshot.restore();
  }
}

/** What an execution by `hint` would fill at: undefined if it is refused, 0 if the order would be refunded. */
async function priceBy(
  { orders, clearingHouse }: World,
  account: Account,
  { sequence, hint }: { sequence: bigint; hint: Hint },
): Promise<bigint | undefined> {
  const snapshot = await networkHelpers.takeSnapshot();
  try {
    const receipt = await receiptOf(orders.execute(account, sequence, [hint], account));
    for (const log of receipt.logs) {
      const event = clearingHouse.interface.parseLog(log);
      if (event?.name === "Fill") return event.args.getValue("price") as bigint;
    }
    return 0n;
  } catch {
    return undefined;
  } finally {
    await snapshot.restore();
  }
}

/** What the hints of the feed's two phases would fill an order at. */
async function fillPrices(world: World, account: Account, sequence: bigint): Promise<bigint[]> {
  const prices = [];
  for (const hint of await hintsOverPhases(world, ETH)) {
    const price = await priceBy(world, account, { sequence, hint });
    if (price !== undefined) prices.push(price);
  }
  return [...new Set(prices)];
}

/** Hints over the first rounds of phases 1 and 2, mixed ones among them. */
async function hintsOverPhases(world: World, asset: number): Promise<Hint[]> {
  const [latest] = await world.feedOf(asset).proxy.latestRoundData();
  const ids = [1n, 2n].flatMap((phase) => [1n, 2n, 3n].map((round) => (phase << 64n) + round));
  expect(latest >> 64n).to.be.at.most(2n);
  return [...ids, 0n].flatMap((round) => [0n, ...ids].map((before) => ({ round, before })));
}

/** Numbers below `bound`, the same for every run. */
function generator(seed: number): (bound: number) => number {
  let state = seed * 2_654_435_761;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % bound;
  };
}

/** Ten rounds around the boundary, some at equal times, some observed long before they are written. */
async function writeHistory(
  world: World,
  { from, draw }: { from: number; draw: (bound: number) => number },
): Promise<void> {
  let at = from;
  for (let round = 0; round < 10; round++) {
    at += draw(3) === 0 ? 0 : 1 + draw(12);
    const observedAt = at - (draw(3) === 0 ? draw(30) : 0);
    await print(world, ETH, { price: wad(String(1790 + round)), at, observedAt });
  }
  await print(world, ETH, { price: wad("1820"), at: from + 150 });
}
