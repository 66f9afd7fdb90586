/** What the attacks share. An attacker's gain is the change of `worthOf`, and `movePrice` is the market's doing. */
import { expect } from "chai";
import type { BaseContract, ContractTransactionReceipt } from "ethers";

import { type Account, accountOf, ethers, receiptOf, time, type World } from "../fixture.ts";
import { WAD } from "../parameters.ts";

type Signer = World["alice"];

export interface Hint {
  round: bigint;
  before: bigint;
}

/** Equity of accounts at the latest prices, WAD, with what their pending orders have in escrow. */
export async function worthOf({ lens }: World, ...accounts: Account[]): Promise<bigint> {
  const healths = await lens.health(accounts);
  return healths.reduce((sum, { equity }) => sum + equity, 0n);
}

/** Equity less maintenance requirement of an account, at the latest prices. */
export async function marginOf({ lens }: World, account: Account): Promise<bigint> {
  const [health] = await lens.health([account]);
  if (health === undefined) throw new Error("no health");
  return health.equity - health.maintenance;
}

/** The pool's equity at the latest prices, rounded down. */
export async function poolWorthOf({ clearingHouse }: World): Promise<bigint> {
  return (await clearingHouse.poolValuation()).equity;
}

/** Fees of all fills of an account so far. */
export async function feesOf({ clearingHouse }: World, account: Account): Promise<bigint> {
  const fills = await clearingHouse.queryFilter(clearingHouse.filters.Fill(account));
  return fills.reduce((sum, { args }) => sum + args.fee, 0n);
}

/** Settlement tokens of a wallet, WAD. */
export async function walletOf({ tokens }: World, owner: Signer): Promise<bigint> {
  return (await tokens.usdc.balanceOf(owner)) * 10n ** 12n;
}

/** Writes a round at a given second; with `observedAt` earlier than that, if it is given. */
export async function print(
  world: World,
  asset: number,
  round: { price: bigint; at: number; observedAt?: number },
): Promise<void> {
  const { price, at, observedAt = at } = round;
  if ((await time.latest()) < at) await time.setNextBlockTimestamp(at);
  await world.feedOf(asset).aggregator.transmit(price / 10n ** 10n, observedAt, at);
}

/** Moves a feed to `target` in steps below the jump limit, each of them read. */
export async function movePrice(world: World, asset: number, target: bigint): Promise<void> {
  let price = await world.priceOf(asset);
  while (price !== target) {
    const [low, high] = [(price * 82n) / 100n, (price * 118n) / 100n];
    price = target < low ? low : target > high ? high : target;
    await world.setPrice(asset, price);
    await world.oracle.update(1n << BigInt(asset));
  }
}

/** Every hint over the latest rounds of a feed's phase, the earliest settlement round first; absence last. */
export async function hintsOver(world: World, asset: number, rounds: bigint): Promise<Hint[]> {
  const [latest] = await world.feedOf(asset).proxy.latestRoundData();
  const phase = (latest >> 64n) << 64n;
  const first = latest - phase < rounds ? phase + 1n : latest - rounds + 1n;
  const ids: bigint[] = [];
  for (let id = first; id <= latest; id++) ids.push(id);
  return [...ids, 0n].flatMap((round) => [0n, ...ids].map((before) => ({ round, before })));
}

/** Executes an order by the first hint that is accepted, as an executor who tries them all; the pay goes to `payTo`. */
export async function executeByAny(
  world: World,
  account: Account,
  order: { sequence: bigint; hints: readonly Hint[]; payTo?: Account },
): Promise<ContractTransactionReceipt> {
  const { sequence, hints, payTo = account } = order;
  await time.increase(1); // a call sees the time of the latest block
  for (const hint of hints) {
    try {
      await world.orders.execute.staticCall(account, sequence, [hint], payTo);
    } catch {
      continue;
    }
    await world.tick();
    return receiptOf(world.orders.execute(account, sequence, [hint], payTo));
  }
  throw new Error("no hint is accepted");
}

/** Why a call must fail: a custom error, which the contract's interface knows, and its arguments where they are known. */
export type Refusal = readonly [contract: Pick<BaseContract, "interface">, error: string, ...args: unknown[]];

/** Expects a call to fail for this reason and no other. */
export async function expectRefused(
  sent: Promise<unknown>,
  what: string,
  [contract, error, ...args]: Refusal,
): Promise<void> {
  const refused = expect(sent, what).to.be.revertedWithCustomError(contract, error);
  await (args.length === 0 ? refused : refused.withArgs(...args));
}

/** Refusal of a liquidation for the account's health, at the latest prices. */
export async function healthy({ clearingHouse, lens }: World, account: Account): Promise<Refusal> {
  const [health] = await lens.health([account]);
  if (health === undefined) throw new Error("no health");
  return [clearingHouse, "Healthy", account, health.equity, health.maintenance];
}

/** The largest amount up to `most` that `accepts`, to within `step`. */
export async function largest(
  most: bigint,
  step: bigint,
  accepts: (amount: bigint) => Promise<boolean>,
): Promise<bigint> {
  let [low, high] = [0n, most + step];
  while (high - low > step) {
    const middle = (low + high) / 2n;
    if (await accepts(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Whether a call would go through. */
export async function goesThrough(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch {
    return false;
  }
}

export function notional(size: bigint, price: bigint): bigint {
  return (size * price) / WAD;
}

export { accountOf, type Signer };

/** Another aggregator behind the same proxy: a new phase. `confirm` makes the switch. */
export async function newAggregator(world: World, asset: number) {
  const { proxy } = world.feedOf(asset);
  const aggregator = await ethers.deployContract("AccessListAggregator", [8, "the next one", false]);
  await aggregator.addAccess(proxy);
  return {
    write: (price: bigint, at: number) => aggregator.transmit(price / 10n ** 10n, at, at),
    async confirm() {
      await proxy.proposeAggregator(aggregator);
      await proxy.confirmAggregator(aggregator);
    },
  };
}
