import { expect } from "chai";

import { accountOf, ethers, funded, loadFixture, receiptOf, time } from "../fixture.ts";
import { ETH, Kind, percent, WBTC, WAD, wad } from "../parameters.ts";
import { byTime, deployPaidStreams, nextBlock } from "./don.ts";

const FEES = { nativeFee: 10n ** 15n, linkFee: 1n };
/** After those of the parameters, and the settlement token. */
const STREAMED = 6;

/** A market whose price is a stream's. */
async function streamed() {
  const world = await funded();
  const streams = await deployPaidStreams();
  const { oracle, orders, clearingHouse, parameters } = world;
  const relay = await ethers.deployContract("ReportRelay", [streams.reports, orders, clearingHouse]);
  const { don, reports, feed } = streams;
  await world.refresh();
  const now = await nextBlock();
  await reports.submit([don.report(now - 1, { price: wad("1800"), ...FEES })], { value: FEES.nativeFee });
  const [collateralOnly, market, limits] = [
    parameters.assets[WBTC],
    parameters.assets[ETH],
    parameters.feeds[ETH]?.limits,
  ];
  if (collateralOnly === undefined || market === undefined || limits === undefined) throw new Error("defaults changed");
  await oracle.list([{ proxy: await feed.getAddress(), kind: Kind.Stream, limits: { ...limits, jump: percent(4) } }]);
  await clearingHouse.listAssets([collateralOnly, market]);
  await oracle.update(1n << BigInt(STREAMED));
  return { world, relay, ...streams };
}

describe("ReportRelay.relay, an order and the report that it settles by", () => {
  async function pending() {
    const base = await loadFixture(streamed);
    const { world, don } = base;
    const { orders, alice, keeper } = world;
    const account = accountOf(alice);
    await world.clearingHouse.markPool();
    const { sequence } = await world.submit(account, STREAMED, WAD);
    const { boundary } = await orders.orderOf(account, sequence);
    const observed = Number(boundary) + 1;
    await time.increaseTo(observed);
    // Known before the report is stored.
    const round = byTime(observed);
    const report = don.report(observed, { validFrom: Number(boundary), price: wad("1810"), ...FEES });
    const hints = [{ round, before: 0n }];
    const data = orders.interface.encodeFunctionData("execute", [account, sequence, hints, accountOf(keeper)]);
    return { ...base, account, observed, round, report, call: { target: orders, data } };
  }

  it("are one transaction, at the report's price", async () => {
    const { world, relay, account, observed, report, call } = await pending();
    const { orders, clearingHouse, keeper } = world;
    await nextBlock();
    const receipt = await receiptOf(relay.connect(keeper).relay([report], [call], { value: FEES.nativeFee }));

    const find = (contract: typeof orders | typeof clearingHouse, name: string) =>
      receipt.logs.map((log) => contract.interface.parseLog(log)).find((event) => event?.name === name)?.args;
    expect(find(orders, "OrderFilled")?.getValue("settledAt")).to.equal(observed);
    expect(find(clearingHouse, "Fill")?.getValue("price")).to.equal(wad("1810"));
    expect((await clearingHouse.positionOf(account, STREAMED)).size).to.equal(WAD);
  });

  it("are nothing without the report", async () => {
    const { world, relay, round, call } = await pending();
    await nextBlock();

    const errors = await ethers.getContractAt("ChainlinkPush", ethers.ZeroAddress);
    await expect(relay.connect(world.keeper).relay([], [call]))
      .to.be.revertedWithCustomError(errors, "RoundMissing")
      .withArgs(STREAMED, round);
  });

  it("take the price along to what is read after", async () => {
    const { world, relay, report, call } = await pending();
    await nextBlock();
    await relay.connect(world.keeper).relay([report], [call], { value: FEES.nativeFee });

    const { price } = await world.oracle.stateOf(STREAMED);
    expect(price).to.equal(wad("1810"));
  });
});
