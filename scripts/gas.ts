/**
 * `npm run gas`: what each action costs, from receipts (`gasUsed`): cold, production settings, real price proxies over an
 * aggregator that reads an access list, sequencer feed and peg guard on, every feed with a new round, 64 markets listed,
 * the native asset (which keepers are paid by) not held. Prints a table and writes `snapshots/gas.json`; with `GAS_CHECK=1`
 * compares with it instead and exits 1 on any difference.
 */
import { readFile, writeFile } from "node:fs/promises";

import type { ContractTransactionResponse } from "ethers";

import {
  accountOf,
  type Account,
  deploy,
  ethers,
  networkHelpers,
  receiptOf,
  time,
  type World,
} from "../test/fixture.ts";
import {
  BTC,
  DAY,
  ETH,
  HOUR,
  Kind,
  LINK,
  percent,
  SETTLEMENT,
  SOL,
  wad,
  WAD,
  WBTC,
  WBTC_TOKEN,
} from "../test/parameters.ts";
import { REPORTED_FROM, streamFigures } from "./gasOfStreams.ts";
import { keptBy, performed } from "./gasOfUpkeep.ts";

const SNAPSHOT = new URL("../snapshots/gas.json", import.meta.url);
const MARKETS = 64;
/** Assets that positions are opened in, in this order; never ETH. */
const FIRST_EXTRA = 6;
const HELD = [BTC, SOL, LINK, ...Array.from({ length: 13 }, (_, i) => FIRST_EXTRA + i)];
const NOTIONAL = wad("2000");
/** Of the crowd that is deleveraged, whatever its number: a side of 200 ETH, and cash for its margin and its orders. */
const CROWD_SIZE = wad("200");
const CROWD_CASH = wad("100_000");
/** Members in one transaction, so that it fits into its gas limit. */
const JOINING = 200;
const SUBMITTING = 150;
const EXECUTING = 120;

/** Figures to reach, what a prototype reached and what the best peers need, in thousands. */
const TARGETS: Record<string, readonly [reach: number, prototype: string, peers: string]> = {
  "deposit.first": [80, "77", "96"],
  "deposit.again": [62, "60", "79"],
  "order.submit": [65, "59", "540 (commit)"],
  "order.execute.open.held0": [205, "216", "605–907, 750, 518"],
  "order.execute.increase.held1": [190, "199", ""],
  "order.execute.increase.held4": [290, "302", "738"],
  "order.execute.increase.held8": [420, "439", "1,220–2,500"],
  "order.execute.increase.held16": [690, "714", "5,900"],
  "order.execute.batch10": [70, "68", "none"],
  "withdraw.held1": [122, "127", "332"],
  "withdraw.held4": [225, "230", "745"],
  "liquidate.held1": [205, "208", "635"],
  "liquidate.held4": [310, "316", "1,780"],
  "liquidate.held8": [450, "464", "4,800"],
  "liquidate.account4": [450, "–", "1,780"],
};

type Figures = Record<string, number>;

interface PoolOptions {
  liquidity?: bigint;
  /** 1e-6 of the pool's equity. */
  lossBudget?: number;
}

/** A world with `markets` markets: the four of the defaults and copies of LINK. */
async function worldOf(markets: number, options: PoolOptions = {}): Promise<World> {
  const { liquidity = wad("50_000_000"), lossBudget } = options;
  const world = await deploy((p) => {
    if (lossBudget !== undefined) p.money.lossBudget = lossBudget;
    const link = p.assets[LINK];
    const feed = p.feeds[LINK];
    const collateralOnly = p.assets[4];
    if (link === undefined || feed === undefined || collateralOnly === undefined) throw new Error("defaults changed");
    p.assets.push(collateralOnly); // the settlement token's index
    for (let i = 4; i < markets; ++i) {
      p.feeds.push({ ...feed, description: `ASSET ${String(i)} / USD` });
      p.assets.push(link);
    }
  });
  await world.poolDeposit(world.provider, liquidity);
  // A protocol in use: the keeper has been paid before, fees have been taken, every market has open interest.
  await world.fund(world.keeper, WAD);
  await hold(world, 0n, { held: HELD.filter((asset) => asset < world.feeds.length).length, cash: wad("100_000") });
  return world;
}

/** A new round of every feed, at its last price unless named. */
async function newRounds(world: World, prices: ReadonlyMap<number, bigint> = new Map()): Promise<void> {
  for (const asset of world.feeds.keys()) await world.setPrice(asset, prices.get(asset));
}

async function sizeOf(world: World, asset: number): Promise<bigint> {
  return (NOTIONAL * WAD) / (await world.priceOf(asset));
}

/** Submits, lets the delay pass, brings a new round of every feed and executes; returns both receipts' gas. */
async function trade(world: World, account: Account, asset: number, delta: bigint) {
  const order = await world.submit(account, asset, delta, { acceptablePrice: 2n * (await world.priceOf(asset)) });
  const { boundary } = await world.orders.orderOf(account, order.sequence);
  await time.increaseTo(boundary);
  await newRounds(world);
  await time.increase(1);
  const hint = await world.hintFor(asset, boundary);
  const receipt = await receiptOf(
    world.orders
      .connect(world.keeper)
      .execute(account, order.sequence, [hint], accountOf(world.keeper), { gasLimit: 12_000_000 }),
  );
  const filled = receipt.logs.some((log) => world.orders.interface.parseLog(log)?.name === "OrderFilled");
  if (!filled) throw new Error(`an order in asset ${String(asset)} was not filled`);
  return { submit: Number(order.receipt.gasUsed), execute: Number(receipt.gasUsed) };
}

/** Funds a sub-account of alice and opens `held` positions. */
async function hold(world: World, subAccount: bigint, { held, cash }: { held: number; cash: bigint }) {
  const account = await world.fund(world.alice, cash, subAccount);
  await world.clearingHouse.markPool();
  for (const asset of HELD.slice(0, held)) await trade(world, account, asset, await sizeOf(world, asset));
  return account;
}

async function deposits(world: World, figures: Figures): Promise<void> {
  const account = accountOf(world.carol);
  await world.tokens.usdc.mint(world.carol, 10_000n * 10n ** 6n);
  await world.tokens.usdc.connect(world.carol).approve(world.vault, 2n ** 256n - 1n);
  const deposit = async () =>
    Number((await receiptOf(world.vault.connect(world.carol).deposit(account, SETTLEMENT, 10n ** 9n))).gasUsed);
  figures["deposit.first"] = await deposit();
  figures["deposit.again"] = await deposit();
}

async function executions(world: World, figures: Figures): Promise<void> {
  const account = await world.fund(world.alice, wad("100_000"), 1n);
  await world.clearingHouse.markPool();
  const opened = await trade(world, account, BTC, await sizeOf(world, BTC));
  figures["order.submit"] = opened.submit;
  figures["order.execute.open.held0"] = opened.execute;
  let held = 1;
  for (const next of [1, 4, 8, 16]) {
    for (; held < next; ++held) {
      const asset = HELD[held];
      if (asset === undefined) throw new Error("too few assets");
      await trade(world, account, asset, await sizeOf(world, asset));
    }
    const { submit, execute } = await trade(world, account, BTC, await sizeOf(world, BTC));
    if (next === 1) figures["order.submit.again"] = submit;
    figures[`order.execute.increase.held${String(next)}`] = execute;
  }
}

async function batch(world: World, figures: Figures): Promise<void> {
  const size = await sizeOf(world, BTC);
  const accounts: Account[] = [];
  for (let i = 0n; i < 10n; ++i) accounts.push(await hold(world, 100n + i, { held: 1, cash: wad("10_000") }));
  const items = [];
  let boundary = 0n;
  for (const account of accounts) {
    const { sequence } = await world.submit(account, BTC, size);
    items.push({ account, sequence });
    ({ boundary } = await world.orders.orderOf(account, sequence));
  }
  await time.increaseTo(boundary);
  await newRounds(world);
  await time.increase(1);
  const hint = await world.hintFor(BTC, boundary);
  const receipt = await receiptOf(
    world.orders.connect(world.keeper).executeBatch(
      items.map((item) => ({ ...item, hints: [hint] })),
      accountOf(world.keeper),
      { gasLimit: 16_000_000 },
    ),
  );
  const filled = receipt.logs.filter((log) => world.orders.interface.parseLog(log)?.name === "OrderFilled").length;
  if (filled !== items.length) throw new Error(`${String(filled)} of ${String(items.length)} orders filled`);
  figures["order.execute.batch10"] = Math.ceil(Number(receipt.gasUsed) / items.length);
}

async function withdrawals(world: World, figures: Figures): Promise<void> {
  await world.tokens.usdc.mint(world.alice, 1n); // the recipient has held the token before
  for (const held of [1, 4]) {
    const account = await hold(world, 200n + BigInt(held), { held, cash: wad("50_000") });
    await newRounds(world);
    const receipt = await receiptOf(
      world.vault.connect(world.alice).withdraw(account, SETTLEMENT, 10n ** 9n, world.alice.address),
    );
    figures[`withdraw.held${String(held)}`] = Number(receipt.gasUsed);
  }
}

/** Opens positions with little margin, lets all prices fall and liquidates. */
async function liquidations(world: World, figures: Figures): Promise<void> {
  await world.fund(world.bob, WAD);
  for (const held of [1, 4, 8]) {
    const { account, prices } = await thin(world, 300n + BigInt(held), { held, fall: percent(2) });
    figures[`liquidate.held${String(held)}`] = await liquidateOneLeg(world, account, BTC);
    await newRounds(world, prices);
  }
  const { account, prices } = await thin(world, 320n, { held: 4, fall: percent(12) });
  const reductions = [];
  for (const asset of HELD.slice(0, 4)) {
    const { size } = await world.clearingHouse.positionOf(account, asset);
    reductions.push({ asset, delta: -size });
  }
  figures["liquidate.account4"] = await gasOf(
    world.clearingHouse.connect(world.bob).liquidate(account, reductions, [], accountOf(world.bob)),
  );
  await newRounds(world, prices);
}

type Prices = ReadonlyMap<number, bigint>;

/** An account that has withdrawn what can be, unhealthy since the prices of what it holds fell by `fall` (1e-6) or more;
 * and the prices before. */
async function thin(world: World, subAccount: bigint, { held, fall }: { held: number; fall: number }) {
  const account = await hold(world, subAccount, { held, cash: wad("50_000") });
  await newRounds(world);
  await withdrawFree(world, account);
  const prices = await pricesOf(world, HELD.slice(0, held));
  await fallUntilUnhealthy(world, account, { prices, fall });
  return { account, prices };
}

async function withdrawFree(world: World, account: Account): Promise<void> {
  let step = 10n ** 9n * 32n;
  while (step >= 10n ** 6n) {
    try {
      await world.vault.connect(world.alice).withdraw(account, SETTLEMENT, step, world.alice.address);
    } catch {
      step /= 2n;
    }
  }
}

async function pricesOf(world: World, assets: readonly number[]): Promise<Prices> {
  const prices = new Map<number, bigint>();
  for (const asset of assets) prices.set(asset, await world.priceOf(asset));
  return prices;
}

async function fallUntilUnhealthy(
  world: World,
  account: Account,
  { prices, fall }: { prices: Prices; fall: number },
): Promise<void> {
  for (let part = fall; ; part += percent(0.5)) {
    await newRounds(world, fallen(prices, part));
    if (!(await isHealthy(world, account))) return;
  }
}

function fallen(prices: Prices, part: number): Prices {
  return new Map([...prices].map(([asset, price]) => [asset, (price * BigInt(1e6 - part)) / 1_000_000n]));
}

async function isHealthy(world: World, account: Account): Promise<boolean> {
  try {
    await world.clearingHouse.connect(world.bob).liquidate.staticCall(account, [], [], accountOf(world.bob));
  } catch (error) {
    return error instanceof Error && error.message.includes("Healthy");
  }
  return false;
}

async function liquidateOneLeg(world: World, account: Account, asset: number): Promise<number> {
  const { size } = await world.clearingHouse.positionOf(account, asset);
  const house = world.clearingHouse.connect(world.bob);
  const to = accountOf(world.bob);
  return leastAccepted(size, {
    simulate: (slice) => house.liquidate.staticCall(account, [{ asset, delta: -slice }], [], to),
    send: (slice) => house.liquidate(account, [{ asset, delta: -slice }], [], to),
  });
}

/** Gas of the smallest of 40 slices that the contract accepts. */
async function leastAccepted(
  whole: bigint,
  call: { simulate(slice: bigint): Promise<unknown>; send(slice: bigint): Promise<ContractTransactionResponse> },
): Promise<number> {
  for (let part = 1n; part <= 40n; ++part) {
    const slice = (whole * part) / 40n;
    try {
      await call.simulate(slice);
    } catch {
      continue;
    }
    return gasOf(call.send(slice));
  }
  throw new Error(`no slice of ${String(whole)} is accepted`);
}

async function gasOf(sent: Promise<ContractTransactionResponse>): Promise<number> {
  return Number((await receiptOf(sent)).gasUsed);
}

/** One leg of an account to another, which has no position before. */
async function takeover(world: World, figures: Figures): Promise<void> {
  const { account, prices } = await thin(world, 330n, { held: 1, fall: percent(2) });
  const taker = await world.fund(world.bob, wad("50_000"), 1n);
  const house = world.clearingHouse.connect(world.bob);
  const { size } = await world.clearingHouse.positionOf(account, BTC);
  figures["liquidate.takeover"] = await leastAccepted(size, {
    simulate: (slice) => house.takeOver.staticCall(account, [{ asset: BTC, delta: -slice }], taker),
    send: (slice) => house.takeOver(account, [{ asset: BTC, delta: -slice }], taker),
  });
  await newRounds(world, prices);
}

/** A position of ten times its collateral, of which a slice is sold to a liquidator that holds some already. */
async function collateralSale(world: World, figures: Figures): Promise<void> {
  const amount = wad("0.2");
  const account = await world.fundCollateral(world.alice, WBTC_TOKEN, amount, 340n);
  await world.fund(world.alice, wad("1_000"), 340n);
  const buyer = await world.fundCollateral(world.bob, WBTC_TOKEN, amount, 2n);
  await world.fund(world.bob, wad("50_000"), 2n);
  await world.clearingHouse.markPool();
  await trade(world, account, BTC, 10n * amount);
  await newRounds(world);
  await withdrawFree(world, account);
  const prices = await pricesOf(world, [BTC, WBTC]);
  await fallUntilUnhealthy(world, account, { prices, fall: percent(2) });
  const house = world.clearingHouse.connect(world.bob);
  figures["liquidate.collateral"] = await leastAccepted(amount, {
    simulate: (slice) => house.liquidate.staticCall(account, [], [{ token: WBTC_TOKEN, amount: slice }], buyer),
    send: (slice) => house.liquidate(account, [], [{ token: WBTC_TOKEN, amount: slice }], buyer),
  });
  await newRounds(world, prices);
}

/** An account that was liquidated at a loss while it had an order in flight, once that has ended. */
async function deficit(world: World, figures: Figures): Promise<void> {
  const { clearingHouse, orders, keeper, bob } = world;
  const account = await hold(world, 350n, { held: 1, cash: wad("50_000") });
  await newRounds(world);
  await withdrawFree(world, account);
  const { size } = await clearingHouse.positionOf(account, BTC);
  const { sequence } = await world.submit(account, BTC, -size, { reduceOnly: true });
  const { boundary } = await orders.orderOf(account, sequence);
  const prices = await pricesOf(world, [BTC]);
  await time.increaseTo(boundary);
  await newRounds(world, fallen(prices, percent(12)));
  await clearingHouse.connect(bob).liquidate(account, [{ asset: BTC, delta: -size }], [], accountOf(bob));
  const hint = await world.hintFor(BTC, boundary);
  await orders.connect(keeper).execute(account, sequence, [hint], accountOf(keeper));
  figures["deficit.settle"] = await gasOf(clearingHouse.connect(bob).settleDeficit(account));
  await newRounds(world, prices);
}

/** Requests, their fulfilment and their claims, by providers who have been in the pool before. */
async function poolRequests(world: World, figures: Figures): Promise<void> {
  const { pool, provider, tokens } = world;
  const providers = (await ethers.getSigners()).slice(0, 10);
  for (const one of providers) {
    await tokens.usdc.mint(one, 10_000n * 10n ** 6n);
    await tokens.usdc.connect(one).approve(pool, ethers.MaxUint256);
    if (one.address !== provider.address) await pool.connect(provider).transfer(one, wad("2_000"));
  }
  const [entering, leaving] = [providers.slice(0, 5), providers.slice(5)];
  const [depositor, redeemer] = [entering.slice(4), leaving.slice(4)];
  await settleBatch(world, depositor, redeemer); // so that the pool's accounts have been used
  const { fulfill } = await settleBatch(world, depositor, redeemer);
  const ten = await settleBatch(world, entering, leaving);
  figures["pool.requestDeposit.first"] = ten.first;
  figures["pool.requestDeposit"] = ten.next;
  figures["pool.fulfill"] = fulfill;
  figures["pool.fulfill10"] = Math.ceil(ten.fulfill / providers.length);

  const [, claimant] = entering;
  const [, taker] = leaving;
  if (claimant === undefined || taker === undefined) throw new Error("too few signers");
  figures["pool.claim.shares"] = await gasOf(
    pool.connect(claimant)["deposit(uint256,address,address)"](await pool.maxDeposit(claimant), claimant, claimant),
  );
  figures["pool.claim.assets"] = await gasOf(pool.connect(taker).redeem(await pool.maxRedeem(taker), taker, taker));
}

type Signers = readonly World["alice"][];

/** One batch of a deposit and of a redemption each; what the first two requests and the fulfilment cost. */
async function settleBatch(world: World, entering: Signers, leaving: Signers) {
  const { pool } = world;
  await time.increaseTo((Math.floor((await time.latest()) / HOUR) + 1) * HOUR);
  const deposited = [];
  for (const one of entering) deposited.push(await gasOf(pool.connect(one).requestDeposit(10n ** 9n, one, one)));
  for (const one of leaving) await pool.connect(one).requestRedeem(wad("500"), one, one);
  const batch = (await pool.queue()).latest;
  await world.mature(batch);
  const fulfill = await gasOf(pool.fulfill(batch));
  const { minted, burned } = await pool.batchOf(batch);
  if (minted === 0n || burned !== BigInt(leaving.length) * wad("500")) throw new Error("a batch was not settled whole");
  const [first = 0, next = 0] = deposited;
  return { first, next, fulfill };
}

/** A side of ten positions, and the same side as ten thousand: `deleverage` may cost no unit more than its calldata. */
async function deleveragings(world: World, figures: Figures): Promise<void> {
  const before = await networkHelpers.takeSnapshot();
  const few = await deleverageCrowd(world, 10);
  await before.restore();
  const many = await deleverageCrowd(world, 10_000);
  for (const verb of ["flag", "deleverage"] as const) {
    const [ten, tenThousand] = [few[verb].gas - few[verb].calldata, many[verb].gas - many[verb].calldata];
    if (ten !== tenThousand) {
      throw new Error(
        `${verb} depends on the number of positions: without calldata ${String(ten)} with 10, ${String(tenThousand)} with 10,000`,
      );
    }
  }
  figures["deleverage.flag"] = few.flag.gas;
  figures["deleverage.side10"] = few.deleverage.gas;
  figures["deleverage.side10000"] = many.deleverage.gas;
}

/** Flags and deleverages a side of `members` positions that is in profit beyond the pool's budget. */
async function deleverageCrowd(world: World, members: number) {
  const { clearingHouse, bob } = world;
  await gather(world, members);
  const price = ((await world.priceOf(ETH)) * 1035n) / 1000n;
  await newRounds(world, new Map([[ETH, price]]));
  const flag = await costOf(clearingHouse.connect(bob).flagDeleveraging(ETH));
  const flaggedAt = BigInt(await time.latest());
  await newRounds(world);
  const hint = await world.hintFor(ETH, flaggedAt);
  const deleverage = await costOf(clearingHouse.connect(bob).deleverage(ETH, hint));
  const { longSize } = await clearingHouse.marketOf(ETH);
  if (longSize >= CROWD_SIZE) throw new Error("nothing was deleveraged");
  return { flag, deleverage };
}

async function costOf(sent: Promise<ContractTransactionResponse>) {
  const { data } = await sent;
  const calldata = ethers.getBytes(data).reduce((sum, byte) => sum + (byte === 0 ? 4 : 16), 0);
  return { gas: await gasOf(sent), calldata };
}

/** As many longs of ETH of the same size. All of their orders settle by one round. */
async function gather(world: World, members: number): Promise<void> {
  const { vault, orders, tokens, clearingHouse, keeper } = world;
  const crowd = await ethers.deployContract("Crowd", [vault, orders, tokens.usdc]);
  const cash = CROWD_CASH / BigInt(members) / 10n ** 12n;
  await inParts(members, JOINING, (first, count) => crowd.join(first, count, cash));
  const delta = CROWD_SIZE / BigInt(members);
  const input = { asset: ETH, delta, acceptablePrice: 0n, reduceOnly: false, expiry: 0 };
  await inParts(members, SUBMITTING, (first, count) => crowd.submit(first, count, input));
  const { boundary } = await orders.orderOf(await crowd.member(members - 1), 0n);
  await time.increaseTo(boundary);
  await newRounds(world);
  await clearingHouse.markPool();
  const hints = [await world.hintFor(ETH, boundary)];
  const address = await crowd.getAddress();
  await inParts(members, EXECUTING, (first, count) =>
    orders.connect(keeper).executeBatch(
      Array.from({ length: count }, (_, i) => ({
        account: accountOf(address, BigInt(first + i)),
        sequence: 0n,
        hints,
      })),
      accountOf(keeper),
    ),
  );
  const { longSize } = await clearingHouse.marketOf(ETH);
  if (longSize !== CROWD_SIZE) throw new Error(`a side of ${String(longSize)} with ${String(members)} members`);
}

async function inParts(
  members: number,
  size: number,
  send: (first: number, count: number) => Promise<ContractTransactionResponse>,
): Promise<void> {
  for (let first = 0; first < members; first += size) await receiptOf(send(first, Math.min(size, members - first)));
}

/**
 * A price read, and the proof of a settlement round by its two neighbours: in the current phase, and in one that the proxy
 * has left, whose aggregator is asked behind it. Each as a transaction of its own, the sequencer's feed with it where prices are read.
 */
async function oraclePrices(world: World, figures: Figures): Promise<void> {
  const { oracle } = world;
  const asset = FIRST_EXTRA + 20;
  const { proxy } = world.feedOf(asset);
  await world.setPrice(asset);
  await time.increase(1);
  figures["oracle.read.push"] = Number((await receiptOf(oracle.read(1n << BigInt(asset), false))).gasUsed);

  const before = await world.setPrice(asset);
  const boundary = await time.latest();
  const round = await world.setPrice(asset);
  await world.setPrice(asset);
  await time.increase(1);
  const prove = async () =>
    Number((await receiptOf(oracle.settle(asset, round >> 64n, boundary, { round, before }))).gasUsed);
  figures["oracle.settle.samePhase"] = await prove();

  const next = await ethers.deployContract("AccessListAggregator", [8, "X / USD", false]);
  await next.addAccess(proxy);
  const at = await world.tick();
  await next.transmit((await world.priceOf(asset)) / 10n ** 10n, at, at);
  await proxy.proposeAggregator(next);
  await proxy.confirmAggregator(next);
  figures["oracle.settle.pastPhase"] = await prove();
}

/** One price of four legs, each through its own proxy, as a transaction of its own. Last: it lists an asset more. */
async function compositePrice(world: World, figures: Figures): Promise<void> {
  const limits = world.parameters.feeds[LINK]?.limits;
  if (limits === undefined) throw new Error("defaults changed");
  const legs = [];
  for (let i = 0; i < 4; ++i) {
    const feed = await world.feedOf(FIRST_EXTRA + i).proxy.getAddress();
    legs.push({ feed, side: 1 + (i % 2), maxAge: limits.maxAge, gasLimit: 25_000 });
  }
  const composite = await ethers.deployContract("CompositeFeed", ["X / USD", legs]);
  const asset = await world.oracle.assetCount();
  await newRounds(world);
  const bounds = { minAnswer: 1n, maxAnswer: wad("1000000") };
  await world.oracle.list([
    { proxy: await composite.getAddress(), kind: Kind.Derived, limits: { ...limits, ...bounds } },
  ]);
  await newRounds(world);
  figures["oracle.read.composite4"] = Number((await receiptOf(world.oracle.read(1n << asset, false))).gasUsed);
}

async function measure(): Promise<Figures> {
  const figures: Figures = {};
  await time.increaseTo(REPORTED_FROM - DAY);
  const world = await worldOf(MARKETS);
  const parts = [
    deposits,
    executions,
    batch,
    withdrawals,
    liquidations,
    takeover,
    collateralSale,
    deficit,
    poolRequests,
    streamFigures,
    oraclePrices,
    compositePrice,
  ];
  for (const part of parts) {
    process.stderr.write(`${part.name} …\n`);
    await part(world, figures);
  }
  process.stderr.write("deleveragings …\n");
  await deleveragings(await worldOf(MARKETS, { liquidity: wad("1_000_000"), lossBudget: percent(1) }), figures);
  process.stderr.write("with 4 markets …\n");
  const small = await worldOf(8); // the four held and four more, so that the same assets can be held
  const few = await hold(small, 1n, { held: 4, cash: wad("100_000") });
  const { execute } = await trade(small, few, BTC, await sizeOf(small, BTC));
  figures["order.execute.increase.held4.listed8"] = execute;
  process.stderr.write("upkeepPerforms …\n");
  await upkeepPerforms(world, figures);
  return figures;
}

/** An order that increases one of four positions, and a liquidation of one leg of one, each by an upkeep. */
async function upkeepPerforms(world: World, figures: Figures): Promise<void> {
  const kept = await keptBy(world);
  const trader = await hold(world, 500n, { held: 4, cash: wad("100_000") });
  const { sequence } = await world.submit(trader, BTC, await sizeOf(world, BTC));
  const { boundary } = await world.orders.orderOf(trader, sequence);
  await time.increaseTo(boundary);
  await newRounds(world);
  await time.increase(1);
  figures["upkeep.perform.execute.held4"] = await performed(kept, "Orders", trader);
  const { account } = await thin(world, 501n, { held: 1, fall: percent(2) });
  figures["upkeep.perform.liquidate.held1"] = await performed(kept, "Accounts", account);
}

function table(figures: Figures): string {
  const lines = ["operation".padEnd(40) + "gas".padStart(10) + "reach".padStart(10) + "  prototype   best peers"];
  for (const [name, gas] of Object.entries(figures)) {
    const target = TARGETS[name];
    const reach = target === undefined ? "" : `${String(target[0])}k`;
    const missed = target !== undefined && gas > target[0] * 1000 ? " ✗" : "  ";
    lines.push(
      name.padEnd(40) +
        gas.toLocaleString("en").padStart(10) +
        reach.padStart(10) +
        missed +
        (target === undefined ? "" : `${target[1].padStart(8)}k   ${target[2]}`),
    );
  }
  return lines.join("\n");
}

async function check(figures: Figures): Promise<number> {
  const committed = JSON.parse(await readFile(SNAPSHOT, "utf8")) as Figures;
  const names = new Set([...Object.keys(committed), ...Object.keys(figures)]);
  const drifted = [...names].filter((name) => committed[name] !== figures[name]);
  for (const name of drifted) {
    console.error(`gas drift: ${name}: ${String(committed[name])} in the snapshot, ${String(figures[name])} now`);
  }
  return drifted.length;
}

console.log("gas per operation, from receipts");
const figures = await measure();
console.log(table(figures));
if (process.env["GAS_CHECK"] === "1") {
  process.exitCode = (await check(figures)) === 0 ? 0 : 1;
} else {
  await writeFile(SNAPSHOT, `${JSON.stringify(figures, undefined, 2)}\n`);
}
