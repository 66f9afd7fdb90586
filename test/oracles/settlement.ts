/** The rules of reading and settlement as they are written down, by looking at everything there is. */

export interface Round {
  /** WAD. */
  price: bigint;
  updatedAt: number;
  startedAt: number;
}

/** Minutes since Monday 00:00 UTC at which a session begins and ends. */
export type Session = readonly [open: number, close: number];

interface Rules {
  window: number;
  jump: number;
  minAnswer: bigint;
  maxAnswer: bigint;
  sessions?: readonly Session[];
}

const MINUTE = 60;
const WEEK_MINUTES = 10_080;
const REFUND = "1 0 0";

// ---------------------------------------------------------------- settlement

/** The verdict (0 settled, 1 void), the price and its time, as `settle` returns them, separated by spaces. */
export function settlementOf(rounds: Round[], boundary: number, rules: Rules): string {
  const isAfter = ({ updatedAt, startedAt }: Round) => updatedAt > boundary && startedAt > boundary;
  const first = rounds.find(isAfter);
  if (first === undefined || first.updatedAt > boundary + rules.window) return REFUND;
  const last = rounds.findLast(({ updatedAt }) => updatedAt === first.updatedAt);
  const before = rounds.findLast(({ updatedAt }) => updatedAt <= boundary);
  if (last === undefined || !isAfter(last) || !isUsable(last, rules)) return REFUND;
  if (before !== undefined && isJump(before.price, last.price, rules.jump)) return REFUND;
  return ["0", last.price, last.updatedAt].join(" ");
}

/** As `settlementOf`, by reports whose windows are [startedAt, updatedAt]; undefined where none contains the boundary. */
export function reportSettlementOf(reports: Round[], boundary: number, rules: Rules): string | undefined {
  const report = reports.find(({ startedAt, updatedAt }) => startedAt <= boundary && boundary <= updatedAt);
  if (report === undefined) return undefined;
  if (report.updatedAt > boundary + rules.window || !isUsable(report, rules)) return REFUND;
  return ["0", report.price, report.updatedAt].join(" ");
}

/** Numbers (from 1, in the phase) of the rounds that prove a settlement; 0: none. */
export function hintOf(rounds: Round[], boundary: number): { round: number; before: number } {
  const first = rounds.find(({ updatedAt, startedAt }) => updatedAt > boundary && startedAt > boundary);
  return {
    round: first === undefined ? 0 : rounds.findLastIndex(({ updatedAt }) => updatedAt === first.updatedAt) + 1,
    before: rounds.findLastIndex(({ updatedAt }) => updatedAt <= boundary) + 1,
  };
}

function isUsable({ price, updatedAt }: Round, { minAnswer, maxAnswer, sessions }: Rules): boolean {
  if (price < minAnswer || price > maxAnswer) return false;
  return sessions === undefined || isOpen(sessions, updatedAt);
}

export function isJump(from: bigint, to: bigint, jump: number): boolean {
  const distance = to > from ? to - from : from - to;
  return distance * 1_000_000n > from * BigInt(jump);
}

// ---------------------------------------------------------------- hours

export function isOpen(sessions: readonly Session[], time: number): boolean {
  // 1970 began on a Thursday: three days since Monday.
  const minute = (Math.floor(time / MINUTE) + 3 * 1_440) % WEEK_MINUTES;
  return sessions.some(([open, close]) => open <= minute && minute < close);
}

/** The start of the first of the open minutes that lead up to `time` without a gap; undefined if none is closed. */
export function openedAt(sessions: readonly Session[], time: number): number | undefined {
  let begin = time - (time % MINUTE);
  for (let minute = 0; minute < WEEK_MINUTES; ++minute) {
    if (!isOpen(sessions, begin - MINUTE)) return begin;
    begin -= MINUTE;
  }
  return undefined;
}

/** The longest run of closed minutes, s. */
export function closureOf(sessions: readonly Session[]): number {
  let longest = 0;
  let run = 0;
  for (let minute = 0; minute < 2 * WEEK_MINUTES; ++minute) {
    run = isOpen(sessions, minute * MINUTE) ? 0 : run + 1;
    longest = Math.max(longest, run);
  }
  return longest * MINUTE;
}

/** One to eight sessions, of which some touch. */
export function drawSessions(random: (below: number) => number): Session[] {
  const count = 1 + random(8);
  const edges = Array.from({ length: 2 * count }, () => random(WEEK_MINUTES + 1)).sort((a, b) => a - b);
  const sessions: [number, number][] = [];
  let end = random(2) === 0 ? 0 : (edges[0] ?? 0);
  for (let index = 0; index < count; ++index) {
    const open = random(3) === 0 ? end : Math.max(end, edges[2 * index] ?? 0);
    const close = index + 1 === count && random(2) === 0 ? WEEK_MINUTES : Math.max(open + 1, edges[2 * index + 1] ?? 0);
    if (close > WEEK_MINUTES) break;
    sessions.push([open, close]);
    end = close;
    if (close === WEEK_MINUTES) break;
  }
  return sessions.length === 0 ? [[0, 1]] : sessions;
}

// ---------------------------------------------------------------- reading

/** What a feed answers, in its own units. */
export interface Answer {
  id: bigint;
  answer: bigint;
  startedAt: bigint;
  updatedAt: bigint;
}

interface ReadingRules {
  decimals: number;
  now: bigint;
  maxAge: bigint;
  jump: number;
  minAnswer: bigint;
  maxAnswer: bigint;
  stored: { id: bigint; price: bigint; updatedAt: bigint };
}

/** The refusal and the price that a reading has. */
export function readingOf(said: Answer, rules: ReadingRules): [refusal: string, price: bigint] {
  const { stored } = rules;
  const refused = (refusal: string): [string, bigint] => [refusal, stored.price];
  const impossible = said.id >= 1n << 80n || (said.id & ((1n << 64n) - 1n)) >= 1n << 40n;
  if (impossible || said.updatedAt === 0n || said.startedAt === 0n) return refused("Missing");
  const isNewer = said.id > stored.id && said.updatedAt >= stored.updatedAt;
  const round = isNewer
    ? { ...said, price: said.answer * 10n ** BigInt(18 - rules.decimals) }
    : { ...stored, startedAt: stored.updatedAt };
  if (round.price <= 0n) return refused("NonPositive");
  if (round.updatedAt > rules.now || round.startedAt > rules.now) return refused("Future");
  if (rules.now - round.updatedAt > rules.maxAge) return refused("Stale");
  if (round.price < rules.minAnswer || round.price > rules.maxAnswer) return refused("OutOfBounds");
  if (isNewer && isJump(stored.price, round.price, rules.jump)) return refused("Jump");
  return ["None", round.price];
}

// ---------------------------------------------------------------- draws

/** Numbers that are the same in every run (xorshift32). */
export function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}
