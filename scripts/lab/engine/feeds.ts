/** What the oracle makes of the rounds of a scenario: prices, conditions, and what orders settle at. */
import { GuardedFeed } from "../../history/guards.ts";
import { livePrice, lowDown, type Price } from "../../model/price.ts";
import { ScenarioError } from "./errors.ts";
import type { Conditions, Fault, PricePath, Round, Scenario } from "./types.ts";
import { START, type World } from "./world.ts";
import { WAD } from "../../model/fixed.ts";

const FACTOR_UNIT = 1_000_000;
/** What nobody holds has a price too. */
const UNPRICED = WAD;

interface Feed {
  readonly guard: GuardedFeed;
  readonly rounds: readonly Round[];
  /** Of the rounds, how many have come. */
  seen: number;
}

export class Feeds {
  readonly #world: World;
  readonly #feeds: readonly (Feed | undefined)[];
  readonly #faults: readonly Fault[];

  constructor(world: World, { paths, faults }: Pick<Scenario, "paths" | "faults">) {
    this.#world = world;
    this.#faults = faults;
    const haltGrace = Number(world.parameters.environment.haltGrace);
    this.#feeds = world.feeds.map(({ limits }, asset) => {
      const path = paths.find((candidate) => candidate.asset === asset);
      if (path === undefined) return undefined;
      const rounds = arriving(path, faults);
      const guard = new GuardedFeed(limits, haltGrace);
      const [first] = rounds;
      if (first?.at !== 0) throw new ScenarioError(`the path of asset ${String(asset)} does not begin at 0`);
      guard.start({ price: first.price, updatedAt: Number(START) }, Number(START));
      return { guard, rounds, seen: 1 };
    });
  }

  /** Lets the rounds until `at` arrive. @param isWatched Whether keepers have the oracle look at each of them. */
  arrive(at: number, { isWatched }: { isWatched: boolean }): void {
    const now = Number(START) + at;
    for (const feed of this.#feeds) {
      if (feed === undefined) continue;
      for (let round = feed.rounds[feed.seen]; round !== undefined && round.at <= at;) {
        feed.guard.rounds.push({ price: round.price, updatedAt: Number(START) + round.at });
        round = feed.rounds[++feed.seen];
      }
      if (isWatched) {
        if (!feed.guard.halted) feed.guard.advance(now);
        feed.guard.update(now);
      }
    }
  }

  /** Prices of all assets as a reader gets them. */
  pricesAt(at: number): Price[] {
    const now = Number(START) + at;
    return this.#feeds.map((feed, asset): Price => {
      if (feed === undefined) return livePrice(UNPRICED, START);
      const { last, spread, refusal, settling, updatedAt } = feed.guard.see(now);
      const dead = now - updatedAt > (this.#world.feeds[asset]?.deadAfter ?? Infinity);
      return { last, spread: BigInt(spread), refusal, settling, dead, updatedAt: BigInt(updatedAt) };
    });
  }

  conditionsAt(at: number, prices: readonly Price[]): Conditions {
    const { pegAsset, pegLow, pegHigh, sequencerGrace } = this.#world.parameters.environment;
    const downs = this.#faults.filter(({ kind }) => kind === "sequencerDown");
    const sequencerUp = !downs.some(({ from, until }) => at >= from && at < until);
    const sequencerSettled = !downs.some(({ from, until }) => at >= from && at < until + Number(sequencerGrace));
    const peg = prices[Number(pegAsset)];
    if (peg === undefined) throw new ScenarioError("the settlement token has no feed");
    const live = peg.refusal === "None";
    return {
      sequencerUp,
      sequencerSettled,
      pegHeld: live && peg.last >= pegLow && peg.last <= pegHigh,
      settlementPrice: live ? peg.last : lowDown(peg),
    };
  }

  /**
   * What an order with boundary `boundary` settles at: by a stream the price of that second, else the first round after it.
   * Undefined while there is none; void where it comes too late, or is a jump from the accepted price.
   */
  settlementOf(asset: number, boundary: number, at: number): bigint | "void" | undefined {
    const feed = this.#feeds[asset];
    const terms = this.#world.feeds[asset];
    if (feed === undefined || terms === undefined) throw new ScenarioError(`no path of asset ${String(asset)}`);
    const round = terms.isStreamed ? this.#reported(feed, asset, boundary) : after(feed.rounds, boundary);
    if (round === "void") return at > boundary + terms.window ? "void" : undefined;
    if (round === undefined || round.at > at) return at > boundary + terms.window ? "void" : undefined;
    if (!terms.isStreamed && round.at > boundary + terms.window) return "void";
    const accepted = feed.guard.see(Number(START) + at).last;
    return feed.guard.isNear(accepted, round.price) ? round.price : "void";
  }

  /** The first round of an asset after `since` that has come by `at`. */
  roundAfter(asset: number, since: number, at: number): Round | undefined {
    const round = after(this.#feeds[asset]?.rounds ?? [], since);
    return round === undefined || round.at > at ? undefined : round;
  }

  /** A stream is down where its feed is. */
  #reported(feed: Feed, asset: number, boundary: number): Round | "void" | undefined {
    const down = this.#faults.some(
      (fault) =>
        fault.kind === "feedStale" && fault.asset === asset && boundary >= fault.from && boundary < fault.until,
    );
    return down ? "void" : before(feed.rounds, boundary);
  }
}

/** The rounds as they arrive in spite of the faults of their feed. */
function arriving({ asset, rounds }: PricePath, faults: readonly Fault[]): readonly Round[] {
  return rounds.flatMap((round, index) => {
    if (index === 0) return [round];
    const during = (fault: Fault): boolean => round.at >= fault.from && round.at < fault.until;
    const own = faults.filter((fault) => "asset" in fault && fault.asset === asset && during(fault));
    if (own.some(({ kind }) => kind === "feedStale")) return [];
    const factor = own.reduce((product, fault) => (fault.kind === "feedScaled" ? product * fault.factor : product), 1);
    return [{ at: round.at, price: (round.price * BigInt(Math.round(factor * FACTOR_UNIT))) / BigInt(FACTOR_UNIT) }];
  });
}

function after(rounds: readonly Round[], time: number): Round | undefined {
  return rounds[countUntil(rounds, time)];
}

function before(rounds: readonly Round[], time: number): Round | undefined {
  return rounds[countUntil(rounds, time) - 1];
}

/** How many rounds there are at or before a time. */
function countUntil(rounds: readonly Round[], time: number): number {
  let [low, high] = [0, rounds.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rounds[middle]?.at ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}
