import { expect } from "chai";

import { isMissed, MOST_BLOCKS, UNAIDED_BLOCKS, waitedIn } from "../../scripts/keeperFaults/waits.ts";

const END = 1_000;
const spell = (length: number | undefined, liquidated: boolean) => ({
  account: "0xa",
  from: 100,
  to: length === undefined ? undefined : 100 + length,
  liquidated,
});

describe("waiting for a liquidation", () => {
  it("counts the blocks in which a keeper could have acted", () => {
    expect(waitedIn(spell(10, true), [], END)).to.equal(10);
    // Excuses that overlap count once, and only where the spell is.
    const excused = [
      { from: 90, to: 103 },
      { from: 102, to: 104 },
      { from: 108, to: 200 },
    ];
    expect(waitedIn(spell(10, true), excused, END)).to.equal(4);
    expect(waitedIn(spell(undefined, false), [{ from: 100, to: 990 }], END)).to.equal(10);
  });

  it("misses an account that nobody liquidates in time, however its wait ends", () => {
    expect(isMissed(spell(MOST_BLOCKS, true), [], END)).to.equal(false);
    expect(isMissed(spell(MOST_BLOCKS + 1, true), [], END)).to.equal(true);
  });

  it("misses an account that the price has helped before a keeper did", () => {
    expect(isMissed(spell(UNAIDED_BLOCKS, false), [], END)).to.equal(false);
    expect(isMissed(spell(UNAIDED_BLOCKS + 1, false), [], END)).to.equal(true);
    expect(isMissed(spell(UNAIDED_BLOCKS + 1, true), [], END)).to.equal(false);
  });

  it("does not count blocks in which no keeper could act", () => {
    expect(isMissed(spell(MOST_BLOCKS + 10, true), [{ from: 100, to: 110 }], END)).to.equal(false);
    expect(isMissed(spell(MOST_BLOCKS + 10, true), [{ from: 100, to: 109 }], END)).to.equal(true);
  });

  it("misses an account that can be liquidated at the end, however short it has been so, and whatever excuses it", () => {
    expect(isMissed(spell(undefined, false), [{ from: 0, to: END }], 101)).to.equal(true);
    // What begins after keepers were told to stop is nobody's fault.
    expect(isMissed(spell(undefined, false), [], 100)).to.equal(false);
  });
});
