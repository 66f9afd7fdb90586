import { expect } from "chai";

import { Feeds } from "../../../scripts/keeper/reading/feeds.ts";
import type { ReportSource } from "../../../scripts/keeper/reading/reports.ts";
import { decodePrice } from "../../../scripts/model/price.ts";
import { frozen } from "../../clearing/scenarios.ts";
import { load } from "../../clearing/support.ts";
import { accountOf, ethers, funded, time } from "../../fixture.ts";
import { BTC, DAY, ETH, HOUR, Kind, percent, WAD, wad, WBTC } from "../../parameters.ts";
import { deployPaidStreams, deployStreams, type Don, ETH_STREAM, nextBlock } from "../../streams/don.ts";
import { counted } from "../counted.ts";
import { silent } from "../silent.ts";
import { indexOf, keeperOf } from "./stage.ts";

const kinds = (actions: readonly { kind: string }[]) => actions.map(({ kind }) => kind);

/** Orders of alice and bob, and their rounds. */
async function settledOrders() {
  const world = await frozen();
  await world.clearingHouse.markPool();
  const [first, second] = [accountOf(world.alice), accountOf(world.bob)];
  await world.submit(first, ETH, wad("10"));
  await world.submit(second, BTC, wad("-1"));
  return { ...world, first, second };
}

/** Alice is long 10 ETH. */
async function withPosition() {
  const world = await frozen();
  const first = accountOf(world.alice);
  await world.trade(first, ETH, wad("10"));
  return { ...world, first };
}

describe("Reader, orders", () => {
  it("waits for the round of each, and executes them in one transaction", async () => {
    const world = await load(settledOrders);
    const { clearingHouse, first, second } = world;
    const keeper = keeperOf(world);
    expect(await keeper.decided(["orders"])).to.deep.equal([]);

    await time.increase(60);
    await world.refresh();
    await world.tick();
    await ethers.provider.send("evm_mine", []);
    const { actions, jobs } = await keeper.cycle(["orders"]);

    expect(kinds(actions)).to.deep.equal(["execute", "execute"]);
    expect(jobs.map(({ kind }) => kind)).to.deep.equal(["executeBatch"]);
    expect((await clearingHouse.positionOf(first, ETH)).size).to.equal(wad("10"));
    expect((await clearingHouse.positionOf(second, BTC)).size).to.equal(wad("-1"));
    expect(await keeper.decided(["orders"])).to.deep.equal([]);
  });

  it("expects what the contract pays", async () => {
    const world = await load(settledOrders);
    const { clearingHouse } = world;
    const keeper = keeperOf(world);
    await time.increase(60);
    await world.refresh();
    await ethers.provider.send("evm_mine", []);
    const { baseFeePerGas } = (await ethers.provider.getBlock("latest")) ?? {};
    await ethers.provider.send("hardhat_setNextBlockBaseFeePerGas", [ethers.toQuantity(baseFeePerGas ?? 0n)]);
    const before = (await clearingHouse.accountOf(keeper.account)).cash;
    const { jobs } = await keeper.cycle(["orders"]);

    expect((await clearingHouse.accountOf(keeper.account)).cash - before).to.equal(jobs[0]?.reward);
    expect(jobs[0]?.reward).to.be.above(0n);
  });

  it("refunds an order without a round", async () => {
    const world = await load(settledOrders);
    const keeper = keeperOf(world);
    await time.increase(2 * DAY);
    await world.refresh();
    const { actions } = await keeper.cycle(["orders"]);

    expect(kinds(actions).filter((kind) => kind === "execute")).to.have.length(2);
    expect(await world.orders.isPending(world.first, 0n)).to.equal(false);
    expect((await world.clearingHouse.positionOf(world.first, ETH)).size).to.equal(0n);
  });

  it("pokes a trigger that fires", async () => {
    const world = await load(withPosition);
    const input = {
      asset: ETH,
      delta: wad("-5"),
      triggerPrice: wad("1_790"),
      above: false,
      acceptablePrice: 0n,
      expiry: 0,
    };
    await world.orders.connect(world.alice).submitTrigger(world.first, input);
    const keeper = keeperOf(world);
    expect(kinds(await keeper.decided(["orders"]))).to.not.include("poke");

    await world.setPrice(ETH, wad("1_780"));
    const { actions } = await keeper.cycle(["orders"]);
    expect(kinds(actions)).to.include("poke");
    expect(kinds(await keeper.decided(["orders"]))).to.not.include("poke");
  });

  it("keeps the price of a market while nothing else does", async () => {
    const world = await load(settledOrders);
    await time.increase(HOUR);
    await world.refresh();
    const { actions } = await keeperOf(world, { settings: { refreshAge: 900n } }).cycle(["orders"]);

    expect(kinds(actions)).to.include("update");
    const { checkedAt } = await world.oracle.stateOf(ETH);
    expect(BigInt(await time.latest()) - checkedAt).to.be.below(60n);
  });

  it("leaves an order whose feed cannot be read, and says so", async () => {
    const world = await load(settledOrders);
    const keeper = keeperOf(world);
    const index = await indexOf(world);
    const order = { account: world.first, sequence: 9n, boundary: 1n, legs: [{ asset: 77, phase: 1n }] };
    const { state } = await keeper.read(["orders"], { ...index, orders: new Map([["one", order]]) });

    expect(state.orders).to.deep.equal([]);
    expect(keeper.said.map(({ event, fields }) => [event, fields["reason"]])).to.deep.equal([
      ["unread", "no feed of asset 77"],
    ]);
  });

  it("leaves out an order that is not there, and reads the others of its page", async () => {
    const world = await load(settledOrders);
    const keeper = keeperOf(world);
    await time.increase(60);
    await world.refresh();
    await ethers.provider.send("evm_mine", []);
    const index = await indexOf(world);
    const [real] = index.orders.values();
    if (real === undefined) throw new Error("no order");
    const missing = { ...real, sequence: 9n };
    const { state } = await keeper.read(["orders"], {
      ...index,
      orders: new Map([...index.orders, ["missing", missing]]),
    });

    expect(state.orders.map(({ order }) => order.account)).to.deep.equal([world.first, world.second]);
    expect(keeper.said.map(({ event, fields }) => [event, fields["item"]])).to.deep.equal([["unread", missing]]);
  });

  it("looks again in the next cycle for a round that was not there", async () => {
    const world = await load(settledOrders);
    const contracts = await keeperOf(world).contracts();
    const feeds = new Feeds({ contracts, log: silent });
    const sourceOfEth = async () => {
      const [, words] = await contracts.oracle.peek(1n << BigInt(ETH), true);
      const [reading] = await feeds.read(words.map(decodePrice), {
        at: { blockTag: await ethers.provider.getBlockNumber() },
        sources: new Map(),
      });
      return reading?.source;
    };
    const source = await sourceOfEth();
    const next = (source?.latest?.id ?? 0n) + 1n;
    expect(await source?.rounds.find(next)).to.equal(undefined);

    await world.setPrice(source?.asset ?? 0);
    expect((await (await sourceOfEth())?.rounds.find(next))?.id).to.equal(next);
  });

  it("reads rounds anew after a fork", async () => {
    const world = await load(settledOrders);
    const keeper = keeperOf(world);
    await time.increase(60);
    await ethers.provider.send("evm_mine", []);
    const snapshot = (await ethers.provider.send("evm_snapshot", [])) as string;
    /** When alice's order settles, and when its round was written. */
    const settles = async (price: bigint) => {
      await world.setPrice(ETH, price);
      const writtenAt = BigInt(await time.latest());
      await world.setPrice(BTC);
      await ethers.provider.send("evm_mine", []);
      const { state } = await keeper.read(["orders"]);
      const [settlement] = state.orders.find(({ order }) => order.account === world.first)?.settlements ?? [];
      return { settledAt: settlement?.kind === "settled" ? settlement.settledAt : 0n, writtenAt };
    };
    const before = await settles(wad("1_810"));
    expect(before.settledAt).to.equal(before.writtenAt);
    await ethers.provider.send("evm_revert", [snapshot]);
    await time.increase(5);

    const after = await settles(wad("1_820"));
    expect(after.settledAt).to.equal(after.writtenAt).and.above(before.settledAt);
    expect(kinds((await keeper.cycle(["orders"])).actions)).to.include("execute");
  });
});

describe("Reader, orders from before a change of what they settle by", () => {
  /** An order of alice with its round; ETH settles by reports since. */
  async function changed() {
    const world = await funded();
    const { don, feed, reports } = await deployStreams();
    await world.refresh();
    await world.clearingHouse.markPool();
    const account = accountOf(world.alice);
    const { sequence } = await world.submit(account, ETH, WAD);
    await world.settle(account, sequence, wad("1_805"));
    const now = await nextBlock();
    await reports.submit([don.report(now - 1, { price: wad("1_805") })]);
    await world.oracle.setSettlement(ETH, feed, 60);
    return { ...world, account, sequence };
  }

  it("executes them by the rounds of their time", async () => {
    const world = await load(changed);
    const keeper = keeperOf(world);
    const { actions } = await keeper.cycle(["orders"]);

    expect(keeper.said).to.deep.equal([]);
    expect(kinds(actions)).to.include("execute");
    expect((await world.clearingHouse.positionOf(world.account, ETH)).size).to.equal(WAD);
  });

  it("asks for no logs, whatever has changed: the index has followed them", async () => {
    const world = await load(changed);
    const index = await indexOf(world);
    const { provider, asked } = counted();
    const { state } = await keeperOf(world, { provider }).read(["orders"], index);

    expect(state.orders.map(({ settlements }) => settlements.map(({ kind }) => kind))).to.deep.equal([["settled"]]);
    expect(asked).to.not.include("getLogs");
  });

  it("leaves them while the index is behind the change, and says so", async () => {
    const world = await load(changed);
    const index = await indexOf(world);
    const keeper = keeperOf(world);
    const known = index.sources.get(ETH);
    if (known?.former === undefined) throw new Error("no change");
    const sources = new Map([...index.sources, [ETH, { ...known, ...known.former, former: undefined }]]);
    const { state } = await keeper.read(["orders"], { ...index, sources });

    expect(state.orders).to.deep.equal([]);
    expect(keeper.said.map(({ event, fields }) => [event, String(fields["reason"]).slice(0, 24)])).to.deep.equal([
      ["unread", "the index does not know "],
    ]);
  });

  it("asks for the former source once, however many settle by it", async () => {
    const world = await load(changed);
    const index = await indexOf(world);
    const [one] = index.orders.values();
    if (one === undefined) throw new Error("no order");
    const many = Array.from({ length: 9 }, (_, place) => ({ ...one, boundary: one.boundary + BigInt(place) }));
    const read = async (orders: readonly (typeof one)[]) => {
      const { provider, asked } = counted();
      const named = new Map(orders.map((order, place) => [String(place), order]));
      await keeperOf(world, { provider }).read(["orders"], { ...index, orders: named });
      return asked.length;
    };

    expect((await read(many)) - (await read([one]))).to.be.at.most(1);
  });

  it("refunds those whose boundary is just after it", async () => {
    const world = await load(changed);
    const second = accountOf(world.bob);
    await world.submit(second, ETH, WAD);
    await time.increase(60);
    await ethers.provider.send("evm_mine", []);
    await keeperOf(world).cycle(["orders"]);

    expect((await world.clearingHouse.positionOf(second, ETH)).size).to.equal(0n);
    expect((await world.clearingHouse.accountOf(second)).pending).to.equal(0n);
  });
});

describe("Reader, orders that settle by reports", () => {
  /** After those of the parameters, and the settlement token. */
  const STREAMED = 6;
  const FEES = { nativeFee: 10n ** 15n, linkFee: 1n };

  /** A market whose price is a stream's, and an order in it. */
  async function streamed() {
    const world = await funded();
    const streams = await deployPaidStreams();
    const { oracle, orders, clearingHouse, parameters } = world;
    const relay = await ethers.deployContract("ReportRelay", [streams.reports, orders, clearingHouse]);
    const { don, reports, feed } = streams;
    await world.refresh();
    const now = await nextBlock();
    await reports.submit([don.report(now - 1, { price: wad("1800"), ...FEES })], { value: FEES.nativeFee });
    const [collateralOnly, market, limits] = [
      parameters.assets[WBTC],
      parameters.assets[ETH],
      parameters.feeds[ETH]?.limits,
    ];
    if (collateralOnly === undefined || market === undefined || limits === undefined)
      throw new Error("defaults changed");
    await oracle.list([{ proxy: await feed.getAddress(), kind: Kind.Stream, limits: { ...limits, jump: percent(4) } }]);
    await clearingHouse.listAssets([collateralOnly, market]);
    await oracle.update(1n << BigInt(STREAMED));
    await clearingHouse.markPool();
    const account = accountOf(world.alice);
    const { sequence } = await world.submit(account, STREAMED, WAD);
    const { boundary } = await orders.orderOf(account, sequence);
    await time.increaseTo(boundary + 2n);
    const book = { reportRelay: await relay.getAddress(), streamReports: await reports.getAddress() };
    return { ...world, ...streams, account, sequence, boundary, book };
  }

  /** One report for each second, as a DON makes them. */
  function sourceOf(don: Don): ReportSource & { readonly asked: [string, bigint][] } {
    const asked: [string, bigint][] = [];
    return {
      asked,
      reportAt: async (feedId, at) => {
        asked.push([feedId, at]);
        const data = don.report(Number(at), { price: wad("1810"), ...FEES });
        return Promise.resolve({ data, validFrom: at, observed: at });
      },
    };
  }

  it("brings the report of the boundary in the same transaction, and pays what it costs", async () => {
    const world = await load(streamed);
    const { account, boundary, don, book, orders, sequence } = world;
    const reports = sourceOf(don);
    const keeper = keeperOf(world, { reports, book });
    const { actions, jobs } = await keeper.cycle(["orders"]);
    expect(keeper.said).to.deep.equal([]);
    expect(kinds(actions)).to.include("execute");
    expect(reports.asked).to.deep.equal([[ETH_STREAM, boundary]]);
    expect(jobs.find(({ kind }) => kind === "execute")?.call).to.deep.include({
      to: book.reportRelay,
      value: FEES.nativeFee,
    });
    expect(await orders.isPending(account, sequence)).to.equal(false);
    expect((await world.clearingHouse.positionOf(account, STREAMED)).size).to.equal(WAD);
  });

  it("uses a report that somebody else has brought", async () => {
    const world = await load(streamed);
    const { account, boundary, don, reports, book, orders, sequence } = world;
    const report = don.report(Number(boundary), { price: wad("1810"), ...FEES });
    await reports.submit([report], { value: FEES.nativeFee });
    for (const later of [1, 2]) {
      await reports.submit([don.report(Number(boundary) + later, { price: wad("1811"), ...FEES })], {
        value: FEES.nativeFee,
      });
    }
    const { jobs } = await keeperOf(world, { book }).cycle(["orders"]);

    expect(jobs.find(({ kind }) => kind === "execute")?.call.to).to.equal(await orders.getAddress());
    expect(await orders.isPending(account, sequence)).to.equal(false);
  });

  it("looks once for the report of orders of the same second", async () => {
    const world = await load(streamed);
    const reports = sourceOf(world.don);
    const { provider, asked } = counted();
    const keeper = keeperOf(world, { reports, book: world.book, provider });
    const index = await indexOf(world);
    const [one] = index.orders.values();
    if (one === undefined) throw new Error("no order");
    const same = Array.from({ length: 9 }, (_, place) => ({ ...one, account: accountOf(world.bob, BigInt(place)) }));
    await keeper.read(["orders"], { ...index, orders: new Map([["one", one]]) });
    const alone = asked.length;
    await keeper.read(["orders"], {
      ...index,
      orders: new Map([one, ...same].map((order, place) => [String(place), order])),
    });

    expect(reports.asked).to.have.length(1);
    // Nothing but their escrows: one page, and each alone because they are not there.
    expect(asked.length - alone - alone).to.be.at.most(10);
  });

  it("reads a report that is stored once, and again after a fork", async () => {
    const world = await load(streamed);
    const { boundary, don, reports } = world;
    const { provider, asked } = counted();
    const keeper = keeperOf(world, { book: world.book, provider });
    const snapshot = (await ethers.provider.send("evm_snapshot", [])) as string;
    const report = don.report(Number(boundary), { price: wad("1810"), ...FEES });
    await reports.submit([report], { value: FEES.nativeFee });
    expect(kinds(await keeper.decided(["orders"]))).to.include("execute");
    const first = asked.length;
    expect(kinds(await keeper.decided(["orders"]))).to.include("execute");
    // Neither the stream's id, nor its latest report, nor the order's escrow.
    expect(asked.length - first).to.equal(first - 3);

    await ethers.provider.send("evm_revert", [snapshot]);
    await ethers.provider.send("evm_mine", []);
    expect(kinds(await keeper.decided(["orders"]))).to.not.include("execute");
  });

  it("leaves them without credentials, and says so once", async () => {
    const world = await load(streamed);
    const keeper = keeperOf(world, { book: world.book });

    expect(kinds(await keeper.decided(["orders"]))).to.not.include("execute");
    expect(kinds(await keeper.decided(["orders"]))).to.not.include("execute");
    expect(keeper.said.map(({ event }) => event)).to.deep.equal([
      "no credentials for reports: what settles by them is left",
    ]);
  });
});
