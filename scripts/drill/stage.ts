/**
 * A throw-away chain in this process with the whole protocol on it, roles held by different accounts, money in the pool, and
 * the few verbs that a drill needs. Amounts are WAD, assets and tokens symbols of the parameter file.
 */
import { join } from "node:path";

import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { type Interface, MaxUint256, toBeHex, type TransactionResponse } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";

import local from "../../deploy/parameters/local.ts";
import type { AddressBook } from "../deploy/addressBook.ts";
import type { Contracts } from "../deploy/contracts.ts";
import { deployPlimsoll } from "../deploy/deploy.ts";
import { parseParameters } from "../deploy/parameters.ts";
import { PlimsollError } from "../deploy/PlimsollError.ts";
import { callOf, knownRoles } from "../gov/authority.ts";
import { type Gov, openGov } from "../gov/gov.ts";
import { propose, type Transaction } from "../gov/operations.ts";
import { SETTLEMENT, type Target } from "../gov/setters.ts";

/** A drill did not end as it should. */
export class DrillError extends PlimsollError {}

export const WAD = 10n ** 18n;
/** USDC has 6 decimals, feeds 8. */
const WAD_PER_UNIT = 10n ** 12n;
const WAD_PER_ANSWER = 10n ** 10n;
export const HOUR = 3_600n;
export const DAY = 86_400n;

/** Who does what in a drill: places among the chain's accounts. */
const PEOPLE = [
  "deployer",
  "governor",
  "guardian",
  "steward",
  "stranger",
  "keeper",
  "provider",
  "alice",
  "bob",
] as const;
export type Person = (typeof PEOPLE)[number];

export interface Trade {
  readonly outcome: "OrderFilled" | "OrderCancelled" | "OrderRefunded";
}

export type Stage = Awaited<ReturnType<typeof setStage>>;

/** @param pool What is put into the pool first, WAD. */
export async function setStage(connection: NetworkConnection, { pool = 10_000_000n * WAD }: { pool?: bigint } = {}) {
  const { ethers, networkHelpers } = connection;
  const { time } = networkHelpers;
  const people = await peopleOf(connection);
  const file = fileFor(people);
  const parameters = parseParameters(file, FILE);
  const { book, contracts } = await deployPlimsoll({ connection, parameters });
  const usdc = await ethers.getContractAt("TestToken", placeIn(book.tokens, "USDC"));
  const { vault, orders, clearingHouse, oracle, lens } = contracts;

  // ---------------------------------------------------------------- time and prices

  async function now(): Promise<bigint> {
    return BigInt(await time.latest());
  }

  /** Puts the next block one second after the last: otherwise it follows the clock of the machine. */
  async function tick(): Promise<bigint> {
    const at = (await now()) + 1n;
    await time.setNextBlockTimestamp(at);
    return at;
  }

  /** Lets a price fall by small steps until an account has no more to spare than this, WAD. */
  async function fallTo(symbol: string, owner: HardhatEthersSigner, spare: bigint): Promise<void> {
    const account = accountOf(owner);
    for (;;) {
      const { equity, maintenance } = await lens.account(account);
      const excess = equity - maintenance - spare;
      const [size] = await clearingHouse.positionOf(account, assetOf(symbol));
      if (excess <= 0n || size <= 0n) return;
      const price = await priceOf(symbol);
      // Half of what is left at a time, and never near the jump limit.
      const byHalf = (excess * WAD) / size / 2n;
      const most = price / 50n;
      const down = byHalf < most ? byHalf : most;
      if (down < WAD_PER_ANSWER) return;
      await setPrice(symbol, price - down);
      await oracle.update(1n << BigInt(assetOf(symbol)));
    }
  }

  async function aggregatorOf(name: string) {
    return ethers.getContractAt("AccessListAggregator", placeIn(book.aggregators, name));
  }

  async function priceOf(symbol: string): Promise<bigint> {
    const aggregator = await aggregatorOf(symbol);
    return (await aggregator.latestAnswer()) * 10n ** (18n - (await aggregator.decimals()));
  }

  /** A new round at the time of its block; without a price the last one again. */
  async function setPrice(symbol: string, price?: bigint): Promise<void> {
    const aggregator = await aggregatorOf(symbol);
    const answer = price === undefined ? await aggregator.latestAnswer() : price / WAD_PER_ANSWER;
    const at = await tick();
    await aggregator.transmit(answer, at, at);
  }

  /** A new round of every feed at its last price, but of those named. */
  async function refresh(...but: string[]): Promise<void> {
    const names = Object.keys(book.aggregators).filter((name) => name !== "sequencer" && !but.includes(name));
    for (const name of names) await setPrice(name);
  }

  /** Lets time pass, without new rounds. */
  async function wait(seconds: bigint): Promise<void> {
    await time.increase(seconds);
  }

  async function waitUntil(seconds: bigint): Promise<void> {
    if ((await now()) < seconds) await time.increaseTo(seconds);
  }

  function assetOf(symbol: string): number {
    const asset = parameters.assets.findIndex((each) => each.symbol === symbol);
    if (asset < 0) throw new DrillError(`no asset ${symbol}`);
    return asset;
  }

  // ---------------------------------------------------------------- money

  function accountOf(owner: HardhatEthersSigner): string {
    return toBeHex(BigInt(owner.address) << 96n, 32);
  }

  /** Mints settlement tokens and deposits them. */
  async function fund(owner: HardhatEthersSigner, amount: bigint): Promise<string> {
    const units = amount / WAD_PER_UNIT;
    await usdc.mint(owner, units);
    await usdc.connect(owner).approve(vault, MaxUint256);
    await vault.connect(owner).deposit(accountOf(owner), SETTLEMENT, units);
    return accountOf(owner);
  }

  /** Gets collateral to somebody and deposits it: of a token that anybody may mint. */
  async function fundCollateral(owner: HardhatEthersSigner, symbol: string, amount: bigint): Promise<string> {
    await tryDeposit(owner, symbol, amount);
    return accountOf(owner);
  }

  /** A deposit of collateral that may be refused. */
  async function tryDeposit(owner: HardhatEthersSigner, symbol: string, amount: bigint) {
    const token = await ethers.getContractAt("TestToken", placeIn(book.tokens, symbol));
    const index = parameters.collaterals.findIndex((each) => each.symbol === symbol);
    const units = amount / 10n ** (18n - (await token.decimals()));
    await token.mint(owner, units);
    await token.connect(owner).approve(vault, MaxUint256);
    return vault.connect(owner).deposit(accountOf(owner), index, units);
  }

  async function depositToPool(amount: bigint): Promise<void> {
    const { provider } = people;
    const liquidity = contracts.pool;
    await usdc.mint(provider, amount / WAD_PER_UNIT);
    await usdc.connect(provider).approve(liquidity, MaxUint256);
    await liquidity.connect(provider).requestDeposit(amount / WAD_PER_UNIT, provider, provider);
    const batch = (await liquidity.queue()).latest;
    await time.increaseTo((await liquidity.batchOf(batch)).maturesAt);
    await refresh();
    await liquidity.fulfill(batch);
  }

  // ---------------------------------------------------------------- orders

  /** An order that may be refused. */
  async function submitOrder(
    owner: HardhatEthersSigner,
    symbol: string,
    delta: bigint,
    { reduceOnly = false }: { reduceOnly?: boolean } = {},
  ) {
    await tick();
    const order = { asset: assetOf(symbol), delta, acceptablePrice: 0n, reduceOnly, expiry: 0n };
    return orders.connect(owner).submit(accountOf(owner), order);
  }

  /** Submits an order; it stays pending. Returns its number. */
  async function submit(
    owner: HardhatEthersSigner,
    symbol: string,
    delta: bigint,
    options: { reduceOnly?: boolean } = {},
  ): Promise<bigint> {
    const { sequence } = await clearingHouse.accountOf(accountOf(owner));
    await submitOrder(owner, symbol, delta, options);
    return sequence;
  }

  /** Brings the settlement round of an order, at a price or the last one, and executes it. */
  async function settle(owner: HardhatEthersSigner, sequence: bigint, price?: bigint): Promise<Trade> {
    const account = accountOf(owner);
    const { asset, boundary } = await orders.orderOf(account, sequence);
    await waitUntil(boundary);
    await setPrice(parameters.assets[Number(asset)]?.symbol ?? "", price);
    return execute(owner, sequence);
  }

  async function sendExecution(owner: HardhatEthersSigner, sequence: bigint) {
    const account = accountOf(owner);
    const { asset, boundary } = await orders.orderOf(account, sequence);
    const [proxy] = await oracle.feedOf(asset);
    const hint = await hintAt(proxy, boundary);
    await tick();
    return orders.connect(people.keeper).execute(account, sequence, [hint], accountOf(people.keeper));
  }

  /** Whether an order whose settlement round is there stays pending all the same. */
  async function isRefusedToExecute(owner: HardhatEthersSigner, sequence: bigint): Promise<boolean> {
    return isRefused(sendExecution(owner, sequence));
  }

  /** Executes an order whose settlement round is there. */
  async function execute(owner: HardhatEthersSigner, sequence: bigint): Promise<Trade> {
    const receipt = await (await sendExecution(owner, sequence)).wait();
    for (const log of receipt?.logs ?? []) {
      const name = (orders.interface as unknown as Interface).parseLog(log)?.name;
      if (name === "OrderFilled" || name === "OrderCancelled" || name === "OrderRefunded") return { outcome: name };
    }
    throw new DrillError("an execution without an outcome");
  }

  /** The hint that proves the settlement round of a boundary. */
  async function hintAt(proxy: string, boundary: bigint) {
    const feed = await ethers.getContractAt("EACAggregatorProxy", proxy);
    const [latest] = await feed.latestRoundData();
    const phase = (latest >> 64n) << 64n;
    let round = 0n;
    let before = latest;
    for (; before > phase; --before) {
      const [, , , updatedAt] = await feed.getRoundData(before);
      if (updatedAt <= boundary) break;
      round = before;
    }
    return { round, before: before > phase ? before : 0n };
  }

  /** An order from its submission to its end. */
  async function trade(owner: HardhatEthersSigner, symbol: string, delta: bigint, price?: bigint): Promise<Trade> {
    await clearingHouse.markPool();
    return settle(owner, await submit(owner, symbol, delta), price);
  }

  // ---------------------------------------------------------------- governance

  async function gov(): Promise<Gov> {
    return openGov(ethers.provider, { parameters, book });
  }

  async function send(from: HardhatEthersSigner, transactions: readonly Transaction[]): Promise<void> {
    for (const { to, data } of transactions) {
      await tick();
      await (await from.sendTransaction({ to, data })).wait();
    }
  }

  /** Has somebody with a role do something: at once, or scheduled and executed after the delay. */
  async function govern(
    from: HardhatEthersSigner,
    target: Target | "authority",
    method: string,
    args: readonly unknown[],
  ): Promise<void> {
    const state = await gov();
    const call = callOf(state, target, method, args);
    const plan = { calls: [call], caller: from.address, when: 0n, refusals: [] };
    const { transactions, operations } = await propose(state, plan);
    await send(from, transactions);
    if (operations.length === 0) return;
    const manager = contracts.authority;
    const readyAt = (await manager.getFunction("getSchedule")(operations[0])) as bigint;
    await time.increaseTo(readyAt);
    await refresh();
    const data = manager.interface.encodeFunctionData("execute", [call.address, call.data]);
    await send(from, [{ to: book.contracts.authority, data, description: method }]);
  }

  /** A call of the manager itself, sent at once: it may be refused. */
  async function manage(from: HardhatEthersSigner, method: string, args: readonly unknown[]) {
    await tick();
    return managedBy(contracts, from, method, args);
  }

  /** Whether a call goes through; the state stays as it is if it does not. */
  async function isRefused(call: Promise<{ wait: () => Promise<unknown> }>): Promise<boolean> {
    try {
      await (await call).wait();
      return false;
    } catch {
      return true;
    }
  }

  await handOver({ contracts, deployer: people.deployer, governor: people.governor });
  await refresh();
  if (pool > 0n) await depositToPool(pool);
  return {
    connection,
    /** As a parameter file has it. */
    file,
    parameters,
    book,
    contracts,
    lens,
    usdc,
    ...people,
    now,
    tick,
    priceOf,
    setPrice,
    refresh,
    wait,
    waitUntil,
    fallTo,
    assetOf,
    accountOf,
    fund,
    fundCollateral,
    tryDeposit,
    depositToPool,
    submitOrder,
    submit,
    settle,
    execute,
    isRefusedToExecute,
    hintAt,
    trade,
    gov,
    send,
    govern,
    manage,
    isRefused,
  };
}

async function peopleOf({ ethers }: NetworkConnection): Promise<Record<Person, HardhatEthersSigner>> {
  const signers = await ethers.getSigners();
  return Object.fromEntries(
    PEOPLE.map((person, index) => {
      const signer = signers[index];
      if (signer === undefined) throw new DrillError("the chain has too few accounts");
      return [person, signer];
    }),
  ) as Record<Person, HardhatEthersSigner>;
}

/** Where the parameters are from that a stage begins with. */
export const FILE = join(import.meta.dirname, "../../deploy/parameters/local.ts");

/** The local file, with a holder of its own for every role. */
function fileFor(people: Record<Person, HardhatEthersSigner>) {
  const holders = knownRoles().map((role) => [role, people[role].address]);
  // Where the file knows an admin of its own, the governor is it, after its delay.
  if ("admin" in local.governance) holders.push(["admin", people.governor.address]);
  return { ...local, governance: { ...local.governance, ...Object.fromEntries(holders) } as typeof local.governance };
}

/** The deployer gives up what it has kept, to the governor after its delay. */
async function handOver({
  contracts,
  deployer,
  governor,
}: {
  contracts: Contracts;
  deployer: HardhatEthersSigner;
  governor: HardhatEthersSigner;
}): Promise<void> {
  const { authority } = contracts;
  const [isAdmin] = (await authority.getFunction("hasRole")(0n, deployer.address)) as [boolean, bigint];
  if (!isAdmin) return;
  const [, delay] = (await authority.getFunction("hasRole")(1n, governor.address)) as [boolean, bigint];
  await managedBy(contracts, deployer, "grantRole", [0n, governor.address, delay]);
  await managedBy(contracts, deployer, "renounceRole", [0n, deployer.address]);
}

async function managedBy(
  { authority }: Contracts,
  from: HardhatEthersSigner,
  method: string,
  args: readonly unknown[],
): Promise<TransactionResponse> {
  const to = await authority.getAddress();
  return from.sendTransaction({ to, data: authority.interface.encodeFunctionData(method, args) });
}

function placeIn(places: AddressBook["tokens"], name: string): string {
  const place = places[name];
  if (place === undefined) throw new DrillError(`the deployment has no ${name}`);
  return place;
}
