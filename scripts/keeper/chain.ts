/** The chain as a keeper sees it: contracts, events, and everything that it decides from, read at one block. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Contract, Interface, type InterfaceAbi, type JsonRpcProvider, type Log as ChainLog } from "ethers";

import type { AddressBook } from "../deploy/addressBook.ts";
import { PlimsollError } from "../deploy/PlimsollError.ts";
import type { IClearingHouse, IPriceOracle, Lens, Orders } from "../../typechain-types/index.ts";
import type { Holding, LiquidationState } from "../model/liquidation.ts";
import { decodeCollateral, decodeGlobals, decodeGroups, decodeMoney } from "../model/parameters.ts";
import { decodePrice, type Price } from "../model/price.ts";
import { decodeExposure } from "../model/risk.ts";
import { readUint } from "../model/word.ts";
import type { FeedState, KeeperState } from "./decide.ts";
import { type DecodedEvent, type EventIndex, type PendingOrder, type RestingTrigger } from "./eventIndex.ts";
import type { Log } from "./log.ts";
import { findSettlement, type Round, RoundBook, type Settlement } from "./rounds.ts";

/** The chain is not the one of the deployment. */
export class WrongChainError extends PlimsollError {}

/** Accounts in one call for their health. */
const HEALTH_PAGE = 50;
/** Collateral tokens that a bitmap holds. */
const MAX_TOKENS = 16;
/** Rounds read at most to explain a jump. */
const MAX_STEPS = 256n;

const FEED_ABI = [
  "function latestRoundData() view returns (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80)",
  "function getRoundData(uint80) view returns (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80)",
];

export interface Block {
  readonly number: number;
  /** Unix seconds. */
  readonly time: bigint;
}

interface At {
  readonly blockTag: number;
}

interface AccountStanding {
  readonly account: string;
  /** What anyone may do with it. */
  readonly standing: { readonly liquidatable: boolean; readonly owing: boolean };
}

interface Feed {
  readonly proxy: Contract;
  readonly decimals: bigint;
  readonly window: bigint;
  readonly jump: bigint;
  readonly rounds: RoundBook;
}

export class Chain {
  readonly provider: JsonRpcProvider;
  readonly clearingHouse: IClearingHouse;
  readonly orders: Orders;
  readonly oracle: IPriceOracle;
  readonly lens: Lens;
  readonly #book: AddressBook;
  readonly #log: Log;
  readonly #interfaces: readonly Interface[];
  readonly #feeds = new Map<number, Feed>();

  constructor(provider: JsonRpcProvider, book: AddressBook, log: Log) {
    const { contracts } = book;
    this.provider = provider;
    this.#book = book;
    this.#log = log;
    const at = (address: string, source: string, name: string) => new Contract(address, abiOf(source, name), provider);
    const house = at(contracts.clearingHouse, "interfaces/IClearingHouse.sol", "IClearingHouse");
    this.clearingHouse = house as unknown as IClearingHouse;
    this.orders = at(contracts.orders, "Orders.sol", "Orders") as unknown as Orders;
    const oracle = at(contracts.oracle, "oracles/IPriceOracle.sol", "IPriceOracle");
    this.oracle = oracle as unknown as IPriceOracle;
    this.lens = at(contracts.lens, "Lens.sol", "Lens") as unknown as Lens;
    this.#interfaces = [
      this.clearingHouse.interface,
      this.orders.interface,
      this.oracle.interface,
      new Interface(abiOf("oracles/ChainlinkPush.sol", "ChainlinkPush")),
      new Interface(abiOf("oracles/StreamSettlement.sol", "StreamSettlement")),
      // Errors of the libraries inside.
      new Interface(abiOf("ClearingHouse.sol", "ClearingHouse")),
      new Interface(abiOf("ClearingHouseExtension.sol", "ClearingHouseExtension")),
    ];
  }

  /** Throws a WrongChainError unless this is the chain of the deployment and its contracts are there. */
  async check(): Promise<void> {
    const chainId = BigInt((await this.provider.send("eth_chainId", [])) as string);
    if (chainId !== this.#book.chainId) {
      throw new WrongChainError(`chain ${String(chainId)}, the deployment is on ${String(this.#book.chainId)}`);
    }
    for (const [name, address] of Object.entries(this.#book.contracts)) {
      if ((await this.provider.getCode(address)) === "0x")
        throw new WrongChainError(`no code of ${name} at ${address}`);
    }
  }

  /** The name of the error in a revert, with its arguments, or what the node says. */
  describe(error: unknown): { readonly name: string; readonly text: string } {
    const data = revertDataOf(error);
    for (const contract of this.#interfaces) {
      const parsed = data === undefined ? null : contract.parseError(data);
      if (parsed !== null) return { name: parsed.name, text: `${parsed.name}(${parsed.args.join(", ")})` };
    }
    const text =
      (error as { shortMessage?: string }).shortMessage ?? (error instanceof Error ? error.message : String(error));
    return { name: "", text: data === undefined ? text : `${text} ${data}` };
  }

  async latestBlock(): Promise<Block> {
    const block = await this.provider.getBlock("latest");
    if (block === null) throw new PlimsollError("the node has no latest block");
    return { number: block.number, time: BigInt(block.timestamp) };
  }

  /** Feeds the events of blocks `from` to `to`, both included, to the index, in their order. */
  async readEvents(index: EventIndex, { from, to, range }: { from: number; to: number; range: number }): Promise<void> {
    const { clearingHouse, orders } = this.#book.contracts;
    for (let start = from; start <= to; start += range) {
      const end = Math.min(to, start + range - 1);
      const logs = await this.provider.getLogs({ address: [clearingHouse, orders], fromBlock: start, toBlock: end });
      for (const log of logs) {
        const event = this.#decode(log);
        if (event !== undefined) index.apply(event);
      }
    }
  }

  #decode(log: ChainLog): DecodedEvent | undefined {
    const contract = log.address === this.#book.contracts.orders ? this.orders : this.clearingHouse;
    const parsed = (contract.interface as unknown as Interface).parseLog(log);
    return parsed === null ? undefined : { name: parsed.name, args: parsed.args as unknown as Record<string, unknown> };
  }

  /** Everything that a decision is made from. What cannot be read of one item leaves that item out. */
  async readState(index: EventIndex, block: Block, keeper: string): Promise<KeeperState> {
    const at: At = { blockTag: block.number };
    const count = Number(await this.oracle.assetCount(at));
    const assets = Array.from({ length: count }, (_, asset) => asset);
    const [conditions, words] = await this.oracle.peek((1n << BigInt(count)) - 1n, true, at);
    const prices = words.map(decodePrice);
    const feeds = await this.#isolated(assets, async (asset) => this.#readFeed(asset, prices[asset], at), "feed");
    const [, , insurance, , , markTime] = await this.clearingHouse.balances(at);
    const [globals, groups, money] = await this.clearingHouse.globals(at);
    const constants = {
      globals: decodeGlobals(globals),
      groups: decodeGroups(groups),
      money: decodeMoney(money),
      time: block.time,
      settlementPrice: readUint(conditions, 40, 96),
      insurance,
    };
    const latest = new Map(feeds.map((feed) => [feed.asset, feed.latest]));
    const accounts = [...index.accounts].filter((account) => account !== keeper);
    const standings = await this.#standingsOf(accounts, at);
    const unhealthy = standings.filter(({ standing }) => standing.liquidatable);
    return {
      time: block.time,
      sequencerUp: (conditions & 1n) !== 0n,
      upSince: readUint(conditions, 8, 32),
      feeds,
      orders: await this.#isolated(
        [...index.orders.values()],
        async (order) => ({ order, settlements: await this.#settlementsOf(order, latest, block.time) }),
        "order",
      ),
      triggers: await this.#isolated(
        [...index.triggers.values()].filter((trigger) => fires(trigger, prices[trigger.asset])),
        async (trigger) => {
          const [size] = await this.clearingHouse.positionOf(trigger.account, trigger.asset, at);
          return { trigger, size };
        },
        "trigger",
      ),
      unhealthy: await this.#isolated(
        unhealthy,
        async ({ account }) => ({ account, state: await this.#liquidationState(account, constants, at) }),
        "account",
      ),
      owing: standings.filter(({ standing }) => standing.owing).map(({ account }) => account),
      mark: { time: markTime, maxAge: constants.globals.markMaxAge },
      cash: (await this.clearingHouse.accountOf(keeper, at)).cash,
    };
  }

  /** All that can be read; a failure is logged and costs its own item only. */
  async #isolated<Item, Value>(items: readonly Item[], read: (item: Item) => Promise<Value>, what: string) {
    const results = await Promise.allSettled(items.map(read));
    return results.flatMap((result, place): Value[] => {
      if (result.status === "fulfilled") return [result.value];
      this.#log.warn("unread", { what, item: items[place], reason: this.describe(result.reason).text });
      return [];
    });
  }

  // ---------------------------------------------------------------- feeds

  async #readFeed(asset: number, price: Price | undefined, at: At): Promise<FeedState> {
    if (price === undefined) throw new PlimsollError(`no price of asset ${asset}`);
    const feed = await this.#feedOf(asset, at);
    const [stored, latest] = await Promise.all([this.oracle.stateOf(asset, at), roundOf(feed, "latestRoundData", at)]);
    const halt = stored.halted ? await this.oracle.haltOf(asset, at) : undefined;
    const { round } = stored;
    const jumped = stored.halted || price.refusal === "Jump";
    return {
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
      jump: feed.jump,
      steps: jumped && latest !== undefined ? await stepsBetween(feed.rounds, round, latest) : [],
    };
  }

  /** Limits are read anew, rounds are kept. */
  async #feedOf(asset: number, at: At): Promise<Feed> {
    const [address, decimals, { window, jump }] = await this.oracle.feedOf(asset, at);
    const known = this.#feeds.get(asset);
    const proxy = known?.proxy ?? new Contract(address, FEED_ABI, this.provider);
    const rounds = known?.rounds ?? new RoundBook(async (id) => roundOf({ proxy, decimals }, "getRoundData", id));
    const feed = { proxy, decimals, window, jump, rounds };
    this.#feeds.set(asset, feed);
    return feed;
  }

  async #settlementsOf(
    { legs, boundary }: PendingOrder,
    latest: ReadonlyMap<number, Round | undefined>,
    now: bigint,
  ): Promise<Settlement[]> {
    return Promise.all(
      legs.map(async ({ asset, phase }) => {
        const feed = this.#feeds.get(asset);
        if (feed === undefined) throw new PlimsollError(`no feed of asset ${asset}`);
        return findSettlement(feed.rounds, { phase, boundary, window: feed.window, latest: latest.get(asset), now });
      }),
    );
  }

  // ---------------------------------------------------------------- accounts

  async #standingsOf(accounts: readonly string[], at: At): Promise<AccountStanding[]> {
    const pages: string[][] = [];
    for (let start = 0; start < accounts.length; start += HEALTH_PAGE) {
      pages.push(accounts.slice(start, start + HEALTH_PAGE));
    }
    return (await Promise.all(pages.map(async (page) => this.#standingsOfPage(page, at)))).flat();
  }

  /** A page that fails is halved until the account at fault is alone. */
  async #standingsOfPage(page: readonly string[], at: At): Promise<AccountStanding[]> {
    try {
      const health = await this.lens.health([...page], at);
      return page.flatMap((account, place) => {
        const standing = health[place]?.standing;
        return standing === undefined ? [] : [{ account, standing }];
      });
    } catch (error) {
      if (page.length <= 1) {
        this.#log.warn("unread", { what: "health", item: page[0], reason: this.describe(error).text });
        return [];
      }
      const half = Math.ceil(page.length / 2);
      return [
        ...(await this.#standingsOfPage(page.slice(0, half), at)),
        ...(await this.#standingsOfPage(page.slice(half), at)),
      ];
    }
  }

  async #liquidationState(
    account: string,
    constants: Omit<LiquidationState, "exposures" | "cash" | "holdings" | "skews" | "hasPendingOrder">,
    at: At,
  ): Promise<LiquidationState> {
    const [state, words] = await this.clearingHouse.snapshot(account, at);
    const exposures = words.map(decodeExposure);
    const skews = await Promise.all(
      exposures.map(async ({ asset }) => {
        const { longSize, shortSize } = await this.clearingHouse.marketOf(asset, at);
        return [asset, longSize - shortSize] as const;
      }),
    );
    const tokens = Array.from({ length: MAX_TOKENS }, (_, token) => token).filter(
      (token) => (state.collaterals & (1n << BigInt(token))) !== 0n,
    );
    const holdings = await Promise.all(
      tokens.map(async (token): Promise<Holding> => {
        const parameters = decodeCollateral(await this.clearingHouse.collateralParametersOf(token, at));
        return { token, amount: await this.clearingHouse.collateralOf(account, token, at), parameters };
      }),
    );
    return {
      ...constants,
      exposures,
      cash: state.cash,
      holdings,
      skews: new Map(skews),
      hasPendingOrder: state.pending !== 0n,
    };
  }
}

function fires({ triggerPrice, above }: RestingTrigger, price: Price | undefined): boolean {
  if (price === undefined) return false;
  return above ? price.last >= triggerPrice : price.last <= triggerPrice;
}

async function stepsBetween(rounds: RoundBook, stored: bigint, latest: Round): Promise<Round[]> {
  if (latest.id >> 64n !== stored >> 64n || latest.id - stored > MAX_STEPS) return [];
  const ids = Array.from({ length: Number(latest.id - stored) }, (_, place) => stored + 1n + BigInt(place));
  return Promise.all(ids.map(async (id) => rounds.get(id)));
}

/** A round of a feed in WAD; undefined if there is none: some aggregators revert, some answer zeros. */
async function roundOf(
  { proxy, decimals }: { proxy: Contract; decimals: bigint },
  method: "latestRoundData" | "getRoundData",
  ...args: unknown[]
): Promise<Round | undefined> {
  let result: { id: bigint; answer: bigint; startedAt: bigint; updatedAt: bigint };
  try {
    result = (await proxy.getFunction(method)(...args)) as typeof result;
  } catch (error) {
    if (revertDataOf(error) === undefined) throw error; // the node's fault, not the feed's
    return undefined;
  }
  const { id, answer, startedAt, updatedAt } = result;
  return updatedAt === 0n ? undefined : { id, answer: answer * 10n ** (18n - decimals), startedAt, updatedAt };
}

/** What a call reverted with; undefined if it failed otherwise. */
export function revertDataOf(error: unknown): string | undefined {
  const { code, data } = error as { code?: unknown; data?: unknown };
  if (code !== "CALL_EXCEPTION") return undefined;
  return typeof data === "string" ? data : "0x";
}

const artifacts = join(import.meta.dirname, "../../artifacts/contracts");

function abiOf(source: string, name: string): InterfaceAbi {
  const file = join(artifacts, source, `${name}.json`);
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { abi: InterfaceAbi }).abi;
  } catch (cause) {
    throw new PlimsollError(`no artifact of ${name}: build first`, { cause });
  }
}
