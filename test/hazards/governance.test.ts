import { expect } from "chai";

import { decodeRisk } from "../../scripts/model/parameters.ts";
import { still } from "../clearing/scenarios.ts";
import { expectConserved, expectNear, load, now } from "../clearing/support.ts";
import { type Account, accountOf, ethers, type World } from "../fixture.ts";
import { DAY, ETH, HOUR, percent, SOL, wad } from "../parameters.ts";
import { expectRefused, marginOf, type Refusal } from "./support.ts";

type Call = (world: World) => Promise<unknown>;

interface Setter {
  set: (world: World, fields: Record<string, bigint>) => Promise<unknown>;
  valid: Record<string, bigint>;
  bounds: Record<string, readonly [bigint, bigint]>;
  /** Refusal of a field that is out of its bounds. */
  refusal: (world: World, field: Field) => Refusal;
  /** Name and arguments where a field is refused by the bound of another, or at one end by a wider one. */
  other?: Record<string, readonly [name: string, value: bigint, least: unknown, most: bigint]>;
}

interface Field {
  name: string;
  value: bigint;
  least: bigint;
  most: bigint;
}

const PPM = 1_000_000n;
const MOST_88 = 2n ** 88n - 1n;
const MOST_96 = 2n ** 96n - 1n;

const named = ({ name, value, least, most }: Field) => [ethers.encodeBytes32String(name), value, least, most] as const;
const ofHouse = ({ clearingHouse }: World, field: Field): Refusal => [clearingHouse, "OutOfRange", ...named(field)];
const ofPool = ({ pool }: World, field: Field): Refusal => [pool, "OutOfRange", ...named(field)];
const ofOracle = ({ oracle }: World, field: Field): Refusal => [oracle, "LimitOutOfRange", ...named(field)];

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
    refusal: ofHouse,
  },
  rampMargins: {
    set: ({ clearingHouse, parameters }, { maintenanceFactor = 0n, duration = 0n, hedgeFloor = 0n }) =>
      clearingHouse.rampMargins(maintenanceFactor, [hedgeFloor, ...parameters.hedgeFloors.slice(1)], duration),
    valid: { maintenanceFactor: 650_000n, hedgeFloor: 300_000n, duration: 86_400n },
    bounds: {
      maintenanceFactor: [100_000n, 900_000n],
      hedgeFloor: [100_000n, PPM],
      duration: [86_400n, 90n * 86_400n],
    },
    refusal: ofHouse,
  },
  setDepth: {
    set: ({ clearingHouse }, { depth = 0n }) => clearingHouse.setDepth(ETH, depth),
    valid: { depth: wad("246_000") },
    bounds: { depth: [10n ** 12n, 2n ** 110n - 1n] },
    refusal: ofHouse,
  },
  setGlobals: {
    set: ({ clearingHouse, parameters }, fields) => clearingHouse.setGlobals({ ...parameters.globals, ...fields }),
    valid: { liquidationPenalty: 90_000n, markMaxAge: 600n },
    bounds: {
      shortfallInitial: [0n, 700_000n], // not above that of maintenance
      shortfallMaintenance: [500_000n, PPM],
      protocolFeeShare: [0n, 800_000n], // with that of insurance no more than all
      insuranceFeeShare: [0n, 900_000n],
      markMaxAge: [60n, 7n * 86_400n],
      liquidationTarget: [0n, PPM],
      liquidationPenalty: [10_000n, 250_000n],
      liquidatorShare: [100_000n, PPM],
      deepLoss: [0n, PPM],
      takeoverDiscount: [0n, 50_000n],
    },
    refusal: ofHouse,
    other: {
      "shortfallInitial above": ["shortfallMaintenance", 700_000n, 700_001n, PPM],
      "protocolFeeShare above": ["feeShares", PPM + 1n, 0n, PPM],
      "insuranceFeeShare above": ["feeShares", PPM + 1n, 0n, PPM],
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
    refusal: ofHouse,
    other: {
      "takerFee below": ["makerFee", 100n, 0n, 99n],
      "takerFee above": ["takerFee", 10_001n, 0n, 10_000n],
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
    refusal: ofHouse,
    other: {
      "borrowRateFull below": ["borrowRateKink", 80_000n, 0n, 79_999n],
      "borrowRateFull above": ["borrowRateFull", 4n * PPM + 1n, 0n, 4n * PPM],
    },
  },
  listCollateral: {
    set: ({ clearingHouse }, { saleDiscount = 0n, lotExponent = 0n }) =>
      clearingHouse.listCollateral(SOL, saleDiscount, lotExponent),
    valid: { saleDiscount: 10_000n, lotExponent: 15n },
    bounds: { saleDiscount: [0n, 100_000n], lotExponent: [6n, 24n] },
    refusal: ofHouse,
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
    refusal: ({ orders }, field) => [orders, "OutOfRange", ...named(field)],
  },
  setCooldown: {
    set: ({ pool }, { cooldown = 0n }) => pool.setCooldown(cooldown),
    valid: { cooldown: 7_200n },
    bounds: { cooldown: [3_600n, 7n * 86_400n] },
    refusal: ofPool,
  },
  setDeviation: {
    set: ({ pool }, { deviation = 0n }) => pool.setDeviation(deviation),
    valid: { deviation: 1_000n },
    bounds: { deviation: [500n, 20_000n] },
    refusal: ofPool,
  },
  setTargetShare: {
    set: ({ insuranceFund }, { targetShare = 0n }) => insuranceFund.setTargetShare(targetShare),
    valid: { targetShare: 20_000n },
    bounds: { targetShare: [5_000n, 500_000n] },
    refusal: ({ insuranceFund }, { value, least, most }) => [
      insuranceFund,
      "TargetShareOutOfRange",
      value,
      least,
      most,
    ],
  },
  setOutflowLimit: {
    set: ({ vault }, { outflowLimit = 0n }) => vault.setOutflowLimit(0, outflowLimit),
    valid: { outflowLimit: wad("5_000") },
    bounds: { outflowLimit: [wad("5_000"), MOST_88] }, // a twentieth of the cap; 0 is none at all
    refusal: ({ vault }, { value, least }) =>
      value < least
        ? [vault, "OutflowLimitTooLow", 0n, value, least]
        : [vault, "SafeCastOverflowedUintDowncast", 88n, value],
  },
  setCap: {
    set: ({ vault }, { cap = 0n }) => vault.setCap(0, cap),
    valid: { cap: wad("5_000") },
    bounds: { cap: [0n, MOST_88] },
    refusal: ({ vault }, { value }) => [vault, "SafeCastOverflowedUintDowncast", 88n, value],
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
      maxAnswer: [wad("0.024") + 1n, MOST_96 - 1n],
    },
    refusal: ofOracle,
    other: {
      "maxAge below": ["maxAge", 59n, 60n, 3n * 86_400n],
      "maxAge above": ["window", 3_900n, 3_901n, 7n * 86_400n],
      "deadAfter above": ["deadAfter", 30n * 86_400n + 1n, () => true, 30n * 86_400n], // not below the age of the price
      "minAnswer below": ["minAnswer", 0n, 1n, MOST_96 - 2n],
      "minAnswer above": ["maxAnswer", wad("24000"), wad("24000") + 1n, MOST_96 - 1n],
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
    refusal: (world, field) =>
      field.name.endsWith("Asset")
        ? [world.oracle, "UnknownAsset", field.value, field.most + 1n]
        : ofOracle(world, field),
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
      const riskNow = async () => decodeRisk((await clearingHouse.parametersOf(ETH))[0]);
      const required = async () => (await world.lens.health([account]))[0]?.maintenance ?? 0n;
      const [{ to: before }, maintenance] = [await riskNow(), await required()];
      await rampHard(world);
      const start = await now();
      const ramp = { from: before, to: HARDEST, start, duration: BigInt(DAY) };
      expect(await riskNow()).to.deep.include(ramp);
      expect(await required(), "in the block of the change").to.equal(maintenance);

      await world.advance(HOUR / 2);
      await world.refresh();
      const [elapsed, later] = [(await now()) - start, await required()];
      await world.fund(alice, wad("5_000_000"));
      await world.advance(DAY);
      await world.refresh();
      const whole = (await required()) - maintenance;
      expect(whole).to.be.greaterThan(maintenance / 2n);
      // In proportion to the time; rates are kept in millionths.
      expectNear(later - maintenance, (whole * elapsed) / BigInt(DAY), wad("5"));
      expect(await marginOf(world, account)).to.be.greaterThan(0n);
    });
  });

  describe("hazard 24: a role goes to the end of its bounds, or mistakes a unit", () => {
    for (const [setter, { set, valid, bounds, refusal, other = {} }] of Object.entries(SETTERS)) {
      it(`${setter} takes what is valid and refuses every field below its least and above its most, by its bound`, async () => {
        const world = await load(still);
        for (const [name, [least, most]] of Object.entries(bounds)) {
          for (const value of [least - 1n, most + 1n]) {
            if (value < 0n) continue;
            const why = refusal(world, { name, value, least, most });
            const [contract, error] = why;
            const [bound, ...numbers] = other[`${name} ${value < least ? "below" : "above"}`] ?? [];
            const sent = set(world, { ...valid, [name]: value });
            await expectRefused(
              sent,
              `${name} = ${value}`,
              bound === undefined ? why : [contract, error, ethers.encodeBytes32String(bound), ...numbers],
            );
          }
        }
        await set(world, valid);
      });
    }

    it("setGroup refuses a group that there is none of", async () => {
      const world = await load(still);
      const group = ofHouse(world, { name: "group", value: 10n, least: 0n, most: 9n });
      await expectRefused(world.clearingHouse.setGroup(ETH, 10), "an eleventh group", group);
    });

    it("amounts have the unit that they are kept in: what cannot be kept is refused, not cut off", async () => {
      const world = await load(still);
      const { orders, parameters } = world;
      const limits = SETTERS["setLimits"];
      if (limits === undefined) throw new Error("no such setter");
      const rest = ofHouse(world, { name: "insuranceCapRest", value: wad("50"), least: 0n, most: 0n });
      await expectRefused(limits.set(world, { ...limits.valid, insuranceCap: wad("150") }), "half a unit of 100", rest);
      for (const [field, value, unit] of [
        ["fixedPay", 10n ** 14n + 1n, 10n ** 14n],
        ["tip", 10n ** 6n + 1n, 10n ** 6n],
        ["singleGas", 250_001n, 1_000n],
      ] as const) {
        const name = ethers.encodeBytes32String(field);
        const odd: Refusal = [orders, "NotAMultiple", name, value, unit];
        await expectRefused(orders.setParameters({ ...parameters.orders, [field]: value }), field, odd);
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

const HARDEST = { beta: 100_000n, sigma: 35_000n, gamma: 8_000n, kappa: 150_000n };

function rampHard({ clearingHouse }: World): Promise<unknown> {
  return clearingHouse.rampRisk(ETH, HARDEST, DAY);
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
