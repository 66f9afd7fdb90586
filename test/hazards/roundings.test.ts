import { expect } from "chai";

import { abs } from "../../scripts/model/fixed.ts";
import { decodeFunding, type Funding } from "../../scripts/model/funding.ts";
import { frozen } from "../clearing/scenarios.ts";
import { now, sizeOf } from "../clearing/support.ts";
import { type Account, accountOf, deploy, loadFixture, time, type World } from "../fixture.ts";
import { BTC, DAY, ETH, HOUR, type Parameters, percent, SETTLEMENT, wad, WAD, WETH_TOKEN } from "../parameters.ts";
import { nextInterval, requestRedeem } from "../pool/helpers.ts";
import { deleveraged } from "../rounding/crowds.ts";
import { indebtedWith } from "../waterfall/scenarios.ts";
import { marginOf, movePrice, poolWorthOf, worthOf } from "./support.ts";

/** Calls of one transaction. */
const BATCH = 50;

/**
 * Ten thousand operations in all, each of which rounds, at prices that stand still and with nothing charged: no fee, no pay,
 * no discount, and of a penalty all to the liquidator, who is the attacker. So what the others gain is the roundings alone.
 * The rows of the table in docs/protocol.md that an attack goes through stand above it.
 */
describe("hazard 26: a rounding in the user's favour is taken ten thousand times", () => {
  // Quote of a fill; realised.
  it("2,000 fills of a few wei and of odd sizes, opened and closed, leave their roundings with the pool", async () => {
    const world = await loadFixture(free);
    const { alice, orders } = world;
    const accounts: Account[] = [];
    for (let i = 0; i < 40; i++) accounts.push(await world.fund(alice, wad("10_000"), BigInt(i)));
    const own = await worthOf(world, ...accounts);
    let fills = 0;
    const gained = await gainOf(world, async () => {
      for (let round = 0; round < 50; round++) {
        const sign = round % 2 === 0 ? 1n : -1n;
        const price = wad("1799.12345679") + BigInt(round - (round % 2)) * 10n ** 10n;
        const calls = accounts.map((account, i) => {
          const odd = BigInt((round - (round % 2)) * 37 + i * 101 + 1);
          const delta = sign * (i % 2 === 0 ? odd : wad("0.1") + odd * 1_234_567_891n);
          const input = { asset: ETH, delta, acceptablePrice: 0n, reduceOnly: false, expiry: 0 };
          return orders.interface.encodeFunctionData("submit", [account, input]);
        });
        await world.tick();
        await orders.connect(alice).multicall(calls);
        const sequence = BigInt(round);
        const { boundary } = await orders.orderOf(accounts[0] ?? "", sequence);
        await time.increaseTo(boundary);
        await world.setPrice(ETH, price);
        const hints = [await world.hintFor(ETH, boundary)];
        await world.tick();
        const items = accounts.map((account) => ({ account, sequence, hints }));
        await orders.executeBatch(items, accountOf(alice));
        if (round % 10 === 9) await world.clearingHouse.markPool();
      }
    });
    for (const account of accounts) {
      fills += (await world.clearingHouse.queryFilter(world.clearingHouse.filters.Fill(account))).length;
    }

    expect(fills).to.equal(2_000);
    expectKept(gained, { times: 2_000, about: 500 });
    expect((await worthOf(world, ...accounts)) - own).to.be.at.most(-gained + 2n);
  });

  // Units written, what they are worth beyond the size, quote written, value through an index; quote of a fill.
  it("2,000 liquidations of a few wei each of a position through its index leave their roundings with the pool", async () => {
    const world = await loadFixture(unhealthy);
    const { alice, account, clearingHouse, own } = world;
    const { interface: encoder } = clearingHouse;
    const before = await sizeOf(world, account, ETH);
    const gained = await gainOf(world, () =>
      inBatches(
        2_000,
        (i) => encoder.encodeFunctionData("liquidate", [account, [sliceOf(i)], [], own]),
        (calls) => clearingHouse.connect(alice).multicall(calls),
      ),
    );

    expect(before - (await sizeOf(world, account, ETH))).to.equal(sumOf(2_000, (i) => 1 + (i % 97)));
    expectKept(gained, { times: 2_000, about: 1_800 });
  });

  // The same, and the price of a slice that is taken over.
  it("2,000 takeovers of a few wei each by another account of the same owner leave their roundings with the pool", async () => {
    const world = await loadFixture(unhealthy);
    const { alice, account, clearingHouse, own } = world;
    const { interface: encoder } = clearingHouse;
    const gained = await gainOf(world, () =>
      inBatches(
        2_000,
        (i) => encoder.encodeFunctionData("takeOver", [account, [sliceOf(i)], own]),
        (calls) => clearingHouse.connect(alice).multicall(calls),
      ),
    );

    expect(await sizeOf(world, own, ETH)).to.equal(sumOf(2_000, (i) => 1 + (i % 97)));
    expectKept(gained, { times: 2_000, about: 3_100 });
  });

  // Debt of an account, its shares, debts as the pool counts them.
  it("1,500 payments of a few wei to debts and 500 losses realised into them leave their roundings with the pool", async () => {
    const world = await loadFixture(borrowers);
    const { alice, clearingHouse, accounts, own } = world;
    const { interface: encoder } = clearingHouse;
    const paid = await gainOf(world, () =>
      inBatches(
        1_500,
        (i) =>
          encoder.encodeFunctionData("transfer", [own, accounts[i % accounts.length] ?? "", SETTLEMENT, 1 + (i % 7)]),
        (calls) => clearingHouse.connect(alice).multicall(calls),
      ),
    );
    expectKept(paid, { times: 1_500, about: 1_100 });

    let realised = 0n;
    for (let round = 1; round <= 25; round++) {
      await world.setPrice(BTC, wad("26_500") - BigInt(round) * 37n * 10n ** 10n);
      await world.oracle.update(1n << BigInt(BTC));
      const calls = accounts.map((account) => encoder.encodeFunctionData("realise", [account]));
      realised += await gainOf(world, () => clearingHouse.multicall(calls));
    }
    const losses = await clearingHouse.queryFilter(clearingHouse.filters.LossRealised(), "latest");
    expect(losses).to.have.length(accounts.length);
    expectKept(realised, { times: 25 * accounts.length, about: 1_700 });
  });

  // Proceeds of sold collateral.
  it("1,000 sales of a few wei of collateral leave their roundings with whose collateral it was", async () => {
    const world = await loadFixture(converted);
    const { bob, clearingHouse, account, other } = world;
    const { interface: encoder } = clearingHouse;
    const gained = await gainOf(
      world,
      () =>
        inBatches(
          1_000,
          (i) => encoder.encodeFunctionData("convert", [account, [{ token: WETH_TOKEN, amount: 1 + (i % 7) }], other]),
          (calls) => clearingHouse.connect(bob).multicall(calls),
        ),
      account,
    );

    expect(await clearingHouse.collateralOf(other, WETH_TOKEN)).to.equal(sumOf(1_000, (i) => 1 + (i % 7)));
    expectKept(gained, { times: 1_000, about: 500 });
  });

  // What a claim gets; what an exact claim takes.
  it("1,000 claims of a unit each get no more than their part of the batch", async () => {
    const world = await loadFixture(settled);
    const { pool, bob, provider } = world;
    const [assets, shares] = [await pool.maxDeposit(bob), await pool.maxMint(bob)];
    for (let i = 0; i < 500; i++) await pool.connect(bob)["deposit(uint256,address)"](1, bob);
    const minted = await pool.balanceOf(bob);
    expect((minted + 500n) * assets).to.be.greaterThan(500n * shares);
    expect(minted * assets).to.be.lessThan(500n * shares);

    const [put, due] = [await pool.maxRedeem(provider), await pool.maxWithdraw(provider)];
    for (let i = 0; i < 500; i++) await pool.connect(provider).withdraw(1, provider, provider);
    const taken = put - (await pool.maxRedeem(provider));
    expect((taken - 500n) * due).to.be.lessThan(500n * put);
    expect(taken * due).to.be.greaterThan(500n * put);
  });

  // Funding step, velocity. The long side gains by these, at most what the bound says for each unit of its size.
  it("200 accruals of funding, each forced by a fill of a wei, move the index by no more than their roundings from what is exact", async () => {
    const world = await loadFixture(paying);
    const { alice, clearingHouse, orders } = world;
    const poker = accountOf(alice, 1n);
    const price = await world.priceOf(ETH);
    const day = BigInt(DAY);
    const first = await fundingOf(world);
    let last = first;
    // Rate in WAD/day, what the index has grown by in WAD²·2·day².
    let [rate, grown] = [first.rate * day, 0n];
    for (let sequence = 0n; sequence < 200n; sequence++) {
      const delta = sequence % 2n === 0n ? 1n : -1n;
      if (sequence % 20n === 0n) await clearingHouse.markPool();
      await world.tick();
      await orders
        .connect(alice)
        .submit(poker, { asset: ETH, delta, acceptablePrice: 0n, reduceOnly: false, expiry: 0 });
      await world.execute(poker, sequence, await world.settle(poker, sequence));
      const next = await fundingOf(world);
      const elapsed = next.time - last.time;
      grown += (2n * rate + last.velocity * elapsed) * elapsed * price;
      rate += last.velocity * elapsed;
      last = next;
    }
    const elapsed = last.time - first.time;
    const scale = 2n * day * day * WAD;
    const drift = grown - (last.index - first.index) * scale;

    expect(abs(last.rate)).to.be.lessThan(BigInt(world.parameters.assets[ETH]?.maxFundingRate ?? 0) * 10n ** 9n);
    // A wei of the index each, and a wei of the rate for as long as there is.
    const most = 200n * (scale + 2n * day * elapsed * price);
    expect(drift).to.be.within(most / 20n, most);
  });
});

/** What an operation leaves with others is `about` so many thousandths of a wei on average, give or take a quarter of a wei.
 * Any of its roundings the other way would move that by a wei, or by half of one where every other operation has it. */
function expectKept(gained: bigint, { times, about }: { times: number; about: number }): void {
  const average = (gained * 1_000n) / BigInt(times);
  expect(average, "what an operation leaves with others").to.be.within(about - 250, about + 250);
}

/** What pool, insurance, protocol and `accounts` gain by an action, WAD; a wei or two apart by how they are read. */
async function gainOf(world: World, act: () => Promise<unknown>, ...accounts: Account[]): Promise<bigint> {
  const theirs = async () => {
    const { insurance, protocolFees } = await world.clearingHouse.balances();
    return (await poolWorthOf(world)) + insurance + protocolFees + (await worthOf(world, ...accounts));
  };
  const before = await theirs();
  await act();
  return (await theirs()) - before;
}

/** Sends so many calls, in transactions of `BATCH`. */
async function inBatches(
  times: number,
  callOf: (i: number) => string,
  send: (calls: string[]) => Promise<unknown>,
): Promise<void> {
  for (let start = 0; start < times; start += BATCH) {
    const length = Math.min(BATCH, times - start);
    await send(Array.from({ length }, (_, i) => callOf(start + i)));
  }
}

/** Of a long position of ETH a few wei. */
function sliceOf(i: number): { asset: number; delta: number } {
  return { asset: ETH, delta: -1 - (i % 97) };
}

function sumOf(times: number, of: (i: number) => number): bigint {
  let sum = 0;
  for (let i = 0; i < times; i++) sum += of(i);
  return BigInt(sum);
}

/** Nothing is charged that stays away: no fee, keepers are not paid, a penalty is all the liquidator's. Nothing is too small. */
function uncharged({ assets, collateral, globals, money, orders }: Parameters): void {
  for (const asset of assets) [asset.takerFee, asset.makerFee] = [0, 0];
  for (const token of collateral) token.saleDiscount = 0;
  [globals.liquidatorShare, globals.takeoverDiscount] = [percent(100), 0];
  money.minNotional = 0;
  [orders.fixedPay, orders.tip] = [0n, 0n];
  [orders.singleGas, orders.basketGas, orders.legGas, orders.pokeGas, orders.refundGas] = [0n, 0n, 0n, 0n, 0n];
}

function free() {
  return frozen(uncharged);
}

type Unhealthy = World & { account: Account; own: Account };

/** Alice, long on a side that has been deleveraged and cut, below her maintenance requirement; another account of hers. */
async function unhealthy(): Promise<Unhealthy> {
  const world = await deleveraged({ long: true, adapt: uncharged });
  const { account, alice, clearingHouse } = world;
  await movePrice(world, ETH, wad("2_500.12345678"));
  await clearingHouse.cutProfits();
  const own = await world.fund(alice, wad("300_000"), 1n);
  let price = wad("2_500.12345678");
  while ((await marginOf(world, account)) > 0n) {
    price = ((price * 98n) / 100n / 10n ** 10n) * 10n ** 10n;
    await movePrice(world, ETH, price);
  }
  await time.increase(HOUR); // the grace after the deleveraging
  await world.refresh();
  const { scale, profitScale } = await clearingHouse.sideOf(ETH, true);
  expect([scale < 2n ** 64n, profitScale < 2n ** 64n]).to.deep.equal([true, true]);
  return { ...world, account, own };
}

/** Twenty accounts of alice, each with 10 WETH, a BTC that has lost 2,500 and the debt that came of it; a share of debt is no
 * whole number any more, and stands still. Another account of hers has cash. */
async function borrowers(): Promise<World & { accounts: Account[]; own: Account }> {
  const world = await deploy((parameters) => {
    uncharged(parameters);
    for (const asset of parameters.assets) [asset.maxFundingRate, asset.fundingVelocity] = [0, 0];
    const { money } = parameters;
    [money.borrowKink, money.borrowRateKink, money.borrowRateFull] = [percent(10), percent(400), percent(400)];
  });
  const { alice, clearingHouse, parameters } = world;
  await world.poolDeposit(world.provider, wad("1_000_000"));
  const own = await world.fund(alice, wad("1_000"), 99n);
  const accounts: Account[] = [];
  for (let i = 0; i < 20; i++) {
    const account = await world.fundCollateral(alice, WETH_TOKEN, wad("10"), BigInt(i));
    await world.trade(account, BTC, wad("1") + BigInt(i * 7 + 1));
    accounts.push(account);
  }
  await movePrice(world, BTC, wad("26_500"));
  for (const account of accounts) await clearingHouse.realise(account);
  await time.increase(100 * DAY);
  await world.refresh();
  await clearingHouse.setMoney({ ...parameters.money, borrowRateKink: 0, borrowRateFull: 0 });
  const { debtShares, lent } = await clearingHouse.ledger();
  expect(lent).to.be.within((debtShares * 12n) / 10n, (debtShares * 19n) / 10n);
  return { ...world, accounts, own };
}

/** Carol owes more than her collateral may stand for. */
async function converted() {
  const world = await indebtedWith(uncharged);
  await world.setPrice(ETH, wad("1799.12345678"));
  await world.oracle.update(1n << BigInt(ETH));
  return world;
}

/** Bob's deposit of a dollar and the provider's redemption of ten are settled at a price that is not round. */
async function settled() {
  const world = await frozen();
  await world.trade(accountOf(world.alice), ETH, wad("500.000000000000000003"));
  await world.setPrice(ETH, wad("1801.00000003"));
  await nextInterval();
  const batch = await world.requestDeposit(world.bob, wad("1"));
  expect(await requestRedeem(world, world.provider, wad("10.000000000000000001"))).to.equal(batch);
  await world.mature(batch);
  await world.pool.fulfill(batch);
  return world;
}

/** Bob is long and pays funding; another account of alice has what it needs for orders of a wei. */
async function paying() {
  const world = await deploy(uncharged);
  await world.poolDeposit(world.provider, wad("10_000_000"));
  await world.fund(world.alice, wad("1_000"), 1n);
  await world.fund(world.bob, wad("100_000"));
  await world.setPrice(ETH, wad("1799.12345679"));
  await world.trade(accountOf(world.bob), ETH, wad("400.000000000000000007"));
  await time.increaseTo((await now()) + 1n);
  return world;
}

async function fundingOf({ clearingHouse }: World): Promise<Funding> {
  return decodeFunding((await clearingHouse.marketOf(ETH)).funding);
}
