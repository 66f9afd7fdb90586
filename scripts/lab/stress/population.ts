/** Who is in the market when a run begins: books of all kinds, some with much margin and some with little. */
import { seeded } from "../../history/random.ts";
import { mulDivUp, max, PPM, WAD } from "../../model/fixed.ts";
import { NO_FUNDING } from "../../model/funding.ts";
import { livePrice } from "../../model/price.ts";
import { assess, type Exposure, initialUp } from "../../model/risk.ts";
import type { AgentKind, Book, TraderPlan } from "../engine/types.ts";
import { LISTED, START, type World } from "../engine/world.ts";
import { ScenarioError } from "../engine/errors.ts";

export const SHAPES = ["outright", "pair", "basket", "hedged"] as const;
export type Shape = (typeof SHAPES)[number];

/** Who goes on trading, in turn; most do nothing. */
const AGENTS: readonly AgentKind[] = ["holder", "holder", "trend", "holder", "reverter", "holder", "basis", "holder"];
/** Of the initial requirement: what cash is left beside it. */
const LEAST_MARGIN = 1.03;
const MOST_MARGIN = 2.5;
/** Most traders are long. */
const LONG_SHARE = 0.65;
/** Notionals are this to this, USD, the logarithm uniform. */
const NOTIONALS = { least: 5_000, most: 900_000 };
/** Sizes are exact to so many of these. */
const SIZE_STEPS = 1_000_000;

/** @param prices Of every asset that has one, USD. */
export function populate(
  world: World,
  { traders, seed, prices }: { traders: number; seed: number; prices: ReadonlyMap<number, number> },
): TraderPlan[] {
  const random = seeded(seed);
  const markets = [...prices.keys()].filter((asset) => world.assets[asset]?.sizes.status === "Active");
  return Array.from({ length: traders }, (_, index) => {
    const shape = SHAPES[index % SHAPES.length] ?? "outright";
    const notional = NOTIONALS.least * (NOTIONALS.most / NOTIONALS.least) ** random();
    const sign = random() < LONG_SHARE ? 1 : -1;
    const held = holdingsOf(world, shape, { notional, sign, random, prices, markets });
    const multiple = LEAST_MARGIN + (MOST_MARGIN - LEAST_MARGIN) * random() ** 2;
    const agent = shape === "hedged" ? "hedger" : (AGENTS[index % AGENTS.length] ?? "holder");
    const asset = held.positions[0]?.asset ?? markets[0] ?? 0;
    return {
      name: `${shape}-${String(index)}`,
      book: fundedBook(world, held, { multiple, prices }),
      agent,
      asset,
      notional: toWad(notional / 4),
    };
  });
}

/** A book whose equity is `multiple` of its initial requirement, fees and the impact of opening it apart. */
export function fundedBook(
  world: World,
  held: Pick<Book, "positions" | "collateral">,
  { multiple, prices }: { multiple: number; prices: ReadonlyMap<number, number> },
): Book {
  const exposures = exposuresOf(world, held, prices);
  const { hedgeFloors } = world.parameters;
  const terms = assess({ exposures, cash: 0n, groups: hedgeFloors, time: START, end: "worse" });
  const requirement = initialUp(terms);
  const wanted = (requirement * BigInt(Math.round(multiple * 1_000))) / 1_000n;
  const notional = exposures.reduce((sum, { size, price }) => sum + (abs(size) * price.last) / WAD, 0n);
  const fees = exposures.reduce((most, { trade }) => max(most, trade.takerFee), 0n);
  // The fee twice, for what opening it costs in premium; a book may be hedged so well that it needs less cash than that.
  return { ...held, cash: max(0n, wanted - terms.collateralValue) + mulDivUp(notional, 4n * fees, PPM) + WAD };
}

function holdingsOf(
  world: World,
  shape: Shape,
  {
    notional,
    sign,
    random,
    prices,
    markets,
  }: {
    notional: number;
    sign: number;
    random: () => number;
    prices: ReadonlyMap<number, number>;
    markets: readonly number[];
  },
): Pick<Book, "positions" | "collateral"> {
  const first = pick(markets, random);
  const position = (asset: number, share: number) => ({
    asset,
    size: sizeOf((share * sign * notional) / (prices.get(asset) ?? 1)),
  });
  switch (shape) {
    case "outright":
      return { positions: [position(first, 1)], collateral: [] };
    case "pair": {
      const second = pick(
        markets.filter((asset) => asset !== first),
        random,
      );
      return { positions: [position(first, 1), position(second, -1)], collateral: [] };
    }
    case "basket":
      return {
        positions: markets.map((asset, index) => position(asset, index % 2 === 0 ? 0.5 : -0.25)),
        collateral: [],
      };
    case "hedged": {
      const tokens = world.tokens.flatMap(({ asset }, token) => (prices.has(asset) ? [{ token, asset }] : []));
      const { token, asset } = pick(tokens, random);
      const market = markets.find((candidate) => sharesFeed(world, candidate, asset)) ?? first;
      const amount = sizeOf(notional / (prices.get(asset) ?? 1));
      const size = -sizeOf((0.9 * notional) / (prices.get(market) ?? 1));
      return { positions: [{ asset: market, size }], collateral: [{ token, amount }] };
    }
  }
}

/** Whether a token is priced as the market, or wraps what it trades: they are of one group, and of one name. */
function sharesFeed({ parameters }: World, market: number, asset: number): boolean {
  const [one, other] = [parameters.assets[market]?.symbol ?? "", parameters.assets[asset]?.symbol ?? ""];
  return one === other || other.endsWith(one);
}

function exposuresOf(
  world: World,
  { positions, collateral }: Pick<Book, "positions" | "collateral">,
  prices: ReadonlyMap<number, number>,
): Exposure[] {
  const assets = new Set([
    ...positions.map(({ asset }) => asset),
    ...collateral.map(({ token }) => world.tokens[token]?.asset ?? 0),
  ]);
  return [...assets].map((asset): Exposure => {
    const parameters = world.assets[asset];
    if (parameters === undefined) throw new ScenarioError(`no asset ${String(asset)}`);
    const last = toWad(prices.get(asset) ?? 0);
    const size = positions.reduce((sum, position) => (position.asset === asset ? sum + position.size : sum), 0n);
    return {
      asset,
      price: livePrice(last, START),
      size,
      quote: -(size * last) / WAD,
      collateral: collateral.reduce(
        (sum, { token, amount }) => (world.tokens[token]?.asset === asset ? sum + amount : sum),
        0n,
      ),
      funding: { ...NO_FUNDING, time: LISTED },
      ...parameters,
    };
  });
}

function pick<T>(values: readonly T[], random: () => number): T {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new ScenarioError("no market has a price");
  return value;
}

/** Of a size in whole units. */
export function sizeOf(units: number): bigint {
  return (BigInt(Math.round(units * SIZE_STEPS)) * WAD) / BigInt(SIZE_STEPS);
}

/** Whole units, exact to 1e-8, as feeds report. */
export function toWad(units: number): bigint {
  return BigInt(Math.round(units * 1e8)) * 10n ** 10n;
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}
