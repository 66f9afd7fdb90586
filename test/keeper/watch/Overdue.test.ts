import { expect } from "chai";

import { Overdue } from "../../../scripts/keeper/watch/Overdue.ts";

describe("Overdue", () => {
  it("knows since when the oldest waits, and forgets what no longer does", () => {
    let now = 0;
    const overdue = new Overdue(() => now);
    overdue.update(["a"]);
    now = 5;
    overdue.update(["b", "a"]);
    now = 9;
    expect(overdue.oldest).to.deep.equal({ account: "a", ageMs: 9 });
    overdue.update(["b"]);
    expect(overdue.oldest).to.deep.equal({ account: "b", ageMs: 4 });
    overdue.update([]);
    overdue.update(["a"]);
    expect(overdue.oldest).to.deep.equal({ account: "a", ageMs: 0 });
  });
});
