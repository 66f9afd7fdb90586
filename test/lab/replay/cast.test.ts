import { join } from "node:path";

import { expect } from "chai";

import { loadParameters, type Parameters } from "../../../scripts/deploy/parameters.ts";
import { castOf, KINDS, type Leg, type Trader } from "../../../scripts/lab/replay/cast.ts";
import { marginFor, measureOf } from "../../../scripts/lab/replay/measure.ts";
import { completed, loadEvent, MARKETS, priceAt, type Recording } from "../../../scripts/lab/replay/recording.ts";

const WAD = 10n ** 18n;
const POOL = 12_000_000n * WAD;
const recording = completed(loadEvent("cascade-2025"));

let parameters: Parameters;

function cast(changes: Partial<Choices> = {}): readonly Trader[] {
  return castOf({ parameters, recording, seed: 1, accounts: 60, pool: POOL, load: 0.8, bias: 0.5, ...changes });
}

interface Choices {
  readonly recording: Recording;
  readonly seed: number;
  readonly accounts: number;
  readonly load: number;
  readonly bias: number;
}

function opening({ deeds, kind }: Trader): readonly Leg[] {
  const [first] = deeds;
  return kind === "trend" || kind === "dip" || first?.deed.do !== "order" ? [] : first.deed.legs;
}

/** USD on one side of a market, opened at the start. */
function openOf(traders: readonly Trader[], symbol: string, sign: 1 | -1): number {
  const price = Number(priceAt(recording, symbol, recording.from)) / 1e18;
  const legs = traders.flatMap(opening).filter((leg) => leg.symbol === symbol && Math.sign(Number(leg.size)) === sign);
  return legs.reduce((sum, { size }) => sum + Math.abs(Number(size) / 1e18) * price, 0);
}

describe("castOf", () => {
  before(async () => {
    parameters = await loadParameters(join(import.meta.dirname, "../../../deploy/parameters/local.ts"));
  });

  it("draws the same traders from the same seed, and others from another", () => {
    expect(cast()).to.deep.equal(cast());
    expect(cast({ seed: 2 })).to.not.deep.equal(cast());
  });

  it("has some of every kind, whatever their number", () => {
    for (const accounts of [10, 60, 200]) {
      const kinds = new Set(cast({ accounts }).map(({ kind }) => kind));
      expect(kinds, `${accounts} accounts`).to.deep.equal(new Set(KINDS));
    }
  });

  it("opens the crowded side up to its share of the cap, the other by the bias", () => {
    const traders = cast({ bias: 0.5, load: 0.8 });
    for (const symbol of MARKETS) {
      const listing = parameters.assets.find((asset) => asset.symbol === symbol)?.listing;
      const price = Number(priceAt(recording, symbol, recording.from)) / 1e18;
      const cap = Math.min(
        (Number(listing?.openInterestCap) / 1e18) * price,
        (Number(POOL) / 1e18) * (Number(listing?.openInterestShare) / 1e6),
      );
      const long = openOf(traders, symbol, 1);
      expect(long / cap, symbol).to.be.within(0.6, 0.85);
      expect(openOf(cast({ load: 0.4 }), symbol, 1) / long, symbol).to.be.within(0.45, 0.55);
      expect(openOf(traders, symbol, -1) / long, symbol).to.be.within(0.25, 0.6);
    }
    const turned = cast({ bias: -1 });
    expect(openOf(turned, "ETH", -1)).to.be.greaterThan(3 * openOf(turned, "ETH", 1));
  });

  it("gives every book of positions alone more cash than its initial requirement", () => {
    const measure = measureOf(parameters, (symbol) => priceAt(recording, symbol, recording.from));
    for (const trader of cast()) {
      if (!["long", "short", "pair", "basket"].includes(trader.kind)) continue;
      const needed = marginFor(measure, measure.bookOf(opening(trader), []));
      const cash = trader.funds.reduce((sum, { amount }) => sum + amount, 0n);
      expect(cash > needed, trader.name).to.equal(true);
    }
  });

  it("trades on no price that is not there yet", () => {
    const whole = cast();
    const seen = (traders: readonly Trader[], cut: number) =>
      traders.map(({ deeds }) => deeds.filter(({ time }) => time <= cut));
    for (let minute = 90; minute <= 240; minute += 15) {
      const cut = recording.from + 60 * minute;
      const past = new Map(
        [...recording.rounds].map(([symbol, series]) => [symbol, series.filter((one) => one.updatedAt <= cut)]),
      );
      const blind = cast({ recording: { ...recording, rounds: past } });
      expect(seen(blind, cut), `until minute ${minute}`).to.deep.equal(seen(whole, cut));
    }
    expect(seen(whole, recording.to).slice(-8).flat().length).to.be.greaterThan(8);
  });
});
