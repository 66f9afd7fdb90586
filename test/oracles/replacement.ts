/** A source in shadow beside the one in use, for the tests of its verbs. */
import { Kind } from "../parameters.ts";
import { DAY, HOUR, LIMITS, createWorld, deployFeed, still, type FeedOptions } from "./fixture.ts";

export const TOLERANCE = 10_000;
export const SHADOW_TIME = DAY;
export const MAX_WATCH_GAP = 2 * HOUR;

/** Asset 0 at 2,000 and, not yet proposed, another feed at 2,010, both of `firstAt`; asset 1 besides. */
export async function createPair(options: FeedOptions = {}) {
  const world = await createWorld({ feeds: [options, { price: 3 }] });
  const next = await deployFeed({ decimals: 18 });
  await next.write(2_010, world.firstAt);
  const limits = { ...LIMITS, jump: 60_000, spread: 70_000 };
  const input = { proxy: await next.proxy.getAddress(), kind: Kind.Observed, limits };
  return { world, next, input };
}

/** Proposed at the end of a fixture, at time `firstAt` + 1. */
export async function createProposed(options: FeedOptions = {}) {
  const pair = await createPair(options);
  await still(() => pair.world.oracle.proposeSource(0, pair.input, TOLERANCE));
  const proposedAt = pair.world.firstAt + 1;
  /** Both feeds write at `at` and anyone compares them. */
  const watch = async (at: number, price = 2_000, proposed = 2_010) => {
    await pair.world.feed.write(price, at);
    await pair.next.write(proposed, at);
    return pair.world.one(at, "watchSource", 0);
  };
  return { ...pair, proposedAt, watch };
}

/** Watched every two hours for `duration`, always in agreement. `until` is the last watching. `watchUntil` goes on so. */
export async function createShadowed(duration = SHADOW_TIME) {
  const proposed = await createProposed();
  const watchUntil = async (end: number, begin = end - SHADOW_TIME) => {
    for (let at = begin; at < end; at += MAX_WATCH_GAP) await proposed.watch(at);
    await proposed.watch(end);
  };
  const until = proposed.proposedAt + duration;
  await watchUntil(until, proposed.proposedAt);
  return { ...proposed, until, watchUntil };
}
