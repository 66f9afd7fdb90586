/** A chain that forks, lags and leaves logs out on demand, with books that events do not always tell. */
import { id as topicOf, toBeHex } from "ethers";

import { type BlockRef, keyOf, type PendingOrder, type RestingTrigger } from "../../../scripts/keeper/index/entries.ts";
import { eventDecoder } from "../../../scripts/keeper/index/events.ts";
import type { ChainBook, EventSource, IndexedContracts, RawLog } from "../../../scripts/keeper/index/EventSource.ts";
import { wordOf } from "./support.ts";

const WAD = 10n ** 18n;

export const CONTRACTS: IndexedContracts = {
  clearingHouse: toBeHex(0xc1, 20),
  orders: toBeHex(0x0d, 20),
  pool: toBeHex(0x90, 20),
  oracle: toBeHex(0x0a, 20),
  insuranceFund: toBeHex(0x1f, 20),
};

const decode = eventDecoder(CONTRACTS);

export function accountAt(place: number): string {
  return toBeHex((BigInt(place + 1) << 96n) | 7n, 32);
}

export type FakeEvent =
  /** Below 0: Debited. */
  | { readonly kind: "cash"; readonly account: number; readonly amount: bigint }
  | { readonly kind: "fill"; readonly account: number; readonly asset: number; readonly delta: bigint }
  /** Halves every position of the side. */
  | { readonly kind: "deleverage"; readonly asset: number; readonly long: boolean }
  | { readonly kind: "submit" | "end"; readonly account: number; readonly sequence: number }
  | { readonly kind: "flag" | "clear"; readonly account: number }
  /** What the orders of an asset settle by, from now on: reports of a stream. */
  | { readonly kind: "settlement"; readonly asset: number; readonly stream: bigint; readonly window: bigint };

export interface Account {
  cash: bigint;
  shares: bigint;
  pending: number;
  insolvent: boolean;
  readonly positions: Map<number, { size: bigint; quote: bigint }>;
}

interface FakeBlock {
  readonly ref: BlockRef;
  readonly logs: readonly RawLog[];
  readonly accounts: ReadonlyMap<string, Account>;
  /** Sides that were ever deleveraged. */
  readonly touched: ReadonlySet<string>;
}

export class FakeChain implements EventSource {
  /** Blocks of which answers leave the logs out. */
  readonly hidden = new Set<number>();
  /** Orders that the chain has with another boundary than their event says. */
  readonly spoilt = new Set<string>();
  /** Runs once, before the next answer about a block. */
  beforeBlock: (() => Promise<void>) | undefined;
  /** Thrown by the next request. */
  failure: Error | undefined;
  requests = 0;
  /** How often an account was read. */
  booksRead = 0;
  #blocks: FakeBlock[] = [];
  #nonce = 0n;

  constructor() {
    this.extend([]);
  }

  get head(): BlockRef {
    return this.#at(this.#blocks.length - 1).ref;
  }

  ref(number: number): BlockRef {
    return this.#at(number).ref;
  }

  /** One more block. */
  extend(events: readonly FakeEvent[]): void {
    const number = this.#blocks.length;
    const parent = this.#blocks.at(-1);
    this.#nonce += 1n;
    const hash = toBeHex((BigInt(number) << 64n) | this.#nonce, 32);
    const parentHash = parent?.ref.hash ?? toBeHex(0, 32);
    const ref = { number, hash, parentHash, time: BigInt(number) };
    const accounts = new Map([...(parent?.accounts ?? [])].map(([id, account]) => [id, copyOf(account)]));
    const touched = new Set(parent?.touched);
    const logs = events.flatMap((event) => happen({ accounts, touched }, event, number));
    this.#blocks.push({
      ref,
      accounts,
      touched,
      logs: logs.map((log, logIndex) => ({ ...log, blockNumber: number, blockHash: hash, logIndex })),
    });
  }

  /** The newest `depth` blocks were never there; the first stays. */
  drop(depth: number): void {
    this.#blocks.length = Math.max(1, this.#blocks.length - depth);
  }

  /** Changes an account of the newest block behind the back of its events. */
  tamper(id: string, change: (account: Account) => void): void {
    const account = this.#at(this.#blocks.length - 1).accounts.get(id);
    if (account === undefined) throw new Error(`no account ${id}`);
    change(account);
  }

  async block(number: number): Promise<BlockRef | undefined> {
    const { beforeBlock } = this;
    this.beforeBlock = undefined;
    await beforeBlock?.();
    return this.#answer(() => this.#blocks[number]?.ref);
  }

  logs(from: number, to: number): Promise<readonly RawLog[]> {
    return this.#answer(() =>
      this.#blocks
        .slice(from, to + 1)
        .filter(({ ref }) => !this.hidden.has(ref.number))
        .flatMap(({ logs }) => logs),
    );
  }

  books(accounts: readonly string[], block: number): Promise<readonly ChainBook[]> {
    this.booksRead += accounts.length;
    return this.#answer(() => {
      const at = this.#at(block);
      return accounts.map((account) => {
        const { cash, shares, pending, positions, insolvent } = at.accounts.get(account) ?? emptyAccount();
        const owed = shares === 0n ? cash : -divUp(shares * indexAt(block), WAD);
        return { account, cash: owed, debtShares: shares, pending, positions, collateral: new Map(), insolvent };
      });
    });
  }

  /** Those that were submitted and have not ended, but for what is spoilt. */
  orders(orders: readonly PendingOrder[], block: number): Promise<readonly (PendingOrder | undefined)[]> {
    return this.#answer(() => {
      const open = new Map<string, PendingOrder>();
      for (const log of this.#blocks.slice(0, block + 1).flatMap(({ logs }) => logs)) {
        const event = decode(log);
        if (event?.name === "OrderSubmitted") {
          const { account, sequence, boundary, legs } = event;
          open.set(keyOf(event), { account, sequence, boundary, legs });
        }
        if (event?.name === "OrderEnded") open.delete(keyOf(event));
      }
      return orders.map((order) => {
        const found = open.get(keyOf(order));
        return found && this.spoilt.has(keyOf(order)) ? { ...found, boundary: found.boundary + 1n } : found;
      });
    });
  }

  triggers(triggers: readonly RestingTrigger[]): Promise<readonly (RestingTrigger | undefined)[]> {
    return Promise.resolve(triggers);
  }

  debtIndex(block: number): Promise<bigint> {
    return this.#answer(() => indexAt(block));
  }

  #at(number: number): FakeBlock {
    const block = this.#blocks[number];
    if (block === undefined) throw new Error(`no block ${number}`);
    return block;
  }

  async #answer<T>(value: () => T): Promise<T> {
    this.requests += 1;
    await Promise.resolve();
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    return value();
  }
}

type Emitted = Pick<RawLog, "address" | "topics" | "data">;

function happen(
  { accounts, touched }: { accounts: Map<string, Account>; touched: Set<string> },
  event: FakeEvent,
  block: number,
): Emitted[] {
  if (event.kind === "deleverage") {
    touched.add(sideOf(event.asset, event.long));
    for (const { positions } of accounts.values()) {
      const position = positions.get(event.asset);
      if (position === undefined || position.size > 0n !== event.long) continue;
      positions.set(event.asset, { size: position.size / 2n || (event.long ? 1n : -1n), quote: position.quote + 3n });
    }
    return [
      emitted(CONTRACTS.clearingHouse, {
        signature: "Deleveraged(uint256,bool,uint256,uint256,int256,uint256,int256)",
        topics: [BigInt(event.asset), event.long ? 1n : 0n],
        words: [0n, 0n, 0n, 0n, 0n],
      }),
    ];
  }
  if (event.kind === "settlement") {
    return [
      emitted(CONTRACTS.oracle, {
        signature: "SettlementSet(uint256,address,uint256)",
        topics: [BigInt(event.asset), event.stream],
        words: [event.window],
      }),
    ];
  }
  const id = accountAt(event.account);
  const account = accounts.get(id) ?? emptyAccount();
  accounts.set(id, account);
  switch (event.kind) {
    case "cash":
      pay(account, event.amount, block);
      return [
        emitted(CONTRACTS.clearingHouse, {
          signature: `${event.amount < 0n ? "Debited" : "Credited"}(bytes32,uint256,uint256)`,
          topics: [BigInt(id), 255n],
          words: [event.amount < 0n ? -event.amount : event.amount],
        }),
      ];
    case "fill": {
      const { asset, delta } = event;
      const before = account.positions.get(asset) ?? { size: 0n, quote: 0n };
      const size = before.size + delta;
      // Of a side with an index, what is written is not what the event says.
      const lost = [before.size, size].some((one) => one !== 0n && touched.has(sideOf(asset, one > 0n))) ? 1n : 0n;
      // A closed position has realised all of its quote.
      const realised = size === 0n ? before.quote + delta * 2n : 0n;
      if (size === 0n) account.positions.delete(asset);
      else account.positions.set(asset, { size, quote: before.quote - delta * -2n - lost });
      pay(account, realised - 1n, block);
      return [
        emitted(CONTRACTS.clearingHouse, {
          signature: "Fill(bytes32,uint256,int256,uint256,int256,int256,uint256,int256)",
          topics: [BigInt(id), BigInt(asset)],
          words: [delta, 0n, delta * -2n, realised, 1n, 0n],
        }),
      ];
    }
    case "submit":
      account.pending += 1;
      pay(account, -2n, block);
      return [
        emitted(CONTRACTS.orders, {
          signature:
            "OrderSubmitted(bytes32,uint256,uint256,int256,uint256,bool,uint256,uint256,uint256,uint256,uint256)",
          topics: [BigInt(id), BigInt(event.sequence), 1n],
          words: [5n, 0n, 0n, 0n, BigInt(block), 3n, 1n, 1n],
        }),
      ];
    case "flag":
    case "clear": {
      account.insolvent = event.kind === "flag";
      const signature = account.insolvent ? "Insolvent(bytes32,int256)" : "InsolvencyCleared(bytes32)";
      const words = account.insolvent ? [-1n] : [];
      return [emitted(CONTRACTS.clearingHouse, { signature, topics: [BigInt(id)], words })];
    }
    case "end":
      account.pending -= 1;
      return [
        emitted(CONTRACTS.orders, {
          signature: "OrderRefunded(bytes32,uint256,bytes32,uint256)",
          topics: [BigInt(id), BigInt(event.sequence), BigInt(id)],
          words: [0n],
        }),
      ];
  }
}

function sideOf(asset: number, long: boolean): string {
  return `${asset} ${long ? "long" : "short"}`;
}

function emitted(
  address: string,
  { signature, topics, words }: { signature: string; topics: readonly bigint[]; words: readonly bigint[] },
): Emitted {
  return {
    address,
    topics: [topicOf(signature), ...topics.map((topic) => toBeHex(topic, 32))],
    data: `0x${words.map(wordOf).join("")}`,
  };
}

/** As `Books.store`: a debt is kept as shares of an index that grows. */
function pay(account: Account, delta: bigint, block: number): void {
  if (delta === 0n) return;
  const cash = (account.shares === 0n ? account.cash : -divUp(account.shares * indexAt(block), WAD)) + delta;
  account.cash = cash < 0n ? 0n : cash;
  account.shares = cash < 0n ? divUp(-cash * WAD, indexAt(block)) : 0n;
}

function indexAt(block: number): bigint {
  return 2n * WAD + BigInt(block) * (WAD / 7n);
}

function divUp(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}

function emptyAccount(): Account {
  return { cash: 0n, shares: 0n, pending: 0, insolvent: false, positions: new Map() };
}

function copyOf({ positions, ...account }: Account): Account {
  return { ...account, positions: new Map(positions) };
}
