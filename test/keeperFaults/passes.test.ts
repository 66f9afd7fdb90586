import { expect } from "chai";

import { type Outcome, passes } from "../../scripts/keeperFaults/scenario.ts";
import { putTable, renderTable, rowOf, TableError } from "../../scripts/keeperFaults/table.ts";

const GOOD: Omit<Outcome, "passed"> = {
  key: "hang",
  fault: "all endpoints hang",
  accounts: 10,
  orders: 12,
  filled: 12,
  cancelled: {},
  missedOrders: 0,
  endedTwice: 0,
  doubleSends: 0,
  sent: 20,
  reverted: 3,
  liquidations: 4,
  liquidatedAccounts: 3,
  healthyLiquidated: 0,
  missedLiquidations: 0,
  unaided: 1,
  waitingBlocks: { median: 2, longest: 5 },
  recoveries: [
    { backlog: 0, blocks: 0, seconds: 0 },
    { backlog: 6, blocks: 3, seconds: 1.25 },
  ],
  struck: { "requests hung": 7 },
  idleWindows: 0,
  earnings: [
    { keeper: "0xa", earned: 10.5, gas: 0.25 },
    { keeper: "0xb", earned: 1, gas: 0.5 },
  ],
  exits: ["SIGABRT"],
  rebuilt: 1,
  cleanStops: 2,
  disagreements: 0,
  halts: 0,
  blocks: 200,
  wallSeconds: 60,
  complaints: [],
};
const WINDOW = { from: 0, to: 1 };
const FAULT = { windows: [WINDOW, { from: 2, to: 3 }], least: { "requests hung": 7 }, rebuilds: 1 } as const;
const NONE = { windows: [], least: {} } as const;

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
    "what was due when the fault ended was never done": {
      recoveries: [
        { backlog: 6, blocks: undefined, seconds: undefined },
        { backlog: 0, blocks: 0, seconds: 0 },
      ],
    },
    "the fault did not end as often as it was to come": { recoveries: [{ backlog: 0, blocks: 0, seconds: 0 }] },
    "the fault has struck less often than it had to": { struck: { "requests hung": 6 } },
    "the fault has done something else": { struck: { "answers lost": 100 } },
    "the fault came once and did nothing": { idleWindows: 1 },
    "a broken database was not rebuilt": { rebuilt: 0 },
    "a jump was recorded that was none": { halts: 1 },
    "an order was cancelled": { filled: 11, cancelled: { SkewExceeded: 1 } },
    "nobody traded": { orders: 0, filled: 0 },
  };
  for (const [what, change] of Object.entries(wrongs)) {
    it(`fails where ${what}`, () => {
      expect(passes({ ...GOOD, ...change }, FAULT)).to.equal(false);
    });
  }

  it("fails without a fault where the keepers have lost money", () => {
    const unharmed = { ...GOOD, recoveries: [], struck: {} };
    const earning = (earned: number) => ({ ...unharmed, earnings: [{ keeper: "0xa", earned, gas: 2 }] });
    expect(passes(earning(2), NONE)).to.equal(true);
    expect(passes(earning(1.9), NONE)).to.equal(false);
    expect(passes({ ...GOOD, earnings: [{ keeper: "0xa", earned: 1.9, gas: 2 }] }, FAULT)).to.equal(true);
  });

  it("is a row of the table", () => {
    const mixed = { ...GOOD, filled: 11, cancelled: { OutsideBand: 1 }, passed: true };
    const [, , row] = renderTable([mixed]).split("\n");
    expect(row).to.equal(
      "| all endpoints hang | 7 requests hung | 12 | 11 | 1 OutsideBand | 0 | 0 | 4 (3) | 0 | 0 | 2 / 5 | 1 | 20 | 3 | 0 | 0 | 11.50 − 0.75 | 0, 6 | 3 blocks, 1.3 s | 1 (SIGABRT) | 1 | passed |",
    );
  });

  it("tells of the slowest recovery, whichever it was, and of one that never came", () => {
    const cellsOf = (recoveries: Outcome["recoveries"]) => rowOf({ ...GOOD, passed: true, recoveries }).split(" | ");
    const slow = { backlog: 90, blocks: 12, seconds: 4.04 };
    const quick = { backlog: 2, blocks: 1, seconds: 0.4 };
    expect(cellsOf([slow, quick])).to.include.members(["90, 2", "12 blocks, 4.0 s"]);
    const never = { backlog: 90, blocks: undefined, seconds: undefined };
    expect(cellsOf([never, quick])).to.include("never");
    expect(cellsOf([]).filter((cell) => cell === "–")).to.have.length(2);
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
