/** Small scenarios: one outright account with little margin, one with much, and a fall of the price. */
import { fileURLToPath } from "node:url";

import { WAD } from "../../../scripts/model/fixed.ts";
import type { Fault, Round, Scenario, TraderPlan } from "../../../scripts/lab/engine/types.ts";
import { assetOf, loadWorld, type World } from "../../../scripts/lab/engine/world.ts";

export const PARAMETERS = fileURLToPath(new URL("../../../deploy/parameters/arbitrum.ts", import.meta.url));
export const world: World = await loadWorld(PARAMETERS);
export const ETH = assetOf(world, "ETH");
export const BTC = assetOf(world, "BTC");

export const STEP = 30;
const DURATION = 1_500;
const FALL_FROM = 300;

/** What needs most margin first. */
export const WEAK = 0;
export const STRONG = 1;

/** @param share Of the price, lost by `until` in equal steps; rounds every half minute. */
export function falling(price: number, share: number, until = 900): Round[] {
  return Array.from({ length: DURATION / STEP + 1 }, (_, index) => {
    const at = index * STEP;
    const part = Math.min(1, Math.max(0, (at - FALL_FROM) / (until - FALL_FROM)));
    return { at, price: BigInt(Math.round(price * (1 - share * part) * 1e8)) * 10n ** 10n };
  });
}

export function holder(name: string, { size, cash }: { size: bigint; cash: bigint }): TraderPlan {
  return { name, agent: "holder", book: { cash, collateral: [], positions: [{ asset: ETH, size }] } };
}

export function scenario(changes: Partial<Scenario> & { fall?: number; faults?: readonly Fault[] } = {}): Scenario {
  const { fall = 0.1, ...rest } = changes;
  return {
    name: "fall",
    seed: 1,
    parameters: PARAMETERS,
    duration: DURATION,
    step: STEP,
    paths: [{ asset: ETH, rounds: falling(4_000, fall) }],
    traders: [
      holder("weak", { size: 50n * WAD, cash: 23_000n * WAD }),
      holder("strong", { size: -50n * WAD, cash: 200_000n * WAD }),
    ],
    providers: [{ deposit: 5_000_000n * WAD }],
    insurance: 50_000n * WAD,
    keeper: { latency: STEP, cash: 1_000_000n * WAD, margin: 0n, gasPrice: 20_000_000n, maxTakeOver: 0n },
    faults: [],
    ...rest,
  };
}
