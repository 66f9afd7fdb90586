import { readFileSync } from "node:fs";

import { expect } from "chai";

import { LIMITS, createWorld, id, networkHelpers } from "./fixture.ts";
import { hintOf, settlementOf, type Round } from "./settlement.ts";

interface RecordedRound extends Round {
  answer: bigint;
}

/** The recorded rounds, moved so that the first is at `start`. */
function load(name: string, start: number): RecordedRound[] {
  const lines = readFileSync(new URL(`rounds/${name}.csv`, import.meta.url), "utf8")
    .trim()
    .split("\n")
    .slice(1);
  const rounds = lines.map((line) => {
    const [, answer = "", startedAt = "", updatedAt = ""] = line.split(",");
    return {
      answer: BigInt(answer),
      price: BigInt(answer) * 10n ** 10n,
      startedAt: Number(startedAt),
      updatedAt: Number(updatedAt),
    };
  });
  const offset = start - (rounds[0]?.updatedAt ?? 0);
  return rounds.map((round) => ({
    ...round,
    startedAt: round.startedAt + offset,
    updatedAt: round.updatedAt + offset,
  }));
}

for (const name of ["eth_usd", "btc_usd"]) {
  describe(`PriceOracle over recorded rounds of ${name}`, () => {
    async function createRecorded() {
      const price = name === "eth_usd" ? 1_800 : 28_500;
      const world = await createWorld({ feeds: [{ price, limits: { jump: 100_000 } }] });
      const first = { price: BigInt(price) * 10n ** 18n, startedAt: world.firstAt, updatedAt: world.firstAt };
      return { world, first, recorded: load(name, world.now) };
    }

    it("reads every round in its turn, and its time never goes back", async () => {
      const { world, recorded } = await createRecorded();
      let previous = 0n;
      for (const [index, { answer, price, startedAt, updatedAt }] of recorded.entries()) {
        await world.feed.transmit(answer, updatedAt, startedAt);
        const tied = recorded[index + 1]?.updatedAt === updatedAt;
        if (tied) continue;
        const read = await world.readPrice(updatedAt);
        expect([read.refusal, read.last, read.updatedAt]).to.deep.equal(["None", price, BigInt(updatedAt)]);
        expect(read.updatedAt >= previous).to.equal(true);
        previous = read.updatedAt;
      }
    });

    it("settles any boundary at the one round of the rule, and by no neighbouring hint", async () => {
      const { world, first, recorded } = await createRecorded();
      for (const { answer, startedAt, updatedAt } of recorded) await world.feed.transmit(answer, updatedAt, startedAt);
      const rounds = [first, ...recorded];
      const end = recorded.at(-1)?.updatedAt ?? 0;
      await networkHelpers.time.setNextBlockTimestamp(end + 1);
      await networkHelpers.mine(1);

      // At, just before and just after each round.
      const boundaries = new Set(recorded.flatMap(({ updatedAt }) => [updatedAt - 1, updatedAt, updatedAt + 1]));
      boundaries.delete(end);
      boundaries.delete(end + 1);
      for (const boundary of boundaries) {
        const { round, before } = hintOf(rounds, boundary);
        const settle = (roundNumber: number, beforeNumber: number) =>
          world.oracle.settle.staticCall(0, 1, boundary, { round: id(roundNumber), before: id(beforeNumber) });

        expect([...(await settle(round, before))].join(" ")).to.equal(settlementOf(rounds, boundary, LIMITS));
        for (const [otherRound, otherBefore] of [
          [round - 1, before],
          [round + 1, before],
          [round, before - 1],
          [round, before + 1],
          [round + 1, before + 1],
          [round - 1, before - 1],
        ] as const) {
          const proved = await settle(otherRound, otherBefore).then(
            () => true,
            () => false,
          );
          expect(proved, `${boundary} ${otherRound} ${otherBefore}`).to.equal(false);
        }
      }
    });
  });
}
