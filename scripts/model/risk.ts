/** The one risk formula, for collateral and positions together: `contracts/libraries/Risk.sol`. */
import { abs, divFloor, divUp, max, mulDivUp, PPM, WAD } from "./fixed.ts";
import { decodeFunding, type Funding } from "./funding.ts";
import {
  decodeRisk,
  decodeSizes,
  decodeTrade,
  type GlobalParameters,
  type GroupParameters,
  hedgeFloorOf,
  MAX_GROUPS,
  ratesUp,
  type RiskParameters,
  type RiskRates,
  type SizeParameters,
  type TradeParameters,
} from "./parameters.ts";
import { decodePrice, endOf, type Price } from "./price.ts";

/** All that an account holds in one asset, with the asset's price and parameters. */
export interface Exposure {
  /** Index of the asset. */
  readonly asset: number;
  readonly price: Price;
  /** s, base units, WAD. */
  readonly size: bigint;
  /** q, WAD of settlement token. */
  readonly quote: bigint;
  /** k, base units, WAD. */
  readonly collateral: bigint;
  /** Accrued to the time of the valuation. */
  readonly funding: Funding;
  readonly risk: RiskParameters;
  readonly sizes: SizeParameters;
  readonly trade: TradeParameters;
}

/** An account's value and risk, WAD of settlement token. */
export interface Terms {
  /** E, holdings rounded down. */
  readonly equity: bigint;
  /** E with profits at their weight. */
  readonly weighted: bigint;
  /** U. */
  readonly unrealised: bigint;
  readonly unrealisedWeighted: bigint;
  /** Σ k·P. */
  readonly collateralValue: bigint;
  /** Σ R_g + Σ σ·|x|, rounded up. */
  readonly base: bigint;
  /** Σ γ(|s|)·|s|·P + γ(k)·k·P, rounded up. */
  readonly closeOut: bigint;
}

/** The end of each price interval that is worse for the account (initial checks), or better (liquidation). */
export type End = "worse" | "better";

export interface Valuation {
  readonly exposures: readonly Exposure[];
  /** c, WAD; negative is debt. */
  readonly cash: bigint;
  readonly groups: GroupParameters;
  /** Unix seconds; picks the rates inside a ramp. */
  readonly time: bigint;
  readonly end: End;
}

/** β·x, σ·x and γ·y are sums of 1e-6 · WAD · WAD. */
const RISK_SCALE = PPM * WAD;

/**
 * Values an account. Values round down for each holding, requirements up for each sum; dead collateral counts nothing.
 * Mirrors `Risk.assess`. Throws a RangeError for a group that does not exist or a depth of zero.
 */
export function assess({ exposures, cash, groups, time, end }: Valuation): Terms {
  const net = new Array<bigint>(MAX_GROUPS).fill(0n);
  const gross = new Array<bigint>(MAX_GROUPS).fill(0n);
  let own = 0n;
  let closeOut = 0n;
  let unrealised = 0n;
  let unrealisedWeighted = 0n;
  let collateralValue = 0n;
  for (const exposure of exposures) {
    const { size, sizes } = exposure;
    const held = exposure.price.dead ? 0n : exposure.collateral;
    const { price, closePrice } = valuationPrices(exposure, end);
    const rates = ratesUp(exposure.risk, time);
    const { group } = exposure.risk;
    const x = (size + held) * price;
    net[group] = at(net, group) + x * rates.beta;
    gross[group] = at(gross, group) + abs(x) * rates.beta;
    own += abs(x) * rates.sigma;
    if (size !== 0n) {
      closeOut += closeOutUp({ amount: abs(size), price: closePrice, rates, depth: sizes.depth });
      const value = valueFloor(exposure, price);
      unrealised += value;
      unrealisedWeighted += weightedFloor(exposure, value);
    }
    if (held !== 0n) {
      closeOut += closeOutUp({ amount: held, price: closePrice, rates, depth: sizes.depth });
      collateralValue += (held * price) / WAD;
    }
  }
  let base = divUp(own, RISK_SCALE);
  for (let group = 0; group < MAX_GROUPS; ++group) {
    const hedged = at(gross, group) * hedgeFloorOf(groups, group);
    const outright = abs(at(net, group)) * PPM;
    base += divUp(max(outright, hedged), RISK_SCALE * PPM);
  }
  const firm = cash + collateralValue;
  return {
    equity: firm + unrealised,
    weighted: firm + unrealisedWeighted,
    unrealised,
    unrealisedWeighted,
    collateralValue,
    base,
    closeOut: divUp(closeOut, RISK_SCALE),
  };
}

/** R_I = base + 1.5·closeOut, WAD, rounded up. Mirrors `Risk.initial`. */
export function initialUp(terms: Terms): bigint {
  return terms.base + divUp(3n * terms.closeOut, 2n);
}

/** R_M = m·base + closeOut, WAD, rounded up. Mirrors `Risk.maintenance`. */
export function maintenanceUp(terms: Terms, globals: GlobalParameters): bigint {
  return mulDivUp(terms.base, globals.maintenanceFactor, PPM) + terms.closeOut;
}

/** h = max(0, −(c + U)), profits at their weight: what the account owes against its collateral, WAD. Mirrors
 * `Risk.shortfall`. */
export function shortfall(terms: Terms): bigint {
  return max(0n, terms.collateralValue - terms.weighted);
}

/** Whether equity, profits weighted, covers the initial requirement and the shortfall is within λ_I. Mirrors
 * `Risk.meetsInitial`. */
export function meetsInitial(terms: Terms, globals: GlobalParameters): boolean {
  return (
    terms.weighted >= initialUp(terms) && shortfall(terms) * PPM <= terms.collateralValue * globals.shortfallInitial
  );
}

/** Value of a position at `price` (WAD), rounded down: s·(P − F) + q. Mirrors `Risk.valueFloor`. */
export function valueFloor({ size, quote, funding }: Exposure, price: bigint): bigint {
  return divFloor(size * (price - funding.index), WAD) + quote;
}

/**
 * The ends of the price interval that `assess` values an exposure and its close-out at, WAD. Mirrors `Risk._endsOf`: the
 * sign of k + s picks the better end, the lower weighted equity the worse one; closing costs more at the upper end.
 */
export function valuationPrices(exposure: Exposure, end: End): { price: bigint; closePrice: bigint } {
  const { size, price } = exposure;
  const held = price.dead ? 0n : exposure.collateral;
  const [low, high] = [endOf(price, "lower"), endOf(price, "upper")];
  if (end === "better") return { price: size + held >= 0n ? high : low, closePrice: low };
  const weightedAt = (at: bigint): bigint => (held * at) / WAD + weightedFloor(exposure, valueFloor(exposure, at));
  return { price: weightedAt(low) <= weightedAt(high) ? low : high, closePrice: high };
}

/** A position's value with its profit at the profit weight, rounded down. Mirrors `Risk._weightedFloor`. */
function weightedFloor({ trade }: Exposure, value: bigint): bigint {
  return value > 0n ? divFloor(value * trade.profitWeight, PPM) : value;
}

/** Decodes an exposure as `ClearingHouse.snapshot` returns it. */
export function decodeExposure(raw: {
  asset: bigint;
  price: bigint;
  size: bigint;
  quote: bigint;
  collateral: bigint;
  funding: bigint;
  risk: bigint;
  sizes: bigint;
  trade: bigint;
}): Exposure {
  return {
    asset: Number(raw.asset),
    price: decodePrice(raw.price),
    size: raw.size,
    quote: raw.quote,
    collateral: raw.collateral,
    funding: decodeFunding(raw.funding),
    risk: decodeRisk(raw.risk),
    sizes: decodeSizes(raw.sizes),
    trade: decodeTrade(raw.trade),
  };
}

/** (γ·y + κ·y²/(2D))·P, in 1e-6 · WAD · WAD, rounded up. Mirrors `Risk._closeOut`. */
function closeOutUp({
  amount,
  price,
  rates,
  depth,
}: {
  amount: bigint;
  price: bigint;
  rates: RiskRates;
  depth: bigint;
}): bigint {
  const value = amount * price;
  return value * rates.gamma + mulDivUp(value * rates.kappa, amount, 2n * depth);
}

function at(values: readonly bigint[], position: number): bigint {
  const value = values[position];
  if (value === undefined) throw new RangeError(`no group ${String(position)}`);
  return value;
}
