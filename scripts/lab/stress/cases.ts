/** What is done to the market in each kind of run, and what fails or is attacked meanwhile. */
import type { Fault } from "../engine/types.ts";

/** When the blow falls, s from the start. */
export const BLOW = 1_800;

export type Blow =
  | { readonly kind: "none" }
  /** Every asset by this share at once. */
  | { readonly kind: "gap"; readonly share: number }
  /** The same within `seconds`. */
  | { readonly kind: "slide"; readonly share: number; readonly seconds: number }
  /** The settlement token down to `price` within an hour. */
  | { readonly kind: "depeg"; readonly price: number };

export type Attack =
  | "none"
  /** The same position long and short in two accounts of one owner, with the least margin. */
  | "selfMatched"
  /** A whale takes out margin as soon as it may. */
  | "withdrawer"
  /** The providers of four fifths of the pool leave at the blow. */
  | "poolRun"
  | "dustFlood"
  | "fundingPump";

export interface Case {
  readonly name: string;
  readonly blow: Blow;
  /** All assets move as one. */
  readonly asOne: boolean;
  /** What tokens that wrap an asset lose against it with the blow. */
  readonly wrapperLoss: number;
  readonly faults: readonly Fault[];
  readonly attack: Attack;
}

const CALM = { blow: { kind: "none" }, asOne: false, wrapperLoss: 0, faults: [], attack: "none" } as const;
const FALL = { kind: "slide", share: 0.2, seconds: 1_200 } as const;
const until = (minutes: number): { from: number; until: number } => ({ from: BLOW, until: BLOW + minutes * 60 });

/** Shares of a fall that are tried. */
export const FALLS = [0.1, 0.2, 0.3, 0.4, 0.6] as const;
/** Minutes without keepers. */
export const DOWN_TIMES = [1, 5, 30] as const;

/** @param index Of the asset whose feed fails. */
export function casesOf({ index }: { index: number }): readonly Case[] {
  return [
    { ...CALM, name: "as-recorded" },
    { ...CALM, name: "correlation-one", asOne: true },
    ...FALLS.map((share): Case => ({ ...CALM, name: `gap-${percent(share)}`, blow: { kind: "gap", share } })),
    ...FALLS.map((share): Case => ({ ...CALM, name: `slide-${percent(share)}`, blow: { ...FALL, share } })),
    { ...CALM, name: "collateral-and-index", blow: { ...FALL, share: 0.3 }, wrapperLoss: 0.08, asOne: true },
    { ...CALM, name: "depeg", blow: { kind: "depeg", price: 0.88 } },
    ...DOWN_TIMES.map((minutes): Case => ({
      ...CALM,
      name: `keepers-down-${String(minutes)}`,
      blow: FALL,
      faults: [{ kind: "keepersDown", ...until(minutes) }],
    })),
    { ...CALM, name: "gas-50", blow: FALL, faults: [{ kind: "gas", factor: 50, ...until(120) }] },
    { ...CALM, name: "sequencer-out", blow: FALL, faults: [{ kind: "sequencerDown", ...until(20) }] },
    { ...CALM, name: "feed-stale", blow: FALL, faults: [{ kind: "feedStale", asset: index, ...until(60) }] },
    { ...CALM, name: "feed-1000", faults: [{ kind: "feedScaled", asset: index, factor: 1_000, ...until(5) }] },
    { ...CALM, name: "self-matched", blow: { kind: "gap", share: 0.2 }, attack: "selfMatched" },
    { ...CALM, name: "whale-withdraws", blow: FALL, attack: "withdrawer" },
    { ...CALM, name: "pool-run", blow: FALL, attack: "poolRun" },
    { ...CALM, name: "dust-flood", blow: FALL, attack: "dustFlood" },
    { ...CALM, name: "funding-pump", attack: "fundingPump" },
  ];
}

function percent(share: number): string {
  return String(Math.round(100 * share));
}
