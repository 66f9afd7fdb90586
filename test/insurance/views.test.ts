import { expect } from "chai";

import { UNATTRIBUTED } from "../../scripts/model/deficit.ts";
import { expectConserved, load } from "../clearing/support.ts";
import { accountOf, empty, ethers, time } from "../fixture.ts";
import { wad, WETH_TOKEN } from "../parameters.ts";
import { insolvent, insolventPool, rich, seize } from "./support.ts";

describe("InsuranceFund views", () => {
  afterEach(expectConserved);

  it("measure the balance against the target", async () => {
    const { insuranceFund } = await load(rich);

    expect(await insuranceFund.balance()).to.equal(wad("650_000"));
    expect(await insuranceFund.targetBalance()).to.equal(wad("500_000"));
    expect(await insuranceFund.surplus()).to.equal(wad("150_000"));
    expect(await insuranceFund.coverage()).to.equal(wad("1.3"));
  });

  it("have no surplus below the target", async () => {
    const { insuranceFund, clearingHouse } = await load(rich);
    await insuranceFund.setTargetShare(100_000);

    expect(await insuranceFund.surplus()).to.equal(0n);
    expect(await insuranceFund.coverage()).to.equal(wad("0.65"));
    expect((await clearingHouse.ledger()).insurance).to.equal(wad("650_000"));
  });

  it("have no target without a pool, nor with one in the red", async () => {
    const nobody = await load(empty);
    expect(await nobody.insuranceFund.targetBalance()).to.equal(0n);
    expect(await nobody.insuranceFund.coverage()).to.equal(ethers.MaxUint256);

    const { insuranceFund } = await load(insolventPool);
    expect(await insuranceFund.targetBalance()).to.equal(0n);
  });

  it("say what insurance still pays for each market, and for none", async () => {
    const { insuranceFund, parameters } = await load(rich);
    const rooms = await insuranceFund.rooms();

    expect(rooms.map(({ market, room, cap }) => [market, room, cap])).to.deep.equal([
      ...parameters.assets.map(({ insuranceCap }, asset) => [BigInt(asset), insuranceCap, insuranceCap]),
      [BigInt(UNATTRIBUTED), wad("50_000"), wad("50_000")],
    ]);
  });

  it("show what a deficit has taken of the room, until it has leaked away", async () => {
    const world = await load(insolvent);
    const { insuranceFund, account, bob, advance } = world;
    await insuranceFund.connect(bob).contribute(accountOf(bob), wad("50_000"));
    await seize(world, account);

    const unattributed = async () => (await insuranceFund.rooms()).at(-1);
    const taken = wad("50_000") - ((await unattributed())?.room ?? 0n);
    expect(taken).to.be.greaterThan(0n);
    await advance(86_400);
    expect((await unattributed())?.room).to.equal(wad("50_000"));
  });

  it("list collateral that was seized and is not sold", async () => {
    const world = await load(insolvent);
    const { clearingHouse, insuranceFund, account, bob } = world;
    expect(await insuranceFund.inventory()).to.deep.equal([]);
    await seize(world, account);
    const since = BigInt(await time.latest());

    const { seizedOwed } = await clearingHouse.ledger();
    expect(await insuranceFund.inventory()).to.deep.equal([[BigInt(WETH_TOKEN), wad("10"), seizedOwed, since]]);
    await clearingHouse.connect(bob).buySeized({ token: WETH_TOKEN, amount: wad("10") }, accountOf(bob));
    expect(await insuranceFund.inventory()).to.deep.equal([]);
  });
});
