/** A composite price in the whole protocol: wstETH as collateral, priced through its market, its rate and ETH / USD. */
import { expect } from "chai";

import { accountOf, deploy, ethers, loadFixture, time } from "../fixture.ts";
import { BTC, DAY, ETH, HOUR, Kind, MINUTE, percent, wad, WAD } from "../parameters.ts";
import { SIDES } from "./derived.ts";

const WSTETH = 6;
const WSTETH_TOKEN = 2;
const HELD = wad("100");
/** Refusals by their place in the enum. */
const [NONE, MISSING, STALE] = [0n, 1n, 4n];
const SPREAD = percent(10);
const DEAD_AFTER = 2 * DAY;
const SLOW = DAY + HOUR;

async function deployLeg(description: string, answer: bigint) {
  const aggregator = await ethers.deployContract("AccessListAggregator", [18, description, false]);
  const proxy = await ethers.deployContract("EACAggregatorProxy", [aggregator, ethers.ZeroAddress]);
  await aggregator.addAccess(proxy);
  const write = async (value: bigint) => {
    const at = (await time.latest()) + 1;
    await time.setNextBlockTimestamp(at);
    await aggregator.transmit(value, at, at);
  };
  await write(answer);
  return { aggregator, proxy, write };
}

/** Alice has 100 wstETH at 1.15 × 1,800 USD, and nothing else; bob and the pool have cash. */
async function staked() {
  const world = await deploy();
  const { oracle, clearingHouse, vault, parameters, alice } = world;
  const market = await deployLeg("WSTETH / ETH", wad("1.15"));
  const rate = await deployLeg("wstETH / stETH Exchange Rate", wad("1.151"));
  const peg = await deployLeg("STETH / ETH", wad("1"));
  const usd = world.feedOf(ETH);
  const gasLimit = 25_000;
  const legs = [
    { feed: await market.proxy.getAddress(), side: SIDES.Market, maxAge: SLOW, gasLimit },
    { feed: await usd.proxy.getAddress(), side: SIDES.Both, maxAge: HOUR + 5 * MINUTE, gasLimit },
    { feed: await rate.proxy.getAddress(), side: SIDES.Rate, maxAge: SLOW, gasLimit },
    { feed: await peg.proxy.getAddress(), side: SIDES.Rate, maxAge: SLOW, gasLimit },
  ];
  const composite = await ethers.deployContract("CompositeFeed", ["WSTETH / USD", legs]);
  const limits = {
    maxAge: Number(await composite.maxAge()),
    window: DAY,
    jump: percent(20),
    spread: SPREAD,
    deadAfter: DEAD_AFTER,
    minAnswer: wad("10"),
    maxAnswer: wad("100000"),
  };
  await world.setPrice(ETH);
  await oracle.list([{ proxy: await composite.getAddress(), kind: Kind.Derived, limits }]);

  // USDC and wstETH, both collateral only; the one is listed so that the other has its index.
  const listing = parameters.assets[4];
  if (listing === undefined) throw new Error("no collateral listing");
  await clearingHouse.listAssets([listing, { ...listing, lotExponent: 15 }]);
  await clearingHouse.listCollateral(WSTETH, percent(1), 15);
  const token = await ethers.deployContract("TestToken", ["Wrapped liquid staked Ether", "wstETH", 18]);
  await vault.list(token, 10_000n * WAD, 0n);

  await world.poolDeposit(world.provider, wad("10_000_000"));
  const account = accountOf(alice);
  await token.mint(alice, HELD);
  await token.connect(alice).approve(vault, ethers.MaxUint256);
  await vault.connect(alice).deposit(account, WSTETH_TOKEN, HELD);
  const slow = [market, rate, peg];
  /** New rounds of all feeds but those named, at their last answers. */
  async function beat(...silent: typeof slow) {
    await world.refresh();
    for (const feed of slow) {
      if (!silent.includes(feed)) await feed.write(await feed.aggregator.latestAnswer());
    }
  }
  async function holding() {
    const { holdings } = await world.lens.account(account);
    const held = holdings.find(({ asset }) => asset === BigInt(WSTETH));
    if (held === undefined) throw new Error("no wstETH");
    return held;
  }
  await beat();
  await oracle.update(1n << BigInt(WSTETH));
  return { ...world, market, rate, peg, composite, account, beat, holding, token };
}

describe("Protocol with a composite price", () => {
  it("counts the token as collateral at the market's price, and a position opens on it alone", async () => {
    const world = await loadFixture(staked);
    const { refusal, priceLow, collateral } = await world.holding();
    expect([refusal, priceLow, collateral]).to.deep.equal([NONE, wad("2070"), HELD]);

    const { outcome } = await world.trade(world.account, BTC, wad("2"));
    expect(outcome).to.equal("Filled");
  });

  it("lowers it at once when the market's leg loses its peg", async () => {
    const world = await loadFixture(staked);
    const before = (await world.lens.account(world.account)).initialEquity;
    await world.market.write(wad("1.035"));

    const { priceLow, priceHigh } = await world.holding();
    expect([priceLow, priceHigh]).to.deep.equal([wad("1863"), wad("1863")]);
    expect((await world.lens.account(world.account)).initialEquity).to.equal(before - wad("20700"));
  });

  it("lowers it at once when what it redeems for loses its peg, though its own market feed has not moved", async () => {
    const world = await loadFixture(staked);
    await world.peg.write(wad("0.9"));

    expect((await world.holding()).priceLow).to.equal((wad("1.151") * 9n * 1_800n) / 10n);
  });

  it("does not raise it above the rate when the market pays more", async () => {
    const world = await loadFixture(staked);
    await world.market.write(wad("1.3"));

    expect((await world.holding()).priceLow).to.equal(wad("1.151") * 1_800n);
  });

  it("makes it an interval when one leg is stale, with all others fresh", async () => {
    const world = await loadFixture(staked);
    await world.advance(SLOW + MINUTE);
    await world.beat(world.peg);

    const { refusal, priceLow, priceHigh } = await world.holding();
    expect([refusal, priceLow, priceHigh]).to.deep.equal([STALE, wad("1863"), wad("2277")]);
  });

  it("refuses a withdrawal while a leg is stale that it would pay while all are live", async () => {
    const world = await loadFixture(staked);
    expect((await world.trade(world.account, BTC, wad("20"))).outcome).to.equal("Filled");
    await world.beat();
    const { vault, alice, account, clearingHouse } = world;
    const withdraw = () => vault.connect(alice).withdraw.staticCall(account, WSTETH_TOKEN, wad("80"), alice.address);
    await withdraw();
    await world.advance(SLOW + MINUTE);
    await world.beat(world.peg);

    await expect(withdraw()).to.be.revertedWithCustomError(clearingHouse, "InsufficientMargin");
  });

  it("makes it an interval when a leg is gone, and nothing once it has been gone for long", async () => {
    const world = await loadFixture(staked);
    const dead = await ethers.deployContract("AccessListAggregator", [18, "STETH / ETH", true]);
    await dead.addAccess(world.peg.proxy);
    await world.peg.proxy.proposeAggregator(dead);
    await world.peg.proxy.confirmAggregator(dead);
    const { updatedAt } = await world.oracle.stateOf(WSTETH);

    await world.beat(world.peg);
    expect((await world.holding()).refusal).to.equal(MISSING);
    await time.increaseTo(Number(updatedAt) + DEAD_AFTER - 100);
    await world.beat(world.peg);
    expect((await world.holding()).collateral).to.equal(HELD);
    expect((await world.lens.account(world.account)).collateralValue > 0n).to.equal(true);

    await time.increaseTo(Number(updatedAt) + DEAD_AFTER + 1);
    await world.beat(world.peg);
    expect((await world.lens.account(world.account)).collateralValue).to.equal(0n);
    await expect(world.submit(world.account, BTC, wad("0.1"))).to.be.revertedWithCustomError(
      world.clearingHouse,
      "InsufficientMargin",
    );
  });

  it("counts it again once the leg is back", async () => {
    const world = await loadFixture(staked);
    await world.advance(SLOW + MINUTE);
    await world.beat(world.peg);
    expect((await world.holding()).refusal).to.equal(STALE);
    await world.beat();

    const { refusal, priceLow } = await world.holding();
    expect([refusal, priceLow]).to.deep.equal([NONE, wad("2070")]);
  });
});
