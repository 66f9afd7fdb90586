/** What the index of a deployment's events holds: the part of the state that the chain cannot be asked to enumerate. */

export interface BlockRef {
  readonly number: number;
  readonly hash: string;
  readonly parentHash: string;
  /** Unix seconds. */
  readonly time: bigint;
}

export interface OrderLeg {
  readonly asset: number;
  /** Of the feed at submission. */
  readonly phase: bigint;
}

export interface PendingOrder {
  readonly account: string;
  readonly sequence: bigint;
  /** Only a round later than this settles it, unix seconds. */
  readonly boundary: bigint;
  readonly legs: readonly OrderLeg[];
}

export interface RestingTrigger {
  readonly account: string;
  readonly sequence: bigint;
  readonly asset: number;
  /** Base units, WAD. */
  readonly delta: bigint;
  /** WAD. */
  readonly triggerPrice: bigint;
  readonly above: boolean;
  /** Unix seconds; 0: none. */
  readonly expiry: bigint;
}

/** Books of an account as its events leave them. Ids are 0x and 64 lower-case digits. */
export interface AccountBook {
  readonly account: string;
  /** WAD of settlement token, escrows apart; negative: debt. */
  readonly cash: bigint;
  /** By asset: size in base units, quote in settlement token, both WAD. */
  readonly positions: ReadonlyMap<number, { readonly size: bigint; readonly quote: bigint }>;
  /** By token, WAD. */
  readonly collateral: ReadonlyMap<number, bigint>;
  /** Whether events alone say all of it. A side that was deleveraged or cut, a debt with interest and whatever else moves
   * books without naming the account make it false until the chain has been asked. */
  readonly exact: boolean;
}

/** Where the price of an asset comes from. */
export interface ProxiedSource {
  /** In lower case. */
  readonly proxy: string;
  /** As the contract counts them. */
  readonly kind: number;
  /** Seconds after an order's boundary. */
  readonly window: bigint;
}

/** A stream whose reports orders settle by. */
export interface StreamSettlement {
  /** In lower case. */
  readonly stream: string;
  /** Seconds. */
  readonly window: bigint;
}

/** What orders in an asset settle by; without a stream by the source. */
export interface SettlingBy {
  readonly source: ProxiedSource | undefined;
  readonly settlement: StreamSettlement | undefined;
}

export interface AssetSources extends SettlingBy {
  readonly asset: number;
  readonly proposed: ProxiedSource | undefined;
  /** Before source or settlement changed last; undefined: they never have. No view of the chain says it. */
  readonly former: SettlingBy | undefined;
}

/** Names an order or a trigger; they share the numbers of their account. */
export function keyOf({ account, sequence }: { account: string; sequence: bigint }): string {
  return `${account}/${String(sequence)}`;
}

/** What decisions read of the index. */
export interface IndexView {
  readonly accounts: ReadonlyMap<string, AccountBook>;
  readonly orders: ReadonlyMap<string, PendingOrder>;
  readonly triggers: ReadonlyMap<string, RestingTrigger>;
  /** Accounts that are flagged as insolvent. */
  readonly insolvent: ReadonlySet<string>;
  /** By asset. */
  readonly sources: ReadonlyMap<number, AssetSources>;
}
