/** Interest on negative cash, by utilisation, to the pool: `contracts/libraries/Interest.sol`. */
import { DAY, fitUint, mulDivDown, mulDivUp, PPM, WAD } from "./fixed.ts";
import type { MoneyParameters } from "./parameters.ts";

const YEAR = 365n * DAY;

/** What the accounts owe the pool, as it is stored. */
export interface Debts {
  /** Σ shares of debt over accounts with negative cash, WAD. */
  readonly shares: bigint;
  /** WAD of debt for WAD of shares; starts at WAD and never falls. */
  readonly index: bigint;
  /** When the index was valid, unix seconds. */
  readonly time: bigint;
}

/**
 * u = debts/(debts + base), 1e-6, rounded down; 1e6 where the pool has nothing left to lend. Mirrors
 * `Interest.utilisationDown`.
 *
 * @param base The pool's free liquidity, WAD. @param lent What the accounts owe, WAD.
 */
export function utilisationDown({ base, lent }: { base: bigint; lent: bigint }): bigint {
  if (lent === 0n) return 0n;
  return base <= 0n ? PPM : mulDivDown(lent, PPM, lent + base);
}

/** Borrow rate, 1e-6 per year, rounded down: linear to the kink, and from there to the rate when everything is lent.
 * Mirrors `Interest.rateDown`. @param utilisation At most 1e6. */
export function rateDown(
  utilisation: bigint,
  {
    borrowKink,
    borrowRateKink,
    borrowRateFull,
  }: Pick<MoneyParameters, "borrowKink" | "borrowRateKink" | "borrowRateFull">,
): bigint {
  if (utilisation < borrowKink) return (borrowRateKink * utilisation) / borrowKink;
  if (borrowKink === PPM) return borrowRateKink;
  return borrowRateKink + ((borrowRateFull - borrowRateKink) * (utilisation - borrowKink)) / (PPM - borrowKink);
}

/** Index after `elapsed` seconds at `rate` (1e-6 per year): index·(1 + rate·elapsed), WAD, rounded down. Mirrors
 * `Interest.accruedDown`. */
export function accruedIndexDown(index: bigint, { rate, elapsed }: { rate: bigint; elapsed: bigint }): bigint {
  return index + (index * rate * elapsed) / (YEAR * PPM);
}

/**
 * The debts as of `now`: the rate follows from the balances until now. Without shares only the time moves. Mirrors
 * `Books.accrueInterest`. Throws a RangeError if the index leaves its 88 bits.
 *
 * @param base The pool's free liquidity before the change that follows, WAD. @param now Unix seconds.
 */
export function accruedDebts(
  debts: Debts,
  { base, money, now }: { base: bigint; money: MoneyParameters; now: bigint },
): Debts {
  const elapsed = now - debts.time;
  if (debts.shares === 0n || elapsed === 0n) return { ...debts, time: now };
  const rate = rateDown(utilisationDown({ base, lent: lentDown(debts) }), money);
  return { ...debts, index: fitUint(accruedIndexDown(debts.index, { rate, elapsed }), 88), time: now };
}

/** What an account owes for its shares, WAD, rounded up. Mirrors `Interest.debtUp`. */
export function debtUp(shares: bigint, index: bigint): bigint {
  return mulDivUp(shares, index, WAD);
}

/** Shares of a debt (WAD), rounded up. Mirrors `Interest.sharesUp`. */
export function sharesUp(debt: bigint, index: bigint): bigint {
  return mulDivUp(debt, WAD, index);
}

/** What the pool counts for all shares, WAD, rounded down. Mirrors `Interest.lentDown`. */
export function lentDown({ shares, index }: Pick<Debts, "shares" | "index">): bigint {
  return mulDivDown(shares, index, WAD);
}

/** Shares of an account with `cash` (WAD) that had `shares`: a debt that has not changed keeps them, as rounding them up
 * at each touch would cost its owner. Mirrors `Books.store`. */
export function storedShares(cash: bigint, { shares, index }: { shares: bigint; index: bigint }): bigint {
  if (cash >= 0n) return 0n;
  return debtUp(shares, index) === -cash ? shares : sharesUp(-cash, index);
}
