import { expect } from "chai";

import { expectConserved, load } from "../clearing/support.ts";
import { accountOf, ethers } from "../fixture.ts";
import { insolvent } from "../insurance/support.ts";
import { BTC, ETH, HOUR, wad, WETH_TOKEN } from "../parameters.ts";
import { cut, hedged, indebted, outright, overdrawn, seizable, type Subject } from "./standings.ts";
import { untouched } from "./support.ts";

const NONE = { liquidatable: false, graced: false, convertible: false, insolvent: false, owing: false };
const LIQUIDATABLE = { ...NONE, liquidatable: true };
const CONVERTIBLE = { ...NONE, convertible: true };
const LOT = { token: WETH_TOKEN, amount: wad("0.001") };

interface Case {
  readonly what: string;
  readonly arrange: () => Promise<Subject>;
  readonly then?: (world: Subject) => Promise<unknown>;
  readonly standing: typeof NONE;
}

const CASES: Case[] = [
  { what: "a healthy account", arrange: outright, then: (w) => w.setPrice(ETH, wad("1_800")), standing: NONE },
  { what: "an unhealthy account", arrange: outright, standing: LIQUIDATABLE },
  { what: "a hedged account", arrange: hedged, standing: LIQUIDATABLE },
  {
    what: "an unhealthy account of which nothing may be closed now",
    arrange: outright,
    then: async (world) => {
      await world.setPrice(ETH, wad("1_500"));
      await world.oracle.update(1n << BigInt(ETH));
      await world.advance(2 * HOUR);
    },
    standing: { ...NONE, insolvent: true },
  },
  {
    what: "an unhealthy account while the sequencer is down",
    arrange: outright,
    then: ({ setSequencer }) => setSequencer(false),
    standing: NONE,
  },
  {
    what: "an insolvent account",
    arrange: insolvent,
    standing: { ...LIQUIDATABLE, convertible: true, insolvent: true },
  },
  {
    what: "an insolvent account that has been found",
    arrange: seizable,
    standing: { ...LIQUIDATABLE, convertible: true, insolvent: true },
  },
  {
    what: "an account in the red that has a position left",
    arrange: reddish,
    standing: { ...LIQUIDATABLE, convertible: true, insolvent: true },
  },
  {
    what: "an account whose debt its collateral covers",
    arrange: insolvent,
    then: ({ setPrice }) => setPrice(ETH, wad("1_700")),
    standing: CONVERTIBLE,
  },
  { what: "an account that has nothing but a debt", arrange: indebted, standing: { ...NONE, owing: true } },
  {
    what: "an account that has nothing but a debt while the sequencer is down",
    arrange: indebted,
    then: ({ setSequencer }) => setSequencer(false),
    standing: NONE,
  },
  { what: "an account whose deficit is settled", arrange: indebted, then: settle, standing: NONE },
  { what: "a healthy account that owes too much", arrange: overdrawn, standing: CONVERTIBLE },
  {
    what: "an account that owes less",
    arrange: overdrawn,
    then: ({ setPrice }) => setPrice(ETH, wad("5_900")),
    standing: NONE,
  },
  { what: "an account whose hedge was cut", arrange: cut, standing: { ...NONE, graced: true } },
  { what: "an account whose hedge was cut an hour ago", arrange: cut, then: afterGrace, standing: LIQUIDATABLE },
];

describe("Lens standing", () => {
  afterEach(expectConserved);

  for (const { what, arrange, then, standing } of CASES) {
    it(`of ${what} is what the clearing house does`, async () => {
      const world = await load(arrange);
      await then?.(world);
      const { lens, account } = world;

      const [health] = await lens.health([account]);
      expect(toObject(health?.standing)).to.deep.equal(standing);
      expect(toObject((await lens.account(account)).standing)).to.deep.equal(standing);
      expect(await answersOf(world)).to.deep.equal(standing);
    });
  }

  it("of a debt beyond the escrow of an order that waits is insolvent, and nothing is settled", async () => {
    const world = await load(outright);
    const { clearingHouse, lens, account, bob } = world;
    await world.submit(account, ETH, wad("-1"), { reduceOnly: true });
    await world.setPrice(ETH, wad("1_600"));
    await clearingHouse.connect(bob).liquidate(account, [{ asset: ETH, delta: wad("-750") }], [], accountOf(bob));

    const { cash, pending } = await clearingHouse.accountOf(account);
    expect([cash < 0n, pending]).to.deep.equal([true, 1n]);
    const standing = { ...NONE, insolvent: true };
    expect(toObject((await lens.account(account)).standing)).to.deep.equal(standing);
    expect(await answersOf(world)).to.deep.equal(standing);
  });

  it("of nobody is nothing", async () => {
    const { lens, stranger } = await load(untouched);

    expect(toObject((await lens.account(accountOf(stranger))).standing)).to.deep.equal(NONE);
  });
});

describe("Lens.account of a debt", () => {
  afterEach(expectConserved);

  it("has its shares, what it owes against its collateral, and how much it may", async () => {
    const { lens, clearingHouse, account } = await load(insolvent);
    const view = await lens.account(account);

    const { cash, shares } = await clearingHouse.accountOf(account);
    expect([view.cash, view.debtShares]).to.deep.equal([cash, shares]);
    expect(shares).to.be.greaterThan(0n);
    expect([view.owed, view.owedLimit]).to.deep.equal([-cash, (view.collateralValue * 7n) / 10n]);
    expect(view.insolventSince).to.equal(0n);
  });

  it("counts unrealised losses, and says since when it is insolvent", async () => {
    const hedge = await load(overdrawn);
    const { owed, unrealised, cash } = await hedge.lens.account(hedge.account);
    expect(owed).to.equal(-(cash + unrealised));

    const { lens, clearingHouse, account } = await load(seizable);
    expect((await lens.account(account)).insolventSince).to.equal(await clearingHouse.insolventSince(account));
  });
});

/** Liquidated at a loss beyond all it has, but for a part. */
async function reddish(): Promise<Subject> {
  return insolvent({ closing: wad("40") });
}

async function settle({ clearingHouse, account }: Subject): Promise<void> {
  await clearingHouse.settleDeficit(account);
}

async function afterGrace(world: Subject): Promise<void> {
  await world.advance(HOUR);
  for (const asset of [ETH, BTC]) await world.setPrice(asset);
}

/** What the clearing house itself says to each verb. */
async function answersOf({ clearingHouse, lens, account, bob }: Subject): Promise<typeof NONE> {
  const house = clearingHouse.connect(bob);
  const buyer = accountOf(bob);
  const { reductions, sales } = await lens.leastSlice(account);
  const basket = [
    reductions.map(({ asset, delta }) => ({ asset, delta })),
    sales.map(({ token, amount }) => ({ token, amount })),
  ] as const;
  const error = await errorOf(house.liquidate.staticCall(account, ...basket, buyer));
  return {
    liquidatable: reductions.length + sales.length > 0 && error === undefined,
    graced: error === "InGrace",
    convertible: (await errorOf(house.convert.staticCall(account, [LOT], buyer))) === undefined,
    insolvent: ["AlreadyInsolvent", undefined].includes(await errorOf(house.flagInsolvent.staticCall(account))),
    owing: (await errorOf(house.settleDeficit.staticCall(account))) === undefined,
  };

  async function errorOf(call: Promise<unknown>): Promise<string | undefined> {
    try {
      await call;
      return undefined;
    } catch (thrown) {
      const { data } = thrown as { data?: string };
      const parsed = data === undefined ? null : clearingHouse.interface.parseError(data);
      if (parsed === null) throw thrown;
      return parsed.name;
    }
  }
}

/** A struct of named fields. */
function toObject(struct: unknown): Record<string, unknown> {
  if (!(struct instanceof ethers.Result)) throw new Error("not a struct");
  return struct.toObject();
}
