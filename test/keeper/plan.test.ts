import { expect } from "chai";
import { JsonRpcProvider, Network, toBeHex, ZeroAddress } from "ethers";

import { Contracts } from "../../scripts/keeper/contracts.ts";
import type { Action } from "../../scripts/keeper/decide/actions.ts";
import type { Batch, Job, Plan } from "../../scripts/keeper/job.ts";
import { NoRelayError, plan, PLAN_DEFAULTS } from "../../scripts/keeper/plan.ts";
import { findLiquidation } from "../../scripts/model/liquidationSearch.ts";
import { addressBookWith } from "../addressBook.ts";
import { account, ALICE, BOB, exposure, holding, KEEPER, usd, WAD } from "./decide/states.ts";

const address = (number: number) => toBeHex(number, 20);
const [ORACLE, HOUSE, ORDERS, POOL, RELAY] = [0xa1, 0xa2, 0xa3, 0xa4, 0xa5].map(address) as [
  string,
  string,
  string,
  string,
  string,
];

function contractsWith(reportRelay: string): Contracts {
  const network = Network.from(31_337);
  const provider = new JsonRpcProvider("http://127.0.0.1:1", network, { staticNetwork: network });
  const contracts = { oracle: ORACLE, clearingHouse: HOUSE, orders: ORDERS, pool: POOL };
  const book = addressBookWith({ contracts, streamReports: reportRelay, reportRelay });
  return new Contracts({ provider, book });
}

const contracts = contractsWith(RELAY);
const settings = { account: KEEPER, ...PLAN_DEFAULTS };

const planned = (actions: readonly Action[], change: Partial<typeof settings> = {}): Plan =>
  plan(actions, contracts, { ...settings, ...change });

const execute = (sequence: bigint, change: Partial<Extract<Action, { kind: "execute" }>> = {}): Action => ({
  kind: "execute",
  role: "orders",
  account: ALICE,
  sequence,
  hints: [{ round: sequence, before: 0n }],
  reports: [],
  reward: WAD,
  ...change,
});

function liquidate(of: string, sells = false): Action {
  const state = sells
    ? account({
        exposures: [exposure({ size: 100n * WAD, quote: usd(-382_000), collateral: 10n * WAD })],
        cash: usd(17_000),
        holdings: [holding(10n * WAD)],
      })
    : account();
  const found = findLiquidation(state);
  if (found === undefined) throw new Error("nothing to liquidate");
  return { kind: "liquidate", role: "liquidate", account: of, plan: found, reward: found.outcome.reward };
}

function batch(step: Job | Batch | undefined): Batch {
  if (step === undefined || !("items" in step)) throw new Error("no batch");
  return step;
}

function job(step: Job | Batch | undefined): Job {
  if (step === undefined || "items" in step) throw new Error("no job");
  return step;
}

describe("plan", () => {
  it("puts executions that follow each other into one transaction, with each simulated alone", () => {
    const [step, ...others] = planned([execute(1n), execute(2n), execute(3n, { account: BOB })]);
    const { items, join } = batch(step);
    const joined = join([items[0], items[2]].filter((item) => item !== undefined));

    expect(others).to.deep.equal([]);
    expect(items.map(({ name, kind, subjects }) => [name, kind, subjects])).to.deep.equal([
      [`execute ${ALICE}/1`, "execute", [ALICE]],
      [`execute ${ALICE}/2`, "execute", [ALICE]],
      [`execute ${BOB}/3`, "execute", [BOB]],
    ]);
    const [hints] = [[{ round: 1n, before: 0n }]];
    expect(items[0]?.call).to.deep.equal({
      to: ORDERS,
      data: contracts.orders.interface.encodeFunctionData("execute", [ALICE, 1n, hints, KEEPER]),
    });
    expect(joined).to.deep.include({ kind: "executeBatch", subjects: [ALICE, BOB], reward: 2n * WAD });
    const [sent, payTo] = contracts.orders.interface.decodeFunctionData("executeBatch", joined.call.data);
    expect(payTo).to.equal(KEEPER);
    expect(
      (sent as { account: string; sequence: bigint }[]).map((item) => [item.account, item.sequence]),
    ).to.deep.equal([
      [ALICE, 1n],
      [BOB, 3n],
    ]);
  });

  it("sends what is left of a batch alone by itself", () => {
    const { items, join } = batch(planned([execute(1n), execute(2n)])[0]);

    expect(join(items.slice(1))).to.equal(items[1]);
  });

  it("puts liquidations together", () => {
    const { items, join } = batch(planned([liquidate(ALICE), liquidate(BOB)])[0]);
    const joined = join(items);
    const [sent, liquidator] = contracts.clearingHouse.interface.decodeFunctionData("liquidateBatch", joined.call.data);

    expect(joined).to.deep.include({ kind: "liquidateBatch", role: "liquidate", subjects: [ALICE, BOB] });
    expect((sent as { account: string }[]).map((item) => item.account)).to.deep.equal([ALICE, BOB]);
    expect(liquidator).to.equal(KEEPER);
  });

  it("makes a duty of a liquidation that nothing is paid for, apart from those that pay", () => {
    const unpaid = (of: string): Action => ({ ...liquidate(of), reward: 0n }) as Action;
    const [first, second] = planned([liquidate(ALICE), unpaid(BOB), unpaid(KEEPER)]);

    expect(job(first).reward).to.be.above(0n);
    expect(batch(second).items.map(({ reward }) => reward)).to.deep.equal([undefined, undefined]);
    expect(batch(second).join(batch(second).items).reward).to.equal(undefined);
  });

  it("holds the keeper's own account for what spends its cash", () => {
    const [step] = planned([liquidate(ALICE, true)]);

    expect(job(step).subjects).to.deep.equal([ALICE, KEEPER]);
    expect(job(planned([liquidate(ALICE)])[0]).subjects).to.deep.equal([ALICE]);
    const sale = { token: 0, amount: WAD };
    const others = planned([
      { kind: "convert", role: "liquidate", account: ALICE, sales: [sale], reward: 1n },
      { kind: "buySeized", role: "liquidate", sale, reward: 1n },
      { kind: "takeOver", role: "liquidate", account: BOB, legs: [{ asset: 0, delta: -WAD }], reward: 1n },
    ]);
    expect(others.map((one) => job(one).subjects)).to.deep.equal([[ALICE, KEEPER], [KEEPER], [BOB, KEEPER]]);
  });

  it("holds a price for whatever moves it, and what concerns no account for itself", () => {
    const steps = planned([
      { kind: "update", role: "orders", assets: [0, 5] },
      { kind: "advance", role: "orders", asset: 5, rounds: [1n] },
      { kind: "deleverage", role: "deleverage", asset: 5, hint: { round: 1n, before: 0n }, report: undefined },
      { kind: "markPool", role: "pool" },
    ]);

    expect(steps.map((step) => job(step).subjects)).to.deep.equal([
      ["price 0", "price 5"],
      ["price 5"],
      ["deleverage 5"],
      ["markPool"],
    ]);
  });

  it("fills a batch with no more than its share of a transaction's gas", () => {
    const many = Array.from({ length: 60 }, (_, number) => execute(BigInt(number)));
    const sizes = (change: Partial<typeof settings>) =>
      planned(many, change).map((step) => ("items" in step ? step.items.length : 1));

    // 320k each, and 2M that must be left at the last: 25 in 10M, 15 in 6.8M.
    expect(sizes({})).to.deep.equal([25, 25, 10]);
    expect(sizes({ gasLimit: 6_800_000n, batchShare: 1_000_000n })).to.deep.equal([15, 15, 15, 15]);
    expect(sizes({ gasLimit: 1n })).to.deep.equal(many.map(() => 1));
  });

  it("counts a basket's legs", () => {
    const hints = Array.from({ length: 8 }, () => ({ round: 1n, before: 0n }));
    const baskets = Array.from({ length: 8 }, (_, number) => execute(BigInt(number), { hints }));

    expect(planned(baskets).map((step) => ("items" in step ? step.items.length : 1))).to.deep.equal([5, 3]);
  });

  it("keeps the order of what is to be done", () => {
    const steps = planned([
      { kind: "update", role: "orders", assets: [0, 5] },
      execute(1n),
      { kind: "markPool", role: "orders" },
      execute(2n),
      execute(3n),
    ]);

    expect(steps.map((step) => ("items" in step ? step.items.length : step.kind))).to.deep.equal([
      "update",
      "execute",
      "markPool",
      2,
    ]);
    const { call, name } = job(steps[0]);
    expect(name).to.equal("update 0,5");
    expect(call).to.deep.equal({
      to: ORACLE,
      data: contracts.oracle.interface.encodeFunctionData("update", [0b10_0001n]),
    });
  });

  it("brings reports in the same transaction, which is no batch", () => {
    const reports = [
      { data: "0x0102", fee: 7n },
      { data: "0x03", fee: 5n },
    ];
    const [step, ...others] = planned([execute(1n, { reports }), execute(2n)]);
    const { call } = job(step);
    const { reportRelay } = contracts;
    if (reportRelay === undefined) throw new Error("no relay");
    const [brought, calls] = reportRelay.interface.decodeFunctionData("relay", call.data);

    expect(others).to.have.length(1);
    expect([call.to, call.value]).to.deep.equal([RELAY, 12n]);
    expect([...(brought as string[])]).to.deep.equal(["0x0102", "0x03"]);
    expect((calls as { target: string }[]).map(({ target }) => target.toLowerCase())).to.deep.equal([ORDERS]);
  });

  it("brings the report of a deleveraging", () => {
    const hint = { round: 9n, before: 0n };
    const action: Action = {
      kind: "deleverage",
      role: "deleverage",
      asset: 3,
      hint,
      report: { data: "0x01", fee: 1n },
    };
    const data = contracts.clearingHouse.interface.encodeFunctionData("deleverage", [3, hint]);

    expect(job(planned([action])[0]).call.to).to.equal(RELAY);
    expect(job(planned([{ ...action, report: undefined }])[0]).call).to.deep.equal({ to: HOUSE, data });
  });

  it("refuses reports that nothing takes", () => {
    const action = execute(1n, { reports: [{ data: "0x01", fee: 0n }] });

    expect(() => plan([action], contractsWith(ZeroAddress), settings)).to.throw(NoRelayError);
  });

  it("makes the call of every other deed", () => {
    const house = contracts.clearingHouse.interface;
    const { oracle, pool, orders } = contracts;
    const hint = { round: 9n, before: 8n };
    const sales = [{ token: 1, amount: WAD }];
    const legs = [{ asset: 2, delta: -WAD }];
    const cases: [Action, string, string][] = [
      [
        { kind: "advance", role: "orders", asset: 1, rounds: [4n] },
        ORACLE,
        oracle.interface.encodeFunctionData("advance", [1, [4n]]),
      ],
      [
        { kind: "watchSource", role: "pool", asset: 1 },
        ORACLE,
        oracle.interface.encodeFunctionData("watchSource", [1]),
      ],
      [
        { kind: "abandon", role: "orders", account: ALICE, sequence: 1n, reward: 0n },
        ORDERS,
        orders.interface.encodeFunctionData("abandon", [ALICE, 1n, KEEPER]),
      ],
      [
        { kind: "poke", role: "orders", account: ALICE, sequence: 1n, reward: 0n },
        ORDERS,
        orders.interface.encodeFunctionData("poke", [ALICE, 1n, KEEPER]),
      ],
      [
        { kind: "takeOver", role: "liquidate", account: ALICE, legs, reward: 0n },
        HOUSE,
        house.encodeFunctionData("takeOver", [ALICE, legs, KEEPER]),
      ],
      [
        { kind: "convert", role: "liquidate", account: ALICE, sales, reward: 0n },
        HOUSE,
        house.encodeFunctionData("convert", [ALICE, sales, KEEPER]),
      ],
      [
        { kind: "buySeized", role: "liquidate", sale: { token: 1, amount: WAD }, reward: 0n },
        HOUSE,
        house.encodeFunctionData("buySeized", [{ token: 1, amount: WAD }, KEEPER]),
      ],
      [{ kind: "writeOff", role: "liquidate", token: 1 }, HOUSE, house.encodeFunctionData("writeOff", [1])],
      [{ kind: "realise", role: "liquidate", account: ALICE }, HOUSE, house.encodeFunctionData("realise", [ALICE])],
      [
        { kind: "flagInsolvent", role: "liquidate", account: ALICE },
        HOUSE,
        house.encodeFunctionData("flagInsolvent", [ALICE]),
      ],
      [
        { kind: "clearInsolvency", role: "liquidate", account: ALICE },
        HOUSE,
        house.encodeFunctionData("clearInsolvency", [ALICE]),
      ],
      [{ kind: "seize", role: "liquidate", account: ALICE }, HOUSE, house.encodeFunctionData("seize", [ALICE])],
      [
        { kind: "settleDeficit", role: "liquidate", account: ALICE },
        HOUSE,
        house.encodeFunctionData("settleDeficit", [ALICE]),
      ],
      [{ kind: "fulfill", role: "pool", lastBatch: 4n }, POOL, pool.interface.encodeFunctionData("fulfill", [4n])],
      [{ kind: "markPool", role: "pool" }, HOUSE, house.encodeFunctionData("markPool")],
      [{ kind: "cutProfits", role: "deleverage" }, HOUSE, house.encodeFunctionData("cutProfits")],
      [
        { kind: "flagDeleveraging", role: "deleverage", asset: 1 },
        HOUSE,
        house.encodeFunctionData("flagDeleveraging", [1]),
      ],
      [
        { kind: "closeMarket", role: "deleverage", asset: 1, hint, report: undefined },
        HOUSE,
        house.encodeFunctionData("closeMarket", [1, hint]),
      ],
      [{ kind: "checkpoint", role: "pool", feed: POOL }, POOL, "0xc2c4c5c1"],
    ];
    for (const [action, to, data] of cases) {
      const { call, kind, role } = job(planned([action])[0]);
      expect({ ...call, kind, role }).to.deep.equal({ to, data, kind: action.kind, role: action.role });
    }
    const names = cases.map(([action]) => job(planned([action])[0]).name);
    expect(new Set(names).size).to.equal(names.length);
  });
});
