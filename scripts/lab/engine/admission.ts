/** What the clearing house refuses: `ClearingHouse.openOrder` and `_trade`, `Clearing._takeOut`,
 * `Fills.requireWithinCaps`. */
import { type Account, type Books, found, type Leg } from "../../model/books.ts";
import { fill, splitFees } from "../../model/fill.ts";
import { abs, max, min, mulDivDown, PPM, WAD } from "../../model/fixed.ts";
import { ratesUp } from "../../model/parameters.ts";
import { isLive } from "../../model/price.ts";
import { assess, type Exposure, initialUp, maintenanceUp, meetsInitial, type Terms } from "../../model/risk.ts";
import { moveSide, readPosition, sideSizeDown, storePosition } from "../../model/sideIndex.ts";
import type { Conditions } from "./types.ts";

interface Options {
  readonly reduceOnly: boolean;
  /** Unix seconds. */
  readonly now: bigint;
  readonly conditions: Conditions;
}

/** What an account was before its fills, for the rule of reductions. */
interface Before {
  readonly exposures: readonly Exposure[];
  readonly cash: bigint;
  /** Σ γ·|Δ|·P, WAD, each rounded down. */
  readonly charge: bigint;
}

/**
 * The contract's error for an order that is submitted and executed at `now`, at the prices of its legs; undefined where it
 * is filled. Keeper pay apart.
 */
export function refusalOfTrade(
  books: Books,
  account: Account,
  legs: readonly Leg[],
  { reduceOnly, now, conditions }: Options,
): string | undefined {
  const submitted = refusalOfOpening(books, account, legs, { reduceOnly, pay: 0n, now });
  return submitted ?? refusalOfFills(books, account, legs, { reduceOnly, released: 0n, now, conditions });
}

/**
 * The same for the execution of a pending order.
 *
 * @param released What of its escrow comes back before the fills, WAD.
 */
export function refusalOfFills(
  books: Books,
  account: Account,
  legs: readonly Leg[],
  { reduceOnly, released, now, conditions }: Options & { readonly released: bigint },
): string | undefined {
  const standing = books.standingOf(account, now);
  const start = { ...standing, cash: standing.cash + released };
  const held = new Map(start.exposures.map((exposure) => [exposure.asset, exposure]));
  for (const { asset } of legs) if (!held.has(asset)) held.set(asset, books.exposureOf(account, asset, now));
  const before = [...held.values()].sort((one, other) => one.asset - other.asset);

  let [realised, fees, charge] = [0n, 0n, 0n];
  let widened = false;
  for (const { asset, delta: wanted, price } of legs) {
    const exposure = found(held.get(asset));
    const { status } = exposure.sizes;
    if (status === "None") return "UnknownMarket";
    if (status === "Closed") return "MarketIsReduceOnly";
    const opposite = exposure.size !== 0n && exposure.size < 0n !== wanted < 0n;
    if (reduceOnly && !opposite) return "NothingToReduce";
    const delta = reduceOnly && abs(wanted) > abs(exposure.size) ? -exposure.size : wanted;
    const filled = fill({ exposure, delta, price, skew: books.skewOf(asset) });
    const reduces = opposite && abs(delta) <= abs(exposure.size);
    if (status !== "Active" && !reduces) return "MarketIsReduceOnly";
    const { size } = filled.exposure;
    if (size !== 0n && mulDivDown(abs(size), price, WAD) < books.money.minNotional) return "PositionTooSmall";
    const capped = refusalOfCaps(books, account, { before: exposure, after: filled.exposure, price, now });
    if (capped !== undefined) return capped;
    widened ||= widens(exposure.size, size);
    charge += mulDivDown(abs(delta) * exposure.price.last, ratesUp(exposure.risk, now).gamma, PPM * WAD);
    realised += filled.realised;
    fees += filled.fee;
    held.set(asset, filled.exposure);
  }

  const cash = start.cash + realised - fees;
  if (widened && cash < min(start.cash, 0n)) {
    const lent = max(0n, -cash) - max(0n, -books.cashOf(account, now));
    const folded = standing.cash - books.cashOf(account, now);
    if (books.base - folded - realised + splitFees(fees, books.globals).pool - lent < 0n)
      return "InsufficientLiquidity";
  }
  const after = termsOf(books, [...held.values()], { cash, now });
  const isBlocked =
    !conditions.sequencerSettled ||
    !conditions.pegHeld ||
    legs.some(({ asset }) => !isLive(found(books.prices[asset])));
  if (meetsInitial(after, books.globals) && !isBlocked) return undefined;
  return refusalOfReduction(books, after, { before: { exposures: before, cash: start.cash, charge }, isBlocked, now });
}

/** The contract's error for a withdrawal of settlement tokens, WAD. */
export function refusalOfWithdrawal(books: Books, account: Account, amount: bigint, now: bigint): string | undefined {
  if (account.orders.size !== 0) return "OrderPending";
  const cash = books.cashOf(account, now);
  if (cash < amount) return "InsufficientCash";
  return refusalOfStanding(books, account, { less: amount, now });
}

/** The contract's error for collateral that is taken out, WAD. */
export function refusalOfTakingCollateral(
  books: Books,
  account: Account,
  { token, amount }: { token: number; amount: bigint },
  now: bigint,
): string | undefined {
  if (account.orders.size !== 0) return "OrderPending";
  if (account.collateralOf(token) < amount) return "InsufficientCollateral";
  const { asset } = found(books.tokens[token]);
  return refusalOfStanding(books, account, { taken: { asset, amount }, now });
}

/** Whether what is left meets the initial requirement. Mirrors `Clearing._requireInitial`. */
function refusalOfStanding(
  books: Books,
  account: Account,
  { less = 0n, taken, now }: { less?: bigint; taken?: { asset: number; amount: bigint }; now: bigint },
): string | undefined {
  if (account.positions.size === 0 && books.cashOf(account, now) >= less) return undefined;
  const start = books.standingOf(account, now);
  const exposures = start.exposures.map((exposure) =>
    exposure.asset === taken?.asset ? { ...exposure, collateral: exposure.collateral - taken.amount } : exposure,
  );
  const terms = termsOf(books, exposures, { cash: start.cash - less, now });
  return meetsInitial(terms, books.globals) ? undefined : "InsufficientMargin";
}

/** What may be taken out of an account, WAD: what its weighted equity has beyond its initial requirement, as far as it has
 * cash. */
export function withdrawableDown(books: Books, account: Account, now: bigint): bigint {
  const cash = books.cashOf(account, now);
  const start = books.standingOf(account, now);
  const terms = termsOf(books, start.exposures, { cash: start.cash, now });
  const amount = max(0n, min(cash, terms.weighted - initialUp(terms)));
  return refusalOfWithdrawal(books, account, amount, now) === undefined ? amount : 0n;
}

/** The contract's error for an order that is submitted. @param pay What is held for its execution, WAD. */
export function refusalOfOpening(
  books: Books,
  account: Account,
  legs: readonly Leg[],
  { reduceOnly, pay, now }: Pick<Options, "reduceOnly" | "now"> & { readonly pay: bigint },
): string | undefined {
  const isRefused = legs.some(({ asset }) => found(books.assets[asset]).sizes.status !== "Active");
  if (!reduceOnly && isRefused) return "MarketIsReduceOnly";
  const pending = [...account.orders.values()];
  if (pending.some((order) => order.exclusive || (!reduceOnly && !order.reduceOnly))) return "OrderPending";
  const cash = books.cashOf(account, now);
  const whole = pay + books.cancelChargeUp(legs);
  if (cash >= whole) return undefined;
  if (reduceOnly && pending.length !== 0) return "OrderPending";
  const taken = reduceOnly ? pay : whole;
  if (cash >= taken) return undefined;
  const lent = max(0n, taken - cash) - max(0n, -cash);
  if (!reduceOnly && books.base - lent < 0n) return "InsufficientLiquidity";
  const start = books.standingOf(account, now);
  const terms = termsOf(books, start.exposures, { cash: start.cash - taken, now });
  const { globals } = books;
  const suffices = reduceOnly ? terms.equity > maintenanceUp(terms, globals) : meetsInitial(terms, globals);
  return suffices ? undefined : "InsufficientMargin";
}

function refusalOfReduction(
  books: Books,
  after: Terms,
  { before, isBlocked, now }: { before: Before; isBlocked: boolean; now: bigint },
): string | undefined {
  const start = termsOf(books, before.exposures, { cash: before.cash, now });
  const [first, last] = [maintenanceUp(start, books.globals), maintenanceUp(after, books.globals)];
  const initial = meetsInitial(after, books.globals);
  if (last > first) {
    if (isBlocked) return "IncreaseRefused";
    if (!initial) return "InsufficientMargin";
  }
  if (initial) return undefined;
  const loss = start.equity - after.equity;
  const allowed = loss <= before.charge && loss <= first - last && after.equity >= min(start.equity, 0n);
  return allowed ? undefined : "ReductionRefused";
}

function refusalOfCaps(
  books: Books,
  account: Account,
  { before, after, price, now }: { before: Exposure; after: Exposure; price: bigint; now: bigint },
): string | undefined {
  const { size, sizes, trade } = after;
  const long = size > 0n;
  const grown = long ? size > before.size : size < before.size;
  if (!grown || size === 0n) return undefined;
  const { longSize, shortSize } = sidesAfter(books, account, after);
  const openInterest = long ? longSize : shortSize;
  if (openInterest > sizes.openInterestCap) return "OpenInterestExceeded";
  if (now - books.markTime > books.globals.markMaxAge) return "StalePoolMark";
  const most = books.mark > 0n ? mulDivDown(books.mark * sizes.openInterestShare, WAD, price * PPM) : 0n;
  if (openInterest > most) return "OpenInterestExceeded";
  if (long !== longSize > shortSize) return undefined;
  return abs(longSize - shortSize) > trade.skewCap ? "SkewExceeded" : undefined;
}

/** Sizes of both sides once the account's position has become `after`. */
function sidesAfter(
  books: Books,
  account: Account,
  { asset, size, quote, price, funding }: Exposure,
): { longSize: bigint; shortSize: bigint } {
  const market = books.market(asset);
  let { long, short } = market;
  const from = account.positionOf(asset);
  if (from.units !== 0n && readPosition(market.sideOf(from.units), from).size !== 0n) {
    if (from.units > 0n) long = moveSide(long, { from });
    else short = moveSide(short, { from });
  }
  const to = storePosition(size > 0n ? long : short, { size, quote }, { net: price.last - funding.index });
  if (to.units > 0n) long = moveSide(long, { to });
  else if (to.units < 0n) short = moveSide(short, { to });
  return { longSize: sideSizeDown(long), shortSize: sideSizeDown(short) };
}

/** @returns Terms at the worse ends. */
function termsOf(
  { groups }: Books,
  exposures: readonly Exposure[],
  { cash, now }: { cash: bigint; now: bigint },
): Terms {
  return assess({ exposures, cash, groups, time: now, end: "worse" });
}

function widens(before: bigint, size: bigint): boolean {
  return size !== 0n && (before === 0n || before < 0n !== size < 0n || abs(size) > abs(before));
}
