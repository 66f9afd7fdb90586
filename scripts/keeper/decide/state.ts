/** What decisions are made from, read at one block. Prices are WAD, money is WAD of settlement token, times are unix seconds. */
import type { Trigger } from "../../model/deleverage.ts";
import type { LiquidationState } from "../../model/liquidation.ts";
import type { GlobalParameters, GroupParameters, MarketStatus, MoneyParameters } from "../../model/parameters.ts";
import type { PoolState } from "../../model/pool.ts";
import type { Price } from "../../model/price.ts";
import type { Exposure } from "../../model/risk.ts";
import type { PendingOrder, RestingTrigger } from "../index/entries.ts";
import type { Round, Settlement } from "../rounds.ts";
import { type Shard, WHOLE } from "./shard.ts";

/** A feed and what the oracle has stored of it. */
export interface FeedState {
  readonly asset: number;
  /** The guards' verdict on it now. */
  readonly price: Price;
  /** The feed's latest round, if it has one. */
  readonly latest: Round | undefined;
  readonly stored: {
    readonly price: bigint;
    readonly round: bigint;
    readonly updatedAt: bigint;
    readonly checkedAt: bigint;
  };
  /** The recorded jump of a halted asset. */
  readonly halt:
    | { readonly candidate: bigint; readonly round: bigint; readonly since: bigint; readonly vetoedUntil: bigint }
    | undefined;
  /** J, 1e-6. */
  readonly jump: bigint;
  /**
   * Rounds from the stored one, not included, to the latest, included; read only from half a jump on. None of a source
   * without rounds, or across phases.
   */
  readonly steps: readonly Round[];
  /** When its source and the one in shadow beside it were compared last; undefined without one. */
  readonly watchedAt: bigint | undefined;
}

/** A feed that prices the shares of a vault. */
export interface ShareFeedState {
  readonly feed: string;
  /** When its line began. */
  readonly anchoredAt: bigint;
}

export interface OrderState {
  readonly order: PendingOrder;
  /** Of the legs, in their order. */
  readonly settlements: readonly Settlement[];
  /** Keeper pay in escrow, and what of it an end with rounds and one without would pay now. */
  readonly pay: { readonly escrow: bigint; readonly execution: bigint; readonly refund: bigint };
}

export interface TriggerState {
  readonly trigger: RestingTrigger;
  /** The account's position in the trigger's asset. */
  readonly size: bigint;
  /** What a poke pays now. */
  readonly pay: bigint;
}

/** An account that something may be done with. */
export interface AccountState {
  readonly account: string;
  /** Exposures, cash, holdings; the rest is common to all. `exposuresBefore` while a grace runs. */
  readonly state: LiquidationState;
  /** When it was found insolvent; 0: it was not. */
  readonly insolventSince: bigint;
}

/** Collateral that insurance has taken over. */
export interface SeizedState {
  readonly token: number;
  /** WAD. */
  readonly amount: bigint;
  /** What the pool has advanced for it. */
  readonly owed: bigint;
  readonly since: bigint;
  /** Of the token's asset. */
  readonly price: Price;
}

/** A batch of the pool's requests. */
export interface BatchState {
  readonly batch: bigint;
  readonly closesAt: bigint;
  readonly maturesAt: bigint;
  /** Whether it has deposits that are not settled, or redemptions that are not. */
  readonly deposits: boolean;
  readonly redemptions: boolean;
}

export interface QueueState {
  /** Those not paid in full, ascending, without gaps. */
  readonly batches: readonly BatchState[];
  readonly valuation: {
    readonly equity: bigint;
    readonly redeemable: bigint;
    /** Least time of a price that the pool depends on; undefined: it depends on none. */
    readonly oldest: bigint | undefined;
    readonly live: boolean;
    readonly blocked: boolean;
  };
}

export interface MarketState {
  readonly asset: number;
  readonly status: MarketStatus;
  /** As in `MarketWatch`: 0 where it is not so. */
  readonly overSince: bigint;
  readonly flaggedAt: bigint;
  readonly trigger: Trigger;
  readonly closesAt: bigint;
  /** Of a market that is flagged or past its notice: the round of what was announced. */
  readonly settlement: Settlement | undefined;
}

/** Parameters and money that concern every account. */
export interface CommonTerms {
  readonly globals: GlobalParameters;
  readonly groups: GroupParameters;
  readonly money: MoneyParameters;
  readonly insurance: bigint;
}

/** The keeper's own account: it is paid there, and buys collateral from there. */
export interface OwnAccount {
  readonly account: string;
  readonly cash: bigint;
  /** With an entry for every market, of size 0 where it has no position. */
  readonly exposures: readonly Exposure[];
  readonly hasPendingOrder: boolean;
}

export interface KeeperState {
  readonly block: number;
  readonly time: bigint;
  readonly sequencerUp: boolean;
  /** Up, and past its grace. */
  readonly sequencerSettled: boolean;
  /** When it came up last; 0 without an uptime feed. */
  readonly upSince: bigint;
  /** USD price of the settlement token; 0 where it has none. */
  readonly settlementPrice: bigint;
  /** USD price of the native token as the oracle has stored it; 0 where none is listed. */
  readonly nativePrice: bigint;
  readonly terms: CommonTerms;
  readonly feeds: readonly FeedState[];
  readonly shareFeeds: readonly ShareFeedState[];
  readonly orders: readonly OrderState[];
  readonly triggers: readonly TriggerState[];
  readonly accounts: readonly AccountState[];
  readonly seized: readonly SeizedState[];
  readonly mark: { readonly time: bigint; readonly maxAge: bigint };
  readonly queue: QueueState;
  readonly markets: readonly MarketState[];
  readonly pool: PoolState;
  readonly own: OwnAccount;
}

/** What an operator may choose. */
export interface Settings {
  readonly shard: Shard;
  /** Age at which a stored price is replaced by a newer one even if nothing else needs it, s. */
  readonly refreshAge: bigint;
  /** Largest notional of positions that the keeper's account takes over at once, WAD; 0: it takes none over. */
  readonly maxTakeOver: bigint;
  /** Loss beyond an account's cash from which it is turned into a debt that pays interest, WAD. */
  readonly realiseAbove: bigint;
  /** Discount from which seized collateral is bought, 1e-6. */
  readonly seizedDiscount: bigint;
  /** Whether others keep too: liquidations of the same urgency then come in an order of this keeper's own. */
  readonly hasRivals: boolean;
}

export const DEFAULTS: Settings = {
  shard: WHOLE,
  refreshAge: 900n,
  maxTakeOver: 0n,
  realiseAbove: 1_000n * 10n ** 18n,
  seizedDiscount: 10_000n,
  hasRivals: true,
};
