import { expect } from "chai";

import { loadDepeg } from "../../scripts/history/events.ts";
import { BTC, ETH, type Parameters, USDC, wad } from "../parameters.ts";
import { createStage, replay, restoreChain, type StageRound } from "./stage.ts";

const deep = process.env["TEST_DEPTH"] === "deep";
const INDICES: Record<string, number> = { ETH, BTC, USDC };

const event = loadDepeg();

function withItsLimits({ feeds }: Parameters): void {
  for (const { symbol, jump, spread, maxAge } of event.feeds) {
    const feed = feeds[INDICES[symbol] ?? -1];
    if (feed === undefined) throw new Error(`no feed of ${symbol}`);
    feed.limits = { ...feed.limits, jump, spread, maxAge };
  }
}

describe("the depeg of March 2023", () => {
  restoreChain();

  it("lets only risk be lowered while the peg is broken, and sells collateral at its price in settlement tokens", async function () {
    this.timeout(1_800_000);
    const rounds = event.feeds.flatMap(({ symbol, rounds: own }) =>
      own.map((round): StageRound => ({ asset: INDICES[symbol] ?? -1, ...round })),
    );
    const stage = await createStage({
      traded: [ETH, BTC],
      first: new Map(rounds.toReversed().map((round) => [round.asset, round])),
      weth: 100n * 10n ** 18n,
      peg: USDC,
      native: ETH,
      lossIn: BTC,
      margin: wad("600"),
      adapt: withItsLimits,
    });
    await replay(stage, rounds, deep ? { lookEvery: 1, turnEvery: 1 } : { lookEvery: 120, turnEvery: 12 });

    expect(await stage.announced()).to.deep.equal([]);
    const outcomes = [...stage.counts.keys()];
    expect(outcomes).to.include.members([
      "increase: OrderFilled",
      "increase: IncreaseRefused for the peg, peg broken",
      "deposit: possible, peg broken",
      "submit: possible, peg broken",
      "reduction: OrderFilled, peg broken",
      "withdraw: possible, peg broken",
      "liquidate: possible, peg broken",
      "convert: possible, peg broken",
      "pool fulfilment: possible, peg broken",
    ]);
    expect(outcomes).to.not.include("increase: OrderFilled, peg broken");
  });
});
