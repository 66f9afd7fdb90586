/** Accounts that something may be done with: a fast look at all of them, then all about the few. */
import type { Result } from "ethers";

import {
  BasketRefused,
  type Holding,
  type LiquidationState,
  requireUnhealthy,
  termsOf,
} from "../../model/liquidation.ts";
import { isLiquidatable } from "../../model/price.ts";
import { skewOf } from "../../model/sideIndex.ts";
import { decodeExposure, type Exposure, initialUp, maintenanceUp } from "../../model/risk.ts";
import type { AccountState } from "../decide/state.ts";
import { isOwn, type Shard } from "../decide/shard.ts";
import type { IndexView } from "../index/entries.ts";
import { type Nearness, Screen } from "../screen/Screen.ts";
import { type At, isolated, type ReadingContext } from "./isolated.ts";
import type { ProtocolReading } from "./markets.ts";
import { readPages } from "./pages.ts";

/** Of one request: a full account's exposures take some 500,000 gas. */
const ACCOUNTS = 20;

type Snapshot = Awaited<ReturnType<ReadingContext["contracts"]["clearingHouse"]["snapshot"]>>;

export interface AccountsReading {
  /** Empty where nothing is to be done with accounts. */
  readonly accounts: readonly AccountState[];
  /** All that can be liquidated now, whoever does it; and what seems so but could not be read. */
  readonly liquidatable: readonly string[];
  readonly nearness: Nearness;
}

export interface Moment {
  readonly index: IndexView;
  readonly protocol: ProtocolReading;
  readonly settlementPrice: bigint;
  readonly time: bigint;
  readonly at: At;
}

export interface AccountsQuery extends Moment {
  /** Loss beyond cash from which an account is looked at, WAD. */
  readonly realiseAbove: bigint;
  /** Whether anything is to be done with accounts; else only those that can be liquidated are looked for. */
  readonly detailed: boolean;
}

interface Health {
  /** WAD. */
  readonly equity: bigint;
  readonly maintenance: bigint;
  readonly initial: bigint;
}

export interface Difference {
  readonly account: string;
  readonly model: Health;
  /** Undefined where it says nothing. */
  readonly lens: { readonly [Figure in keyof Health]: bigint | undefined };
}

export interface Comparison {
  readonly compared: number;
  readonly differing: readonly Difference[];
}

export class Accounts {
  readonly #context: ReadingContext;
  readonly #shard: Shard;
  #assetOfToken: ReadonlyMap<number, number> = new Map();
  readonly #screen = new Screen({ assetOf: (token) => this.#assetOfToken.get(token) });
  /** Accounts of other shards. */
  readonly #foreign = new Set<string>();
  /** Collateral tokens that are known. */
  #listed = 0;

  constructor({ shard, ...context }: ReadingContext & { readonly shard: Shard }) {
    this.#context = context;
    this.#shard = shard;
  }

  async read(query: AccountsQuery): Promise<AccountsReading> {
    const { index, protocol, time, detailed, realiseAbove } = query;
    this.#follow(index, protocol);
    const { candidates, suspects, nearness } = this.#screen.evaluate({
      assets: protocol.assets,
      ...protocol.terms,
      time,
      realiseAbove,
    });
    const own = [...index.insolvent].filter((account) => isOwn(this.#shard, account));
    const wanted = detailed ? [...new Set([...candidates, ...own])] : suspects;
    const accounts = await this.#statesOf(wanted, query);
    const found = new Set(accounts.map(({ account }) => account));
    return {
      accounts: detailed ? accounts : [],
      liquidatable: [
        ...accounts.filter(({ state }) => isOpenToLiquidation(state)).map(({ account }) => account),
        ...suspects.filter((account) => !found.has(account)),
      ],
      nearness,
    };
  }

  /**
   * Compares what the model makes of accounts with what `Lens` says of them. What cannot be read is left out, and logged.
   * @param signal Ends it between two pages, with its reason.
   */
  async compare(moment: Moment, signal?: AbortSignal): Promise<Comparison> {
    const { contracts } = this.#context;
    const own = [...moment.index.accounts.keys()].filter((account) => isOwn(this.#shard, account));
    let compared = 0;
    const differing: Difference[] = [];
    for (let from = 0; from < own.length; from += ACCOUNTS) {
      signal?.throwIfAborted();
      const states = await this.#statesOf(own.slice(from, from + ACCOUNTS), moment);
      const ids = states.map(({ account }) => account);
      const health = await contracts.lens.health(ids, moment.at);
      compared += states.length;
      for (const [place, { account, state }] of states.entries()) {
        const terms = termsOf(state);
        const model = {
          equity: terms.equity,
          maintenance: maintenanceUp(terms, state.globals),
          initial: initialUp(terms),
        };
        const { equity, maintenance, initial } = health[place] ?? {};
        const lens = { equity, maintenance, initial };
        if (equity === model.equity && maintenance === model.maintenance && initial === model.initial) continue;
        differing.push({ account, model, lens });
      }
    }
    return { compared, differing };
  }

  async #statesOf(wanted: readonly string[], moment: Moment): Promise<AccountState[]> {
    const tokens = [...moment.protocol.collaterals.keys()];
    const pages = await readPages(wanted, {
      ...this.#context,
      contract: this.#context.contracts.clearingHouse,
      viewsOf: (account) => [
        { method: "snapshot", values: [account] },
        { method: "insolventSince", values: [account] },
        ...tokens.map((token) => ({ method: "collateralOf", values: [account, token] })),
      ],
      size: ACCOUNTS,
      at: moment.at,
      what: "account",
    });
    const read = async ([account, results]: readonly [string, readonly Result[]]) =>
      this.#stateOf(account, results, moment);
    return isolated([...pages], read, { ...this.#context, what: "account" });
  }

  /** Brings the screen up to the index. */
  #follow({ accounts }: IndexView, { collaterals }: ProtocolReading): void {
    if (collaterals.size !== this.#listed) {
      // Books with a token that was not known are given anew.
      this.#listed = collaterals.size;
      this.#assetOfToken = new Map([...collaterals].map(([token, { asset }]) => [token, asset]));
      for (const account of [...this.#screen.accounts()]) this.#screen.delete(account);
    }
    for (const [account, book] of accounts) {
      if (!this.#screen.holds(book) && this.#isOwn(account)) this.#screen.set(book);
    }
    if (this.#screen.size + this.#foreign.size === accounts.size) return;
    for (const account of [...this.#screen.accounts()]) if (!accounts.has(account)) this.#screen.delete(account);
    for (const account of this.#foreign) if (!accounts.has(account)) this.#foreign.delete(account);
  }

  #isOwn(account: string): boolean {
    if (this.#foreign.has(account)) return false;
    if (this.#screen.has(account) || isOwn(this.#shard, account)) return true;
    this.#foreign.add(account);
    return false;
  }

  /** @param results What the account has, since when it is insolvent, and what it holds of each listed token. */
  async #stateOf(
    account: string,
    [snapshot, insolvency, ...amounts]: readonly Result[],
    moment: Moment,
  ): Promise<AccountState> {
    const { protocol, settlementPrice, time } = moment;
    const [state, words] = snapshot as unknown as Snapshot;
    const [insolventSince] = insolvency as unknown as [bigint];
    const exposures = words.map(decodeExposure).filter(({ size, collateral }) => size !== 0n || collateral !== 0n);
    const holdings = [...protocol.collaterals].flatMap(([token, parameters], place): Holding[] => {
      if ((state.collaterals & (1n << BigInt(token))) === 0n) return [];
      const [amount] = amounts[place] as unknown as [bigint];
      return [{ token, amount, parameters }];
    });
    const { terms, insuranceRooms, pool } = protocol;
    const skews = new Map(pool.markets.map(({ asset, long, short }) => [asset, skewOf({ long, short })]));
    const found: LiquidationState = {
      ...terms,
      exposures,
      cash: state.cash,
      holdings,
      skews,
      time,
      settlementPrice,
      insuranceRooms,
      hasPendingOrder: state.pending !== 0n,
      escrow: state.escrow,
    };
    const exposuresBefore = await this.#exposuresBefore(account, found, moment);
    return { account, insolventSince, state: exposuresBefore === undefined ? found : { ...found, exposuresBefore } };
  }

  /** The exposures as they would be had no side been deleveraged of late; undefined where that changes none. */
  async #exposuresBefore(
    account: string,
    state: LiquidationState,
    { protocol, time, at }: Moment,
  ): Promise<readonly Exposure[] | undefined> {
    const { exposures } = state;
    const graced = new Set(
      protocol.markets.filter(({ watch }) => watch.graceUntil > time).map(({ market }) => market.asset),
    );
    if (!exposures.some(({ asset, size }) => size !== 0n && graced.has(asset))) return undefined;
    const terms = termsOf(state);
    if (terms.equity > maintenanceUp(terms, state.globals)) return undefined;
    const { clearingHouse } = this.#context.contracts;
    const before = await Promise.all(
      exposures.map(async (exposure): Promise<Exposure> => {
        if (exposure.size === 0n || !graced.has(exposure.asset)) return exposure;
        const former = await clearingHouse.formerPositionOf(account, exposure.asset, at);
        return former.graced ? { ...exposure, size: former.size, quote: former.quote } : exposure;
      }),
    );
    return before.some((exposure, place) => exposure !== exposures[place]) ? before : undefined;
  }
}

/** E ≤ R_M, no grace, and something of it may be closed: whether anybody can afford to do it or not. Mirrors `Lens`. */
function isOpenToLiquidation(state: LiquidationState): boolean {
  const closing = state.exposures.some(({ size, price }) => size !== 0n && isLiquidatable(price));
  const selling =
    state.settlementPrice !== 0n &&
    state.exposures.some(({ collateral, price }) => collateral !== 0n && isLiquidatable(price));
  return (closing || selling) && !isSpared(state);
}

/** Whether the contract refuses every basket, as that of a healthy account or of one in grace. */
function isSpared(state: LiquidationState): boolean {
  try {
    requireUnhealthy(state);
    return false;
  } catch (error) {
    if (error instanceof BasketRefused) return true;
    throw error;
  }
}
