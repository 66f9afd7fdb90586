/** The rules that an account is held to: those that are listed, or the same ones without any credit between assets. */
import type { Asset, Parameters } from "../../deploy/parameters.ts";
import type {
  CollateralParameters,
  GlobalParameters,
  GroupParameters,
  MoneyParameters,
  RiskParameters,
  RiskRates,
  SizeParameters,
  TradeParameters,
} from "../../model/parameters.ts";
import { LabError } from "../errors.ts";

export interface AssetRules {
  readonly symbol: string;
  readonly risk: RiskParameters;
  readonly sizes: SizeParameters;
  readonly trade: TradeParameters;
}

export interface TokenRules {
  readonly symbol: string;
  readonly parameters: CollateralParameters;
}

/** In the units of the chain; assets and tokens in the order of their indices. */
export interface Rules {
  readonly assets: readonly AssetRules[];
  readonly tokens: readonly TokenRules[];
  readonly groups: GroupParameters;
  readonly globals: GlobalParameters;
  readonly money: MoneyParameters;
}

/** The rules of a parameter file, with no ramp under way. */
export function rulesOf({ assets, collaterals, hedgeFloors, globals, money }: Parameters): Rules {
  return {
    assets: assets.map(assetRules),
    tokens: collaterals.map(({ symbol, asset, saleDiscount, lotExponent }) => ({
      symbol,
      parameters: { asset, saleDiscount, lotExponent, listed: true },
    })),
    groups: hedgeFloors,
    globals,
    money,
  };
}

function assetRules({ symbol, listing }: Asset): AssetRules {
  const { risk, group, depth, openInterestCap, openInterestShare } = listing;
  return {
    symbol,
    risk: settled(risk, Number(group)),
    sizes: { depth, openInterestCap, openInterestShare, status: listing.market ? "Active" : "None" },
    trade: listing,
  };
}

/** Rates that hold already. */
export function settled(rates: RiskRates, group: number): RiskParameters {
  return { from: rates, to: rates, start: 0n, duration: 0n, group };
}

/**
 * Ordinary cross margin: every β is 0 and every σ is β + σ, so that a position alone needs to the wei what it needed
 * before, and no position hedges one in another asset. What is held and what is owed in one asset still net.
 */
export function withoutCredit(rules: Rules): Rules {
  const assets = rules.assets.map((asset) => {
    const { to, group } = asset.risk;
    return { ...asset, risk: settled({ ...to, beta: 0n, sigma: to.beta + to.sigma }, group) };
  });
  return { ...rules, assets };
}

/** Index of an asset. Throws a LabError for one that is not listed. */
export function assetIndex({ assets }: Rules, symbol: string): number {
  const index = assets.findIndex((asset) => asset.symbol === symbol);
  if (index < 0) throw new LabError(`no asset ${symbol} among ${assets.map((asset) => asset.symbol).join(", ")}`);
  return index;
}

/** Index of a collateral token. Throws a LabError for one that is not listed. */
export function tokenIndex({ tokens }: Rules, symbol: string): number {
  const index = tokens.findIndex((token) => token.symbol === symbol);
  if (index < 0) throw new LabError(`no collateral ${symbol} among ${tokens.map((token) => token.symbol).join(", ")}`);
  return index;
}
