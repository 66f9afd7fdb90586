/** Worlds in which insurance is asked for something. */
import { frozen, still } from "../clearing/scenarios.ts";
import { movePrice } from "../clearing/support.ts";
import { type Account, accountOf, deploy, receiptOf, type World } from "../fixture.ts";
import { ETH, HOUR, MINUTE, wad, WETH_TOKEN } from "../parameters.ts";

/** Ten million in the pool, so that the target is half a million; 650,000 in insurance. */
export async function rich() {
  const world = await still();
  await world.fund(world.bob, wad("1_000_000"));
  await world.insuranceFund.connect(world.bob).contribute(accountOf(world.bob), wad("650_000"));
  await world.clearingHouse.markPool();
  return world;
}

/** A pool that owes more than it has. */
export async function insolventPool() {
  const world = await deploy((parameters) => {
    for (const asset of parameters.assets) [asset.maxFundingRate, asset.fundingVelocity] = [0, 0];
  });
  await world.poolDeposit(world.provider, wad("100_000"));
  await world.fund(world.bob, wad("100_000"));
  const account = await world.fund(world.alice, wad("100_000"));
  await world.trade(account, ETH, wad("45"));
  await movePrice(world, ETH, wad("4_800"));
  await world.clearingHouse.markPool();
  return { ...world, account };
}

/**
 * Carol owes more than her ether is worth, and has no position any more unless not all of her 50 ETH were closed.
 * Insurance has nothing but what it got of her fees.
 */
export async function insolvent({ closing = wad("50") } = {}) {
  const world = await frozen();
  const { clearingHouse, carol, bob } = world;
  const account = await world.fund(carol, wad("500"));
  await world.fundCollateral(carol, WETH_TOKEN, wad("10"));
  await world.trade(account, ETH, wad("50"));
  await world.setPrice(ETH, wad("1_480"));
  await clearingHouse.connect(bob).liquidate(account, [{ asset: ETH, delta: -closing }], [], accountOf(bob));
  return { ...world, account };
}

/** Finds the account of `insolvent` insolvent, and seizes its collateral ten minutes later. */
export async function seize(world: World, account: Account): Promise<void> {
  await world.clearingHouse.flagInsolvent(account);
  await world.advance(10 * MINUTE);
  await receiptOf(world.clearingHouse.seize(account));
}

/** Flags ETH for deleveraging: its skew has been over twice its cap for an hour. */
export async function flagSkew(world: World): Promise<void> {
  const { clearingHouse, alice } = world;
  await world.trade(accountOf(alice), ETH, wad("500"));
  await world.setSkewCap(ETH, wad("200"));
  await clearingHouse.flagDeleveraging(ETH);
  await world.advance(HOUR);
  await world.refresh();
  await clearingHouse.flagDeleveraging(ETH);
}
