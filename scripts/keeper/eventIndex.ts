/** What the events of the protocol leave behind that a keeper looks after: accounts, pending orders, resting triggers. */

export interface OrderLeg {
  readonly asset: number;
  /** Of the feed at submission. */
  readonly phase: bigint;
}

export interface PendingOrder {
  readonly account: string;
  readonly sequence: bigint;
  /** Only a round later than this settles it, unix seconds. */
  readonly boundary: bigint;
  readonly legs: readonly OrderLeg[];
}

export interface RestingTrigger {
  readonly account: string;
  readonly sequence: bigint;
  readonly asset: number;
  /** Base units, WAD. */
  readonly delta: bigint;
  /** WAD. */
  readonly triggerPrice: bigint;
  readonly above: boolean;
  /** Unix seconds; 0: none. */
  readonly expiry: bigint;
}

/** An event as ethers decodes it. */
export interface DecodedEvent {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Names an order or a trigger; they share the numbers of their account. */
export function keyOf({ account, sequence }: { account: string; sequence: bigint }): string {
  return `${account}/${String(sequence)}`;
}

export class EventIndex {
  readonly accounts = new Set<string>();
  readonly orders = new Map<string, PendingOrder>();
  readonly triggers = new Map<string, RestingTrigger>();

  /** Takes in an event. Events may come twice, if all that followed come again too. Others are ignored. */
  apply({ name, args }: DecodedEvent): void {
    const id = { account: args["account"] as string, sequence: args["sequence"] as bigint };
    switch (name) {
      case "Fill":
      case "Credited":
        this.accounts.add(id.account);
        break;
      case "Transferred":
        this.accounts.add(args["to"] as string);
        break;
      case "CollateralSold":
        this.accounts.add(args["buyer"] as string);
        break;
      case "OrderSubmitted":
        this.orders.set(keyOf(id), {
          ...id,
          boundary: args["boundary"] as bigint,
          legs: [{ asset: Number(args["asset"]), phase: args["phase"] as bigint }],
        });
        break;
      case "BasketSubmitted":
        this.orders.set(keyOf(id), {
          ...id,
          boundary: args["boundary"] as bigint,
          legs: (args["legs"] as { asset: bigint; phase: bigint }[]).map(({ asset, phase }) => ({
            asset: Number(asset),
            phase,
          })),
        });
        break;
      case "OrderFilled":
      case "OrderCancelled":
      case "OrderRefunded":
        this.orders.delete(keyOf(id));
        break;
      case "TriggerSubmitted":
        this.triggers.set(keyOf(id), {
          ...id,
          asset: Number(args["asset"]),
          delta: args["delta"] as bigint,
          triggerPrice: args["triggerPrice"] as bigint,
          above: args["above"] as boolean,
          expiry: args["expiry"] as bigint,
        });
        break;
      case "TriggerCancelled":
      case "TriggerPoked":
        this.triggers.delete(keyOf(id));
        break;
      default:
    }
  }
}
