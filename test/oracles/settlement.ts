/** The rule of settlement as it is written down, by looking at every round of a phase. */

export interface Round {
  /** WAD. */
  price: bigint;
  updatedAt: number;
  startedAt: number;
}

/** The verdict (0 settled, 1 void), the price and its time, as `settle` returns them, separated by spaces. */
export function settlementOf(rounds: Round[], boundary: number, limits: { window: number; jump: number }): string {
  const refund = "1 0 0";
  const isAfter = ({ updatedAt, startedAt }: Round) => updatedAt > boundary && startedAt > boundary;
  const first = rounds.find(isAfter);
  if (first === undefined || first.updatedAt > boundary + limits.window) return refund;
  const last = rounds.findLast(({ updatedAt }) => updatedAt === first.updatedAt);
  const before = rounds.findLast(({ updatedAt }) => updatedAt <= boundary);
  if (last === undefined || !isAfter(last) || last.price === 0n) return refund;
  if (before !== undefined && isJump(before.price, last.price, limits.jump)) return refund;
  return ["0", last.price, last.updatedAt].join(" ");
}

/** Numbers (from 1, in the phase) of the rounds that prove a settlement; 0: none. */
export function hintOf(rounds: Round[], boundary: number): { round: number; before: number } {
  const first = rounds.find(({ updatedAt, startedAt }) => updatedAt > boundary && startedAt > boundary);
  return {
    round: first === undefined ? 0 : rounds.findLastIndex(({ updatedAt }) => updatedAt === first.updatedAt) + 1,
    before: rounds.findLastIndex(({ updatedAt }) => updatedAt <= boundary) + 1,
  };
}

function isJump(from: bigint, to: bigint, jump: number): boolean {
  const distance = to > from ? to - from : from - to;
  return distance * 1_000_000n > from * BigInt(jump);
}
