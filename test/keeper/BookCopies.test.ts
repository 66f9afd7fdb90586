import { expect } from "chai";

import { BookCopies } from "../../scripts/keeper/BookCopies.ts";

describe("BookCopies", () => {
  const bookOf = (account: string, cash: bigint) => ({
    account,
    cash,
    positions: new Map([[0, { size: 1n, quote: -1n }]]),
    collateral: new Map<number, bigint>(),
    exact: true,
  });

  it("gives another book for one that was changed in place, and the same for one that was not", () => {
    const books = new Map([
      ["a", bookOf("a", 1n)],
      ["b", bookOf("b", 1n)],
    ]);
    const copies = new BookCopies();
    copies.update(books, undefined);
    const [a, b] = [copies.accounts.get("a"), copies.accounts.get("b")];
    const changed = books.get("a");
    if (changed === undefined) throw new Error("no book");
    changed.cash = 2n;
    changed.positions.delete(0);
    copies.update(books, new Set(["a"]));

    expect(a?.positions.size).to.equal(1);
    expect(copies.accounts.get("a")).not.to.equal(a);
    expect(copies.accounts.get("a")).to.deep.include({ cash: 2n, positions: new Map() });
    expect(copies.accounts.get("b")).to.equal(b);
  });

  it("forgets what is gone, among what changed and in all", () => {
    const books = new Map([
      ["a", bookOf("a", 1n)],
      ["b", bookOf("b", 1n)],
    ]);
    const copies = new BookCopies();
    copies.update(books, undefined);
    books.delete("a");
    copies.update(books, new Set(["a"]));
    expect([...copies.accounts.keys()]).to.deep.equal(["b"]);
    books.clear();
    copies.update(books, undefined);
    expect(copies.accounts.size).to.equal(0);
  });
});
