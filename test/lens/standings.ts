/** Accounts in every standing that an account may have. */
import { frozen, still } from "../clearing/scenarios.ts";
import { movePrice } from "../clearing/support.ts";
import { type Account, accountOf, type World } from "../fixture.ts";
import { flagSkew, insolvent } from "../insurance/support.ts";
import { BTC, ETH, HOUR, MINUTE, wad, WETH_TOKEN } from "../parameters.ts";

export type Subject = World & { account: Account };

/** Long 750 ETH from 1800 with what it takes; at 1728 its equity does not cover the maintenance requirement. */
export async function outright(): Promise<Subject> {
  const world = await still();
  const account = accountOf(world.alice);
  await world.trade(account, ETH, wad("750"));
  await world.setPrice(ETH, wad("1_728"));
  return { ...world, account };
}

/** Both sides of two markets of a group, and collateral that was bought with debt: no leg alone is the whole risk. */
export async function hedged(): Promise<Subject> {
  const world = await still();
  const { carol, bob } = world;
  await world.fund(bob, wad("1_000_000"));
  const account = await world.fund(carol, wad("20_000"));
  await world.fundCollateral(carol, WETH_TOKEN, wad("10"));
  await world.trade(account, ETH, wad("200"));
  await world.trade(account, BTC, wad("-14"));
  await movePrice(world, BTC, wad("30_900"));
  await world.refresh();
  return { ...world, account };
}

/** Long 200 ETH and half as much short BTC, whose feed has stopped: only the ether may be closed, and it is the hedge. */
export async function hedgingStale(): Promise<Subject> {
  const world = await still();
  const account = await world.fund(world.carol, wad("24_000"));
  await world.trade(account, BTC, wad("-6"));
  await world.trade(account, ETH, wad("200"));
  await world.advance(HOUR);
  await world.refresh();
  await world.advance(HOUR);
  await movePrice(world, ETH, wad("1_625"));
  await world.advance(10 * MINUTE);
  for (const asset of world.feeds.keys()) if (asset !== BTC) await world.setPrice(asset);
  return { ...world, account };
}

/** Short 4 BTC against 25 ETH that hedge some third of them: all of the short closed would leave the ether bare. */
export async function partlyHedged(): Promise<Subject> {
  const world = await still();
  await world.fund(world.bob, wad("1_000_000"));
  const account = await world.fund(world.carol, wad("30_000"));
  await world.trade(account, ETH, wad("25"));
  await world.trade(account, BTC, wad("-4"));
  await movePrice(world, BTC, wad("35_875"));
  await world.refresh();
  return { ...world, account };
}

/** Long ETH worth hardly more than the least that a position may be, with some equity left. */
export async function small(): Promise<Subject> {
  const world = await still();
  const account = await world.fund(world.carol, wad("4"));
  await world.trade(account, ETH, wad("0.016"));
  await world.setPrice(ETH, wad("1_600"));
  return { ...world, account };
}

/** Has closed by itself at a price at which its cash did not cover the loss: it has nothing but a debt. */
export async function indebted(): Promise<Subject> {
  const world = await outright();
  await world.setPrice(ETH, wad("1_660"));
  await world.trade(world.account, ETH, wad("-750"), { reduceOnly: true });
  return world;
}

/** Collateral that is the hedge of a short position: healthy, but owing more against it than λ_M. */
export async function overdrawn(): Promise<Subject> {
  const world = await still();
  const account = await world.fund(world.carol, wad("500"));
  await world.fundCollateral(world.carol, WETH_TOKEN, wad("10"));
  await world.trade(account, ETH, wad("-10"));
  await movePrice(world, ETH, wad("7_000"));
  await world.refresh();
  return { ...world, account };
}

/** Carol's hedge is cut by a deleveraging, and with it she is unhealthy; without it she would not be. */
export async function cut(): Promise<Subject> {
  const world = await frozen();
  const { clearingHouse, lens, carol } = world;
  const account = await world.fund(carol, wad("10_500"));
  await world.trade(account, ETH, wad("60"));
  await world.trade(account, BTC, wad("-6.9"));
  await flagSkew(world);
  const { above } = await lens.liquidationPrices(account, BTC);
  await world.setPrice(BTC, (above * 9_995n) / 10_000n);
  await world.setPrice(ETH);
  const flaggedAt = await flagOf(world, ETH);
  await clearingHouse.deleverage(ETH, await world.hintFor(ETH, flaggedAt));
  return { ...world, account };
}

async function flagOf({ lens }: World, asset: number): Promise<bigint> {
  const { markets } = await lens.solvency();
  const row = markets.find((market) => market.asset === BigInt(asset));
  if (row === undefined || row.flaggedAt === 0n) throw new Error("not flagged");
  return row.flaggedAt;
}

/** Found insolvent, and due to be seized. */
export async function seizable(): Promise<Subject> {
  const world = await insolvent();
  await world.clearingHouse.flagInsolvent(world.account);
  await world.advance(10 * MINUTE);
  return world;
}
