/** Carries steps of a history out on the whole protocol and in the model, and compares the two after each. */
import { expect } from "chai";

import {
  refusalOfFills,
  refusalOfOpening,
  refusalOfTakingCollateral,
  refusalOfWithdrawal,
  withdrawableDown,
} from "../../../scripts/lab/engine/admission.ts";
import { compareTerms, compareWorld } from "../../../scripts/lab/engine/comparison.ts";
import { found, type Leg, type Settlement } from "../../../scripts/model/books.ts";
import { CAUSES } from "../../../scripts/model/causes.ts";
import { abs, max, min, mulDivDown, PPM, WAD } from "../../../scripts/model/fixed.ts";
import {
  acceptablePrice,
  decide,
  escrowedPayUp,
  floatDown,
  floatUp,
  type GasPrice,
  orderGas,
  payDown,
  type SettlementRound,
  storedExpiry,
} from "../../../scripts/model/orders.ts";
import { PoolRefused } from "../../../scripts/model/poolShares.ts";
import { livePrice, type Price } from "../../../scripts/model/price.ts";
import type { Exposure } from "../../../scripts/model/risk.ts";
import { networkHelpers, receiptOf } from "../../fixture.ts";
import { BTC, ETH, WBTC } from "../../parameters.ts";
import { LIQUIDATOR, PROVIDER, SETTLEMENT, SETTLEMENT_PRICE, TRADERS } from "../cast.ts";
import { HousePlayer, newHouseTally, type Sent } from "../housePlayer.ts";
import { compareSatellites, type Pending } from "./comparison.ts";
import type { ProtocolStep } from "./steps.ts";
import { FEED, type ProtocolWorld, USDC_MINTED } from "./world.ts";

const UNIT = 10n ** 12n;
/** WAD of one unit of an answer. */
const ANSWER_UNIT = 10n ** 10n;
/** Of a deleveraging after its round, seconds. */
const EXECUTION_WINDOW = 600n;
const GRACE = 3_601n;
const CONDITIONS = { sequencerUp: true, sequencerSettled: true, pegHeld: true, settlementPrice: SETTLEMENT_PRICE };
/** Of a flat fee that an order is charged for on its cancellation: the causes from here on. */
const FORFEITING = CAUSES.indexOf("Expired");
/** The order stays pending: these pass by themselves. */
const PASSING = new Set(["IncreaseRefused", "StalePoolMark"]);

/** What batches and claims may change by. */
const POOL_STEPS: ReadonlySet<string> = new Set(["requestDeposit", "requestRedeem", "run", "fulfil", "claim"]);

type Of<Kind extends ProtocolStep["kind"]> = Extract<ProtocolStep, { kind: Kind }>;

interface Round extends SettlementRound {
  /** Of the proxy. */
  readonly id: bigint;
}

interface Trigger {
  readonly account: number;
  readonly sequence: bigint;
  readonly asset: number;
  readonly delta: bigint;
  readonly price: bigint;
  readonly above: boolean;
}

/** How often each kind of thing has happened. */
export function newProtocolTally() {
  return {
    ...newHouseTally(),
    deposits: 0,
    withdrawals: 0,
    transfers: 0,
    submitted: 0,
    baskets: 0,
    withoutCharge: 0,
    heldOver: 0,
    filled: 0,
    refunded: 0,
    cancelled: 0,
    forfeited: 0,
    cancelledForPrice: 0,
    cancelledForMargin: 0,
    cancelledAsLate: 0,
    triggers: 0,
    pokes: 0,
    outages: 0,
    doubts: 0,
    liquidatedWhilePending: 0,
    flaggedWhilePending: 0,
    depositRequests: 0,
    redeemRequests: 0,
    fulfilled: 0,
    fulfilledPartly: 0,
    fulfilmentsRefused: 0,
    claims: 0,
    claimsRefused: 0,
    contributions: 0,
    paidOut: 0,
    payOutsRefused: 0,
    marks: 0,
  };
}

export class ProtocolPlayer extends HousePlayer<ProtocolWorld, ReturnType<typeof newProtocolTally>> {
  /** By asset, the oldest first. */
  readonly #rounds: Round[][] = [];
  readonly #wallets = [USDC_MINTED, USDC_MINTED, USDC_MINTED];
  #pending: Pending[] = [];
  #triggers: Trigger[] = [];
  #baseFee = 0n;
  #up = true;
  #upSince = 0n;

  async open(): Promise<void> {
    for (const { proxy } of this.world.feeds) {
      const { roundId, answer, updatedAt } = await proxy.latestRoundData();
      this.#rounds.push([{ id: roundId, price: answer * ANSWER_UNIT, at: updatedAt }]);
    }
    await this.#refresh();
    for (const [account, amount] of [
      [PROVIDER, 2_000_000n],
      [LIQUIDATOR, 50_000_000n],
      ...Array.from({ length: TRADERS }, (_, index) => [index, 8_000n] as const),
    ] as const) {
      await this.credit({ account, token: SETTLEMENT, amount: amount * WAD });
    }
    await this.play({ kind: "contribute", value: 5_000 });
    for (const [who, units] of [300_000, 200_000, 100_000].entries()) {
      await this.play({ kind: "requestDeposit", who, units: units * 1e6 });
    }
    await this.play({ kind: "fulfil", back: 0, hasty: false });
    for (const who of [0, 1, 2]) await this.play({ kind: "claim", who, verb: "deposit", share: 100 });
  }

  /** Carries a step out, and compares everything. */
  async play(step: ProtocolStep): Promise<void> {
    const acting = await this.#play(step);
    await this.#compare({ acting, batches: POOL_STEPS.has(step.kind) ? "recent" : "none" });
  }

  /** Ends what is pending, and compares every batch. */
  async finishAll(): Promise<void> {
    await this.#refresh();
    for (let account = 0; account < TRADERS; ++account) await this.finish(account);
    await this.#compare({ acting: undefined, batches: "all" });
  }

  async #compare({
    acting,
    batches,
  }: {
    acting: number | undefined;
    batches: "none" | "recent" | "all";
  }): Promise<void> {
    const now = await compareWorld(this.world);
    if (acting !== undefined) await compareTerms(this.world, acting, now);
    await compareSatellites(this.world, { pending: this.#pending, wallets: this.#wallets }, { now, batches });
  }

  /** The trader whose terms are worth a comparison, if any. */
  async #play(step: ProtocolStep): Promise<number | undefined> {
    switch (step.kind) {
      case "prices":
        return this.#movePrices(step);
      case "wait":
        return this.#letPass(step);
      case "outage":
        return this.#outage(step);
      case "deposit":
        return this.#deposit(step);
      case "withdraw":
        return this.#withdraw(step);
      case "transfer":
        return this.#transfer(step);
      case "submit":
        return this.#order(step);
      case "execute":
        return this.#executeAny(step);
      case "crowd":
        return this.#crowd(step);
      case "corner":
        return this.#corner(step);
      case "overdraw":
        return this.#overdraw(step);
      case "windUp":
        return this.#windUp(step);
      case "trigger":
        return this.#trigger(step);
      case "poke":
        return this.#poke(step);
      case "liquidate":
        return this.#liquidate(step);
      case "takeOver":
        return this.takeOver(step);
      case "convert":
        return this.convert(step);
      case "realise":
        return this.realise(step);
      case "settleDeficit":
        return this.settleDeficit(step);
      case "insolvency":
        return this.insolvency(step);
      case "buySeized":
        return this.buySeized(step);
      case "deleverage":
        return this.deleverage(step);
      case "mark":
        return this.#mark();
      case "requestDeposit":
        return this.#requestDeposit(step);
      case "requestRedeem":
        return this.#requestRedeem(step);
      case "run":
        return this.#run();
      case "fulfil":
        return this.#fulfil(step);
      case "claim":
        return this.#claim(step);
      case "contribute":
        return this.#contribute(step);
      case "payOut":
        return this.#payOut(step);
    }
  }

  // ---------------------------------------------------------------- prices and time

  async #movePrices({ moves }: Of<"prices">): Promise<undefined> {
    for (const [asset, move] of moves.entries()) {
      const { last } = this.#price(asset);
      await this.#push(asset, this.#within(asset, last + (last * BigInt(move)) / 10_000n));
    }
    await this.#update();
  }

  async #letPass({ seconds, silent }: Of<"wait">): Promise<undefined> {
    this.pause += BigInt(seconds);
    await this.#refresh(silent);
    if (this.world.books.prices.some(({ refusal }) => refusal === "Stale")) ++this.tally.doubts;
  }

  /** Nothing is done in it, nor until an hour after it; orders from before are refunded. */
  async #outage({ seconds }: Of<"outage">): Promise<undefined> {
    await this.#setSequencer(false);
    const [order] = this.#pending;
    if (order !== undefined) {
      await this.next();
      const { orders } = this.world;
      const sent = orders.execute(this.id(order.account), order.sequence, this.#hints(order), this.id(LIQUIDATOR));
      await expect(sent).to.be.revertedWithCustomError(orders, "SequencerDown");
    }
    await this.#compare({ acting: undefined, batches: "none" });
    this.pause += BigInt(seconds);
    await this.#setSequencer(true);
    this.pause += GRACE;
    await this.#refresh();
    ++this.tally.outages;
  }

  async #setSequencer(up: boolean): Promise<void> {
    const at = await this.next();
    await this.world.sequencer.aggregator.transmit(up ? 0 : 1, at, at);
    this.#up = up;
    if (up) this.#upSince = at;
    this.#readPrices(at);
  }

  protected override async wait(seconds: bigint): Promise<void> {
    this.pause += seconds;
    await this.#refresh();
  }

  protected override async setPrice(asset: number, last: bigint): Promise<void> {
    const target = this.#within(asset, last - (last % ANSWER_UNIT));
    do {
      const { price } = this.#latestRound(asset);
      await this.#push(asset, near(price, target));
      await this.#update();
    } while (this.#latestRound(asset).price !== target);
  }

  /** Within a quarter and four times of where the asset started. */
  #within(asset: number, price: bigint): bigint {
    const start = found(this.world.parameters.feeds[asset]).price;
    return min(max(price, start / 4n), 4n * start);
  }

  async #refresh(silent?: number): Promise<void> {
    for (const asset of this.#rounds.keys())
      if (asset !== silent) await this.#push(asset, this.#latestRound(asset).price);
    await this.#update();
  }

  /** A new round. @param price WAD. */
  async #push(asset: number, price: bigint): Promise<void> {
    const at = await this.next();
    const answer = price / ANSWER_UNIT;
    await this.world.feedOf(asset).aggregator.transmit(answer, at, at);
    const { id } = this.#latestRound(asset);
    this.#rounds[asset]?.push({ id: id + 1n, price: answer * ANSWER_UNIT, at });
  }

  /** Has the oracle read all feeds: moves that nobody reads would add up to a jump. */
  async #update(): Promise<void> {
    await this.next();
    await this.world.oracle.update((1n << BigInt(this.#rounds.length)) - 1n);
  }

  #latestRound(asset: number): Round {
    return found(this.#rounds[asset]?.at(-1));
  }

  #price(asset: number): Price {
    return found(this.world.books.prices[asset]);
  }

  /** What the oracle makes of the latest rounds. */
  #readPrices(now: bigint): void {
    this.world.books.prices.forEach((_, asset) => {
      const { price, at } = this.#latestRound(asset);
      const live = livePrice(price, at);
      const stale = now - at > FEED.maxAge;
      const refusal = this.#up ? "Stale" : "SequencerDown";
      const doubtful: Price = { ...live, spread: FEED.spread, refusal, dead: now > at + FEED.deadAfter };
      this.world.books.prices[asset] = stale || !this.#up ? doubtful : live;
    });
  }

  // ---------------------------------------------------------------- money

  /** Amounts are rounded down to token units. */
  protected override async credit({ account, token, amount }: { account: number; token: number; amount: bigint }) {
    const { vault, books, alice } = this.world;
    const unit = unitOf(token);
    const units = amount / unit;
    if (units === 0n) return;
    const now = await this.next();
    await vault.connect(alice).deposit(this.id(account), token, units);
    if (token === SETTLEMENT) {
      books.deposit(books.account(account), units * unit, now);
      this.#spend(0, units);
    } else {
      books.addCollateral(books.account(account), token, units * unit);
    }
    ++this.tally.deposits;
  }

  async #deposit({ account, token, value }: Of<"deposit">): Promise<undefined> {
    const asset = this.world.books.tokens[token]?.asset;
    const price = asset === undefined ? WAD : this.#price(asset).last;
    await this.credit({ account, token, amount: (BigInt(value) * WAD * WAD) / price });
  }

  async #withdraw({ account: index, token, share }: Of<"withdraw">): Promise<number | undefined> {
    const { vault, books, alice } = this.world;
    const account = books.account(index);
    // Otherwise most would be refused.
    if (share % 4 !== 0) await this.finish(index);
    const all = token === SETTLEMENT && share > 50 ? withdrawableDown(books, account, await this.latest()) : 0n;
    const units = (all === 0n ? this.#part(index, token, share) : all) / unitOf(token);
    const amount = units * unitOf(token);
    if (amount === 0n) return undefined;
    const now = await this.next();
    const refusal = this.#refusalOfTaking(index, { token, amount }, now);
    const sent = vault.connect(alice).withdraw(this.id(index), token, units, alice);
    if (refusal !== undefined) return this.refused(sent, refusal);
    await sent;
    ++this.tally.withdrawals;
    if (token === SETTLEMENT) {
      books.withdraw(account, amount, now);
      this.#spend(0, -units);
    } else {
      books.addCollateral(account, token, -amount);
    }
    return index;
  }

  async #transfer({ account: index, to, token, share }: Of<"transfer">): Promise<number | undefined> {
    const { house, books } = this.world;
    if (share % 4 !== 0) await this.finish(index);
    const amount = this.#part(index, token, share);
    if (amount === 0n) return undefined;
    const now = await this.next();
    const sent = house.transfer(this.id(index), this.id(to), token, amount);
    const refusal = index === to ? "NotOwnSubAccounts" : this.#refusalOfTaking(index, { token, amount }, now);
    if (refusal !== undefined) return this.refused(sent, refusal);
    await sent;
    ++this.tally.transfers;
    for (const [account, moved] of [
      [books.account(index), -amount],
      [books.account(to), amount],
    ] as const) {
      if (token === SETTLEMENT) books.deposit(account, moved, now);
      else books.addCollateral(account, token, moved);
    }
    return index;
  }

  #part(index: number, token: number, share: number): bigint {
    const account = this.world.books.account(index);
    return ((token === SETTLEMENT ? account.cash : account.collateralOf(token)) * BigInt(share)) / 100n;
  }

  #refusalOfTaking(index: number, { token, amount }: { token: number; amount: bigint }, now: bigint) {
    const { books } = this.world;
    const account = books.account(index);
    return token === SETTLEMENT
      ? refusalOfWithdrawal(books, account, amount, now)
      : refusalOfTakingCollateral(books, account, { token, amount }, now);
  }

  /** @param units Of the settlement token. */
  #spend(who: number, units: bigint): void {
    this.#wallets[who] = found(this.#wallets[who]) - units;
  }

  async #contribute({ value }: Of<"contribute">): Promise<undefined> {
    const { insuranceFund, books, alice } = this.world;
    const amount = BigInt(value) * WAD + 1n;
    const now = await this.next();
    await insuranceFund.connect(alice).contribute(this.id(PROVIDER), amount);
    books.fundInsurance(books.account(PROVIDER), amount, now);
    ++this.tally.contributions;
  }

  async #payOut({ share }: Of<"payOut">): Promise<undefined> {
    const { insuranceFund, books, targetShare } = this.world;
    const target = mulDivDown(max(0n, books.mark), targetShare, PPM);
    const surplus = max(0n, books.insurance - target);
    const amount = (surplus * BigInt(share)) / 100n + 1n;
    const now = await this.next();
    const sent = insuranceFund.payOut(this.id(PROVIDER), amount);
    const isCalm = books.pendingLosses === 0n && books.flaggedMarkets() === 0n && books.seizedOwed === 0n;
    let refusal: string | undefined;
    if (!isCalm) refusal = "LossPending";
    else if (now - books.markTime > books.globals.markMaxAge) refusal = "MarkTooOld";
    else if (books.mark < 0n) refusal = "PoolInsolvent";
    else if (amount > surplus) refusal = "SurplusExceeded";
    if (refusal !== undefined) {
      await expect(sent).to.be.revertedWithCustomError(insuranceFund, refusal);
      ++this.tally.payOutsRefused;
      return;
    }
    await sent;
    books.fundInsurance(books.account(PROVIDER), -amount, now);
    ++this.tally.paidOut;
  }

  async #mark(): Promise<undefined> {
    const now = await this.next();
    await this.world.house.markPool();
    this.world.books.markPool(now);
    ++this.tally.marks;
  }

  // ---------------------------------------------------------------- orders

  async #order(step: Of<"submit">): Promise<number> {
    const { books } = this.world;
    const account = books.account(step.account);
    const now = await this.latest();
    const sizeOf = (asset: number): bigint => books.exposureOf(account, asset, now).size;
    const legs = step.legs.map(({ asset, value }) => {
      const part = (-sizeOf(asset) * BigInt(step.share)) / 100n;
      return { asset, delta: part === 0n ? (BigInt(value) * WAD * WAD) / this.#price(asset).last : part };
    });
    const [{ asset, delta }] = legs as [(typeof legs)[number]];
    const away = (this.#price(asset).last * BigInt(delta > 0n ? step.bound : -step.bound)) / 10_000n;
    await this.#submit(step.account, legs, {
      reduceOnly: step.share > 60 && legs.every((leg) => sizeOf(leg.asset) !== 0n),
      bound: legs.length > 1 || step.bound === 0 ? 0n : this.#price(asset).last + away,
      lifetime: BigInt(step.lifetime),
    });
    return step.account;
  }

  /** Undefined where the order is refused. @param lifetime After its boundary, seconds; 0: no expiry. */
  async #submit(
    index: number,
    legs: readonly Omit<Leg, "price">[],
    { reduceOnly, bound = 0n, lifetime = 0n }: { reduceOnly: boolean; bound?: bigint; lifetime?: bigint },
  ): Promise<Pending | undefined> {
    const { orders, books, alice, parameters } = this.world;
    const { delay } = parameters.orders;
    const account = books.account(index);
    const now = await this.next();
    const isBasket = legs.length > 1;
    const expiry = lifetime === 0n ? 0n : now + delay + lifetime;
    const [{ asset, delta }] = legs as [Omit<Leg, "price">];
    const sent = isBasket
      ? orders.connect(alice).submitBasket(this.id(index), [...legs], reduceOnly, expiry)
      : orders.connect(alice).submit(this.id(index), { asset, delta, acceptablePrice: bound, reduceOnly, expiry });
    const pay = escrowedPayUp(parameters.orders, orderGas(parameters.orders, isBasket ? legs.length : 0), this.#gas());
    const priced = legs.map((leg) => ({ ...leg, price: this.#price(leg.asset).last }));
    const refusal = refusalOfOpening(books, account, priced, { reduceOnly, pay, now });
    if (refusal !== undefined) return this.refused(sent, refusal);
    await sent;
    const sequence = books.openOrder(account, priced, { pay, reduceOnly, now });
    if (books.account(index).orders.get(sequence)?.exclusive === true) ++this.tally.withoutCharge;
    ++this.tally[isBasket ? "baskets" : "submitted"];
    return this.#keep({
      account: index,
      sequence,
      legs: priced.map((leg) => ({
        asset: leg.asset,
        delta: leg.delta,
        bound: isBasket ? floatDown(leg.price) : bound === 0n ? 0n : acceptablePrice(leg.delta, bound),
      })),
      isBasket,
      reduceOnly,
      submittedAt: now,
      boundary: now + delay,
      expiresAt: storedExpiry(expiry, now),
    });
  }

  #keep(order: Pending): Pending {
    this.#pending.push(order);
    return order;
  }

  async #executeAny({ order: position, move, seconds }: Of<"execute">): Promise<number | undefined> {
    if (this.#pending.length === 0) return undefined;
    const order = found(this.#pending[position % this.#pending.length]);
    if (position % this.#pending.length !== this.#pending.length - 1) ++this.tally.heldOver;
    await this.#execute(order, { move, seconds });
    return order.account;
  }

  /** Brings a round after the boundary of each leg that has none, and executes. Returns whether it was filled. */
  async #execute(order: Pending, { move = 0, seconds = 0 } = {}): Promise<boolean> {
    const { orders, books, parameters } = this.world;
    const { account: index, sequence } = order;
    const account = books.account(index);
    for (const { asset } of order.legs) {
      if (this.#roundAfter(asset, order.boundary) !== undefined) continue;
      this.pause = max(this.pause, order.boundary - (await this.latest()));
      const { price } = this.#latestRound(asset);
      await this.#push(asset, this.#within(asset, price + (price * BigInt(move)) / 10_000n));
    }
    await this.#update();
    this.pause += BigInt(seconds);
    const now = await this.next();
    const sent = orders.execute(this.id(index), sequence, this.#hints(order), this.id(LIQUIDATOR));

    const rounds = order.legs.map(({ asset }) => this.#acceptedAfter(asset, order.boundary));
    const decision = decide(order, rounds, { settings: parameters.orders, upSince: this.#upSince, now });
    const gas = decision.outcome === "Refunded" ? parameters.orders.refundGas : this.#gasOf(order);
    const escrow = found(account.orders.get(sequence));
    const pay = min(escrow.pay, payDown(parameters.orders, gas, this.#gas()));
    const payTo = books.account(LIQUIDATOR);
    let cause = decision.outcome === "Cancelled" ? decision.cause : undefined;
    if (decision.outcome === "Filled") {
      const { reduceOnly } = order;
      const released = escrow.pay + escrow.charge - pay;
      const refusal = refusalOfFills(books, account, decision.legs, {
        reduceOnly,
        released,
        now,
        conditions: CONDITIONS,
      });
      if (refusal !== undefined && PASSING.has(refusal)) {
        await this.refused(sent, refusal);
        return false;
      }
      if (refusal === undefined) this.countFolded(account);
      else cause = causeOf(refusal);
    }
    const expected = cause === undefined ? decision.outcome : `Cancelled for ${cause}`;
    expect(await this.#outcomeOf(sent), `order ${String(sequence)} of account ${index}`).to.equal(expected);
    this.#pending = this.#pending.filter((one) => one !== order);
    if (decision.outcome === "Filled" && cause === undefined) {
      books.executeOrder(account, { sequence, legs: decision.legs, payTo, pay, now });
      ++this.tally.filled;
      return true;
    }
    const forfeited = cause !== undefined && CAUSES.indexOf(cause) >= FORFEITING ? escrow.charge : 0n;
    books.closeOrder(account, { sequence, payTo, pay, forfeited, now });
    if (cause === undefined) ++this.tally.refunded;
    else ++this.tally.cancelled;
    if (cause === "PriceNotAcceptable" || cause === "OutsideBand") ++this.tally.cancelledForPrice;
    if (cause === "InsufficientMargin") ++this.tally.cancelledForMargin;
    if (cause === "TooLate" || cause === "Expired") ++this.tally.cancelledAsLate;
    if (forfeited !== 0n) ++this.tally.forfeited;
    return false;
  }

  async #outcomeOf(sent: Sent): Promise<string> {
    const { orders } = this.world;
    for (const log of (await receiptOf(sent)).logs) {
      const event = orders.interface.parseLog(log);
      if (event?.name === "OrderFilled") return "Filled";
      if (event?.name === "OrderRefunded") return "Refunded";
      if (event?.name === "OrderCancelled")
        return `Cancelled for ${found(CAUSES[Number(event.args.getValue("cause"))])}`;
    }
    return "nothing";
  }

  protected override async finish(index: number): Promise<void> {
    for (const order of this.#pending.filter(({ account }) => account === index)) await this.#execute(order);
  }

  /** Submits and executes. */
  async #trade(index: number, asset: number, delta: bigint, reduceOnly = false): Promise<void> {
    await this.finish(index);
    const order = await this.#submit(index, [{ asset, delta }], { reduceOnly });
    if (order !== undefined) await this.#execute(order);
  }

  async #crowd({ accounts, asset, long, deleveraged }: Of<"crowd">): Promise<number> {
    const { books } = this.world;
    const target = ((long ? 1n : -1n) * found(books.assets[asset]).trade.skewCap * 9n) / 10n;
    const [stays, leaves] = accounts;
    await this.#mark();
    for (const account of accounts) await this.credit({ account, token: SETTLEMENT, amount: 30_000n * WAD });
    const missing = target - books.skewOf(asset);
    for (const [account, delta] of [
      [stays, missing],
      [leaves, -2n * target],
      [stays, 2n * target],
    ] as const) {
      if (delta !== 0n) await this.#trade(account, asset, delta);
      await this.#compare({ acting: account, batches: "none" });
    }
    const { size } = books.exposureOf(books.account(leaves), asset, await this.latest());
    if (size !== 0n) await this.#trade(leaves, asset, -size, true);
    const flag = { kind: "deleverage", asset, slip: 10, void: false, patient: true } as const;
    if (deleveraged) await this.deleverage(flag);
    return stays;
  }

  async #trigger({ account: index, asset: wished, share, gap }: Of<"trigger">): Promise<undefined> {
    const { orders, books, alice } = this.world;
    const now = await this.latest();
    const held = books.exposuresOf(books.account(index), now).filter(({ size }) => size !== 0n);
    const [first] = held;
    if (first === undefined) return;
    const { asset, size } = held.find((one) => one.asset === wished) ?? first;
    const delta = (-size * BigInt(share)) / 100n;
    const { last } = this.#price(asset);
    const above = gap >= 0;
    const triggerPrice = last + (last * BigInt(gap)) / 10_000n;
    await this.next();
    await orders
      .connect(alice)
      .submitTrigger(this.id(index), { asset, delta, triggerPrice, above, acceptablePrice: 0n, expiry: 0n });
    const price = above ? floatUp(triggerPrice) : floatDown(triggerPrice);
    const sequence = books.reserveSequence(books.account(index));
    this.#triggers.push({ account: index, sequence, asset, delta, price, above });
    ++this.tally.triggers;
  }

  /** Brings the price to where the trigger fires, and has it fire. */
  async #poke({ trigger: position }: Of<"poke">): Promise<number | undefined> {
    const { orders, books, parameters } = this.world;
    if (this.#triggers.length === 0) return undefined;
    const trigger = found(this.#triggers[position % this.#triggers.length]);
    const { account: index, asset, delta, above } = trigger;
    const account = books.account(index);
    const beyond = trigger.price - (trigger.price % ANSWER_UNIT) + (above ? ANSWER_UNIT : 0n);
    const { last } = this.#price(asset);
    await this.setPrice(asset, above ? max(last, beyond) : min(last, beyond));
    // Out of the bounds of this history.
    if (above ? this.#price(asset).last < trigger.price : this.#price(asset).last > trigger.price) return undefined;
    const now = await this.next();
    const { size } = books.exposureOf(account, asset, now);
    const poker = payDown(parameters.orders, parameters.orders.pokeGas, this.#gas());
    const pay = escrowedPayUp(parameters.orders, orderGas(parameters.orders, 0), this.#gas());
    const legs = [{ asset, delta, price: this.#price(asset).last }];
    const isReducing = size !== 0n && size < 0n !== delta < 0n;
    const isBusy = [...account.orders.values()].some(({ exclusive }) => exclusive);
    // With less cash the order would go without its charge, or not at all: `escrow.test.ts` has that.
    const isCovered = account.cash >= poker + pay + books.cancelChargeUp(legs);
    if (isReducing && !isBusy && !isCovered) return undefined;
    const sent = orders.poke(this.id(index), trigger.sequence, this.id(LIQUIDATOR));
    if (!isReducing) return this.refused(sent, "NothingToReduce");
    if (isBusy) return this.refused(sent, "OrderPending");
    await sent;
    books.payKeeper(account, books.account(LIQUIDATOR), poker, now);
    const sequence = books.openOrder(account, legs, { pay, reduceOnly: true, now });
    this.#triggers = this.#triggers.filter((one) => one !== trigger);
    this.#keep({
      account: index,
      sequence,
      legs: [{ asset, delta, bound: 0n }],
      isBasket: false,
      reduceOnly: true,
      submittedAt: now,
      boundary: now + parameters.orders.delay,
      expiresAt: 0n,
    });
    ++this.tally.pokes;
    return index;
  }

  #gas(): GasPrice {
    return { baseFee: this.#baseFee, nativePrice: this.#price(ETH).last };
  }

  #gasOf({ isBasket, legs }: Pending): bigint {
    return orderGas(this.world.parameters.orders, isBasket ? legs.length : 0);
  }

  #hints({ legs, boundary }: Pending) {
    return legs.map(({ asset }) => this.#hint(asset, boundary));
  }

  #hint(asset: number, boundary: bigint): { round: bigint; before: bigint } {
    const { id } = this.#roundAfter(asset, boundary) ?? {};
    return id === undefined ? { round: 0n, before: 0n } : { round: id, before: id - 1n };
  }

  #roundAfter(asset: number, boundary: bigint): Round | undefined {
    return this.#rounds[asset]?.find(({ at }) => at > boundary);
  }

  /** The same, if the oracle takes it: within the feed's window, near the round before, and near the price of now. */
  #acceptedAfter(asset: number, boundary: bigint): SettlementRound | undefined {
    const round = this.#roundAfter(asset, boundary);
    if (round === undefined || round.at > boundary + FEED.maxAge) return undefined;
    const before = this.#rounds[asset]?.find(({ id }) => id === round.id - 1n);
    const bases = [this.#price(asset).last, ...(before === undefined ? [] : [before.price])];
    return bases.every((base) => abs(round.price - base) * PPM <= base * FEED.jump) ? round : undefined;
  }

  // ---------------------------------------------------------------- liquidation

  async #liquidate(step: Of<"liquidate">): Promise<number | undefined> {
    const { books } = this.world;
    const before = this.tally.liquidations;
    const index = await this.liquidate(step);
    const isPending = index !== undefined && books.account(index).orders.size !== 0;
    if (isPending && this.tally.liquidations > before) ++this.tally.liquidatedWhilePending;
    return index;
  }

  async #corner({ account: start, share, deep, pending }: Of<"corner">): Promise<number | undefined> {
    const { books } = this.world;
    const openOf = async (index: number) => {
      const exposures = await this.#exposuresOf(index);
      return exposures.filter(({ size }) => size !== 0n).sort((one, other) => Number(valueOf(other) - valueOf(one)));
    };
    let index = start;
    for (let left = TRADERS; left > 0 && (await openOf(index)).length === 0; --left) index = (index + 1) % TRADERS;
    await this.finish(index);
    const [largest] = await openOf(index);
    if (largest === undefined) return undefined;
    const { asset, size } = largest;
    if (deep) await this.#withdraw({ kind: "withdraw", account: index, token: SETTLEMENT, share: 99 });
    if (pending) await this.#submit(index, [{ asset, delta: -size / 3n }], { reduceOnly: true });
    if (deep) await this.setPrice(asset, (this.#price(asset).last * (size > 0n ? 55n : 160n)) / 100n);
    await this.#liquidate({ kind: "liquidate", account: index, share: deep ? 100 : share, due: true });
    const account = books.account(index);
    if (account.orders.size !== 0 && account.insolventSince !== 0n) ++this.tally.flaggedWhilePending;
    const isLeftOwing = (await this.#exposuresOf(index)).length === 0 && account.shares !== 0n;
    if (!isLeftOwing) return index;
    // Not before its orders have ended.
    for (let left = account.orders.size + 1; left > 0; --left) {
      await this.#compare({ acting: index, batches: "none" });
      await this.settleDeficit({ kind: "settleDeficit", account: index });
      await this.finish(index);
    }
    return index;
  }

  async #exposuresOf(index: number): Promise<readonly Exposure[]> {
    const { books } = this.world;
    return books.exposuresOf(books.account(index), await this.latest());
  }

  async #overdraw({ account: index, share }: Of<"overdraw">): Promise<number | undefined> {
    await this.#leverage(index, BTC, 30_000n * WAD);
    for (let fall = 0; fall < 2; ++fall) await this.setPrice(BTC, (this.#price(BTC).last * 87n) / 100n);
    await this.convert({ kind: "convert", account: index, share });
    const [held] = (await this.#exposuresOf(index)).filter(({ size }) => size !== 0n);
    if (held !== undefined) {
      await this.#submit(index, [{ asset: held.asset, delta: -held.size / 2n }], { reduceOnly: true });
    }
    return index;
  }

  /** Collateral worth 12,000, a position, and no more cash than that needs. @param value WAD. */
  async #leverage(index: number, asset: number, value: bigint): Promise<void> {
    await this.finish(index);
    await this.credit({ account: index, token: 1, amount: (12_000n * WAD * WAD) / this.#price(WBTC).last });
    await this.#trade(index, asset, (value * WAD) / this.#price(asset).last);
    await this.#withdraw({ kind: "withdraw", account: index, token: SETTLEMENT, share: 99 });
    await this.#compare({ acting: index, batches: "none" });
  }

  async #windUp({ account, share, rescued }: Of<"windUp">): Promise<number | undefined> {
    const { tally } = this;
    const isDue = this.world.books.accounts.some(({ insolventSince }) => insolventSince !== 0n);
    if (!isDue) await this.#leverage(account, account % 2 === 0 ? ETH : BTC, 40_000n * WAD);
    const before = tally.cleared + tally.seizures;
    let acting: number | undefined;
    for (let part = 0; part < 3 && tally.cleared + tally.seizures === before; ++part) {
      if (acting !== undefined) await this.#compare({ acting, batches: "none" });
      acting = await this.insolvency({ kind: "insolvency", account: acting ?? account, share, rescued });
    }
    return acting;
  }

  /** Void: it is proved too late. */
  protected override async prove(asset: number, price: bigint | undefined) {
    const { flaggedAt } = this.world.books.market(asset).watch;
    await this.#push(asset, price ?? this.#latestRound(asset).price);
    await this.#update();
    if (price === undefined) this.pause += EXECUTION_WINDOW + 1n;
    return {
      hint: this.#hint(asset, flaggedAt),
      settlementAt: (now: bigint): Settlement => {
        const round = this.#acceptedAfter(asset, flaggedAt);
        return round === undefined || now > round.at + EXECUTION_WINDOW ? undefined : round.price;
      },
    };
  }

  // ---------------------------------------------------------------- pool

  async #requestDeposit({ who, units }: Of<"requestDeposit">): Promise<undefined> {
    const { pool, shares, providers } = this.world;
    const now = await this.next();
    const provider = found(providers[who]);
    const assets = BigInt(units);
    const sent = pool.connect(provider).requestDeposit(assets, provider, provider);
    if (!(await this.#agreed(sent, () => shares.requestDeposit(who, assets, now)))) return;
    this.#spend(who, assets);
    ++this.tally.depositRequests;
  }

  async #requestRedeem({ who, share }: Of<"requestRedeem">): Promise<undefined> {
    const { pool, shares, providers } = this.world;
    const now = await this.next();
    const provider = found(providers[who]);
    const amount = (shares.balanceOf(who) * BigInt(share)) / 100n;
    const sent = pool.connect(provider).requestRedeem(amount, provider, provider);
    if (await this.#agreed(sent, () => shares.requestRedeem(who, amount, now))) ++this.tally.redeemRequests;
  }

  /** With a position open, whose requirement has to stay. */
  async #run(): Promise<undefined> {
    await this.credit({ account: 0, token: SETTLEMENT, amount: 20_000n * WAD });
    await this.#trade(0, ETH, (50_000n * WAD * WAD) / this.#price(ETH).last);
    for (const who of this.world.providers.keys())
      await this.#requestRedeem({ kind: "requestRedeem", who, share: 100 });
    await this.#fulfil({ kind: "fulfil", back: 0, hasty: false });
  }

  async #workOut(): Promise<void> {
    const { books } = this.world;
    for (const [asset, { watch }] of books.markets.entries()) {
      if (watch.flaggedAt === 0n) continue;
      await this.deleverage({ kind: "deleverage", asset, slip: 0, void: false, patient: false });
    }
    for (let account = 0; account < TRADERS; ++account) {
      if (books.account(account).insolventSince === 0n) continue;
      await this.#windUp({ kind: "windUp", account, share: 100, rescued: account % 2 === 0 });
      await this.settleDeficit({ kind: "settleDeficit", account });
    }
    for (const token of books.tokens.keys()) {
      if (books.fund.collateralOf(token) === 0n) continue;
      await this.buySeized({ kind: "buySeized", token, share: 100, seconds: 60 });
    }
    await this.#compare({ acting: undefined, batches: "none" });
  }

  async #fulfil({ back, hasty }: Of<"fulfil">): Promise<undefined> {
    const { pool, shares } = this.world;
    const last = shares.queue.latest - back;
    if (!hasty) {
      await this.#workOut();
      this.pause = max(this.pause, shares.timesOf(last).maturesAt - (await this.latest()));
      await this.#refresh();
    }
    const now = await this.next();
    let partly: number | undefined;
    const done = await this.#agreed(pool.fulfill(Math.max(0, last)), () => {
      ({ partly } = shares.fulfil(Math.max(0, last), now));
    });
    if (!done) ++this.tally.fulfilmentsRefused;
    else if (partly === undefined) ++this.tally.fulfilled;
    else ++this.tally.fulfilledPartly;
  }

  /** A share above 100 claims more than there is. */
  async #claim({ who, verb, share }: Of<"claim">): Promise<undefined> {
    const { pool, shares, providers } = this.world;
    const now = await this.next();
    const provider = found(providers[who]);
    const entering = verb === "deposit" || verb === "mint";
    const { put, due } = shares[entering ? "deposits" : "redemptions"].claimable(who);
    const amount = ((verb === "deposit" || verb === "redeem" ? put : due) * BigInt(share)) / 100n;
    const from = pool.connect(provider);
    let sent: Sent;
    if (verb === "deposit") sent = from["deposit(uint256,address,address)"](amount, provider, provider);
    else if (verb === "mint") sent = from["mint(uint256,address,address)"](amount, provider, provider);
    else sent = from[verb](amount, provider, provider);
    const done = await this.#agreed(sent, () => {
      if (verb === "deposit") shares.deposit(who, amount);
      else if (verb === "mint") shares.mint(who, amount);
      else if (verb === "redeem") this.#spend(who, -shares.redeem(who, amount, now));
      else {
        shares.withdraw(who, amount, now);
        this.#spend(who, -amount);
      }
    });
    ++this.tally[done ? "claims" : "claimsRefused"];
  }

  /** Whether pool and model both accept; expects both to refuse for the same reason otherwise. */
  async #agreed(sent: Sent, model: () => unknown): Promise<boolean> {
    try {
      model();
    } catch (error) {
      if (!(error instanceof PoolRefused)) throw error;
      await expect(sent).to.be.revertedWithCustomError(this.world.pool, error.reason);
      return false;
    }
    await sent;
    return true;
  }

  // ---------------------------------------------------------------- chain

  protected override async latest(): Promise<bigint> {
    return BigInt(await networkHelpers.time.latest());
  }

  protected override async next(): Promise<bigint> {
    const now = (await this.latest()) + 1n + this.pause;
    this.pause = 0n;
    this.#baseFee = 10n ** 9n + (now % 7n) * 10n ** 8n;
    await networkHelpers.time.setNextBlockTimestamp(now);
    await networkHelpers.setNextBlockBaseFeePerGas(this.#baseFee);
    this.#readPrices(now);
    return now;
  }
}

/** What of a move to `target` is no jump, WAD. */
function near(price: bigint, target: bigint): bigint {
  return min(max(target, (price * 85n) / 100n), (price * 115n) / 100n);
}

function unitOf(token: number): bigint {
  if (token === SETTLEMENT) return UNIT;
  return token === 0 ? 1n : 10n ** 10n;
}

function valueOf({ size, price }: { size: bigint; price: Price }): bigint {
  return abs(size) * price.last;
}

/** What `Orders` makes of a refusal of the clearing house. */
function causeOf(refusal: string): (typeof CAUSES)[number] {
  const name = refusal === "MarketIsReduceOnly" ? "MarketReduceOnly" : refusal;
  return found(CAUSES.find((cause) => cause === name));
}
