import { readFileSync } from "node:fs";

import { expect } from "chai";

import { createFeeds, deployComposite } from "./derived.ts";
import { DAY, HOUR, LIMITS, WAD, still, wad } from "./fixture.ts";
import { Kind } from "../parameters.ts";

/** The recorded rounds, moved so that the first is at `start`. */
function load(start: number) {
  const lines = readFileSync(new URL("rounds/steth_eth.csv", import.meta.url), "utf8")
    .trim()
    .split("\n")
    .slice(1);
  const rounds = lines.map((line) => {
    const [, answer = "", , updatedAt = ""] = line.split(",");
    return { answer: BigInt(answer), updatedAt: Number(updatedAt) };
  });
  const offset = start - (rounds[0]?.updatedAt ?? 0);
  return rounds.map(({ answer, updatedAt }) => ({ answer, updatedAt: updatedAt + offset }));
}

const RATE = 1.07;
const USD = 1_800;
const PAR = wad(RATE * USD);

/** wstETH: by a market feed that does not move, and by its rate × the recorded stETH/ETH. The latter is at `start` first. */
async function createReplay() {
  const { world, feeds } = await createFeeds(
    { price: RATE, decimals: 18 },
    { price: USD },
    { price: RATE, decimals: 18 },
    { price: 1, decimals: 18 },
  );
  const [market, usd, rate, peg] = feeds;
  if (!market || !usd || !rate || !peg) throw new Error("four feeds were asked for");
  const maxAge = DAY + HOUR;
  const composite = await deployComposite(
    { feed: market.proxy, side: "Market", maxAge },
    { feed: usd.proxy, side: "Both", maxAge: HOUR },
    { feed: rate.proxy, side: "Rate", maxAge },
    { feed: peg.proxy, side: "Rate", maxAge },
  );
  const limits = { ...LIMITS, maxAge: HOUR, window: DAY };
  await still(async () => world.oracle.list([{ proxy: await composite.getAddress(), kind: Kind.Derived, limits }]));
  /** Keeps the legs going that the record is not of. */
  const beat = async (at: number) => {
    await market.write(RATE, at);
    await usd.write(USD, at);
    await rate.write(RATE, at);
  };
  return { world, peg, beat, recorded: load(world.now) };
}

describe("PriceOracle over a composite price and recorded rounds of stETH / ETH", () => {
  it("is lower with each fall, in the round's own second, and its time never goes back", async () => {
    const { world, peg, beat, recorded } = await createReplay();
    let previous = 0n;
    let lowest = PAR;
    for (const { answer, updatedAt } of recorded) {
      await peg.transmit(answer, updatedAt);
      await beat(updatedAt);
      const { last, refusal, updatedAt: time } = await world.readPrice(updatedAt, 1);

      expect([refusal, last]).to.deep.equal(["None", (PAR * answer) / WAD]);
      expect(time >= previous).to.equal(true);
      previous = time;
      if (last < lowest) lowest = last;
    }
    // At par, as by its exchange rate alone, it would have counted 6.9 % more.
    expect(Number((PAR * 1_000n) / lowest)).to.equal(1_069);
  });

  it("is stale exactly when the leg of the record is beyond its own age", async () => {
    const { world, peg, beat, recorded } = await createReplay();
    const [first] = recorded;
    if (!first) throw new Error("no record");
    await peg.transmit(first.answer, first.updatedAt);
    for (const [age, refusal] of [
      [DAY + HOUR, "None"],
      [DAY + HOUR + 1, "Stale"],
    ] as const) {
      await beat(first.updatedAt + age);
      expect((await world.readPrice(first.updatedAt + age, 1)).refusal).to.equal(refusal);
    }
  });
});
