/** What both databases have beside the tables of rows, and the rules for opening one. */
import {
  type Cursor,
  type JournalEntry,
  type KeptBlock,
  SchemaError,
  type StoreIdentity,
  StoreMismatchError,
} from "./Store.ts";
import { type ColumnType, isTableName, type Row, rowFrom, TABLE_NAMES, TABLES } from "./tables.ts";

/** Of the tables below. A database of another version is refused. */
export const SCHEMA_VERSION = 2;

/** How long a process that does not renew its lease keeps it, ms. */
export const LEASE_MS = 60_000;

/** Commits whose changes are kept for those who follow. */
export const KEPT_VERSIONS = 512;

/** Statements that create all tables. @param typeOf How the database writes a type. @param options Of each table of rows. */
export function createStatements(typeOf: Readonly<Record<ColumnType, string>>, options = ""): readonly string[] {
  const { text, integer } = typeOf;
  return [
    ...TABLE_NAMES.map((name) => {
      const { columns, keys } = TABLES[name];
      const list = columns.map((column) => `${column.name} ${typeOf[column.type]} NOT NULL`);
      const key = columns.slice(0, keys).map((column) => column.name);
      return `CREATE TABLE ${name} (${list.join(", ")}, PRIMARY KEY (${key.join(", ")})) ${options}`;
    }),
    `CREATE TABLE blocks (number ${integer} PRIMARY KEY, hash ${text} NOT NULL, logs ${integer} NOT NULL)`,
    `CREATE TABLE journal (
      block ${integer}, table_name ${text}, row_key ${text}, row_before ${text},
      PRIMARY KEY (block, table_name, row_key)
    )`,
    `CREATE TABLE meta (name ${text} PRIMARY KEY, value ${text} NOT NULL)`,
    `CREATE TABLE lease (place ${integer} PRIMARY KEY, owner ${text} NOT NULL, expires ${integer} NOT NULL)`,
  ];
}

/** What `meta` says of the database as a whole. */
export function metaOf({ chainId, clearingHouse }: StoreIdentity): Readonly<Record<string, string>> {
  return {
    schema: String(SCHEMA_VERSION),
    chain_id: String(chainId),
    clearing_house: clearingHouse.toLowerCase(),
  };
}

/** Throws a SchemaError or a StoreMismatchError unless the database is of this version and this deployment. */
export function checkMeta(meta: ReadonlyMap<string, string>, identity: StoreIdentity): void {
  const found = Number(meta.get("schema") ?? "0");
  if (found !== SCHEMA_VERSION) throw new SchemaError(found, SCHEMA_VERSION);
  for (const [name, expected] of Object.entries(metaOf(identity))) {
    const value = meta.get(name);
    if (value === expected) continue;
    throw new StoreMismatchError(
      `the database is of another deployment: its ${name} is ${value ?? "missing"}, not ${expected}`,
    );
  }
}

export function cursorOf(meta: ReadonlyMap<string, string>): Cursor | undefined {
  const [number, hash, keptFrom, digest] = ["cursor", "cursor_hash", "kept_from", "digest"].map((name) =>
    meta.get(name),
  );
  if (number === undefined || hash === undefined || number === "") return undefined;
  const cursor = { number: Number(number), hash, keptFrom: Number(keptFrom), digest: Number(digest) };
  if (![cursor.number, cursor.keptFrom, cursor.digest].every(Number.isSafeInteger)) {
    throw new SyntaxError("the cursor is no number");
  }
  return cursor;
}

export function metaOfCursor(cursor: Cursor | undefined): Readonly<Record<string, string>> {
  return {
    cursor: cursor === undefined ? "" : String(cursor.number),
    cursor_hash: cursor?.hash ?? "",
    kept_from: String(cursor?.keptFrom ?? 0),
    digest: String(cursor?.digest ?? 0),
  };
}

export function blockFrom(row: readonly unknown[]): KeptBlock {
  const [number, hash, logs] = row;
  return { number: Number(number), hash: String(hash), logs: Number(logs) };
}

export function journalFrom(row: readonly unknown[]): JournalEntry {
  const [block, table, key, before] = row as [unknown, string, string, string | null];
  if (!isTableName(table)) throw new SyntaxError(`the journal has a table ${table}`);
  const asRow = (text: string): Row => rowFrom(table, text);
  return { block: Number(block), table, key: asRow(key), before: before === null ? undefined : asRow(before) };
}
