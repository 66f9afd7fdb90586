/** A clearing house alone, with a driver in place of its satellites, and the model's books beside it. */
import { network } from "hardhat";

import { deployDriven, readListing } from "../../scripts/lab/engine/chain.ts";
import { Books } from "../../scripts/model/books.ts";
import { PPM, WAD } from "../../scripts/model/fixed.ts";
import type { GlobalParameters } from "../../scripts/model/parameters.ts";
import { livePrice } from "../../scripts/model/price.ts";
import { TRADERS } from "./cast.ts";

export const { ethers, networkHelpers } = await network.create();

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
  const chain = await deployDriven(ethers, {
    globals: GLOBALS,
    groups: GROUPS,
    money: MONEY,
    assets: LISTINGS,
    tokens: TOKENS,
    accounts: TRADERS + 3,
  });
  const books = new Books({
    ...(await readListing(chain.house)),
    accounts: chain.ids.length,
    prices: START_PRICES.map((price) => livePrice(price)),
    deployedAt: chain.deployedAt,
    listedAt: chain.listedAt,
  });
  return { ...chain, books };
}

export type World = Awaited<ReturnType<typeof deploy>>;
