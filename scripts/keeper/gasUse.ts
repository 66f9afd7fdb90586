/**
 * What a transaction will use of the gas that it has to be given. An estimate is the least limit that does not revert; an
 * execution is refused with less than two million left, and a batch of liquidations with less than three, so that neither
 * can be starved: their estimates say little about what they cost. What is used is learned from receipts.
 */

/** Until one is known: the largest of docs/gas.md that is usual, for an item. */
const SEEDS: Readonly<Record<string, bigint>> = {
  execute: 450_000n,
  executeBatch: 300_000n,
  liquidateBatch: 450_000n,
};

export class GasUse {
  readonly #perItem = new Map(Object.entries(SEEDS));

  /** @param limit As estimated. @returns Gas, at most `limit`. */
  expected(kind: string, items: number, limit: bigint): bigint {
    const each = this.#perItem.get(kind);
    if (each === undefined) return limit;
    const use = each * BigInt(items);
    return use < limit ? use : limit;
  }

  /** Follows a rise at once and a fall by an eighth: what is thought cheap and is not loses money. */
  learn(kind: string, items: number, used: bigint): void {
    const each = used / BigInt(items);
    const known = this.#perItem.get(kind);
    this.#perItem.set(kind, known === undefined || each > known ? each : known - (known - each) / 8n);
  }
}
