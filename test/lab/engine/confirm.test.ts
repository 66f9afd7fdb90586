import { expect } from "chai";

import { confirm, connect } from "../../../scripts/lab/engine/confirm.ts";
import { DifferenceError } from "../../../scripts/lab/engine/errors.ts";
import { simulateIn } from "../../../scripts/lab/engine/simulate.ts";
import type { RunResult } from "../../../scripts/lab/engine/types.ts";
import { tokenOf } from "../../../scripts/lab/engine/world.ts";
import { WAD } from "../../../scripts/model/fixed.ts";
import { ETH, holder, scenario, STEP, world } from "./scenarios.ts";

/** Few steps, and everything in them: refusals, liquidations, a withdrawal, collateral, money that leaves the pool. */
const crowded = scenario({
  step: 2 * STEP,
  fall: 0.14,
  traders: [
    holder("weak", { size: 50n * WAD, cash: 23_000n * WAD }),
    holder("poor", { size: 50n * WAD, cash: 1_000n * WAD }),
    {
      name: "hedged",
      agent: "hedger",
      asset: ETH,
      book: {
        cash: 2_000n * WAD,
        collateral: [{ token: tokenOf(world, "WETH"), amount: 20n * WAD }],
        positions: [{ asset: ETH, size: -10n * WAD }],
      },
    },
    {
      name: "whale",
      agent: "withdrawer",
      book: { cash: 90_000n * WAD, collateral: [], positions: [{ asset: ETH, size: WAD }] },
    },
  ],
  providers: [{ deposit: 3_000_000n * WAD }, { deposit: 500_000n * WAD, leavesAt: 600 }],
});

async function confirmed(result: Pick<RunResult, "log" | "digest">) {
  const connection = await connect();
  try {
    const accounts = crowded.traders.length + 1 + crowded.providers.length;
    return await confirm(world, result, { connection, accounts, every: 1, now: () => performance.now() / 1_000 });
  } finally {
    await connection.close();
  }
}

describe("confirmation of a run on the contracts", () => {
  const result = simulateIn(world, crowded);

  it("finds every balance equal to the wei after every deed, and every refusal as foreseen", async () => {
    const { deeds, refused, compared } = await confirmed(result);
    expect(deeds).to.equal(result.log.length);
    expect(compared).to.equal(deeds);
    expect(refused).to.be.greaterThan(0);
    expect(result.liquidations.length).to.be.greaterThan(0);
  });

  it("throws where the contracts do not refuse what the log says that they do, or the run ended elsewhere", async () => {
    const deposit = result.log.findIndex(({ deed }) => deed.kind === "deposit");
    const wrong = result.log.slice(0, deposit + 1).map((logged, position) => ({
      ...logged,
      refusal: position === deposit ? "InsufficientMargin" : logged.refusal,
    }));
    await expectDifference(confirmed({ log: wrong, digest: result.digest }), "the model says InsufficientMargin");
    const short = result.log.slice(0, deposit + 1);
    await expectDifference(confirmed({ log: short, digest: result.digest }), "where the run ended");
  });
});

async function expectDifference(promise: Promise<unknown>, message: string): Promise<void> {
  try {
    await promise;
  } catch (error) {
    expect(error).to.be.instanceOf(DifferenceError);
    expect((error as DifferenceError).message).to.include(message);
    return;
  }
  expect.fail("no difference was found");
}
