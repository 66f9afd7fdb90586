import { parseRound, type Round } from "../../replay/rounds.ts";
import { checkRange, checkStep } from "./candles.ts";
import type { PriceRange } from "./prices.ts";
import { placeColumns, readStamp, refuse, type Row, type Sheet } from "./sheet.ts";

/** Above the heartbeat of an hour and what feeds have been late by. */
const USUAL_GAP = 7_200;
const PHASE = 1n << 64n;

interface Rules {
  readonly maxGap: number | undefined;
  readonly decimals: number;
  readonly range: PriceRange;
}

/**
 * Rounds in the order of their ids: several may share one time, and time may go back where the phase changes. Without a column
 * of ids they count from 1 in phase 1; without a start a round started when it was written. Throws a DataError.
 */
export function parseFeedRounds(sheet: Sheet, { maxGap = USUAL_GAP, decimals, range }: Rules): readonly Round[] {
  const places = placeColumns(sheet, ["timestamp", "answer"]);
  const ids = sheet.columns.indexOf("round_id");
  const starts = sheet.columns.indexOf("started_at");
  const priceOf = ({ answer }: Round): number => Number(answer) / 10 ** decimals;
  const rounds: Round[] = [];
  for (const [index, row] of sheet.rows.entries()) {
    const { line } = row;
    const updatedAt = String(readStamp(sheet, row, places.timestamp));
    const answer = readAnswer(sheet, row, { column: places.answer, decimals });
    const started = starts < 0 ? "" : (row.fields[starts] ?? "");
    if (started !== "") readStamp(sheet, row, starts);
    const id = ids < 0 ? String(PHASE + BigInt(index + 1)) : (row.fields[ids] ?? "");
    const fields = [updatedAt, answer, id, started === "" ? updatedAt : started];
    const round = parseRound(fields.join(","), (reason) => refuse(sheet, line, "inconsistent", reason));
    checkRange(sheet, line, { name: "answer", value: priceOf(round), range });
    const before = rounds.at(-1);
    if (before !== undefined) {
      checkOrder(sheet, line, { round, before, maxGap });
      checkStep(sheet, line, { from: priceOf(before), to: priceOf(round) });
    }
    rounds.push(round);
  }
  return rounds;
}

function readAnswer(
  sheet: Sheet,
  { line, fields }: Row,
  { column, decimals }: { column: number; decimals: number },
): string {
  const text = fields[column] ?? "";
  if (text.trim().endsWith("%")) refuse(sheet, line, "wrong unit", `answer "${text}" is a percentage`);
  if (text.trim() === "" || !Number.isFinite(Number(text))) refuse(sheet, line, "not a number", `answer "${text}"`);
  if (Number(text) <= 0) refuse(sheet, line, "not positive", `answer ${text}`);
  if (!/^\d+$/.test(text))
    refuse(sheet, line, "wrong unit", `${text} is a price and no answer of ${decimals} decimals`);
  return text;
}

function checkOrder(
  sheet: Sheet,
  line: number,
  { round, before, maxGap }: { round: Round; before: Round; maxGap: number },
): void {
  if (round.id === before.id) refuse(sheet, line, "duplicate", `round ${String(round.id)} is there twice`);
  if (round.id < before.id) refuse(sheet, line, "unsorted", `round ${String(round.id)} after ${String(before.id)}`);
  const silence = round.updatedAt - before.updatedAt;
  if (silence < 0 && round.id / PHASE === before.id / PHASE) {
    refuse(sheet, line, "unsorted", `${round.updatedAt} after ${before.updatedAt}`);
  }
  if (silence > maxGap) refuse(sheet, line, "gap", `${silence} s without a round, ${maxGap} s are allowed`);
}
