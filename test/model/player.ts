/** Carries steps of a history out on the clearing house and in the model, and compares the two after each. */
import { abs, max, min, WAD } from "../../scripts/model/fixed.ts";
import { encodePrice, livePrice, type Price } from "../../scripts/model/price.ts";
import { found, type Leg, type Settlement } from "../../scripts/model/books.ts";
import { compareTerms, compareWorld } from "../../scripts/lab/engine/comparison.ts";
import { GAMBLER, LIQUIDATOR, PROVIDER, SETTLEMENT, SETTLEMENT_PRICE, TRADERS } from "./cast.ts";
import { HousePlayer, newHouseTally, type Of } from "./housePlayer.ts";
import type { Step } from "./steps.ts";
import { networkHelpers, START_PRICES, type World } from "./world.ts";

/** What an order may be refused for without the history being at fault. */
const ORDER_REFUSALS = new Set([
  "IncreaseRefused",
  "InsufficientLiquidity",
  "InsufficientMargin",
  "MarketIsReduceOnly",
  "OpenInterestExceeded",
  "PositionTooSmall",
  "ReductionRefused",
  "SkewExceeded",
]);
/** What a withdrawal, or the purchase of collateral, may be refused for. */
const MONEY_REFUSALS = new Set(["InsufficientMargin", "InsufficientCash"]);

/** How often each kind of thing has happened. */
export function newTally() {
  return {
    ...newHouseTally(),
    trades: 0,
    flips: 0,
    withdrawals: 0,
    rescues: 0,
    cuts: 0,
    marketsClosed: 0,
    funded: 0,
    drained: 0,
    marks: 0,
  };
}

export class Player extends HousePlayer<World, ReturnType<typeof newTally>> {
  #settlement: Settlement;

  async open(): Promise<void> {
    await this.#setPrices();
    for (const [account, amount] of [
      [PROVIDER, 20_000_000n],
      [LIQUIDATOR, 50_000_000n],
      ...Array.from({ length: TRADERS }, (_, index) => [index, 8_000n] as const),
    ] as const) {
      await this.credit({ account, token: SETTLEMENT, amount: amount * WAD });
    }
    await this.#fundPool(150_000n * WAD);
    await this.#fundInsurance(2_000n * WAD);
    await compareWorld(this.world);
  }

  /** Carries a step out, and compares everything. */
  async play(step: Step): Promise<void> {
    const acting = await this.#play(step);
    const now = await compareWorld(this.world);
    if (acting !== undefined) await compareTerms(this.world, acting, now);
  }

  /** The trader whose terms are worth a comparison, if any. */
  async #play(step: Step): Promise<number | undefined> {
    const { books } = this.world;
    switch (step.kind) {
      case "wait":
        this.pause += BigInt(step.seconds);
        return undefined;
      case "prices":
        books.prices.forEach((price, asset) => {
          const doubtful = (step.doubt & (1 << asset)) !== 0 && step.doubt < 6;
          books.prices[asset] = movedPrice(price, { move: found(step.moves[asset]), asset, doubtful });
        });
        await this.#setPrices();
        return undefined;
      case "credit": {
        const { account, token, value } = step;
        const asset = books.tokens[token]?.asset;
        const price = asset === undefined ? WAD : found(books.prices[asset]).last;
        await this.credit({ account, token, amount: (BigInt(value) * WAD * WAD) / price });
        return undefined;
      }
      case "withdraw":
        return this.#withdraw(step);
      case "trade":
        return this.#trade(step);
      case "crowd":
        return this.#crowd(step);
      case "liquidate":
        return this.liquidate(step);
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
      case "cutProfits":
        return this.#cutProfits(step);
      case "windDown":
        return this.#windDown(step);
      case "closeMarket":
        return this.#closeMarket(step);
      case "pool":
        return this.#pool(step);
      case "insurance":
        await this.#fundInsurance(BigInt(step.value) * 1_000n * WAD);
        return undefined;
      case "mark":
        return this.#mark();
    }
  }

  // ---------------------------------------------------------------- money

  protected override async credit({
    account,
    token,
    amount,
  }: {
    account: number;
    token: number;
    amount: bigint;
  }): Promise<void> {
    const { driver, books } = this.world;
    const now = await this.next();
    await driver.credit(this.id(account), token, amount);
    if (token === SETTLEMENT) books.deposit(books.account(account), amount, now);
    else books.addCollateral(books.account(account), token, amount);
  }

  async #withdraw({ account: index, token, share }: Of<"withdraw">): Promise<number | undefined> {
    const { driver, books } = this.world;
    const account = books.account(index);
    const held = token === SETTLEMENT ? account.cash : account.collateralOf(token);
    const amount = (held * BigInt(share)) / 100n;
    if (amount === 0n) return undefined;
    const now = await this.next();
    if (!(await this.accepted(driver.debit(this.id(index), token, amount), MONEY_REFUSALS))) return undefined;
    ++this.tally.withdrawals;
    if (token === SETTLEMENT) books.withdraw(account, amount, now);
    else books.addCollateral(account, token, -amount);
    return index;
  }

  async #pool({ value }: Of<"pool">): Promise<undefined> {
    if (value > 0) {
      await this.#fundPool(BigInt(value) * 1_000n * WAD);
      return;
    }
    const { driver, books } = this.world;
    const now = await this.next();
    const { redeemable } = books.poolValue(now);
    const amount = (redeemable * BigInt(-value)) / 100n + 1n;
    const sent = driver.drainPool(this.id(PROVIDER), amount);
    if (amount > redeemable) {
      await this.refused(sent, books.base < amount ? "InsufficientLiquidity" : "PoolUndercovered");
      return;
    }
    await sent;
    books.fundPool(books.account(PROVIDER), -amount, now);
    ++this.tally.drained;
  }

  async #fundPool(amount: bigint): Promise<void> {
    const { driver, books } = this.world;
    const now = await this.next();
    await driver.fundPool(this.id(PROVIDER), amount);
    books.fundPool(books.account(PROVIDER), amount, now);
    ++this.tally.funded;
  }

  /** @param amount Negative: pays out. */
  async #fundInsurance(amount: bigint): Promise<void> {
    const { driver, books } = this.world;
    const now = await this.next();
    if (amount > 0n) await driver.fundInsurance(this.id(PROVIDER), amount);
    else await driver.drainInsurance(this.id(PROVIDER), -amount);
    books.fundInsurance(books.account(PROVIDER), amount, now);
  }

  async #mark(): Promise<undefined> {
    const now = await this.next();
    await this.world.house.markPool();
    this.world.books.markPool(now);
    ++this.tally.marks;
  }

  // ---------------------------------------------------------------- trading

  async #trade(step: Of<"trade">): Promise<number | undefined> {
    const { books } = this.world;
    const now = await this.latest();
    const account = books.account(step.account);
    const sizeOf = (asset: number): bigint => books.exposureOf(account, asset, now).size;
    const legs: Leg[] = step.legs.map(({ asset, value }) => {
      const { last } = found(books.prices[asset]);
      const part = (-sizeOf(asset) * BigInt(step.share)) / 100n;
      return {
        asset,
        delta: part === 0n ? (BigInt(value) * WAD * WAD) / last : part,
        price: last + (last * BigInt(step.slip)) / 1_000_000n,
      };
    });
    const reduceOnly = step.share > 100 && legs.every(({ asset }) => sizeOf(asset) !== 0n);
    return (await this.#order(step.account, legs, reduceOnly)) ? step.account : undefined;
  }

  async #crowd({ accounts, asset, long }: Of<"crowd">): Promise<number | undefined> {
    const { books } = this.world;
    const { trade } = found(books.assets[asset]);
    const { last } = found(books.prices[asset]);
    const step = ((long ? 1n : -1n) * trade.skewCap * 9n) / 10n;
    const [stays, leaves] = accounts;
    await this.#mark();
    for (const account of accounts) await this.credit({ account, token: SETTLEMENT, amount: 30_000n * WAD });
    const missing = step - books.skewOf(asset);
    for (const [account, delta] of [
      [stays, missing],
      [leaves, -2n * step],
      [stays, 2n * step],
    ] as const) {
      if (delta !== 0n) await this.#order(account, [{ asset, delta, price: last }], false);
    }
    const { size } = books.exposureOf(books.account(leaves), asset, await this.latest());
    if (size !== 0n) await this.#order(leaves, [{ asset, delta: -size, price: last }], true);
    return stays;
  }

  async #order(index: number, legs: readonly Leg[], reduceOnly: boolean): Promise<boolean> {
    const { driver, books } = this.world;
    const account = books.account(index);
    const now = await this.next();
    if (!(await this.accepted(driver.trade(this.id(index), [...legs], reduceOnly), ORDER_REFUSALS))) return false;
    for (const { asset, delta } of legs) {
      const { size } = books.exposureOf(account, asset, now);
      if (size !== 0n && !reduceOnly && size < 0n !== size + delta < 0n && size + delta !== 0n) ++this.tally.flips;
    }
    this.countFolded(account);
    books.trade(account, legs, { reduceOnly, now });
    ++this.tally.trades;
    return true;
  }

  /** Drives the pool into insolvency where a crowd stands on one side of a market. */
  async #cutProfits({ asset, insurance }: Of<"cutProfits">): Promise<undefined> {
    const { house, books } = this.world;
    if (insurance === 0 && books.insurance !== 0n) await this.#fundInsurance(-books.insurance);
    if (abs(books.skewOf(asset)) < found(books.assets[asset]).trade.skewCap) {
      await this.#crowd({ kind: "crowd", accounts: [0, 1], asset, long: insurance !== 2 });
    }
    const soon = (await this.latest()) + this.pause + 2n;
    const { redeemable } = books.poolValue(soon);
    if (redeemable !== 0n) await this.#pool({ kind: "pool", value: -99 });
    const crowd = books.skewOf(asset);
    for (let step = 0; step < 30 && crowd !== 0n; ++step) {
      const at = (await this.latest()) + this.pause + 2n;
      const { equity, live } = books.poolValue(at);
      if (equity < 0n || !live) break;
      const { last } = found(books.prices[asset]);
      if (last > 10n * found(START_PRICES[asset]) || last * 20n < found(START_PRICES[asset])) break;
      books.prices[asset] = this.#priced((last * (crowd > 0n ? 112n : 88n)) / 100n);
    }
    await this.#setPrices();
    const now = await this.next();
    const done = books.cutProfits(now);
    const sent = house.cutProfits();
    if (done === undefined) {
      const { equity, live } = books.poolValue(now);
      return this.refused(sent, equity >= 0n || !live ? "PoolSolvent" : "NoProfits");
    }
    await sent;
    if (done.fromInsurance !== 0n) ++this.tally.rescues;
    if (done.cut !== 0n) ++this.tally.cuts;
  }

  /** A gambler who has nothing else opens a position that the final price will ruin. */
  async #windDown({ asset }: Of<"windDown">): Promise<undefined> {
    const { house, books } = this.world;
    await this.credit({ account: GAMBLER, token: SETTLEMENT, amount: 8_000n * WAD });
    const { last } = found(books.prices[asset]);
    const size = (20_000n * WAD * WAD) / last;
    await this.#mark();
    for (const delta of [size, -size]) {
      if (await this.#order(GAMBLER, [{ asset, delta, price: last }], false)) break;
    }
    const now = await this.next();
    await house.windDown(asset);
    books.windDown(asset, now);
  }

  async #closeMarket({ asset, proved }: Of<"closeMarket">): Promise<undefined> {
    const { house, books } = this.world;
    const { last } = found(books.prices[asset]);
    const { closesAt } = books.market(asset).watch;
    const ruinous = books.account(GAMBLER).positionOf(asset).units > 0n ? last / 4n : last * 2n;
    await this.#setSettlement(proved ? ruinous : undefined);
    const hint = { round: 1n, before: 0n };
    const latest = await this.latest();
    if (latest + this.pause < closesAt) await this.refused(house.closeMarket(asset, hint), "ClosingLater");
    this.pause = max(this.pause, closesAt - latest);
    const now = await this.next();
    await house.closeMarket(asset, hint);
    books.closeMarket(asset, this.#settlement, now);
    ++this.tally.marketsClosed;
  }

  // ---------------------------------------------------------------- chain

  protected override get others(): readonly number[] {
    return [GAMBLER];
  }

  protected override async latest(): Promise<bigint> {
    return BigInt(await networkHelpers.time.latest());
  }

  protected override async next(): Promise<bigint> {
    const now = (await this.latest()) + 1n + this.pause;
    this.pause = 0n;
    await networkHelpers.time.setNextBlockTimestamp(now);
    return now;
  }

  /** An order ends in the transaction that submits it. */
  protected override finish(): Promise<void> {
    return Promise.resolve();
  }

  protected override wait(seconds: bigint): Promise<void> {
    this.pause += seconds;
    return Promise.resolve();
  }

  protected override async prove(_: number, price: bigint | undefined) {
    await this.#setSettlement(price);
    return { hint: { round: 1n, before: 0n }, settlementAt: () => this.#settlement };
  }

  protected override async setPrice(asset: number, last: bigint): Promise<void> {
    this.world.books.prices[asset] = this.#priced(last);
    await this.#setPrices();
  }

  #priced(last: bigint): Price {
    return livePrice(last, 1_800_000_000n + (last % 1_000n));
  }

  async #setPrices(): Promise<void> {
    const { driver, books } = this.world;
    await driver.setPrices(
      7n | (SETTLEMENT_PRICE << 40n),
      books.prices.map((_, asset) => asset),
      books.prices.map(encodePrice),
    );
  }

  async #setSettlement(settlement: Settlement): Promise<void> {
    this.#settlement = settlement;
    await this.world.driver.setSettlement(settlement === undefined ? 1 : 0, settlement ?? 0n);
  }
}

/** Within a quarter and four times of where the asset started. @param move 1e-4. */
function movedPrice(
  price: Price,
  { move, asset, doubtful }: { move: number; asset: number; doubtful: boolean },
): Price {
  const start = found(START_PRICES[asset]);
  const last = min(max(price.last + (price.last * BigInt(move)) / 10_000n, start / 4n), 4n * start);
  const moved = livePrice(last, price.updatedAt + 1n);
  return doubtful ? { ...moved, spread: 30_000n, refusal: "Stale" } : moved;
}
