/** Collateral that is sold because its owner owes too much against it: `contracts/libraries/Waterfall.sol`. */
import { max, min, mulDivDown, PPM } from "./fixed.ts";
import { type Holding, type LiquidationState, proceedsUp, type Sale, termsOf } from "./liquidation.ts";
import { saleLotOf } from "./parameters.ts";
import { isLiquidatable } from "./price.ts";
import { type Exposure, maintenanceUp, type Terms } from "./risk.ts";

/** Most that a conversion may cost its owner, 1e-6. */
const CONVERSION_DISCOUNT = 5_000n;

/** Named as the errors of the contract. */
export type ConversionRefusal =
  | "ShortfallWithinLimit"
  | "DuplicateLeg"
  | "InsufficientCollateral"
  | "NotLiquidatable"
  | "HealthNotImproved"
  | "TargetPassed";

export interface Conversion {
  /** Before, WAD. */
  readonly shortfall: bigint;
  /** What the buyer pays and the account gets, WAD. */
  readonly proceeds: bigint;
  readonly exposures: readonly Exposure[];
  readonly cash: bigint;
}

type ConversionState = Pick<
  LiquidationState,
  "exposures" | "cash" | "escrow" | "holdings" | "globals" | "groups" | "time" | "settlementPrice"
>;

/**
 * Sells collateral of an account with h > λ_M·Σ k·P at P/min(1, settlement token's price) less min(sale discount,
 * 0.5 %): with one lot of each sale less, h would still be above λ_I·Σ k·P, and E − R_M stays above 0, or does not fall
 * where it was not. At the better ends. Mirrors `Waterfall.convert`, with a buyer whose cash suffices; a refusal by name.
 */
export function convert(state: ConversionState, sales: readonly Sale[]): Conversion | ConversionRefusal {
  const before = termsOf(state);
  const { shortfall, limit } = shortfallOf(before, state.globals.shortfallMaintenance);
  if (shortfall <= limit) return "ShortfallWithinLimit";
  if (new Set(sales.map(({ token }) => token)).size !== sales.length) return "DuplicateLeg";

  const exposures = new Map(state.exposures.map((exposure) => [exposure.asset, exposure]));
  const reserved = new Map<number, bigint>();
  let proceeds = 0n;
  let unpaid = 0n;
  for (const { token, amount } of sales) {
    const sold = sell(state, { token, amount });
    if (typeof sold === "string") return sold;
    const { asset } = sold.holding.parameters;
    proceeds += sold.proceeds;
    unpaid += sold.unpaid;
    reserved.set(asset, (reserved.get(asset) ?? 0n) + sold.lot);
    moveCollateral(exposures, { asset, amount: -amount });
  }
  const after = { exposures: [...exposures.values()], cash: state.cash + proceeds };
  const margin = marginOf(before, state);
  const left = marginOf(termsOf({ ...state, ...after }), state);
  if (left <= 0n && left < margin) return "HealthNotImproved";

  for (const [asset, amount] of reserved) moveCollateral(exposures, { asset, amount });
  const oneLotLess = termsOf({ ...state, exposures: [...exposures.values()], cash: after.cash - unpaid });
  const end = shortfallOf(oneLotLess, state.globals.shortfallInitial);
  return end.shortfall > end.limit ? { shortfall, proceeds, ...after } : "TargetPassed";
}

/** What one sale yields, and what its last lot would have at the oracle's price. Mirrors `Waterfall._sell`. */
function sell(
  { exposures, holdings, settlementPrice }: ConversionState,
  { token, amount }: Sale,
): { holding: Holding; proceeds: bigint; lot: bigint; unpaid: bigint } | ConversionRefusal {
  const holding = holdings.find((candidate) => candidate.token === token);
  if (holding === undefined || amount === 0n || amount > holding.amount) return "InsufficientCollateral";
  const { parameters } = holding;
  const price = exposures.find(({ asset }) => asset === parameters.asset)?.price;
  if (price === undefined || !isLiquidatable(price) || settlementPrice === 0n) return "NotLiquidatable";
  const terms = { price: price.last, settlementPrice };
  const whole = proceedsUp(amount, terms);
  const discount = mulDivDown(whole, min(parameters.saleDiscount, CONVERSION_DISCOUNT), PPM);
  const lot = min(saleLotOf(parameters), amount);
  return { holding, proceeds: whole - discount, lot, unpaid: proceedsUp(lot, terms) };
}

/** h = max(0, −(c + U)) and what it may be, λ·Σ k·P, WAD, rounded down; profits count in full. Mirrors
 * `Waterfall._shortfall`. @param share λ, 1e-6. */
function shortfallOf({ equity, collateralValue }: Terms, share: bigint): { shortfall: bigint; limit: bigint } {
  return { shortfall: max(0n, collateralValue - equity), limit: mulDivDown(collateralValue, share, PPM) };
}

function marginOf(terms: Terms, { globals }: ConversionState): bigint {
  return terms.equity - maintenanceUp(terms, globals);
}

function moveCollateral(exposures: Map<number, Exposure>, { asset, amount }: { asset: number; amount: bigint }): void {
  const exposure = exposures.get(asset);
  if (exposure === undefined) throw new RangeError(`no exposure to asset ${String(asset)}`);
  exposures.set(asset, { ...exposure, collateral: exposure.collateral + amount });
}
