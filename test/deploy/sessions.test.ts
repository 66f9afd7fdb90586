import { expect } from "chai";

import {
  longestClosure,
  packSessions,
  showSessions,
  splitSessions,
  unpackSessions,
} from "../../scripts/deploy/sessions.ts";

const at = (day: number, hour: number): bigint => BigInt(day * 1_440 + hour * 60);
const [MON, FRI, SUN] = [0, 4, 6];

describe("sessions", () => {
  it("cuts one that runs over the end of the week in two that touch", () => {
    const week = splitSessions([{ open: at(SUN, 23), close: at(FRI, 21) }]);

    expect(week).to.deep.equal([
      { open: 0n, close: at(FRI, 21) },
      { open: at(SUN, 23), close: 10_080n },
    ]);
  });

  it("takes an end at Monday midnight for the end of the week", () => {
    expect(splitSessions([{ open: at(SUN, 0), close: 0n }])).to.deep.equal([{ open: at(SUN, 0), close: 10_080n }]);
  });

  it("puts them in order", () => {
    const [later, earlier] = [
      { open: at(FRI, 9), close: at(FRI, 17) },
      { open: at(MON, 9), close: at(MON, 17) },
    ];

    expect(splitSessions([later, earlier])).to.deep.equal([earlier, later]);
  });

  it("packs the first into the lowest bits, opening below closing", () => {
    const sessions = [
      { open: 1n, close: 2n },
      { open: 3n, close: 4n },
    ];
    const word = packSessions(sessions);

    expect(word).to.equal(1n | (2n << 14n) | (3n << 28n) | (4n << 42n));
    expect(unpackSessions(word)).to.deep.equal(sessions);
  });

  it("shows them as they are written", () => {
    const word = packSessions(splitSessions([{ open: at(SUN, 23), close: at(FRI, 21) }]));

    expect(showSessions(word)).to.equal("Sun 23:00 – Fri 21:00");
    expect(showSessions(packSessions([{ open: at(MON, 9) + 30n, close: at(MON, 16) }]))).to.equal(
      "Mon 09:30 – Mon 16:00",
    );
  });

  it("knows the longest closure, also over the end of the week", () => {
    const hour = 3_600n;

    expect(longestClosure(packSessions(splitSessions([{ open: at(SUN, 23), close: at(FRI, 21) }])))).to.equal(
      50n * hour,
    );
    expect(longestClosure(packSessions([{ open: at(MON, 9), close: at(FRI, 17) }]))).to.equal((7n + 48n + 9n) * hour);
    expect(longestClosure(0n)).to.equal(0n);
  });
});
