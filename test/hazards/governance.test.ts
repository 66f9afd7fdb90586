import { expect } from "chai";

import { still } from "../clearing/scenarios.ts";
import { expectConserved, load } from "../clearing/support.ts";
import { type Account, accountOf, ethers, type World } from "../fixture.ts";
import { DAY, ETH, HOUR, MINUTE, percent, SOL, wad } from "../parameters.ts";
import { expectRefused, goesThrough, marginOf } from "./support.ts";

type Call = (world: World) => Promise<unknown>;

interface Setter {
  set: (world: World, fields: Record<string, bigint>) => Promise<unknown>;
  valid: Record<string, bigint>;
  bounds: Record<string, readonly [bigint, bigint]>;
}

const PPM = 1_000_000n;

/** Every setter of numbers, with a valid call and the bounds of each number in the unit that it is kept in. */
const SETTERS: Record<string, Setter> = {
  rampRisk: {
    set: ({ clearingHouse }, { duration = 0n, beta = 0n, sigma = 0n, gamma = 0n, kappa = 0n }) =>
      clearingHouse.rampRisk(ETH, { beta, sigma, gamma, kappa }, duration),
    valid: { beta: 60_000n, sigma: 20_000n, gamma: 4_000n, kappa: 50_000n, duration: 86_400n },
    bounds: {
      beta: [0n, PPM],
      sigma: [1_000n, PPM],
      gamma: [500n, PPM / 4n],
      kappa: [0n, 10n * PPM],
      duration: [86_400n, 90n * 86_400n],
    },
  },
  setLimits: {
    set: ({ clearingHouse }, f) =>
      clearingHouse.setLimits(
        ETH,
        f["openInterestCap"] ?? 0n,
        f["openInterestShare"] ?? 0n,
        f["skewCap"] ?? 0n,
        f["takerFee"] ?? 0n,
        f["makerFee"] ?? 0n,
        f["insuranceCap"] ?? 0n,
      ),
    valid: {
      openInterestCap: wad("1000"),
      openInterestShare: 500_000n,
      skewCap: wad("900"),
      takerFee: 500n,
      makerFee: 100n,
      insuranceCap: wad("100"),
    },
    bounds: {
      openInterestCap: [0n, wad("250_000")],
      openInterestShare: [0n, 10n * PPM],
      skewCap: [0n, wad("250_000")],
      takerFee: [100n, 10_000n], // not below the maker fee
      makerFee: [0n, 500n],
      insuranceCap: [0n, wad("6_553_500")],
    },
  },
  setMoney: {
    set: ({ clearingHouse, parameters }, fields) => clearingHouse.setMoney({ ...parameters.money, ...fields }),
    valid: { minNotional: 10_00n, borrowRateKink: 80_000n, borrowRateFull: 800_000n },
    bounds: {
      minNotional: [0n, 10_000_000n],
      smallRequirement: [0n, 10_000_000n],
      flatReward: [0n, 10_000_000n],
      unattributedCap: [0n, 2n ** 32n - 1n],
      borrowKink: [PPM / 10n, PPM],
      borrowRateFull: [80_000n, 4n * PPM], // not below the rate at the kink
      borrowRateKink: [0n, 800_000n],
      lossBudget: [PPM / 100n, PPM],
    },
  },
  listCollateral: {
    set: ({ clearingHouse }, { saleDiscount = 0n, lotExponent = 0n }) =>
      clearingHouse.listCollateral(SOL, saleDiscount, lotExponent),
    valid: { saleDiscount: 10_000n, lotExponent: 15n },
    bounds: { saleDiscount: [0n, 100_000n], lotExponent: [6n, 24n] },
  },
  setParameters: {
    set: ({ orders, parameters }, fields) => orders.setParameters({ ...parameters.orders, ...fields }),
    valid: { delay: 60n },
    bounds: {
      delay: [5n, 240n],
      executionWindow: [60n, 3_600n],
      band: [100n, 200_000n],
      fixedPay: [0n, wad("20")],
      tip: [0n, 10n ** 11n],
      singleGas: [0n, 2_000_000n],
      basketGas: [0n, 2_000_000n],
      legGas: [0n, 2_000_000n],
      pokeGas: [0n, 2_000_000n],
      refundGas: [0n, 2_000_000n],
      legGap: [0n, 3_600n],
    },
  },
  setCooldown: {
    set: ({ pool }, { cooldown = 0n }) => pool.setCooldown(cooldown),
    valid: { cooldown: 7_200n },
    bounds: { cooldown: [3_600n, 7n * 86_400n] },
  },
  setDeviation: {
    set: ({ pool }, { deviation = 0n }) => pool.setDeviation(deviation),
    valid: { deviation: 1_000n },
    bounds: { deviation: [500n, 20_000n] },
  },
  setTargetShare: {
    set: ({ insuranceFund }, { targetShare = 0n }) => insuranceFund.setTargetShare(targetShare),
    valid: { targetShare: 20_000n },
    bounds: { targetShare: [5_000n, 500_000n] },
  },
  setOutflowLimit: {
    set: ({ vault }, { outflowLimit = 0n }) => vault.setOutflowLimit(0, outflowLimit),
    valid: { outflowLimit: wad("5_000") },
    bounds: { outflowLimit: [wad("5_000"), 2n ** 88n - 1n] }, // a twentieth of the cap; 0 is none at all
  },
  configure: {
    set: ({ oracle, parameters }, fields) => oracle.configure(SOL, { ...limitsOf(parameters), ...fields }),
    valid: { jump: 100_000n },
    bounds: {
      maxAge: [60n, 3_900n], // not above the window
      window: [3_900n, 7n * 86_400n],
      jump: [5_000n, 500_000n],
      spread: [1_000n, PPM],
      deadAfter: [3_900n, 30n * 86_400n],
      minAnswer: [1n, wad("24000") - 1n],
      maxAnswer: [wad("0.024") + 1n, 2n ** 96n - 2n],
    },
  },
  setEnvironment: {
    set: ({ oracle, parameters, sequencer }, fields) =>
      sequencer.proxy
        .getAddress()
        .then((address) => oracle.setEnvironment({ sequencer: address, ...parameters.environment, ...fields })),
    valid: { haltGrace: 600n },
    bounds: {
      sequencerGrace: [300n, 86_400n],
      haltGrace: [300n, 86_400n],
      pegLow: [wad("0.9"), wad("1")],
      pegHigh: [wad("1"), wad("1.1")],
      pegAsset: [0n, 5n],
      nativeAsset: [0n, 5n],
    },
  },
};

describe("hazards of governance", () => {
  afterEach(expectConserved);

  describe("hazard 23: a change of parameters makes healthy accounts liquidatable", () => {
    for (const [what, change] of harshest()) {
      it(`${what} liquidates nobody in its block`, async () => {
        const world = await load(barelyHealthy);
        const { account, bob, clearingHouse } = world;
        const margin = await marginOf(world, account);
        expect(margin).to.be.within(1n, wad("200"));

        const liquidate = () =>
          clearingHouse
            .connect(bob)
            .liquidate(account, [{ asset: ETH, delta: wad("-100") }], [], accountOf(bob), { gasLimit: 3_000_000n });
        await ethers.provider.send("evm_setAutomine", [false]);
        try {
          await change(world);
          const sent = await liquidate();
          await ethers.provider.send("evm_mine", []);
          const receipt = await ethers.provider.getTransactionReceipt(sent.hash);
          expect(receipt?.status, "a liquidation in the block of the change").to.equal(0);
        } finally {
          await ethers.provider.send("evm_setAutomine", [true]);
        }
        const { from, logs } = await lastChange();
        expect([from, logs > 0], "the change itself").to.deep.equal([world.admin.address, true]);
      });
    }

    it("the harshest ramp takes its days, in which margin can be added", async () => {
      const world = await load(barelyHealthy);
      const { account, clearingHouse, alice } = world;
      await rampHard(world);
      await world.advance(MINUTE);
      await world.refresh();
      const first = await marginOf(world, account);
      await world.advance(HOUR / 2);
      await world.refresh();
      const later = await marginOf(world, account);
      expect(first).to.be.greaterThan(later);
      await world.fund(alice, wad("5_000_000"));
      await world.advance(DAY);
      await world.refresh();
      expect(await marginOf(world, account)).to.be.greaterThan(0n);
      const [risk] = await clearingHouse.parametersOf(ETH);
      expect(risk).to.be.greaterThan(0n);
    });
  });

  describe("hazard 24: a role goes to the end of its bounds, or mistakes a unit", () => {
    for (const [name, { set, valid, bounds }] of Object.entries(SETTERS)) {
      it(`${name} takes what is valid and refuses every field below its least and above its most`, async () => {
        const world = await load(still);
        for (const [field, [least, most]] of Object.entries(bounds)) {
          for (const value of [least - 1n, most + 1n]) {
            if (value < 0n) continue;
            const accepted = await goesThrough(set(world, { ...valid, [field]: value }));
            expect(accepted, `${field} = ${value}`).to.equal(false);
          }
        }
        await set(world, valid);
      });
    }

    it("amounts have the unit that they are kept in: what cannot be kept is refused, not cut off", async () => {
      const world = await load(still);
      const { orders, parameters } = world;
      const limits = SETTERS["setLimits"];
      if (limits === undefined) throw new Error("no such setter");
      await expectRefused(limits.set(world, { ...limits.valid, insuranceCap: wad("150") }), "half a unit of 100");
      for (const [field, value] of [
        ["fixedPay", 10n ** 14n + 1n],
        ["tip", 10n ** 6n + 1n],
        ["singleGas", 250_001n],
      ] as const) {
        await expectRefused(orders.setParameters({ ...parameters.orders, [field]: value }), field);
      }
    });
  });
});

function limitsOf(parameters: World["parameters"]) {
  const limits = parameters.feeds[SOL]?.limits;
  if (limits === undefined) throw new Error("no limits");
  return limits;
}

/** The harshest change that each role can make to what an account is judged by. */
function harshest(): [string, Call][] {
  const money = (world: World) => ({
    ...world.parameters.money,
    minNotional: 10_000_000,
    smallRequirement: 2 * world.parameters.money.smallRequirement,
  });
  return [
    ["the steepest ramp of every risk rate", rampHard],
    [
      "the lowest of all caps with the highest fees",
      // Half of the skew, so that none of it is over the hard cap.
      ({ clearingHouse }) => clearingHouse.setLimits(ETH, 0, 0, wad("370"), 10_000, 10_000, 0),
    ],
    ["the steepest ramp of m and of every floor of a group", rampMarginsHard],
    ["the largest fall of a depth", ({ clearingHouse }) => clearingHouse.setDepth(ETH, wad("246_000"))],
    [
      "the largest rise of what a liquidation costs, and of how much it may close",
      ({ clearingHouse, parameters: { globals } }) =>
        clearingHouse.setGlobals({
          ...globals,
          liquidationPenalty: globals.liquidationPenalty + percent(1),
          liquidationTarget: globals.liquidationTarget + percent(10),
          deepLoss: globals.deepLoss + percent(10),
          takeoverDiscount: globals.takeoverDiscount + percent(0.5),
          shortfallMaintenance: globals.shortfallMaintenance - percent(5),
        }),
    ],
    ["the largest of all amounts", (world) => world.clearingHouse.setMoney(money(world))],
    ["a restricted market", ({ clearingHouse }) => clearingHouse.restrictMarket(ETH)],
    ["a pause", ({ clearingHouse }) => clearingHouse.pause()],
    ["a market that is wound down", ({ clearingHouse }) => clearingHouse.windDown(ETH)],
    [
      "the narrowest limits of a feed",
      ({ oracle, parameters }) =>
        oracle.configure(ETH, {
          ...limitsOf(parameters),
          minAnswer: 1n,
          maxAnswer: wad("100000"),
          maxAge: 60,
          jump: 5_000,
          spread: 1_000_000,
        }),
    ],
    [
      "the narrowest peg",
      ({ oracle, parameters, sequencer }) =>
        sequencer.proxy.getAddress().then((address) =>
          oracle.setEnvironment({
            ...parameters.environment,
            sequencer: address,
            pegLow: wad("1"),
            pegHigh: wad("1"),
            haltGrace: 300,
            sequencerGrace: 300,
          }),
        ),
    ],
  ];
}

function rampHard({ clearingHouse }: World): Promise<unknown> {
  const rates = { beta: 100_000, sigma: 35_000, gamma: 8_000, kappa: 150_000 };
  return clearingHouse.rampRisk(ETH, rates, DAY);
}

function rampMarginsHard({ clearingHouse, parameters: { hedgeFloors } }: World): Promise<unknown> {
  const floors = hedgeFloors.map((floor) => Math.min(floor + percent(25), percent(100)));
  return clearingHouse.rampMargins(percent(70), floors, DAY);
}

/** Alice, long 740 ETH, with less than 200 above her maintenance requirement. */
async function barelyHealthy(): Promise<World & { account: Account }> {
  const world = await still();
  const account = accountOf(world.alice);
  await world.trade(account, ETH, wad("740"));
  let price = wad("1760");
  await world.setPrice(ETH, price);
  while ((await marginOf(world, account)) > wad("200")) {
    price -= wad("0.2");
    await world.setPrice(ETH, price);
  }
  await world.oracle.update(1n << BigInt(ETH));
  await world.clearingHouse.markPool();
  return { ...world, account };
}

/** Who made the first transaction of the latest block, and how many events it has. */
async function lastChange(): Promise<{ from: string; logs: number }> {
  const block = await ethers.provider.getBlock("latest");
  const receipt = await ethers.provider.getTransactionReceipt(block?.transactions[0] ?? "");
  return { from: receipt?.from ?? "", logs: receipt?.logs.length ?? 0 };
}
