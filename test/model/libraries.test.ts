import { expect } from "chai";
import fc from "fast-check";

import { TRIGGERS } from "../../scripts/model/deleverage.ts";
import {
  abs,
  DAY,
  divCeil,
  divFloor,
  divUp,
  max,
  mulDivCeil,
  mulDivDown,
  mulDivFloor,
  mulDivUp,
  PPM,
} from "../../scripts/model/fixed.ts";
import { accrued, decodeFunding, encodeFunding, steered } from "../../scripts/model/funding.ts";
import {
  accruedIndexDown,
  debtUp,
  lentDown,
  rateDown,
  sharesUp,
  utilisationDown,
} from "../../scripts/model/interest.ts";
import { decodeMarginRamp, encodeMarginRamp, marginsUp } from "../../scripts/model/margins.ts";
import {
  decodeGlobals,
  decodeGroups,
  decodeMoney,
  decodeRisk,
  decodeSizes,
  decodeTrade,
  encodeCollateral,
  encodeGlobals,
  encodeGroups,
  encodeMoney,
  encodeRisk,
  encodeSizes,
  encodeTrade,
  hedgeFloorOf,
  lotOf,
  MARKET_STATUSES,
  ratesUp,
  saleLotOf,
} from "../../scripts/model/parameters.ts";
import {
  decodePrice,
  encodePrice,
  highUp,
  isLiquidatable,
  isLive,
  lowDown,
  REFUSALS,
} from "../../scripts/model/price.ts";
import { feeUp, heldPremiumUp, quoteCeil } from "../../scripts/model/pricing.ts";
import { assess, initialUp, maintenanceUp, meetsInitial, shortfall, type Terms } from "../../scripts/model/risk.ts";
import {
  CUTS,
  decodePosition,
  decodeSideIndex,
  emptySide,
  encodePosition,
  encodeSideIndex,
  heldQuoteCeil,
  heldQuoteFloor,
  moveSide,
  NO_POSITION,
  ONE_64,
  readPosition,
  restDown,
  restUp,
  type Side,
  sizeDown,
  storedQuoteFloor,
  unitsUp,
} from "../../scripts/model/sideIndex.ts";
import { decodeWatch, encodeWatch, type MarketWatch } from "../../scripts/model/watch.ts";
import { writeInt, writeUint } from "../../scripts/model/word.ts";
import * as draw from "./arbitraries.ts";
import { encodeExposure } from "./encoding.ts";
import { compare } from "./harness.ts";

const { between, magnitude, share, signed } = draw;
/** Of a side index: 1 as often as any other magnitude. */
const scale = fc.oneof(
  fc.constant(ONE_64),
  between(1n, ONE_64),
  magnitude(64).map((value) => max(1n, value)),
);
const flags = { longIndexed: fc.boolean(), shortIndexed: fc.boolean() };

describe("model against contracts: Fixed", () => {
  const unsigned = fc.tuple(magnitude(256), magnitude(256), magnitude(256));
  const mixed = fc.tuple(signed(255), signed(255), magnitude(255));

  for (const [name, model] of Object.entries({ mulDivDown, mulDivUp })) {
    it(`${name} is equal, overflow included`, async () => {
      await compare({ name, cases: unsigned, runs: 1_000, toArguments: (c) => c, model: (c) => [model(...c)] });
    });
  }

  for (const [name, model] of Object.entries({ mulDivFloor, mulDivCeil })) {
    it(`${name} is equal, overflow included`, async () => {
      await compare({ name, cases: mixed, runs: 1_000, toArguments: (c) => c, model: (c) => [model(...c)] });
    });
  }

  for (const [name, model] of Object.entries({ divFloor, divCeil })) {
    it(`${name} is equal`, async () => {
      const cases = fc.tuple(signed(256), magnitude(255));
      await compare({ name, cases, runs: 1_000, toArguments: (c) => c, model: (c) => [model(...c)] });
    });
  }

  it("divUp is equal", async () => {
    const cases = fc.tuple(magnitude(256), magnitude(256));
    await compare({ name: "divUp", cases, runs: 1_000, toArguments: (c) => c, model: (c) => [divUp(...c)] });
  });
});

describe("model against contracts: Pricing", () => {
  it("quoteCeil is equal over all that the fields hold", async () => {
    const answered = await compare({
      name: "quoteCeil",
      cases: fc.record({
        delta: signed(112),
        price: magnitude(96),
        skew: signed(112),
        depth: magnitude(112),
        index: signed(96),
      }),
      runs: 3_000,
      toArguments: (c) => [c.delta, c.price, c.skew, c.depth, c.index],
      model: (c) => [quoteCeil(c)],
    });
    expect(answered).to.be.greaterThan(2_000);
  });

  it("heldPremiumUp is equal", async () => {
    await compare({
      name: "heldPremiumUp",
      cases: fc.record({ skew: signed(112), price: magnitude(96), depth: magnitude(112) }),
      runs: 2_000,
      toArguments: (c) => [c.skew, c.price, c.depth],
      model: (c) => [heldPremiumUp(c)],
    });
  });

  it("feeUp is equal", async () => {
    await compare({
      name: "feeUp",
      cases: fc.record({
        delta: signed(112),
        price: magnitude(96),
        skew: signed(112),
        takerFee: magnitude(16),
        makerFee: magnitude(16),
      }),
      runs: 2_000,
      toArguments: (c) => [c.delta, c.price, c.skew, c.takerFee, c.makerFee],
      model: (c) => [feeUp(c)],
    });
  });
});

describe("model against contracts: Funding", () => {
  it("accrued is equal over all that the fields hold, and refuses the same", async () => {
    const answered = await compare({
      name: "accrued",
      cases: fc.record({
        funding: draw.funding,
        maxRate: magnitude(61),
        price: magnitude(96),
        now: magnitude(32),
      }),
      runs: 3_000,
      toArguments: (c) => [encodeFunding(c.funding), c.maxRate, c.price, c.now],
      model: (c) => [encodeFunding(accrued(c.funding, c))],
    });
    expect(answered).to.be.greaterThan(500);
  });

  it("accrued is equal where the rate reaches its bound inside the step", async () => {
    await compare({
      name: "accrued",
      cases: fc
        .record({
          funding: fc.record({
            ...flags,
            index: signed(80),
            rate: signed(54),
            velocity: signed(58),
            time: fc.constant(1_000_000n),
          }),
          maxRate: magnitude(54),
          price: magnitude(80),
          elapsed: draw.between(0n, 3n * DAY),
        })
        .map(({ elapsed, ...rest }) => ({ ...rest, now: 1_000_000n + elapsed })),
      runs: 3_000,
      toArguments: (c) => [encodeFunding(c.funding), c.maxRate, c.price, c.now],
      model: (c) => [encodeFunding(accrued(c.funding, c))],
    });
  });

  it("steered is equal", async () => {
    await compare({
      name: "steered",
      cases: fc.record({
        funding: draw.funding,
        maxVelocity: magnitude(62),
        skew: signed(112),
        depth: magnitude(112),
      }),
      runs: 2_000,
      toArguments: (c) => [encodeFunding(c.funding), c.maxVelocity, c.skew, c.depth],
      model: (c) => [encodeFunding(steered(c.funding, c))],
    });
  });
});

describe("model against contracts: Interest", () => {
  it("utilisation is equal", async () => {
    await compare({
      name: "utilisationDown",
      cases: fc.record({ base: signed(128), lent: magnitude(128) }),
      runs: 1_000,
      toArguments: (c) => [c.base, c.lent],
      model: (c) => [utilisationDown(c)],
    });
  });

  it("the rate is equal, at both ends and at the kink", async () => {
    await compare({
      name: "rateDown",
      cases: fc
        .record({ money: draw.money, utilisation: share(), place: fc.nat({ max: 5 }) })
        .map(({ money, utilisation, place }) => ({
          money: {
            ...money,
            // A listing refuses a rate that falls.
            borrowRateFull: max(money.borrowRateFull, money.borrowRateKink),
            borrowKink: [0n, PPM][place] ?? money.borrowKink,
          },
          utilisation: place === 2 ? money.borrowKink : utilisation,
        })),
      runs: 2_000,
      toArguments: (c) => [c.utilisation, encodeMoney(c.money)],
      model: (c) => [rateDown(c.utilisation, c.money)],
    });
  });

  it("the index is equal after any time", async () => {
    await compare({
      name: "accruedDown",
      cases: fc.record({ index: magnitude(88), rate: magnitude(24), elapsed: magnitude(32) }),
      runs: 1_000,
      toArguments: (c) => [c.index, c.rate, c.elapsed],
      model: (c) => [accruedIndexDown(c.index, c)],
    });
  });

  it("debts and shares are equal", async () => {
    await compare({
      name: "debt",
      cases: fc.record({ amount: magnitude(128), index: magnitude(88) }),
      runs: 1_000,
      toArguments: (c) => [c.amount, c.index],
      model: ({ amount, index }) => [
        debtUp(amount, index),
        sharesUp(amount, index),
        lentDown({ shares: amount, index }),
      ],
    });
  });
});

describe("model against contracts: SideIndex", () => {
  const index = fc.record({ scale, profitScale: scale, offset: signed(128) });

  it("positions read alike through any index", async () => {
    await compare({
      name: "throughIndex",
      cases: fc.record({ index, units: signed(112), quote: signed(128), net: signed(98) }),
      runs: 3_000,
      toArguments: (c) => [encodeSideIndex(c.index), c.units, c.quote, c.net],
      model: ({ index: at, units, quote, net }) => {
        const magnitude_ = max(units === 0n ? 0n : 1n, sizeDown(at, abs(units)));
        const size = units < 0n ? -magnitude_ : magnitude_;
        const held = heldQuoteFloor(at, units, quote);
        const rest = restDown(at, { units, size, net });
        const side = { ...emptySide(units > 0n), index: at };
        if (units !== 0n) {
          expect(readPosition(side, { units, quote, epoch: 0n, cuts: 0n }, net)).to.deep.equal({
            size,
            quote: held + rest,
          });
        }
        return [size, held, rest, heldQuoteCeil(at, units, quote)];
      },
    });
  });

  it("positions are written alike under any index", async () => {
    await compare({
      name: "underIndex",
      cases: fc.record({ index, size: magnitude(111), units: signed(112), quote: signed(127), net: signed(98) }),
      runs: 3_000,
      toArguments: (c) => [encodeSideIndex(c.index), c.size, c.units, c.quote, c.net],
      model: (c) => [
        unitsUp(c.index, c.size),
        storedQuoteFloor(c.index, c.units, c.quote),
        restUp(c.index, { units: c.units, size: c.size, net: c.net }),
      ],
    });
  });

  it("sums of a side move alike, and refuse what does not fit", async () => {
    const sums = fc.record({ units: magnitude(112), quote: signed(128), epoch: magnitude(10), cuts: magnitude(6) });
    const answered = await compare({
      name: "addToSide",
      cases: fc.record({ sums, units: signed(113), quote: signed(128) }),
      runs: 2_000,
      toArguments: (c) => [encodeSums(c.sums), c.units, c.quote],
      model: ({ sums: before, units, quote }) => {
        const from = { ...NO_POSITION, units: max(0n, -units) };
        const to = { ...NO_POSITION, units: max(0n, units), quote };
        return [encodeSums(moveSide({ ...emptySide(true), ...before }, { from, to }))];
      },
    });
    expect(answered).to.be.greaterThan(500);
  });

  it("sums of a side keep everything else when it is cut, and nothing but the next epoch when it is closed", async () => {
    const sums = fc.record({ units: magnitude(112), quote: signed(128), epoch: magnitude(10), cuts: magnitude(6) });
    await compare({
      name: "afterCut",
      cases: sums,
      runs: 500,
      toArguments: (before) => [encodeSums(before)],
      model: (before) => [encodeSums({ ...before, cuts: (before.cuts + 1n) % CUTS })],
    });
    await compare({
      name: "afterClosing",
      cases: sums,
      runs: 500,
      toArguments: (before) => [encodeSums(before)],
      model: ({ epoch }) => [encodeSums({ units: 0n, quote: 0n, epoch: epoch + 1n, cuts: 0n })],
    });
  });
});

describe("model against contracts: packed words", () => {
  it("prices pack, unpack and bound alike", async () => {
    await compare({
      name: "packPrice",
      cases: draw.price,
      runs: 1_000,
      toArguments: (p) => [p.last, p.spread, REFUSALS.indexOf(p.refusal), p.settling, p.dead, p.updatedAt],
      model: (p) => {
        expect(decodePrice(encodePrice(p))).to.deep.equal(p);
        return [encodePrice(p), lowDown(p), highUp(p), isLive(p), isLiquidatable(p)];
      },
    });
  });

  it("funding packs alike and refuses what does not fit", async () => {
    await compare({
      name: "packFunding",
      cases: fc.record({
        ...flags,
        index: signed(98),
        rate: signed(64),
        velocity: signed(64),
        time: magnitude(34),
      }),
      runs: 1_000,
      toArguments: (f) => [f.index, f.rate, f.velocity, f.longIndexed, f.shortIndexed, f.time],
      model: (f) => {
        expect(decodeFunding(encodeFunding(f))).to.deep.equal(f);
        return [encodeFunding(f)];
      },
    });
  });

  it("risk parameters pack alike", async () => {
    await compare({
      name: "packRisk",
      cases: draw.risk,
      runs: 500,
      toArguments: (r) => [r.from, r.to, r.start, r.duration, r.group],
      model: (r) => {
        expect(decodeRisk(encodeRisk(r))).to.deep.equal(r);
        return [encodeRisk(r)];
      },
    });
  });

  it("rates are equal before, inside and after a ramp", async () => {
    await compare({
      name: "rates",
      cases: fc.record({ risk: draw.risk, now: draw.time }),
      runs: 2_000,
      toArguments: (c) => [encodeRisk(c.risk), c.now],
      model: (c) => {
        const { beta, sigma, gamma, kappa } = ratesUp(c.risk, c.now);
        return [[beta, sigma, gamma, kappa], BigInt(c.risk.group)];
      },
    });
  });

  it("margins are equal before, inside and after a ramp", async () => {
    await compare({
      name: "rampedMargins",
      cases: fc.record({
        ramp: draw.marginRamp,
        globals: draw.globals,
        from: draw.groups,
        end: draw.groups,
        now: draw.time,
      }),
      runs: 1_000,
      toArguments: ({ ramp, globals, from, end, now }) => [
        encodeGlobals(globals),
        encodeGroups(from),
        encodeGroups(end),
        ramp.endFactor,
        ramp.start,
        ramp.duration,
        now,
      ],
      model: ({ ramp, globals, from, end, now }) => {
        expect(decodeMarginRamp(encodeMarginRamp(ramp))).to.deep.equal(ramp);
        const margins = marginsUp(ramp, { globals, groups: from }, end, now);
        return [encodeMarginRamp(ramp), encodeGlobals(margins.globals), encodeGroups(margins.groups)];
      },
    });
  });

  it("size parameters pack alike", async () => {
    await compare({
      name: "packSizes",
      cases: draw.sizes,
      runs: 500,
      toArguments: (s) => [s.depth, s.openInterestCap, s.openInterestShare, MARKET_STATUSES.indexOf(s.status)],
      model: (s) => {
        expect(decodeSizes(encodeSizes(s))).to.deep.equal(s);
        return [encodeSizes(s)];
      },
    });
  });

  it("trading parameters pack alike", async () => {
    await compare({
      name: "packTrade",
      cases: draw.trade,
      runs: 500,
      toArguments: (t) => [
        t.skewCap,
        t.takerFee,
        t.makerFee,
        t.maxFundingRate / 10n ** 9n,
        t.fundingVelocity / 10n ** 9n,
        t.profitWeight,
        t.lotExponent,
        t.insuranceCap,
      ],
      model: (t) => {
        expect(decodeTrade(encodeTrade(t))).to.deep.equal(t);
        return [encodeTrade(t)];
      },
    });
  });

  it("trading parameters unpack alike", async () => {
    await compare({
      name: "unpackTrade",
      cases: draw.trade,
      runs: 500,
      toArguments: (t) => [encodeTrade(t)],
      model: (t) => [
        [
          t.skewCap,
          t.takerFee,
          t.makerFee,
          t.maxFundingRate,
          t.fundingVelocity,
          t.profitWeight,
          lotOf(t),
          t.insuranceCap,
        ],
      ],
    });
  });

  it("globals unpack alike", async () => {
    await compare({
      name: "unpackGlobals",
      cases: draw.globals,
      runs: 500,
      toArguments: (g) => [encodeGlobals(g)],
      model: (g) => {
        expect(decodeGlobals(encodeGlobals(g))).to.deep.equal(g);
        return [
          [
            g.maintenanceFactor,
            g.shortfallInitial,
            g.shortfallMaintenance,
            g.protocolFeeShare,
            g.insuranceFeeShare,
            g.markMaxAge,
            g.liquidationTarget,
            g.liquidationPenalty,
            g.liquidatorShare,
            g.deepLoss,
            g.takeoverDiscount,
          ],
        ];
      },
    });
  });

  it("money amounts unpack alike", async () => {
    await compare({
      name: "unpackMoney",
      cases: draw.money,
      runs: 500,
      toArguments: (m) => [encodeMoney(m)],
      model: (m) => {
        expect(decodeMoney(encodeMoney(m))).to.deep.equal(m);
        return [
          [
            m.minNotional,
            m.smallRequirement,
            m.flatReward,
            m.unattributedCap,
            m.borrowKink,
            m.borrowRateKink,
            m.borrowRateFull,
            m.lossBudget,
          ],
        ];
      },
    });
  });

  it("hedge floors unpack alike", async () => {
    await compare({
      name: "hedgeFloor",
      cases: fc.record({ groups: draw.groups, group: fc.integer({ min: 0, max: 9 }) }),
      runs: 500,
      toArguments: (c) => [encodeGroups(c.groups), c.group],
      model: (c) => {
        expect(decodeGroups(encodeGroups(c.groups))).to.deep.equal(c.groups);
        return [hedgeFloorOf(c.groups, c.group)];
      },
    });
  });

  it("collateral parameters pack alike", async () => {
    await compare({
      name: "packCollateral",
      cases: fc.record({
        asset: fc.integer({ min: 0, max: 95 }),
        saleDiscount: magnitude(24),
        lotExponent: draw.between(0n, 30n),
        listed: fc.constant(true),
      }),
      runs: 500,
      toArguments: (c) => [c.asset, c.saleDiscount, c.lotExponent],
      model: (c) => [encodeCollateral(c), saleLotOf(c), c.listed],
    });
  });

  it("positions pack alike and refuse what does not fit", async () => {
    await compare({
      name: "packPosition",
      cases: fc.record({ units: signed(114), quote: signed(130), epoch: magnitude(10), cuts: magnitude(6) }),
      runs: 1_000,
      toArguments: (p) => [p.units, p.quote, p.epoch, p.cuts],
      model: (p) => {
        expect(decodePosition(encodePosition(p))).to.deep.equal(p);
        return [encodePosition(p), p.epoch, p.cuts];
      },
    });
  });

  it("side indices pack and unpack alike, a scale of one as nothing", async () => {
    await compare({
      name: "packSideIndex",
      cases: fc.record({ scale, profitScale: scale, offset: signed(130) }),
      runs: 1_000,
      toArguments: (i) => [i.scale, i.profitScale, i.offset],
      model: (i) => {
        expect(decodeSideIndex(encodeSideIndex(i))).to.deep.equal(i);
        return [encodeSideIndex(i), i.scale, i.profitScale, i.offset];
      },
    });
  });

  it("watches pack and unpack alike", async () => {
    const cases = fc.record({
      overSince: magnitude(32),
      flaggedAt: magnitude(32),
      phase: magnitude(16),
      trigger: fc.constantFrom(...TRIGGERS),
      graceUntil: magnitude(32),
      closesAt: magnitude(32),
      formerEpoch: magnitude(10),
      formerCuts: magnitude(6),
      formerLong: fc.boolean(),
    });
    const fields = (w: MarketWatch) => [
      w.overSince,
      w.flaggedAt,
      w.phase,
      BigInt(TRIGGERS.indexOf(w.trigger)),
      w.graceUntil,
      w.closesAt,
      w.formerEpoch,
      w.formerCuts,
      w.formerLong,
    ];
    await compare({
      name: "packWatch",
      cases,
      runs: 1_000,
      toArguments: fields,
      model: (w) => {
        expect(decodeWatch(encodeWatch(w))).to.deep.equal(w);
        return [encodeWatch(w)];
      },
    });
    await compare({ name: "unpackWatch", cases, runs: 200, toArguments: (w) => [encodeWatch(w)], model: fields });
  });
});

describe("model against contracts: Risk", () => {
  const accounts = (maxLength: number) =>
    fc.record({
      exposures: fc.array(draw.exposure, { maxLength }),
      cash: signed(112),
      groups: draw.groups,
      globals: draw.globals,
      time: draw.time,
      end: fc.constantFrom("worse" as const, "better" as const),
    });

  for (const { maxLength, runs, batch } of [
    { maxLength: 3, runs: 800, batch: 80 },
    { maxLength: 16, runs: 400, batch: 25 },
  ]) {
    it(`assess and what follows from it are equal, up to ${maxLength} assets`, async () => {
      const answered = await compare({
        name: "assess",
        cases: accounts(maxLength),
        runs,
        batch,
        toArguments: (c) => [
          c.exposures.map(encodeExposure),
          c.cash,
          encodeGroups(c.groups),
          encodeGlobals(c.globals),
          c.time,
          c.end === "worse",
        ],
        model: (c) => {
          const terms = assess(c);
          return [
            [
              toTuple(terms),
              initialUp(terms),
              maintenanceUp(terms, c.globals),
              shortfall(terms),
              meetsInitial(terms, c.globals),
            ],
          ];
        },
      });
      // A large holding over the least depth has a close-out charge that no word holds.
      expect(answered).to.be.greaterThan(runs - 5);
    });
  }
});

function encodeSums({ units, quote, epoch, cuts }: Omit<Side, "long" | "index" | "closed">): bigint {
  return writeUint(units, 0, 112) | writeInt(quote, 112, 128) | writeUint(epoch, 240, 10) | writeUint(cuts, 250, 6);
}

function toTuple(terms: Terms): readonly bigint[] {
  const { equity, weighted, unrealised, unrealisedWeighted, collateralValue, base, closeOut } = terms;
  return [equity, weighted, unrealised, unrealisedWeighted, collateralValue, base, closeOut];
}
