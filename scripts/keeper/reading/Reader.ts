/** Reads everything that decisions are made from, at one block. */
import { PlimsollError } from "../../deploy/PlimsollError.ts";
import { decodePrice, type Price } from "../../model/price.ts";
import { decodeExposure } from "../../model/risk.ts";
import { readUint } from "../../model/word.ts";
import type { KeeperState, MarketState, OwnAccount, SeizedState } from "../decide/state.ts";
import { DEFAULTS } from "../decide/state.ts";
import { hasDuties, type Shard, WHOLE } from "../decide/shard.ts";
import type { BlockRef, IndexView } from "../index/entries.ts";
import type { Role } from "../job.ts";
import type { Nearness } from "../screen/Screen.ts";
import { Accounts, type Comparison } from "./accounts.ts";
import { Feeds, type Source } from "./feeds.ts";
import { type At, isolated, type ReadingContext } from "./isolated.ts";
import { type MarketReading, type ProtocolReading, readProtocol } from "./markets.ts";
import { OrderBook, type OrdersQuery } from "./orders.ts";
import { readQueue } from "./queue.ts";
import type { ReportSource } from "./reports.ts";
import { Settlements } from "./settlements.ts";

export interface ReaderOptions extends ReadingContext {
  /** The keeper's own account. */
  readonly account: string;
  readonly shard?: Shard;
  /** As in the settings of the decisions. */
  readonly realiseAbove?: bigint;
  /** Where reports come from; without it what settles by them is left, and said once. */
  readonly reports?: ReportSource | undefined;
}

export interface Reading {
  readonly state: KeeperState;
  /** Of this shard's accounts, whatever the roles are. */
  readonly nearness: Nearness;
  /** Likewise: those that can be liquidated now, and what seems so but could not be read. */
  readonly liquidatable: readonly string[];
}

/** The block that was asked for is no longer, or not yet, one of the chain that the endpoint knows. */
export class BlockGoneError extends PlimsollError {}

export class Reader {
  readonly #context: ReadingContext;
  readonly #account: string;
  readonly #shard: Shard;
  readonly #realiseAbove: bigint;
  readonly #feeds: Feeds;
  readonly #settlements: Settlements;
  readonly #orders: OrderBook;
  readonly #accounts: Accounts;
  #last: BlockRef | undefined;

  constructor({ contracts, log, account, shard = WHOLE, realiseAbove, reports }: ReaderOptions) {
    const context = { contracts, log };
    this.#context = context;
    this.#account = account;
    this.#shard = shard;
    this.#realiseAbove = realiseAbove ?? DEFAULTS.realiseAbove;
    this.#feeds = new Feeds(context);
    this.#settlements = new Settlements({ ...context, feeds: this.#feeds, reports });
    this.#orders = new OrderBook({ ...context, settlements: this.#settlements, shard });
    this.#accounts = new Accounts({ ...context, shard });
  }

  /**
   * Reads what the roles need. What cannot be read of one item leaves that item out, and is logged; what concerns all throws.
   * Throws a BlockGoneError where the chain has another block of that number.
   */
  async read(index: IndexView, block: BlockRef, roles: ReadonlySet<Role>): Promise<Reading> {
    const at: At = { blockTag: block.number };
    const { contracts, log } = this.#context;
    const { time } = block;
    this.#settlements.renew();
    const [{ prices, conditions, baseFee }, environment] = await Promise.all([
      this.#prices(block),
      contracts.oracle.environment(at),
      this.#forgetForks(block),
    ]);
    const [feeds, protocol] = await Promise.all([
      this.#feeds.read(prices, { at, sources: index.sources }),
      readProtocol(this.#context, { prices, at, time }),
    ]);
    const sources = new Map(feeds.map(({ source }) => [source.asset, source]));
    const native = feeds.find(({ state }) => state.asset === Number(environment.nativeAsset));
    const nativePrice = native?.state.stored.price ?? 0n;
    const settlementPrice = settlementPriceIn(conditions);
    const orders: OrdersQuery = {
      index,
      sources,
      prices,
      baseFee,
      nativePrice,
      time,
      at,
    };
    const [counted, known] = [protocol.pendingLosses, index.insolvent.size];
    if (counted !== BigInt(known)) log.warn("the index knows other insolvencies than are counted", { counted, known });
    const duties = hasDuties(this.#shard);
    const liquidates = roles.has("liquidate");
    const [pending, firing, shareFeeds, queue, seized, markets, own] = await Promise.all([
      roles.has("orders") ? this.#orders.orders(orders) : [],
      roles.has("orders") ? this.#orders.triggers(orders) : [],
      duties && roles.has("pool") ? this.#feeds.shareFeeds(at) : [],
      duties && roles.has("pool") ? readQueue(this.#context, at) : NO_QUEUE,
      duties && liquidates ? this.#seized(prices, protocol, at) : [],
      duties && roles.has("deleverage") ? this.#markets(protocol, sources, { at, time }) : [],
      this.#own(protocol, at),
    ]);
    const { accounts, liquidatable, nearness } = await this.#accounts.read({
      index,
      protocol,
      settlementPrice,
      time,
      at,
      realiseAbove: this.#realiseAbove,
      detailed: liquidates,
    });
    const state: KeeperState = {
      block: block.number,
      time,
      sequencerUp: (conditions & 1n) !== 0n,
      sequencerSettled: (conditions & 2n) !== 0n,
      upSince: readUint(conditions, 8, 32),
      settlementPrice,
      nativePrice,
      terms: protocol.terms,
      feeds: feeds.map((feed) => feed.state),
      shareFeeds,
      orders: pending,
      triggers: firing,
      accounts,
      seized,
      mark: { time: protocol.markTime, maxAge: protocol.terms.globals.markMaxAge },
      queue,
      markets,
      pool: protocol.pool,
      own,
    };
    return { state, nearness, liquidatable: state.sequencerSettled ? liquidatable : [] };
  }

  /**
   * Compares the model with `Lens` for every account of this shard: equity and both requirements, to the wei.
   * Throws a BlockGoneError as `read`. @param signal Ends it between two pages, with its reason.
   */
  async compare(index: IndexView, block: BlockRef, signal?: AbortSignal): Promise<Comparison> {
    const at: At = { blockTag: block.number };
    const { time } = block;
    const { prices, conditions } = await this.#prices(block);
    const protocol = await readProtocol(this.#context, { prices, at, time });
    const settlementPrice = settlementPriceIn(conditions);
    return this.#accounts.compare({ index, protocol, settlementPrice, time, at }, signal);
  }

  async #prices(block: BlockRef) {
    const at: At = { blockTag: block.number };
    const { oracle, provider } = this.#context.contracts;
    const [count, head] = await Promise.all([oracle.assetCount(at), provider.getBlock(block.number)]);
    if (head?.hash !== block.hash) throw new BlockGoneError(`block ${block.number} is not ${block.hash}`);
    const [conditions, words] = await oracle.peek((1n << count) - 1n, true, at);
    return { prices: words.map(decodePrice), conditions, baseFee: head.baseFeePerGas ?? 0n };
  }

  /** Rounds and escrows that were read in blocks that are no more are read anew. */
  async #forgetForks(block: BlockRef): Promise<void> {
    const last = this.#last;
    this.#last = block;
    if (last === undefined || last.hash === block.hash) return;
    const isNext = block.number === last.number + 1;
    const hash = isNext ? block.parentHash : (await this.#context.contracts.provider.getBlock(last.number))?.hash;
    if (hash === last.hash) return;
    this.#feeds.forget();
    this.#settlements.forget();
    this.#orders.forget();
  }

  async #seized(prices: readonly Price[], { collaterals }: ProtocolReading, at: At): Promise<SeizedState[]> {
    const inventory = await this.#context.contracts.insuranceFund.inventory(at);
    return [...inventory].flatMap(({ token, amount, owed, since }) => {
      const price = prices[collaterals.get(Number(token))?.asset ?? -1];
      return price === undefined ? [] : [{ token: Number(token), amount, owed, since, price }];
    });
  }

  async #markets(
    { markets }: ProtocolReading,
    sources: ReadonlyMap<number, Source>,
    { at, time }: { at: At; time: bigint },
  ): Promise<MarketState[]> {
    const read = async ({ watch, market }: MarketReading): Promise<MarketState> => {
      const { asset, sizes } = market;
      const { overSince, flaggedAt, trigger, closesAt, phase } = watch;
      const since = closesAt === 0n ? flaggedAt : closesAt;
      const source = sources.get(asset);
      // Nothing is settled before its time.
      const isDue = since !== 0n && time > since && source !== undefined && sizes.status !== "Closed";
      const settlement = isDue
        ? await this.#settlements.find(source, { phase, boundary: since }, { at, now: time })
        : undefined;
      return { asset, status: sizes.status, overSince, flaggedAt, trigger, closesAt, settlement };
    };
    return isolated(markets, read, { ...this.#context, what: "market" });
  }

  /** With an exposure to every market, so that it can be seen what taking a position over would do. */
  async #own({ markets, assets }: ProtocolReading, at: At): Promise<OwnAccount> {
    const [state, words] = await this.#context.contracts.clearingHouse.snapshot(this.#account, at);
    const held = words.map(decodeExposure);
    const others = markets
      .filter(({ market }) => !held.some(({ asset }) => asset === market.asset))
      .flatMap(({ market }) => assets.filter(({ asset }) => asset === market.asset))
      .map((terms) => ({ ...terms, size: 0n, quote: 0n, collateral: 0n }));
    const exposures = [...held, ...others].sort((a, b) => a.asset - b.asset);
    return { account: this.#account, cash: state.cash, exposures, hasPendingOrder: state.pending !== 0n };
  }
}

function settlementPriceIn(conditions: bigint): bigint {
  return readUint(conditions, 40, 96);
}

const NO_QUEUE: KeeperState["queue"] = {
  batches: [],
  valuation: { equity: 0n, redeemable: 0n, oldest: undefined, live: false, blocked: false },
};
