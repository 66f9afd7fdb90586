import { expect } from "chai";
import fc from "fast-check";

import type { AccountBook } from "../../../scripts/keeper/index/entries.ts";
import { exposuresOf, UnknownHoldingError } from "../../../scripts/keeper/screen/exposures.ts";
import { type AssetTerms, type Market, Screen } from "../../../scripts/keeper/screen/Screen.ts";
import { max, mulDivDown, PPM, WAD } from "../../../scripts/model/fixed.ts";
import { NO_FUNDING } from "../../../scripts/model/funding.ts";
import { decodeGroups } from "../../../scripts/model/parameters.ts";
import { livePrice } from "../../../scripts/model/price.ts";
import { assess, type Exposure, maintenanceUp, type Terms } from "../../../scripts/model/risk.ts";
import { exposure, globals, groups, holds, signed, time } from "../../model/arbitraries.ts";

const ALICE = `0x${"aa".repeat(20)}${"00".repeat(12)}`;
const BOB = `0x${"bb".repeat(20)}${"00".repeat(12)}`;

const RUNS = process.env["TEST_DEPTH"] === "deep" ? 50_000 : 1_000;

/** Tokens have the numbers of their assets. */
const assetOf = (token: number) => token;

function bookOf(account: string, exposures: readonly Exposure[], cash: bigint): AccountBook {
  return {
    account,
    cash,
    positions: new Map(
      exposures.filter(({ size }) => size !== 0n).map(({ asset, size, quote }) => [asset, { size, quote }]),
    ),
    collateral: new Map(
      exposures.filter(({ collateral }) => collateral !== 0n).map(({ asset, collateral }) => [asset, collateral]),
    ),
    exact: true,
  };
}

const exposures = fc
  .uniqueArray(exposure, { minLength: 1, maxLength: 16, selector: ({ asset }) => asset })
  // As large as the model can value, and without a size there is no quote.
  .map((list) => list.map((one) => ({ ...one, size: one.size >> 12n, collateral: one.collateral >> 12n })))
  .map((list) => list.map((one) => (one.size === 0n ? { ...one, quote: 0n } : one)))
  .map((list) => list.filter(({ size, collateral }) => size !== 0n || collateral !== 0n))
  .filter((list) => list.length !== 0);

/** Distance from the edge that is judged, WAD; the nearest ones most often. */
const distance = fc.oneof(fc.bigInt({ min: -2n, max: 2n }), signed(60), signed(120));

const scenario = fc.record({ exposures, globals, groups, time, distance });

function marketOf({
  exposures,
  globals,
  groups,
  time,
}: Pick<Market, "globals" | "groups" | "time"> & { exposures: readonly AssetTerms[] }): Market {
  return { assets: exposures, globals, groups, time };
}

function candidatesOf(book: AccountBook, market: Market): readonly string[] {
  const screen = new Screen({ assetOf });
  screen.set(book);
  return screen.evaluate(market).candidates;
}

function shortfallOf({ equity, collateralValue }: Terms): bigint {
  return max(0n, collateralValue - equity);
}

/** Twenty units of an asset with β 10 %, σ 2 %, γ 1 %, and 1,000 at cash. */
const simple: AssetTerms = {
  asset: 0,
  price: livePrice(100n * WAD),
  funding: NO_FUNDING,
  risk: {
    from: { beta: 0n, sigma: 0n, gamma: 0n, kappa: 0n },
    to: { beta: 100_000n, sigma: 20_000n, gamma: 10_000n, kappa: 0n },
    start: 0n,
    duration: 0n,
    group: 0,
  },
  sizes: { depth: 1_000_000n * WAD, openInterestCap: WAD, openInterestShare: 0n, status: "Active" },
  trade: {
    skewCap: WAD,
    takerFee: 0n,
    makerFee: 0n,
    maxFundingRate: 0n,
    fundingVelocity: 0n,
    profitWeight: PPM,
    lotExponent: 15n,
    insuranceCap: 0n,
  },
};
const simpleMarket: Market = {
  assets: [simple],
  globals: {
    maintenanceFactor: 500_000n,
    shortfallInitial: 500_000n,
    shortfallMaintenance: 700_000n,
    protocolFeeShare: 0n,
    insuranceFeeShare: 0n,
    markMaxAge: 3_600n,
    liquidationTarget: 500_000n,
    liquidationPenalty: 100_000n,
    liquidatorShare: 500_000n,
    deepLoss: 300_000n,
    takeoverDiscount: 10_000n,
  },
  groups: decodeGroups(2n ** 240n - 1n).map(() => 500_000n),
  time: 1_000n,
};

function simpleBook(account: string, { cash = 0n, size = 0n, quote = 0n, held = 0n, exact = true } = {}): AccountBook {
  return {
    account,
    cash: cash * WAD,
    positions: new Map(size === 0n ? [] : [[0, { size: size * WAD, quote: quote * WAD }]]),
    collateral: new Map(held === 0n ? [] : [[0, held * WAD]]),
    exact,
  };
}

describe("Screen", () => {
  it("leaves out no account whose equity does not cover its maintenance requirement, however near", () => {
    const property = fc.property(scenario, ({ distance, ...one }) => {
      const flat = assess({ ...one, cash: 0n, end: "better" });
      const cash = maintenanceUp(flat, one.globals) - flat.equity + distance;
      const terms = assess({ ...one, cash, end: "better" });
      if (terms.equity > maintenanceUp(terms, one.globals)) return;
      expect(candidatesOf(bookOf(ALICE, one.exposures, cash), marketOf(one))).to.deep.equal([ALICE]);
    });
    holds(property, { runs: RUNS });
  });

  it("leaves out no account that may be converted, however near", () => {
    const property = fc.property(scenario, ({ distance, ...one }) => {
      const flat = assess({ ...one, cash: 0n, end: "better" });
      const limit = mulDivDown(flat.collateralValue, one.globals.shortfallMaintenance, PPM);
      const cash = -flat.unrealised - limit - distance;
      const terms = assess({ ...one, cash, end: "better" });
      if (terms.collateralValue === 0n || shortfallOf(terms) <= limit) return;
      expect(candidatesOf(bookOf(ALICE, one.exposures, cash), marketOf(one))).to.deep.equal([ALICE]);
    });
    holds(property, { runs: RUNS });
  });

  it("takes no account that is healthy and owes nothing by more than its error", () => {
    const property = fc.property(scenario, (one) => {
      const flat = assess({ ...one, cash: 0n, end: "better" });
      const weight =
        one.exposures.reduce(
          (sum, { size, quote, collateral, price, funding }) =>
            sum +
            (size < 0n ? -size : size) * (price.last + (funding.index < 0n ? -funding.index : funding.index)) * 4n +
            (quote < 0n ? -quote : quote) * WAD +
            collateral * price.last * 4n,
          0n,
        ) / WAD;
      const room = max(weight, maintenanceUp(flat, one.globals)) / 10n ** 6n + WAD;
      const cash = max(maintenanceUp(flat, one.globals) - flat.equity, -flat.unrealised) + room;
      expect(candidatesOf(bookOf(ALICE, one.exposures, cash), marketOf(one))).to.deep.equal([]);
    });
    holds(property, { runs: RUNS / 2 });
  });

  it("takes an account that has nothing but a debt, and none that has nothing but cash", () => {
    const screen = new Screen({ assetOf });
    screen.set(simpleBook(ALICE, { cash: -1n }));
    screen.set(simpleBook(BOB, { cash: 1n }));

    expect(screen.evaluate(simpleMarket).candidates).to.deep.equal([ALICE]);
  });

  it("takes whatever its books do not say exactly", () => {
    const book = simpleBook(ALICE, { cash: 1_000n, size: 1n, quote: -100n, exact: false });

    expect(candidatesOf(book, simpleMarket)).to.deep.equal([ALICE]);
    expect(candidatesOf({ ...book, exact: true }, simpleMarket)).to.deep.equal([]);
  });

  it("takes an account with an asset that has no price here", () => {
    const book = simpleBook(ALICE, { cash: 1_000n, size: 1n, quote: -100n });

    expect(candidatesOf(book, { ...simpleMarket, assets: [{ ...simple, asset: 1 }] })).to.deep.equal([ALICE]);
  });

  it("takes an account that hides a loss beyond its cash, from the amount that is asked for", () => {
    // Owes 200 more than its cash, against 10 units of collateral.
    const book = simpleBook(ALICE, { cash: 100n, size: 10n, quote: -1_300n, held: 10n });

    const above = (realiseAbove: bigint) => candidatesOf(book, { ...simpleMarket, realiseAbove: realiseAbove * WAD });
    expect(above(200n)).to.deep.equal([ALICE]);
    expect(above(201n)).to.deep.equal([]);
  });

  it("knows a book that has been changed since, in place too", () => {
    const screen = new Screen({ assetOf });
    const positions = new Map([[0, { size: WAD, quote: -100n * WAD }]]);
    const collateral = new Map([[0, WAD]]);
    const book = { account: ALICE, cash: WAD, positions, collateral, exact: true };
    expect(screen.holds(book)).to.equal(false);
    const changes: (() => void)[] = [
      () => (book.cash += 1n),
      () => (book.exact = false),
      () => positions.set(0, { size: WAD + 1n, quote: -100n * WAD }),
      () => positions.set(0, { size: WAD + 1n, quote: -101n * WAD }),
      () => positions.set(1, { size: 1n, quote: 0n }),
      () => positions.delete(0),
      () => collateral.set(0, 2n * WAD),
      () => collateral.set(1, WAD),
      () => collateral.delete(1),
    ];
    for (const change of changes) {
      screen.set(book);
      expect(screen.holds(book)).to.equal(true);
      change();
      expect(screen.holds(book)).to.equal(false);
    }
    screen.set(book);
    screen.delete(ALICE);
    expect(screen.holds(book)).to.equal(false);
  });

  it("counts how near accounts are to their liquidation", () => {
    const screen = new Screen({ assetOf });
    // A requirement of 14 for 2 units: equity of 14 is unhealthy, then 4, 9, 19 and 50 % above.
    const equities = [14, 14.58, 15.38, 17.28, 28];
    for (const [place, equity] of equities.entries()) {
      const account = `0x${String(place).repeat(64)}`;
      const book = simpleBook(account, { size: 2n, quote: -200n });
      screen.set({ ...book, cash: BigInt(Math.round(equity * 1e6)) * 10n ** 12n });
    }
    screen.set(simpleBook(BOB, { cash: 5n }));

    expect(screen.evaluate(simpleMarket).nearness).to.deep.equal({
      accounts: 5,
      unhealthy: 1,
      within5: 1,
      within10: 2,
      within20: 3,
    });
  });

  it("knows after any changes what it would know from the last ones alone", () => {
    const holding = fc.record({
      account: fc.integer({ min: 0, max: 20 }).map((number) => `0x${number.toString(16).padStart(64, "0")}`),
      gone: fc.boolean(),
      cash: fc.bigInt({ min: -50n, max: 50n }),
      size: fc.bigInt({ min: -3n, max: 3n }),
      held: fc.bigInt({ min: 0n, max: 3n }),
    });
    const property = fc.property(fc.array(holding, { minLength: 1, maxLength: 60 }), (changes) => {
      const screen = new Screen({ assetOf });
      const last = new Map<string, AccountBook>();
      for (const { account, gone, ...change } of changes) {
        const book = simpleBook(account, { ...change, quote: change.size * -100n });
        if (gone) {
          screen.delete(account);
          last.delete(account);
        } else {
          screen.set(book);
          last.set(account, book);
        }
      }
      const fresh = new Screen({ assetOf });
      for (const book of last.values()) fresh.set(book);
      const [found, expected] = [screen.evaluate(simpleMarket), fresh.evaluate(simpleMarket)];
      expect(screen.size).to.equal(last.size);
      expect([...found.candidates].sort()).to.deep.equal([...expected.candidates].sort());
      expect(found.nearness).to.deep.equal(expected.nearness);
    });
    holds(property, { runs: RUNS / 10 });
  });

  it("keeps what it has beyond its first room", () => {
    const screen = new Screen({ assetOf });
    const accounts = Array.from({ length: 3_000 }, (_, place) => `0x${place.toString(16).padStart(64, "0")}`);
    for (const account of accounts) screen.set(simpleBook(account, { cash: 1n, size: 1n, quote: -100n }));

    expect(screen.evaluate(simpleMarket).candidates).to.deep.equal(accounts);
  });
});

describe("exposuresOf", () => {
  const lookup = { terms: new Map([[0, simple]]), assetOf };

  it("puts positions and collateral of an asset together", () => {
    const [only, ...others] = exposuresOf(simpleBook(ALICE, { size: 3n, quote: -7n, held: 2n }), lookup);

    expect(only).to.deep.equal({ ...simple, size: 3n * WAD, quote: -7n * WAD, collateral: 2n * WAD });
    expect(others).to.deep.equal([]);
  });

  it("refuses an asset that is not listed", () => {
    const book: AccountBook = { ...simpleBook(ALICE), positions: new Map([[7, { size: 1n, quote: 0n }]]) };

    expect(() => exposuresOf(book, lookup)).to.throw(UnknownHoldingError, "unknown asset 7");
  });
});
