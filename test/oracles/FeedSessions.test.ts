import { expect } from "chai";

import { ethers } from "./fixture.ts";
import { packSessions } from "./sources.ts";
import { closureOf, drawSessions, generator, isOpen, openedAt } from "./settlement.ts";

const WEEK = 7 * 86_400;
/** A Monday 00:00 UTC. */
const MONDAY = Date.UTC(2024, 0, 1) / 1_000;

describe("FeedSessions", () => {
  it("knows what day it is", async () => {
    const probe = await ethers.deployContract("FeedSessionsProbe");
    const monday = packSessions([[0, 1_440]]);
    const days = Array.from({ length: 7 }, (_, day) => BigInt(MONDAY + day * 86_400));
    const opened = await probe.openedAt(monday, days);
    expect([...opened]).to.deep.equal([BigInt(MONDAY), ...Array.from({ length: 6 }, () => 2n ** 256n - 1n)]);
  });

  it("is open since the week before where the whole week is one session", async () => {
    const probe = await ethers.deployContract("FeedSessionsProbe");
    const [opened] = await probe.openedAt(packSessions([[0, 10_080]]), [BigInt(MONDAY + 10)]);
    expect(opened).to.equal(BigInt(MONDAY - WEEK));
  });

  it("is always open without sessions", async () => {
    const probe = await ethers.deployContract("FeedSessionsProbe");
    expect([...(await probe.openedAt(0n, [BigInt(MONDAY), 1n]))]).to.deep.equal([0n, 0n]);
    expect(await probe.longestClosure(0n)).to.equal(0n);
  });

  it("finds for any hours what looking at every minute finds", async () => {
    const probe = await ethers.deployContract("FeedSessionsProbe");
    const random = generator(0x5e551045);
    for (let run = 0; run < 60; ++run) {
      const sessions = drawSessions(random);
      const edges = sessions.flat().flatMap((minute) => [minute * 60 - 1, minute * 60, minute * 60 + 59]);
      const times = [...edges, ...Array.from({ length: 20 }, () => random(WEEK))].map((second) => MONDAY + second);
      const word = packSessions(sessions);
      const found = await probe.openedAt(word, times);
      for (const [index, time] of times.entries()) {
        const label = `${JSON.stringify(sessions)} ${String(time)}`;
        const expected = isOpen(sessions, time) ? openedAt(sessions, time) : 2n ** 256n - 1n;
        if (expected === undefined) expect(Number(found[index]), label).to.be.at.most(time - WEEK);
        else expect(found[index], label).to.equal(BigInt(expected));
      }
      expect(await probe.longestClosure(word), JSON.stringify(sessions)).to.equal(BigInt(closureOf(sessions)));
    }
  });
});
