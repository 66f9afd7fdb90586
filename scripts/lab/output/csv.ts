import type { Cell, Column, Table } from "./report.ts";

/** A table as RFC 4180 has it: a header of `name [unit]`, lines that end in CR LF. */
export function renderCsv({ columns, rows }: Table): string {
  const lines = [columns.map(headerOf), ...rows.map((row) => row.map(plain))];
  return lines.map((line) => `${line.map(quoted).join(",")}\r\n`).join("");
}

export function headerOf({ name, unit }: Column): string {
  return unit === undefined ? name : `${name} [${unit}]`;
}

function plain(cell: Cell): string {
  return cell === undefined ? "" : String(cell);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
