/** What the tests of derived feeds share: a world with feeds to compute from, and readings at a given time. */
import { type World, createWorld, deployFeed, ethers, still } from "./fixture.ts";

export const SIDES = { Both: 0n, Market: 1n, Rate: 2n } as const;
export const LEG_GAS = 25_000n;

export interface Target {
  interface: unknown;
  getAddress(): Promise<string>;
}

export interface Round {
  id: bigint;
  answer: bigint;
  startedAt: bigint;
  updatedAt: bigint;
}

export const ABSENT: Round = { id: 0n, answer: 0n, startedAt: 0n, updatedAt: 0n };

interface LegOptions {
  feed: { getAddress(): Promise<string> };
  side?: keyof typeof SIDES;
  maxAge?: number;
  gasLimit?: bigint;
}

export async function leg({ feed, side = "Both", maxAge = 3_600, gasLimit = LEG_GAS }: LegOptions) {
  return { feed: await feed.getAddress(), side: SIDES[side], maxAge, gasLimit };
}

export async function deployComposite(...legs: LegOptions[]) {
  const inputs = await Promise.all(legs.map(leg));
  return still(() => ethers.deployContract("CompositeFeed", ["X / USD", inputs]));
}

/** Feeds with one round each, at `firstAt`; the world's own feed is another one. */
export async function createFeeds(...options: { price: number; decimals?: number }[]) {
  const world = await createWorld();
  const feeds = [];
  for (const { price, decimals = 8 } of options) {
    const feed = await deployFeed({ decimals });
    await feed.write(price, world.firstAt);
    feeds.push(feed);
  }
  return { world, feeds };
}

/** What `latestRoundData` answers in a block of time `at`, or the name of the error that it ends in. */
export async function latestOf(world: World, feed: Target, at: number, gasLimit?: number): Promise<Round | string> {
  const call = { contract: feed, verb: "latestRoundData", args: [], ...(gasLimit === undefined ? {} : { gasLimit }) };
  const [outcome] = await world.run(at, call);
  if (outcome?.value === undefined) return outcome?.error ?? "no outcome";
  const [id, answer, startedAt, updatedAt] = outcome.value as unknown as [bigint, bigint, bigint, bigint];
  return { id, answer, startedAt, updatedAt };
}

export async function roundOf(world: World, feed: Target, at: number): Promise<Round> {
  const round = await latestOf(world, feed, at);
  if (typeof round === "string") throw new Error(`no reading: ${round}`);
  return round;
}

/** The words of an answer to `latestRoundData`. */
export function encodeRound({ id, answer, startedAt, updatedAt }: Round): string {
  return ethers.AbiCoder.defaultAbiCoder().encode(
    ["uint256", "int256", "uint256", "uint256", "uint256"],
    [id, answer, startedAt, updatedAt, id],
  );
}

/** What a leg can be that has no usable answer. */
export function brokenAnswers(now: number): [name: string, response: string, burns?: boolean][] {
  const at = BigInt(now);
  const good: Round = { id: (1n << 64n) + 1n, answer: 10n ** 8n, startedAt: at - 60n, updatedAt: at - 60n };
  const wide = 1n << 96n;
  return [
    ["takes all gas", "0x", true],
    ["answers nothing", "0x"],
    ["answers a word too few", ethers.dataSlice(encodeRound(good), 0, 128)],
    ["answers 0", encodeRound({ ...good, answer: 0n })],
    ["answers a negative number", encodeRound({ ...good, answer: -1n })],
    ["answers the least number", encodeRound({ ...good, answer: -(1n << 255n) })],
    ["answers the greatest number", encodeRound({ ...good, answer: (1n << 255n) - 1n })],
    ["answers 2^96 in WAD", encodeRound({ ...good, answer: wide / 10n ** 10n + 1n })],
    ["has no round yet", encodeRound({ ...good, updatedAt: 0n })],
    ["has a round that has not started", encodeRound({ ...good, startedAt: 0n })],
    ["was updated in the future", encodeRound({ ...good, updatedAt: at + 1n })],
    ["was started in the future", encodeRound({ ...good, startedAt: at + 1n })],
    ["has a time of more than 32 bits", encodeRound({ ...good, updatedAt: (1n << 32n) + at })],
    ["has an id of more than 80 bits", encodeRound({ ...good, id: (1n << 80n) + 1n })],
    ["has a round of more than 40 bits", encodeRound({ ...good, id: (1n << 64n) + (1n << 40n) })],
  ];
}
