/**
 * What the guards of the protocol make of a feed, as section "Prices" of `docs/protocol.md` and `IPriceOracle` say: of one
 * phase whose rounds are complete and positive, while the sequencer is up.
 */
export interface GuardLimits {
  /** Oldest answer that is live, s. */
  readonly maxAge: number;
  /** Largest step between accepted prices, 1e-6. */
  readonly jump: number;
  /** Half width of the interval while the feed is refused, 1e-6. */
  readonly spread: number;
}

export interface FeedRound {
  /** WAD. */
  readonly price: bigint;
  readonly updatedAt: number;
}

export interface Reading {
  /** The accepted price, WAD. */
  readonly last: bigint;
  readonly spread: number;
  readonly refusal: "None" | "Stale" | "Jump" | "Halted";
  /** In the grace after a halt. */
  readonly settling: boolean;
  readonly updatedAt: number;
}

/** What an update has found. */
export type Change = "accepted" | "halted" | "replaced" | "came back" | "confirmed" | "none";

const HALT_TIME = 600;
const HALT_ROUNDS = 2;
const PEG_AGE = 900;
const PPM = 1_000_000n;

export class GuardedFeed {
  readonly rounds: FeedRound[] = [];
  readonly limits: GuardLimits;
  readonly #haltGrace: number;
  /** Index of the accepted round. */
  #accepted = 0;
  #checkedAt = 0;
  /** Index of the round that waits to be accepted. */
  #candidate: number | undefined;
  #graceUntil = 0;

  constructor(limits: GuardLimits, haltGrace: number) {
    this.limits = limits;
    this.#haltGrace = haltGrace;
  }

  /** The first round, accepted when the feed was listed or read. */
  start(round: FeedRound, now: number): void {
    this.rounds.push(round);
    this.#checkedAt = now;
  }

  get halted(): boolean {
    return this.#candidate !== undefined;
  }

  /** Until then nothing of the asset is liquidated. */
  get graceUntil(): number {
    return this.#graceUntil;
  }

  get #latest(): number {
    return this.rounds.length - 1;
  }

  #at(index: number): FeedRound {
    const round = this.rounds[index];
    if (round === undefined) throw new Error("a feed without rounds");
    return round;
  }

  /** Whether two prices are within the jump limit of the first. */
  isNear(base: bigint, price: bigint): boolean {
    const distance = price > base ? price - base : base - price;
    return distance * PPM <= base * BigInt(this.limits.jump);
  }

  #isStale(index: number, now: number): boolean {
    return now - this.#at(index).updatedAt > this.limits.maxAge;
  }

  /** What a reader gets, with nothing stored. */
  see(now: number): Reading {
    const accepted = this.#at(this.#accepted);
    const latest = this.#at(this.#latest);
    const settling = now < this.#graceUntil;
    let refusal: Reading["refusal"] = "None";
    if (this.halted) refusal = "Halted";
    else if (this.#isStale(this.#latest, now)) refusal = "Stale";
    else if (!this.isNear(accepted.price, latest.price)) refusal = "Jump";
    const { price: last, updatedAt } = refusal === "None" ? latest : accepted;
    return { last, spread: refusal === "None" ? 0 : this.limits.spread, refusal, settling, updatedAt };
  }

  /** The same, and what is live is accepted. @param recheck The reader notes when it looked. */
  read(now: number, recheck = false): Reading {
    const reading = this.see(now);
    if (reading.refusal === "None") {
      if (recheck || this.#accepted !== this.#latest) this.#checkedAt = now;
      this.#accepted = this.#latest;
    }
    return reading;
  }

  /** The price that the peg is judged by: one seen to be the latest a quarter of an hour ago will do. */
  readPeg(now: number, store: boolean): { live: boolean; price: bigint } {
    if (!this.halted && now - this.#checkedAt <= PEG_AGE) return { live: true, price: this.#at(this.#accepted).price };
    const { refusal, last } = store ? this.read(now, true) : this.see(now);
    return { live: refusal === "None", price: last };
  }

  /** Somebody has the oracle look at the feed. */
  update(now: number): Change {
    if (this.#isStale(this.#latest, now)) return "none";
    const latest = this.#at(this.#latest);
    const isNear = this.isNear(this.#at(this.#accepted).price, latest.price);
    if (this.#candidate === undefined) {
      if (this.#accepted === this.#latest) return "none";
      this.#checkedAt = now;
      if (isNear) this.#accepted = this.#latest;
      else this.#candidate = this.#latest;
      return isNear ? "accepted" : "halted";
    }

    this.#checkedAt = now;
    const waited = now >= this.#at(this.#candidate).updatedAt + HALT_TIME;
    const followed = this.#latest >= this.#candidate + HALT_ROUNDS;
    const disproved = this.#isDisproved(this.#candidate);
    if (isNear || (waited && followed && !disproved)) {
      this.#accepted = this.#latest;
      this.#candidate = undefined;
      this.#graceUntil = now + this.#haltGrace;
      return isNear ? "came back" : "confirmed";
    }
    if (!disproved) return "none";
    this.#candidate = this.#latest;
    return "replaced";
  }

  /** Somebody walks along the rounds that nobody has read, each near the one before; what lies beyond a jump is left. A
   * halted feed is not walked. Returns whether the accepted round is another now. */
  advance(now: number): boolean {
    if (this.halted || this.#isStale(this.#latest, now)) return false;
    let walked = this.#accepted;
    while (walked < this.#latest && this.isNear(this.#at(walked).price, this.#at(walked + 1).price)) ++walked;
    // A walk that stops short of the latest round could end where that one looks like a jump.
    if (walked !== this.#latest || walked === this.#accepted) return false;
    this.#accepted = walked;
    return true;
  }

  /** One of the rounds that count is not near the candidate. */
  #isDisproved(candidate: number): boolean {
    const base = this.#at(candidate).price;
    const counted = this.rounds.slice(candidate + 1, candidate + 1 + HALT_ROUNDS);
    return [...counted, this.#at(this.#latest)].some(({ price }) => !this.isNear(base, price));
  }
}
