/** Rates of funding that an exchange has charged. */
import { readFileSync } from "node:fs";

import { DataError } from "../data/errors.ts";
import { placeColumns, readSheet, readStamp, refuse } from "../data/sheet.ts";

const DAY = 86_400;
/** A rate of a whole interval that is above this is a percentage. */
const LARGEST = 0.05;

/** Rates per day, as shares of the notional, of a file `timestamp,funding_rate`. Throws a DataError. */
export function loadFunding(file: string): readonly number[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new DataError("unreadable", { file, line: 1, detail: "the file cannot be read", cause });
  }
  const sheet = readSheet(text, file);
  const places = placeColumns(sheet, ["timestamp", "funding_rate"]);
  const rows = sheet.rows.map((row) => {
    const field = row.fields[places.funding_rate] ?? "";
    const rate = Number(field);
    if (field.trim() === "" || !Number.isFinite(rate)) refuse(sheet, row.line, "not a number", `rate "${field}"`);
    if (Math.abs(rate) > LARGEST) refuse(sheet, row.line, "wrong unit", `${field} of the notional in one interval`);
    return { at: readStamp(sheet, row, places.timestamp), rate, line: row.line };
  });
  const steps = rows.slice(1).map(({ at, line }, index) => {
    const step = at - (rows[index]?.at ?? at);
    if (step === 0) refuse(sheet, line, "duplicate", `${at} is there twice`);
    if (step < 0) refuse(sheet, line, "unsorted", `${at} after ${at - step}`);
    return step;
  });
  const interval = Math.min(...steps);
  return rows.map(({ rate }) => (rate * DAY) / interval);
}
