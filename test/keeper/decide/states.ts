/** States of the chain in which nothing is due, to be changed where a test wants something to be. */
import type { Action } from "../../../scripts/keeper/decide/actions.ts";
import { decide } from "../../../scripts/keeper/decide/decide.ts";
import {
  DEFAULTS,
  type FeedState,
  type KeeperState,
  type OrderState,
  type Settings,
} from "../../../scripts/keeper/decide/state.ts";
import { type Role, ROLES } from "../../../scripts/keeper/job.ts";
import type { Round, Settlement } from "../../../scripts/keeper/rounds.ts";
import { NO_FUNDING } from "../../../scripts/model/funding.ts";
import type { LiquidationState } from "../../../scripts/model/liquidation.ts";
import { decodeMoney } from "../../../scripts/model/parameters.ts";
import type { PoolMarket } from "../../../scripts/model/pool.ts";
import { livePrice, type Refusal } from "../../../scripts/model/price.ts";
import type { Exposure } from "../../../scripts/model/risk.ts";
import { emptySide } from "../../../scripts/model/sideIndex.ts";

export const WAD = 10n ** 18n;
export const NOW = 1_000_000n;
export const PHASE = 1n << 64n;
export const ALICE = `0x${"aa".repeat(20)}${"00".repeat(12)}`;
export const BOB = `0x${"bb".repeat(20)}${"00".repeat(12)}`;
export const KEEPER = `0x${"cc".repeat(20)}${"00".repeat(12)}`;

export const usd = (price: number): bigint => BigInt(Math.round(price * 100)) * (WAD / 100n);

/** All roles but that of watching. */
export const ALL: ReadonlySet<Role> = new Set(ROLES);

export function decided(change: Partial<KeeperState>, settings: Partial<Settings> = {}, roles = ALL): Action[] {
  return decide(state(change), { ...DEFAULTS, ...settings }, roles);
}

export const kinds = (actions: readonly Action[]): string[] => actions.map(({ kind }) => kind);

export function round(number: number, price: number, updatedAt = NOW - 10n): Round {
  return { id: PHASE + BigInt(number), answer: usd(price), startedAt: updatedAt, updatedAt };
}

export interface FeedOptions {
  readonly asset?: number;
  readonly stored?: number;
  readonly latest?: number;
  readonly refusal?: Refusal;
  readonly halt?: FeedState["halt"];
  readonly steps?: readonly Round[];
  readonly checkedAt?: bigint;
  readonly watchedAt?: bigint;
  /** Numbers of the stored and of the latest round. */
  readonly rounds?: readonly [number, number];
}

/** A feed with J = 10 %. */
export function feed(options: FeedOptions = {}): FeedState {
  const {
    asset = 0,
    stored = 100,
    latest = 100,
    refusal = "None",
    halt,
    checkedAt = NOW - 60n,
    rounds = [5, 6],
  } = options;
  const last = round(rounds[1], latest);
  return {
    asset,
    price: { ...livePrice(refusal === "None" ? last.answer : usd(stored)), refusal },
    latest: last,
    stored: { price: usd(stored), round: PHASE + BigInt(rounds[0]), updatedAt: NOW - 60n, checkedAt },
    halt,
    jump: 100_000n,
    steps: options.steps ?? [last],
    watchedAt: options.watchedAt,
  };
}

export const settled = (number: bigint): Settlement => ({
  kind: "settled",
  hint: { round: PHASE + number, before: PHASE + number - 1n },
  settledAt: NOW - 5n,
});
export const voided: Settlement = { kind: "void", hint: { round: 0n, before: PHASE + 1n }, settledAt: 0n };
export const waiting: Settlement = { kind: "waiting" };

/** Pays 3 of an escrow of 5 for a fill, and 1 for a refund. */
export function order(
  account: string,
  sequence: bigint,
  settlements: readonly Settlement[],
  boundary = NOW - 100n,
): OrderState {
  const legs = settlements.map((_, asset) => ({ asset, phase: 1n }));
  const pay = { escrow: 5n * WAD, execution: 3n * WAD, refund: WAD };
  return { order: { account, sequence, boundary, legs }, settlements, pay };
}

const rates = { beta: 85_000n, sigma: 20_000n, gamma: 5_000n, kappa: 1_000_000n };

/** Of ETH at 3,500. */
export function exposure(change: Partial<Exposure> = {}): Exposure {
  return {
    asset: 0,
    price: livePrice(usd(3_500)),
    size: 0n,
    quote: 0n,
    collateral: 0n,
    funding: { ...NO_FUNDING, time: NOW },
    risk: { from: rates, to: rates, start: 0n, duration: 0n, group: 0 },
    sizes: { depth: 400_000n * WAD, openInterestCap: 8_000n * WAD, openInterestShare: 600_000n, status: "Active" },
    trade: {
      skewCap: 4_000n * WAD,
      takerFee: 500n,
      makerFee: 200n,
      maxFundingRate: WAD / 100n,
      fundingVelocity: WAD / 5n,
      profitWeight: 900_000n,
      lotExponent: 16n,
      insuranceCap: 0n,
    },
    ...change,
  };
}

export const terms: KeeperState["terms"] = {
  globals: {
    maintenanceFactor: 600_000n,
    shortfallInitial: 600_000n,
    shortfallMaintenance: 750_000n,
    protocolFeeShare: 100_000n,
    insuranceFeeShare: 200_000n,
    markMaxAge: 3_600n,
    liquidationTarget: 500_000n,
    liquidationPenalty: 100_000n,
    liquidatorShare: 500_000n,
    deepLoss: 200_000n,
    takeoverDiscount: 20_000n,
  },
  groups: Array.from({ length: 10 }, () => 250_000n),
  money: {
    ...decodeMoney(0n),
    minNotional: usd(50),
    smallRequirement: usd(50),
    flatReward: usd(2),
    lossBudget: 100_000n,
  },
  insurance: 0n,
};

/** Long 100 ETH from 3,800, with 50,000 of cash: unhealthy at 3,500. */
export function account(change: Partial<LiquidationState> = {}): LiquidationState {
  return {
    ...terms,
    exposures: [exposure({ size: 100n * WAD, quote: usd(-380_000) })],
    cash: usd(50_000),
    holdings: [],
    skews: new Map([[0, 100n * WAD]]),
    time: NOW,
    settlementPrice: WAD,
    hasPendingOrder: false,
    ...change,
  };
}

/** ETH of the collateral token 0. */
export function holding(amount: bigint): LiquidationState["holdings"][number] {
  return { token: 0, amount, parameters: { asset: 0, saleDiscount: 5_000n, lotExponent: 16n, listed: true } };
}

export const alice = (
  change: Partial<LiquidationState> = {},
  insolventSince = 0n,
): KeeperState["accounts"][number] => ({
  account: ALICE,
  state: account(change),
  insolventSince,
});

/** ETH with 1,000 long and 900 short, all of it entered at 3,500. */
export function poolMarket(change: Partial<PoolMarket> = {}): PoolMarket {
  const { asset, price, funding, risk, sizes, trade } = exposure();
  return {
    asset,
    price,
    funding,
    risk,
    sizes,
    trade,
    long: { ...emptySide(true), units: 1_000n * WAD, quote: usd(-3_500_000) },
    short: { ...emptySide(false), units: 900n * WAD, quote: usd(3_150_000) },
    ...change,
  };
}

/** A keeper with 1,000,000 and nothing else. */
export const own: KeeperState["own"] = {
  account: KEEPER,
  cash: usd(1_000_000),
  exposures: [exposure()],
  hasPendingOrder: false,
};

export function state(change: Partial<KeeperState> = {}): KeeperState {
  return {
    block: 1,
    time: NOW,
    sequencerUp: true,
    sequencerSettled: true,
    upSince: 0n,
    settlementPrice: WAD,
    nativePrice: usd(3_500),
    terms,
    feeds: [feed()],
    shareFeeds: [],
    orders: [],
    triggers: [],
    accounts: [],
    seized: [],
    mark: { time: NOW, maxAge: 3_600n },
    queue: {
      batches: [],
      valuation: { equity: usd(10_000_000), redeemable: usd(1_000_000), oldest: NOW, live: true, blocked: false },
    },
    markets: [],
    pool: { base: usd(10_000_000), lent: 0n, closedValue: 0n, markets: [] },
    own,
    ...change,
  };
}
