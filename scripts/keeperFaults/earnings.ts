/** What keepers have earned, by the events of the chain, and what they have spent for it. */
import { mulDivDown, WAD } from "../model/fixed.ts";
import type { Happening } from "./ledger.ts";

/** Of one keeper, in whole settlement tokens at the prices of the blocks. */
export interface Earnings {
  readonly keeper: string;
  /** Pay of orders, rewards of liquidations, and what collateral that it bought was worth above its price. */
  readonly earned: number;
  readonly gas: number;
}

/** USD of one whole unit of an asset in a block, WAD. */
export type PriceAt = (block: number, asset: number) => bigint;

/**
 * WAD of settlement token.
 * @param account The keeper's own account, which is paid.
 * @param assetOf Of a collateral token.
 */
export function earnedBy(
  account: string,
  happenings: Iterable<Happening>,
  { assetOf, priceAt }: { readonly assetOf: (token: number) => number; readonly priceAt: PriceAt },
): bigint {
  const own = account.toLowerCase();
  let earned = 0n;
  for (const { name, block, args } of happenings) {
    const isTo = (receiver: string): boolean => String(args[receiver]).toLowerCase() === own;
    if (name === "OrderClosed" && isTo("payTo")) earned += args["pay"] as bigint;
    if (name === "KeeperPaid" && isTo("to")) earned += args["amount"] as bigint;
    if (name === "Liquidated" && isTo("liquidator")) {
      const { reward, discount } = args["result"] as { reward: bigint; discount: bigint };
      earned += reward + discount;
    }
    // Of a liquidation at its value, with the discount above; of a conversion below it.
    if (name === "CollateralSold" && isTo("buyer")) {
      const value = mulDivDown(args["amount"] as bigint, priceAt(block, assetOf(Number(args["token"]))), WAD);
      earned += value - (args["proceeds"] as bigint);
    }
  }
  return earned;
}
