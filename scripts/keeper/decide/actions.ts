/** What decisions come to: each is one call of the protocol. */
import type { Reduction, Sale } from "../../model/liquidation.ts";
import type { LiquidationPlan } from "../../model/liquidationSearch.ts";
import type { Role } from "../job.ts";
import type { Report, RoundHint } from "../rounds.ts";

interface OfAccount {
  readonly account: string;
}

interface OfAsset {
  readonly asset: number;
}

/** Rewards are WAD of settlement token, as expected at the state's block; what has none is a duty. */
interface Paid {
  readonly reward: bigint;
}

interface Proved {
  readonly hint: RoundHint;
  /** To bring first. */
  readonly report: Report | undefined;
}

/** The rounds of a price that has walked and not jumped. */
export interface Advance extends OfAsset {
  readonly kind: "advance";
  readonly rounds: readonly bigint[];
}

export interface Update {
  readonly kind: "update";
  /** Ascending. */
  readonly assets: readonly number[];
}

export interface WatchSource extends OfAsset {
  readonly kind: "watchSource";
}

/** Of a feed that prices the shares of a vault. */
export interface Checkpoint {
  readonly kind: "checkpoint";
  readonly feed: string;
}

/** Ends a pending order: a fill, a cancellation or a refund, as its rounds say. */
export interface Execute extends OfAccount, Paid {
  readonly kind: "execute";
  readonly sequence: bigint;
  readonly hints: readonly RoundHint[];
  /** To bring first. */
  readonly reports: readonly Report[];
}

export interface Abandon extends OfAccount, Paid {
  readonly kind: "abandon";
  readonly sequence: bigint;
}

export interface Poke extends OfAccount, Paid {
  readonly kind: "poke";
  readonly sequence: bigint;
}

/** The reward has the discount on what is bought in it. */
export interface Liquidate extends OfAccount, Paid {
  readonly kind: "liquidate";
  readonly plan: LiquidationPlan;
}

export interface TakeOver extends OfAccount, Paid {
  readonly kind: "takeOver";
  readonly legs: readonly Reduction[];
}

export interface Convert extends OfAccount, Paid {
  readonly kind: "convert";
  readonly sales: readonly Sale[];
}

export interface BuySeized extends Paid {
  readonly kind: "buySeized";
  readonly sale: Sale;
}

export interface WriteOff {
  readonly kind: "writeOff";
  readonly token: number;
}

/** Verbs that say nothing but which account. */
export interface AccountDuty extends OfAccount {
  readonly kind: "realise" | "flagInsolvent" | "clearInsolvency" | "seize" | "settleDeficit";
}

export interface Fulfill {
  readonly kind: "fulfill";
  readonly lastBatch: bigint;
}

export interface PoolDuty {
  readonly kind: "markPool" | "cutProfits";
}

export interface FlagDeleveraging extends OfAsset {
  readonly kind: "flagDeleveraging";
}

export interface Deleverage extends OfAsset, Proved {
  readonly kind: "deleverage";
}

export interface CloseMarket extends OfAsset, Proved {
  readonly kind: "closeMarket";
}

/** What is to be done, whoever does it. */
export type Deed =
  | Advance
  | Update
  | WatchSource
  | Checkpoint
  | Execute
  | Abandon
  | Poke
  | Liquidate
  | TakeOver
  | Convert
  | BuySeized
  | WriteOff
  | AccountDuty
  | Fulfill
  | PoolDuty
  | FlagDeleveraging
  | Deleverage
  | CloseMarket;

/** A deed and the role that it is done in. */
export type Action = Deed & { readonly role: Role };
