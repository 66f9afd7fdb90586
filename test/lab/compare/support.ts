import type { FeedRound } from "../../../scripts/history/guards.ts";
import { loadParameters } from "../../../scripts/deploy/parameters.ts";
import { LISTED } from "../../../scripts/lab/compare/command.ts";
import { rulesOf } from "../../../scripts/lab/compare/rules.ts";
import { type Recording, seriesOf } from "../../../scripts/lab/compare/sources.ts";
import { type Step, stepsOf } from "../../../scripts/lab/compare/steps.ts";
import { WAD } from "../../../scripts/model/fixed.ts";

export const parameters = await loadParameters(LISTED);
export const listed = rulesOf(parameters);
export const HALT_GRACE = Number(parameters.environment.haltGrace);
export const START = 1_700_000_000;

/** Whole dollars at seconds after `START`. */
export function rounds(...answers: readonly (readonly [at: number, dollars: number])[]): readonly FeedRound[] {
  return answers.map(([at, dollars]) => ({
    price: BigInt(Math.round(dollars * 1e6)) * (WAD / 10n ** 6n),
    updatedAt: START + at,
  }));
}

export function stepsAlong(bySymbol: Readonly<Record<string, readonly FeedRound[]>>): readonly Step[] {
  const recording: Recording = { name: "test", rounds: new Map(Object.entries(bySymbol)) };
  return stepsOf(seriesOf(recording, parameters), {
    haltGrace: HALT_GRACE,
    pegAsset: Number(parameters.environment.pegAsset),
  });
}

/** One round of every market. */
export function calm(): readonly Step[] {
  return stepsAlong({
    ETH: rounds([0, 4_000]),
    BTC: rounds([0, 110_000]),
    SOL: rounds([0, 200]),
    LINK: rounds([0, 20]),
  });
}
