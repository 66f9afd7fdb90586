/** Shares of the pool, and the batches in which they are issued and redeemed: `contracts/LiquidityPool.sol`. */
import { type Account, type Books, found } from "./books.ts";
import { max, min, mulDivDown, mulDivUp, PPM, WAD } from "./fixed.ts";
import { redeemableDown } from "./pool.ts";

const BATCH_INTERVAL = 3_600n;
/** Prices behind a fulfilment are newer than the last request by more than that, seconds. */
const PRICE_DELAY = 240n;
/** Shares and wei that belong to nobody. */
const VIRTUAL_SHARES = 1_000_000n;
/** Value of a share below which nothing is settled, WAD. */
const MIN_SHARE_VALUE = 1_000_000n;
const MAX_WAITING_BATCHES = 8;

/** Named as the errors of the contract. */
export type PoolRefusal =
  | "ZeroAmount"
  | "BeyondClaimable"
  | "TooManyWaitingBatches"
  | "UnknownBatch"
  | "AlreadyFulfilled"
  | "NotMatured"
  | "PoolNotLive"
  | "PoolBlocked"
  | "PriceTooOld"
  | "PoolInsolvent"
  | "NothingRedeemable";

/** A call that the contract refuses; nothing has changed. */
export class PoolRefused extends Error {
  readonly reason: PoolRefusal;

  constructor(reason: PoolRefusal) {
    super(`pool refused: ${reason}`);
    this.reason = reason;
  }
}

/** Unix seconds. */
interface BatchTimes {
  readonly closesAt: bigint;
  readonly maturesAt: bigint;
}

/** What the requests of a batch put in and get: token units for shares, or shares for token units. */
interface Tally {
  requested: bigint;
  settled: bigint;
  due: bigint;
}

/** The part of one controller in a batch. */
interface Request {
  readonly requested: bigint;
  readonly claimed: bigint;
  readonly received: bigint;
}

/** What can be claimed: `due` for `put`. */
export interface Claim {
  readonly put: bigint;
  readonly due: bigint;
}

const NO_REQUEST: Request = { requested: 0n, claimed: 0n, received: 0n };

/** All requests in one direction. Mirrors `Requests`. */
export class RequestBook {
  readonly #tallies = new Map<number, Tally>();
  /** By controller: the batches that have something left for it, the oldest first. */
  readonly #requests = new Map<number, Map<number, Request>>();

  tallyOf(batch: number): Tally {
    const tally = this.#tallies.get(batch) ?? { requested: 0n, settled: 0n, due: 0n };
    this.#tallies.set(batch, tally);
    return tally;
  }

  unsettled(batch: number): bigint {
    const { requested, settled } = this.tallyOf(batch);
    return requested - settled;
  }

  /** Throws PoolRefused where a controller waits in too many batches already. */
  add(controller: number, batch: number, amount: bigint): void {
    const requests = this.#requestsOf(controller);
    const request = requests.get(batch);
    if (request === undefined && requests.size === MAX_WAITING_BATCHES) throw new PoolRefused("TooManyWaitingBatches");
    requests.set(batch, { ...(request ?? NO_REQUEST), requested: (request?.requested ?? 0n) + amount });
    this.tallyOf(batch).requested += amount;
  }

  settle(batch: number, { put, due }: Claim): void {
    const tally = this.tallyOf(batch);
    tally.settled += put;
    tally.due += due;
  }

  /** Of one batch, pro rata and rounded down as a whole. */
  claimableOf(controller: number, batch: number): Claim {
    const request = this.#requests.get(controller)?.get(batch);
    if (request === undefined) return { put: 0n, due: 0n };
    const { requested, settled, due } = this.tallyOf(batch);
    return {
      put: mulDivDown(request.requested, settled, requested) - request.claimed,
      due: mulDivDown(request.requested, due, requested) - request.received,
    };
  }

  /** Of one batch, not settled yet. */
  pendingOf(controller: number, batch: number): bigint {
    const { requested, claimed } = this.#requests.get(controller)?.get(batch) ?? NO_REQUEST;
    return requested - claimed - this.claimableOf(controller, batch).put;
  }

  /** Of all batches together. */
  claimable(controller: number): Claim {
    let all = { put: 0n, due: 0n };
    for (const batch of this.#requestsOf(controller).keys()) {
      const { put, due } = this.claimableOf(controller, batch);
      // Batches are settled in order: after one that is not, none is.
      if (put === 0n) break;
      all = { put: all.put + put, due: all.due + due };
    }
    return all;
  }

  /** Claims what is due for `put`, the oldest batch first, rounded down in each. Returns that. */
  claim(controller: number, put: bigint): bigint {
    return this.#take(controller, put, "put");
  }

  /** Claims exactly `due` for as little as it takes, rounded up in each. Returns that. */
  claimExactly(controller: number, due: bigint): bigint {
    return this.#take(controller, due, "due");
  }

  #take(controller: number, amount: bigint, exact: keyof Claim): bigint {
    const requests = this.#requestsOf(controller);
    const taken: { batch: number; put: bigint; due: bigint }[] = [];
    let left = amount;
    for (const batch of requests.keys()) {
      const all = this.claimableOf(controller, batch);
      if (left === 0n || all.put === 0n) break;
      let part = all;
      if (exact === "put" && left < all.put) part = { put: left, due: mulDivDown(all.due, left, all.put) };
      if (exact === "due" && left < all.due) part = { put: mulDivUp(all.put, left, all.due), due: left };
      taken.push({ batch, ...part });
      left -= part[exact];
    }
    if (left !== 0n) throw new PoolRefused("BeyondClaimable");
    for (const { batch, put, due } of taken) {
      const { requested, claimed, received } = found(requests.get(batch));
      if (claimed + put === requested) requests.delete(batch);
      else requests.set(batch, { requested, claimed: claimed + put, received: received + due });
    }
    return taken.reduce((sum, { put, due }) => sum + (exact === "put" ? due : put), 0n);
  }

  #requestsOf(controller: number): Map<number, Request> {
    const requests = this.#requests.get(controller) ?? new Map<number, Request>();
    this.#requests.set(controller, requests);
    return requests;
  }
}

/** What a fulfilment settles at: V + value ± spread against V + supply, WAD. */
interface Quote {
  readonly value: bigint;
  readonly spread: bigint;
  readonly supply: bigint;
}

export interface Fulfilment {
  /** Token units that the deposits brought, and that the redemptions get. */
  readonly funded: bigint;
  readonly paid: bigint;
  /** Shares. */
  readonly minted: bigint;
  readonly burned: bigint;
  /** The batch that was paid in part, if any. */
  readonly partly: number | undefined;
}

/** The token of the pool beside its books. Assets are token units; controllers are the caller's to number. */
export class PoolShares {
  supply = 0n;
  readonly deposits = new RequestBook();
  readonly redemptions = new RequestBook();
  /** The latest batch, and how far each direction is settled. */
  queue = { latest: 0, deposits: 0, redemptions: 0 };
  readonly #balances = new Map<number, bigint>();
  readonly #batches = new Map<number, BatchTimes>();
  readonly #books: Books;
  /** Hold what waits for its batch, and what waits for its claim. */
  readonly #waiting: Account;
  readonly #redeemed: Account;
  readonly #unit: bigint;
  readonly #cooldown: bigint;
  readonly #deviation: bigint;

  /** @param unit WAD of a token unit. @param cooldown Seconds. @param deviation θ, 1e-6. */
  constructor(
    books: Books,
    options: { waiting: Account; redeemed: Account; unit: bigint; cooldown: bigint; deviation: bigint },
  ) {
    this.#books = books;
    this.#waiting = options.waiting;
    this.#redeemed = options.redeemed;
    this.#unit = options.unit;
    this.#cooldown = options.cooldown;
    this.#deviation = options.deviation;
  }

  balanceOf(controller: number): bigint {
    return this.#balances.get(controller) ?? 0n;
  }

  /** Shares that the pool itself holds: those that wait for redemption or for a claim, and what rounding has left. */
  get held(): bigint {
    return [...this.#balances.values()].reduce((left, balance) => left - balance, this.supply);
  }

  timesOf(batch: number): BatchTimes {
    return this.#batches.get(batch) ?? { closesAt: 0n, maturesAt: 0n };
  }

  /** Token units that shares are worth at the last prices, rounded down. */
  convertToAssets(shares: bigint, now: bigint): bigint {
    return mulDivDown(shares, this.#worth(now) + VIRTUAL_SHARES, this.supply + VIRTUAL_SHARES) / this.#unit;
  }

  convertToShares(assets: bigint, now: bigint): bigint {
    return mulDivDown(assets * this.#unit, this.supply + VIRTUAL_SHARES, this.#worth(now) + VIRTUAL_SHARES);
  }

  totalAssets(now: bigint): bigint {
    return this.#worth(now) / this.#unit;
  }

  #worth(now: bigint): bigint {
    return max(0n, this.#books.poolValue(now).equity);
  }

  // ---------------------------------------------------------------- request

  /** Returns the batch. */
  requestDeposit(controller: number, assets: bigint, now: bigint): number {
    const batch = this.#request(this.deposits, { controller, amount: assets, now });
    this.#books.deposit(this.#waiting, assets * this.#unit, now);
    return batch;
  }

  requestRedeem(controller: number, shares: bigint, now: bigint): number {
    if (shares === 0n) throw new PoolRefused("ZeroAmount");
    const batch = this.#request(this.redemptions, { controller, amount: shares, now });
    this.#add(controller, -shares);
    return batch;
  }

  /** The first request of an interval opens its batch. */
  #request(
    book: RequestBook,
    { controller, amount, now }: { controller: number; amount: bigint; now: bigint },
  ): number {
    const { latest } = this.queue;
    const { closesAt, maturesAt } = this.timesOf(latest);
    const batch = now < closesAt ? latest : latest + 1;
    book.add(controller, batch, amount);
    if (batch === latest) return batch;
    const end = (now / BATCH_INTERVAL + 1n) * BATCH_INTERVAL;
    this.#batches.set(batch, { closesAt: end, maturesAt: max(end + this.#cooldown, maturesAt) });
    this.queue = { ...this.queue, latest: batch };
    return batch;
  }

  // ---------------------------------------------------------------- fulfil

  /** Settles all batches up to `last` at one valuation. Mirrors `fulfill`; throws PoolRefused. */
  fulfil(last: number, now: bigint): Fulfilment {
    this.#requireMature(last, now);
    const { equity, gross, redeemable } = this.#books.poolValue(now);
    const quote = { value: equity, spread: mulDivUp(gross, this.#deviation, PPM), supply: this.supply };
    if (equity < 0n || !isBacked(equity, this.supply)) throw new PoolRefused("PoolInsolvent");

    const isWaiting = (batch: number) => this.deposits.unsettled(batch) !== 0n;
    const { funded, minted } = this.#fulfilDeposits(batchesAfter(this.queue.deposits, last).filter(isWaiting), quote);
    // What was missing below zero the deposits have to fill first.
    const pool = this.#books.poolState(now);
    const brought = funded * this.#unit;
    const options = { groups: this.#books.groups, time: now };
    const refilled = redeemable === 0n ? redeemableDown({ ...pool, base: pool.base + brought }, options) : undefined;
    const { paid, burned, done, partly } = this.#fulfilRedemptions(last, quote, refilled ?? redeemable + brought);
    if (funded === 0n && burned === 0n) throw new PoolRefused("NothingRedeemable");

    this.#books.markPool(now);
    if (funded !== 0n) this.#books.fundPool(this.#waiting, brought, now);
    if (paid !== 0n) this.#books.fundPool(this.#redeemed, -paid * this.#unit, now);
    this.supply += minted - burned;
    this.queue = { ...this.queue, deposits: Math.max(this.queue.deposits, last), redemptions: done };
    return { funded, paid, minted, burned, partly };
  }

  #requireMature(last: number, now: bigint): void {
    if (last === 0 || last > this.queue.latest) throw new PoolRefused("UnknownBatch");
    if (last <= this.queue.redemptions) throw new PoolRefused("AlreadyFulfilled");
    const { closesAt, maturesAt } = this.timesOf(last);
    const { live, blocked, oldest } = this.#books.poolValue(now);
    if (now < maturesAt) throw new PoolRefused("NotMatured");
    if (!live) throw new PoolRefused("PoolNotLive");
    if (blocked) throw new PoolRefused("PoolBlocked");
    if (oldest !== undefined && oldest <= closesAt + PRICE_DELAY) throw new PoolRefused("PriceTooOld");
  }

  #fulfilDeposits(batches: readonly number[], quote: Quote): { funded: bigint; minted: bigint } {
    const worth = quote.value + quote.spread + VIRTUAL_SHARES;
    let [funded, minted] = [0n, 0n];
    for (const batch of batches) {
      const put = this.deposits.unsettled(batch);
      const due = mulDivDown(put * this.#unit, quote.supply + VIRTUAL_SHARES, worth);
      this.deposits.settle(batch, { put, due });
      funded += put;
      minted += due;
    }
    return { funded, minted };
  }

  /** @param liquidity What may be paid, WAD. @returns With the last batch that is settled to its end. */
  #fulfilRedemptions(
    last: number,
    { value, spread, supply }: Quote,
    liquidity: bigint,
  ): { paid: bigint; burned: bigint; done: number; partly: number | undefined } {
    const first = this.queue.redemptions;
    if (!isBacked(max(0n, value - spread), supply)) return { paid: 0n, burned: 0n, done: first, partly: undefined };
    const [worth, all] = [max(0n, value - spread) + VIRTUAL_SHARES, supply + VIRTUAL_SHARES];
    let [left, burned, done] = [liquidity / this.#unit, 0n, first];
    for (const batch of batchesAfter(first, last)) {
      const shares = this.redemptions.unsettled(batch);
      if (shares !== 0n) {
        if (left === 0n) break;
        const whole = mulDivDown(shares, worth, all) / this.#unit;
        const due = min(whole, left);
        const put = whole > left ? mulDivUp(due * this.#unit, all, worth) : shares;
        this.redemptions.settle(batch, { put, due });
        [left, burned] = [left - due, burned + put];
        if (whole > due) return { paid: liquidity / this.#unit - left, burned, done, partly: batch };
      }
      done = batch;
    }
    return { paid: liquidity / this.#unit - left, burned, done, partly: undefined };
  }

  // ---------------------------------------------------------------- claim

  /** Returns the shares. */
  deposit(controller: number, assets: bigint): bigint {
    if (assets === 0n) throw new PoolRefused("ZeroAmount");
    const shares = this.deposits.claim(controller, assets);
    this.#add(controller, shares);
    return shares;
  }

  /** Returns the assets. */
  mint(controller: number, shares: bigint): bigint {
    if (shares === 0n) throw new PoolRefused("ZeroAmount");
    const assets = this.deposits.claimExactly(controller, shares);
    this.#add(controller, shares);
    return assets;
  }

  /** Returns the assets, which leave the vault. */
  redeem(controller: number, shares: bigint, now: bigint): bigint {
    if (shares === 0n) throw new PoolRefused("ZeroAmount");
    const assets = this.redemptions.claim(controller, shares);
    this.#books.withdraw(this.#redeemed, assets * this.#unit, now);
    return assets;
  }

  /** Returns the shares. */
  withdraw(controller: number, assets: bigint, now: bigint): bigint {
    if (assets === 0n) throw new PoolRefused("ZeroAmount");
    const shares = this.redemptions.claimExactly(controller, assets);
    this.#books.withdraw(this.#redeemed, assets * this.#unit, now);
    return shares;
  }

  #add(controller: number, shares: bigint): void {
    this.#balances.set(controller, this.balanceOf(controller) + shares);
  }
}

function batchesAfter(first: number, last: number): readonly number[] {
  return Array.from({ length: Math.max(0, last - first) }, (_, index) => first + 1 + index);
}

/** Whether a share of a pool worth `value` is worth anything. Mirrors `_isBacked`. */
function isBacked(value: bigint, supply: bigint): boolean {
  return (value + VIRTUAL_SHARES) * WAD >= (supply + VIRTUAL_SHARES) * MIN_SHARE_VALUE;
}
