/** From what was measured to parameters that the listing invariants allow. */
import type { Asset, Parameters } from "../../deploy/parameters.ts";
import { max, min, PPM, WAD } from "../../model/fixed.ts";
import { STEWARD_BOUNDS } from "../../model/bounds.ts";
import type { GroupFit } from "./fit.ts";

/** What moves alone do not say. */
export interface Assumptions {
  /** By how much the depth of a stressed hour is less than the listed one. */
  readonly thin: number;
  /** Share of the open-interest cap that is closed at once. */
  readonly closing: number;
  /** Share of the open interest that stands at its maintenance requirement when a crash begins. */
  readonly exposed: number;
}

/** What was measured of one asset, beside the rates of its group. Shares. */
export interface Measured {
  /** Move from one round to the next at a high quantile. */
  readonly jump: number;
  /** Worst loss that was seen within the time that liquidations take. */
  readonly liquidationMove: number;
  /** USD. */
  readonly price: number;
  /** Rate of funding per day at the confidence; undefined: not measured. */
  readonly funding: number | undefined;
}

export interface Change {
  /** Of the parameter file. */
  readonly path: string;
  readonly before: bigint;
  readonly after: bigint;
  readonly reason: string;
}

/** Rates are written in tenths of a percent, γ in twentieths, jump limits in halves. */
const RATE = 1_000n;
const GAMMA = 500n;
const JUMP = 5_000n;
/** What the caps leave free of the listing invariant. */
const SLACK = 950_000n;
/** Skew cap ≤ D/100. */
const SKEW_SHARE = 100n;
/** v, 1e-9 per day²: faster lets an imbalanced book be harvested over days. */
const MOST_VELOCITY = 200_000_000n;
/** Digits of a cap. */
const DIGITS = 2;

/** Changes of the assets of a group whose prices are known. What stays as it is, is left out. */
export function proposeGroup(
  parameters: Parameters,
  fit: GroupFit,
  {
    measured,
    floor,
    assumptions,
  }: {
    measured: ReadonlyMap<string, Measured>;
    /** ρ that pairs need, as a share. */
    floor: (rates: readonly { readonly beta: number; readonly sigma: number }[]) => number;
    assumptions: Assumptions;
  },
): readonly Change[] {
  const { globals } = parameters;
  const m = Number(globals.maintenanceFactor) / Number(PPM);
  const drafts = fit.assets.map((found) => {
    const asset = assetOf(parameters, found.symbol);
    const own = measuredOf(measured, found.symbol);
    const sigma = bounded(upTo(found.sigma, RATE), STEWARD_BOUNDS.sigma);
    const { gamma, why } = gammaOf(parameters, asset, { sigma, assumptions });
    const jump = upTo(own.jump, JUMP);
    return { found, asset, own, sigma, gamma, why, jump };
  });

  // The shock that outright positions need, and the one that lets jump limits be what feeds do: J ≤ m·(β + σ) + γ.
  let [shock, because] = [0, "own risk alone"];
  for (const { found, asset, sigma, gamma, jump } of drafts) {
    const outright = (found.need - share(sigma)) / found.slope;
    if (outright > shock) [shock, because] = [outright, `outright ${found.symbol}`];
    const stepwise = ((share(jump) - share(gamma)) / m - share(sigma)) / found.slope;
    if (asset.listing.market && stepwise > shock) [shock, because] = [stepwise, `jump of ${found.symbol}`];
  }

  const rates = drafts.map(({ found, sigma }) => ({
    beta: bounded(upTo(found.slope * shock, RATE), STEWARD_BOUNDS.beta),
    sigma,
  }));
  const changes: Change[] = [];
  for (const [index, { asset, own, sigma, gamma, why, jump }] of drafts.entries()) {
    const { symbol, listing } = asset;
    const beta = rates[index]?.beta ?? 0n;
    const at = (rest: string): string => `assets.${symbol}.${rest}`;
    changes.push(
      { path: at("risk.beta"), before: listing.risk.beta, after: beta, reason: `shock of ${fit.group}: ${because}` },
      { path: at("risk.sigma"), before: listing.risk.sigma, after: sigma, reason: "residual at the confidence" },
      { path: at("risk.gamma"), before: listing.risk.gamma, after: gamma, reason: why },
    );
    if (!listing.market) continue;
    const maintenance = (globals.maintenanceFactor * (beta + sigma)) / PPM + gamma;
    const limit = min(max(jump, asset.limits.jump), maintenance - (maintenance % JUMP));
    const jumps = `rounds moved by ${percent(own.jump)}; at most μ = ${percent(share(maintenance))}`;
    changes.push({ path: at("feed.jump"), before: asset.limits.jump, after: limit, reason: jumps });
    changes.push(...capsOf(parameters, asset, { sigma, gamma, maintenance, own, assumptions }));
  }
  changes.push(
    ...floorOf(
      parameters,
      fit.group,
      floor(rates.map((rate) => ({ beta: share(rate.beta), sigma: share(rate.sigma) }))),
    ),
  );
  return changes.filter(({ before, after }) => before !== after);
}

/** γ: fee, what the feed may be off by, and the impact of a close at the depth of a stressed hour. */
function gammaOf(
  { globals, collaterals, assets }: Parameters,
  { listing, deviation, symbol }: Asset,
  { sigma, assumptions: { thin, closing } }: { sigma: bigint; assumptions: Assumptions },
): { gamma: bigint; why: string } {
  if (!listing.market) return { gamma: listing.risk.gamma, why: "" };
  const impact = (thin * closing * Number(listing.openInterestCap)) / (2 * Number(listing.depth));
  const cost = share(listing.takerFee + deviation) + impact;
  // A sale of collateral frees more than its discount: (1 − φ)·(γ + m·σ) > discount.
  const discounts = collaterals
    .filter(({ asset }) => assets[asset]?.symbol === symbol)
    .map(({ saleDiscount }) => saleDiscount);
  const free = Number(PPM - globals.liquidationPenalty) / Number(PPM);
  const own = share(globals.maintenanceFactor) * share(sigma);
  const forSales = Math.max(0, ...discounts.map((discount) => (share(discount) + 1e-6) / free - own));
  const gamma = bounded(upTo(Math.max(cost, forSales), GAMMA), STEWARD_BOUNDS.gamma);
  return { gamma, why: forSales > cost ? "discount of its sale" : `fee, deviation and ${percent(impact)} impact` };
}

/** Caps come down where the invariants or the insurance cap ask for it, and do not rise: they bound what a flaw may cost. */
function capsOf(
  { globals }: Parameters,
  { symbol, listing }: Asset,
  {
    sigma,
    gamma,
    maintenance,
    own,
    assumptions,
  }: {
    sigma: bigint;
    gamma: bigint;
    maintenance: bigint;
    own: Measured;
    assumptions: Assumptions;
  },
): readonly Change[] {
  const { depth, openInterestCap, skewCap, takerFee, insuranceCap, fundingVelocity } = listing;
  const relief = ((PPM - globals.liquidationPenalty) * (gamma * PPM + globals.maintenanceFactor * sigma)) / (PPM * PPM);
  const byRelief = max(0n, (((relief - takerFee) * depth) / PPM) * SLACK) / PPM;
  const overshoot = own.liquidationMove - share(maintenance);
  const insured = Number(insuranceCap / WAD) / (own.price * overshoot * assumptions.exposed);
  const byInsurance = overshoot > 0 ? BigInt(Math.floor(insured * 1e6)) * 10n ** 12n : openInterestCap;
  const cap = min(openInterestCap, min(roundDown(byRelief), roundDown(byInsurance)));
  const why =
    byInsurance < byRelief
      ? `insurance pays ${percent(overshoot)} beyond μ of what is exposed`
      : "a close frees more than it costs";
  const skew = min(skewCap, min(depth / SKEW_SHARE, cap));
  const at = (rest: string): string => `assets.${symbol}.market.${rest}`;
  const changes: Change[] = [
    { path: at("openInterestCap"), before: openInterestCap, after: cap, reason: why },
    { path: at("skewCap"), before: skewCap, after: skew, reason: "at most D/100 and the open interest" },
  ];
  if (own.funding !== undefined && skew > 0n) {
    // The rate that markets have charged is reached within a day at the skew cap.
    const velocity = own.funding / (Number(skew) / Number(depth));
    const after = min(MOST_VELOCITY, BigInt(Math.ceil(velocity * 1e4)) * 100_000n);
    const reason = `${percent(own.funding)} a day within a day at the skew cap`;
    changes.push({ path: at("fundingVelocity"), before: fundingVelocity, after, reason });
  }
  return changes;
}

/** ρ rises where pairs need it. Down it goes by the steward's hand alone. */
function floorOf(parameters: Parameters, group: string, needed: number): readonly Change[] {
  const index = parameters.groups.indexOf(group);
  const before = parameters.hedgeFloors[index] ?? PPM;
  const after = max(before, bounded(upTo(needed, 10n * RATE), STEWARD_BOUNDS.hedgeFloor));
  return [{ path: `groups.${group}.hedgeFloor`, before, after, reason: "pairs without net β" }];
}

function assetOf({ assets }: Parameters, symbol: string): Asset {
  const found = assets.find((asset) => asset.symbol === symbol);
  if (found === undefined) throw new RangeError(`no asset ${symbol}`);
  return found;
}

function measuredOf(measured: ReadonlyMap<string, Measured>, symbol: string): Measured {
  const found = measured.get(symbol);
  if (found === undefined) throw new RangeError(`nothing is measured of ${symbol}`);
  return found;
}

function share(rate: bigint): number {
  return Number(rate) / Number(PPM);
}

/** A share in 1e-6, rounded up to a multiple of `grain`. */
function upTo(value: number, grain: bigint): bigint {
  return BigInt(Math.ceil((value * Number(PPM)) / Number(grain) - 1e-9)) * grain;
}

function bounded(value: bigint, { minimum, maximum }: { minimum: bigint; maximum: bigint }): bigint {
  return max(minimum, min(maximum, value));
}

/** To two digits. */
function roundDown(value: bigint): bigint {
  const power = 10n ** BigInt(Math.max(0, String(value).length - DIGITS));
  return value - (value % power);
}

function percent(value: number): string {
  return `${(100 * value).toFixed(2)} %`;
}
