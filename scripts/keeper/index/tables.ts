/** The tables that the index is kept in: the same in every database, one row for one thing that can change. */
import { crc32 } from "node:zlib";

/** `number`: a whole number of any size, NUMERIC where a database has it, text otherwise. */
export type ColumnType = "text" | "integer" | "number" | "flag";

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

export interface Table {
  /** The first of the columns. */
  readonly keys: number;
  readonly columns: readonly Column[];
}

export type Value = string | number | bigint | boolean;

/** One value for each column, of the type that the column says; of a key, the first of them. */
export type Row = readonly Value[];

function table(keys: number, columns: Readonly<Record<string, ColumnType>>): Table {
  return { keys, columns: Object.entries(columns).map(([name, type]) => ({ name, type })) };
}

/** Amounts are WAD, times unix seconds. Ids of accounts are 0x and 64 lower-case digits. */
export const TABLES = {
  /** Negative cash is debt as it was when it was read last; with interest it is debt_shares times the debt index. */
  accounts: table(1, { account: "text", cash: "number", debt_shares: "number", exact: "flag" }),
  positions: table(2, { account: "text", asset: "integer", size: "number", quote: "number" }),
  collateral: table(2, { account: "text", token: "integer", amount: "number" }),
  /** legs: asset:phase, with commas between. */
  orders: table(2, { account: "text", sequence: "number", boundary: "number", legs: "text" }),
  triggers: table(2, {
    account: "text",
    sequence: "number",
    asset: "integer",
    delta: "number",
    trigger_price: "number",
    above: "flag",
    expiry: "number",
  }),
  /** Requests to the pool that wait; assets are of deposits (WAD), shares of redemptions. */
  pool_batches: table(1, {
    batch: "number",
    closes_at: "number",
    matures_at: "number",
    assets: "number",
    shares: "number",
  }),
  /** Sides of markets that were deleveraged, cut or closed whole: events do not tell their positions any more. */
  touched_sides: table(2, { asset: "integer", long: "flag" }),
  /** Accounts that are flagged as insolvent. */
  insolvencies: table(1, { account: "text" }),
  /**
   * What orders in an asset settle by, proposed to do so, and did before the last change. Sources are proxy:kind:window,
   * settlements stream:window (seconds); empty: none.
   */
  sources: table(1, {
    asset: "integer",
    source: "text",
    settlement: "text",
    proposed: "text",
    former_source: "text",
    former_settlement: "text",
  }),
} as const;

export type TableName = keyof typeof TABLES;

export const TABLE_NAMES = Object.keys(TABLES) as readonly TableName[];

/** Names a row among all of its table. */
export function rowKey(key: Row): string {
  return key.join("/");
}

/** The checksum of a row. Those of all rows, XORed, are the digest of the index: whatever order they were written in. */
export function checksumOf(name: TableName, row: Row): number {
  return crc32(`${name}/${row.join("/")}`);
}

/** A row out of what a database returns. Throws a SyntaxError or a RangeError for what cannot be one. */
export function parseRow(columns: readonly Column[], values: readonly unknown[]): Row {
  return columns.map(({ name, type }, place) => {
    const value = values[place];
    switch (type) {
      case "text":
        if (typeof value !== "string") throw new SyntaxError(`${name} is no text`);
        return value;
      case "integer": {
        const number = Number(value);
        if (value === null || !Number.isSafeInteger(number)) throw new RangeError(`${name} is no whole number`);
        return number;
      }
      case "number":
        if (typeof value !== "string" || !/^-?\d+$/.test(value)) throw new SyntaxError(`${name} is no number`);
        return BigInt(value);
      case "flag":
        if (value !== true && value !== false && value !== 0 && value !== 1) {
          throw new SyntaxError(`${name} is no flag`);
        }
        return value === true || value === 1;
    }
  });
}

/** A row, or its key, as the journal has it. */
export function rowText(row: Row | undefined): string | null {
  return row === undefined ? null : JSON.stringify(row.map(String));
}

/** The opposite of `rowText`. Throws a SyntaxError or a RangeError. */
export function rowFrom(name: TableName, text: string): Row {
  const values = JSON.parse(text) as unknown;
  const { columns } = TABLES[name];
  if (!Array.isArray(values) || values.length > columns.length) throw new SyntaxError("no row");
  return parseRow(
    columns.slice(0, values.length),
    values.map((value: unknown, place) => (columns[place]?.type === "flag" ? value === "true" : value)),
  );
}

export function isTableName(text: string): text is TableName {
  return Object.hasOwn(TABLES, text);
}
