import { expect } from "chai";

import { checkClock } from "../../../scripts/lab/calibrate/clocks.ts";
import { fitGroup, neededFloor } from "../../../scripts/lab/calibrate/fit.ts";
import {
  stressedWindows,
  trackOf,
  type Track,
  windowsOf,
  worstLosses,
} from "../../../scripts/lab/calibrate/windows.ts";
import { DataError } from "../../../scripts/lab/data/errors.ts";
import { parsePrices } from "../../../scripts/lab/data/prices.ts";
import { candlesOf, START } from "./market.ts";
import { expectNear } from "../near.ts";

const ASSETS = [
  { symbol: "ETH", price: 2_000, slope: 1.2, own: 0.3 },
  { symbol: "BTC", price: 30_000, slope: 1, own: 0.3 },
];
const SYMBOLS = ["ETH", "BTC"];
const files = candlesOf(ASSETS, { seed: 11, hours: 1_500, volatility: () => 0.002 });
const tracks = SYMBOLS.map((symbol) => trackOf(symbol, parsePrices(files.get(symbol) ?? "", `${symbol}.csv`)));
const GRID = { horizon: 3_600, step: 300, from: 0, until: Infinity };
const windows = windowsOf(tracks, SYMBOLS, GRID);
const CONFIDENCE = 0.995;

describe("windows", () => {
  it("follow each other without overlap and have every step", () => {
    expect(windows.length).to.be.within(1_498, 1_500);
    for (const [index, { at, moves }] of windows.entries()) {
      expect(at % 3_600).to.equal(0);
      if (index > 0) expect(at - (windows[index - 1]?.at ?? 0)).to.equal(3_600);
      expect(moves.map((own) => own.length)).to.deep.equal([12, 12]);
    }
  });

  it("are none where one asset has no price", () => {
    const cut: Track[] = tracks.map((track, index) =>
      index === 0
        ? track
        : { ...track, points: track.points.filter(({ at }) => at < START + 50_000 || at > START + 60_000) },
    );
    const missing = windowsOf(cut, SYMBOLS, GRID).map(({ at }) => at);
    expect(windows.length - missing.length).to.be.within(3, 5);
    expect(missing.every((at) => at + 3_600 < START + 50_700 || at > START + 59_000)).to.equal(true);
  });

  it("count the worst moment and not the end", () => {
    const one = [{ at: 0, moves: [[-0.05, 0.02]] }];
    expect(worstLosses(one, [1])).to.deep.equal([0.05]);
    expect(worstLosses(one, [-1])).to.deep.equal([0.02]);
    expect(worstLosses([{ at: 0, moves: [[0.01, 0.02]] }], [1])).to.deep.equal([0]);
  });
});

describe("stressedWindows", () => {
  it("keeps the days that moved most, each asset in units of its own moves", () => {
    const day = 86_400;
    const windowsOfDays = [
      [0.01, 0.1],
      [0.05, 0.1],
      [0.01, 0.11],
      [0.01, 0.1],
    ].map(([a = 0, b = 0], index) => ({ at: index * day, moves: [[a], [-b]] }));
    expect(stressedWindows(windowsOfDays, 0.25).map(({ at }) => at)).to.deep.equal([day]);
    expect(stressedWindows(windowsOfDays, 0.5).map(({ at }) => at)).to.deep.equal([day, 2 * day]);
    expect(stressedWindows(windowsOfDays, 1)).to.deep.equal(windowsOfDays);
  });
});

describe("fitGroup", () => {
  const fit = fitGroup("majors", { symbols: SYMBOLS, windows, confidence: CONFIDENCE, split: 0.2 });

  it("finds the ratio of slopes that the market has", () => {
    const [eth, btc] = fit.assets;
    expectNear((eth?.slope ?? 0) / (btc?.slope ?? 1), 1.2, 0.04);
  });

  it("gives rates that cover every outright position and the pair at the confidence, where they were fitted", () => {
    const [eth, btc] = fit.assets.map(({ slope, sigma }) => ({ beta: slope * fit.shock, sigma }));
    if (eth === undefined || btc === undefined) throw new Error("two assets are fitted");
    const failing = (weights: readonly number[], requirement: number): number =>
      worstLosses(windows, weights).filter((loss) => loss > requirement * (1 + 1e-9)).length / windows.length;
    for (const side of [1, -1]) {
      expect(failing([side, 0], eth.beta + eth.sigma)).to.be.at.most(1 - CONFIDENCE);
      expect(failing([0, side], btc.beta + btc.sigma)).to.be.at.most(1 - CONFIDENCE);
      const ratio = eth.beta / btc.beta;
      const floor = neededFloor([eth, btc], windows, CONFIDENCE);
      const pair = eth.sigma + ratio * btc.sigma + floor * 2 * eth.beta;
      expect(failing([side, -side * ratio], pair)).to.be.at.most(1 - CONFIDENCE);
    }
  });

  it("makes the shock no larger than one outright position needs", () => {
    const found = fit.assets.find(({ symbol }) => symbol === fit.boundBy);
    expectNear((found?.slope ?? 0) * fit.shock + (found?.sigma ?? 0), found?.need ?? -1, 1e-12);
  });

  it("splits the need of a lone asset as it was split", () => {
    const lone = fitGroup("majors", { symbols: ["ETH"], windows, confidence: CONFIDENCE, split: 0.25 });
    const [eth] = lone.assets;
    expectNear((eth?.sigma ?? 0) / (eth?.need ?? 1), 0.25, 1e-12);
    expectNear(lone.shock + (eth?.sigma ?? 0), eth?.need ?? -1, 1e-12);
  });
});

describe("checkClock", () => {
  const [eth, btc] = tracks;
  if (eth === undefined || btc === undefined) throw new Error("two assets have prices");

  it("takes files of one time zone", () => {
    expect(() => {
      checkClock(eth, btc);
    }).not.to.throw();
  });

  for (const hours of [-5, 2]) {
    it(`refuses a file whose stamps are ${hours} h off`, () => {
      const shifted = { ...eth, points: eth.points.map(({ at, price }) => ({ at: at + 3_600 * hours, price })) };
      expect(() => {
        checkClock(shifted, btc);
      })
        .to.throw(DataError, `stamps are ${hours} h from those of BTC.csv`)
        .with.property("fault", "off the grid");
    });
  }
});
