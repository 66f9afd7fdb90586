import { expect } from "chai";
import fc from "fast-check";

import { max, min, WAD } from "../../scripts/model/fixed.ts";
import { decodeFunding } from "../../scripts/model/funding.ts";
import { type Basket, BasketRefused, type LiquidationOutcome } from "../../scripts/model/liquidation.ts";
import { liquidationPrices, marginOf } from "../../scripts/model/liquidationPrice.ts";
import { findLiquidation } from "../../scripts/model/liquidationSearch.ts";
import { encodePrice, livePrice, type Price } from "../../scripts/model/price.ts";
import { assess, decodeExposure, initialUp, maintenanceUp, type Terms } from "../../scripts/model/risk.ts";
import { SEED } from "./arbitraries.ts";
import { found, type Leg } from "./books.ts";
import { show } from "./harness.ts";
import { deploy, LIQUIDATOR, networkHelpers, PROVIDER, SETTLEMENT, timeOf, TRADERS, type World } from "./world.ts";

/** Of each history. */
const STEPS = 300;

/** What an order may be refused for without the history being at fault. */
const ORDER_REFUSALS = new Set([
  "InsufficientMargin",
  "IncreaseRefused",
  "OpenInterestExceeded",
  "PositionTooSmall",
  "ReductionRefused",
  "SkewExceeded",
]);

type Step =
  | { kind: "prices"; moves: readonly number[]; doubt: number }
  | { kind: "wait"; seconds: number }
  | { kind: "credit"; account: number; token: number; value: number }
  | { kind: "trade"; account: number; legs: readonly { asset: number; value: number }[]; slip: number; share: number }
  | { kind: "liquidate"; account: number; share: number; due: boolean }
  | { kind: "mark" };

const trader = fc.nat({ max: TRADERS - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("prices" as const),
      moves: fc.array(fc.integer({ min: -1_200, max: 1_200 }), { minLength: 4, maxLength: 4 }),
      doubt: fc.nat({ max: 15 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 40_000 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("credit" as const),
      account: trader,
      token: fc.constantFrom(0, 1, SETTLEMENT),
      value: fc.integer({ min: 1, max: 4_000 }),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant("trade" as const),
      account: trader,
      legs: fc.uniqueArray(
        fc.record({
          asset: fc.nat({ max: 2 }),
          value: fc.integer({ min: -80_000, max: 80_000 }).filter((v) => v !== 0),
        }),
        { minLength: 1, maxLength: 2, selector: ({ asset }) => asset },
      ),
      slip: fc.integer({ min: -300, max: 300 }),
      /** Above 0: that share of the position is reduced instead, 1e-2. */
      share: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 120 })),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("liquidate" as const),
      account: trader,
      share: fc.integer({ min: 1, max: 100 }),
      /** Whether it is to be an account that may be liquidated. */
      due: fc.nat({ max: 3 }).map((one) => one !== 0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("mark" as const) }) },
);

describe("model against the clearing house", () => {
  const tally = { trades: 0, flips: 0, liquidations: 0, deficits: 0, refusals: 0 };

  for (const run of [0, 1, 2, 3, 4]) {
    it(`keeps the same books to the wei over a random history (${run})`, async () => {
      const world = await deploy();
      await open(world);
      for (const next of found(
        fc.sample(fc.array(step, { minLength: STEPS, maxLength: STEPS, size: "max" }), {
          seed: SEED + run,
          numRuns: 1,
        })[0],
      )) {
        await take(world, next);
      }
      await compareBooks(world);
    });
  }

  it("met fills, flips, liquidations, refusals and bad debt on the way", () => {
    for (const [what, count] of Object.entries(tally)) expect(count, what).to.be.greaterThan(0);
  });

  async function open(world: World): Promise<void> {
    await setPrices(world);
    for (const [account, amount] of [
      [PROVIDER, 20_000_000n],
      [LIQUIDATOR, 50_000_000n],
      ...Array.from({ length: TRADERS }, (_, index) => [index, 8_000n] as const),
    ] as const) {
      await credit(world, { account, token: SETTLEMENT, amount: amount * WAD });
    }
    const { house, driver, books, ids } = world;
    await driver.fundPool(found(ids[PROVIDER]), 19_000_000n * WAD);
    books.fundPool(books.account(PROVIDER), 19_000_000n * WAD);
    await house.fundInsurance(found(ids[PROVIDER]), 20_000n * WAD);
    books.fundInsurance(books.account(PROVIDER), 20_000n * WAD);
    await compareBooks(world);
  }

  async function take(world: World, next: Step): Promise<void> {
    const { books, house } = world;
    switch (next.kind) {
      case "wait":
        await networkHelpers.time.increase(next.seconds);
        return;
      case "prices": {
        books.prices.forEach((price, asset) => {
          books.prices[asset] = moved(
            price,
            found(next.moves[asset]),
            (next.doubt & (1 << asset)) !== 0 && next.doubt < 6,
          );
        });
        await setPrices(world);
        return;
      }
      case "credit": {
        const { account, token, value } = next;
        const asset = books.tokens[token]?.asset;
        const price = asset === undefined ? WAD : found(books.prices[asset]).last;
        await credit(world, { account, token, amount: (BigInt(value) * WAD * WAD) / price });
        return;
      }
      case "trade":
        await trade(world, next);
        return;
      case "liquidate":
        await liquidate(world, next);
        return;
      case "mark": {
        const receipt = await (await house.markPool()).wait();
        const { equity } = books.poolValue(await timeOf(found(receipt ?? undefined).blockNumber));
        expect((await house.balances())[4]).to.equal(equity);
      }
    }
  }

  async function credit(
    { driver, books, ids }: World,
    { account, token, amount }: { account: number; token: number; amount: bigint },
  ): Promise<void> {
    await driver.credit(found(ids[account]), token, amount);
    if (token === SETTLEMENT) books.deposit(books.account(account), amount);
    else books.addCollateral(books.account(account), token, amount);
  }

  async function setPrices({ driver, books }: World): Promise<void> {
    const conditions = 7n | (WAD << 40n);
    await driver.setPrices(
      conditions,
      books.prices.map((_, asset) => asset),
      books.prices.map(encodePrice),
    );
  }

  async function trade(world: World, next: Extract<Step, { kind: "trade" }>): Promise<void> {
    const { driver, books, ids } = world;
    const account = books.account(next.account);
    const legs: Leg[] = next.legs.map(({ asset, value }) => {
      const { last } = found(books.prices[asset]);
      const { size } = account.positionOf(asset);
      const part = (-size * BigInt(next.share)) / 100n;
      return {
        asset,
        delta: part === 0n ? (BigInt(value) * WAD * WAD) / last : part,
        price: last + (last * BigInt(next.slip)) / 1_000_000n,
      };
    });
    const reduceOnly = next.share > 100 && legs.every(({ asset }) => account.positionOf(asset).size !== 0n);
    const id = found(ids[next.account]);
    const sent = await driver.trade(id, legs, reduceOnly).catch((error: unknown) => {
      const refusal = customErrorOf(world.house, error)?.name ?? "";
      if (!ORDER_REFUSALS.has(refusal)) throw error;
    });
    if (sent === undefined) return;
    const receipt = found((await sent.wait()) ?? undefined);
    for (const { asset, delta } of legs) {
      const { size } = account.positionOf(asset);
      if (size !== 0n && !reduceOnly && size < 0n !== size + delta < 0n && size + delta !== 0n) ++tally.flips;
    }
    books.trade(account, legs, { reduceOnly, now: await timeOf(receipt.blockNumber) });
    ++tally.trades;
    await compareAccount(world, next.account);
    await compareBooks(world);
  }

  /** Either the basket that the search finds, or an arbitrary one, which the model must judge as the contract does. */
  async function liquidate(world: World, next: Extract<Step, { kind: "liquidate" }>): Promise<void> {
    const { house, books, ids } = world;
    const index = next.due ? await dueFrom(world, next) : next.account;
    const now = BigInt(await networkHelpers.time.latest()) + 1n;
    const account = books.account(index);
    const options = { liquidator: books.account(LIQUIDATOR), now, settlementPrice: WAD };
    const state = books.liquidationState(account, options);
    const planned = next.share % 2 === 0 ? findLiquidation(state)?.basket : undefined;
    const basket = planned ?? anyBasket(world, { account: index, share: next.share });
    await networkHelpers.time.setNextBlockTimestamp(now);
    const sent = house.liquidate(found(ids[index]), [...basket.reductions], [...basket.sales], found(ids[LIQUIDATOR]));
    const before = state.insurance;
    let outcome: LiquidationOutcome;
    try {
      outcome = books.liquidate(account, basket, options);
      if (outcome.refusal !== undefined) throw new BasketRefused(outcome.refusal);
    } catch (error) {
      if (!(error instanceof BasketRefused)) throw error;
      ++tally.refusals;
      await expect(sent).to.be.revertedWithCustomError(house, error.reason);
      return;
    }
    expect(before + outcome.insuranceChange).to.equal(books.insurance);
    await expect(sent)
      .to.emit(house, "Liquidated")
      .withArgs(found(ids[index]), found(ids[LIQUIDATOR]), [
        outcome.equityBefore,
        outcome.maintenanceBefore,
        outcome.equityAfter,
        outcome.maintenanceAfter,
        outcome.penalty,
        outcome.discount,
        outcome.reward,
        outcome.deficit,
      ]);
    ++tally.liquidations;
    if (outcome.deficit > 0n) ++tally.deficits;
    await compareAccount(world, index);
    await compareBooks(world);
  }

  /** A trader whose equity does not cover its maintenance requirement. Where there is none, a price moves to where the
   * model says that there is one, and up to 4 % further. */
  async function dueFrom(world: World, { account: start, share }: { account: number; share: number }): Promise<number> {
    const { books } = world;
    const now = BigInt(await networkHelpers.time.latest()) + 2n;
    const marginsOf = (index: number) => {
      const account = books.account(index);
      const exposures = books.exposuresOf(account, now);
      return { exposures, cash: account.cash, groups: books.groups, globals: books.globals, time: now };
    };
    const traders = Array.from({ length: TRADERS }, (_, offset) => (start + offset) % TRADERS);
    const due = traders.find((index) => {
      const margins = marginsOf(index);
      return margins.exposures.length > 0 && marginOf(margins) <= 0n;
    });
    if (due !== undefined) return due;
    for (const index of traders) {
      const margins = marginsOf(index);
      for (const { asset, size, price } of margins.exposures) {
        const { below, above } = (size === 0n ? undefined : liquidationPrices(margins, asset)) ?? {};
        const bound = below ?? above;
        if (bound === undefined || bound < price.last / 2n || bound > 2n * price.last) continue;
        const further = (bound * BigInt(share)) / 2_500n;
        books.prices[asset] = livePrice(bound + (bound === below ? -further : further));
        await setPrices(world);
        return index;
      }
    }
    return start;
  }

  function anyBasket({ books }: World, { account, share }: { account: number; share: number }): Basket {
    const part = BigInt(share);
    const holder = books.account(account);
    return {
      reductions: [...holder.positions]
        .map(([asset, { size }]) => ({ asset, delta: (-size * part) / 100n }))
        .filter(({ delta }) => delta !== 0n),
      sales: [...holder.collateral]
        .map(([token, amount]) => ({ token, amount: (amount * part) / 100n }))
        .filter(({ amount }) => amount !== 0n),
    };
  }

  /** The account's snapshot and the terms that the contract makes of it. */
  async function compareAccount({ house, books, ids }: World, index: number): Promise<void> {
    const id = found(ids[index]);
    const account = books.account(index);
    const [state, raw] = await house.snapshot(id);
    expect(state.cash).to.equal(account.cash);
    const exposures = raw.map((exposure) => decodeExposure(exposure));
    const now = exposures.find(({ size }) => size !== 0n)?.funding.time ?? BigInt(await networkHelpers.time.latest());
    const expected = books.exposuresOf(account, now).map((exposure) => ({
      ...exposure,
      // The contract loads funding for positions only.
      funding: exposure.size === 0n ? decodeFunding(0n) : exposure.funding,
    }));
    expect(show(exposures)).to.equal(show(expected));
    const terms = assess({ exposures, cash: account.cash, groups: books.groups, time: now, end: "worse" });
    expect(await simulatedTerms(house, id)).to.deep.equal([
      account.cash,
      toTuple(terms),
      initialUp(terms),
      maintenanceUp(terms, books.globals),
    ]);
  }

  async function compareBooks({ house, books, ids }: World): Promise<void> {
    const [base, debts, insurance, protocolFees] = await house.balances();
    expect({ base, debts, insurance, protocolFees }).to.deep.equal({
      base: books.base,
      debts: books.debts,
      insurance: books.insurance,
      protocolFees: books.protocolFees,
    });
    for (const [index, account] of books.accounts.entries()) {
      const id = found(ids[index]);
      expect((await house.accountOf(id)).cash).to.equal(account.cash);
      for (const [asset, { size, quote }] of account.positions) {
        expect([...(await house.positionOf(id, asset))]).to.deep.equal([size, quote]);
      }
      for (const [token, amount] of account.collateral) {
        expect(await house.collateralOf(id, token)).to.equal(amount);
      }
    }
    for (const asset of books.assets.keys()) {
      const { longSize, longQuote, shortSize, shortQuote } = books.marketOf(asset);
      const [actualLong, actualLongQuote, actualShort, actualShortQuote, funding] = await house.marketOf(asset);
      expect([actualLong, actualLongQuote, actualShort, actualShortQuote]).to.deep.equal([
        longSize,
        longQuote,
        shortSize,
        shortQuote,
      ]);
      if (found(books.assets[asset]).sizes.status === "None") continue;
      expect(decodeFunding(funding)).to.deep.equal(books.fundingOf(asset));
    }
    // What the pool, the reserves and the traders have is what was paid in.
    const cash = books.accounts.reduce((sum, account) => sum + max(0n, account.cash), 0n);
    expect(cash + base + insurance + protocolFees).to.equal(books.paidIn);
  }
});

async function simulatedTerms(house: World["house"], id: string): Promise<unknown[]> {
  try {
    await house.simulate.staticCall(id, [], false);
  } catch (error) {
    const decoded = customErrorOf(house, error);
    if (decoded?.name !== "Simulated") throw error;
    return decoded.args.toArray(true).slice(1) as unknown[];
  }
  throw new Error("simulate did not revert");
}

function customErrorOf(house: World["house"], error: unknown) {
  const { data } = error as { data?: unknown };
  return typeof data === "string" ? house.interface.parseError(data) : null;
}

/** @param move 1e-4. */
function moved(price: Price, move: number, doubtful: boolean): Price {
  const last = min(max(price.last + (price.last * BigInt(move)) / 10_000n, WAD / 1_000n), 10n ** 6n * WAD);
  return doubtful ? { ...livePrice(last), spread: 30_000n, refusal: "Stale" } : livePrice(last);
}

function toTuple(terms: Terms): readonly bigint[] {
  const { equity, weighted, unrealised, unrealisedWeighted, collateralValue, base, closeOut } = terms;
  return [equity, weighted, unrealised, unrealisedWeighted, collateralValue, base, closeOut];
}
