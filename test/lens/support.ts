/** Worlds that the tests of the lens begin with. */
import { still } from "../clearing/scenarios.ts";
import { accountOf, ethers, funded, type World } from "../fixture.ts";
import { BTC, ETH, HOUR, SOL, wad, WBTC_TOKEN, WETH_TOKEN } from "../parameters.ts";

export async function withLens<T extends World>(world: T) {
  return { ...world, lens: await ethers.deployContract("Lens", [world.clearingHouse]) };
}

/** Funding off, and nobody has a position. */
export async function untouched() {
  return withLens(await still());
}

/** Alice holds both sides of three markets and two kinds of collateral, with funding, after some hours and moves. */
export async function diverse() {
  const world = await withLens(await funded());
  const { trade, fundCollateral, setPrice, advance, alice, bob } = world;
  const account = accountOf(alice);
  await fundCollateral(alice, WETH_TOKEN, wad("12.345678901234567891"));
  await fundCollateral(alice, WBTC_TOKEN, wad("0.54321"));
  await trade(account, ETH, wad("-150.000000000000000007"));
  await trade(account, BTC, wad("7.123456789012345678"));
  await trade(account, SOL, wad("-1234.5"));
  await trade(accountOf(bob), ETH, wad("20.1"));
  await advance(HOUR / 2);
  await setPrice(ETH, wad("1833.33333333"));
  await setPrice(BTC, wad("28_777.77777777"));
  await world.clearingHouse.markPool();
  return { ...world, account };
}
