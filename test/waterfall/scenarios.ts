/** Accounts that the waterfall begins with. */
import { MIN_PROFIT_SCALE } from "../../scripts/model/deleverage.ts";
import { ONE_64 } from "../../scripts/model/sideIndex.ts";
import { type Account, accountOf, time, type World } from "../fixture.ts";
import { BTC, ETH, type Parameters, wad, WETH_TOKEN } from "../parameters.ts";
import { frozen } from "../clearing/scenarios.ts";
import { movePrice } from "../clearing/support.ts";

/** A wei of a feed's answer. */
const FEED_UNIT = 10n ** 10n;

/** An account, and another one whose owner is bob. */
export type Case = World & { account: Account; other: Account };

/** Alice, long 750 ETH from 1800 with 97,133 after impact and fee. Bob has 100,000. */
export async function leveraged(): Promise<Case> {
  return withLong(await frozen());
}

/** The same with other parameters. */
export async function leveragedWith(adapt: (parameters: Parameters) => void): Promise<Case> {
  return withLong(await frozen(adapt));
}

async function withLong(world: World): Promise<Case> {
  const account = accountOf(world.alice);
  await world.trade(account, ETH, wad("750"));
  return { ...world, account, other: accountOf(world.bob) };
}

/** Carol, with 100 WETH and a debt of 130,790 left from a position that she has closed. */
export async function indebted(): Promise<Case> {
  return indebtedWith(() => undefined);
}

/** The same with other parameters. */
export async function indebtedWith(adapt: (parameters: Parameters) => void): Promise<Case> {
  const world = await frozen(adapt);
  const account = await world.fundCollateral(world.carol, WETH_TOKEN, wad("100"));
  await world.trade(account, BTC, wad("20"));
  await movePrice(world, BTC, wad("22_500"));
  await world.trade(account, BTC, wad("-20"), { reduceOnly: true });
  return { ...world, account, other: accountOf(world.bob) };
}

/** Alice is long 600 ETH and carol 300, bob is short 100: a skew of 800. */
export type Crowded = World & Record<"long" | "second" | "short", Account>;

export async function crowdedSide(adapt: (parameters: Parameters) => void = () => undefined): Promise<Crowded> {
  const world = await frozen(adapt);
  const second = await world.fund(world.carol, wad("100_000"));
  await world.trade(accountOf(world.alice), ETH, wad("600"));
  await world.trade(second, ETH, wad("300"));
  await world.trade(accountOf(world.bob), ETH, wad("-100"));
  return { ...world, long: accountOf(world.alice), second, short: accountOf(world.bob) };
}

/** Sets the cap of the skew of ETH alone. */
export async function capSkew(world: World, skewCap: bigint): Promise<void> {
  await world.setSkewCap(ETH, skewCap);
}

/** Flags ETH, and brings the first round after that. Returns its proof. */
export async function flagAndSettle(world: World, price?: bigint): Promise<Awaited<ReturnType<World["hintFor"]>>> {
  await world.clearingHouse.flagDeleveraging(ETH);
  const flaggedAt = BigInt(await time.latest());
  await world.setPrice(ETH, price);
  return world.hintFor(ETH, flaggedAt);
}

/** Cuts the profits of ETH's longs, in a pool that is insolvent by them, as its price rises: until the next cut would leave
 * less than 2^-24 of them. */
export async function cutToTheLast(world: World): Promise<void> {
  const { clearingHouse } = world;
  for (;;) {
    const { profitScale } = await clearingHouse.sideOf(ETH, true);
    const cut = await clearingHouse.cutProfits.staticCall();
    if ((profitScale * (ONE_64 - cut)) / ONE_64 < MIN_PROFIT_SCALE) return;
    await clearingHouse.cutProfits();
    const dearer = ((await world.priceOf(ETH)) * 3n) / 2n;
    await movePrice(world, ETH, dearer - (dearer % FEED_UNIT));
  }
}
