/** A deployment as governance sees it: the file, the contracts, and one block that everything is read at. */
import { type Provider, ZeroAddress } from "ethers";

import { ConfigError } from "../command.ts";
import type { AddressBook } from "../deploy/addressBook.ts";
import type { Contracts } from "../deploy/contracts.ts";
import { LOCAL, type Feed, type Parameters, type Source } from "../deploy/parameters.ts";
import type { At } from "./books.ts";
import { contractsThrough } from "./contracts.ts";
import { WrongChainError } from "./errors.ts";
import type { Intent, Listed } from "./setters.ts";

export interface Gov {
  readonly provider: Provider;
  readonly intent: Intent;
  readonly contracts: Contracts;
  readonly at: At;
  /** Of the block, unix seconds. */
  readonly time: bigint;
  readonly listed: Listed;
}

/** Throws a WrongChainError unless this is the deployment's chain, a ConfigError where the file is another one's. */
export async function openGov(
  provider: Provider,
  { parameters, book }: { parameters: Parameters; book: AddressBook },
): Promise<Gov> {
  const { chainId } = await provider.getNetwork();
  if (chainId !== book.chainId) {
    throw new WrongChainError(`chain ${String(chainId)}, the deployment is on ${String(book.chainId)}`);
  }
  if (parameters.chainId !== chainId) {
    throw new WrongChainError(`${parameters.file} is for chain ${String(parameters.chainId)}, not ${String(chainId)}`);
  }
  for (const [name, address] of Object.entries(book.contracts)) {
    if ((await provider.getCode(address)) === "0x") throw new WrongChainError(`no code of ${name} at ${address}`);
  }
  const block = await provider.getBlock("latest");
  if (block === null) throw new WrongChainError("the node has no latest block");
  const contracts = contractsThrough(provider, book.contracts);
  const at = { blockTag: block.number };
  const [assets, tokens] = await contracts.clearingHouse.listed(at);
  const gov = {
    provider,
    intent: { parameters: withPlaces(parameters, book), book },
    contracts,
    at,
    time: BigInt(block.timestamp),
    listed: { assets: Number(assets), tokens: Number(tokens) },
  };
  checkOrder(gov);
  return gov;
}

/** Indices are those of the file: what is listed has to come first in it, in the same order. */
function checkOrder({ intent: { parameters, book }, listed }: Gov): void {
  const same = (kind: string, file: readonly string[], chain: readonly string[]): void => {
    const wrong = chain.findIndex((symbol, index) => file[index] !== symbol);
    if (wrong < 0) return;
    const expected = `${kind} ${String(wrong)} of the deployment is ${String(chain[wrong])}`;
    throw new ConfigError(`${parameters.file}: ${expected}, that of the file ${file[wrong] ?? "missing"}`);
  };
  const symbols = (entries: readonly { symbol: string }[]): string[] => entries.map(({ symbol }) => symbol);
  same("asset", symbols(parameters.assets), Object.keys(book.feeds));
  same("token", symbols([parameters.settlement, ...parameters.collaterals]), Object.keys(book.tokens));
  if (listed.assets > parameters.assets.length || listed.tokens > parameters.collaterals.length) {
    const count = `${String(listed.assets)} assets and ${String(listed.tokens)} tokens`;
    throw new ConfigError(`${parameters.file} says less than is listed, ${count}: add what has been listed since`);
  }
}

/** The file with the addresses of the deployment where it says `local`. */
export function withPlaces(parameters: Parameters, book: AddressBook): Parameters {
  type Address = `0x${string}`;
  const at = (places: Readonly<Record<string, string>>, name: string): Address => (places[name] ?? LOCAL) as Address;
  // A feed that is a leg of another stays one and the same.
  const placed = new Map<Feed, Feed>();
  const feed = (written: Feed): Feed => {
    if (written.proxy !== LOCAL) return written;
    const known = placed.get(written) ?? { ...written, proxy: at({ ...book.feeds, ...book.legs }, written.name) };
    placed.set(written, known);
    return known;
  };
  const source = (symbol: string, written: Source): Source => {
    if (written.kind === "composite") {
      return { ...written, legs: written.legs.map((leg) => ({ ...leg, feed: feed(leg.feed) })) };
    }
    if (written.kind === "share") {
      const vault = written.vault === LOCAL ? at(book.vaults, symbol) : written.vault;
      return { ...written, vault, base: feed(written.base) };
    }
    return { ...written, feed: feed(written.feed) };
  };
  const token = <T extends { symbol: string; address: string }>(written: T): T =>
    written.address === LOCAL ? { ...written, address: at(book.tokens, written.symbol) } : written;
  const { environment } = parameters;
  const { sequencer } = environment;
  return {
    ...parameters,
    environment: { ...environment, sequencer: sequencer === LOCAL ? addressOrNone(book.sequencer) : sequencer },
    verifier: parameters.verifier === LOCAL ? addressOrNone(book.verifier) : parameters.verifier,
    assets: parameters.assets.map((asset) => ({ ...asset, source: source(asset.symbol, asset.source) })),
    settlement: token(parameters.settlement),
    collaterals: parameters.collaterals.map(token),
  };
}

function addressOrNone(address: string): `0x${string}` | "none" {
  return address === ZeroAddress ? "none" : (address as `0x${string}`);
}
