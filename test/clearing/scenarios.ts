/** Worlds that the tests of the clearing house and the lens begin with. */
import { type Account, accountOf, deploy, receiptOf, time, type World } from "../fixture.ts";
import { BTC, ETH, LINK, type Parameters, percent, SOL, wad, WBTC_TOKEN, WETH_TOKEN } from "../parameters.ts";

/** Funding and interest off, so that values do not move with time. */
export async function frozen(adapt: (parameters: Parameters) => void = () => undefined) {
  const world = await deploy((parameters) => {
    for (const asset of parameters.assets) [asset.maxFundingRate, asset.fundingVelocity] = [0, 0];
    [parameters.money.borrowRateKink, parameters.money.borrowRateFull] = [0, 0];
    adapt(parameters);
  });
  await world.poolDeposit(world.provider, wad("10_000_000"));
  await world.fund(world.alice, wad("100_000"));
  await world.fund(world.bob, wad("100_000"));
  return world;
}

/** Funding and interest off, nothing else. */
export async function still() {
  return frozen();
}

/** Funding and interest off, and five million for alice, so that only caps bind. */
export async function wealthy() {
  const world = await frozen();
  await world.fund(world.alice, wad("5_000_000"));
  return world;
}

interface BasketLeg {
  asset: number;
  delta: bigint;
}

/** Executes a basket of alice at the latest prices. Returns whether it was filled. */
export async function tradeBasket(world: World, account: Account, legs: BasketLeg[]): Promise<boolean> {
  const { orders, clearingHouse, keeper } = world;
  const { sequence } = await clearingHouse.accountOf(account);
  await orders.connect(world.alice).submitBasket(account, legs, false, 0);
  const { boundary } = await orders.orderOf(account, sequence);
  if (BigInt(await time.latest()) < boundary) await time.increaseTo(boundary);
  const hints = [];
  for (const { asset } of legs) await world.setPrice(asset);
  for (const { asset } of legs) hints.push(await world.hintFor(asset, boundary));
  const receipt = await receiptOf(orders.connect(keeper).execute(account, sequence, hints, accountOf(keeper)));
  return receipt.logs.some((log) => orders.interface.parseLog(log)?.name === "OrderFilled");
}

/** Sixteen legs in two baskets. */
async function fillInTwo(world: World, account: Account, legs: BasketLeg[]): Promise<void> {
  for (const half of [legs.slice(0, 8), legs.slice(8)]) {
    if (!(await tradeBasket(world, account, half))) throw new Error("the basket was not filled");
  }
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

/** Sixteen markets beside those of `parameters.ts`, indices from 6 on. */
function withMoreMarkets(parameters: Parameters): void {
  const [feed, market, usdc] = [parameters.feeds[SOL], parameters.assets[SOL], parameters.assets.at(-1)];
  if (!feed || !market || !usdc) throw new Error("no such market");
  parameters.assets.push({ ...usdc }); // the settlement token's place among the feeds
  for (let i = 0; i < 14; i++) {
    parameters.feeds.push({ ...feed, description: `MORE ${i} / USD` });
    parameters.assets.push({ ...market, group: i % 10, openInterestShare: percent(90) });
  }
}

/** Alice holds positions in as many assets as an account may; ETH is not among them. */
export async function crowded() {
  const world = await deploy(withMoreMarkets);
  await world.poolDeposit(world.provider, wad("10_000_000"));
  const account = await world.fund(world.alice, wad("100_000"));
  const legs = [BTC, SOL, LINK, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18].map((asset, i) => ({
    asset,
    delta: asset === BTC ? wad("1") : wad(i % 2 === 0 ? "100" : "-100"),
  }));
  await fillInTwo(world, account, legs);
  return { ...world, account };
}

/** Sixteen assets, fifteen of them positions, and two kinds of collateral of which one is also a position. */
export async function crowdedWithCollateral() {
  const world = await deploy(withMoreMarkets);
  await world.poolDeposit(world.provider, wad("10_000_000"));
  const account = await world.fund(world.alice, wad("24_000"));
  await world.fundCollateral(world.alice, WETH_TOKEN, wad("2"));
  await world.fundCollateral(world.alice, WBTC_TOKEN, wad("0.2"));
  const legs = [ETH, BTC, SOL, LINK, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16].map((asset, i) => ({
    asset,
    delta: asset === BTC ? wad("1") : asset === ETH ? wad("5") : wad(i % 2 === 0 ? "100" : "1000"),
  }));
  await fillInTwo(world, account, legs);
  return { ...world, account };
}
