/** The judge of the keepers, on the real contracts, over blocks that are taken back. */
import { expect } from "chai";

import { Observer } from "../../scripts/keeperFaults/observer.ts";
import type { Protocol } from "../../scripts/replay/protocol.ts";
import { accountOf, ethers, funded, loadFixture, networkHelpers } from "../fixture.ts";
import { wad } from "../parameters.ts";

const ETH = 0;
const SIZE = wad("0.15");

/** An account near its maintenance, whose position is small enough to be closed whole. */
async function levered() {
  const world = await funded();
  const account = await world.fund(world.alice, wad("30"), 1n);
  const { parameters, clearingHouse, orders, oracle } = world;
  const protocol = {
    clearingHouse,
    orders,
    oracle,
    parameters: { assets: parameters.assets.map((listing) => ({ listing })) },
  } as unknown as Protocol;
  return { ...world, account, protocol };
}

async function watched() {
  const world = await loadFixture(levered);
  const { account, protocol } = world;
  const observer = await Observer.open(protocol, [account]);
  let next = (await ethers.provider.getBlockNumber()) + 1;
  /** Shows it all blocks that it has not seen; after blocks were taken back, those in their place. */
  const catchUp = async (from = next): Promise<void> => {
    const last = await ethers.provider.getBlockNumber();
    for (let number = from; number <= last; ++number) {
      const block = await ethers.provider.getBlock(number);
      await observer.see({ number, time: block?.timestamp ?? 0 });
    }
    next = last + 1;
  };
  await world.trade(account, ETH, SIZE);
  await catchUp();

  /** 8 % lower, in two rounds, as the jump limit wants it. */
  const fall = async (): Promise<void> => {
    const price = await world.priceOf(ETH);
    await world.setPrice(ETH, (price * 96n) / 100n);
    await world.oracle.update(1n);
    await world.setPrice(ETH, (price * 92n) / 100n);
  };
  const liquidate = async (): Promise<void> => {
    const { clearingHouse, keeper } = world;
    const reductions = [{ asset: ETH, delta: -SIZE }];
    await clearingHouse.connect(keeper).liquidate(account, reductions, [], accountOf(keeper));
  };
  return { ...world, observer, catchUp, fall, liquidate };
}

describe("observer of keepers", () => {
  it("sees how an order ended", async () => {
    const { observer, account } = await watched();
    const [life] = observer.ledger.orders().values();
    expect(life).to.include({ account, key: `${account}/0` });
    expect(life?.ends.map(({ how }) => how)).to.deep.equal(["filled"]);
  });

  it("knows from when to when an account could be liquidated, and that it was", async () => {
    const { observer, catchUp, fall, liquidate, account } = await watched();
    expect(observer.liquidatable).to.deep.equal([]);
    await fall();
    await catchUp();
    const from = await ethers.provider.getBlockNumber();
    expect(observer.liquidatable).to.deep.equal([account]);
    await liquidate();
    await catchUp();
    expect(observer.spells).to.deep.equal([{ account, from, to: from + 1, liquidated: true }]);
    expect(await observer.healthyLiquidations()).to.deep.equal([]);
  });

  it("does not take a recovery of the price for a liquidation", async () => {
    const { observer, catchUp, fall, setPrice, priceOf } = await watched();
    const price = await priceOf(ETH);
    await fall();
    await setPrice(ETH, (price * 99n) / 100n);
    await catchUp();
    expect(observer.spells.map(({ liquidated }) => liquidated)).to.deep.equal([false]);
  });

  it("knows that nothing can be liquidated while a halt and the grace after it last", async () => {
    const { observer, catchUp, fall, setPrice, priceOf, oracle, account } = await watched();
    await fall();
    await catchUp();
    const low = await priceOf(ETH);
    await setPrice(ETH, (low * 80n) / 100n);
    await oracle.update(1n);
    await catchUp();
    expect(observer.halts).to.equal(1);
    expect(observer.liquidatable).to.deep.equal([]);
    await setPrice(ETH, low);
    await oracle.update(1n);
    await catchUp();
    expect(observer.liquidatable).to.deep.equal([]);
    await networkHelpers.time.increase(3_600);
    await setPrice(ETH, low);
    await catchUp();
    expect(observer.liquidatable).to.deep.equal([account]);
  });

  it("forgets what was in blocks that are no more", async () => {
    const { observer, catchUp, fall, liquidate, account } = await watched();
    await fall();
    await catchUp();
    const before = await networkHelpers.takeSnapshot();
    const block = (await ethers.provider.getBlockNumber()) + 1;
    await networkHelpers.mine();
    await liquidate();
    await catchUp();
    await before.restore();
    await networkHelpers.mine();
    await catchUp(block);
    expect(observer.ledger.liquidations()).to.deep.equal([]);
    expect(observer.liquidatable).to.deep.equal([account]);
    expect(observer.spells).to.deep.equal([{ account, from: block - 1, to: undefined, liquidated: false }]);
  });

  it("agrees with the chain's own view, and notices where it does not", async () => {
    const { observer, catchUp, fall, lens, account } = await watched();
    await fall();
    await catchUp();
    const view = { health: async (ids: readonly string[]) => lens.health([...ids]) };
    expect(await observer.disagreements(view)).to.deep.equal([]);
    const sound = { health: async () => Promise.resolve([{ equity: 2n, maintenance: 1n }]) };
    expect(await observer.disagreements(sound)).to.deep.equal([account]);
  });
});
