/**
 * What isolated margin would have done with the same account: each position alone, with its share of the account's cash
 * and collateral. Only for comparison; the protocol has nothing that does this.
 */
import type { Funding } from "./funding.ts";
import { marginOf, type MarginOptions } from "./liquidationPrice.ts";
import type { Price } from "./price.ts";
import { assess, type Exposure, initialUp, type Valuation } from "./risk.ts";

/** One position with all that backs it. */
export interface IsolatedAccount {
  /** Asset of the position. */
  readonly asset: number;
  /** The position, and the share of every collateral. */
  readonly exposures: readonly Exposure[];
  /** WAD of settlement token. */
  readonly cash: bigint;
}

export type IsolatedOptions = Omit<MarginOptions, "exposures" | "cash">;

/**
 * Splits an account: cash and every collateral pro rata to the initial requirement of each position on its own (without
 * collateral, at the worse end). The shares sum to the whole: nothing is lost to rounding.
 * An account without positions, or whose positions require nothing, gives none.
 */
export function isolate(options: Omit<Valuation, "end">): readonly IsolatedAccount[] {
  const positions = options.exposures.filter(({ size }) => size !== 0n);
  const weights = positions.map((position) => outrightInitialUp(options, position));
  const total = weights.reduce((sum, weight) => sum + weight, 0n);
  if (total === 0n) return [];
  let before = 0n;
  return positions.map((position, index) => {
    const from = before;
    before += weights[index] ?? 0n;
    // The difference of two rounded cumulative shares, so that all of them sum to the whole.
    const shareOf = (amount: bigint): bigint => (amount * before) / total - (amount * from) / total;
    const exposures = options.exposures
      .map((exposure) => ({
        ...exposure,
        collateral: shareOf(exposure.collateral),
        ...(exposure === position ? {} : { size: 0n, quote: 0n }),
      }))
      .filter(({ size, collateral }) => size !== 0n || collateral !== 0n);
    return { asset: position.asset, exposures, cash: shareOf(options.cash) };
  });
}

/** The account at new prices and funding by asset; what is not named stays. */
export function revalued(
  account: IsolatedAccount,
  updates: ReadonlyMap<number, { readonly price?: Price; readonly funding?: Funding }>,
): IsolatedAccount {
  const exposures = account.exposures.map((exposure) => ({ ...exposure, ...updates.get(exposure.asset) }));
  return { ...account, exposures };
}

/** Whether the position's own equity has fallen to its own maintenance requirement. */
export function isIsolatedLiquidatable(account: IsolatedAccount, options: IsolatedOptions): boolean {
  return marginOf({ ...options, exposures: account.exposures, cash: account.cash }) <= 0n;
}

/** R_I of a position on its own, WAD. */
function outrightInitialUp(options: Omit<Valuation, "end">, position: Exposure): bigint {
  return initialUp(assess({ ...options, exposures: [{ ...position, collateral: 0n }], cash: 0n, end: "worse" }));
}
