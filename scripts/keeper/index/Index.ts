/** What the events of a deployment say at a block, kept over restarts and corrected over forks. */
import type { Log } from "../log.ts";
import type { AccountBook, BlockRef, IndexView, PendingOrder, RestingTrigger } from "./entries.ts";
import type { EventSource, IndexedContracts } from "./EventSource.ts";
import type { Store } from "./Store.ts";

export interface IndexOptions {
  readonly store: Store;
  readonly source: EventSource;
  readonly contracts: IndexedContracts;
  readonly log: Log;
  /** No event is in an earlier block. */
  readonly firstBlock: number;
  /** Blocks per request for events, at most. */
  readonly range: number;
  /** Blocks that a fork may reach back without a rebuild. */
  readonly keep?: number;
  /** Blocks before the cursor whose logs are asked for again each time: an endpoint that lags may have left some out. */
  readonly overlap?: number;
}

export interface SyncResult {
  /** The block before the fork, where there was one. */
  readonly rewoundTo?: number;
  /** Events taken in. */
  readonly applied: number;
  /** Accounts whose book is another now. */
  readonly changed: ReadonlySet<string>;
}

export interface CheckResult {
  readonly accounts: number;
  readonly wrong: number;
  readonly repaired: number;
}

/** Requests to the pool of one hour, as far as they wait. */
export interface PoolBatch {
  readonly batch: bigint;
  /** Unix seconds. */
  readonly closesAt: bigint;
  readonly maturesAt: bigint;
  /** Of deposits that wait, WAD. */
  readonly assets: bigint;
  /** Of redemptions that wait, WAD. */
  readonly shares: bigint;
}

export declare class Index implements IndexView {
  readonly accounts: ReadonlyMap<string, AccountBook>;
  readonly orders: ReadonlyMap<string, PendingOrder>;
  readonly triggers: ReadonlyMap<string, RestingTrigger>;
  /** By number, as far as something of them waits. */
  readonly batches: ReadonlyMap<bigint, PoolBatch>;
  readonly counters: Readonly<
    Record<
      | "events"
      | "rewinds"
      | "rebuilds"
      | "corruptions"
      | "missedLogs"
      | "checkedAccounts"
      | "wrongAccounts"
      | "repairedAccounts",
      number
    >
  >;
  /** The block whose state this is; undefined before the first sync. */
  get head(): { readonly number: number; readonly hash: string } | undefined;
  /** Whether another process writes the shared database, and this one follows it. */
  get following(): boolean;
  static open(options: IndexOptions): Promise<Index>;
  /** Brings everything to `head`. Throws a SourceBehindError, a StoreBusyError or whatever the source throws: then it is as it
   * was, and the next call goes on. */
  sync(head: BlockRef): Promise<SyncResult>;
  /** Compares every account with the chain at `head`, and puts right what differs. */
  check(head: BlockRef): Promise<CheckResult>;
  close(): Promise<void>;
}
