import { expect } from "chai";

import { buildTimeline } from "../../scripts/replay/timeline.ts";

const round = (updatedAt: number, answer: bigint) => ({
  updatedAt,
  startedAt: updatedAt,
  answer,
  id: BigInt(updatedAt),
});

describe("buildTimeline", () => {
  const rounds = new Map([
    ["ETH", [round(90, 1n), round(110, 2n), round(110, 3n), round(200, 4n)]],
    ["BTC", [round(110, 5n), round(120, 6n)]],
  ]);
  const actions = [
    { time: 50, action: "early" },
    { time: 110, action: "first" },
    { time: 110, action: "second" },
    { time: 201, action: "late" },
  ];
  const { opening, steps } = buildTimeline({ rounds, actions, from: 100, to: 150 });

  it("opens with the last round before the window, and with the first where there is none", () => {
    expect(opening.get("ETH")?.answer).to.equal(1n);
    expect(opening.get("BTC")).to.include({ answer: 5n, updatedAt: 100 });
  });

  it("keeps the order inside a second: rounds by feed, then actions as given", () => {
    const step = steps.find(({ time }) => time === 110);
    expect(step?.reports.map(({ feed, round: { answer } }) => `${feed} ${String(answer)}`)).to.deep.equal([
      "ETH 2",
      "ETH 3",
      "BTC 5",
    ]);
    expect(step?.actions).to.deep.equal(["first", "second"]);
  });

  it("moves early actions to the first second and drops late ones", () => {
    expect(steps.map(({ time }) => time)).to.deep.equal([100, 110, 120]);
    expect(steps[0]?.actions).to.deep.equal(["early"]);
  });
});
