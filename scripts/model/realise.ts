/** Unrealised loss that becomes debt: `contracts/libraries/Waterfall.sol`. */
import { max, min } from "./fixed.ts";
import { isLive } from "./price.ts";
import { type Exposure, valueFloor } from "./risk.ts";

export interface Realisation {
  /** The exposures afterwards, in their order. */
  readonly exposures: readonly Exposure[];
  /** Loss by asset that moved from quote to cash, WAD; the pool's base gets it. */
  readonly losses: ReadonlyMap<number, bigint>;
  /** Their sum: what cash falls by, WAD. */
  readonly moved: bigint;
}

/**
 * Where U < 0 over the positions with live prices, moves up to −U of the loss of each losing one to cash, in ascending
 * order of assets. Equity stays. Mirrors `Waterfall.realise`.
 *
 * @param exposures Ascending; positions of former epochs have become cash already.
 */
export function realise(exposures: readonly Exposure[]): Realisation {
  const losses = new Map<number, bigint>();
  const unrealised = exposures.reduce((sum, exposure) => sum + liveValueOf(exposure), 0n);
  let remaining = max(0n, -unrealised);
  const after = exposures.map((exposure) => {
    const loss = min(max(0n, -liveValueOf(exposure)), remaining);
    if (loss === 0n) return exposure;
    remaining -= loss;
    losses.set(exposure.asset, loss);
    return { ...exposure, quote: exposure.quote + loss };
  });
  return { exposures: after, losses, moved: [...losses.values()].reduce((sum, loss) => sum + loss, 0n) };
}

/** Value of a position with a live price, else 0: others have no loss that is known. */
function liveValueOf(exposure: Exposure): bigint {
  return exposure.size === 0n || !isLive(exposure.price) ? 0n : valueFloor(exposure, exposure.price.last);
}
