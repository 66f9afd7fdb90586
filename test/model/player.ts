/** Carries steps of a history out on the clearing house and in the model, and compares the two after each. */
import { expect } from "chai";
import type { ContractTransactionResponse } from "ethers";

import { abs, max, min, WAD } from "../../scripts/model/fixed.ts";
import { SKEW_PATIENCE } from "../../scripts/model/deleverage.ts";
import { type Basket, BasketRefused, type LiquidationOutcome } from "../../scripts/model/liquidation.ts";
import { liquidationPrices, marginOf } from "../../scripts/model/liquidationPrice.ts";
import { findLiquidation } from "../../scripts/model/liquidationSearch.ts";
import { encodePrice, isLiquidatable, livePrice, type Price } from "../../scripts/model/price.ts";
import { SEIZURE_DELAY } from "../../scripts/model/seizure.ts";
import { type Account, found, type Leg, type Settlement } from "../../scripts/model/books.ts";
import { compareTerms, compareWorld, customErrorOf } from "../../scripts/lab/engine/comparison.ts";
import type { Step } from "./steps.ts";
import {
  GAMBLER,
  LIQUIDATOR,
  networkHelpers,
  PROVIDER,
  SETTLEMENT,
  SETTLEMENT_PRICE,
  START_PRICES,
  TRADERS,
  type World,
} from "./world.ts";

/** What an order may be refused for without the history being at fault. */
const ORDER_REFUSALS = new Set([
  "IncreaseRefused",
  "InsufficientLiquidity",
  "InsufficientMargin",
  "MarketIsReduceOnly",
  "OpenInterestExceeded",
  "PositionTooSmall",
  "ReductionRefused",
  "SkewExceeded",
]);
/** What a withdrawal, or the purchase of collateral, may be refused for. */
const MONEY_REFUSALS = new Set(["InsufficientMargin", "InsufficientCash"]);

type Of<Kind extends Step["kind"]> = Extract<Step, { kind: Kind }>;
type Sent = Promise<ContractTransactionResponse>;

/** How often each kind of thing has happened. */
export function newTally() {
  return {
    trades: 0,
    flips: 0,
    refusals: 0,
    withdrawals: 0,
    liquidations: 0,
    deficits: 0,
    judgedBefore: 0,
    takeOvers: 0,
    conversions: 0,
    realised: 0,
    folded: 0,
    settledDeficits: 0,
    insolvencies: 0,
    cleared: 0,
    seizures: 0,
    advanced: 0,
    seizedSold: 0,
    watched: 0,
    flagsBySkew: 0,
    flagsByBudget: 0,
    flagsByPool: 0,
    deleveraged: 0,
    dropped: 0,
    rescues: 0,
    cuts: 0,
    marketsClosed: 0,
    funded: 0,
    drained: 0,
    marks: 0,
  };
}

export class Player {
  readonly #world: World;
  readonly #tally: ReturnType<typeof newTally>;
  /** Seconds to pass before the next transaction. */
  #pause = 0n;
  #settlement: Settlement;

  constructor(world: World, tally: ReturnType<typeof newTally>) {
    this.#world = world;
    this.#tally = tally;
  }

  async open(): Promise<void> {
    await this.#setPrices();
    for (const [account, amount] of [
      [PROVIDER, 20_000_000n],
      [LIQUIDATOR, 50_000_000n],
      ...Array.from({ length: TRADERS }, (_, index) => [index, 8_000n] as const),
    ] as const) {
      await this.#credit({ account, token: SETTLEMENT, amount: amount * WAD });
    }
    await this.#fundPool(150_000n * WAD);
    await this.#fundInsurance(2_000n * WAD);
    await compareWorld(this.#world);
  }

  /** Carries a step out, and compares everything. */
  async play(step: Step): Promise<void> {
    const acting = await this.#play(step);
    const now = await compareWorld(this.#world);
    if (acting !== undefined) await compareTerms(this.#world, acting, now);
  }

  /** The trader whose terms are worth a comparison, if any. */
  async #play(step: Step): Promise<number | undefined> {
    const { books } = this.#world;
    switch (step.kind) {
      case "wait":
        this.#pause += BigInt(step.seconds);
        return undefined;
      case "prices":
        books.prices.forEach((price, asset) => {
          const doubtful = (step.doubt & (1 << asset)) !== 0 && step.doubt < 6;
          books.prices[asset] = movedPrice(price, { move: found(step.moves[asset]), asset, doubtful });
        });
        await this.#setPrices();
        return undefined;
      case "credit": {
        const { account, token, value } = step;
        const asset = books.tokens[token]?.asset;
        const price = asset === undefined ? WAD : found(books.prices[asset]).last;
        await this.#credit({ account, token, amount: (BigInt(value) * WAD * WAD) / price });
        return undefined;
      }
      case "withdraw":
        return this.#withdraw(step);
      case "trade":
        return this.#trade(step);
      case "crowd":
        return this.#crowd(step);
      case "liquidate":
        return this.#liquidate(step);
      case "takeOver":
        return this.#takeOver(step);
      case "convert":
        return this.#convert(step);
      case "realise":
        return this.#realise(step);
      case "settleDeficit":
        return this.#settleDeficit(step);
      case "insolvency":
        return this.#insolvency(step);
      case "buySeized":
        return this.#buySeized(step);
      case "deleverage":
        return this.#deleverage(step);
      case "cutProfits":
        return this.#cutProfits(step);
      case "windDown":
        return this.#windDown(step);
      case "closeMarket":
        return this.#closeMarket(step);
      case "pool":
        return this.#pool(step);
      case "insurance":
        await this.#fundInsurance(BigInt(step.value) * 1_000n * WAD);
        return undefined;
      case "mark":
        return this.#mark();
    }
  }

  // ---------------------------------------------------------------- money

  async #credit({ account, token, amount }: { account: number; token: number; amount: bigint }): Promise<void> {
    const { driver, books } = this.#world;
    const now = await this.#next();
    await driver.credit(this.#id(account), token, amount);
    if (token === SETTLEMENT) books.deposit(books.account(account), amount, now);
    else books.addCollateral(books.account(account), token, amount);
  }

  async #withdraw({ account: index, token, share }: Of<"withdraw">): Promise<number | undefined> {
    const { driver, books } = this.#world;
    const account = books.account(index);
    const held = token === SETTLEMENT ? account.cash : account.collateralOf(token);
    const amount = (held * BigInt(share)) / 100n;
    if (amount === 0n) return undefined;
    const now = await this.#next();
    if (!(await this.#accepted(driver.debit(this.#id(index), token, amount), MONEY_REFUSALS))) return undefined;
    ++this.#tally.withdrawals;
    if (token === SETTLEMENT) books.withdraw(account, amount, now);
    else books.addCollateral(account, token, -amount);
    return index;
  }

  async #pool({ value }: Of<"pool">): Promise<undefined> {
    if (value > 0) {
      await this.#fundPool(BigInt(value) * 1_000n * WAD);
      return;
    }
    const { driver, books } = this.#world;
    const now = await this.#next();
    const { redeemable } = books.poolValue(now);
    const amount = (redeemable * BigInt(-value)) / 100n + 1n;
    const sent = driver.drainPool(this.#id(PROVIDER), amount);
    if (amount > redeemable) {
      await this.#refused(sent, books.base < amount ? "InsufficientLiquidity" : "PoolUndercovered");
      return;
    }
    await sent;
    books.fundPool(books.account(PROVIDER), -amount, now);
    ++this.#tally.drained;
  }

  async #fundPool(amount: bigint): Promise<void> {
    const { driver, books } = this.#world;
    const now = await this.#next();
    await driver.fundPool(this.#id(PROVIDER), amount);
    books.fundPool(books.account(PROVIDER), amount, now);
    ++this.#tally.funded;
  }

  /** @param amount Negative: pays out. */
  async #fundInsurance(amount: bigint): Promise<void> {
    const { driver, books } = this.#world;
    const now = await this.#next();
    if (amount > 0n) await driver.fundInsurance(this.#id(PROVIDER), amount);
    else await driver.drainInsurance(this.#id(PROVIDER), -amount);
    books.fundInsurance(books.account(PROVIDER), amount, now);
  }

  async #mark(): Promise<undefined> {
    const now = await this.#next();
    await this.#world.house.markPool();
    this.#world.books.markPool(now);
    ++this.#tally.marks;
  }

  // ---------------------------------------------------------------- trading

  async #trade(step: Of<"trade">): Promise<number | undefined> {
    const { books } = this.#world;
    const now = BigInt(await networkHelpers.time.latest());
    const account = books.account(step.account);
    const sizeOf = (asset: number): bigint => books.exposureOf(account, asset, now).size;
    const legs: Leg[] = step.legs.map(({ asset, value }) => {
      const { last } = found(books.prices[asset]);
      const part = (-sizeOf(asset) * BigInt(step.share)) / 100n;
      return {
        asset,
        delta: part === 0n ? (BigInt(value) * WAD * WAD) / last : part,
        price: last + (last * BigInt(step.slip)) / 1_000_000n,
      };
    });
    const reduceOnly = step.share > 100 && legs.every(({ asset }) => sizeOf(asset) !== 0n);
    return (await this.#order(step.account, legs, reduceOnly)) ? step.account : undefined;
  }

  async #crowd({ accounts, asset, long }: Of<"crowd">): Promise<number | undefined> {
    const { books } = this.#world;
    const { trade } = found(books.assets[asset]);
    const { last } = found(books.prices[asset]);
    const step = ((long ? 1n : -1n) * trade.skewCap * 9n) / 10n;
    const [stays, leaves] = accounts;
    await this.#mark();
    for (const account of accounts) await this.#credit({ account, token: SETTLEMENT, amount: 30_000n * WAD });
    const missing = step - books.skewOf(asset);
    for (const [account, delta] of [
      [stays, missing],
      [leaves, -2n * step],
      [stays, 2n * step],
    ] as const) {
      if (delta !== 0n) await this.#order(account, [{ asset, delta, price: last }], false);
    }
    const { size } = books.exposureOf(books.account(leaves), asset, BigInt(await networkHelpers.time.latest()));
    if (size !== 0n) await this.#order(leaves, [{ asset, delta: -size, price: last }], true);
    return stays;
  }

  async #order(index: number, legs: readonly Leg[], reduceOnly: boolean): Promise<boolean> {
    const { driver, books } = this.#world;
    const account = books.account(index);
    const now = await this.#next();
    if (!(await this.#accepted(driver.trade(this.#id(index), [...legs], reduceOnly), ORDER_REFUSALS))) return false;
    for (const { asset, delta } of legs) {
      const { size } = books.exposureOf(account, asset, now);
      if (size !== 0n && !reduceOnly && size < 0n !== size + delta < 0n && size + delta !== 0n) ++this.#tally.flips;
    }
    this.#countFolded(account);
    books.trade(account, legs, { reduceOnly, now });
    ++this.#tally.trades;
    return true;
  }

  // ---------------------------------------------------------------- liquidation

  /** Either the basket that the search finds, or an arbitrary one, which the model must judge as the contract does. */
  async #liquidate(step: Of<"liquidate">): Promise<number | undefined> {
    const { house, books } = this.#world;
    const index = step.due ? await this.#dueFrom(step) : step.account;
    const account = books.account(index);
    const now = await this.#next();
    const options = { liquidator: books.account(LIQUIDATOR), now, settlementPrice: SETTLEMENT_PRICE };
    const state = books.liquidationState(account, options);
    if (state.exposuresBefore !== undefined) ++this.#tally.judgedBefore;
    const planned = step.share % 2 === 0 ? findLiquidation(state)?.basket : undefined;
    const basket = planned ?? this.#anyBasket(account, { share: step.share, now });
    const outcome = outcomeOf(() => books.liquidate(account, basket, options));
    const sent = house.liquidate(this.#id(index), [...basket.reductions], [...basket.sales], this.#id(LIQUIDATOR));
    return (await this.#judged(sent, outcome, { index, by: LIQUIDATOR, count: "liquidations" })) ? index : undefined;
  }

  async #takeOver(step: Of<"takeOver">): Promise<number | undefined> {
    const { house, books } = this.#world;
    const index = await this.#dueFrom(step);
    if (index === step.taker) return undefined;
    const account = books.account(index);
    const now = await this.#next();
    const legs = this.#anyBasket(account, { share: step.share, now }).reductions;
    const options = { taker: books.account(step.taker), now, settlementPrice: SETTLEMENT_PRICE };
    const outcome = outcomeOf(() => books.takeOver(account, legs, options));
    const sent = house.takeOver(this.#id(index), [...legs], this.#id(step.taker));
    return (await this.#judged(sent, outcome, { index, by: step.taker, count: "takeOvers" })) ? index : undefined;
  }

  /** Whether the contract did what the model says. */
  async #judged(
    sent: Sent,
    outcome: LiquidationOutcome | BasketRefused,
    { index, by, count }: { index: number; by: number; count: "liquidations" | "takeOvers" },
  ): Promise<boolean> {
    const refusal = outcome instanceof BasketRefused ? outcome.reason : outcome.refusal;
    if (outcome instanceof BasketRefused || refusal !== undefined) {
      await this.#refused(sent, refusal ?? "");
      return false;
    }
    await expect(sent)
      .to.emit(this.#world.house, "Liquidated")
      .withArgs(this.#id(index), this.#id(by), [
        outcome.equityBefore,
        outcome.maintenanceBefore,
        outcome.equityAfter,
        outcome.maintenanceAfter,
        outcome.penalty,
        outcome.discount,
        outcome.reward,
        outcome.deficit,
      ]);
    ++this.#tally[count];
    if (outcome.deficit > 0n) ++this.#tally.deficits;
    return true;
  }

  /** A trader whose equity does not cover its maintenance requirement. Where there is none, a price moves to where the
   * model says that there is one, and up to 4 % further. */
  async #dueFrom({ account: start, share }: { account: number; share: number }): Promise<number> {
    const { books } = this.#world;
    const now = BigInt(await networkHelpers.time.latest()) + this.#pause + 2n;
    const marginsOf = (index: number) => ({
      ...books.standingOf(books.account(index), now),
      groups: books.groups,
      globals: books.globals,
      time: now,
    });
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
        await this.#setPrice(asset, bound + (bound === below ? -further : further));
        return index;
      }
    }
    return start;
  }

  #anyBasket(account: Account, { share, now }: { share: number; now: bigint }): Basket {
    const part = BigInt(share);
    return {
      reductions: this.#world.books
        .exposuresOf(account, now)
        .map(({ asset, size }) => ({ asset, delta: (-size * part) / 100n }))
        .filter(({ delta }) => delta !== 0n),
      sales: this.#salesOf(account, share),
    };
  }

  #salesOf(account: Account, share: number) {
    return [...account.collateral]
      .map(([token, amount]) => ({ token, amount: (amount * BigInt(share)) / 100n }))
      .filter(({ amount }) => amount !== 0n);
  }

  // ---------------------------------------------------------------- waterfall

  /** A small share, so that the shortfall stays above its limit, of an account that has one, where there is any. */
  async #convert(step: Of<"convert">): Promise<number | undefined> {
    const { house, books } = this.#world;
    const now = await this.#next();
    const options = { buyer: books.account(LIQUIDATOR), now, settlementPrice: SETTLEMENT_PRICE };
    const traders = Array.from({ length: TRADERS }, (_, offset) => (step.account + offset) % TRADERS);
    const index = traders.find((trader) => this.#isShort(books.account(trader), now)) ?? step.account;
    const account = books.account(index);
    const sales = this.#salesOf(account, 1 + (step.share % 40));
    if (sales.length === 0) return undefined;
    const conversion = books.convert(account, sales, options);
    const sent = house.convert(this.#id(index), sales, this.#id(LIQUIDATOR));
    if (typeof conversion === "string") {
      await this.#refused(sent, conversion);
      return undefined;
    }
    await expect(sent)
      .to.emit(house, "Converted")
      .withArgs(this.#id(index), this.#id(LIQUIDATOR), conversion.proceeds, conversion.shortfall);
    ++this.#tally.conversions;
    return index;
  }

  /** Whether an account owes against its collateral a good part of what that is worth. */
  #isShort(account: Account, now: bigint): boolean {
    const { books } = this.#world;
    const value = collateralValueOf(books.standingOf(account, now).exposures);
    return value !== 0n && (value - books.equityOf(account, now)) * 3n > value;
  }

  async #realise({ account: start }: Of<"realise">): Promise<number> {
    const { house, books } = this.#world;
    const now = await this.#next();
    const traders = [GAMBLER, ...Array.from({ length: TRADERS }, (_, offset) => (start + offset) % TRADERS)];
    const index = traders.find((trader) => this.#folds(books.account(trader))) ?? start;
    const account = books.account(index);
    this.#countFolded(account);
    await house.realise(this.#id(index));
    if (books.realise(account, now) !== 0n) ++this.#tally.realised;
    return index;
  }

  async #settleDeficit({ account: start }: Of<"settleDeficit">): Promise<undefined> {
    const { house, books } = this.#world;
    const now = await this.#next();
    const traders = [GAMBLER, ...Array.from({ length: TRADERS }, (_, offset) => (start + offset) % TRADERS)];
    const stateOf = (index: number) => books.standingOf(books.account(index), now);
    const index =
      traders.find((trader) => stateOf(trader).exposures.length === 0 && stateOf(trader).cash < 0n) ?? start;
    const { exposures, cash } = stateOf(index);
    const sent = house.settleDeficit(this.#id(index));
    if (exposures.some(({ size }) => size !== 0n)) return this.#refused(sent, "PositionsLeft");
    if (exposures.length !== 0) return this.#refused(sent, "CollateralLeft");
    if (cash >= 0n) return this.#refused(sent, "NoDeficit");
    await sent;
    this.#countFolded(books.account(index));
    expect(books.settleDeficit(books.account(index), now)).to.equal(-cash);
    ++this.#tally.settledDeficits;
  }

  /** Takes an account with collateral into insolvency, and either saves it or seizes what it has. */
  async #insolvency(step: Of<"insolvency">): Promise<number | undefined> {
    const { house, books } = this.#world;
    const traders = Array.from({ length: TRADERS }, (_, offset) => (step.account + offset) % TRADERS);
    const flagged = traders.find((trader) => books.account(trader).insolventSince !== 0n);
    const index = flagged ?? (await this.#brokenFrom(traders));
    if (index === undefined) return undefined;
    const account = books.account(index);
    const id = this.#id(index);
    let now = await this.#next();
    if (flagged === undefined) {
      await house.flagInsolvent(id);
      books.flagInsolvent(account, now);
      ++this.#tally.insolvencies;
      return index;
    }
    if (books.equityOf(account, now) > 0n || step.rescued) {
      const missing = max(0n, -books.equityOf(account, now)) + WAD;
      await this.#credit({ account: index, token: SETTLEMENT, amount: missing });
      now = await this.#next();
      await house.clearInsolvency(id);
      books.clearInsolvency(account, now);
      ++this.#tally.cleared;
      return index;
    }
    if (!books.isSeizable(account, now)) {
      await this.#refused(house.seize(id), "NotSeizable");
      this.#pause += SEIZURE_DELAY;
      now = await this.#next();
    }
    const { exposures } = books.standingOf(account, now);
    if (exposures.some(({ size }) => size !== 0n)) return this.#refused(house.seize(id), "PositionsLeft");
    if (books.equityOf(account, now) > 0n || books.cashOf(account, now) >= 0n) {
      return this.#refused(house.seize(id), "NotInsolvent");
    }
    if (exposures.some(({ price }) => !isLiquidatable(price))) return this.#refused(house.seize(id), "NotLiquidatable");
    const before = books.seizedOwed;
    await house.seize(id);
    books.seize(account, { now, settlementPrice: SETTLEMENT_PRICE });
    ++this.#tally.seizures;
    if (books.seizedOwed > before) ++this.#tally.advanced;
    return index;
  }

  /** A trader with collateral, without positions, and with less than nothing. Where there is none, one with both loses
   * all by a price, and its positions to a liquidation. */
  async #brokenFrom(traders: readonly number[]): Promise<number | undefined> {
    const { house, books } = this.#world;
    const now = BigInt(await networkHelpers.time.latest()) + this.#pause + 2n;
    for (const index of traders) {
      const account = books.account(index);
      const { exposures, cash } = books.standingOf(account, now);
      const open = exposures.filter(({ size }) => size !== 0n);
      const held = exposures.some(({ collateral }) => collateral !== 0n);
      const live = exposures.every(({ price }) => isLiquidatable(price));
      if (!held || !live) continue;
      if (open.length === 0) {
        if (books.equityOf(account, now) <= 0n && cash < 0n) return index;
        continue;
      }
      const [{ asset, size, price }] = open as [(typeof open)[number]];
      const toward = size > 0n ? 60n : 160n;
      await this.#setPrice(asset, (price.last * toward) / 100n);
      if (books.equityOf(account, now) > 0n) continue;
      const at = await this.#next();
      const reductions = open.map((exposure) => ({ asset: exposure.asset, delta: -exposure.size }));
      const options = { liquidator: books.account(LIQUIDATOR), now: at, settlementPrice: SETTLEMENT_PRICE };
      const outcome = outcomeOf(() => books.liquidate(account, { reductions, sales: [] }, options));
      const sent = house.liquidate(this.#id(index), reductions, [], this.#id(LIQUIDATOR));
      if (!(await this.#judged(sent, outcome, { index, by: LIQUIDATOR, count: "liquidations" }))) continue;
      if (books.equityOf(account, at) <= 0n && books.cashOf(account, at) < 0n) return index;
    }
    return undefined;
  }

  async #buySeized({ token: wished, share, seconds }: Of<"buySeized">): Promise<undefined> {
    const { house, books } = this.#world;
    const token = [0, 1].find((one) => books.fund.collateralOf(one) !== 0n) ?? wished;
    const amount = (books.fund.collateralOf(token) * BigInt(share)) / 100n;
    this.#pause += BigInt(seconds);
    const now = await this.#next();
    const sale = { token, amount };
    const sent = house.buySeized(sale, this.#id(LIQUIDATOR));
    if (amount === 0n) return this.#refused(sent, "InsufficientCollateral");
    const price = found(books.prices[found(books.tokens[token]).asset]);
    if (!isLiquidatable(price)) return this.#refused(sent, "NotLiquidatable");
    await sent;
    books.buySeized(books.account(LIQUIDATOR), sale, { now, settlementPrice: SETTLEMENT_PRICE });
    ++this.#tally.seizedSold;
  }

  // ---------------------------------------------------------------- the crowded side

  async #deleverage(step: Of<"deleverage">): Promise<undefined> {
    const { house, books } = this.#world;
    const { asset } = step;
    const market = books.market(asset);
    const { last } = found(books.prices[asset]);
    if (market.watch.flaggedAt !== 0n) {
      await this.#setSettlement(step.void ? undefined : last + (last * BigInt(step.slip)) / 10_000n);
      const now = await this.#next();
      await house.deleverage(asset, { round: 1n, before: 0n });
      ++this.#tally[books.deleverage(asset, this.#settlement, now) === 0n ? "dropped" : "deleveraged"];
      return;
    }
    const now = await this.#next();
    const sent = house.flagDeleveraging(asset);
    if (market.watch.closesAt !== 0n || !market.isOpen) return this.#refused(sent, "NotDue");
    if (!isLiquidatable(found(books.prices[asset]))) return this.#refused(sent, "NotLiquidatable");
    const trigger = books.flag(asset, now);
    if (trigger === undefined) return this.#refused(sent, "NotDue");
    await sent;
    if (trigger === "None") ++this.#tally.watched;
    else ++this.#tally[`flagsBy${trigger}`];
    if (!step.patient || (trigger === "None" && market.watch.overSince === 0n)) return;
    if (trigger === "None") this.#pause += SKEW_PATIENCE;
    await this.#deleverage({ ...step, patient: trigger === "None" });
  }

  /** Drives the pool into insolvency where a crowd stands on one side of a market. */
  async #cutProfits({ asset, insurance }: Of<"cutProfits">): Promise<undefined> {
    const { house, books } = this.#world;
    if (insurance === 0 && books.insurance !== 0n) await this.#fundInsurance(-books.insurance);
    if (abs(books.skewOf(asset)) < found(books.assets[asset]).trade.skewCap) {
      await this.#crowd({ kind: "crowd", accounts: [0, 1], asset, long: insurance !== 2 });
    }
    const soon = BigInt(await networkHelpers.time.latest()) + this.#pause + 2n;
    const { redeemable } = books.poolValue(soon);
    if (redeemable !== 0n) await this.#pool({ kind: "pool", value: -99 });
    const crowd = books.skewOf(asset);
    for (let step = 0; step < 30 && crowd !== 0n; ++step) {
      const at = BigInt(await networkHelpers.time.latest()) + this.#pause + 2n;
      const { equity, live } = books.poolValue(at);
      if (equity < 0n || !live) break;
      const { last } = found(books.prices[asset]);
      if (last > 10n * found(START_PRICES[asset]) || last * 20n < found(START_PRICES[asset])) break;
      books.prices[asset] = this.#priced((last * (crowd > 0n ? 112n : 88n)) / 100n);
    }
    await this.#setPrices();
    const now = await this.#next();
    const done = books.cutProfits(now);
    const sent = house.cutProfits();
    if (done === undefined) {
      const { equity, live } = books.poolValue(now);
      return this.#refused(sent, equity >= 0n || !live ? "PoolSolvent" : "NoProfits");
    }
    await sent;
    if (done.fromInsurance !== 0n) ++this.#tally.rescues;
    if (done.cut !== 0n) ++this.#tally.cuts;
  }

  /** A gambler who has nothing else opens a position that the final price will ruin. */
  async #windDown({ asset }: Of<"windDown">): Promise<undefined> {
    const { house, books } = this.#world;
    await this.#credit({ account: GAMBLER, token: SETTLEMENT, amount: 8_000n * WAD });
    const { last } = found(books.prices[asset]);
    const size = (20_000n * WAD * WAD) / last;
    await this.#mark();
    for (const delta of [size, -size]) {
      if (await this.#order(GAMBLER, [{ asset, delta, price: last }], false)) break;
    }
    const now = await this.#next();
    await house.windDown(asset);
    books.windDown(asset, now);
  }

  async #closeMarket({ asset, proved }: Of<"closeMarket">): Promise<undefined> {
    const { house, books } = this.#world;
    const { last } = found(books.prices[asset]);
    const { closesAt } = books.market(asset).watch;
    const ruinous = books.account(GAMBLER).positionOf(asset).units > 0n ? last / 4n : last * 2n;
    await this.#setSettlement(proved ? ruinous : undefined);
    const hint = { round: 1n, before: 0n };
    const latest = BigInt(await networkHelpers.time.latest());
    if (latest + this.#pause < closesAt) await this.#refused(house.closeMarket(asset, hint), "ClosingLater");
    this.#pause = max(this.#pause, closesAt - latest);
    const now = await this.#next();
    await house.closeMarket(asset, hint);
    books.closeMarket(asset, this.#settlement, now);
    ++this.#tally.marketsClosed;
  }

  // ---------------------------------------------------------------- chain

  #id(account: number): string {
    return found(this.#world.ids[account]);
  }

  /** Fixes the time of the next block, and returns it. */
  async #next(): Promise<bigint> {
    const now = BigInt(await networkHelpers.time.latest()) + 1n + this.#pause;
    this.#pause = 0n;
    await networkHelpers.time.setNextBlockTimestamp(now);
    return now;
  }

  /** Whether the contract accepts; throws for a refusal that is not among those that may be. */
  async #accepted(sent: Sent, refusals: ReadonlySet<string>): Promise<boolean> {
    try {
      await sent;
      return true;
    } catch (error: unknown) {
      if (!refusals.has(customErrorOf(this.#world.house, error)?.name ?? "")) throw error;
      return false;
    }
  }

  async #refused(sent: Sent, name: string): Promise<undefined> {
    await expect(sent).to.be.revertedWithCustomError(this.#world.house, name);
    ++this.#tally.refusals;
  }

  async #setPrice(asset: number, last: bigint): Promise<void> {
    this.#world.books.prices[asset] = this.#priced(last);
    await this.#setPrices();
  }

  #priced(last: bigint): Price {
    return livePrice(last, 1_800_000_000n + (last % 1_000n));
  }

  async #setPrices(): Promise<void> {
    const { driver, books } = this.#world;
    await driver.setPrices(
      7n | (SETTLEMENT_PRICE << 40n),
      books.prices.map((_, asset) => asset),
      books.prices.map(encodePrice),
    );
  }

  async #setSettlement(settlement: Settlement): Promise<void> {
    this.#settlement = settlement;
    await this.#world.driver.setSettlement(settlement === undefined ? 1 : 0, settlement ?? 0n);
  }

  /** Whether the account has positions of closed sides. */
  #folds(account: Account): boolean {
    const { books } = this.#world;
    return [...account.positions].some(
      ([asset, { units, epoch }]) => epoch !== books.market(asset).sideOf(units).epoch,
    );
  }

  #countFolded(account: Account): void {
    if (this.#folds(account)) ++this.#tally.folded;
  }
}

function outcomeOf(liquidate: () => LiquidationOutcome): LiquidationOutcome | BasketRefused {
  try {
    return liquidate();
  } catch (error) {
    if (error instanceof BasketRefused) return error;
    throw error;
  }
}

function collateralValueOf(exposures: readonly { collateral: bigint; price: Price }[]): bigint {
  return exposures.reduce((sum, { collateral, price }) => sum + (collateral * price.last) / WAD, 0n);
}

/** Within a quarter and four times of where the asset started. @param move 1e-4. */
function movedPrice(
  price: Price,
  { move, asset, doubtful }: { move: number; asset: number; doubtful: boolean },
): Price {
  const start = found(START_PRICES[asset]);
  const last = min(max(price.last + (price.last * BigInt(move)) / 10_000n, start / 4n), 4n * start);
  const moved = livePrice(last, price.updatedAt + 1n);
  return doubtful ? { ...moved, spread: 30_000n, refusal: "Stale" } : moved;
}
