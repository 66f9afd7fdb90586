/** Many small views in few requests, through a contract's own multicall. */
import type { BytesLike, Result } from "ethers";

import { PlimsollError } from "../../deploy/PlimsollError.ts";
import { revertDataOf } from "../contracts.ts";
import type { At, ReadingContext } from "./isolated.ts";

/** Items of one request: with views of up to some 50,000 gas each, for nodes stop a call at 16 million or more. */
const PAGE = 100;

/** A contract with OpenZeppelin's Multicall. */
export interface Multicalled {
  readonly interface: {
    encodeFunctionData(method: string, values: readonly unknown[]): string;
    decodeFunctionResult(method: string, data: BytesLike): Result;
  };
  readonly multicall: { staticCall(data: string[], at: At): Promise<string[]> };
}

export interface View {
  readonly method: string;
  readonly values: readonly unknown[];
}

interface PagesQuery<Item> extends ReadingContext {
  readonly contract: Multicalled;
  /** Items of one request, where they take more than others. */
  readonly size?: number;
  readonly viewsOf: (item: Item) => readonly View[];
  readonly at: At;
  /** The kind of item, for the log. */
  readonly what: string;
}

/**
 * What the views of each item return. One that cannot be read is left out, and logged: where the contract refuses a page,
 * because of one of them, they are read one by one.
 */
export async function readPages<Item>(
  items: readonly Item[],
  query: PagesQuery<Item>,
): Promise<ReadonlyMap<Item, readonly Result[]>> {
  const { size = PAGE } = query;
  const pages: (readonly Item[])[] = [];
  for (let from = 0; from < items.length; from += size) pages.push(items.slice(from, from + size));
  const read = await Promise.all(pages.map(async (page) => readPage(page, query)));
  return new Map(read.flat());
}

type Answer<Item> = readonly [Item, readonly Result[]];

async function readPage<Item>(items: readonly Item[], query: PagesQuery<Item>): Promise<readonly Answer<Item>[]> {
  const { contracts, log, what } = query;
  try {
    return await readTogether(items, query);
  } catch (error) {
    if (items.length > 1 && revertDataOf(error) !== undefined) {
      return (await Promise.all(items.map(async (item) => readPage([item], query)))).flat();
    }
    for (const item of items) log.warn("unread", { what, item, reason: contracts.describe(error).text });
    return [];
  }
}

async function readTogether<Item>(
  items: readonly Item[],
  { contract, viewsOf, at }: PagesQuery<Item>,
): Promise<readonly Answer<Item>[]> {
  const views = items.map(viewsOf);
  const data = views.flat().map(({ method, values }) => contract.interface.encodeFunctionData(method, values));
  const answers = await contract.multicall.staticCall(data, at);
  if (answers.length !== data.length) throw new PlimsollError(`${data.length} views and ${answers.length} answers`);
  let place = 0;
  return items.map((item, index) => {
    const results = (views[index] ?? []).map(({ method }) => {
      return contract.interface.decodeFunctionResult(method, answers[place++] ?? "0x");
    });
    return [item, results] as const;
  });
}
