import { expect } from "chai";

import { UsageError } from "../../../scripts/lab/errors.ts";
import {
  completed,
  EVENTS,
  type EventName,
  loadEvent,
  MARKETS,
  partOf,
  paused,
  priceAt,
  type Recording,
  recordingOf,
} from "../../../scripts/lab/replay/recording.ts";
import type { Round } from "../../../scripts/replay/rounds.ts";

const HEARTBEAT = 3_600;
const UNIT = 10n ** 8n;

const round = (time: number, dollars: bigint): Round => ({
  updatedAt: time,
  startedAt: time,
  answer: dollars * UNIT,
  id: BigInt(time),
});

function recording(rounds: readonly Round[]): Recording {
  return { name: "test", from: 100, to: 200, rounds: new Map([["ETH", rounds]]) };
}

describe("priceAt", () => {
  it("knows no round before its second", () => {
    const series = recording([round(100, 10n), round(150, 20n), round(150, 21n), round(160, 30n)]);
    const dollars = (time: number): bigint => priceAt(series, "ETH", time) / 10n ** 18n;
    expect([99, 100, 149, 150, 159, 160, 900].map(dollars)).to.deep.equal([10n, 10n, 10n, 21n, 21n, 30n, 30n]);
  });
});

describe("recordings", () => {
  for (const name of Object.keys(EVENTS) as EventName[]) {
    it(`has every market of ${name} without a silence beyond the heartbeat`, () => {
      const { from, to, rounds } = loadEvent(name);
      for (const symbol of MARKETS) {
        const times = (rounds.get(symbol) ?? []).map(({ updatedAt }) => updatedAt);
        expect(times[0], symbol).to.be.at.most(from);
        const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
        // Recorded ones come up to two minutes late.
        expect(Math.max(...gaps, to - (times.at(-1) ?? 0)), symbol).to.be.at.most(HEARTBEAT + 120);
      }
    });
  }

  it("leaves out rounds that come sooner than the pause after the last one kept", () => {
    const thinned = paused(recording([100, 110, 131, 159, 161, 162].map((time) => round(time, 1n))), 30);
    expect(thinned.rounds.get("ETH")?.map(({ updatedAt }) => updatedAt)).to.deep.equal([100, 131, 161]);
  });

  it("prices WBTC by BTC's rounds, and the settlement token at par as often as its heartbeat", () => {
    const btc = [round(100, 7n)];
    const whole = completed({ name: "test", from: 0, to: 2 * HEARTBEAT, rounds: new Map([["BTC", btc]]) });
    expect(whole.rounds.get("WBTC")).to.equal(btc);
    const usdc = whole.rounds.get("USDC") ?? [];
    expect(usdc.map(({ updatedAt }) => updatedAt)).to.deep.equal([0, HEARTBEAT, 2 * HEARTBEAT]);
    expect(new Set(usdc.map(({ answer }) => answer))).to.deep.equal(new Set([UNIT]));
  });

  it("refuses a part that it does not have", () => {
    const series = recording([round(100, 1n)]);
    expect(partOf(series, { from: 120, to: undefined })).to.include({ from: 120, to: 200 });
    expect(() => partOf(series, { from: 99, to: undefined })).to.throw(UsageError, "the rounds reach from");
    expect(() => partOf(series, { from: undefined, to: 201 })).to.throw(UsageError, "the rounds reach from");
    expect(() => partOf(series, { from: 150, to: 150 })).to.throw(UsageError, "the rounds reach from");
  });

  it("takes the time that all series have in common, and refuses a market without a series", () => {
    const span = (from: number, to: number): readonly Round[] => [round(from, 1n), round(to, 1n)];
    const all = new Map(MARKETS.map((symbol, index) => [symbol as string, span(100 + index, 200 - index)]));
    expect(recordingOf("files", all)).to.include({ from: 103, to: 197 });
    all.set("ETH", span(300, 400));
    expect(() => recordingOf("files", all)).to.throw(UsageError, "no time in common");
    all.delete("ETH");
    expect(() => recordingOf("files", all)).to.throw(UsageError, "no rounds of ETH");
  });
});
