import { readFileSync } from "node:fs";

import { EXIT, ReplayError } from "./errors.ts";

/** One answer of a feed. */
export interface Round {
  /** Unix seconds. */
  readonly updatedAt: number;
  /** Unix seconds. */
  readonly startedAt: number;
  /** With the feed's decimals. */
  readonly answer: bigint;
  /** phaseId << 64 | aggregator round. */
  readonly id: bigint;
}

const HEADER = "timestamp,answer,round_id,started_at";
const COLUMNS = HEADER.split(",").length;

/** Reads a file of rounds. Throws a ReplayError with the file, the line and the reason. */
export function loadRounds(file: string): readonly Round[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new ReplayError(`${file}: cannot be read`, { exitCode: EXIT.usage, cause });
  }
  return parseRounds(text, file);
}

/** Rounds in ascending order of their id; several may share one time. */
export function parseRounds(text: string, file: string): readonly Round[] {
  const refuse = (line: number, reason: string): never => {
    throw new ReplayError(`${file}:${line}: ${reason}`, { exitCode: EXIT.usage });
  };
  const [header, ...lines] = text.trimEnd().split(/\r?\n/);
  if (header !== HEADER) refuse(1, `the header must be "${HEADER}"`);
  const rounds: Round[] = [];
  for (const [index, line] of lines.entries()) {
    const number = index + 2;
    const round = parseRound(line, (reason) => refuse(number, reason));
    const before = rounds.at(-1);
    if (before !== undefined) {
      if (round.id === before.id) refuse(number, `round ${String(round.id)} is there twice`);
      if (round.id < before.id) refuse(number, `round ${String(round.id)} is not sorted by id`);
      if (round.updatedAt < before.updatedAt) refuse(number, `time goes back from ${before.updatedAt}`);
    }
    rounds.push(round);
  }
  if (rounds.length === 0) refuse(1, "there is no round");
  return rounds;
}

/** A line of four columns. @param refuse Throws with the reason. */
export function parseRound(line: string, refuse: (reason: string) => never): Round {
  const columns = line.split(",");
  if (columns.length !== COLUMNS) refuse(`${columns.length} columns, expected ${COLUMNS}`);
  const [updatedAt = 0n, answer = 0n, id = 0n, startedAt = 0n] = columns.map((column) => {
    if (!/^-?\d+$/.test(column)) refuse(`"${column}" is not a whole number`);
    return BigInt(column);
  });
  if (answer <= 0n) refuse(`the answer ${String(answer)} is not positive`);
  if (id <= 0n) refuse(`the round id ${String(id)} is not positive`);
  if (startedAt <= 0n || startedAt > updatedAt) {
    refuse(`started at ${String(startedAt)}, which is not in (0, ${String(updatedAt)}]`);
  }
  return { updatedAt: Number(updatedAt), startedAt: Number(startedAt), answer, id };
}
