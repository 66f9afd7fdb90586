import { expect } from "chai";

import { simulateIn } from "../../../scripts/lab/engine/simulate.ts";
import { summarise } from "../../../scripts/lab/stress/summary.ts";
import { WAD } from "../../../scripts/model/fixed.ts";
import { holder, scenario, world } from "../engine/scenarios.ts";
import { expectNear } from "../near.ts";

const MEASURED = { index: 0, attackers: 1, seconds: 0 };

describe("summary of a run", () => {
  it("leaves out of an attacker's profit what the price did", () => {
    const traders = [
      holder("other", { size: -10n * WAD, cash: 100_000n * WAD }),
      holder("attacker", { size: 10n * WAD, cash: 100_000n * WAD }),
    ];
    const result = simulateIn(world, scenario({ fall: 0.1, traders }));
    const [, attacker] = result.accounts;
    expect(Number((attacker?.endEquity ?? 0n) - (attacker?.startEquity ?? 0n)) / 1e18).to.be.lessThan(-3_900);
    expectNear(summarise(result, MEASURED).attackProfit, 0, 1);
  });

  it("counts a loss that an attacker did not bear as its profit", () => {
    const down = { kind: "keepersDown", from: 0, until: 1_200 } as const;
    const traders = [
      holder("matched", { size: -50n * WAD, cash: 100_000n * WAD }),
      holder("attacker", { size: 50n * WAD, cash: 23_500n * WAD }),
    ];
    const result = simulateIn(world, scenario({ fall: 0.2, traders, faults: [down] }));
    const { badDebt, attackProfit } = summarise(result, MEASURED);
    expect(badDebt).to.be.greaterThan(15_000);
    // Fees and impact of its liquidation are its own.
    expect(attackProfit / badDebt).to.be.within(0.98, 1);
  });

  it("does not take for a loss of the pool what providers take back", () => {
    const providers = [{ deposit: 1_000_000n * WAD }, { deposit: 4_000_000n * WAD, leavesAt: 300 }];
    const result = simulateIn(world, scenario({ fall: 0, providers }));
    expect(summarise(result, MEASURED).poolDrawdown).to.be.within(0, 0.001);
  });
});
