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
  type GlobalParameters,
} from "../../scripts/model/parameters.ts";
import { livePrice } from "../../scripts/model/price.ts";
import { Books, found } from "../../scripts/model/books.ts";

export const { ethers, networkHelpers } = await network.create();

export const SETTLEMENT = 255;
export const TRADERS = 6;
export const LIQUIDATOR = 6;
export const PROVIDER = 7;
/** Trades once, in a market that is about to end. */
export const GAMBLER = 8;

/** The settlement token is worth less than a dollar. */
export const SETTLEMENT_PRICE = 995n * (WAD / 1_000n);

const GLOBALS: GlobalParameters = {
  maintenanceFactor: 500_000n,
  shortfallInitial: 200_000n,
  shortfallMaintenance: 300_000n,
  protocolFeeShare: 150_000n,
  insuranceFeeShare: 250_000n,
  markMaxAge: 604_800n,
  liquidationTarget: 400_000n,
  liquidationPenalty: 100_000n,
  liquidatorShare: 500_000n,
  deepLoss: 150_000n,
  takeoverDiscount: 10_000n,
};
/** Amounts in cents. */
const MONEY = {
  minNotional: 1_000n,
  smallRequirement: 2_000n,
  flatReward: 500n,
  unattributedCap: 100_000n,
  borrowKink: 700_000n,
  borrowRateKink: 300_000n,
  borrowRateFull: 3_000_000n,
  lossBudget: 300_000n,
};
const GROUPS = [250_000n, 700_000n, ...new Array<bigint>(8).fill(PPM)];

/** 0: a market and a collateral; 1, 2: markets; 3: collateral only. */
export const START_PRICES = [1_800n * WAD, 29_000n * WAD, WAD / 15n, 25n * WAD];
/** Shallow enough that a few positions crowd a side. */
const LISTINGS = [
  listing({ beta: 100_000n, sigma: 20_000n, group: 0, depth: 16_000n * WAD, lotExponent: 15n }),
  listing({ beta: 80_000n, sigma: 15_000n, group: 0, depth: 1_000n * WAD, lotExponent: 14n }),
  listing({ beta: 250_000n, sigma: 80_000n, group: 1, depth: 400_000_000n * WAD, lotExponent: 20n }),
  {
    ...listing({ beta: 300_000n, sigma: 90_000n, group: 1, depth: 1_000_000n * WAD, lotExponent: 16n }),
    market: false,
  },
];
const TOKENS = [
  { asset: 0, saleDiscount: 3_000n, lotExponent: 14n },
  { asset: 3, saleDiscount: 8_000n, lotExponent: 16n },
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
    skewCap: depth / 500n,
    takerFee: 500n,
    makerFee: 200n,
    maxFundingRate: 10_000_000n,
    fundingVelocity: 200_000_000n,
    profitWeight: 900_000n,
    lotExponent,
    insuranceCap: 200n * WAD,
    market: true,
  };
}

export async function deploy() {
  const [signer] = await ethers.getSigners();
  const driver = await ethers.deployContract("ModelDriver");
  const links = {
    authority: driver,
    oracle: driver,
    vault: driver,
    orders: driver,
    pool: driver,
    insuranceFund: driver,
  };
  const Liquidations = await ethers.deployContract("Liquidations");
  const Listings = await ethers.deployContract("Listings");
  const Deleveraging = await ethers.deployContract("Deleveraging");
  const governance = await ethers.deployContract("ClearingHouseGovernance", [links], {
    libraries: {
      Deleveraging,
      Listings,
      Ramps: await ethers.deployContract("Ramps"),
      Settings: await ethers.deployContract("Settings"),
    },
  });
  const extension = await ethers.deployContract("ClearingHouseExtension", [links, governance], {
    libraries: {
      Deleveraging,
      Liquidations,
      Listings,
      PoolAccount: await ethers.deployContract("PoolAccount"),
      Waterfall: await ethers.deployContract("Waterfall"),
    },
  });
  const deployed = await ethers.deployContract(
    "ClearingHouse",
    [links, extension, encodeGlobals(GLOBALS), encodeGroups(GROUPS), MONEY],
    { libraries: { Liquidations, Listings } },
  );
  const house = await ethers.getContractAt("IClearingHouse", deployed);
  await driver.setHouse(house);
  const { blockNumber } = found((await (await house.listAssets(LISTINGS)).wait()) ?? undefined);
  for (const { asset, saleDiscount, lotExponent } of TOKENS) {
    await house.listCollateral(asset, saleDiscount, lotExponent);
  }
  const deployment = found((await deployed.deploymentTransaction()?.wait()) ?? undefined);
  const words = await Promise.all(LISTINGS.map((_, asset) => house.parametersOf(asset)));
  const [globals, groups, money] = await house.globals();
  const tokens = await Promise.all(TOKENS.map((_, token) => house.collateralParametersOf(token)));
  const books = new Books({
    accounts: TRADERS + 3,
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
    deployedAt: await timeOf(deployment.blockNumber),
    listedAt: await timeOf(blockNumber),
  });
  const owner = BigInt(found(signer).address);
  const ids = books.accounts.map((_, index) => ethers.toBeHex((owner << 96n) | BigInt(index), 32));
  /** The account of the insurance fund, which the driver is. */
  const fund = ethers.toBeHex(BigInt(await driver.getAddress()) << 96n, 32);
  return { driver, house, books, ids, fund };
}

export type World = Awaited<ReturnType<typeof deploy>>;

export async function timeOf(block: number): Promise<bigint> {
  return BigInt(found((await ethers.provider.getBlock(block)) ?? undefined).timestamp);
}
