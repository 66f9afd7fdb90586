/** The prices of a deployment, read at one block through its health view. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Contract, type InterfaceAbi, type Provider, ZeroAddress } from "ethers";

import type { AddressBook } from "../deploy/addressBook.ts";
import type { Parameters } from "../deploy/parameters.ts";
import { PlimsollError } from "../deploy/PlimsollError.ts";
import { type Refusal, REFUSALS } from "../model/price.ts";
import type { OracleHealth } from "../../typechain-types/index.ts";

/** The chain is not the one that was meant. */
export class WrongChainError extends PlimsollError {}

/** In the order of the contract's enum. */
export const KINDS = ["rounds", "observed", "derived", "stream"] as const;

/** Prices are WAD, times unix seconds, shares 1e-6. */
export interface Round {
  readonly round: bigint;
  /** In the decimals of the feed. */
  readonly answer: bigint;
  /** 0 for an answer that is no price. */
  readonly price: bigint;
  readonly startedAt: bigint;
  readonly updatedAt: bigint;
}

export interface Source {
  readonly address: string;
  /** Behind a proxy. */
  readonly aggregator: string | undefined;
  readonly kind: (typeof KINDS)[number];
  readonly decimals: bigint;
  /** As it says now; undefined if it does not. */
  readonly currentDecimals: bigint | undefined;
  /** Undefined if it shows none. */
  readonly latest: Round | undefined;
}

export interface Limits {
  readonly maxAge: bigint;
  readonly window: bigint;
  readonly jump: bigint;
  readonly spread: bigint;
  readonly deadAfter: bigint;
  readonly minAnswer: bigint;
  readonly maxAnswer: bigint;
}

export interface Halt {
  readonly candidate: bigint;
  readonly round: bigint;
  readonly since: bigint;
  readonly haltedAt: bigint;
  /** 0: no veto. */
  readonly vetoedUntil: bigint;
}

export interface Shadow {
  readonly source: Source;
  readonly tolerance: bigint;
  /** 0: the last watching has found them to differ. */
  readonly agreedSince: bigint;
  readonly watchedAt: bigint;
}

export interface Feed {
  readonly symbol: string;
  readonly source: Source;
  readonly limits: Limits;
  /** Of the parameter file. */
  readonly heartbeat: bigint | undefined;
  readonly deviation: bigint | undefined;
  readonly refusal: Refusal;
  readonly settling: boolean;
  readonly dead: boolean;
  /** As accounts are valued now. */
  readonly low: bigint;
  readonly high: bigint;
  /** Accepted last. */
  readonly price: bigint;
  readonly round: bigint;
  readonly updatedAt: bigint;
  readonly checkedAt: bigint;
  readonly graceUntil: bigint;
  readonly halt: Halt | undefined;
  /** As `types/FeedSessions.sol` packs them. */
  readonly sessions: bigint;
  readonly open: boolean;
  /** What orders settle by, if not by the source's rounds. */
  readonly settlement: { readonly stream: Source; readonly window: bigint } | undefined;
  /** Of source or settlement; 0: never. */
  readonly changedAt: bigint;
  readonly shadow: Shadow | undefined;
}

export interface OracleReading {
  readonly chainId: bigint;
  readonly block: bigint;
  readonly time: bigint;
  readonly sequencer: {
    /** Its uptime feed; undefined where none is watched. */
    readonly feed: string | undefined;
    readonly up: boolean;
    readonly settled: boolean;
    readonly upSince: bigint;
    readonly grace: bigint;
  };
  readonly peg: { readonly held: boolean; readonly price: bigint; readonly low: bigint; readonly high: bigint };
  readonly feeds: readonly Feed[];
}

/** Throws a WrongChainError unless the health view of the deployment is there and belongs to it. */
export async function readOracles(
  provider: Provider,
  { chainId, contracts, feeds }: AddressBook,
  parameters: Parameters | undefined,
): Promise<OracleReading> {
  const { block, time } = await latestBlock(provider, chainId, "the deployment");
  const at = { blockTag: Number(block) };
  const { oracleHealth } = contracts;
  if ((await provider.getCode(oracleHealth, at.blockTag)) === "0x") {
    throw new WrongChainError(`no code of oracleHealth at ${oracleHealth}`);
  }
  const view = new Contract(oracleHealth, healthAbi(), provider) as unknown as OracleHealth;
  const oracle = await view.oracle(at);
  if (oracle !== contracts.oracle) {
    throw new WrongChainError(`the health view belongs to the oracle ${oracle}, not ${contracts.oracle}`);
  }
  const read = await view.health(at);
  const symbols = Object.keys(feeds);
  const { environment } = read;
  return {
    chainId,
    block,
    time,
    sequencer: {
      feed: addressOr(environment.sequencer),
      up: environment.up,
      settled: environment.settled,
      upSince: environment.upSince,
      grace: environment.sequencerGrace,
    },
    peg: {
      held: environment.pegHeld,
      price: environment.settlementPrice,
      low: environment.pegLow,
      high: environment.pegHigh,
    },
    feeds: read.feeds.map((row, index) => {
      const asset = parameters?.assets[index];
      const symbol = symbols[index] ?? `asset ${String(index)}`;
      return { ...toFeed(row), symbol, heartbeat: asset?.heartbeat, deviation: asset?.deviation };
    }),
  };
}

/** Throws a WrongChainError for another chain. @param what Is on it. */
export async function latestBlock(provider: Provider, chainId: bigint, what: string) {
  const { chainId: actual } = await provider.getNetwork();
  if (actual !== chainId) throw new WrongChainError(`chain ${String(actual)}, ${what} is on ${String(chainId)}`);
  const block = await provider.getBlock("latest");
  if (block === null) throw new PlimsollError("the node has no latest block");
  return { block: BigInt(block.number), time: BigInt(block.timestamp) };
}

type Row = Awaited<ReturnType<OracleHealth["feed"]>>;

function toFeed(row: Row): Omit<Feed, "symbol" | "heartbeat" | "deviation"> {
  const { maxAge, window, jump, spread, deadAfter, minAnswer, maxAnswer } = row.limits;
  const { halted, ...halt } = toHalt(row.halt);
  const { tolerance, agreedSince, watchedAt } = row.proposal;
  const stream = toSource(row.stream);
  const shadow = toSource(row.proposed);
  return {
    source: toSource(row.source) ?? NO_SOURCE,
    limits: { maxAge, window, jump, spread, deadAfter, minAnswer, maxAnswer },
    refusal: REFUSALS[Number(row.refusal)] ?? "Missing",
    settling: row.settling,
    dead: row.dead,
    low: row.low,
    high: row.high,
    price: row.price,
    round: row.round,
    updatedAt: row.updatedAt,
    checkedAt: row.checkedAt,
    graceUntil: row.graceUntil,
    halt: halted ? halt : undefined,
    sessions: row.sessions,
    open: row.open,
    settlement: stream === undefined ? undefined : { stream, window: row.window },
    changedAt: row.changedAt,
    shadow: shadow === undefined ? undefined : { source: shadow, tolerance, agreedSince, watchedAt },
  };
}

function toHalt({ halted, candidate, round, since, haltedAt, vetoedUntil }: Row["halt"]) {
  return { halted, candidate, round, since, haltedAt, vetoedUntil };
}

const NO_SOURCE: Source = {
  address: ZeroAddress,
  aggregator: undefined,
  kind: "rounds",
  decimals: 0n,
  currentDecimals: undefined,
  latest: undefined,
};
/** In place of decimals that a source does not say. */
const NO_DECIMALS = 255n;

function toSource({ source, aggregator, kind, decimals, currentDecimals, latest }: Row["source"]): Source | undefined {
  if (source === ZeroAddress) return undefined;
  const { readable, round, answer, price, startedAt, updatedAt } = latest;
  return {
    address: source,
    aggregator: addressOr(aggregator),
    kind: KINDS[Number(kind)] ?? "rounds",
    decimals,
    currentDecimals: currentDecimals === NO_DECIMALS ? undefined : currentDecimals,
    latest: readable ? { round, answer, price, startedAt, updatedAt } : undefined,
  };
}

function addressOr(address: string): string | undefined {
  return address === ZeroAddress ? undefined : address;
}

function healthAbi(): InterfaceAbi {
  const file = join(import.meta.dirname, "../../artifacts/contracts/OracleHealth.sol/OracleHealth.json");
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { abi: InterfaceAbi }).abi;
  } catch (cause) {
    throw new PlimsollError("no artifact of OracleHealth: build first", { cause });
  }
}
