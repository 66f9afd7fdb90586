/** The database that the configuration names. */
import type { Log } from "../log.ts";
import { PostgresStore } from "./PostgresStore.ts";
import { SqliteStore } from "./SqliteStore.ts";
import type { Store, StoreIdentity } from "./Store.ts";

export interface StoreOptions {
  /** Of a SQLite database; created where there is none. Not used with a URL. */
  readonly file: string;
  /** Of a PostgreSQL database: the value of DATABASE_URL. */
  readonly url: string | undefined;
  readonly identity: StoreIdentity;
  readonly log: Log;
}

/** Throws what `SqliteStore.open` and `PostgresStore.open` throw. */
export async function openStore({ file, url, identity, log }: StoreOptions): Promise<Store> {
  return url === undefined ? SqliteStore.open({ file, identity, log }) : PostgresStore.open({ url, identity, log });
}
