/** The parameters that a replay runs with: those of a file, over feeds and tokens that are deployed with it. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import local from "../../../deploy/parameters/local.ts";
import { type Parameters, parseParameters } from "../../deploy/parameters.ts";
import { openedAt } from "../../replay/protocol.ts";
import { LabError } from "../errors.ts";

export const LISTED_FILE = "deploy/parameters/local.ts";

type Tree = Readonly<Record<string, unknown>>;

/** Of a file: what a person chose about money, orders and risk. Feeds, tokens and roles are those of a local chain. */
const TAKEN = ["groups", "globals", "money", "orders", "pool", "insurance"] as const;
/** Of an asset. */
const TAKEN_OF_ASSETS = ["group", "risk", "depth", "market"] as const;
/** Of its feed. */
const TAKEN_OF_FEEDS = ["jump", "spread"] as const;

/**
 * Throws a LabError for a file that cannot be loaded, a ParameterError for one that says something impossible.
 * @param file The local one, or one of any chain: see `TAKEN`. @param opening First answers, 8 decimals.
 */
export async function loadTerms(file: string, opening: ReadonlyMap<string, bigint>): Promise<Parameters> {
  const tree = file === LISTED_FILE ? local : localized(await read(file));
  return parseParameters(openedAt(tree, opening), file);
}

async function read(file: string): Promise<Tree> {
  try {
    const module = (await import(pathToFileURL(resolve(file)).href)) as { default?: Tree };
    if (module.default === undefined) throw new LabError(`${file} exports nothing by default`);
    return module.default;
  } catch (cause) {
    throw cause instanceof LabError ? cause : new LabError(`${file} cannot be loaded`, { cause });
  }
}

/** The local file with what a person chose in another. */
export function localized(other: Tree): typeof local {
  const assets = branchOf(other, "assets");
  const merged = Object.entries(local.assets).map(([symbol, asset]) => {
    const given = branchOf(assets, symbol);
    const feed = { ...asset.feed, ...pick(branchOf(given, "feed"), TAKEN_OF_FEEDS) };
    return [symbol, { ...asset, ...pick(given, TAKEN_OF_ASSETS), feed }];
  });
  const taken = { ...local, ...pick(other, TAKEN) };
  // That of a chain whose markets settle by reports would leave baskets no two rounds.
  const orders = { ...taken.orders, legGap: local.orders.legGap };
  return { ...taken, orders, assets: Object.fromEntries(merged) as typeof local.assets };
}

function branchOf(tree: Tree, key: string): Tree {
  const branch = tree[key];
  return typeof branch === "object" && branch !== null ? (branch as Tree) : {};
}

function pick(tree: Tree, keys: readonly string[]): Tree {
  return Object.fromEntries(keys.filter((key) => key in tree).map((key) => [key, tree[key]]));
}
