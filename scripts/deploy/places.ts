/** What a deployment finds on the chain, or on a local chain deploys first: tokens, price feeds, the uptime feed. */
import { ZeroAddress } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";

import { idOf, localWorldModule, SEQUENCER } from "../../deploy/modules/LocalWorld.ts";
import { DeploymentError } from "./DeploymentError.ts";
import { type Ignition, LOCAL_CHAIN } from "./ignition.ts";
import { type Asset, type Feed, feedsBehind, LOCAL, type Parameters, type Token } from "./parameters.ts";

/** Addresses by symbol. */
export interface Places {
  readonly tokens: Readonly<Record<string, string>>;
  /** Sources of prices: proxies, and once they are deployed the computed ones. */
  readonly feeds: Readonly<Record<string, string>>;
  /** Feeds behind computed sources that no asset has, by name. */
  readonly legs: Readonly<Record<string, string>>;
  /** Vaults whose shares are priced. */
  readonly vaults: Readonly<Record<string, string>>;
  /** Uptime feed; the zero address for none. */
  readonly sequencer: string;
  /** Verifier of Data Streams; the zero address for none. */
  readonly verifier: string;
  /** Aggregators behind the proxies, where the deployment has deployed them. */
  readonly aggregators: Readonly<Record<string, string>>;
}

const WAD_DECIMALS = 18n;

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
  const written = writtenFeeds(assets);
  const isAsset = ({ name }: Feed): boolean => assets.some(({ symbol }) => symbol === name);
  const [own, legs] = [written.filter(isAsset), written.filter((feed) => !isAsset(feed))];
  const shares = sharesOf(assets);
  const found: Places = {
    tokens: { ...given?.tokens, ...addressesIn(tokens.map(({ symbol, address }) => [symbol, address])) },
    feeds: {
      ...pick(
        given?.feeds,
        own.map(({ name }) => name),
      ),
      ...addressesIn(own.map(({ name, proxy }) => [name, proxy])),
    },
    legs: { ...given?.legs, ...addressesIn(legs.map(({ name, proxy }) => [name, proxy])) },
    vaults: { ...given?.vaults, ...addressesIn(shares.map(({ symbol, vault }) => [symbol, vault])) },
    sequencer: knownOr(environment.sequencer, given?.sequencer),
    verifier: knownOr(parameters.verifier, given?.verifier),
    aggregators: { ...given?.aggregators },
  };
  const known = { ...found.feeds, ...found.legs };
  const missing: Missing = {
    // The token of a local share is its vault.
    tokens: tokens.filter(({ symbol }) => !Object.hasOwn(found.tokens, symbol) && !isShare(symbol, parameters)),
    vaults: shares.map(({ symbol }) => symbol).filter((symbol) => !Object.hasOwn(found.vaults, symbol)),
    feeds: written.filter(({ name }) => !Object.hasOwn(known, name)),
    sequencer: found.sequencer === LOCAL,
  };
  if (found.verifier === LOCAL) throw new DeploymentError(`${parameters.file}: a local verifier has to be given`);
  const isComplete = Object.values(missing).every((entry) => (Array.isArray(entry) ? entry.length === 0 : !entry));
  if (isComplete) return withShares(found, parameters);
  if (parameters.chainId !== LOCAL_CHAIN) {
    throw new DeploymentError(`${parameters.file} names local contracts on chain ${String(parameters.chainId)}`);
  }
  const made = await deployLocalWorld({ connection, parameters, missing, found, ignition });
  const places: Places = {
    tokens: { ...found.tokens, ...made.tokens },
    feeds: {
      ...found.feeds,
      ...pick(
        made.feeds,
        own.map(({ name }) => name),
      ),
    },
    legs: {
      ...found.legs,
      ...pick(
        made.feeds,
        legs.map(({ name }) => name),
      ),
    },
    vaults: { ...found.vaults, ...made.vaults },
    sequencer: made.sequencer ?? found.sequencer,
    verifier: found.verifier,
    aggregators: { ...found.aggregators, ...made.aggregators },
  };
  return withShares(places, parameters);
}

/** Every feed that others write, once. */
function writtenFeeds(assets: readonly Asset[]): Feed[] {
  return [...new Set(assets.flatMap(({ source }) => feedsBehind(source)))];
}

function sharesOf(assets: readonly Asset[]): { symbol: string; vault: string }[] {
  return assets.flatMap(({ symbol, source }) => (source.kind === "share" ? [{ symbol, vault: source.vault }] : []));
}

/** Whether a token is the share of a vault that an asset is priced by. */
function isShare(token: string, { assets, collaterals }: Parameters): boolean {
  const collateral = collaterals.find(({ symbol }) => symbol === token);
  return collateral !== undefined && assets[collateral.asset]?.source.kind === "share";
}

/** With the vaults as the tokens of shares. */
function withShares(places: Places, { assets, collaterals }: Parameters): Places {
  const tokens: Record<string, string> = { ...places.tokens };
  for (const { symbol, address, asset } of collaterals) {
    const vault = places.vaults[assets[asset]?.symbol ?? ""];
    if (address === LOCAL && vault !== undefined) tokens[symbol] = vault;
  }
  return { ...places, tokens };
}

function pick(entries: Readonly<Record<string, string>> | undefined, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(entries ?? {}).filter(([name]) => names.includes(name)));
}

function addressesIn(entries: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(entries.filter(([, address]) => address !== LOCAL));
}

/** The address that a file names, or the one that is given where it says `local`. */
function knownOr(written: string, given: string | undefined): string {
  if (written === "none") return ZeroAddress;
  return written === LOCAL ? (given ?? LOCAL) : written;
}

/** What only a deployment on a local chain can bring. */
interface Missing {
  readonly tokens: readonly Token[];
  readonly vaults: readonly string[];
  readonly feeds: readonly Feed[];
  readonly sequencer: boolean;
}

async function deployLocalWorld({
  connection: { ethers },
  parameters: { settlement, environment },
  missing,
  found,
  ignition,
}: {
  connection: NetworkConnection;
  parameters: Parameters;
  missing: Missing;
  found: Places;
  ignition: Ignition;
}) {
  const now = (await ethers.provider.getBlock("latest"))?.timestamp ?? 0;
  const tokens = missing.tokens.map(({ symbol, decimals }) => ({
    symbol,
    decimals: Number(decimals),
    native: symbol === "WETH",
  }));
  const feeds = missing.feeds.map(({ name, description, decimals }) => ({
    name,
    description,
    decimals: Number(decimals),
  }));
  if (missing.sequencer) feeds.push({ name: SEQUENCER, description: UPTIME_DESCRIPTION, decimals: 0 });
  const world: Record<string, bigint | number | string> = {
    now,
    // Past its grace.
    upSince: now - 10 * Number(environment.sequencerGrace),
    [`answer_${SEQUENCER}`]: 0,
  };
  for (const { name, answer, decimals } of missing.feeds) {
    world[`answer_${idOf(name)}`] = (answer ?? 0n) / 10n ** (WAD_DECIMALS - decimals);
  }
  const token = found.tokens[settlement.symbol];
  if (token !== undefined) world["settlementToken"] = token;
  const plan = { tokens, feeds, vaults: missing.vaults, settlement: settlement.symbol };
  const addresses = await ignition.deploy(localWorldModule(plan), { LocalWorld: world });

  const made = (prefix: string, names: readonly string[]): Record<string, string> =>
    addressesIn(names.map((name) => [name, addresses[`${prefix}_${idOf(name)}`] ?? LOCAL]));
  const names = feeds.map(({ name }) => name);
  const { [SEQUENCER]: sequencer, ...proxies } = made("proxy", names);
  return {
    tokens: made(
      "token",
      tokens.map(({ symbol }) => symbol),
    ),
    feeds: proxies,
    vaults: made("vault", missing.vaults),
    sequencer,
    aggregators: made("aggregator", names),
  };
}

/** What uptime feeds call themselves. */
export const UPTIME_DESCRIPTION = "L2 Sequencer Uptime Status Feed";

/**
 * Throws a DeploymentError unless each feed describes itself as the file does, and each feed and token has its decimals.
 */
export async function checkPlaces(
  { ethers }: NetworkConnection,
  parameters: Parameters,
  places: Places,
): Promise<void> {
  const ask = async (address: string, signature: string): Promise<unknown> => {
    const contract = await ethers.getContractAt([`function ${signature}`], address);
    return contract.getFunction(signature.slice(0, signature.indexOf("(")))();
  };
  const decimalsAt = async (address: string) => ask(address, "decimals() view returns (uint8)");

  const proxies = { ...places.feeds, ...places.legs };
  for (const { name, description, decimals } of writtenFeeds(parameters.assets)) {
    const proxy = placeOf(proxies, name);
    const says = String(await ask(proxy, "description() view returns (string)"));
    if (says !== description) {
      throw new DeploymentError(`the feed of ${name} describes itself as "${says}", not "${description}"`);
    }
    const has = await decimalsAt(proxy);
    if (has !== decimals) {
      throw new DeploymentError(`the feed of ${name} has ${String(has)} decimals, not ${String(decimals)}`);
    }
  }
  for (const { symbol, decimals } of [parameters.settlement, ...parameters.collaterals]) {
    const has = await decimalsAt(placeOf(places.tokens, symbol));
    if (has !== decimals) throw new DeploymentError(`${symbol} has ${String(has)} decimals, not ${String(decimals)}`);
  }
}

/** Throws a DeploymentError where there is no address. */
export function placeOf(places: Readonly<Record<string, string>>, symbol: string): string {
  const address = places[symbol];
  if (address === undefined) throw new DeploymentError(`no address of ${symbol}`);
  return address;
}
