/** Whether a keeper does its work: the age of the last cycle that did not fail. */

export interface HealthReport {
  readonly healthy: boolean;
  readonly secondsSinceGoodCycle: number;
  /** Of the last good cycle. */
  readonly block: number | null;
  /** How far the index is. */
  readonly indexedBlock: number | null;
  /** Between that and the head. */
  readonly indexLagBlocks: number | null;
}

export class Health {
  readonly #limitMs: number;
  readonly #now: () => number;
  readonly #begun: number;
  #lastGood: number | undefined;
  #index: { readonly block: number; readonly head: number } | undefined;
  #indexMovedAt: number | undefined;
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

  /** How far the index is, and how far the chain. */
  indexed(progress: { readonly block: number; readonly head: number }): void {
    if (progress.block > (this.#index?.block ?? -1)) this.#indexMovedAt = this.#now();
    this.#index = progress;
  }

  /** Blocks that the index is behind; undefined before anything was indexed. */
  get indexLag(): number | undefined {
    return this.#index && Math.max(0, this.#index.head - this.#index.block);
  }

  /** Milliseconds since the last good cycle, or since the beginning. */
  get ageMs(): number {
    return this.#now() - (this.#lastGood ?? this.#begun);
  }

  /** Whether a cycle has been good yet. */
  get hasBegun(): boolean {
    return this.#lastGood !== undefined;
  }

  /** The first index of a long history takes hours before the first cycle: as long as it moves all is well. */
  get isHealthy(): boolean {
    const since = this.hasBegun ? undefined : this.#indexMovedAt;
    return Math.min(this.ageMs, this.#now() - (since ?? -Infinity)) <= this.#limitMs;
  }

  report(): HealthReport {
    return {
      healthy: this.isHealthy,
      secondsSinceGoodCycle: Math.round(this.ageMs / 1_000),
      block: this.#block ?? null,
      indexedBlock: this.#index?.block ?? null,
      indexLagBlocks: this.indexLag ?? null,
    };
  }
}
