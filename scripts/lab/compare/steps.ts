/** Prices as the oracle reports them over the rounds of some feeds, looked at a second after each round. */
import { type FeedRound, GuardedFeed, type GuardLimits, type Reading } from "../../history/guards.ts";
import { WAD } from "../../model/fixed.ts";
import { livePrice, type Price } from "../../model/price.ts";

export interface FeedSeries {
  /** Index of the asset. */
  readonly asset: number;
  readonly limits: GuardLimits;
  /** Ascending in time. */
  readonly rounds: readonly FeedRound[];
}

/** All prices from `time` (unix seconds) until the next step. */
export interface Step {
  readonly time: number;
  /** By asset. */
  readonly prices: ReadonlyMap<number, Price>;
  /** USD price of the settlement token, WAD. */
  readonly settlementPrice: bigint;
}

export interface StepOptions {
  /** Seconds without liquidation after a halt. */
  readonly haltGrace: number;
  /** Of the settlement token; without a series of its own it stands at a dollar. */
  readonly pegAsset: number;
}

const REACTION = 1;
/** Seconds between two looks while something is halted or in its grace: these end without a round. */
const WATCH = 60;

/** Steps from the first moment at which every feed has a round. Empty where one has none. */
export function stepsOf(series: readonly FeedSeries[], { haltGrace, pegAsset }: StepOptions): readonly Step[] {
  const firsts = series.map(({ rounds }) => rounds[0]?.updatedAt ?? Infinity);
  const from = Math.max(...firsts) + REACTION;
  if (!Number.isFinite(from)) return [];
  const feeds = series.map((one) => new Watched(one, haltGrace));
  const times = new Set(series.flatMap(({ rounds }) => rounds.map(({ updatedAt }) => updatedAt + REACTION)));
  const due = [from, ...[...times].filter((time) => time > from)].sort((a, b) => a - b);
  const steps: Step[] = [];
  const look = (time: number): void => {
    for (const feed of feeds) feed.look(time);
    if (time < from) return;
    const prices = new Map(feeds.map(({ asset, price }) => [asset, price]));
    steps.push({ time, prices, settlementPrice: prices.get(pegAsset)?.last ?? WAD });
  };
  for (const [index, time] of due.entries()) {
    look(time);
    const next = due[index + 1] ?? time;
    for (let at = time + WATCH; at < next && feeds.some((feed) => feed.isUnsettled(at - WATCH)); at += WATCH) look(at);
  }
  return steps;
}

/** The steps from the one in force at `from` until `until`, unix seconds. */
export function stepsWithin(steps: readonly Step[], from: number, until: number): readonly Step[] {
  const first = steps.findLastIndex(({ time }) => time <= from);
  const last = steps.findLastIndex(({ time }) => time <= until);
  return first < 0 ? [] : steps.slice(first, last + 1);
}

class Watched {
  readonly asset: number;
  price: Price = livePrice(0n);
  readonly #feed: GuardedFeed;
  readonly #rounds: readonly FeedRound[];
  #next = 0;

  constructor({ asset, limits, rounds }: FeedSeries, haltGrace: number) {
    this.asset = asset;
    this.#feed = new GuardedFeed(limits, haltGrace);
    this.#rounds = rounds;
  }

  /** Every round before `now` has been looked at, and then the feed at `now`. */
  look(now: number): void {
    for (;;) {
      const round = this.#rounds[this.#next];
      if (round === undefined || round.updatedAt >= now) break;
      this.#next++;
      if (this.#feed.rounds.length === 0) {
        this.#feed.start(round, round.updatedAt + REACTION);
        continue;
      }
      this.#feed.rounds.push(round);
      this.#feed.update(round.updatedAt + REACTION);
    }
    if (this.#feed.rounds.length === 0) return;
    this.#feed.update(now);
    const reading = this.#feed.see(now);
    if (!isSame(this.price, reading)) this.price = toPrice(reading);
  }

  isUnsettled(now: number): boolean {
    return this.#feed.halted || now < this.#feed.graceUntil;
  }
}

function toPrice({ last, spread, refusal, settling, updatedAt }: Reading): Price {
  return { last, spread: BigInt(spread), refusal, settling, dead: false, updatedAt: BigInt(updatedAt) };
}

function isSame(price: Price, reading: Reading): boolean {
  return (
    price.last === reading.last &&
    price.refusal === reading.refusal &&
    price.settling === reading.settling &&
    price.updatedAt === BigInt(reading.updatedAt)
  );
}
