import { expect } from "chai";
import type { FunctionFragment, Interface } from "ethers";

import { accountOf, ethers, funded, loadFixture, receiptOf } from "../fixture.ts";
import { ETH, wad, WAD } from "../parameters.ts";
import { deployPaidStreams, inOrder, nextBlock } from "./don.ts";

const NATIVE_FEE = 10n ** 15n;
const FEES = { nativeFee: NATIVE_FEE, linkFee: 1n };
const EXCESS = 10n ** 14n;
const RIGHT_TRADE = 1n;
const FOREVER = 2n ** 40n - 1n;

/** Verbs that anyone may have relayed. */
const OPEN = {
  orders: ["abandon", "execute", "executeBatch", "poke", "submitSigned"],
  clearingHouse: [
    "clearInsolvency",
    "closeMarket",
    "cutProfits",
    "deleverage",
    "flagDeleveraging",
    "flagInsolvent",
    "markPool",
    "realise",
    "seize",
    "settleDeficit",
    "writeOff",
  ],
};

type Relayed = Awaited<ReturnType<typeof relayed>>;

async function relayed() {
  const world = await funded();
  const streams = await deployPaidStreams();
  const { orders, clearingHouse } = world;
  const relay = await ethers.deployContract("ReportRelay", [streams.reports, orders, clearingHouse]);
  return { world, relay, ...streams };
}

/** Alice's account can be liquidated. */
async function due() {
  const base = await relayed();
  const { world } = base;
  const account = accountOf(world.alice);
  await world.trade(account, ETH, wad("750"));
  await world.setPrice(ETH, wad("1710"));
  await world.oracle.update(1n << BigInt(ETH));
  return { ...base, account };
}

/** Calls that do nothing but name an account that they act for. */
function callsFor({ world }: Relayed, account: string) {
  const { clearingHouse, alice } = world;
  const { interface: abi } = clearingHouse;
  const victim = accountOf(alice);
  const sale = { token: 0, amount: 1n };
  return {
    liquidate: { target: clearingHouse, data: abi.encodeFunctionData("liquidate", [victim, [], [sale], account]) },
    liquidateBatch: { target: clearingHouse, data: abi.encodeFunctionData("liquidateBatch", [[], account]) },
    takeOver: { target: clearingHouse, data: abi.encodeFunctionData("takeOver", [victim, [], account]) },
    convert: { target: clearingHouse, data: abi.encodeFunctionData("convert", [victim, [sale], account]) },
    buySeized: { target: clearingHouse, data: abi.encodeFunctionData("buySeized", [sale, account]) },
  };
}

const VERBS_FOR_AN_ACCOUNT = ["liquidate", "liquidateBatch", "takeOver", "convert", "buySeized"] as const;

function markPool({ world: { clearingHouse } }: Relayed) {
  return { target: clearingHouse, data: clearingHouse.interface.encodeFunctionData("markPool") };
}

describe("ReportRelay.relay", () => {
  describe("the reports", () => {
    it("are stored before the calls are made", async () => {
      const base = await loadFixture(relayed);
      const { relay, feed, world, don, reports } = base;
      const now = await nextBlock();
      const receipt = await receiptOf(
        relay.relay([don.report(now - 1, FEES)], [markPool(base)], { value: NATIVE_FEE }),
      );

      const addresses = receipt.logs.map(({ address }) => address);
      const [stored, called] = [await feed.getAddress(), await world.clearingHouse.getAddress()];
      expect(addresses).to.include.members([stored, called]);
      expect(addresses.indexOf(stored)).to.be.lessThan(addresses.indexOf(called));
      expect(await reports.getAddress()).to.equal(await relay.reports());
    });

    it("cost their fee out of the value, and what is left goes back", async () => {
      const base = await loadFixture(relayed);
      const { relay, don, reports, world, weth } = base;
      const now = await nextBlock();

      await expect(
        relay
          .connect(world.keeper)
          .relay([don.report(now - 1, FEES)], [markPool(base)], { value: NATIVE_FEE + EXCESS }),
      ).to.changeEtherBalances(ethers, [world.keeper, relay, reports, weth], [-NATIVE_FEE, 0n, 0n, NATIVE_FEE]);
    });

    it("are not needed", async () => {
      const base = await loadFixture(relayed);
      const { relay, world } = base;

      await expect(relay.relay([], [markPool(base)], { value: EXCESS })).to.changeEtherBalance(ethers, world.admin, 0n);
    });

    it("are refused with the error of whoever refuses them", async () => {
      const { relay, don, reports } = await loadFixture(relayed);
      const now = await nextBlock();

      await expect(relay.relay([don.report(now - 1, FEES)], [], { value: NATIVE_FEE - 1n }))
        .to.be.revertedWithCustomError(reports, "FeeNotCovered")
        .withArgs(NATIVE_FEE, NATIVE_FEE - 1n);
    });

    it("are not stored when a call fails, which passes its error on", async () => {
      const base = await loadFixture(relayed);
      const { relay, don, feed, world } = base;
      const { orders, keeper, alice } = world;
      const account = accountOf(alice);
      const now = await nextBlock();
      const data = orders.interface.encodeFunctionData("execute", [account, 7n, [], accountOf(keeper)]);

      await expect(
        relay.relay([don.report(now - 1, FEES)], [markPool(base), { target: orders, data }], { value: NATIVE_FEE }),
      )
        .to.be.revertedWithCustomError(orders, "UnknownOrder")
        .withArgs(account, 7n);
      expect((await feed.latestRoundData()).updatedAt).to.equal(0n);
    });
  });

  describe("a call", () => {
    it("of an order pays whom it names", async () => {
      const { relay, world, don } = await loadFixture(relayed);
      const { orders, clearingHouse, alice, keeper, stranger } = world;
      const account = accountOf(alice);
      const { sequence } = await world.submit(account, ETH, WAD);
      const hints = await world.settle(account, sequence);
      const data = orders.interface.encodeFunctionData("execute", [account, sequence, hints, accountOf(keeper)]);
      const now = await nextBlock();
      await relay
        .connect(stranger)
        .relay([don.report(now - 1, FEES)], [{ target: orders, data }], { value: NATIVE_FEE });

      expect((await clearingHouse.positionOf(account, ETH)).size).to.equal(WAD);
      expect((await clearingHouse.accountOf(accountOf(keeper))).cash).to.be.greaterThan(0n);
    });

    it("returns what it returned", async () => {
      const base = await loadFixture(relayed);
      const { relay, world } = base;
      const [result = "0x"] = await relay.relay.staticCall([], [markPool(base)]);

      const value = await world.clearingHouse.markPool.staticCall();
      expect(world.clearingHouse.interface.decodeFunctionResult("markPool", result)).to.deep.equal([value]);
    });

    it("of another contract is refused", async () => {
      const { relay, world } = await loadFixture(relayed);
      const { vault, alice } = world;
      const data = vault.interface.encodeFunctionData("withdraw", [accountOf(alice), 255, 1n, alice.address]);

      await expect(relay.connect(alice).relay([], [{ target: vault, data }]))
        .to.be.revertedWithCustomError(relay, "TargetRefused")
        .withArgs(await vault.getAddress());
    });

    for (const [name, verbs] of Object.entries(OPEN)) {
      it(`of ${name} is refused, but for the verbs that anyone may call`, async () => {
        const { relay, world } = await loadFixture(relayed);
        const { orders, clearingHouse, extension } = world;
        const house = await ethers.getContractAt("ClearingHouse", await clearingHouse.getAddress());
        const target = name === "orders" ? orders : house;
        const through: string[] = [];
        for (const fragment of fragmentsOf(name === "orders" ? [orders] : [house, extension])) {
          if (name !== "orders" && VERBS_FOR_AN_ACCOUNT.some((verb) => verb === fragment.name)) continue;
          const error = await refusalOf(() => relay.relay.staticCall([], [{ target, data: fragment.selector }]));
          if (error !== "VerbRefused") through.push(fragment.name);
        }

        expect(through.sort()).to.deep.equal(verbs);
      });
    }

    it("without a verb is refused", async () => {
      const { relay, world } = await loadFixture(relayed);

      await expect(relay.relay([], [{ target: world.orders, data: "0x" }]))
        .to.be.revertedWithCustomError(relay, "VerbRefused")
        .withArgs(await world.orders.getAddress(), "0x00000000");
    });

    for (const verb of VERBS_FOR_AN_ACCOUNT) {
      it(`of ${verb} for another's account is refused, though that account trusts the relay`, async () => {
        const base = await loadFixture(relayed);
        const { relay, world } = base;
        const { clearingHouse, bob, stranger } = world;
        const account = accountOf(bob);
        await clearingHouse.connect(bob).setOperator(account, relay, RIGHT_TRADE, FOREVER, 0);

        await expect(relay.connect(stranger).relay([], [callsFor(base, account)[verb]]))
          .to.be.revertedWithCustomError(relay, "NotOwnAccount")
          .withArgs(stranger.address, bob.address);
      });

      it(`of ${verb} for an own account needs that account's trust`, async () => {
        const base = await loadFixture(relayed);
        const { relay, world } = base;
        const account = accountOf(world.bob, 3n);

        await expect(relay.connect(world.bob).relay([], [callsFor(base, account)[verb]]))
          .to.be.revertedWithCustomError(world.clearingHouse, "NotAuthorized")
          .withArgs(account, await relay.getAddress(), RIGHT_TRADE);
      });
    }

    it("cut before the account that it acts for is refused", async () => {
      const base = await loadFixture(relayed);
      const { relay, world } = base;
      const { data } = callsFor(base, accountOf(world.bob)).takeOver;
      const cut = { target: world.clearingHouse, data: ethers.dataSlice(data, 0, 4 + 3 * 32 - 1) };

      await expect(relay.connect(world.bob).relay([], [cut]))
        .to.be.revertedWithCustomError(relay, "NotOwnAccount")
        .withArgs(world.bob.address, ethers.ZeroAddress);
    });

    it("of a liquidation rewards the own account of its caller", async () => {
      const { relay, world, don, account } = await loadFixture(due);
      const { clearingHouse, bob } = world;
      const liquidator = accountOf(bob);
      await clearingHouse.connect(bob).setOperator(liquidator, relay, RIGHT_TRADE, FOREVER, 0);
      const cash = async () => (await clearingHouse.accountOf(liquidator)).cash;
      const before = await cash();
      const reductions = [{ asset: ETH, delta: wad("-100") }];
      const data = clearingHouse.interface.encodeFunctionData("liquidate", [account, reductions, [], liquidator]);
      const now = await nextBlock();
      await relay
        .connect(bob)
        .relay([don.report(now - 1, FEES)], [{ target: clearingHouse, data }], { value: NATIVE_FEE });

      expect(await cash()).to.be.greaterThan(before);
      expect((await clearingHouse.positionOf(account, ETH)).size).to.equal(wad("650"));
    });
  });

  describe("ether", () => {
    async function caller() {
      const base = await loadFixture(relayed);
      const taker = await ethers.deployContract("ChangeTaker");
      const data = (report: string) =>
        base.relay.interface.encodeFunctionData("relay", [[report], [markPool(base)].map(resolved)]);
      const house = await base.world.clearingHouse.getAddress();
      function resolved({ data: inner }: { data: string }) {
        return { target: house, data: inner };
      }
      return { ...base, taker, data };
    }

    it("comes only with a call", async () => {
      const { relay, world } = await loadFixture(relayed);

      await expect(world.alice.sendTransaction({ to: relay, value: 1n }))
        .to.be.revertedWithCustomError(relay, "ValueRefused")
        .withArgs(world.alice.address, 1n);
    });

    it("that its caller does not take back is not kept", async () => {
      const base = await caller();
      const { relay, don, taker } = base;
      await taker.refuse();
      const now = await nextBlock();

      await expect(taker.call(relay, base.data(don.report(now - 1, FEES)), { value: NATIVE_FEE + EXCESS }))
        .to.be.revertedWithCustomError(relay, "ChangeRefused")
        .withArgs(await taker.getAddress(), EXCESS);
    });

    it("of two nested calls stays apart", async () => {
      const base = await caller();
      const { relay, don, taker, reports, feed } = base;
      const now = (await nextBlock()) + 1;
      await taker.arm(relay, base.data(don.report(now - 1, FEES)), NATIVE_FEE + 1n);
      await nextBlock();
      const sent = taker.call(relay, base.data(don.report(now - 2, FEES)), { value: 3n * NATIVE_FEE });

      await expect(sent).to.changeEtherBalances(ethers, [taker, relay, reports], [NATIVE_FEE, 0n, 0n]);
      expect((await feed.latestRoundData()).roundId).to.equal(inOrder(2));
    });
  });
});

function fragmentsOf(contracts: readonly { interface: unknown }[]) {
  const fragments: FunctionFragment[] = [];
  for (const { interface: abi } of contracts) (abi as Interface).forEachFunction((one) => fragments.push(one));
  return fragments;
}

/** The name of the relay's own error, or of none. */
async function refusalOf(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
  } catch (error) {
    if (error instanceof Error && error.message.includes("VerbRefused")) return "VerbRefused";
  }
  return "passed on";
}
