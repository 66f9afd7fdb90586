/**
 * Keepers as the project's own: they follow the events, read, decide and plan with its code. What they send arrives some
 * seconds after what they have seen, pays for its gas, and reverts where somebody else was faster.
 */
import { toBeHex } from "ethers";

import type { AddressBook } from "../../deploy/addressBook.ts";
import { Contracts } from "../../keeper/contracts.ts";
import { decide } from "../../keeper/decide/decide.ts";
import { DEFAULTS } from "../../keeper/decide/state.ts";
import { GasUse } from "../../keeper/gasUse.ts";
import { ChainSource } from "../../keeper/index/ChainSource.ts";
import type { BlockRef } from "../../keeper/index/entries.ts";
import { Index } from "../../keeper/index/Index.ts";
import { SqliteStore } from "../../keeper/index/SqliteStore.ts";
import type { Batch, Job, Role } from "../../keeper/job.ts";
import type { Log } from "../../keeper/log.ts";
import { plan, PLAN_DEFAULTS } from "../../keeper/plan.ts";
import { Reader } from "../../keeper/reading/Reader.ts";
import { worth } from "../../keeper/worth.ts";
import { EXIT, LabError } from "../errors.ts";
import type { LabChain, Sent } from "./chain.ts";

export interface KeeperProfile {
  readonly name: string;
  readonly roles: readonly Role[];
  /** Seconds from what it sees to the block of what it sends, at least 1. */
  readonly latency: number;
  /** Least profit of a transaction, WAD of settlement token. */
  readonly margin: bigint;
  /** Whether it also does what nobody is paid for. */
  readonly duties: boolean;
  /** To buy collateral with, WAD of settlement token. */
  readonly cash: bigint;
}

/** A transaction under way. */
export interface Attempt {
  readonly keeper: string;
  readonly kind: string;
  readonly job: Job;
  /** Jobs that it is made of. */
  readonly items: readonly Job[];
  /** Unix seconds. */
  readonly landsAt: number;
}

/** What became of it. */
export interface Landing extends Sent {
  readonly time: number;
  readonly keeper: string;
  readonly kind: string;
  /** Accounts that it names. */
  readonly accounts: readonly string[];
  /** Of the gas, WAD of settlement token. */
  readonly cost: bigint;
}

/** Without an earlier one of its kind, a transaction is taken to use this. */
const GAS = 600_000n;
/** What has reverted is not tried again by the same keeper for so long, s. */
const PAUSE = 60;
/** All logs in one request. */
const RANGE = 1_000_000;
const SILENT: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

interface Member {
  readonly profile: KeeperProfile;
  readonly address: string;
  readonly account: string;
  readonly reader: Reader;
  readonly inFlight: Set<string>;
  /** By name of a job, unix seconds. */
  readonly pausedUntil: Map<string, number>;
}

export class Crew {
  readonly #chain: LabChain;
  readonly #contracts: Contracts;
  readonly #index: Index;
  readonly #members: readonly Member[];
  readonly #gasUse = new GasUse();
  #nativePrice = 0n;

  private constructor(chain: LabChain, parts: { contracts: Contracts; index: Index; members: readonly Member[] }) {
    this.#chain = chain;
    this.#contracts = parts.contracts;
    this.#index = parts.index;
    this.#members = parts.members;
  }

  /** @param keepers Each with the address that it sends from. */
  static async open(
    chain: LabChain,
    book: AddressBook,
    keepers: readonly { readonly profile: KeeperProfile; readonly address: string }[],
  ): Promise<Crew> {
    const { provider } = chain;
    const contracts = new Contracts({ provider, book });
    const identity = { chainId: book.chainId, clearingHouse: book.contracts.clearingHouse };
    const index = await Index.open({
      store: await SqliteStore.open({ file: ":memory:", identity, log: SILENT }),
      source: new ChainSource(provider, book.contracts),
      contracts: book.contracts,
      log: SILENT,
      firstBlock: Number(book.block),
      range: RANGE,
      // Nothing is reorganised here, and no log comes late.
      keep: 4,
      overlap: 0,
    });
    const members = keepers.map(({ profile, address }): Member => {
      const account = toBeHex(BigInt(address) << 96n, 32);
      const reader = new Reader({ contracts, log: SILENT, account });
      return { profile, address, account, reader, inFlight: new Set(), pausedUntil: new Map() };
    });
    return new Crew(chain, { contracts, index, members });
  }

  get contracts(): Contracts {
    return this.#contracts;
  }

  /** Every account that an event has named. */
  get accounts(): readonly string[] {
    return [...this.#index.accounts.keys()];
  }

  /** What everybody sends after a look at the last block. */
  async look(): Promise<readonly Attempt[]> {
    const head = await this.#head();
    await this.#index.sync(head);
    const attempts: Attempt[] = [];
    for (const member of this.#members) attempts.push(...(await this.#lookAs(member, head)));
    return attempts;
  }

  /** The block of an attempt, at the time that the chain has been moved to. */
  async land({ keeper, kind, job, items }: Attempt): Promise<Landing> {
    const member = this.#members.find(({ profile }) => profile.name === keeper);
    if (member === undefined) throw new LabError(`no keeper ${keeper}`, { exitCode: EXIT.unexpected });
    const sent = await this.#chain.send(member.address, job.call);
    for (const { name } of items) {
      member.inFlight.delete(name);
      if (!sent.succeeded) member.pausedUntil.set(name, this.#chain.time + PAUSE);
    }
    if (sent.succeeded) this.#gasUse.learn(job.kind, items.length, sent.gasUsed);
    const cost = (sent.gasUsed * this.#chain.baseFee * this.#nativePrice) / 10n ** 18n;
    const accounts = items
      .flatMap((item) => item.subjects)
      .filter((subject) => subject !== member.account && this.#index.accounts.has(subject));
    return { ...sent, time: this.#chain.time, keeper, kind, accounts, cost };
  }

  async close(): Promise<void> {
    await this.#index.close();
  }

  async #head(): Promise<BlockRef> {
    const block = await this.#contracts.provider.getBlock("latest");
    if (block?.hash === undefined || block.hash === null) {
      throw new LabError("no latest block", { exitCode: EXIT.unexpected });
    }
    const { number, hash, parentHash, timestamp } = block;
    return { number, hash, parentHash, time: BigInt(timestamp) };
  }

  async #lookAs(member: Member, head: BlockRef): Promise<readonly Attempt[]> {
    const { profile, account, reader, inFlight } = member;
    const roles = new Set(profile.roles);
    const { state } = await reader.read(this.#index, head, roles);
    this.#nativePrice = state.nativePrice;
    const actions = decide(state, DEFAULTS, roles);
    const steps = plan(actions, this.#contracts, { ...PLAN_DEFAULTS, account });
    const isWanted = (job: Job): boolean => {
      if (inFlight.has(job.name) || (member.pausedUntil.get(job.name) ?? 0) > this.#chain.time) return false;
      if (job.reward === undefined) return profile.duties;
      const gas = this.#gasUse.expected(job.kind, 1, GAS);
      const { nativePrice, settlementPrice } = state;
      const fee = { feePerGas: this.#chain.baseFee, l1Fee: 0n };
      return worth({ reward: job.reward, gas, ...fee, nativePrice, settlementPrice, margin: profile.margin })
        .worthwhile;
    };
    return steps.flatMap((step): Attempt[] => {
      const items = itemsOf(step).filter(isWanted);
      if (items.length === 0) return [];
      for (const { name } of items) inFlight.add(name);
      const job = "items" in step ? step.join(items) : step;
      const kind = items[0]?.kind ?? job.kind;
      return [{ keeper: profile.name, kind, job, items, landsAt: this.#chain.time + profile.latency }];
    });
  }
}

function itemsOf(step: Job | Batch): readonly Job[] {
  return "items" in step ? step.items : [step];
}
