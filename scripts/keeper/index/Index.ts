/** What the events of a deployment say at a block, kept over restarts and corrected over forks. */
import { isDeepStrictEqual } from "node:util";

import { PlimsollError } from "../../deploy/PlimsollError.ts";
import type { Log } from "../log.ts";
import { applyEvent } from "./apply.ts";
import type { AccountBook, AssetSources, BlockRef, IndexView, PendingOrder, RestingTrigger } from "./entries.ts";
import { eventDecoder, type IndexedEvent } from "./events.ts";
import {
  type ChainBook,
  type EventSource,
  type IndexedContracts,
  type RawLog,
  SourceBehindError,
} from "./EventSource.ts";
import { type PoolBatch, State } from "./State.ts";
import {
  type Cursor,
  type KeptBlock,
  type Store,
  type StoreBatch,
  StoreCorruptError,
  StoreInUseError,
} from "./Store.ts";

export interface IndexOptions {
  readonly store: Store;
  readonly source: EventSource;
  readonly contracts: IndexedContracts;
  readonly log: Log;
  /** No event is in an earlier block. */
  readonly firstBlock: number;
  /** Blocks per request for events, at most. */
  readonly range: number;
  /** Blocks that a fork may reach back without a rebuild. */
  readonly keep?: number;
  /** Blocks up to the last one indexed whose logs are asked for again each time: an endpoint that lags may have left some
   * out. */
  readonly overlap?: number;
  /** Hears how far the index is: after every range of blocks, and every sync. */
  readonly onProgress?: (progress: { readonly block: number; readonly head: number }) => void;
}

export interface SyncResult {
  /** The block before a fork, where there was one: the last of those kept that both chains have. */
  readonly rewoundTo?: number;
  /** Events taken in. */
  readonly applied: number;
  /** Accounts whose book is another now, or gone. The first sync names all. */
  readonly changed: ReadonlySet<string>;
}

export interface CheckResult {
  readonly accounts: number;
  readonly wrong: number;
  readonly repaired: number;
}

/** A block of the chain. */
type Reached = Pick<BlockRef, "number" | "hash">;

const KEPT_BLOCKS = 512;
const OVERLAP = 64;
/** After so many answers with fewer logs than before they are believed. */
const MOST_SHORT_ANSWERS = 4;
/** Accounts read in one go. */
const PAGE = 100;

export class Index implements IndexView {
  readonly accounts: ReadonlyMap<string, AccountBook>;
  readonly orders: ReadonlyMap<string, PendingOrder>;
  readonly triggers: ReadonlyMap<string, RestingTrigger>;
  readonly insolvent: ReadonlySet<string>;
  readonly sources: ReadonlyMap<number, AssetSources>;
  /** By number, as far as something of them waits. */
  readonly batches: ReadonlyMap<bigint, PoolBatch>;
  readonly counters = {
    events: 0,
    /** Forks. */
    rewinds: 0,
    /** Anew from the first block: a fork deeper than is kept, a damaged database, orders that are missing. */
    rebuilds: 0,
    corruptions: 0,
    /** Blocks of which an endpoint had left logs out, found by asking again. */
    missed: 0,
    checked: 0,
    wrong: 0,
    repaired: 0,
  };
  readonly #options: IndexOptions;
  readonly #keep: number;
  readonly #overlap: number;
  readonly #state = new State();
  readonly #decode: (log: RawLog) => IndexedEvent | undefined;
  /** Account of the insurance fund. */
  readonly #insurance: string;
  #cursor: Cursor | undefined;
  #version = 0;
  #following = false;
  /** One after the other, that had fewer logs than one before. */
  #shortAnswers = 0;
  /** Syncs and checks, one after the other. */
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(options: IndexOptions) {
    this.#options = options;
    this.#keep = options.keep ?? KEPT_BLOCKS;
    this.#overlap = options.overlap ?? OVERLAP;
    this.#decode = eventDecoder(options.contracts);
    this.#insurance = `${options.contracts.insuranceFund.toLowerCase()}${"0".repeat(24)}`;
    this.accounts = this.#state.accounts;
    this.orders = this.#state.orders;
    this.triggers = this.#state.triggers;
    this.insolvent = this.#state.insolvent;
    this.sources = this.#state.sources;
    this.batches = this.#state.batches;
  }

  /** Loads what the store has. Throws a StoreBusyError or a StoreInUseError. */
  static async open(options: IndexOptions): Promise<Index> {
    const index = new Index(options);
    index.#following = !(await options.store.claim());
    await index.#loadOrRecreate();
    return index;
  }

  /** The block whose state this is; undefined before the first sync of an empty store. */
  get head(): { readonly number: number; readonly hash: string } | undefined {
    return this.#cursor;
  }

  /** Whether another process writes the database, and this one reads what it has written. */
  get following(): boolean {
    return this.#following;
  }

  /** Accounts that could not be read yet. */
  get doubtful(): number {
    return this.#state.doubtful.size;
  }

  /**
   * Brings everything to `head`; one that is behind the block reached without a fork changes nothing. Whatever it throws,
   * the index is as of the last commit, and the next call goes on from there: a SourceBehindError where the source does
   * not have what it should, a StoreBusyError, or what the source throws.
   * @param signal Ends it, with its reason, before the next range of blocks; those before are stored.
   */
  async sync(head: BlockRef, signal?: AbortSignal): Promise<SyncResult> {
    return this.#inTurn(async () => this.#syncOrRecreate(head, signal));
  }

  /**
   * Compares with the chain at one block the book of every account that is known, whether it is flagged as insolvent, how
   * many orders of it wait, and these orders and triggers one by one. What differs is put right by who writes; who follows
   * compares at the block that it has, and only says so.
   * @param signal Ends it, with its reason, before the next page; nothing is put right then.
   */
  async check(head: BlockRef, signal?: AbortSignal): Promise<CheckResult> {
    return this.#inTurn(async () => {
      await this.#syncOrRecreate(head, signal);
      const cursor = this.#cursor;
      if (cursor !== undefined && this.#following) return this.#check(cursor, signal);
      return cursor?.hash === head.hash ? this.#check(head, signal) : { accounts: 0, wrong: 0, repaired: 0 };
    });
  }

  async close(): Promise<void> {
    await this.#inTurn(async () => this.#options.store.close());
  }

  /** What fails leaves nothing half done behind. */
  async #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const mine = this.#tail.then(task);
    this.#tail = mine.catch(() => {
      this.#state.rollBack();
    });
    return mine;
  }

  // ---------------------------------------------------------------- store

  async #load(): Promise<void> {
    const stored = await this.#options.store.load();
    this.#state.load(stored);
    this.#cursor = stored.cursor;
    this.#version = stored.version;
    const digest = this.#state.countDigest();
    const expected = stored.cursor?.digest ?? 0;
    if (digest !== expected) throw new StoreCorruptError(`digest of the rows ${digest}, stored ${expected}`);
  }

  async #loadOrRecreate(): Promise<void> {
    try {
      await this.#load();
    } catch (error) {
      if (!(error instanceof StoreCorruptError)) throw error;
      await this.#recreate(error);
    }
  }

  async #recreate(cause: StoreCorruptError): Promise<void> {
    if (this.#following) throw cause; // the one who writes finds it too
    this.counters.corruptions += 1;
    this.counters.rebuilds += 1;
    this.#options.log.error("database damaged, rebuilding from the chain", { reason: cause.message });
    await this.#options.store.recreate();
    this.#state.clear();
    this.#cursor = undefined;
    this.#version = 0;
  }

  /** Stores what has changed, together with how far it goes. */
  async #commit(
    cursor: Omit<Cursor, "digest"> | undefined,
    { clear = false, rewindTo, blocks = [] }: Partial<Pick<StoreBatch, "clear" | "rewindTo" | "blocks">> = {},
  ): Promise<void> {
    const { digest, put, remove, journal } = this.#state.changes();
    const next = cursor && { ...cursor, digest };
    const keepFrom = cursor?.keptFrom ?? 0;
    this.#version = await this.#options.store.commit({
      after: this.#version,
      clear,
      cursor: next,
      put,
      remove,
      rewindTo,
      blocks,
      journal,
      keepFrom,
    });
    this.#state.committed(digest);
    const known = this.#state.blocks.filter(({ number }) => blocks.every((block) => block.number !== number));
    this.#state.blocks = [...known, ...blocks].sort((a, b) => a.number - b.number);
    this.#state.keepJournal({ from: keepFrom, to: cursor?.number ?? -1 });
    this.#cursor = next;
  }

  // ---------------------------------------------------------------- sync

  async #syncOrRecreate(head: BlockRef, signal?: AbortSignal): Promise<SyncResult> {
    try {
      return await this.#syncOrLoad(head, signal);
    } finally {
      this.#tell(head);
    }
  }

  #tell(head: Reached): void {
    const block = this.#cursor?.number;
    if (block !== undefined) this.#options.onProgress?.({ block, head: head.number });
  }

  async #syncOrLoad(head: BlockRef, signal?: AbortSignal): Promise<SyncResult> {
    try {
      return await this.#sync(head, signal);
    } catch (error) {
      this.#state.rollBack();
      if (error instanceof StoreInUseError && this.#options.store.shared) {
        // This process was away for longer than its lease, or its last commit has come through without an answer.
        this.#options.log.warn("the database has moved on", { reason: error.message });
        this.#following = true;
        await this.#load();
        return this.#result(0);
      }
      if (!(error instanceof StoreCorruptError)) throw error;
      await this.#recreate(error);
      return this.#sync(head, signal);
    }
  }

  #result(applied: number, rewoundTo?: number): SyncResult {
    const changed = this.#state.takeChanged();
    return rewoundTo === undefined ? { applied, changed } : { applied, changed, rewoundTo };
  }

  async #sync(head: BlockRef, signal: AbortSignal | undefined): Promise<SyncResult> {
    if (!(await this.#claim(head))) return this.#result(0);
    let rewoundTo: number | undefined;
    const ancestor = await this.#ancestorOf(head);
    if (ancestor === "ahead") return this.#result(0);
    if (ancestor !== "linked") {
      rewoundTo = ancestor;
      await this.#rewind(rewoundTo);
    }
    let applied: number | "missed" = await this.#advance(head, signal);
    if (applied === "missed") {
      rewoundTo = Math.min(rewoundTo ?? head.number, this.#cursor?.number ?? this.#options.firstBlock - 1);
      applied = await this.#advance(head, signal);
      if (applied === "missed") throw new SourceBehindError("the source's logs change from one request to the next");
    }
    return this.#result(applied, rewoundTo);
  }

  /** @return Whether this process writes; else it has what the writer has stored. */
  async #claim(head: BlockRef): Promise<boolean> {
    const { store, log } = this.#options;
    if (!this.#following && (await store.claim())) return true;
    await this.#follow();
    // While a chain stands still its writer has nothing to do, and its lease ends without any fault of its own.
    if (!(await store.claim({ expired: head.number > (this.#cursor?.number ?? -1) }))) return false;
    this.#following = false;
    log.info("writing the database now", {});
    await this.#load();
    return true;
  }

  /** Where the chain of `head` leaves the one indexed: a block's number, or that it does not; "ahead": nothing to do. */
  async #ancestorOf(head: BlockRef): Promise<number | "linked" | "ahead"> {
    const cursor = this.#cursor;
    if (cursor === undefined) return "linked";
    if (head.number === cursor.number && head.hash === cursor.hash) return "linked";
    if (head.number <= cursor.number) {
      // An endpoint that lags has an older head of the same chain.
      const known = this.#state.blocks.findLast(({ number }) => number <= head.number);
      if (known === undefined || (await this.#isCanonical(known, head))) return "ahead";
      return this.#commonAncestor(head);
    }
    if (head.number === cursor.number + 1 && head.parentHash === cursor.hash) return "linked";
    return (await this.#isCanonical(cursor, head)) ? "linked" : this.#commonAncestor(head);
  }

  /** @throws A SourceBehindError where the source does not have the block, though it is not above `head`. */
  async #isCanonical({ number, hash }: { number: number; hash: string }, head: BlockRef): Promise<boolean> {
    if (number > head.number) return false;
    if (number === head.number) return hash === head.hash;
    if (number === head.number - 1) return hash === head.parentHash;
    const block = await this.#options.source.block(number);
    if (block === undefined) throw new SourceBehindError(`the source has no block ${number}`);
    return block.hash === hash;
  }

  /** The newest kept block of the chain of `head`, by bisection: all before it are of that chain, too. */
  async #commonAncestor(head: BlockRef): Promise<number> {
    const { blocks } = this.#state;
    let [low, high] = [-1, blocks.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      const block = blocks[middle];
      if (block !== undefined && (await this.#isCanonical(block, head))) low = middle;
      else high = middle;
    }
    const ancestor = blocks[low]?.number;
    this.counters.rewinds += 1;
    return ancestor ?? this.#options.firstBlock - 1;
  }

  /** @param block One that is kept; below all of those everything begins anew. */
  async #rewind(block: number): Promise<void> {
    const { log, firstBlock } = this.#options;
    const cursor = this.#cursor;
    const kept = this.#state.blocks.find(({ number }) => number === block);
    if (cursor === undefined) return;
    if (kept === undefined) {
      // Where all that was ever indexed is still kept, nothing is lost by that.
      const deep = cursor.keptFrom > firstBlock;
      if (deep) this.counters.rebuilds += 1;
      log[deep ? "error" : "warn"]("fork deeper than is kept, rebuilding", { from: cursor.number, to: firstBlock });
      this.#state.clear();
      await this.#commit(undefined, { clear: true });
      return;
    }
    log.warn("fork", { from: cursor.number, to: block });
    this.#state.rewindTo(block);
    const { hash } = kept;
    await this.#commit({ number: block, hash, keptFrom: Math.min(cursor.keptFrom, block) }, { rewindTo: block });
  }

  /** Takes in all blocks after the cursor. @return "missed" where it had to rewind instead, because of logs it never got. */
  async #advance(head: Reached, signal: AbortSignal | undefined): Promise<number | "missed"> {
    const { firstBlock, range } = this.#options;
    const start = this.#cursor === undefined ? firstBlock : this.#cursor.number + 1;
    const keptFrom = Math.max(firstBlock, this.#cursor?.keptFrom ?? 0, head.number - this.#keep + 1);
    if (start > head.number) {
      // The same block as before: perhaps an account could not be read.
      const { number, hash } = head;
      if (await this.#settle(head, signal)) {
        await this.#requireStill(head);
        await this.#commit({ number, hash, keptFrom });
      }
      return 0;
    }
    let applied = 0;
    let from = start;
    do {
      signal?.throwIfAborted();
      // What is journaled begins with a range of its own, after a block that is kept.
      const end = from < keptFrom ? keptFrom - 1 : head.number;
      const to = Math.min(end, from + range - 1);
      const overlapFrom = from === start ? this.#overlapFrom() : from;
      const logs = await this.#options.source.logs(Math.min(overlapFrom, from), to);
      const missed = from === start ? this.#missedIn(logs.filter(({ blockNumber }) => blockNumber < from)) : undefined;
      if (missed !== undefined) {
        await this.#rewindBelow(missed);
        return "missed";
      }
      const taken = logs.filter(({ blockNumber }) => blockNumber >= from);
      applied += await this.#take({ logs: taken, to, head, keptFrom, signal });
      this.#tell(head);
      from = to + 1;
    } while (from <= head.number);
    return applied;
  }

  /** One range of blocks: all of it, or nothing. */
  async #take({
    logs,
    to,
    head,
    keptFrom,
    signal,
  }: {
    logs: readonly RawLog[];
    to: number;
    head: Reached;
    keptFrom: number;
    signal: AbortSignal | undefined;
  }): Promise<number> {
    const last = to === head.number ? head : await this.#options.source.block(to);
    if (last === undefined) throw new SourceBehindError(`the source has no block ${to}`);
    const blocks = new Map<number, KeptBlock>([[to, { number: to, hash: last.hash, logs: 0 }]]);
    let applied = 0;
    for (const log of logs) {
      const { blockNumber: number, blockHash: hash } = log;
      const block = blocks.get(number) ?? { number, hash, logs: 0 };
      if (block.hash !== hash) throw new SourceBehindError(`block ${number} has two hashes: ${hash}, ${block.hash}`);
      if (number >= keptFrom || number === to) blocks.set(number, { ...block, logs: block.logs + 1 });
      this.#state.beginBlock(number, number >= keptFrom);
      const event = this.#decode(log);
      if (event === undefined) continue;
      applyEvent(this.#state, event, this.#insurance);
      ++applied;
    }
    if (to === head.number) {
      await this.#settle(head, signal);
      await this.#requireStill(head);
    }
    const kept = [...blocks.values()].sort((a, b) => a.number - b.number);
    await this.#commit({ number: to, hash: last.hash, keptFrom }, { blocks: kept });
    this.counters.events += applied;
    return applied;
  }

  /** Reads at `head` what events do not say. @return Whether there was anything. */
  async #settle(head: Reached, signal: AbortSignal | undefined): Promise<boolean> {
    const { source } = this.#options;
    const doubtful = [...this.#state.doubtful];
    this.#state.beginBlock(head.number, true);
    for (const page of pagesOf(doubtful)) {
      signal?.throwIfAborted();
      for (const book of await source.books(page, head.number)) this.#state.setBook(book);
    }
    if (this.#state.hasDebtors) this.#state.accrue(await source.debtIndex(head.number));
    return doubtful.length !== 0;
  }

  async #requireStill({ number, hash }: Reached): Promise<void> {
    const now = await this.#options.source.block(number);
    if (now?.hash !== hash) throw new SourceBehindError(`block ${number} is no longer ${hash}`);
  }

  // ---------------------------------------------------------------- logs that were left out

  /** First block of those whose logs are asked for again. */
  #overlapFrom(): number {
    const cursor = this.#cursor;
    if (cursor === undefined) return this.#options.firstBlock;
    return Math.max(cursor.keptFrom, cursor.number - this.#overlap + 1);
  }

  /**
   * The first block that has other logs than those taken in, if any.
   * @param logs Of blocks that were indexed before.
   * @throws A SourceBehindError where there are fewer than before, in a block that is the same; not for ever, though.
   */
  #missedIn(logs: readonly RawLog[]): number | undefined {
    const found = new Map<number, { hash: string; logs: number }>();
    for (const { blockNumber, blockHash } of logs) {
      const block = found.get(blockNumber) ?? { hash: blockHash, logs: 0 };
      found.set(blockNumber, { hash: block.hash, logs: block.logs + 1 });
    }
    const from = this.#overlapFrom();
    const missed: number[] = [];
    for (const { number, hash, logs: count } of this.#state.blocks) {
      if (number < from) continue;
      const now = found.get(number) ?? { hash, logs: 0 };
      found.delete(number);
      if (now.hash === hash && now.logs < count && ++this.#shortAnswers < MOST_SHORT_ANSWERS) {
        throw new SourceBehindError(`block ${number} has ${now.logs} logs, and had ${count}`);
      }
      if (now.hash !== hash || now.logs !== count) missed.push(number);
    }
    this.#shortAnswers = 0;
    missed.push(...found.keys());
    return missed.length === 0 ? undefined : Math.min(...missed);
  }

  async #rewindBelow(block: number): Promise<void> {
    this.counters.missed += 1;
    this.#options.log.warn("logs were left out, taking them in now", { block });
    const below = this.#state.blocks.findLast(({ number }) => number < block)?.number;
    await this.#rewind(below ?? this.#options.firstBlock - 1);
  }

  // ---------------------------------------------------------------- following

  async #follow(): Promise<void> {
    this.#following = true;
    const changes = await this.#options.store.changesSince(this.#version);
    if (changes === undefined) await this.#load();
    else {
      this.#state.merge({ rows: changes.rows, deleted: changes.deleted });
      this.#version = changes.version;
      this.#cursor = changes.cursor;
    }
    if (this.#cursor !== undefined && this.#state.hasDebtors) {
      this.#state.accrue(await this.#options.source.debtIndex(this.#cursor.number));
    }
  }

  // ---------------------------------------------------------------- check

  async #check(head: Reached, signal: AbortSignal | undefined): Promise<CheckResult> {
    const { store, source, log } = this.#options;
    const writes = !this.#following;
    await store.verify();
    const pending = this.#pendingOrders();
    let [wrong, repaired, accounts] = [0, 0, 0];
    const lost = await this.#lostAt(head.number, signal);
    this.#state.beginBlock(head.number, true);
    for (const page of pagesOf([...this.accounts.keys()])) {
      signal?.throwIfAborted();
      for (const book of await source.books(page, head.number)) {
        ++accounts;
        const known = this.accounts.get(book.account);
        const orders = pending.get(book.account) ?? 0;
        // In the middle of a long sync of the writer there are some that it has not read yet.
        const isOpen = !writes && known?.exact === false;
        const differences = isOpen ? [] : known === undefined ? ["account"] : differencesOf(known, book);
        if (this.insolvent.has(book.account) !== book.insolvent) differences.push("insolvency");
        if (orders !== book.pending) lost.set(book.account, [...(lost.get(book.account) ?? []), "orders"]);
        differences.push(...(lost.get(book.account) ?? []));
        if (differences.length === 0) continue;
        ++wrong;
        log.error("index wrong", { account: book.account, block: head.number, differences });
        if (!writes) continue;
        this.#state.setBook(book);
        if (!lost.has(book.account)) ++repaired;
      }
      if (writes) await store.renew();
    }
    await this.#requireStill(head);
    if (repaired !== 0 && this.#cursor !== undefined) await this.#commit(this.#cursor);
    this.#state.rollBack();
    if (lost.size !== 0 && writes) repaired += await this.#rebuild(head, { lost: lost.size, signal });
    this.counters.checked += accounts;
    this.counters.wrong += wrong;
    this.counters.repaired += repaired;
    return { accounts, wrong, repaired };
  }

  /** By account, the orders and triggers that are not as the chain has them. */
  async #lostAt(block: number, signal: AbortSignal | undefined): Promise<Map<string, string[]>> {
    const { store, source } = this.#options;
    const lost = new Map<string, string[]>();
    const compare = async <Item extends PendingOrder | RestingTrigger>(
      what: string,
      known: readonly Item[],
      read: (page: readonly Item[], block: number) => Promise<readonly (Item | undefined)[]>,
    ): Promise<void> => {
      for (const page of pagesOf(known)) {
        signal?.throwIfAborted();
        const found = await read(page, block);
        for (const [place, item] of page.entries()) {
          const { account, sequence } = item;
          if (isDeepStrictEqual(item, found[place])) continue;
          lost.set(account, [...(lost.get(account) ?? []), `${what} ${String(sequence)}`]);
        }
        if (!this.#following) await store.renew();
      }
    };
    await compare("order", [...this.orders.values()], async (page) => source.orders(page, block));
    await compare("trigger", [...this.triggers.values()], async (page) => source.triggers(page, block));
    return lost;
  }

  #pendingOrders(): ReadonlyMap<string, number> {
    const pending = new Map<string, number>();
    for (const { account } of this.orders.values()) pending.set(account, (pending.get(account) ?? 0) + 1);
    return pending;
  }

  /** Orders cannot be asked for: what is missing of them is only in the events. */
  async #rebuild(
    head: Reached,
    { lost, signal }: { readonly lost: number; readonly signal: AbortSignal | undefined },
  ): Promise<number> {
    this.#options.log.error("orders are missing, rebuilding", { accounts: lost });
    this.counters.rebuilds += 1;
    this.#state.clear();
    await this.#commit(undefined, { clear: true });
    if ((await this.#advance(head, signal)) === "missed")
      throw new PlimsollError("a rebuild has nothing to compare with");
    return lost;
  }
}

/** What of a book is not as the chain says. */
function differencesOf(known: AccountBook, book: ChainBook): string[] {
  const differences = known.cash === book.cash ? [] : ["cash"];
  for (const asset of new Set([...known.positions.keys(), ...book.positions.keys()])) {
    const [before, now] = [known.positions.get(asset), book.positions.get(asset)];
    if (before?.size !== now?.size || before?.quote !== now?.quote) differences.push(`position ${asset}`);
  }
  for (const token of new Set([...known.collateral.keys(), ...book.collateral.keys()])) {
    if (known.collateral.get(token) !== book.collateral.get(token)) differences.push(`collateral ${token}`);
  }
  return differences;
}

function pagesOf<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / PAGE) }, (_, page) =>
    items.slice(page * PAGE, (page + 1) * PAGE),
  );
}
