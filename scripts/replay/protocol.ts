/** Deploys Plimsoll with the numbers of the local parameter file and the prices of the day, and names its parts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Contract, type ContractRunner, dataSlice, getAddress, type JsonRpcProvider, toBeHex } from "ethers";
import { artifacts, network } from "hardhat";

import local from "../../deploy/parameters/local.ts";
import type {
  AccessListAggregator,
  IClearingHouse,
  InsuranceFund,
  IPriceOracle,
  LiquidityPool,
  Orders,
  TestToken,
  TestWETH,
  Vault,
} from "../../typechain-types/index.ts";
import { type AddressBook, writeAddressBook } from "../deploy/addressBook.ts";
import { deployPlimsoll } from "../deploy/deploy.ts";
import { stateFolder } from "../deploy/ignition.ts";
import { type Parameters, parseParameters } from "../deploy/parameters.ts";
import { messageOf } from "../deploy/PlimsollError.ts";
import { EXIT, ReplayError } from "./errors.ts";

/** In place of a token index: cash. */
export const SETTLEMENT = 255;
/** USDC has 6 decimals. */
export const WAD_PER_USDC = 10n ** 12n;

export interface CollateralToken {
  readonly symbol: string;
  readonly token: number;
  /** Index of the asset that it is priced as. */
  readonly asset: number;
  readonly decimals: number;
  readonly address: string;
}

/** The parts of a deployment, whatever chain it stands on. */
export interface ProtocolParts {
  readonly parameters: Parameters;
  readonly clearingHouse: IClearingHouse;
  readonly vault: Vault;
  readonly orders: Orders;
  readonly pool: LiquidityPool;
  readonly insuranceFund: InsuranceFund;
  readonly oracle: IPriceOracle;
  readonly usdc: TestToken;
  readonly weth: TestWETH;
  readonly wbtc: TestToken;
  readonly aggregators: ReadonlyMap<string, AccessListAggregator>;
  /** Index of each asset by symbol. */
  readonly assets: ReadonlyMap<string, number>;
  readonly collaterals: readonly CollateralToken[];
  readonly addresses: Readonly<Record<string, string>>;
}

/** On a chain in a process of its own. */
export interface Protocol extends ProtocolParts {
  /** The file that keepers start from. */
  readonly bookFile: string;
  /** Removes what the deployment has left on the disk. */
  readonly cleanUp: () => void;
}

/** The id of an owner's sub-account. */
export function accountId(owner: string, subAccount = 0n): string {
  return toBeHex((BigInt(owner) << 96n) | subAccount, 32);
}

/** The owner of an account. */
export function ownerOf(account: string): string {
  return getAddress(dataSlice(account, 0, 20));
}

/** @param opening First answer of each feed, 8 decimals. */
export async function deployProtocol({
  url,
  provider,
  opening,
}: {
  url: string;
  provider: JsonRpcProvider;
  opening: ReadonlyMap<string, bigint>;
}): Promise<Protocol> {
  const parameters = parametersAt(opening);
  const deploymentId = `replay-31337-${new URL(url).port}`;
  const folder = mkdtempSync(join(tmpdir(), "plimsoll-"));
  const bookFile = join(folder, "deployment.json");
  const cleanUp = (): void => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(stateFolder(deploymentId), { recursive: true, force: true });
  };
  const connection = await network.create({ network: "localhost", override: { url } });
  try {
    const { book } = await deployPlimsoll({ connection, parameters, deploymentId, fresh: true });
    writeAddressBook(bookFile, book);
    return { ...(await partsOf({ book, parameters, runner: provider })), bookFile, cleanUp };
  } catch (cause) {
    cleanUp();
    throw new ReplayError(`the deployment failed: ${messageOf(cause)}`, { exitCode: EXIT.process, cause });
  } finally {
    await connection.close();
  }
}

/** Names the parts of a deployment. @param runner What they are called through. */
export async function partsOf({
  book,
  parameters,
  runner,
}: {
  book: AddressBook;
  parameters: Parameters;
  runner: ContractRunner;
}): Promise<ProtocolParts> {
  const contract = contractsOn(runner);
  const { clearingHouse, vault, orders, pool, insuranceFund, oracle } = book.contracts;
  const symbols = parameters.assets.map(({ symbol }) => symbol);
  return {
    parameters,
    clearingHouse: await contract<IClearingHouse>("IClearingHouse", clearingHouse),
    vault: await contract<Vault>("Vault", vault),
    orders: await contract<Orders>("Orders", orders),
    pool: await contract<LiquidityPool>("LiquidityPool", pool),
    insuranceFund: await contract<InsuranceFund>("InsuranceFund", insuranceFund),
    oracle: await contract<IPriceOracle>("IPriceOracle", oracle),
    usdc: await contract<TestToken>("TestToken", addressIn(book.tokens, "USDC")),
    weth: await contract<TestWETH>("TestWETH", addressIn(book.tokens, "WETH")),
    wbtc: await contract<TestToken>("TestToken", addressIn(book.tokens, "WBTC")),
    aggregators: new Map(
      await Promise.all(
        symbols.map(async (symbol) => {
          const address = addressIn(book.aggregators, symbol);
          return [symbol, await contract<AccessListAggregator>("AccessListAggregator", address)] as const;
        }),
      ),
    ),
    assets: new Map(symbols.map((symbol, index) => [symbol, index])),
    collaterals: parameters.collaterals.map(({ symbol, asset, decimals }, token) => ({
      symbol,
      token,
      asset,
      decimals: Number(decimals),
      address: addressIn(book.tokens, symbol),
    })),
    addresses: { ...book.contracts, ...book.tokens },
  };
}

/** Assets of the local file that no recorded rounds tell of; they come last. */
const LEFT_OUT = ["WSTETH", "EUR", "WAUSDC"];

/** The local parameters, with feeds that open at the prices of the day. */
function parametersAt(opening: ReadonlyMap<string, bigint>): Parameters {
  const file = fileURLToPath(new URL("../../deploy/parameters/local.ts", import.meta.url));
  return parseParameters(openedAt(local, opening), file);
}

/** A parameter file of a local chain, as it is written. */
export type LocalFile = Pick<typeof local, "assets" | "collaterals">;

/** The same with feeds that open at these answers of 8 decimals, without what no recorded rounds tell of. */
export function openedAt(file: LocalFile, opening: ReadonlyMap<string, bigint>): unknown {
  const kept = Object.entries(file.assets).filter(([symbol]) => !LEFT_OUT.includes(symbol));
  const assets = kept.map(([symbol, asset]) => {
    const answer = opening.get(symbol);
    if (answer === undefined) throw new Error(`no rounds of ${symbol}`);
    const price = `${String(answer / 10n ** 8n)}.${String(answer % 10n ** 8n).padStart(8, "0")} USD`;
    return [symbol, { ...asset, feed: { ...asset.feed, price } }];
  });
  const collaterals = Object.entries(file.collaterals).filter(([, { asset }]) => !LEFT_OUT.includes(asset));
  return { ...file, assets: Object.fromEntries(assets) as unknown, collaterals: Object.fromEntries(collaterals) };
}

function contractsOn(runner: ContractRunner) {
  return async <Typed>(name: string, address: string): Promise<Typed> => {
    const { abi } = await artifacts.readArtifact(name);
    return new Contract(address, abi, runner) as unknown as Typed;
  };
}

function addressIn(addresses: Readonly<Record<string, string>>, name: string): string {
  const address = addresses[name];
  if (address === undefined) throw new Error(`the deployment has no ${name}`);
  return address;
}
