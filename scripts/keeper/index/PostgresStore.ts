/** The index in PostgreSQL: one process writes, the others and dashboards read. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";

import pg from "pg";

import { messageOf, PlimsollError } from "../../deploy/PlimsollError.ts";
import type { Log } from "../log.ts";
import {
  blockFrom,
  checkMeta,
  createStatements,
  cursorOf,
  journalFrom,
  KEPT_VERSIONS,
  LEASE_MS,
  metaOf,
  metaOfCursor,
} from "./schema.ts";
import {
  type Store,
  type StoreBatch,
  StoreBusyError,
  StoreCorruptError,
  type StoredChanges,
  type StoredIndex,
  type StoredRows,
  type StoreIdentity,
  StoreInUseError,
} from "./Store.ts";
import {
  type Column,
  isTableName,
  parseRow,
  type Row,
  rowFrom,
  rowKey,
  rowText,
  type TableName,
  TABLE_NAMES,
  TABLES,
} from "./tables.ts";

export interface PostgresOptions {
  /** Has a password, as a rule: it is in no message. */
  readonly url: string;
  readonly identity: StoreIdentity;
  readonly log: Log;
  readonly leaseMs?: number;
  /** Of one statement, ms. */
  readonly timeoutMs?: number;
}

/** The server refuses what it is asked: rights, an unknown database. */
export class StoreServerError extends PlimsollError {}

const TYPES = { text: "TEXT", integer: "BIGINT", number: "NUMERIC(78, 0)", flag: "BOOLEAN" } as const;
/** All tables are in this schema of the database. */
const SCHEMA = "plimsoll";
/** Any number: whoever creates the tables holds this lock. */
const CREATION_LOCK = 7_540_001;
const TIMEOUT_MS = 30_000;
/** Rows in one statement. */
const PAGE = 5_000;
/** A commit of more rows is not told to those who follow row by row: they load everything. */
const MOST_CHANGES = 20_000;
const NOW_MS = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
/** Classes and codes of SQLSTATE that go away: connection, resources, rollbacks, an operator who stops the server. */
const PASSING = /^(08|53|40|55P03|57)/;
const DAMAGED = /^XX00[12]$/;

type Query = (sql: string, values?: readonly unknown[]) => Promise<unknown[][]>;

export class PostgresStore implements Store {
  readonly shared = true;
  readonly #options: PostgresOptions;
  readonly #owner = `${hostname()}/${String(process.pid)}/${randomUUID()}`;
  #client: pg.Client | undefined;

  private constructor(options: PostgresOptions) {
    this.#options = options;
  }

  /** Creates the tables where there are none. Throws a SchemaError, StoreMismatchError, StoreBusyError or StoreServerError. */
  static async open(options: PostgresOptions): Promise<PostgresStore> {
    // Without a cause: it would have the URL in it.
    if (!/^postgres(ql)?:\/\//.test(options.url) || !URL.canParse(options.url)) {
      throw new StoreServerError("the address of the database is not one of PostgreSQL");
    }
    const store = new PostgresStore(options);
    try {
      await store.#transaction("", async (query) => store.#createOrCheck(query));
    } catch (error) {
      await store.#disconnect();
      throw error;
    }
    return store;
  }

  async #createOrCheck(query: Query): Promise<void> {
    const { identity } = this.#options;
    await query("SELECT pg_advisory_xact_lock($1)", [CREATION_LOCK]);
    const [tables] = await query("SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = 'meta'", [SCHEMA]);
    if (tables !== undefined) {
      checkMeta(await metaIn(query), identity);
      return;
    }
    await query(`CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`);
    for (const statement of createStatements(TYPES)) await query(statement);
    await query("CREATE TABLE changes (version BIGINT, table_name TEXT, row_key TEXT)");
    await query("CREATE INDEX changes_version ON changes (version)");
    await setMeta(query, metaOf(identity));
  }

  /** A writer whose endpoints fail would otherwise keep its lease for ever, and everybody's index where it is. */
  async claim({ expired = true }: { readonly expired?: boolean } = {}): Promise<boolean> {
    return this.#transaction("", async (query) => {
      const mine = await query(
        `INSERT INTO lease (place, owner, expires) VALUES (0, $1, ${NOW_MS} + $2)
         ON CONFLICT (place) DO UPDATE SET owner = excluded.owner,
           expires = CASE WHEN lease.owner = excluded.owner THEN lease.expires ELSE excluded.expires END
         WHERE lease.owner = excluded.owner OR ($3 AND lease.expires < ${NOW_MS}) RETURNING owner`,
        [this.#owner, this.#options.leaseMs ?? LEASE_MS, expired],
      );
      return mine.length !== 0;
    });
  }

  async renew(): Promise<void> {
    await this.#transaction("", async (query) => this.#renewIn(query));
  }

  async #renewIn(query: Query): Promise<void> {
    const renewed = await query(
      `UPDATE lease SET expires = ${NOW_MS} + $2 WHERE place = 0 AND owner = $1 RETURNING owner`,
      [this.#owner, this.#options.leaseMs ?? LEASE_MS],
    );
    if (renewed.length === 0) throw new StoreInUseError("another keeper has taken the database over");
  }

  async load(): Promise<StoredIndex> {
    return this.#transaction("ISOLATION LEVEL REPEATABLE READ READ ONLY", async (query) => {
      const meta = await metaIn(query);
      const rows: StoredRows[] = [];
      for (const table of TABLE_NAMES) {
        const { columns } = TABLES[table];
        const found = await query(`SELECT ${namesOf(columns)} FROM ${table}`);
        rows.push({ table, rows: found.map((row) => parseRow(columns, row)) });
      }
      const blocks = await query("SELECT number, hash, logs FROM blocks ORDER BY number");
      const journal = await query("SELECT block, table_name, row_key, row_before FROM journal");
      return {
        version: versionIn(meta),
        cursor: cursorOf(meta),
        rows,
        blocks: blocks.map(blockFrom),
        journal: journal.map(journalFrom),
      };
    });
  }

  async changesSince(version: number): Promise<StoredChanges | undefined> {
    return this.#transaction("ISOLATION LEVEL REPEATABLE READ READ ONLY", async (query) => {
      const meta = await metaIn(query);
      const latest = versionIn(meta);
      if (version > latest || version < Number(meta.get("reset_version") ?? "0")) return undefined;
      if (version < latest - KEPT_VERSIONS) return undefined;
      const keys = new Map<TableName, Row[]>();
      for (const [table, key] of await query("SELECT DISTINCT table_name, row_key FROM changes WHERE version > $1", [
        version,
      ])) {
        if (typeof table !== "string" || !isTableName(table)) throw new SyntaxError(`no table ${String(table)}`);
        keys.set(table, [...(keys.get(table) ?? []), rowFrom(table, String(key))]);
      }
      const rows: StoredRows[] = [];
      const deleted: StoredRows[] = [];
      for (const table of TABLE_NAMES) {
        const asked = keys.get(table) ?? [];
        const found = await rowsWith(query, table, asked);
        const there = new Set(found.map((row) => rowKey(row.slice(0, TABLES[table].keys))));
        rows.push({ table, rows: found });
        deleted.push({ table, rows: asked.filter((key) => !there.has(rowKey(key))) });
      }
      return { version: latest, cursor: cursorOf(meta), rows, deleted };
    });
  }

  async commit(batch: StoreBatch): Promise<number> {
    return this.#transaction("", async (query) => {
      const { put, remove, rewindTo, keepFrom } = batch;
      await this.#renewIn(query);
      if (versionIn(await metaIn(query)) !== batch.after) {
        throw new StoreInUseError("another keeper has written to the database");
      }
      if (batch.clear) {
        for (const table of [...TABLE_NAMES, "blocks", "journal"]) await query(`DELETE FROM ${table}`);
      }
      if (rewindTo !== undefined) {
        await query("DELETE FROM blocks WHERE number > $1", [rewindTo]);
        await query("DELETE FROM journal WHERE block > $1", [rewindTo]);
      }
      for (const { table, rows } of remove) await deleteRows(query, table, rows);
      for (const { table, rows } of put) await upsertRows(query, table, rows);
      await insert(query, {
        into: "blocks",
        types: ["bigint", "text", "bigint"],
        rows: batch.blocks.map(({ number, hash, logs }) => [number, hash, logs]),
        conflict: "(number) DO UPDATE SET hash = excluded.hash, logs = excluded.logs",
      });
      await insert(query, {
        into: "journal",
        types: ["bigint", "text", "text", "text"],
        rows: batch.journal.map(({ block, table, key, before }) => [block, table, rowText(key), rowText(before)]),
        conflict: "DO NOTHING",
      });
      await query("DELETE FROM journal WHERE block < $1", [keepFrom]);
      await query("DELETE FROM blocks WHERE number < (SELECT max(number) FROM blocks WHERE number < $1)", [keepFrom]);
      const version = batch.after + 1;
      const reset = await this.#tell(query, batch, version);
      await setMeta(query, {
        version: String(version),
        ...metaOfCursor(batch.cursor),
        ...(reset ? { reset_version: String(version) } : {}),
      });
      return version;
    });
  }

  /** Writes down what followers have to read. @return Whether that is everything. */
  async #tell(query: Query, { put, remove, clear }: StoreBatch, version: number): Promise<boolean> {
    const count = [...put, ...remove].reduce((sum, { rows }) => sum + rows.length, 0);
    if (clear || count > MOST_CHANGES) {
      await query("DELETE FROM changes");
      return true;
    }
    const keyOf = (table: TableName, row: Row) => rowText(row.slice(0, TABLES[table].keys));
    await insert(query, {
      into: "changes",
      types: ["bigint", "text", "text"],
      rows: [...put, ...remove].flatMap(({ table, rows }) => rows.map((row) => [version, table, keyOf(table, row)])),
      conflict: undefined,
    });
    await query("DELETE FROM changes WHERE version <= $1", [version - KEPT_VERSIONS]);
    return false;
  }

  /** The server's own affair. */
  async verify(): Promise<void> {
    await this.#transaction("", async (query) => query("SELECT 1"));
  }

  async recreate(): Promise<void> {
    const aside = `${SCHEMA}_damaged_${new Date().toISOString().replace(/\D/g, "")}`;
    await this.#transaction("", async (query) => {
      await query("SELECT pg_advisory_xact_lock($1)", [CREATION_LOCK]);
      await query(`ALTER SCHEMA ${SCHEMA} RENAME TO ${aside}`);
    });
    this.#options.log.error("database moved aside", { schema: SCHEMA, aside });
    await this.#transaction("", async (query) => this.#createOrCheck(query));
    await this.claim();
  }

  async close(): Promise<void> {
    if (this.#client === undefined) return;
    try {
      await this.#transaction("", async (query) => query("DELETE FROM lease WHERE owner = $1", [this.#owner]));
    } catch {
      // The lease expires.
    }
    await this.#disconnect();
  }

  // ---------------------------------------------------------------- connection

  async #transaction<T>(mode: string, task: (query: Query) => Promise<T>): Promise<T> {
    try {
      const client = await this.#connected();
      const query: Query = async (text, values = []) =>
        (await client.query<unknown[]>({ text, values: [...values], rowMode: "array" })).rows;
      await query(`BEGIN ${mode}`);
      await query(`SET LOCAL search_path TO ${SCHEMA}`);
      const result = await task(query);
      await query("COMMIT");
      return result;
    } catch (error) {
      // Whatever the connection was in the middle of ends with it.
      await this.#disconnect();
      throw typed(error);
    }
  }

  async #connected(): Promise<pg.Client> {
    if (this.#client !== undefined) return this.#client;
    const timeout = this.#options.timeoutMs ?? TIMEOUT_MS;
    const client = new pg.Client({
      connectionString: this.#options.url,
      application_name: "plimsoll-keeper",
      connectionTimeoutMillis: timeout,
      query_timeout: timeout,
    });
    // A connection that breaks while idle is opened anew at the next transaction.
    client.on("error", () => {
      if (this.#client === client) this.#client = undefined;
    });
    await client.connect();
    this.#client = client;
    return client;
  }

  async #disconnect(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }
}

/** What the caller can act on; never with the URL. */
function typed(error: unknown): unknown {
  if (error instanceof PlimsollError) return error;
  if (error instanceof SyntaxError || error instanceof RangeError) {
    return new StoreCorruptError(`the database is damaged: ${messageOf(error)}`, { cause: error });
  }
  const { code } = error as { code?: unknown };
  const state = typeof code === "string" ? code : "";
  if (DAMAGED.test(state)) {
    return new StoreCorruptError(`the database is damaged: ${messageOf(error)}`, { cause: error });
  }
  // SQLSTATE has five places and a digit among them; all else is the connection's.
  if (/^(?=.*\d)[0-9A-Z]{5}$/.test(state) && !PASSING.test(state)) {
    return new StoreServerError(`the database refuses: ${messageOf(error)}`, { cause: error });
  }
  return new StoreBusyError(`the database does not answer: ${messageOf(error)}`, { cause: error });
}

// ---------------------------------------------------------------- statements

async function metaIn(query: Query): Promise<ReadonlyMap<string, string>> {
  return new Map((await query("SELECT name, value FROM meta")) as [string, string][]);
}

async function setMeta(query: Query, values: Readonly<Record<string, string>>): Promise<void> {
  await insert(query, {
    into: "meta",
    types: ["text", "text"],
    rows: Object.entries(values),
    conflict: "(name) DO UPDATE SET value = excluded.value",
  });
}

function versionIn(meta: ReadonlyMap<string, string>): number {
  return Number(meta.get("version") ?? "0");
}

function namesOf(columns: readonly Column[]): string {
  return columns.map(({ name }) => name).join(", ");
}

const ARRAY_TYPES = { text: "text", integer: "bigint", number: "numeric", flag: "boolean" } as const;

async function upsertRows(query: Query, table: TableName, rows: readonly Row[]): Promise<void> {
  const { columns, keys } = TABLES[table];
  const sets = columns.slice(keys).map(({ name }) => `${name} = excluded.${name}`);
  const action = sets.length === 0 ? "NOTHING" : `UPDATE SET ${sets.join(", ")}`;
  await insert(query, {
    into: table,
    types: columns.map(({ type }) => ARRAY_TYPES[type]),
    rows,
    conflict: `(${namesOf(columns.slice(0, keys))}) DO ${action}`,
  });
}

/** Many rows in one statement, as one array for each column. */
async function insert(
  query: Query,
  {
    into,
    types,
    rows,
    conflict,
  }: { into: string; types: readonly string[]; rows: readonly (readonly unknown[])[]; conflict: string | undefined },
): Promise<void> {
  const arrays = types.map((type, place) => `$${String(place + 1)}::${type}[]`);
  const sql = `INSERT INTO ${into} SELECT * FROM unnest(${arrays.join(", ")})`;
  for (const page of pagesOf(rows)) {
    await query(conflict === undefined ? sql : `${sql} ON CONFLICT ${conflict}`, columnsOf(page, types.length));
  }
}

async function deleteRows(query: Query, table: TableName, keys: readonly Row[]): Promise<void> {
  const { unnested, matches, count } = keyJoin(table);
  for (const page of pagesOf(keys)) {
    await query(`DELETE FROM ${table} AS t USING ${unnested} WHERE ${matches}`, columnsOf(page, count));
  }
}

async function rowsWith(query: Query, table: TableName, keys: readonly Row[]): Promise<readonly Row[]> {
  const { columns } = TABLES[table];
  const { unnested, matches, count } = keyJoin(table);
  const names = columns.map(({ name }) => `t.${name}`).join(", ");
  const found: Row[] = [];
  for (const page of pagesOf(keys)) {
    const rows = await query(
      `SELECT ${names} FROM ${table} AS t JOIN ${unnested} ON ${matches}`,
      columnsOf(page, count),
    );
    for (const row of rows) found.push(parseRow(columns, row));
  }
  return found;
}

function keyJoin(table: TableName): { unnested: string; matches: string; count: number } {
  const { columns, keys } = TABLES[table];
  const key = columns.slice(0, keys);
  const arrays = key.map(({ type }, place) => `$${String(place + 1)}::${ARRAY_TYPES[type]}[]`);
  return {
    unnested: `unnest(${arrays.join(", ")}) AS k(${namesOf(key)})`,
    matches: key.map(({ name }) => `t.${name} = k.${name}`).join(" AND "),
    count: keys,
  };
}

function pagesOf<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / PAGE) }, (_, page) =>
    items.slice(page * PAGE, (page + 1) * PAGE),
  );
}

function columnsOf(rows: readonly (readonly unknown[])[], count: number): unknown[][] {
  return Array.from({ length: count }, (_, place) =>
    rows.map((row) => (typeof row[place] === "bigint" ? String(row[place]) : row[place])),
  );
}
