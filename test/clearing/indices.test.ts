/** Verbs with an index of an asset or a token, against indices that shift or multiply to what belongs to a listed one. */
import { expect } from "chai";

import { accountOf } from "../fixture.ts";
import { DAY, ETH, wad } from "../parameters.ts";
import { type Crowded, crowdedSide } from "../waterfall/scenarios.ts";
import { expectConserved, load } from "./support.ts";

const WRONG = {
  "beyond the last": 96n,
  "without a bit in a set": 256n + BigInt(ETH),
  // The words of an asset are at 96 bytes times its index.
  "that wraps around once": BigInt(ETH) + (1n << 251n),
  "that wraps around ten times": BigInt(ETH) + (10n << 251n),
  "that wraps around to the end": BigInt(ETH) + (31n << 251n),
};
const RATES = { beta: 50_000n, sigma: 30_000n, gamma: 3_000n, kappa: 50_000n };
const HINT = { round: 0n, before: 0n };

/** Arguments with an index in its place; UnknownMarket unless another error is named. */
type Verb = (index: bigint, world: Crowded) => { args: readonly unknown[]; error?: string };

const BY_GOVERNOR: Readonly<Record<string, Verb>> = {
  listCollateral: (index) => ({ args: [index, 1_000n, 12n] }),
  rampRisk: (index) => ({ args: [index, RATES, DAY] }),
  tuneRisk: (index) => ({ args: [index, RATES, DAY] }),
  setGroup: (index) => ({ args: [index, 1n] }),
  setDepth: (index) => ({ args: [index, wad("100_000")] }),
  tuneDepth: (index) => ({ args: [index, wad("100_000")] }),
  setLimits: (index) => ({ args: [index, wad("2500"), 9_000n, wad("2000"), 600n, 200n, wad("250_000")] }),
  tuneLimits: (index) => ({ args: [index, wad("2500"), 9_000n, wad("2000"), wad("250_000")] }),
  restrictMarket: (index) => ({ args: [index] }),
  reopenMarket: (index) => ({ args: [index] }),
  windDown: (index) => ({ args: [index] }),
};
const BY_OWNER: Readonly<Record<string, Verb>> = {
  closeMarket: (index) => ({ args: [index, HINT] }),
  // Of a market without positions, and without a flag.
  flagDeleveraging: (index) => ({ args: [index], error: "NotDue" }),
  deleverage: (index) => ({ args: [index, HINT], error: "NotFlagged" }),
  transfer: (index, { long, alice }) => ({ args: [long, accountOf(alice, 1n), index, 1n], error: "UnknownCollateral" }),
  buySeized: (index, { long }) => ({ args: [{ token: index, amount: 1n }, long], error: "UnknownCollateral" }),
  writeOff: (index) => ({ args: [index], error: "UnknownCollateral" }),
};

describe("hazard 34: an index of an asset that multiplies to the words of another, or is not listed", () => {
  afterEach(expectConserved);

  for (const [name, verb] of Object.entries({ ...BY_GOVERNOR, ...BY_OWNER })) {
    for (const [what, index] of Object.entries(WRONG)) {
      it(`is refused by ${name}: one ${what}`, async () => {
        const world = await load(closing);
        const { clearingHouse, alice, admin } = world;
        const { args, error = "UnknownMarket" } = verb(index, world);
        const caller = name in BY_OWNER ? alice : admin;
        const data = clearingHouse.interface.encodeFunctionData(name as never, args as never);

        await expect(caller.call({ to: await clearingHouse.getAddress(), data }))
          .to.be.revertedWithCustomError(clearingHouse, error)
          .withArgs(index);
      });
    }
  }
});

/** The end of ETH's market has been announced. */
async function closing(): Promise<Crowded> {
  const world = await crowdedSide();
  await world.clearingHouse.windDown(ETH);
  return world;
}
