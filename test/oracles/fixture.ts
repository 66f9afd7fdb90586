import { type Interface, type Result } from "ethers";
import hre, { network } from "hardhat";

import { Kind } from "../parameters.ts";

export const { ethers, networkHelpers } = await network.create({
  network: "default",
  override: { allowBlocksWithSameTimestamp: true },
});

/** Code that counts its coverage costs more gas than what is deployed: bounds on gas do not apply to it. */
export const instrumented = hre.globalOptions.coverage;

export const WAD = 10n ** 18n;
export const MINUTE = 60;
export const HOUR = 3_600;
export const DAY = 86_400;
export const NO_ASSET = 255;

/** How long before a test begins its feeds have been written and listed, s. */
const LEAD = 300;

/** Names of the enum `Refusal`, in its order. */
const REFUSALS = [
  "None",
  "Missing",
  "NonPositive",
  "Future",
  "Stale",
  "OutOfBounds",
  "Jump",
  "Halted",
  "SequencerDown",
  "Closed",
] as const;

export const LIMITS = {
  maxAge: HOUR,
  window: 2 * HOUR,
  jump: 100_000,
  spread: 50_000,
  deadAfter: DAY,
  minAnswer: WAD / 100n,
  maxAnswer: 1_000_000n * WAD,
};

export const ENVIRONMENT = {
  sequencer: ethers.ZeroAddress,
  sequencerGrace: HOUR,
  haltGrace: 10 * MINUTE,
  pegAsset: NO_ASSET,
  nativeAsset: NO_ASSET,
  pegLow: (WAD * 98n) / 100n,
  pegHigh: (WAD * 102n) / 100n,
};

export interface FeedOptions {
  price?: number;
  decimals?: number;
  revertsOnMissing?: boolean;
  limits?: Partial<typeof LIMITS>;
  kind?: number;
}

interface WorldOptions {
  feeds?: FeedOptions[];
  /** With an uptime feed, up for two days. */
  uptime?: boolean;
  environment?: Partial<typeof ENVIRONMENT>;
}

interface Call {
  contract: { interface: unknown; getAddress(): Promise<string> };
  verb: string;
  args: readonly unknown[];
  gasLimit?: number;
}

export interface Outcome {
  gas: bigint;
  value: Result | undefined;
  error: string | undefined;
  args: unknown[];
}

export interface PriceFields {
  last: bigint;
  spread: bigint;
  refusal: (typeof REFUSALS)[number] | undefined;
  settling: boolean;
  dead: boolean;
  updatedAt: bigint;
}

export interface Settlement {
  /** The verdict, or the name of the error. */
  outcome: string;
  price: bigint;
  settledAt: bigint;
  args: unknown[];
  gas: bigint;
}

export type Feed = Awaited<ReturnType<typeof deployFeed>>;
export type World = Awaited<ReturnType<typeof createWorld>>;

/** Round id as the proxy knows it. */
export function id(round: number, phase = 1): bigint {
  return (BigInt(phase) << 64n) + BigInt(round);
}

export function wad(price: number): bigint {
  return BigInt(Math.round(price * 1e6)) * 10n ** 12n;
}

/** Sends a transaction in a block of the same time as the one before, so that setting up takes no time. */
export async function still<T>(send: () => Promise<T>): Promise<T> {
  await networkHelpers.time.setNextBlockTimestamp(await networkHelpers.time.latest());
  return send();
}

export async function deployAggregator({ decimals = 8, revertsOnMissing = false }: FeedOptions = {}) {
  const aggregator = await ethers.deployContract("AccessListAggregator", [decimals, "X / USD", revertsOnMissing]);
  const transmit = (answer: bigint, updatedAt: number, startedAt = updatedAt) =>
    still(() => aggregator.transmit(answer, startedAt, updatedAt));
  const write = async (price: number, updatedAt: number, startedAt = updatedAt) => {
    const answer = (BigInt(Math.round(price * 1e6)) * 10n ** BigInt(decimals)) / 1_000_000n;
    await transmit(answer, updatedAt, startedAt);
  };
  return { aggregator, write, transmit };
}

/** A proxy over an aggregator, each as on a live chain. */
export async function deployFeed(options: FeedOptions = {}) {
  const implementation = await still(() => deployAggregator(options));
  const { aggregator } = implementation;
  const proxy = await still(() => ethers.deployContract("EACAggregatorProxy", [aggregator, ethers.ZeroAddress]));
  await still(() => aggregator.addAccess(proxy));
  return { ...implementation, proxy };
}

/** Puts another aggregator behind the proxy: its phase is the next one. */
export async function switchAggregator(feed: Feed, options: FeedOptions = {}) {
  const next = await still(() => deployAggregator(options));
  await still(() => next.aggregator.addAccess(feed.proxy));
  const confirm = async () => {
    await still(() => feed.proxy.proposeAggregator(next.aggregator));
    await still(() => feed.proxy.confirmAggregator(next.aggregator));
  };
  return { ...next, confirm };
}

/** An oracle without feeds, as the interface shows it, and the errors of the proofs, which that does not name. */
export async function deployOracle(authority: { getAddress(): Promise<string> }) {
  const deployed = await ethers.deployContract("PriceOracle", [await authority.getAddress()]);
  const oracle = await ethers.getContractAt("IPriceOracle", await deployed.getAddress());
  return { oracle, proofs: deployed.interface as unknown as Interface };
}

/** An oracle with feeds that have one round each, at `firstAt`, and are listed at `now` − LEAD. */
export async function createWorld({ feeds: wanted = [{}], uptime: watched = false, environment }: WorldOptions = {}) {
  const now = (await networkHelpers.time.latest()) + DAY;
  const firstAt = now - LEAD;
  const [admin, stranger] = await ethers.getSigners();
  if (admin === undefined || stranger === undefined) throw new Error("the network has no accounts");

  const authority = await ethers.deployContract("TestAuthority");
  const { oracle, proofs } = await deployOracle(authority);
  const sequence = await ethers.deployContract("CallSequence");

  const feeds: Feed[] = [];
  for (const options of wanted) {
    const feed = await deployFeed(options);
    await feed.write(options.price ?? 2_000, firstAt);
    feeds.push(feed);
  }
  const uptime = await deployFeed({ decimals: 0 });
  await uptime.transmit(0n, now - 2 * DAY);

  await networkHelpers.time.increaseTo(firstAt + 1);
  const inputs = await Promise.all(
    feeds.map(async ({ proxy }, asset) => ({
      proxy: await proxy.getAddress(),
      kind: wanted[asset]?.kind ?? Kind.Rounds,
      limits: { ...LIMITS, ...wanted[asset]?.limits },
    })),
  );
  await still(() => oracle.list(inputs));
  const sequencer = watched ? await uptime.proxy.getAddress() : ethers.ZeroAddress;
  await still(() => oracle.setEnvironment({ ...ENVIRONMENT, sequencer, ...environment }));

  /** Makes the calls in one transaction in a block of time `at`. */
  async function run(at: number, ...calls: Call[]): Promise<Outcome[]> {
    const encoded = await Promise.all(
      calls.map(async ({ contract, verb, args, gasLimit }) => ({
        target: await contract.getAddress(),
        gasLimit: gasLimit ?? 0,
        data: (contract.interface as Interface).encodeFunctionData(verb, args),
      })),
    );
    await networkHelpers.time.setNextBlockTimestamp(at);
    const sent = await sequence.run(encoded, { gasLimit: 16_000_000 });
    const receipt = await sent.wait();
    const logs = (receipt?.logs ?? []).filter(
      ({ topics }) => topics[0] === sequence.getEvent("Called").fragment.topicHash,
    );
    return logs.map((log, index) => {
      const call = calls[index];
      const event = sequence.interface.parseLog(log);
      if (call === undefined || event === null) throw new Error("an event of another contract");
      const [, success, gas, data] = event.args as unknown as [bigint, boolean, bigint, string];
      const abi = call.contract.interface as Interface;
      if (success) return { gas, value: abi.decodeFunctionResult(call.verb, data), error: undefined, args: [] };
      const parsed =
        abi.parseError(data) ?? (oracle.interface as unknown as Interface).parseError(data) ?? proofs.parseError(data);
      return { gas, value: undefined, error: parsed?.name ?? data, args: parsed?.args.toArray() ?? [] };
    });
  }

  async function one(at: number, verb: string, ...args: unknown[]): Promise<Outcome> {
    const [outcome] = await run(at, { contract: oracle, verb, args });
    if (outcome === undefined) throw new Error("no outcome");
    return outcome;
  }

  async function read(at: number, assets = 1n, needPeg = false) {
    return decodeRead(await one(at, "read", assets, needPeg));
  }

  async function readPrice(at: number, asset = 0): Promise<PriceFields> {
    const { prices } = await read(at, 1n << BigInt(asset));
    const [price] = prices;
    if (price === undefined) throw new Error("no price");
    return price;
  }

  async function settle(at: number, boundary: number, round: bigint, before: bigint, phase = 1): Promise<Settlement> {
    return decodeSettle(await one(at, "settle", 0, phase, boundary, { round, before }));
  }

  const feed = feeds[0];
  if (feed === undefined) throw new Error("a world without feeds");
  return {
    now,
    firstAt,
    admin,
    stranger,
    authority,
    oracle,
    sequence,
    feeds,
    feed,
    uptime,
    run,
    one,
    read,
    readPrice,
    settle,
  };
}

export function decodePrice(word: bigint): PriceFields {
  return {
    last: BigInt.asUintN(96, word),
    spread: BigInt.asUintN(24, word >> 96n),
    refusal: REFUSALS[Number(BigInt.asUintN(8, word >> 120n))],
    settling: ((word >> 128n) & 1n) === 1n,
    dead: ((word >> 129n) & 1n) === 1n,
    updatedAt: BigInt.asUintN(32, word >> 130n),
  };
}

export function decodeConditions(word: bigint) {
  return {
    sequencerUp: (word & 1n) === 1n,
    sequencerSettled: (word & 2n) === 2n,
    pegHeld: (word & 4n) === 4n,
    upSince: BigInt.asUintN(32, word >> 8n),
    settlementPrice: BigInt.asUintN(96, word >> 40n),
  };
}

export function decodeRead({ value, error, gas }: Outcome) {
  if (value === undefined) throw new Error(`read failed: ${error ?? ""}`);
  const [conditions, words] = value as unknown as [bigint, bigint[]];
  return { conditions: decodeConditions(conditions), prices: [...words].map(decodePrice), gas };
}

export function decodeSettle({ value, error, args, gas }: Outcome): Settlement {
  if (value === undefined) return { outcome: error ?? "", price: 0n, settledAt: 0n, args, gas };
  const [verdict, price, settledAt] = value as unknown as [bigint, bigint, bigint];
  return { outcome: verdict === 0n ? "Settled" : "Void", price, settledAt, args, gas };
}
