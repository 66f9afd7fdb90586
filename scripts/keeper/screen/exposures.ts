/** A book as the model values it. */
import { PlimsollError } from "../../deploy/PlimsollError.ts";
import type { Exposure } from "../../model/risk.ts";
import type { AccountBook } from "../index/entries.ts";
import type { AssetTerms } from "./Screen.ts";

/** A book names what is not listed. */
export class UnknownHoldingError extends PlimsollError {}

/** The exposures of a book, in ascending order of assets, as `ClearingHouse.snapshot` has them. Throws an
 * UnknownHoldingError. */
export function exposuresOf(
  { account, positions, collateral }: AccountBook,
  {
    terms,
    assetOf,
  }: {
    readonly terms: ReadonlyMap<number, AssetTerms>;
    readonly assetOf: (token: number) => number | undefined;
  },
): readonly Exposure[] {
  const held = new Map<number, bigint>();
  for (const [token, amount] of collateral) {
    const asset = assetOf(token);
    if (asset === undefined) throw new UnknownHoldingError(`${account} holds the unknown token ${token}`);
    held.set(asset, (held.get(asset) ?? 0n) + amount);
  }
  const assets = [...new Set([...positions.keys(), ...held.keys()])].sort((a, b) => a - b);
  return assets.map((asset) => {
    const common = terms.get(asset);
    if (common === undefined) throw new UnknownHoldingError(`${account} holds the unknown asset ${asset}`);
    const { size, quote } = positions.get(asset) ?? { size: 0n, quote: 0n };
    return { ...common, size, quote, collateral: held.get(asset) ?? 0n };
  });
}
