/** Random books on chain, and when a liquidation of one is at its end. */
import { expect } from "chai";

import { found } from "../../scripts/model/books.ts";
import { max, mulDivUp, WAD } from "../../scripts/model/fixed.ts";
import { type Basket, type LiquidationState, targetUp } from "../../scripts/model/liquidation.ts";
import { lotOf, saleLotOf } from "../../scripts/model/parameters.ts";
import { assess, maintenanceUp } from "../../scripts/model/risk.ts";
import { still, tradeBasket } from "../clearing/scenarios.ts";
import { now, stateOf, worseTerms } from "../clearing/support.ts";
import { type Account, accountOf, type World } from "../fixture.ts";
import { BTC, ETH, LINK, SETTLEMENT, SOL, wad, WBTC, WBTC_TOKEN, WETH_TOKEN } from "../parameters.ts";

export type Case = World & { account: Account; liquidator: Account };

export function isClosed({ exposures }: LiquidationState): boolean {
  return exposures.every(({ size, collateral }) => size === 0n && collateral === 0n);
}

/** Healthy, or with nothing left to close. */
export function isSettled(state: LiquidationState): boolean {
  if (isClosed(state)) return true;
  const terms = assess({ ...state, end: "better" });
  return terms.equity > maintenanceUp(terms, state.globals);
}

/**
 * At R_M + τ·(R_I − R_M), or short of it by less than a lot of each leg of the last basket is worth: where it could not be
 * met to the lot, the one that would pass it was not allowed. Or with nothing left to close.
 */
export function isAtTarget(state: LiquidationState, { reductions, sales }: Basket): boolean {
  const { exposures, holdings, globals } = state;
  if (isClosed(state)) return true;
  const lots = [
    ...reductions.map(({ asset }) => ({ asset, lot: lotOf(found(exposures.find((e) => e.asset === asset)).trade) })),
    ...sales.map(({ token }) => {
      const { parameters } = found(holdings.find((holding) => holding.token === token));
      return { asset: parameters.asset, lot: saleLotOf(parameters) };
    }),
  ];
  const worth = lots.reduce((sum, { asset, lot }) => {
    return sum + mulDivUp(lot, found(exposures.find((e) => e.asset === asset)).price.last, WAD);
  }, 0n);
  const terms = assess({ ...state, end: "better" });
  return terms.equity > targetUp(terms, globals) - worth;
}

/** The keeper has two million to liquidate with. */
export async function funded(): Promise<Case> {
  const world = await still();
  const liquidator = await world.fund(world.keeper, wad("2_000_000"));
  return { ...world, account: accountOf(world.carol), liquidator };
}

/** Numbers of 0 to 1, the same for a seed (mulberry32). */
function randomness(seed: number): () => number {
  let state = seed * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Some positions of alice, some collateral, no more cash than she needs, and prices that move against her until she is
 * unhealthy, or well beyond. */
export async function randomBook(world: Case, seed: number): Promise<Case> {
  const { clearingHouse, vault, alice } = world;
  const random = randomness(seed);
  const account = await world.fund(alice, wad("1_000_000"));
  const legs = [];
  for (const asset of [ETH, BTC, SOL, LINK]) {
    if (random() < 0.3 && legs.length + 3 > asset) continue;
    const value = BigInt(Math.round(5_000 * 60 ** random())) * WAD;
    const size = (value * WAD) / (await world.priceOf(asset));
    legs.push({ asset, delta: random() < 0.5 ? size : -size });
  }
  if (legs.length === 0) legs.push({ asset: ETH, delta: wad("50") });
  const isFilled =
    legs.length > 1
      ? await tradeBasket(world, account, legs)
      : (await world.trade(account, legs[0]?.asset ?? ETH, legs[0]?.delta ?? 0n)).outcome === "Filled";
  expect(isFilled).to.equal(true);
  if (random() < 0.4) await world.fundCollateral(alice, WETH_TOKEN, wad((random() * 4 + 0.1).toFixed(3)));
  if (random() < 0.3) await world.fundCollateral(alice, WBTC_TOKEN, wad((random() * 0.2 + 0.01).toFixed(3)));

  const { weighted, initial } = worseTerms(await stateOf(world, account, await now()));
  const { cash } = await clearingHouse.accountOf(account);
  const spare = weighted - (initial * 105n) / 100n;
  await vault.connect(alice).withdraw(account, SETTLEMENT, max(0n, spare < cash ? spare : cash) / 10n ** 12n, alice);
  await fall({ ...world, account }, random);
  return { ...world, account };
}

async function fall(world: Case, random: () => number): Promise<void> {
  const beyond = random() < 0.3 ? 1 : 0;
  for (let left = beyond, step = 0; step < 30; step++) {
    const state = await stateOf(world, world.account, await now());
    if (isSettled(state)) left = beyond;
    else if (left-- === 0) return;
    for (const { asset, size, collateral, price } of state.exposures) {
      const moved = (price.last * BigInt(Math.round(10_000 + 500 * random()))) / 10_000n;
      const against = size + collateral > 0n ? 2n * price.last - moved : moved;
      await world.setPrice(asset, against - (against % 10n ** 10n));
    }
    await world.oracle.update((1n << BigInt(WBTC + 1)) - 1n);
  }
  throw new Error("the account is still sound");
}
