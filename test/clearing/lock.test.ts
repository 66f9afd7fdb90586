import { expect } from "chai";

import { accountOf, ethers, funded, networkHelpers } from "../fixture.ts";
import { ETH, SETTLEMENT, wad, WBTC_TOKEN } from "../parameters.ts";
import { expectConserved, load } from "./support.ts";

const ACCOUNT = accountOf("0x00000000000000000000000000000000000000A1", 1n);
const OTHER = accountOf("0x00000000000000000000000000000000000000A2");
const CALLER = "0x00000000000000000000000000000000000000A1";
const HINT = { round: 0n, before: 0n };
const CLOSING = {
  account: ACCOUNT,
  reduceOnly: false,
  released: 0n,
  pay: 0n,
  forfeited: 0n,
  payTo: OTHER,
};

/** Functions of the satellites, by the only one that may call them. */
const SATELLITES = {
  vault: [
    ["credit", [ACCOUNT, CALLER, SETTLEMENT, 1n]],
    ["debit", [ACCOUNT, CALLER, SETTLEMENT, 1n]],
    ["lackOf", [ACCOUNT]],
  ],
  orders: [
    ["openOrder", [ACCOUNT, CALLER, [], 0n, false]],
    ["reserveSequence", [ACCOUNT, CALLER, [], 0n]],
    ["payKeeper", [ACCOUNT, OTHER, 1n]],
    ["executeOrder", [CLOSING, []]],
    ["closeOrder", [CLOSING]],
  ],
  pool: [
    ["fundPool", [ACCOUNT, CALLER, 1n]],
    ["drainPool", [ACCOUNT, 1n]],
    ["valuePool", []],
  ],
  insuranceFund: [
    ["fundInsurance", [ACCOUNT, CALLER, 1n]],
    ["drainInsurance", [ACCOUNT, 1n]],
  ],
} as const;

const NAMES = { vault: "the vault", orders: "orders", pool: "the pool", insuranceFund: "the insurance fund" };

describe("ClearingHouse.lock", () => {
  afterEach(expectConserved);

  for (const [satellite, functions] of Object.entries(SATELLITES)) {
    for (const [name, args] of functions) {
      it(`lets only ${NAMES[satellite as keyof typeof SATELLITES]} call ${name}, under the lock`, async () => {
        const world = await load(funded);
        const { clearingHouse, stranger } = world;
        const data = clearingHouse.interface.encodeFunctionData(name as never, args as never);
        const to = await clearingHouse.getAddress();
        const others = Object.keys(SATELLITES).filter((other) => other !== satellite);
        const callers = [stranger.address];
        for (const other of others) callers.push(await world[other as keyof typeof SATELLITES].getAddress());

        for (const from of callers) {
          await expect(ethers.provider.call({ to, data, from }))
            .to.be.revertedWithCustomError(clearingHouse, "OnlySatellite")
            .withArgs(from);
        }
        const from = await world[satellite as keyof typeof SATELLITES].getAddress();
        await expect(ethers.provider.call({ to, data, from })).to.be.revertedWithCustomError(
          clearingHouse,
          "NotLocked",
        );
      });
    }
  }

  it("is taken and given back by satellites only", async () => {
    const { clearingHouse, stranger } = await load(funded);

    for (const name of ["lock", "unlock"] as const) {
      await expect(clearingHouse.connect(stranger)[name]())
        .to.be.revertedWithCustomError(clearingHouse, "OnlySatellite")
        .withArgs(stranger);
    }
  });

  it("does not outlive a transaction", async () => {
    const { clearingHouse, vault } = await load(funded);
    const address = await vault.getAddress();
    await networkHelpers.setBalance(address, wad("1"));
    await networkHelpers.impersonateAccount(address);
    await clearingHouse.connect(await ethers.getSigner(address)).lock();
    await networkHelpers.stopImpersonatingAccount(address);

    await clearingHouse.markPool();
  });

  describe("inside the transfer of a token that calls back", () => {
    const account = ACCOUNT;
    const views: [string, readonly unknown[]][] = [
      ["snapshot", [account]],
      ["accountOf", [account]],
      ["positionOf", [account, ETH]],
      ["collateralOf", [account, WBTC_TOKEN]],
      ["storedPositionOf", [account, ETH]],
      ["formerPositionOf", [account, ETH]],
      ["marketOf", [ETH]],
      ["sideOf", [ETH, true]],
      ["balances", []],
      ["ledger", []],
      ["poolValuation", []],
      ["seizedOf", [WBTC_TOKEN]],
      ["simulate", [account, [], false]],
    ];
    const verbs: [string, readonly unknown[]][] = [
      ["setOperator", [account, CALLER, 1, 1, 0]],
      ["transfer", [account, OTHER, SETTLEMENT, 1n]],
      ["liquidate", [account, [], [], OTHER]],
      ["liquidateBatch", [[], OTHER]],
      ["takeOver", [account, [], OTHER]],
      ["convert", [account, [], OTHER]],
      ["realise", [account]],
      ["settleDeficit", [account]],
      ["flagInsolvent", [account]],
      ["clearInsolvency", [account]],
      ["seize", [account]],
      ["buySeized", [{ token: WBTC_TOKEN, amount: 1n }, OTHER]],
      ["writeOff", [WBTC_TOKEN]],
      ["markPool", []],
      ["flagDeleveraging", [ETH]],
      ["deleverage", [ETH, HINT]],
      ["cutProfits", []],
      ["closeMarket", [ETH, HINT]],
    ];
    for (const [name, args] of [...views, ...verbs]) {
      it(`refuses ${name}`, async () => {
        const world = await load(withHooks);
        const { clearingHouse } = world;
        const data = clearingHouse.interface.encodeFunctionData(name as never, args as never);

        const { success, result } = await callInside(world, await clearingHouse.getAddress(), data);
        expect(success).to.equal(false);
        expect(clearingHouse.interface.parseError(result)?.name).to.equal("Locked");
      });
    }

    const reads: [string, readonly unknown[]][] = [
      ["account", [account]],
      ["health", [[account]]],
      ["liquidationPrices", [account, ETH]],
      ["market", [ETH]],
      ["poolEquity", []],
      ["solvency", []],
      ["leastReduction", [account, ETH]],
      ["leastSlice", [account]],
    ];
    for (const [name, args] of reads) {
      it(`refuses ${name} of the lens`, async () => {
        const world = await load(withHooks);
        const { clearingHouse, lens } = world;
        const data = lens.interface.encodeFunctionData(name as never, args as never);

        const { success, result } = await callInside(world, await lens.getAddress(), data);
        expect(success).to.equal(false);
        expect(clearingHouse.interface.parseError(result)?.name).to.equal("Locked");
      });
    }

    it("previews nothing", async () => {
      const world = await load(withHooks);
      const { clearingHouse, lens } = world;
      const legs = [{ asset: ETH, delta: wad("1"), price: 0n }];
      const data = lens.interface.encodeFunctionData("preview", [account, legs, false]);

      const { success, result } = await callInside(world, await lens.getAddress(), data);
      expect(success).to.equal(true);
      const [{ accepted, refusal }] = lens.interface.decodeFunctionResult("preview", result) as unknown as [
        { accepted: boolean; refusal: string },
      ];
      expect([accepted, clearingHouse.interface.parseError(refusal)?.name]).to.deep.equal([false, "Locked"]);
    });
  });
});

/** A token that calls back is collateral, priced as ether. */
async function withHooks() {
  const world = await funded();
  const { vault, clearingHouse, alice } = world;
  const token = await ethers.deployContract("ReentrantToken", [18]);
  const lens = await ethers.deployContract("Lens", [clearingHouse]);
  await vault.list(token, wad("1000000"), 0);
  await clearingHouse.listCollateral(ETH, 10_000, 15);
  await token.mint(alice, wad("10"));
  await token.connect(alice).approve(vault, wad("10"));
  return { ...world, token, lens };
}

/** How a call ends that the token makes in the middle of a deposit. */
async function callInside(
  { vault, token, alice }: Awaited<ReturnType<typeof withHooks>>,
  target: string,
  data: string,
) {
  await token.arm(target, data, false);
  await vault.connect(alice).deposit(accountOf(alice), await vault.indexOf(token), 1n);
  expect(await token.attempts()).to.equal(1n);
  return { success: await token.lastSuccess(), result: await token.lastResult() };
}
