/** What the events of the protocol say about each account, order and liquidation. */
import { type Interface, type Log, type LogDescription, type Provider } from "ethers";

import { CAUSES } from "../model/causes.ts";
import type { ProtocolParts } from "./protocol.ts";

/** What has happened to an account, WAD of settlement token. Costs are positive. */
export interface AccountFlows {
  fees: bigint;
  /** Paid minus received, over closed and open positions up to the last fill of each. */
  funding: bigint;
  penalties: bigint;
  discounts: bigint;
  /** Keeper pay and forfeited charges of its orders. */
  orderCosts: bigint;
  /** Debt that was forgiven. */
  forgiven: bigint;
  /** What it earned as keeper or liquidator. */
  earned: bigint;
  liquidations: number;
  /** Size and funding index by asset, for what is still open. */
  readonly open: Map<number, { size: bigint; index: bigint }>;
}

/** In or out of an account. */
export interface Movement {
  readonly account: string;
  readonly time: number;
  readonly token: number;
  /** WAD; negative: out. */
  readonly amount: bigint;
  /** One side of a sale inside the account, not a payment from or to the outside. */
  readonly swap: boolean;
}

export interface FillRecord {
  readonly account: string;
  readonly time: number;
  readonly asset: number;
  readonly delta: bigint;
  readonly price: bigint;
  /** N: what was paid for it at the price with the premium, less funding, WAD of settlement token. */
  readonly quote: bigint;
  /** Of what has built up since the market began, WAD for a unit. */
  readonly fundingIndex: bigint;
  readonly liquidation: boolean;
}

/** Part of a side that was closed. */
export interface DeleveragingRecord {
  readonly time: number;
  readonly block: number;
  readonly asset: number;
  readonly long: boolean;
  /** Size that the side lost, WAD. */
  readonly closed: bigint;
  readonly price: bigint;
}

/** Bad debt, when it was booked. WAD of settlement token. */
export interface DeficitRecord {
  readonly time: number;
  readonly account: string;
  /** That caused it; more than any asset where none did. */
  readonly market: number;
  readonly deficit: bigint;
  readonly fromInsurance: bigint;
}

export interface LiquidationRecord {
  readonly account: string;
  readonly liquidator: string;
  readonly time: number;
  readonly block: number;
  readonly transaction: string;
  readonly equityBefore: bigint;
  readonly maintenanceBefore: bigint;
  readonly equityAfter: bigint;
  readonly maintenanceAfter: bigint;
  readonly penalty: bigint;
  readonly discount: bigint;
  readonly reward: bigint;
  readonly deficit: bigint;
}

export interface PendingOrder {
  readonly account: string;
  readonly sequence: bigint;
  /** Only a later round settles it, unix seconds. */
  readonly boundary: number;
  readonly assets: readonly number[];
}

export interface RestingTrigger {
  readonly account: string;
  readonly sequence: bigint;
  readonly asset: number;
  readonly delta: bigint;
  readonly price: bigint;
  readonly above: boolean;
}

export class Journal {
  readonly flows = new Map<string, AccountFlows>();
  readonly movements: Movement[] = [];
  readonly fills: FillRecord[] = [];
  readonly liquidations: LiquidationRecord[] = [];
  readonly deleveragings: DeleveragingRecord[] = [];
  readonly deficits: DeficitRecord[] = [];
  /** Times at which the profits of a side were cut. */
  readonly profitCuts: { readonly time: number; readonly asset: number; readonly long: boolean }[] = [];
  readonly pending = new Map<string, PendingOrder>();
  readonly triggers = new Map<string, RestingTrigger>();
  readonly orders = { submitted: 0, executed: 0, cancelled: 0, refunded: 0, poked: 0 };
  readonly cancellations = new Map<string, number>();
  /** Σ escrow of pending orders, WAD. */
  escrows = 0n;
  badDebt = 0n;
  badDebtFromInsurance = 0n;
  keeperPay = 0n;
  liquidatorRewards = 0n;

  readonly #provider: Provider;
  readonly #addresses: string[];
  readonly #interfaces: Map<string, Interface>;
  #nextBlock: number;

  private constructor(provider: Provider, interfaces: Map<string, Interface>, nextBlock: number) {
    this.#provider = provider;
    this.#interfaces = interfaces;
    this.#addresses = [...interfaces.keys()];
    this.#nextBlock = nextBlock;
  }

  /** @param firstBlock Where it begins to read; otherwise after the latest block. */
  static async open(
    provider: Provider,
    { clearingHouse, orders }: ProtocolParts,
    firstBlock?: number,
  ): Promise<Journal> {
    const interfaces = new Map<string, Interface>([
      [(await clearingHouse.getAddress()).toLowerCase(), clearingHouse.interface],
      [(await orders.getAddress()).toLowerCase(), orders.interface],
    ]);
    return new Journal(provider, interfaces, firstBlock ?? (await provider.getBlockNumber()) + 1);
  }

  flowsOf(account: string): AccountFlows {
    const known = this.flows.get(account);
    if (known !== undefined) return known;
    const flows: AccountFlows = {
      fees: 0n,
      funding: 0n,
      penalties: 0n,
      discounts: 0n,
      orderCosts: 0n,
      forgiven: 0n,
      earned: 0n,
      liquidations: 0,
      open: new Map(),
    };
    this.flows.set(account, flows);
    return flows;
  }

  /** Reads all events up to `block`. @param timeOf Timestamps of blocks. */
  async read(block: number, timeOf: (block: number) => number): Promise<void> {
    if (block < this.#nextBlock) return;
    const logs = await this.#provider.getLogs({
      address: this.#addresses,
      fromBlock: this.#nextBlock,
      toBlock: block,
    });
    this.#nextBlock = block + 1;
    const parsed = logs.map((log) => ({ log, event: this.#interfaces.get(log.address.toLowerCase())?.parseLog(log) }));
    const liquidating = new Set(
      parsed.filter(({ event }) => event?.name === "Liquidated").map(({ log }) => log.transactionHash),
    );
    for (const { log, event } of parsed) {
      if (event === null || event === undefined) continue;
      const liquidation = liquidating.has(log.transactionHash);
      this.#take(event, log, { time: timeOf(log.blockNumber), liquidation });
    }
  }

  #take(event: LogDescription, log: Log, { time, liquidation }: { time: number; liquidation: boolean }): void {
    const text = (name: string): string => String(event.args.getValue(name));
    const number = (name: string): bigint => event.args.getValue(name) as bigint;
    const key = (): string => `${text("account")}/${text("sequence")}`;
    switch (event.name) {
      case "Fill": {
        this.#fill({
          account: text("account"),
          time,
          asset: Number(number("asset")),
          delta: number("delta"),
          price: number("price"),
          quote: number("quote"),
          fundingIndex: number("fundingIndex"),
          liquidation,
          fee: number("fee"),
        });
        break;
      }
      case "Credited":
        this.#move(text("account"), time, number("token"), number("amount"));
        break;
      case "Debited":
        this.#move(text("account"), time, number("token"), -number("amount"));
        break;
      case "Transferred":
        this.#move(text("from"), time, number("token"), -number("amount"));
        this.#move(text("to"), time, number("token"), number("amount"));
        break;
      case "PoolFunded":
      case "InsuranceFunded":
        this.#move(text("account"), time, 255n, -number("amount"));
        break;
      case "PoolDrained":
      case "InsurancePaidOut":
      case "ProtocolFeesPaid":
        this.#move(text("account"), time, 255n, number("amount"));
        break;
      case "OrderClosed": {
        this.escrows -= number("released") + number("pay") + number("forfeited");
        this.flowsOf(text("account")).orderCosts += number("pay") + number("forfeited");
        this.#pay(text("payTo"), number("pay"));
        break;
      }
      case "KeeperPaid":
        this.flowsOf(text("from")).orderCosts += number("amount");
        this.#pay(text("to"), number("amount"));
        break;
      case "Liquidated":
        this.#liquidate(event, log, time);
        break;
      case "CollateralSold":
        this.#sell(event, time);
        break;
      case "DeficitBooked":
        this.badDebt += number("deficit");
        this.badDebtFromInsurance += number("fromInsurance");
        this.flowsOf(text("account")).forgiven += number("deficit");
        this.deficits.push({
          time,
          account: text("account"),
          market: Number(number("market")),
          deficit: number("deficit"),
          fromInsurance: number("fromInsurance"),
        });
        break;
      case "Deleveraged":
        this.deleveragings.push({
          time,
          block: log.blockNumber,
          asset: Number(number("asset")),
          long: event.args.getValue("long") as boolean,
          closed: number("closed"),
          price: number("price"),
        });
        break;
      case "ProfitsCut":
        this.profitCuts.push({
          time,
          asset: Number(number("asset")),
          long: event.args.getValue("long") as boolean,
        });
        break;
      case "OrderSubmitted":
        this.escrows += number("pay") + number("charge");
        this.#submit(key(), {
          account: text("account"),
          sequence: number("sequence"),
          boundary: Number(number("boundary")),
          assets: [Number(number("asset"))],
        });
        break;
      case "BasketSubmitted": {
        const legs = event.args.getValue("legs") as readonly { asset: bigint }[];
        this.escrows += number("pay") + number("charge");
        this.#submit(key(), {
          account: text("account"),
          sequence: number("sequence"),
          boundary: Number(number("boundary")),
          assets: legs.map(({ asset }) => Number(asset)),
        });
        break;
      }
      case "OrderFilled":
        this.orders.executed += 1;
        this.pending.delete(key());
        break;
      case "OrderCancelled": {
        this.orders.cancelled += 1;
        this.pending.delete(key());
        const cause = CAUSES[Number(number("cause"))] ?? "unknown";
        this.cancellations.set(cause, (this.cancellations.get(cause) ?? 0) + 1);
        break;
      }
      case "OrderRefunded":
        this.orders.refunded += 1;
        this.pending.delete(key());
        break;
      case "TriggerSubmitted":
        this.triggers.set(key(), {
          account: text("account"),
          sequence: number("sequence"),
          asset: Number(number("asset")),
          delta: number("delta"),
          price: number("triggerPrice"),
          above: event.args.getValue("above") as boolean,
        });
        break;
      case "TriggerPoked":
        this.orders.poked += 1;
        this.triggers.delete(key());
        break;
      case "TriggerCancelled":
        this.triggers.delete(key());
        break;
    }
  }

  #submit(key: string, order: PendingOrder): void {
    this.orders.submitted += 1;
    this.pending.set(key, order);
  }

  #fill({ fee, ...fill }: FillRecord & { fee: bigint }): void {
    const index = fill.fundingIndex;
    const flows = this.flowsOf(fill.account);
    this.fills.push(fill);
    flows.fees += fee;
    const held = flows.open.get(fill.asset) ?? { size: 0n, index };
    flows.funding += fundingSince(held, index);
    const size = held.size + fill.delta;
    if (size === 0n) flows.open.delete(fill.asset);
    else flows.open.set(fill.asset, { size, index });
  }

  #move(account: string, time: number, token: bigint, amount: bigint, swap = false): void {
    this.movements.push({ account, time, token: Number(token), amount, swap });
    this.flowsOf(account);
  }

  #pay(to: string, amount: bigint): void {
    this.keeperPay += amount;
    this.flowsOf(to).earned += amount;
  }

  #liquidate(event: LogDescription, log: Log, time: number): void {
    const result = event.args.getValue("result") as Omit<
      LiquidationRecord,
      "account" | "liquidator" | "time" | "block" | "transaction"
    >;
    const account = String(event.args.getValue("account"));
    const liquidator = String(event.args.getValue("liquidator"));
    const { equityBefore, maintenanceBefore, equityAfter, maintenanceAfter, penalty, discount, reward, deficit } =
      result;
    this.liquidations.push({
      account,
      liquidator,
      time,
      block: log.blockNumber,
      transaction: log.transactionHash,
      equityBefore,
      maintenanceBefore,
      equityAfter,
      maintenanceAfter,
      penalty,
      discount,
      reward,
      deficit,
    });
    const flows = this.flowsOf(account);
    flows.liquidations += 1;
    flows.penalties += penalty;
    flows.discounts += discount;
    this.flowsOf(liquidator).earned += reward + discount;
    this.liquidatorRewards += reward;
  }

  /** The seller swaps collateral for cash at its price: a movement of both, of equal value. */
  #sell(event: LogDescription, time: number): void {
    const token = event.args.getValue("token") as bigint;
    const amount = event.args.getValue("amount") as bigint;
    const proceeds = event.args.getValue("proceeds") as bigint;
    const account = String(event.args.getValue("account"));
    const buyer = String(event.args.getValue("buyer"));
    this.#move(account, time, token, -amount, true);
    this.#move(account, time, 255n, proceeds, true);
    this.#move(buyer, time, token, amount, true);
    this.#move(buyer, time, 255n, -proceeds, true);
  }
}

/** What a position has paid since its funding index was `index`, WAD. */
export function fundingSince({ size, index }: { size: bigint; index: bigint }, now: bigint): bigint {
  return (size * (now - index)) / 10n ** 18n;
}
