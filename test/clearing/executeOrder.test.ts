import { expect } from "chai";

import { type Account, accountOf, time, type World } from "../fixture.ts";
import { BTC, ETH, HOUR, SOL, USDC, wad, WAD, WBTC, WETH_TOKEN } from "../parameters.ts";
import { crowded, insolvent, still, tradeBasket, wealthy } from "./scenarios.ts";
import {
  afterFills,
  betterTerms,
  expectConserved,
  type Leg,
  load,
  movePrice,
  now,
  sizeOf,
  stateOf,
  worseTerms,
} from "./support.ts";

const REASON = { sequencer: 1n, peg: 2n, stale: 16n + 4n, jump: 16n + 6n, halted: 16n + 7n };

describe("ClearingHouse.executeOrder", () => {
  afterEach(expectConserved);

  describe("initial margin", () => {
    it("is needed to the wei", async () => {
      const world = await load(still);
      const account = accountOf(world.alice);
      const state = await stateOf(world, account, await now(), [ETH]);
      const room = (delta: bigint) => {
        const terms = worseTerms(afterFills(state, [{ asset: ETH, delta, price: wad("1800") }]).state);
        return { equity: terms.weighted, initial: terms.initial };
      };
      let [low, high] = [wad("100"), wad("1000")];
      while (high - low > 1n) {
        const middle = (low + high) / 2n;
        const { equity, initial } = room(middle);
        if (equity >= initial) low = middle;
        else high = middle;
      }

      await expectAccepted(world, account, eth(low));
      const { equity, initial } = room(high);
      expect(equity).to.be.lessThan(initial);
      await expect(simulate(world, account, eth(high)))
        .to.be.revertedWithCustomError(world.clearingHouse, "InsufficientMargin")
        .withArgs(account, equity, initial, 0n);
    });

    it("is needed for what is opened on both sides of two assets, less what one hedges of the other", async () => {
      const world = await load(still);
      const account = accountOf(world.alice);
      const price = { eth: wad("1800"), btc: wad("29_000") };

      // 1.2 million each: 6.5 % and 5.7 % outright, a quarter of the group's where they hedge.
      const long = { asset: ETH, delta: wad("667"), price: price.eth };
      const short = { asset: BTC, delta: wad("-41"), price: price.btc };
      await expectAccepted(world, account, [long, short]);
      await expect(simulate(world, account, [long, { ...short, delta: wad("41") }])).to.be.revertedWithCustomError(
        world.clearingHouse,
        "InsufficientMargin",
      );
    });

    it("keeps a fill from going straight into liquidation", async () => {
      const world = await load(still);
      const { clearingHouse, submit, settle, execute, setPrice, alice } = world;
      const account = accountOf(alice);
      const { sequence } = await submit(account, ETH, wad("740"));
      const hints = await settle(account, sequence);
      await setPrice(ETH, wad("1728")); // 740 · 72 lost, and 4.2 % of 1,278,720 would be needed

      const { outcome, cause } = await execute(account, sequence, hints);
      expect([outcome, cause]).to.deep.equal(["Cancelled", "InsufficientMargin"]);
      expect(await sizeOf(world, account, ETH)).to.equal(0n);
      expect((await clearingHouse.accountOf(account)).positions).to.equal(0n);
    });

    it("allows to owe half of the collateral, and no more", async () => {
      const world = await load(still);
      const account = await world.fundCollateral(world.carol, WETH_TOKEN, wad("100"));
      await world.trade(account, BTC, wad("4"));
      await movePrice(world, ETH, wad("1000"));
      await movePrice(world, BTC, wad("17_000"));
      await world.clearingHouse.markPool();

      // Half of 100,000 may be owed: 48,000 at 17,000, 52,000 at 16,000.
      await expectAccepted(world, account, [{ asset: BTC, delta: wad("0.01"), price: wad("17_000") }]);
      await world.setPrice(BTC, wad("16_000"));
      const { weighted, initial, shortfall } = worseTerms(
        afterFills(await stateOf(world, account, await now()), [
          { asset: BTC, delta: wad("0.01"), price: wad("16_000") },
        ]).state,
      );
      expect(weighted).to.be.greaterThan(initial);
      await expect(simulate(world, account, [{ asset: BTC, delta: wad("0.01"), price: wad("16_000") }]))
        .to.be.revertedWithCustomError(world.clearingHouse, "InsufficientMargin")
        .withArgs(account, weighted, initial, shortfall);
    });
  });

  describe("caps", () => {
    it("bound the open interest of a side in units", async () => {
      const world = await load(wealthy);
      const { clearingHouse } = world;
      await clearingHouse.setLimits(ETH, wad("1500"), 900_000, wad("2000"), 600, 200, wad("250_000"));
      const [account, other] = [accountOf(world.alice), accountOf(world.bob)];
      await world.trade(other, ETH, wad("500"));

      await expectAccepted(world, account, eth(wad("1000")));
      await expect(simulate(world, account, eth(wad("1000") + 1n)))
        .to.be.revertedWithCustomError(clearingHouse, "OpenInterestExceeded")
        .withArgs(ETH, wad("1500") + 1n, wad("1500"));
      await expectAccepted(world, account, eth(wad("-1500")));
    });

    it("bound it by a share of the pool mark", async () => {
      const world = await load(wealthy);
      const { clearingHouse } = world;
      await clearingHouse.setLimits(ETH, wad("2500"), 10_000, wad("2000"), 600, 200, wad("250_000"));
      const account = accountOf(world.alice);
      await clearingHouse.markPool();
      const { markValue } = await clearingHouse.balances();
      const most = (markValue * 10_000n * WAD) / (wad("1800") * 1_000_000n);

      await expectAccepted(world, account, eth(-most));
      await expect(simulate(world, account, eth(-most - 1n)))
        .to.be.revertedWithCustomError(clearingHouse, "OpenInterestExceeded")
        .withArgs(ETH, most + 1n, most);
    });

    it("allow nothing where the pool is worth less than nothing", async () => {
      const world = await load(insolvent);
      await world.clearingHouse.markPool();

      await expect(simulate(world, accountOf(world.bob), [{ asset: ETH, delta: wad("1"), price: wad("4200") }]))
        .to.be.revertedWithCustomError(world.clearingHouse, "OpenInterestExceeded")
        .withArgs(ETH, wad("50"), 0n);
    });

    it("bound the skew", async () => {
      const world = await load(wealthy);
      const [account, other] = [accountOf(world.alice), accountOf(world.bob)];
      await world.trade(other, ETH, wad("-400"));

      await expectAccepted(world, account, eth(wad("2400")));
      await expect(simulate(world, account, eth(wad("2400") + 1n)))
        .to.be.revertedWithCustomError(world.clearingHouse, "SkewExceeded")
        .withArgs(ETH, wad("2000") + 1n, wad("2000"));
      await expect(simulate(world, account, eth(wad("-1600") - 1n)))
        .to.be.revertedWithCustomError(world.clearingHouse, "SkewExceeded")
        .withArgs(ETH, wad("2000") + 1n, wad("2000"));
    });

    it("do not hold back what narrows the skew or shrinks a position beyond them", async () => {
      const world = await load(wealthy);
      const [account, other] = [accountOf(world.alice), accountOf(world.bob)];
      await world.trade(account, ETH, wad("1500"));
      await world.clearingHouse.setLimits(ETH, wad("1000"), 900_000, wad("750"), 600, 200, wad("250_000"));

      await expectAccepted(world, account, eth(wad("-1")));
      await expectAccepted(world, other, eth(wad("-700")));
      await expect(simulate(world, account, eth(wad("1")))).to.be.revertedWithCustomError(
        world.clearingHouse,
        "OpenInterestExceeded",
      );
    });

    it("hold for the far side of a flip", async () => {
      const world = await load(wealthy);
      const account = accountOf(world.alice);
      await world.trade(account, ETH, wad("1000"));

      await expectAccepted(world, account, eth(wad("-3000")));
      await expect(simulate(world, account, eth(wad("-3000") - 1n)))
        .to.be.revertedWithCustomError(world.clearingHouse, "SkewExceeded")
        .withArgs(ETH, wad("2000") + 1n, wad("2000"));
    });

    it("wait for a pool mark that is not too old", async () => {
      const world = await load(still);
      const { clearingHouse, refresh } = world;
      const account = accountOf(world.alice);
      await clearingHouse.markPool();
      const { markTime } = await clearingHouse.balances();
      await time.increaseTo(markTime + BigInt(HOUR) - 10n);
      await refresh();
      await time.increaseTo(markTime + BigInt(HOUR));
      await expectAccepted(world, account, eth(wad("1")));
      await time.increaseTo(markTime + BigInt(HOUR) + 1n);

      await expect(simulate(world, account, eth(wad("1"))))
        .to.be.revertedWithCustomError(clearingHouse, "StalePoolMark")
        .withArgs(markTime, HOUR);
    });

    it("leave an order pending until the pool is marked", async () => {
      const world = await load(still);
      const { clearingHouse, orders, submit, settle, execute, keeper } = world;
      const account = accountOf(world.alice);
      await time.increase(HOUR);
      await world.refresh();
      const { sequence } = await submit(account, ETH, wad("1"));
      const hints = await settle(account, sequence);

      await expect(
        orders.connect(keeper).execute(account, sequence, hints, accountOf(keeper)),
      ).to.be.revertedWithCustomError(clearingHouse, "StalePoolMark");
      await clearingHouse.connect(world.stranger).markPool();
      expect((await execute(account, sequence, hints)).outcome).to.equal("Filled");
    });

    it("let reductions through with an old mark", async () => {
      const world = await load(still);
      const account = accountOf(world.alice);
      await world.trade(account, ETH, wad("10"));
      await time.increase(2 * HOUR);
      await world.refresh();

      await expectAccepted(world, account, eth(wad("-4")));
    });
  });

  describe("minimum notional", () => {
    it("is needed of what is opened", async () => {
      const world = await load(still);
      const account = accountOf(world.alice);
      const least = 11_111_111_111_111_112n; // 20 / 1800

      await expectAccepted(world, account, eth(least));
      await expect(simulate(world, account, eth(1n - least)))
        .to.be.revertedWithCustomError(world.clearingHouse, "PositionTooSmall")
        .withArgs(ETH, 19_999_999_999_999_999_800n, wad("20"));
    });

    it("is met by exactly as much", async () => {
      const world = await load(still);

      await expectAccepted(world, accountOf(world.alice), [{ asset: ETH, delta: wad("0.01"), price: wad("2000") }]);
    });

    it("is needed of what is left, unless that is nothing", async () => {
      const world = await load(still);
      const account = accountOf(world.alice);
      await world.trade(account, ETH, wad("1"));

      await expect(simulate(world, account, eth(wad("-0.99")))).to.be.revertedWithCustomError(
        world.clearingHouse,
        "PositionTooSmall",
      );
      await expectAccepted(world, account, eth(wad("-1")));
    });
  });

  describe("reduce-only market", () => {
    it("lets positions shrink", async () => {
      const world = await load(inReduceOnlyMarket);
      const { trade, account } = world;

      const { outcome } = await trade(account, ETH, wad("-4"), { reduceOnly: true });
      expect([outcome, await sizeOf(world, account, ETH)]).to.deep.equal(["Filled", wad("6")]);
      await expectAccepted(world, account, eth(wad("-6")));
    });

    it("refuses to open, to grow and to flip", async () => {
      const world = await load(inReduceOnlyMarket);

      for (const [account, delta] of [
        [accountOf(world.bob), "1"],
        [world.account, "1"],
        [world.account, "-10.1"],
      ] as const) {
        await expect(simulate(world, account, eth(wad(delta))))
          .to.be.revertedWithCustomError(world.clearingHouse, "MarketIsReduceOnly")
          .withArgs(ETH);
      }
    });

    it("takes no order that is not reduce-only", async () => {
      const world = await load(inReduceOnlyMarket);

      await expect(world.submit(world.account, ETH, wad("-1")))
        .to.be.revertedWithCustomError(world.clearingHouse, "MarketIsReduceOnly")
        .withArgs(ETH);
    });
  });

  describe("reduce-only order", () => {
    it("closes no more than the position", async () => {
      const world = await load(still);
      const account = accountOf(world.alice);
      await world.trade(account, ETH, wad("10"));

      await world.trade(account, ETH, wad("-11"), { reduceOnly: true });
      expect(await sizeOf(world, account, ETH)).to.equal(0n);
    });

    it("refuses where there is nothing to reduce", async () => {
      const world = await load(still);
      const account = accountOf(world.alice);
      await expect(simulate(world, account, eth(wad("-1")), true))
        .to.be.revertedWithCustomError(world.clearingHouse, "NothingToReduce")
        .withArgs(account, ETH, 0n, wad("-1"));
      await world.trade(account, ETH, wad("10"));

      await expect(simulate(world, account, eth(wad("1")), true))
        .to.be.revertedWithCustomError(world.clearingHouse, "NothingToReduce")
        .withArgs(account, ETH, wad("10"), wad("1"));
    });
  });

  describe("reduction below the initial requirement", () => {
    it("works when it lowers the risk", async () => {
      const world = await load(strained);
      const { clearingHouse, account } = world;
      const { equity, initial, maintenance } = betterTerms(await stateOf(world, account, await now()));
      expect(equity).to.be.within(maintenance + 1n, initial - 1n);
      await expect(simulate(world, account, eth(wad("1"), "1755"))).to.be.revertedWithCustomError(
        clearingHouse,
        "InsufficientMargin",
      );

      const { outcome } = await world.trade(account, ETH, wad("-100"), { reduceOnly: true });
      expect([outcome, await sizeOf(world, account, ETH)]).to.deep.equal(["Filled", wad("650")]);
    });

    it("works below maintenance", async () => {
      const world = await load(strained);
      await world.setPrice(ETH, wad("1700"));
      const { equity, maintenance } = betterTerms(await stateOf(world, world.account, await now()));
      expect(equity).to.be.within(1n, maintenance);

      await expectAccepted(world, world.account, eth(wad("-50"), "1700"));
    });

    it("works while the price is in doubt", async () => {
      const world = await load(strained);
      const { submit, settle, execute, setPrice, account } = world;
      const { sequence } = await submit(account, ETH, wad("-100"), { reduceOnly: true });
      const hints = await settle(account, sequence);
      await setPrice(ETH, wad("2300"));

      expect(await execute(account, sequence, hints)).to.include({ outcome: "Filled" });
    });

    it("is refused when it takes away a hedge", async () => {
      const world = await load(hedgedAndStrained);
      const { clearingHouse, account } = world;
      const state = await stateOf(world, account, await now());
      const leg = { asset: BTC, delta: wad("20"), price: await world.priceOf(BTC) };
      const after = afterFills(state, [leg]).state;
      expect(betterTerms(after).maintenance).to.be.greaterThan(betterTerms(state).maintenance);
      const { weighted, initial, shortfall } = worseTerms(after);

      await expect(simulate(world, account, [leg], true))
        .to.be.revertedWithCustomError(clearingHouse, "InsufficientMargin")
        .withArgs(account, weighted, initial, shortfall);
      await expectAccepted(world, account, [{ asset: ETH, delta: wad("-20"), price: await world.priceOf(ETH) }]);
    });

    it("may cost the close-out charge, and not a wei more", async () => {
      const world = await load(strained);
      const { clearingHouse, account } = world;
      const state = await stateOf(world, account, await now());
      const before = betterTerms(state);
      const charge = (wad("40") * 1755n * 3n) / 1000n;
      const lossAt = (price: bigint) => {
        const after = betterTerms(afterFills(state, [{ asset: ETH, delta: wad("-40"), price }]).state);
        return { loss: before.equity - after.equity, after };
      };
      let [bad, good] = [wad("1700"), wad("1755")];
      while (good - bad > 1n) {
        const middle = (bad + good) / 2n;
        if (lossAt(middle).loss <= charge) good = middle;
        else bad = middle;
      }

      await expectAccepted(world, account, [{ asset: ETH, delta: wad("-40"), price: good }]);
      const { loss, after } = lossAt(bad);
      expect(loss).to.be.within(charge + 1n, charge + 100n);
      await expect(simulate(world, account, [{ asset: ETH, delta: wad("-40"), price: bad }]))
        .to.be.revertedWithCustomError(clearingHouse, "ReductionRefused")
        .withArgs(before.equity, after.equity, before.maintenance, after.maintenance);
    });

    it("may not cost more than the requirement that it frees", async () => {
      const world = await load(hedgedToTheFloor);
      const { clearingHouse, account } = world;
      const state = await stateOf(world, account, await now());
      const price = await world.priceOf(BTC);
      // Frees what the floor of the group asks for at first, and then takes a hedge away.
      const leg = (worse: bigint) => ({ asset: BTC, delta: wad("1.25"), price: price + worse });
      const charge = (wad("1.25") * (price / WAD) * 3n) / 1000n;
      const before = betterTerms(state);
      const lossAt = (worse: bigint) => {
        const after = betterTerms(afterFills(state, [leg(worse)]).state);
        return { loss: before.equity - after.equity, relief: before.maintenance - after.maintenance, after };
      };
      let [good, bad] = [0n, wad("500")];
      while (bad - good > 1n) {
        const middle = (good + bad) / 2n;
        const { loss, relief } = lossAt(middle);
        if (loss <= relief) good = middle;
        else bad = middle;
      }

      await expectAccepted(world, account, [leg(good)]);
      const { loss, after } = lossAt(bad);
      expect(loss).to.be.within(1n, charge / 2n);
      await expect(simulate(world, account, [leg(bad)]))
        .to.be.revertedWithCustomError(clearingHouse, "ReductionRefused")
        .withArgs(before.equity, after.equity, before.maintenance, after.maintenance);
    });

    it("may not turn equity into debt, nor debt into more of it", async () => {
      const world = await load(strained);
      const { clearingHouse, account } = world;
      await world.setPrice(ETH, wad("1672"));
      const at = async () => betterTerms(await stateOf(world, account, await now())).equity;
      expect(await at()).to.be.within(1n, wad("2000"));
      const refused = (delta: string, price: string) =>
        expect(simulate(world, account, eth(wad(delta), price))).to.be.revertedWithCustomError(
          clearingHouse,
          "ReductionRefused",
        );

      // 3500 for the price and 234 for the fee, less 1872 of premium: the close-out charge of 3511 would allow it.
      await refused("-700", "1667");
      await expectAccepted(world, account, eth(wad("-700"), "1672"));
      await world.setPrice(ETH, wad("1660"));
      expect(await at()).to.be.lessThan(0n);
      await refused("-700", "1657");
      await expectAccepted(world, account, eth(wad("-700"), "1659"));
    });
  });

  describe("guards", () => {
    const guards: [string, bigint, (world: World) => Promise<unknown>, number?][] = [
      [
        "the sequencer is down",
        REASON.sequencer,
        async ({ setSequencer }) => {
          await setSequencer(false);
        },
      ],
      [
        "the sequencer is in its grace period",
        REASON.sequencer,
        async ({ setSequencer }) => {
          await setSequencer(false);
          await setSequencer(true);
        },
      ],
      [
        "the settlement token is off its peg",
        REASON.peg,
        async ({ setPrice, oracle }) => {
          await setPrice(USDC, wad("0.97"));
          await oracle.update(1n << BigInt(USDC));
        },
      ],
      [
        "the leg's price is stale",
        REASON.stale,
        async ({ advance, clearingHouse }) => {
          await advance(2 * HOUR);
          await clearingHouse.markPool();
        },
        ETH,
      ],
      ["the leg's price has jumped", REASON.jump, ({ setPrice }) => setPrice(ETH, wad("2300")), ETH],
      [
        "the leg's price is halted",
        REASON.halted,
        async ({ setPrice, oracle }) => {
          await setPrice(ETH, wad("2300"));
          await oracle.update(1n << BigInt(ETH));
        },
        ETH,
      ],
    ];
    for (const [when, reason, arrange, asset = 0] of guards) {
      it(`refuse what raises the requirement while ${when}, and let it fall`, async () => {
        const world = await load(withPosition);
        const { clearingHouse, account } = world;
        await arrange(world);

        for (const delta of ["1", "-21"]) {
          await expect(simulate(world, account, eth(wad(delta))))
            .to.be.revertedWithCustomError(clearingHouse, "IncreaseRefused")
            .withArgs(account, asset, reason);
        }
        await expectAccepted(world, account, eth(wad("-4")));
      });
    }

    it("fill a reduction in the grace period of the sequencer", async () => {
      const world = await load(withPosition);
      await world.setSequencer(false);
      await world.setSequencer(true);

      const { outcome } = await world.trade(world.account, ETH, wad("-10"), { reduceOnly: true });
      expect(outcome).to.equal("Filled");
    });

    it("fill a reduction at its own round while the latest price is refused", async () => {
      const world = await load(withPosition);
      const { submit, settle, execute, setPrice, account } = world;
      const { sequence } = await submit(account, ETH, wad("-10"), { reduceOnly: true });
      const hints = await settle(account, sequence);
      await setPrice(ETH, wad("2300"));

      expect((await execute(account, sequence, hints)).outcome).to.equal("Filled");
    });

    it("do not mind the doubtful price of an asset that is not traded", async () => {
      const world = await load(withPosition);
      const { account, setPrice } = world;
      await world.trade(account, BTC, wad("0.1"));
      await setPrice(BTC, wad("40_000"));

      await expectAccepted(world, account, eth(wad("1")));
    });
  });

  describe("legs", () => {
    it("may not name an asset twice", async () => {
      const world = await load(still);
      const account = accountOf(world.alice);

      await expect(simulate(world, account, [...eth(wad("2")), ...eth(wad("-1"))]))
        .to.be.revertedWithCustomError(world.clearingHouse, "DuplicateLeg")
        .withArgs(ETH);
    });

    it("may not be empty of size, nor of an asset that is no market", async () => {
      const world = await load(still);
      const account = accountOf(world.alice);

      await expect(simulate(world, account, eth(0n)))
        .to.be.revertedWithCustomError(world.clearingHouse, "ZeroSize")
        .withArgs(ETH);
      await expect(simulate(world, account, [{ asset: WBTC, delta: wad("1"), price: wad("29_000") }]))
        .to.be.revertedWithCustomError(world.clearingHouse, "UnknownMarket")
        .withArgs(WBTC);
    });

    it("fill all or none", async () => {
      const world = await load(still);
      const account = accountOf(world.alice);
      const legs = [
        { asset: ETH, delta: wad("10") },
        { asset: SOL, delta: wad("-100") },
      ];
      expect(await tradeBasket(world, account, legs)).to.equal(true);
      const sizes = async () => [await sizeOf(world, account, ETH), await sizeOf(world, account, SOL)];
      expect(await sizes()).to.deep.equal([wad("10"), wad("-100")]);

      const tooSmall = { asset: SOL, delta: wad("99.9") };
      expect(await tradeBasket(world, account, [{ asset: ETH, delta: wad("1") }, tooSmall])).to.equal(false);
      expect(await sizes()).to.deep.equal([wad("10"), wad("-100")]);
    });

    it("may not make more assets than an account may hold", async () => {
      const world = await load(crowded);
      const { clearingHouse, account } = world;

      await expect(simulate(world, account, eth(wad("1"))))
        .to.be.revertedWithCustomError(clearingHouse, "TooManyAssets")
        .withArgs(17n, 16n);
      await expectAccepted(world, account, [{ asset: BTC, delta: wad("0.1"), price: wad("29_000") }]);
    });
  });
});

function eth(delta: bigint, price = "1800"): Leg[] {
  return [{ asset: ETH, delta, price: wad(price) }];
}

/** Runs the code of the execution, at the time of the latest block; it ends with `Simulated` or its error. */
async function simulate(world: World, account: Account, legs: Leg[], reduceOnly = false): Promise<unknown> {
  return world.clearingHouse.simulate.staticCall(account, legs, reduceOnly);
}

async function expectAccepted(world: World, account: Account, legs: Leg[]): Promise<void> {
  await expect(simulate(world, account, legs)).to.be.revertedWithCustomError(world.clearingHouse, "Simulated");
}

async function withPosition() {
  const world = await still();
  const account = accountOf(world.alice);
  await world.trade(account, ETH, wad("10"));
  return { ...world, account };
}

async function inReduceOnlyMarket() {
  const world = await withPosition();
  await world.clearingHouse.restrictMarket(ETH);
  return world;
}

/** Alice, long 750 ETH of which the price has fallen to between her two requirements. */
async function strained() {
  const world = await still();
  const account = accountOf(world.alice);
  await world.trade(account, ETH, wad("700"));
  await world.trade(account, ETH, wad("50"));
  await world.setPrice(ETH, wad("1755"));
  return { ...world, account };
}

/** Alice, long more ETH than she is short of BTC, below her requirements. */
async function hedgedAndStrained() {
  return hedged("-40");
}

/** The same with a little more of the hedge than counts. */
async function hedgedToTheFloor() {
  return hedged("-41");
}

async function hedged(short: string) {
  const world = await still();
  const account = accountOf(world.alice);
  await world.trade(account, BTC, wad(short));
  await world.trade(account, ETH, wad("1000"));
  await world.setPrice(ETH, wad("1755"));
  return { ...world, account };
}
