/** Drills of prices: a feed that stops, one that is wrong, a token that loses its peg. */
import { REFUSALS } from "../model/price.ts";
import { type Drill, must, whole } from "./drill.ts";
import { HOUR, type Stage, WAD } from "./stage.ts";
import { SETTLEMENT } from "../gov/setters.ts";

const MINUTE = 60n;

async function refusalOf({ lens, assetOf }: Stage, symbol: string): Promise<string> {
  const { refusal } = await lens.market(assetOf(symbol));
  return REFUSALS[Number(refusal)] ?? "";
}

async function sizeOf(
  { contracts: { clearingHouse }, assetOf, accountOf }: Stage,
  owner: Stage["alice"],
  symbol: string,
) {
  const [size] = await clearingHouse.positionOf(accountOf(owner), assetOf(symbol));
  return size;
}

export const feedStopped: Drill = {
  cause: "the feed of ETH writes no more rounds",
  run: async (stage, say) => {
    const { alice, bob, contracts, lens } = stage;
    await stage.fund(alice, 20_000n * WAD);
    await stage.fund(bob, 20_000n * WAD);
    await stage.trade(alice, "ETH", 10n * WAD);
    const pending = await stage.submit(bob, "ETH", 5n * WAD);
    say("Alice is long 10 ETH, Bob has an order pending; the feed stops");

    await stage.wait(2n * HOUR);
    await stage.refresh("ETH");
    must((await refusalOf(stage, "ETH")) === "Stale", "the price of ETH is refused as stale");
    const account = stage.accountOf(alice);
    const { equity, initialEquity } = await lens.account(account);
    must(initialEquity < equity, "accounts are valued at the ends of an interval, each check at the worse one for it");
    say("ETH is stale: its price is an interval, nothing of it is liquidated, no order of it is filled");

    const withdrawal = contracts.vault.connect(alice).withdraw(account, SETTLEMENT, 15_000_000_000n, alice);
    must(await stage.isRefused(withdrawal), "what the worse end does not cover cannot be withdrawn");
    await stage.fund(alice, 1_000n * WAD);
    say("deposits go on, withdrawals are checked at the worse end");
    await stage.trade(alice, "BTC", WAD / 10n);
    must((await sizeOf(stage, alice, "BTC")) === WAD / 10n, "other markets go on");

    await stage.setPrice("ETH");
    must((await refusalOf(stage, "ETH")) === "None", "the price is live with the first new round");
    const { outcome } = await stage.execute(bob, pending);
    must(outcome === "OrderRefunded", "an order whose window passed without a round is void and refunded");
    await stage.trade(alice, "ETH", -10n * WAD);
    must((await sizeOf(stage, alice, "ETH")) === 0n, "positions close again");
    say("the feed is back: Bob's order was refunded, Alice has closed");
  },
};

export const feedWrong: Drill = {
  cause: "the feed of ETH says ten times its price, and says it again",
  run: async (stage, say) => {
    const { alice, bob, guardian, contracts, lens } = stage;
    const { oracle, vault, clearingHouse } = contracts;
    const eth = stage.assetOf("ETH");
    const right = await stage.priceOf("ETH");
    await stage.fund(alice, 20_000n * WAD);
    await stage.fund(bob, 20_000n * WAD);
    await stage.trade(alice, "ETH", 10n * WAD);
    const account = stage.accountOf(alice);
    const before = (await lens.account(account)).equity;
    const pending = await stage.submit(bob, "ETH", -5n * WAD);

    const { outcome } = await stage.settle(bob, pending, 10n * right);
    must(outcome === "OrderRefunded", "no order is filled at a price that jumped");
    must((await refusalOf(stage, "ETH")) === "Jump", "the price is refused");
    await oracle.update(1n << BigInt(eth));
    must((await oracle.stateOf(eth)).halted, "anybody may record the halt");
    say("the price jumped: ETH is halted, Bob's order was refunded");

    await oracle.connect(guardian).vetoJump(eth);
    for (let round = 0; round < 3; ++round) {
      await stage.wait(10n * MINUTE);
      await stage.setPrice("ETH", 10n * right);
    }
    await oracle.update(1n << BigInt(eth));
    must((await oracle.stateOf(eth)).halted, "under a veto repeating the price does not make it accepted");
    const profit = vault.connect(alice).withdraw(account, SETTLEMENT, 100_000_000_000n, alice);
    must(await stage.isRefused(profit), "nobody withdraws a profit that is none");
    const liquidation = clearingHouse
      .connect(bob)
      .liquidate(account, [{ asset: eth, delta: -WAD }], [], stage.accountOf(bob));
    must(await stage.isRefused(liquidation), "nobody is liquidated at it");
    say("the guardian has vetoed the jump: half an hour of wrong rounds moved nothing");

    await stage.setPrice("ETH", right);
    await stage.refresh("ETH");
    await oracle.update(1n << BigInt(eth));
    must(!(await oracle.stateOf(eth)).halted, "the price that comes back ends the halt, veto or not");
    const after = (await lens.account(account)).equity;
    must(after <= before && before - after < WAD, "Alice has what she had, but for funding");
    say(`the feed is right again: Alice has ${whole(after)} USD, as before`);
  },
};

export const tokenDepeg: Drill = {
  cause: "USDC falls to 0.96, and a collateral loses its peg after it",
  run: async (stage, say) => {
    const { alice, bob, governor, contracts } = stage;
    const { vault, clearingHouse, oracle } = contracts;
    await stage.fund(alice, 20_000n * WAD);
    await stage.fund(bob, 20_000n * WAD);
    await stage.trade(alice, "ETH", 4n * WAD);

    await stage.setPrice("USDC", (96n * WAD) / 100n);
    // Orders may go by a stored price of USDC for a quarter of an hour: anybody may store the new one.
    await oracle.update(1n << BigInt(stage.assetOf("USDC")));
    await clearingHouse.markPool();
    const increase = await stage.submit(bob, "ETH", WAD);
    const { boundary } = await contracts.orders.orderOf(stage.accountOf(bob), increase);
    await stage.waitUntil(boundary);
    await stage.setPrice("ETH");
    must(await stage.isRefusedToExecute(bob, increase), "nothing that raises a requirement is filled");
    const { outcome } = await stage.trade(alice, "ETH", -2n * WAD);
    must(outcome === "OrderFilled" && (await sizeOf(stage, alice, "ETH")) === 2n * WAD, "reductions are filled");
    await vault.connect(alice).withdraw(stage.accountOf(alice), SETTLEMENT, 1_000_000_000n, alice);
    await stage.fund(alice, 1_000n * WAD);
    say("USDC is outside its band: only reductions are filled, deposits and withdrawals go on");

    await stage.setPrice("USDC", WAD);
    await oracle.update(1n << BigInt(stage.assetOf("USDC")));
    await clearingHouse.markPool();
    const late = await stage.execute(bob, increase);
    must(late.outcome === "OrderFilled", "what waited is filled when the band is held again within ten minutes");
    say("USDC is back inside its band");

    const token = stage.parameters.collaterals.findIndex(({ symbol }) => symbol === "WBTC");
    await stage.fundCollateral(bob, "WBTC", WAD / 10n);
    const valued = (await stage.lens.account(stage.accountOf(bob))).collateralValue;
    await stage.setPrice("WBTC", ((await stage.priceOf("WBTC")) * 95n) / 100n);
    const lower = (await stage.lens.account(stage.accountOf(bob))).collateralValue;
    must(lower * 100n <= valued * 95n + WAD, "WBTC counts at its own price, not at that of BTC");
    await stage.govern(governor, "vault", "setCap", [token, 0n]);
    must(await stage.isRefused(stage.tryDeposit(bob, "WBTC", WAD / 10n)), "no more of it is taken");
    await vault.connect(bob).withdraw(stage.accountOf(bob), token, 5_000_000n, bob);
    say("the cap of WBTC is 0: it goes out and not in");
  },
};
