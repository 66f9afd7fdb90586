import { expect } from "chai";

import { PPM, WAD } from "../../scripts/model/fixed.ts";
import { createFeeds, deployComposite, LEG_GAS, roundOf } from "../oracles/derived.ts";
import { ethers, still } from "../oracles/fixture.ts";
import { packSessions } from "../oracles/sources.ts";
import { floor } from "./exact.ts";

const DAY = 86_400n;

describe("rounding of prices that are computed, and of sessions", () => {
  it("composite price at each factor; rate of a share, its line, its price: down", async () => {
    const answers = [1_150_000_000_000_000_007n, 2_000_123_456_789_012_345_679n, 999_000_000_000_000_003n];
    const { world, feeds } = await createFeeds(...answers.map(() => ({ price: 1, decimals: 18 })));
    for (const [i, answer] of answers.entries()) await feeds[i]?.transmit(answer, world.now);
    const composite = await deployComposite(...feeds.map(({ proxy }) => ({ feed: proxy })));
    const product = answers.slice(1).reduce((price, answer) => floor(price * answer, WAD), answers[0] ?? 0n);
    expect((await roundOf(world, composite, world.now)).answer).to.equal(product);

    const { share, token, vault, start } = await createShare((await feeds[1]?.proxy.getAddress()) ?? "");
    const priced = async (at: number) => (await roundOf(world, share, at)).answer;
    const [, price = 0n] = answers;
    // Of a vault of two shares and five of its asset, each with one more that is nobody's.
    const rate = floor(WAD * (5n * WAD + 2n), 2n * WAD + 1n);
    expect(await vault.convertToAssets(WAD)).to.equal(rate);
    expect((await share.anchor()).rate).to.equal(rate);
    expect(await priced(start)).to.equal(floor(rate * price, WAD));

    await still(() => token.mint(vault, WAD));
    const line = rate + floor(rate * GROWTH * 7n, PPM * DAY);
    expect(await vault.convertToAssets(WAD)).to.be.greaterThan(line);
    expect(await priced(start + 7)).to.equal(floor(line * price, WAD));
  });

  it("start of a session; minute of the week: exact; down (a session ends at its minute's first second)", async () => {
    const probe = await ethers.deployContract("FeedSessionsProbe");
    const monday = Date.UTC(2024, 0, 1) / 1_000;
    const [opens, closes] = [BigInt(monday + 10 * 60), BigInt(monday + 20 * 60)];
    const never = 2n ** 256n - 1n;
    const times = [opens - 1n, opens, opens + 59n, closes - 1n, closes];
    expect([...(await probe.openedAt(packSessions([[10, 20]]), times))]).to.deep.equal([
      never,
      opens,
      opens,
      opens,
      never,
    ]);
  });
});

/** A day, 1e-6. */
const GROWTH = 1_000n;

/** A vault of two shares that are worth five of its asset and a wei, and its feed. */
async function createShare(feed: string) {
  const token = await still(() => ethers.deployContract("TestToken", ["Asset", "ASSET", 18]));
  const vault = await still(() => ethers.deployContract("TestVault", [token, 0]));
  const [owner] = await ethers.getSigners();
  if (owner === undefined) throw new Error("no signer");
  await still(() => token.mint(owner, 2n * WAD));
  await still(() => token.approve(vault, ethers.MaxUint256));
  await still(() => vault.deposit(2n * WAD, owner));
  await still(() => token.mint(vault, 3n * WAD + 1n));
  const input = { vault: await vault.getAddress(), feed, vaultGas: 40_000n, feedGas: LEG_GAS, maxGrowth: GROWTH };
  const share = await still(() => ethers.deployContract("ShareFeed", ["SHARE / USD", input]));
  const { time } = await share.anchor();
  return { share, token, vault, start: Number(time) };
}
