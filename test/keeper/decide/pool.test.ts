import { expect } from "chai";

import type { BatchState, KeeperState } from "../../../scripts/keeper/decide/state.ts";
import { decided, feed, kinds, NOW, state } from "./states.ts";

describe("decide, the pool's mark", () => {
  it("is refreshed at half of its life", () => {
    const aged = (age: bigint) => kinds(decided({ mark: { time: NOW - age, maxAge: 3_600n } }));

    expect(aged(1_799n)).to.deep.equal([]);
    expect(aged(1_800n)).to.deep.equal(["markPool"]);
  });
});

describe("decide, fulfilment", () => {
  /** Closed an hour ago; prices have come since. */
  const batch = (number: bigint, change: Partial<BatchState> = {}): BatchState => ({
    batch: number,
    closesAt: NOW - 3_600n,
    maturesAt: NOW - 10n,
    deposits: true,
    redemptions: false,
    ...change,
  });
  const { valuation } = state().queue;
  const due = (batches: readonly BatchState[], change: Partial<KeeperState["queue"]["valuation"]> = {}) =>
    decided({ queue: { batches, valuation: { ...valuation, ...change } } });

  it("settles all that is matured in one", () => {
    const batches = [batch(3n), batch(4n), batch(5n, { maturesAt: NOW + 1n })];

    expect(due(batches)).to.deep.equal([{ kind: "fulfill", lastBatch: 4n, role: "pool" }]);
  });

  it("waits until a batch is matured", () => {
    expect(due([batch(3n, { maturesAt: NOW })])).to.have.length(1);
    expect(due([batch(3n, { maturesAt: NOW + 1n })])).to.deep.equal([]);
  });

  it("waits for a price of every market beyond the delay after the last request", () => {
    const closesAt = NOW - 3_600n;

    expect(due([batch(3n)], { oldest: closesAt + 241n })).to.have.length(1);
    expect(due([batch(3n)], { oldest: closesAt + 240n })).to.deep.equal([]);
    expect(due([batch(3n)], { oldest: undefined })).to.have.length(1);
  });

  it("waits while a price is not live, a loss is pending, or the pool owes more than it has", () => {
    expect(due([batch(3n)], { live: false })).to.deep.equal([]);
    expect(due([batch(3n)], { blocked: true })).to.deep.equal([]);
    expect(due([batch(3n)], { equity: -1n })).to.deep.equal([]);
  });

  it("leaves redemptions that nothing can be paid of", () => {
    const redemptions = [batch(3n, { deposits: false, redemptions: true })];

    expect(due(redemptions)).to.have.length(1);
    expect(due(redemptions, { redeemable: 0n })).to.deep.equal([]);
    expect(due([...redemptions, batch(4n)], { redeemable: 0n })).to.have.length(1);
  });

  it("leaves batches with nothing left to settle", () => {
    expect(due([batch(3n, { deposits: false })])).to.deep.equal([]);
  });
});

describe("decide, sources", () => {
  it("moves the anchor of a share's price once a day", () => {
    const anchored = (age: bigint) => decided({ shareFeeds: [{ feed: "0x01", anchoredAt: NOW - age }] });

    expect(anchored(86_399n)).to.deep.equal([]);
    expect(anchored(86_400n)).to.deep.equal([{ kind: "checkpoint", feed: "0x01", role: "pool" }]);
  });

  it("compares a source in shadow before it counts as unwatched, while the one in use is live", () => {
    const watched = (age: bigint, refusal: "None" | "Stale" = "None") =>
      decided({ feeds: [feed({ asset: 2, watchedAt: NOW - age, refusal, stored: 100 })] });

    expect(watched(3_599n)).to.deep.equal([]);
    expect(watched(3_600n)).to.deep.equal([{ kind: "watchSource", asset: 2, role: "pool" }]);
    expect(watched(3_600n, "Stale")).to.deep.equal([]);
  });
});

describe("decide, a pool without roles", () => {
  it("has its mark refreshed by who executes orders", () => {
    const mark = { time: NOW - 1_800n, maxAge: 3_600n };

    expect(decided({ mark }, {}, new Set(["orders"]))).to.deep.equal([{ kind: "markPool", role: "orders" }]);
    expect(decided({ mark }, {}, new Set(["liquidate"]))).to.deep.equal([]);
  });

  it("has no requests settled", () => {
    const queue = {
      ...state().queue,
      batches: [{ batch: 1n, closesAt: 0n, maturesAt: 0n, deposits: true, redemptions: false }],
    };

    expect(decided({ queue }, {}, new Set(["orders"]))).to.deep.equal([]);
  });
});
