import { expect } from "chai";

import { type Action, decide, type FeedState, type KeeperState, pathOf } from "../../scripts/keeper/decide.ts";
import { NO_FUNDING } from "../../scripts/model/funding.ts";
import type { LiquidationState } from "../../scripts/model/liquidation.ts";
import { decodeMoney } from "../../scripts/model/parameters.ts";
import type { Exposure } from "../../scripts/model/risk.ts";
import { livePrice, type Refusal } from "../../scripts/model/price.ts";
import type { Round, Settlement } from "../../scripts/keeper/rounds.ts";

const WAD = 10n ** 18n;
const NOW = 1_000_000n;
const PHASE = 1n << 64n;
const SETTINGS = { batchSize: 2, refreshAge: 900n };
const ALICE = `0x${"aa".repeat(20)}${"00".repeat(12)}`;
const BOB = `0x${"bb".repeat(20)}${"00".repeat(12)}`;

const usd = (price: number) => BigInt(Math.round(price * 100)) * (WAD / 100n);

function round(number: number, price: number, updatedAt = NOW - 10n): Round {
  return { id: PHASE + BigInt(number), answer: usd(price), startedAt: updatedAt, updatedAt };
}

interface FeedOptions {
  stored?: number;
  latest?: number;
  refusal?: Refusal;
  halt?: FeedState["halt"];
  steps?: readonly Round[];
  checkedAt?: bigint;
  /** Numbers of the stored and of the latest round. */
  rounds?: [number, number];
}

/** A feed with J = 10 %. */
function feed(options: FeedOptions = {}): FeedState {
  const { stored = 100, latest = 100, refusal = "None", halt, checkedAt = NOW - 60n, rounds = [5, 6] } = options;
  const last = round(rounds[1], latest);
  return {
    asset: 0,
    price: { ...livePrice(refusal === "None" ? last.answer : usd(stored)), refusal },
    latest: last,
    stored: { price: usd(stored), round: PHASE + BigInt(rounds[0]), updatedAt: NOW - 60n, checkedAt },
    halt,
    jump: 100_000n,
    steps: options.steps ?? [last],
  };
}

function state(change: Partial<KeeperState> = {}): KeeperState {
  return {
    time: NOW,
    sequencerUp: true,
    upSince: 0n,
    feeds: [feed()],
    orders: [],
    triggers: [],
    unhealthy: [],
    owing: [],
    mark: { time: NOW, maxAge: 3_600n },
    cash: 0n,
    ...change,
  };
}

const settled = (number: bigint): Settlement => ({
  kind: "settled",
  hint: { round: PHASE + number, before: PHASE + number - 1n },
  settledAt: NOW - 5n,
});
const voided: Settlement = { kind: "void", hint: { round: 0n, before: PHASE + 1n }, settledAt: 0n };
const waiting: Settlement = { kind: "waiting" };

function order(account: string, sequence: bigint, settlements: Settlement[], boundary = NOW - 100n) {
  const legs = settlements.map((_, asset) => ({ asset, phase: 1n }));
  return { order: { account, sequence, boundary, legs }, settlements };
}

const kinds = (actions: readonly Action[]) => actions.map(({ kind }) => kind);

describe("decide", () => {
  it("has nothing to do where nothing is due", () => {
    expect(decide(state(), SETTINGS)).to.deep.equal([]);
  });

  it("does nothing while the sequencer is down", () => {
    const due = state({
      sequencerUp: false,
      mark: { time: 0n, maxAge: 3_600n },
      orders: [order(ALICE, 1n, [settled(5n)])],
    });

    expect(decide(due, SETTINGS)).to.deep.equal([]);
  });

  describe("orders", () => {
    it("executes what has its round, in batches, first submitted first", () => {
      const orders = [
        order(BOB, 4n, [settled(9n)], NOW - 50n),
        order(ALICE, 2n, [settled(5n)], NOW - 90n),
        order(ALICE, 1n, [settled(5n)], NOW - 90n),
      ];

      const actions = decide(state({ orders }), SETTINGS);

      expect(actions).to.deep.equal([
        {
          kind: "execute",
          items: [
            { account: ALICE, sequence: 1n, hints: [{ round: PHASE + 5n, before: PHASE + 4n }] },
            { account: ALICE, sequence: 2n, hints: [{ round: PHASE + 5n, before: PHASE + 4n }] },
          ],
        },
        {
          kind: "execute",
          items: [{ account: BOB, sequence: 4n, hints: [{ round: PHASE + 9n, before: PHASE + 8n }] }],
        },
      ]);
    });

    it("leaves what waits for a round of any leg", () => {
      expect(decide(state({ orders: [order(ALICE, 1n, [settled(5n), waiting])] }), SETTINGS)).to.deep.equal([]);
      expect(decide(state({ orders: [order(ALICE, 1n, [waiting, voided])] }), SETTINGS)).to.deep.equal([]);
    });

    it("refunds what is void, whatever the legs behind", () => {
      const [action] = decide(state({ orders: [order(ALICE, 1n, [settled(5n), voided, waiting])] }), SETTINGS);

      expect(action).to.deep.equal({
        kind: "execute",
        items: [
          {
            account: ALICE,
            sequence: 1n,
            hints: [
              { round: PHASE + 5n, before: PHASE + 4n },
              { round: 0n, before: PHASE + 1n },
              { round: 0n, before: 0n },
            ],
          },
        ],
      });
    });

    it("refunds what was submitted before the sequencer came up, without a hint", () => {
      const orders = [order(ALICE, 1n, [waiting], NOW - 100n)];

      expect(decide(state({ orders, upSince: NOW - 100n }), SETTINGS)).to.deep.equal([
        { kind: "execute", items: [{ account: ALICE, sequence: 1n, hints: [] }] },
      ]);
      expect(decide(state({ orders, upSince: NOW - 101n }), SETTINGS)).to.deep.equal([]);
    });
  });

  describe("triggers", () => {
    const trigger = {
      account: ALICE,
      sequence: 3n,
      asset: 0,
      delta: -WAD,
      triggerPrice: usd(95),
      above: false,
      expiry: 0n,
    };
    const resting = (change: Partial<typeof trigger> = {}, size = WAD) => ({
      trigger: { ...trigger, ...change },
      size,
    });
    const at = (price: number, triggers: KeeperState["triggers"], refusal: Refusal = "None") =>
      kinds(decide(state({ triggers, feeds: [feed({ latest: price, stored: price, refusal })] }), SETTINGS));

    it("pokes one whose condition holds", () => {
      expect(at(95, [resting()])).to.deep.equal(["poke"]);
      expect(at(95.01, [resting()])).to.deep.equal([]);
      expect(at(95, [resting({ above: true })])).to.deep.equal(["poke"]);
      expect(at(94.99, [resting({ above: true })])).to.deep.equal([]);
    });

    it("leaves one without a position to reduce, past its time, or without a live price", () => {
      expect(at(90, [resting({}, 0n)])).to.deep.equal([]);
      expect(at(90, [resting({}, -WAD)])).to.deep.equal([]);
      expect(at(90, [resting({ expiry: NOW - 1n })])).to.deep.equal([]);
      expect(at(90, [resting({ expiry: NOW })])).to.deep.equal(["poke"]);
      expect(at(90, [resting()], "Stale")).to.deep.equal([]);
    });
  });

  describe("pool mark", () => {
    it("is refreshed at half of its life", () => {
      const aged = (age: bigint) => kinds(decide(state({ mark: { time: NOW - age, maxAge: 3_600n } }), SETTINGS));

      expect(aged(1_799n)).to.deep.equal([]);
      expect(aged(1_800n)).to.deep.equal(["mark"]);
    });
  });

  describe("prices", () => {
    const ofFeed = (options: FeedOptions) => decide(state({ feeds: [feed(options)] }), SETTINGS);

    it("are stored when the stored one is old and the feed has a newer", () => {
      expect(ofFeed({ checkedAt: NOW - 899n })).to.deep.equal([]);
      expect(ofFeed({ checkedAt: NOW - 900n })).to.deep.equal([{ kind: "update", assets: [0] }]);
      expect(ofFeed({ checkedAt: NOW - 900n, rounds: [6, 6] })).to.deep.equal([]);
    });

    it("are stored half way to a jump", () => {
      expect(ofFeed({ latest: 105 })).to.deep.equal([]);
      expect(ofFeed({ latest: 105.01 })).to.deep.equal([{ kind: "update", assets: [0] }]);
    });

    it("halt on a jump that nothing explains", () => {
      expect(ofFeed({ latest: 120, refusal: "Jump" })).to.deep.equal([{ kind: "update", assets: [0] }]);
    });

    it("walk along the rounds in place of a halt", () => {
      const steps = [round(6, 108), round(7, 109), round(8, 118)];

      expect(ofFeed({ latest: 118, refusal: "Jump", steps, rounds: [5, 8] })).to.deep.equal([
        { kind: "advance", asset: 0, rounds: [PHASE + 6n] },
      ]);
    });

    const halt = { candidate: usd(120), round: PHASE + 6n, since: NOW - 600n, vetoedUntil: 0n };
    const halted = (options: FeedOptions, change: Partial<typeof halt> = {}) =>
      ofFeed({ latest: 121, refusal: "Halted", rounds: [5, 8], ...options, halt: { ...halt, ...change } });

    it("end a halt by rounds and time", () => {
      expect(kinds(halted({}))).to.deep.equal(["update"]);
      expect(halted({}, { since: NOW - 599n })).to.deep.equal([]);
      expect(halted({ rounds: [5, 7] })).to.deep.equal([]);
      expect(halted({}, { vetoedUntil: NOW + 1n })).to.deep.equal([]);
    });

    it("end a halt when the price comes back", () => {
      expect(kinds(halted({ latest: 101 }, { since: NOW - 1n }))).to.deep.equal(["update"]);
    });

    it("replace the recorded round that others contradict", () => {
      expect(kinds(halted({ latest: 140 }, { since: NOW - 1n }))).to.deep.equal(["update"]);
    });

    it("do not walk against a veto", () => {
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

  describe("liquidation", () => {
    const rates = { beta: 85_000n, sigma: 20_000n, gamma: 5_000n, kappa: 1_000_000n };
    const exposure = (change: Partial<Exposure>): Exposure => ({
      asset: 0,
      price: livePrice(usd(3_500)),
      size: 0n,
      quote: 0n,
      collateral: 0n,
      funding: { ...NO_FUNDING, time: NOW },
      risk: { from: rates, to: rates, start: 0n, duration: 0n, group: 0 },
      sizes: { depth: 400_000n * WAD, openInterestCap: 8_000n * WAD, openInterestShare: 600_000n, status: "Active" },
      trade: {
        skewCap: 4_000n * WAD,
        takerFee: 500n,
        makerFee: 200n,
        maxFundingRate: WAD / 100n,
        fundingVelocity: WAD / 5n,
        profitWeight: 900_000n,
        lotExponent: 16n,
        insuranceCap: 0n,
      },
      ...change,
    });
    const account = (change: Partial<LiquidationState>): LiquidationState => ({
      exposures: [exposure({ size: 100n * WAD, quote: usd(-380_000) })],
      cash: usd(50_000),
      holdings: [],
      skews: new Map([[0, 100n * WAD]]),
      globals: {
        maintenanceFactor: 600_000n,
        shortfallInitial: 600_000n,
        shortfallMaintenance: 750_000n,
        protocolFeeShare: 100_000n,
        insuranceFeeShare: 200_000n,
        markMaxAge: 3_600n,
        liquidationTarget: 500_000n,
        liquidationPenalty: 100_000n,
        liquidatorShare: 500_000n,
        deepLoss: 200_000n,
        takeoverDiscount: 0n,
      },
      groups: Array.from({ length: 10 }, () => 250_000n),
      money: { ...decodeMoney(0n), minNotional: usd(50), smallRequirement: usd(50), flatReward: usd(2) },
      time: NOW,
      settlementPrice: WAD,
      insurance: 0n,
      hasPendingOrder: false,
      ...change,
    });
    const liquidate = (change: Partial<LiquidationState>, cash = 0n) =>
      decide(state({ unhealthy: [{ account: ALICE, state: account(change) }], cash }), SETTINGS);

    it("closes a part of one leg where that is enough", () => {
      const [action] = liquidate({});
      if (action?.kind !== "liquidate") throw new Error("no liquidation");
      const [reduction] = action.plan.basket.reductions;

      expect(action.account).to.equal(ALICE);
      expect(action.plan.kind).to.equal("leg");
      expect(action.plan.outcome.refusal).to.equal(undefined);
      expect(reduction?.delta)
        .to.be.below(0n)
        .and.above(-100n * WAD);
    });

    it("closes all of a deep loss", () => {
      const [action] = liquidate({ cash: usd(31_000) });

      expect(action).to.deep.include({ kind: "liquidate" });
      if (action?.kind === "liquidate") expect(action.plan.basket.reductions[0]?.delta).to.equal(-100n * WAD);
    });

    it("leaves a healthy account alone", () => {
      expect(liquidate({ cash: usd(60_000) })).to.deep.equal([]);
    });

    it("leaves what is not live alone", () => {
      const dead = exposure({
        size: 100n * WAD,
        quote: usd(-380_000),
        price: { ...livePrice(usd(3_500)), settling: true },
      });

      expect(liquidate({ exposures: [dead] })).to.deep.equal([]);
    });

    it("buys no collateral without the cash for it", () => {
      const withCollateral: Partial<LiquidationState> = {
        exposures: [exposure({ size: 100n * WAD, quote: usd(-382_000), collateral: 10n * WAD })],
        cash: usd(17_000),
        holdings: [
          {
            token: 0,
            amount: 10n * WAD,
            parameters: { asset: 0, saleDiscount: 5_000n, lotExponent: 16n, listed: true },
          },
        ],
      };
      const sales = (actions: readonly Action[]) =>
        actions.flatMap((action) => (action.kind === "liquidate" ? action.plan.basket.sales : []));
      const [poor, rich] = [liquidate(withCollateral), liquidate(withCollateral, usd(1_000_000))];

      expect(kinds(poor)).to.deep.equal(["liquidate"]);
      expect(kinds(rich)).to.deep.equal(["liquidate"]);
      expect(sales(poor)).to.deep.equal([]);
    });

    it("comes before orders, after prices", () => {
      const actions = decide(
        state({
          feeds: [feed({ latest: 108 })],
          unhealthy: [{ account: ALICE, state: account({}) }],
          owing: [BOB],
          orders: [order(BOB, 1n, [settled(5n)])],
          mark: { time: 0n, maxAge: 3_600n },
        }),
        SETTINGS,
      );

      expect(kinds(actions)).to.deep.equal(["update", "liquidate", "settle", "mark", "execute"]);
    });
  });

  it("settles the deficit of an account that has nothing else", () => {
    expect(decide(state({ owing: [ALICE] }), SETTINGS)).to.deep.equal([{ kind: "settle", account: ALICE }]);
  });
});
