/** Sources other than push feeds, for the tests of the oracle. */
import { AbiCoder } from "ethers";

import { Kind } from "../parameters.ts";
import {
  LIMITS,
  createWorld,
  deployFeed,
  ethers,
  id,
  networkHelpers,
  still,
  type FeedOptions,
  type World,
} from "./fixture.ts";

export const LAG = 3_600;
/** Longest delay of an order, s: boundaries so long after a change are void. */
export const LONGEST_DELAY = 240;
export const STREAM_WINDOW = 60;

/** The answer of a feed, as bytes. */
export function encodeRound(round: bigint, answer: bigint, startedAt: bigint, updatedAt: bigint): string {
  return AbiCoder.defaultAbiCoder().encode(
    ["uint256", "int256", "uint256", "uint256", "uint256"],
    [round, answer, startedAt, updatedAt, round],
  );
}

/** A feed that knows its latest round only: asked for any other, it answers with that. */
export async function deployDerived() {
  const feed = await still(() => ethers.deployContract("RawFeed"));
  let count = 0;
  /** @param step By how much the id grows. */
  const write = async (price: number, at: number, step = 1) => {
    count += step;
    const answer = BigInt(Math.round(price * 1e8));
    await still(() => feed.set(encodeRound(id(count), answer, BigInt(at), BigInt(at)), false));
  };
  return { feed, write };
}

/** A world whose asset 1 is a derived feed at 2,000. */
export async function createDerived() {
  const world = await createWorld();
  const derived = await deployDerived();
  await derived.write(2_000, world.firstAt);
  await still(async () =>
    world.oracle.list([{ proxy: await derived.feed.getAddress(), kind: Kind.Derived, limits: LIMITS }]),
  );
  return { world, derived };
}

/** A stream of reports, each a round whose window is [startedAt, updatedAt]: round ids of phase 1 from 1 on. */
export async function deployStream(options: FeedOptions = {}) {
  const { proxy, write, transmit } = await deployFeed({ decimals: 18, ...options });
  const report = (price: number, validFrom: number, observed: number) => write(price, observed, validFrom);
  return { proxy, report, transmit };
}

/**
 * A world whose asset 0 is valued by a push feed and settles by a stream, since long before `now`. Reports: 1 is older, 2 is
 * [now − 10, now], 3 is [now + 1, now + 4], 4 is [now + 5, now + 5], 5 is [now + 6, now + 100].
 */
export async function createStreamed(options: FeedOptions = {}) {
  const world = await createWorld({ feeds: [options] });
  const stream = await deployStream();
  await stream.report(2_000, world.firstAt - 10, world.firstAt);
  await still(() => world.oracle.setSettlement(0, stream.proxy, STREAM_WINDOW));
  await stream.report(2_001, world.now - 10, world.now);
  await stream.report(2_002, world.now + 1, world.now + 4);
  await stream.report(2_003, world.now + 5, world.now + 5);
  await stream.report(2_004, world.now + 6, world.now + 100);
  return { world, stream, after: world.now + 200 };
}

/** Lets governance verbs be sent through `run`. */
export async function admit({ authority, sequence }: World): Promise<void> {
  await still(() => authority.grantRole(0n, sequence, 0));
}

/** Lets time pass, and gives the push feed a round at its end. */
export async function passTo(world: World, at: number, price = 2_000): Promise<void> {
  await networkHelpers.time.increaseTo(at);
  await world.feed.write(price, at);
}

/** A session as `types/FeedSessions.sol` packs them, from minutes since Monday. */
export function packSessions(sessions: readonly (readonly [open: number, close: number])[]): bigint {
  return sessions.reduce(
    (word, [open, close], index) => word | ((BigInt(open) | (BigInt(close) << 14n)) << BigInt(28 * index)),
    0n,
  );
}

/** The first Monday 00:00 UTC after `at`. */
export function mondayAfter(at: number): number {
  const week = 7 * 86_400;
  const monday = 4 * 86_400; // of the first week of 1970
  return at + week - ((((at - monday) % week) + week) % week);
}
