/** What the pool's providers and their prices wait for. */
import type { Checkpoint, Fulfill, PoolDuty, WatchSource } from "./actions.ts";
import type { BatchState, KeeperState, QueueState } from "./state.ts";

/** The anchor of a share's price moves once a day, s, as in ShareFeed.sol. */
export const CHECKPOINT_INTERVAL = 86_400n;
/** Half of the time after which sources that nobody has compared count as unwatched, s, as in PriceOracleExtension.sol. */
export const WATCH_INTERVAL = 3_600n;
/** How much newer than the last request of a batch its prices must be, s, as in ILiquidityPool.sol. */
export const PRICE_DELAY = 240n;

export function poolOf(state: KeeperState): (Fulfill | Checkpoint | WatchSource)[] {
  return [...fulfillmentsOf(state), ...checkpointsOf(state), ...watchesOf(state)];
}

/** Half of its life, so that a failure leaves time for more tries. */
export function markOf({ mark, time }: KeeperState): PoolDuty[] {
  return time >= mark.time + mark.maxAge / 2n ? [{ kind: "markPool" }] : [];
}

/** All batches that are matured, in one. */
function fulfillmentsOf({ queue, time }: KeeperState): Fulfill[] {
  const { batches, valuation } = queue;
  if (!valuation.live || valuation.blocked || valuation.equity < 0n) return [];
  const matured = batches.filter((batch) => isMatured(batch, queue, time));
  const last = matured.at(-1);
  const pays = matured.some(({ deposits, redemptions }) => deposits || (redemptions && valuation.redeemable > 0n));
  return last === undefined || !pays ? [] : [{ kind: "fulfill", lastBatch: last.batch }];
}

function isMatured({ maturesAt, closesAt }: BatchState, { valuation }: QueueState, time: bigint): boolean {
  const { oldest } = valuation;
  return time >= maturesAt && (oldest === undefined || oldest > closesAt + PRICE_DELAY);
}

function checkpointsOf({ shareFeeds, time }: KeeperState): Checkpoint[] {
  return shareFeeds
    .filter(({ anchoredAt }) => time >= anchoredAt + CHECKPOINT_INTERVAL)
    .map(({ feed }) => ({ kind: "checkpoint", feed }));
}

function watchesOf({ feeds, time }: KeeperState): WatchSource[] {
  return feeds
    .filter(({ watchedAt, price }) => {
      return watchedAt !== undefined && time >= watchedAt + WATCH_INTERVAL && price.refusal === "None";
    })
    .map(({ asset }) => ({ kind: "watchSource", asset }));
}
