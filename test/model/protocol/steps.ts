/** What may happen in a random history of the whole protocol. */
import fc from "fast-check";

import { SETTLEMENT, TRADERS } from "../cast.ts";
import { houseSteps, type Step } from "../steps.ts";

export const CLAIMS = ["deposit", "mint", "redeem", "withdraw"] as const;

type HouseStep = Extract<
  Step,
  {
    kind:
      | "liquidate"
      | "takeOver"
      | "convert"
      | "realise"
      | "settleDeficit"
      | "insolvency"
      | "buySeized"
      | "deleverage"
      | "mark";
  }
>;

export type ProtocolStep =
  | HouseStep
  /** @param moves 1e-4. */
  | { kind: "prices"; moves: readonly number[] }
  /** All feeds report afterwards, but for the one of `silent`, if there is such a market. */
  | { kind: "wait"; seconds: number; silent: number }
  | { kind: "outage"; seconds: number }
  /** Two accounts fill up a side of a market, the one on the other side leaves, and the market is deleveraged. */
  | { kind: "crowd"; accounts: readonly [number, number]; asset: number; long: boolean; deleveraged: boolean }
  /** An account is liquidated, while an order of its own is pending or not. @param deep Beyond what it has. */
  | { kind: "corner"; account: number; share: number; deep: boolean; pending: boolean }
  /** An account comes to owe more against its collateral than it may, and some of that is sold. */
  | { kind: "overdraw"; account: number; share: number }
  /** An account is found insolvent, and saved or seized. */
  | { kind: "windUp"; account: number; share: number; rescued: boolean }
  | { kind: "deposit"; account: number; token: number; value: number }
  | { kind: "withdraw"; account: number; token: number; share: number }
  | { kind: "transfer"; account: number; to: number; token: number; share: number }
  | {
      kind: "submit";
      account: number;
      legs: readonly { asset: number; value: number }[];
      /** Above 0: that share of the position is reduced instead, 1e-2. */
      share: number;
      /** Acceptable price of a single order beyond the last one, 1e-4; 0: any. */
      bound: number;
      /** Seconds after its boundary; 0: none. */
      lifetime: number;
    }
  /** @param move Of the price of each leg at its settlement, 1e-4. */
  | { kind: "execute"; order: number; move: number; seconds: number }
  | { kind: "trigger"; account: number; asset: number; share: number; gap: number }
  | { kind: "poke"; trigger: number }
  | { kind: "requestDeposit"; who: number; units: number }
  | { kind: "requestRedeem"; who: number; share: number }
  /** All providers want all of it back. */
  | { kind: "run" }
  /** What holds the pool up is worked out first. @param hasty Not that, nor is the batch waited for. */
  | { kind: "fulfil"; back: number; hasty: boolean }
  | { kind: "claim"; who: number; verb: (typeof CLAIMS)[number]; share: number }
  | { kind: "contribute"; value: number }
  /** @param share Of the surplus, 1e-2; above 100: more than there is. */
  | { kind: "payOut"; share: number };

const trader = fc.nat({ max: TRADERS - 1 });
const token = fc.constantFrom(0, 1, SETTLEMENT);
const market = fc.nat({ max: 2 });
const who = fc.nat({ max: 2 });
const share = fc.integer({ min: 1, max: 100 });
const value = fc.integer({ min: -60_000, max: 60_000 }).filter((one) => one !== 0);

/** @param rest All of a step but its kind. */
function step<Kind extends ProtocolStep["kind"]>(
  weight: number,
  kind: Kind,
  rest: fc.Arbitrary<Omit<Extract<ProtocolStep, { kind: Kind }>, "kind">>,
): { weight: number; arbitrary: fc.Arbitrary<ProtocolStep> } {
  return { weight, arbitrary: rest.map((fields) => ({ ...fields, kind }) as unknown as ProtocolStep) };
}

export const protocolStep: fc.Arbitrary<ProtocolStep> = fc.oneof(
  step(
    10,
    "prices",
    fc.record({ moves: fc.array(fc.integer({ min: -1_200, max: 1_200 }), { minLength: 5, maxLength: 5 }) }),
  ),
  step(4, "wait", fc.record({ seconds: fc.integer({ min: 60, max: 40_000 }), silent: fc.nat({ max: 9 }) })),
  step(2, "outage", fc.record({ seconds: fc.integer({ min: 60, max: 7_000 }) })),
  step(8, "deposit", fc.record({ account: trader, token, value: fc.integer({ min: 1, max: 15_000 }) })),
  step(6, "withdraw", fc.record({ account: trader, token, share })),
  step(6, "transfer", fc.record({ account: trader, to: trader, token, share })),
  step(
    45,
    "submit",
    fc.record({
      account: trader,
      legs: fc.uniqueArray(fc.record({ asset: market, value }), {
        minLength: 1,
        maxLength: 2,
        selector: (leg) => leg.asset,
      }),
      share: fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 1, max: 120 })),
      bound: fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: -20, max: 60 })),
      lifetime: fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 40, max: 400 })),
    }),
  ),
  step(
    40,
    "execute",
    fc.record({
      order: fc.nat({ max: 20 }),
      move: fc.oneof(fc.integer({ min: -40, max: 40 }), fc.integer({ min: -900, max: 900 })),
      seconds: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 1_500 }) }),
    }),
  ),
  step(
    7,
    "crowd",
    fc.record({
      accounts: fc.constantFrom([0, 1] as const, [2, 3] as const, [5, 4] as const),
      asset: market,
      long: fc.boolean(),
      deleveraged: fc.boolean(),
    }),
  ),
  step(
    8,
    "corner",
    fc.record({
      account: trader,
      share: fc.constantFrom(33, 80, 100),
      deep: fc.boolean(),
      pending: fc.nat({ max: 2 }).map((one) => one !== 0),
    }),
  ),
  step(4, "overdraw", fc.record({ account: trader, share })),
  step(6, "windUp", fc.record({ account: trader, share, rescued: fc.nat({ max: 2 }).map((one) => one === 0) })),
  step(8, "trigger", fc.record({ account: trader, asset: market, share, gap: fc.integer({ min: -300, max: 300 }) })),
  step(11, "poke", fc.record({ trigger: fc.nat({ max: 5 }) })),
  ...houseSteps,
  step(2, "mark", fc.record({})),
  step(7, "requestDeposit", fc.record({ who, units: fc.integer({ min: 1, max: 60_000_000_000 }) })),
  step(7, "requestRedeem", fc.record({ who, share: fc.oneof(fc.constant(100), fc.integer({ min: 1, max: 100 })) })),
  step(2, "run", fc.record({})),
  step(9, "fulfil", fc.record({ back: fc.nat({ max: 1 }), hasty: fc.nat({ max: 5 }).map((one) => one === 0) })),
  step(9, "claim", fc.record({ who, verb: fc.constantFrom(...CLAIMS), share: fc.integer({ min: 1, max: 130 }) })),
  step(3, "contribute", fc.record({ value: fc.integer({ min: 1, max: 4_000 }) })),
  step(3, "payOut", fc.record({ share: fc.integer({ min: 1, max: 120 }) })),
);
