/** How long accounts waited for their liquidation, and when that was too long. */
import type { Spell } from "./observer.ts";

/**
 * Blocks after which an account was missed that got out of it without a liquidation: the price has helped it, or its
 * owner, and no keeper. The lowest round of the drop lasts for as many.
 */
export const UNAIDED_BLOCKS = 15;
/**
 * Blocks after which an account was missed whatever came then. Two minutes of the chain's clock, of the machine's half a
 * minute and less: with a thousand accounts three hundred become liquidatable at once, and node, keepers and judge share
 * its cores.
 */
export const MOST_BLOCKS = 30;

/** From a block to the last one before another. */
export interface Blocks {
  readonly from: number;
  readonly to: number;
}

/** Blocks of a spell in which a keeper could have acted. @param now The first block that is not judged any more. */
export function waitedIn({ from, to }: Pick<Spell, "from" | "to">, excused: readonly Blocks[], now: number): number {
  let count = 0;
  for (let block = from; block < (to ?? now); ++block) {
    if (!excused.some((blocks) => block >= blocks.from && block < blocks.to)) count += 1;
  }
  return count;
}

/** Whether nobody has liquidated in time. */
export function isMissed(spell: Spell, excused: readonly Blocks[], now: number): boolean {
  if (spell.to === undefined) return spell.from < now;
  const waited = waitedIn(spell, excused, now);
  return waited > MOST_BLOCKS || (waited > UNAIDED_BLOCKS && !spell.liquidated);
}
