import { expect } from "chai";
import fc from "fast-check";

import { crowdedSide, deleverage, MIN_PROFIT_SCALE, MIN_SCALE, scaleAfter } from "../../scripts/model/deleverage.ts";
import { book } from "../../scripts/model/fill.ts";
import { abs, divFloor, max, WAD } from "../../scripts/model/fixed.ts";
import { decodeRisk, decodeSizes, decodeTrade } from "../../scripts/model/parameters.ts";
import { NO_FUNDING } from "../../scripts/model/funding.ts";
import { netPriceOf, type PoolMarket } from "../../scripts/model/pool.ts";
import { livePrice } from "../../scripts/model/price.ts";
import { heldPremiumUp, quoteCeil } from "../../scripts/model/pricing.ts";
import { cutOf } from "../../scripts/model/profitCut.ts";
import {
  emptySide,
  moveSide,
  NO_POSITION,
  OFFSET_UNIT,
  ONE_64,
  readPosition,
  type Side,
  sideValueCeil,
  skewOf,
  type StoredPosition,
  storePosition,
  UNTOUCHED,
} from "../../scripts/model/sideIndex.ts";
import { closeMarket } from "../../scripts/model/windDown.ts";
import { between, holds, magnitude, SEED, signed } from "./arbitraries.ts";

const DEPTH = 10n ** 6n * WAD;
const TRADERS = 6;
/** The reference counts in 2^-256 of a wei: what it rounds is far below any bound here. */
const FINE = 256n;

const emptyMarket: PoolMarket = {
  asset: 0,
  price: livePrice(2_000n * WAD),
  long: emptySide(true),
  short: emptySide(false),
  funding: NO_FUNDING,
  risk: decodeRisk(0n),
  sizes: { ...decodeSizes(0n), depth: DEPTH },
  trade: decodeTrade(0n),
};

/** A trader in both books. */
interface Trader {
  stored: StoredPosition;
  /** WAD; what closed sides and reductions have paid. */
  cash: bigint;
  /** The reference: its size, cut one by one, and what it owns besides s·(P − F); 2^-256 wei. */
  exactSize: bigint;
  exactQuote: bigint;
  /** How far the two values may be apart: so many wei of size, and so many of value. */
  sizes: bigint;
  values: bigint;
}

/**
 * A market whose sides are deleveraged through their indices, beside a reference that cuts and pays every position on its
 * own. What the two may differ by, for a position:
 *   - size: less than 1 wei, the fraction that reading drops;
 *   - value, per touch: `storePosition` rounds the units up, by less than 1 wei of size, and leaves out what that is worth
 *     at the time: later it is worth more or less by less than twice the largest |P − F| of it; and six divisions round,
 *     less than 1 wei each;
 *   - value, per step: the closed size of the side is rounded by less than 1 wei, its quote by 1 wei; B by one unit (two for a
 *     cut of profits), which is worth n/(2^32·WAD) to n units.
 */
class History {
  market = emptyMarket;
  readonly traders: Trader[] = Array.from({ length: TRADERS }, () => ({
    stored: NO_POSITION,
    cash: 0n,
    exactSize: 0n,
    exactQuote: 0n,
    sizes: 0n,
    values: 3n,
  }));
  /** Owed to positions of closed sides, WAD. */
  closedValue = 0n;
  readonly tally = { long: 0, short: 0, wholes: 0, cuts: 0, cutWhole: 0, flips: 0, touches: 0 };
  /** Largest |P − F| so far, in wei of value per wei of size, rounded up. */
  #weiOfSize = 0n;

  get net(): bigint {
    return netPriceOf(this.market);
  }

  move({ price, index }: { price: bigint; index: bigint }): void {
    const { funding } = this.market;
    this.market = { ...this.market, price: livePrice(price), funding: { ...funding, index } };
    this.#see(this.net);
  }

  trade(trader: Trader, { size: wanted, part }: { size: bigint; part: number }): void {
    const { size, quote } = this.#settled(trader);
    const delta = part === 0 || size === 0n ? wanted : -(size * BigInt(part)) / 100n;
    if (delta === 0n) return;
    const { price, funding } = this.market;
    const taken = quoteCeil({
      delta,
      price: price.last,
      skew: skewOf(this.market),
      depth: DEPTH,
      index: funding.index,
    });
    const after = book({ size, quote, delta, taken });
    if (size !== 0n && after.size !== 0n && size < 0n !== after.size < 0n) ++this.tally.flips;
    ++this.tally.touches;
    const from = trader.stored;
    const to = after.size === 0n ? undefined : storePosition(this.#sideOf(after.size), after, { net: this.net });
    if (from.units !== 0n) this.#put(moveSide(this.#sideOf(from.units), { from }));
    if (to !== undefined) this.#put(moveSide(this.#sideOf(to.units), { to }));
    trader.stored = to ?? NO_POSITION;
    trader.cash += after.realised;
    // Who trades holds whole wei again: the fraction that reading has dropped is paid out.
    const fraction = trader.exactSize - (size << FINE);
    trader.exactQuote += (fraction * this.net) / WAD - (taken << FINE);
    trader.exactSize = after.size << FINE;
    trader.sizes += 2n;
    trader.values += 6n;
  }

  deleverage(fraction: bigint): void {
    const side = crowdedSide(this.market);
    if (side.units === 0n) return;
    const { long, index } = side;
    const skew = skewOf(this.market);
    const done = deleverage(this.market, fraction);
    if (done.closed === 0n) return;
    const scale = scaleAfter(index, { fraction, cap: this.market.sizes.openInterestCap });
    this.market = { ...this.market, funding: done.funding };
    // What the whole side is paid, unrounded, times 2D.
    const delta = long ? -done.closed : done.closed;
    const { price, funding } = this.market;
    const net = price.last * (2n * DEPTH + 2n * skew + delta) - 2n * DEPTH * funding.index;
    this.#see(net / (2n * DEPTH));
    for (const trader of this.#holders(side)) {
      const left = (trader.exactSize * scale) / index.scale;
      trader.exactQuote += ((trader.exactSize - left) * net) / (2n * DEPTH * WAD);
      trader.exactSize = left;
      trader.sizes += 1n;
      trader.values += 2n + abs(trader.stored.units) / (OFFSET_UNIT * WAD);
    }
    // All units together gain no more than what was paid for the size.
    const { offset } = (scale === 0n ? done.side.closed.get(side.epoch) : done.side.index) ?? index;
    const gained = (long ? side.units : -side.units) * (offset - index.offset);
    expect(gained <= done.paid * OFFSET_UNIT * WAD, "paid").to.equal(true);
    this.#put(done.side);
    this.closedValue += done.owed;
    if (scale === 0n) ++this.tally.wholes;
    ++this.tally[long ? "long" : "short"];
  }

  /** Cuts the profits of a side that is worth something. @param cut In 2^-64. */
  cutProfits(long: boolean, cut: bigint): void {
    const name = long ? "long" : "short";
    const { [name]: side } = this.market;
    const before = sideValueCeil(side, this.net);
    if (before <= 0n) return;
    const held = premiumOf(this.market);
    const { market, owed } = cutOf(this.market, name, cut);
    const whole = market[name].epoch !== side.epoch;
    const after = (whole ? market[name].closed.get(side.epoch) : market[name].index) ?? UNTOUCHED;
    const [kept, of] = [after.profitScale, side.index.profitScale];
    // What a side that is closed keeps beyond that is shared by size.
    const shared = whole ? (owed << FINE) - ((before << FINE) * kept) / of : 0n;
    for (const trader of this.#holders(side)) {
      const worth = (trader.exactSize * this.net) / WAD;
      const value = worth + trader.exactQuote - (trader.cash << FINE);
      const share = (shared * abs(trader.stored.units)) / side.units;
      trader.exactQuote = (value * kept) / of + share + (trader.cash << FINE) - (whole ? 0n : worth);
      if (whole) trader.exactSize = 0n;
      trader.values += (whole ? 6n : 3n) + (2n * abs(trader.stored.units)) / (OFFSET_UNIT * WAD);
    }
    this.market = market;
    this.closedValue += owed;
    if (whole) {
      ++this.tally.cutWhole;
      const gained = before + held - owed - premiumOf(market);
      expect(owed <= 0n || gained * ONE_64 >= before * cut, "less than its share").to.equal(true);
      return;
    }
    ++this.tally.cuts;
    // It loses no less than its share, and keeps no less than that but for roundings.
    const value = sideValueCeil(market[name], this.net);
    expect(value * of <= before * kept + 3n * of).to.equal(true);
  }

  windDown(): void {
    const closed = closeMarket(this.market, this.market.price.last);
    const net = closed.last - this.market.funding.index;
    this.#see(net);
    for (const side of [this.market.long, this.market.short]) {
      const { scale, offset } = side.index;
      const { offset: last = 0n } = (side.long ? closed.long : closed.short).closed.get(side.epoch) ?? {};
      const units = side.long ? side.units : -side.units;
      expect(units * (last - offset) * OFFSET_UNIT <= units * scale * net, "paid").to.equal(true);
      for (const trader of this.#holders(side)) {
        trader.exactQuote += (trader.exactSize * net) / WAD;
        trader.exactSize = 0n;
        trader.sizes += 1n;
        trader.values += 2n + abs(trader.stored.units) / (OFFSET_UNIT * WAD);
      }
    }
    this.market = { ...this.market, long: closed.long, short: closed.short };
    this.closedValue += closed.owed;
    this.tally.wholes += 2;
  }

  /** Throws where a position differs by more than its bound, or the pool owes more than it counts. */
  check(): void {
    const owed = { long: 0n, short: 0n, closed: 0n };
    for (const trader of this.traders) {
      const { stored, exactSize, exactQuote, cash, sizes, values } = trader;
      const side = this.#sideOf(stored.units);
      const { size, quote } = readPosition(side, stored, this.net);
      expect(abs((size << FINE) - exactSize) < 1n << FINE, "size").to.equal(true);
      // Value with the fraction of the size in it, as an account sees it.
      const value = divFloor(size * this.net, WAD) + quote;
      const allowed = sizes * this.#weiOfSize + values;
      const exact = (exactSize * this.net) / WAD + exactQuote;
      expect(abs(((value + cash) << FINE) - exact) <= allowed << FINE, "value").to.equal(true);
      if (stored.units !== 0n && stored.epoch !== side.epoch) owed.closed += value;
      else owed[side.long ? "long" : "short"] += value;
    }
    expect(owed.long <= sideValueCeil(this.market.long, this.net), "long").to.equal(true);
    expect(owed.short <= sideValueCeil(this.market.short, this.net), "short").to.equal(true);
    expect(owed.closed <= this.closedValue, "closed").to.equal(true);
  }

  /** What a trader has, positions of closed sides turned into cash first. */
  #settled(trader: Trader): { size: bigint; quote: bigint } {
    const { stored } = trader;
    const side = this.#sideOf(stored.units);
    const read = readPosition(side, stored, this.net);
    if (stored.units === 0n || stored.epoch === side.epoch) return read;
    trader.cash += read.quote;
    this.closedValue -= read.quote;
    trader.stored = NO_POSITION;
    return { size: 0n, quote: 0n };
  }

  #holders({ long, epoch }: Side): readonly Trader[] {
    return this.traders.filter(
      ({ stored }) => stored.units !== 0n && stored.units > 0n === long && stored.epoch === epoch,
    );
  }

  #sideOf(units: bigint): Side {
    return units >= 0n ? this.market.long : this.market.short;
  }

  #put(side: Side): void {
    this.market = side.long ? { ...this.market, long: side } : { ...this.market, short: side };
  }

  #see(net: bigint): void {
    this.#weiOfSize = max(this.#weiOfSize, abs(net) / WAD + 1n);
  }
}

/** Φ. */
function premiumOf(market: PoolMarket): bigint {
  return heldPremiumUp({ skew: skewOf(market), price: market.price.last, depth: DEPTH });
}

type Step =
  | { kind: "trade"; trader: number; size: bigint; part: number }
  | { kind: "move"; price: bigint; index: bigint }
  | { kind: "deleverage"; fraction: bigint }
  | { kind: "cut"; long: boolean; cut: bigint };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({
      kind: fc.constant("trade" as const),
      trader: fc.nat({ max: TRADERS - 1 }),
      size: fc.oneof(signed(74), between(-(10n ** 4n) * WAD, 10n ** 4n * WAD), between(-3n, 3n)),
      /** Above 0: that share of the position is closed instead, 1e-2. */
      part: fc.oneof(
        { weight: 3, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 150 }) },
      ),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("move" as const),
      price: between(WAD, 100_000n * WAD),
      index: between(-2_000n * WAD, 2_000n * WAD),
    }),
  },
  {
    weight: 45,
    arbitrary: fc.record({
      kind: fc.constant("deleverage" as const),
      fraction: fc.oneof(fc.constant(WAD / 4n), between(1n, WAD / 4n), magnitude(57)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("cut" as const),
      long: fc.boolean(),
      cut: fc.oneof(
        between(1n, ONE_64 / 2n),
        magnitude(40).map((left) => ONE_64 - left),
      ),
    }),
  },
);

describe("deleveraging through the indices of a side", () => {
  for (const run of [0, 1, 2, 3]) {
    it(`cuts and pays every position as if it were cut on its own, and owes no more than the pool counts (${run})`, () => {
      const history = new History();
      const steps = fc.sample(fc.array(step, { minLength: 2_500, maxLength: 2_500, size: "max" }), {
        seed: SEED + run,
        numRuns: 1,
      });
      for (const next of steps.flat()) {
        carryOut(history, next);
        history.check();
      }
      history.windDown();
      history.check();
      const { tally } = history;
      expect(Math.min(tally.long, tally.short), "deleveraged").to.be.greaterThan(300);
      expect(Math.min(tally.wholes, tally.cuts, tally.flips), "whole, cuts, flips").to.be.greaterThan(4);
      expect(tally.cutWhole, "closed by a cut").to.be.greaterThan(4);
    });
  }

  it("in two steps costs what it costs in one, but for roundings", () => {
    const fraction = between(0n, WAD / 2n);
    const crowd = fc.record({
      units: between(WAD, 10n ** 5n * WAD),
      others: between(0n, WAD),
      scale: between(MIN_SCALE << 8n, ONE_64),
      price: between(WAD, 100_000n * WAD),
      index: signed(70),
      long: fc.boolean(),
    });
    holds(
      fc.property(crowd, fraction, fraction, ({ units, others, scale, price, index, long }, first, second) => {
        const [crowded, other] = [emptySide(long), emptySide(!long)];
        const sides = [
          { ...crowded, units, index: { ...UNTOUCHED, scale } },
          { ...other, units: (units * scale * others) / (ONE_64 * WAD) },
        ] as const;
        const market = {
          ...emptyMarket,
          price: livePrice(price),
          funding: { ...NO_FUNDING, index },
          long: long ? sides[0] : sides[1],
          short: long ? sides[1] : sides[0],
        };
        fc.pre(skewOf(market) > 0n === long && skewOf(market) !== 0n);
        const half = deleverage(market, first);
        const halfway = { ...market, [long ? "long" : "short"]: half.side };
        fc.pre(skewOf(halfway) > 0n === long && half.side.units !== 0n);
        const two = deleverage(halfway, second);
        // As a whole step closes them, to one part in 2^64.
        const left = scaleAfter(half.side.index, { fraction: second, cap: market.sizes.openInterestCap });
        const whole = ((scale - left) * WAD) / scale;
        const one = deleverage(market, whole);
        fc.pre(two.side.units !== 0n && one.side.units !== 0n);

        // The whole fraction is rounded to 1e-18: so much more or less of the scale may be left.
        const apart = abs(one.side.index.scale - left);
        expect(apart <= scale / WAD + 2n).to.equal(true);
        const net = netPriceOf(market);
        const weiOfSize = (abs(net) + price) / WAD + 1n;
        const sizeApart = (units * apart) / ONE_64 + 2n;
        const difference = sideValueCeil(one.side, net) - sideValueCeil(two.side, net);
        const bound = sizeApart * weiOfSize + (2n * units) / (OFFSET_UNIT * WAD) + 6n;
        expect(abs(difference) <= bound, `${String(difference)} > ${String(bound)}`).to.equal(true);
        expect(abs(one.closed - half.closed - two.closed) <= sizeApart).to.equal(true);
      }),
      { runs: 1_000 },
    );
  });

  it("positions read back as they were stored: the size exactly, the quote up to two wei lower", () => {
    const index = fc.record({
      scale: between(MIN_SCALE, ONE_64),
      profitScale: between(MIN_PROFIT_SCALE, ONE_64),
      offset: signed(112),
    });
    holds(
      fc.property(index, signed(76), signed(90), signed(98), (at, size, quote, net) => {
        fc.pre(size !== 0n);
        const side = { ...emptySide(size > 0n), index: at };
        const read = readPosition(side, storePosition(side, { size, quote }, { net }), net);
        expect(read.size).to.equal(size);
        expect(read.quote <= quote && read.quote >= quote - 2n).to.equal(true);
      }),
      { runs: 2_000 },
    );
  });
});

function carryOut(history: History, next: Step): void {
  switch (next.kind) {
    case "trade": {
      const trader = history.traders[next.trader];
      if (trader !== undefined) history.trade(trader, next);
      return;
    }
    case "move":
      history.move(next);
      return;
    case "deleverage":
      history.deleverage(next.fraction);
      return;
    case "cut":
      history.cutProfits(next.long, next.cut);
  }
}
