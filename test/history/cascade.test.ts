import { expect } from "chai";

import { loadCascade } from "../../scripts/history/events.ts";
import { haltsOf } from "../../scripts/history/timeline.ts";
import { BTC, ETH, type Parameters, SOL, USDC, wad } from "../parameters.ts";
import { createStage, replay, restoreChain, type StageRound } from "./stage.ts";

const deep = process.env["TEST_DEPTH"] === "deep";

/** Indices of the markets. That of LINK has another one here, and three come after the settlement token's feed. */
const INDICES: Record<string, number> = { ETH, BTC, SOL, XRP: 3, DOGE: 6, ADA: 7, LTC: 8 };

const event = loadCascade();

function withItsMarkets(parameters: Parameters): void {
  const [thinFeed, thinMarket, placeholder] = [parameters.feeds[3], parameters.assets[3], parameters.assets.at(-1)];
  if (!thinFeed || !thinMarket || !placeholder) throw new Error("no such market");
  // The settlement token's place among the feeds.
  parameters.assets.push({ ...placeholder });
  for (const { symbol, jump, spread, rounds } of event.feeds) {
    const asset = INDICES[symbol] ?? -1;
    const price = rounds[0]?.price ?? 0n;
    const feed = (parameters.feeds[asset] ??= { ...thinFeed, limits: { ...thinFeed.limits } });
    feed.price = price;
    feed.limits = { ...feed.limits, jump, spread, minAnswer: price / 1_000n, maxAnswer: price * 1_000n };
    parameters.assets[asset] ??= { ...thinMarket };
  }
}

describe("the cascade of October 2025", () => {
  restoreChain();

  it("reaches no action by a refused price, and halts end where the rule says", async function () {
    this.timeout(1_800_000);
    const rounds = event.feeds.flatMap(({ symbol, rounds: own }) =>
      own.map((round): StageRound => ({ asset: INDICES[symbol] ?? -1, ...round })),
    );
    const first = new Map(rounds.toReversed().map((round) => [round.asset, round]));
    const stage = await createStage({
      traded: [ETH, SOL, 3, 6, 7],
      first,
      weth: 100n * 10n ** 18n,
      peg: USDC,
      native: ETH,
      lossIn: BTC,
      margin: wad("1_000"),
      adapt: withItsMarkets,
    });
    await replay(stage, rounds, deep ? { lookEvery: 1, turnEvery: 1 } : { lookEvery: 16, turnEvery: 5 });

    const halts = stage.changes.filter(({ change }) => change !== "accepted" && change !== "none");
    expect(await stage.announced()).to.deep.equal(halts.map(({ asset, change }) => ({ asset, change })));
    expect(new Set(halts.map(({ change }) => change))).to.have.all.keys("halted", "replaced", "came back", "confirmed");
    // As `docs/history.md` tells it.
    const ended = halts.filter(({ change }) => change === "came back" || change === "confirmed");
    const told = haltsOf(event);
    expect(ended.map(({ asset, change }) => [asset, change])).to.have.deep.members(
      told.map(({ symbol, end }) => [INDICES[symbol], end]),
    );
    // Each was asked for both while it must be possible and while it must be refused.
    expect([...stage.counts.keys()]).to.include.members([
      "deposit: possible",
      "submit: possible",
      "increase: OrderFilled",
      "increase: OrderRefunded",
      // Of one that had its round and was not executed before the halt: with a turn at every round there is none.
      ...(deep ? [] : ["increase: IncreaseRefused for Halted"]),
      "reduction: OrderFilled",
      "reduction: OrderRefunded",
      "withdraw: possible",
      "withdraw: InsufficientMargin",
      "liquidate: Healthy",
      "liquidate: possible",
      "liquidate: NotLiquidatable",
      "convert: possible",
      "convert: NotLiquidatable",
      "pool fulfilment: possible",
      "pool fulfilment: PoolNotLive",
    ]);
  });
});
