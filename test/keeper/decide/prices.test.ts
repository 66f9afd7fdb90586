import { expect } from "chai";

import { pathOf } from "../../../scripts/keeper/decide/prices.ts";
import { decided, feed, type FeedOptions, kinds, NOW, PHASE, round, usd } from "./states.ts";

describe("decide, prices", () => {
  const ofFeed = (options: FeedOptions) => decided({ feeds: [feed(options)] });
  const update = { kind: "update", assets: [0], role: "liquidate" };

  it("stores one when the stored one is old and the feed has a newer", () => {
    expect(ofFeed({ checkedAt: NOW - 899n })).to.deep.equal([]);
    expect(ofFeed({ checkedAt: NOW - 900n })).to.deep.equal([update]);
    expect(ofFeed({ checkedAt: NOW - 900n, rounds: [6, 6] })).to.deep.equal([]);
  });

  it("names the round half way to a jump: the one after it may be one", () => {
    const steps = [round(6, 104), round(7, 105.01)];

    expect(ofFeed({ latest: 105, rounds: [5, 7], steps })).to.deep.equal([]);
    expect(ofFeed({ latest: 105.01, rounds: [5, 7], steps, checkedAt: NOW - 900n })).to.deep.equal([
      { kind: "advance", asset: 0, rounds: [PHASE + 7n], role: "liquidate" },
    ]);
  });

  it("stores one half way to a jump where no rounds can be named", () => {
    expect(ofFeed({ latest: 105, steps: [] })).to.deep.equal([]);
    expect(ofFeed({ latest: 105.01, steps: [] })).to.deep.equal([update]);
  });

  it("stores all that need it at once", () => {
    const [up, down] = [
      { latest: 108, steps: [] },
      { latest: 92, steps: [] },
    ];
    const feeds = [feed({ asset: 0, ...up }), feed({ asset: 1 }), feed({ asset: 2, ...down })];

    expect(decided({ feeds })).to.deep.equal([{ ...update, assets: [0, 2] }]);
  });

  it("halts on a jump that nothing explains", () => {
    expect(ofFeed({ latest: 120, refusal: "Jump" })).to.deep.equal([update]);
  });

  it("walks along the rounds in place of a halt", () => {
    const steps = [round(6, 108), round(7, 109), round(8, 118)];

    expect(ofFeed({ latest: 118, refusal: "Jump", steps, rounds: [5, 8] })).to.deep.equal([
      { kind: "advance", asset: 0, rounds: [PHASE + 6n], role: "liquidate" },
    ]);
  });

  const halt = { candidate: usd(120), round: PHASE + 6n, since: NOW - 600n, vetoedUntil: 0n };
  const halted = (options: FeedOptions, change: Partial<typeof halt> = {}) =>
    ofFeed({ latest: 121, refusal: "Halted", rounds: [5, 8], ...options, halt: { ...halt, ...change } });

  it("ends a halt by rounds and time", () => {
    expect(kinds(halted({}))).to.deep.equal(["update"]);
    expect(halted({}, { since: NOW - 599n })).to.deep.equal([]);
    expect(halted({ rounds: [5, 7] })).to.deep.equal([]);
    expect(halted({}, { vetoedUntil: NOW + 1n })).to.deep.equal([]);
  });

  it("ends a halt when the price comes back", () => {
    expect(kinds(halted({ latest: 101 }, { since: NOW - 1n }))).to.deep.equal(["update"]);
  });

  it("replaces the recorded round that others contradict", () => {
    expect(kinds(halted({ latest: 140 }, { since: NOW - 1n }))).to.deep.equal(["update"]);
  });

  it("does not walk against a veto", () => {
    const steps = [round(6, 108), round(7, 115), round(8, 121)];

    expect(kinds(halted({ steps }, { since: NOW - 1n }))).to.deep.equal(["advance"]);
    expect(halted({ steps }, { since: NOW - 1n, vetoedUntil: NOW + 1n })).to.deep.equal([]);
  });
});

describe("pathOf", () => {
  it("takes the fewest rounds", () => {
    const steps = [round(1, 104), round(2, 109), round(3, 112), round(4, 118), round(5, 125)];

    expect(pathOf({ from: usd(100), steps, jump: 100_000n })).to.deep.equal([PHASE + 2n, PHASE + 4n]);
  });

  it("finds none over a true jump", () => {
    expect(pathOf({ from: usd(100), steps: [round(1, 104), round(2, 130)], jump: 100_000n })).to.equal(undefined);
  });
});
