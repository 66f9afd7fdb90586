/** Carries the log of a run out on the clearing house's own bytecode, with the books beside it. */
import { toMoneySettings } from "../../deploy/parameters.ts";
import { type Books, found } from "../../model/books.ts";
import { encodePrice } from "../../model/price.ts";
import { apply } from "./apply.ts";
import { type Chain, type Connection, deployDriven, readListing } from "./chain.ts";
import { compareWorld, customErrorOf } from "./comparison.ts";
import { DifferenceError } from "./errors.ts";
import { digestOf, toJson } from "./recorder.ts";
import type { Conditions, Deed, LoggedDeed, RunResult } from "./types.ts";
import { DEPLOYED, emptyBooks, LISTED, type World } from "./world.ts";

/** Verdict of the oracle on a settlement, in the order of the contract's enum. */
const SETTLED = 0;
const VOID = 1;
/** Of the oracle's answer to everything. */
const SETTLEMENT = 255;
const HINT = { round: 1n, before: 0n };

export interface Confirmation {
  /** Calls that were made, those that had to be refused included. */
  readonly deeds: number;
  readonly refused: number;
  /** How often the whole state was compared. */
  readonly compared: number;
  /** Of the calls alone, of the comparisons apart. */
  readonly seconds: number;
}

/** A chain for one confirmation. */
export async function connect(): Promise<Connection> {
  const { network } = await import("hardhat");
  return network.create({ override: { allowBlocksWithSameTimestamp: true } });
}

/**
 * Throws a DifferenceError where the contracts do anything else than the model did: at the listed parameters, in any
 * balance, position, index, price or bucket after any compared step, in a refusal, or at the end.
 *
 * @param every Deeds between two comparisons; the end is always compared.
 */
export async function confirm(
  world: World,
  result: Pick<RunResult, "log" | "digest">,
  { connection, accounts, every, now }: { connection: Connection; accounts: number; every: number; now: () => number },
): Promise<Confirmation> {
  const chain = await deployWorld(world, { connection, accounts });
  const first = found(result.log[0]);
  if (first.deed.kind !== "prices") throw new DifferenceError("a log begins with the prices");
  const books = emptyBooks(world, { accounts, prices: first.deed.prices.map(({ last }) => last) });
  requireListed(await readListing(chain.house), books);
  let { conditions } = first.deed;
  let [refused, compared, seconds] = [0, 0, 0];
  for (const [position, logged] of result.log.entries()) {
    const { deed, time, refusal } = logged;
    if (deed.kind === "prices") ({ conditions } = deed);
    const start = now();
    await send(chain, { connection, logged, position });
    seconds += now() - start;
    if (refusal === undefined) apply(books, deed, { now: time, conditions });
    else ++refused;
    if ((position + 1) % every !== 0 && position + 1 !== result.log.length) continue;
    try {
      await compareWorld({ ...chain, books });
    } catch (cause) {
      throw new DifferenceError(`after deed ${String(position)}, ${toJson(deed)}`, { cause });
    }
    ++compared;
  }
  const digest = digestOf(books);
  if (digest !== result.digest) throw new DifferenceError("the log does not lead to where the run ended");
  return { deeds: result.log.length, refused, compared, seconds };
}

async function deployWorld(
  { parameters }: World,
  { connection: { ethers, networkHelpers }, accounts }: { connection: Connection; accounts: number },
): Promise<Chain> {
  const { globals, hedgeFloors, money, assets, collaterals } = parameters;
  return deployDriven(ethers, {
    globals,
    groups: hedgeFloors,
    money: toMoneySettings(money),
    assets: assets.map(({ listing }) => listing),
    tokens: collaterals,
    accounts,
    beforeDeploying: () => networkHelpers.time.setNextBlockTimestamp(DEPLOYED),
    beforeListing: () => networkHelpers.time.setNextBlockTimestamp(LISTED),
  });
}

/** Whether what is listed is what the model was given. */
function requireListed(listed: Awaited<ReturnType<typeof readListing>>, books: Books): void {
  const { assets, tokens, globals, groups, money } = books;
  const expected = toJson(sorted({ assets, tokens, globals, groups, money }));
  if (toJson(sorted(listed)) !== expected) throw new DifferenceError("other parameters are listed than simulated");
}

/** Makes the call of a deed, which has to be refused where the model says so. */
async function send(
  chain: Chain,
  { connection, logged, position }: { connection: Connection; logged: LoggedDeed; position: number },
): Promise<void> {
  const { deed, time, refusal } = logged;
  const { time: clock } = connection.networkHelpers;
  if (deed.kind === "deleverage") {
    await clock.setNextBlockTimestamp(time);
    await chain.driver.setSettlement(deed.price === undefined ? VOID : SETTLED, deed.price ?? 0n);
  }
  await clock.setNextBlockTimestamp(time);
  let failure: string | undefined;
  try {
    await call(chain, deed);
  } catch (cause) {
    failure = customErrorOf(chain.house, cause)?.name;
    if (failure === undefined) throw new DifferenceError(`deed ${String(position)}, ${toJson(deed)}`, { cause });
  }
  if (failure === refusal) return;
  const [actual, expected] = [failure ?? "accepted", refusal ?? "accepted"];
  throw new DifferenceError(`deed ${String(position)}, ${toJson(deed)}: ${actual}, the model says ${expected}`);
}

async function call({ driver, house, ids }: Chain, deed: Deed): Promise<unknown> {
  const idOf = (index: number): string => found(ids[index]);
  switch (deed.kind) {
    case "prices":
      return driver.setPrices(
        encodeConditions(deed.conditions),
        deed.prices.map((_price, asset) => asset),
        deed.prices.map(encodePrice),
      );
    case "deposit":
      return driver.credit(idOf(deed.account), SETTLEMENT, deed.amount);
    case "withdraw":
      return driver.debit(idOf(deed.account), SETTLEMENT, deed.amount);
    case "addCollateral":
      return driver.credit(idOf(deed.account), deed.sale.token, deed.sale.amount);
    case "fundPool":
      return deed.amount > 0n
        ? driver.fundPool(idOf(deed.account), deed.amount)
        : driver.drainPool(idOf(deed.account), -deed.amount);
    case "fundInsurance":
      return driver.fundInsurance(idOf(deed.account), deed.amount);
    case "markPool":
      return house.markPool();
    case "trade":
      return driver.trade(idOf(deed.account), [...deed.legs], deed.reduceOnly);
    case "liquidate": {
      const { reductions, sales } = deed.basket;
      return house.liquidate(idOf(deed.account), [...reductions], [...sales], idOf(deed.by));
    }
    case "takeOver":
      return house.takeOver(idOf(deed.account), [...deed.legs], idOf(deed.by));
    case "convert":
      return house.convert(idOf(deed.account), [...deed.sales], idOf(deed.by));
    case "buySeized":
      return house.buySeized(deed.sale, idOf(deed.by));
    case "flagDeleveraging":
      return house.flagDeleveraging(deed.asset);
    case "deleverage":
      return house.deleverage(deed.asset, HINT);
    case "cutProfits":
      return house.cutProfits();
    case "realise":
      return house.realise(idOf(deed.account));
    case "flagInsolvent":
      return house.flagInsolvent(idOf(deed.account));
    case "clearInsolvency":
      return house.clearInsolvency(idOf(deed.account));
    case "seize":
      return house.seize(idOf(deed.account));
    case "settleDeficit":
      return house.settleDeficit(idOf(deed.account));
  }
}

/** As `toConditions` packs them. */
function encodeConditions({ sequencerUp, sequencerSettled, pegHeld, settlementPrice }: Conditions): bigint {
  const bits = [sequencerUp, sequencerSettled, pegHeld].map((bit, index) => (bit ? 1n << BigInt(index) : 0n));
  return bits.reduce((word, bit) => word | bit, settlementPrice << 40n);
}

/** With the keys of every structure in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, field]) => [key, sorted(field)]));
}
