import { expect } from "chai";

import { Agenda } from "../../../scripts/lab/replay/agenda.ts";

describe("Agenda", () => {
  it("gives out what is to happen by its second, in the order in which it was added", () => {
    const agenda = new Agenda<string>();
    for (const [time, item] of [
      [30, "a"],
      [10, "b"],
      [20, "c"],
      [10, "d"],
    ] as const) {
      agenda.add(time, item);
    }
    expect(agenda.take()).to.deep.equal({ time: 10, items: ["b", "d"] });
    agenda.add(15, "later added");
    agenda.add(20, "e");
    expect(agenda.take()).to.deep.equal({ time: 15, items: ["later added"] });
    expect(agenda.take()).to.deep.equal({ time: 20, items: ["c", "e"] });
    expect(agenda.take()).to.deep.equal({ time: 30, items: ["a"] });
    expect(agenda.take()).to.equal(undefined);
  });
});
