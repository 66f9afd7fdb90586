/** The pool's requests and what they wait for. */
import type { BatchState, QueueState } from "../decide/state.ts";
import type { At, ReadingContext } from "./isolated.ts";

/** Batches that are looked at, from the first that is not paid in full: a week of them fits into one fulfilment. */
const MOST_BATCHES = 168;
const MAX_UINT = (1n << 256n) - 1n;

export async function readQueue({ contracts }: ReadingContext, at: At): Promise<QueueState> {
  const { pool, clearingHouse } = contracts;
  const [{ latest, deposits, redemptions }, valuation] = await Promise.all([
    pool.queue(at),
    clearingHouse.poolValuation(at),
  ]);
  const waiting = latest - redemptions;
  const count = waiting < BigInt(MOST_BATCHES) ? Number(waiting) : MOST_BATCHES;
  const read = async (_: unknown, place: number): Promise<BatchState> => {
    const batch = redemptions + 1n + BigInt(place);
    const { closesAt, maturesAt, deposited, toRedeem, burned } = await pool.batchOf(batch, at);
    return {
      batch,
      closesAt,
      maturesAt,
      deposits: batch > deposits && deposited !== 0n,
      redemptions: toRedeem > burned,
    };
  };
  const { equity, redeemable, oldest, live, blocked } = valuation;
  return {
    batches: await Promise.all(Array.from({ length: count }, read)),
    valuation: { equity, redeemable, oldest: oldest === MAX_UINT ? undefined : oldest, live, blocked },
  };
}
