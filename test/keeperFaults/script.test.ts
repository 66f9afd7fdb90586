import { expect } from "chai";

import { cast } from "../../scripts/keeperFaults/cast.ts";
import {
  DROP,
  END,
  OPENING,
  openingAnswers,
  openingPrices,
  recorded,
  Script,
} from "../../scripts/keeperFaults/script.ts";

const STEP = 3;

describe("script of the drop", () => {
  const rounds = recorded();
  const members = cast(30, openingPrices(openingAnswers(rounds)));
  const script = new Script(members, rounds);

  it("has every member open once, and every recorded round of the drop, whatever the steps are", () => {
    const acts = [];
    for (let time = OPENING; time < END + 60; time += STEP) acts.push(...script.between(time, time + STEP));
    const openings = acts.flatMap((act) => (act.do === "open" ? [act.member.account] : []));
    expect(openings).to.have.members(members.map(({ account }) => account));
    const answers = acts.flatMap((act) => (act.do === "answer" && act.feed === "ETH" ? [act] : []));
    const fallen = answers.filter(({ at }) => at > DROP && at <= END).map(({ answer }) => answer);
    const expected = (rounds.get("ETH") ?? []).filter(({ updatedAt }) => updatedAt > DROP && updatedAt <= END);
    expect(fallen).to.deep.equal(expected.map(({ answer }) => answer));
    expect(fallen.reduce((low, answer) => (answer < low ? answer : low))).to.equal(155_799_625_094n);
  });

  it("repeats the last answer of every feed outside the drop", () => {
    const quiet = script.between(END + 24, END + 60).flatMap((act) => (act.do === "answer" ? [act.feed] : []));
    expect(new Set(quiet)).to.deep.equal(new Set(rounds.keys()));
  });
});
