/** The crowded side: markets that are to be deleveraged or closed, and the pool's insolvency. */
import { type DeleveragingState, isOverSkewed, neededFraction } from "../../model/deleverage.ts";
import { isLiquidatable } from "../../model/price.ts";
import { cutProfits } from "../../model/profitCut.ts";
import type { CloseMarket, Deleverage, FlagDeleveraging, PoolDuty } from "./actions.ts";
import type { KeeperState, MarketState } from "./state.ts";

/** A flag that nobody could prove a round for is dropped after so long, s, as in Deleveraging.sol. */
export const FLAG_PATIENCE = 86_400n;
/** Without any proof of a final round a market closes so much later, s, as there. */
export const CLOSING_PATIENCE = 604_800n;

type MarketDeed = FlagDeleveraging | Deleverage | CloseMarket;

export function deleveragingOf(state: KeeperState): (MarketDeed | PoolDuty)[] {
  const { markets, pool, terms } = state;
  const cut = cutProfits(pool, terms);
  const rescues =
    cut === undefined || (cut.fromInsurance === 0n && cut.cut === 0n) ? [] : [{ kind: "cutProfits" } as const];
  return [...markets.flatMap((market): MarketDeed[] => marketDeedOf(market, state)), ...rescues];
}

function marketDeedOf(market: MarketState, state: KeeperState): MarketDeed[] {
  const { asset, status, flaggedAt, closesAt } = market;
  if (closesAt !== 0n) {
    if (status !== "Closing" || state.time <= closesAt) return [];
    const proof = proofOf(market, state.time > closesAt + CLOSING_PATIENCE);
    return proof === undefined ? [] : [{ kind: "closeMarket", asset, ...proof }];
  }
  if (flaggedAt !== 0n) {
    const proof = proofOf(market, state.time > flaggedAt + FLAG_PATIENCE);
    return proof === undefined ? [] : [{ kind: "deleverage", asset, ...proof }];
  }
  return isDue(market, state) ? [{ kind: "flagDeleveraging", asset }] : [];
}

/** The hint of its round; `overdue`: none is needed any more. */
function proofOf({ settlement }: MarketState, overdue: boolean): Pick<Deleverage, "hint" | "report"> | undefined {
  if (overdue) return { hint: { round: 0n, before: 0n }, report: undefined };
  if (settlement === undefined || settlement.kind === "waiting" || settlement.kind === "unprovable") return undefined;
  return { hint: settlement.hint, report: settlement.report };
}

/** To be flagged, or |S| has come over its hard cap or back without its being recorded. */
function isDue({ asset, overSince }: MarketState, { pool, terms, time }: KeeperState): boolean {
  const market = pool.markets.find((candidate) => candidate.asset === asset);
  if (market === undefined || !isLiquidatable(market.price)) return false;
  const isRecorded = overSince !== 0n;
  const isOver = isOverSkewed(market);
  if (isOver !== isRecorded) return true;
  const state: DeleveragingState = { ...terms, pool, time, overSince: isRecorded ? overSince : undefined };
  return neededFraction(state, asset).fraction !== 0n;
}
