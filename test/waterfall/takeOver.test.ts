import { expect } from "chai";

import { type Reduction, targetWithOneLotMore } from "../../scripts/model/liquidation.ts";
import { takeOver as carryOut } from "../../scripts/model/takeOver.ts";
import { crowded, still } from "../clearing/scenarios.ts";
import {
  betterTerms,
  cashOf,
  eventOf,
  expectConserved,
  expectNear,
  load,
  nextSecond,
  now,
  sizeOf,
  stateOf,
} from "../clearing/support.ts";
import { type Account, accountOf, receiptOf } from "../fixture.ts";
import { BTC, ETH, HOUR, LINK, SOL, USDC, wad } from "../parameters.ts";
import { type Case, leveraged } from "./scenarios.ts";
import { movesOf, positionOf } from "./support.ts";

/** Of the notional at E = 0, 1e-6. */
const LARGEST = 20_000n;

describe("ClearingHouse.takeOver", () => {
  afterEach(expectConserved);

  describe("moves", () => {
    it("a slice at the last price, without impact and without fee", async () => {
      const world = await due("1728");
      const { clearingHouse, account, other } = world;
      const { quote } = await positionOf(world, account, ETH);

      const receipt = await receiptOf(attempt(world, "-100"));
      const realised = (quote * 100n) / 750n - (quote % 15n === 0n ? 0n : 1n) + wad("172_800");
      for (const [whose, delta, taken, result] of [
        [account, "-100", "-172_800", realised],
        [other, "100", "172_800", 0n],
      ] as const) {
        await expect(receipt)
          .to.emit(clearingHouse, "Fill")
          .withArgs(whose, ETH, wad(delta), wad("1728"), wad(taken), result, 0n, 0n);
      }
      expect(await sizeOf(world, account, ETH)).to.equal(wad("650"));
      expect(await positionOf(world, other, ETH)).to.deep.equal({ size: wad("100"), quote: wad("-172_800") });
    });

    it("cash between the account, the taker, the pool and insurance, and no more", async () => {
      const world = await due("1728");
      const { account, other } = world;
      const moved = await movesOf(world, [account, other], () => attempt(world, "-100"));

      const { penalty, discount, reward } = resultOf(world, moved.receipt);
      const realised = realisedOf(world, moved.receipt, account);
      expect(realised).to.be.lessThan(0n);
      expect(moved).to.deep.include({
        base: -realised,
        lent: 0n,
        insurance: penalty - reward,
        protocolFees: 0n,
        cash: [realised - penalty - discount, discount + reward],
      });
    });

    it("neither size to the pool nor what its equity is", async () => {
      const world = await due("1728");
      const { clearingHouse } = world;
      const at = await nextSecond();
      const before = await clearingHouse.poolValuation({ blockTag: "latest" });
      const { longSize, shortSize, funding } = await clearingHouse.marketOf(ETH);

      await attempt(world, "-100");
      const after = await clearingHouse.marketOf(ETH);
      expect([after.longSize, after.shortSize, after.funding]).to.deep.equal([longSize, shortSize, funding]);
      expectNear((await clearingHouse.poolValuation()).equity, before.equity, 3n);
      expect(await now()).to.equal(at);
    });

    it("the whole of a deep loss", async () => {
      const world = await due("1699");
      const { account, other } = world;

      await attempt(world, "-750");
      expect(await sizeOf(world, account, ETH)).to.equal(0n);
      expect(await sizeOf(world, other, ETH)).to.equal(wad("750"));
      expect(await cashOf(world, account)).to.be.greaterThan(0n);
    });

    it("several legs at once", async () => {
      const world = await load(mixed);
      const { clearingHouse, account, other, bob } = world;
      const legs = [
        { asset: SOL, delta: wad("-100") },
        { asset: ETH, delta: wad("-200") },
      ];

      await clearingHouse.connect(bob).takeOver(account, legs, other);
      expect(await sizeOf(world, other, SOL)).to.equal(wad("100"));
      expect(await sizeOf(world, other, ETH)).to.equal(wad("200"));
    });

    it("onto an opposite position of the taker, which it reduces and whose result it realises", async () => {
      const world = await load(opposed);
      const { clearingHouse, account, other } = world;
      const { quote } = await positionOf(world, other, ETH);
      const { longSize, shortSize } = await clearingHouse.marketOf(ETH);

      const receipt = await receiptOf(attempt(world, "-100"));
      expect(await sizeOf(world, other, ETH)).to.equal(wad("-100"));
      expect(realisedOf(world, receipt, other)).to.equal(quote / 2n - wad("172_800"));
      const after = await clearingHouse.marketOf(ETH);
      expect([after.longSize, after.shortSize]).to.deep.equal([longSize - wad("100"), shortSize - wad("100")]);
      expect(await sizeOf(world, account, ETH)).to.equal(wad("650"));
    });

    it("a deficit to insurance and the pool where the account is left with a debt", async () => {
      const world = await due("1660");
      const { clearingHouse, account, other, insuranceFund, bob } = world;
      await insuranceFund.connect(bob).contribute(other, wad("1_000"));
      const taker = await world.fund(bob, wad("200_000"), 1n);
      const held = await cashOf(world, account);
      const moved = await movesOf(world, [account, taker], () => attempt(world, "-750", taker));

      const { deficit, reward, discount } = resultOf(world, moved.receipt);
      expect([reward, discount]).to.deep.equal([wad("5"), 0n]);
      expect(deficit).to.be.greaterThan(-moved.insurance);
      expect((await clearingHouse.ledger()).insurance).to.equal(0n);
      expect(moved).to.deep.include({ lent: 0n, cash: [-held, wad("5")] });
      await expect(moved.receipt)
        .to.emit(clearingHouse, "DeficitBooked")
        .withArgs(account, ETH, deficit, -moved.insurance - reward);
    });
  });

  describe("pays", () => {
    for (const price of ["1728", "1710", "1699"]) {
      it(`a discount in proportion to what is lacking at ${price}`, async () => {
        const world = await due(price);
        const { equity, maintenance } = betterTerms(await stateOf(world, world.account, await now()));
        const { discount, penalty, maintenanceBefore, maintenanceAfter } = await takeOver(world, "-100");

        const rate = (LARGEST * (maintenance - equity)) / maintenance;
        expect(rate).to.be.within(1n, LARGEST - 1n);
        expect(discount).to.equal((100n * wad(price) * rate) / 1_000_000n);
        expect(penalty).to.equal((maintenanceBefore - maintenanceAfter) / 10n);
      });
    }

    it("no more than the equity pro rata to what is closed, the discount before the penalty", async () => {
      const world = await due("1680");
      const { discount, penalty, reward, equityBefore, maintenanceBefore, maintenanceAfter } = await takeOver(
        world,
        "-100",
      );

      const bound = (equityBefore * (maintenanceBefore - maintenanceAfter)) / maintenanceBefore;
      expectNear(discount, bound, 1n); // E after the fills is a wei less
      expect([penalty, reward]).to.deep.equal([0n, 0n]);
    });

    it("nothing out of a deficit", async () => {
      const world = await due("1660");
      const { equityBefore, discount, penalty, reward } = await takeOver(world, "-100");

      expect(equityBefore).to.be.lessThan(0n);
      expect([discount, penalty, reward]).to.deep.equal([0n, 0n, 0n]);
    });

    it("the liquidator's half of the penalty to the taker", async () => {
      const world = await due("1728");
      const { penalty, reward } = await takeOver(world, "-100");

      expect(reward).to.equal(penalty / 2n);
      expect(reward).to.be.greaterThan(0n);
    });
  });

  describe("refuses", () => {
    it("a healthy account", async () => {
      const world = await due("1755");
      const { equity, maintenance } = betterTerms(await stateOf(world, world.account, await now()));

      await expect(attempt(world, "-1"))
        .to.be.revertedWithCustomError(world.clearingHouse, "Healthy")
        .withArgs(world.account, equity, maintenance);
    });

    it("the account itself as its taker", async () => {
      const world = await due("1728");
      const { clearingHouse, account, alice } = world;

      await expect(clearingHouse.connect(alice).takeOver(account, legsOf("-1"), account))
        .to.be.revertedWithCustomError(clearingHouse, "SelfLiquidation")
        .withArgs(account);
    });

    it("a taker that does not meet its initial requirement afterwards", async () => {
      const world = await due("1728");
      const { clearingHouse, account, carol } = world;
      const poor = await world.fund(carol, wad("10_000"));
      const { discount, reward } = await clearingHouse
        .connect(world.bob)
        .takeOver.staticCall(account, legsOf("-100"), world.other);

      // 172,800 at 6.5 %, and 1.5 times a close-out of 0.3 % and of the concentration.
      const requirement = wad("11_232") + (3n * (wad("518.4") + wad("1.728"))) / 2n;
      await expect(clearingHouse.connect(carol).takeOver(account, legsOf("-100"), poor))
        .to.be.revertedWithCustomError(clearingHouse, "InsufficientMargin")
        .withArgs(poor, wad("10_000") + discount + reward, requirement, wad("0"));
    });

    for (const [what, delta] of [
      ["grows", "1"],
      ["flips", "-750.000000000000000001"],
      ["stays", "0"],
    ] as const) {
      it(`a leg that ${what}`, async () => {
        const world = await due("1728");

        await expect(attempt(world, delta))
          .to.be.revertedWithCustomError(world.clearingHouse, "NotASlice")
          .withArgs(ETH, wad("750"), wad(delta));
      });
    }

    it("nothing, one leg twice, and what the account does not hold", async () => {
      const world = await due("1728");
      const { clearingHouse, account, other, bob } = world;
      const taking = (legs: ReturnType<typeof legsOf>) => clearingHouse.connect(bob).takeOver(account, legs, other);

      await expect(taking([])).to.be.revertedWithCustomError(clearingHouse, "NothingToTakeOver").withArgs(account);
      await expect(taking([...legsOf("-10"), ...legsOf("-10")]))
        .to.be.revertedWithCustomError(clearingHouse, "DuplicateLeg")
        .withArgs(ETH);
      await expect(taking([{ asset: BTC, delta: wad("-1") }]))
        .to.be.revertedWithCustomError(clearingHouse, "UnknownMarket")
        .withArgs(BTC);
    });

    it("more than brings the account to its target", async () => {
      const world = await due("1728");

      const { state, outcome } = await modelOf(world, legsOf("-600"));
      const target = targetWithOneLotMore(state, { reductions: legsOf("-600"), sales: [] }, outcome);

      await expect(attempt(world, "-600"))
        .to.be.revertedWithCustomError(world.clearingHouse, "TargetPassed")
        .withArgs(outcome.equityAfter, target);
    });

    it("a leg that closes a hedge, which makes the account worse", async () => {
      const world = await load(halfHedged);
      const { clearingHouse, account, other, bob } = world;
      const legs = [{ asset: BTC, delta: wad("30") }];
      const { outcome } = await modelOf(world, legs);

      await expect(clearingHouse.connect(bob).takeOver(account, legs, other))
        .to.be.revertedWithCustomError(clearingHouse, "HealthNotImproved")
        .withArgs(outcome.equityBefore - outcome.maintenanceBefore, outcome.equityAfter - outcome.maintenanceAfter);
    });

    it("dust, on either side", async () => {
      const world = await due("1690");
      const { clearingHouse } = world;

      await expect(attempt(world, "-749.99"))
        .to.be.revertedWithCustomError(clearingHouse, "PositionTooSmall")
        .withArgs(ETH, wad("16.9"), wad("20"));
      await expect(attempt(world, "-0.01"))
        .to.be.revertedWithCustomError(clearingHouse, "PositionTooSmall")
        .withArgs(ETH, wad("16.9"), wad("20"));
    });

    it("a leg without a live price, and takes the others", async () => {
      const world = await load(mixed);
      const { clearingHouse, account, other, bob, advance, setPrice } = world;
      await advance(2 * HOUR);
      for (const asset of [ETH, BTC, LINK, USDC]) await setPrice(asset);
      const taking = (asset: number) =>
        clearingHouse.connect(bob).takeOver.staticCall(account, [{ asset, delta: wad("-10") }], other);

      await expect(taking(SOL)).to.be.revertedWithCustomError(clearingHouse, "NotLiquidatable").withArgs(SOL);
      await taking(ETH);
    });

    it("everything while the sequencer has not settled", async () => {
      const world = await due("1728");
      await world.setSequencer(false);
      await world.setSequencer(true);

      await expect(attempt(world, "-10")).to.be.revertedWithCustomError(world.clearingHouse, "SequencerNotSettled");
    });

    it("a caller who may not trade for the taker", async () => {
      const world = await due("1728");
      const { clearingHouse, account, other, stranger, bob } = world;
      const taking = () => clearingHouse.connect(stranger).takeOver(account, legsOf("-10"), other);

      await expect(taking())
        .to.be.revertedWithCustomError(clearingHouse, "NotAuthorized")
        .withArgs(other, stranger, 1n);
      await clearingHouse.connect(bob).setOperator(other, stranger, 1, 2n ** 40n - 1n, 0);
      await taking();
    });

    it("a taker that would hold too many assets", async () => {
      const world = await load(full);
      const { clearingHouse, account, other, alice } = world;

      await expect(clearingHouse.connect(alice).takeOver(account, legsOf("-10"), other))
        .to.be.revertedWithCustomError(clearingHouse, "TooManyAssets")
        .withArgs(17n, 16n);
    });
  });
});

function legsOf(delta: string): { asset: number; delta: bigint }[] {
  return [{ asset: ETH, delta: wad(delta) }];
}

/** A transaction of the taker. */
function attempt({ clearingHouse, account, other, bob }: Case, delta: string, taker: Account = other) {
  return clearingHouse.connect(bob).takeOver(account, legsOf(delta), taker);
}

/** What the model makes of it, at the latest prices. */
async function modelOf(world: Case, legs: readonly Reduction[]) {
  const at = await now();
  const state = await stateOf(world, world.account, at);
  const taker = await stateOf(
    world,
    world.other,
    at,
    legs.map(({ asset }) => asset),
  );
  return { state, outcome: carryOut(state, legs, taker).outcome };
}

async function takeOver(world: Case, delta: string) {
  return resultOf(world, await receiptOf(attempt(world, delta)));
}

type Receipt = Awaited<ReturnType<typeof receiptOf>>;

function resultOf({ clearingHouse }: Case, receipt: Receipt) {
  type Result = Awaited<ReturnType<typeof clearingHouse.takeOver.staticCall>>;
  const { equityBefore, maintenanceBefore, equityAfter, maintenanceAfter, penalty, discount, reward, deficit } =
    eventOf(clearingHouse, receipt, "Liquidated").getValue("result") as Result;
  return { equityBefore, maintenanceBefore, equityAfter, maintenanceAfter, penalty, discount, reward, deficit };
}

/** What a fill of the account has realised. */
function realisedOf({ clearingHouse }: Case, receipt: Receipt, account: Account): bigint {
  const fill = receipt.logs
    .map((log) => clearingHouse.interface.parseLog(log))
    .find((event) => event?.name === "Fill" && event.args.getValue("account") === account);
  return fill?.args.getValue("realised") as bigint;
}

/** Alice's 750 ETH at another price. */
async function due(price: string): Promise<Case> {
  const world = await load(leveraged);
  await world.setPrice(ETH, wad(price));
  await world.oracle.update(1n << BigInt(ETH));
  return world;
}

/** Bob is short 200 ETH; alice's 750 are due. */
async function opposed(): Promise<Case> {
  const world = await leveraged();
  await world.trade(world.other, ETH, wad("-200"));
  await world.setPrice(ETH, wad("1728"));
  return world;
}

/** Alice is long ETH and some SOL, due at the better end of any doubt about SOL. */
async function mixed(): Promise<Case> {
  const world = await still();
  const account = accountOf(world.alice);
  await world.trade(account, SOL, wad("100"));
  await world.trade(account, ETH, wad("740"));
  await world.setPrice(ETH, wad("1715"));
  return { ...world, account, other: accountOf(world.bob) };
}

/** Alice is long more ETH than her short BTC hedges. */
async function halfHedged(): Promise<Case> {
  const world = await still();
  const account = accountOf(world.alice);
  await world.trade(account, BTC, wad("-30"));
  await world.trade(account, ETH, wad("900"));
  await world.setPrice(ETH, wad("1732"));
  return { ...world, account, other: await world.fund(world.bob, wad("500_000"), 1n) };
}

/** Bob's 750 ETH are due; alice holds sixteen other assets. */
async function full(): Promise<Case> {
  const world = await crowded();
  const account = await world.fund(world.bob, wad("100_000"));
  await world.trade(account, ETH, wad("750"));
  await world.setPrice(ETH, wad("1728"));
  return { ...world, account, other: world.account };
}
