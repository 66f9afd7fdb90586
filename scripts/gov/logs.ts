/** Events of a deployment since its first block. */
import type { Filter, Log } from "ethers";

import { messageOf } from "../deploy/PlimsollError.ts";
import type { Gov } from "./gov.ts";

/** Blocks of a first request; a node that takes fewer gets fewer. */
const FIRST_RANGE = 1_000_000;

/**
 * In their order, at the block that everything is read at. A request that the node refuses is halved until it is a single
 * block.
 */
export async function readLogs(
  { provider, intent: { book }, at }: Gov,
  filter: Pick<Filter, "address" | "topics">,
): Promise<Log[]> {
  const logs: Log[] = [];
  let from = Number(book.block);
  let range = FIRST_RANGE;
  while (from <= at.blockTag) {
    const to = Math.min(at.blockTag, from + range - 1);
    try {
      logs.push(...(await provider.getLogs({ ...filter, fromBlock: from, toBlock: to })));
      from = to + 1;
    } catch (error) {
      if (to === from || !isTooMuch(error)) throw error;
      range = Math.ceil((to - from + 1) / 2);
    }
  }
  return logs;
}

/** Nodes say in many words that a range is too wide or has too many results. A connection that fails is no such word. */
function isTooMuch(error: unknown): boolean {
  return /range|limit|too (many|large|wide)|more than|exceed|block|response size/i.test(messageOf(error));
}
