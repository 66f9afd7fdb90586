/**
 * Protocols that hold each other's paper. Ours takes shares of an ERC-4626 vault as collateral; the vault lends at a lender,
 * which takes shares of our pool and ETH as collateral; one pool of capital liquidates at both; both settle in one stablecoin.
 *
 *   vault ──shares──▶ ours ──pool shares──▶ lender ──deposits──▶ vault
 */
import { seeded } from "../../history/random.ts";
import type { Parameters } from "../../deploy/parameters.ts";
import { mulDivDown, PPM, WAD } from "../../model/fixed.ts";
import { NO_FUNDING } from "../../model/funding.ts";
import { livePrice } from "../../model/price.ts";
import { assess, type Exposure, initialUp, meetsInitial } from "../../model/risk.ts";
import type { BookAccount } from "../compare/account.ts";
import { assetIndex, type Rules, rulesOf, settled } from "../compare/rules.ts";
import { LabError } from "../errors.ts";

/** How what is held in the vault's shares is kept from the rest. */
export const ISOLATIONS = ["none", "sub-accounts", "caps", "groups"] as const;
export type Isolation = (typeof ISOLATIONS)[number];

/** Symbol of the vault's share, an asset of its own in ETH. */
export const SHARE = "SHARE";
/** With `caps`: shares accepted, of those wished. */
const CAP = 250_000n;
/** Of accounts at the start: equity over R_I, 1e-6. */
const MULTIPLE = 1_150_000n;

/** One account of ours. */
export interface Member {
  readonly name: string;
  /** Of whoever owns it: sub-accounts share a user. */
  readonly user: number;
  readonly holdsShares: boolean;
  readonly book: BookAccount;
}

/** Money WAD. */
export interface World {
  readonly rules: Rules;
  readonly members: readonly Member[];
  /** ETH, BTC, USD, WAD. */
  readonly prices: ReadonlyMap<string, bigint>;
  readonly pool: bigint;
  readonly insurance: bigint;
  readonly lender: Lender;
  /** Free to buy with. */
  readonly liquidators: bigint;
}

/** Another protocol, in as much detail as matters here. Money WAD. */
export interface Lender {
  /** What is deposited, all of it by the vault. */
  readonly deposits: bigint;
  readonly loans: readonly Loan[];
  /** Debt over the value of its collateral beyond which a loan is liquidated, 1e-6. */
  readonly threshold: bigint;
  /** ETH that may be sold before its price has fallen by all of itself, as of a linear book, units of WAD. */
  readonly marketDepth: bigint;
}

export interface Loan {
  readonly debt: bigint;
  /** Value at the start, of one kind or the other. */
  readonly poolShares: bigint;
  readonly eth: bigint;
}

export interface WorldOptions {
  readonly parameters: Parameters;
  readonly isolation: Isolation;
  readonly seed: number;
  readonly users: number;
  readonly pool: bigint;
  /** Of the pool, 1e-6. */
  readonly insuranceShare: bigint;
  readonly liquidators: bigint;
}

const PRICES: ReadonlyMap<string, bigint> = new Map([
  ["ETH", 4_000n * WAD],
  ["BTC", 110_000n * WAD],
  [SHARE, 4_000n * WAD],
]);

/** The listed rules with the share as one more asset and token: as WSTETH is listed, in ETH's group or in one of its own. */
export function rulesWithShare(parameters: Parameters, isolation: Isolation): Rules {
  const rules = rulesOf(parameters);
  const model = rules.assets[assetIndex(rules, "WSTETH")];
  if (model === undefined) throw new LabError("no asset WSTETH, whose listing a share would have");
  const { to, group } = model.risk;
  const own = rules.groups.findLastIndex((floor) => floor === PPM);
  const risk = settled(to, isolation === "groups" ? own : group);
  const asset = rules.assets.length;
  const parametersOf = { asset, saleDiscount: 10_000n, lotExponent: 16n, listed: true };
  return {
    ...rules,
    assets: [...rules.assets, { ...model, symbol: SHARE, risk }],
    tokens: [...rules.tokens, { symbol: SHARE, parameters: parametersOf }],
  };
}

/** Everybody at the start; the same users in the same order for each kind of isolation. */
export function worldOf({
  parameters,
  isolation,
  seed,
  users,
  pool,
  insuranceShare,
  liquidators,
}: WorldOptions): World {
  const rules = rulesWithShare(parameters, isolation);
  const random = seeded(seed);
  const members = Array.from({ length: users }, (_, user) => membersOf(user, { rules, isolation, random })).flat();
  const share = (part: bigint): bigint => mulDivDown(pool, part, PPM);
  return {
    rules,
    members,
    prices: PRICES,
    pool,
    insurance: share(insuranceShare),
    liquidators,
    lender: {
      deposits: 2n * pool,
      threshold: 850_000n,
      // Two loans against a fifth of the pool's shares each, and twelve against ETH.
      loans: [
        { debt: share(160_000n), poolShares: share(200_000n), eth: 0n },
        { debt: share(130_000n), poolShares: share(200_000n), eth: 0n },
        ...Array.from({ length: 12 }, (_, index) => ({
          debt: mulDivDown(share(60_000n), 820_000n - 20_000n * BigInt(index), PPM),
          poolShares: 0n,
          eth: share(60_000n),
        })),
      ],
      marketDepth: (100n * pool) / 4_000n,
    },
  };
}

const STYLES = ["basis", "levered"] as const;
const OTHERS = ["pair", "outright"] as const;
/** Sizes are searched for up to so many times the equity behind them, 1e-6, to a millionth. */
const MOST_LEVERAGE = 20n * PPM;

type Legs = readonly (readonly [symbol: string, sign: bigint])[];

/**
 * One user: half of what it has backs a book on the vault's shares, the other half one on cash; every fourth has no
 * shares. The same two books share an account or stand alone, so that only what backs them differs.
 */
function membersOf(
  user: number,
  { rules, isolation, random }: { rules: Rules; isolation: Isolation; random: () => number },
): readonly Member[] {
  const wealth = BigInt(Math.round(20_000 + 180_000 * random() ** 2)) * WAD;
  const tilt = random() < 0.5 ? -1n : 1n;
  const style = STYLES[user % STYLES.length] ?? "basis";
  const other = OTHERS[(user >> 1) % OTHERS.length] ?? "pair";
  const legs: Legs = [["BTC", tilt], ...(other === "pair" ? [["ETH", -tilt] as const] : [])];
  const onCash = (equity: bigint): BookAccount =>
    largest(rules, (scale) => bookWith(rules, { shares: 0n, cash: equity, legs, each: part(equity, scale) }));
  if (user % 4 === 3) return [{ name: `${other} ${user}`, user, holdsShares: false, book: onCash(wealth) }];

  const accepted = isolation === "caps" ? mulDivDown(wealth / 2n, CAP, PPM) : wealth / 2n;
  const idle = wealth / 2n - accepted;
  const shared = addedCash(style === "basis" ? basis(rules, accepted) : levered(rules, accepted), idle);
  const cash = onCash(wealth / 2n);
  const name = `${style} and ${other} ${user}`;
  if (isolation !== "sub-accounts") return [{ name, user, holdsShares: true, book: merged(shared, cash) }];
  return [
    { name: `${name}, shares`, user, holdsShares: true, book: shared },
    { name: `${name}, cash`, user, holdsShares: false, book: cash },
  ];
}

/** Shares with as much ETH sold short, on as much debt as is allowed: what is left of it when ETH has risen. */
function basis(rules: Rules, equity: bigint): BookAccount {
  return largest(rules, (scale) => {
    const shares = equity + part(equity, scale);
    return bookWith(rules, { shares, cash: equity - shares, legs: [["ETH", -1n]], each: shares });
  });
}

/** ETH bought on margin of the shares. */
function levered(rules: Rules, equity: bigint): BookAccount {
  const legs: Legs = [["ETH", 1n]];
  return largest(rules, (scale) => bookWith(rules, { shares: equity, cash: 0n, legs, each: part(equity, scale) }));
}

/** The largest book at which equity is `MULTIPLE` of R_I and debt within λ_I. @param bookOf By scale, 1e-6. */
function largest(rules: Rules, bookOf: (scale: bigint) => BookAccount): BookAccount {
  const isCovered = ({ exposures, cash }: BookAccount): boolean => {
    const terms = assess({ exposures, cash, groups: rules.groups, time: 0n, end: "worse" });
    return meetsInitial(terms, rules.globals) && terms.weighted * PPM >= initialUp(terms) * MULTIPLE;
  };
  let [low, high] = [0n, MOST_LEVERAGE];
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (isCovered(bookOf(middle))) low = middle;
    else high = middle;
  }
  return bookOf(low);
}

/** @param shares Worth, WAD of settlement token. @param each Notional of every leg, the same. */
function bookWith(
  rules: Rules,
  { shares, cash, legs, each }: { shares: bigint; cash: bigint; legs: Legs; each: bigint },
): BookAccount {
  const exposureOf = (symbol: string, size: bigint, collateral: bigint): Exposure => {
    const asset = assetIndex(rules, symbol);
    const price = PRICES.get(symbol) ?? 0n;
    const parameters = rules.assets[asset];
    if (parameters === undefined) throw new LabError(`no asset ${symbol}`);
    const { risk, sizes, trade } = parameters;
    const quote = -(size * price) / WAD;
    return { asset, price: livePrice(price), size, quote, collateral, funding: NO_FUNDING, risk, sizes, trade };
  };
  const unitsOf = (symbol: string, value: bigint): bigint => (value * WAD) / (PRICES.get(symbol) ?? WAD);
  const positions = legs.map(([symbol, sign]) => exposureOf(symbol, sign * unitsOf(symbol, each), 0n));
  const amount = unitsOf(SHARE, shares);
  const token = rules.tokens.length - 1;
  const listed = rules.tokens[token];
  const exposures = [
    ...positions.filter(({ size }) => size !== 0n),
    ...(amount === 0n ? [] : [exposureOf(SHARE, 0n, amount)]),
  ];
  const holdings = amount === 0n || listed === undefined ? [] : [{ token, amount, parameters: listed.parameters }];
  return { exposures, holdings, cash };
}

/** Both books in one account. */
function merged(one: BookAccount, other: BookAccount): BookAccount {
  const exposures = new Map(one.exposures.map((exposure) => [exposure.asset, exposure]));
  for (const exposure of other.exposures) {
    const { size = 0n, quote = 0n, collateral = 0n } = exposures.get(exposure.asset) ?? {};
    exposures.set(exposure.asset, {
      ...exposure,
      size: exposure.size + size,
      quote: exposure.quote + quote,
      collateral: exposure.collateral + collateral,
    });
  }
  return {
    exposures: [...exposures.values()],
    holdings: [...one.holdings, ...other.holdings],
    cash: one.cash + other.cash,
  };
}

function addedCash(book: BookAccount, cash: bigint): BookAccount {
  return { ...book, cash: book.cash + cash };
}

function part(amount: bigint, share: bigint): bigint {
  return mulDivDown(amount, share, PPM);
}
