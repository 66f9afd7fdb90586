/**
 * What a run of the simulation is made of and what comes out of it. Plain data: it passes between threads and into files.
 *
 * Amounts of money are WAD of settlement token, sizes WAD of base units, prices WAD; times are seconds since the start of
 * the run.
 */
import type { Basket, Reduction, Sale } from "../../model/liquidation.ts";
import type { Leg } from "../../model/books.ts";
import type { Price } from "../../model/price.ts";
import type { Trigger } from "../../model/deleverage.ts";

// ---------------------------------------------------------------- what goes in

/** What a feed reported. */
export interface Round {
  readonly at: number;
  readonly price: bigint;
}

/** All rounds of one asset, ascending in time; the first at 0 is the price that everything starts from. */
export interface PricePath {
  /** Index in the parameter file. */
  readonly asset: number;
  readonly rounds: readonly Round[];
}

/** What an account holds when the run starts. Positions are opened against the pool at the first prices. */
export interface Book {
  readonly cash: bigint;
  readonly collateral: readonly Sale[];
  readonly positions: readonly { readonly asset: number; readonly size: bigint }[];
}

/** How a trader goes on. All but `holder` act on what the feeds have reported, at random times. */
export type AgentKind =
  /** Does nothing more. */
  | "holder"
  /** Trades with the move of the last half hour, and against it. */
  | "trend"
  | "reverter"
  /** Shorts what its collateral is worth. */
  | "hedger"
  /** Takes the side that funding pays. */
  | "basis"
  /** Enters and leaves with size. */
  | "whale"
  /** Takes out all margin that it may at every step. */
  | "withdrawer"
  /** Opens a position of the least notional at every step, in one direction. */
  | "dust"
  /** Holds the skew at its cap for as long as funding earns it more at another account. */
  | "pump";

export interface TraderPlan {
  readonly name: string;
  readonly book: Book;
  readonly agent: AgentKind;
  /** Market that it trades; the first of its book by default. */
  readonly asset?: number;
  /** Of one trade. */
  readonly notional?: bigint;
}

/** Money that comes into the pool and leaves it. */
export interface ProviderPlan {
  readonly deposit: bigint;
  /** When it asks for all of it back: it gets what may leave then, and at every later step what may leave of the rest. */
  readonly leavesAt?: number;
}

export interface KeeperPlan {
  /** Seconds from what the chain shows to the action. */
  readonly latency: number;
  /** What its account can buy collateral with. */
  readonly cash: bigint;
  /** Least profit of a paid action. */
  readonly margin: bigint;
  /** Price of a unit of gas, wei, before faults. */
  readonly gasPrice: bigint;
  /** Largest notional that it takes over; 0: none. */
  readonly maxTakeOver: bigint;
}

/** Each from `from` to `until`. */
export type Fault = { readonly from: number; readonly until: number } & (
  | { readonly kind: "keepersDown" }
  /** What gas costs is multiplied. */
  | { readonly kind: "gas"; readonly factor: number }
  | { readonly kind: "sequencerDown" }
  /** No round of the asset arrives. */
  | { readonly kind: "feedStale"; readonly asset: number }
  /** Every round of the asset is multiplied: the guards halt it. */
  | { readonly kind: "feedScaled"; readonly asset: number; readonly factor: number }
);

export interface Scenario {
  readonly name: string;
  /** All that is random in the run follows from it. */
  readonly seed: number;
  /** Path of the parameter file. */
  readonly parameters: string;
  readonly duration: number;
  /** Seconds between two looks of everybody at the chain. */
  readonly step: number;
  /** Of every asset that an account holds, and of the settlement token where its price moves. */
  readonly paths: readonly PricePath[];
  readonly traders: readonly TraderPlan[];
  readonly providers: readonly ProviderPlan[];
  readonly insurance: bigint;
  readonly keeper: KeeperPlan;
  readonly faults: readonly Fault[];
}

// ---------------------------------------------------------------- what happened

/** One call of the protocol at `time` (unix seconds), as the model and the contracts carry it out. Accounts are indices. */
export type Deed =
  | { readonly kind: "prices"; readonly prices: readonly Price[]; readonly conditions: Conditions }
  | { readonly kind: "deposit"; readonly account: number; readonly amount: bigint }
  | { readonly kind: "withdraw"; readonly account: number; readonly amount: bigint }
  | { readonly kind: "addCollateral"; readonly account: number; readonly sale: Sale }
  /** Below 0: leaves the pool. */
  | { readonly kind: "fundPool"; readonly account: number; readonly amount: bigint }
  | { readonly kind: "fundInsurance"; readonly account: number; readonly amount: bigint }
  | { readonly kind: "markPool" }
  | { readonly kind: "trade"; readonly account: number; readonly legs: readonly Leg[]; readonly reduceOnly: boolean }
  | { readonly kind: "liquidate"; readonly account: number; readonly by: number; readonly basket: Basket }
  | { readonly kind: "takeOver"; readonly account: number; readonly by: number; readonly legs: readonly Reduction[] }
  | { readonly kind: "convert"; readonly account: number; readonly by: number; readonly sales: readonly Sale[] }
  | { readonly kind: AccountDuty; readonly account: number }
  | { readonly kind: "buySeized"; readonly by: number; readonly sale: Sale }
  | { readonly kind: "flagDeleveraging"; readonly asset: number }
  | { readonly kind: "deleverage"; readonly asset: number; readonly price: bigint | undefined }
  | { readonly kind: "cutProfits" };

export type AccountDuty = "realise" | "flagInsolvent" | "clearInsolvency" | "seize" | "settleDeficit";

export interface LoggedDeed {
  /** Unix seconds. */
  readonly time: bigint;
  readonly deed: Deed;
  /** The contract's error where the model says that it refuses. */
  readonly refusal: string | undefined;
}

/** What holds for the whole protocol, as the oracle reports it. */
export interface Conditions {
  readonly sequencerUp: boolean;
  /** Up and past its grace. */
  readonly sequencerSettled: boolean;
  /** The settlement token is inside its band. */
  readonly pegHeld: boolean;
  /** USD price of the settlement token, WAD. */
  readonly settlementPrice: bigint;
}

/** After a step. */
export interface StepRecord {
  readonly at: number;
  readonly poolEquity: bigint;
  /** Paid back to providers so far. */
  readonly poolLeft: bigint;
  readonly insurance: bigint;
  /** Bad debt booked so far: what accounts could not pay. */
  readonly badDebt: bigint;
  /** What of it insurance has not paid. */
  readonly uncovered: bigint;
  readonly markets: readonly MarketRecord[];
  /** Accounts with positions whose equity is within 5, 10, 20 % of their maintenance requirement, the unhealthy included. */
  readonly near: readonly [number, number, number];
  readonly unhealthy: number;
}

export interface MarketRecord {
  readonly asset: number;
  /** Accepted price. */
  readonly price: bigint;
  readonly longSize: bigint;
  readonly shortSize: bigint;
  readonly fundingIndex: bigint;
  readonly fundingRate: bigint;
}

export interface LiquidationRecord {
  readonly at: number;
  readonly account: number;
  readonly kind: "liquidate" | "takeOver" | "convert" | "seize";
  /** Since the account was first seen unhealthy, seconds. */
  readonly waited: number;
  readonly equityBefore: bigint;
  readonly maintenanceBefore: bigint;
  readonly penalty: bigint;
  readonly deficit: bigint;
  /** Reward and discount, less gas. */
  readonly keeperProfit: bigint;
}

export interface DeleveragingRecord {
  readonly at: number;
  readonly asset: number;
  readonly trigger: Trigger;
  /** Of the side, WAD. */
  readonly fraction: bigint;
  readonly closed: bigint;
}

export interface CutRecord {
  readonly at: number;
  readonly fromInsurance: bigint;
  /** h, in 2^-64. */
  readonly cut: bigint;
}

/** A fill against the pool, in a liquidation too. */
export interface FillRecord {
  readonly at: number;
  readonly account: number;
  readonly asset: number;
  readonly delta: bigint;
  /** Oracle price that it settled at. */
  readonly price: bigint;
  /** Quote over size, funding apart. */
  readonly fillPrice: bigint;
}

export interface AccountRecord {
  readonly name: string;
  readonly startEquity: bigint;
  readonly endEquity: bigint;
  /** Equity over the maintenance requirement; undefined where nothing is required. */
  readonly startHealth: number | undefined;
  readonly endHealth: number | undefined;
  /** Settlement tokens taken out during the run, less those put in. */
  readonly withdrawn: bigint;
  readonly liquidations: number;
  /** Penalties, and equity at the first liquidation less what was left afterwards: what being liquidated cost. */
  readonly lossGivenLiquidation: bigint;
  readonly badDebt: bigint;
}

export interface RunResult {
  readonly name: string;
  readonly seed: number;
  readonly steps: readonly StepRecord[];
  readonly liquidations: readonly LiquidationRecord[];
  readonly deleveragings: readonly DeleveragingRecord[];
  readonly cuts: readonly CutRecord[];
  readonly fills: readonly FillRecord[];
  readonly accounts: readonly AccountRecord[];
  /** Reward and discounts of the keeper, less all of its gas. */
  readonly keeperProfit: bigint;
  /** Orders that were refused at execution, by the contract's error. */
  readonly refusals: ReadonlyMap<string, number>;
  /** Liquidations of accounts that were healthy by the model at that time: 0, or the engine is wrong. */
  readonly healthyLiquidated: number;
  /** All that was done, in order: `confirm` carries it out on the contracts. */
  readonly log: readonly LoggedDeed[];
  /** Of all balances at the end; equal for equal runs. */
  readonly digest: string;
}
