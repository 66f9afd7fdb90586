/** What the keeper would do with one account, and with the markets: the decisions are those of the real one. */
import { deleveragingOf } from "../../keeper/decide/deleverage.ts";
import { liquidationsOf } from "../../keeper/decide/liquidations.ts";
import { DEFAULTS, type KeeperState, type MarketState } from "../../keeper/decide/state.ts";
import { worth } from "../../keeper/worth.ts";
import { type Books, found } from "../../model/books.ts";
import { isLiquidatable } from "../../model/price.ts";
import type { PoolState } from "../../model/pool.ts";
import type { Conditions, Deed, KeeperPlan } from "./types.ts";

/** Gas of a call, as docs/gas.md has the usual ones. */
const GAS = 450_000n;

/** A deed and what it is to bring, WAD; undefined: a duty. */
export interface Duty {
  readonly deed: Deed;
  readonly reward: bigint | undefined;
}

/** What is the same for every account at one look. */
export interface Look {
  readonly books: Books;
  /** Index of the keeper's account. */
  readonly own: number;
  /** Unix seconds. */
  readonly now: bigint;
  readonly conditions: Conditions;
  readonly plan: KeeperPlan;
}

/** Ids of accounts are their indices here. */
const idOf = String;

/** @param accounts Indices. */
export function dutiesToAccounts(look: Look, accounts: readonly number[]): Duty[] {
  const { books, now } = look;
  const states = accounts.map((index) => ({
    account: idOf(index),
    state: stateOf(look, index),
    insolventSince: books.account(index).insolventSince,
  }));
  return liquidationsOf({ ...common(look), accounts: states }, settingsOf(look)).flatMap((deed): Duty[] => {
    switch (deed.kind) {
      case "liquidate": {
        const { basket } = deed.plan;
        return [
          { deed: { kind: "liquidate", account: Number(deed.account), by: look.own, basket }, reward: deed.reward },
        ];
      }
      case "takeOver":
        return [
          {
            deed: { kind: "takeOver", account: Number(deed.account), by: look.own, legs: deed.legs },
            reward: deed.reward,
          },
        ];
      case "convert":
        return [
          {
            deed: { kind: "convert", account: Number(deed.account), by: look.own, sales: deed.sales },
            reward: deed.reward,
          },
        ];
      case "buySeized":
      case "writeOff":
        return [];
      case "realise":
      case "flagInsolvent":
      case "clearInsolvency":
      case "seize":
      case "settleDeficit":
        return hasOnlyLive(books, Number(deed.account), deed.kind, now)
          ? [{ deed: { kind: deed.kind, account: Number(deed.account) }, reward: undefined }]
          : [];
    }
  });
}

/** Purchases of what insurance has seized. */
export function purchases(look: Look): Duty[] {
  const { books } = look;
  const seized = [...books.seizures].flatMap(([token, { owed, since }]) => {
    const amount = books.fund.collateralOf(token);
    const price = found(books.prices[found(books.tokens[token]).asset]);
    return amount === 0n ? [] : [{ token, amount, owed, since, price }];
  });
  if (seized.length === 0) return [];
  return liquidationsOf({ ...common(look), seized }, settingsOf(look)).flatMap((deed): Duty[] =>
    deed.kind === "buySeized"
      ? [{ deed: { kind: "buySeized", by: look.own, sale: deed.sale }, reward: deed.reward }]
      : [],
  );
}

/** Flags, deleveragings and cuts of profits.
 *
 * @param settlementOf Price of the first round of a market after its flag; undefined where there is none yet.
 */
export function dutiesToMarkets(
  look: Look,
  pool: PoolState,
  settlementOf: (asset: number, flaggedAt: bigint) => bigint | undefined,
): Deed[] {
  const { books } = look;
  const prices = new Map<number, bigint>();
  const markets = pool.markets.map(({ asset }): MarketState => {
    const { watch } = books.market(asset);
    const price = watch.flaggedAt === 0n ? undefined : settlementOf(asset, watch.flaggedAt);
    if (price !== undefined) prices.set(asset, price);
    const settlement: MarketState["settlement"] =
      price === undefined ? undefined : { kind: "settled", settledAt: 0n, hint: { round: 1n, before: 0n } };
    return { asset, status: books.statusOf(asset), ...watch, settlement };
  });
  return deleveragingOf({ ...common(look), pool, markets }).flatMap((deed): Deed[] => {
    switch (deed.kind) {
      case "flagDeleveraging":
        return [{ kind: "flagDeleveraging", asset: deed.asset }];
      case "deleverage":
        return [{ kind: "deleverage", asset: deed.asset, price: prices.get(deed.asset) }];
      case "cutProfits":
        return [{ kind: "cutProfits" }];
      // No market ends in a run, and the mark is seen to apart.
      case "closeMarket":
      case "markPool":
        return [];
    }
  });
}

/** What gas costs the keeper for one call, and whether a reward is worth it. @param factor Of the price of gas. */
export function worthOf(
  { plan, conditions }: Look,
  reward: bigint | undefined,
  { factor, nativePrice }: { factor: number; nativePrice: bigint },
): { cost: bigint; worthwhile: boolean } {
  const feePerGas = (plan.gasPrice * BigInt(Math.round(factor * 1_000))) / 1_000n;
  const { settlementPrice } = conditions;
  return worth({ reward, gas: GAS, feePerGas, l1Fee: 0n, nativePrice, settlementPrice, margin: plan.margin });
}

function stateOf({ books, now, conditions: { settlementPrice } }: Look, index: number) {
  return books.liquidationState(books.account(index), { now, settlementPrice });
}

function settingsOf({ plan: { maxTakeOver } }: Look) {
  return { ...DEFAULTS, maxTakeOver, hasRivals: false };
}

/** A state without anything in it that accounts, markets and the pool are put into. */
function common({ books, own, now, conditions }: Look): KeeperState {
  const account = books.account(own);
  const exposures = [...books.assets.keys()]
    .filter((asset) => books.statusOf(asset) !== "None")
    .map((asset) => books.exposureOf(account, asset, now));
  return {
    block: 0,
    time: now,
    sequencerUp: conditions.sequencerUp,
    sequencerSettled: conditions.sequencerSettled,
    upSince: 0n,
    settlementPrice: conditions.settlementPrice,
    nativePrice: 0n,
    terms: { globals: books.globals, groups: books.groups, money: books.money, insurance: books.insurance },
    feeds: [],
    shareFeeds: [],
    orders: [],
    triggers: [],
    accounts: [],
    seized: [],
    mark: { time: books.markTime, maxAge: books.globals.markMaxAge },
    queue: { batches: [], valuation: { equity: 0n, redeemable: 0n, oldest: undefined, live: false, blocked: true } },
    markets: [],
    pool: { base: books.base, lent: 0n, closedValue: books.closedValue, markets: [] },
    own: { account: idOf(own), cash: books.cashOf(account, now), exposures, hasPendingOrder: false },
  };
}

/** The contract takes collateral over only at live prices, and judges an insolvency by them. */
function hasOnlyLive(books: Books, index: number, kind: string, now: bigint): boolean {
  if (kind !== "seize") return true;
  return books.exposuresOf(books.account(index), now).every(({ price }) => price.dead || isLiquidatable(price));
}
