import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { DataError } from "../../../scripts/lab/data/errors.ts";
import { UsageError } from "../../../scripts/lab/errors.ts";
import { fitFiles } from "../../../scripts/lab/stress/recorded.ts";
import { expectNear } from "../near.ts";

const START = 1_700_000_100;

describe("fit of price files", () => {
  const folder = mkdtempSync(join(tmpdir(), "plimsoll-fit-"));
  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** Candles whose closes go up and down by `move`. */
  function candles(name: string, { move = 0.01, interval = 300, rows = 40, bad = -1 } = {}): string {
    const lines = Array.from({ length: rows }, (_, index) => {
      const close = index === bad ? -1 : 1_000 * (index % 2 === 0 ? 1 : 1 + move);
      return [
        START - (START % interval) + index * interval,
        1_000,
        1_000 * (1 + move),
        Math.min(1_000, close),
        close,
      ].join();
    });
    const path = join(folder, name);
    writeFileSync(path, ["unix_timestamp,open,high,low,close", ...lines, ""].join("\n"));
    return path;
  }

  it("takes the closes that all files have", () => {
    const files = [candles("eth.csv"), candles("btc.csv", { move: 0.02, rows: 30 })];
    const { assets, source } = fitFiles([
      ["ETH", files[0] ?? ""],
      ["BTC", files[1] ?? ""],
    ]);
    expect(source).to.equal("ETH: eth.csv, BTC: btc.csv");
    expectNear((assets[1]?.volatility ?? 0) / (assets[0]?.volatility ?? 1), 1.99, 0.01);
  });

  it("refuses a bad row with its file and line, and files that do not go together", () => {
    const bad = candles("bad.csv", { bad: 4 });
    expect(() => fitFiles([["ETH", bad]])).to.throw(DataError, "bad.csv:6");
    expect(() => fitFiles([["BTC", candles("one.csv")]])).to.throw(UsageError, "ETH");
    const files = [
      ["ETH", candles("five.csv")],
      ["BTC", candles("one-minute.csv", { interval: 60 })],
    ] as const;
    expect(() => fitFiles(files)).to.throw(UsageError, "candles of 60 s");
  });
});
