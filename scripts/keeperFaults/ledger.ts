/**
 * Every event of the protocol, block by block, as the canonical chain has them now. Blocks that were taken back are
 * forgotten; nothing is remembered that the chain does not say.
 */
import type { Interface, Log } from "ethers";

import { CAUSES } from "../model/causes.ts";
import type { Protocol } from "../replay/protocol.ts";

export interface Happening {
  readonly name: string;
  readonly block: number;
  readonly transaction: string;
  readonly index: number;
  /** Accounts that the event names in its topics. */
  readonly accounts: readonly string[];
  readonly args: Readonly<Record<string, unknown>>;
}

/** What became of an order. */
export interface OrderLife {
  readonly key: string;
  readonly account: string;
  /** Only a later round settles it, unix seconds. */
  readonly boundary: number;
  readonly assets: readonly number[];
  readonly submittedAt: number;
  /** How it ended, once for each time that it did. */
  readonly ends: readonly { readonly how: string; readonly block: number }[];
}

export interface LiquidationEvent {
  readonly account: string;
  readonly liquidator: string;
  readonly block: number;
  readonly transaction: string;
  readonly equityBefore: bigint;
  readonly maintenanceBefore: bigint;
  /** Another event of the account stands before it in its block. */
  readonly touchedBefore: boolean;
}

const ACCOUNT_ARGS = new Set(["account", "from", "to", "payTo", "buyer", "liquidator"]);

export class Ledger {
  readonly #protocol: Protocol;
  readonly #interfaces: ReadonlyMap<string, Interface>;
  readonly #blocks = new Map<number, readonly Happening[]>();

  private constructor(protocol: Protocol, interfaces: ReadonlyMap<string, Interface>) {
    this.#protocol = protocol;
    this.#interfaces = interfaces;
  }

  static async open(protocol: Protocol): Promise<Ledger> {
    const { clearingHouse, orders, oracle } = protocol;
    const interfaces = new Map<string, Interface>();
    for (const contract of [clearingHouse, orders, oracle]) {
      interfaces.set((await contract.getAddress()).toLowerCase(), contract.interface);
    }
    return new Ledger(protocol, interfaces);
  }

  /** Reads a block; one that was there before with this number, and those after it, are forgotten. */
  async read(block: number): Promise<readonly Happening[]> {
    for (const known of this.#blocks.keys()) if (known >= block) this.#blocks.delete(known);
    const provider = this.#protocol.clearingHouse.runner?.provider;
    if (provider === null || provider === undefined) throw new Error("contracts without a provider");
    const address = [...this.#interfaces.keys()];
    const logs = await provider.getLogs({ address, fromBlock: block, toBlock: block });
    const happenings = logs.flatMap((log) => this.#parse(log));
    this.#blocks.set(block, happenings);
    return happenings;
  }

  #parse(log: Log): Happening[] {
    const parsed = this.#interfaces.get(log.address.toLowerCase())?.parseLog(log);
    if (parsed === null || parsed === undefined) return [];
    const args: Record<string, unknown> = {};
    const accounts: string[] = [];
    for (const [place, { name, type, indexed }] of parsed.fragment.inputs.entries()) {
      args[name] = parsed.args[place];
      if (indexed === true && type === "bytes32" && ACCOUNT_ARGS.has(name)) accounts.push(String(parsed.args[place]));
    }
    const { blockNumber: block, transactionHash: transaction, index } = log;
    return [{ name: parsed.name, block, transaction, index, accounts, args }];
  }

  /** In their order. */
  *all(): Iterable<Happening> {
    for (const block of [...this.#blocks.keys()].sort((a, b) => a - b)) yield* this.#blocks.get(block) ?? [];
  }

  orders(): ReadonlyMap<string, OrderLife> {
    const orders = new Map<string, OrderLife & { ends: { how: string; block: number }[] }>();
    for (const { name, block, args } of this.all()) {
      const key = `${String(args["account"])}/${String(args["sequence"])}`;
      switch (name) {
        case "OrderSubmitted":
        case "BasketSubmitted": {
          const legs = (args["legs"] as readonly { asset: bigint }[] | undefined) ?? [
            { asset: args["asset"] as bigint },
          ];
          orders.set(key, {
            key,
            account: String(args["account"]),
            boundary: Number(args["boundary"]),
            assets: legs.map(({ asset }) => Number(asset)),
            submittedAt: block,
            ends: [],
          });
          break;
        }
        case "OrderFilled":
        case "OrderRefunded":
          orders.get(key)?.ends.push({ how: name === "OrderFilled" ? "filled" : "refunded", block });
          break;
        case "OrderCancelled":
          orders.get(key)?.ends.push({ how: CAUSES[Number(args["cause"])] ?? "unknown", block });
          break;
      }
    }
    return orders;
  }

  liquidations(): LiquidationEvent[] {
    const found: LiquidationEvent[] = [];
    for (const { name, block, transaction, index, args } of this.all()) {
      if (name !== "Liquidated") continue;
      const account = String(args["account"]);
      const { equityBefore, maintenanceBefore } = args["result"] as { equityBefore: bigint; maintenanceBefore: bigint };
      const liquidator = String(args["liquidator"]);
      const before = (this.#blocks.get(block) ?? []).filter(
        (other) => other.index < index && other.transaction !== transaction && other.accounts.includes(account),
      );
      const touchedBefore = before.length > 0;
      found.push({ account, liquidator, block, transaction, equityBefore, maintenanceBefore, touchedBefore });
    }
    return found;
  }

  /** How often an event has happened. */
  count(name: string): number {
    let count = 0;
    for (const happening of this.all()) if (happening.name === name) count += 1;
    return count;
  }

  /** Accounts whose books an event of the block may have changed. */
  touchedIn(block: number): ReadonlySet<string> {
    return new Set((this.#blocks.get(block) ?? []).flatMap(({ accounts }) => accounts));
  }

  clear(): void {
    this.#blocks.clear();
  }
}
