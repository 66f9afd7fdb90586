/** Accounts that have been found insolvent, as events say and the clearing house confirms. */
import { addressOf } from "../contracts.ts";
import type { At, ReadingContext } from "./isolated.ts";
import { isolated } from "./isolated.ts";
import { readLogs } from "./logs.ts";

export class InsolventAccounts {
  readonly #context: ReadingContext;
  /** By account: since when. */
  #known = new Map<string, bigint>();
  #next: number;

  constructor(context: ReadingContext) {
    this.#context = context;
    this.#next = Number(context.contracts.book.block);
  }

  /** Forgets all, because it may be of blocks that are no more. */
  forget(): void {
    this.#known = new Map();
    this.#next = Number(this.#context.contracts.book.block);
  }

  /** Accounts and since when. @param count As the clearing house counts them: none is looked for beyond it. */
  async read(count: bigint, at: At): Promise<ReadonlyMap<string, bigint>> {
    if (count === 0n) {
      this.#known = new Map();
      return this.#known;
    }
    await this.#confirm([...this.#known.keys()], at);
    if (BigInt(this.#known.size) < count) {
      await this.#confirm(await this.#find(this.#next, at.blockTag), at);
      this.#next = at.blockTag + 1;
    }
    return this.#known;
  }

  async #confirm(accounts: readonly string[], at: At): Promise<void> {
    const { clearingHouse } = this.#context.contracts;
    const read = async (account: string) => [account, await clearingHouse.insolventSince(account, at)] as const;
    const since = await isolated(accounts, read, { ...this.#context, what: "insolvency" });
    for (const [account, time] of since) {
      if (time === 0n) this.#known.delete(account);
      else this.#known.set(account, time);
    }
  }

  async #find(from: number, to: number): Promise<string[]> {
    const { contracts } = this.#context;
    const { clearingHouse } = contracts;
    const topics = [clearingHouse.interface.getEvent("Insolvent").topicHash];
    const logs = await readLogs(contracts, { address: addressOf(clearingHouse), topics, from, to });
    return [...new Set(logs.flatMap((log) => log.topics[1] ?? []))];
  }
}
