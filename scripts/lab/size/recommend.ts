/** Parameters that would have been enough, as a difference and as a file on top of the one that is listed. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { type Parameters, parseParameters } from "../../deploy/parameters.ts";
import { max, min, PPM, WAD } from "../../model/fixed.ts";

/** What has to be paid for, WAD of settlement token. */
export interface Needs {
  readonly pool: bigint;
  /** Of the whole fund. */
  readonly fund: bigint;
  /** By market, of one day; `unattributed` included. */
  readonly byMarket: ReadonlyMap<string, bigint>;
  /** What a market may come to owe, as a share of the pool, 1e-6. */
  readonly owedShare: bigint;
  /** Most that the fund may be, of the pool, 1e-6. */
  readonly affordable: bigint;
}

export interface Change {
  /** As in a parameter file. */
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

/** Insurance caps are multiples of it, and have 16 bits, WAD. */
const CAP_UNIT = 100n * WAD;
const MOST_CAP = 65_535n * CAP_UNIT;
const MOST_UNATTRIBUTED = 100_000n * WAD;
/** Of the fund, for one market: what a manipulated one may cost must leave something for the others. */
const MOST_OF_FUND = 500_000n;
const LEAST_TARGET = 5_000n;
const PERCENT = 10_000n;
const TENTH = 1_000n;

/**
 * Every number that is to be another one. The fund is what is needed; caps of insurance are raised where they were not
 * enough and never lowered, as what has not been measured may still come; open interest is cut where the fund or a market's
 * part of it could not be afforded. Amounts round up, shares of open interest down.
 */
export function changesFor(parameters: Parameters, needs: Needs): readonly Change[] {
  const { assets, insurance, money } = parameters;
  const scale = scaleOf(needs);
  const fund = (needs.fund * scale) / PPM;
  const share = max(LEAST_TARGET, min(PPM, ceilTo((fund * PPM + needs.pool - 1n) / needs.pool, TENTH)));
  const budget = max(PERCENT, min(PPM, ceilTo(needs.owedShare, PERCENT)));
  const needOf = (name: string): bigint => ((needs.byMarket.get(name) ?? 0n) * scale) / PPM;
  const unattributed = min(MOST_UNATTRIBUTED, ceilTo(needOf("unattributed"), CAP_UNIT));
  const changes: readonly Change[] = [
    { name: "insurance.targetShare", before: percent(insurance.targetShare), after: percent(share) },
    { name: "money.lossBudget", before: percent(money.lossBudget), after: percent(budget) },
    {
      name: "money.unattributedCap",
      before: usd(money.unattributedCap),
      after: usd(max(money.unattributedCap, unattributed)),
    },
    ...assets
      .filter(({ listing }) => listing.market)
      .flatMap(({ symbol, listing }) => {
        const need = needOf(symbol);
        const most = min(MOST_CAP, max(listing.insuranceCap, (fund * MOST_OF_FUND) / PPM));
        const own = need <= most ? PPM : (most * PPM) / need;
        const interest = (listing.openInterestShare * ((scale * own) / PPM)) / PPM;
        return [
          {
            name: `assets.${symbol}.market.insuranceCap`,
            before: usd(listing.insuranceCap),
            after: usd(max(listing.insuranceCap, min(ceilTo(need, CAP_UNIT), floorTo(most, CAP_UNIT)))),
          },
          {
            name: `assets.${symbol}.market.openInterestShare`,
            before: percent(listing.openInterestShare),
            after: percent(floorTo(interest, TENTH)),
          },
        ];
      }),
  ];
  return changes.filter(({ before, after }) => before !== after);
}

/** Share of the open interest at which the fund is one that can be afforded, 1e-6: losses grow with the interest. */
export function scaleOf({ fund, pool, affordable }: Needs): bigint {
  const most = (pool * affordable) / PPM;
  return fund <= most || fund === 0n ? PPM : (most * PPM) / fund;
}

type Tree = Readonly<Record<string, unknown>>;

/** Whether the listed file with the changes still says what is asked of one. Throws a ParameterError where it does not. */
export function withChanges(raw: unknown, changes: readonly Change[], file: string): Parameters {
  const changed = changes.reduce<unknown>((tree, { name, after }) => put(tree, name.split("."), after), raw);
  return parseParameters(changed, file);
}

/** A parameter file that takes the listed one and changes these numbers. */
export function fileOf(base: string, changes: readonly Change[]): string {
  const lines = changes.map(({ name, after }) => `put(${JSON.stringify(name)}, ${JSON.stringify(after)});`);
  return `${[
    "// Proposed by the risk lab: the listed parameters with other numbers for insurance and the pool.",
    `import base from ${JSON.stringify(pathToFileURL(resolve(base)).href)};`,
    "",
    "const parameters = structuredClone(base);",
    "",
    "function put(name, value) {",
    '  const keys = name.split(".");',
    "  const last = keys.pop();",
    "  keys.reduce((tree, key) => tree[key], parameters)[last] = value;",
    "}",
    "",
    ...lines,
    "",
    "export default parameters;",
  ].join("\n")}\n`;
}

function put(tree: unknown, [key, ...rest]: readonly string[], value: string): unknown {
  if (key === undefined) return value;
  const branch = (tree ?? {}) as Tree;
  return { ...branch, [key]: put(branch[key], rest, value) };
}

function ceilTo(value: bigint, unit: bigint): bigint {
  return ((value + unit - 1n) / unit) * unit;
}

function floorTo(value: bigint, unit: bigint): bigint {
  return (value / unit) * unit;
}

/** 1e-6 as a file has it. */
function percent(share: bigint): string {
  return `${Number(share) / Number(PERCENT)} %`;
}

/** WAD, of whole cents, as a file has it. */
function usd(amount: bigint): string {
  return `${Number(amount / (WAD / 100n)) / 100} USD`;
}
