/** Who takes part in a random history, by the index of their account, and what they pay with. */
import { WAD } from "../../scripts/model/fixed.ts";

export const SETTLEMENT = 255;
export const TRADERS = 6;
export const LIQUIDATOR = 6;
export const PROVIDER = 7;
/** Trades once, in a market that is about to end. */
export const GAMBLER = 8;

/** The settlement token is worth less than a dollar. */
export const SETTLEMENT_PRICE = 995n * (WAD / 1_000n);
