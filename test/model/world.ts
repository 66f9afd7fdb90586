/** A clearing house alone, with a driver in place of its satellites, and the model's books beside it. */
import { network } from "hardhat";

import { PPM, WAD } from "../../scripts/model/fixed.ts";
import {
  decodeCollateral,
  decodeGlobals,
  decodeGroups,
  decodeMoney,
  decodeRisk,
  decodeSizes,
  decodeTrade,
  encodeGlobals,
  encodeGroups,
  encodeMoney,
  type GlobalParameters,
} from "../../scripts/model/parameters.ts";
import { livePrice } from "../../scripts/model/price.ts";
import { Books, found } from "./books.ts";

export const { ethers, networkHelpers } = await network.create();

export const SETTLEMENT = 255;
export const TRADERS = 4;
export const LIQUIDATOR = 4;
export const PROVIDER = 5;

const GLOBALS: GlobalParameters = {
  maintenanceFactor: 500_000n,
  shortfallInitial: 500_000n,
  shortfallMaintenance: 700_000n,
  protocolFeeShare: 150_000n,
  insuranceFeeShare: 250_000n,
  markMaxAge: 604_800n,
  liquidationTarget: 400_000n,
  liquidationPenalty: 100_000n,
  liquidatorShare: 500_000n,
  deepLoss: 150_000n,
};
const MONEY = { minNotional: 10n * WAD, smallRequirement: 20n * WAD, flatReward: 5n * WAD };
const GROUPS = [250_000n, 700_000n, ...new Array<bigint>(8).fill(PPM)];

/** 0: a market and a collateral; 1, 2: markets; 3: collateral only. */
const START_PRICES = [1_800n * WAD, 29_000n * WAD, WAD / 15n, 25n * WAD];
const LISTINGS = [
  listing({ beta: 100_000n, sigma: 20_000n, group: 0, depth: 500_000n * WAD, lotExponent: 15n }),
  listing({ beta: 80_000n, sigma: 15_000n, group: 0, depth: 40_000n * WAD, lotExponent: 14n }),
  listing({ beta: 250_000n, sigma: 80_000n, group: 1, depth: 3_000_000_000n * WAD, lotExponent: 20n }),
  {
    ...listing({ beta: 300_000n, sigma: 90_000n, group: 1, depth: 1_000_000n * WAD, lotExponent: 16n }),
    market: false,
  },
];
const TOKENS = [
  { asset: 0, saleDiscount: 3_000n, lotExponent: 14n },
  { asset: 3, saleDiscount: 5_000n, lotExponent: 16n },
];

function listing({
  beta,
  sigma,
  group,
  depth,
  lotExponent,
}: {
  beta: bigint;
  sigma: bigint;
  group: number;
  depth: bigint;
  lotExponent: bigint;
}) {
  return {
    risk: { beta, sigma, gamma: 6_000n, kappa: 50_000n },
    group,
    depth,
    openInterestCap: depth / 100n,
    openInterestShare: 10_000_000n,
    skewCap: depth / 200n,
    takerFee: 500n,
    makerFee: 200n,
    maxFundingRate: 10_000_000n,
    fundingVelocity: 200_000_000n,
    profitWeight: 900_000n,
    lotExponent,
    market: true,
  };
}

export async function deploy() {
  const [signer] = await ethers.getSigners();
  const driver = await ethers.deployContract("ModelDriver");
  const libraries = {
    Liquidations: await ethers.deployContract("Liquidations"),
    Listings: await ethers.deployContract("Listings"),
    PoolAccount: await ethers.deployContract("PoolAccount"),
  };
  const house = await ethers.deployContract(
    "ClearingHouse",
    [driver, driver, driver, driver, driver, encodeGlobals(GLOBALS), encodeGroups(GROUPS), encodeMoney(MONEY)],
    { libraries },
  );
  await driver.setHouse(house);
  const { blockNumber } = found((await (await house.listAssets(LISTINGS)).wait()) ?? undefined);
  for (const { asset, saleDiscount, lotExponent } of TOKENS) {
    await house.listCollateral(asset, saleDiscount, lotExponent);
  }
  const listedAt = await timeOf(blockNumber);
  const words = await Promise.all(LISTINGS.map((_, asset) => house.parametersOf(asset)));
  const [globals, groups, money] = await house.globals();
  const tokens = await Promise.all(TOKENS.map((_, token) => house.collateralParametersOf(token)));
  const books = new Books({
    accounts: TRADERS + 2,
    assets: words.map(([risk, sizes, trade]) => ({
      risk: decodeRisk(risk),
      sizes: decodeSizes(sizes),
      trade: decodeTrade(trade),
    })),
    tokens: tokens.map(decodeCollateral),
    prices: START_PRICES.map((price) => livePrice(price)),
    globals: decodeGlobals(globals),
    groups: decodeGroups(groups),
    money: decodeMoney(money),
    listedAt,
  });
  const owner = BigInt(found(signer).address);
  const ids = books.accounts.map((_, index) => ethers.toBeHex((owner << 96n) | BigInt(index), 32));
  return { driver, house, books, ids };
}

export type World = Awaited<ReturnType<typeof deploy>>;

export async function timeOf(block: number): Promise<bigint> {
  return BigInt(found((await ethers.provider.getBlock(block)) ?? undefined).timestamp);
}
