import { expect } from "chai";

import {
  type Contender,
  type Fault,
  FAULTS,
  type Scene,
  sequence,
  strikesOf,
  Tally,
} from "../../scripts/keeperFaults/faults.ts";

function faultOf(key: string): Fault {
  const fault = FAULTS.find((candidate) => candidate.key === key);
  if (fault === undefined) throw new Error(`no fault ${key}`);
  return fault;
}

function endpoint(counts: Partial<Record<"hang" | "errors" | "lag" | "dropAfterBroadcast", number>>) {
  return { counts: { requests: 9, hang: 0, errors: 0, lag: 0, dropAfterBroadcast: 0, ...counts } };
}

describe("faults of keepers", () => {
  it("each say what they have to do at least", () => {
    for (const { key, least, windows } of FAULTS) {
      expect(Object.keys(least).length > 0, key).to.equal(key !== "none");
      expect(windows.length > 0, key).to.equal(key !== "none");
    }
  });

  it("excuse waiting only where they stop all keepers", () => {
    const excusing = FAULTS.filter(({ windows }) => windows.some(({ excused }) => excused === true));
    expect(excusing.map(({ key }) => key)).to.deep.equal(["hang", "errors", "lag", "locked"]);
  });

  it("are counted by what they do and by what endpoints did", () => {
    const tally = new Tally();
    tally.add("kills");
    tally.add("kills", 2);
    const contenders = [
      { endpoints: [endpoint({ hang: 2 }), endpoint({})] },
      { endpoints: [endpoint({ hang: 3, lag: 1 })] },
    ] as unknown as readonly Contender[];
    expect(strikesOf({ tally, contenders })).to.deep.equal({ kills: 3, "requests hung": 5, "old answers": 1 });
  });

  it("in a sequence keep their demands and excuses", () => {
    const window = { from: 1, to: 2 };
    const { least, windows } = sequence([
      { fault: faultOf("hang"), window },
      { fault: faultOf("reorg"), window: { from: 3, to: 4 } },
    ]);
    expect(least).to.deep.equal({ "requests hung": 1, reorganisations: 1, "of these keepers'": 1 });
    expect(windows).to.deep.equal([
      { ...window, excused: true },
      { from: 3, to: 4 },
    ]);
  });

  it("kill twenty times, also where some of the kills met nobody", async () => {
    const kill = faultOf("kill");
    const [window] = kill.windows;
    if (window === undefined) throw new Error("no window");
    let asked = 0;
    let started = 0;
    const keeper = {
      // Every third time it is down already.
      kill: async () => Promise.resolve((asked += 1) % 3 !== 0),
      start: () => (started += 1),
    };
    const tally = new Tally();
    const contenders = [
      { keeper, endpoints: [] },
      { keeper, endpoints: [] },
    ] as unknown as readonly Contender[];
    const scene = { tally, contenders, random: () => 0 } as unknown as Scene;
    for (let place = 0; place < (window.to - window.from) / 4; ++place) await kill.block?.(scene, place);
    expect(tally.count("kills")).to.equal(20);
    expect([asked, started]).to.deep.equal([29, 29]);
  });
});
