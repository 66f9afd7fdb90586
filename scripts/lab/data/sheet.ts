/** Rows of a CSV file under their header, and the readers of fields. */
import { DataError, type DataFault } from "./errors.ts";

export interface Row {
  /** Of the file, from 1. */
  readonly line: number;
  readonly fields: readonly string[];
}

export interface Sheet {
  readonly file: string;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

/** Throws a DataError for a file without two rows, or with a row that has not as many fields as the header. */
export function readSheet(text: string, file: string): Sheet {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  const [header = "", ...body] = lines;
  const columns = header.split(",").map((name) => name.trim());
  const rows = body.map((line, index) => ({ line: index + 2, fields: line.split(",") }));
  for (const { line, fields } of rows) {
    if (fields.length !== columns.length) {
      const detail = `${fields.length} fields under ${columns.length} columns`;
      throw new DataError("missing field", { file, line, detail });
    }
  }
  const sheet = { file, columns, rows };
  if (rows.length < 2) refuse(sheet, rows.length + 1, "one row", `${rows.length} rows, and no step between two`);
  return sheet;
}

/** Where columns are. Throws a DataError for one that is not there. */
export function placeColumns<N extends string>(sheet: Sheet, names: readonly N[]): Record<N, number> {
  const missing = names.filter((name) => !sheet.columns.includes(name));
  if (missing.length > 0) {
    const detail = `no ${missing.join(", ")} in "${sheet.columns.join(",")}"`;
    refuse(sheet, 1, "missing column", detail);
  }
  return Object.fromEntries(names.map((name) => [name, sheet.columns.indexOf(name)])) as Record<N, number>;
}

export function refuse({ file }: { readonly file: string }, line: number, fault: DataFault, detail: string): never {
  throw new DataError(fault, { file, line, detail });
}

/** Years 2001 to 2286. */
const STAMPS = { low: 1_000_000_000, high: 10_000_000_000 };

/** Unix seconds. Refused are dates, milliseconds and counts of other units. */
export function readStamp(sheet: Sheet, { line, fields }: Row, column: number): number {
  const text = fields[column] ?? "";
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < STAMPS.low || value >= STAMPS.high) {
    const isThousandfold = value / 1_000 >= STAMPS.low && value / 1_000 < STAMPS.high;
    refuse(
      sheet,
      line,
      "wrong unit",
      `"${text}" is no unix time in seconds${isThousandfold ? ", but in milliseconds" : ""}`,
    );
  }
  return value;
}
