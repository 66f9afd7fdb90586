/** A clearing house alone on a chain in this process, with a driver in place of its satellites. */
import type { network } from "hardhat";

import { encodeGlobals, encodeGroups, type GlobalParameters, type GroupParameters } from "../../model/parameters.ts";
import {
  decodeCollateral,
  decodeGlobals,
  decodeGroups,
  decodeMoney,
  decodeRisk,
  decodeSizes,
  decodeTrade,
} from "../../model/parameters.ts";
import type { Asset } from "../../model/books.ts";
import { found } from "../../model/books.ts";

export type Connection = Awaited<ReturnType<typeof network.create>>;
type Ethers = Connection["ethers"];

/** What is listed, in the units of the contracts. */
export interface Listing {
  readonly globals: GlobalParameters;
  readonly groups: GroupParameters;
  /** Amounts in cents. */
  readonly money: object;
  /** As `listAssets` takes them. */
  readonly assets: readonly object[];
  readonly tokens: readonly { readonly asset: number; readonly saleDiscount: bigint; readonly lotExponent: bigint }[];
  /** Accounts of the first signer. */
  readonly accounts: number;
  /** Runs before the clearing house is deployed, and before the assets are listed: to set the time of the block. */
  readonly beforeDeploying?: () => Promise<void>;
  readonly beforeListing?: () => Promise<void>;
}

export type Chain = Awaited<ReturnType<typeof deployDriven>>;
export type House = Chain["house"];

export async function deployDriven(ethers: Ethers, listing: Listing) {
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
  await listing.beforeDeploying?.();
  const deployed = await ethers.deployContract(
    "ClearingHouse",
    [links, extension, encodeGlobals(listing.globals), encodeGroups(listing.groups), listing.money],
    { libraries: { Liquidations, Listings } },
  );
  const house = await ethers.getContractAt("IClearingHouse", deployed);
  await driver.setHouse(house);
  await listing.beforeListing?.();
  // Whoever calls knows that these are listings.
  const assets = listing.assets as Parameters<typeof house.listAssets>[0];
  const { blockNumber } = found((await (await house.listAssets(assets)).wait()) ?? undefined);
  for (const { asset, saleDiscount, lotExponent } of listing.tokens) {
    await house.listCollateral(asset, saleDiscount, lotExponent);
  }
  const deployment = found((await deployed.deploymentTransaction()?.wait()) ?? undefined);
  const owner = BigInt(found(signer).address);
  return {
    driver,
    house,
    /** Of the accounts, by index. */
    ids: Array.from({ length: listing.accounts }, (_, index) => ethers.toBeHex((owner << 96n) | BigInt(index), 32)),
    /** The account of the insurance fund, which the driver is. */
    fund: ethers.toBeHex(BigInt(await driver.getAddress()) << 96n, 32),
    deployedAt: await timeOf(ethers, deployment.blockNumber),
    listedAt: await timeOf(ethers, blockNumber),
  };
}

/** What the clearing house says of its parameters. */
export async function readListing(house: House) {
  const { assets: assetCount, tokens: tokenCount } = await house.listed();
  const words = await Promise.all(Array.from({ length: Number(assetCount) }, (_, asset) => house.parametersOf(asset)));
  const [globals, groups, money] = await house.globals();
  const tokens = await Promise.all(
    Array.from({ length: Number(tokenCount) }, (_, token) => house.collateralParametersOf(token)),
  );
  return {
    assets: words.map(([risk, sizes, trade]): Asset => ({
      risk: decodeRisk(risk),
      sizes: decodeSizes(sizes),
      trade: decodeTrade(trade),
    })),
    tokens: tokens.map(decodeCollateral),
    globals: decodeGlobals(globals),
    groups: decodeGroups(groups),
    money: decodeMoney(money),
  };
}

/** Unix seconds. */
export async function timeOf({ provider }: Pick<Ethers, "provider">, block: number): Promise<bigint> {
  return BigInt(found((await provider.getBlock(block)) ?? undefined).timestamp);
}
