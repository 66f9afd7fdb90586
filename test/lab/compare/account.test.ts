import { expect } from "chai";

import {
  accountsOf,
  capitalUp,
  MARGINS,
  openBook,
  rulesFor,
  withEquity,
} from "../../../scripts/lab/compare/account.ts";
import { rulesOf, withoutCredit } from "../../../scripts/lab/compare/rules.ts";
import { type Shape, shapesOf } from "../../../scripts/lab/compare/shapes.ts";
import { SIZE } from "../../../scripts/lab/compare/study.ts";
import { assess, initialUp, maintenanceUp, meetsInitial } from "../../../scripts/model/risk.ts";
import { calm, listed, parameters } from "./support.ts";

const prices = calm()[0]?.prices ?? new Map();
const open = (rules: typeof listed) => ({ rules, prices, size: SIZE });

describe("books of the comparison", () => {
  it("ask of an outright position without credit what the listed formula asks, to the wei", () => {
    for (const shape of shapesOf(listed).filter(({ kind }) => kind === "outright")) {
      const needs = [listed, withoutCredit(listed)].map((rules) => {
        const { exposures } = openBook(shape, open(rules));
        const terms = assess({ exposures, cash: 0n, groups: rules.groups, time: 0n, end: "worse" });
        return [initialUp(terms), maintenanceUp(terms, rules.globals)];
      });
      const [own = [], other = []] = needs;
      // β·x and σ·x are rounded up apart in one and together in the other.
      for (const [index, need] of own.entries())
        expect(Number(need - (other[index] ?? 0n)), shape.name).to.be.within(0, 1);
    }
  });

  it("can be opened with the least equity of their kind of margin, and not with less", () => {
    for (const shape of shapesOf(listed)) {
      for (const margin of MARGINS.filter((kind) => kind !== "isolated")) {
        const rules = rulesFor(margin, listed);
        const book = openBook(shape, open(rules));
        const { least } = capitalUp(margin, book, rules);
        const isOpen = [least, least - 2n].map((equity) => {
          const { exposures, cash } = withEquity(book, equity, rules);
          const terms = assess({ exposures, cash, groups: rules.groups, time: 0n, end: "worse" });
          return meetsInitial(terms, rules.globals);
        });
        expect(isOpen, `${shape.name}, ${margin}`).to.deep.equal([true, false]);
      }
    }
  });

  it("never need more under the joint formula than without credit", () => {
    for (const shape of shapesOf(listed)) {
      const [plain, joint] = (["plain", "joint"] as const).map((margin) => {
        const rules = rulesFor(margin, listed);
        return capitalUp(margin, openBook(shape, open(rules)), rules).requirement;
      });
      expect((joint ?? 0n) - (plain ?? 0n) <= 3n, shape.name).to.equal(true);
    }
  });

  it("lose nothing when they are split into isolated accounts", () => {
    const both: Shape = {
      name: "two legs on WETH",
      kind: "hedged",
      legs: [
        { symbol: "ETH", share: -400_000n },
        { symbol: "BTC", share: 600_000n },
      ],
      held: [{ symbol: "WETH", share: 700_000n }],
    };
    for (const shape of [...shapesOf(listed), both]) {
      const book = withEquity(openBook(shape, open(listed)), SIZE / 3n + 7n, listed);
      const parts = accountsOf("isolated", book, listed);
      const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, amount) => total + amount, 0n);
      expect(sum(parts.map(({ cash }) => cash)), shape.name).to.equal(book.cash);
      const heldBy = (holdings: typeof book.holdings): bigint => sum(holdings.map(({ amount }) => amount));
      expect(sum(parts.map(({ holdings }) => heldBy(holdings))), shape.name).to.equal(heldBy(book.holdings));
      expect(parts.length, shape.name).to.equal(shape.legs.length);
    }
  });

  it("follow the parameters that are given", () => {
    const [eth] = rulesOf(parameters).assets;
    expect(eth?.risk.to).to.deep.equal(parameters.assets[0]?.listing.risk);
  });
});
