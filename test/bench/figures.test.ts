import { expect } from "chai";

import { figuresOf, renderFigures } from "../../scripts/bench/figures.ts";
import { quantiles } from "../../scripts/bench/latency.ts";
import { callFigures, largestTaken } from "../../scripts/bench/screen.ts";

describe("figures of a benchmark", () => {
  it("take their names and units from the keys of a result", () => {
    const result = { coldSeconds: 2.5, heapBytes: 10n, overRatio: 3, accounts: 7, name: "ignored" };
    expect(figuresOf("index", result)).to.deep.equal([
      { what: "index: cold", value: 2.5, unit: "s" },
      { what: "index: heap", value: 10, unit: "bytes" },
      { what: "index: over", value: 3, unit: "×" },
      { what: "index: accounts", value: 7, unit: "" },
    ]);
  });

  it("are taken as they are where they are given, also inside a result", () => {
    const given = [{ what: "a call", value: 1, unit: "ms", ratio: "measured" }];
    expect(figuresOf("screen", given)).to.deep.equal(given);
    expect(figuresOf("screen", { fillMs: 4, calls: given })).to.deep.equal([
      { what: "screen: fill", value: 4, unit: "ms" },
      ...given,
    ]);
    expect(figuresOf("screen", { inner: { runMs: 1 } })).to.deep.equal([
      { what: "screen: inner: run", value: 1, unit: "ms" },
    ]);
    expect(figuresOf("screen", undefined)).to.deep.equal([]);
  });

  it("are lines with columns under each other, of three digits or whole", () => {
    const figures = [
      { what: "short", value: 0.123456, unit: "ms" },
      { what: "something longer", value: 1234.5, unit: "ms", ratio: "twice" },
      { what: "count", value: 12, unit: "" },
    ];
    expect(renderFigures("a machine", figures).split("\n")).to.deep.equal([
      "a machine",
      "short             0.123 ms",
      "something longer  1235 ms   twice",
      "count             12",
    ]);
  });

  it("have the median and the worst of a hundred but one", () => {
    const values = Array.from({ length: 200 }, (_, place) => 200 - place);
    expect(quantiles(values)).to.deep.equal({ median: 100, p99: 198 });
    expect(quantiles([5])).to.deep.equal({ median: 5, p99: 5 });
    expect(quantiles([])).to.deep.equal({ median: 0, p99: 0 });
  });
});

describe("calls beside the screen", () => {
  it("say what was measured and what is extrapolated from it", () => {
    const figures = callFigures({ accounts: 100, ms: 500 }, { accounts: 100_050, screenMs: 250 });
    expect(figures.map(({ value, unit }) => [value, unit])).to.deep.equal([
      [100, "accounts"],
      [500, "ms"],
      // A call more for the last fifty.
      [500.5, "s"],
      [2_002, "×"],
    ]);
    const [size, time, all, over] = figures.map(({ ratio }) => ratio);
    expect(size).to.include("measured").and.include("16777216");
    expect(time).to.include("measured");
    expect(all).to.include("extrapolated: 1001 of them").and.include("16.8 billion gas");
    expect(over).to.equal("extrapolated over measured");
  });

  it("are as large as the node takes", async () => {
    for (const largest of [16, 17, 24, 31]) {
      const tried: number[] = [];
      const found = await largestTaken({ taken: 16, refused: 32 }, async (count) => {
        tried.push(count);
        return Promise.resolve(count <= largest);
      });
      expect(found).to.equal(largest);
      expect(tried).to.have.length(4);
    }
  });
});
