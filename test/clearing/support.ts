/** What the tests of the clearing house and the lens share: the check of the books, and the model of what is in them. */
import { expect } from "chai";
import type { BaseContract, ContractTransactionReceipt } from "ethers";

import { fill, type FillResult } from "../../scripts/model/fill.ts";
import { abs } from "../../scripts/model/fixed.ts";
import { accrued, decodeFunding, type Funding } from "../../scripts/model/funding.ts";
import type { Basket, LiquidationState } from "../../scripts/model/liquidation.ts";
import {
  decodeCollateral,
  decodeGlobals,
  decodeGroups,
  decodeMoney,
  decodeRisk,
  decodeSizes,
  decodeTrade,
} from "../../scripts/model/parameters.ts";
import { type PoolMarket, type PoolState, type PoolValue, valuePool } from "../../scripts/model/pool.ts";
import { decodePrice } from "../../scripts/model/price.ts";
import { assess, type Exposure, initialUp, maintenanceUp, shortfall, type Terms } from "../../scripts/model/risk.ts";
import type { Side } from "../../scripts/model/sideIndex.ts";
import { type Account, accountOf, ethers, loadFixture, time, type World } from "../fixture.ts";

export const MAX_UINT64 = 2n ** 64n - 1n;
/** Sum of the rights to trade, to transfer and to withdraw. */
export const ALL_RIGHTS = 7n;
/** WAD of the smallest amount of settlement token. */
const UNIT = 10n ** 12n;
const NOBODY = accountOf("0x0000000000000000000000000000000000000000");

// ---------------------------------------------------------------- conservation

let watched: { world: World; since: number } | undefined;

/** The state after `fixture`, watched by `expectConserved`. */
export async function load<T extends World>(fixture: () => Promise<T>): Promise<T> {
  const world = await loadFixture(fixture);
  watched = { world, since: await ethers.provider.getBlockNumber() };
  return world;
}

/** A hook: after every block of the test Σ positive cash + base + insurance + protocol fees + escrows = tokens and
 * Σ shares of debt = those that the pool counts, and at its end the sides of every market are the sums of the positions. */
export async function expectConserved(): Promise<void> {
  if (watched === undefined) return;
  const { world, since } = watched;
  watched = undefined;
  const { clearingHouse, orders } = world;
  const address = [await clearingHouse.getAddress(), await orders.getAddress()];
  const events = (await ethers.provider.getLogs({ address, fromBlock: 0, toBlock: "latest" })).flatMap(
    ({ blockNumber, ...log }) => {
      const event = clearingHouse.interface.parseLog(log) ?? orders.interface.parseLog(log);
      return event === null ? [] : [{ blockNumber, name: event.name, args: event.args }];
    },
  );
  const accounts = new Set<Account>();
  for (const { args } of events) {
    for (const [index, value] of args.toArray().entries()) {
      if (typeof value === "string" && value.length === 66) accounts.add(String(args[index]));
    }
  }
  const blocks = new Set([since, ...events.map(({ blockNumber }) => blockNumber).filter((block) => block > since)]);
  for (const block of blocks) {
    const upTo = events.filter(({ blockNumber }) => blockNumber <= block);
    await expectBalanced(world, { block, accounts: [...accounts], escrow: escrowOf(upTo) });
  }
  await expectMirrored(world, [...accounts]);
}

function escrowOf(events: readonly { name: string; args: { getValue(name: string): unknown } }[]): bigint {
  let escrow = 0n;
  const sum = (args: { getValue(name: string): unknown }, names: string[]) =>
    names.reduce((total, name) => total + (args.getValue(name) as bigint), 0n);
  for (const { name, args } of events) {
    if (name === "OrderSubmitted" || name === "BasketSubmitted") escrow += sum(args, ["pay", "charge"]);
    if (name === "OrderClosed") escrow -= sum(args, ["released", "pay", "forfeited"]);
    // What a cancelled order forfeits was charged to the account, and has gone to the pool.
  }
  return escrow;
}

async function expectBalanced(
  { clearingHouse, vault, tokens }: World,
  { block, accounts, escrow }: { block: number; accounts: Account[]; escrow: bigint },
): Promise<void> {
  const calls = [
    clearingHouse.interface.encodeFunctionData("ledger"),
    ...accounts.map((account) => clearingHouse.interface.encodeFunctionData("accountOf", [account])),
  ];
  const at = { blockTag: block };
  const [ledger = "0x", ...states] = await clearingHouse.multicall.staticCall(calls, at);
  const [{ base, debtShares, insurance, protocolFees }] = clearingHouse.interface.decodeFunctionResult(
    "ledger",
    ledger,
  ) as unknown as [{ base: bigint; debtShares: bigint; insurance: bigint; protocolFees: bigint }];
  let cash = 0n;
  let owed = 0n;
  for (const state of states) {
    const [decoded] = clearingHouse.interface.decodeFunctionResult("accountOf", state) as unknown as [
      { cash: bigint; shares: bigint },
    ];
    if (decoded.cash > 0n) cash += decoded.cash;
    owed += decoded.shares;
  }
  const held = (await tokens.usdc.balanceOf(vault, at)) * UNIT;
  expect(cash + base + insurance + protocolFees + escrow, `books in block ${block}`).to.equal(held);
  expect(owed, `debts in block ${block}`).to.equal(debtShares);
}

/** As stored: n and m of the positions of each side's epoch. */
async function expectMirrored({ clearingHouse }: World, accounts: Account[]): Promise<void> {
  const { assets } = await clearingHouse.listed();
  for (let asset = 0; asset < Number(assets); asset++) {
    const calls = accounts.map((account) =>
      clearingHouse.interface.encodeFunctionData("storedPositionOf", [account, asset]),
    );
    const positions = (await clearingHouse.multicall.staticCall(calls)).map(
      (result) =>
        clearingHouse.interface.decodeFunctionResult("storedPositionOf", result) as unknown as [bigint, bigint, bigint],
    );
    for (const long of [true, false]) {
      const side = await clearingHouse.sideOf(asset, long);
      const sums = { units: 0n, quote: 0n };
      for (const [units, quote, epoch] of positions) {
        if (units === 0n) expect(quote, "quote without size").to.equal(0n);
        if (units === 0n || units > 0n !== long || epoch !== side.epoch) continue;
        sums.units += abs(units);
        sums.quote += quote;
      }
      expect({ units: side.units, quote: side.quote }, `${long ? "long" : "short"} side of ${asset}`).to.deep.equal(
        sums,
      );
    }
  }
}

// ---------------------------------------------------------------- model

/** An account's exposure to one asset at the latest prices, its funding accrued to `now`. */
export async function exposureOf(
  world: World,
  account: Account,
  { asset, now }: { asset: number; now: bigint },
): Promise<Exposure> {
  const { clearingHouse, oracle, parameters } = world;
  const [risk, sizes, trade] = await clearingHouse.parametersOf(asset);
  const { size, quote } = await clearingHouse.positionOf(account, asset);
  const [, prices] = await oracle.peek(1n << BigInt(asset), false);
  const price = decodePrice(prices[0] ?? 0n);
  let collateral = 0n;
  for (const [token, listing] of parameters.collateral.entries()) {
    if (listing.asset === asset) collateral += await clearingHouse.collateralOf(account, token);
  }
  const decoded = { risk: decodeRisk(risk), sizes: decodeSizes(sizes), trade: decodeTrade(trade) };
  const funding = await fundingOf(world, { asset, now, price: price.last });
  return { asset, price, size, quote, collateral, funding, ...decoded };
}

/** F of a market, accrued to `now`. */
export async function fundingOf(
  { clearingHouse }: World,
  { asset, now, price }: { asset: number; now: bigint; price: bigint },
): Promise<Funding> {
  const { funding } = await clearingHouse.marketOf(asset);
  const [, , trade] = await clearingHouse.parametersOf(asset);
  const stored = decodeFunding(funding);
  if (stored.time === 0n) return stored; // no market
  return accrued(stored, { maxRate: decodeTrade(trade).maxFundingRate, price, now });
}

export async function skewOf({ clearingHouse }: World, asset: number): Promise<bigint> {
  const { longSize, shortSize } = await clearingHouse.marketOf(asset);
  return longSize - shortSize;
}

/** All that a liquidation of the account at `now` depends on. */
export async function stateOf(
  world: World,
  account: Account,
  now: bigint,
  more: readonly number[] = [],
): Promise<LiquidationState> {
  const { clearingHouse, oracle, parameters } = world;
  const { cash, positions } = await clearingHouse.accountOf(account);
  const [globals, groups, money] = await clearingHouse.globals();
  const { insurance } = await clearingHouse.balances();
  const holdings = [];
  const assets = new Set(more);
  for (let asset = 0; positions >> BigInt(asset) !== 0n; asset++) {
    if ((positions >> BigInt(asset)) & 1n) assets.add(asset);
  }
  for (const [token] of parameters.collateral.entries()) {
    const amount = await clearingHouse.collateralOf(account, token);
    const parameters_ = decodeCollateral(await clearingHouse.collateralParametersOf(token));
    if (amount !== 0n) assets.add(parameters_.asset);
    holdings.push({ token, amount, parameters: parameters_ });
  }
  const exposures: Exposure[] = [];
  const skews = new Map<number, bigint>();
  for (const asset of [...assets].sort((a, b) => a - b)) {
    exposures.push(await exposureOf(world, account, { asset, now }));
    skews.set(asset, await skewOf(world, asset));
  }
  const [conditions] = await oracle.peek(0, true);
  return {
    exposures,
    cash,
    holdings,
    skews,
    globals: decodeGlobals(globals),
    groups: decodeGroups(groups),
    money: decodeMoney(money),
    time: now,
    settlementPrice: BigInt.asUintN(96, conditions >> 40n),
    insurance,
  };
}

export interface Leg {
  asset: number;
  delta: bigint;
  price: bigint;
}

/** The state after fills, each against the pool, and their results. */
export function afterFills(
  state: LiquidationState,
  legs: readonly Leg[],
): { state: LiquidationState; fills: FillResult[] } {
  const exposures = new Map(state.exposures.map((exposure) => [exposure.asset, exposure]));
  const skews = new Map(state.skews);
  const fills: FillResult[] = [];
  let { cash } = state;
  for (const { asset, delta, price } of legs) {
    const exposure = exposures.get(asset);
    if (exposure === undefined) throw new Error(`no exposure to ${asset}`);
    const filled = fill({ exposure, delta, price, skew: skews.get(asset) ?? 0n });
    exposures.set(asset, filled.exposure);
    skews.set(asset, filled.skew);
    cash += filled.realised - filled.fee;
    fills.push(filled);
  }
  return { state: { ...state, exposures: [...exposures.values()], skews, cash }, fills };
}

/** At the worse end of every price, as initial checks see it. */
export function worseTerms(state: LiquidationState): Terms & { initial: bigint; shortfall: bigint } {
  const terms = assess({ ...state, end: "worse" });
  return { ...terms, initial: initialUp(terms), shortfall: shortfall(terms) };
}

/** At the better end of every price, as liquidations see it. */
export function betterTerms(state: LiquidationState): Terms & { initial: bigint; maintenance: bigint } {
  const terms = assess({ ...state, end: "better" });
  return { ...terms, initial: initialUp(terms), maintenance: maintenanceUp(terms, state.globals) };
}

/** As `betterTerms`, with the position in `asset` that the account had before its side was deleveraged. */
export async function formerTermsOf(
  world: World,
  account: Account,
  asset: number,
): Promise<ReturnType<typeof betterTerms>> {
  const { size, quote } = await world.clearingHouse.formerPositionOf(account, asset);
  const state = await stateOf(world, account, await now());
  const exposures = state.exposures.map((exposure) =>
    exposure.asset === asset ? { ...exposure, size, quote } : exposure,
  );
  return betterTerms({ ...state, exposures });
}

/** The pool's value by the model, at the latest prices. */
export async function poolEquityOf(world: World, now: bigint): Promise<PoolValue> {
  return valuePool(await poolStateOf(world, now));
}

/** The pool as the model sees it. @param now Time of the block that it is asked for. */
export async function poolStateOf(world: World, now: bigint): Promise<PoolState> {
  const { clearingHouse } = world;
  const { base, lent, closedValue } = await clearingHouse.ledger();
  const { assets } = await clearingHouse.listed();
  const markets: PoolMarket[] = [];
  for (let asset = 0; asset < Number(assets); asset++) {
    const [long, short] = [await sideOf(world, asset, true), await sideOf(world, asset, false)];
    if (long.units + short.units === 0n) continue;
    const exposure = await exposureOf(world, NOBODY, { asset, now });
    markets.push({ ...exposure, long, short });
  }
  return { base, lent, closedValue, markets };
}

async function sideOf({ clearingHouse }: World, asset: number, long: boolean): Promise<Side> {
  const { units, quote, epoch, cuts, scale, profitScale, offset } = await clearingHouse.sideOf(asset, long);
  return { long, units, quote, epoch, cuts, index: { scale, profitScale, offset }, closed: new Map() };
}

// ---------------------------------------------------------------- chain

/** The time of the latest block, which calls see. */
export async function now(): Promise<bigint> {
  return BigInt(await time.latest());
}

/** Fixes the time of the next block to the next second, and returns it. */
export async function nextSecond(): Promise<bigint> {
  const at = (await now()) + 1n;
  await time.setNextBlockTimestamp(at);
  return at;
}

/** Moves a feed to `target` in steps that no jump guard minds. */
export async function movePrice(world: World, asset: number, target: bigint): Promise<void> {
  let price = await world.priceOf(asset);
  while (price !== target) {
    const [low, high] = [(price * 81n) / 100n, (price * 119n) / 100n];
    await world.setPrice(asset, target < low ? low : target > high ? high : target);
    await world.oracle.update(1n << BigInt(asset));
    price = await world.priceOf(asset);
  }
}

/** The arguments of the only event of that name. */
export function eventOf(
  contract: Pick<BaseContract, "interface">,
  receipt: ContractTransactionReceipt,
  name: string,
): { getValue(name: string): unknown } {
  const found = receipt.logs.map((log) => contract.interface.parseLog(log)).filter((event) => event?.name === name);
  const [event] = found;
  if (!event || found.length > 1) throw new Error(`${found.length} events ${name}`);
  return event.args;
}

export async function cashOf({ clearingHouse }: World, account: Account): Promise<bigint> {
  return (await clearingHouse.accountOf(account)).cash;
}

export async function sizeOf({ clearingHouse }: World, account: Account, asset: number): Promise<bigint> {
  return (await clearingHouse.positionOf(account, asset)).size;
}

/** A basket as the contract takes it. */
export function toCall({ reductions, sales }: Basket) {
  return [reductions.map((reduction) => ({ ...reduction })), sales.map((sale) => ({ ...sale }))] as const;
}

/** Expects a value within `tolerance` of `target`. */
export function expectNear(value: bigint, target: bigint, tolerance: bigint): void {
  expect(abs(value - target), `${value} is not within ${tolerance} of ${target}`).to.be.at.most(tolerance);
}
