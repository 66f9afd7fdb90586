/** Carries out what is done to others' accounts, on a clearing house and in the model: liquidation, and what comes after it. */
import { expect } from "chai";
import type { ContractTransactionResponse } from "ethers";

import type { House } from "../../scripts/lab/engine/chain.ts";
import { customErrorOf } from "../../scripts/lab/engine/comparison.ts";
import { type Account, type Books, found, type Settlement } from "../../scripts/model/books.ts";
import { SKEW_PATIENCE } from "../../scripts/model/deleverage.ts";
import { max, WAD } from "../../scripts/model/fixed.ts";
import { type Basket, BasketRefused, type LiquidationOutcome } from "../../scripts/model/liquidation.ts";
import { liquidationPrices, marginOf } from "../../scripts/model/liquidationPrice.ts";
import { findLiquidation } from "../../scripts/model/liquidationSearch.ts";
import { isLiquidatable, type Price } from "../../scripts/model/price.ts";
import { SEIZURE_DELAY } from "../../scripts/model/seizure.ts";
import { LIQUIDATOR, SETTLEMENT, SETTLEMENT_PRICE, TRADERS } from "./cast.ts";
import type { Step } from "./steps.ts";

export type Of<Kind extends Step["kind"]> = Extract<Step, { kind: Kind }>;
export type Sent = Promise<ContractTransactionResponse>;

/** How often each kind of thing has happened. */
export function newHouseTally() {
  return {
    refusals: 0,
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
  };
}

/** A clearing house whose accounts all belong to the signer of `house`, and the books that are to be the same. */
export interface HouseWorld {
  readonly house: House;
  readonly books: Books;
  /** Of the accounts, by index. */
  readonly ids: readonly string[];
}

export abstract class HousePlayer<World extends HouseWorld, Tally extends ReturnType<typeof newHouseTally>> {
  protected readonly world: World;
  protected readonly tally: Tally;
  /** Seconds to pass before the next transaction. */
  protected pause = 0n;

  constructor(world: World, tally: Tally) {
    this.world = world;
    this.tally = tally;
  }

  /** Time of the latest block, unix seconds. */
  protected abstract latest(): Promise<bigint>;

  /** Fixes the time of the next block, and returns it. */
  protected abstract next(): Promise<bigint>;

  /** Lets time pass before the next transaction, seconds. */
  protected abstract wait(seconds: bigint): Promise<void>;

  protected abstract credit(payment: { account: number; token: number; amount: bigint }): Promise<void>;

  /** @param last WAD. */
  protected abstract setPrice(asset: number, last: bigint): Promise<void>;

  /** Brings a round of a market that is flagged. @param price WAD; void without one. Returns its hint, and what the
   * contract will make of it at a time. */
  protected abstract prove(
    asset: number,
    price: bigint | undefined,
  ): Promise<{ hint: { round: bigint; before: bigint }; settlementAt: (now: bigint) => Settlement }>;

  /** Ends whatever orders of an account are pending. */
  protected abstract finish(index: number): Promise<void>;

  /** Accounts beside the traders that may be left with a debt. */
  protected get others(): readonly number[] {
    return [];
  }

  #from(start: number): number[] {
    return Array.from({ length: TRADERS }, (_, offset) => (start + offset) % TRADERS);
  }

  // ---------------------------------------------------------------- liquidation

  /** Either the basket that the search finds, or an arbitrary one, which the model must judge as the contract does. */
  protected async liquidate(step: Of<"liquidate">): Promise<number | undefined> {
    const { house, books } = this.world;
    const index = step.due ? await this.#dueFrom(step) : step.account;
    const account = books.account(index);
    const now = await this.next();
    const options = { liquidator: books.account(LIQUIDATOR), now, settlementPrice: SETTLEMENT_PRICE };
    const state = books.liquidationState(account, options);
    if (state.exposuresBefore !== undefined) ++this.tally.judgedBefore;
    const planned = step.share % 2 === 0 ? findLiquidation(state)?.basket : undefined;
    const basket = planned ?? this.#anyBasket(account, { share: step.share, now });
    const outcome = outcomeOf(() => books.liquidate(account, basket, options));
    const sent = house.liquidate(this.id(index), [...basket.reductions], [...basket.sales], this.id(LIQUIDATOR));
    return (await this.#judged(sent, outcome, { index, by: LIQUIDATOR, count: "liquidations" })) ? index : undefined;
  }

  protected async takeOver(step: Of<"takeOver">): Promise<number | undefined> {
    const { house, books } = this.world;
    const index = await this.#dueFrom(step);
    if (index === step.taker) return undefined;
    const account = books.account(index);
    const now = await this.next();
    const legs = this.#anyBasket(account, { share: step.share, now }).reductions;
    const options = { taker: books.account(step.taker), now, settlementPrice: SETTLEMENT_PRICE };
    const outcome = outcomeOf(() => books.takeOver(account, legs, options));
    const sent = house.takeOver(this.id(index), [...legs], this.id(step.taker));
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
      await this.refused(sent, refusal ?? "");
      return false;
    }
    await expect(sent)
      .to.emit(this.world.house, "Liquidated")
      .withArgs(this.id(index), this.id(by), [
        outcome.equityBefore,
        outcome.maintenanceBefore,
        outcome.equityAfter,
        outcome.maintenanceAfter,
        outcome.penalty,
        outcome.discount,
        outcome.reward,
        outcome.deficit,
      ]);
    ++this.tally[count];
    if (outcome.deficit > 0n) ++this.tally.deficits;
    return true;
  }

  /** A trader whose equity does not cover its maintenance requirement. Where there is none, a price moves to where the
   * model says that there is one, and up to 4 % further. */
  async #dueFrom({ account: start, share }: { account: number; share: number }): Promise<number> {
    const { books } = this.world;
    const now = (await this.latest()) + this.pause + 2n;
    const marginsOf = (index: number) => ({
      ...books.standingOf(books.account(index), now),
      groups: books.groups,
      globals: books.globals,
      time: now,
    });
    const traders = this.#from(start);
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
        await this.setPrice(asset, bound + (bound === below ? -further : further));
        return index;
      }
    }
    return start;
  }

  #anyBasket(account: Account, { share, now }: { share: number; now: bigint }): Basket {
    const part = BigInt(share);
    return {
      reductions: this.world.books
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
  protected async convert(step: Of<"convert">): Promise<number | undefined> {
    const { house, books } = this.world;
    const now = await this.next();
    const options = { buyer: books.account(LIQUIDATOR), now, settlementPrice: SETTLEMENT_PRICE };
    const traders = this.#from(step.account);
    const index = traders.find((trader) => this.#isShort(books.account(trader), now)) ?? step.account;
    const account = books.account(index);
    const sales = this.#salesOf(account, 1 + (step.share % 40));
    if (sales.length === 0) return undefined;
    const conversion = books.convert(account, sales, options);
    const sent = house.convert(this.id(index), sales, this.id(LIQUIDATOR));
    if (typeof conversion === "string") {
      await this.refused(sent, conversion);
      return undefined;
    }
    await expect(sent)
      .to.emit(house, "Converted")
      .withArgs(this.id(index), this.id(LIQUIDATOR), conversion.proceeds, conversion.shortfall);
    ++this.tally.conversions;
    return index;
  }

  /** Whether an account owes against its collateral a good part of what that is worth. */
  #isShort(account: Account, now: bigint): boolean {
    const { books } = this.world;
    const value = collateralValueOf(books.standingOf(account, now).exposures);
    return value !== 0n && (value - books.equityOf(account, now)) * 3n > value;
  }

  protected async realise({ account: start }: Of<"realise">): Promise<number> {
    const { house, books } = this.world;
    const now = await this.next();
    const traders = [...this.others, ...this.#from(start)];
    const index = traders.find((trader) => this.#folds(books.account(trader))) ?? start;
    const account = books.account(index);
    this.countFolded(account);
    await house.realise(this.id(index));
    if (books.realise(account, now) !== 0n) ++this.tally.realised;
    return index;
  }

  protected async settleDeficit({ account: start }: Of<"settleDeficit">): Promise<undefined> {
    const { house, books } = this.world;
    const now = await this.next();
    const traders = [...this.others, ...this.#from(start)];
    const stateOf = (index: number) => books.standingOf(books.account(index), now);
    const index =
      traders.find((trader) => stateOf(trader).exposures.length === 0 && stateOf(trader).cash < 0n) ?? start;
    const { exposures, cash } = stateOf(index);
    const sent = house.settleDeficit(this.id(index));
    if (exposures.some(({ size }) => size !== 0n)) return this.refused(sent, "PositionsLeft");
    if (exposures.length !== 0) return this.refused(sent, "CollateralLeft");
    if (cash >= 0n) return this.refused(sent, "NoDeficit");
    if (books.account(index).orders.size !== 0) return this.refused(sent, "OrderPending");
    await sent;
    this.countFolded(books.account(index));
    expect(books.settleDeficit(books.account(index), now)).to.equal(-cash);
    ++this.tally.settledDeficits;
  }

  /** Takes an account with collateral into insolvency, and either saves it or seizes what it has. */
  protected async insolvency(step: Of<"insolvency">): Promise<number | undefined> {
    const { house, books } = this.world;
    const traders = this.#from(step.account);
    const flagged = traders.find((trader) => books.account(trader).insolventSince !== 0n);
    const index = flagged ?? (await this.#brokenFrom(traders));
    if (index === undefined) return undefined;
    const account = books.account(index);
    const id = this.id(index);
    await this.finish(index);
    let now = await this.next();
    if (flagged === undefined) {
      await house.flagInsolvent(id);
      books.flagInsolvent(account, now);
      ++this.tally.insolvencies;
      return index;
    }
    if (books.equityOf(account, now) > 0n || step.rescued) {
      const missing = max(0n, -books.equityOf(account, now)) + WAD;
      await this.credit({ account: index, token: SETTLEMENT, amount: missing });
      now = await this.next();
      await house.clearInsolvency(id);
      books.clearInsolvency(account, now);
      ++this.tally.cleared;
      return index;
    }
    if (!books.isSeizable(account, now)) {
      await this.refused(house.seize(id), "NotSeizable");
      await this.wait(SEIZURE_DELAY);
      now = await this.next();
    }
    const { exposures } = books.standingOf(account, now);
    if (exposures.some(({ size }) => size !== 0n)) return this.refused(house.seize(id), "PositionsLeft");
    if (!books.lacks(account, now) || exposures.length === 0) return this.refused(house.seize(id), "NotInsolvent");
    if (exposures.some(({ price }) => !isLiquidatable(price))) return this.refused(house.seize(id), "NotLiquidatable");
    const before = books.seizedOwed;
    await house.seize(id);
    books.seize(account, { now, settlementPrice: SETTLEMENT_PRICE });
    ++this.tally.seizures;
    if (books.seizedOwed > before) ++this.tally.advanced;
    return index;
  }

  /** A trader with collateral, without positions, and with less than nothing. Where there is none, one with both loses
   * all by a price, and its positions to a liquidation. */
  async #brokenFrom(traders: readonly number[]): Promise<number | undefined> {
    const { house, books } = this.world;
    const now = (await this.latest()) + this.pause + 2n;
    for (const index of traders) {
      const account = books.account(index);
      const { exposures } = books.standingOf(account, now);
      const open = exposures.filter(({ size }) => size !== 0n);
      const held = exposures.some(({ collateral }) => collateral !== 0n);
      const live = exposures.every(({ price }) => isLiquidatable(price));
      if (!held || !live) continue;
      if (open.length === 0) {
        if (books.lacks(account, now)) return index;
        continue;
      }
      const [{ asset, size, price }] = open as [(typeof open)[number]];
      const toward = size > 0n ? 60n : 160n;
      await this.setPrice(asset, (price.last * toward) / 100n);
      if (books.equityOf(account, now) > 0n) continue;
      const at = await this.next();
      const reductions = open.map((exposure) => ({ asset: exposure.asset, delta: -exposure.size }));
      const options = { liquidator: books.account(LIQUIDATOR), now: at, settlementPrice: SETTLEMENT_PRICE };
      const outcome = outcomeOf(() => books.liquidate(account, { reductions, sales: [] }, options));
      const sent = house.liquidate(this.id(index), reductions, [], this.id(LIQUIDATOR));
      if (!(await this.#judged(sent, outcome, { index, by: LIQUIDATOR, count: "liquidations" }))) continue;
      if (books.lacks(account, at)) return index;
    }
    return undefined;
  }

  protected async buySeized({ token: wished, share, seconds }: Of<"buySeized">): Promise<undefined> {
    const { house, books } = this.world;
    const token = [0, 1].find((one) => books.fund.collateralOf(one) !== 0n) ?? wished;
    const amount = (books.fund.collateralOf(token) * BigInt(share)) / 100n;
    await this.wait(BigInt(seconds));
    const now = await this.next();
    const sale = { token, amount };
    const sent = house.buySeized(sale, this.id(LIQUIDATOR));
    if (amount === 0n) return this.refused(sent, "InsufficientCollateral");
    const price = found(books.prices[found(books.tokens[token]).asset]);
    if (!isLiquidatable(price)) return this.refused(sent, "NotLiquidatable");
    await sent;
    books.buySeized(books.account(LIQUIDATOR), sale, { now, settlementPrice: SETTLEMENT_PRICE });
    ++this.tally.seizedSold;
  }

  // ---------------------------------------------------------------- the crowded side

  protected async deleverage(step: Of<"deleverage">): Promise<undefined> {
    const { house, books } = this.world;
    const { asset } = step;
    const market = books.market(asset);
    const { last } = found(books.prices[asset]);
    if (market.watch.flaggedAt !== 0n) {
      const price = step.void ? undefined : last + (last * BigInt(step.slip)) / 10_000n;
      const { hint, settlementAt } = await this.prove(asset, price);
      const now = await this.next();
      await house.deleverage(asset, hint);
      ++this.tally[books.deleverage(asset, settlementAt(now), now) === 0n ? "dropped" : "deleveraged"];
      return;
    }
    const now = await this.next();
    const sent = house.flagDeleveraging(asset);
    if (market.watch.closesAt !== 0n || !market.isOpen) return this.refused(sent, "NotDue");
    if (!isLiquidatable(found(books.prices[asset]))) return this.refused(sent, "NotLiquidatable");
    const trigger = books.flag(asset, now);
    if (trigger === undefined) return this.refused(sent, "NotDue");
    await sent;
    if (trigger === "None") ++this.tally.watched;
    else ++this.tally[`flagsBy${trigger}`];
    if (!step.patient || (trigger === "None" && market.watch.overSince === 0n)) return;
    if (trigger === "None") await this.wait(SKEW_PATIENCE);
    await this.deleverage({ ...step, patient: trigger === "None" });
  }

  // ---------------------------------------------------------------- chain

  protected id(account: number): string {
    return found(this.world.ids[account]);
  }

  /** Whether the contract accepts; throws for a refusal that is not among those that may be. */
  protected async accepted(sent: Sent, refusals: ReadonlySet<string>): Promise<boolean> {
    try {
      await sent;
      return true;
    } catch (error: unknown) {
      if (!refusals.has(customErrorOf(this.world.house, error)?.name ?? "")) throw error;
      return false;
    }
  }

  protected async refused(sent: Sent, name: string): Promise<undefined> {
    await expect(sent).to.be.revertedWithCustomError(this.world.house, name);
    ++this.tally.refusals;
  }

  /** Whether the account has positions of closed sides. */
  #folds(account: Account): boolean {
    const { books } = this.world;
    return [...account.positions].some(
      ([asset, { units, epoch }]) => epoch !== books.market(asset).sideOf(units).epoch,
    );
  }

  protected countFolded(account: Account): void {
    if (this.#folds(account)) ++this.tally.folded;
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
