/** Pauses after failures, by name: doubled with each, up to a limit, and over at the first success. */

export interface CooldownOptions {
  readonly firstMs: number;
  readonly longestMs: number;
  readonly now?: () => number;
}

export class Cooldown {
  readonly #firstMs: number;
  readonly #longestMs: number;
  readonly #now: () => number;
  readonly #pauses = new Map<string, { readonly failures: number; readonly until: number }>();

  constructor({ firstMs, longestMs, now = Date.now }: CooldownOptions) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#now = now;
  }

  isPaused(name: string): boolean {
    const pause = this.#pauses.get(name);
    return pause !== undefined && this.#now() < pause.until;
  }

  /** @returns Failures in a row. */
  fail(name: string): number {
    const failures = (this.#pauses.get(name)?.failures ?? 0) + 1;
    const pause = Math.min(this.#longestMs, this.#firstMs * 2 ** (failures - 1));
    this.#pauses.set(name, { failures, until: this.#now() + pause });
    return failures;
  }

  succeed(name: string): void {
    this.#pauses.delete(name);
  }

  /** Forgets what has not failed again for as long as the longest pause: names never come back once their order is gone. */
  prune(): void {
    const oldest = this.#now() - this.#longestMs;
    for (const [name, { until }] of this.#pauses) if (until < oldest) this.#pauses.delete(name);
  }
}
