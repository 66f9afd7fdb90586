/** Events and books out of a node, over JSON-RPC. */
import { Interface, type Result, toBeHex, toQuantity } from "ethers";

import { messageOf, PlimsollError } from "../../deploy/PlimsollError.ts";
import { revertDataOf } from "../contracts.ts";
import type { BlockRef, PendingOrder, RestingTrigger } from "./entries.ts";
import type { ChainBook, EventSource, IndexedContracts, RawLog } from "./EventSource.ts";

/** What a provider of ethers has: `JsonRpcApiProvider.send`. */
export interface Requester {
  send(method: string, params: unknown[]): Promise<unknown>;
}

/** An answer that is not of the form it must have. */
export class MalformedAnswerError extends PlimsollError {}

const HOUSE = new Interface([
  `function accountOf(bytes32) view returns (tuple(int256 cash, uint256 positions, uint256 collaterals, uint256 sequence,
    uint256 pending, bool raising, bool exclusive, uint256 shares))`,
  "function positionOf(bytes32, uint256) view returns (int256 size, int256 quote)",
  "function collateralOf(bytes32, uint256) view returns (uint256)",
  "function insolventSince(bytes32) view returns (uint256)",
  "function listed() view returns (uint256 assets, uint256 tokens)",
  `function ledger() view returns (tuple(int256 base, uint256 lent, uint256 debtShares, uint256 debtIndex,
    uint256 insurance, uint256 protocolFees, int256 closedValue, uint256 seizedOwed, uint256 uncoveredDeficits,
    uint256 pendingLosses, uint256 flaggedMarkets, int256 markValue, uint256 markTime, bool paused))`,
  "function multicall(bytes[]) returns (bytes[])",
]);

const ORDERS = new Interface([
  `function orderOf(bytes32, uint256) view returns (tuple(uint256 asset, int256 delta, uint256 acceptablePrice,
    uint256 phase, uint256 submittedAt, uint256 boundary, uint256 expiry, uint256 pay, uint256 charge, uint256 legs,
    bool reduceOnly))`,
  `function basketOf(bytes32, uint256) view returns (tuple(uint256 asset, int256 delta, uint256 acceptablePrice,
    uint256 phase, uint256 submittedAt, uint256 boundary, uint256 expiry, uint256 pay, uint256 charge, uint256 legs,
    bool reduceOnly), tuple(uint256 asset, int256 delta, uint256 phase, uint256 middle)[])`,
  `function triggerOf(bytes32, uint256) view returns (tuple(uint256 asset, int256 delta, uint256 triggerPrice, bool above,
    uint256 acceptablePrice, uint256 expiry))`,
  "function multicall(bytes[]) returns (bytes[])",
]);

/** Calls that go into one: each takes up to some 20,000 gas, and nodes stop a call at 16 million or more. */
const CALLS = 300;
/** How nodes and their hosts say that a range of blocks has too many logs. */
const TOO_LARGE =
  /limit|too (many|large|big|wide)|range|exceed|more than \d+|response size|timed? ?out|payload|query returned/i;

interface AccountWord {
  readonly cash: bigint;
  readonly positions: bigint;
  readonly collaterals: bigint;
  readonly pending: bigint;
  readonly shares: bigint;
}

interface LegWord {
  readonly asset: bigint;
  readonly phase: bigint;
}

interface OrderWord extends LegWord {
  readonly boundary: bigint;
  /** Of a basket; 0: a single order. */
  readonly legs: bigint;
}

interface TriggerWord {
  readonly asset: bigint;
  readonly delta: bigint;
  readonly triggerPrice: bigint;
  readonly above: boolean;
  readonly expiry: bigint;
}

interface OrdersCall {
  readonly method: string;
  readonly values: readonly unknown[];
}

interface Call {
  readonly method: "accountOf" | "insolventSince" | "positionOf" | "collateralOf";
  readonly values: readonly unknown[];
}

export class ChainSource implements EventSource {
  readonly #requester: Requester;
  readonly #contracts: IndexedContracts;
  readonly #addresses: readonly string[];
  readonly #insurance: string;
  /** Blocks per request that the node has managed of late. */
  #range = Number.MAX_SAFE_INTEGER;

  constructor(requester: Requester, contracts: IndexedContracts) {
    this.#requester = requester;
    this.#contracts = contracts;
    this.#addresses = [contracts.clearingHouse, contracts.orders, contracts.pool, contracts.oracle].map((it) =>
      it.toLowerCase(),
    );
    this.#insurance = toBeHex(BigInt(contracts.insuranceFund) << 96n, 32);
  }

  async block(number: number): Promise<BlockRef | undefined> {
    const block = (await this.#requester.send("eth_getBlockByNumber", [toQuantity(number), false])) as Record<
      string,
      unknown
    > | null;
    if (block === null) return undefined;
    const read = {
      number: quantityOf(block["number"], "block number"),
      hash: hashOf(block["hash"], "block hash"),
      parentHash: hashOf(block["parentHash"], "parent hash"),
      time: BigInt(quantityOf(block["timestamp"], "timestamp")),
    };
    if (read.number !== number) throw new MalformedAnswerError(`asked for block ${number}, got ${read.number}`);
    return read;
  }

  /** A range that the node refuses is halved, down to single blocks. */
  async logs(from: number, to: number): Promise<readonly RawLog[]> {
    const logs: RawLog[] = [];
    let start = from;
    while (start <= to) {
      const end = Math.min(to, start + this.#range - 1);
      let page: readonly RawLog[];
      try {
        page = await this.#logsOf(start, end);
      } catch (error) {
        if (end === start || error instanceof MalformedAnswerError || !TOO_LARGE.test(reasonOf(error))) throw error;
        this.#range = Math.ceil((end - start + 1) / 2);
        continue;
      }
      for (const log of page) logs.push(log);
      if (end - start + 1 === this.#range) this.#range += Math.ceil(this.#range / 16);
      start = end + 1;
    }
    return logs;
  }

  async #logsOf(from: number, to: number): Promise<readonly RawLog[]> {
    const filter = { address: this.#addresses, fromBlock: toQuantity(from), toBlock: toQuantity(to) };
    const answer = await this.#requester.send("eth_getLogs", [filter]);
    if (!Array.isArray(answer)) throw new MalformedAnswerError("eth_getLogs answers no list");
    const logs = (answer as Record<string, unknown>[])
      .filter((log) => log["removed"] !== true)
      .map((log) => this.#logFrom(log, { from, to }));
    return logs.sort((a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex);
  }

  #logFrom(log: Readonly<Record<string, unknown>>, { from, to }: { from: number; to: number }): RawLog {
    const { address, topics, data } = log;
    const blockNumber = quantityOf(log["blockNumber"], "block of a log");
    if (typeof address !== "string" || typeof data !== "string" || !Array.isArray(topics)) {
      throw new MalformedAnswerError(`a log of block ${blockNumber} is none`);
    }
    if (blockNumber < from || blockNumber > to || !this.#addresses.includes(address.toLowerCase())) {
      throw new MalformedAnswerError(`a log of block ${blockNumber}, ${address}, that nobody has asked for`);
    }
    return {
      address: address.toLowerCase(),
      topics: topics.map((topic) => hashOf(topic, "topic")),
      data: data.toLowerCase(),
      blockNumber,
      blockHash: hashOf(log["blockHash"], "block hash of a log"),
      logIndex: quantityOf(log["logIndex"], "index of a log"),
    };
  }

  async books(accounts: readonly string[], block: number): Promise<readonly ChainBook[]> {
    const results = await this.#calls(
      accounts.flatMap((account): readonly Call[] => [
        { method: "accountOf", values: [account] },
        { method: "insolventSince", values: [account] },
      ]),
      block,
    );
    const seized = accounts.includes(this.#insurance) ? await this.#tokens(block) : 0n;
    const books = accounts.map((account, place) => {
      const { cash, shares, pending, positions, collaterals } = results[2 * place]?.[0] as AccountWord;
      const insolvent = results[2 * place + 1]?.[0] !== 0n;
      // Collateral of the insurance account is in no bitmap.
      const tokens = account === this.#insurance ? collaterals | seized : collaterals;
      return {
        book: { account, cash, debtShares: shares, pending: Number(pending), insolvent },
        assets: bitsOf(positions),
        tokens: bitsOf(tokens),
      };
    });
    const calls = books.flatMap(({ book: { account }, assets, tokens }) => [
      ...assets.map((asset): Call => ({ method: "positionOf", values: [account, asset] })),
      ...tokens.map((token): Call => ({ method: "collateralOf", values: [account, token] })),
    ]);
    const details = (await this.#calls(calls, block)).values();
    const next = (): readonly [bigint, bigint] => details.next().value as unknown as [bigint, bigint];
    return books.map(({ book, assets, tokens }) => {
      const positions = new Map(
        assets.map((asset) => {
          const [size, quote] = next();
          return [asset, { size, quote }];
        }),
      );
      const amounts = tokens.map((token) => [token, next()[0]] as const);
      return { ...book, positions, collateral: new Map(amounts.filter(([, amount]) => amount !== 0n)) };
    });
  }

  async orders(orders: readonly PendingOrder[], block: number): Promise<readonly (PendingOrder | undefined)[]> {
    const asked = orders.map(({ account, sequence }) => ({ method: "orderOf", values: [account, sequence] }));
    const words = (await this.#views(asked, block)).map((view) => view?.[0] as OrderWord | undefined);
    const isBasket = (place: number): boolean => (words[place]?.legs ?? 0n) !== 0n;
    const baskets = asked.filter((_, place) => isBasket(place)).map(({ values }) => ({ method: "basketOf", values }));
    const legsOf = (await this.#views(baskets, block)).map((view) => view?.[1] as readonly LegWord[]).values();
    return orders.map(({ account, sequence }, place) => {
      const order = words[place];
      if (order === undefined) return undefined;
      const legs = isBasket(place) ? (legsOf.next().value ?? []) : [order];
      return {
        account,
        sequence,
        boundary: order.boundary,
        legs: legs.map(({ asset, phase }) => ({ asset: Number(asset), phase })),
      };
    });
  }

  async triggers(triggers: readonly RestingTrigger[], block: number): Promise<readonly (RestingTrigger | undefined)[]> {
    const calls = triggers.map(({ account, sequence }) => ({ method: "triggerOf", values: [account, sequence] }));
    const views = await this.#views(calls, block);
    return triggers.map(({ account, sequence }, place) => {
      const found = views[place]?.[0] as TriggerWord | undefined;
      if (found === undefined) return undefined;
      const { asset, delta, triggerPrice, above, expiry } = found;
      return { account, sequence, asset: Number(asset), delta, triggerPrice, above, expiry };
    });
  }

  /** Of the orders' contract: one that is asked for and not there makes it refuse all that are asked with it. */
  async #views(calls: readonly OrdersCall[], block: number): Promise<readonly (Result | undefined)[]> {
    if (calls.length === 0) return [];
    const { orders } = this.#contracts;
    const data = calls.map(({ method, values }) => ORDERS.encodeFunctionData(method, values));
    try {
      const answer = await this.#call(ORDERS.encodeFunctionData("multicall", [data]), block, orders);
      const [returned] = ORDERS.decodeFunctionResult("multicall", answer) as unknown as [string[]];
      return calls.map(({ method }, place) => ORDERS.decodeFunctionResult(method, returned[place] ?? "0x"));
    } catch (error) {
      if (revertDataOf(error) === undefined) throw error;
      if (calls.length === 1) return [undefined];
      const half = Math.ceil(calls.length / 2);
      return [...(await this.#views(calls.slice(0, half), block)), ...(await this.#views(calls.slice(half), block))];
    }
  }

  /** Bitmap of all collateral. */
  async #tokens(block: number): Promise<bigint> {
    const [, tokens] = HOUSE.decodeFunctionResult(
      "listed",
      await this.#call(HOUSE.encodeFunctionData("listed"), block),
    );
    return (1n << (tokens as bigint)) - 1n;
  }

  async debtIndex(block: number): Promise<bigint> {
    const answer = await this.#call(HOUSE.encodeFunctionData("ledger"), block);
    const [ledger] = HOUSE.decodeFunctionResult("ledger", answer);
    return (ledger as { debtIndex: bigint }).debtIndex;
  }

  async #calls(calls: readonly Call[], block: number): Promise<readonly Result[]> {
    const results: Result[] = [];
    for (let start = 0; start < calls.length; start += CALLS) {
      const page = calls.slice(start, start + CALLS);
      const data = page.map(({ method, values }) => HOUSE.encodeFunctionData(method, values));
      const answer = await this.#call(HOUSE.encodeFunctionData("multicall", [data]), block);
      const [returned] = HOUSE.decodeFunctionResult("multicall", answer) as unknown as [string[]];
      page.forEach(({ method }, place) => {
        results.push(HOUSE.decodeFunctionResult(method, returned[place] ?? "0x"));
      });
    }
    return results;
  }

  async #call(data: string, block: number, to = this.#contracts.clearingHouse): Promise<string> {
    const answer = await this.#requester.send("eth_call", [{ to, data }, toQuantity(block)]);
    if (typeof answer !== "string") throw new MalformedAnswerError("eth_call answers no data");
    return answer;
  }
}

function bitsOf(bitmap: bigint): readonly number[] {
  const bits: number[] = [];
  for (let bit = 0, left = bitmap; left !== 0n; ++bit, left >>= 1n) if ((left & 1n) !== 0n) bits.push(bit);
  return bits;
}

function quantityOf(value: unknown, what: string): number {
  const number = typeof value === "string" && /^0x[0-9a-f]+$/i.test(value) ? Number(value) : NaN;
  if (!Number.isSafeInteger(number)) throw new MalformedAnswerError(`${what} is ${String(value)}`);
  return number;
}

function hashOf(value: unknown, what: string): string {
  if (typeof value !== "string" || !/^0x[0-9a-f]{64}$/i.test(value)) {
    throw new MalformedAnswerError(`${what} is ${String(value)}`);
  }
  return value.toLowerCase();
}

/** With what the node says inside of what ethers says. */
function reasonOf(error: unknown): string {
  const { error: inner, info } = error as { error?: { message?: unknown }; info?: { error?: { message?: unknown } } };
  return [messageOf(error), inner?.message, info?.error?.message].map(String).join(" ");
}
