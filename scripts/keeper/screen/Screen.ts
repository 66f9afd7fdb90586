/**
 * A fast look at every account on every change of a price: `scripts/model/risk.ts` in floating point, with a bound on its
 * error, so that whatever is not among its candidates needs no second look. Candidates are judged exactly.
 *
 * Why nothing is left out. With u = 2^-53, each term that is added up here is a product of at most six numbers, each of
 * them off by at most 2u of itself (a conversion from bigint and a division), so it is off by at most 18u of its size. At
 * most 16 assets with 7 terms each are added up: the sum is off by at most (18 + 112)·u·T, T the sum of the terms' sizes
 * (where two of them cancel, T keeps both). What is compared are differences of two such sums, less than 4 T·u more. The
 * exact model rounds each holding and each sum to a wei; a position that is read through its side's index may be a wei of
 * size less than it counts for. The bound taken is 1,024·u·T, and some thousand wei.
 */
import {
  hedgeFloorOf,
  type GlobalParameters,
  type GroupParameters,
  MAX_GROUPS,
  ratesUp,
} from "../../model/parameters.ts";
import { highUp, lowDown } from "../../model/price.ts";
import type { Exposure } from "../../model/risk.ts";
import type { AccountBook } from "../index/entries.ts";

/** An asset with its price, parameters and funding, accrued to the time of the valuation. */
export type AssetTerms = Omit<Exposure, "size" | "quote" | "collateral">;

/** What all accounts are valued by. */
export interface Market {
  readonly assets: readonly AssetTerms[];
  readonly globals: GlobalParameters;
  readonly groups: GroupParameters;
  /** Unix seconds; picks the rates inside a ramp. */
  readonly time: bigint;
  /** Loss beyond cash from which an account is a candidate, WAD; none by default. */
  readonly realiseAbove?: bigint;
}

/** How near accounts are to their liquidation. */
export interface Nearness {
  /** Those with a requirement. */
  readonly accounts: number;
  readonly unhealthy: number;
  /** Healthy ones whose equity is above maintenance by at most 5, 10, 20 % of itself. */
  readonly within5: number;
  readonly within10: number;
  readonly within20: number;
}

export interface Screening {
  /** All accounts that may be unhealthy, convertible, hiding a loss, or owing without having anything, and few others. */
  readonly candidates: readonly string[];
  /** Of these all that may be unhealthy, and few others. */
  readonly suspects: readonly string[];
  readonly nearness: Nearness;
}

/** As in IClearingHouse.sol; an account with more would always be a candidate. */
const MAX_ASSETS = 16;
const ERROR = 1_024 * 2 ** -53;
/** Roundings of the exact model, in whole tokens. */
const ROUNDING = 4e-15;
/** Size that a position read through an index may lack, in whole units. */
const INDEXED = 4e-18;
const FIRST_CAPACITY = 1_024;

interface ScreenOptions {
  /** Asset that a token is priced as; undefined for a token that is not listed. */
  readonly assetOf: (token: number) => number | undefined;
}

export class Screen {
  readonly #assetOf: ScreenOptions["assetOf"];
  readonly #rows = new Map<string, number>();
  readonly #free: number[] = [];
  #names: (string | undefined)[] = [];
  /** What rows were set to. */
  #seen: (Seen | undefined)[] = [];
  #capacity = 0;
  /** By row. */
  #cash = new Float64Array(0);
  #counts = new Uint8Array(0);
  /** Rows whose numbers say nothing. */
  #unsure = new Uint8Array(0);
  /** By row and place. */
  #assets = new Uint8Array(0);
  #sizes = new Float64Array(0);
  #quotes = new Float64Array(0);
  #held = new Float64Array(0);

  constructor({ assetOf }: ScreenOptions) {
    this.#assetOf = assetOf;
  }

  get size(): number {
    return this.#rows.size;
  }

  accounts(): IterableIterator<string> {
    return this.#rows.keys();
  }

  /** Whether an account was set to what the book has now: a book may be changed in place. */
  holds({ account, cash, exact, positions, collateral }: AccountBook): boolean {
    const row = this.#rows.get(account);
    const seen = row === undefined ? undefined : this.#seen[row];
    if (seen?.cash !== cash || seen.exact !== exact) return false;
    if (seen.positions.length !== 3 * positions.size || seen.collateral.length !== 2 * collateral.size) return false;
    let place = 0;
    for (const [asset, { size, quote }] of positions) {
      if (seen.positions[place++] !== asset) return false;
      if (seen.positions[place++] !== size || seen.positions[place++] !== quote) return false;
    }
    place = 0;
    for (const [token, amount] of collateral) {
      if (seen.collateral[place++] !== token || seen.collateral[place++] !== amount) return false;
    }
    return true;
  }

  has(account: string): boolean {
    return this.#rows.has(account);
  }

  set(book: AccountBook): void {
    const row = this.#rows.get(book.account) ?? this.#newRow(book.account);
    this.#seen[row] = seenOf(book);
    this.#cash[row] = toFloat(book.cash);
    const holdings = this.#holdingsOf(book);
    this.#unsure[row] = !book.exact || holdings === undefined || holdings.size > MAX_ASSETS ? 1 : 0;
    let place = row * MAX_ASSETS;
    const end = place + MAX_ASSETS;
    for (const [asset, { size, quote, held }] of holdings ?? []) {
      if (place === end) break;
      this.#assets[place] = asset;
      this.#sizes[place] = toFloat(size);
      this.#quotes[place] = toFloat(quote);
      this.#held[place] = toFloat(held);
      ++place;
    }
    this.#counts[row] = place - row * MAX_ASSETS;
  }

  delete(account: string): void {
    const row = this.#rows.get(account);
    if (row === undefined) return;
    this.#rows.delete(account);
    this.#names[row] = undefined;
    this.#seen[row] = undefined;
    this.#free.push(row);
  }

  /** Throws a RangeError for a group that does not exist. */
  evaluate(market: Market): Screening {
    const terms = floatTermsOf(market);
    const { low, high, netLow, netHigh, dead, known, group, beta, sigma, gamma, kappa } = terms;
    const floors = Float64Array.from({ length: MAX_GROUPS }, (_, place) => ratio(hedgeFloorOf(market.groups, place)));
    const factor = ratio(market.globals.maintenanceFactor);
    const shortfallLimit = ratio(market.globals.shortfallMaintenance);
    const realiseAbove = market.realiseAbove === undefined ? Infinity : toFloat(market.realiseAbove);
    const net = new Float64Array(MAX_GROUPS);
    const gross = new Float64Array(MAX_GROUPS);
    const candidates: string[] = [];
    const suspects: string[] = [];
    const nearness = { accounts: 0, unhealthy: 0, within5: 0, within10: 0, within20: 0 };

    for (let row = 0; row < this.#names.length; ++row) {
      const name = this.#names[row];
      if (name === undefined) continue;
      const cash = this.#cash[row] ?? 0;
      const count = this.#counts[row] ?? 0;
      if (count === 0) {
        if (cash < 0 || this.#unsure[row] === 1) candidates.push(name);
        if (this.#unsure[row] === 1) suspects.push(name);
        continue;
      }
      net.fill(0);
      gross.fill(0);
      let own = 0;
      let closeOut = 0;
      let unrealised = 0;
      let collateralValue = 0;
      let weight = Math.abs(cash);
      let slack = ROUNDING;
      let sure = this.#unsure[row] === 0;
      const first = row * MAX_ASSETS;
      for (let place = first; place < first + count; ++place) {
        const asset = this.#assets[place] ?? 0;
        if (known[asset] !== 1) sure = false;
        const size = this.#sizes[place] ?? 0;
        const held = dead[asset] === 1 ? 0 : (this.#held[place] ?? 0);
        const amount = size + held;
        const isUp = amount >= 0;
        const price = (isUp ? high[asset] : low[asset]) ?? 0;
        const netPrice = (isUp ? netHigh[asset] : netLow[asset]) ?? 0;
        const lower = low[asset] ?? 0;
        const magnitude = Math.abs(size);
        const x = amount * price;
        const rate = beta[asset] ?? 0;
        const ownRate = sigma[asset] ?? 0;
        const at = group[asset] ?? 0;
        net[at] = (net[at] ?? 0) + x * rate;
        gross[at] = (gross[at] ?? 0) + Math.abs(x) * rate;
        own += Math.abs(x) * ownRate;
        const quote = this.#quotes[place] ?? 0;
        const charge = gamma[asset] ?? 0;
        const growth = kappa[asset] ?? 0;
        const closing = lower * (magnitude * (charge + growth * magnitude) + held * (charge + growth * held));
        closeOut += closing;
        unrealised += size * netPrice + quote;
        collateralValue += held * price;
        const upper = high[asset] ?? 0;
        // Both prices: which end it is may be decided by an error.
        weight +=
          (magnitude + held) * upper * (2 + rate + ownRate) +
          magnitude * (Math.abs(netLow[asset] ?? 0) + Math.abs(netHigh[asset] ?? 0)) +
          Math.abs(quote) +
          closing;
        slack += INDEXED * (upper + Math.abs(netPrice));
      }
      let base = own;
      for (let at = 0; at < MAX_GROUPS; ++at) {
        base += Math.max(Math.abs(net[at] ?? 0), (floors[at] ?? 0) * (gross[at] ?? 0));
      }
      const equity = cash + collateralValue + unrealised;
      const maintenance = factor * base + closeOut;
      const error = ERROR * weight + slack;
      const margin = equity - maintenance;
      const owed = -(cash + unrealised);
      const isConvertible = collateralValue > 0 && owed + error >= shortfallLimit * collateralValue;
      const hidden = Math.min(owed, -unrealised);
      const isSuspect = !sure || margin <= error;
      if (isSuspect) suspects.push(name);
      if (isSuspect || isConvertible || hidden + error >= realiseAbove) candidates.push(name);
      if (maintenance <= 0) continue;
      ++nearness.accounts;
      if (margin <= 0) ++nearness.unhealthy;
      else if (margin <= 0.05 * equity) ++nearness.within5;
      else if (margin <= 0.1 * equity) ++nearness.within10;
      else if (margin <= 0.2 * equity) ++nearness.within20;
    }
    nearness.within10 += nearness.within5;
    nearness.within20 += nearness.within10;
    return { candidates, suspects, nearness };
  }

  /** By asset; undefined where a token is unknown. */
  #holdingsOf({ positions, collateral }: AccountBook) {
    const holdings = new Map<number, { size: bigint; quote: bigint; held: bigint }>();
    for (const [asset, { size, quote }] of positions) holdings.set(asset, { size, quote, held: 0n });
    for (const [token, amount] of collateral) {
      const asset = this.#assetOf(token);
      if (asset === undefined) return undefined;
      const other = holdings.get(asset) ?? { size: 0n, quote: 0n, held: 0n };
      holdings.set(asset, { ...other, held: other.held + amount });
    }
    return holdings;
  }

  #newRow(account: string): number {
    const row = this.#free.pop() ?? this.#names.length;
    if (row >= this.#capacity) this.#grow();
    this.#rows.set(account, row);
    this.#names[row] = account;
    return row;
  }

  #grow(): void {
    this.#capacity = Math.max(FIRST_CAPACITY, 2 * this.#capacity);
    const rows = this.#capacity;
    this.#cash = grown(this.#cash, new Float64Array(rows));
    this.#counts = grown(this.#counts, new Uint8Array(rows));
    this.#unsure = grown(this.#unsure, new Uint8Array(rows));
    const places = rows * MAX_ASSETS;
    this.#assets = grown(this.#assets, new Uint8Array(places));
    this.#sizes = grown(this.#sizes, new Float64Array(places));
    this.#quotes = grown(this.#quotes, new Float64Array(places));
    this.#held = grown(this.#held, new Float64Array(places));
  }
}

/** The numbers of a book, to be compared with later ones. */
interface Seen {
  readonly cash: bigint;
  readonly exact: boolean;
  /** Asset, size and quote of each. */
  readonly positions: readonly (number | bigint)[];
  /** Token and amount of each. */
  readonly collateral: readonly (number | bigint)[];
}

function seenOf({ cash, exact, positions, collateral }: AccountBook): Seen {
  const flat: (number | bigint)[] = [];
  for (const [asset, { size, quote }] of positions) flat.push(asset, size, quote);
  return { cash, exact, positions: flat, collateral: [...collateral].flat() };
}

/** Terms by asset index, in whole tokens and fractions of 1. */
function floatTermsOf({ assets, time }: Market) {
  const length = assets.reduce((most, { asset }) => Math.max(most, asset + 1), 0);
  const array = () => new Float64Array(length);
  const terms = {
    low: array(),
    high: array(),
    netLow: array(),
    netHigh: array(),
    beta: array(),
    sigma: array(),
    gamma: array(),
    /** κ/(2D), per whole unit. */
    kappa: array(),
    group: new Uint8Array(length),
    dead: new Uint8Array(length),
    known: new Uint8Array(length),
  };
  for (const { asset, price, funding, risk, sizes } of assets) {
    const [low, high] = [lowDown(price), highUp(price)];
    const rates = ratesUp(risk, time);
    terms.low[asset] = toFloat(low);
    terms.high[asset] = toFloat(high);
    terms.netLow[asset] = toFloat(low - funding.index);
    terms.netHigh[asset] = toFloat(high - funding.index);
    terms.beta[asset] = ratio(rates.beta);
    terms.sigma[asset] = ratio(rates.sigma);
    terms.gamma[asset] = ratio(rates.gamma);
    terms.kappa[asset] = sizes.depth === 0n ? 0 : ratio(rates.kappa) / (2 * toFloat(sizes.depth));
    terms.group[asset] = risk.group;
    terms.dead[asset] = price.dead ? 1 : 0;
    terms.known[asset] = 1;
  }
  return terms;
}

/** WAD as a number. */
function toFloat(value: bigint): number {
  return Number(value) / 1e18;
}

/** 1e-6 as a number. */
function ratio(value: bigint): number {
  return Number(value) / 1e6;
}

function grown<Values extends Float64Array | Uint8Array>(from: Values, to: Values): Values {
  to.set(from);
  return to;
}
