/** What each event does to the index: the other half of `contracts/libraries/Books.sol` and `Fills.sol`. */
import type { AssetSources } from "./entries.ts";
import type { IndexedEvent } from "./events.ts";
import type { State } from "./State.ts";

/** In place of a token: cash. */
const SETTLEMENT = 255;

type Of<Name extends IndexedEvent["name"]> = Extract<IndexedEvent, { name: Name }>;

/**
 * Takes in one event.
 * @param insurance The insurance account: what it keeps is seized collateral, whose proceeds are not its cash.
 */
export function applyEvent(state: State, event: IndexedEvent, insurance: string): void {
  switch (event.name) {
    case "Fill":
      fill(state, event);
      return;
    case "Credited":
      add(state, event.account, event.token, event.amount);
      return;
    case "Debited":
      add(state, event.account, event.token, -event.amount);
      return;
    case "Transferred":
      add(state, event.from, event.token, -event.amount);
      add(state, event.to, event.token, event.amount);
      return;
    case "OrderClosed":
      // One after the other, as on the chain: a debt in between is one.
      state.addCash(event.account, event.released);
      state.addCash(event.payTo, event.pay);
      return;
    case "KeeperPaid":
      state.addCash(event.from, -event.amount);
      state.addCash(event.to, event.amount);
      return;
    case "Liquidated":
      state.addCash(event.account, -(event.penalty + event.discount));
      state.addCash(event.liquidator, event.discount + event.reward);
      return;
    case "CollateralSold":
      collateralSold(state, event, insurance);
      return;
    case "LossRealised":
      lossRealised(state, event);
      return;
    case "PositionsClosed":
      positionsClosed(state, event);
      return;
    case "DeficitBooked":
      // It has nothing left by then, and its debt is forgiven.
      state.empty(event.account);
      return;
    case "Insolvent":
      state.setInsolvent(event.account, true);
      return;
    case "InsolvencyCleared":
      state.setInsolvent(event.account, false);
      return;
    case "CollateralSeized":
      state.addCollateral(event.account, event.token, -event.amount);
      state.addCollateral(insurance, event.token, event.amount);
      state.addCash(event.account, event.paid);
      return;
    case "CashMoved":
      state.addCash(event.account, event.amount);
      return;
    case "SideTouched":
      state.touchSide(event.asset, event.long);
      return;
    case "MarketClosed":
      state.touchSide(event.asset, true);
      state.touchSide(event.asset, false);
      return;
    case "OrderSubmitted":
      state.addCash(event.account, -event.escrow);
      state.putOrder(event);
      return;
    case "OrderEnded":
      state.removeOrder(event.account, event.sequence);
      return;
    case "TriggerSubmitted":
      state.putTrigger(event);
      return;
    case "TriggerEnded":
      state.removeTrigger(event.account, event.sequence);
      return;
    case "BatchOpened":
      state.putBatch({ ...event, assets: 0n, shares: 0n });
      return;
    case "BatchMoved":
      batchMoved(state, event);
      return;
    case "FeedListed":
    case "FeedConfigured":
    case "SourceProposed":
    case "SourceAdopted":
    case "SettlementSet":
      state.putSources(sourcesAfter(state.sources.get(event.asset), event));
      return;
  }
}

function add(state: State, account: string, token: number, delta: bigint): void {
  if (token === SETTLEMENT) state.addCash(account, delta);
  else state.addCollateral(account, token, delta);
}

/** s' = s + Δ, q' = q − N − realised, c' = c + realised − fee: `Fills.book`. */
function fill(state: State, { account, asset, delta, quote, realised, fee }: Of<"Fill">): void {
  const before = state.positionOf(account, asset);
  const size = before.size + delta;
  state.setPosition(account, asset, { size, quote: before.quote - quote - realised });
  state.addCash(account, realised - fee);
  if (state.isTouched(asset, before.size) || state.isTouched(asset, size)) state.doubt(account);
}

function collateralSold(
  state: State,
  { account, buyer, token, amount, proceeds }: Of<"CollateralSold">,
  insurance: string,
): void {
  state.addCollateral(account, token, -amount);
  state.addCollateral(buyer, token, amount);
  state.addCash(buyer, -proceeds);
  if (account !== insurance) state.addCash(account, proceeds);
}

function lossRealised(state: State, { account, asset, loss }: Of<"LossRealised">): void {
  const { size, quote } = state.positionOf(account, asset);
  state.setPosition(account, asset, { size, quote: quote + loss });
  state.addCash(account, -loss);
  if (state.isTouched(asset, size)) state.doubt(account);
}

function positionsClosed(state: State, { account, assets, value }: Of<"PositionsClosed">): void {
  for (let asset = 0, left = assets; left !== 0n; ++asset, left >>= 1n) {
    if ((left & 1n) !== 0n) state.setPosition(account, asset, { size: 0n, quote: 0n });
  }
  state.addCash(account, value);
}

type SourceEvent = Of<"FeedListed" | "FeedConfigured" | "SourceProposed" | "SourceAdopted" | "SettlementSet">;

/** A change of what orders settle by leaves what they did before; limits, of which the window is one, hold at once. */
function sourcesAfter(known: AssetSources | undefined, event: SourceEvent): AssetSources {
  const none = { source: undefined, settlement: undefined, proposed: undefined, former: undefined };
  const before = known ?? { asset: event.asset, ...none };
  const { source, settlement, proposed } = before;
  switch (event.name) {
    case "FeedListed":
      return { ...before, source: { proxy: event.proxy, kind: event.kind, window: event.window } };
    case "FeedConfigured":
      return source === undefined ? before : { ...before, source: { ...source, window: event.window } };
    case "SourceProposed":
      return { ...before, proposed: { proxy: event.proxy, kind: event.kind, window: event.window } };
    case "SourceAdopted":
      return { ...before, source: proposed, proposed: undefined, former: { source, settlement } };
    case "SettlementSet": {
      const { stream, window } = event;
      const after = BigInt(stream) === 0n ? undefined : { stream, window };
      return { ...before, settlement: after, former: { source, settlement } };
    }
  }
}

function batchMoved(state: State, { batch, assets, shares }: Of<"BatchMoved">): void {
  const before = state.batches.get(batch) ?? { batch, closesAt: 0n, maturesAt: 0n, assets: 0n, shares: 0n };
  const after = { ...before, assets: before.assets + assets, shares: before.shares + shares };
  if (after.assets === 0n && after.shares === 0n) state.removeBatch(batch);
  else state.putBatch(after);
}
