/** Carries one deed out on the books, as the contracts would. */
import type { Books } from "../../model/books.ts";
import type { Conversion, ConversionRefusal } from "../../model/convert.ts";
import type { Trigger } from "../../model/deleverage.ts";
import type { LiquidationOutcome } from "../../model/liquidation.ts";
import type { AccountDuty, Conditions, Deed } from "./types.ts";

/** What a deed came to. */
export type Effect =
  | { readonly kind: "done" }
  | { readonly kind: "liquidated"; readonly outcome: LiquidationOutcome }
  | { readonly kind: "converted"; readonly conversion: Conversion | ConversionRefusal }
  | { readonly kind: "flagged"; readonly trigger: Trigger | undefined }
  | { readonly kind: "deleveraged"; readonly closed: bigint }
  /** Booked without a liquidation, WAD. */
  | { readonly kind: "deficit"; readonly deficit: bigint }
  | { readonly kind: "cut"; readonly fromInsurance: bigint; readonly cut: bigint };

const DONE: Effect = { kind: "done" };

/** @param now Unix seconds. @param conditions In force. */
export function apply(
  books: Books,
  deed: Deed,
  { now, conditions: { settlementPrice } }: { now: bigint; conditions: Conditions },
): Effect {
  switch (deed.kind) {
    case "prices":
      deed.prices.forEach((price, asset) => {
        books.prices[asset] = price;
      });
      return DONE;
    case "deposit":
      books.deposit(books.account(deed.account), deed.amount, now);
      return DONE;
    case "withdraw":
      books.withdraw(books.account(deed.account), deed.amount, now);
      return DONE;
    case "addCollateral":
      books.addCollateral(books.account(deed.account), deed.sale.token, deed.sale.amount);
      return DONE;
    case "fundPool":
      books.fundPool(books.account(deed.account), deed.amount, now);
      return DONE;
    case "fundInsurance":
      books.fundInsurance(books.account(deed.account), deed.amount, now);
      return DONE;
    case "markPool":
      books.markPool(now);
      return DONE;
    case "trade":
      books.trade(books.account(deed.account), deed.legs, { reduceOnly: deed.reduceOnly, now });
      return DONE;
    case "liquidate": {
      const options = { liquidator: books.account(deed.by), now, settlementPrice };
      return { kind: "liquidated", outcome: books.liquidate(books.account(deed.account), deed.basket, options) };
    }
    case "takeOver": {
      const options = { taker: books.account(deed.by), now, settlementPrice };
      return { kind: "liquidated", outcome: books.takeOver(books.account(deed.account), deed.legs, options) };
    }
    case "convert": {
      const options = { buyer: books.account(deed.by), now, settlementPrice };
      return { kind: "converted", conversion: books.convert(books.account(deed.account), deed.sales, options) };
    }
    case "buySeized":
      books.buySeized(books.account(deed.by), deed.sale, { now, settlementPrice });
      return DONE;
    case "flagDeleveraging":
      return { kind: "flagged", trigger: books.flag(deed.asset, now) };
    case "deleverage":
      return { kind: "deleveraged", closed: books.deleverage(deed.asset, deed.price, now) };
    case "cutProfits":
      return { kind: "cut", ...(books.cutProfits(now) ?? { fromInsurance: 0n, cut: 0n }) };
    case "realise":
    case "flagInsolvent":
    case "clearInsolvency":
    case "seize":
    case "settleDeficit":
      return dutyOf(books, deed, { now, settlementPrice });
  }
}

function dutyOf(
  books: Books,
  { kind, account: index }: { kind: AccountDuty; account: number },
  options: { now: bigint; settlementPrice: bigint },
): Effect {
  const account = books.account(index);
  switch (kind) {
    case "realise":
      books.realise(account, options.now);
      return DONE;
    case "flagInsolvent":
      books.flagInsolvent(account, options.now);
      return DONE;
    case "clearInsolvency":
      books.clearInsolvency(account, options.now);
      return DONE;
    case "seize":
      return { kind: "deficit", deficit: books.seize(account, options) };
    case "settleDeficit":
      return { kind: "deficit", deficit: books.settleDeficit(account, options.now) };
  }
}
