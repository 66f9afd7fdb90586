/** What the events of a transaction say that it has done. */
import type { Interface, LogDescription } from "ethers";

import type { Deeds } from "../Performer.ts";
import type { Receipt } from "../send/node.ts";

export interface DeedsOptions {
  /** Interfaces by lower-case address. */
  readonly interfaces: ReadonlyMap<string, Interface>;
  /** The keeper's own account, as 0x and 64 hex digits. */
  readonly account: string;
  /** The error that revert data stands for. */
  readonly nameOf: (data: string) => string;
}

/** @param items Of the batch that was sent; 1: it was none. */
export function deedsOf(receipt: Receipt, items: number, { interfaces, account, nameOf }: DeedsOptions): Deeds {
  const own = account.toLowerCase();
  const refused: string[] = [];
  let reward = 0n;
  for (const log of receipt.logs) {
    const event = interfaces.get(log.address.toLowerCase())?.parseLog({ topics: [...log.topics], data: log.data });
    if (event === null || event === undefined) continue;
    const isOwn = (name: string): boolean => text(event, name).toLowerCase() === own;
    switch (event.name) {
      case "ItemFailed":
      case "LiquidationFailed":
        refused.push(nameOf(text(event, "reason")));
        break;
      case "OrderClosed":
        if (isOwn("payTo")) reward += amount(event, "pay");
        break;
      case "KeeperPaid":
        if (isOwn("to")) reward += amount(event, "amount");
        break;
      case "Liquidated":
        if (isOwn("liquidator")) reward += (event.args.getValue("result") as { reward: bigint }).reward;
        break;
      default:
    }
  }
  return { done: Math.max(0, items - refused.length), refused, reward };
}

function text({ args }: LogDescription, name: string): string {
  return String(args.getValue(name));
}

function amount({ args }: LogDescription, name: string): bigint {
  return args.getValue(name) as bigint;
}
