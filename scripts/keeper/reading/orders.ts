/** Pending orders with their rounds, and triggers that fire. */
import { PlimsollError } from "../../deploy/PlimsollError.ts";
import type { Price } from "../../model/price.ts";
import type { OrderState, TriggerState } from "../decide/state.ts";
import { isOwn, type Shard } from "../decide/shard.ts";
import { type IndexView, keyOf, type PendingOrder, type RestingTrigger } from "../index/entries.ts";
import type { Settlement } from "../rounds.ts";
import type { Source } from "./feeds.ts";
import { type At, isolated, type ReadingContext } from "./isolated.ts";
import { readPages } from "./pages.ts";
import type { Settlements } from "./settlements.ts";

export interface OrdersQuery {
  readonly index: IndexView;
  readonly sources: ReadonlyMap<number, Source>;
  readonly prices: readonly Price[];
  /** Wei per gas. */
  readonly baseFee: bigint;
  readonly nativePrice: bigint;
  readonly time: bigint;
  readonly at: At;
}

interface Pay {
  readonly execution: bigint;
  readonly refund: bigint;
  readonly poke: bigint;
}

interface Escrow {
  readonly boundary: bigint;
  readonly pay: bigint;
}

export class OrderBook {
  readonly #context: ReadingContext;
  readonly #settlements: Settlements;
  readonly #shard: Shard;
  /** Keeper pay in escrow, by order. */
  #escrows = new Map<string, Escrow>();

  constructor({ settlements, shard, ...context }: ReadingContext & { settlements: Settlements; shard: Shard }) {
    this.#context = context;
    this.#settlements = settlements;
    this.#shard = shard;
  }

  forget(): void {
    this.#escrows = new Map();
  }

  async orders(query: OrdersQuery): Promise<OrderState[]> {
    const { index } = query;
    for (const key of [...this.#escrows.keys()]) if (!index.orders.has(key)) this.#escrows.delete(key);
    const pending = [...index.orders.values()].filter(({ account }) => isOwn(this.#shard, account));
    const pays = await this.#pays([...new Set(pending.map(({ legs }) => legs.length))], query);
    const read = async (order: PendingOrder): Promise<Settled> => {
      return {
        order,
        settlements: await Promise.all(order.legs.map(async (leg) => this.#settlementOf(leg, order, query))),
      };
    };
    const settled = await isolated(pending, read, { ...this.#context, what: "order" });
    await this.#readEscrows(
      settled.filter((one) => !isWaiting(one)).map(({ order }) => order),
      query.at,
    );
    return settled.flatMap((one) => {
      const { order, settlements } = one;
      const { execution, refund } = pays.get(order.legs.length) ?? NO_PAY;
      const escrow = isWaiting(one) ? 0n : this.#escrowOf(order);
      return escrow === undefined ? [] : [{ order, settlements, pay: { escrow, execution, refund } }];
    });
  }

  async triggers(query: OrdersQuery): Promise<TriggerState[]> {
    const { index, prices, at } = query;
    const firing = [...index.triggers.values()].filter(
      (trigger) => isOwn(this.#shard, trigger.account) && fires(trigger, prices[trigger.asset]),
    );
    if (firing.length === 0) return [];
    const pay = (await this.#pays([1], query)).get(1)?.poke ?? 0n;
    const positions = await readPages(firing, {
      ...this.#context,
      contract: this.#context.contracts.clearingHouse,
      viewsOf: ({ account, asset }) => [{ method: "positionOf", values: [account, asset] }],
      at,
      what: "trigger",
    });
    return [...positions].map(([trigger, [position]]) => ({
      trigger,
      size: position?.getValue("size") as bigint,
      pay,
    }));
  }

  async #settlementOf(
    { asset, phase }: PendingOrder["legs"][number],
    { boundary }: PendingOrder,
    { sources, at, time }: OrdersQuery,
  ): Promise<Settlement> {
    const source = sources.get(asset);
    if (source === undefined) throw new PlimsollError(`no feed of asset ${asset}`);
    return this.#settlements.find(source, { phase, boundary }, { at, now: time });
  }

  /** By number of legs. */
  async #pays(legs: readonly number[], { baseFee, nativePrice, at }: OrdersQuery): Promise<ReadonlyMap<number, Pay>> {
    const { orders } = this.#context.contracts;
    const read = async (count: number) => {
      // A single order is one of no legs.
      const pay = await orders.payFor(count === 1 ? 0 : count, baseFee, nativePrice, at);
      return [count, { execution: pay.execution, refund: pay.refund, poke: pay.poke_ }] as const;
    };
    return new Map(await Promise.all(legs.map(read)));
  }

  /** Of those that are not known: what is in escrow stays until the order ends. */
  async #readEscrows(orders: readonly PendingOrder[], at: At): Promise<void> {
    const unknown = orders.filter((order) => this.#escrowOf(order) === undefined);
    const read = await readPages(unknown, {
      ...this.#context,
      contract: this.#context.contracts.orders,
      viewsOf: ({ account, sequence }) => [{ method: "orderOf", values: [account, sequence] }],
      at,
      what: "order",
    });
    for (const [order, [view]] of read) {
      const { pay } = view?.[0] as { pay: bigint };
      this.#escrows.set(keyOf(order), { boundary: order.boundary, pay });
    }
  }

  #escrowOf(order: PendingOrder): bigint | undefined {
    const known = this.#escrows.get(keyOf(order));
    return known?.boundary === order.boundary ? known.pay : undefined;
  }
}

interface Settled {
  readonly order: PendingOrder;
  readonly settlements: readonly Settlement[];
}

function isWaiting({ settlements }: Settled): boolean {
  return settlements.some(({ kind }) => kind === "waiting");
}

const NO_PAY: Pay = { execution: 0n, refund: 0n, poke: 0n };

function fires({ triggerPrice, above }: RestingTrigger, price: Price | undefined): boolean {
  if (price === undefined) return false;
  return above ? price.last >= triggerPrice : price.last <= triggerPrice;
}
