/** Whether a keeper does its work: the age of the last cycle that did not fail. */

export class Health {
  readonly #limitMs: number;
  readonly #now: () => number;
  readonly #begun: number;
  #lastGood: number | undefined;
  #block: number | undefined;

  /** @param limitMs Age beyond which it is not healthy; it has so long for its first cycle too. */
  constructor({ limitMs, now = Date.now }: { limitMs: number; now?: () => number }) {
    this.#limitMs = limitMs;
    this.#now = now;
    this.#begun = now();
  }

  good(block: number): void {
    this.#lastGood = this.#now();
    this.#block = block;
  }

  /** Milliseconds since the last good cycle, or since the beginning. */
  get ageMs(): number {
    return this.#now() - (this.#lastGood ?? this.#begun);
  }

  /** Whether a cycle has been good yet. */
  get hasBegun(): boolean {
    return this.#lastGood !== undefined;
  }

  get isHealthy(): boolean {
    return this.ageMs <= this.#limitMs;
  }

  report(): { readonly healthy: boolean; readonly secondsSinceGoodCycle: number; readonly block: number | null } {
    return {
      healthy: this.isHealthy,
      secondsSinceGoodCycle: Math.round(this.ageMs / 1_000),
      block: this.#block ?? null,
    };
  }
}
