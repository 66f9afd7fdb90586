/** Which block several endpoints agree on. */
import type { BlockRef } from "../index/entries.ts";

export interface Vote {
  /** Place of the endpoint. */
  readonly voter: number;
  /** Its latest block. */
  readonly head: BlockRef;
}

export interface Agreement {
  readonly head: BlockRef;
  readonly agreeing: readonly number[];
  /** More than `maxLag` blocks behind it. */
  readonly lagging: readonly number[];
  /** Have another block at its number. */
  readonly disagreeing: readonly number[];
}

/** The block of an endpoint at a number; undefined if it has none. */
export type BlockAt = (voter: number, number: number) => Promise<BlockRef | undefined>;

export interface AgreeOptions {
  /** Blocks that an endpoint may be behind and still be counted. */
  readonly maxLag: number;
  /** Blocks below the lowest head that are looked at while they disagree: as deep as a fork may be. */
  readonly depth: number;
}

/**
 * The highest block that more than half of the votes have, at its number and with its hash; undefined if there is none.
 *
 * An endpoint that has stopped is no voter: where those ahead are as many as those more than `maxLag` behind, and have
 * their blocks too, they are followed. Two endpoints can thus outlive the standstill of one, but only three the lie of one.
 */
export async function agree(
  votes: readonly Vote[],
  blockAt: BlockAt,
  { maxLag, depth }: AgreeOptions,
): Promise<Agreement | undefined> {
  if (votes.length === 0) return undefined;
  for (const height of heightsOf(votes, depth)) {
    const blocks = new Map<number, BlockRef>();
    await Promise.all(
      votes
        .filter(({ head }) => head.number >= height)
        .map(async ({ voter, head }) => {
          const block = head.number === height ? head : await blockAt(voter, height);
          if (block !== undefined) blocks.set(voter, block);
        }),
    );
    const [best, agreeing] = largest(blocks);
    if (best === undefined) continue;
    const lagging = votes.filter(({ head }) => head.number < height - maxLag);
    const isMajority = agreeing.length * 2 > votes.length;
    if (!isMajority && !(await stoodStill({ agreeing, lagging, votes, blockAt }))) continue;
    return {
      head: best,
      agreeing,
      lagging: lagging.map(({ voter }) => voter),
      disagreeing: [...blocks].filter(([, { hash }]) => hash !== best.hash).map(([voter]) => voter),
    };
  }
  return undefined;
}

/** All heads, and what lies below them. */
function heightsOf(votes: readonly Vote[], depth: number): number[] {
  const heights = [...new Set(votes.map(({ head }) => head.number))].sort((a, b) => b - a);
  const lowest = heights.at(-1) ?? 0;
  const below = Array.from({ length: Math.min(depth, lowest) }, (_, place) => lowest - 1 - place);
  return [...heights, ...below];
}

function largest(blocks: ReadonlyMap<number, BlockRef>): [BlockRef | undefined, readonly number[]] {
  let best: BlockRef | undefined;
  let most: number[] = [];
  for (const block of blocks.values()) {
    const same = [...blocks].filter(([, { hash }]) => hash === block.hash).map(([voter]) => voter);
    if (same.length > most.length) [best, most] = [block, same];
  }
  return [best, most];
}

async function stoodStill(options: {
  agreeing: readonly number[];
  lagging: readonly Vote[];
  votes: readonly Vote[];
  blockAt: BlockAt;
}): Promise<boolean> {
  const { agreeing, lagging, votes, blockAt } = options;
  const [witness] = agreeing;
  if (witness === undefined || lagging.length > agreeing.length) return false;
  if (agreeing.length + lagging.length !== votes.length) return false;
  const same = await Promise.all(
    lagging.map(async ({ head }) => (await blockAt(witness, head.number))?.hash === head.hash),
  );
  return same.every(Boolean);
}
