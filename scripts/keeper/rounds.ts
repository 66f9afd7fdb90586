/**
 * Rounds of a price feed, and which of them settles an order: the rule of `contracts/interfaces/IOracle.sol`, off the
 * chain. What `ChainlinkPush.prove` accepts as a hint is found here by bisection over the rounds of a phase.
 */
import { PlimsollError } from "../deploy/PlimsollError.ts";

export interface Round {
  /** Of the proxy: phase << 64 | aggregator round. */
  readonly id: bigint;
  /** WAD. */
  readonly answer: bigint;
  /** Unix seconds. */
  readonly startedAt: bigint;
  /** Unix seconds. */
  readonly updatedAt: bigint;
}

export interface RoundHint {
  readonly round: bigint;
  readonly before: bigint;
}

/** A signed report that a contract verifies, and what that costs, wei. */
export interface Report {
  readonly data: string;
  readonly fee: bigint;
}

export type Settlement =
  /** There is a round, or proof that there is none. */
  | {
      readonly kind: "settled" | "void";
      readonly hint: RoundHint;
      readonly settledAt: bigint;
      /** Of an asset that settles by reports: what has to be brought first, unless it is stored. */
      readonly report?: Report;
    }
  /** Nothing can be proved yet. */
  | { readonly kind: "waiting" }
  /** More rounds lie around the boundary than a proof may skip. */
  | { readonly kind: "unprovable" };

/** A round; undefined if there is none. */
export type FetchRound = (id: bigint) => Promise<Round | undefined>;

/** As in ChainlinkPush.sol. */
const MAX_BETWEEN = 8n;

/**
 * The rounds of one feed. A complete round never changes, so that what has been read once stays. Hundreds of orders look
 * for the same few rounds at once: each is asked for once.
 */
export class RoundBook {
  readonly #fetch: FetchRound;
  readonly #capacity: number;
  readonly #known = new Map<bigint, Round>();
  readonly #asked = new Map<bigint, Promise<Round | undefined>>();

  constructor(fetch: FetchRound, capacity = 4_096) {
    this.#fetch = fetch;
    this.#capacity = capacity;
  }

  /** Another block begins: what was not there may be now. */
  renew(): void {
    this.#asked.clear();
  }

  async find(id: bigint): Promise<Round | undefined> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const asked = this.#asked.get(id);
    if (asked !== undefined) return asked;
    const answer = this.#read(id);
    this.#asked.set(id, answer);
    // What was not answered is asked again.
    answer.catch(() => this.#asked.get(id) === answer && this.#asked.delete(id));
    return answer;
  }

  async #read(id: bigint): Promise<Round | undefined> {
    const round = await this.#fetch(id);
    if (round === undefined || round.updatedAt === 0n) return undefined;
    if (this.#known.size >= this.#capacity) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    this.#known.set(id, round);
    return round;
  }

  /** Throws a PlimsollError where a phase has a gap. */
  async get(id: bigint): Promise<Round> {
    const round = await this.find(id);
    if (round === undefined) throw new PlimsollError(`round ${String(id)} is missing`);
    return round;
  }
}

/**
 * Where an order of `phase` settles: the first round whose updatedAt and startedAt are both later than `boundary`, the
 * last of those with its updatedAt, no later than `boundary` + `window`.
 *
 * @param latest The feed's latest round.
 * @param now Time of the latest block; what executes comes no earlier.
 * @param lag How much later than its time a round may be written, s.
 */
export async function findSettlement(
  rounds: RoundBook,
  {
    phase,
    boundary,
    window,
    latest,
    now,
    lag = 0n,
  }: { phase: bigint; boundary: bigint; window: bigint; latest: Round | undefined; now: bigint; lag?: bigint },
): Promise<Settlement> {
  const base = phase << 64n;
  const last = latest !== undefined && latest.id >> 64n === phase ? latest.id : await lastOf(rounds, base);
  const before = await lastUpTo(rounds, { base, last, boundary });
  const hint = (round: bigint): RoundHint => ({ round, before: before === base ? 0n : before });

  const end = before + 1n + MAX_BETWEEN;
  let id = before + 1n;
  let first: Round | undefined;
  for (; id <= last && id <= end; ++id) {
    const round = await rounds.get(id);
    if (isAfter(round, boundary)) {
      first = round;
      break;
    }
  }
  if (first === undefined) {
    if (id <= last) return { kind: "unprovable" };
    return now > boundary + window + lag ? { kind: "void", hint: hint(0n), settledAt: 0n } : { kind: "waiting" };
  }
  if (first.updatedAt > boundary + window) return { kind: "void", hint: hint(first.id), settledAt: 0n };

  let round = first;
  for (let next = first.id + 1n; next <= last; ++next) {
    const later = await rounds.get(next);
    if (later.updatedAt !== first.updatedAt) break;
    if (next > end) return { kind: "unprovable" };
    round = later;
  }
  // Another round with the same time may still come in the block.
  if (now <= round.updatedAt) return { kind: "waiting" };
  return isAfter(round, boundary)
    ? { kind: "settled", hint: hint(round.id), settledAt: round.updatedAt }
    : { kind: "void", hint: hint(round.id), settledAt: 0n };
}

function isAfter({ updatedAt, startedAt }: Round, boundary: bigint): boolean {
  return updatedAt > boundary && startedAt > boundary;
}

/** Id of the last round of a phase that is over; `base` if it has none. */
async function lastOf(rounds: RoundBook, base: bigint): Promise<bigint> {
  let above = 1n;
  while ((await rounds.find(base + above)) !== undefined) above *= 2n;
  let below = above / 2n;
  while (above - below > 1n) {
    const middle = (below + above) / 2n;
    if ((await rounds.find(base + middle)) === undefined) above = middle;
    else below = middle;
  }
  return base + below;
}

/** Id of the last round with updatedAt ≤ `boundary`; `base` if there is none. Orders are young: from the end backward. */
async function lastUpTo(
  rounds: RoundBook,
  { base, last, boundary }: { base: bigint; last: bigint; boundary: bigint },
): Promise<bigint> {
  let above = last + 1n;
  let below = base;
  for (let step = 0n, id = last; id > base; id = last - step) {
    if ((await rounds.get(id)).updatedAt <= boundary) {
      below = id;
      break;
    }
    above = id;
    step = step === 0n ? 1n : step * 2n;
  }
  while (above - below > 1n) {
    const middle = (below + above) / 2n;
    if ((await rounds.get(middle)).updatedAt <= boundary) below = middle;
    else above = middle;
  }
  return below;
}
