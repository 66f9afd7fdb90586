/** Two keepers, processes of their own, through the recorded drop. All faults: `npm run test:keeper`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { cast, type Member } from "../../scripts/keeperFaults/cast.ts";
import { type Fault, FAULTS, sequence } from "../../scripts/keeperFaults/faults.ts";
import { runScenario } from "../../scripts/keeperFaults/scenario.ts";
import { DROP, OPENING, openingAnswers, openingPrices, recorded } from "../../scripts/keeperFaults/script.ts";
import { Stage } from "../../scripts/keeperFaults/stage.ts";

const ACCOUNTS = 30;
/** Milliseconds between blocks, and seconds of the chain's clock between them. */
const PACE = 120;
const BLOCK_TIME = 8;

function faultOf(key: string): Fault {
  const fault = FAULTS.find((candidate) => candidate.key === key);
  if (fault === undefined) throw new Error(`no fault ${key}`);
  return fault;
}

describe("two keepers through the drop", function () {
  // On an idle machine it takes half a minute.
  this.timeout(300_000);

  let folder = "";
  let stage: Stage;
  let members: readonly Member[] = [];
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "plimsoll-drop-"));
    stage = await Stage.open();
    members = cast(ACCOUNTS, openingPrices(openingAnswers(recorded())));
    await stage.endow(members);
  });
  after(async () => {
    // Where `before` has failed there is none.
    await (stage as Stage | undefined)?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("miss and repeat nothing, whether answers are lost, blocks are taken back or endpoints fail", async () => {
    const fault = sequence([
      { fault: faultOf("drop"), window: { from: OPENING + 60, to: OPENING + 140 } },
      { fault: faultOf("reorg"), window: { from: DROP + 382, to: DROP + 478 } },
      { fault: faultOf("errors"), window: { from: DROP + 494, to: DROP + 534 } },
    ]);
    const lens = await stage.lens();
    const outcome = await runScenario({
      stage,
      members,
      fault,
      lens,
      pace: PACE,
      blockTime: BLOCK_TIME,
      seed: 1,
      folder,
    });
    expect(outcome.complaints).to.deep.equal([]);
    expect(outcome.passed).to.equal(true);
    expect(outcome.cleanStops).to.equal(2);
    expect(outcome.struck).to.include({ reorganisations: 1 });
    expect(outcome.recoveries).to.have.length(3);
    // Of so few accounts one of the two may come first to all.
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    expect(sum(outcome.earnings.map(({ earned }) => earned))).to.be.above(sum(outcome.earnings.map(({ gas }) => gas)));
    // The drop is one that liquidates: otherwise nothing would have been tried.
    expect(outcome.liquidatedAccounts).to.be.above(ACCOUNTS / 4);
  });
});
