import type { BigNumberish, ContractTransactionReceipt, LogDescription } from "ethers";

import { accountOf, ethers, receiptOf, time, WAD, type World } from "../fixture.ts";

/** Escrow amounts are multiples of it. */
export const ESCROW_UNIT = 10n ** 14n;

/** In the order of the contract's enums. */
export const OUTCOME = { Filled: 0n, Cancelled: 1n, Refunded: 2n } as const;
export const CAUSE = {
  None: 0n,
  PriceNotAcceptable: 1n,
  OutsideBand: 2n,
  MarketReduceOnly: 3n,
  Expired: 4n,
  TooLate: 5n,
  InsufficientMargin: 6n,
  ReductionRefused: 7n,
  OpenInterestExceeded: 8n,
  SkewExceeded: 9n,
  PositionTooSmall: 10n,
  TooManyAssets: 11n,
  NothingToReduce: 12n,
  InsufficientLiquidity: 13n,
} as const;

export interface Hint {
  round: bigint;
  before: bigint;
}

export interface OrderFields {
  asset: number;
  delta: bigint;
  acceptablePrice: bigint;
  reduceOnly: boolean;
  expiry: number;
}

export function order(asset: number, delta: bigint, more: Partial<OrderFields> = {}): OrderFields {
  return { asset, delta, acceptablePrice: 0n, reduceOnly: false, expiry: 0, ...more };
}

/** The only event of that name in a receipt. */
export function eventOf(world: World, receipt: ContractTransactionReceipt, name: string): LogDescription["args"] {
  const found = eventsOf(world, receipt, name);
  const [event] = found;
  if (event === undefined || found.length > 1) throw new Error(`${String(found.length)} events ${name}`);
  return event;
}

export function eventsOf(world: World, receipt: ContractTransactionReceipt, name: string): LogDescription["args"][] {
  const events = [];
  for (const { interface: abi } of [world.orders, world.clearingHouse]) {
    for (const log of receipt.logs) {
      const event = abi.parseLog(log);
      if (event?.name === name) events.push(event.args);
    }
    if (events.length !== 0) break;
  }
  return events;
}

export async function baseFeeOf(receipt: ContractTransactionReceipt): Promise<bigint> {
  const block = await ethers.provider.getBlock(receipt.blockNumber);
  const baseFee = block?.baseFeePerGas ?? undefined;
  if (baseFee === undefined) throw new Error("a block without a base fee");
  return baseFee;
}

/** fixed + gas·(2·base fee + tip)·native price, rounded up to a unit. */
export function escrowFor(world: World, gas: bigint, baseFee: bigint, nativePrice: bigint): bigint {
  const { fixedPay, tip } = world.parameters.orders;
  const pay = fixedPay + ceilDiv(gas * (2n * baseFee + tip) * nativePrice, WAD);
  return ceilDiv(pay, ESCROW_UNIT) * ESCROW_UNIT;
}

/** fixed + gas·(base fee + tip)·native price. */
export function payFor(world: World, gas: bigint, baseFee: bigint, nativePrice: bigint): bigint {
  const { fixedPay, tip } = world.parameters.orders;
  return fixedPay + (gas * (baseFee + tip) * nativePrice) / WAD;
}

export function ceilDiv(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}

export async function cashOf(world: World, account: string): Promise<bigint> {
  return (await world.clearingHouse.accountOf(account)).cash;
}

export async function poolBaseOf(world: World): Promise<bigint> {
  return (await world.clearingHouse.balances()).base;
}

export async function pendingOf(world: World, account: string): Promise<bigint> {
  return (await world.clearingHouse.accountOf(account)).pending;
}

/** A transaction of the keeper that executes an order. */
export function execution(world: World, account: string, sequence: BigNumberish, hints: Hint[], overrides = {}) {
  return world.orders.connect(world.keeper).execute(account, sequence, hints, accountOf(world.keeper), overrides);
}

/** Executes an order and checks what became of it, its event, and that none of it is left. */
export async function executed(world: World, account: string, sequence: bigint, hints: Hint[]) {
  const { pay, charge } = await world.orders.orderOf(account, sequence);
  const cash = await cashOf(world, account);
  const base = await poolBaseOf(world);
  const keeperCash = await cashOf(world, accountOf(world.keeper));
  const receipt = await receiptOf(execution(world, account, sequence, hints));
  const closed = eventOf(world, receipt, "OrderClosed");
  return {
    receipt,
    escrow: pay,
    charge,
    pay: closed.getValue("pay") as bigint,
    forfeited: closed.getValue("forfeited") as bigint,
    released: closed.getValue("released") as bigint,
    cashGained: (await cashOf(world, account)) - cash,
    poolGained: (await poolBaseOf(world)) - base,
    keeperGained: (await cashOf(world, accountOf(world.keeper))) - keeperCash,
    pending: await pendingOf(world, account),
    stored: await world.orders.isPending(account, sequence),
  };
}

/** Advances past a boundary, so that the next round is the settlement round. */
export async function passBoundary(world: World, account: string, sequence: bigint): Promise<bigint> {
  const { boundary } = await world.orders.orderOf(account, sequence);
  if (BigInt(await time.latest()) < boundary) await time.increaseTo(boundary);
  return boundary;
}

/** The word that a basket's leg is kept in. */
export async function legSlotOf(world: World, account: string, sequence: bigint, index: number): Promise<bigint> {
  const legs = 7n; // place of the mapping in the contract's storage
  const coder = ethers.AbiCoder.defaultAbiCoder();
  const at = (type: string, key: BigNumberish, slot: BigNumberish) =>
    ethers.keccak256(coder.encode([type, "uint256"], [key, slot]));
  const slot = at("uint256", index, at("uint256", sequence, at("bytes32", account, legs)));
  return BigInt(await ethers.provider.getStorage(world.orders, slot));
}

/** Signs like a trader's wallet would. */
export async function signOrder(
  world: World,
  signer: World["alice"],
  values: OrderFields & { account: string; nonce: bigint; deadline: number },
): Promise<string> {
  return signer.signTypedData(await domainOf(world), ORDER_TYPES, values);
}

export async function domainOf(world: World) {
  const { chainId } = await ethers.provider.getNetwork();
  return { name: "Plimsoll", version: "1", chainId, verifyingContract: await world.orders.getAddress() };
}

export const ORDER_TYPES = {
  Order: [
    { name: "account", type: "bytes32" },
    { name: "asset", type: "uint256" },
    { name: "delta", type: "int256" },
    { name: "acceptablePrice", type: "uint256" },
    { name: "reduceOnly", type: "bool" },
    { name: "expiry", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
};
