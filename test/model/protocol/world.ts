/** The whole protocol over real feeds, and the model beside it. */
import { readListing, timeOf } from "../../../scripts/lab/engine/chain.ts";
import { Books } from "../../../scripts/model/books.ts";
import { WAD } from "../../../scripts/model/fixed.ts";
import { PoolShares } from "../../../scripts/model/poolShares.ts";
import { livePrice } from "../../../scripts/model/price.ts";
import { accountOf, deploy, ethers } from "../../fixture.ts";
import { BTC, ETH, LINK, type Parameters, SOL, WBTC } from "../../parameters.ts";
import { PROVIDER, SETTLEMENT_PRICE } from "../cast.ts";

/** Accounts of the pool: deposits that wait for their batch, redemptions that wait for their claim. */
export const WAITING = PROVIDER + 1;
export const REDEEMED = PROVIDER + 2;

/** Token units that everybody starts with. */
export const USDC_MINTED = 10n ** 15n;

/** Seconds, and 1e-6 of the price. */
export const FEED = { maxAge: 3_900n, deadAfter: 86_400n, spread: 100_000n, jump: 200_000n };

/** Shallow enough that a few positions crowd a side; settlement tokens are worth less than a dollar. */
function shallow(parameters: Parameters): void {
  Object.assign(parameters.globals, {
    maintenanceFactor: 500_000,
    shortfallInitial: 200_000,
    shortfallMaintenance: 300_000,
    protocolFeeShare: 150_000,
    insuranceFeeShare: 250_000,
    markMaxAge: 604_800,
    liquidationTarget: 400_000,
    deepLoss: 150_000,
    takeoverDiscount: 10_000,
  });
  Object.assign(parameters.money, {
    minNotional: 10_00,
    smallRequirement: 20_00,
    unattributedCap: 1_000_00,
    borrowKink: 700_000,
    borrowRateKink: 300_000,
    borrowRateFull: 3_000_000,
    lossBudget: 300_000,
  });
  parameters.insurance.targetShare = 5_000;
  const usdc = parameters.feeds.at(-1);
  if (usdc !== undefined) usdc.price = SETTLEMENT_PRICE;
  const depths: Readonly<Record<number, bigint>> = {
    [ETH]: 16_000n,
    [BTC]: 1_000n,
    [SOL]: 1_200_000n,
    [LINK]: 4_000_000n,
    [WBTC]: 1_000n,
  };
  for (const [asset, listing] of parameters.assets.entries()) {
    const depth = (depths[asset] ?? 0n) * WAD;
    Object.assign(listing, { depth, risk: { beta: 100_000, sigma: 20_000, gamma: 6_000, kappa: 50_000 } });
    if (!listing.market) continue;
    Object.assign(listing, {
      openInterestCap: depth / 100n,
      openInterestShare: 10_000_000,
      skewCap: depth / 500n,
      takerFee: 500,
      makerFee: 200,
      profitWeight: 900_000,
      insuranceCap: 200n * WAD,
    });
  }
}

export async function deployProtocol() {
  const world = await deploy(shallow);
  const { alice, bob, carol, tokens, vault, pool, parameters } = world;
  const driver = await ethers.deployContract("ModelDriver");
  await driver.setHouse(world.clearingHouse);
  const house = world.clearingHouse.connect(alice);
  const poolId = BigInt(await pool.getAddress()) << 96n;
  const idOf = (account: number): string =>
    account < WAITING ? accountOf(alice, BigInt(account)) : ethers.toBeHex(poolId + BigInt(account - WAITING), 32);
  const ids = Array.from({ length: REDEEMED + 1 }, (_, account) => idOf(account));

  const listings = await house.queryFilter(house.filters.AssetListed());
  const { markTime } = await house.ledger();
  const books = new Books({
    ...(await readListing(house)),
    accounts: ids.length,
    prices: parameters.assets.map((_, asset) => livePrice(parameters.feeds[asset]?.price ?? 0n)),
    deployedAt: markTime,
    listedAt: await timeOf(ethers, listings[0]?.blockNumber ?? 0),
    phase: 1n,
  });
  const shares = new PoolShares(books, {
    waiting: books.account(WAITING),
    redeemed: books.account(REDEEMED),
    unit: 10n ** 12n,
    cooldown: BigInt(parameters.pool.cooldown),
    deviation: BigInt(parameters.pool.deviation),
  });

  await ethers.provider.send("hardhat_setBalance", [alice.address, ethers.toQuantity(10n ** 9n * WAD)]);
  await tokens.weth.connect(alice).deposit({ value: 10n ** 6n * WAD });
  await tokens.wbtc.mint(alice, 10n ** 14n);
  for (const who of [alice, bob, carol]) {
    await tokens.usdc.mint(who, USDC_MINTED);
    await tokens.usdc.connect(who).approve(pool, ethers.MaxUint256);
  }
  for (const token of Object.values(tokens)) await token.connect(alice).approve(vault, ethers.MaxUint256);

  return {
    ...world,
    driver,
    house,
    books,
    shares,
    ids,
    /** The account of the insurance fund. */
    fund: accountOf(await world.insuranceFund.getAddress()),
    providers: [alice, bob, carol] as const,
    targetShare: BigInt(parameters.insurance.targetShare),
    deployedAt: markTime,
    listedAt: books.market(0).funding.time,
  };
}

export type ProtocolWorld = Awaited<ReturnType<typeof deployProtocol>>;
