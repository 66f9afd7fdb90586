import { expect } from "chai";

import { requireConserved } from "../../../scripts/lab/engine/conservation.ts";
import { ConservationError, ScenarioError } from "../../../scripts/lab/engine/errors.ts";
import { simulateIn } from "../../../scripts/lab/engine/simulate.ts";
import type { AgentKind, RunResult, Scenario } from "../../../scripts/lab/engine/types.ts";
import { emptyBooks, START } from "../../../scripts/lab/engine/world.ts";
import { WAD } from "../../../scripts/model/fixed.ts";
import { BTC, ETH, falling, holder, scenario, STEP, STRONG, WEAK, world } from "./scenarios.ts";
import { expectNear } from "../near.ts";

const run = (changes?: Parameters<typeof scenario>[0]): RunResult => simulateIn(world, scenario(changes));

describe("simulation of a scenario", () => {
  it("ends in the same state for the same seed, and in another for another", () => {
    const agents: readonly AgentKind[] = ["trend", "reverter", "whale", "basis"];
    const crowd: Scenario = scenario({
      traders: agents.map((agent) => ({
        name: agent,
        agent,
        asset: ETH,
        notional: 10_000n * WAD,
        book: { cash: 50_000n * WAD, collateral: [], positions: [] },
      })),
    });
    const [first, again, other] = [crowd, crowd, { ...crowd, seed: 2 }].map((one) => simulateIn(world, one));
    expect(first?.fills.length).to.be.greaterThan(0);
    expect(again?.digest).to.equal(first?.digest);
    expect(other?.digest).to.not.equal(first?.digest);
  });

  it("liquidates who falls below the requirement, and nobody else", () => {
    const { liquidations, accounts, steps, healthyLiquidated } = run();
    expect(new Set(liquidations.map(({ account }) => account))).to.deep.equal(new Set([WEAK]));
    expect(accounts[STRONG]?.liquidations).to.equal(0);
    expect(healthyLiquidated).to.equal(0);
    expect(steps.at(-1)?.badDebt).to.equal(0n);
  });

  it("lets the latency of keepers pass before each liquidation", () => {
    const { keeper } = scenario();
    const { liquidations } = run({ keeper: { ...keeper, latency: 4 * STEP } });
    expect(liquidations).to.not.deep.equal([]);
    for (const { waited } of liquidations) expect(waited).to.be.at.least(4 * STEP);
  });

  it("counts bad debt, and what insurance does not pay of it, where keepers come too late", () => {
    const down = { kind: "keepersDown", from: 0, until: 1_200 } as const;
    const traders = [holder("weak", { size: 200n * WAD, cash: 92_000n * WAD }), ...scenario().traders.slice(1)];
    const { steps, accounts, liquidations } = run({ fall: 0.3, faults: [down], traders, insurance: 1_000n * WAD });
    const last = steps.at(-1);
    expect(liquidations.every(({ at }) => at >= 1_200)).to.equal(true);
    expect(last?.badDebt).to.equal(accounts[WEAK]?.badDebt);
    expect(Number(last?.badDebt) / 1e18).to.be.greaterThan(100_000);
    expect(Number((last?.badDebt ?? 0n) - (last?.uncovered ?? 0n)) / 1e18).to.be.within(1_000, 5_000);
  });

  it("walks the oracle along a slow move that nobody read, so that liquidations go on when keepers are back", () => {
    const down = { kind: "keepersDown", from: 0, until: 1_200 } as const;
    const { liquidations } = run({ fall: 0.12, faults: [down] });
    expect(liquidations[0]?.at).to.be.within(1_200, 1_200 + 2 * STEP);
  });

  it("liquidates nobody while the sequencer is out, nor in its grace", () => {
    const out = { kind: "sequencerDown", from: 300, until: 900 } as const;
    expect(run({ faults: [out] }).liquidations).to.deep.equal([]);
  });

  it("halts a feed that is off by a thousand, and liquidates nobody by it", () => {
    const off = { kind: "feedScaled", asset: ETH, factor: 1_000, from: 300, until: 600 } as const;
    const { liquidations, steps } = run({ fall: 0, faults: [off] });
    expect(liquidations).to.deep.equal([]);
    const prices = steps.map(({ markets }) => markets.find(({ asset }) => asset === ETH)?.price);
    expect(new Set(prices)).to.deep.equal(new Set([4_000n * WAD]));
  });

  it("leaves what is not worth its gas", () => {
    const gas = { kind: "gas", factor: 1_000_000, from: 0, until: 1_530 } as const;
    const { liquidations, refusals } = run({ faults: [gas] });
    expect(liquidations).to.deep.equal([]);
    expect(refusals.get("not worth its gas")).to.be.greaterThan(0);
  });

  it("lets out of the pool what may leave, at the time that its provider leaves", () => {
    const providers = [{ deposit: 5_000_000n * WAD }, { deposit: 1_000_000n * WAD, leavesAt: 600 }];
    const equityAt = (result: RunResult, at: number): number =>
      Number(result.steps.find((step) => step.at === at)?.poolEquity) / 1e18;
    const result = run({ fall: 0, providers });
    expectNear(equityAt(result, 570) - equityAt(result, 600), 1_000_000, 1);
  });

  it("refuses a scenario without a pool, and one without a price of what is traded", () => {
    expect(() => run({ providers: [] })).to.throw(ScenarioError, "provider");
    const late = { asset: ETH, rounds: falling(4_000, 0.1).slice(1) };
    expect(() => run({ paths: [late] })).to.throw(ScenarioError, "does not begin at 0");
    const path = { asset: BTC, rounds: falling(110_000, 0.1) };
    expect(() => run({ paths: [path, path] })).to.throw(ScenarioError, "two paths");
  });
});

describe("conservation", () => {
  const books = () => {
    const one = emptyBooks(world, { accounts: 1, prices: world.assets.map(() => WAD) });
    one.deposit(one.account(0), 5n * WAD, START);
    return one;
  };

  it("holds for money that was paid in", () => {
    requireConserved(books(), []);
  });

  it("throws where a wei of cash, of debt, or of collateral is too much", () => {
    const [cash, debt, collateral] = [books(), books(), books()];
    cash.base += 1n;
    debt.account(0).shares = 1n;
    collateral.addCollateral(collateral.account(0), 0, 1n);
    expect(() => {
      requireConserved(cash, []);
    }).to.throw(ConservationError, "settlement tokens");
    expect(() => {
      requireConserved(debt, []);
    }).to.throw(ConservationError, "shares of debt");
    expect(() => {
      requireConserved(collateral, []);
    }).to.throw(ConservationError, "collateral 0");
  });

  it("throws where a side has a unit that no position has", () => {
    const one = books();
    const market = one.market(ETH);
    market.put({ ...market.long, units: 1n });
    expect(() => {
      requireConserved(one, []);
    }).to.throw(ConservationError, "units of the long side");
  });
});
