/** Hours of a market, as `types/FeedSessions.sol` keeps them: up to eight weekly sessions in one word, in UTC. */

/** Minutes since Monday 00:00 UTC; closed from `close` on. */
export interface Session {
  readonly open: bigint;
  readonly close: bigint;
}

/** Minutes of a week. */
export const WEEK = 10_080n;
export const MAX_SESSIONS = 8;

const TIME_BITS = 14n;
const SESSION_BITS = 2n * TIME_BITS;
const TIME_MASK = (1n << TIME_BITS) - 1n;
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** In ascending order, those that run over the end of the week cut in two at it. */
export function splitSessions(sessions: readonly Session[]): Session[] {
  return sessions
    .flatMap(({ open, close }) => {
      if (open < close) return [{ open, close }];
      const rest = close === 0n ? [] : [{ open: 0n, close }];
      return [...rest, { open, close: WEEK }];
    })
    .sort((a, b) => Number(a.open - b.open));
}

/** The word of sessions that are in ascending order and within the week; 0 of none: always open. */
export function packSessions(sessions: readonly Session[]): bigint {
  return sessions.reduce(
    (word, { open, close }, index) => word | ((open | (close << TIME_BITS)) << (BigInt(index) * SESSION_BITS)),
    0n,
  );
}

export function unpackSessions(word: bigint): Session[] {
  const sessions: Session[] = [];
  for (let rest = word; rest !== 0n; rest >>= SESSION_BITS) {
    sessions.push({ open: rest & TIME_MASK, close: (rest >> TIME_BITS) & TIME_MASK });
  }
  return sessions;
}

/** The longest time of a week without a session, s; 0 of a word without sessions. */
export function longestClosure(word: bigint): bigint {
  const sessions = unpackSessions(word);
  const [first] = sessions;
  if (first === undefined) return 0n;
  const closures = sessions.map(({ close }, index) => (sessions[index + 1]?.open ?? first.open + WEEK) - close);
  return closures.reduce((a, b) => (a > b ? a : b)) * 60n;
}

/** As a parameter file has them: `Sun 23:00 – Fri 21:00`; those that meet at the end of the week as one. */
export function showSessions(word: bigint): string {
  const sessions = unpackSessions(word);
  const [first, last] = [sessions[0], sessions.at(-1)];
  if (first !== undefined && last !== undefined && sessions.length > 1 && first.open === 0n && last.close === WEEK) {
    sessions.splice(0, 1);
    sessions.splice(-1, 1, { open: last.open, close: first.close });
  }
  return sessions.map(({ open, close }) => `${timeOf(open)} – ${timeOf(close)}`).join(", ");
}

function timeOf(minute: bigint): string {
  const two = (value: bigint): string => String(value).padStart(2, "0");
  const day = DAYS[Number((minute / 1_440n) % 7n)] ?? "";
  return `${day} ${two((minute / 60n) % 24n)}:${two(minute % 60n)}`;
}
