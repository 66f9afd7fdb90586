/** What is done with accounts that do not cover their requirement or their debt, and with what is left of them. */
import { abs, max, min, mulDivDown, WAD } from "../../model/fixed.ts";
import { convert } from "../../model/convert.ts";
import {
  type Basket,
  BasketRefused,
  type Holding,
  liquidate,
  type LiquidationState,
  proceedsUp,
  type Reduction,
  type Sale,
  termsOf,
} from "../../model/liquidation.ts";
import { findLiquidation, type LiquidationPlan } from "../../model/liquidationSearch.ts";
import { lotOf, saleLotOf } from "../../model/parameters.ts";
import { isLiquidatable } from "../../model/price.ts";
import { realise } from "../../model/realise.ts";
import { type Exposure, maintenanceUp, type Terms } from "../../model/risk.ts";
import { auctionDiscountDown, SEIZURE_DELAY, seizedPriceUp } from "../../model/seizure.ts";
import { takeOver } from "../../model/takeOver.ts";
import type { AccountDuty, BuySeized, Convert, Liquidate, TakeOver, WriteOff } from "./actions.ts";
import { hasDuties, isOwn } from "./shard.ts";
import type { AccountState, KeeperState, SeizedState, Settings } from "./state.ts";
import { ascending, turnsAt } from "./turns.ts";

/** Baskets that are searched for in one cycle: the search takes some milliseconds each. */
export const MOST_SEARCHES = 96;

type Deed = Liquidate | TakeOver | Convert | AccountDuty | BuySeized | WriteOff;

/** An account with its value, at the better ends. */
interface Case extends AccountState {
  readonly terms: Terms;
  /** E − R_M, WAD. */
  readonly margin: bigint;
}

/** Cash that the keeper's account has not been planned to spend yet, WAD. */
interface Purse {
  cash: bigint;
}

/** Levels between equity at the requirement and none; those of one are as urgent as each other. */
const LEVELS = 4n;

/**
 * At most one deed for an account. Those without equity come first, then those with the least of their requirement, a quarter
 * of it at a time; of a quarter each keeper takes them in an order of its own. The healthy come last, the nearest first.
 * Without rivals it is furthest below its requirement first.
 */
export function liquidationsOf(state: KeeperState, settings: Settings): Deed[] {
  const { accounts, own, seized } = state;
  const purse: Purse = { cash: max(0n, own.cash) };
  const turnOf = turnsAt(state);
  const levelled = (one: Case) => (settings.hasRivals ? levelOf(one) : 0n);
  const placeOf = (one: Case) => (one.margin > 0n || !settings.hasRivals ? one.margin : BigInt(turnOf(one)));
  const cases = accounts
    .filter(({ account }) => account !== own.account && isOwn(settings.shard, account))
    .map((one): Case => {
      const terms = termsOf(one.state);
      return { ...one, terms, margin: terms.equity - maintenanceUp(terms, one.state.globals) };
    })
    .sort((a, b) => ascending(levelled(a), levelled(b)) || ascending(placeOf(a), placeOf(b)));
  const searched = searchedOf(cases, state.block);
  const deeds = cases.flatMap((one): Deed[] => {
    const isSearched = one.margin > 0n || searched.has(one.account);
    return deedOf(one, { state, settings, purse, isSearched });
  });
  if (!hasDuties(settings.shard)) return deeds;
  return [...deeds, ...seized.flatMap((lot) => seizedDeedOf(lot, { state, settings, purse }))];
}

/** The lower the more urgent. */
function levelOf({ terms, margin }: Case): bigint {
  if (margin > 0n) return LEVELS + 1n;
  const maintenance = terms.equity - margin;
  return terms.equity <= 0n || maintenance === 0n ? -1n : (terms.equity * LEVELS) / maintenance;
}

/** Of too many the worst, and others in turn: what cannot be helped must not stand before what can. */
function searchedOf(cases: readonly Case[], block: number): ReadonlySet<string> {
  // In an order that stays from block to block: else some would never have their turn.
  const unhealthy = cases
    .filter(({ margin }) => margin <= 0n)
    .sort((a, b) => ascending(a.margin, b.margin))
    .map(({ account }) => account);
  if (unhealthy.length <= MOST_SEARCHES) return new Set(unhealthy);
  const worst = unhealthy.slice(0, MOST_SEARCHES / 2);
  const others = unhealthy.slice(MOST_SEARCHES / 2);
  const start = (block * (MOST_SEARCHES / 2)) % others.length;
  return new Set([...worst, ...[...others.slice(start), ...others.slice(0, start)].slice(0, MOST_SEARCHES / 2)]);
}

interface Context {
  readonly state: KeeperState;
  readonly settings: Settings;
  readonly purse: Purse;
}

function deedOf(one: Case, { isSearched, ...context }: Context & { readonly isSearched: boolean }): Deed[] {
  const { account, state, insolventSince, terms } = one;
  const lacks = terms.equity <= 0n && terms.equity < terms.collateralValue;
  if (!hasAnything(state)) {
    if (state.cash < 0n && state.hasPendingOrder !== true) return [{ kind: "settleDeficit", account }];
    // Until the order ends nothing can be booked, and the pool is to wait for it.
    if (lacks && insolventSince === 0n) return [{ kind: "flagInsolvent", account }];
    return insolventSince !== 0n && !lacks ? [{ kind: "clearInsolvency", account }] : [];
  }
  const relief = isSearched ? reliefOf(one, context) : undefined;
  if (relief !== undefined) return [relief];
  // Left with nothing but what the keeper cannot buy, or nobody may sell.
  const isInsolvent = isSearched && lacks;
  if (isInsolvent && insolventSince === 0n) return [{ kind: "flagInsolvent", account }];
  if (isInsolvent && isSeizable(one, context.state.time)) return [{ kind: "seize", account }];
  // Before what only pays: until then the pool's providers wait.
  if (insolventSince !== 0n && !lacks) return [{ kind: "clearInsolvency", account }];
  const conversion = terms.equity > 0n ? conversionOf(one, context) : undefined;
  if (conversion !== undefined) return [conversion];
  return hidesLoss(one, context.settings) ? [{ kind: "realise", account }] : [];
}

/** A position of a side that was closed whole has no size: it becomes cash with the next touch. */
function hasAnything({ exposures }: LiquidationState): boolean {
  return exposures.some(({ size, collateral }) => size !== 0n || collateral !== 0n);
}

// ---------------------------------------------------------------- liquidation

/** The better paid of a liquidation and a takeover. The model spares who is unhealthy only by a deleveraging. */
function reliefOf({ account, state, margin }: Case, context: Context): Liquidate | TakeOver | undefined {
  if (margin > 0n) return undefined;
  const plan = affordable(state, context.purse.cash);
  const reward = plan === undefined ? -1n : plan.outcome.reward + plan.outcome.discount;
  const taken = takeOverOf({ account, state }, context);
  if (taken !== undefined && taken.reward > reward) return taken;
  if (plan === undefined) return undefined;
  // Without equity nothing is paid for a part: its collateral is better left to who can close the account.
  const { reductions } = plan.basket;
  if (reward === 0n && reductions.length === 0 && plan.outcome.deficit === 0n) return undefined;
  context.purse.cash -= plan.outcome.proceeds - plan.outcome.discount;
  return { kind: "liquidate", account, plan, reward };
}

/** The best basket that the keeper can pay for: whoever liquidates buys the collateral that is sold. */
function affordable(state: LiquidationState, cash: bigint): LiquidationPlan | undefined {
  const plan = findLiquidation(state);
  if (plan === undefined || plan.outcome.proceeds <= cash) return plan;
  // As if it had no more of it than can be paid for, and then judged with all of it.
  const { basket, kind } = findLiquidation({ ...state, holdings: holdingsWithin(state, cash) }) ?? {};
  if (basket !== undefined && kind !== undefined) {
    const outcome = liquidate(state, basket);
    if (outcome.refusal === undefined && outcome.proceeds <= cash) return { kind, basket, outcome };
  }
  // Without a price of the settlement token nothing is sold at all.
  return findLiquidation({ ...state, settlementPrice: 0n });
}

/** Of each token what an equal part of `cash` pays for; none of what that leaves nothing of. */
function holdingsWithin({ exposures, holdings, settlementPrice }: LiquidationState, cash: bigint): Holding[] {
  const part = cash / max(1n, BigInt(holdings.length));
  return holdings
    .map((holding) => {
      const price = exposures.find(({ asset }) => asset === holding.parameters.asset)?.price.last ?? 0n;
      return { ...holding, amount: min(holding.amount, affordableAmount(part, { price, settlementPrice })) };
    })
    .filter(({ amount }) => amount !== 0n);
}

/** Collateral that `cash` pays for, WAD, rounded down. */
function affordableAmount(
  cash: bigint,
  { price, settlementPrice }: { price: bigint; settlementPrice: bigint },
): bigint {
  return price === 0n ? 0n : mulDivDown(max(0n, cash), min(WAD, settlementPrice), price);
}

// ---------------------------------------------------------------- takeover

/** Shares of the positions that are tried, of 8. */
const TAKEN = [8n, 6n, 4n, 3n, 2n, 1n] as const;

/** The most of its positions that the contract lets the keeper's account have, within its limit. */
function takeOverOf(
  { account, state }: Pick<AccountState, "account" | "state">,
  { state: { own }, settings: { maxTakeOver } }: Context,
): TakeOver | undefined {
  if (maxTakeOver === 0n || own.hasPendingOrder) return undefined;
  const positions = state.exposures.filter(({ size, price }) => size !== 0n && isLiquidatable(price));
  const baskets = [...positions.map((position) => [position]), positions].filter((basket) => basket.length !== 0);
  const found = baskets.flatMap((basket) => {
    for (const eighths of TAKEN) {
      const legs = basket.map((position) => shareOf(position, eighths));
      if (legs.some(({ delta }) => delta === 0n) || notionalOf(legs, basket) > maxTakeOver) continue;
      const reward = takeOverRewardOf(state, legs, own);
      if (reward !== undefined) return [{ kind: "takeOver", account, legs, reward } as const];
    }
    return [];
  });
  return found.reduce<TakeOver | undefined>(
    (best, one) => (best === undefined || one.reward > best.reward ? one : best),
    undefined,
  );
}

function shareOf({ asset, size, trade }: Exposure, eighths: bigint): Reduction {
  const amount = (abs(size) * eighths) / 8n;
  const whole = eighths === 8n ? amount : amount - (amount % lotOf(trade));
  return { asset, delta: size < 0n ? whole : -whole };
}

function notionalOf(legs: readonly Reduction[], positions: readonly Exposure[]): bigint {
  const prices = new Map(positions.map(({ asset, price }) => [asset, price.last]));
  return legs.reduce((sum, { asset, delta }) => sum + mulDivDown(abs(delta), prices.get(asset) ?? 0n, WAD), 0n);
}

/** Undefined where the contract would refuse it. */
function takeOverRewardOf(
  state: LiquidationState,
  legs: readonly Reduction[],
  { exposures, cash }: KeeperState["own"],
): bigint | undefined {
  try {
    const { outcome } = takeOver(state, legs, { exposures, cash });
    return outcome.refusal === undefined ? outcome.reward + outcome.discount : undefined;
  } catch (error) {
    if (error instanceof BasketRefused) return undefined;
    throw error;
  }
}

// ---------------------------------------------------------------- conversion

/** The token whose sale earns most, as much of it as may be sold and can be paid for. */
function conversionOf({ account, state }: Case, { purse }: Context): Convert | undefined {
  if (state.settlementPrice === 0n) return undefined;
  const found = state.holdings.flatMap((holding) => {
    const sale = largestSaleOf(state, holding, purse.cash);
    return sale === undefined ? [] : [sale];
  });
  const [first, ...others] = found;
  if (first === undefined) return undefined;
  const best = others.reduce((most, one) => (one.reward > most.reward ? one : most), first);
  purse.cash -= best.paid;
  return { kind: "convert", account, sales: [best.sale], reward: best.reward };
}

function largestSaleOf(
  state: LiquidationState,
  { token, amount: held, parameters }: Holding,
  cash: bigint,
): { sale: Sale; paid: bigint; reward: bigint } | undefined {
  const price = state.exposures.find(({ asset }) => asset === parameters.asset)?.price.last ?? 0n;
  const terms = { price, settlementPrice: state.settlementPrice };
  const most = min(held, affordableAmount(cash, terms));
  const lot = saleLotOf(parameters);
  const tried = (amount: bigint) => {
    if (amount === 0n) return undefined;
    const outcome = convert(state, [{ token, amount }]);
    return typeof outcome === "string" ? undefined : outcome;
  };
  // All that can be had, or the most lots of it: what one lot less would have left above the limit is allowed.
  let best = most;
  let outcome = tried(most);
  if (outcome === undefined) {
    let [low, high] = [0n, most / lot + 1n];
    while (high - low > 1n) {
      const middle: bigint = (low + high) / 2n;
      const found = tried(min(most, middle * lot));
      if (found === undefined) high = middle;
      else [low, best, outcome] = [middle, min(most, middle * lot), found];
    }
  }
  if (outcome === undefined) return undefined;
  const reward = proceedsUp(best, terms) - outcome.proceeds;
  return { sale: { token, amount: best }, paid: outcome.proceeds, reward };
}

// ---------------------------------------------------------------- insolvency

/** So long after it was found insolvent that insurance may take its collateral, and no position is left. */
function isSeizable({ state, insolventSince }: Case, time: bigint): boolean {
  if (time < insolventSince + SEIZURE_DELAY || state.exposures.some(({ size }) => size !== 0n)) return false;
  return state.exposures.every(({ price }) => price.dead || (isLiquidatable(price) && state.settlementPrice !== 0n));
}

/** A loss that cash does not cover, and that pays no interest while it is not realised. */
function hidesLoss({ state, terms }: Case, { realiseAbove }: Settings): boolean {
  const owed = terms.collateralValue - terms.equity;
  if (min(owed, -terms.unrealised) < realiseAbove) return false;
  return realise(state.exposures).moved >= realiseAbove;
}

/** Bought once its discount is large enough; given up once its price is dead. */
function seizedDeedOf(
  { token, amount, owed, since, price }: SeizedState,
  { state: { time, settlementPrice }, settings: { seizedDiscount }, purse }: Context,
): (BuySeized | WriteOff)[] {
  if (price.dead) return owed === 0n ? [] : [{ kind: "writeOff", token }];
  const elapsed = max(0n, time - since);
  const isOffered = amount !== 0n && isLiquidatable(price) && settlementPrice !== 0n;
  if (!isOffered || auctionDiscountDown(elapsed) < seizedDiscount) return [];
  const terms = { price: price.last, settlementPrice };
  const bought = min(amount, affordableAmount(purse.cash, terms));
  if (bought === 0n) return [];
  const value = proceedsUp(bought, terms);
  const paid = seizedPriceUp(value, elapsed);
  purse.cash -= paid;
  return [{ kind: "buySeized", sale: { token, amount: bought }, reward: value - paid }];
}

/** @returns What of a basket goes to the contract. */
export function argumentsOf({ reductions, sales }: Basket) {
  return {
    reductions: reductions.map(({ asset, delta }) => ({ asset, delta })),
    sales: sales.map(({ token, amount }) => ({ token, amount })),
  };
}
