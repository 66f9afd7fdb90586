/** Run number n of a study as a scenario: a function of the settings and of n alone. */
import type { PricePath, ProviderPlan, Round, Scenario, TraderPlan } from "../engine/types.ts";
import { assetOf, type World } from "../engine/world.ts";
import { WAD } from "../../model/fixed.ts";
import { reported } from "../data/synthetic.ts";
import { BLOW, type Case } from "./cases.ts";
import { fundedBook, populate, sizeOf, toWad } from "./population.ts";
import { type MarketModel, samplePrices } from "./sampler.ts";

export interface StudySettings {
  /** Path of the parameter file. */
  readonly parameters: string;
  readonly seed: number;
  readonly market: MarketModel;
  readonly traders: number;
  /** Whole settlement tokens. */
  readonly pool: number;
  readonly insurance: number;
  /** s. */
  readonly duration: number;
  readonly step: number;
  /** Of keepers, s. */
  readonly latency: number;
  /** Least profit of what they do, whole settlement tokens. */
  readonly margin: number;
}

/** What each wrapper is worth of its asset at the start. */
const WRAPPERS: readonly { readonly symbol: string; readonly of: string; readonly rate: number }[] = [
  { symbol: "WBTC", of: "BTC", rate: 0.999 },
  { symbol: "WSTETH", of: "ETH", rate: 1.2175 },
];
/** The settlement token falls within this, s. */
const DEPEG_TIME = 3_600;
/** Most that is left of a price is this. */
const LEAST_LEFT = 0.02;
/** 0.02 gwei, as on the rollup that the parameters are of. */
const GAS_PRICE = 20_000_000n;
const KEEPER_CASH = 10_000_000n * WAD;
const ATTACKER_NOTIONAL = 1_500_000;
/** What a pump holds: some seven times its cash. */
const PUMPED_NOTIONAL = 9_000_000;
const DUST_ACCOUNTS = 24;
/** Share of the pool that leaves in a run. */
const RUNNING = 0.8;

export function buildScenario(
  world: World,
  settings: StudySettings,
  { index, one }: { index: number; one: Case },
): Scenario {
  const seed = seedOf(settings.seed, index);
  const paths = pathsOf(world, settings, { seed, one });
  const prices = new Map(paths.map(({ asset, rounds }) => [asset, Number(rounds[0]?.price ?? 0n) / 1e18]));
  const traders = populate(world, { traders: settings.traders, seed: seed ^ 0x5bd1e995, prices });
  return {
    name: one.name,
    seed,
    parameters: settings.parameters,
    duration: settings.duration,
    step: settings.step,
    paths,
    traders: [...traders, ...attackersOf(world, one, prices)],
    providers: providersOf(settings, one),
    insurance: toWad(settings.insurance),
    keeper: {
      latency: settings.latency,
      cash: KEEPER_CASH,
      margin: toWad(settings.margin),
      gasPrice: GAS_PRICE,
      maxTakeOver: 0n,
    },
    faults: one.faults,
  };
}

/** Seeds of runs that follow each other have nothing in common. */
export function seedOf(seed: number, index: number): number {
  let mixed = (seed ^ Math.imul(index + 1, 0x9e3779b1)) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 1;
}

function pathsOf(world: World, settings: StudySettings, { seed, one }: { seed: number; one: Case }): PricePath[] {
  const { duration, step, market } = settings;
  const sampled = samplePrices(market, { seed, duration, step, asOne: one.asOne });
  const steps = duration / step;
  const paths = new Map(
    [...sampled].filter(([symbol]) => world.parameters.assets.some((asset) => asset.symbol === symbol)),
  );
  for (const { symbol, of, rate } of WRAPPERS) {
    const underlying = sampled.get(of);
    if (underlying === undefined || !world.parameters.assets.some((asset) => asset.symbol === symbol)) continue;
    paths.set(
      symbol,
      underlying.map((price, index) => price * rate * (index * step >= BLOW ? 1 - one.wrapperLoss : 1)),
    );
  }
  const hit = [...paths].map(([symbol, prices]): [string, number[]] => [
    symbol,
    prices.map((price, index) => price * leftOf(one, index * step)),
  ]);
  const peg = Array.from({ length: steps + 1 }, (_, index) => pegOf(one, index * step));
  const held = hit.map(([symbol, prices]) => [assetOf(world, symbol), prices] as const);
  return [...held, [Number(world.parameters.environment.pegAsset), peg] as const].map(([asset, prices]): PricePath => {
    const { deviation, heartbeat } = world.parameters.assets[asset] ?? { deviation: 0n, heartbeat: 0n };
    return {
      asset,
      rounds: roundsOf(prices, { step, deviation: Number(deviation) / 1e6, heartbeat: Number(heartbeat) }),
    };
  });
}

/** What the blow has left of a price. */
function leftOf({ blow }: Case, at: number): number {
  if (at < BLOW || blow.kind === "none" || blow.kind === "depeg") return 1;
  const part = blow.kind === "gap" ? 1 : Math.min(1, (at - BLOW) / blow.seconds);
  return Math.max(LEAST_LEFT, 1 - blow.share * part);
}

function pegOf({ blow }: Case, at: number): number {
  if (blow.kind !== "depeg" || at < BLOW) return 1;
  return 1 - (1 - blow.price) * Math.min(1, (at - BLOW) / DEPEG_TIME);
}

/** What a feed reports of a price that is looked at every `step`. */
function roundsOf(
  prices: readonly number[],
  { step, ...settings }: { step: number; deviation: number; heartbeat: number },
): Round[] {
  const path = prices.map((price, index) => ({ at: index * step, price }));
  return reported(path, settings).map(({ at, price }) => ({ at, price: toWad(price) }));
}

function providersOf({ pool }: StudySettings, { attack }: Case): ProviderPlan[] {
  if (attack !== "poolRun") return [{ deposit: toWad(pool) }];
  return [{ deposit: toWad(pool * (1 - RUNNING)) }, { deposit: toWad(pool * RUNNING), leavesAt: BLOW }];
}

function attackersOf(world: World, { attack }: Case, prices: ReadonlyMap<number, number>): TraderPlan[] {
  const asset = assetOf(world, "ETH");
  const price = prices.get(asset) ?? 1;
  const outright = (size: bigint, multiple: number) =>
    fundedBook(world, { positions: [{ asset, size }], collateral: [] }, { multiple, prices });
  const size = sizeOf(ATTACKER_NOTIONAL / price);
  switch (attack) {
    case "selfMatched":
      return [size, -size].map((signed, index) => ({
        name: `matched-${String(index)}`,
        book: outright(signed, 1.01),
        agent: "withdrawer",
        asset,
      }));
    case "withdrawer":
      return [{ name: "whale", book: outright(size, 2), agent: "withdrawer", asset }];
    case "dustFlood":
      return Array.from({ length: DUST_ACCOUNTS }, (_, index) => ({
        name: `dust-${String(index)}`,
        book: { cash: 12n * WAD, collateral: [], positions: [] },
        agent: "dust",
        asset,
      }));
    case "fundingPump":
      return [
        {
          name: "pump",
          book: { cash: toWad(ATTACKER_NOTIONAL), collateral: [], positions: [] },
          agent: "pump",
          asset,
          notional: toWad(PUMPED_NOTIONAL),
        },
        { name: "collector", book: outright(-size, 1.5), agent: "holder", asset },
      ];
    case "none":
    case "poolRun":
      return [];
  }
}
