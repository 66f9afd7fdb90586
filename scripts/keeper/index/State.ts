/**
 * The index in memory. Every change goes through `#write`, which remembers what was there before: for the commit (which
 * rows to store), for a commit that fails (everything back), and for blocks that a fork may still take away.
 */
import type {
  AccountBook,
  AssetSources,
  IndexView,
  OrderLeg,
  PendingOrder,
  ProxiedSource,
  RestingTrigger,
  StreamSettlement,
} from "./entries.ts";
import { keyOf } from "./entries.ts";
import type { ChainBook } from "./EventSource.ts";
import type { JournalEntry, KeptBlock, StoredIndex, StoredRows } from "./Store.ts";
import { checksumOf, type Row, rowKey, type TableName, TABLE_NAMES, type Value } from "./tables.ts";

/** Requests to the pool of one hour, as far as they wait. */
export interface PoolBatch {
  readonly batch: bigint;
  /** Unix seconds. */
  readonly closesAt: bigint;
  readonly maturesAt: bigint;
  /** Of deposits that wait, in units of the settlement token. */
  readonly assets: bigint;
  /** Of redemptions that wait, in units of the share. */
  readonly shares: bigint;
}

interface Position {
  readonly size: bigint;
  readonly quote: bigint;
}

/** An account's book, changed in place. */
class Book implements AccountBook {
  readonly account: string;
  readonly positions = new Map<number, Position>();
  readonly collateral = new Map<number, bigint>();
  cash = 0n;
  /** Cash as it is stored; that of a debt grows in between. */
  storedCash = 0n;
  debtShares = 0n;
  exact = true;

  constructor(account: string) {
    this.account = account;
  }
}

interface Touched {
  readonly asset: number;
  readonly long: boolean;
}

interface Change {
  readonly table: TableName;
  readonly key: Row;
  readonly before: Row | undefined;
}

/** What a commit has to store. */
export interface Changes {
  readonly put: readonly StoredRows[];
  readonly remove: readonly StoredRows[];
  readonly journal: readonly JournalEntry[];
  /** Of all rows, with these changes. */
  readonly digest: number;
}

const WAD = 10n ** 18n;

export class State implements IndexView {
  readonly accounts = new Map<string, Book>();
  readonly orders = new Map<string, PendingOrder>();
  readonly triggers = new Map<string, RestingTrigger>();
  readonly batches = new Map<bigint, PoolBatch>();
  readonly insolvent = new Set<string>();
  readonly sources = new Map<number, AssetSources>();
  /** Accounts whose books events do not tell: to be read. */
  readonly doubtful = new Set<string>();
  /** Blocks that were indexed lately, ascending. */
  blocks: KeptBlock[] = [];
  /** XOR of the checksums of all rows, as committed. */
  digest = 0;
  readonly #touchedSides = new Map<string, Touched>();
  readonly #debtors = new Set<string>();
  /** By block, then by row. */
  readonly #journal = new Map<number, Map<string, JournalEntry>>();
  /** Of the change that is being made, by row. */
  readonly #changes = new Map<string, Change>();
  #newJournal = new Map<number, Map<string, JournalEntry>>();
  #journaledBlock: number | undefined;
  #changed = new Set<string>();

  // ---------------------------------------------------------------- one change, all or nothing

  /** What follows belongs to this block. @param journaled Whether it may have to be undone. */
  beginBlock(block: number, journaled: boolean): void {
    this.#journaledBlock = journaled ? block : undefined;
  }

  /** What has changed since the last `committed` or `rollBack`. */
  changes(): Changes {
    const put = new Map<TableName, Row[]>();
    const remove = new Map<TableName, Row[]>();
    let { digest } = this;
    for (const { table, key, before } of this.#changes.values()) {
      const after = this.#rowOf(table, key);
      if (before !== undefined) digest ^= checksumOf(table, before);
      if (after !== undefined) digest ^= checksumOf(table, after);
      if (after !== undefined) pushTo(put, table, after);
      else if (before !== undefined) pushTo(remove, table, key);
    }
    return {
      put: rowsOf(put),
      remove: rowsOf(remove),
      journal: [...this.#newJournal.values()].flatMap((entries) => [...entries.values()]),
      digest: digest >>> 0,
    };
  }

  committed(digest: number): void {
    for (const [block, entries] of this.#newJournal) {
      const known = this.#journal.get(block);
      if (known === undefined) this.#journal.set(block, entries);
      else for (const [row, entry] of entries) if (!known.has(row)) known.set(row, entry);
    }
    this.digest = digest;
    this.#changes.clear();
    this.#newJournal = new Map();
    this.#journaledBlock = undefined;
  }

  /** Everything as it was at the last `committed`. */
  rollBack(): void {
    for (const { table, key, before } of accountsLast(this.#changes.values())) this.#set(table, key, before);
    this.#changes.clear();
    this.#newJournal = new Map();
    this.#journaledBlock = undefined;
  }

  /** Undoes all journaled changes of blocks above `block`. */
  rewindTo(block: number): void {
    this.#journaledBlock = undefined;
    const undone = [...this.#journal.keys()].filter((number) => number > block).sort((a, b) => b - a);
    for (const number of undone) {
      const entries = this.#journal.get(number)?.values() ?? [];
      for (const { table, key, before } of accountsLast(entries)) this.#write(table, key, before);
    }
  }

  /** Forgets what no fork can undo any more, and what a fork has undone. */
  keepJournal({ from, to }: { from: number; to: number }): void {
    for (const block of this.#journal.keys()) if (block < from || block > to) this.#journal.delete(block);
    const newestBefore = this.blocks.findLast(({ number }) => number < from)?.number ?? from;
    this.blocks = this.blocks.filter(({ number }) => number >= newestBefore && number <= to);
  }

  /** Accounts that have changed since the last call. Those that are gone are among them. */
  takeChanged(): Set<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  // ---------------------------------------------------------------- loading

  load({ rows, blocks, journal, cursor }: StoredIndex): void {
    this.clear();
    for (const stored of rows) this.#setAll(stored);
    this.blocks = [...blocks];
    for (const entry of journal) {
      const entries = this.#journal.get(entry.block) ?? new Map<string, JournalEntry>();
      this.#journal.set(entry.block, entries);
      entries.set(nameOf(entry.table, entry.key), entry);
    }
    this.digest = cursor?.digest ?? 0;
  }

  /** Takes over what another process has stored. */
  merge({ rows, deleted }: { rows: readonly StoredRows[]; deleted: readonly StoredRows[] }): void {
    for (const { table, rows: keys } of deleted) for (const key of keys) this.#set(table, key, undefined);
    for (const stored of rows) this.#setAll(stored);
  }

  clear(): void {
    for (const account of this.accounts.keys()) this.#changed.add(account);
    const { accounts, orders, triggers, batches, sources } = this;
    for (const map of [accounts, orders, triggers, batches, sources, this.#touchedSides]) map.clear();
    for (const set of [this.doubtful, this.insolvent, this.#debtors]) set.clear();
    this.#journal.clear();
    this.#changes.clear();
    this.#newJournal = new Map();
    this.#journaledBlock = undefined;
    this.blocks = [];
    this.digest = 0;
  }

  /** XOR of the checksums of all rows, counted anew. */
  countDigest(): number {
    let digest = 0;
    const add = (table: TableName, key: Row): void => {
      const row = this.#rowOf(table, key);
      if (row !== undefined) digest ^= checksumOf(table, row);
    };
    for (const { account, positions, collateral } of this.accounts.values()) {
      add("accounts", [account]);
      for (const asset of positions.keys()) add("positions", [account, asset]);
      for (const token of collateral.keys()) add("collateral", [account, token]);
    }
    for (const { account, sequence } of this.orders.values()) add("orders", [account, sequence]);
    for (const { account, sequence } of this.triggers.values()) add("triggers", [account, sequence]);
    for (const batch of this.batches.keys()) add("pool_batches", [batch]);
    for (const { asset, long } of this.#touchedSides.values()) add("touched_sides", [asset, long]);
    for (const account of this.insolvent) add("insolvencies", [account]);
    for (const asset of this.sources.keys()) add("sources", [asset]);
    return digest >>> 0;
  }

  // ---------------------------------------------------------------- accounts

  /** @param delta WAD. A debt, before or after, makes the account doubtful: its interest is in no event. */
  addCash(account: string, delta: bigint): void {
    const { cash } = this.#bookOf(account);
    if (delta === 0n) return;
    this.#changeAccount(account, (book) => {
      book.cash += delta;
      book.storedCash = book.cash;
      if (cash < 0n || book.cash < 0n) book.exact = false;
    });
  }

  addCollateral(account: string, token: number, delta: bigint): void {
    const held = this.#bookOf(account).collateral.get(token) ?? 0n;
    const amount = held + delta;
    this.#write("collateral", [account, token], amount === 0n ? undefined : [account, token, amount]);
  }

  positionOf(account: string, asset: number): Position {
    return this.accounts.get(account)?.positions.get(asset) ?? { size: 0n, quote: 0n };
  }

  /** Without size there is no position. */
  setPosition(account: string, asset: number, { size, quote }: Position): void {
    this.#bookOf(account);
    this.#write("positions", [account, asset], size === 0n ? undefined : [account, asset, size, quote]);
  }

  /** Leaves the account with nothing. */
  empty(account: string): void {
    this.setBook({
      account,
      cash: 0n,
      debtShares: 0n,
      pending: 0,
      positions: new Map(),
      collateral: new Map(),
      insolvent: this.insolvent.has(account),
    });
  }

  /** Makes the book what the chain says. */
  setBook({ account, cash, debtShares, positions, collateral, insolvent }: ChainBook): void {
    const book = this.#bookOf(account);
    if (insolvent !== this.insolvent.has(account)) this.setInsolvent(account, insolvent);
    if (book.cash !== cash || book.debtShares !== debtShares || !book.exact) {
      this.#changeAccount(account, (changed) => {
        [changed.cash, changed.storedCash, changed.debtShares, changed.exact] = [cash, cash, debtShares, true];
      });
    }
    for (const asset of new Set([...book.positions.keys(), ...positions.keys()])) {
      const [before, after] = [book.positions.get(asset), positions.get(asset)];
      if (before?.size === after?.size && before?.quote === after?.quote) continue;
      this.#write("positions", [account, asset], after && [account, asset, after.size, after.quote]);
    }
    for (const token of new Set([...book.collateral.keys(), ...collateral.keys()])) {
      const after = collateral.get(token);
      if (book.collateral.get(token) === after) continue;
      this.#write("collateral", [account, token], after === undefined ? undefined : [account, token, after]);
    }
  }

  /** Events do not tell what the account has; it must be read. */
  doubt(account: string): void {
    if (!this.#bookOf(account).exact) return;
    this.#changeAccount(account, (book) => (book.exact = false));
  }

  isTouched(asset: number, size: bigint): boolean {
    return size !== 0n && this.#touchedSides.has(rowKey([asset, size > 0n]));
  }

  /** From now on positions of the side follow from the chain only. */
  touchSide(asset: number, long: boolean): void {
    this.#write("touched_sides", [asset, long], [asset, long]);
    for (const { account, positions } of this.accounts.values()) {
      const { size } = positions.get(asset) ?? { size: 0n };
      if (size !== 0n && size > 0n === long) this.doubt(account);
    }
  }

  get hasDebtors(): boolean {
    return this.#debtors.size !== 0;
  }

  /** Interest up to a block. @param debtIndex What a share of debt stands for there, WAD; each debt is rounded up. */
  accrue(debtIndex: bigint): void {
    for (const account of this.#debtors) {
      const book = this.#bookOf(account);
      const cash = -((book.debtShares * debtIndex + WAD - 1n) / WAD);
      if (book.cash === cash) continue;
      book.cash = cash;
      this.#changed.add(account);
    }
  }

  #changeAccount(account: string, change: (book: Book) => void): void {
    this.#note("accounts", [account]);
    const book = this.#bookOf(account);
    change(book);
    this.#afterChange(book);
  }

  #afterChange({ account, exact, debtShares }: Book): void {
    this.#changed.add(account);
    if (exact) this.doubtful.delete(account);
    else this.doubtful.add(account);
    if (exact && debtShares !== 0n) this.#debtors.add(account);
    else this.#debtors.delete(account);
  }

  #bookOf(account: string): Book {
    const known = this.accounts.get(account);
    if (known !== undefined) return known;
    this.#note("accounts", [account]);
    this.#changed.add(account);
    return this.#placeFor(account);
  }

  // ---------------------------------------------------------------- orders, triggers, batches

  putOrder({ account, sequence, boundary, legs }: PendingOrder): void {
    this.#write("orders", [account, sequence], [account, sequence, boundary, legsText(legs)]);
  }

  removeOrder(account: string, sequence: bigint): void {
    this.#write("orders", [account, sequence], undefined);
  }

  putTrigger({ account, sequence, asset, delta, triggerPrice, above, expiry }: RestingTrigger): void {
    const row = [account, sequence, asset, delta, triggerPrice, above, expiry];
    this.#write("triggers", [account, sequence], row);
  }

  removeTrigger(account: string, sequence: bigint): void {
    this.#write("triggers", [account, sequence], undefined);
  }

  putBatch({ batch, closesAt, maturesAt, assets, shares }: PoolBatch): void {
    this.#write("pool_batches", [batch], [batch, closesAt, maturesAt, assets, shares]);
  }

  removeBatch(batch: bigint): void {
    this.#write("pool_batches", [batch], undefined);
  }

  // ---------------------------------------------------------------- insolvencies, sources of prices

  setInsolvent(account: string, flagged: boolean): void {
    this.#bookOf(account);
    this.#write("insolvencies", [account], flagged ? [account] : undefined);
  }

  putSources(sources: AssetSources): void {
    this.#write("sources", [sources.asset], sourcesRow(sources));
  }

  // ---------------------------------------------------------------- rows

  #write(table: TableName, key: Row, row: Row | undefined): void {
    this.#note(table, key);
    this.#set(table, key, row);
  }

  /** Remembers what the row is before it changes for the first time. */
  #note(table: TableName, key: Row): void {
    const name = nameOf(table, key);
    const block = this.#journaledBlock;
    const isNew = !this.#changes.has(name);
    let journal = block === undefined ? undefined : this.#newJournal.get(block);
    if (block !== undefined && journal === undefined) {
      journal = new Map();
      this.#newJournal.set(block, journal);
    }
    if (!isNew && (journal === undefined || journal.has(name))) return;
    const before = this.#rowOf(table, key);
    if (isNew) this.#changes.set(name, { table, key, before });
    if (block !== undefined && journal !== undefined && !journal.has(name)) {
      journal.set(name, { block, table, key, before });
    }
  }

  #setAll({ table, rows }: StoredRows): void {
    for (const row of rows) this.#set(table, row, row);
  }

  #rowOf(table: TableName, key: Row): Row | undefined {
    const [first, second] = key as [string & number & bigint, number & bigint & boolean];
    switch (table) {
      case "accounts": {
        const book = this.accounts.get(first);
        return book && [book.account, book.storedCash, book.debtShares, book.exact];
      }
      case "positions": {
        const position = this.accounts.get(first)?.positions.get(second);
        return position && [first, second, position.size, position.quote];
      }
      case "collateral": {
        const amount = this.accounts.get(first)?.collateral.get(second);
        return amount === undefined ? undefined : [first, second, amount];
      }
      case "orders": {
        const order = this.orders.get(keyOf({ account: first, sequence: second }));
        return order && [first, second, order.boundary, legsText(order.legs)];
      }
      case "triggers": {
        const trigger = this.triggers.get(keyOf({ account: first, sequence: second }));
        if (trigger === undefined) return undefined;
        const { asset, delta, triggerPrice, above, expiry } = trigger;
        return [first, second, asset, delta, triggerPrice, above, expiry];
      }
      case "pool_batches": {
        const batch = this.batches.get(first);
        return batch && [batch.batch, batch.closesAt, batch.maturesAt, batch.assets, batch.shares];
      }
      case "touched_sides":
        return this.#touchedSides.has(rowKey(key)) ? key : undefined;
      case "insolvencies":
        return this.insolvent.has(first) ? [first] : undefined;
      case "sources": {
        const sources = this.sources.get(first);
        return sources && sourcesRow(sources);
      }
    }
  }

  /** Of a row that goes, `key` has the key; of one that comes, at least that. */
  #set(table: TableName, key: Row, row: Row | undefined): void {
    switch (table) {
      case "accounts":
        this.#setAccount(key, row);
        return;
      case "positions": {
        const [account, asset] = key as [string, number];
        if (row === undefined) this.accounts.get(account)?.positions.delete(asset);
        else {
          const [, , size, quote] = row as [string, number, bigint, bigint];
          this.#placeFor(account).positions.set(asset, { size, quote });
        }
        this.#changed.add(account);
        return;
      }
      case "collateral": {
        const [account, token] = key as [string, number];
        if (row === undefined) this.accounts.get(account)?.collateral.delete(token);
        else this.#placeFor(account).collateral.set(token, row[2] as bigint);
        this.#changed.add(account);
        return;
      }
      case "orders": {
        const [account, sequence] = key as [string, bigint];
        const name = keyOf({ account, sequence });
        if (row === undefined) this.orders.delete(name);
        else this.orders.set(name, { account, sequence, boundary: row[2] as bigint, legs: legsFrom(row[3]) });
        return;
      }
      case "triggers":
        this.#setTrigger(key, row);
        return;
      case "pool_batches": {
        const [batch] = key as [bigint];
        if (row === undefined) {
          this.batches.delete(batch);
          return;
        }
        const [, closesAt, maturesAt, assets, shares] = row as [bigint, bigint, bigint, bigint, bigint];
        this.batches.set(batch, { batch, closesAt, maturesAt, assets, shares });
        return;
      }
      case "touched_sides": {
        const [asset, long] = key as [number, boolean];
        if (row === undefined) this.#touchedSides.delete(rowKey(key));
        else this.#touchedSides.set(rowKey([asset, long]), { asset, long });
        return;
      }
      case "insolvencies": {
        const [account] = key as [string];
        if (row === undefined) this.insolvent.delete(account);
        else this.insolvent.add(account);
        return;
      }
      case "sources": {
        const [asset] = key as [number];
        if (row === undefined) this.sources.delete(asset);
        else this.sources.set(asset, sourcesFrom(row));
      }
    }
  }

  #setAccount(key: Row, row: Row | undefined): void {
    const [account] = key as [string];
    if (row === undefined) {
      this.accounts.delete(account);
      this.doubtful.delete(account);
      this.#debtors.delete(account);
      this.#changed.add(account);
      return;
    }
    const [, cash, debtShares, exact] = row as [string, bigint, bigint, boolean];
    const book = this.#placeFor(account);
    [book.cash, book.storedCash, book.debtShares, book.exact] = [cash, cash, debtShares, exact];
    this.#afterChange(book);
  }

  #placeFor(account: string): Book {
    const book = this.accounts.get(account) ?? new Book(account);
    this.accounts.set(account, book);
    return book;
  }

  #setTrigger(key: Row, row: Row | undefined): void {
    const [account, sequence] = key as [string, bigint];
    const name = keyOf({ account, sequence });
    if (row === undefined) {
      this.triggers.delete(name);
      return;
    }
    const [, , asset, delta, triggerPrice, above, expiry] = row as [
      string,
      bigint,
      number,
      bigint,
      bigint,
      boolean,
      bigint,
    ];
    this.triggers.set(name, { account, sequence, asset, delta, triggerPrice, above, expiry });
  }
}

/** Names a row among all. The tables' names begin with letters, the ids of accounts do not. */
function nameOf(table: TableName, key: Row): string {
  return table === "accounts" ? String(key[0]) : `${table}/${rowKey(key)}`;
}

function legsText(legs: readonly OrderLeg[]): string {
  return legs.map(({ asset, phase }) => `${asset}:${String(phase)}`).join(",");
}

function legsFrom(text: Value | undefined): readonly OrderLeg[] {
  return String(text)
    .split(",")
    .map((leg) => {
      const [asset = "", phase = ""] = leg.split(":");
      return { asset: Number(asset), phase: BigInt(phase) };
    });
}

function sourceText(source: ProxiedSource | undefined): string {
  return source === undefined ? "" : [source.proxy, source.kind, source.window].map(String).join(":");
}

function settlementText(settlement: StreamSettlement | undefined): string {
  return settlement === undefined ? "" : `${settlement.stream}:${String(settlement.window)}`;
}

function sourceFrom(text: Value | undefined): ProxiedSource | undefined {
  const [proxy = "", kind = "", window = ""] = String(text).split(":");
  return proxy === "" ? undefined : { proxy, kind: Number(kind), window: BigInt(window) };
}

function settlementFrom(text: Value | undefined): StreamSettlement | undefined {
  const [stream = "", window = ""] = String(text).split(":");
  return stream === "" ? undefined : { stream, window: BigInt(window) };
}

function sourcesRow({ asset, source, settlement, proposed, former }: AssetSources): Row {
  const [now, next, before] = [source, proposed, former?.source].map(sourceText);
  return [asset, now ?? "", settlementText(settlement), next ?? "", before ?? "", settlementText(former?.settlement)];
}

function sourcesFrom([asset, source, settlement, proposed, formerSource, formerSettlement]: Row): AssetSources {
  const former = { source: sourceFrom(formerSource), settlement: settlementFrom(formerSettlement) };
  return {
    asset: asset as number,
    source: sourceFrom(source),
    settlement: settlementFrom(settlement),
    proposed: sourceFrom(proposed),
    former: former.source === undefined && former.settlement === undefined ? undefined : former,
  };
}

/** An account that goes takes what it holds along, which must have been noted by then. */
function accountsLast<Entry extends { readonly table: TableName }>(entries: Iterable<Entry>): Entry[] {
  const all = [...entries];
  return [...all.filter(({ table }) => table !== "accounts"), ...all.filter(({ table }) => table === "accounts")];
}

function pushTo(rows: Map<TableName, Row[]>, table: TableName, row: Row): void {
  const known = rows.get(table);
  if (known === undefined) rows.set(table, [row]);
  else known.push(row);
}

/** In the order of the tables. */
function rowsOf(rows: ReadonlyMap<TableName, Row[]>): readonly StoredRows[] {
  return TABLE_NAMES.flatMap((table) => {
    const found = rows.get(table);
    return found === undefined ? [] : [{ table, rows: found }];
  });
}
