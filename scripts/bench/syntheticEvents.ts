/** A long history of a deployment, made up but consistent: deposits, and orders from their submission to their fill. */
import { id as topicOf, toBeHex } from "ethers";

import type { BlockRef } from "../keeper/index/entries.ts";
import type { ChainBook, EventSource, IndexedContracts, RawLog } from "../keeper/index/EventSource.ts";

export const CONTRACTS: IndexedContracts = {
  clearingHouse: toBeHex(1, 20),
  orders: toBeHex(2, 20),
  pool: toBeHex(3, 20),
  insuranceFund: toBeHex(4, 20),
  oracle: toBeHex(5, 20),
};

export interface HistoryOptions {
  readonly events: number;
  readonly accounts: number;
  readonly eventsPerBlock: number;
}

const MARKETS = 8;
const WAD = 10n ** 18n;
/** Paid in once; more than all fees of a history. */
const DEPOSIT = 1_000_000n * WAD;
const PAY = WAD;
const FEE = 2n * WAD;
const PRICE = 2_000n;

const CREDITED = topicOf("Credited(bytes32,uint256,uint256)");
const SUBMITTED = topicOf(
  "OrderSubmitted(bytes32,uint256,uint256,int256,uint256,bool,uint256,uint256,uint256,uint256,uint256)",
);
const FILL = topicOf("Fill(bytes32,uint256,int256,uint256,int256,int256,uint256,int256)");
const CLOSED = topicOf("OrderClosed(bytes32,bytes32,uint256,uint256,uint256)");
const FILLED = topicOf("OrderFilled(bytes32,uint256,bytes32,uint256,uint256)");
const CASH = toBeHex(255, 32);

/**
 * A chain of one account's deposit after the other, then of orders: four events each. Each event follows from its number,
 * so that any range can be asked for. Nothing in it needs a reading of the chain.
 */
export class SyntheticHistory implements EventSource {
  readonly #options: HistoryOptions;
  readonly #keeper: string;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#keeper = accountAt(options.accounts);
  }

  get head(): BlockRef {
    return blockAt(Math.ceil(this.#options.events / this.#options.eventsPerBlock));
  }

  block(number: number): Promise<BlockRef | undefined> {
    return Promise.resolve(blockAt(number));
  }

  logs(from: number, to: number): Promise<readonly RawLog[]> {
    const { events, eventsPerBlock } = this.#options;
    const [first, end] = [(from - 1) * eventsPerBlock, Math.min(events, to * eventsPerBlock)];
    return Promise.resolve(
      Array.from({ length: Math.max(0, end - first) }, (_, place) => {
        const event = first + place;
        const number = Math.floor(event / eventsPerBlock) + 1;
        const { hash } = blockAt(number);
        return {
          ...this.#logAt(event),
          blockNumber: number,
          blockHash: hash,
          logIndex: event % eventsPerBlock,
        };
      }),
    );
  }

  books(): Promise<readonly ChainBook[]> {
    return Promise.reject(new Error("this history needs no reading"));
  }

  orders(): Promise<readonly undefined[]> {
    return Promise.reject(new Error("this history needs no reading"));
  }

  triggers(): Promise<readonly undefined[]> {
    return Promise.reject(new Error("this history has no triggers"));
  }

  debtIndex(): Promise<bigint> {
    return Promise.reject(new Error("this history has no debts"));
  }

  #logAt(event: number): Pick<RawLog, "address" | "topics" | "data"> {
    const { accounts } = this.#options;
    const { clearingHouse, orders } = CONTRACTS;
    if (event < accounts) {
      return { address: clearingHouse, topics: [CREDITED, accountAt(event), CASH], data: dataOf([DEPOSIT]) };
    }
    const trade = (event - accounts) >> 2;
    const trader = mixed(trade) % accounts;
    const account = accountAt(trader);
    const asset = mixed(trade + 1) % MARKETS;
    const delta = BigInt((mixed(trade + 2) % 21) - 10 || 1) * WAD;
    const sequence = toBeHex(trade, 32);
    switch ((event - accounts) & 3) {
      case 0:
        return {
          address: orders,
          topics: [SUBMITTED, account, sequence, toBeHex(asset, 32)],
          data: dataOf([delta, 0n, 0n, 0n, BigInt(trade), 1n << 64n, PAY, FEE]),
        };
      case 1:
        return {
          address: clearingHouse,
          topics: [FILL, account, toBeHex(asset, 32)],
          data: dataOf([delta, PRICE * WAD, delta * PRICE, 0n, FEE, 0n]),
        };
      case 2:
        return {
          address: clearingHouse,
          topics: [CLOSED, account, this.#keeper],
          data: dataOf([FEE, PAY, 0n]),
        };
      default:
        return {
          address: orders,
          topics: [FILLED, account, sequence, this.#keeper],
          data: dataOf([BigInt(trade), PAY]),
        };
    }
  }
}

function blockAt(number: number): BlockRef {
  return { number, hash: toBeHex(number + 1, 32), parentHash: toBeHex(number, 32), time: BigInt(number) };
}

function accountAt(place: number): string {
  return toBeHex(BigInt(place + 1) << 96n, 32);
}

function dataOf(words: readonly bigint[]): string {
  return `0x${words.map((word) => BigInt.asUintN(256, word).toString(16).padStart(64, "0")).join("")}`;
}

/** A number that looks like any other, the same for the same input. */
function mixed(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x45d9f3b);
  bits = Math.imul(bits ^ (bits >>> 15), 0x45d9f3b);
  return (bits ^ (bits >>> 16)) >>> 0;
}
