import { ANY } from "../../scripts/model/bounds.ts";
import { wad } from "../parameters.ts";

const MAX_DEPTH = 2n ** 110n - 1n;

/**
 * What the governor and the steward may do with each parameter, as `contracts/types/Bounds.sol` has it: least and greatest value,
 * most that the governor lowers and raises it by (1e-6 of it), or by what amount, seconds between two changes, and most that
 * the steward moves it by, as a share or an amount. Written down twice, as the table of callers is: a power that grows has to be
 * granted here, too.
 */
export const POWERS: Record<string, readonly bigint[]> = {
  beta: [0n, 1_000_000n, 1_000_000n, 1_000_000n, 50_000n, 0n, 100_000n, 2_000n],
  sigma: [1_000n, 1_000_000n, 500_000n, 1_000_000n, 20_000n, 0n, 100_000n, 1_000n],
  gamma: [500n, 250_000n, 500_000n, 1_000_000n, 5_000n, 0n, 100_000n, 200n],
  kappa: [0n, 10_000_000n, 500_000n, 1_000_000n, 100_000n, 0n, 100_000n, 5_000n],
  maintenanceFactor: [100_000n, 900_000n, 0n, 0n, 100_000n, 0n, 0n, 20_000n],
  hedgeFloor: [100_000n, 1_000_000n, 0n, 0n, 250_000n, 0n, 0n, 50_000n],
  depth: [10n ** 12n, MAX_DEPTH, 50_000n, 50_000n, 0n, 86_400n, 20_000n, 0n],
  openInterestCap: [0n, MAX_DEPTH, ANY, ANY, 0n, 0n, 200_000n, 0n],
  openInterestShare: [0n, 10_000_000n, ANY, ANY, 0n, 0n, 200_000n, 0n],
  skewCap: [0n, MAX_DEPTH, 500_000n, ANY, 0n, 86_400n, 200_000n, 0n],
  takerFee: [0n, 10_000n, ANY, ANY, 0n, 0n, 0n, 0n],
  makerFee: [0n, 10_000n, ANY, ANY, 0n, 0n, 0n, 0n],
  insuranceCap: [0n, wad("6_553_500"), ANY, ANY, 0n, 0n, 200_000n, 0n],
  shortfallInitial: [0n, 1_000_000n, 0n, 0n, 50_000n, 86_400n, 0n, 0n],
  shortfallMaintenance: [0n, 1_000_000n, 0n, 0n, 50_000n, 86_400n, 0n, 0n],
  liquidationTarget: [0n, 1_000_000n, 0n, 0n, 100_000n, 86_400n, 0n, 0n],
  liquidationPenalty: [10_000n, 250_000n, 0n, 0n, 10_000n, 86_400n, 0n, 0n],
  liquidatorShare: [100_000n, 1_000_000n, 0n, 0n, 100_000n, 86_400n, 0n, 0n],
  deepLoss: [0n, 1_000_000n, 0n, 0n, 100_000n, 86_400n, 0n, 0n],
  takeoverDiscount: [0n, 50_000n, 0n, 0n, 5_000n, 86_400n, 0n, 0n],
  smallRequirement: [0n, 10_000_000n, ANY, 1_000_000n, 5_000n, 86_400n, 0n, 0n],
  protocolFeeShare: [0n, 1_000_000n, ANY, ANY, 0n, 0n, 0n, 0n],
  insuranceFeeShare: [0n, 1_000_000n, ANY, ANY, 0n, 0n, 0n, 0n],
  markMaxAge: [60n, 604_800n, ANY, ANY, 0n, 0n, 0n, 0n],
  minNotional: [0n, 10_000_000n, ANY, ANY, 0n, 0n, 0n, 0n],
  flatReward: [0n, 10_000_000n, ANY, ANY, 0n, 0n, 0n, 0n],
  unattributedCap: [0n, 4_294_967_295n, ANY, ANY, 0n, 0n, 0n, 0n],
  borrowKink: [100_000n, 1_000_000n, ANY, ANY, 0n, 0n, 0n, 0n],
  borrowRateKink: [0n, 4_000_000n, ANY, ANY, 0n, 0n, 0n, 0n],
  borrowRateFull: [0n, 4_000_000n, ANY, ANY, 0n, 0n, 0n, 0n],
  lossBudget: [10_000n, 1_000_000n, 500_000n, ANY, 0n, 86_400n, 0n, 0n],
};
