import { expect } from "chai";

import { accountOf, deploy, time, type World } from "../fixture.ts";
import { ETH, HOUR, type Parameters, wad, WAD } from "../parameters.ts";

export const VIRTUAL = 1_000_000n;
export const PPM = 1_000_000n;
/** WAD of a token unit. */
export const UNIT = 10n ** 12n;
export const USDC = 10n ** 6n;
export const BATCH_INTERVAL = HOUR;
export const PRICE_DELAY = 240;

export type Signer = World["alice"];

export function divUp(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}

/** The pool's value, by how much the prices behind it may be off, and the shares, at the latest prices. */
export async function quoteOf({ clearingHouse, pool, parameters }: World) {
  const { equity: value, gross, redeemable } = await clearingHouse.poolValuation();
  const spread = divUp(gross * BigInt(parameters.pool.deviation), PPM);
  return { value, spread, redeemable, supply: await pool.totalSupply() };
}

type Quote = Awaited<ReturnType<typeof quoteOf>>;

/** Shares of a batch of deposits, token units. */
export function sharesFor(units: bigint, { value, spread, supply }: Quote): bigint {
  return (units * UNIT * (supply + VIRTUAL)) / (value + spread + VIRTUAL);
}

/** Token units of a batch of redemptions. */
export function unitsFor(shares: bigint, { value, spread, supply }: Quote): bigint {
  return (shares * (value - spread + VIRTUAL)) / (supply + VIRTUAL) / UNIT;
}

/** Expects that a share is worth no less than `before`. */
export function expectNotDiluted(before: Quote, after: Quote): void {
  expect((after.value + VIRTUAL) * (before.supply + VIRTUAL)).to.be.at.least(
    (before.value + VIRTUAL) * (after.supply + VIRTUAL),
  );
}

// ---------------------------------------------------------------- worlds

/** Funding off, so that values do not move with time. 100,000 USDC of alice and bob in the clearing house. */
export async function still(deposit: string, adapt: (parameters: Parameters) => void = () => undefined) {
  const world = await deploy((parameters) => {
    for (const asset of parameters.assets) [asset.maxFundingRate, asset.fundingVelocity] = [0, 0];
    adapt(parameters);
  });
  await world.poolDeposit(world.provider, wad(deposit));
  await world.fund(world.alice, wad("100_000"));
  await world.fund(world.bob, wad("100_000"));
  return world;
}

/** 10 million of the provider in the pool, no position. */
export async function quiet() {
  return still("10_000_000");
}

/** As `quiet`, with alice long 500 ETH against the pool. */
export async function exposed() {
  const world = await quiet();
  await world.trade(accountOf(world.alice), ETH, wad("500"));
  await world.setPrice(ETH, wad("1801")); // no share is worth just a dollar
  return world;
}

/** As `exposed`, with a deposit of 1,000 USDC of bob and a redemption of 1,000 shares of the provider in one batch that
 * has matured. */
export async function matured() {
  const world = await exposed();
  const batch = await world.requestDeposit(world.bob, wad("1000"));
  await requestRedeem(world, world.provider, wad("1000"));
  await world.mature(batch);
  return { ...world, batch };
}

/** As `matured`, fulfilled. */
export async function fulfilled() {
  const world = await matured();
  await world.pool.fulfill(world.batch);
  return world;
}

/** 100,000 in the pool, alice long `size` ETH, and the price at which the pool is worth what `share` of its exposure is
 * (1e-6), or less than nothing. Ten shares of the provider wait in a batch that has matured. */
export async function ruined(share: number, size: bigint, adapt: (parameters: Parameters) => void = () => undefined) {
  const world = await still("100_000", adapt);
  await world.trade(accountOf(world.alice), ETH, size);
  const { equity } = await world.clearingHouse.poolValuation();
  const price = await world.priceOf(ETH);
  const depth = world.parameters.assets[ETH]?.depth ?? 0n;
  // The pool owes alice size·P, holds Φ = size²·P/(2·depth), and shall keep share·size·P.
  const owed = size + (size * size) / (2n * depth);
  const target = (equity * WAD + owed * price) / (owed + (size * BigInt(share)) / PPM);
  const batch = await requestRedeem(world, world.provider, wad("10"));
  for (let reached = price; reached < target;) {
    reached = min((reached * 119n) / 100n, target);
    await world.setPrice(ETH, reached);
    await world.clearingHouse.markPool();
  }
  await world.mature(batch);
  return { ...world, batch };
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

// ---------------------------------------------------------------- verbs

/** Asks for the redemption of shares of a provider. Returns the batch. */
export async function requestRedeem({ pool }: World, from: Signer, shares: bigint): Promise<bigint> {
  await pool.connect(from).requestRedeem(shares, from, from);
  return (await pool.queue()).latest;
}

/** Goes to the beginning of the next interval of batches. */
export async function nextInterval(): Promise<void> {
  const now = await time.latest();
  await time.increaseTo((Math.floor(now / BATCH_INTERVAL) + 1) * BATCH_INTERVAL);
}

/** Puts the next block at the last second in which it shares a batch with now; there must be time left. */
export async function endOfInterval(): Promise<void> {
  const now = await time.latest();
  await time.setNextBlockTimestamp((Math.floor(now / BATCH_INTERVAL) + 1) * BATCH_INTERVAL - 1);
}

/** The two claims of ERC-7540 that ERC-4626 has without a controller too. */
export const DEPOSIT = "deposit(uint256,address,address)";
export const MINT = "mint(uint256,address,address)";

/** Claims all shares of a provider. */
export async function claimShares({ pool }: World, from: Signer): Promise<bigint> {
  const shares = await pool.maxMint(from);
  await pool.connect(from)[DEPOSIT](await pool.maxDeposit(from), from, from);
  return shares;
}
