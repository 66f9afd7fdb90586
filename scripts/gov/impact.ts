/**
 * What a change of parameters does to those who hold something, by the model of `scripts/model`, at the prices of one block:
 * which accounts have less to spare, which fall below a requirement, and what pool and insurance can carry.
 *
 * Prices and positions are those of now, parameters those at the end of the ramps of the plan. The model is checked against `Lens` on
 * the way: an impact of a model that is wrong would be worse than none.
 */
import type { Interface } from "ethers";

import { PlimsollError } from "../deploy/PlimsollError.ts";
import { decodeFunding } from "../model/funding.ts";
import { max, min, PPM, WAD } from "../model/fixed.ts";
import { poolExposures, type PoolMarket, type PoolState, poolTerms, valuePool } from "../model/pool.ts";
import { decodePrice } from "../model/price.ts";
import { assess, decodeExposure, type Exposure, initialUp, maintenanceUp, shortfall } from "../model/risk.ts";
import type { Side } from "../model/sideIndex.ts";
import { type Books, range } from "./books.ts";
import type { Gov } from "./gov.ts";
import { readLogs } from "./logs.ts";

/** The model says something else than the contracts. */
export class ModelError extends PlimsollError {}

/** WAD of settlement token. */
export interface Standing {
  /** At the better end of each price, as a liquidation sees it. */
  readonly equity: bigint;
  readonly maintenance: bigint;
  /** At the worse end, profits at their weight. */
  readonly initialEquity: bigint;
  readonly initial: bigint;
  /** Whether it may add risk and withdraw: equity, and shortfall within λ_I. */
  readonly meetsInitial: boolean;
}

export interface AccountImpact {
  readonly account: string;
  readonly before: Standing;
  readonly after: Standing;
}

export interface PoolStanding {
  readonly equity: bigint;
  readonly maintenance: bigint;
  readonly initial: bigint;
  /** Most that can leave it. */
  readonly redeemable: bigint;
  /** Notional of open interest that both sides of all markets together may reach. */
  readonly capacity: bigint;
}

export interface InsuranceStanding {
  readonly balance: bigint;
  /** Of the fund, at the pool mark. */
  readonly target: bigint;
  /** What deficits of all markets, and of none, may take within a day. */
  readonly daily: bigint;
}

export interface BeforeAfter<T> {
  readonly before: T;
  readonly after: T;
}

export interface Impact {
  /** That hold something. */
  readonly accounts: number;
  /** Whose requirement or equity changes, those with the least to spare afterwards first. */
  readonly changed: readonly AccountImpact[];
  /** Healthy now and not at the end. */
  readonly newlyUnhealthy: readonly string[];
  /** Meet the initial requirement now and not at the end. */
  readonly newlyBelowInitial: readonly string[];
  readonly pool: BeforeAfter<PoolStanding>;
  readonly insurance: BeforeAfter<InsuranceStanding>;
}

/** @param planned What the parameters are going to be. */
export async function readImpact(gov: Gov, { now, planned }: { now: Books; planned: Books }): Promise<Impact> {
  const accounts = await readAccounts(gov);
  const held = (await inTurns(accounts, async (account) => readAccount(gov, account))).filter(
    ({ exposures, cash }) => exposures.length > 0 || cash !== 0n,
  );
  const impacts: AccountImpact[] = [];
  for (const holder of held) {
    const before = standingOf(holder, now, gov.time);
    impacts.push({ account: holder.account, before, after: standingOf(holder, planned, gov.time) });
  }
  await checkModel(gov, impacts);
  const changed = impacts.filter(
    ({ before, after }) => before.maintenance !== after.maintenance || differs(before, after),
  );
  const pool = await readPool(gov, now);
  return {
    accounts: held.length,
    changed: changed.sort((a, b) => compare(spareOf(a.after), spareOf(b.after))),
    newlyUnhealthy: names(impacts, ({ before, after }) => isHealthy(before) && !isHealthy(after)),
    newlyBelowInitial: names(impacts, ({ before, after }) => before.meetsInitial && !after.meetsInitial),
    pool: { before: poolStanding(pool, now, gov.time), after: poolStanding(pool, planned, gov.time) },
    insurance: { before: insuranceStanding(pool, now), after: insuranceStanding(pool, planned) },
  };
}

/** E > R_M; an account without anything at risk is not liquidated either. */
export function isHealthy({ equity, maintenance }: Standing): boolean {
  return equity > maintenance || (maintenance === 0n && equity >= 0n);
}

export function spareOf({ equity, maintenance }: Standing): bigint {
  return equity - maintenance;
}

function differs(before: Standing, after: Standing): boolean {
  return (
    before.equity !== after.equity ||
    before.initial !== after.initial ||
    before.initialEquity !== after.initialEquity ||
    before.meetsInitial !== after.meetsInitial
  );
}

function names(impacts: readonly AccountImpact[], holds: (impact: AccountImpact) => boolean): string[] {
  return impacts.filter(holds).map(({ account }) => account);
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}

// ---------------------------------------------------------------- accounts

/** Names of arguments of events of the clearing house by which an account gets something. */
const HOLDERS = ["account", "to", "buyer", "liquidator", "payTo"];

/** Everybody who may ever have held something. */
export async function readAccounts(gov: Gov): Promise<string[]> {
  const address = gov.intent.book.contracts.clearingHouse;
  const abi = gov.contracts.clearingHouse.interface as unknown as Interface;
  const accounts = new Set<string>();
  for (const log of await readLogs(gov, { address })) {
    const event = abi.parseLog(log);
    if (event === null) continue;
    for (const [index, input] of event.fragment.inputs.entries()) {
      if (input.baseType === "bytes32" && HOLDERS.includes(input.name)) accounts.add(event.args[index] as string);
    }
  }
  return [...accounts];
}

interface Holder {
  readonly account: string;
  readonly cash: bigint;
  /** Of pending orders: counts against liquidation only. */
  readonly escrow: bigint;
  readonly exposures: readonly Exposure[];
}

async function readAccount({ contracts: { clearingHouse }, at }: Gov, account: string): Promise<Holder> {
  const { state, exposures } = await clearingHouse.snapshot(account, at);
  return { account, cash: state.cash, escrow: state.escrow, exposures: exposures.map(decodeExposure) };
}

function standingOf({ exposures, cash, escrow }: Holder, books: Books, time: bigint): Standing {
  const words = exposures.map((exposure) => ({ ...exposure, ...books.assets[exposure.asset] }));
  const { globals, groups } = books;
  const better = assess({ exposures: words, cash: cash + escrow, groups, time, end: "better" });
  const worse = assess({ exposures: words, cash, groups, time, end: "worse" });
  const initial = initialUp(worse);
  const withinShortfall = shortfall(worse) * PPM <= worse.collateralValue * globals.shortfallInitial;
  return {
    equity: better.equity,
    maintenance: maintenanceUp(better, globals),
    initialEquity: worse.weighted,
    initial,
    meetsInitial: worse.weighted >= initial && withinShortfall,
  };
}

/** Accounts in one question to `Lens`. */
const PAGE = 50;

async function checkModel({ contracts: { lens }, at }: Gov, impacts: readonly AccountImpact[]): Promise<void> {
  for (let start = 0; start < impacts.length; start += PAGE) {
    const page = impacts.slice(start, start + PAGE);
    const health = await lens.health(
      page.map(({ account }) => account),
      at,
    );
    for (const [index, { account, before }] of page.entries()) {
      const { equity, maintenance } = health[index] ?? {};
      if (equity !== before.equity || maintenance !== before.maintenance) {
        const [model, chain] = [before.equity - before.maintenance, (equity ?? 0n) - (maintenance ?? 0n)];
        throw new ModelError(`the model gives ${account} ${String(model)} to spare, the contracts ${String(chain)}`);
      }
    }
  }
}

// ---------------------------------------------------------------- pool and insurance

interface PoolReading {
  readonly state: PoolState;
  readonly mark: bigint;
  readonly insurance: bigint;
  /** Last ones by asset. */
  readonly prices: readonly bigint[];
}

async function readPool({ contracts, at, listed }: Gov, books: Books): Promise<PoolReading> {
  const { clearingHouse, oracle, lens } = contracts;
  const ledger = await clearingHouse.ledger(at);
  const [, packed] = await oracle.peek((1n << BigInt(listed.assets)) - 1n, false, at);
  const prices = packed.map(decodePrice);
  const markets: PoolMarket[] = [];
  for (const asset of range(listed.assets)) {
    const [long, short] = await Promise.all(
      [true, false].map(async (side) => readSide(clearingHouse, asset, side, at)),
    );
    const [price, words] = [prices[asset], books.assets[asset]];
    if (long === undefined || short === undefined || price === undefined || words === undefined) {
      throw new RangeError(`no asset ${String(asset)}`);
    }
    if (long.units === 0n && short.units === 0n) continue;
    const { funding } = await clearingHouse.marketOf(asset, at);
    const { fundingIndex } = await lens.market(asset, at);
    markets.push({
      ...words,
      asset,
      price,
      funding: { ...decodeFunding(funding), index: fundingIndex },
      long,
      short,
    });
  }
  return {
    state: { base: ledger.base, lent: ledger.lent, closedValue: ledger.closedValue, markets },
    mark: ledger.markValue,
    insurance: ledger.insurance,
    prices: prices.map(({ last }) => last),
  };
}

async function readSide(
  clearingHouse: Gov["contracts"]["clearingHouse"],
  asset: number,
  long: boolean,
  at: Gov["at"],
): Promise<Side> {
  const { units, quote, epoch, cuts, scale, profitScale, offset } = await clearingHouse.sideOf(asset, long, at);
  return { long, units, quote, epoch, cuts, index: { scale, profitScale, offset }, closed: new Map() };
}

function poolStanding({ state, mark, prices }: PoolReading, books: Books, time: bigint): PoolStanding {
  const markets = state.markets.map((market) => ({ ...market, ...books.assets[market.asset] }));
  const { equity } = valuePool({ ...state, markets });
  const terms = poolTerms(poolExposures(markets), { groups: books.groups, time });
  const initial = initialUp(terms);
  const capacity = books.assets.reduce((sum, { sizes }, asset) => {
    if (sizes.status === "None") return sum;
    const inUnits = (sizes.openInterestCap * (prices[asset] ?? 0n)) / WAD;
    const inShare = (max(0n, mark) * sizes.openInterestShare) / PPM;
    return sum + 2n * min(inUnits, inShare);
  }, 0n);
  return {
    equity,
    maintenance: maintenanceUp(terms, books.globals),
    initial,
    redeemable: max(0n, min(state.base, equity - initial)),
    capacity,
  };
}

function insuranceStanding({ mark, insurance }: PoolReading, books: Books): InsuranceStanding {
  const markets = books.assets.filter(({ sizes }) => sizes.status !== "None");
  return {
    balance: insurance,
    target: (max(0n, mark) * books.insuranceShare) / PPM,
    daily: books.money.unattributedCap + markets.reduce((sum, { trade }) => sum + trade.insuranceCap, 0n),
  };
}

/** Not all at once: an endpoint has its limits. */
const TURN = 16;

async function inTurns<Item, Value>(items: readonly Item[], read: (item: Item) => Promise<Value>): Promise<Value[]> {
  const values: Value[] = [];
  for (let start = 0; start < items.length; start += TURN) {
    values.push(...(await Promise.all(items.slice(start, start + TURN).map(read))));
  }
  return values;
}
