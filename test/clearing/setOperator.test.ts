import { expect } from "chai";

import { accountOf, funded, networkHelpers, time, type World } from "../fixture.ts";
import { DAY, ETH, HOUR, SETTLEMENT, wad } from "../parameters.ts";
import { ALL_RIGHTS, expectConserved, load, MAX_UINT64 } from "./support.ts";

const [TRADE, TRANSFER, WITHDRAW] = [1n, 2n, 4n];
const FOREVER = 2n ** 40n - 1n;
const ALLOWANCE_UNIT = 10n ** 12n;
const BASE_FEE = 10n ** 9n;

describe("ClearingHouse.setOperator", () => {
  afterEach(expectConserved);

  const acts: [string, bigint, (world: World) => Promise<unknown>][] = [
    ["trade", TRADE, (world) => world.submit(accountOf(world.alice), ETH, wad("1"), { signer: world.bob })],
    [
      "transfer",
      TRANSFER,
      ({ clearingHouse, alice, bob }) =>
        clearingHouse.connect(bob).transfer(accountOf(alice), accountOf(alice, 1n), SETTLEMENT, 1n),
    ],
    [
      "withdraw",
      WITHDRAW,
      ({ vault, alice, bob }) => vault.connect(bob).withdraw(accountOf(alice), SETTLEMENT, 1n, bob),
    ],
    [
      "fund insurance",
      WITHDRAW,
      ({ insuranceFund, alice, bob }) => insuranceFund.connect(bob).contribute(accountOf(alice), 10n ** 12n),
    ],
  ];
  for (const [name, right, act] of acts) {
    it(`lets an operator ${name} with the right to`, async () => {
      const world = await load(funded);
      await world.clearingHouse
        .connect(world.alice)
        .setOperator(accountOf(world.alice), world.bob, right, FOREVER, MAX_UINT64);

      await act(world);
    });

    it(`refuses to let one ${name} with all other rights`, async () => {
      const world = await load(funded);
      const account = accountOf(world.alice);
      await world.clearingHouse
        .connect(world.alice)
        .setOperator(account, world.bob, ALL_RIGHTS - right, FOREVER, MAX_UINT64);

      await expect(act(world))
        .to.be.revertedWithCustomError(world.clearingHouse, "NotAuthorized")
        .withArgs(account, world.bob, right);
    });
  }

  it("says what it granted", async () => {
    const { clearingHouse, alice, bob } = await load(funded);
    const account = accountOf(alice);

    await expect(clearingHouse.connect(alice).setOperator(account, bob, 5n, 1_900_000_000n, 77n))
      .to.emit(clearingHouse, "OperatorSet")
      .withArgs(account, bob, 5n, 1_900_000_000n, 77n);
    expect(await clearingHouse.operatorOf(account, bob)).to.equal(5n | (1_900_000_000n << 8n) | (77n << 48n));
  });

  it("holds for one sub-account only", async () => {
    const { clearingHouse, alice, bob, submit } = await load(funded);
    await clearingHouse.connect(alice).setOperator(accountOf(alice, 1n), bob, ALL_RIGHTS, FOREVER, MAX_UINT64);

    await expect(submit(accountOf(alice), ETH, wad("1"), { signer: bob }))
      .to.be.revertedWithCustomError(clearingHouse, "NotAuthorized")
      .withArgs(accountOf(alice), bob, TRADE);
  });

  it("ends with the second it names", async () => {
    const { clearingHouse, alice, bob, stranger } = await load(funded);
    const account = accountOf(alice);
    const until = (await time.latest()) + HOUR;
    await clearingHouse.connect(alice).setOperator(account, bob, TRANSFER, until, 0);
    const transfer = () => clearingHouse.connect(bob).transfer(account, accountOf(alice, 1n), SETTLEMENT, 1n);

    await time.setNextBlockTimestamp(until);
    await transfer();
    await time.setNextBlockTimestamp(until + 1);
    await expect(transfer())
      .to.be.revertedWithCustomError(clearingHouse, "OperatorExpired")
      .withArgs(account, bob, until);
    expect(await clearingHouse.operatorOf(account, stranger)).to.equal(0n);
  });

  it("revokes with no rights", async () => {
    const { clearingHouse, alice, bob } = await load(funded);
    const account = accountOf(alice);
    await clearingHouse.connect(alice).setOperator(account, bob, ALL_RIGHTS, FOREVER, 0);
    await clearingHouse.connect(alice).setOperator(account, bob, 0, FOREVER, 0);

    await expect(clearingHouse.connect(bob).transfer(account, accountOf(alice, 1n), SETTLEMENT, 1n))
      .to.be.revertedWithCustomError(clearingHouse, "NotAuthorized")
      .withArgs(account, bob, TRANSFER);
  });

  it("allows fees and keeper pay up to the allowance, to the unit", async () => {
    const { clearingHouse, extension, alice, bob, submit, account, cost } = await load(withCost);
    await clearingHouse.connect(alice).setOperator(account, bob, TRADE, FOREVER, cost / ALLOWANCE_UNIT - 1n);
    await networkHelpers.setNextBlockBaseFeePerGas(BASE_FEE);
    await expect(submit(account, ETH, wad("1"), { signer: bob }))
      .to.be.revertedWithCustomError(extension, "FeeAllowanceExceeded")
      .withArgs(cost, cost - ALLOWANCE_UNIT);

    await clearingHouse.connect(alice).setOperator(account, bob, TRADE, FOREVER, cost / ALLOWANCE_UNIT);
    await networkHelpers.setNextBlockBaseFeePerGas(BASE_FEE);
    await submit(account, ETH, wad("1"), { signer: bob });
  });

  it("counts what was spent against the rest of the day", async () => {
    const { clearingHouse, extension, alice, bob, submit, account, cost } = await load(withCost);
    await clearingHouse.connect(alice).setOperator(account, bob, TRADE, FOREVER, (2n * cost) / ALLOWANCE_UNIT - 1n);
    await networkHelpers.setNextBlockBaseFeePerGas(BASE_FEE);
    await submit(account, ETH, wad("1"), { signer: bob });

    await networkHelpers.setNextBlockBaseFeePerGas(BASE_FEE);
    await expect(submit(account, ETH, wad("1"), { signer: bob, reduceOnly: true }))
      .to.be.revertedWithCustomError(extension, "FeeAllowanceExceeded")
      .withArgs(cost, cost - ALLOWANCE_UNIT);
  });

  it("gives the allowance anew at the turn of the UTC day, and not before", async () => {
    const { clearingHouse, extension, alice, bob, submit, account, cost } = await load(withCost);
    await clearingHouse.connect(alice).setOperator(account, bob, TRADE, FOREVER, cost / ALLOWANCE_UNIT);
    const spend = async (at: number) => {
      await time.increaseTo(at - 1);
      await networkHelpers.setNextBlockBaseFeePerGas(BASE_FEE);
      return submit(account, ETH, wad("1"), { signer: bob, reduceOnly: true });
    };
    const midnight = (Math.floor((await time.latest()) / DAY) + 1) * DAY;

    await spend(midnight - 10);
    await expect(spend(midnight - 2))
      .to.be.revertedWithCustomError(extension, "FeeAllowanceExceeded")
      .withArgs(cost, 0n);
    await spend(midnight);
  });

  const bad: [string, [bigint, bigint, bigint]][] = [
    ["rights that do not exist", [ALL_RIGHTS + 1n, FOREVER, 0n]],
    ["a time that does not fit", [1n, FOREVER + 1n, 0n]],
    ["an allowance that does not fit", [1n, FOREVER, MAX_UINT64 + 1n]],
  ];
  for (const [what, [rights, until, allowance]] of bad) {
    it(`refuses ${what}`, async () => {
      const { clearingHouse, alice, bob } = await load(funded);

      await expect(clearingHouse.connect(alice).setOperator(accountOf(alice), bob, rights, until, allowance))
        .to.be.revertedWithCustomError(clearingHouse, "InvalidGrant")
        .withArgs(rights, until, allowance);
    });
  }

  it("refuses everyone but the owner, an operator with all rights included", async () => {
    const { clearingHouse, alice, bob, stranger } = await load(funded);
    const account = accountOf(alice);
    await clearingHouse.connect(alice).setOperator(account, bob, ALL_RIGHTS, FOREVER, MAX_UINT64);

    for (const caller of [bob, stranger]) {
      await expect(clearingHouse.connect(caller).setOperator(account, caller, 1, FOREVER, 0))
        .to.be.revertedWithCustomError(clearingHouse, "NotAuthorized")
        .withArgs(account, caller, ALL_RIGHTS);
    }
  });
});

/** What an order over 1 ETH takes out of the cash: keeper pay at `BASE_FEE`, and the charge of 6 bp of 1800. */
async function withCost() {
  const world = await funded();
  const { escrow } = await world.orders.payFor(0, BASE_FEE, wad("1800"));
  return { ...world, account: accountOf(world.alice), cost: escrow + wad("1.08") };
}
