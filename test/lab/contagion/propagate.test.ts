import { expect } from "chai";

import { CALM, type Shock, SHOCKS, spread } from "../../../scripts/lab/contagion/propagate.ts";
import { type Isolation, worldOf } from "../../../scripts/lab/contagion/world.ts";
import { WAD } from "../../../scripts/model/fixed.ts";
import { marginOf } from "../../../scripts/model/liquidationPrice.ts";
import { parameters } from "../compare/support.ts";

const POOL = 2_000_000n * WAD;
const worldWith = (isolation: Isolation, liquidators = 2_000_000n * WAD) =>
  worldOf({ parameters, isolation, seed: 4, users: 12, pool: POOL, insuranceShare: 50_000n, liquidators });
const shock = (values: Partial<Shock>): Shock => ({ ...CALM, name: "test", ...values });

describe("failures of connected protocols", () => {
  it("do not begin by themselves", () => {
    const { rounds, lostByHolders, lostByBystanders } = spread(worldWith("none"), shock({}));
    const last = rounds.at(-1);
    expect(last).to.deep.include({ liquidatedMembers: 0, badDebt: 0n, poolLoss: 0n, lenderBadDebt: 0n });
    expect([lostByHolders, lostByBystanders]).to.deep.equal([0n, 0n]);
  });

  it("start from accounts that are healthy, and of the same users, however shares are isolated", () => {
    const worlds = (["none", "sub-accounts", "caps", "groups"] as const).map((isolation) => worldWith(isolation));
    for (const { members, rules } of worlds) {
      for (const { name, book } of members) {
        const margin = marginOf({ ...book, groups: rules.groups, globals: rules.globals, time: 0n });
        expect(margin > 0n, name).to.equal(true);
      }
    }
    const users = worlds.map(({ members }) => new Set(members.map(({ user }) => user)).size);
    expect(users).to.deep.equal([12, 12, 12, 12]);
  });

  it("leave every unit of bad debt with insurance or the pool", () => {
    const world = worldWith("none");
    for (const each of SHOCKS) {
      const { rounds } = spread(world, each);
      for (const { badDebt, fromInsurance, poolLoss, capital } of rounds) {
        expect(badDebt - fromInsurance <= poolLoss, each.name).to.equal(true);
        expect(fromInsurance <= world.insurance && capital >= 0n, each.name).to.equal(true);
      }
    }
  });

  it("grow with the loss of the vault, and never raise its rate", () => {
    const world = worldWith("sub-accounts");
    const debts = [100_000n, 300_000n, 500_000n, 700_000n].map((vaultLoss) => {
      const { rounds } = spread(world, shock({ vaultLoss }));
      expect((rounds.at(-1)?.vaultRate ?? 0n) <= 1_000_000n - vaultLoss).to.equal(true);
      return Number(rounds.at(-1)?.badDebt);
    });
    expect(debts).to.deep.equal(debts.toSorted((a, b) => a - b));
    expect(debts.at(-1)).to.be.greaterThan(debts[0] ?? 0);
  });

  it("leave the cash of holders alone in sub-accounts, where it stands for the shares otherwise", () => {
    const loss = shock({ vaultLoss: 600_000n });
    const [none, apart] = (["none", "sub-accounts"] as const).map((isolation) => spread(worldWith(isolation), loss));
    expect(Number(apart?.rounds.at(-1)?.badDebt)).to.be.greaterThan(Number(none?.rounds.at(-1)?.badDebt));
    expect(Number(apart?.lostByHolders)).to.be.lessThan(Number(none?.lostByHolders));
    expect(apart?.lostByBystanders).to.equal(0n);
  });

  it("cost less where a cap has let fewer shares in", () => {
    const loss = shock({ vaultLoss: 900_000n });
    const [none, capped] = (["none", "caps"] as const).map((isolation) => spread(worldWith(isolation), loss));
    expect(Number(none?.rounds.at(-1)?.badDebt)).to.be.greaterThan(0);
    expect(capped?.rounds.at(-1)?.badDebt).to.equal(0n);
  });

  it("pass to insurance and the pool what no liquidator has money for", () => {
    const loss = shock({ vaultLoss: 600_000n, frozen: true });
    const rich = spread(worldWith("sub-accounts"), loss).rounds;
    const poor = spread(worldWith("sub-accounts", WAD), loss).rounds;
    expect(Number(poor.at(-1)?.poolLoss)).to.be.greaterThan(Number(rich.at(-1)?.poolLoss));
    expect(poor.at(-1)?.unhealthy).to.equal(0);
  });

  it("lock the liquidators' money in shares that cannot be redeemed", () => {
    const [open, frozen] = [false, true].map(
      (isFrozen) => spread(worldWith("sub-accounts"), shock({ vaultLoss: 600_000n, frozen: isFrozen })).rounds,
    );
    expect(Number(frozen?.at(-1)?.capital)).to.be.lessThan(Number(open?.at(-1)?.capital));
  });

  it("reach the lender through our pool, and the vault through the lender", () => {
    const world = worldWith("sub-accounts");
    // Loans against shares of the pool fail when these lose a fifth.
    const { rounds } = spread({ ...world, insurance: 0n, pool: POOL / 8n }, shock({ vaultLoss: 700_000n }));
    const last = rounds.at(-1);
    expect(Number(last?.lenderBadDebt)).to.be.greaterThan(0);
    expect(Number(last?.vaultRate)).to.be.lessThan(300_000);
  });
});
