import { expect } from "chai";

import { type Account, accountOf, receiptOf, time } from "../fixture.ts";
import { cashOf, expectConserved, load } from "../clearing/support.ts";
import { BTC, ETH, SOL, USDC, wad } from "../parameters.ts";
import { diverse, untouched } from "./support.ts";

type WithLens = Awaited<ReturnType<typeof untouched>>;
interface Leg {
  asset: number;
  delta: bigint;
}

describe("Lens.preview", () => {
  afterEach(expectConserved);

  const orders: [string, Leg[], boolean][] = [
    ["opening", [{ asset: 3, delta: wad("100.7") }], false],
    ["growing", [{ asset: ETH, delta: wad("-12.3456789") }], false],
    ["closing a part", [{ asset: ETH, delta: wad("33.333333333333333333") }], false],
    ["flipping", [{ asset: BTC, delta: wad("-9") }], false],
    ["closing all and more, reduce-only", [{ asset: SOL, delta: wad("5000") }], true],
    [
      "a basket",
      [
        { asset: ETH, delta: wad("-10.1") },
        { asset: BTC, delta: wad("0.77") },
        { asset: SOL, delta: wad("2000") },
      ],
      false,
    ],
  ];
  for (const [what, legs, reduceOnly] of orders) {
    it(`of ${what} has the fills, the cash and the requirements of the execution`, async () => {
      const world = await load(diverse);
      const { lens, clearingHouse, account } = world;
      const order = await settled(world, account, legs, reduceOnly);

      const preview = await lens.preview.staticCall(account, unpriced(legs), reduceOnly, { blockTag: "pending" });
      expect([preview.accepted, preview.refusal]).to.deep.equal([true, "0x"]);
      const receipt = await receiptOf(order.execute());
      const logs = receipt.logs.map((log) => clearingHouse.interface.parseLog(log));
      const fills = logs
        .filter((event) => event?.name === "Fill")
        .map((event) =>
          ["asset", "delta", "quote", "realised", "fee"].map((name) => event?.args.getValue(name) as bigint),
        );
      expect(preview.fills.map((fill) => [...fill])).to.deep.equal(fills);
      const closed = logs.find((event) => event?.name === "OrderClosed")?.args;
      expect(preview.cash + (closed?.getValue("released") as bigint)).to.equal(await cashOf(world, account));
      const { initial, maintenance, initialEquity } = await lens.account(account);
      expect([preview.initial, preview.maintenance]).to.deep.equal([initial, maintenance]);
      expect(preview.initialEquity + (closed?.getValue("released") as bigint)).to.equal(initialEquity);
    });
  }

  const refusals: [string, string, Leg][] = [
    ["margin", "InsufficientMargin", { asset: ETH, delta: wad("1200") }],
    ["skew", "SkewExceeded", { asset: ETH, delta: wad("2200") }],
    ["open interest", "OpenInterestExceeded", { asset: ETH, delta: wad("2700") }],
    ["size", "PositionTooSmall", { asset: SOL, delta: wad("0.1") }],
  ];
  for (const [what, error, leg] of refusals) {
    it(`has the error of an execution that is refused for ${what}`, async () => {
      const world = await load(untouched);
      const { lens, clearingHouse, trade, alice } = world;
      const account = accountOf(alice);

      const { accepted, refusal } = await lens.preview.staticCall(account, unpriced([leg]), false);
      expect([accepted, clearingHouse.interface.parseError(refusal)?.name]).to.deep.equal([false, error]);
      const { outcome, cause } = await trade(account, leg.asset, leg.delta);
      expect([outcome, cause]).to.deep.equal(["Cancelled", error]);
    });
  }

  it("has the very error of an execution that reverts", async () => {
    const world = await load(untouched);
    const { lens, clearingHouse, setPrice, oracle, alice } = world;
    const account = accountOf(alice);
    const legs = [{ asset: ETH, delta: wad("1") }];
    const order = await settled(world, account, legs, false);
    await setPrice(USDC, wad("0.97"));
    await oracle.update(1n << BigInt(USDC));

    const { accepted, refusal } = await lens.preview.staticCall(account, unpriced(legs), false);
    const error = clearingHouse.interface.parseError(refusal);
    expect([accepted, error?.args.toArray()]).to.deep.equal([false, [account, 0n, 2n]]);
    await expect(order.execute())
      .to.be.revertedWithCustomError(clearingHouse, error?.name ?? "")
      .withArgs(account, 0n, 2n);
  });

  it("has the error of an order that has nothing to reduce", async () => {
    const { lens, clearingHouse, alice } = await load(untouched);
    const account = accountOf(alice);

    const { refusal } = await lens.preview.staticCall(account, unpriced([{ asset: ETH, delta: wad("1") }]), true);
    const error = clearingHouse.interface.parseError(refusal);
    expect([error?.name, error?.args.toArray()]).to.deep.equal([
      "NothingToReduce",
      [account, BigInt(ETH), 0n, wad("1")],
    ]);
  });

  it("refuses an asset that no set can hold", async () => {
    const { lens, clearingHouse, account } = await load(diverse);
    const legs = [{ asset: 256n + BigInt(ETH), delta: wad("1"), price: 0n }];

    await expect(lens.preview.staticCall(account, legs, false))
      .to.be.revertedWithCustomError(clearingHouse, "UnknownMarket")
      .withArgs(256n + BigInt(ETH));
  });

  it("changes nothing, even as a transaction", async () => {
    const { lens, clearingHouse, alice } = await load(untouched);
    const account = accountOf(alice);
    const before = await clearingHouse.accountOf(account);

    await lens.preview(account, unpriced([{ asset: ETH, delta: wad("10") }]), false);
    expect(await clearingHouse.accountOf(account)).to.deep.equal(before);
    expect((await clearingHouse.positionOf(account, ETH)).size).to.equal(0n);
  });
});

function unpriced(legs: Leg[]) {
  return legs.map((leg) => ({ ...leg, price: 0n }));
}

/** An order whose rounds are there, and its execution in the next second. */
async function settled(world: WithLens, account: Account, legs: Leg[], reduceOnly: boolean) {
  const { orders, clearingHouse, keeper, alice, hintFor, setPrice, tick } = world;
  const { sequence } = await clearingHouse.accountOf(account);
  const [leg] = legs;
  if (leg === undefined) throw new Error("no leg");
  await tick();
  if (legs.length === 1) {
    await orders.connect(alice).submit(account, { ...leg, acceptablePrice: 0n, reduceOnly, expiry: 0 });
  } else {
    await orders.connect(alice).submitBasket(account, legs, reduceOnly, 0);
  }
  const { boundary } = await orders.orderOf(account, sequence);
  await time.increaseTo(boundary);
  for (const { asset } of legs) await setPrice(asset);
  const hints: Awaited<ReturnType<typeof hintFor>>[] = [];
  for (const { asset } of legs) hints.push(await hintFor(asset, boundary));
  await tick();
  return { execute: () => orders.connect(keeper).execute(account, sequence, hints, accountOf(keeper)) };
}
