/**
 * Parameters of assets, of collateral tokens and of the whole protocol, decoded from their packed words:
 * `contracts/types/AssetParameters.sol` and `contracts/types/GlobalParameters.sol`.
 */
import { WAD } from "./fixed.ts";
import { readUint, writeUint } from "./word.ts";

/** Risk rates, 1e-6. */
export interface RiskRates {
  /** β: loss under the shock of the asset's group. */
  readonly beta: bigint;
  /** σ: own risk. */
  readonly sigma: bigint;
  /** γ: close-out charge of a small position. */
  readonly gamma: bigint;
  /** κ: its growth with size over depth. */
  readonly kappa: bigint;
}

/** Rates on their way from one set to another, and the group of the asset. */
export interface RiskParameters {
  readonly from: RiskRates;
  readonly to: RiskRates;
  /** Unix seconds. */
  readonly start: bigint;
  /** Seconds; 0 means `to` holds already. */
  readonly duration: bigint;
  /** Below `MAX_GROUPS`. */
  readonly group: number;
}

/** What a market allows on a fill, in the order of the contract's enum. */
export const MARKET_STATUSES = ["None", "Active", "ReduceOnly", "Closing", "Closed"] as const;

export type MarketStatus = (typeof MARKET_STATUSES)[number];

export interface SizeParameters {
  /** D, base units, WAD. */
  readonly depth: bigint;
  /** Largest open interest of a side, base units, WAD. */
  readonly openInterestCap: bigint;
  /** The same as a share of the pool's value, 1e-6. */
  readonly openInterestShare: bigint;
  readonly status: MarketStatus;
}

export interface TradeParameters {
  /** Largest |S| that a fill may leave behind by widening it, base units, WAD. */
  readonly skewCap: bigint;
  /** 1e-6 of the notional. */
  readonly takerFee: bigint;
  /** 1e-6 of the notional. */
  readonly makerFee: bigint;
  /** Bound of the funding rate, WAD per day; a multiple of 1e9. */
  readonly maxFundingRate: bigint;
  /** v, WAD per day²; a multiple of 1e9. */
  readonly fundingVelocity: bigint;
  /** w: weight of a position's profit in initial equity, 1e-6. */
  readonly profitWeight: bigint;
  /** The lot is 10^lotExponent of WAD. */
  readonly lotExponent: bigint;
  /** What insurance pays for deficits of the market within a day, WAD of settlement token; a multiple of 100 units. */
  readonly insuranceCap: bigint;
}

/** 1e-6 where no unit is given. */
export interface GlobalParameters {
  /** m: share of β and σ that counts for maintenance. */
  readonly maintenanceFactor: bigint;
  /** λ_I: largest shortfall at an initial check, of the collateral's value. */
  readonly shortfallInitial: bigint;
  /** λ_M: shortfall above which anyone may convert collateral. */
  readonly shortfallMaintenance: bigint;
  /** Share of trading fees that goes to the protocol. */
  readonly protocolFeeShare: bigint;
  /** Share of trading fees that goes to insurance; the pool gets what is left. */
  readonly insuranceFeeShare: bigint;
  /** Age beyond which the pool mark no longer serves the caps, seconds. */
  readonly markMaxAge: bigint;
  /** τ: a liquidation may bring the account up to R_M + τ·(R_I − R_M). */
  readonly liquidationTarget: bigint;
  /** φ: penalty per unit of maintenance requirement removed. */
  readonly liquidationPenalty: bigint;
  /** Share of the penalty that goes to the liquidator; insurance gets what is left. */
  readonly liquidatorShare: bigint;
  /** Equity over R_M below which an account may be closed whole. */
  readonly deepLoss: bigint;
  /** Largest discount, of the notional, at which positions are taken over; at most 65,535. */
  readonly takeoverDiscount: bigint;
}

/** What the protocol's own money follows. Amounts are WAD of settlement token, multiples of a cent. */
export interface MoneyParameters {
  /** Least notional that a fill may leave open. */
  readonly minNotional: bigint;
  /** R_M below which an account may be closed whole. */
  readonly smallRequirement: bigint;
  /** Paid by insurance to whoever closes an account without equity. */
  readonly flatReward: bigint;
  /** What insurance pays within a day for deficits that no market has caused. */
  readonly unattributedCap: bigint;
  /** Utilisation from which the borrow rate rises to `borrowRateFull`, 1e-6. */
  readonly borrowKink: bigint;
  /** Borrow rate at the kink, 1e-6 per year. */
  readonly borrowRateKink: bigint;
  /** Borrow rate when everything is lent, 1e-6 per year. */
  readonly borrowRateFull: bigint;
  /** What a market may owe its traders before it is deleveraged, 1e-6 of the pool mark. */
  readonly lossBudget: bigint;
}

export interface CollateralParameters {
  /** Index of the asset that the token is priced as. */
  readonly asset: number;
  /** Discount at which a liquidation sells it, 1e-6. */
  readonly saleDiscount: bigint;
  /** The lot of a sale is 10^lotExponent of WAD. */
  readonly lotExponent: bigint;
  readonly listed: boolean;
}

/** ρ of each group, 1e-6; as many entries as `MAX_GROUPS`. */
export type GroupParameters = readonly bigint[];

export const MAX_GROUPS = 10;
const CENT = WAD / 100n;
const INSURANCE_UNIT = 100n * WAD;
/** Funding parameters are stored in 1e-9. */
const NANO = 10n ** 9n;

/** The rates at `now` (unix seconds), each rounded up. Mirrors `rates`. */
export function ratesUp(risk: RiskParameters, now: bigint): RiskRates {
  const { from, to, start, duration } = risk;
  const sinceStart = now > start ? now - start : 0n;
  if (sinceStart >= duration) return to;
  const at = (rate: keyof RiskRates): bigint =>
    (from[rate] * (duration - sinceStart) + to[rate] * sinceStart + duration - 1n) / duration;
  return { beta: at("beta"), sigma: at("sigma"), gamma: at("gamma"), kappa: at("kappa") };
}

/** Smallest step of size that a liquidation is judged by, base units, WAD. Mirrors `lot`. */
export function lotOf(trade: TradeParameters): bigint {
  return 10n ** trade.lotExponent;
}

/** Smallest step of a sale that a liquidation is judged by, WAD. Mirrors `saleLot`. */
export function saleLotOf(collateral: CollateralParameters): bigint {
  return 10n ** collateral.lotExponent;
}

/** ρ of `group`, 1e-6. Mirrors `hedgeFloor`. Throws a RangeError for a group that does not exist. */
export function hedgeFloorOf(groups: GroupParameters, group: number): bigint {
  const floor = groups[group];
  if (floor === undefined) throw new RangeError(`no group ${String(group)}`);
  return floor;
}

/** Unpacks a `RiskParameters` word. */
export function decodeRisk(word: bigint): RiskParameters {
  return {
    from: decodeRates(word, 0),
    to: decodeRates(word, 96),
    start: readUint(word, 192, 32),
    duration: readUint(word, 224, 24),
    group: Number(readUint(word, 248, 8)),
  };
}

/** Packs as `toRiskParameters`. Throws a RangeError for a field that is too wide. */
export function encodeRisk(risk: RiskParameters): bigint {
  return (
    encodeRates(risk.from, 0) |
    encodeRates(risk.to, 96) |
    writeUint(risk.start, 192, 32) |
    writeUint(risk.duration, 224, 24) |
    writeUint(BigInt(risk.group), 248, 8)
  );
}

/** Unpacks a `SizeParameters` word. Throws a RangeError for a status that the contract's enum does not have. */
export function decodeSizes(word: bigint): SizeParameters {
  const status = MARKET_STATUSES[Number(readUint(word, 248, 8))];
  if (status === undefined) throw new RangeError(`unknown market status in ${String(word)}`);
  return {
    depth: readUint(word, 0, 112),
    openInterestCap: readUint(word, 112, 112),
    openInterestShare: readUint(word, 224, 24),
    status,
  };
}

/** Packs as `toSizeParameters`. Throws a RangeError for a field that is too wide. */
export function encodeSizes(sizes: SizeParameters): bigint {
  return (
    writeUint(sizes.depth, 0, 112) |
    writeUint(sizes.openInterestCap, 112, 112) |
    writeUint(sizes.openInterestShare, 224, 24) |
    writeUint(BigInt(MARKET_STATUSES.indexOf(sizes.status)), 248, 8)
  );
}

/** Unpacks a `TradeParameters` word. */
export function decodeTrade(word: bigint): TradeParameters {
  return {
    skewCap: readUint(word, 0, 112),
    takerFee: readUint(word, 112, 16),
    makerFee: readUint(word, 128, 16),
    maxFundingRate: readUint(word, 144, 32) * NANO,
    fundingVelocity: readUint(word, 176, 32) * NANO,
    profitWeight: readUint(word, 208, 24),
    lotExponent: readUint(word, 232, 8),
    insuranceCap: readUint(word, 240, 16) * INSURANCE_UNIT,
  };
}

/** Packs as `toTradeParameters`, dropping what is below 1e-9 of a rate or 100 units of money. Throws a RangeError for a
 * field that is too wide. */
export function encodeTrade(trade: TradeParameters): bigint {
  return (
    writeUint(trade.skewCap, 0, 112) |
    writeUint(trade.takerFee, 112, 16) |
    writeUint(trade.makerFee, 128, 16) |
    writeUint(trade.maxFundingRate / NANO, 144, 32) |
    writeUint(trade.fundingVelocity / NANO, 176, 32) |
    writeUint(trade.profitWeight, 208, 24) |
    writeUint(trade.lotExponent, 232, 8) |
    writeUint(trade.insuranceCap / INSURANCE_UNIT, 240, 16)
  );
}

/** Names of the fields of the word of globals, from the lowest: 24 bits each, the last one 16. */
export const GLOBAL_FIELDS = [
  "maintenanceFactor",
  "shortfallInitial",
  "shortfallMaintenance",
  "protocolFeeShare",
  "insuranceFeeShare",
  "markMaxAge",
  "liquidationTarget",
  "liquidationPenalty",
  "liquidatorShare",
  "deepLoss",
  "takeoverDiscount",
] as const satisfies readonly (keyof GlobalParameters)[];

/** Unpacks a `GlobalParameters` word. */
export function decodeGlobals(word: bigint): GlobalParameters {
  const fields = GLOBAL_FIELDS.map((name, position) => [name, readUint(word, 24 * position, widthOf(name))] as const);
  return Object.fromEntries(fields) as Record<(typeof GLOBAL_FIELDS)[number], bigint>;
}

/** Packs a `GlobalParameters` word. Throws a RangeError for a field that is too wide. */
export function encodeGlobals(globals: GlobalParameters): bigint {
  return GLOBAL_FIELDS.reduce(
    (word, name, position) => word | writeUint(globals[name], 24 * position, widthOf(name)),
    0n,
  );
}

function widthOf(name: (typeof GLOBAL_FIELDS)[number]): number {
  return name === "takeoverDiscount" ? 16 : 24;
}

/** Unpacks a `MoneyParameters` word. */
export function decodeMoney(word: bigint): MoneyParameters {
  return {
    minNotional: readUint(word, 0, 32) * CENT,
    smallRequirement: readUint(word, 32, 32) * CENT,
    flatReward: readUint(word, 64, 32) * CENT,
    unattributedCap: readUint(word, 96, 32) * CENT,
    borrowKink: readUint(word, 128, 24),
    borrowRateKink: readUint(word, 152, 24),
    borrowRateFull: readUint(word, 176, 24),
    lossBudget: readUint(word, 200, 24),
  };
}

/** Packs as `toMoneyParameters`, dropping fractions of a cent. Throws a RangeError for a field that is too wide. */
export function encodeMoney(money: MoneyParameters): bigint {
  return (
    writeUint(money.minNotional / CENT, 0, 32) |
    writeUint(money.smallRequirement / CENT, 32, 32) |
    writeUint(money.flatReward / CENT, 64, 32) |
    writeUint(money.unattributedCap / CENT, 96, 32) |
    writeUint(money.borrowKink, 128, 24) |
    writeUint(money.borrowRateKink, 152, 24) |
    writeUint(money.borrowRateFull, 176, 24) |
    writeUint(money.lossBudget, 200, 24)
  );
}

/** Unpacks a `CollateralParameters` word. */
export function decodeCollateral(word: bigint): CollateralParameters {
  return {
    asset: Number(readUint(word, 0, 8)),
    saleDiscount: readUint(word, 8, 24),
    lotExponent: readUint(word, 32, 8),
    listed: word >> 40n !== 0n,
  };
}

/** Packs as `toCollateralParameters`. Throws a RangeError for a field that is too wide. */
export function encodeCollateral(collateral: CollateralParameters): bigint {
  return (
    writeUint(BigInt(collateral.asset), 0, 8) |
    writeUint(collateral.saleDiscount, 8, 24) |
    writeUint(collateral.lotExponent, 32, 8) |
    writeUint(collateral.listed ? 1n : 0n, 40, 1)
  );
}

/** Unpacks a `GroupParameters` word. */
export function decodeGroups(word: bigint): GroupParameters {
  return Array.from({ length: MAX_GROUPS }, (_, group) => readUint(word, 24 * group, 24));
}

/** Packs a `GroupParameters` word. Throws a RangeError for too many groups or a field that is too wide. */
export function encodeGroups(groups: GroupParameters): bigint {
  if (groups.length > MAX_GROUPS) throw new RangeError(`${String(groups.length)} groups, at most 10`);
  return groups.reduce((word, floor, group) => word | writeUint(floor, 24 * group, 24), 0n);
}

function decodeRates(word: bigint, offset: number): RiskRates {
  return {
    beta: readUint(word, offset, 24),
    sigma: readUint(word, offset + 24, 24),
    gamma: readUint(word, offset + 48, 24),
    kappa: readUint(word, offset + 72, 24),
  };
}

function encodeRates(rates: RiskRates, offset: number): bigint {
  return (
    writeUint(rates.beta, offset, 24) |
    writeUint(rates.sigma, offset + 24, 24) |
    writeUint(rates.gamma, offset + 48, 24) |
    writeUint(rates.kappa, offset + 72, 24)
  );
}
