/** Drills of ends: a market that is wound down, and a loss that insurance does not cover. */
import { MARKET_STATUSES } from "../model/parameters.ts";
import { callOf } from "../gov/authority.ts";
import { simulate } from "../gov/plan.ts";
import { type Drill, eventIn, must, whole } from "./drill.ts";
import { DAY, type Stage, WAD } from "./stage.ts";

const MINUTE = 60n;

async function statusOf({ lens, assetOf }: Stage, symbol: string): Promise<string> {
  const { status } = await lens.market(assetOf(symbol));
  return MARKET_STATUSES[Number(status)] ?? "";
}

export const windDown: Drill = {
  cause: "the market of LINK is to end",
  run: async (stage, say) => {
    const { alice, bob, keeper, governor, contracts, lens } = stage;
    const { clearingHouse, oracle } = contracts;
    const link = stage.assetOf("LINK");
    await stage.fund(alice, 5_000n * WAD);
    await stage.fund(bob, 5_000n * WAD);
    await stage.trade(alice, "LINK", 1_000n * WAD);
    await stage.trade(bob, "LINK", -500n * WAD);

    await stage.govern(governor, "clearingHouse", "windDown", [link]);
    const { closesAt } = await lens.market(link);
    must((await statusOf(stage, "LINK")) === "Closing", "the market is closing");
    must(closesAt >= (await stage.now()) + DAY - 10n * MINUTE, "and ends after a day's notice");
    must(await stage.isRefused(stage.submitOrder(alice, "LINK", 100n * WAD)), "an order that may open is refused");
    await clearingHouse.markPool();
    const reducing = await stage.submit(bob, "LINK", 200n * WAD, { reduceOnly: true });
    must((await stage.settle(bob, reducing)).outcome === "OrderFilled", "one that only reduces is filled");
    say("announced: orders only reduce, the price of the end is the first round after the notice");

    const early = clearingHouse.connect(keeper).closeMarket(link, { round: 0n, before: 0n });
    must(await stage.isRefused(early), "nobody ends it before");
    await stage.waitUntil(closesAt);
    await stage.refresh();
    const before = await Promise.all(
      [alice, bob].map(async (who) => (await lens.account(stage.accountOf(who))).equity),
    );
    const [proxy] = await oracle.feedOf(link);
    const closed = await clearingHouse.connect(keeper).closeMarket(link, await stage.hintAt(proxy, closesAt));
    eventIn(await closed.wait(), clearingHouse.interface, "MarketClosed");
    must((await statusOf(stage, "LINK")) === "Closed", "the market is closed");
    for (const [index, who] of [alice, bob].entries()) {
      const account = stage.accountOf(who);
      await clearingHouse.realise(account);
      const { cash, equity, maintenance } = await lens.account(account);
      must(cash === equity && maintenance === 0n, "every position has become cash");
      const difference = equity - (before[index] ?? 0n);
      must(difference < 20n * WAD && difference > -20n * WAD, "at the price of the end, with the impact of the skew");
    }
    must(await stage.isRefused(stage.submitOrder(alice, "LINK", WAD)), "nothing is opened in it any more");
    say("closed: every position is cash that can be withdrawn");
  },
};

export const insuranceEmpty: Drill = {
  cause: "an account owes more than it has, and more than insurance has",
  run: async (stage, say) => {
    const { alice, keeper, provider, governor, contracts, lens } = stage;
    const { clearingHouse, insuranceFund, oracle } = contracts;
    const eth = stage.assetOf("ETH");
    await stage.fund(alice, 93_000n * WAD);
    await stage.fund(keeper, 1_000n * WAD);
    await stage.trade(alice, "ETH", 200n * WAD);
    const account = stage.accountOf(alice);

    // Steps within the jump limit, faster than anybody liquidates.
    for (let step = 0; step < 3; ++step) {
      await stage.setPrice("ETH", ((await stage.priceOf("ETH")) * 945n) / 1_000n);
      await oracle.update(1n << BigInt(eth));
      await clearingHouse.markPool();
    }
    const { equity } = await lens.account(account);
    must(equity < 0n, "the account owes more than it has");
    const had = await insuranceFund.balance();
    must(had < -equity, "and more than insurance has");
    const [poolBefore] = await lens.poolEquity();
    say(`ETH has fallen 16 %: ${whole(-equity)} USD are missing, insurance has ${whole(had)}`);

    await clearingHouse.flagInsolvent(account);
    must((await clearingHouse.poolValuation()).blocked, "requests of the pool's providers wait meanwhile");
    await stage.tick();
    const liquidation = await clearingHouse
      .connect(keeper)
      .liquidate(account, [{ asset: eth, delta: -200n * WAD }], [], stage.accountOf(keeper));
    const booked = eventIn(await liquidation.wait(), clearingHouse.interface, "DeficitBooked");
    const [deficit, fromInsurance] = [booked["deficit"] as bigint, booked["fromInsurance"] as bigint];
    must(fromInsurance < deficit, "insurance pays what it has");
    const [poolAfter] = await lens.poolEquity();
    must(poolAfter > 0n, "the pool pays the rest, and is solvent");
    const { tradersCash, seniorCoverage } = await lens.solvency();
    must(tradersCash >= 0n && seniorCoverage >= 0n, "every trader's cash is there in tokens");
    must((await lens.account(account)).equity === 0n, "the account has nothing and owes nothing");
    must(!(await clearingHouse.poolValuation()).blocked, "requests of the pool go on");
    say(
      `booked: a deficit of ${whole(deficit)} USD, ${whole(fromInsurance)} of it from insurance; the pool has ${whole(poolAfter)}, before it ${whole(poolBefore)}`,
    );

    await clearingHouse.markPool();
    const payOut = callOf(await stage.gov(), "insuranceFund", "payOut", [stage.accountOf(governor), WAD]);
    const { refusals } = await simulate(await stage.gov(), [payOut]);
    must(refusals[0]?.startsWith("SurplusExceeded") === true, "nobody pays out what is below the target");
    await stage.fund(provider, 50_000n * WAD);
    await insuranceFund.connect(provider).contribute(stage.accountOf(provider), 50_000n * WAD);
    must((await insuranceFund.balance()) >= 50_000n * WAD, "anybody may fill it again");
    say("insurance is filled again by a contribution; what is below its target stays in it");
  },
};
