/**
 * The whole protocol on a replay of feeds. At every look, what each action of the table in section "Prices" of
 * `docs/protocol.md` must come to is worked out from the rounds alone, and the contracts are asked.
 *
 * The guards are modelled by `GuardedFeed`, settlement by `settlementOf`, margins by the risk model at the prices that
 * `GuardedFeed` gives. Times are those of the record, moved to after the protocol was set up.
 */
import { expect } from "chai";

import { type Change, type FeedRound, GuardedFeed, type Reading } from "../../scripts/history/guards.ts";
import { convert } from "../../scripts/model/convert.ts";
import type { LiquidationState } from "../../scripts/model/liquidation.ts";
import { isLiquidatable, type Price } from "../../scripts/model/price.ts";
import { assess, maintenanceUp, meetsInitial } from "../../scripts/model/risk.ts";
import { decodePrice } from "../../scripts/model/price.ts";
import { stateOf } from "../clearing/support.ts";
import { type Account, accountOf, deploy, networkHelpers, receiptOf, time } from "../fixture.ts";
import { settlementOf } from "../oracles/settlement.ts";
import { DAY, type Parameters, SETTLEMENT, wad, WETH_TOKEN } from "../parameters.ts";

export interface StageRound extends FeedRound {
  asset: number;
}

/** Accounts of one market. */
interface Market {
  asset: number;
  /** Liquidation is tried on them, and never done. */
  long: Account;
  short: Account;
  /** Take turns: when one is flat the other has a position. */
  turners: Turner[];
}

interface Turner {
  account: Account;
  size: bigint;
  open: boolean;
  pending: { sequence: bigint; boundary: number } | undefined;
}

export type Action =
  "deposit" | "submit" | "increase" | "reduction" | "withdraw" | "liquidate" | "convert" | "pool fulfilment";

export interface StageOptions {
  /** Markets that are traded and liquidated in. */
  traded: readonly number[];
  /** First round of each feed that has any, with its recorded time. */
  first: ReadonlyMap<number, StageRound>;
  /** Of the collateral that is converted, in its own units. */
  weth: bigint;
  peg: number;
  native: number;
  /** In which the account that owes has lost its money. */
  lossIn: number;
  /** Of accounts that are liquidated, for positions of 6,000 USD. */
  margin: bigint;
  adapt: (parameters: Parameters) => void;
}

export type Stage = Awaited<ReturnType<typeof createStage>>;

const WAD = 10n ** 18n;
const PRICE_DELAY = 240;
const EXECUTION_WINDOW = 600;
const UNITS = 1_000_000n;
/** An answer has 8 decimals. */
const FEED_UNIT = 10n ** 10n;

export async function createStage({ traded, first, weth, peg, native, lossIn, margin, adapt }: StageOptions) {
  const world = await deploy((parameters) => {
    for (const asset of parameters.assets) {
      [asset.maxFundingRate, asset.fundingVelocity] = [0, 0];
      asset.openInterestShare = 900_000;
    }
    [parameters.money.borrowRateKink, parameters.money.borrowRateFull] = [0, 0];
    // Every account that is liquidated here may be closed whole, and no fill waits for a mark of the pool.
    parameters.money.smallRequirement = 100_000_00;
    parameters.globals.markMaxAge = 7 * DAY;
    for (const [asset, { price }] of first) {
      const feed = parameters.feeds[asset];
      if (feed === undefined) continue;
      feed.price = price;
      [feed.limits.minAnswer, feed.limits.maxAnswer] = [price / 1_000n, price * 1_000n];
    }
    adapt(parameters);
  });
  const { oracle, clearingHouse, vault, orders, pool, keeper, alice, bob, carol, provider, parameters } = world;

  // ---------------------------------------------------------------- setting up

  await world.poolDeposit(provider, wad("10_000_000"));
  const buyer = await world.fund(bob, wad("1_000_000"));
  const rich = await world.fund(alice, wad("100_000"));
  await world.tokens.usdc.mint(bob, UNITS);
  const owing = await indebt();
  const holders = [await world.fund(alice, wad("1_000"), 1n), await world.fund(alice, wad("1_500"), 2n)] as const;
  const markets: Market[] = [];
  for (const asset of traded) markets.push(await openMarket(asset));
  // What the worse end of an interval would cost them is more than they have to spare, now or after a fall.
  await openPosition(holders[0], traded.at(-1) ?? 0, wad("6_000"));
  await openPosition(holders[1], native, wad("6_000"));
  // Requests of providers that have matured when the replay begins, and that nobody settles.
  const batch = await world.requestDeposit(provider, wad("1_000"));
  await time.increaseTo((await pool.batchOf(batch)).maturesAt);

  /** An account that owes most of what its collateral is worth. */
  async function indebt(): Promise<Account> {
    const account = await world.fundCollateral(carol, WETH_TOKEN, weth);
    const price = await world.priceOf(lossIn);
    const value = ((await world.priceOf(native)) * weth) / WAD;
    const size = ((value * 2n * WAD) / price / 10n ** 15n) * 10n ** 15n;
    await mustFill(account, lossIn, size);
    await walk(lossIn, (price * 60n) / 100n);
    await mustFill(account, lossIn, -size, true);
    await walk(lossIn, price);
    return account;
  }

  /** Moves a feed in steps that no jump guard minds. */
  async function walk(asset: number, target: bigint): Promise<void> {
    for (let price = await world.priceOf(asset); price !== target; price = await world.priceOf(asset)) {
      const [low, high] = [(price * 96n) / 100n, (price * 104n) / 100n];
      const next = target < low ? low : target > high ? high : target;
      await world.setPrice(asset, (next / FEED_UNIT) * FEED_UNIT);
      await oracle.update(1n << BigInt(asset));
    }
  }

  async function mustFill(account: Account, asset: number, delta: bigint, reduceOnly = false): Promise<void> {
    const { outcome, cause } = await world.trade(account, asset, delta, { reduceOnly });
    if (outcome !== "Filled") throw new Error(`setting up: ${outcome} ${cause ?? ""} of asset ${asset}`);
  }

  async function sizeFor(asset: number, notional: bigint): Promise<bigint> {
    const price = await world.priceOf(asset);
    return ((notional * WAD) / price / 10n ** 14n) * 10n ** 14n;
  }

  async function openPosition(account: Account, asset: number, notional: bigint): Promise<void> {
    const size = await sizeFor(asset, notional < 0n ? -notional : notional);
    await mustFill(account, asset, notional < 0n ? -size : size);
  }

  async function openMarket(asset: number): Promise<Market> {
    const sub = BigInt(10 * (asset + 1));
    const long = await world.fund(alice, margin, sub);
    const short = await world.fund(alice, margin, sub + 1n);
    await openPosition(long, asset, wad("6_000"));
    await openPosition(short, asset, -wad("6_000"));
    const turners: Turner[] = [];
    for (const open of [false, true]) {
      const account = await world.fund(alice, wad("100_000"), sub + (open ? 2n : 3n));
      const size = await sizeFor(asset, wad("1_000"));
      if (open) await mustFill(account, asset, size);
      turners.push({ account, size, open, pending: undefined });
    }
    return { asset, long, short, turners };
  }

  // ---------------------------------------------------------------- feeds

  const start = (await time.latest()) + 60;
  const firstTime = Math.min(...[...first.values()].map(({ updatedAt }) => updatedAt));
  /** From the time of the record to that of the chain. */
  const shift = start - firstTime;
  const feeds = new Map<number, GuardedFeed>();
  await world.refresh();
  await oracle.update((1n << BigInt(parameters.feeds.length)) - 1n);
  for (const [asset, { limits }] of parameters.feeds.entries()) {
    const [price, , updatedAt, checkedAt] = await oracle.stateOf(asset);
    const feed = new GuardedFeed(limits, parameters.environment.haltGrace);
    feed.start({ price, updatedAt: Number(updatedAt) }, Number(checkedAt));
    feeds.set(asset, feed);
  }

  function feedOf(asset: number): GuardedFeed {
    const feed = feeds.get(asset);
    if (feed === undefined) throw new Error(`no feed of asset ${asset}`);
    return feed;
  }

  /** Puts the next block at a time, or a second after the last one if that is later. */
  async function nextAt(at: number): Promise<number> {
    const next = Math.max(at, (await time.latest()) + 1);
    await time.setNextBlockTimestamp(next);
    return next;
  }

  const changes: { at: number; asset: number; change: Change }[] = [];

  /** Rounds of one time are written, and somebody has the oracle look at them. */
  async function bring(rounds: readonly StageRound[]): Promise<Change[]> {
    let assets = 0n;
    for (const { asset, price, updatedAt } of rounds) {
      const at = updatedAt + shift;
      await nextAt(at);
      await world.feedOf(asset).aggregator.transmit(price / FEED_UNIT, at, at);
      feedOf(asset).rounds.push({ price, updatedAt: at });
      assets |= 1n << BigInt(asset);
    }
    const now = await nextAt(0);
    await oracle.update(assets);
    return rounds.map(({ asset }) => {
      const change = feedOf(asset).update(now);
      changes.push({ at: now - shift, asset, change });
      return change;
    });
  }

  // ---------------------------------------------------------------- what must be

  const modelled = (now: number) => (asset: number) => toPrice(feedOf(asset).see(now));

  function pegAt(now: number, store: boolean): { held: boolean; price: bigint } {
    const { live, price } = feedOf(peg).readPeg(now, store);
    const { pegLow, pegHigh } = parameters.environment;
    return { held: live && price >= pegLow && price <= pegHigh, price };
  }

  /** What an account is, at the model's prices. Nobody trades for it, so all else is read once. */
  async function snapshot(account: Account): Promise<(now: number) => LiquidationState> {
    const state = await stateOf(world, account, BigInt(await time.latest()));
    return (now) => ({
      ...state,
      exposures: state.exposures.map((exposure) => ({ ...exposure, price: modelled(now)(exposure.asset) })),
      time: BigInt(now),
      settlementPrice: pegAt(now, false).price,
    });
  }

  const snapshots = new Map<Account, (now: number) => LiquidationState>();
  for (const account of [owing, ...holders, ...markets.flatMap(({ long, short }) => [long, short])]) {
    snapshots.set(account, await snapshot(account));
  }

  function stateAt(account: Account, now: number): LiquidationState {
    const state = snapshots.get(account);
    if (state === undefined) throw new Error("no snapshot");
    return state(now);
  }

  // ---------------------------------------------------------------- looking

  /** How often each action came to what. */
  const counts = new Map<string, number>();
  let isPegHeld = true;

  function note(action: Action, outcome: string): void {
    const key = `${action}: ${outcome}${isPegHeld ? "" : ", peg broken"}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }

  /** Asks the contracts all that the table says, and compares. */
  async function look(): Promise<void> {
    await expectReadings();
    const now = await time.latest();
    await expectOutcome("deposit", "possible", vault.connect(bob).deposit.staticCall(rich, SETTLEMENT, UNITS));
    for (const { asset } of markets) {
      const order = { asset, delta: wad("0.1"), acceptablePrice: 0n, reduceOnly: false, expiry: 0 };
      await expectOutcome("submit", "possible", orders.connect(alice).submit.staticCall(rich, order));
    }
    for (const holder of holders) await expectWithdrawal(holder, now);
    for (const market of markets) {
      await expectLiquidation(market.asset, market.long, now);
      await expectLiquidation(market.asset, market.short, now);
    }
    await expectConversion(now);
    await expectFulfilment();
    await turnAll();
  }

  async function turnAll(): Promise<void> {
    for (const { asset, turners } of markets) for (const turner of turners) await turn(asset, turner);
  }

  async function expectReadings(): Promise<void> {
    const now = await time.latest();
    const assets = [...feeds.keys()];
    const [conditions, words] = await oracle.peek((1n << BigInt(assets.length)) - 1n, true);
    for (const [index, word] of words.entries()) {
      const { last, spread, refusal, settling, updatedAt } = decodePrice(word);
      const read = { last, spread: Number(spread), refusal, settling, updatedAt: Number(updatedAt) };
      expect(read, `price of asset ${index} at ${now - shift}`).to.deep.equal(feedOf(index).see(now));
    }
    const { held, price } = pegAt(now, false);
    isPegHeld = held;
    expect([(conditions >> 2n) & 1n, BigInt.asUintN(96, conditions >> 40n)], `peg at ${now - shift}`).to.deep.equal([
      held ? 1n : 0n,
      price,
    ]);
  }

  async function expectOutcome(action: Action, expected: string, call: Promise<unknown>): Promise<unknown> {
    const { outcome, value } = await outcomeOf(call);
    expect(outcome, `${action} at ${(await time.latest()) - shift}`).to.equal(expected);
    note(action, expected);
    return value;
  }

  async function expectWithdrawal(holder: Account, now: number): Promise<void> {
    const state = stateAt(holder, now);
    const left = { ...state, cash: state.cash - wad("1"), end: "worse" as const };
    const expected = meetsInitial(assess(left), state.globals) ? "possible" : "InsufficientMargin";
    await expectOutcome(
      "withdraw",
      expected,
      vault.connect(alice).withdraw.staticCall(holder, SETTLEMENT, UNITS, alice.address),
    );
  }

  async function expectLiquidation(asset: number, account: Account, now: number): Promise<void> {
    const state = stateAt(account, now);
    const terms = assess({ ...state, end: "better" });
    const maintenance = maintenanceUp(terms, state.globals);
    const exposure = state.exposures.find((one) => one.asset === asset);
    if (exposure === undefined) throw new Error("no position");
    const isHealthy = terms.equity > maintenance;
    const expected = isHealthy ? "Healthy" : isLiquidatable(exposure.price) ? "possible" : "NotLiquidatable";
    const value = await expectOutcome(
      "liquidate",
      expected,
      clearingHouse.connect(bob).liquidate.staticCall(account, [{ asset, delta: -exposure.size }], [], buyer),
    );
    // At no other price than the accepted one.
    if (expected !== "possible") return;
    const { equityBefore, maintenanceBefore } = value as { equityBefore: bigint; maintenanceBefore: bigint };
    expect([equityBefore, maintenanceBefore]).to.deep.equal([terms.equity, maintenance]);
  }

  async function expectConversion(now: number): Promise<void> {
    const sales = [{ token: WETH_TOKEN, amount: WAD }];
    const converted = convert(stateAt(owing, now), sales);
    const expected = typeof converted === "string" ? converted : "possible";
    const value = await expectOutcome(
      "convert",
      expected,
      clearingHouse.connect(bob).convert.staticCall(owing, sales, buyer),
    );
    if (typeof converted === "string") return;
    // X/USD over min(1, USDC/USD), less the half percent that a conversion may cost.
    const { price } = pegAt(now, false);
    const full = divUp(feedOf(native).see(now).last * WAD, price < WAD ? price : WAD);
    expect(value).to.equal(full - (full * 5_000n) / 1_000_000n);
    expect(value).to.equal(converted.proceeds);
  }

  async function expectFulfilment(): Promise<void> {
    const now = await time.latest();
    const { maturesAt, closesAt } = await pool.batchOf(batch);
    // All that is traded has positions.
    const readings = [...new Set([...traded, native])].map((asset) => feedOf(asset).see(now));
    const oldest = Math.min(...readings.map(({ updatedAt }) => updatedAt));
    let expected = "possible";
    if (now < Number(maturesAt)) expected = "NotMatured";
    else if (readings.some(({ refusal }) => refusal !== "None")) expected = "PoolNotLive";
    else if (oldest <= Number(closesAt) + PRICE_DELAY) expected = "PriceTooOld";
    await expectOutcome("pool fulfilment", expected, pool.fulfill.staticCall(batch));
  }

  // ---------------------------------------------------------------- orders

  /** Sends an order, or executes the one that is pending once its round is there. */
  async function turn(asset: number, turner: Turner): Promise<void> {
    const { account, open, size } = turner;
    if (turner.pending === undefined) {
      const delta = open ? -size : size;
      const at = await nextAt(0);
      const { sequence } = await clearingHouse.accountOf(account);
      const order = { asset, delta, acceptablePrice: 0n, reduceOnly: open, expiry: 0 };
      await orders.connect(alice).submit(account, order);
      feedOf(native).readPeg(at, false);
      const { boundary } = await orders.orderOf(account, sequence);
      turner.pending = { sequence, boundary: Number(boundary) };
      return;
    }
    const { sequence, boundary } = turner.pending;
    const feed = feedOf(asset);
    const settling = feed.rounds.find(({ updatedAt }) => updatedAt > boundary);
    if (settling === undefined) return;

    const hints = [await world.hintFor(asset, BigInt(boundary))];
    const at = await nextAt(settling.updatedAt + 1);
    const expected = expectedOf(turner, asset, at);
    const action: Action = open ? "reduction" : "increase";
    const execute = orders.connect(keeper);
    if (expected.startsWith("IncreaseRefused")) {
      // A call sees the time of the latest block: one without anything in it.
      await time.increaseTo(at);
      const { outcome } = await outcomeOf(execute.execute.staticCall(account, sequence, hints, accountOf(keeper)));
      expect(outcome, `${action} in asset ${asset} at ${at - shift}`).to.equal("IncreaseRefused");
      note(action, expected);
      return;
    }
    const receipt = await receiptOf(execute.execute(account, sequence, hints, accountOf(keeper)));
    const filled = receipt.logs
      .map((log) => orders.interface.parseLog(log))
      .find((event) => event !== null && ["OrderFilled", "OrderRefunded", "OrderCancelled"].includes(event.name));
    expect(filled?.name, `${action} in asset ${asset} at ${at - shift}`).to.equal(expected);
    note(action, expected);
    noteReadings(asset, at, expected);
    if (expected === "OrderFilled") {
      turner.open = !open;
      const fill = receipt.logs
        .map((log) => clearingHouse.interface.parseLog(log))
        .find((event) => event?.name === "Fill");
      expect(fill?.args.getValue("price"), "price of the fill").to.equal(settling.price);
    }
    turner.pending = undefined;
  }

  /** The rule, step by step. What is read on the way is stored only if the transaction succeeds. */
  function expectedOf({ open, pending }: Turner, asset: number, at: number): string {
    const boundary = pending?.boundary ?? 0;
    const feed = feedOf(asset);
    const rounds = feed.rounds.map(({ price, updatedAt }) => ({ price, updatedAt, startedAt: updatedAt }));
    const [verdict, price = "0", settledAt = "0"] = settlementOf(rounds, boundary, limitsOf(asset)).split(" ");
    if (verdict === "1" || !feed.isNear(feed.see(at).last, BigInt(price))) return "OrderRefunded";
    if (at > Number(settledAt) + EXECUTION_WINDOW) return "OrderCancelled";
    if (open) return "OrderFilled";
    if (!pegAt(at, false).held) return "IncreaseRefused for the peg";
    const { refusal } = feed.see(at);
    return refusal === "None" ? "OrderFilled" : `IncreaseRefused for ${refusal}`;
  }

  function noteReadings(asset: number, at: number, outcome: string): void {
    feedOf(asset).read(at);
    if (outcome === "OrderFilled") pegAt(at, true);
  }

  function limitsOf(asset: number): Parameters["feeds"][number]["limits"] {
    const feed = parameters.feeds[asset];
    if (feed === undefined) throw new Error(`no feed of asset ${asset}`);
    return feed.limits;
  }

  /** What the oracle has announced, in the words of `changes`. */
  async function announced(): Promise<{ asset: number; change: Change }[]> {
    const begun = await oracle.queryFilter(oracle.getEvent("JumpHalted"));
    const ended = await oracle.queryFilter(oracle.getEvent("JumpResolved"));
    const events = [
      ...begun.map(({ args, blockNumber, index }) => ({ args, blockNumber, index, change: "halted" as const })),
      ...ended.map(({ args, blockNumber, index }) => ({
        args,
        blockNumber,
        index,
        change: args.accepted ? ("confirmed" as const) : ("came back" as const),
      })),
    ].sort((one, other) => one.blockNumber - other.blockNumber || one.index - other.index);

    const halted = new Set<number>();
    return events.map(({ args, change }) => {
      const asset = Number(args.asset);
      if (change !== "halted") halted.delete(asset);
      else if (halted.has(asset)) return { asset, change: "replaced" };
      else halted.add(asset);
      return { asset, change };
    });
  }

  return { feeds, bring, look, turnAll, pegAt, changes, announced, counts, shift };
}

function toPrice({ last, spread, refusal, settling, updatedAt }: Reading): Price {
  return { last, spread: BigInt(spread), refusal, settling, dead: false, updatedAt: BigInt(updatedAt) };
}

function divUp(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}

/** "possible" and the value, or the name of the error. */
async function outcomeOf(call: Promise<unknown>): Promise<{ outcome: string; value?: unknown }> {
  try {
    return { outcome: "possible", value: await call };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const name = /custom error '(\w+)\(/.exec(text)?.[1];
    if (name === undefined) throw error;
    return { outcome: name };
  }
}

/** Hooks: the chain is afterwards what it was, clock included, for the tests that share it. */
export function restoreChain(): void {
  let snapshot: Awaited<ReturnType<typeof networkHelpers.takeSnapshot>> | undefined;
  before(async () => {
    snapshot = await networkHelpers.takeSnapshot();
  });
  after(async () => {
    await snapshot?.restore();
  });
}

/** Replays the rounds of some feeds, in groups of one time, and looks wherever something has changed and every so often. */
export async function replay(
  stage: Stage,
  rounds: readonly StageRound[],
  { lookEvery, turnEvery }: { lookEvery: number; turnEvery: number },
): Promise<void> {
  const times = [...new Set(rounds.map(({ updatedAt }) => updatedAt))].sort((one, other) => one - other);
  let held = stage.pegAt(await time.latest(), false).held;
  for (const [index, at] of times.entries()) {
    await lookAtGraces(stage, at + stage.shift);
    const changes = await stage.bring(rounds.filter(({ updatedAt }) => updatedAt === at));
    const now = stage.pegAt(await time.latest(), false).held;
    const hasChanged = now !== held || changes.some((change) => change !== "accepted" && change !== "none");
    held = now;
    if (hasChanged || index % lookEvery === 0) await stage.look();
    else if (index % turnEvery === 0) await stage.turnAll();
  }
}

/** The last second of each grace that ends before the next round, and the first one after it. */
async function lookAtGraces(stage: Stage, until: number): Promise<void> {
  const ends = [...stage.feeds.values()].map(({ graceUntil }) => graceUntil).sort((one, other) => one - other);
  for (const end of ends) {
    if (end <= (await time.latest()) + 60 || end >= until) continue;
    await time.increaseTo(end - 1);
    await stage.look();
    if ((await time.latest()) < end) await time.increaseTo(end);
    await stage.look();
  }
}
