/** Scheduling, executing and cancelling at the manager, and what each refuses. */
import { expect } from "chai";

import { ConfigError } from "../../scripts/command.ts";
import { callOf, readOperations } from "../../scripts/gov/authority.ts";
import { parseCall } from "../../scripts/gov/calls.ts";
import { NothingToDoError, NotReadyError, RefusedError, UnauthorizedError } from "../../scripts/gov/errors.ts";
import { cancel, execute, propose } from "../../scripts/gov/operations.ts";
import { simulate } from "../../scripts/gov/plan.ts";
import { readStatus, renderStatus } from "../../scripts/gov/status.ts";
import { DAY, ethers, govOf, load, networkHelpers, rejection, sendAs, type World } from "./world.ts";

const HOURS = 3_600n;

const RATES = { beta: 70_000n, sigma: 16_000n, gamma: 5_000n, kappa: 1_000_000n };

/** The governor's wish to make the pool's cooldown five hours. */
async function proposal(world: World, { when = 0n, caller = world.governor.address } = {}) {
  const gov = await govOf(world);
  return propose(gov, { calls: [callOf(gov, "pool", "setCooldown", [5n * HOURS])], caller, when, refusals: [] });
}

async function scheduled(world: World): Promise<string> {
  const { transactions, operations } = await proposal(world);
  await sendAs(world.governor, transactions);
  return operations[0] ?? "";
}

describe("propose", () => {
  it("schedules what has a delay, under the id that the manager gives it", async () => {
    const world = await load();
    const id = await scheduled(world);

    const [operation, ...others] = await readOperations(await govOf(world));
    expect(others).to.deep.equal([]);
    expect(operation).to.deep.include({ id, caller: world.governor.address, state: "waiting" });
    const { authority } = world.contracts;
    expect(await authority.getFunction("getSchedule")(id)).to.equal(operation?.readyAt);
  });

  it("calls at once what has no delay", async () => {
    const world = await load();
    const gov = await govOf(world);
    const calls = [callOf(gov, "clearingHouse", "restrictMarket", [0])];
    const { transactions, operations } = await propose(gov, {
      calls,
      caller: world.guardian.address,
      when: 0n,
      refusals: [],
    });

    expect(operations).to.deep.equal([]);
    expect(transactions.map(({ to }) => to)).to.deep.equal([world.book.contracts.clearingHouse]);
    await sendAs(world.guardian, transactions);
    const { stopped } = await readStatus(await govOf(world));
    expect(stopped).to.deep.equal(["ETH is reduce-only"]);
  });

  it("schedules for a later time, and not for one before the delay has passed", async () => {
    const world = await load();
    const { time } = await govOf(world);
    const when = time + 3n * DAY;
    await sendAs(world.governor, (await proposal(world, { when })).transactions);
    expect((await readOperations(await govOf(world))).map(({ readyAt }) => readyAt)).to.deep.equal([when]);

    const error = await rejection(proposal(world, { when: time + DAY }));
    expect(error).to.be.instanceOf(NotReadyError);
    expect(error.message).to.match(/^setCooldown cannot be scheduled for .*: at the earliest .*, 2 d from now$/);
  });

  it("refuses whoever lacks the role", async () => {
    const world = await load();
    for (const { address } of [world.stranger, world.guardian, world.deployer]) {
      const error = await rejection(proposal(world, { caller: address }));
      expect(error).to.be.instanceOf(UnauthorizedError);
      expect(error.message).to.equal(`${address} is no governor, who alone may setCooldown`);
    }
  });

  it("refuses what a contract would refuse, and nothing at all", async () => {
    const world = await load();
    const gov = await govOf(world);
    const calls = [callOf(gov, "pool", "setCooldown", [60n])];
    const { refusals } = await simulate(gov, calls);
    const refused = await rejection(propose(gov, { calls, caller: world.governor.address, when: 0n, refusals }));
    expect(refused).to.be.instanceOf(RefusedError);
    expect(refused.message).to.match(
      /^pool would refuse setCooldown: OutOfRange\(cooldown, 60, 3600, 604800\) \(--allow-refused/,
    );

    const nothing = await rejection(
      propose(gov, { calls: [], caller: world.governor.address, when: 0n, refusals: [] }),
    );
    expect(nothing).to.be.instanceOf(NothingToDoError);
  });

  it("does not schedule twice what waits, and again what has expired", async () => {
    const world = await load();
    const id = await scheduled(world);
    const error = await rejection(proposal(world));
    expect(error).to.be.instanceOf(NothingToDoError);
    expect(error.message).to.include(`scheduled already, ${id}`);

    await networkHelpers.time.increase(2n * DAY + 7n * DAY);
    expect((await readOperations(await govOf(world))).map(({ state }) => state)).to.deep.equal(["expired"]);
    expect(await scheduled(world)).to.equal(id);
    expect((await readOperations(await govOf(world))).map(({ state }) => state)).to.deep.equal(["waiting"]);
  });
});

describe("execute", () => {
  it("does what was scheduled once its time has come, and only once", async () => {
    const world = await load();
    const id = await scheduled(world);
    await networkHelpers.time.increase(2n * DAY);
    const caller = world.governor.address;

    await sendAs(world.governor, await execute(await govOf(world), { selection: { ids: [id] }, caller }));
    expect(await world.contracts.pool.cooldown()).to.equal(5n * HOURS);
    const again = await rejection(execute(await govOf(world), { selection: { ids: [id] }, caller }));
    expect(again).to.be.instanceOf(NothingToDoError);
    expect(again.message).to.equal(`no operation ${id} is scheduled`);
  });

  it("refuses before the time, after it, and to everybody else", async () => {
    const world = await load();
    const id = await scheduled(world);
    const caller = world.governor.address;
    const attempt = async (who = caller) =>
      rejection(execute(await govOf(world), { selection: { ids: [id] }, caller: who }));

    const early = await attempt();
    expect(early).to.be.instanceOf(NotReadyError);
    expect(early.message).to.match(/may be executed from .* on, \d+ .* from the block that was read$/);
    await networkHelpers.time.increase(2n * DAY);
    const another = await attempt(world.guardian.address);
    expect(another).to.be.instanceOf(UnauthorizedError);
    await networkHelpers.time.increase(7n * DAY);
    const late = await attempt();
    expect(late).to.be.instanceOf(NotReadyError);
    expect(late.message).to.match(/has expired at .*: propose it anew$/);
  });

  it("says what a contract refuses by then, and sends nothing", async () => {
    const world = await load();
    const gov = await govOf(world);
    const calls = [callOf(gov, "pool", "setCooldown", [60n])];
    const { transactions } = await propose(gov, { calls, caller: world.governor.address, when: 0n, refusals: [] });
    await sendAs(world.governor, transactions);
    await networkHelpers.time.increase(2n * DAY);

    const error = await rejection(
      execute(await govOf(world), { selection: { all: true }, caller: world.governor.address }),
    );
    expect(error).to.be.instanceOf(RefusedError);
    expect(error.message).to.match(/^execute: pool\.setCooldown\(60\): OutOfRange\(cooldown, 60, 3600, 604800\)$/);
  });

  it("has nothing to do while all wait", async () => {
    const world = await load();
    await scheduled(world);
    const error = await rejection(
      execute(await govOf(world), { selection: { all: true }, caller: world.governor.address }),
    );
    expect(error).to.be.instanceOf(NothingToDoError);
    expect(error.message).to.equal("none of 1 operations is to be done now");
  });
});

describe("cancel", () => {
  for (const who of ["governor", "guardian"] as const) {
    it(`is for the ${who}`, async () => {
      const world = await load();
      const id = await scheduled(world);
      const caller = world[who].address;
      await sendAs(world[who], await cancel(await govOf(world), { selection: { ids: [id] }, caller }));

      expect(await readOperations(await govOf(world))).to.deep.equal([]);
      await networkHelpers.time.increase(2n * DAY);
      const error = await rejection(
        execute(await govOf(world), { selection: { ids: [id] }, caller: world.governor.address }),
      );
      expect(error).to.be.instanceOf(NothingToDoError);
    });
  }

  it("is for nobody else", async () => {
    const world = await load();
    const id = await scheduled(world);
    const caller = world.stranger.address;
    const error = await rejection(cancel(await govOf(world), { selection: { ids: [id] }, caller }));
    expect(error).to.be.instanceOf(UnauthorizedError);
    expect(error.message).to.equal(
      `${id} is cancelled by ${world.governor.address}, or the guardian, not by ${caller}`,
    );
  });
});

describe("status", () => {
  it("says what is scheduled, when it may run, and until when", async () => {
    const world = await load();
    const id = await scheduled(world);
    const gov = await govOf(world);
    const text = renderStatus(gov, await readStatus(gov));
    expect(text).to.match(
      new RegExp(
        `^waiting +\\S+Z \\(in \\d+ \\w+\\) +\\S+Z +pool\\.setCooldown\\(18000\\) +${world.governor.address} +${id}$`,
        "m",
      ),
    );
    await networkHelpers.time.increase(2n * DAY);
    expect(
      (await readStatus(await govOf(world))).operations.map(({ state, description }) => [state, description]),
    ).to.deep.equal([["ready", "pool.setCooldown(18000)"]]);
  });

  it("says what is ramped, wound down, restricted and paused", async () => {
    const world = await load();
    const { clearingHouse } = world.contracts;
    const gov = await govOf(world);
    for (const [method, args] of [
      ["rampRisk", [1, RATES, 2n * DAY]],
      ["windDown", [3]],
    ] as const) {
      const { address, data } = callOf(gov, "clearingHouse", method, args);
      await world.allow(address, data);
    }
    await clearingHouse.connect(world.guardian).restrictMarket(2);
    await clearingHouse.connect(world.guardian).pause();

    const { underWay, stopped } = await readStatus(await govOf(world));
    expect(underWay[0]).to.match(/^risk of BTC is ramped until /);
    expect(underWay[1]).to.match(/^LINK is wound down, its final price is that of /);
    expect(stopped).to.deep.equal([
      "everything is paused: reductions, deposits and withdrawals go on",
      "SOL is reduce-only",
    ]);
  });
});

describe("parseCall", () => {
  it("reads symbols, roles, addresses, durations and amounts", async () => {
    const world = await load();
    const gov = await govOf(world);
    const { address } = world.stranger;
    const account = ethers.toBeHex(BigInt(address) << 96n, 32);

    expect(parseCall(gov, "clearingHouse.windDown(LINK)").args).to.deep.equal([3]);
    expect(parseCall(gov, `authority.grantRole(guardian, ${address}, 0 s)`).args).to.deep.equal([2n, address, 0n]);
    expect(parseCall(gov, `insuranceFund.payOut(${account}, 1_000 USD)`).args).to.deep.equal([
      account,
      1_000n * 10n ** 18n,
    ]);
    expect(parseCall(gov, "clearingHouse.unpause()").args).to.deep.equal([]);
  });

  const wrong: [string, RegExp][] = [
    ["windDown(ETH)", /^no call, as clearingHouse\.windDown\(ETH\), of oracle, /],
    ["clearingHouse.windUp(ETH)", /^clearingHouse has no function windUp$/],
    ["clearingHouse.windDown()", /^windDown takes 1 arguments \(asset: uint256\), not 0$/],
    ["clearingHouse.windDown(DOGE)", /^asset: not understood: DOGE$/],
    ["clearingHouse.windDown(0)", /^asset: not understood: 0$/],
    ["authority.grantRole(guardian, 0x12, 0 s)", /^account is not an address: 0x12$/],
    ["authority.setTargetClosed(vault, true)", /^target is not an address: vault$/],
  ];
  for (const [text, message] of wrong) {
    it(`refuses ${text}`, async () => {
      const gov = await govOf(await load());
      expect(() => parseCall(gov, text)).to.throw(ConfigError, message);
    });
  }

  it("refuses an amount without its unit, or in another one", async () => {
    const world = await load();
    const gov = await govOf(world);
    const account = ethers.toBeHex(BigInt(world.stranger.address) << 96n, 32);
    expect(() => parseCall(gov, `insuranceFund.payOut(${account}, 1000)`)).to.throw(/amount: wrong unit \(in USD\)/);
    expect(() => parseCall(gov, `insuranceFund.payOut(${account}, 5 %)`)).to.throw(/amount: wrong unit \(in USD\)/);
  });
});
