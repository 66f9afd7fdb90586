import { expect } from "chai";

import type { KeeperState, MarketState } from "../../../scripts/keeper/decide/state.ts";
import type { PoolMarket } from "../../../scripts/model/pool.ts";
import { livePrice } from "../../../scripts/model/price.ts";
import {
  decided,
  exposure,
  kinds,
  NOW,
  poolMarket,
  settled,
  state,
  terms,
  usd,
  voided,
  WAD,
  waiting,
} from "./states.ts";

const market: MarketState = {
  asset: 0,
  status: "Active",
  overSince: 0n,
  flaggedAt: 0n,
  trigger: "None",
  closesAt: 0n,
  settlement: undefined,
};

interface Situation {
  readonly watch?: Partial<MarketState>;
  readonly market?: Partial<PoolMarket>;
  readonly base?: bigint;
  readonly more?: Partial<KeeperState>;
}

/** A skew of 100 against a cap of 4,000, and a pool of ten million. */
function due({ watch = {}, market: change = {}, base = usd(10_000_000), more = {} }: Situation) {
  const pool = { ...state().pool, base, markets: [poolMarket(change)] };
  return decided({ markets: [{ ...market, ...watch }], pool, ...more });
}

/** A cap that a skew of 100 is more than twice of. */
const capped = { trade: { ...exposure().trade, skewCap: 49n * WAD } };

describe("decide, deleveraging", () => {
  const flag = { kind: "flagDeleveraging", asset: 0, role: "deleverage" };

  it("leaves a market that nothing is wrong with", () => {
    expect(due({})).to.deep.equal([]);
  });

  it("has it recorded when the skew comes over its hard cap, and when it is back", () => {
    expect(due({ market: capped })).to.deep.equal([flag]);
    expect(due({ market: capped, watch: { overSince: NOW - 3_599n } })).to.deep.equal([]);
    expect(due({ watch: { overSince: NOW - 10n } })).to.deep.equal([flag]);
  });

  it("flags a skew that has been over its hard cap for an hour", () => {
    expect(due({ market: capped, watch: { overSince: NOW - 3_600n } })).to.deep.equal([flag]);
  });

  it("flags a market that owes its traders more than the budget", () => {
    // Both sides entered so that the longs have won 1,200,000.
    const { long } = poolMarket();
    const owing = { long: { ...long, quote: usd(-2_300_000) } };

    expect(due({ market: owing })).to.deep.equal([flag]);
    expect(due({ market: owing, base: usd(14_000_000) })).to.deep.equal([]);
  });

  it("flags a market for a pool that does not cover its requirement", () => {
    expect(due({ base: usd(1_000) })).to.deep.equal([flag]);
  });

  it("does not judge by a price that nothing may be liquidated at", () => {
    const price = { ...livePrice(usd(3_500)), settling: true };

    expect(due({ market: { ...capped, price } })).to.deep.equal([]);
  });

  it("deleverages with the first round after the flag", () => {
    const flagged = (settlement: MarketState["settlement"]) =>
      due({ watch: { flaggedAt: NOW - 100n, trigger: "Budget", settlement } });
    const proved = (round: bigint, before: bigint) => [
      { kind: "deleverage", asset: 0, role: "deleverage", hint: { round, before }, report: undefined },
    ];
    const { hint } = settled(7n) as { hint: { round: bigint; before: bigint } };

    expect(flagged(settled(7n))).to.deep.equal(proved(hint.round, hint.before));
    expect(kinds(flagged(voided))).to.deep.equal(["deleverage"]);
    expect(flagged(waiting)).to.deep.equal([]);
    expect(flagged(undefined)).to.deep.equal([]);
  });

  it("has a flag dropped that nobody could prove a round for within a day", () => {
    const aged = (age: bigint) => due({ watch: { flaggedAt: NOW - age, settlement: { kind: "unprovable" } } });

    expect(aged(86_400n)).to.deep.equal([]);
    expect(kinds(aged(86_401n))).to.deep.equal(["deleverage"]);
  });

  it("does not flag a market that is flagged, or being wound down", () => {
    expect(due({ market: capped, watch: { flaggedAt: NOW - 1n, settlement: waiting } })).to.deep.equal([]);
    expect(due({ market: capped, watch: { status: "Closing", closesAt: NOW + 1n } })).to.deep.equal([]);
  });
});

describe("decide, the end of a market", () => {
  const closing = (
    closesAt: bigint,
    settlement: MarketState["settlement"],
    status: MarketState["status"] = "Closing",
  ) => due({ watch: { status, closesAt, settlement } });

  it("closes it at the first round after its notice", () => {
    const { hint } = settled(7n) as { hint: { round: bigint; before: bigint } };

    expect(closing(NOW - 1n, settled(7n))).to.deep.equal([
      { kind: "closeMarket", asset: 0, role: "deleverage", hint, report: undefined },
    ]);
    expect(closing(NOW, settled(7n))).to.deep.equal([]);
    expect(closing(NOW - 1n, waiting)).to.deep.equal([]);
  });

  it("closes it without a proof after a week", () => {
    expect(closing(NOW - 604_800n, { kind: "unprovable" })).to.deep.equal([]);
    expect(kinds(closing(NOW - 604_801n, { kind: "unprovable" }))).to.deep.equal(["closeMarket"]);
  });

  it("closes it once", () => {
    expect(closing(NOW - 1n, settled(7n), "Closed")).to.deep.equal([]);
  });
});

describe("decide, the pool's insolvency", () => {
  /** The longs have won 1,200,000. */
  const winning = { long: { ...poolMarket().long, quote: usd(-2_300_000) } };
  const cuts = (situation: Situation) =>
    kinds(due({ market: winning, ...situation })).filter((kind) => kind === "cutProfits");

  it("cuts profits where the pool owes more than it has", () => {
    expect(cuts({ base: usd(1_000_000) })).to.deep.equal(["cutProfits"]);
    expect(cuts({ base: usd(1_300_000) })).to.deep.equal([]);
  });

  it("takes insurance first", () => {
    expect(cuts({ base: usd(1_000_000), more: { terms: { ...terms, insurance: usd(1_000_000) } } })).to.deep.equal([
      "cutProfits",
    ]);
  });

  it("waits for live prices", () => {
    const stale = { ...winning, price: { ...livePrice(usd(3_500)), refusal: "Stale" as const } };

    expect(kinds(due({ market: stale, base: usd(1_000_000) }))).to.deep.equal([]);
  });
});
