import { expect } from "chai";

import { certainProfit, foreseenRounds, hindsightProfit } from "../../scripts/history/certain.ts";
import { fallback, latestPrice, settlement } from "../../scripts/history/fills.ts";
import { AHEAD, rulesRow, SIGNIFICANT } from "../../scripts/history/latency.ts";
import { loadMarkets, type Market, tripProfit } from "../../scripts/history/market.ts";
import { feeUp, quoteCeil } from "../../scripts/model/pricing.ts";
import { loadParameters } from "../../scripts/deploy/parameters.ts";

const THOUSANDS = 2_000;
const WAD = 10n ** 18n;
const deep = process.env["TEST_DEPTH"] === "deep";

const markets = await loadMarkets();

describe("a trader who sees prices ahead of the chain", () => {
  it("is tried in every listed market whose rounds are recorded", () => {
    expect(markets.map(({ symbol, rounds }) => [symbol, rounds])).to.deep.equal([
      ["ETH", 11_106],
      ["BTC", 10_691],
    ]);
  });

  it("pays what the protocol's own formulas charge", async () => {
    const { assets } = await loadParameters(new URL("../../deploy/parameters/arbitrum.ts", import.meta.url).pathname);
    for (const market of markets) {
      const listing = assets.find(({ symbol }) => symbol === market.symbol)?.listing;
      if (listing === undefined) throw new Error("not listed");
      const [entry, exit] = [1_812.34, 1_799.01];
      for (const side of [1, -1] as const) {
        const delta = BigInt(side) * BigInt(Math.round(market.premium * 2 * Number(listing.depth)));
        let cash = 0n;
        for (const [change, price, skew] of [
          [delta, toWad(entry), 0n],
          [-delta, toWad(exit), delta],
        ] as const) {
          cash -= quoteCeil({ delta: change, price, skew, depth: listing.depth, index: 0n });
          cash -= feeUp({ delta: change, price, skew, takerFee: listing.takerFee, makerFee: listing.makerFee });
        }
        const notional = (Number(delta < 0n ? -delta : delta) / 1e18) * entry;
        const charged = Number(cash) / 1e18 / notional;
        expect(Math.abs(tripProfit(market, side, entry, exit) - charged)).to.be.below(1e-9);
      }
    }
  });

  for (const market of markets) {
    describe(`in ${market.symbol} / USD`, () => {
      for (const ahead of AHEAD) {
        it(`has no certain round trip, nor a price in sight, ${ahead} s ahead of settlement rounds`, () => {
          expect(ahead).to.be.at.most(market.delay);
          expect(certainProfit(market, settlement(), ahead).trips).to.equal(0);
          expect(foreseenRounds(market, settlement(), ahead)).to.equal(0);
        });

        it(`has thousands of them ${ahead} s ahead of fills at the latest price`, () => {
          const { trips, total } = certainProfit(market, latestPrice, ahead);
          expect(trips).to.be.above(THOUSANDS);
          expect(total).to.be.above(10);
        });

        it(`has them ${ahead} s ahead of a fallback to the latest price`, () => {
          expect(certainProfit(market, fallback(), ahead).trips).to.be.above(THOUSANDS);
        });
      }

      it("would see every price with a delay one second shorter than L, and earn by it with one much shorter", () => {
        const longest = Math.max(...AHEAD);
        expect(foreseenRounds(market, settlement(longest - 1), longest)).to.be.above(market.times.length - 2);
        expect(certainProfit(market, settlement(10), longest).trips).to.be.above(0);
        expect(certainProfit(market, settlement(0), longest).trips).to.be.above(
          certainProfit(market, settlement(10), longest).trips,
        );
      });

      it("earns by no rule more than chance gives, where fills at the latest price make rules earn", () => {
        const aheads = deep ? [0, ...AHEAD] : [30];
        const own = rulesRow(market, settlement(), aheads);
        expect(own.best.tStatistic).to.be.below(SIGNIFICANT);
        const latest = rulesRow(market, latestPrice, aheads);
        expect(latest.best.tStatistic).to.be.above(10 * SIGNIFICANT);
        expect(latest.best.total).to.be.above(10);
      });

      it("is not the trader who knows the whole history, whom no way to fill orders stops", () => {
        // The sum of what the market moved between the turns that outdo the costs.
        expect(hindsightProfit(market)).to.be.above(10);
        expect(hindsightProfit(onTheWay(market, 3))).to.be.below(1e-9);
      });
    });
  }
});

/** A market whose price makes steps that are smaller than the costs, up and down. */
function onTheWay(market: Market, steps: number): Market {
  const prices = Array.from({ length: steps }, (_, index) => 1_000 + (index % 2) * 0.5);
  return { ...market, prices, times: prices.map((_, index) => index) };
}

function toWad(price: number): bigint {
  return (BigInt(Math.round(price * 100)) * WAD) / 100n;
}
