/** The index in one file. One process writes it; the file is damaged only by others, and then built anew. */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

import { messageOf, PlimsollError } from "../../deploy/PlimsollError.ts";
import type { Log } from "../log.ts";
import {
  blockFrom,
  checkMeta,
  createStatements,
  cursorOf,
  journalFrom,
  LEASE_MS,
  metaOf,
  metaOfCursor,
} from "./schema.ts";
import {
  type Store,
  type StoreBatch,
  StoreBusyError,
  StoreCorruptError,
  type StoredIndex,
  type StoredRows,
  type StoreIdentity,
  StoreInUseError,
} from "./Store.ts";
import { parseRow, rowText, TABLE_NAMES, TABLES, type Value } from "./tables.ts";

export interface SqliteOptions {
  readonly file: string;
  readonly identity: StoreIdentity;
  readonly log: Log;
  /** How long a lock of another process is waited for, ms. */
  readonly patienceMs?: number;
}

/** The file cannot be read or written at all: rights, a full disk. */
export class StoreFileError extends PlimsollError {}

const TYPES = { text: "TEXT", integer: "INTEGER", number: "TEXT", flag: "INTEGER" } as const;
const PATIENCE_MS = 5_000;
const RETRY_MS = 50;
/** Primary result codes of SQLite. */
const BUSY = new Set([5, 6]);
/** CORRUPT, NOTADB; and IOERR, which a file that was cut short reads as. */
const CORRUPT = new Set([10, 11, 26]);
/** READONLY_DBMOVED: the file is no longer at its place. */
const DBMOVED = 1_032;

export class SqliteStore implements Store {
  readonly shared = false;
  readonly #options: SqliteOptions;
  /** Names this process to those on other machines. */
  readonly #owner = `${hostname()}/${String(process.pid)}/${randomUUID()}`;
  readonly #statements = new Map<string, StatementSync>();
  readonly #lock: DatabaseSync | undefined;
  #database: DatabaseSync;

  private constructor(
    options: SqliteOptions,
    { lock, database }: { lock: DatabaseSync | undefined; database: DatabaseSync },
  ) {
    this.#options = options;
    this.#lock = lock;
    this.#database = database;
  }

  /**
   * Opens the file, or creates it, and takes the lease. A damaged file is moved aside, and an error logged.
   * Throws a StoreInUseError, SchemaError, StoreMismatchError, StoreBusyError or StoreFileError.
   */
  static async open(options: SqliteOptions): Promise<SqliteStore> {
    mkdirSync(dirname(options.file), { recursive: true });
    const lock = lockOf(options);
    try {
      return await SqliteStore.#openFile(options, lock).catch(async (error: unknown) => {
        if (!(error instanceof StoreCorruptError)) throw error;
        moveAside(options, error);
        return SqliteStore.#openFile(options, lock);
      });
    } catch (error) {
      lock?.close();
      throw error;
    }
  }

  static async #openFile(options: SqliteOptions, lock: DatabaseSync | undefined): Promise<SqliteStore> {
    const store = new SqliteStore(options, { lock, database: await SqliteStore.#openDatabase(options) });
    try {
      await store.#prepare();
      return store;
    } catch (error) {
      closeQuietly(store.#database);
      throw error;
    }
  }

  static async #openDatabase(options: SqliteOptions): Promise<DatabaseSync> {
    return patiently(options, () => new DatabaseSync(options.file, { timeout: 0 }));
  }

  /** The lease comes before any judgement: a file that another keeper writes is not to be moved away from under it. */
  async #prepare(): Promise<void> {
    await this.#patiently(() => {
      this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    });
    await this.#transaction(() => {
      this.#createOrCheck();
      this.#takeLease();
    });
    await this.verify();
  }

  #createOrCheck(): void {
    const { identity } = this.#options;
    if (this.#all("SELECT 1 FROM sqlite_schema LIMIT 1").length !== 0) {
      checkMeta(this.#meta(), identity);
      return;
    }
    for (const statement of createStatements(TYPES, "WITHOUT ROWID")) this.#database.exec(statement);
    this.#setMeta(metaOf(identity));
  }

  #quickCheck(): void {
    const result = String(this.#all("PRAGMA quick_check(1)")[0]?.[0]);
    if (result !== "ok") throw new StoreCorruptError(`the database is damaged: ${result}`);
  }

  async claim(): Promise<boolean> {
    await this.#transaction(() => {
      this.#takeLease();
    });
    return true;
  }

  async renew(): Promise<void> {
    await this.claim();
  }

  #takeLease(): void {
    const [[owner, expires] = []] = this.#all("SELECT owner, expires FROM lease WHERE place = 0") as [
      [string, number]?,
    ];
    const now = Date.now();
    // Of this machine's keepers only the one with the lock lives.
    const isElsewhere = owner !== undefined && !owner.startsWith(`${hostname()}/`);
    if (isElsewhere && (expires ?? 0) > now) {
      throw new StoreInUseError(`another keeper (${owner}) uses ${this.#options.file}`);
    }
    this.#run("INSERT OR REPLACE INTO lease (place, owner, expires) VALUES (0, ?, ?)", [this.#owner, now + LEASE_MS]);
  }

  async load(): Promise<StoredIndex> {
    return this.#patiently(() => ({
      version: this.#version(),
      cursor: cursorOf(this.#meta()),
      rows: TABLE_NAMES.map((table): StoredRows => {
        const { columns } = TABLES[table];
        const rows = this.#all(`SELECT ${columns.map(({ name }) => name).join(", ")} FROM ${table}`);
        return { table, rows: rows.map((row) => parseRow(columns, row)) };
      }),
      blocks: this.#all("SELECT number, hash, logs FROM blocks ORDER BY number").map(blockFrom),
      journal: this.#all("SELECT block, table_name, row_key, row_before FROM journal").map(journalFrom),
    }));
  }

  /** Nobody else writes. */
  changesSince(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async commit(batch: StoreBatch): Promise<number> {
    return this.#transaction(() => {
      this.#takeLease();
      if (this.#version() !== batch.after) throw new StoreInUseError("another keeper has written to the database");
      if (batch.clear) {
        for (const table of [...TABLE_NAMES, "blocks", "journal"]) this.#database.exec(`DELETE FROM ${table}`);
      }
      const { rewindTo, keepFrom } = batch;
      if (rewindTo !== undefined) {
        this.#run("DELETE FROM blocks WHERE number > ?", [rewindTo]);
        this.#run("DELETE FROM journal WHERE block > ?", [rewindTo]);
      }
      for (const { table, rows } of batch.remove) {
        const { columns, keys } = TABLES[table];
        const where = columns.slice(0, keys).map(({ name }) => `${name} = ?`);
        for (const key of rows) this.#run(`DELETE FROM ${table} WHERE ${where.join(" AND ")}`, key.map(sqlValue));
      }
      for (const { table, rows } of batch.put) {
        const places = TABLES[table].columns.map(() => "?").join(", ");
        for (const row of rows) this.#run(`INSERT OR REPLACE INTO ${table} VALUES (${places})`, row.map(sqlValue));
      }
      for (const { number, hash, logs } of batch.blocks) {
        this.#run("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?)", [number, hash, logs]);
      }
      for (const { block, table, key, before } of batch.journal) {
        const row = [block, table, rowText(key), rowText(before)];
        this.#run("INSERT OR IGNORE INTO journal VALUES (?, ?, ?, ?)", row);
      }
      this.#run("DELETE FROM journal WHERE block < ?", [keepFrom]);
      this.#run("DELETE FROM blocks WHERE number < (SELECT max(number) FROM blocks WHERE number < ?)", [keepFrom]);
      const version = batch.after + 1;
      this.#setMeta({ version: String(version), ...metaOfCursor(batch.cursor) });
      return version;
    });
  }

  async verify(): Promise<void> {
    await this.#patiently(() => {
      this.#quickCheck();
    });
  }

  async recreate(): Promise<void> {
    this.#statements.clear();
    closeQuietly(this.#database);
    moveAside(this.#options, undefined);
    this.#database = await SqliteStore.#openDatabase(this.#options);
    await this.#prepare();
  }

  async close(): Promise<void> {
    if (!this.#database.isOpen) return;
    try {
      await this.#transaction(() => {
        this.#run("DELETE FROM lease WHERE owner = ?", [this.#owner]);
      });
    } catch {
      // Whoever comes next sees that this process is gone.
    }
    this.#statements.clear();
    closeQuietly(this.#database);
    this.#lock?.close();
  }

  // ---------------------------------------------------------------- statements

  #meta(): ReadonlyMap<string, string> {
    if (this.#all("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").length === 0) return new Map();
    return new Map(this.#all("SELECT name, value FROM meta") as [string, string][]);
  }

  #setMeta(values: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(values)) {
      this.#run("INSERT OR REPLACE INTO meta VALUES (?, ?)", [name, value]);
    }
  }

  #version(): number {
    return Number(this.#meta().get("version") ?? "0");
  }

  #run(sql: string, values: readonly SQLInputValue[]): void {
    this.#statement(sql).run(...values);
  }

  #all(sql: string): unknown[][] {
    return this.#statement(sql).all() as unknown as unknown[][];
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    statement.setReturnArrays(true);
    this.#statements.set(sql, statement);
    return statement;
  }

  async #transaction<T>(task: () => T): Promise<T> {
    return this.#patiently(() => {
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        const result = task();
        this.#database.exec("COMMIT");
        return result;
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw error;
      }
    });
  }

  async #patiently<T>(task: () => T): Promise<T> {
    return patiently(this.#options, task);
  }
}

/**
 * Held as long as this process lives, however long it does nothing else: the system lets go of it when the process ends,
 * in whatever way. The lease is for file systems whose locks do not reach other machines.
 * Throws a StoreInUseError while another process has it, or a StoreFileError.
 */
function lockOf({ file }: SqliteOptions): DatabaseSync | undefined {
  if (file === ":memory:") return undefined;
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(`${file}.lock`, { timeout: 0 });
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (cause) {
    if (lock?.isOpen === true) lock.close();
    if (BUSY.has((resultCodeOf(cause) ?? 0) & 0xff))
      throw new StoreInUseError(`another keeper uses ${file}`, { cause });
    throw new StoreFileError(`${file}.lock: ${messageOf(cause)}`, { cause });
  }
}

/** Tries again while another process has a lock; SQLite's own waiting would stop everything else in this process. */
async function patiently<T>({ file, patienceMs = PATIENCE_MS }: SqliteOptions, task: () => T): Promise<T> {
  const until = Date.now() + patienceMs;
  for (;;) {
    try {
      return task();
    } catch (error) {
      if (error instanceof PlimsollError) throw error;
      const code = resultCodeOf(error);
      if (code === undefined) {
        if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
        throw new StoreCorruptError(`the database is damaged: ${messageOf(error)}`, { cause: error });
      }
      if (CORRUPT.has(code & 0xff) || code === DBMOVED) {
        throw new StoreCorruptError(`the database is damaged: ${messageOf(error)}`, { cause: error });
      }
      if (!BUSY.has(code & 0xff)) throw new StoreFileError(`${file}: ${messageOf(error)}`, { cause: error });
      if (Date.now() >= until) {
        throw new StoreBusyError(`another process has locked ${file}`, { cause: error });
      }
    }
    await sleep(RETRY_MS);
  }
}

/** Undefined: the error is not SQLite's. */
function resultCodeOf(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === "number" ? errcode : undefined;
}

/** @param cause Undefined where the caller says it. */
function moveAside({ file, log }: SqliteOptions, cause: StoreCorruptError | undefined): void {
  const stamp = new Date().toISOString().replace(/[:.]/g, "-");
  const aside = `${file}.damaged-${stamp}`;
  // The log goes first: without its file it would be played into the new one.
  for (const suffix of ["-wal", "-shm", ""]) {
    if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
  }
  log.error("database moved aside", { file, aside, reason: cause === undefined ? undefined : cause.message });
}

function closeQuietly(database: DatabaseSync): void {
  try {
    database.close();
  } catch {
    // It is damaged: the file is moved away as it is.
  }
}

function sqlValue(value: Value): SQLInputValue {
  if (typeof value === "bigint") return String(value);
  return typeof value === "boolean" ? Number(value) : value;
}
