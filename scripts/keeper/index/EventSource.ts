/** Where the index gets events from, and the books that events do not tell. */
import { PlimsollError } from "../../deploy/PlimsollError.ts";
import type { BlockRef, PendingOrder, RestingTrigger } from "./entries.ts";

/** A log as the chain gives it. All of it is lower-case hex. */
export interface RawLog {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly blockNumber: number;
  readonly blockHash: string;
  /** Within its block. */
  readonly logIndex: number;
}

/** An account as the chain keeps it at one block. */
export interface ChainBook {
  readonly account: string;
  /** WAD of settlement token; negative: debt with its interest. */
  readonly cash: bigint;
  /** Of the debt index; 0 without debt. */
  readonly debtShares: bigint;
  /** Orders that wait for their settlement. */
  readonly pending: number;
  /** By asset, WAD: as `positionOf` reads them. Those of sides that were closed whole have size 0. */
  readonly positions: ReadonlyMap<number, { readonly size: bigint; readonly quote: bigint }>;
  /** By token, WAD. */
  readonly collateral: ReadonlyMap<number, bigint>;
  /** Whether it is flagged as that. */
  readonly insolvent: boolean;
}

/** The source does not have (all of) what it has said it has: it lags, or its chain has moved meanwhile. Worth another try. */
export class SourceBehindError extends PlimsollError {}

export interface EventSource {
  /** A block of the chain as it is now; undefined: there is none of that number yet. */
  block(number: number): Promise<BlockRef | undefined>;
  /** Logs of the deployment's contracts in blocks `from` to `to`, both included, in the order of the chain. */
  logs(from: number, to: number): Promise<readonly RawLog[]>;
  /** Accounts at a block, in the order asked. */
  books(accounts: readonly string[], block: number): Promise<readonly ChainBook[]>;
  /** Orders at a block, in the order asked; undefined: it does not wait. */
  orders(orders: readonly PendingOrder[], block: number): Promise<readonly (PendingOrder | undefined)[]>;
  /** Triggers at a block, in the order asked; undefined: it does not rest. */
  triggers(triggers: readonly RestingTrigger[], block: number): Promise<readonly (RestingTrigger | undefined)[]>;
  /** What a share of debt stands for at a block, WAD. */
  debtIndex(block: number): Promise<bigint>;
}

/** Contracts whose events make up the index, and the one whose account keeps seized collateral. */
export interface IndexedContracts {
  readonly clearingHouse: string;
  readonly orders: string;
  readonly pool: string;
  readonly oracle: string;
  readonly insuranceFund: string;
}
