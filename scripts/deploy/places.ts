/** What a deployment finds on the chain, or on a local chain deploys first: tokens, price feeds, the uptime feed. */
import { ZeroAddress } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";

import { localWorldModule, SEQUENCER } from "../../deploy/modules/LocalWorld.ts";
import { DeploymentError } from "./DeploymentError.ts";
import { type Ignition, LOCAL_CHAIN } from "./ignition.ts";
import { type Asset, LOCAL, type Parameters, type Token } from "./parameters.ts";

/** Addresses by symbol. */
export interface Places {
  readonly tokens: Readonly<Record<string, string>>;
  /** Price proxies. */
  readonly feeds: Readonly<Record<string, string>>;
  /** Uptime feed; the zero address for none. */
  readonly sequencer: string;
  /** Aggregators behind the proxies, where the deployment has deployed them. */
  readonly aggregators: Readonly<Record<string, string>>;
}

const FEED_DECIMALS = 8;
const WAD_PER_ANSWER = 10n ** 10n;

/** The addresses of the file; `given` or local contracts where it says `local`. */
export async function resolvePlaces({
  connection,
  parameters,
  given,
  ignition,
}: {
  connection: NetworkConnection;
  parameters: Parameters;
  given: Partial<Places> | undefined;
  ignition: Ignition;
}): Promise<Places> {
  const { assets, settlement, collaterals, environment } = parameters;
  const tokens = [settlement, ...collaterals];
  const found: Places = {
    tokens: { ...given?.tokens, ...addressesIn(tokens.map(({ symbol, address }) => [symbol, address])) },
    feeds: { ...given?.feeds, ...addressesIn(assets.map(({ symbol, proxy }) => [symbol, proxy])) },
    sequencer: sequencerOf(environment.sequencer, given?.sequencer),
    aggregators: { ...given?.aggregators },
  };
  const missing: Missing = {
    tokens: tokens.filter(({ symbol }) => !Object.hasOwn(found.tokens, symbol)),
    assets: assets.filter(({ symbol }) => !Object.hasOwn(found.feeds, symbol)),
    sequencer: found.sequencer === LOCAL,
  };
  if (missing.tokens.length === 0 && missing.assets.length === 0 && !missing.sequencer) return found;
  if (parameters.chainId !== LOCAL_CHAIN) {
    throw new DeploymentError(`${parameters.file} names local contracts on chain ${String(parameters.chainId)}`);
  }
  const made = await deployLocalWorld({ connection, parameters, missing, ignition });
  return {
    tokens: { ...found.tokens, ...made.tokens },
    feeds: { ...found.feeds, ...made.feeds },
    sequencer: made.sequencer ?? found.sequencer,
    aggregators: { ...found.aggregators, ...made.aggregators },
  };
}

function addressesIn(entries: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(entries.filter(([, address]) => address !== LOCAL));
}

function sequencerOf(written: string, given: string | undefined): string {
  if (written === "none") return ZeroAddress;
  return written === LOCAL ? (given ?? LOCAL) : written;
}

/** What only a deployment on a local chain can bring. */
interface Missing {
  readonly tokens: readonly Token[];
  readonly assets: readonly Asset[];
  readonly sequencer: boolean;
}

async function deployLocalWorld({
  connection: { ethers },
  parameters,
  missing,
  ignition,
}: {
  connection: NetworkConnection;
  parameters: Parameters;
  missing: Missing;
  ignition: Ignition;
}) {
  const now = (await ethers.provider.getBlock("latest"))?.timestamp ?? 0;
  const tokens = missing.tokens.map(({ symbol, decimals }) => ({
    symbol,
    decimals: Number(decimals),
    native: symbol === "WETH",
  }));
  const feeds = missing.assets.map(({ symbol, description }) => ({ symbol, description, decimals: FEED_DECIMALS }));
  if (missing.sequencer) feeds.push({ symbol: SEQUENCER, description: "L2 Sequencer Uptime Status Feed", decimals: 0 });
  const world: Record<string, bigint | number> = {
    now,
    // Past its grace.
    upSince: now - 10 * Number(parameters.environment.sequencerGrace),
    [`answer_${SEQUENCER}`]: 0,
  };
  for (const { symbol, price } of missing.assets) world[`answer_${symbol}`] = (price ?? 0n) / WAD_PER_ANSWER;
  const addresses = await ignition.deploy(localWorldModule({ tokens, feeds }), { LocalWorld: world });

  const made = (prefix: string, symbols: readonly { symbol: string }[]): Record<string, string> =>
    addressesIn(symbols.map(({ symbol }) => [symbol, addresses[`${prefix}_${symbol}`] ?? LOCAL]));
  const { [SEQUENCER]: sequencer, ...proxies } = made("proxy", feeds);
  return {
    tokens: made("token", tokens),
    feeds: proxies,
    sequencer,
    aggregators: made("aggregator", feeds),
  };
}

/** Throws a DeploymentError unless each feed describes itself as the file does and each token has its decimals. */
export async function checkPlaces(
  { ethers }: NetworkConnection,
  parameters: Parameters,
  places: Places,
): Promise<void> {
  for (const { symbol, description } of parameters.assets) {
    const proxy = await ethers.getContractAt(
      ["function description() view returns (string)"],
      placeOf(places.feeds, symbol),
    );
    const says = String(await proxy.getFunction("description")());
    if (says !== description) {
      throw new DeploymentError(`the feed of ${symbol} describes itself as "${says}", not "${description}"`);
    }
  }
  for (const { symbol, decimals } of [parameters.settlement, ...parameters.collaterals]) {
    const token = await ethers.getContractAt(
      ["function decimals() view returns (uint8)"],
      placeOf(places.tokens, symbol),
    );
    const has = (await token.getFunction("decimals")()) as bigint;
    if (has !== decimals) throw new DeploymentError(`${symbol} has ${String(has)} decimals, not ${String(decimals)}`);
  }
}

/** Throws a DeploymentError where there is no address. */
export function placeOf(places: Readonly<Record<string, string>>, symbol: string): string {
  const address = places[symbol];
  if (address === undefined) throw new DeploymentError(`no address of ${symbol}`);
  return address;
}
