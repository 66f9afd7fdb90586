/**
 * Who trades, with what, and when: drawn from a seed, before the replay begins. Books are sized by the caps of the markets
 * and by their own requirement, never by what comes; who trades on prices sees those up to the moment of the trade.
 */
import type { Parameters } from "../../deploy/parameters.ts";
import { seeded } from "../../history/random.ts";
import { lotOf } from "../../model/parameters.ts";
import { MARKETS, priceAt, type Recording } from "./recording.ts";
import { type Book, legValue, marginFor, type Measure, measureOf } from "./measure.ts";

export const KINDS = [
  "long",
  "short",
  "pair",
  "basket",
  "hedged collateral",
  "leveraged collateral",
  "trend",
  "dip",
] as const;
/** What a trader holds: the last two hold nothing until prices move. */
export type Kind = (typeof KINDS)[number];

export interface Leg {
  readonly symbol: string;
  /** Base units, WAD; negative sells. */
  readonly size: bigint;
}

export interface TokenAmount {
  /** Symbol of a collateral token, or the settlement token's. */
  readonly token: string;
  /** WAD. */
  readonly amount: bigint;
}

export type Deed =
  | { readonly do: "order"; readonly legs: readonly Leg[]; readonly reduceOnly: boolean }
  | { readonly do: "deposit"; readonly funds: TokenAmount };

export interface TimedDeed {
  /** Unix seconds. */
  readonly time: number;
  readonly deed: Deed;
}

export interface Trader {
  readonly name: string;
  readonly kind: Kind;
  readonly funds: readonly TokenAmount[];
  readonly deeds: readonly TimedDeed[];
  /** Settlement token that it adds once, when its equity comes under its requirement plus a quarter; 0: it does not. */
  readonly reserve: bigint;
}

export interface CastOptions {
  readonly parameters: Parameters;
  readonly recording: Recording;
  readonly seed: number;
  /** Traders, roughly. */
  readonly accounts: number;
  /** Value that the pool begins with, WAD. */
  readonly pool: bigint;
  /** Share of its cap that the open interest of the crowded side reaches, 0 to 1. */
  readonly load: number;
  /** 1: all outright positions are long, −1: short, 0: as many of each. */
  readonly bias: number;
}

const SETTLEMENT = "USDC";
const WAD = 10n ** 18n;
const PPM = 1_000_000n;
/** Books are opened within so long from the start, s. */
const OPENING = 1_200;
/** How often those look who trade on prices, and how far back, s. */
const LOOK = 300;
const BACK = 1_800;
const TREND_MOVE = 0.015;
const TREND_HOLD = 3_600;
const DIP_MOVE = -0.05;
const DIP_HOLD = 7_200;
/** Share of the smaller side of a market that hedged books make up, and that is left to those who come later. */
const HEDGED = 0.8;
const LATER = 0.1;
/** Share of the outright side of a market that its largest trader has. */
const LARGEST = 0.25;

/** Of a crowd of `CROWD`, how many there are of each kind; outright ones for each market. */
const COUNTS: Readonly<Record<Kind, number>> = {
  long: 5,
  short: 2,
  pair: 8,
  basket: 6,
  "hedged collateral": 5,
  "leveraged collateral": 4,
  trend: 4,
  dip: 4,
};
const CROWD = 59;

/** Draws all traders. */
export function castOf(options: CastOptions): readonly Trader[] {
  const draw = new Draw(options);
  const hedged = [
    ...draw.times("pair", () => draw.pair()),
    ...draw.times("basket", () => draw.basket()),
    ...draw.times("hedged collateral", () => draw.hedgedCollateral()),
  ];
  const leveraged = draw.times("leveraged collateral", () => draw.leveragedCollateral());
  const outright = MARKETS.flatMap((symbol) => draw.outright(symbol));
  const later = [
    ...draw.times("trend", (index) => draw.onPrices("trend", index)),
    ...draw.times("dip", (index) => draw.onPrices("dip", index)),
  ];
  return [...hedged, ...leveraged, ...outright, ...later];
}

/** The number of traders that are drawn at least one of each kind and market. */
class Draw {
  readonly #options: CastOptions;
  readonly #random: () => number;
  readonly #measure: Measure;
  /** USD that each side of a market may still take, and what it has. */
  readonly #sides = new Map<
    string,
    { readonly target: [long: number, short: number]; readonly had: [number, number] }
  >();
  readonly #numbers = new Map<Kind, number>();

  constructor(options: CastOptions) {
    const { parameters, recording, seed, bias, load } = options;
    this.#options = options;
    this.#random = seeded(seed);
    this.#measure = measureOf(parameters, (symbol) => priceAt(recording, symbol, recording.from));
    for (const symbol of MARKETS) {
      const cap = this.#capOf(symbol) * load;
      const other = (1 - Math.abs(bias)) / (1 + Math.abs(bias));
      this.#sides.set(symbol, { target: bias >= 0 ? [cap, cap * other] : [cap * other, cap], had: [0, 0] });
    }
  }

  times(kind: Kind, draw: (index: number) => Trader): Trader[] {
    return Array.from({ length: this.#countOf(kind) }, (_, index) => draw(index));
  }

  // ---------------------------------------------------------------- books

  /** Long one market against the other of its group, in equal value. */
  pair(): Trader {
    const [one, other] = this.#chance(0.6) ? (["BTC", "ETH"] as const) : (["SOL", "LINK"] as const);
    const [long, short] = this.#chance(0.5) ? [one, other] : [other, one];
    const value = Math.min(this.#part(long, "pair"), this.#part(short, "pair"));
    return this.#open("pair", this.#legs([long, value], [short, -value]));
  }

  /** Majors against alts, or one of each against the others. */
  basket(): Trader {
    const crossed = this.#chance(0.5);
    const signs = crossed ? [1, -1, -1, 1] : [1, 1, -1, -1];
    const turned = this.#chance(0.5) ? 1 : -1;
    const value = Math.min(...MARKETS.map((symbol) => this.#part(symbol, "basket")));
    const legs = MARKETS.map((symbol, index) => [symbol, value * (signs[index] ?? 1) * turned] as const);
    return this.#open("basket", this.#legs(...legs));
  }

  /** WETH or WBTC sold forward, and a pair on top that uses what margin this leaves. */
  hedgedCollateral(): Trader {
    const [token, symbol, first, second] = this.#chance(0.6)
      ? (["WETH", "ETH", "BTC", "SOL"] as const)
      : (["WBTC", "BTC", "ETH", "LINK"] as const);
    const value = this.#part(symbol, "hedged collateral") / 2;
    const hedge = this.#legs([symbol, -value * this.#between(0.85, 1)]);
    const funds = [{ token, amount: this.#units(symbol, value) }];
    const pair = this.#between(0.5, 1.5) * value;
    const cushion = this.#cushion();
    const sign = this.#chance(0.5) ? 1 : -1;
    let legs = hedge;
    for (let scale = pair; scale > value / 50; scale *= 0.85) {
      const tried = [...hedge, ...this.#legs([first, sign * scale], [second, -sign * scale])];
      if (this.#carries({ legs: tried, funds }, cushion)) {
        legs = tried;
        break;
      }
    }
    this.#note(legs);
    return this.#trader("hedged collateral", { legs, funds });
  }

  /** Long what it has put up: both fall together. */
  leveragedCollateral(): Trader {
    const [token, symbol] = this.#chance(0.6) ? (["WETH", "ETH"] as const) : (["WBTC", "BTC"] as const);
    const value = this.#part(symbol, "leveraged collateral");
    const legs = this.#legs([symbol, value]);
    const cushion = this.#cushion();
    let amount = value / 20;
    while (!this.#carries({ legs, funds: [{ token, amount: this.#units(symbol, amount) }] }, cushion)) amount *= 1.05;
    this.#note(legs);
    return this.#trader("leveraged collateral", { legs, funds: [{ token, amount: this.#units(symbol, amount) }] });
  }

  /** What is left of both sides of a market, shared out: one trader has a large part. */
  outright(symbol: string): Trader[] {
    const { target, had } = this.#sideOf(symbol);
    return (["long", "short"] as const).flatMap((kind, side) => {
      const left = Math.max(0, (target[side] ?? 0) * (1 - LATER) - (had[side] ?? 0));
      if (left === 0) return [];
      const count = this.#countOf(kind);
      const weights = Array.from({ length: count }, () => this.#between(0.3, 1));
      const sum = weights.reduce((total, weight) => total + weight, 0);
      return weights.map((weight, index) => {
        const share = count === 1 ? 1 : (index === 0 ? LARGEST : 0) + ((1 - LARGEST) * weight) / sum;
        return this.#open(kind, this.#legs([symbol, (kind === "long" ? 1 : -1) * left * share]));
      });
    });
  }

  /** Holds nothing, and trades on what the feeds have shown: with moves, or against falls. */
  onPrices(kind: "trend" | "dip", index: number): Trader {
    const symbol = MARKETS[index % MARKETS.length] ?? "ETH";
    const value = (this.#capOf(symbol) * LATER) / Math.max(1, this.#countOf(kind) / MARKETS.length) / 2;
    const { recording } = this.#options;
    const phase = Math.floor(this.#random() * LOOK);
    const deeds: TimedDeed[] = [];
    let held: { readonly size: bigint; readonly until: number } | undefined;
    for (let time = recording.from + BACK + phase; time <= recording.to; time += LOOK) {
      const now = priceAt(recording, symbol, time);
      const move = Number(now) / Number(priceAt(recording, symbol, time - BACK)) - 1;
      if (held === undefined) {
        const enters = kind === "trend" ? Math.abs(move) >= TREND_MOVE : move <= DIP_MOVE;
        if (!enters) continue;
        const side = kind === "dip" || move > 0 ? 1 : -1;
        const size = this.#size(symbol, side * value, now);
        held = { size, until: time + (kind === "trend" ? TREND_HOLD : DIP_HOLD) };
        deeds.push({ time, deed: { do: "order", legs: [{ symbol, size }], reduceOnly: false } });
      } else if (time >= held.until) {
        deeds.push({ time, deed: { do: "order", legs: [{ symbol, size: -held.size }], reduceOnly: true } });
        held = undefined;
      }
    }
    const margin = marginFor(this.#measure, this.#book({ legs: this.#legs([symbol, value]), funds: [] }));
    const amount = (margin * BigInt(Math.round(1.5 * this.#cushion() * 1e6))) / PPM;
    return { ...this.#named(kind), funds: [{ token: SETTLEMENT, amount }], deeds, reserve: 0n };
  }

  // ---------------------------------------------------------------- what they share

  /** A book with just as much cash as it needs, and a cushion. */
  #open(kind: Kind, legs: readonly Leg[]): Trader {
    this.#note(legs);
    const margin = marginFor(this.#measure, this.#book({ legs, funds: [] }));
    const amount = (margin * BigInt(Math.round(this.#cushion() * 1e6))) / PPM;
    return this.#trader(kind, { legs, funds: [{ token: SETTLEMENT, amount }] });
  }

  #trader(kind: Kind, { legs, funds }: { legs: readonly Leg[]; funds: readonly TokenAmount[] }): Trader {
    const { recording } = this.#options;
    const time = recording.from + Math.floor(this.#random() * OPENING);
    const hasReserve = this.#chance(0.25);
    const margin = marginFor(this.#measure, this.#book({ legs, funds: [] }));
    // What an order pays its keeper, and its fees, come out of cash.
    const purse = { token: SETTLEMENT, amount: margin / 50n + 20n * WAD };
    return {
      ...this.#named(kind),
      funds: [...funds, purse],
      deeds: [{ time, deed: { do: "order", legs, reduceOnly: false } }],
      reserve: hasReserve ? margin / 3n : 0n,
    };
  }

  #named(kind: Kind): Pick<Trader, "name" | "kind"> {
    const number = (this.#numbers.get(kind) ?? 0) + 1;
    this.#numbers.set(kind, number);
    return { name: `${kind} ${number}`, kind };
  }

  /** Equity over the initial requirement: most stand near it, as leveraged traders do. */
  #cushion(): number {
    const drawn = this.#random();
    return 1.04 + 1.4 * drawn * drawn;
  }

  #carries(held: { legs: readonly Leg[]; funds: readonly TokenAmount[] }, cushion: number): boolean {
    const book = this.#book(held);
    return Number(book.collateralValue) >= cushion * Number(marginFor(this.#measure, book));
  }

  #book({ legs, funds }: { legs: readonly Leg[]; funds: readonly TokenAmount[] }): Book {
    return this.#measure.bookOf(legs, funds);
  }

  /** USD of a kind's book in a market: a share of what hedged books are to have of its smaller side. */
  #part(symbol: string, kind: Kind): number {
    const { target } = this.#sideOf(symbol);
    const hedgers = COUNTS.pair + COUNTS.basket + COUNTS["hedged collateral"];
    const count = Math.max(1, (hedgers * this.#options.accounts) / CROWD / 2);
    const pool = kind === "leveraged collateral" ? Math.max(...target) : Math.min(...target) || Math.max(...target) / 4;
    return ((pool * HEDGED) / count) * this.#between(0.4, 1.2);
  }

  #legs(...values: readonly (readonly [symbol: string, value: number])[]): Leg[] {
    const { recording } = this.#options;
    return values.map(([symbol, value]) => ({
      symbol,
      size: this.#size(symbol, value, priceAt(recording, symbol, recording.from)),
    }));
  }

  /** Whole lots. @param value USD, negative sells. */
  #size(symbol: string, value: number, price: bigint): bigint {
    const listing = this.#options.parameters.assets.find((asset) => asset.symbol === symbol)?.listing;
    const lot = listing === undefined ? 1n : lotOf(listing);
    const size = (BigInt(Math.round(Math.abs(value) * 1e6)) * WAD * WAD) / (price * PPM);
    const whole = size - (size % lot);
    const least = whole === 0n ? lot : whole;
    return value < 0 ? -least : least;
  }

  /** Base units of a value in USD, WAD, to the eighth decimal. */
  #units(symbol: string, value: number): bigint {
    const { recording } = this.#options;
    const price = priceAt(recording, symbol, recording.from);
    const units = (BigInt(Math.round(value * 1e6)) * WAD * WAD) / (price * PPM);
    return units - (units % 10n ** 10n);
  }

  #note(legs: readonly Leg[]): void {
    for (const leg of legs) {
      const { had } = this.#sideOf(leg.symbol);
      had[leg.size > 0n ? 0 : 1] += Number(legValue(this.#measure, leg)) / 1e18;
    }
  }

  #sideOf(symbol: string) {
    const side = this.#sides.get(symbol);
    if (side === undefined) throw new Error(`no market ${symbol}`);
    return side;
  }

  /** USD that a side may have open at the start. */
  #capOf(symbol: string): number {
    const { parameters, pool, recording } = this.#options;
    const listing = parameters.assets.find((asset) => asset.symbol === symbol)?.listing;
    if (listing === undefined) return 0;
    const price = Number(priceAt(recording, symbol, recording.from)) / 1e18;
    const units = (Number(listing.openInterestCap) / 1e18) * price;
    return Math.min(units, (Number(pool) / 1e18) * (Number(listing.openInterestShare) / 1e6));
  }

  #countOf(kind: Kind): number {
    return Math.max(1, Math.round((COUNTS[kind] * this.#options.accounts) / CROWD));
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  #between(low: number, high: number): number {
    return low + (high - low) * this.#random();
  }
}
