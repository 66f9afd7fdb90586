import { join } from "node:path";

import { expect } from "chai";
import type { BaseContract, JsonRpcApiProvider } from "ethers";

import { loadParameters } from "../../scripts/deploy/parameters.ts";
import { l1FeeOf } from "../../scripts/keeper/send/l1Fee.ts";
import { worth } from "../../scripts/keeper/worth.ts";
import { frozen, still } from "../clearing/scenarios.ts";
import { cashOf, expectConserved, load, sizeOf } from "../clearing/support.ts";
import { accountOf, ethers, instrumented, networkHelpers, receiptOf, time, type World } from "../fixture.ts";
import { BTC, ETH, SOL, wad } from "../parameters.ts";
import { notional } from "./support.ts";

const listing = await loadParameters(join(import.meta.dirname, "../../deploy/parameters/arbitrum.ts"));
const GWEI = 10n ** 9n;

describe("hazards of keepers", () => {
  afterEach(expectConserved);

  describe("hazard 31: keepers are not paid, or are held up by one bad item or by too little gas", () => {
    it("in a batch of liquidations the items that cannot be done change nothing, and the rest are done and paid", async () => {
      const world = await load(due);
      const { alice, bob, keeper, clearingHouse } = world;
      const payTo = accountOf(keeper);
      const reductions = [{ asset: ETH, delta: wad("-200") }];
      const healthy = await world.fund(bob, wad("1000"), 5n);
      const items = [
        { account: healthy, reductions, sales: [] },
        { account: accountOf(alice), reductions, sales: [] },
        { account: accountOf(alice), reductions: [{ asset: SOL, delta: wad("-1") }], sales: [] },
        { account: payTo, reductions: [], sales: [] },
        { account: accountOf(bob), reductions, sales: [{ token: 9, amount: wad("1") }] },
        { account: accountOf(bob), reductions, sales: [] },
      ];
      const paid = await cashOf(world, payTo);
      const receipt = await receiptOf(clearingHouse.connect(keeper).liquidateBatch(items, payTo));

      const names = receipt.logs.map((log) => clearingHouse.interface.parseLog(log)?.name);
      expect(names.filter((name) => name === "LiquidationFailed")).to.have.length(4);
      expect(names.filter((name) => name === "Liquidated")).to.have.length(2);
      for (const owner of [alice, bob]) expect(await sizeOf(world, accountOf(owner), ETH)).to.equal(wad("500"));
      expect(await cashOf(world, payTo)).to.be.greaterThan(paid + wad("1000"));
    });

    it("too little gas fails a batch of liquidations as a whole, and never an item of it", async () => {
      const world = await load(due);
      const { alice, keeper, clearingHouse } = world;
      const items = [{ account: accountOf(alice), reductions: [{ asset: ETH, delta: wad("-200") }], sales: [] }];
      for (let gasLimit = 150_000n; gasLimit < 3_000_000n; gasLimit += 150_000n) {
        const call = clearingHouse.connect(keeper).liquidateBatch(items, accountOf(keeper), { gasLimit });
        await expectStarved(clearingHouse, () => call.then((sent) => sent.wait()), `a batch with ${gasLimit} gas`);
      }
      await clearingHouse.connect(keeper).liquidateBatch(items, accountOf(keeper));
      expect(await sizeOf(world, accountOf(alice), ETH)).to.equal(wad("500"));
    });

    it("an execution that is starved of gas neither fills nor cancels, with any amount of it", async () => {
      const world = await load(still);
      const { alice, keeper, orders } = world;
      const account = accountOf(alice);
      // It would be cancelled for its margin, and its charge would be forfeited.
      const { sequence } = await world.submit(account, ETH, wad("1000"));
      const hints = await world.settle(account, sequence);
      await time.increase(1);
      for (let gasLimit = 60_000n; gasLimit < 2_000_000n; gasLimit += 20_000n) {
        const execution = () =>
          orders.connect(keeper).execute.staticCall(account, sequence, hints, account, { gasLimit });
        await expectStarved(orders, execution, `an execution with ${gasLimit} gas`);
      }
      const { cause } = await world.execute(account, sequence, hints);
      expect(cause).to.equal("InsufficientMargin");
    });

    it("an order that fails for a passing reason does not hold up the others of its batch, nor is it lost", async () => {
      const world = await load(still);
      const { alice, bob, keeper, orders } = world;
      const items = [];
      for (const [owner, asset] of [
        [alice, ETH],
        [bob, BTC],
      ] as const) {
        const account = accountOf(owner);
        const { sequence } = await world.submit(account, asset, wad("1"));
        items.push({ account, sequence, hints: await world.settle(account, sequence) });
      }
      await world.setPrice(ETH, wad("2500")); // a jump: ETH is not live for the moment
      await world.tick();
      await orders.connect(keeper).executeBatch(items, accountOf(keeper));
      expect(await sizeOf(world, accountOf(bob), BTC)).to.equal(wad("1"));
      expect((await world.clearingHouse.accountOf(accountOf(alice))).pending).to.equal(1n);
      expect(await sizeOf(world, accountOf(alice), ETH)).to.equal(0n);
    });

    it("what the layer below takes for the data is weighed: a spike of it makes nobody pay for an order, nor is the order lost", async () => {
      const world = await load(asDeployed);
      const { alice, keeper, orders } = world;
      const account = accountOf(alice);
      await networkHelpers.setNextBlockBaseFeePerGas(GWEI / 100n);
      const { sequence } = await world.submit(account, ETH, wad("1"));
      const { pay } = await orders.orderOf(account, sequence);
      const hints = await world.settle(account, sequence, wad("1800"));
      await world.tick();
      const payTo = accountOf(keeper);
      const data = orders.interface.encodeFunctionData("execute", [account, sequence, hints, payTo]);
      const call = { to: await orders.getAddress(), data };
      const gas = await orders.connect(keeper).execute.estimateGas(account, sequence, hints, payTo);
      const weigh = async (perByte: bigint) => {
        await setL1Fee(perByte);
        const l1Fee = await (await l1FeeOf(ethers.provider as unknown as JsonRpcApiProvider, OP_CHAIN))(call);
        expect(l1Fee).to.be.greaterThan((perByte * BigInt(data.length)) / 2n);
        const gasAlone = { reward: pay, gas, feePerGas: GWEI / 100n, nativePrice: wad("1800"), margin: 0n };
        expect(worth({ ...gasAlone, l1Fee: 0n }).worthwhile).to.equal(true);
        return { l1Fee, ...worth({ ...gasAlone, l1Fee }) };
      };

      const spike = await weigh(pay / 1_000n);
      expect([spike.worthwhile, spike.profit < 0n]).to.deep.equal([false, true]);
      expect(await orders.isPending(account, sequence)).to.equal(true);
      const calm = await weigh(GWEI);
      expect(calm.worthwhile).to.equal(true);
      const paid = await cashOf(world, payTo);
      const { outcome, receipt } = await world.execute(account, sequence, hints);
      expect(outcome).to.equal("Filled");
      const cost = notional(receipt.gasUsed * (GWEI / 100n) + calm.l1Fee, wad("1800"));
      expect((await cashOf(world, payTo)) - paid).to.be.at.least(cost);
    });

    for (const outcome of ["filled", "cancelled"]) {
      it(`at twice the base fee of submission the pay still covers the gas of an order that is ${outcome}, by the numbers of deployment`, async () => {
        const world = await load(asDeployed);
        const { alice, bob, keeper, orders } = world;
        const account = accountOf(alice);
        await world.trade(accountOf(bob), ETH, wad("1")); // the market is not new
        await networkHelpers.setNextBlockBaseFeePerGas(10n * GWEI);
        const { sequence } = await world.submit(account, ETH, wad(outcome === "filled" ? "1" : "1000"));
        const hints = await world.settle(account, sequence);
        await world.tick();
        const paid = await cashOf(world, accountOf(keeper));
        await networkHelpers.setNextBlockBaseFeePerGas(20n * GWEI);
        const receipt = await receiptOf(
          orders.connect(keeper).execute(account, sequence, hints, accountOf(keeper), {
            maxFeePerGas: 20n * GWEI,
            maxPriorityFeePerGas: 0n,
          }),
        );
        const pay = (await cashOf(world, accountOf(keeper))) - paid;
        const cost = notional(receipt.gasUsed * 20n * GWEI, wad("1800"));
        if (!instrumented) expect(pay).to.be.at.least(cost);
      });
    }
  });
});

const OP_CHAIN = 8_453n;
const OP_ORACLE = "0x420000000000000000000000000000000000000F";

/** Puts there what answers so many wei for each byte that it is asked for. */
async function setL1Fee(perByte: bigint): Promise<void> {
  // CALLDATASIZE · perByte, returned.
  const code = ethers.concat(["0x3667", ethers.toBeHex(perByte, 8), "0x025f5260205ff3"]);
  await ethers.provider.send("hardhat_setCode", [OP_ORACLE, code]);
}

/** Expects a call to fail for its gas, whether it is asked for or runs out before that, and for nothing else. */
async function expectStarved(
  { interface: errors }: Pick<BaseContract, "interface">,
  call: () => Promise<unknown>,
  what: string,
): Promise<void> {
  let failure: unknown;
  try {
    await call();
  } catch (error) {
    failure = error;
  }
  const { data = "0x", message } = failure as { data?: string; message: string };
  const starved = errors.parseError(data)?.name === "InsufficientGas" || message.includes("ran out of gas");
  expect(starved, `${what}: ${message}`).to.equal(true);
}

/** Keepers are paid as they are to be. */
function asDeployed() {
  return frozen(({ orders }) => {
    const { fixedPay, tip, singleGas, basketGas, legGas, pokeGas, refundGas } = listing.orders;
    Object.assign(orders, { fixedPay, tip, singleGas, basketGas, legGas, pokeGas, refundGas });
  });
}

/** Alice and bob, long 700 ETH each, both liquidatable. */
async function due(): Promise<World> {
  const world = await still();
  await world.trade(accountOf(world.alice), ETH, wad("700"));
  await world.trade(accountOf(world.bob), ETH, wad("700"));
  await world.setPrice(ETH, wad("1722"));
  await world.oracle.update(1n << BigInt(ETH));
  return world;
}
