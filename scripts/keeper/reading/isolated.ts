/** Readings of many items of which one may fail. */
import type { Contracts } from "../contracts.ts";
import type { Log } from "../log.ts";

export interface At {
  readonly blockTag: number;
}

/** What every part of the reading needs. */
export interface ReadingContext {
  readonly contracts: Contracts;
  readonly log: Log;
}

/** All that can be read; a failure is logged and costs its own item only. @param what The kind of item, for the log. */
export async function isolated<Item, Value>(
  items: readonly Item[],
  read: (item: Item) => Promise<Value>,
  { what, contracts, log }: ReadingContext & { readonly what: string },
): Promise<Value[]> {
  const results = await Promise.allSettled(items.map(read));
  return results.flatMap((result, place): Value[] => {
    if (result.status === "fulfilled") return [result.value];
    log.warn("unread", { what, item: items[place], reason: contracts.describe(result.reason).text });
    return [];
  });
}
