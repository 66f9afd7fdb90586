/** What may happen in a random history of the clearing house. */
import fc from "fast-check";

import { LIQUIDATOR, SETTLEMENT, TRADERS } from "./cast.ts";

export type Step =
  | { kind: "prices"; moves: readonly number[]; doubt: number }
  | { kind: "wait"; seconds: number }
  | { kind: "credit"; account: number; token: number; value: number }
  | { kind: "withdraw"; account: number; token: number; share: number }
  | { kind: "trade"; account: number; legs: readonly { asset: number; value: number }[]; slip: number; share: number }
  /** Two accounts fill up a side of a market, and the one on the other side leaves. */
  | { kind: "crowd"; accounts: readonly [number, number]; asset: number; long: boolean }
  | { kind: "liquidate"; account: number; share: number; due: boolean }
  | { kind: "takeOver"; account: number; share: number; taker: number }
  | { kind: "convert"; account: number; share: number }
  | { kind: "realise"; account: number }
  | { kind: "settleDeficit"; account: number }
  | { kind: "insolvency"; account: number; share: number; rescued: boolean }
  | { kind: "buySeized"; token: number; share: number; seconds: number }
  /** Flags a market, or deleverages one that is flagged. */
  | { kind: "deleverage"; asset: number; slip: number; void: boolean; patient: boolean }
  | { kind: "cutProfits"; asset: number; insurance: number }
  | { kind: "windDown"; asset: number }
  /** At a proved price far from the last, or at the last. */
  | { kind: "closeMarket"; asset: number; proved: boolean }
  /** Money in thousands; below 0: that share of what may leave the pool, 1e-2. */
  | { kind: "pool"; value: number }
  | { kind: "insurance"; value: number }
  | { kind: "mark" };

const trader = fc.nat({ max: TRADERS - 1 });
const asset = fc.nat({ max: 2 });
const share = fc.integer({ min: 1, max: 100 });

/** @param rest All of a step but its kind. */
function step<Kind extends Step["kind"]>(
  weight: number,
  kind: Kind,
  rest: fc.Arbitrary<Omit<Extract<Step, { kind: Kind }>, "kind">>,
): { weight: number; arbitrary: fc.Arbitrary<Extract<Step, { kind: Kind }>> } {
  return { weight, arbitrary: rest.map((fields) => ({ ...fields, kind }) as unknown as Extract<Step, { kind: Kind }>) };
}

/** What is done to others' accounts and to crowded markets. */
export const houseSteps = [
  step(
    13,
    "liquidate",
    fc.record({
      account: trader,
      share,
      /** Whether it is to be an account that may be liquidated. */
      due: fc.nat({ max: 3 }).map((one) => one !== 0),
    }),
  ),
  step(5, "takeOver", fc.record({ account: trader, share, taker: fc.constantFrom(LIQUIDATOR, LIQUIDATOR, 0, 1) })),
  step(6, "convert", fc.record({ account: trader, share })),
  step(3, "realise", fc.record({ account: trader })),
  step(1, "settleDeficit", fc.record({ account: trader })),
  step(10, "insolvency", fc.record({ account: trader, share, rescued: fc.boolean() })),
  step(5, "buySeized", fc.record({ token: fc.nat({ max: 1 }), share, seconds: fc.integer({ min: 0, max: 30_000 }) })),
  step(
    16,
    "deleverage",
    fc.record({
      asset,
      slip: fc.integer({ min: -200, max: 200 }),
      void: fc.nat({ max: 7 }).map((one) => one === 0),
      /** Waits where |S| has to stay over its cap, and executes at once. */
      patient: fc.boolean(),
    }),
  ),
] as const;

export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  step(
    10,
    "prices",
    fc.record({
      moves: fc.array(fc.integer({ min: -1_200, max: 1_200 }), { minLength: 4, maxLength: 4 }),
      doubt: fc.nat({ max: 31 }),
    }),
  ),
  step(4, "wait", fc.record({ seconds: fc.integer({ min: 1, max: 40_000 }) })),
  step(
    12,
    "credit",
    fc.record({
      account: trader,
      token: fc.constantFrom(0, 1, SETTLEMENT),
      value: fc.integer({ min: 1, max: 15_000 }),
    }),
  ),
  step(3, "withdraw", fc.record({ account: trader, token: fc.constantFrom(0, 1, SETTLEMENT), share })),
  step(
    34,
    "trade",
    fc.record({
      account: trader,
      legs: fc.uniqueArray(
        fc.record({ asset, value: fc.integer({ min: -60_000, max: 60_000 }).filter((value) => value !== 0) }),
        { minLength: 1, maxLength: 2, selector: (leg) => leg.asset },
      ),
      slip: fc.integer({ min: -300, max: 300 }),
      /** Above 0: that share of the position is reduced instead, 1e-2. */
      share: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 120 })),
    }),
  ),
  step(
    4,
    "crowd",
    fc.record({
      accounts: fc.tuple(trader, trader).filter(([first, second]) => first !== second),
      asset,
      long: fc.boolean(),
    }),
  ),
  ...houseSteps,
  step(3, "cutProfits", fc.record({ asset, insurance: fc.integer({ min: 0, max: 2 }) })),
  step(
    6,
    "pool",
    fc.record({ value: fc.oneof(fc.integer({ min: 10, max: 60 }), fc.integer({ min: -105, max: -50 })) }),
  ),
  step(1, "insurance", fc.record({ value: fc.integer({ min: 1, max: 3 }) })),
  step(2, "mark", fc.record({})),
);
