/**
 * How long it takes to look at every account after a change of price: in floating point for all, exactly for those that
 * this leaves, and beside it exactly for all, and by `Lens.health` on a chain.
 */
import { isError } from "ethers";

import type { AccountBook } from "../keeper/index/entries.ts";
import { exposuresOf } from "../keeper/screen/exposures.ts";
import { type AssetTerms, type Market, Screen } from "../keeper/screen/Screen.ts";
import { WAD } from "../model/fixed.ts";
import { NO_FUNDING } from "../model/funding.ts";
import { livePrice } from "../model/price.ts";
import { assess, maintenanceUp } from "../model/risk.ts";
import type { Figure } from "./figures.ts";

export interface ScreenSizes {
  readonly accounts?: number;
  readonly positions?: number;
}

export interface ScreenFigures {
  readonly accounts: number;
  readonly positionsOfEach: number;
  /** All books given to an empty screen. */
  readonly fillMs: number;
  /** All books compared with what the screen has, where none has changed: part of every reading, median of `RUNS`. */
  readonly compareMs: number;
  /** One change of price, all accounts: median and worst of `RUNS`. */
  readonly screenMs: number;
  readonly screenWorstMs: number;
  readonly candidates: number;
  /** The candidates, exactly. */
  readonly candidatesMs: number;
  /** All accounts, exactly, in place of the screen. */
  readonly exactMs: number;
  readonly exactOverScreenRatio: number;
  /** Of the process with all books and the screen, and what of it the screen's numbers are. */
  readonly residentMiB: number;
  readonly screenMiB: number;
  /** What the same comes to by `eth_call` of `Lens.health`. */
  readonly calls: readonly Figure[];
}

const ASSETS = 16;
const RUNS = 9;
/** Each takes seconds. */
const CALL_RUNS = 5;
/** Gas of one call, as the node allows it: what EIP-7825 allows a transaction. */
const CALL_GAS = 16_777_216;
/** Accounts that are opened on the chain before a call of all of them is tried. */
const OPENED = 16;
const MIB = 1_048_576;

/** The whole measurement; the call against real contracts takes some ten seconds to set up. */
export async function benchScreen({ accounts = 100_000, positions = 8 }: ScreenSizes = {}): Promise<ScreenFigures> {
  const before = process.memoryUsage();
  const terms = Array.from({ length: ASSETS }, (_, asset) => termsOf(asset));
  const books = Array.from({ length: accounts }, (_, number) => bookOf(number, positions));
  const beforeScreen = process.memoryUsage().arrayBuffers;
  const screen = new Screen({ assetOf: (token) => token });
  const fillMs = timed(() => {
    for (const book of books) screen.set(book);
  }).ms;
  const compared = Array.from({ length: RUNS }, () => timed(() => books.every((book) => screen.holds(book))).ms);
  const compareMs = medianOf(compared);
  const screenMiB = (process.memoryUsage().arrayBuffers - beforeScreen) / MIB;

  const runs = Array.from({ length: RUNS }, (_, run) => timed(() => screen.evaluate(marketAt(terms, run))));
  const times = runs.map(({ ms }) => ms);
  const screenMs = medianOf(times);
  const market = marketAt(terms, RUNS - 1);
  const candidates = runs.at(-1)?.result.candidates ?? [];
  const byAccount = new Map(books.map((book) => [book.account, book]));
  const chosen = candidates.flatMap((account) => byAccount.get(account) ?? []);
  const candidatesMs = timed(() => countUnhealthy(chosen, market)).ms;
  const exactMs = timed(() => countUnhealthy(books, market)).ms;
  const residentMiB = (process.memoryUsage().rss - before.rss + before.heapUsed) / MIB;
  const call = await largestHealthCall(positions);
  return {
    accounts,
    positionsOfEach: positions,
    fillMs,
    compareMs,
    screenMs,
    screenWorstMs: Math.max(...times),
    candidates: candidates.length,
    candidatesMs,
    exactMs,
    exactOverScreenRatio: exactMs / (compareMs + screenMs + candidatesMs),
    residentMiB,
    screenMiB,
    calls: callFigures(call, { accounts, screenMs: compareMs + screenMs + candidatesMs }),
  };
}

/** One call of some accounts, as it was measured. */
export interface HealthCall {
  readonly accounts: number;
  /** Median. */
  readonly ms: number;
}

/**
 * What is measured, and what it comes to for all accounts.
 * @param ours Accounts, and milliseconds that the keeper takes for them.
 */
export function callFigures(call: HealthCall, ours: { accounts: number; screenMs: number }): readonly Figure[] {
  const calls = Math.ceil(ours.accounts / call.accounts);
  const ms = calls * call.ms;
  const each = Math.floor(CALL_GAS / call.accounts);
  return [
    {
      what: "one eth_call of Lens.health, as many accounts as the node takes",
      value: call.accounts,
      unit: "accounts",
      ratio: `measured, all of them different; a call may use ${CALL_GAS} gas (EIP-7825), an account takes some ${each}`,
    },
    { what: "that call", value: call.ms, unit: "ms", ratio: `measured, median of ${CALL_RUNS}` },
    {
      what: `${ours.accounts} accounts by such calls`,
      value: ms / 1_000,
      unit: "s",
      ratio: `extrapolated: ${calls} of them one after the other; one for all would take ${((each * ours.accounts) / 1e9).toFixed(1)} billion gas`,
    },
    { what: "that over the keeper's time", value: ms / ours.screenMs, unit: "×", ratio: "extrapolated over measured" },
  ];
}

/** The largest number from `taken` on and below `refused` that is taken, where all below one that is taken are. */
export async function largestTaken(
  { taken, refused }: { taken: number; refused: number },
  isTaken: (count: number) => Promise<boolean>,
): Promise<number> {
  let [low, high] = [taken, refused];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (await isTaken(middle)) low = middle;
    else high = middle;
  }
  return low;
}

function medianOf(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

function timed<Result>(run: () => Result): { ms: number; result: Result } {
  const start = performance.now();
  const result = run();
  return { ms: performance.now() - start, result };
}

/** How many of them the exact model finds unhealthy. */
function countUnhealthy(books: readonly AccountBook[], { assets, groups, globals, time }: Market): number {
  const lookup = { terms: new Map(assets.map((one) => [one.asset, one])), assetOf: (token: number) => token };
  return books.filter((book) => {
    const value = assess({ exposures: exposuresOf(book, lookup), cash: book.cash, groups, time, end: "better" });
    return value.equity <= maintenanceUp(value, globals);
  }).length;
}

// ---------------------------------------------------------------- books

function termsOf(asset: number): AssetTerms {
  const rates = { beta: 85_000n, sigma: 20_000n, gamma: 5_000n, kappa: 1_000_000n };
  return {
    asset,
    price: livePrice(priceOf(asset)),
    funding: { ...NO_FUNDING, index: BigInt(asset) * 10n ** 15n },
    risk: { from: rates, to: rates, start: 0n, duration: 0n, group: asset % 4 },
    sizes: { depth: 400_000n * WAD, openInterestCap: 8_000n * WAD, openInterestShare: 600_000n, status: "Active" },
    trade: {
      skewCap: 4_000n * WAD,
      takerFee: 500n,
      makerFee: 200n,
      maxFundingRate: WAD / 100n,
      fundingVelocity: WAD / 5n,
      profitWeight: 900_000n,
      lotExponent: 16n,
      insuranceCap: 0n,
    },
  };
}

function priceOf(asset: number): bigint {
  return BigInt(10 + 97 * asset) * WAD;
}

/** The prices after one asset has moved by a per mille. */
function marketAt(terms: readonly AssetTerms[], run: number): Market {
  const assets = terms.map((one, asset) =>
    asset === run % ASSETS ? { ...one, price: livePrice((one.price.last * 999n) / 1_000n) } : one,
  );
  return {
    assets,
    globals: {
      maintenanceFactor: 600_000n,
      shortfallInitial: 600_000n,
      shortfallMaintenance: 750_000n,
      protocolFeeShare: 100_000n,
      insuranceFeeShare: 200_000n,
      markMaxAge: 3_600n,
      liquidationTarget: 500_000n,
      liquidationPenalty: 100_000n,
      liquidatorShare: 500_000n,
      deepLoss: 200_000n,
      takeoverDiscount: 20_000n,
    },
    groups: Array.from({ length: 10 }, () => 250_000n),
    time: 1_000_000n,
  };
}

/** Of 1,000 a position, long or short, with more or less cash: one in a hundred is unhealthy. */
function bookOf(number: number, positions: number): AccountBook {
  const held = Array.from({ length: positions }, (_, place) => {
    const asset = (number + 3 * place) % ASSETS;
    const isLong = (number >> place) % 2 === 0;
    const notional = 1_000n * WAD;
    const size = (notional * WAD) / priceOf(asset);
    return [asset, { size: isLong ? size : -size, quote: isLong ? -notional : notional }] as const;
  });
  return {
    account: `0x${number.toString(16).padStart(64, "0")}`,
    cash: BigInt(440 + ((number * 7_919) % 2_000)) * WAD,
    positions: new Map(held),
    collateral: new Map(),
    exact: true,
  };
}

// ---------------------------------------------------------------- on a chain

/** `Lens.health` of as many accounts with real positions as the node takes in one call, on a chain in this process. */
async function largestHealthCall(positions: number): Promise<HealthCall> {
  const { accountOf, deploy, time } = await import("../../test/fixture.ts");
  const { BTC, ETH, LINK, SOL, wad } = await import("../../test/parameters.ts");
  const { tradeBasket } = await import("../../test/clearing/scenarios.ts");
  const FIRST_MORE = 6;
  const world = await deploy((parameters) => {
    const [feed, market, collateralOnly] = [parameters.feeds[LINK], parameters.assets[LINK], parameters.assets[4]];
    if (feed === undefined || market === undefined || collateralOnly === undefined) throw new Error("defaults changed");
    parameters.assets.push(collateralOnly); // the settlement token's place among the feeds
    for (let more = 0; more < positions; ++more) {
      parameters.feeds.push({ ...feed, description: `MORE ${more} / USD` });
      parameters.assets.push(market);
    }
  });
  await world.poolDeposit(world.provider, wad("50_000_000"));
  const markets = [ETH, BTC, SOL, LINK, ...Array.from({ length: positions }, (_, more) => FIRST_MORE + more)];
  const held = markets.slice(0, positions);
  const opened: string[] = [];
  const call = async (count: number): Promise<unknown> =>
    world.lens.health(opened.slice(0, count), { gasLimit: CALL_GAS });
  const isTaken = async (count: number): Promise<boolean> =>
    call(count).then(
      () => true,
      (error: unknown) => {
        if (isError(error, "CALL_EXCEPTION") || String(error).includes("reverted")) return false;
        throw error;
      },
    );
  do {
    for (let more = 0; more < OPENED; ++more) {
      const account = await world.fund(world.alice, wad("10_000"), BigInt(opened.length));
      await world.clearingHouse.markPool();
      const legs = await Promise.all(
        held.map(async (asset) => ({ asset, delta: (wad("500") * WAD) / (await world.priceOf(asset)) })),
      );
      if (!(await tradeBasket(world, account, legs)))
        throw new Error(`account ${accountOf(world.alice)} has no positions`);
      opened.push(account);
    }
    await world.refresh();
    await time.increase(1);
  } while (await isTaken(opened.length));
  const accounts = await largestTaken({ taken: opened.length - OPENED, refused: opened.length }, isTaken);
  const times: number[] = [];
  for (let run = 0; run < CALL_RUNS; ++run) {
    const start = performance.now();
    await call(accounts);
    times.push(performance.now() - start);
  }
  return { accounts, ms: medianOf(times) };
}
