/** Prices that everything else depends on: what the oracle has stored follows its feeds, and a walk is told from a jump. */
import { abs } from "../../model/fixed.ts";
import type { Round } from "../rounds.ts";
import type { Advance, Update } from "./actions.ts";
import type { FeedState, KeeperState, Settings } from "./state.ts";

/** A jump must have lasted so long, and so many rounds must have followed, as in PriceOracleExtension.sol. */
const HALT_TIME = 600n;
const HALT_ROUNDS = 2n;
const PPM = 1_000_000n;

export function pricesOf(state: KeeperState, settings: Settings): (Advance | Update)[] {
  return [...state.feeds.flatMap((feed) => advanceOf(feed, state.time)), ...updatesOf(state, settings)];
}

/** Steps that show that a price has walked and not jumped. */
function advanceOf(feed: FeedState, time: bigint): Advance[] {
  const { asset, price, latest, stored, halt, jump, steps } = feed;
  if (latest === undefined || time < (halt?.vetoedUntil ?? 0n)) return [];
  if (isHalfWay(feed)) return steps.length === 0 ? [] : [{ kind: "advance", asset, rounds: [latest.id] }];
  const jumped = price.refusal === "Jump" || price.refusal === "Halted";
  if (!jumped || isNear(latest.answer, stored.price, jump)) return []; // an update ends the halt
  const rounds = pathOf({ from: stored.price, steps, jump });
  return rounds === undefined || rounds.length === 0 ? [] : [{ kind: "advance", asset, rounds }];
}

/**
 * Half way to a jump: a stored price that stays behind makes one out of two small moves. An update would do the same: it
 * takes the round that is the latest by then, and if that is the second move, records a jump, which halts the asset. So the
 * round is named, where the source has rounds.
 */
function isHalfWay({ price, latest, stored, halt, jump }: FeedState): boolean {
  if (latest === undefined || halt !== undefined || price.refusal !== "None") return false;
  return isNewer(latest, stored) && !isNear(latest.answer, stored.price, jump / 2n);
}

/**
 * The fewest rounds, each within `jump` of the one before, the first of `from`, the last of the latest round. Undefined
 * if there are none. @param steps Ascending; the last is the latest round.
 */
export function pathOf({
  from,
  steps,
  jump,
}: {
  from: bigint;
  steps: readonly Round[];
  jump: bigint;
}): readonly bigint[] | undefined {
  const latest = steps.at(-1);
  if (latest === undefined) return undefined;
  const paths: (readonly bigint[] | undefined)[] = [];
  let best: readonly bigint[] | undefined;
  for (const [place, step] of steps.entries()) {
    let path = isNear(step.answer, from, jump) ? [step.id] : undefined;
    for (let earlier = 0; earlier < place; ++earlier) {
      const shorter = paths[earlier];
      const base = steps[earlier]?.answer ?? 0n;
      if (shorter === undefined || !isNear(step.answer, base, jump)) continue;
      if (path === undefined || shorter.length + 1 < path.length) path = [...shorter, step.id];
    }
    paths.push(path);
    if (path === undefined || !isNear(latest.answer, step.answer, jump)) continue;
    if (best === undefined || path.length < best.length) best = path;
  }
  return best;
}

function updatesOf({ feeds, time }: KeeperState, { refreshAge }: Settings): Update[] {
  const assets = feeds.filter((feed) => needsUpdate(feed, time, refreshAge)).map(({ asset }) => asset);
  return assets.length === 0 ? [] : [{ kind: "update", assets }];
}

function needsUpdate(feed: FeedState, time: bigint, refreshAge: bigint): boolean {
  const { price, latest, stored, halt, jump, steps } = feed;
  if (latest === undefined) return false;
  const newer = isNewer(latest, stored);
  const isBack = isNear(latest.answer, stored.price, jump);
  if (halt !== undefined) {
    if (isBack && (newer || latest.id === stored.round)) return true;
    if (!newer || latest.id === halt.round) return false;
    if (latest.id >> 64n !== halt.round >> 64n || !isNear(latest.answer, halt.candidate, jump)) return true;
    return time >= halt.since + HALT_TIME && time >= halt.vetoedUntil && latest.id >= halt.round + HALT_ROUNDS;
  }
  // A jump is recorded unless steps explain it.
  if (price.refusal === "Jump") return pathOf({ from: stored.price, steps, jump }) === undefined;
  if (price.refusal !== "None" || !newer) return false;
  return isHalfWay(feed) ? steps.length === 0 : time >= stored.checkedAt + refreshAge;
}

function isNewer(latest: Round, stored: FeedState["stored"]): boolean {
  return latest.id > stored.round && latest.updatedAt >= stored.updatedAt;
}

/** @param jump 1e-6 of `base`. */
export function isNear(price: bigint, base: bigint, jump: bigint): boolean {
  return abs(price - base) * PPM <= base * jump;
}
