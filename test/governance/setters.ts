/** A call that moves one parameter and leaves all others as they are, for every row of the table of bounds. */
import type { Contract, ContractTransactionResponse } from "ethers";

import type { Power } from "../../scripts/model/bounds.ts";
import {
  decodeGlobals,
  decodeGroups,
  decodeMoney,
  decodeRisk,
  decodeSizes,
  decodeTrade,
  type RiskRates,
  ratesUp,
} from "../../scripts/model/parameters.ts";
import { accountOf, deploy, ethers, time, type World } from "../fixture.ts";
import { DAY, ETH, wad, WAD } from "../parameters.ts";

const CENT = WAD / 100n;

/** A function of the clearing house, to be sent or only tried. */
export interface Call {
  (): Promise<ContractTransactionResponse>;
  staticCall: () => Promise<unknown>;
}

export interface Setter {
  /** The asset or group that is moved. */
  readonly index: number;
  /** Whether the steward has a verb that moves it. */
  readonly steward: boolean;
  /** Narrower than in the table, by another parameter as `roomy` has it. */
  readonly range?: readonly [bigint, bigint];
  /** It is kept in multiples of this. */
  readonly unit?: bigint;
  /** The value in force, in the unit of the table. */
  readonly read: (world: World) => Promise<bigint>;
  readonly call: (world: World, power: Power, value: bigint) => Promise<Call>;
}

/** Nothing but ranges, steps and times binds: what a close costs is far from what it frees. ETH is at its hard
 * cap, twice its skew cap. */
export async function roomy(): Promise<World> {
  const world = await deploy(({ assets, collateral }) => {
    for (const asset of assets) {
      if (asset.market) [asset.openInterestCap, asset.skewCap] = [asset.depth / 25_000n, asset.depth / 25_000n];
      if (asset.market) [asset.takerFee, asset.makerFee] = [100, 100];
      asset.risk = { beta: 50_000, sigma: 40_000, gamma: 10_000, kappa: 50_000 };
      [asset.maxFundingRate, asset.fundingVelocity] = [0, 0];
    }
    for (const token of collateral) token.saleDiscount = 0;
  });
  await world.poolDeposit(world.provider, wad("1_000_000"));
  await world.fund(world.alice, wad("100_000"));
  await world.trade(accountOf(world.alice), ETH, wad("10"));
  await world.setSkewCap(ETH, wad("5"));
  return world;
}

const rates: Record<string, Setter> = Object.fromEntries(
  (["beta", "sigma", "gamma", "kappa"] as const).map((name) => [
    name,
    {
      index: ETH,
      steward: true,
      read: async (world) => (await ratesOf(world))[name],
      call: async (world, power, value) => {
        const target = { ...(await ratesOf(world)), [name]: value };
        return bind(world, power === "governor" ? "rampRisk" : "tuneRisk", [ETH, target, DAY]);
      },
    },
  ]),
);

const margins: Record<string, Setter> = {
  maintenanceFactor: {
    index: 0,
    steward: true,
    read: async ({ clearingHouse }) => decodeGlobals((await clearingHouse.globals())[0]).maintenanceFactor,
    call: async (world, power, value) => margin(world, power, { factor: value }),
  },
  hedgeFloor: {
    index: 0,
    steward: true,
    read: async ({ clearingHouse }) => decodeGroups((await clearingHouse.globals())[1])[0] ?? 0n,
    call: async (world, power, value) => margin(world, power, { floor: value }),
  },
};

const LIMITS = ["openInterestCap", "openInterestShare", "skewCap", "takerFee", "makerFee", "insuranceCap"] as const;

const LIMIT_RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  openInterestCap: [0n, wad("250_000")], // the depth
  skewCap: [0n, wad("250_000")],
  takerFee: [100n, 10_000n], // not below the maker fee
  makerFee: [0n, 100n],
};

const limits: Record<string, Setter> = Object.fromEntries(
  LIMITS.map((name) => [
    name,
    {
      index: ETH,
      steward: name !== "takerFee" && name !== "makerFee",
      ...(name === "insuranceCap" ? { unit: 100n * WAD } : {}),
      ...(LIMIT_RANGES[name] === undefined ? {} : { range: LIMIT_RANGES[name] }),
      read: async (world) => (await limitsOf(world))[name],
      call: async (world, power, value) => {
        const now = { ...(await limitsOf(world)), [name]: value };
        if (power === "governor") return bind(world, "setLimits", [ETH, ...LIMITS.map((key) => now[key])]);
        return bind(world, "tuneLimits", [
          ETH,
          now.openInterestCap,
          now.openInterestShare,
          now.skewCap,
          now.insuranceCap,
        ]);
      },
    },
  ]),
);

const GLOBALS = [
  "shortfallInitial",
  "shortfallMaintenance",
  "protocolFeeShare",
  "insuranceFeeShare",
  "markMaxAge",
  "liquidationTarget",
  "liquidationPenalty",
  "liquidatorShare",
  "deepLoss",
  "takeoverDiscount",
] as const;

const GLOBAL_RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  shortfallInitial: [0n, 700_000n], // not above the other
  shortfallMaintenance: [500_000n, 1_000_000n],
  protocolFeeShare: [0n, 800_000n], // the rest of insurance's
  insuranceFeeShare: [0n, 900_000n],
};

const globals: Record<string, Setter> = Object.fromEntries(
  GLOBALS.map((name) => [
    name,
    {
      index: 0,
      steward: false,
      ...(GLOBAL_RANGES[name] === undefined ? {} : { range: GLOBAL_RANGES[name] }),
      read: async ({ clearingHouse }) => decodeGlobals((await clearingHouse.globals())[0])[name],
      call: async (world, _, value) => {
        const now = decodeGlobals((await world.clearingHouse.globals())[0]);
        return bind(world, "setGlobals", [{ ...now, [name]: value }]);
      },
    },
  ]),
);

const MONEY = [
  "minNotional",
  "smallRequirement",
  "flatReward",
  "unattributedCap",
  "borrowKink",
  "borrowRateKink",
  "borrowRateFull",
  "lossBudget",
] as const;

const MONEY_RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  borrowRateKink: [0n, 800_000n], // not above the other
  borrowRateFull: [80_000n, 4_000_000n],
};

const money: Record<string, Setter> = Object.fromEntries(
  MONEY.map((name) => [
    name,
    {
      index: 0,
      steward: false,
      ...(MONEY_RANGES[name] === undefined ? {} : { range: MONEY_RANGES[name] }),
      read: async (world) => (await moneyOf(world))[name],
      call: async (world, _, value) => bind(world, "setMoney", [{ ...(await moneyOf(world)), [name]: value }]),
    },
  ]),
);

export const SETTERS: Readonly<Record<string, Setter>> = {
  ...rates,
  ...margins,
  depth: {
    index: ETH,
    steward: true,
    range: [10n ** 12n, 2n ** 110n - 1n],
    read: async ({ clearingHouse }) => decodeSizes((await clearingHouse.parametersOf(ETH))[1]).depth,
    call: (world, power, value) =>
      Promise.resolve(bind(world, power === "governor" ? "setDepth" : "tuneDepth", [ETH, value])),
  },
  ...limits,
  ...globals,
  ...money,
};

/** A call of a function of the clearing house with its arguments. */
export function bind({ clearingHouse }: World, name: string, args: readonly unknown[]): Call {
  const method = (clearingHouse as unknown as Contract).getFunction(name);
  const send = () => method(...args) as Promise<ContractTransactionResponse>;
  return Object.assign(send, { staticCall: () => method.staticCall(...args) as Promise<unknown> });
}

async function ratesOf({ clearingHouse }: World): Promise<RiskRates> {
  const [risk] = await clearingHouse.parametersOf(ETH);
  return ratesUp(decodeRisk(risk), BigInt(await time.latest()));
}

async function limitsOf({ clearingHouse }: World): Promise<Record<(typeof LIMITS)[number], bigint>> {
  const [, sizes, trade] = await clearingHouse.parametersOf(ETH);
  return { ...decodeSizes(sizes), ...decodeTrade(trade) };
}

/** Amounts in cents. */
async function moneyOf({ clearingHouse }: World): Promise<Record<(typeof MONEY)[number], bigint>> {
  const now = decodeMoney((await clearingHouse.globals())[2]);
  const { minNotional, smallRequirement, flatReward, unattributedCap } = now;
  return {
    ...now,
    minNotional: minNotional / CENT,
    smallRequirement: smallRequirement / CENT,
    flatReward: flatReward / CENT,
    unattributedCap: unattributedCap / CENT,
  };
}

async function margin(
  world: World,
  power: Power,
  { factor, floor }: { factor?: bigint; floor?: bigint },
): Promise<Call> {
  const [word, groups] = await world.clearingHouse.globals();
  const floors = [...decodeGroups(groups)];
  if (floor !== undefined) floors[0] = floor;
  const target = factor ?? decodeGlobals(word).maintenanceFactor;
  return bind(world, power === "governor" ? "rampMargins" : "tuneMargins", [target, floors, DAY]);
}

/** In the bytes32 that the table and its errors have. */
export const nameOf = (name: string): string => ethers.encodeBytes32String(name);
