/** What contracts take for what the model has. */
import { encodeFunding } from "../../scripts/model/funding.ts";
import { encodeRisk, encodeSizes, encodeTrade } from "../../scripts/model/parameters.ts";
import { encodePrice } from "../../scripts/model/price.ts";
import type { Exposure } from "../../scripts/model/risk.ts";

export function encodeExposure(exposure: Exposure) {
  return {
    ...exposure,
    price: encodePrice(exposure.price),
    funding: encodeFunding(exposure.funding),
    risk: encodeRisk(exposure.risk),
    sizes: encodeSizes(exposure.sizes),
    trade: encodeTrade(exposure.trade),
  };
}
