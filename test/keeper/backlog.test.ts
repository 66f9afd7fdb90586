/** What a cycle costs while hundreds of orders wait at once, counted in requests: time depends on the machine. */
import { expect } from "chai";
import type { Provider } from "ethers";

import { revertDataOf } from "../../scripts/keeper/contracts.ts";
import { decide } from "../../scripts/keeper/decide/decide.ts";
import { DEFAULTS } from "../../scripts/keeper/decide/state.ts";
import { plan, PLAN_DEFAULTS } from "../../scripts/keeper/plan.ts";
import { Performer } from "../../scripts/keeper/Performer.ts";
import { BusyError } from "../../scripts/keeper/send/Sender.ts";
import { Metrics } from "../../scripts/keeper/watch/metrics.ts";
import { frozen } from "../clearing/scenarios.ts";
import { load } from "../clearing/support.ts";
import { accountOf, ethers, time } from "../fixture.ts";
import { BTC, ETH, SETTLEMENT, wad } from "../parameters.ts";
import { counted } from "./counted.ts";
import { indexOf, keeperOf } from "./reading/stage.ts";
import { silent } from "./silent.ts";

const ORDERS = 300;
/** Of one transaction, and so of one second. */
const TOGETHER = 20;

/** Orders of as many sub-accounts, submitted over a quarter of a minute, all of which have their rounds. */
async function backlog() {
  const world = await frozen();
  const { alice, vault, orders, tokens, clearingHouse } = world;
  await clearingHouse.markPool();
  const units = 1_000n * 10n ** 6n;
  await tokens.usdc.mint(alice, units * BigInt(ORDERS));
  await tokens.usdc.connect(alice).approve(vault, ethers.MaxUint256);
  const accounts = Array.from({ length: ORDERS }, (_, place) => accountOf(alice, BigInt(place) + 1n));
  for (let from = 0; from < ORDERS; from += TOGETHER) {
    const some = accounts.slice(from, from + TOGETHER);
    const deposits = some.map((account) => vault.interface.encodeFunctionData("deposit", [account, SETTLEMENT, units]));
    await vault.connect(alice).multicall(deposits);
  }
  for (let from = 0; from < ORDERS; from += TOGETHER) {
    const submissions = accounts.slice(from, from + TOGETHER).map((account, place) => {
      const asset = place % 2 === 0 ? ETH : BTC;
      const delta = place % 4 < 2 ? wad("0.1") : wad("-0.1");
      const input = { asset, delta, acceptablePrice: 0n, reduceOnly: false, expiry: 0 };
      return orders.interface.encodeFunctionData("submit", [account, input]);
    });
    await world.tick();
    await orders.connect(alice).multicall(submissions);
  }
  await time.increase(60);
  await world.refresh();
  await world.tick();
  await ethers.provider.send("evm_mine", []);
  return world;
}

/** Tries all of a plan, as a keeper does that sends nothing. */
function performerOf(provider: Provider, from: string) {
  return new Performer({
    sender: {
      canTake: () => true,
      quote: async () =>
        Promise.resolve({
          price: { baseFee: 1n, tip: 1n },
          fees: { maxFeePerGas: 2n, maxPriorityFeePerGas: 1n },
        }),
      send: async () => Promise.reject(new BusyError("")),
    },
    simulate: async ({ call }) => ({ gas: await provider.estimateGas({ from, ...call }), l1Fee: 0n }),
    ask: async (call, gasLimit) => provider.call({ from, ...call, gasLimit }),
    dataFee: async () => Promise.resolve(0n),
    describe: (error) => ({ name: "", text: "", isRevert: revertDataOf(error) !== undefined }),
    deedsOf: () => ({ done: 0, refused: [], reward: 0n }),
    metrics: new Metrics(),
    log: silent,
    send: false,
    width: 8,
    pauseMs: 1_000,
    longestPauseMs: 1_000,
    sliceMs: Infinity,
  });
}

describe("a backlog of three hundred orders", () => {
  it("is read in pages, and each order once", async () => {
    const world = await load(backlog);
    const { provider, asked } = counted();
    const keeper = keeperOf(world, { provider });
    const index = await indexOf(world);
    await keeper.read(["orders"], { ...index, orders: new Map() });
    const without = asked.length;

    const { state } = await keeper.read(["orders"], index);
    expect(state.orders.filter(({ pay }) => pay.escrow > 0n)).to.have.length(ORDERS);
    // Three pages, what an order pays, and the rounds around fifteen boundaries of two feeds.
    const first = asked.length - without;
    expect(first - without).to.be.within(1, 30);

    await keeper.read(["orders"], index);
    expect(asked.length - without - first - without).to.be.within(0, 2);
  });

  it("is tried with one request for a transaction, also where another keeper has done the half of it", async () => {
    const world = await load(backlog);
    const { provider, asked } = counted();
    const keeper = keeperOf(world, { provider });
    const index = await indexOf(world);
    const { state } = await keeper.read(["orders"], index);
    const actions = decide(state, { ...DEFAULTS, refreshAge: 1n << 40n }, new Set(["orders" as const]));
    const steps = plan(actions, await keeper.contracts(), { account: keeper.account, ...PLAN_DEFAULTS });
    const batches = steps.flatMap((step) => ("items" in step ? [step] : []));
    expect(batches.flatMap(({ items }) => items)).to.have.length(ORDERS);
    const options = { plan: steps, block: state.block, isWorth: () => true, signal: new AbortController().signal };

    const whole = performerOf(provider, world.keeper.address);
    asked.length = 0;
    await whole.perform(options);
    expect(whole.counters).to.deep.include({ dry: batches.length, lost: 0, refused: 0, failed: 0 });
    expect(asked).to.deep.equal(batches.map(() => "call"));

    const halves = batches.slice(0, batches.length / 2);
    for (const { items, join } of halves) await world.keeper.sendTransaction(join(items).call);
    const rest = performerOf(provider, world.keeper.address);
    asked.length = 0;
    await rest.perform(options);
    expect(rest.counters).to.deep.include({ dry: batches.length - halves.length, refused: 0, failed: 0 });
    expect(rest.counters.lost).to.equal(halves.flatMap(({ items }) => items).length);
    expect(asked).to.deep.equal(batches.map(() => "call"));
  });
});
