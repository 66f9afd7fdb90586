import { expect } from "chai";

import { still } from "../clearing/scenarios.ts";
import { accountOf, ethers, loadFixture, time } from "../fixture.ts";
import { ETH, wad } from "../parameters.ts";
import { toHint, withUpkeep } from "./support.ts";

const CASES = process.env["TEST_DEPTH"] === "deep" ? 400 : 6;
const WINDOW = 120;

/** Every round of the feed is the test's own, within a short window. */
async function pending() {
  const world = await withUpkeep(await still());
  const account = accountOf(world.alice);
  const { limits } = await world.oracle.feedOf(ETH);
  const { maxAge, jump, spread, deadAfter, minAnswer, maxAnswer } = limits;
  await world.oracle.configure(ETH, { maxAge: 60n, window: WINDOW, jump, spread, deadAfter, minAnswer, maxAnswer });
  expect(maxAge).to.be.greaterThan(60n);
  await world.setPrice(ETH);
  const { sequence } = await world.submit(account, ETH, wad("1"));
  await world.watch(account);
  const { boundary } = await world.orders.orderOf(account, sequence);
  return { ...world, account, sequence, boundary: Number(boundary) };
}

/** Draws the same numbers in every run. */
function drawer(seed: number): (below: number) => number {
  let state = BigInt(seed) + 1n;
  return (below) => {
    state = BigInt.asUintN(64, state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n);
    return Number((state >> 33n) % BigInt(below));
  };
}

/**
 * Rounds around the boundary, some of one second, some observed long before they were written, some after the window.
 * @returns The hints that the oracle takes, and those that a check finds.
 */
async function outcomeOf(seed: number): Promise<{ taken: string[]; found: string[] }> {
  const { feedOf, account, sequence, boundary, check, orders, ownAccount } = await loadFixture(pending);
  const { aggregator, proxy } = feedOf(ETH);
  const draw = drawer(seed);
  let at = Math.max(await time.latest(), boundary - 12);
  const count = 1 + draw(7);
  for (let index = 0; index < count; index++) {
    at += draw(3) === 0 ? 0 : 1 + draw(draw(4) === 0 ? WINDOW : 8);
    const observed = at - (draw(3) === 0 ? draw(20) : 0);
    if (at > (await time.latest())) await time.setNextBlockTimestamp(at);
    await aggregator.transmit(1_800_00000000n + BigInt(index) * 10n ** 6n, observed, at);
  }
  if (draw(2) === 0) await time.increase(draw(2 * WINDOW));

  const [latest] = await proxy.latestRoundData();
  const base = (latest >> 64n) << 64n;
  const hints: { round: bigint; before: bigint }[] = [];
  for (let before = base; before <= latest; before++) {
    hints.push({ round: 0n, before: before === base ? 0n : before });
    for (let round = before + 1n; round <= latest; round++)
      hints.push({ round, before: before === base ? 0n : before });
  }
  const taken = await Promise.all(
    hints.map(async (hint) => succeeds(orders.execute.staticCall(account, sequence, [hint], ownAccount))),
  );
  const found = (await check("Orders")).map(({ words }) => toHint(words[0] ?? 0n));
  const name = ({ round, before }: { round: bigint; before: bigint }) => `${round}/${before}`;
  return { taken: hints.filter((_, place) => taken[place]).map(name), found: found.map(name) };
}

describe("SettlementRounds.find", () => {
  it("finds a hint exactly where there is one that the oracle takes, and that one", async function () {
    this.timeout(20_000 * CASES);
    let found = 0;
    for (let seed = 0; seed < CASES; seed++) {
      const outcome = await outcomeOf(seed);
      expect(outcome.found, `history ${String(seed)}`).to.have.length(Math.min(outcome.taken.length, 1));
      expect(outcome.taken, `history ${String(seed)}`).to.include.members(outcome.found);
      found += outcome.found.length;
    }
    // Both happen.
    expect(found).to.be.within(CASES / 4, CASES - 1);
  });
});

async function succeeds(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (ethers.isError(error, "CALL_EXCEPTION") || String(error).includes("revert")) return false;
    throw error;
  }
}
