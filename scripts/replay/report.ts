/** What a run comes to: the figures of `report.json`, of the table and of `report.html`. Money is WAD. */
import type { Conservation } from "./conservation.ts";
import { isConserved } from "./conservation.ts";
import type { GasUse } from "./gas.ts";
import { type AccountFlows, fundingSince, type FillRecord, type LiquidationRecord, type Movement } from "./journal.ts";
import type { Judgement, PricePoint, Sample } from "./replay.ts";
import type { IsolatedVerdict } from "./shadow.ts";

export interface AccountInput {
  readonly name: string;
  readonly kind: string;
  readonly note: string;
  readonly account: string;
  readonly equity: bigint;
  readonly flows: AccountFlows;
  readonly isolated: IsolatedVerdict;
  readonly samples: readonly Sample[];
}

export interface TreasuryInput {
  readonly poolEquity: bigint;
  readonly base: bigint;
  readonly insurance: bigint;
  readonly protocolFees: bigint;
}

export interface ReportInput {
  readonly from: number;
  readonly to: number;
  /** Symbols by index. */
  readonly assets: readonly string[];
  /** Asset of each collateral token. */
  readonly collateralAssets: readonly number[];
  readonly accounts: readonly AccountInput[];
  readonly movements: readonly Movement[];
  readonly prices: readonly PricePoint[];
  /** Funding index of each asset at the end. */
  readonly fundingIndex: ReadonlyMap<number, bigint>;
  readonly fills: readonly FillRecord[];
  readonly liquidations: readonly LiquidationRecord[];
  readonly judgements: readonly Judgement[];
  readonly orders: {
    readonly submitted: number;
    readonly executed: number;
    readonly cancelled: number;
    readonly refunded: number;
    readonly poked: number;
  };
  readonly cancellations: ReadonlyMap<string, number>;
  readonly rejected: readonly { trader: string; time: number; action: string; reason: string }[];
  readonly opening: TreasuryInput;
  readonly closing: TreasuryInput;
  readonly badDebt: bigint;
  readonly badDebtFromInsurance: bigint;
  readonly keeperPay: bigint;
  readonly liquidatorRewards: bigint;
  readonly conservation: readonly Conservation[];
  readonly gas: Readonly<Record<string, GasUse>>;
  readonly wallSeconds: number;
}

export interface AccountReport {
  readonly name: string;
  readonly kind: string;
  readonly note: string;
  readonly account: string;
  /** Deposits at the prices of their time. */
  readonly collateral: bigint;
  readonly equity: bigint;
  /** Equity and what was taken out, less what was put in. */
  readonly pnl: bigint;
  /** What prices did to positions and collateral: the PnL before the costs below. */
  readonly priceResult: bigint;
  /** Paid; negative: received. */
  readonly funding: bigint;
  readonly fees: bigint;
  /** Penalties and discounts of liquidations. */
  readonly liquidationCosts: bigint;
  /** Pay of keepers and forfeited charges. */
  readonly orderCosts: bigint;
  readonly liquidations: number;
  readonly survivedCross: boolean;
  readonly wouldSurviveIsolated: boolean;
  readonly isolated: {
    /** Whether each position, with its share, met its own initial requirement. */
    readonly openable: boolean;
    readonly positions: number;
    readonly pnl: bigint;
    readonly liquidated: readonly { readonly asset: string; readonly time: string }[];
  };
}

export interface Report {
  readonly window: { readonly from: string; readonly to: string };
  readonly orders: {
    readonly submitted: number;
    readonly executed: number;
    readonly cancelled: number;
    readonly refunded: number;
    readonly triggersPoked: number;
    readonly cancelledBy: Readonly<Record<string, number>>;
  };
  readonly rejected: ReportInput["rejected"];
  readonly liquidations: number;
  readonly liquidatedAccounts: number;
  /** Liquidations of accounts that the model finds healthy in the block before. */
  readonly healthyLiquidations: number;
  readonly badDebt: bigint;
  readonly conservationDriftWei: bigint;
  readonly conserved: boolean;
  readonly conservationChecks: number;
  readonly collateral: Conservation["collaterals"];
  readonly pool: { readonly before: bigint; readonly after: bigint; readonly result: bigint };
  readonly insurance: { readonly before: bigint; readonly after: bigint; readonly paidForBadDebt: bigint };
  readonly protocolFees: bigint;
  readonly keeper: { readonly pay: bigint; readonly liquidationRewards: bigint };
  readonly accounts: readonly AccountReport[];
  readonly gas: Readonly<Record<string, GasUse>>;
  readonly wallSeconds: number;
}

export function buildReport(input: ReportInput): Report {
  const { opening, closing, conservation } = input;
  const worst = conservation.reduce(
    (drift, { driftWei, debtDriftWei }) => larger(drift, larger(driftWei, debtDriftWei)),
    0n,
  );
  return {
    window: { from: isoTime(input.from), to: isoTime(input.to) },
    orders: {
      submitted: input.orders.submitted,
      executed: input.orders.executed,
      cancelled: input.orders.cancelled,
      refunded: input.orders.refunded,
      triggersPoked: input.orders.poked,
      cancelledBy: Object.fromEntries(input.cancellations),
    },
    rejected: input.rejected,
    liquidations: input.liquidations.length,
    liquidatedAccounts: new Set(input.liquidations.map(({ account }) => account)).size,
    healthyLiquidations: input.judgements.filter(({ healthy }) => healthy).length,
    badDebt: input.badDebt,
    conservationDriftWei: worst,
    conserved: conservation.length > 0 && conservation.every(isConserved),
    conservationChecks: conservation.length,
    collateral: conservation.at(-1)?.collaterals ?? [],
    pool: {
      before: opening.poolEquity,
      after: closing.poolEquity,
      result: closing.poolEquity - opening.poolEquity,
    },
    insurance: {
      before: opening.insurance,
      after: closing.insurance,
      paidForBadDebt: input.badDebtFromInsurance,
    },
    protocolFees: closing.protocolFees - opening.protocolFees,
    keeper: { pay: input.keeperPay, liquidationRewards: input.liquidatorRewards },
    accounts: input.accounts.map((account) => accountReport(input, account)),
    gas: input.gas,
    wallSeconds: input.wallSeconds,
  };
}

/** Whether the run may end with status 0. */
export function passes({ conserved, healthyLiquidations }: Report): boolean {
  return conserved && healthyLiquidations === 0;
}

/** `report.json`: chain values as decimal strings. */
export function toJson(report: Report): string {
  const text = (_: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value);
  return `${JSON.stringify(report, text, 2)}\n`;
}

export function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

function accountReport(input: ReportInput, item: AccountInput): AccountReport {
  const { name, kind, note, account, equity, flows, isolated } = item;
  const moved = input.movements
    .filter((movement) => movement.account === account)
    .map(({ token, amount, time, swap }) => ({ time, swap, value: valueOf(input, { token, amount, time }) }));
  const putIn = sum(moved.map(({ value, swap }) => (value > 0n && !swap ? value : 0n)));
  const pnl = equity - sum(moved.map(({ value }) => value));
  const open = [...flows.open].map(([asset, held]) => fundingSince(held, input.fundingIndex.get(asset) ?? held.index));
  const funding = flows.funding + sum(open);
  const liquidationCosts = flows.penalties + flows.discounts;
  const beforeSplit = sum(moved.filter(({ time }) => time <= isolated.splitAt).map(({ value }) => value));
  return {
    name,
    kind,
    note,
    account,
    collateral: putIn,
    equity,
    pnl,
    priceResult: pnl + funding + flows.fees + liquidationCosts + flows.orderCosts - flows.forgiven,
    funding,
    fees: flows.fees,
    liquidationCosts,
    orderCosts: flows.orderCosts,
    liquidations: flows.liquidations,
    survivedCross: flows.liquidations === 0,
    wouldSurviveIsolated: isolated.openable && isolated.losses.length === 0,
    isolated: {
      openable: isolated.openable,
      positions: isolated.positions,
      pnl: isolated.equity - beforeSplit,
      liquidated: isolated.losses.map(({ asset, time }) => ({
        asset: input.assets[asset] ?? String(asset),
        time: isoTime(time),
      })),
    },
  };
}

/** At the price of its time. */
function valueOf(
  { prices, collateralAssets }: ReportInput,
  { token, amount, time }: { token: number; amount: bigint; time: number },
): bigint {
  const asset = collateralAssets[token];
  if (asset === undefined) return amount;
  const known = prices.filter((point) => point.asset === asset && point.time <= time).at(-1);
  if (known === undefined) throw new Error(`no price of asset ${asset} at ${time}`);
  return (amount * known.price) / 10n ** 18n;
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n);
}

/** The one further from zero. */
function larger(a: bigint, b: bigint): bigint {
  return (a < 0n ? -a : a) >= (b < 0n ? -b : b) ? a : b;
}
