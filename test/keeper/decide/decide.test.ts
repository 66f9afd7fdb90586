import { expect } from "chai";

import { isOwn, shardOf } from "../../../scripts/keeper/decide/shard.ts";
import type { KeeperState } from "../../../scripts/keeper/decide/state.ts";
import type { Role } from "../../../scripts/keeper/job.ts";
import { alice, ALICE, BOB, decided, feed, kinds, NOW, order, poolMarket, settled, state, usd } from "./states.ts";

/** Something to do in every role. */
const busy: Partial<KeeperState> = {
  feeds: [feed({ latest: 108 })],
  accounts: [alice()],
  orders: [order(BOB, 1n, [settled(5n)])],
  mark: { time: 0n, maxAge: 3_600n },
  shareFeeds: [{ feed: "0x01", anchoredAt: 0n }],
  markets: [
    {
      asset: 0,
      status: "Active",
      overSince: 0n,
      flaggedAt: 1n,
      trigger: "Pool",
      closesAt: 0n,
      settlement: settled(3n),
    },
  ],
  pool: { ...state().pool, markets: [poolMarket()] },
};

describe("decide", () => {
  it("has nothing to do where nothing is due", () => {
    expect(decided({})).to.deep.equal([]);
  });

  it("puts prices first, then liquidation, then what others wait for", () => {
    expect(kinds(decided(busy))).to.deep.equal([
      "advance",
      "liquidate",
      "deleverage",
      "markPool",
      "execute",
      "checkpoint",
    ]);
  });

  it("does nothing while the sequencer is down", () => {
    expect(decided({ ...busy, sequencerUp: false })).to.deep.equal([]);
  });

  it("liquidates and deleverages nothing in the grace after the sequencer has come up", () => {
    expect(kinds(decided({ ...busy, sequencerSettled: false }))).to.deep.equal([
      "advance",
      "markPool",
      "execute",
      "checkpoint",
    ]);
  });

  it("does in each role what belongs to it, and has prices kept by all that depend on them", () => {
    const as = (...roles: Role[]) => decided(busy, {}, new Set(roles)).map(({ kind, role }) => `${role}:${kind}`);

    expect(as("liquidate")).to.deep.equal(["liquidate:advance", "liquidate:liquidate"]);
    expect(as("orders")).to.deep.equal(["orders:advance", "orders:markPool", "orders:execute"]);
    expect(as("pool")).to.deep.equal(["pool:advance", "pool:markPool", "pool:checkpoint"]);
    expect(as("deleverage")).to.deep.equal(["deleverage:advance", "deleverage:deleverage"]);
    expect(as("monitor")).to.deep.equal([]);
  });

  it("leaves the keeper's own account alone", () => {
    const mine = { ...state().own, account: ALICE };

    expect(decided({ accounts: [alice()], own: mine })).to.deep.equal([]);
  });
});

describe("shards", () => {
  const accounts = Array.from({ length: 3_000 }, (_, number) => `0x${number.toString(16).padStart(64, "0")}`);

  it("have every account in one of them", () => {
    for (const account of accounts.slice(0, 200)) {
      const owners = [0, 1, 2, 3, 4].filter((index) => isOwn({ index, count: 5 }, account));
      expect(owners).to.deep.equal([shardOf(account, 5)]);
    }
  });

  it("are about equal", () => {
    for (const index of [0, 1, 2]) {
      expect(accounts.filter((account) => shardOf(account, 3) === index).length).to.be.within(900, 1_100);
    }
  });

  it("divide accounts by the remainder of their hash", () => {
    // keccak256 of 32 zero bytes is 0x290d…e563.
    expect(shardOf(`0x${"00".repeat(32)}`, 256)).to.equal(0x63);
  });

  it("do together what one would do, each thing once", () => {
    const shards = [0, 1, 2].map((index) => decided(busy, { shard: { index, count: 3 } }));
    const names = (actions: ReturnType<typeof decided>) => actions.map((action) => JSON.stringify(action, big)).sort();

    expect(names(shards.flat())).to.deep.equal(names(decided(busy)));
    expect(kinds(shards[1] ?? [])).to.not.include("update");
  });
});

function big(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value instanceof Map ? [...value] : value;
}

describe("decide, many unhealthy accounts", () => {
  it("looks for baskets of the worst at each block, and of all in turn", () => {
    const accounts = Array.from({ length: 150 }, (_, number) => ({
      ...alice({ cash: usd(50_000 - number) }),
      account: `0x${number.toString(16).padStart(64, "0")}`,
    }));
    const worst = accounts.slice(-48).map(({ account }) => account);
    const seen = new Set<string>();
    for (let block = 1; block <= 4; ++block) {
      const actions = decided({ block, accounts, time: NOW });
      expect(actions.length).to.be.at.most(96);
      const liquidated = actions.flatMap((action) => (action.kind === "liquidate" ? [action.account] : []));
      expect(liquidated).to.include.members(worst);
      for (const account of liquidated) seen.add(account);
    }

    expect(seen.size).to.equal(150);
  });
});
