/** The books of the clearing house as the model keeps them, action by action. */
import { PlimsollError } from "../deploy/PlimsollError.ts";
import { convert, type Conversion, type ConversionRefusal } from "./convert.ts";
import { type Bucket, EMPTY_BUCKET, roomDown, takeFromInsurance, UNATTRIBUTED } from "./deficit.ts";
import {
  deleverage,
  type Former,
  formerPosition,
  isOverSkewed,
  keptFormer,
  neededFraction,
  revaluedPool,
  type Trigger,
} from "./deleverage.ts";
import { fill, moveCash, splitFees } from "./fill.ts";
import { abs, max, min, mulDivUp, PPM, WAD } from "./fixed.ts";
import { accrued, type Funding, NO_FUNDING, steered, withIndexed } from "./funding.ts";
import { accruedDebts, type Debts, debtUp, lentDown, storedShares } from "./interest.ts";
import {
  type Basket,
  type LiquidationOutcome,
  liquidate,
  type LiquidationState,
  proceedsUp,
  type Reduction,
  type Sale,
} from "./liquidation.ts";
import { ESCROW_UNIT } from "./orders.ts";
import type {
  CollateralParameters,
  GlobalParameters,
  GroupParameters,
  MarketStatus,
  MoneyParameters,
  RiskParameters,
  SizeParameters,
  TradeParameters,
} from "./parameters.ts";
import { type PoolMarket, type PoolState, type PoolValue, redeemableDown, valuePool } from "./pool.ts";
import type { Price } from "./price.ts";
import { cutProfits } from "./profitCut.ts";
import { realise } from "./realise.ts";
import { assess, type Exposure, type Terms } from "./risk.ts";
import { SEIZURE_DELAY, seizedPriceUp } from "./seizure.ts";
import {
  emptySide,
  moveSide,
  NO_POSITION,
  readPosition,
  type ReadPosition,
  type Side,
  skewOf,
  type StoredPosition,
  storePosition,
} from "./sideIndex.ts";
import { takeOver } from "./takeOver.ts";
import type { MarketWatch } from "./watch.ts";
import { CLOSING_NOTICE, closeMarket } from "./windDown.ts";

/** Of every feed of the driver. */
const DRIVER_PHASE = 3n;
/** Without a proof a flag is dropped, and a market that is wound down is closed at its last price; seconds. */
const FLAG_PATIENCE = 86_400n;
const CLOSING_PATIENCE = 604_800n;

export interface Asset {
  readonly risk: RiskParameters;
  readonly sizes: SizeParameters;
  readonly trade: TradeParameters;
}

export interface Leg {
  readonly asset: number;
  readonly delta: bigint;
  readonly price: bigint;
}

/** What the driver's oracle answers to a request for a settlement price; void without one. */
export type Settlement = bigint | undefined;

/** What a pending order holds. */
export interface Escrow {
  /** For whoever ends it, WAD. */
  readonly pay: bigint;
  /** Forfeited by a cancellation, WAD. */
  readonly charge: bigint;
  readonly reduceOnly: boolean;
  /** It holds no charge, and allows no other order beside it. */
  readonly exclusive: boolean;
}

export class Account {
  /** Not negative. */
  cash = 0n;
  /** Of debt. */
  shares = 0n;
  /** Unix seconds; 0 while it has not been found insolvent. */
  insolventSince = 0n;
  /** By asset. */
  readonly positions = new Map<number, StoredPosition>();
  /** By token. */
  readonly collateral = new Map<number, bigint>();
  /** Orders ever submitted, triggers included. */
  sequence = 0n;
  /** That are pending, by sequence. */
  readonly orders = new Map<bigint, Escrow>();

  /** What its pending orders hold, WAD: apart from cash, but its own until they end. */
  get escrow(): bigint {
    return [...this.orders.values()].reduce((sum, { pay, charge }) => sum + pay + charge, 0n);
  }

  positionOf(asset: number): StoredPosition {
    return this.positions.get(asset) ?? NO_POSITION;
  }

  collateralOf(token: number): bigint {
    return this.collateral.get(token) ?? 0n;
  }
}

class Market {
  long = emptySide(true);
  short = emptySide(false);
  funding: Funding;
  watch: MarketWatch = {
    overSince: 0n,
    flaggedAt: 0n,
    phase: 0n,
    trigger: "None",
    graceUntil: 0n,
    closesAt: 0n,
    formerEpoch: 0n,
    formerCuts: 0n,
    formerLong: false,
  };
  former: Former | undefined;

  constructor(listedAt: bigint) {
    this.funding = { ...NO_FUNDING, time: listedAt };
  }

  sideOf(size: bigint): Side {
    return size > 0n ? this.long : this.short;
  }

  put(side: Side): void {
    if (side.long) this.long = side;
    else this.short = side;
  }

  get isOpen(): boolean {
    return this.long.units + this.short.units !== 0n;
  }
}

/** Changes of the balances within one transaction, written at its end. Mirrors `Flow`. */
class Flow {
  base = 0n;
  shares = 0n;
  insurance = 0n;
  protocolFees = 0n;
}

/** An account in the middle of an action. */
interface Open {
  readonly account: Account;
  readonly flow: Flow;
  readonly now: bigint;
  cash: bigint;
  readonly exposures: readonly Exposure[];
}

/** All amounts WAD, all times unix seconds. Every action assumes that the contract accepted it, but where it returns a
 * refusal. */
export class Books {
  base = 0n;
  debts: Debts;
  insurance = 0n;
  protocolFees = 0n;
  closedValue = 0n;
  seizedOwed = 0n;
  /** Borne by the pool so far: deficits beyond insurance, seized collateral that sold too low. */
  uncoveredDeficits = 0n;
  pendingLosses = 0n;
  mark = 0n;
  markTime: bigint;
  /** Settlement tokens deposited, less those withdrawn. */
  paidIn = 0n;
  readonly accounts: readonly Account[];
  /** Of the insurance fund; holds seized collateral. */
  readonly fund = new Account();
  readonly assets: Asset[];
  readonly tokens: readonly CollateralParameters[];
  readonly prices: Price[];
  readonly globals: GlobalParameters;
  readonly groups: GroupParameters;
  readonly money: MoneyParameters;
  readonly markets: readonly Market[];
  readonly phase: bigint;
  readonly buckets = new Map<number, Bucket>();
  /** By token: what the pool has advanced, and when the last of it came. */
  readonly seizures = new Map<number, { owed: bigint; since: bigint }>();

  constructor(parameters: {
    accounts: number;
    assets: readonly Asset[];
    tokens: readonly CollateralParameters[];
    prices: readonly Price[];
    globals: GlobalParameters;
    groups: GroupParameters;
    money: MoneyParameters;
    deployedAt: bigint;
    listedAt: bigint;
    /** Of every feed; the driver's by default. */
    phase?: bigint;
  }) {
    this.accounts = Array.from({ length: parameters.accounts }, () => new Account());
    this.assets = [...parameters.assets];
    this.tokens = parameters.tokens;
    this.prices = [...parameters.prices];
    this.globals = parameters.globals;
    this.groups = parameters.groups;
    this.money = parameters.money;
    this.markets = parameters.assets.map(() => new Market(parameters.listedAt));
    this.debts = { shares: 0n, index: WAD, time: parameters.deployedAt };
    this.markTime = parameters.deployedAt;
    this.phase = parameters.phase ?? DRIVER_PHASE;
  }

  account(index: number): Account {
    return found(this.accounts[index]);
  }

  market(asset: number): Market {
    return found(this.markets[asset]);
  }

  statusOf(asset: number): MarketStatus {
    return found(this.assets[asset]).sizes.status;
  }

  flaggedMarkets(): bigint {
    return BigInt(this.markets.filter(({ watch }) => watch.flaggedAt !== 0n).length);
  }

  // ---------------------------------------------------------------- reading

  debtIndex(now: bigint): bigint {
    return this.#debtsAt(now).index;
  }

  cashOf(account: Account, now: bigint): bigint {
    return account.shares === 0n ? account.cash : -debtUp(account.shares, this.debtIndex(now));
  }

  /** An account's exposures in ascending order of assets, positions of closed sides left out. */
  exposuresOf(account: Account, now: bigint): Exposure[] {
    return this.assets.flatMap((_, asset) => {
      if (!this.#isHeld(account, asset)) return [];
      const exposure = this.exposureOf(account, asset, now);
      return exposure.size === 0n && exposure.collateral === 0n ? [] : [exposure];
    });
  }

  /** A position of a closed side has no size and no quote. */
  exposureOf(account: Account, asset: number, now: bigint): Exposure {
    const { size, quote } = this.#read(account, asset, now);
    const position = size === 0n ? { size, quote: 0n } : { size, quote };
    return { ...this.#frameOf(account, asset, now), ...position };
  }

  /** Cash with what positions of closed sides have become, and the rest of the account. */
  standingOf(account: Account, now: bigint): { cash: bigint; exposures: readonly Exposure[] } {
    const closed = this.#closedOf(account).reduce((sum, { value }) => sum + value, 0n);
    return { cash: this.cashOf(account, now) + closed, exposures: this.exposuresOf(account, now) };
  }

  skewOf(asset: number): bigint {
    return skewOf(this.market(asset));
  }

  poolState(now: bigint): PoolState {
    const markets = this.assets.flatMap((_, asset): PoolMarket[] => {
      const { isOpen, long, short } = this.market(asset);
      return isOpen ? [{ ...this.#frameOf(new Account(), asset, now), long, short }] : [];
    });
    return { base: this.base, lent: lentDown(this.#debtsAt(now)), closedValue: this.closedValue, markets };
  }

  poolValue(now: bigint): PoolValue & { redeemable: bigint; blocked: boolean } {
    const pool = this.poolState(now);
    const blocked = this.pendingLosses !== 0n || this.flaggedMarkets() !== 0n || this.seizedOwed !== 0n;
    return { ...valuePool(pool), redeemable: redeemableDown(pool, { groups: this.groups, time: now }), blocked };
  }

  roomOf(market: number, now: bigint): bigint {
    return roomDown(this.#bucketOf(market), { cap: this.#capOf(market), now });
  }

  // ---------------------------------------------------------------- money

  deposit(account: Account, amount: bigint, now: bigint): void {
    this.#pay(account, amount, now);
    this.paidIn += amount;
  }

  withdraw(account: Account, amount: bigint, now: bigint): void {
    this.#pay(account, -amount, now);
    this.paidIn -= amount;
  }

  addCollateral(account: Account, token: number, amount: bigint): void {
    account.collateral.set(token, account.collateralOf(token) + amount);
  }

  /** @param amount Negative: drains. */
  fundPool(account: Account, amount: bigint, now: bigint): void {
    this.#pay(account, -amount, now, (flow) => {
      flow.base += amount;
    });
    this.markPool(now);
  }

  /** @param amount Negative: drains. */
  fundInsurance(account: Account, amount: bigint, now: bigint): void {
    this.#pay(account, -amount, now, (flow) => {
      flow.insurance += amount;
    });
  }

  markPool(now: bigint): void {
    this.mark = this.poolValue(now).equity;
    this.markTime = now;
  }

  // ---------------------------------------------------------------- trading

  /** Submits an order and executes it, as the driver does. */
  trade(account: Account, legs: readonly Leg[], { reduceOnly, now }: { reduceOnly: boolean; now: bigint }): void {
    const sequence = this.openOrder(account, legs, { pay: 0n, reduceOnly, now });
    this.executeOrder(account, { sequence, legs, payTo: account, pay: 0n, now });
  }

  /** What orders are charged for a cancellation: taker fees at the prices of the legs, WAD, rounded up to `ESCROW_UNIT`. */
  cancelChargeUp(legs: readonly Leg[]): bigint {
    const fees = legs.map(({ asset, delta, price }) =>
      mulDivUp(abs(delta) * price, found(this.assets[asset]).trade.takerFee, PPM * WAD),
    );
    return (
      mulDivUp(
        fees.reduce((sum, fee) => sum + fee, 0n),
        1n,
        ESCROW_UNIT,
      ) * ESCROW_UNIT
    );
  }

  /** Puts an order's pay and charge into escrow; one that only reduces goes without the charge where cash does not
   * suffice. Returns its sequence. */
  openOrder(
    account: Account,
    legs: readonly Leg[],
    { pay, reduceOnly, now }: { pay: bigint; reduceOnly: boolean; now: bigint },
  ): bigint {
    const due = this.cancelChargeUp(legs);
    const exclusive = reduceOnly && this.cashOf(account, now) < pay + due;
    const charge = exclusive ? 0n : due;
    this.#pay(account, -(pay + charge), now);
    account.orders.set(account.sequence, { pay, charge, reduceOnly, exclusive });
    return account.sequence++;
  }

  /** Fills a pending order at the prices of `legs`; what of its escrow does not pay for that comes back first. */
  executeOrder(
    account: Account,
    {
      sequence,
      legs,
      payTo,
      pay,
      now,
    }: { sequence: bigint; legs: readonly Leg[]; payTo: Account; pay: bigint; now: bigint },
  ): void {
    const order = takeOrder(account, sequence);
    const open = this.#open(account, now, { released: order.pay + order.charge - pay });
    let fees = 0n;
    for (const { asset, delta: wanted, price } of legs) {
      const before = this.exposureOf(account, asset, now);
      const delta = order.reduceOnly && abs(wanted) > abs(before.size) ? -before.size : wanted;
      const filled = fill({ exposure: before, delta, price, skew: this.skewOf(asset) });
      this.#write(account, filled.exposure);
      this.market(asset).funding = filled.exposure.funding;
      open.flow.base -= filled.realised;
      this.#move(open, filled.realised - filled.fee);
      fees += filled.fee;
    }
    this.#takeFees(open.flow, fees);
    this.#store(open);
    this.#payWithin(open, payTo, pay);
    this.#flush(open.flow, now);
  }

  /** Ends a pending order without a fill. @param forfeited To the pool, WAD. */
  closeOrder(
    account: Account,
    {
      sequence,
      payTo,
      pay,
      forfeited,
      now,
    }: { sequence: bigint; payTo: Account; pay: bigint; forfeited: bigint; now: bigint },
  ): void {
    const order = takeOrder(account, sequence);
    const flow = new Flow();
    flow.base += forfeited;
    this.#payWithin({ flow, now }, account, order.pay + order.charge - pay - forfeited);
    this.#payWithin({ flow, now }, payTo, pay);
    this.#flush(flow, now);
  }

  /** Takes the number of an order for a trigger, and returns it. */
  reserveSequence(account: Account): bigint {
    return account.sequence++;
  }

  /** Pays whoever pokes a trigger. */
  payKeeper(from: Account, to: Account, amount: bigint, now: bigint): void {
    const flow = new Flow();
    this.#payWithin({ flow, now }, from, -amount);
    this.#payWithin({ flow, now }, to, amount);
    this.#flush(flow, now);
  }

  // ---------------------------------------------------------------- liquidation

  liquidationState(account: Account, options: { now: bigint; settlementPrice: bigint }): LiquidationState {
    const { now } = options;
    const { cash, exposures } = this.standingOf(account, now);
    const exposuresBefore = this.#exposuresBefore(account, exposures, now);
    const markets = [UNATTRIBUTED, ...this.assets.keys()];
    return {
      exposures,
      cash,
      escrow: account.escrow,
      hasPendingOrder: account.orders.size !== 0,
      holdings: this.tokens.map((parameters, token) => ({ token, amount: account.collateralOf(token), parameters })),
      skews: new Map(exposures.map(({ asset }) => [asset, this.skewOf(asset)])),
      globals: this.globals,
      groups: this.groups,
      money: this.money,
      time: now,
      settlementPrice: options.settlementPrice,
      insurance: this.insurance,
      insuranceRooms: new Map(markets.map((market) => [market, this.roomOf(market, now)])),
      ...(exposuresBefore === undefined ? {} : { exposuresBefore }),
    };
  }

  /** Carries a basket out and returns what the model says about it; nothing changes where it is refused. */
  liquidate(
    account: Account,
    basket: Basket,
    options: { liquidator: Account; now: bigint; settlementPrice: bigint },
  ): LiquidationOutcome {
    const outcome = liquidate(this.liquidationState(account, options), basket);
    if (outcome.refusal !== undefined) return outcome;
    const { liquidator, now } = options;
    const open = this.#open(account, now);
    for (const { asset } of basket.reductions) {
      const exposure = found(outcome.exposures.find((candidate) => candidate.asset === asset));
      this.#write(account, exposure);
      this.market(asset).funding = exposure.funding;
    }
    for (const sale of basket.sales) this.#passCollateral(account, liquidator, sale);
    this.#settle(open, outcome);
    this.#payWithin(open, liquidator, -outcome.proceeds);
    this.#payWithin(open, liquidator, outcome.discount + outcome.reward);
    this.#flush(open.flow, now);
    return outcome;
  }

  /** The same for a takeover. */
  takeOver(
    account: Account,
    legs: readonly Reduction[],
    options: { taker: Account; now: bigint; settlementPrice: bigint },
  ): LiquidationOutcome {
    const { taker, now } = options;
    const standing = this.standingOf(taker, now);
    const held = new Set(standing.exposures.map(({ asset }) => asset));
    const missing = legs.map(({ asset }) => asset).filter((asset) => !held.has(asset));
    const exposures = [...standing.exposures, ...missing.map((asset) => this.exposureOf(taker, asset, now))];
    const state = this.liquidationState(account, options);
    const { outcome, ...done } = takeOver(state, legs, { exposures, cash: standing.cash });
    if (outcome.refusal !== undefined) return outcome;
    const open = this.#open(account, now);
    const takers = this.#open(taker, now, { flow: open.flow });
    for (const { asset } of legs) {
      this.#write(account, found(outcome.exposures.find((exposure) => exposure.asset === asset)));
      this.#write(taker, found(done.taker.exposures.find((exposure) => exposure.asset === asset)));
    }
    this.#move(takers, done.realised);
    open.flow.base -= done.realised;
    this.#store(takers);
    this.#settle(open, outcome);
    this.#payWithin(open, taker, outcome.discount + outcome.reward);
    this.#flush(open.flow, now);
    return outcome;
  }

  // ---------------------------------------------------------------- waterfall

  convert(
    account: Account,
    sales: readonly Sale[],
    options: { buyer: Account; now: bigint; settlementPrice: bigint },
  ): Conversion | ConversionRefusal {
    const conversion = convert(this.liquidationState(account, options), sales);
    if (typeof conversion === "string") return conversion;
    const open = this.#open(account, options.now);
    for (const sale of sales) this.#passCollateral(account, options.buyer, sale);
    this.#payWithin(open, options.buyer, -conversion.proceeds);
    this.#move(open, conversion.proceeds);
    this.#close(open);
    return conversion;
  }

  /** Loss that became debt, WAD. */
  realise(account: Account, now: bigint): bigint {
    const open = this.#open(account, now);
    const { exposures, losses, moved } = realise(open.exposures);
    for (const exposure of exposures) if (losses.has(exposure.asset)) this.#write(account, exposure);
    this.#move(open, -moved);
    open.flow.base += moved;
    this.#close(open);
    return moved;
  }

  /** Deficit of an account that has nothing but debt, WAD. */
  settleDeficit(account: Account, now: bigint): bigint {
    const open = this.#open(account, now);
    const deficit = -open.cash;
    this.#bookDeficit(open, UNATTRIBUTED);
    this.#close(open);
    return deficit;
  }

  /** At the better ends, with what pending orders hold. */
  betterTerms(account: Account, now: bigint): Terms {
    const { cash, exposures } = this.standingOf(account, now);
    return assess({ cash: cash + account.escrow, exposures, groups: this.groups, time: now, end: "better" });
  }

  /** E at the better ends, WAD. */
  equityOf(account: Account, now: bigint): bigint {
    return this.betterTerms(account, now).equity;
  }

  /** E ≤ 0 and c + U < 0 at the better ends: whatever it is wound up for, others lose. */
  lacks(account: Account, now: bigint): boolean {
    const { equity, collateralValue } = this.betterTerms(account, now);
    return equity <= 0n && equity < collateralValue;
  }

  flagInsolvent(account: Account, now: bigint): void {
    this.#close(this.#open(account, now));
    this.#flag({ account, now });
  }

  clearInsolvency(account: Account, now: bigint): void {
    this.#close(this.#open(account, now));
    this.#unflag(account);
  }

  isSeizable(account: Account, now: bigint): boolean {
    return account.insolventSince !== 0n && now >= account.insolventSince + SEIZURE_DELAY;
  }

  /** Passes all collateral to insurance and books what is left of the debt; returns that, WAD. */
  seize(account: Account, { now, settlementPrice }: { now: bigint; settlementPrice: bigint }): bigint {
    const open = this.#open(account, now);
    for (const [token, { asset }] of this.tokens.entries()) {
      const amount = account.collateralOf(token);
      if (amount === 0n) continue;
      const price = found(this.prices[asset]);
      const paid = price.dead ? 0n : proceedsUp(amount, { price: price.last, settlementPrice });
      const advanced = max(0n, paid - this.insurance - open.flow.insurance);
      this.#move(open, paid);
      open.flow.insurance -= paid - advanced;
      open.flow.base -= advanced;
      this.#passCollateral(account, this.fund, { token, amount });
      this.seizures.set(token, { owed: this.#seizureOf(token).owed + advanced, since: now });
      this.seizedOwed += advanced;
    }
    const deficit = max(0n, -open.cash);
    if (deficit !== 0n) this.#bookDeficit(open, UNATTRIBUTED);
    this.#unflag(account);
    this.#close(open);
    return deficit;
  }

  buySeized(
    buyer: Account,
    { token, amount }: Sale,
    { now, settlementPrice }: { now: bigint; settlementPrice: bigint },
  ): bigint {
    const { owed, since } = this.#seizureOf(token);
    const price = found(this.prices[found(this.tokens[token]).asset]).last;
    const proceeds = seizedPriceUp(proceedsUp(amount, { price, settlementPrice }), now - since);
    const repaid = min(proceeds, owed);
    this.#pay(buyer, -proceeds, now, (flow) => {
      flow.base += repaid;
      flow.insurance += proceeds - repaid;
    });
    this.#passCollateral(this.fund, buyer, { token, amount });
    // With the last of it sold, what it did not bring is the pool's loss.
    const settled = this.fund.collateralOf(token) === 0n ? owed : repaid;
    this.seizures.set(token, { owed: owed - settled, since });
    this.seizedOwed -= settled;
    this.uncoveredDeficits += settled - repaid;
    return proceeds;
  }

  // ---------------------------------------------------------------- the crowded side

  /** What the market is flagged for; undefined where there is nothing to note. */
  flag(asset: number, now: bigint): Trigger | undefined {
    const market = this.market(asset);
    const pool = this.poolState(now);
    const over = isOverSkewed(found(pool.markets.find((candidate) => candidate.asset === asset)));
    const changed = over !== (market.watch.overSince !== 0n);
    const watch = changed ? { ...market.watch, overSince: over ? now : 0n } : market.watch;
    const { trigger } = this.#needed(pool, { asset, overSince: watch.overSince, now });
    if (trigger === "None" && !changed) return undefined;
    market.watch = trigger === "None" ? watch : { ...watch, flaggedAt: now, phase: this.phase, trigger };
    return trigger;
  }

  /** Size that the crowded side of a flagged market loses, WAD; 0: the flag is dropped. */
  deleverage(asset: number, settlement: Settlement, now: bigint): bigint {
    const market = this.market(asset);
    const { flaggedAt, overSince } = market.watch;
    market.watch = { ...market.watch, flaggedAt: 0n, phase: 0n, trigger: "None" };
    if (settlement === undefined || now > flaggedAt + FLAG_PATIENCE || !market.isOpen) return 0n;
    const pool = revaluedPool(this.poolState(now), { asset, price: settlement });
    const { fraction } = this.#needed(pool, { asset, overSince, now });
    if (fraction === 0n) return 0n;
    const before = found(pool.markets.find((candidate) => candidate.asset === asset));
    const done = deleverage(before, fraction);
    const side = done.long ? market.long : market.short;
    market.former = keptFormer(market.former, side, now);
    market.watch = {
      ...market.watch,
      graceUntil: market.former.until,
      formerEpoch: side.epoch,
      formerCuts: market.former.cuts,
      formerLong: side.long,
    };
    market.put(done.side);
    market.funding = done.funding;
    this.closedValue += done.owed;
    if (!isOverSkewed({ ...before, long: market.long, short: market.short })) {
      market.watch = { ...market.watch, overSince: 0n };
    }
    return done.closed;
  }

  /** Undefined where the pool is not insolvent. */
  cutProfits(now: bigint): { cut: bigint; fromInsurance: bigint } | undefined {
    const done = cutProfits(this.poolState(now), { insurance: this.insurance });
    if (done === undefined) return undefined;
    const flow = new Flow();
    flow.base += done.fromInsurance;
    flow.insurance -= done.fromInsurance;
    this.#flush(flow, now);
    for (const after of done.markets) {
      const market = this.market(after.asset);
      const cut = [after.long, after.short].filter((side) => side !== (side.long ? market.long : market.short));
      if (cut.length === 0) continue;
      const closes = cut.some((side) => side.epoch !== (side.long ? market.long : market.short).epoch);
      for (const side of cut) market.put(side);
      market.funding = after.funding;
      if (closes && !isOverSkewed(after)) market.watch = { ...market.watch, overSince: 0n };
    }
    this.closedValue += done.owed;
    return done;
  }

  windDown(asset: number, now: bigint): void {
    const market = this.market(asset);
    market.watch = {
      ...market.watch,
      flaggedAt: 0n,
      phase: this.phase,
      trigger: "None",
      closesAt: now + CLOSING_NOTICE,
    };
    this.#setStatus(asset, "Closing");
  }

  closeMarket(asset: number, settlement: Settlement, now: bigint): void {
    const market = this.market(asset);
    const { trade, sizes } = found(this.assets[asset]);
    const proved = now <= market.watch.closesAt + CLOSING_PATIENCE ? settlement : undefined;
    const price = proved ?? found(this.prices[asset]).last;
    const funding = accrued(market.funding, { maxRate: trade.maxFundingRate, price, now });
    const closed = closeMarket({ long: market.long, short: market.short, sizes, funding }, price);
    market.put(closed.long);
    market.put(closed.short);
    this.closedValue += closed.owed;
    market.funding = steered([closed.long, closed.short].reduce(withIndexed, funding), {
      maxVelocity: 0n,
      skew: 0n,
      depth: sizes.depth,
    });
    this.#setStatus(asset, "Closed");
  }

  // ---------------------------------------------------------------- parts of actions

  #isHeld(account: Account, asset: number): boolean {
    return (
      account.positionOf(asset).units !== 0n ||
      this.tokens.some((token, index) => token.asset === asset && account.collateralOf(index) !== 0n)
    );
  }

  #frameOf(account: Account, asset: number, now: bigint): Omit<Exposure, "size" | "quote"> {
    const { risk, sizes, trade } = found(this.assets[asset]);
    const price = found(this.prices[asset]);
    const collateral = this.tokens.reduce(
      (sum, token, index) => (token.asset === asset ? sum + account.collateralOf(index) : sum),
      0n,
    );
    const funding = accrued(this.market(asset).funding, { maxRate: trade.maxFundingRate, price: price.last, now });
    return { asset, price, collateral, funding, risk, sizes, trade };
  }

  #read(account: Account, asset: number, now: bigint): ReadPosition {
    const stored = account.positionOf(asset);
    const { price, funding } = this.#frameOf(account, asset, now);
    return readPosition(this.market(asset).sideOf(stored.units), stored, price.last - funding.index);
  }

  /** Positions of sides that were closed whole, and what they have become. */
  #closedOf(account: Account): readonly { asset: number; value: bigint }[] {
    return [...account.positions].flatMap(([asset, stored]) => {
      const side = this.market(asset).sideOf(stored.units);
      return stored.epoch === side.epoch ? [] : [{ asset, value: readPosition(side, stored).quote }];
    });
  }

  #exposuresBefore(account: Account, exposures: readonly Exposure[], now: bigint): readonly Exposure[] | undefined {
    const before = exposures.map(({ asset, size }) => {
      const market = this.market(asset);
      if (market.former === undefined || size === 0n) return undefined;
      return formerPosition(market.former, account.positionOf(asset), { side: market.sideOf(size), now });
    });
    if (before.every((position) => position === undefined)) return undefined;
    return exposures.map((exposure, index) => ({ ...exposure, ...before[index] }));
  }

  #needed(
    pool: PoolState,
    { asset, overSince, now }: { asset: number; overSince: bigint; now: bigint },
  ): { fraction: bigint; trigger: Trigger } {
    const { globals, groups, money } = this;
    const since = overSince === 0n ? undefined : overSince;
    return neededFraction({ pool, globals, groups, money, overSince: since, time: now }, asset);
  }

  #setStatus(asset: number, status: MarketStatus): void {
    const parameters = found(this.assets[asset]);
    this.assets[asset] = { ...parameters, sizes: { ...parameters.sizes, status } };
  }

  /** The account with its debt as of now; what closed sides owe it has become cash. */
  #open(account: Account, now: bigint, { released = 0n, flow = new Flow() } = {}): Open {
    const open: Open = {
      account,
      flow,
      now,
      cash: this.cashOf(account, now),
      exposures: this.exposuresOf(account, now),
    };
    this.#move(open, released);
    for (const { asset, value } of this.#closedOf(account)) {
      account.positions.delete(asset);
      this.closedValue -= value;
      flow.base -= value;
      this.#move(open, value);
    }
    return open;
  }

  #move(open: Open, delta: bigint): void {
    const { cash, borrowed } = moveCash(open.cash, delta);
    open.cash = cash;
    open.flow.base -= borrowed;
  }

  #store({ account, cash, flow, now }: Open): void {
    const shares = storedShares(cash, { shares: account.shares, index: this.debtIndex(now) });
    flow.shares += shares - account.shares;
    account.shares = shares;
    account.cash = max(0n, cash);
  }

  #close(open: Open): void {
    this.#store(open);
    this.#flush(open.flow, open.now);
  }

  #flush(flow: Flow, now: bigint): void {
    if (flow.base !== 0n || flow.shares !== 0n) {
      if (this.debts.shares !== 0n || flow.shares !== 0n) this.debts = this.#debtsAt(now);
      this.base += flow.base;
      this.debts = { ...this.debts, shares: this.debts.shares + flow.shares };
    }
    this.insurance += flow.insurance;
    this.protocolFees += flow.protocolFees;
  }

  /** Adds to the cash of an account; the counterpart is for `book` to name. */
  #pay(account: Account, amount: bigint, now: bigint, book: (flow: Flow) => void = () => undefined): void {
    const flow = new Flow();
    book(flow);
    this.#payWithin({ flow, now }, account, amount);
    this.#flush(flow, now);
  }

  #payWithin({ flow, now }: Pick<Open, "flow" | "now">, account: Account, amount: bigint): void {
    if (amount === 0n) return;
    const open: Open = { account, flow, now, cash: this.cashOf(account, now), exposures: [] };
    this.#move(open, amount);
    this.#store(open);
  }

  /** Moves an account to where a liquidation leaves it. */
  #settle(open: Open, outcome: LiquidationOutcome): void {
    const { flow } = open;
    flow.base -= outcome.realised;
    flow.insurance += outcome.penalty + outcome.topUp - outcome.reward;
    this.#takeFees(flow, outcome.fees);
    this.#move(open, outcome.cash - outcome.deficit - open.cash);
    requireSame(this.#takeFromInsurance(open, UNATTRIBUTED, outcome.topUp), outcome.topUp, "reward from insurance");
    if (outcome.deficit !== 0n) {
      requireSame(this.#bookDeficit(open, outcome.market), outcome.fromInsurance, "deficit borne by insurance");
    } else if (open.cash < 0n && outcome.equityAfter < 0n && isEmpty(open.account)) {
      // A pending order keeps the debt from being forgiven; what its escrow does not cover is a loss, and the pool waits.
      this.#flag(open);
    }
    this.#store(open);
  }

  #flag({ account, now }: Pick<Open, "account" | "now">): void {
    if (account.insolventSince !== 0n) return;
    account.insolventSince = now;
    this.pendingLosses += 1n;
  }

  /** What insurance pays of the account's debt, which is forgiven. */
  #bookDeficit(open: Open, market: number): bigint {
    const fromInsurance = this.#takeFromInsurance(open, market, -open.cash);
    this.uncoveredDeficits += -open.cash - fromInsurance;
    open.flow.base += fromInsurance;
    open.cash = 0n;
    this.#unflag(open.account);
    return fromInsurance;
  }

  #takeFromInsurance({ flow, now }: Open, market: number, wished: bigint): bigint {
    const { taken, bucket } = takeFromInsurance(wished, {
      bucket: this.#bucketOf(market),
      insurance: this.insurance + flow.insurance,
      cap: this.#capOf(market),
      now,
    });
    this.buckets.set(market, bucket);
    flow.insurance -= taken;
    return taken;
  }

  #unflag(account: Account): void {
    if (account.insolventSince !== 0n) this.pendingLosses -= 1n;
    account.insolventSince = 0n;
  }

  #write(account: Account, { asset, size, quote, price, funding }: Exposure): void {
    const market = this.market(asset);
    const from = account.positionOf(asset);
    const side = market.sideOf(size);
    const net = price.last - funding.index;
    const same = from.units !== 0n && readPosition(market.sideOf(from.units), from).size === size;
    const to = storePosition(side, { size, quote }, { net, before: same ? from : undefined });
    if (from.units !== 0n) market.put(moveSide(market.sideOf(from.units), { from }));
    if (to.units !== 0n) market.put(moveSide(market.sideOf(to.units), { to }));
    if (to.units === 0n) account.positions.delete(asset);
    else account.positions.set(asset, to);
  }

  #passCollateral(from: Account, to: Account, { token, amount }: Sale): void {
    this.addCollateral(from, token, -amount);
    this.addCollateral(to, token, amount);
  }

  #takeFees(flow: Flow, fees: bigint): void {
    const shares = splitFees(fees, this.globals);
    flow.insurance += shares.insurance;
    flow.protocolFees += shares.protocol;
    flow.base += shares.pool;
  }

  #debtsAt(now: bigint): Debts {
    return accruedDebts(this.debts, { base: this.base, money: this.money, now });
  }

  #bucketOf(market: number): Bucket {
    return this.buckets.get(market) ?? EMPTY_BUCKET;
  }

  #capOf(market: number): bigint {
    return market === UNATTRIBUTED ? this.money.unattributedCap : found(this.assets[market]).trade.insuranceCap;
  }

  #seizureOf(token: number): { owed: bigint; since: bigint } {
    return this.seizures.get(token) ?? { owed: 0n, since: 0n };
  }
}

/** The books are asked for what is not in them, or contradict what was foreseen of an action. */
export class BooksError extends PlimsollError {}

/** What is in the books; throws a BooksError for anything else. */
export function found<T>(value: T | undefined): T {
  if (value === undefined) throw new BooksError("not in the books");
  return value;
}

function takeOrder(account: Account, sequence: bigint): Escrow {
  const order = found(account.orders.get(sequence));
  account.orders.delete(sequence);
  return order;
}

function isEmpty({ positions, collateral }: Account): boolean {
  return positions.size === 0 && [...collateral.values()].every((amount) => amount === 0n);
}

function requireSame(actual: bigint, expected: bigint, what: string): void {
  if (actual !== expected) throw new BooksError(`${what}: ${String(actual)}, foreseen was ${String(expected)}`);
}
