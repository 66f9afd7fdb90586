import { expect } from "chai";

import { decodeWatch } from "../../scripts/model/watch.ts";
import { still } from "../clearing/scenarios.ts";
import { expectConserved, expectNear, load, sizeOf } from "../clearing/support.ts";
import { accountOf, ethers, time, type World } from "../fixture.ts";
import { BTC, DAY, ETH, HOUR, Kind, MINUTE, SOL, USDC, wad } from "../parameters.ts";
import { expectRefused, healthy, marginOf, movePrice, type Refusal, worthOf } from "./support.ts";

describe("hazards of feeds and chains that stop", () => {
  afterEach(expectConserved);

  describe("hazard 11: the sequencer comes back and everyone is liquidated before anyone can act", () => {
    it("while it is down and in the hour after nothing is liquidated or opened, and a deposit in that time saves its account", async () => {
      const world = await load(still);
      const { alice, bob, carol, clearingHouse, setSequencer } = world;
      const [saved, lost] = [accountOf(alice), accountOf(bob)];
      const liquidator = await world.fund(carol, wad("1000"));
      for (const account of [saved, lost]) await world.trade(account, ETH, wad("700"));
      const liquidate = (account: string) =>
        clearingHouse.connect(carol).liquidate(account, [{ asset: ETH, delta: wad("-10") }], [], liquidator);

      const unsettled: Refusal = [clearingHouse, "SequencerNotSettled"];
      await setSequencer(false);
      await world.setPrice(ETH, wad("1722"));
      for (const account of [saved, lost]) {
        await expectRefused(liquidate(account), "a liquidation without a sequencer", unsettled);
      }
      await setSequencer(true);
      const up = await time.latest();
      for (const account of [saved, lost]) {
        await expectRefused(liquidate(account), "a liquidation in the grace period", unsettled);
      }
      expect(await opens(world, liquidator), "opened in the grace period").to.equal(false);
      await world.fund(alice, wad("50_000"));

      await time.increaseTo(up + HOUR - 60);
      await world.setPrice(ETH);
      await expectRefused(liquidate(lost), "a liquidation at the end of the grace period", unsettled);
      await time.increaseTo(up + HOUR + 1);
      expect(await marginOf(world, lost)).to.be.lessThan(0n);
      await expectRefused(liquidate(saved), "a liquidation of an account that has paid", await healthy(world, saved));
      await liquidate(lost);
      expect(await sizeOf(world, lost, ETH)).to.equal(wad("690"));
    });
  });

  describe("hazard 12: a feed counts in other decimals, stops, or says zero", () => {
    it("the same price is read from feeds of 0 to 18 decimals, and 19 are refused", async () => {
      const world = await load(still);
      const limits = world.parameters.feeds[SOL]?.limits;
      if (limits === undefined) throw new Error("no limits");
      const first = Number(await world.oracle.assetCount());
      for (let decimals = 0; decimals <= 18; decimals++) {
        const proxy = await feedWith(decimals, 24n * 10n ** BigInt(decimals));
        await world.oracle.list([{ proxy, kind: Kind.Rounds, limits }]);
        expect((await world.oracle.stateOf(first + decimals)).price, `${decimals} decimals`).to.equal(wad("24"));
      }
      const proxy = await feedWith(19, 24n);
      await expectRefused(world.oracle.list([{ proxy, kind: Kind.Rounds, limits }]), "a feed of 19 decimals", [
        world.oracle,
        "DecimalsTooMany",
        proxy,
        19n,
        18n,
      ]);
    });

    it("a market whose feed is dead is wound down at its last accepted price, and everybody gets what is theirs", async () => {
      const world = await load(still);
      const { alice, bob, clearingHouse } = world;
      const accounts = [accountOf(alice), accountOf(bob)] as const;
      await world.trade(accounts[0], SOL, wad("10000"));
      await world.trade(accounts[1], SOL, wad("-10000"));
      await world.setPrice(SOL, wad("26"));
      await world.oracle.update(1n << BigInt(SOL));
      const worth = await worthOf(world, ...accounts);

      await clearingHouse.windDown(SOL);
      await world.advance(DAY + HOUR);
      await world.setPrice(ETH);
      const [latest] = await world.feedOf(SOL).proxy.latestRoundData();
      const hint = { round: 0n, before: latest };
      const end = decodeWatch(await clearingHouse.watchOf(SOL)).closesAt + BigInt(HOUR + 5 * MINUTE);
      await expectRefused(clearingHouse.closeMarket(SOL, hint), "a close while a round may come", [
        await ethers.getContractAt("ChainlinkPush", ethers.ZeroAddress),
        "WindowOpen",
        SOL,
        end,
        (at: bigint) => at <= end,
      ]);
      await world.advance(HOUR);
      await clearingHouse.closeMarket(SOL, hint);
      for (const account of accounts) {
        await clearingHouse.realise(account);
        expect((await clearingHouse.accountOf(account)).positions).to.equal(0n);
      }
      const cash = await Promise.all(accounts.map(async (account) => (await clearingHouse.accountOf(account)).cash));
      expectNear((cash[0] ?? 0n) + (cash[1] ?? 0n), worth, 4n);
    });

    for (const [what, stop] of [
      ["stops", (world: World) => world.advance(2 * HOUR)],
      ["says zero", (world: World) => world.setPrice(SOL, 0n)],
      ["says less than zero", (world: World) => world.setPrice(SOL, -wad("24"))],
    ] as const) {
      it(`a feed that ${what} neither shields the rest of an account from liquidation nor gives it away`, async () => {
        const world = await load(still);
        const { alice, bob, carol, clearingHouse } = world;
        const [account, well] = [accountOf(alice), accountOf(bob)];
        const liquidator = await world.fund(carol, wad("1000"));
        await world.trade(account, ETH, wad("740"));
        await world.trade(account, SOL, wad("50"));
        await world.trade(well, SOL, wad("10000"));
        const worth = await worthOf(world, well);

        await stop(world);
        for (const asset of [ETH, BTC, USDC]) await world.setPrice(asset);
        await movePrice(world, ETH, wad("1720"));
        const liquidate = (victim: string, asset: number, delta: string) =>
          clearingHouse.connect(carol).liquidate(victim, [{ asset, delta: wad(delta) }], [], liquidator);
        await expectRefused(liquidate(account, SOL, "-50"), "a liquidation in the asset without a price", [
          clearingHouse,
          "NotLiquidatable",
          SOL,
        ]);
        await expectRefused(
          liquidate(well, SOL, "-1"),
          "a liquidation by a price that is none",
          await healthy(world, well),
        );
        await liquidate(account, ETH, "-100");
        expect(await sizeOf(world, account, ETH)).to.equal(wad("640"));
        // The upper end of its interval is the most that it is worth, and at the lower end it can still be left.
        expect(await worthOf(world, well)).to.be.at.least(worth);
        const leg = { asset: SOL, delta: wad("10"), price: wad("24") };
        const { accepted } = await world.lens.preview.staticCall(liquidator, [leg], false);
        expect(accepted, "opened without a price").to.equal(false);
        expect((await world.trade(account, ETH, wad("-1"), { reduceOnly: true })).outcome).to.equal("Filled");
      });
    }
  });
});

/** Whether an order that raises risk is filled. */
async function opens(world: World, account: string): Promise<boolean> {
  try {
    return (await world.trade(account, ETH, wad("1"))).outcome === "Filled";
  } catch {
    return false;
  }
}

async function feedWith(decimals: number, answer: bigint): Promise<string> {
  const aggregator = await ethers.deployContract("AccessListAggregator", [decimals, "SOL / USD", false]);
  const proxy = await ethers.deployContract("EACAggregatorProxy", [aggregator, ethers.ZeroAddress]);
  await aggregator.addAccess(proxy);
  const now = await time.latest();
  await aggregator.transmit(answer, now, now);
  return proxy.getAddress();
}
