/**
 * What a liquidation does and whether the contract accepts it: `contracts/libraries/Liquidations.sol`.
 *
 * The search for a basket is in `liquidationSearch.ts`.
 */
import { abs, max, min, mulDivDown, mulDivUp, PPM, WAD } from "./fixed.ts";
import { UNATTRIBUTED } from "./deficit.ts";
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
  /** What insurance would still pay by market, `UNATTRIBUTED` included; without an entry all that it has. */
  readonly insuranceRooms?: ReadonlyMap<number, bigint>;
  /** While the grace after a deleveraging runs: the exposures as they would be without it. */
  readonly exposuresBefore?: readonly Exposure[];
  /** Keeps a debt from being forgiven; none by default. */
  readonly hasPendingOrder?: boolean;
  /** What its pending orders hold: the account's until they end; 0 by default. */
  readonly escrow?: bigint;
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
  | "InGrace"
  | "DuplicateLeg"
  | "NotASlice"
  | "NotLiquidatable"
  | "PositionTooSmall"
  | "InsufficientCollateral"
  | "UnknownMarket"
  | "HealthNotImproved"
  | "TargetPassed"
  | "NothingToTakeOver"
  | "InsufficientMargin";

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
  /** What of the reward insurance has paid. */
  readonly topUp: bigint;
  /** Booked as bad debt. */
  readonly deficit: bigint;
  /** The reduction with the greatest realised loss, which a deficit is charged to; else `UNATTRIBUTED`. */
  readonly market: number;
  /** What insurance pays of the deficit. */
  readonly fromInsurance: bigint;
  /** Change of insurance: its shares of fees and penalty, less what it pays of the reward and of the deficit. */
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
  const before = requireUnhealthy(state);
  const run = new LiquidationRun(state);
  requireDistinct(basket.reductions.map(({ asset }) => asset));
  requireDistinct(basket.sales.map(({ token }) => token));
  for (const reduction of basket.reductions) run.reduce(reduction);
  for (const sale of basket.sales) run.sell(sale);
  return settle(state, basket, { before, run });
}

/** Terms of an account that may be liquidated. Mirrors `_requireUnhealthy`; throws BasketRefused for any other. */
export function requireUnhealthy(state: LiquidationState): Terms {
  const before = termsOf(state);
  const open = state.holdings.some(({ amount }) => amount !== 0n) || state.exposures.some(({ size }) => size !== 0n);
  if (isHealthy(before, state) || !open) throw new BasketRefused("Healthy");
  const { exposuresBefore } = state;
  if (exposuresBefore !== undefined && isHealthy(termsOf({ ...state, exposures: exposuresBefore }), state)) {
    throw new BasketRefused("InGrace");
  }
  return before;
}

/** Throws BasketRefused where something occurs twice. */
export function requireDistinct(indices: readonly number[]): void {
  if (new Set(indices).size !== indices.length) throw new BasketRefused("DuplicateLeg");
}

/** Pays, books a deficit, and checks what the account is left with. Mirrors `_settle`. */
export function settle(
  state: LiquidationState,
  basket: Basket,
  { before, run }: { before: Terms; run: LiquidationRun },
): LiquidationOutcome {
  const equityBefore = before.equity;
  const maintenanceBefore = maintenanceUp(before, state.globals);
  const after = termsOf({ ...state, exposures: run.exposures, cash: run.cash });
  const maintenanceAfter = maintenanceUp(after, state.globals);
  const closed = run.closed();
  const { penalty, discount, reward, toInsurance } = charge({
    state,
    equity: equityBefore,
    equityFilled: after.equity,
    maintenanceBefore,
    maintenanceAfter,
    wished: run.discount,
  });
  const cash = run.cash - penalty - discount;
  const deficit = closed && cash < 0n && state.hasPendingOrder !== true ? -cash : 0n;
  const gained = toInsurance + splitFees(run.fees, state.globals).insurance;
  const { market } = run;
  // Whoever closes an account gets a flat reward at least, and insurance pays that before the deficit.
  const least = min(state.money.flatReward, maintenanceBefore);
  const floor = equityBefore > 0n ? min(least, penalty) : least;
  const lacking = closed ? max(0n, floor - reward) : 0n;
  const topUp = min(min(lacking, state.insurance + gained), roomOf(state, UNATTRIBUTED) ?? lacking);
  const room = roomOf(state, market);
  const left = room === undefined ? deficit : room - (market === UNATTRIBUTED ? topUp : 0n);
  const fromInsurance = min(min(deficit, state.insurance + gained - topUp), left);
  const equityAfter = after.equity - penalty - discount;
  const outcome = {
    equityBefore,
    maintenanceBefore,
    equityAfter,
    maintenanceAfter,
    target: targetUp(after, state.globals),
    penalty,
    discount,
    reward: reward + topUp,
    topUp,
    deficit,
    market,
    fromInsurance,
    insuranceChange: gained - topUp - fromInsurance,
    proceeds: run.proceeds,
    fees: run.fees,
    realised: run.realised,
    cash: cash + deficit,
    exposures: run.exposures,
  };
  return { ...outcome, refusal: verify(state, basket, { ...outcome, closed }) };
}

function isHealthy(account: Terms, { globals }: LiquidationState): boolean {
  return account.equity > maintenanceUp(account, globals);
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
export function termsOf({
  exposures,
  cash,
  escrow = 0n,
  groups,
  time,
}: Pick<LiquidationState, "exposures" | "cash" | "escrow" | "groups" | "time">): Terms {
  return assess({ exposures, cash: cash + escrow, groups, time, end: "better" });
}

function roomOf({ insuranceRooms }: LiquidationState, market: number): bigint | undefined {
  return insuranceRooms?.get(market);
}

/** Mirrors `_charge`, a flat reward apart: penalty and discount come out of max(E, 0), before and after the fills, pro rata to the requirement removed. */
function charge({
  state,
  equity,
  equityFilled,
  maintenanceBefore,
  maintenanceAfter,
  wished,
}: {
  state: LiquidationState;
  equity: bigint;
  equityFilled: bigint;
  maintenanceBefore: bigint;
  maintenanceAfter: bigint;
  wished: bigint;
}): { penalty: bigint; discount: bigint; reward: bigint; toInsurance: bigint } {
  if (equity <= 0n) return { penalty: 0n, discount: 0n, reward: 0n, toInsurance: 0n };
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
export function targetWithOneLotMore(
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
  return targetUp(termsOf({ ...state, exposures: [...reopened.values()], cash }), state.globals);
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
export class LiquidationRun {
  cash: bigint;
  fees = 0n;
  realised = 0n;
  proceeds = 0n;
  /** Wished for by sales and takeovers, before its bound, WAD. */
  discount = 0n;
  #worst = { market: UNATTRIBUTED, realised: 0n };
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

  /** The reduction with the greatest realised loss so far. */
  get market(): number {
    return this.#worst.market;
  }

  closed(): boolean {
    return this.exposures.every(({ size }) => size === 0n) && this.#holdings.every(({ amount }) => amount === 0n);
  }

  /** The position that a reduction is to shrink. Mirrors `_requireSlice`. */
  slice({ asset, delta }: Reduction): Exposure {
    const exposure = exposureTo(this.#exposures, asset);
    const { size, price } = exposure;
    if (delta === 0n || size < 0n === delta < 0n || abs(delta) > abs(size)) throw new BasketRefused("NotASlice");
    if (!isLiquidatable(price)) throw new BasketRefused("NotLiquidatable");
    return exposure;
  }

  /** Mirrors `_reduce`. */
  reduce(reduction: Reduction): void {
    const exposure = this.slice(reduction);
    const { asset, delta } = reduction;
    const filled = fill({ exposure, delta, price: exposure.price.last, skew: this.#skews.get(asset) ?? 0n });
    this.book(filled.exposure, filled);
    this.#skews.set(asset, filled.skew);
    this.fees += filled.fee;
  }

  /** Takes a shrunk position over, with what its change realised and cost. */
  book(exposure: Exposure, { realised, fee }: { realised: bigint; fee: bigint }): void {
    requireViable(exposure, this.#state.money);
    this.#exposures.set(exposure.asset, exposure);
    this.cash += realised - fee;
    this.realised += realised;
    if (realised < this.#worst.realised) this.#worst = { market: exposure.asset, realised };
  }

  /** Mirrors `_sell`: at the oracle's price over min(1, settlement token's price), rounded up. */
  sell({ token, amount }: Sale): void {
    const holding = holdingOf(this.#holdings, token);
    if (amount === 0n || amount > holding.amount) throw new BasketRefused("InsufficientCollateral");
    const { parameters } = holding;
    const exposure = exposureTo(this.#exposures, parameters.asset);
    const { settlementPrice } = this.#state;
    if (!isLiquidatable(exposure.price) || settlementPrice === 0n) throw new BasketRefused("NotLiquidatable");
    const proceeds = proceedsUp(amount, { price: exposure.price.last, settlementPrice });
    this.#exposures.set(parameters.asset, { ...exposure, collateral: exposure.collateral - amount });
    this.#holdings = this.#holdings.map((other) =>
      other === holding ? { ...holding, amount: holding.amount - amount } : other,
    );
    this.cash += proceeds;
    this.proceeds += proceeds;
    this.discount += mulDivDown(proceeds, parameters.saleDiscount, PPM);
  }
}

/** What is left of a position is nothing, or large enough to pay for its own liquidation. Mirrors `Fills.requireViable`;
 * throws BasketRefused otherwise. */
export function requireViable({ size, price }: Exposure, { minNotional }: Pick<MoneyParameters, "minNotional">): void {
  if (size !== 0n && mulDivDown(abs(size), price.last, WAD) < minNotional) throw new BasketRefused("PositionTooSmall");
}

/** amount·P/min(1, settlement token's price), WAD, rounded up. Mirrors `Sales.proceedsUp`. */
export function proceedsUp(
  amount: bigint,
  { price, settlementPrice }: { price: bigint; settlementPrice: bigint },
): bigint {
  return mulDivUp(amount, price, min(WAD, settlementPrice));
}
