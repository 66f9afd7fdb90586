/** Lists markets and collateral from one reviewed file, after trying out what it names. */
import { pathToFileURL } from "node:url";

import { Contract, ZeroAddress } from "ethers";

import { ConfigError } from "../command.ts";
import { LOCAL, type Asset, type Collateral, type Parameters, parseParameters } from "../deploy/parameters.ts";
import { messageOf } from "../deploy/PlimsollError.ts";
import { FEED_KIND } from "../deploy/sources.ts";
import { checkParameters, faultsOf, renderCheck, type CheckReading } from "../oracles/check.ts";
import { type Call, callOf } from "./authority.ts";
import { NothingToDoError } from "./errors.ts";
import { type Gov, withPlaces } from "./gov.ts";
import { simulate } from "./plan.ts";
import { probeToken } from "./probe.ts";
import { headerOf } from "./render.ts";

export interface Listing {
  readonly assets: readonly string[];
  readonly collaterals: readonly string[];
  /** Why none of it may be proposed. */
  readonly faults: readonly string[];
  /** What a reviewer should know. */
  readonly notes: readonly string[];
  readonly reading: CheckReading;
  readonly calls: readonly Call[];
}

/** What a listing file may say: the parts of a parameter file that it adds to. */
const PARTS = ["groups", "assets", "collaterals"] as const;

/**
 * Throws a ConfigError for a file that says something else, or something that is listed already; what a parameter file may
 * not say it may not say either.
 */
export async function makeListing(
  gov: Gov,
  { listing, holder }: { listing: string | undefined; holder: string | undefined },
): Promise<Listing> {
  const parameters = withPlaces(await readListing(gov.intent.parameters, listing), gov.intent.book);
  const assets = parameters.assets.slice(gov.listed.assets);
  const collaterals = parameters.collaterals.slice(gov.listed.tokens);
  if (assets.length + collaterals.length === 0) throw new NothingToDoError("nothing to list: all of it is listed");
  const faults: string[] = [];
  const notes: string[] = [];
  for (const asset of assets) faults.push(...unlistableOf(gov, asset));
  const reading = await checkParameters(gov.provider, { ...parameters, assets, collaterals });
  faults.push(...faultsOf(reading), ...implausibleIn(reading, assets));
  for (const collateral of collaterals) {
    const found = await tryToken(gov, collateral, holder);
    faults.push(...found.faults.map((text) => `${collateral.symbol} ${text}`));
    notes.push(...found.notes.map((text) => `${collateral.symbol} ${text}`));
  }
  const calls = faults.length > 0 ? [] : listingCalls(gov, { assets, collaterals });
  const { refusals, simulated } = await simulate(gov, calls);
  for (const [index, refusal] of refusals.entries()) {
    if (refusal !== undefined) faults.push(`${calls[index]?.method ?? ""} would be refused: ${refusal}`);
  }
  if (calls.length > 0 && !simulated) notes.push("the calls were not simulated: the endpoint takes no state overrides");
  const symbols = (entries: readonly { symbol: string }[]): string[] => entries.map(({ symbol }) => symbol);
  return { assets: symbols(assets), collaterals: symbols(collaterals), faults, notes, reading, calls };
}

async function readListing({ file }: Parameters, listing: string | undefined): Promise<Parameters> {
  const network = await defaultOf(file);
  if (listing === undefined) return parseParameters(network, file);
  const added = await defaultOf(listing);
  const merged: Record<string, unknown> = { ...network };
  for (const key of Object.keys(added)) {
    if (!PARTS.some((part) => part === key))
      throw new ConfigError(`${listing}: ${key} is not listed, but ${PARTS.join(", ")}`);
  }
  for (const part of PARTS) {
    const [known, more] = [partOf(network, part, file), partOf(added, part, listing)];
    const twice = Object.keys(more).find((name) => Object.hasOwn(known, name));
    if (twice !== undefined) throw new ConfigError(`${listing}: ${part}.${twice} is in ${file} already`);
    merged[part] = { ...known, ...more };
  }
  return parseParameters(merged, listing);
}

async function defaultOf(file: string): Promise<Record<string, unknown>> {
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(file).href)) as { default?: unknown };
  } catch (cause) {
    throw new ConfigError(`cannot load ${file}: ${messageOf(cause)}`, { cause });
  }
  if (typeof module.default !== "object" || module.default === null) throw new ConfigError(`${file} exports no object`);
  return module.default as Record<string, unknown>;
}

function partOf(from: Record<string, unknown>, part: string, file: string): Record<string, unknown> {
  const value = from[part] ?? {};
  if (typeof value !== "object") throw new ConfigError(`${file}: ${part} is no object`);
  return value as Record<string, unknown>;
}

/** What an asset needs that no governance call brings. */
function unlistableOf({ intent: { book } }: Gov, { symbol, source, settlement }: Asset): string[] {
  const faults: string[] = [];
  if (!("feed" in source))
    faults.push(`${symbol} is computed: its source has to be deployed first, and named as its proxy`);
  else if (source.feed.proxy === LOCAL) faults.push(`${symbol} has no address of its feed`);
  if (settlement !== undefined && book.streams[symbol] === undefined) {
    faults.push(`${symbol} settles by reports: their feed has to be created first`);
  }
  return faults;
}

/** Answers that are outside the bounds which the file gives them. */
function implausibleIn({ rows }: CheckReading, assets: readonly Asset[]): string[] {
  return assets.flatMap(({ symbol, limits }) => {
    const row = rows.find(({ name }) => name === symbol);
    if (row?.latest === undefined || row.decimals === undefined) return [];
    const answer = row.latest.answer * 10n ** (18n - row.decimals);
    const inside = answer >= limits.minAnswer && answer <= limits.maxAnswer;
    return inside ? [] : [`${symbol} answers ${String(row.latest.answer)}, outside minAnswer to maxAnswer`];
  });
}

async function tryToken(gov: Gov, { symbol, address, decimals, cap }: Collateral, holder: string | undefined) {
  const { provider, contracts, at, time, intent } = gov;
  if (address === LOCAL) return { faults: ["has no address"], notes: [] };
  if ((await provider.getCode(address, at.blockTag)) === "0x")
    return { faults: [`has no code at ${address}`], notes: [] };
  const faults: string[] = [];
  const notes: string[] = [];
  const listed = Object.entries(intent.book.tokens).find(([, token]) => token === address);
  if (listed !== undefined) faults.push(`is listed already, as ${listed[0]}`);
  const vault = await contracts.vault.getAddress();
  const probe = await probeToken(provider, {
    token: address,
    vault,
    holder,
    amount: 10n ** decimals,
    blockTag: at.blockTag,
    time,
  });
  const supply = await new Contract(address, ["function totalSupply() view returns (uint256)"], provider)
    .getFunction("totalSupply")
    .staticCall({ blockTag: at.blockTag })
    .then((value: unknown) => value as bigint)
    .catch(() => 0n);
  if (cap > supply / 10n) notes.push(`has a cap above a tenth of what there is of it, ${symbol} ${String(supply)}`);
  return { faults: [...faults, ...probe.faults], notes: [...probe.notes, ...notes] };
}

/** In the order in which they have to be executed: indices are those of the file. */
function listingCalls(
  gov: Gov,
  { assets, collaterals }: { assets: readonly Asset[]; collaterals: readonly Collateral[] },
): Call[] {
  const calls: Call[] = [];
  const first = gov.listed.assets;
  const streams = gov.intent.book.streams;
  if (assets.length > 0) {
    const feeds = assets.map(({ source, limits }) => ({
      proxy: "feed" in source ? source.feed.proxy : ZeroAddress,
      kind: FEED_KIND[source.kind],
      limits,
    }));
    calls.push(callOf(gov, "oracle", "list", [feeds]));
    for (const [index, { symbol, settlement, sessions }] of assets.entries()) {
      if (settlement !== undefined) {
        calls.push(callOf(gov, "oracle", "setSettlement", [first + index, streams[symbol], settlement.window]));
      }
      if (sessions !== 0n) calls.push(callOf(gov, "oracle", "setSessions", [first + index, sessions]));
    }
    calls.push(callOf(gov, "clearingHouse", "listAssets", [assets.map(({ listing }) => listing)]));
  }
  for (const { address, cap, outflowLimit, asset, saleDiscount, lotExponent } of collaterals) {
    calls.push(
      callOf(gov, "vault", "list", [address, cap, outflowLimit]),
      callOf(gov, "clearingHouse", "listCollateral", [asset, saleDiscount, lotExponent]),
    );
  }
  return calls;
}

export function renderListing(gov: Gov, { assets, collaterals, faults, notes, reading, calls }: Listing): string {
  const list = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : [[`${title}:`, ...lines.map((line) => `  ${line}`)].join("\n")];
  return [
    headerOf(gov),
    `to list: assets ${assets.join(", ") || "none"}; collateral ${collaterals.join(", ") || "none"}`,
    renderCheck(reading),
    ...list("to know", notes),
    ...list("NOT TO BE LISTED", faults),
    ...list(
      "calls, to be executed in this order",
      calls.map(({ target, method }) => `${target}.${method}`),
    ),
  ].join("\n\n");
}
