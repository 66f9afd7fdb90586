/** The books that are compared, as shares of their size: outright, pairs, baskets, and collateral that is hedged. */
import { abs, PPM } from "../../model/fixed.ts";
import { assetIndex, type Rules } from "./rules.ts";

export const KINDS = ["outright", "pair", "basket", "hedged"] as const;
export type Kind = (typeof KINDS)[number];

/** `share` of the size of the book, 1e-6, of either sign. */
export interface ShapeLeg {
  readonly symbol: string;
  readonly share: bigint;
}

export interface Shape {
  readonly name: string;
  readonly kind: Kind;
  /** The absolute shares sum to 1e6 or a little less. */
  readonly legs: readonly ShapeLeg[];
  /** Tokens held, by the same measure; beside the legs. */
  readonly held: readonly ShapeLeg[];
}

/** Every asset that a shape needs a price of, tokens as the assets that they are priced as. */
export function symbolsOf({ legs, held }: Shape, rules: Rules): readonly string[] {
  const priced = held.map(({ symbol }) => {
    const token = rules.tokens.find((candidate) => candidate.symbol === symbol);
    return rules.assets[token?.parameters.asset ?? -1]?.symbol ?? symbol;
  });
  return [...new Set([...legs.map(({ symbol }) => symbol), ...priced])];
}

/** The books of the comparison; each of the first three kinds in both directions. */
export function shapesOf(rules: Rules): readonly Shape[] {
  const long = (symbol: string, share: bigint): ShapeLeg => ({ symbol, share });
  const short = (symbol: string, share: bigint): ShapeLeg => ({ symbol, share: -share });
  const half = PPM / 2n;
  const quarter = PPM / 4n;
  const directed: readonly Shape[] = [
    { name: "ETH", kind: "outright", legs: [long("ETH", PPM)], held: [] },
    { name: "BTC", kind: "outright", legs: [long("BTC", PPM)], held: [] },
    { name: "SOL", kind: "outright", legs: [long("SOL", PPM)], held: [] },
    { name: "LINK", kind: "outright", legs: [long("LINK", PPM)], held: [] },
    { name: "BTC/ETH", kind: "pair", legs: [long("BTC", half), short("ETH", half)], held: [] },
    { name: "BTC/ETH by beta", kind: "pair", legs: byBeta(rules, "BTC", "ETH"), held: [] },
    { name: "SOL/LINK", kind: "pair", legs: [long("SOL", half), short("LINK", half)], held: [] },
    { name: "ETH/SOL", kind: "pair", legs: [long("ETH", half), short("SOL", half)], held: [] },
    { name: "BTC + ETH", kind: "basket", legs: [long("BTC", half), long("ETH", half)], held: [] },
    {
      name: "all four",
      kind: "basket",
      legs: ["BTC", "ETH", "SOL", "LINK"].map((symbol) => long(symbol, quarter)),
      held: [],
    },
    {
      name: "majors/alts",
      kind: "basket",
      legs: [long("BTC", quarter), long("ETH", quarter), short("SOL", quarter), short("LINK", quarter)],
      held: [],
    },
    {
      name: "two pairs",
      kind: "basket",
      legs: [long("BTC", quarter), short("ETH", quarter), long("SOL", quarter), short("LINK", quarter)],
      held: [],
    },
  ];
  const hedged = (token: string, symbol: string): Shape => ({
    name: `${token}, short ${symbol}`,
    kind: "hedged",
    legs: [short(symbol, PPM)],
    held: [long(token, PPM)],
  });
  return [
    ...directed.flatMap((shape) => [
      { ...shape, name: `${shape.name} long` },
      { ...shape, name: `${shape.name} short`, legs: shape.legs.map(mirrored) },
    ]),
    hedged("WETH", "ETH"),
    hedged("WBTC", "BTC"),
    hedged("WSTETH", "ETH"),
    hedged("WETH", "BTC"),
  ];
}

function mirrored({ symbol, share }: ShapeLeg): ShapeLeg {
  return { symbol, share: -share };
}

/** A pair whose legs lose the same under the shock of their group: β₁·x₁ = β₂·x₂. */
function byBeta(rules: Rules, first: string, second: string): readonly ShapeLeg[] {
  const betaOf = (symbol: string): bigint => rules.assets[assetIndex(rules, symbol)]?.risk.to.beta ?? 0n;
  const [one, other] = [betaOf(first), betaOf(second)];
  const sum = abs(one + other);
  if (sum === 0n) return [];
  return [
    { symbol: first, share: (PPM * other) / sum },
    { symbol: second, share: -((PPM * one) / sum) },
  ];
}
