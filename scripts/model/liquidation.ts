/**
 * What a liquidation does and whether the contract accepts it: `contracts/libraries/Liquidations.sol`.
 *
 * The search for a basket is in `liquidationSearch.ts`.
 */
import { abs, max, min, mulDivDown, mulDivUp, PPM, WAD } from "./fixed.ts";
import { fill, splitFees } from "./fill.ts";
import {
  type CollateralParameters,
  type GlobalParameters,
  type GroupParameters,
  lotOf,
  type MoneyParameters,
  saleLotOf,
} from "./parameters.ts";
import { isLiquidatable } from "./price.ts";
import { assess, type Exposure, initialUp, maintenanceUp, type Terms } from "./risk.ts";

/** A collateral token that an account holds. */
export interface Holding {
  /** Index of the token. */
  readonly token: number;
  /** WAD. */
  readonly amount: bigint;
  readonly parameters: CollateralParameters;
}

/** All that a liquidation depends on. Money is WAD of settlement token. */
export interface LiquidationState {
  readonly exposures: readonly Exposure[];
  readonly cash: bigint;
  readonly holdings: readonly Holding[];
  /** S of each market by asset, base units, WAD. */
  readonly skews: ReadonlyMap<number, bigint>;
  readonly globals: GlobalParameters;
  readonly groups: GroupParameters;
  readonly money: MoneyParameters;
  /** Unix seconds. */
  readonly time: bigint;
  /** USD price of the settlement token, WAD; 0 where it is refused. */
  readonly settlementPrice: bigint;
  readonly insurance: bigint;
  /** Its escrow keeps a debt from being forgiven; none by default. */
  readonly hasPendingOrder?: boolean;
}

/** `delta` in base units, WAD, has the other sign than the position. */
export interface Reduction {
  readonly asset: number;
  readonly delta: bigint;
}

/** `amount` is WAD. */
export interface Sale {
  readonly token: number;
  readonly amount: bigint;
}

export interface Basket {
  readonly reductions: readonly Reduction[];
  readonly sales: readonly Sale[];
}

/** Named as the errors of the contract. */
export type LiquidationRefusal =
  | "Healthy"
  | "DuplicateLeg"
  | "NotASlice"
  | "NotLiquidatable"
  | "PositionTooSmall"
  | "InsufficientCollateral"
  | "UnknownMarket"
  | "HealthNotImproved"
  | "TargetPassed";

/** A basket that cannot even be carried out. */
export class BasketRefused extends Error {
  readonly reason: LiquidationRefusal;

  constructor(reason: LiquidationRefusal) {
    super(`liquidation refused: ${reason}`);
    this.reason = reason;
  }
}

/** WAD of settlement token. */
export interface LiquidationOutcome {
  readonly equityBefore: bigint;
  readonly maintenanceBefore: bigint;
  readonly equityAfter: bigint;
  readonly maintenanceAfter: bigint;
  /** R_M + τ·(R_I − R_M) of what is left, rounded up. */
  readonly target: bigint;
  /** Paid by the account. */
  readonly penalty: bigint;
  /** Paid by the account to the buyer of its collateral. */
  readonly discount: bigint;
  /** Received by the liquidator, discount apart. */
  readonly reward: bigint;
  /** Booked as bad debt. */
  readonly deficit: bigint;
  /** What insurance pays of the deficit. */
  readonly fromInsurance: bigint;
  /** Change of insurance: its shares of fees and penalty, less a flat reward and what it pays of the deficit. */
  readonly insuranceChange: bigint;
  /** What the liquidator pays for collateral, before the discount. */
  readonly proceeds: bigint;
  readonly fees: bigint;
  /** Moved from the quotes of the positions to cash, and the opposite to the pool's base. */
  readonly realised: bigint;
  readonly cash: bigint;
  readonly exposures: readonly Exposure[];
  /** The check at the end that the contract would fail, if any. */
  readonly refusal: LiquidationRefusal | undefined;
}

/**
 * Carries a basket out. Mirrors `Liquidations.liquidate`, with a liquidator whose cash suffices.
 * Throws BasketRefused where a leg is not allowed at all; what the contract checks at its end is in `refusal`.
 */
export function liquidate(state: LiquidationState, basket: Basket): LiquidationOutcome {
  const before = terms(state, state.exposures, state.cash);
  const equityBefore = before.equity;
  const maintenanceBefore = maintenanceUp(before, state.globals);
  const open = state.holdings.some(({ amount }) => amount !== 0n) || state.exposures.some(({ size }) => size !== 0n);
  if (equityBefore > maintenanceBefore || !(open || state.cash < 0n)) throw new BasketRefused("Healthy");

  const run = new Run(state);
  const legs = new Set(basket.reductions.map(({ asset }) => asset));
  const tokens = new Set(basket.sales.map(({ token }) => token));
  if (legs.size !== basket.reductions.length || tokens.size !== basket.sales.length) {
    throw new BasketRefused("DuplicateLeg");
  }
  for (const reduction of basket.reductions) run.reduce(reduction);
  for (const sale of basket.sales) run.sell(sale);
  const after = terms(state, run.exposures, run.cash);
  const maintenanceAfter = maintenanceUp(after, state.globals);
  const closed = run.closed();
  const { penalty, discount, reward, toInsurance } = charge({
    state,
    equity: equityBefore,
    equityFilled: after.equity,
    maintenanceBefore,
    maintenanceAfter,
    wished: run.discount,
    closed,
  });
  const cash = run.cash - penalty - discount;
  const deficit = closed && cash < 0n && state.hasPendingOrder !== true ? -cash : 0n;
  const gained = toInsurance + splitFees(run.fees, state.globals).insurance;
  const fromInsurance = min(deficit, state.insurance + gained);
  const equityAfter = after.equity - penalty - discount;
  const outcome = {
    equityBefore,
    maintenanceBefore,
    equityAfter,
    maintenanceAfter,
    target: targetUp(after, state.globals),
    penalty,
    discount,
    reward,
    deficit,
    fromInsurance,
    insuranceChange: gained - fromInsurance,
    proceeds: run.proceeds,
    fees: run.fees,
    realised: run.realised,
    cash: cash + deficit,
    exposures: run.exposures,
  };
  return { ...outcome, refusal: verify(state, basket, { ...outcome, closed }) };
}

/** R_M + τ·(R_I − R_M), WAD, rounded up: equity up to which a liquidation may bring an account. */
export function targetUp(after: Terms, globals: GlobalParameters): bigint {
  const maintenance = maintenanceUp(after, globals);
  return maintenance + mulDivUp(initialUp(after) - maintenance, globals.liquidationTarget, PPM);
}

/** Whether a small account or a deep loss lets the whole account be closed at once. Mirrors `_mayCloseWhole`. */
export function mayCloseWhole(
  { globals, money }: Pick<LiquidationState, "globals" | "money">,
  { equity, maintenance }: { equity: bigint; maintenance: bigint },
): boolean {
  return maintenance <= money.smallRequirement || equity * PPM <= maintenance * globals.deepLoss;
}

/** Terms at the better ends: doubt about a price never liquidates anyone. Mirrors `_assess`. */
function terms(state: LiquidationState, exposures: readonly Exposure[], cash: bigint): Terms {
  return assess({ exposures, cash, groups: state.groups, time: state.time, end: "better" });
}

/** Mirrors `_charge`: penalty and discount come out of max(E, 0), before and after the fills, pro rata to the requirement removed. */
function charge({
  state,
  equity,
  equityFilled,
  maintenanceBefore,
  maintenanceAfter,
  wished,
  closed,
}: {
  state: LiquidationState;
  equity: bigint;
  equityFilled: bigint;
  maintenanceBefore: bigint;
  maintenanceAfter: bigint;
  wished: bigint;
  closed: boolean;
}): { penalty: bigint; discount: bigint; reward: bigint; toInsurance: bigint } {
  if (equity <= 0n) {
    const reward = closed ? min(min(state.money.flatReward, maintenanceBefore), state.insurance) : 0n;
    return { penalty: 0n, discount: 0n, reward, toInsurance: -reward };
  }
  const relief = max(0n, maintenanceBefore - maintenanceAfter);
  const bound = mulDivDown(max(min(equity, equityFilled), 0n), relief, maintenanceBefore);
  const discount = min(wished, bound);
  const penalty = min(mulDivDown(relief, state.globals.liquidationPenalty, PPM), bound - discount);
  const reward = mulDivDown(penalty, state.globals.liquidatorShare, PPM);
  return { penalty, discount, reward, toInsurance: penalty - reward };
}

/** Mirrors the checks at the end of `liquidate`. */
function verify(
  state: LiquidationState,
  basket: Basket,
  outcome: Omit<LiquidationOutcome, "refusal"> & { closed: boolean },
): LiquidationRefusal | undefined {
  const { equityBefore, maintenanceBefore, equityAfter, maintenanceAfter, deficit, closed } = outcome;
  if (equityAfter - maintenanceAfter <= equityBefore - maintenanceBefore && deficit === 0n) return "HealthNotImproved";
  if (closed && mayCloseWhole(state, { equity: equityBefore, maintenance: maintenanceBefore })) return undefined;
  return equityAfter < targetWithOneLotMore(state, basket, outcome) ? undefined : "TargetPassed";
}

/** The target with one lot more of every leg left open; equity must not reach it. A leg that is closed may have been
 * the least that a position can be. Mirrors `_requireTargetNotPassed`. */
function targetWithOneLotMore(
  state: LiquidationState,
  basket: Basket,
  { exposures, cash }: Pick<LiquidationOutcome, "exposures" | "cash">,
): bigint {
  const reopened = new Map(exposures.map((exposure) => [exposure.asset, exposure]));
  for (const { asset, delta } of basket.reductions) {
    const exposure = exposureTo(reopened, asset);
    const least = exposure.size === 0n ? leastSizeUp(state.money, exposure) : 0n;
    const step = min(max(lotOf(exposure.trade), least), abs(delta));
    reopened.set(asset, { ...exposure, size: exposure.size + (delta < 0n ? step : -step) });
  }
  for (const { token, amount } of basket.sales) {
    const { parameters } = holdingOf(state.holdings, token);
    const exposure = exposureTo(reopened, parameters.asset);
    const collateral = exposure.collateral + min(saleLotOf(parameters), amount);
    reopened.set(parameters.asset, { ...exposure, collateral });
  }
  return targetUp(terms(state, [...reopened.values()], cash), state.globals);
}

/** Least size that a position may be left with at the last price, base units, WAD. */
export function leastSizeUp({ minNotional }: MoneyParameters, { price }: Exposure): bigint {
  return mulDivUp(minNotional, WAD, price.last);
}

function exposureTo(exposures: ReadonlyMap<number, Exposure>, asset: number): Exposure {
  const exposure = exposures.get(asset);
  if (exposure === undefined) throw new BasketRefused("UnknownMarket");
  return exposure;
}

function holdingOf(holdings: readonly Holding[], token: number): Holding {
  const holding = holdings.find((candidate) => candidate.token === token);
  if (holding === undefined) throw new BasketRefused("InsufficientCollateral");
  return holding;
}

/** An account in the middle of its liquidation. */
class Run {
  cash: bigint;
  fees = 0n;
  realised = 0n;
  proceeds = 0n;
  discount = 0n;
  readonly #state: LiquidationState;
  readonly #exposures: Map<number, Exposure>;
  readonly #skews: Map<number, bigint>;
  #holdings: readonly Holding[];

  constructor(state: LiquidationState) {
    this.#state = state;
    this.cash = state.cash;
    this.#exposures = new Map(state.exposures.map((exposure) => [exposure.asset, exposure]));
    this.#skews = new Map(state.skews);
    this.#holdings = state.holdings;
  }

  get exposures(): readonly Exposure[] {
    return [...this.#exposures.values()];
  }

  closed(): boolean {
    return this.exposures.every(({ size }) => size === 0n) && this.#holdings.every(({ amount }) => amount === 0n);
  }

  /** Mirrors `_reduce`. */
  reduce({ asset, delta }: Reduction): void {
    const exposure = exposureTo(this.#exposures, asset);
    const { size, price } = exposure;
    if (delta === 0n || size < 0n === delta < 0n || abs(delta) > abs(size)) throw new BasketRefused("NotASlice");
    if (!isLiquidatable(price)) throw new BasketRefused("NotLiquidatable");
    const filled = fill({ exposure, delta, price: price.last, skew: this.#skews.get(asset) ?? 0n });
    const left = abs(filled.exposure.size);
    if (left !== 0n && mulDivDown(left, price.last, WAD) < this.#state.money.minNotional) {
      throw new BasketRefused("PositionTooSmall");
    }
    this.#exposures.set(asset, filled.exposure);
    this.#skews.set(asset, filled.skew);
    this.cash += filled.realised - filled.fee;
    this.fees += filled.fee;
    this.realised += filled.realised;
  }

  /** Mirrors `_sell`: at the oracle's price over min(1, settlement token's price), rounded up. */
  sell({ token, amount }: Sale): void {
    const holding = holdingOf(this.#holdings, token);
    if (amount === 0n || amount > holding.amount) throw new BasketRefused("InsufficientCollateral");
    const { parameters } = holding;
    const exposure = exposureTo(this.#exposures, parameters.asset);
    const { settlementPrice } = this.#state;
    if (!isLiquidatable(exposure.price) || settlementPrice === 0n) throw new BasketRefused("NotLiquidatable");
    const proceeds = mulDivUp(amount, exposure.price.last, min(WAD, settlementPrice));
    this.#exposures.set(parameters.asset, { ...exposure, collateral: exposure.collateral - amount });
    this.#holdings = this.#holdings.map((other) =>
      other === holding ? { ...holding, amount: holding.amount - amount } : other,
    );
    this.cash += proceeds;
    this.proceeds += proceeds;
    this.discount += mulDivDown(proceeds, parameters.saleDiscount, PPM);
  }
}
