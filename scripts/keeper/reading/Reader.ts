/** Reads everything that decisions are made from, at one block. */
import type { Contracts } from "../contracts.ts";
import type { KeeperState } from "../decide/state.ts";
import type { Shard } from "../decide/shard.ts";
import type { BlockRef, IndexView } from "../index/entries.ts";
import type { Role } from "../job.ts";
import type { Log } from "../log.ts";
import type { ReportSource } from "./reports.ts";

export interface ReaderOptions {
  readonly contracts: Contracts;
  readonly log: Log;
  /** The keeper's own account. */
  readonly account: string;
  readonly shard?: Shard;
  /** Where reports come from; without it what settles by them is left. */
  readonly reports?: ReportSource;
}

/** How near accounts are to their liquidation, for metrics: those of this shard with a requirement. */
export interface Nearness {
  readonly accounts: number;
  readonly unhealthy: number;
  /** Healthy ones whose equity is above maintenance by at most 5, 10, 20 % of itself. */
  readonly within5: number;
  readonly within10: number;
  readonly within20: number;
}

export interface Reading {
  readonly state: KeeperState;
  readonly nearness: Nearness;
}

export class Reader {
  readonly #options: ReaderOptions;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** What cannot be read of one item leaves that item out, and is logged; what concerns all throws. */
  read(_index: IndexView, _block: BlockRef, _roles: ReadonlySet<Role>): Promise<Reading> {
    return Promise.reject(new Error(`not built: ${this.#options.account}`));
  }
}
