/** What traders want, from what they can see. Random, but the same for the same seed. */
import type { Books } from "../../model/books.ts";
import { WAD } from "../../model/fixed.ts";
import { seeded } from "../../history/random.ts";
import { withdrawableDown } from "./admission.ts";
import { toNumber } from "./screen.ts";
import type { TraderPlan } from "./types.ts";
import { type World, marketsOf } from "./world.ts";

/** Mean time between two looks, s. */
const PATIENCE = 600;
/** How far back a move is seen, s. */
const LOOKBACK = 1_800;
/** Least move that is acted on. */
const MOVE = 0.003;
/** Trades that a position may come to. */
const MOST_TRADES = 5;
/** Of the collateral: what a hedge may be off by. */
const SLACK = 0.05;
/** Of the least notional: what dust is opened with. */
const DUST = 1.2;
/** A trade of a whale, in trades of others. */
const WHALE = 8;
/** Of the skew cap: how far a pump goes. */
const PUMPED = 0.95;
/** Nobody's order is exact to the wei. */
const SIZE_STEP = 1e-6;
const DEFAULT_NOTIONAL = 20_000;

export interface Wish {
  readonly kind: "order" | "withdraw";
  readonly legs: readonly { readonly asset: number; readonly delta: bigint }[];
  readonly amount: bigint;
}

/** What an agent sees. */
export interface View {
  readonly books: Books;
  readonly account: number;
  readonly at: number;
  readonly now: bigint;
  /** Seconds since the last look of the run. */
  readonly step: number;
  /** Accepted price so many seconds ago. */
  readonly priceAgo: (asset: number, seconds: number) => number;
}

export class Agent {
  readonly #plan: TraderPlan;
  readonly #asset: number;
  readonly #notional: number;
  readonly #random: () => number;
  readonly #skewCap: number;

  constructor(world: World, plan: TraderPlan, seed: number) {
    this.#plan = plan;
    this.#asset = plan.asset ?? plan.book.positions[0]?.asset ?? marketsOf(world)[0] ?? 0;
    this.#notional = plan.notional === undefined ? DEFAULT_NOTIONAL : toNumber(plan.notional);
    this.#skewCap = toNumber(world.assets[this.#asset]?.trade.skewCap ?? 0n);
    this.#random = seeded(seed);
  }

  /** Undefined: nothing now. */
  wish(view: View): Wish | undefined {
    switch (this.#plan.agent) {
      case "holder":
        return undefined;
      case "withdrawer": {
        const amount = withdrawableDown(view.books, view.books.account(view.account), view.now);
        return amount === 0n ? undefined : { kind: "withdraw", legs: [], amount };
      }
      case "pump":
        return this.#pump(view);
      case "dust":
        return this.#sizeOf(view) === 0 && this.#isDue(view)
          ? this.#order(view, (this.#random() < 0.5 ? -1 : 1) * toNumber(view.books.money.minNotional) * DUST)
          : undefined;
      case "hedger":
        return this.#isDue(view) ? this.#hedge(view) : undefined;
      case "basis":
        return this.#isDue(view) ? this.#order(view, -this.#crowd(view) * this.#notional) : undefined;
      case "whale":
        return this.#isDue(view) ? this.#whale(view) : undefined;
      case "trend":
        return this.#isDue(view) ? this.#order(view, this.#move(view) * this.#notional) : undefined;
      case "reverter":
        return this.#isDue(view) ? this.#order(view, -this.#move(view) * this.#notional) : undefined;
    }
  }

  /** At random times, so that not everybody comes at once. */
  #isDue({ step }: View): boolean {
    return this.#random() < step / PATIENCE;
  }

  /** 1, −1 or 0: where the price has gone. */
  #move({ priceAgo }: View): number {
    const move = priceAgo(this.#asset, 0) / priceAgo(this.#asset, LOOKBACK) - 1;
    return Math.abs(move) < MOVE ? 0 : Math.sign(move);
  }

  /** 1, −1 or 0: the side that pays funding, or will. */
  #crowd({ books }: View): number {
    return Math.sign(toNumber(books.skewOf(this.#asset)));
  }

  #whale(view: View): Wish | undefined {
    const { books, account, now } = view;
    const { size } = books.exposureOf(books.account(account), this.#asset, now);
    if (size !== 0n) return { kind: "order", legs: [{ asset: this.#asset, delta: -size }], amount: 0n };
    return this.#order(view, (this.#random() < 0.5 ? -1 : 1) * WHALE * this.#notional, Infinity);
  }

  /** As far as the cap on the skew and its notional let it, upward. */
  #pump(view: View): Wish | undefined {
    const price = view.priceAgo(this.#asset, 0);
    const free = PUMPED * this.#skewCap - toNumber(view.books.skewOf(this.#asset));
    const missing = Math.min(free, this.#notional / price - this.#sizeOf(view));
    return missing < (1 - PUMPED) * this.#skewCap ? undefined : this.#order(view, missing * price, Infinity);
  }

  #hedge(view: View): Wish | undefined {
    const account = view.books.account(view.account);
    const held = view.books.tokens.reduce(
      (sum, { asset }, token) => (asset === this.#asset ? sum + toNumber(account.collateralOf(token)) : sum),
      0,
    );
    const missing = -held - this.#sizeOf(view);
    const price = view.priceAgo(this.#asset, 0);
    return Math.abs(missing) < SLACK * held ? undefined : this.#order(view, missing * price, Infinity);
  }

  /** An order of a notional, unless the position would come to more than `most` trades. */
  #order(view: View, notional: number, most = MOST_TRADES): Wish | undefined {
    const price = view.priceAgo(this.#asset, 0);
    const delta = notional / price;
    if (delta === 0 || Math.abs(this.#sizeOf(view) + delta) * price > most * this.#notional) return undefined;
    const steps = Math.round(delta / SIZE_STEP);
    if (steps === 0) return undefined;
    const size = (BigInt(steps) * WAD) / BigInt(Math.round(1 / SIZE_STEP));
    return { kind: "order", legs: [{ asset: this.#asset, delta: size }], amount: 0n };
  }

  #sizeOf({ books, account, now }: View): number {
    return toNumber(books.exposureOf(books.account(account), this.#asset, now).size);
  }
}
