import { expect } from "chai";

import { stopperOf } from "../../scripts/keeper/stopper.ts";

function setup() {
  const clock = { now: 0 };
  const done: string[] = [];
  const hear = stopperOf({ stop: (signal) => done.push(signal), end: () => done.push("end"), now: () => clock.now });
  return { clock, done, hear };
}

describe("stopperOf", () => {
  it("stops at the first signal, and ends at the second, whichever they are", () => {
    for (const second of ["SIGINT", "SIGTERM"] as const) {
      const { clock, done, hear } = setup();
      hear("SIGTERM");
      clock.now = 1_000;
      hear(second);

      expect(done).to.deep.equal(["SIGTERM", "end"]);
    }
  });

  it("takes one that is passed on by a parent for the same", () => {
    const { clock, done, hear } = setup();
    hear("SIGINT");
    clock.now = 20;
    hear("SIGINT");
    expect(done).to.deep.equal(["SIGINT"]);

    clock.now = 2_000;
    hear("SIGINT");
    expect(done).to.deep.equal(["SIGINT", "end"]);
  });
});
