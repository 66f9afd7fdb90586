/**
 * Health of every account in ordinary numbers, so that the exact formula is asked of few. A number of 53 bits is off by less
 * than a part in 10^12 of the sums that it stands for; whoever is nearer to the line than a part in 10^6 is asked exactly.
 */
import type { Books } from "../../model/books.ts";
import { PPM, WAD } from "../../model/fixed.ts";
import { hedgeFloorOf, MAX_GROUPS, ratesUp } from "../../model/parameters.ts";
import type { Price } from "../../model/price.ts";
import { readPosition } from "../../model/sideIndex.ts";
import { START, type World } from "./world.ts";

const DOUBT = 1e-6;

interface Holding {
  readonly asset: number;
  readonly size: number;
  readonly quote: number;
  readonly collateral: number;
}

interface Row {
  readonly cash: number;
  readonly shares: number;
  readonly holdings: readonly Holding[];
}

interface Terms {
  readonly beta: number;
  readonly sigma: number;
  readonly gamma: number;
  /** κ/(2D). */
  readonly slope: number;
  readonly group: number;
}

interface Market {
  readonly low: number;
  readonly high: number;
  readonly dead: boolean;
  readonly funding: number;
}

/** Money in whole tokens. */
export interface Health {
  /** At the better ends. */
  readonly equity: number;
  readonly maintenance: number;
  readonly unrealised: number;
  readonly collateralValue: number;
  readonly hasPosition: boolean;
  readonly hasCollateral: boolean;
  /** Not surely healthy. */
  readonly isSuspect: boolean;
}

export class Screen {
  readonly #books: Books;
  readonly #terms: readonly Terms[];
  readonly #floors: readonly number[];
  readonly #factor: number;
  readonly #rows: (Row | undefined)[];
  #markets: readonly Market[] = [];
  #debtIndex = 1;
  readonly #net = new Float64Array(MAX_GROUPS);
  readonly #gross = new Float64Array(MAX_GROUPS);

  constructor(world: World, books: Books) {
    this.#books = books;
    this.#terms = world.assets.map(({ risk, sizes }) => {
      const { beta, sigma, gamma, kappa } = ratesUp(risk, START);
      const [b, s, g] = [beta, sigma, gamma].map((rate) => Number(rate) / 1e6);
      const slope = Number(kappa) / 1e6 / (2 * toNumber(sizes.depth));
      return { beta: b ?? 0, sigma: s ?? 0, gamma: g ?? 0, slope, group: risk.group };
    });
    this.#floors = Array.from(
      { length: MAX_GROUPS },
      (_, group) => Number(hedgeFloorOf(books.groups, group)) / Number(PPM),
    );
    this.#factor = Number(books.globals.maintenanceFactor) / Number(PPM);
    this.#rows = books.accounts.map(() => undefined);
  }

  /** An account has changed; without an index every one may have. */
  forget(account?: number): void {
    if (account === undefined) this.#rows.fill(undefined);
    else this.#rows[account] = undefined;
  }

  /** Takes the prices and the funding of `now` (unix seconds). */
  reprice(prices: readonly Price[], fundingIndices: readonly bigint[], now: bigint): void {
    this.#markets = prices.map(({ last, spread, dead }, asset) => {
      const [price, half] = [toNumber(last), Number(spread) / Number(PPM)];
      return {
        low: price * (1 - half),
        high: price * (1 + half),
        dead,
        funding: toNumber(fundingIndices[asset] ?? 0n),
      };
    });
    this.#debtIndex = toNumber(this.#books.debtIndex(now));
  }

  healthOf(index: number): Health {
    const { cash, shares, holdings } = this.#rowOf(index);
    this.#net.fill(0);
    this.#gross.fill(0);
    let [own, closeOut, unrealised, collateralValue, gross] = [0, 0, 0, 0, 0];
    let [hasPosition, hasCollateral] = [false, false];
    for (const { asset, size, quote, collateral } of holdings) {
      const terms = this.#terms[asset];
      const market = this.#markets[asset];
      if (terms === undefined || market === undefined) continue;
      const held = market.dead ? 0 : collateral;
      const price = size + held >= 0 ? market.high : market.low;
      const x = (size + held) * price;
      this.#net[terms.group] = (this.#net[terms.group] ?? 0) + x * terms.beta;
      this.#gross[terms.group] = (this.#gross[terms.group] ?? 0) + Math.abs(x) * terms.beta;
      own += Math.abs(x) * terms.sigma;
      for (const amount of [Math.abs(size), held]) {
        closeOut += amount * market.low * (terms.gamma + amount * terms.slope);
        gross += amount * market.high;
      }
      unrealised += size * (price - market.funding) + quote;
      collateralValue += held * price;
      hasPosition ||= size !== 0;
      hasCollateral ||= collateral !== 0;
    }
    let base = own;
    for (let group = 0; group < MAX_GROUPS; ++group) {
      base += Math.max(Math.abs(this.#net[group] ?? 0), (this.#floors[group] ?? 1) * (this.#gross[group] ?? 0));
    }
    const money = shares === 0 ? cash : -shares * this.#debtIndex;
    const equity = money + unrealised + collateralValue;
    const maintenance = this.#factor * base + closeOut;
    return {
      equity,
      maintenance,
      unrealised,
      collateralValue,
      hasPosition,
      hasCollateral,
      isSuspect: equity - maintenance <= DOUBT * (1 + gross + Math.abs(money)),
    };
  }

  #rowOf(index: number): Row {
    const known = this.#rows[index];
    if (known !== undefined) return known;
    const account = this.#books.account(index);
    const holdings = new Map<number, { size: number; quote: number; collateral: number }>();
    const at = (asset: number): { size: number; quote: number; collateral: number } => {
      const holding = holdings.get(asset) ?? { size: 0, quote: 0, collateral: 0 };
      holdings.set(asset, holding);
      return holding;
    };
    let closed = 0n;
    for (const [asset, stored] of account.positions) {
      const side = this.#books.market(asset).sideOf(stored.units);
      const { size, quote } = readPosition(side, stored);
      if (stored.epoch === side.epoch) Object.assign(at(asset), { size: toNumber(size), quote: toNumber(quote) });
      else closed += quote;
    }
    for (const [token, amount] of account.collateral) {
      const asset = this.#books.tokens[token]?.asset;
      if (amount !== 0n && asset !== undefined) at(asset).collateral += toNumber(amount);
    }
    const row = {
      cash: toNumber(account.cash + closed),
      shares: toNumber(account.shares),
      holdings: [...holdings].map(([asset, holding]) => ({ asset, ...holding })),
    };
    this.#rows[index] = row;
    return row;
  }
}

/** WAD as a number of whole units. */
export function toNumber(wad: bigint): number {
  const whole = wad / WAD;
  return Number(whole) + Number(wad - whole * WAD) / 1e18;
}
