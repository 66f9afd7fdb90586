/**
 * Carries a scenario out on the books of the model, step by step. In a step rounds arrive, keepers liquidate, deleverage and
 * execute what has settled, and then everybody else acts on what they see. Same scenario, same result, bit for bit.
 */
import { BasketRefused } from "../../model/liquidation.ts";
import { type Account, type Books, found, type Leg } from "../../model/books.ts";
import { abs, min } from "../../model/fixed.ts";
import { accrued } from "../../model/funding.ts";
import { marginOf } from "../../model/liquidationPrice.ts";
import type { Price } from "../../model/price.ts";
import { refusalOfTrade, refusalOfWithdrawal } from "./admission.ts";
import { Agent } from "./agents.ts";
import { apply, type Effect } from "./apply.ts";
import { requireConserved } from "./conservation.ts";
import { ScenarioError } from "./errors.ts";
import { Feeds } from "./feeds.ts";
import { dutiesToAccounts, dutiesToMarkets, type Look, purchases, worthOf } from "./keeper.ts";
import { marketRecordOf, Recorder } from "./recorder.ts";
import { type Health, Screen, toNumber } from "./screen.ts";
import type { Conditions, Deed, Fault, FillRecord, RunResult, Scenario } from "./types.ts";
import { emptyBooks, loadWorld, marketsOf, START, type World } from "./world.ts";

/** Equity over the maintenance requirement up to which an account is counted as near. */
const NEAR = [1.05, 1.1, 1.2] as const;
/** Shortfall from which an account may be converted, or have its losses realised, in money and of its collateral. */
const OWED = 900;
const OWED_SHARE = 0.5;
/** Seeds of agents are this far apart. */
const SEED_STRIDE = 7_919;

interface Pending {
  readonly account: number;
  readonly legs: readonly { readonly asset: number; readonly delta: bigint }[];
  /** Second after which a round settles it. */
  readonly boundary: number;
}

/** Simulates a scenario. Throws a ScenarioError for one that makes no sense, a ConservationError where sums are off. */
export async function simulate(scenario: Scenario): Promise<RunResult> {
  return simulateIn(await loadWorld(scenario.parameters), scenario);
}

/** The same with parameters that are loaded. */
export function simulateIn(world: World, scenario: Scenario): RunResult {
  return new Run(world, scenario).play();
}

class Run {
  readonly #world: World;
  readonly #scenario: Scenario;
  readonly #feeds: Feeds;
  readonly #books: Books;
  readonly #screen: Screen;
  readonly #agents: readonly Agent[];
  readonly #recorder: Recorder;
  readonly #keeper: number;
  readonly #markets: readonly number[];
  readonly #paidIn: bigint[];
  /** When each account was first seen unhealthy. */
  readonly #unhealthySince = new Map<number, number>();
  /** By asset: the accepted price after each step. */
  readonly #history: number[][];
  /** Of each provider, what it still wants back. */
  readonly #leaving: bigint[];
  #pending: Pending[] = [];
  #prices: readonly Price[];
  #conditions: Conditions;
  #at = 0;

  constructor(world: World, scenario: Scenario) {
    requireSensible(scenario);
    this.#world = world;
    this.#scenario = scenario;
    this.#feeds = new Feeds(world, scenario);
    this.#prices = this.#feeds.pricesAt(0);
    this.#conditions = this.#feeds.conditionsAt(0, this.#prices);
    const { traders, providers, seed } = scenario;
    this.#keeper = traders.length;
    const accounts = traders.length + 1 + providers.length;
    this.#books = emptyBooks(world, { accounts, prices: this.#prices.map(({ last }) => last) });
    this.#screen = new Screen(world, this.#books);
    this.#agents = traders.map((plan, index) => new Agent(world, plan, seed + SEED_STRIDE * (index + 1)));
    this.#recorder = new Recorder(accounts);
    this.#markets = marketsOf(world);
    this.#paidIn = world.tokens.map(() => 0n);
    this.#history = world.assets.map(() => []);
    this.#leaving = providers.map(({ deposit }) => deposit);
  }

  play(): RunResult {
    this.#open();
    const { duration, step } = this.#scenario;
    for (let at = step; at <= duration; at += step) this.#step(at);
    return this.#recorder.resultOf(this.#books, this.#scenario, this.#now);
  }

  get #now(): bigint {
    return START + BigInt(this.#at);
  }

  // ---------------------------------------------------------------- steps

  #open(): void {
    const { traders, providers, insurance, keeper } = this.#scenario;
    this.#do({ kind: "prices", prices: this.#prices, conditions: this.#conditions });
    this.#pay(this.#keeper, keeper.cash);
    for (const [index, { deposit }] of providers.entries()) {
      const account = this.#keeper + 1 + index;
      this.#pay(account, index === 0 ? deposit + insurance : deposit);
      if (index === 0 && insurance !== 0n) this.#do({ kind: "fundInsurance", account, amount: insurance });
      if (deposit !== 0n) this.#do({ kind: "fundPool", account, amount: deposit });
    }
    for (const [account, { book }] of traders.entries()) {
      this.#pay(account, book.cash);
      for (const sale of book.collateral) {
        this.#do({ kind: "addCollateral", account, sale });
        this.#paidIn[sale.token] = (this.#paidIn[sale.token] ?? 0n) + sale.amount;
      }
    }
    for (const [account, { book }] of traders.entries()) {
      if (book.positions.length === 0) continue;
      const legs = book.positions.map(({ asset, size }) => ({ asset, delta: size }));
      this.#trade(account, legs, (asset) => found(this.#books.prices[asset]).last);
    }
    this.#reprice();
    for (const account of traders.keys()) this.#recorder.started(this.#books, account, this.#now);
    this.#record(traders.map((_, account) => this.#screen.healthOf(account)));
  }

  #step(at: number): void {
    this.#at = at;
    const keepersUp = !this.#isFaulty("keepersDown");
    const sequencerUp = !this.#isFaulty("sequencerDown");
    if (sequencerUp) this.#feeds.arrive(at, { isWatched: keepersUp });
    this.#readPrices();
    this.#reprice();
    const healths = this.#scenario.traders.map((_, account) => this.#screen.healthOf(account));
    const unhealthy = this.#watch(healths);
    if (keepersUp && sequencerUp) {
      if (this.#conditions.sequencerSettled) {
        this.#relieve(healths, unhealthy);
        this.#deleverage();
      }
      this.#mark();
      this.#execute();
    }
    if (sequencerUp) {
      this.#act();
      this.#provide();
    }
    requireConserved(this.#books, this.#paidIn);
    this.#record(healths);
  }

  #readPrices(): void {
    const prices = this.#feeds.pricesAt(this.#at);
    const conditions = this.#feeds.conditionsAt(this.#at, prices);
    const isSame =
      prices.every((price, asset) => isSamePrice(price, this.#prices[asset])) &&
      conditions.sequencerUp === this.#conditions.sequencerUp &&
      conditions.sequencerSettled === this.#conditions.sequencerSettled &&
      conditions.pegHeld === this.#conditions.pegHeld &&
      conditions.settlementPrice === this.#conditions.settlementPrice;
    if (isSame) return;
    this.#prices = prices;
    this.#conditions = conditions;
    this.#do({ kind: "prices", prices, conditions });
  }

  #reprice(): void {
    const fundings = this.#books.assets.map(({ trade }, asset) => {
      const { funding } = this.#books.market(asset);
      if (funding.velocity === 0n && funding.rate === 0n) return funding.index;
      const { last } = found(this.#books.prices[asset]);
      return accrued(funding, { maxRate: trade.maxFundingRate, price: last, now: this.#now }).index;
    });
    this.#screen.reprice(this.#books.prices, fundings, this.#now);
    for (const [asset, history] of this.#history.entries()) {
      history.push(toNumber(found(this.#books.prices[asset]).last));
    }
  }

  /** Who is unhealthy, and since when; worst first. */
  #watch(healths: readonly Health[]): readonly number[] {
    const margins = new Map<number, bigint>();
    for (const [account, health] of healths.entries()) {
      const isHolding = health.hasPosition || health.hasCollateral;
      const margin = isHolding && health.isSuspect ? this.#marginOf(this.#books.account(account)) : undefined;
      if (margin !== undefined && margin <= 0n) margins.set(account, margin);
      else this.#unhealthySince.delete(account);
    }
    for (const account of margins.keys()) {
      if (!this.#unhealthySince.has(account)) this.#unhealthySince.set(account, this.#at);
    }
    return [...margins]
      .sort(([, one], [, other]) => (one < other ? -1 : one > other ? 1 : 0))
      .map(([account]) => account);
  }

  // ---------------------------------------------------------------- keepers

  #relieve(healths: readonly Health[], unhealthy: readonly number[]): void {
    const { latency } = this.#scenario.keeper;
    const isRipe = (account: number): boolean => this.#at - (this.#unhealthySince.get(account) ?? this.#at) >= latency;
    const others = healths.flatMap((health, account) => (this.#isOwing(account, health) ? [account] : []));
    for (const account of new Set([...unhealthy.filter(isRipe), ...others])) {
      if (unhealthy.includes(account) && !isRipe(account)) continue;
      for (const { deed, reward } of dutiesToAccounts(this.#look, [account])) this.#undertake(deed, reward);
    }
    for (const { deed, reward } of purchases(this.#look)) this.#undertake(deed, reward);
  }

  /** Owes so much that something else than a liquidation may be due. */
  #isOwing(account: number, { equity, collateralValue, hasPosition, hasCollateral }: Health): boolean {
    const { insolventSince, shares } = this.#books.account(account);
    if (insolventSince !== 0n) return true;
    if (!hasPosition && !hasCollateral) return shares !== 0n;
    const owed = collateralValue - equity;
    return owed > OWED || (hasCollateral && owed > OWED_SHARE * collateralValue);
  }

  /** Does what is worth its gas; a duty always is. */
  #undertake(deed: Deed, reward: bigint | undefined): void {
    const gas = { factor: this.#gasFactor(), nativePrice: this.#nativePrice() };
    const { cost, worthwhile } = worthOf(this.#look, reward, gas);
    if (!worthwhile) {
      this.#recorder.refused("not worth its gas");
      return;
    }
    const insurance = this.#books.insurance;
    const fills =
      deed.kind === "liquidate"
        ? deed.basket.reductions.map(({ asset, delta }) => {
            const price = found(this.#books.prices[asset]).last;
            return this.#fillOf(deed.account, { asset, delta, price });
          })
        : [];
    const effect = this.#attempt(deed);
    if (effect === undefined) return;
    this.#recorder.fills.push(...fills);
    this.#recorder.keeperProfit += (reward ?? 0n) - cost;
    if (effect.kind === "liquidated" && (deed.kind === "liquidate" || deed.kind === "takeOver")) {
      const { kind, account } = deed;
      const waited = this.#at - (this.#unhealthySince.get(account) ?? this.#at);
      this.#recorder.liquidated(effect.outcome, { kind, at: this.#at, account, waited, cost });
    }
    if (effect.kind === "deficit" && "account" in deed) {
      const fromInsurance = min(effect.deficit, insurance - this.#books.insurance);
      this.#recorder.wroteOff(deed.account, { deficit: effect.deficit, fromInsurance });
    }
  }

  #deleverage(): void {
    const pool = this.#books.poolState(this.#now);
    if (pool.markets.length === 0) return;
    const settlementOf = (asset: number, flaggedAt: bigint): bigint | undefined =>
      this.#feeds.roundAfter(asset, Number(flaggedAt - START), this.#at)?.price;
    for (const deed of dutiesToMarkets(this.#look, pool, settlementOf)) {
      const trigger = deed.kind === "deleverage" ? this.#books.market(deed.asset).watch.trigger : "None";
      const before = "asset" in deed ? marketRecordOf(this.#books, deed.asset, this.#now) : undefined;
      const effect = this.#attempt(deed);
      if (
        effect?.kind === "deleveraged" &&
        effect.closed !== 0n &&
        deed.kind === "deleverage" &&
        before !== undefined
      ) {
        const side = before.longSize > before.shortSize ? before.longSize : before.shortSize;
        const fraction = (effect.closed * 10n ** 18n) / side;
        this.#recorder.deleveragings.push({
          at: this.#at,
          asset: deed.asset,
          trigger,
          fraction,
          closed: effect.closed,
        });
      }
      if (effect?.kind === "cut") {
        this.#recorder.cuts.push({ at: this.#at, fromInsurance: effect.fromInsurance, cut: effect.cut });
      }
      this.#recorder.keeperProfit -= worthOf(this.#look, undefined, {
        factor: this.#gasFactor(),
        nativePrice: this.#nativePrice(),
      }).cost;
    }
  }

  #mark(): void {
    const { markTime, globals } = this.#books;
    if (this.#now >= markTime + globals.markMaxAge / 2n) this.#do({ kind: "markPool" });
  }

  /** Executes the orders that have settled. */
  #execute(): void {
    const waiting: Pending[] = [];
    const { executionWindow } = this.#world.parameters.orders;
    for (const order of this.#pending) {
      const prices = new Map<number, bigint>();
      let end: "waiting" | "void" | undefined;
      for (const { asset } of order.legs) {
        const price = this.#feeds.settlementOf(asset, order.boundary, this.#at);
        if (price === undefined) end = "waiting";
        else if (price === "void") end ??= "void";
        else prices.set(asset, price);
      }
      if (end === "waiting") waiting.push(order);
      else if (end === "void") this.#recorder.refused("no admissible round");
      else if (this.#at > order.boundary + Number(executionWindow)) this.#recorder.refused("TooLate");
      else this.#trade(order.account, order.legs, (asset) => found(prices.get(asset)));
    }
    this.#pending = waiting;
  }

  // ---------------------------------------------------------------- traders and providers

  #act(): void {
    const { step } = this.#scenario;
    const { delay } = this.#world.parameters.orders;
    const pending = new Set(this.#pending.map(({ account }) => account));
    for (const [account, agent] of this.#agents.entries()) {
      if (pending.has(account)) continue;
      const wish = agent.wish({
        books: this.#books,
        account,
        at: this.#at,
        now: this.#now,
        step,
        priceAgo: (asset, seconds) => this.#priceAgo(asset, seconds),
      });
      if (wish === undefined) continue;
      if (wish.kind === "order") {
        this.#pending.push({ account, legs: wish.legs, boundary: this.#at + Number(delay) });
        continue;
      }
      const refusal = refusalOfWithdrawal(this.#books, this.#books.account(account), wish.amount, this.#now);
      this.#do({ kind: "withdraw", account, amount: wish.amount }, refusal);
      if (refusal === undefined) this.#recorder.withdrew(account, wish.amount);
    }
  }

  #priceAgo(asset: number, seconds: number): number {
    const history = this.#history[asset] ?? [];
    const back = Math.min(history.length - 1, Math.round(seconds / this.#scenario.step));
    return history[history.length - 1 - back] ?? 0;
  }

  /** Providers who leave get what may leave. */
  #provide(): void {
    for (const [index, { leavesAt }] of this.#scenario.providers.entries()) {
      const wanted = this.#leaving[index] ?? 0n;
      if (leavesAt === undefined || this.#at < leavesAt || wanted === 0n) continue;
      const { redeemable, blocked, live } = this.#books.poolValue(this.#now);
      const amount = min(wanted, redeemable);
      if (blocked || !live || amount === 0n) continue;
      const account = this.#keeper + 1 + index;
      this.#do({ kind: "fundPool", account, amount: -amount });
      this.#leaving[index] = wanted - amount;
      this.#recorder.poolLeft += amount;
    }
  }

  #trade(
    account: number,
    legs: readonly { readonly asset: number; readonly delta: bigint }[],
    priceOf: (asset: number) => bigint,
  ): void {
    const priced = legs.map(({ asset, delta }) => ({ asset, delta, price: priceOf(asset) }));
    const owner = this.#books.account(account);
    const sizeOf = (asset: number): bigint => this.#books.exposureOf(owner, asset, this.#now).size;
    const reduceOnly = priced.every(({ asset, delta }) => {
      const size = sizeOf(asset);
      return size !== 0n && size < 0n !== delta < 0n && abs(delta) <= abs(size);
    });
    const options = { reduceOnly, now: this.#now, conditions: this.#conditions };
    const refusal = refusalOfTrade(this.#books, owner, priced, options);
    if (refusal === undefined) {
      this.#recorder.fills.push(...priced.map((leg) => this.#fillOf(account, leg)));
    } else this.#recorder.refused(refusal);
    this.#do({ kind: "trade", account, legs: priced, reduceOnly }, refusal);
  }

  /** What a fill would be now. */
  #fillOf(account: number, { asset, delta, price }: Leg): FillRecord {
    const twoDepth = 2n * found(this.#books.assets[asset]).sizes.depth;
    const fillPrice = (price * (twoDepth + 2n * this.#books.skewOf(asset) + delta)) / twoDepth;
    return { at: this.#at, account, asset, delta, price, fillPrice };
  }

  #pay(account: number, amount: bigint): void {
    if (amount !== 0n) this.#do({ kind: "deposit", account, amount });
  }

  // ---------------------------------------------------------------- deeds

  /** Logs a deed, and carries it out unless it is refused. */
  #do(deed: Deed, refusal?: string): Effect | undefined {
    const time = this.#now;
    this.#recorder.log.push({ time, deed, refusal });
    if (refusal !== undefined) return undefined;
    const effect = apply(this.#books, deed, { now: time, conditions: this.#conditions });
    if (deed.kind === "deleverage" || deed.kind === "cutProfits") this.#screen.forget();
    if ("account" in deed) this.#screen.forget(deed.account);
    if ("by" in deed) this.#screen.forget(deed.by);
    return effect;
  }

  /** As `#do`, but nothing is logged of what the model refuses: a keeper simulates before it sends. */
  #attempt(deed: Deed): Effect | undefined {
    const { log } = this.#recorder;
    const length = log.length;
    try {
      const effect = this.#do(deed);
      const isRefused =
        (effect?.kind === "liquidated" && effect.outcome.refusal !== undefined) ||
        (effect?.kind === "converted" && typeof effect.conversion === "string") ||
        (effect?.kind === "flagged" && effect.trigger === undefined) ||
        (effect?.kind === "cut" && effect.fromInsurance === 0n && effect.cut === 0n);
      if (!isRefused) return effect;
    } catch (error) {
      if (!(error instanceof BasketRefused)) throw error;
    }
    log.length = length;
    return undefined;
  }

  get #look(): Look {
    return {
      books: this.#books,
      own: this.#keeper,
      now: this.#now,
      conditions: this.#conditions,
      plan: this.#scenario.keeper,
    };
  }

  #marginOf(account: Account): bigint {
    const { groups, globals } = this.#books;
    return marginOf({ ...this.#books.standingOf(account, this.#now), groups, globals, time: this.#now });
  }

  #isFaulty(kind: Fault["kind"]): boolean {
    return this.#scenario.faults.some(
      (fault) => fault.kind === kind && this.#at >= fault.from && this.#at < fault.until,
    );
  }

  #gasFactor(): number {
    return this.#scenario.faults
      .filter(({ from, until }) => this.#at >= from && this.#at < until)
      .reduce((factor, fault) => (fault.kind === "gas" ? factor * fault.factor : factor), 1);
  }

  #nativePrice(): bigint {
    return found(this.#books.prices[Number(this.#world.parameters.environment.nativeAsset)]).last;
  }

  #record(healths: readonly Health[]): void {
    const open = healths.filter(({ hasPosition }) => hasPosition);
    const within = (bound: number): number =>
      open.filter(({ equity, maintenance }) => equity <= bound * maintenance).length;
    const { equity } = this.#books.poolValue(this.#now);
    this.#recorder.stepped({
      at: this.#at,
      poolEquity: equity,
      insurance: this.#books.insurance,
      markets: this.#markets.map((asset) => marketRecordOf(this.#books, asset, this.#now)),
      near: [within(NEAR[0]), within(NEAR[1]), within(NEAR[2])],
      unhealthy: this.#unhealthySince.size,
    });
  }
}

function requireSensible({ duration, step, traders, providers, paths }: Scenario): void {
  if (!(step >= 1) || !(duration >= step))
    throw new ScenarioError("a run needs a step of a second or more, and one step");
  if (!Number.isInteger(step) || !Number.isInteger(duration)) throw new ScenarioError("steps are whole seconds");
  if (traders.length === 0) throw new ScenarioError("a run needs traders");
  if (providers.length === 0) throw new ScenarioError("a run needs a provider: the pool is everybody's other side");
  const assets = paths.map(({ asset }) => asset);
  if (new Set(assets).size !== assets.length) throw new ScenarioError("two paths of one asset");
}

function isSamePrice(one: Price, other: Price | undefined): boolean {
  return (
    one.last === other?.last &&
    one.spread === other.spread &&
    one.refusal === other.refusal &&
    one.settling === other.settling &&
    one.dead === other.dead &&
    one.updatedAt === other.updatedAt
  );
}
