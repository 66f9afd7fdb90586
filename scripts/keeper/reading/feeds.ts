/** Sources of prices and their rounds. */
import { type Contract, getAddress } from "ethers";

import { PlimsollError } from "../../deploy/PlimsollError.ts";
import type { Price } from "../../model/price.ts";
import { type Contracts, revertDataOf } from "../contracts.ts";
import { isNear } from "../decide/prices.ts";
import type { FeedState, ShareFeedState } from "../decide/state.ts";
import type { AssetSources, IndexView } from "../index/entries.ts";
import { type Round, RoundBook } from "../rounds.ts";
import { FEED_KINDS, type FeedKind } from "./feedKind.ts";
import { type At, isolated, type ReadingContext } from "./isolated.ts";

/** Where an asset's price comes from, and what its orders settle by. Times are seconds. */
export interface Source {
  readonly asset: number;
  readonly kind: FeedKind;
  readonly rounds: RoundBook;
  readonly latest: Round | undefined;
  readonly window: bigint;
  /** Undefined: orders settle by the source. */
  readonly settlement: { readonly stream: string; readonly window: bigint } | undefined;
  /** Proxy of the source. */
  readonly proxy: string;
  /** When source or settlement changed last, unix; 0: never. */
  readonly changedAt: bigint;
}

export interface FeedReading {
  readonly state: FeedState;
  readonly source: Source;
}

/** Rounds read at most to explain a move. */
const MAX_STEPS = 256n;

interface Known {
  readonly proxy: Contract;
  readonly decimals: bigint;
  readonly rounds: RoundBook;
}

export class Feeds {
  readonly #context: ReadingContext;
  #known = new Map<string, Known>();
  #sources: ReadonlyMap<number, AssetSources> = new Map();
  /** Those with what they have at the block that is being read. */
  readonly #formersNow = new Map<number, Promise<Source>>();
  #shareFeeds: readonly string[] | undefined;
  /** The block that rounds are read at. */
  #at: At = { blockTag: 0 };

  constructor(context: ReadingContext) {
    this.#context = context;
  }

  /** Forgets rounds that may be of blocks that are no more. */
  forget(): void {
    this.#known = new Map();
  }

  /** @param prices By asset. A feed that cannot be read is left out. @param sources Of the index. */
  async read(
    prices: readonly Price[],
    { at, sources }: { readonly at: At; readonly sources: IndexView["sources"] },
  ): Promise<FeedReading[]> {
    this.#at = at;
    this.#sources = sources;
    this.#formersNow.clear();
    for (const { rounds } of this.#known.values()) rounds.renew();
    const read = async ({ price, asset }: { price: Price; asset: number }) => this.#read(asset, price, at);
    return isolated(
      prices.map((price, asset) => ({ price, asset })),
      read,
      { ...this.#context, what: "feed" },
    );
  }

  async #read(asset: number, price: Price, at: At): Promise<FeedReading> {
    const { oracle } = this.#context.contracts;
    const [[proxy, decimals, limits], sourced, stored, proposal] = await Promise.all([
      oracle.feedOf(asset, at),
      oracle.sourceOf(asset, at),
      oracle.stateOf(asset, at),
      oracle.proposalOf(asset, at),
    ]);
    const { rounds, proxy: contract } = this.#bookOf(proxy, decimals);
    const [latest, halt] = await Promise.all([
      roundOf({ contract, decimals, at }, "latestRoundData"),
      stored.halted ? oracle.haltOf(asset, at) : undefined,
    ]);
    const { round } = stored;
    const hasMoved = latest !== undefined && !isNear(latest.answer, stored.price, limits.jump / 2n);
    const kind = FEED_KINDS[Number(sourced.kind)];
    if (kind === undefined) throw new PlimsollError(`unknown kind of feed of asset ${asset}`);
    return {
      state: {
        asset,
        price,
        latest,
        stored: { price: stored.price, round, updatedAt: stored.updatedAt, checkedAt: stored.checkedAt },
        halt: halt && {
          candidate: halt.candidate,
          round: halt.round,
          since: halt.since,
          vetoedUntil: halt.vetoedUntil,
        },
        jump: limits.jump,
        // A computed feed has no rounds to walk along.
        steps:
          (hasMoved || stored.halted) && latest !== undefined && kind !== "Derived"
            ? await stepsBetween(rounds, round, latest)
            : [],
        watchedAt: isZero(proposal.proxy) ? undefined : proposal.watchedAt,
      },
      source: {
        asset,
        kind,
        rounds,
        latest,
        window: limits.window,
        settlement: isZero(sourced.stream) ? undefined : { stream: sourced.stream, window: sourced.window },
        proxy,
        changedAt: sourced.changedAt,
      },
    };
  }

  #bookOf(address: string, decimals: bigint): Known {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const proxy = this.#context.contracts.feedAt(address);
    const rounds = new RoundBook(async (id) => {
      return roundOf({ contract: proxy, decimals, at: this.#at }, "getRoundData", id);
    });
    const made = { proxy, decimals, rounds };
    this.#known.set(address, made);
    return made;
  }

  /**
   * The source that an asset had before its last change: what older orders settle by.
   * Throws a PlimsollError where the index does not know it.
   */
  async former(source: Source, at: At): Promise<Source> {
    this.#at = at;
    const known = this.#formersNow.get(source.asset);
    if (known !== undefined) return known;
    const former = this.#former(source, at);
    this.#formersNow.set(source.asset, former);
    return former;
  }

  async #former(now: Source, at: At): Promise<Source> {
    const { asset } = now;
    const { source, settlement } = formerOf(now, this.#sources.get(asset));
    const { window } = source;
    const proxy = getAddress(source.proxy);
    const kind = FEED_KINDS[source.kind];
    if (kind === undefined) throw new PlimsollError(`unknown kind ${source.kind} of the former feed of asset ${asset}`);
    const decimals =
      this.#known.get(proxy)?.decimals ??
      ((await this.#context.contracts.feedAt(proxy).getFunction("decimals")(at)) as bigint);
    const { rounds, proxy: contract } = this.#bookOf(proxy, decimals);
    const latest = await roundOf({ contract, decimals, at }, "latestRoundData");
    return { asset, kind, rounds, latest, window, settlement, proxy, changedAt: 0n };
  }

  /** Those of the deployment that price the shares of a vault. Which they are never changes. */
  async shareFeeds(at: At): Promise<ShareFeedState[]> {
    const { contracts } = this.#context;
    this.#shareFeeds ??= await findShareFeeds(contracts, at);
    const read = async (feed: string): Promise<ShareFeedState> => {
      const [, anchoredAt] = await contracts.shareFeedAt(feed).anchor(at);
      return { feed, anchoredAt };
    };
    return isolated(this.#shareFeeds, read, { ...this.#context, what: "share feed" });
  }
}

/** @param now As the oracle has it: an index that is behind knows what was before another change. */
function formerOf(now: Source, known: AssetSources | undefined) {
  const isCurrent =
    known?.source?.proxy === now.proxy.toLowerCase() &&
    known.settlement?.stream === now.settlement?.stream.toLowerCase();
  const source = known?.former?.source;
  if (!isCurrent || source === undefined) {
    throw new PlimsollError(`the index does not know what asset ${now.asset} settled by before ${now.changedAt}`);
  }
  return { source, settlement: known.former?.settlement };
}

/** A round of a feed in WAD; undefined if there is none: some aggregators revert, some answer zeros. */
async function roundOf(
  { contract, decimals, at }: { contract: Contract; decimals: bigint; at: At },
  method: "latestRoundData" | "getRoundData",
  ...args: unknown[]
): Promise<Round | undefined> {
  let result: { id: bigint; answer: bigint; startedAt: bigint; updatedAt: bigint };
  try {
    result = (await contract.getFunction(method)(...args, at)) as typeof result;
  } catch (error) {
    if (revertDataOf(error) === undefined) throw error; // the endpoint's fault, not the feed's
    return undefined;
  }
  const { id, answer, startedAt, updatedAt } = result;
  return updatedAt === 0n ? undefined : { id, answer: answer * 10n ** (18n - decimals), startedAt, updatedAt };
}

async function stepsBetween(rounds: RoundBook, stored: bigint, latest: Round): Promise<Round[]> {
  if (latest.id >> 64n !== stored >> 64n || latest.id <= stored || latest.id - stored > MAX_STEPS) return [];
  const ids = Array.from({ length: Number(latest.id - stored) }, (_, place) => stored + 1n + BigInt(place));
  return Promise.all(ids.map(async (id) => rounds.get(id)));
}

async function findShareFeeds(contracts: Contracts, at: At): Promise<string[]> {
  const { feeds, legs } = contracts.book;
  const addresses = [...new Set([...Object.values(feeds), ...Object.values(legs)])];
  const found = await Promise.all(
    addresses.map(async (address) => {
      try {
        await contracts.shareFeedAt(address).maxGrowth(at);
        return [address];
      } catch (error) {
        // Anything else answers with a revert, or with nothing.
        const { code } = error as { code?: unknown };
        if (revertDataOf(error) === undefined && code !== "BAD_DATA") throw error;
        return [];
      }
    }),
  );
  return found.flat();
}

function isZero(address: string): boolean {
  return BigInt(address) === 0n;
}
