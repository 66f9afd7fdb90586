/**
 * The books of an index as values. An index changes its books in place; who remembers a book, to see whether it has
 * changed, must find another one when it has.
 */
import type { AccountBook } from "./index/entries.ts";

export class BookCopies {
  readonly #accounts = new Map<string, AccountBook>();

  get accounts(): ReadonlyMap<string, AccountBook> {
    return this.#accounts;
  }

  /** @param changed Accounts whose books may be others since the last time; undefined: any. */
  update(books: ReadonlyMap<string, AccountBook>, changed: ReadonlySet<string> | undefined): void {
    if (changed === undefined) this.#accounts.clear();
    for (const account of changed ?? books.keys()) {
      const book = books.get(account);
      if (book === undefined) this.#accounts.delete(account);
      else this.#accounts.set(account, copyOf(book));
    }
  }
}

function copyOf({ account, cash, positions, collateral, exact }: AccountBook): AccountBook {
  return { account, cash, positions: new Map(positions), collateral: new Map(collateral), exact };
}
