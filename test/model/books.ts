/** The books of the clearing house as the model keeps them, action by action. */
import { fill, moveCash, splitFees } from "../../scripts/model/fill.ts";
import { abs } from "../../scripts/model/fixed.ts";
import { accrued, type Funding } from "../../scripts/model/funding.ts";
import {
  type Basket,
  type LiquidationOutcome,
  liquidate,
  type LiquidationState,
} from "../../scripts/model/liquidation.ts";
import type {
  CollateralParameters,
  GlobalParameters,
  GroupParameters,
  MoneyParameters,
  RiskParameters,
  SizeParameters,
  TradeParameters,
} from "../../scripts/model/parameters.ts";
import { valuePool } from "../../scripts/model/pool.ts";
import type { Price } from "../../scripts/model/price.ts";
import type { Exposure } from "../../scripts/model/risk.ts";

export interface Asset {
  readonly risk: RiskParameters;
  readonly sizes: SizeParameters;
  readonly trade: TradeParameters;
}

interface Position {
  size: bigint;
  quote: bigint;
}

export class Account {
  cash = 0n;
  /** By asset. */
  readonly positions = new Map<number, Position>();
  /** By token. */
  readonly collateral = new Map<number, bigint>();

  positionOf(asset: number): Position {
    return this.positions.get(asset) ?? { size: 0n, quote: 0n };
  }

  collateralOf(token: number): bigint {
    return this.collateral.get(token) ?? 0n;
  }
}

export interface Leg {
  readonly asset: number;
  readonly delta: bigint;
  readonly price: bigint;
}

/** All amounts WAD, all times unix seconds. Every action assumes that the contract accepted it. */
export class Books {
  base = 0n;
  debts = 0n;
  insurance = 0n;
  protocolFees = 0n;
  /** Settlement tokens deposited. */
  paidIn = 0n;
  readonly accounts: readonly Account[];
  readonly assets: readonly Asset[];
  readonly tokens: readonly CollateralParameters[];
  readonly prices: Price[];
  readonly globals: GlobalParameters;
  readonly groups: GroupParameters;
  readonly money: MoneyParameters;
  readonly #funding: Funding[];

  constructor(parameters: {
    accounts: number;
    assets: readonly Asset[];
    tokens: readonly CollateralParameters[];
    prices: readonly Price[];
    globals: GlobalParameters;
    groups: GroupParameters;
    money: MoneyParameters;
    listedAt: bigint;
  }) {
    this.accounts = Array.from({ length: parameters.accounts }, () => new Account());
    this.assets = parameters.assets;
    this.tokens = parameters.tokens;
    this.prices = [...parameters.prices];
    this.globals = parameters.globals;
    this.groups = parameters.groups;
    this.money = parameters.money;
    this.#funding = parameters.assets.map(() => ({ index: 0n, rate: 0n, velocity: 0n, time: parameters.listedAt }));
  }

  account(index: number): Account {
    return found(this.accounts[index]);
  }

  /** As stored: not accrued since the last fill. */
  fundingOf(asset: number): Funding {
    return found(this.#funding[asset]);
  }

  /** Sums of both sides of a market. */
  marketOf(asset: number): { longSize: bigint; longQuote: bigint; shortSize: bigint; shortQuote: bigint } {
    const sums = { longSize: 0n, longQuote: 0n, shortSize: 0n, shortQuote: 0n };
    for (const account of this.accounts) {
      const { size, quote } = account.positionOf(asset);
      if (size > 0n) {
        sums.longSize += size;
        sums.longQuote += quote;
      } else if (size < 0n) {
        sums.shortSize -= size;
        sums.shortQuote += quote;
      }
    }
    return sums;
  }

  skewOf(asset: number): bigint {
    return this.accounts.reduce((sum, account) => sum + account.positionOf(asset).size, 0n);
  }

  /** An account's exposures in ascending order of assets, as `snapshot` gives them. */
  exposuresOf(account: Account, now: bigint): Exposure[] {
    return this.assets.flatMap((_, asset) => {
      const exposure = this.exposureOf(account, asset, now);
      return exposure.size === 0n && exposure.collateral === 0n ? [] : [exposure];
    });
  }

  exposureOf(account: Account, asset: number, now: bigint): Exposure {
    const { risk, sizes, trade } = found(this.assets[asset]);
    const price = found(this.prices[asset]);
    const collateral = this.tokens.reduce(
      (sum, token, index) => (token.asset === asset ? sum + account.collateralOf(index) : sum),
      0n,
    );
    const funding = accrued(this.fundingOf(asset), { maxRate: trade.maxFundingRate, price: price.last, now });
    return { asset, price, ...account.positionOf(asset), collateral, funding, risk, sizes, trade };
  }

  poolValue(now: bigint): { equity: bigint; gross: bigint } {
    const markets = this.assets.flatMap((_, asset) => {
      const sums = this.marketOf(asset);
      if (sums.longSize + sums.shortSize === 0n) return [];
      const { price, funding, sizes } = this.exposureOf(new Account(), asset, now);
      return [{ ...sums, price: price.last, funding, depth: sizes.depth }];
    });
    return valuePool({ base: this.base, debts: this.debts, markets });
  }

  deposit(account: Account, amount: bigint): void {
    this.addCash(account, amount);
    this.paidIn += amount;
  }

  /** The counterpart of `amount` is the caller's to book. */
  addCash(account: Account, amount: bigint): void {
    const moved = moveCash(account.cash, amount);
    account.cash = moved.cash;
    this.debts += moved.borrowed;
    this.base -= moved.borrowed;
  }

  addCollateral(account: Account, token: number, amount: bigint): void {
    account.collateral.set(token, account.collateralOf(token) + amount);
  }

  fundPool(account: Account, amount: bigint): void {
    this.addCash(account, -amount);
    this.base += amount;
  }

  fundInsurance(account: Account, amount: bigint): void {
    this.addCash(account, -amount);
    this.insurance += amount;
  }

  trade(account: Account, legs: readonly Leg[], { reduceOnly, now }: { reduceOnly: boolean; now: bigint }): void {
    let fees = 0n;
    for (const { asset, delta: wanted, price } of legs) {
      const exposure = this.exposureOf(account, asset, now);
      const { size } = exposure;
      const delta = reduceOnly && abs(wanted) > abs(size) ? -size : wanted;
      const filled = fill({ exposure, delta, price, skew: this.skewOf(asset) });
      this.#store(account, filled.exposure);
      this.base -= filled.realised;
      this.addCash(account, filled.realised - filled.fee);
      fees += filled.fee;
    }
    this.#takeFees(fees);
  }

  liquidationState(account: Account, options: { now: bigint; settlementPrice: bigint }): LiquidationState {
    const exposures = this.exposuresOf(account, options.now);
    return {
      exposures,
      cash: account.cash,
      holdings: this.tokens.map((parameters, token) => ({ token, amount: account.collateralOf(token), parameters })),
      skews: new Map(exposures.map(({ asset }) => [asset, this.skewOf(asset)])),
      globals: this.globals,
      groups: this.groups,
      money: this.money,
      time: options.now,
      settlementPrice: options.settlementPrice,
      insurance: this.insurance,
    };
  }

  /** Carries a basket out and returns what the model says about it; nothing changes where it is refused. */
  liquidate(
    account: Account,
    basket: Basket,
    options: { liquidator: Account; now: bigint; settlementPrice: bigint },
  ): LiquidationOutcome {
    const state = this.liquidationState(account, options);
    const outcome = liquidate(state, basket);
    if (outcome.refusal !== undefined) return outcome;
    for (const { asset } of basket.reductions) {
      this.#store(account, found(outcome.exposures.find((exposure) => exposure.asset === asset)));
    }
    const { liquidator } = options;
    for (const { token, amount } of basket.sales) {
      this.addCollateral(account, token, -amount);
      this.addCollateral(liquidator, token, amount);
    }
    // All of the debt is lent before it is forgiven; insurance repays what it can, the pool loses the rest.
    this.addCash(account, outcome.cash - outcome.deficit - account.cash);
    account.cash = outcome.cash;
    this.debts -= outcome.deficit;
    const shares = splitFees(outcome.fees, this.globals);
    this.base += shares.pool - outcome.realised + outcome.fromInsurance;
    this.protocolFees += shares.protocol;
    this.insurance += outcome.insuranceChange;
    this.addCash(liquidator, outcome.discount + outcome.reward - outcome.proceeds);
    return outcome;
  }

  #store(account: Account, { asset, size, quote, funding }: Exposure): void {
    account.positions.set(asset, { size, quote });
    this.#funding[asset] = funding;
  }

  #takeFees(fees: bigint): void {
    const shares = splitFees(fees, this.globals);
    this.insurance += shares.insurance;
    this.protocolFees += shares.protocol;
    this.base += shares.pool;
  }
}

export function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("not in the books");
  return value;
}
