import { expect } from "chai";

import { type Outcome, passes } from "../../scripts/keeperFaults/scenario.ts";
import { putTable, renderTable, TableError } from "../../scripts/keeperFaults/table.ts";

const GOOD: Omit<Outcome, "passed"> = {
  key: "hang",
  fault: "all endpoints hang",
  accounts: 10,
  orders: 12,
  filled: 11,
  cancelled: { OutsideBand: 1 },
  missedOrders: 0,
  endedTwice: 0,
  doubleSends: 0,
  sent: 20,
  reverted: 3,
  liquidations: 4,
  liquidatedAccounts: 3,
  healthyLiquidated: 0,
  missedLiquidations: 0,
  liquidationBlocks: { median: 2, longest: 5 },
  backlog: 6,
  recoveryBlocks: 3,
  recoverySeconds: 1.25,
  exits: ["SIGABRT"],
  rebuilt: 1,
  cleanStops: 2,
  disagreements: 0,
  blocks: 200,
  wallSeconds: 60,
  complaints: [],
};
const FAULT = { faulty: true, rebuilds: 1 };

describe("outcome of a run with a fault", () => {
  it("passes where nothing was missed or repeated", () => {
    expect(passes(GOOD, FAULT)).to.equal(true);
  });

  const wrongs: Readonly<Record<string, Partial<Outcome>>> = {
    "an order was missed": { missedOrders: 1 },
    "an order has ended twice": { endedTwice: 1 },
    "something was double-sent": { doubleSends: 1 },
    "a healthy account was liquidated": { healthyLiquidated: 1 },
    "an unhealthy account was left": { missedLiquidations: 1 },
    "the chain judges otherwise than the model": { disagreements: 1 },
    "what was due when the fault ended was never done": { recoveryBlocks: undefined },
    "a broken database was not rebuilt": { rebuilt: 0 },
    "nobody traded": { orders: 0 },
  };
  for (const [what, change] of Object.entries(wrongs)) {
    it(`fails where ${what}`, () => {
      expect(passes({ ...GOOD, ...change }, FAULT)).to.equal(false);
    });
  }

  it("is a row of the table", () => {
    const [, , row] = renderTable([{ ...GOOD, passed: true }]).split("\n");
    expect(row).to.equal(
      "| all endpoints hang | 12 | 11 | 1 OutsideBand | 0 | 0 | 4 (3) | 0 | 0 | 2 / 5 | 20 | 3 | 0 | 6 | 3 blocks, 1.3 s | 1 (SIGABRT) | 1 | passed |",
    );
  });

  it("takes the place of the table before it, and of nothing else", () => {
    const outcomes = [{ ...GOOD, passed: true }];
    const page = putTable("above\n<!-- faults -->\nold\n<!-- /faults -->\nbelow\n", { outcomes, command: "x" });
    expect(page).to.equal(
      `above\n<!-- faults -->\n\n\`x\`, 10 accounts: 1 of 1 passed.\n\n${renderTable(outcomes)}\n\n<!-- /faults -->\nbelow\n`,
    );
    expect(putTable(putTable("", { outcomes: [], command: "y" }), { outcomes, command: "x" })).to.equal(
      putTable("", { outcomes, command: "x" }),
    );
  });

  for (const page of ["no marks\n", "<!-- faults -->\n", "<!-- /faults -->\n<!-- faults -->\n"]) {
    it(`leaves a page alone that has no place for it: ${JSON.stringify(page)}`, () => {
      expect(() => putTable(page, { outcomes: [], command: "x" })).to.throw(TableError, "<!-- faults -->");
    });
  }
});
