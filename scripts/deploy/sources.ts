/** Sources of prices that a deployment brings: computed ones, and the feeds of reports that orders settle by. */
import { ZeroAddress } from "ethers";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { NetworkConnection } from "hardhat/types/network";

import { sourcesModule } from "../../deploy/modules/Sources.ts";
import { DeploymentError } from "./DeploymentError.ts";
import type { Ignition } from "./ignition.ts";
import { type Asset, LEG_SIDES, type Parameters, type SourceKind } from "./parameters.ts";
import { placeOf, type Places } from "./places.ts";

/** The contract's `FeedKind` of a source. */
export const FEED_KIND: Readonly<Record<SourceKind, bigint>> = { rounds: 0n, observed: 1n, composite: 2n, share: 2n };

/** Signed reports as a server of Data Streams gives them, and what the verifier takes for them in the native token, wei. */
export interface SignedReports {
  readonly reports: readonly string[];
  readonly fee: bigint;
}

/** Fetches the latest report of each stream. @param streams Feed ids. */
export type FetchReports = (streams: readonly string[]) => Promise<SignedReports>;

export interface Sources {
  /** With the computed ones among the feeds. */
  readonly places: Places;
  /** Feeds of reports, by the symbols of assets whose orders settle by them. */
  readonly streams: Readonly<Record<string, string>>;
  /** The zero address where no market settles by reports. */
  readonly streamReports: string;
}

/** Of the markets that settle by reports. */
export function settledByReports({ assets }: Parameters) {
  return assets.flatMap(({ symbol, settlement, limits }, asset) =>
    settlement === undefined ? [] : [{ symbol, asset, settlement, maxAge: limits.maxAge }],
  );
}

/** Deploys computed sources over the feeds of `places`, and what takes reports. */
export async function deploySources({
  connection: { ethers },
  parameters,
  places,
  ignition,
}: {
  connection: NetworkConnection;
  parameters: Parameters;
  places: Places;
  ignition: Ignition;
}): Promise<Sources> {
  const { assets, callGas } = parameters;
  const ofKind = (kind: SourceKind): string[] =>
    assets.filter(({ source }) => source.kind === kind).map(({ symbol }) => symbol);
  const plan = {
    composites: ofKind("composite"),
    shares: ofKind("share"),
    streams: settledByReports(parameters),
  };
  if (plan.composites.length + plan.shares.length + plan.streams.length === 0) {
    return { places, streams: {}, streamReports: ZeroAddress };
  }

  const given: Record<string, unknown> = { verifier: places.verifier };
  for (const asset of assets) Object.assign(given, constructionOf(asset, places, callGas));
  for (const { symbol, settlement } of plan.streams) given[`${symbol}Stream`] = settlement.stream;
  const { streamReports = ZeroAddress, ...made } = await ignition.deploy(sourcesModule(plan), { Sources: given });

  const feeds = { ...places.feeds };
  for (const symbol of [...plan.composites, ...plan.shares]) feeds[symbol] = placeOf(made, `source_${symbol}`);
  const streams: Record<string, string> = {};
  if (plan.streams.length > 0) {
    const reports = await ethers.getContractAt("StreamReports", streamReports);
    for (const { symbol, settlement } of plan.streams) streams[symbol] = await reports.feedOf(settlement.stream);
  }
  return { places: { ...places, feeds }, streams, streamReports };
}

/** What the contract of a computed source is made with, in the order of its legs. */
function constructionOf({ symbol, source, description }: Asset, places: Places, callGas: bigint) {
  const proxies = { ...places.feeds, ...places.legs };
  if (source.kind === "composite") {
    const legs = source.legs.map(({ side, feed }) => ({
      feed: placeOf(proxies, feed.name),
      side: LEG_SIDES.indexOf(side),
      maxAge: feed.maxAge,
      gasLimit: callGas,
    }));
    return { [`${symbol}Description`]: description, [`${symbol}Legs`]: legs };
  }
  if (source.kind !== "share") return {};
  const share = {
    vault: placeOf(places.vaults, symbol),
    feed: placeOf(proxies, source.base.name),
    vaultGas: source.vaultGas,
    feedGas: callGas,
    maxGrowth: source.growth,
  };
  return { [`${symbol}Description`]: description, [`${symbol}Share`]: share };
}

/** What fetches the reports that a file needs. Throws a DeploymentError if it needs some and nobody fetches any. */
export function fetcherFor(parameters: Parameters, given: FetchReports | undefined): FetchReports {
  const streams = settledByReports(parameters).map(({ settlement }) => settlement.stream);
  if (given !== undefined) return given;
  if (streams.length === 0) return async () => Promise.resolve({ reports: [], fee: 0n });
  throw new DeploymentError(`${parameters.file} settles by reports, and none are given of ${streams.join(", ")}`);
}

/** Has a young report in each stream, without which the oracle takes none for a settlement. */
export async function bringReports({
  connection: { ethers },
  parameters,
  sources: { streams, streamReports },
  deployer,
  fetchReports,
}: {
  connection: NetworkConnection;
  parameters: Parameters;
  sources: Sources;
  deployer: HardhatEthersSigner;
  fetchReports: FetchReports;
}): Promise<void> {
  const now = BigInt((await ethers.provider.getBlock("latest"))?.timestamp ?? 0);
  const old: string[] = [];
  for (const { symbol, settlement, maxAge } of settledByReports(parameters)) {
    const feed = await ethers.getContractAt("StreamFeed", placeOf(streams, symbol));
    const [, , , updatedAt] = await feed.latestRoundData();
    // Half of it is left for the rest of the deployment.
    if (now > updatedAt + maxAge / 2n) old.push(settlement.stream);
  }
  if (old.length === 0) return;
  const { reports, fee } = await fetchReports(old);
  const contract = await ethers.getContractAt("StreamReports", streamReports, deployer);
  await (await contract.submit([...reports], { value: fee })).wait();
}
