/**
 * `npm run gas`: what each action costs, from receipts (`gasUsed`): cold, production settings, real price proxies over an
 * aggregator that reads an access list, sequencer feed and peg guard on, every feed with a new round, 64 markets listed,
 * the native asset (which keepers are paid by) not held. Prints a table and writes `snapshots/gas.json`; with `GAS_CHECK=1`
 * compares with it instead and exits 1 on any difference.
 */
import { readFile, writeFile } from "node:fs/promises";

import { accountOf, type Account, deploy, receiptOf, time, type World } from "../test/fixture.ts";
import { BTC, LINK, percent, SETTLEMENT, SOL, wad, WAD } from "../test/parameters.ts";

const SNAPSHOT = new URL("../snapshots/gas.json", import.meta.url);
const MARKETS = 64;
/** Assets that positions are opened in, in this order; never ETH. */
const FIRST_EXTRA = 6;
const HELD = [BTC, SOL, LINK, ...Array.from({ length: 13 }, (_, i) => FIRST_EXTRA + i)];
const NOTIONAL = wad("2000");

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

/** A world with `markets` markets: the four of the defaults and copies of LINK. */
async function worldOf(markets: number): Promise<World> {
  const world = await deploy((p) => {
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
  await world.poolDeposit(world.provider, wad("50_000_000"));
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
    const { execute } = await trade(world, account, BTC, await sizeOf(world, BTC));
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
    const account = await thin(world, 300n + BigInt(held), { held, fall: percent(2) });
    figures[`liquidate.held${String(held)}`] = await liquidateOneLeg(world, account, BTC);
    await restore(world);
  }
  const account = await thin(world, 320n, { held: 4, fall: percent(12) });
  const reductions = [];
  for (const asset of HELD.slice(0, 4)) {
    const { size } = await world.clearingHouse.positionOf(account, asset);
    reductions.push({ asset, delta: -size });
  }
  const receipt = await receiptOf(
    world.clearingHouse.connect(world.bob).liquidate(account, reductions, [], accountOf(world.bob)),
  );
  figures["liquidate.account4"] = Number(receipt.gasUsed);
  await restore(world);
}

const initialPrices = new Map<number, bigint>();

/** Withdraws what can be, then lets all prices fall by `fall` (1e-6) and on until the account is unhealthy. */
async function thin(world: World, subAccount: bigint, { held, fall }: { held: number; fall: number }) {
  const account = await hold(world, subAccount, { held, cash: wad("50_000") });
  await newRounds(world);
  let step = 10n ** 9n * 32n;
  while (step >= 10n ** 6n) {
    try {
      await world.vault.connect(world.alice).withdraw(account, SETTLEMENT, step, world.alice.address);
    } catch {
      step /= 2n;
    }
  }
  for (const asset of HELD.slice(0, held)) initialPrices.set(asset, await world.priceOf(asset));
  for (let part = fall; ; part += percent(0.5)) {
    const fallen = [...initialPrices].map(
      ([asset, price]) => [asset, (price * BigInt(1e6 - part)) / 1_000_000n] as const,
    );
    await newRounds(world, new Map(fallen));
    if (!(await isHealthy(world, account))) return account;
  }
}

async function isHealthy(world: World, account: Account): Promise<boolean> {
  try {
    await world.clearingHouse.connect(world.bob).liquidate.staticCall(account, [], [], accountOf(world.bob));
  } catch (error) {
    return error instanceof Error && error.message.includes("Healthy");
  }
  return false;
}

async function restore(world: World): Promise<void> {
  await newRounds(world, initialPrices);
  initialPrices.clear();
}

/** The smallest of 40 slices of one position that the contract accepts. */
async function liquidateOneLeg(world: World, account: Account, asset: number): Promise<number> {
  const { size } = await world.clearingHouse.positionOf(account, asset);
  const house = world.clearingHouse.connect(world.bob);
  for (let part = 1n; part <= 40n; ++part) {
    const reductions = [{ asset, delta: (-size * part) / 40n }];
    try {
      await house.liquidate.staticCall(account, reductions, [], accountOf(world.bob));
    } catch {
      continue;
    }
    return Number((await receiptOf(house.liquidate(account, reductions, [], accountOf(world.bob)))).gasUsed);
  }
  throw new Error(`no slice of asset ${String(asset)} is accepted`);
}

async function measure(): Promise<Figures> {
  const figures: Figures = {};
  const world = await worldOf(MARKETS);
  for (const part of [deposits, executions, batch, withdrawals, liquidations]) {
    process.stderr.write(`${part.name} …\n`);
    await part(world, figures);
  }
  process.stderr.write("with 4 markets …\n");
  const small = await worldOf(8); // the four held and four more, so that the same assets can be held
  const few = await hold(small, 1n, { held: 4, cash: wad("100_000") });
  const { execute } = await trade(small, few, BTC, await sizeOf(small, BTC));
  figures["order.execute.increase.held4.listed8"] = execute;
  return figures;
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
