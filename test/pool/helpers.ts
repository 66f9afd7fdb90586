import { accountOf, deploy, funded, time, type World } from "../fixture.ts";
import { ETH, wad, WAD } from "../parameters.ts";

export const VIRTUAL = 1_000_000n;
export const PPM = 1_000_000n;

/** The pool's value and by how much the prices behind it may be off, at the latest prices. */
export async function valueOf(world: World) {
  const value = await world.clearingHouse.markPool.staticCall();
  const { assets } = await world.clearingHouse.listed();
  let gross = 0n;
  for (let asset = 0; asset < Number(assets); asset++) {
    const { longSize, shortSize } = await world.clearingHouse.marketOf(asset);
    const skew = longSize > shortSize ? longSize - shortSize : shortSize - longSize;
    if (skew !== 0n) gross += divUp(skew * (await world.priceOf(asset)), WAD);
  }
  const spread = divUp(gross * BigInt(world.parameters.pool.deviation), PPM);
  return { value, spread };
}

export function divUp(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}

/** 10 million in the pool, alice long 500 ETH against it. */
export async function exposed() {
  const world = await funded();
  await world.trade(accountOf(world.alice), ETH, wad("500"));
  return { ...world, account: accountOf(world.provider) };
}

/** As `exposed`, with all of the provider's shares asked for and matured. */
export async function matured() {
  const world = await exposed();
  const shares = await world.pool.balanceOf(world.provider);
  await world.pool.connect(world.provider).requestWithdrawal(shares);
  await time.increase(world.parameters.pool.cooldown);
  await world.refresh();
  return { ...world, shares };
}

/** Alice's profit has eaten a pool of 100,000 up. */
export async function insolvent() {
  const world = await deploy();
  await world.poolDeposit(world.provider, wad("100_000"));
  const account = await world.fund(world.alice, wad("100_000"));
  await world.fund(world.bob, wad("100_000"));
  await world.trade(account, ETH, wad("49"));
  for (const price of ["2150", "2550", "3050", "3600", "4200"]) {
    await world.setPrice(ETH, wad(price));
    await world.clearingHouse.markPool();
  }
  return world;
}
