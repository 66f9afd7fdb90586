/** All drills, by the name that they are run by. */
import type { Drill } from "./drill.ts";
import { insuranceEmpty, windDown } from "./ends.ts";
import { guardianLost, stewardStolen } from "./keys.ts";
import { feedStopped, feedWrong, tokenDepeg } from "./prices.ts";

export const DRILLS = {
  "feed-stopped": feedStopped,
  "feed-wrong": feedWrong,
  "token-depeg": tokenDepeg,
  "guardian-lost": guardianLost,
  "steward-stolen": stewardStolen,
  "wind-down": windDown,
  "insurance-empty": insuranceEmpty,
} as const satisfies Record<string, Drill>;

export type DrillName = keyof typeof DRILLS;

export function isDrill(name: string): name is DrillName {
  return Object.hasOwn(DRILLS, name);
}
