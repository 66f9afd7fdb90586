import { expect } from "chai";

import type { Report } from "../../../scripts/lab/output/report.ts";
import { run } from "../../../scripts/lab/replay/command.ts";
import type { Findings } from "../../../scripts/lab/replay/findings.ts";
import { createShell } from "../../../scripts/lab/shell.ts";

/** The first minutes of the cascade, and twenty before them to open in. */
const PART = ["--event", "cascade-2025", "--from", "2025-10-10T20:50:00Z", "--to", "2025-10-10T21:14:00Z"];
const FEW = ["--accounts", "10"];
/** Half a minute of work, which a busy machine may take long for. */
const TIMEOUT = 600_000;

async function replayed(...args: readonly string[]): Promise<Report> {
  const progress = { phase: () => undefined, advance: () => undefined, end: () => undefined };
  return run([...PART, ...FEW, ...args], createShell({ progress, out: "", signal: new AbortController().signal }));
}

function findingsOf({ json }: Report): Findings {
  return (json as { findings: Findings }).findings;
}

function rowsOf({ tables }: Report, name: string) {
  return tables.find((table) => table.name === name)?.rows ?? [];
}

describe("replay", function () {
  this.timeout(TIMEOUT);
  let report: Report;

  before(async () => {
    report = await replayed();
  });

  it("keeps the books to the wei, and liquidates nobody who is sound nor pushes anybody over", () => {
    expect(report.failures).to.deep.equal([]);
    expect(findingsOf(report)).to.include({ faults: 0, pushed: 0 });
    expect(findingsOf(report).liquidations.healthy).to.equal(0);
  });

  it("liquidates as prices fall, each account with equity at or below its requirement", () => {
    const rows = rowsOf(report, "liquidations");
    expect(rows.length).to.be.greaterThan(0);
    for (const [time, trader, equity, requirement] of rows) {
      expect(Number(equity), `${String(trader)} at ${String(time)}`).to.be.at.most(Number(requirement));
    }
  });

  it("accounts for all of the pool's change", () => {
    const { opening, providers, fees, badDebt, traders, closing } = findingsOf(report).pool;
    expect(Math.abs(opening + providers + fees + badDebt + traders - closing)).to.be.lessThan(0.01);
    expect(fees).to.be.greaterThan(0);
  });

  it("pays keepers who liquidate more than their gas", () => {
    const paid = rowsOf(report, "keepers").filter(([, , , , liquidations]) => Number(liquidations) > 0);
    expect(paid.length).to.be.greaterThan(0);
    for (const [name, , , , , earned, gas] of paid) expect(Number(earned), String(name)).to.be.greaterThan(Number(gas));
  });

  if (process.env["TEST_DEPTH"] === "deep") {
    it("finds the same again from the same seed", async () => {
      const { tables, json } = await replayed();
      const course = (one: Pick<Report, "tables">) => one.tables.filter(({ name }) => name !== "measured");
      expect(course({ tables })).to.deep.equal(course(report));
      expect((json as { findings: Findings }).findings).to.deep.equal(findingsOf(report));
    });
  }
});
