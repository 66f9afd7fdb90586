/** Since when accounts could have been liquidated. */

export class Overdue {
  readonly #now: () => number;
  readonly #since = new Map<string, number>();

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** @param accounts All that can be liquidated now. */
  update(accounts: readonly string[]): void {
    const current = new Set(accounts);
    for (const account of this.#since.keys()) if (!current.has(account)) this.#since.delete(account);
    for (const account of accounts) if (!this.#since.has(account)) this.#since.set(account, this.#now());
  }

  /** The account that waits longest. */
  get oldest(): { readonly account: string; readonly ageMs: number } | undefined {
    for (const [account, since] of this.#since) return { account, ageMs: this.#now() - since };
    return undefined;
  }

  get count(): number {
    return this.#since.size;
  }
}
