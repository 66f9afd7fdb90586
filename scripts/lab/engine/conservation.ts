/** Whether nothing came from nothing, in the wei. */
import type { Account, Books } from "../../model/books.ts";
import { abs, max } from "../../model/fixed.ts";
import { ConservationError } from "./errors.ts";

/**
 * Throws a ConservationError unless
 *
 *     Σ positive cash + escrows + base + insurance + protocol fees = settlement tokens paid in
 *     Σ shares of debt over accounts = shares of all debts
 *     Σ |units| and Σ quote over the positions of a side = what the side keeps, and long and short sizes meet in the pool
 *     Σ collateral of a token = what was paid in of it
 *
 * @param collateral Paid in by token, WAD.
 */
export function requireConserved(books: Books, collateral: readonly bigint[]): void {
  const owners: readonly Account[] = [...books.accounts, books.fund];
  requireCashConserved(books);
  const shares = owners.reduce((sum, account) => sum + account.shares, 0n);
  requireEqual(shares, books.debts.shares, "shares of debt");
  for (const asset of books.assets.keys()) {
    const market = books.market(asset);
    for (const side of [market.long, market.short]) {
      let [units, quote] = [0n, 0n];
      for (const account of owners) {
        const position = account.positions.get(asset);
        if (position === undefined || position.units > 0n !== side.long || position.epoch !== side.epoch) continue;
        units += abs(position.units);
        quote += position.quote;
      }
      const name = `${side.long ? "long" : "short"} side of asset ${String(asset)}`;
      requireEqual(units, side.units, `units of the ${name}`);
      requireEqual(quote, side.quote, `quotes of the ${name}`);
    }
  }
  for (const token of books.tokens.keys()) {
    const held = owners.reduce((sum, account) => sum + account.collateralOf(token), 0n);
    requireEqual(held, collateral[token] ?? 0n, `collateral ${String(token)}`);
  }
}

/** What the pool, the reserves and the traders have is what was paid in; throws a ConservationError otherwise. */
export function requireCashConserved({ accounts, base, insurance, protocolFees, paidIn }: Books): void {
  const cash = accounts.reduce((sum, account) => sum + max(0n, account.cash) + account.escrow, 0n);
  requireEqual(cash + base + insurance + protocolFees, paidIn, "settlement tokens");
}

function requireEqual(actual: bigint, expected: bigint, what: string): void {
  if (actual === expected) return;
  throw new ConservationError(`${what} do not add up: ${String(actual)} against ${String(expected)}`);
}
