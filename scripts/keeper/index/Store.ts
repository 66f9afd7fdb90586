/** Where the index is kept between runs, and shared by several processes. */
import { PlimsollError } from "../../deploy/PlimsollError.ts";
import type { Row, TableName } from "./tables.ts";

/** Another keeper writes to the database, and lives. */
export class StoreInUseError extends PlimsollError {}

/** Another process has locked the database for longer than is waited for, or its server does not answer. Nothing is lost:
 * worth another try. */
export class StoreBusyError extends PlimsollError {}

/** The database is damaged. Its content is in the chain. */
export class StoreCorruptError extends PlimsollError {}

/** The database is of another version of the keeper. */
export class SchemaError extends PlimsollError {
  readonly found: number;
  readonly expected: number;

  constructor(found: number, expected: number) {
    super(
      `the database has schema ${String(found)}, this keeper needs ${String(expected)}: ` +
        (found < expected ? "move the database away, it is built anew from the chain" : "run the newer keeper"),
    );
    this.found = found;
    this.expected = expected;
  }
}

/** The database is that of another deployment. */
export class StoreMismatchError extends PlimsollError {}

/** The deployment whose events a database holds. */
export interface StoreIdentity {
  readonly chainId: bigint;
  /** As an address, in any case. */
  readonly clearingHouse: string;
}

/** A block that was indexed lately, with how many logs of it. Those without logs are kept only where a sync ended. */
export interface KeptBlock {
  readonly number: number;
  readonly hash: string;
  readonly logs: number;
}

/** What a row was before a block changed it for the first time; `before` undefined: it was not there. */
export interface JournalEntry {
  readonly block: number;
  readonly table: TableName;
  /** Key columns of the row. */
  readonly key: Row;
  /** All of its columns. */
  readonly before: Row | undefined;
}

/** How far the index is. */
export interface Cursor {
  readonly number: number;
  readonly hash: string;
  /** From this block on all blocks with logs are among those that are kept. */
  readonly keptFrom: number;
  /** Of all rows: see `digestOf`. */
  readonly digest: number;
}

export interface StoredRows {
  readonly table: TableName;
  readonly rows: readonly Row[];
}

/** All that a database holds. */
export interface StoredIndex {
  /** Counts the commits. */
  readonly version: number;
  readonly cursor: Cursor | undefined;
  readonly rows: readonly StoredRows[];
  readonly blocks: readonly KeptBlock[];
  readonly journal: readonly JournalEntry[];
}

/** What has changed since a version; `deleted` has the keys of rows that are gone. */
export interface StoredChanges {
  readonly version: number;
  readonly cursor: Cursor | undefined;
  readonly rows: readonly StoredRows[];
  readonly deleted: readonly StoredRows[];
}

/** One atomic change. */
export interface StoreBatch {
  /** The version that it was made from: nothing is stored after another. */
  readonly after: number;
  /** Everything that is there is dropped first. */
  readonly clear: boolean;
  readonly cursor: Cursor | undefined;
  readonly put: readonly StoredRows[];
  /** Keys. */
  readonly remove: readonly StoredRows[];
  /** Blocks and journal entries above this block are dropped: they are of a fork that has lost. */
  readonly rewindTo: number | undefined;
  readonly blocks: readonly KeptBlock[];
  readonly journal: readonly JournalEntry[];
  /** Older journal entries, and blocks but for the newest of them, are dropped. */
  readonly keepFrom: number;
}

/** Every method may throw a StoreBusyError or a StoreCorruptError. */
export interface Store {
  /** Whether several processes may have it open. Whoever does not get the lease follows the one who has. */
  readonly shared: boolean;
  /**
   * Takes the lease to write. Of a shared store one that is held is not renewed by that: only by what was done.
   * @param options.expired Whether one that another has let expire is taken.
   * @return Whether this process has it. Throws a StoreInUseError where another has it and the store is not shared.
   */
  claim(options?: { readonly expired?: boolean }): Promise<boolean>;
  /** Keeps the lease over work that stores nothing, after a part of it. Throws a StoreInUseError where another has it. */
  renew(): Promise<void>;
  load(): Promise<StoredIndex>;
  /** @return Undefined where so much has changed that everything must be loaded. */
  changesSince(version: number): Promise<StoredChanges | undefined>;
  /** All of it or nothing, and only with the lease, which it renews, and after the version of the batch: else a StoreInUseError.
   * @return The version it has made. */
  commit(batch: StoreBatch): Promise<number>;
  /** Reads everything that can be damaged; throws a StoreCorruptError. */
  verify(): Promise<void>;
  /** Moves what is there out of the way and begins with nothing. */
  recreate(): Promise<void>;
  /** Gives the lease back. */
  close(): Promise<void>;
}
