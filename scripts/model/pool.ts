/** The pool as an account, the mirror of all traders: `contracts/libraries/PoolAccount.sol`. */
import { abs, divCeil, mulDivUp, WAD } from "./fixed.ts";
import type { Funding } from "./funding.ts";
import { heldPremiumUp } from "./pricing.ts";

/** A market with open interest. */
export interface PoolMarket {
  /** Last accepted price, WAD. */
  readonly price: bigint;
  /** Σ |size| of the side, base units, WAD. */
  readonly longSize: bigint;
  /** Σ quote of the side, WAD of settlement token. */
  readonly longQuote: bigint;
  readonly shortSize: bigint;
  readonly shortQuote: bigint;
  /** Accrued to the time of the valuation. */
  readonly funding: Funding;
  /** D, base units, WAD. */
  readonly depth: bigint;
}

/**
 * The pool's equity, base + debts − Σ ceil(value of a side) − Σ Φ, rounded down, and its gross exposure Σ |S|·P, rounded
 * up; WAD of settlement token. Mirrors `PoolAccount.value`.
 */
export function valuePool({ base, debts, markets }: { base: bigint; debts: bigint; markets: readonly PoolMarket[] }): {
  equity: bigint;
  gross: bigint;
} {
  let equity = base + debts;
  let gross = 0n;
  for (const { price, longSize, longQuote, shortSize, shortQuote, funding, depth } of markets) {
    const net = price - funding.index;
    const skew = longSize - shortSize;
    equity -= divCeil(longSize * net, WAD) + longQuote + divCeil(-shortSize * net, WAD) + shortQuote;
    equity -= heldPremiumUp({ skew, price, depth });
    gross += mulDivUp(abs(skew), price, WAD);
  }
  return { equity, gross };
}
