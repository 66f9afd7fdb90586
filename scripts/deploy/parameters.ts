/**
 * Reads `deploy/parameters/<network>.ts`: every number that a person chose, in human units, into the units of the chain.
 *
 * A file that does not say exactly what is asked, in the unit that is asked, is refused with a ParameterError. The
 * bounds are those of the contracts (`Listings.sol`, `FeedGovernance.sol`, `Orders.sol`, `ILiquidityPool.sol`,
 * `IInsuranceFund.sol`), so that a bad number fails here, where its place is known. Rules between numbers are checked too.
 */
import { pathToFileURL } from "node:url";

import type { OrderSettings } from "../model/orders.ts";
import { type GlobalParameters, MAX_GROUPS, type MoneyParameters, type RiskRates } from "../model/parameters.ts";
import { PlimsollError } from "./PlimsollError.ts";
import {
  address,
  amount,
  at,
  choice,
  duration,
  integer,
  list,
  lot,
  object,
  ParameterError,
  percent,
  type Place,
  type Quantity,
  quantityAt,
  type Read,
  type Reader,
  record,
  session,
  streamId,
  text,
} from "./readers.ts";
import { longestClosure, MAX_SESSIONS, packSessions, type Session, splitSessions } from "./sessions.ts";

/** What stands in a file in place of the address of a contract that only a local chain deploys. */
export const LOCAL = "local";
type Local = typeof LOCAL;
type Hex = `0x${string}`;

const PPM = 1_000_000n;
/** Prices are kept in 96 bits. */
const MAX_PRICE = "79000000000";
/** Sizes and depths are kept in 112 bits. */
const MAX_SIZE = "5000000000000000";
/** Insurance caps are kept in 16 bits. */
const MAX_INSURANCE_CAP = "6553500";
/** Amounts of money in cents are kept in 32 bits. */
const MAX_MONEY = "42949672.95";
const CENT = 10n ** 16n;
const INSURANCE_UNIT = 100n * 10n ** 18n;

/** As the contract's struct of this name. */
export interface FeedLimits {
  readonly maxAge: bigint;
  readonly window: bigint;
  readonly jump: bigint;
  readonly spread: bigint;
  readonly deadAfter: bigint;
  readonly minAnswer: bigint;
  readonly maxAnswer: bigint;
}

/** As the contract's struct of this name. */
export interface AssetListing {
  readonly risk: RiskRates;
  readonly group: bigint;
  readonly depth: bigint;
  readonly openInterestCap: bigint;
  readonly openInterestShare: bigint;
  readonly skewCap: bigint;
  readonly takerFee: bigint;
  readonly makerFee: bigint;
  readonly maxFundingRate: bigint;
  readonly fundingVelocity: bigint;
  readonly profitWeight: bigint;
  readonly lotExponent: bigint;
  readonly insuranceCap: bigint;
  readonly market: boolean;
}

/** A feed that others write: of an asset itself, or a leg of one that is computed. */
export interface Feed {
  /** The asset's symbol, or of a leg that no asset has: `WSTETH.market.0`. */
  readonly name: string;
  readonly proxy: Hex | Local;
  /** As the feed describes itself. */
  readonly description: string;
  readonly decimals: bigint;
  readonly heartbeat: bigint;
  /** Heartbeat and margin, s. */
  readonly maxAge: bigint;
  /** Deviation threshold, 1e-6. */
  readonly deviation: bigint;
  /** First answer of a local feed, WAD. */
  readonly answer: bigint | undefined;
}

/** Where an asset's price comes from. */
export type Source =
  | { readonly kind: "rounds" | "observed"; readonly feed: Feed }
  | { readonly kind: "composite"; readonly legs: readonly Leg[] }
  | {
      readonly kind: "share";
      readonly vault: Hex | Local;
      /** The feed of the vault's asset. */
      readonly base: Feed;
      /** The most that the rate of the share is believed to grow within a day, 1e-6. */
      readonly growth: bigint;
      /** Gas of asking the vault for its rate. */
      readonly vaultGas: bigint;
    };

/** In the order of the contract's enum. */
export const LEG_SIDES = ["both", "market", "rate"] as const;
export type LegSide = (typeof LEG_SIDES)[number];

/** A factor of the market's price, of the one by the exchange rate, or of both. */
export interface Leg {
  readonly side: LegSide;
  readonly feed: Feed;
}

export type SourceKind = Source["kind"];

/** What orders settle by in place of the asset's own rounds. */
export interface Settlement {
  /** Feed id of Data Streams. */
  readonly stream: Hex;
  /** Longest that a report may end after the boundary, s. */
  readonly window: bigint;
}

export interface Asset {
  readonly symbol: string;
  readonly source: Source;
  /** As its source describes itself. */
  readonly description: string;
  readonly heartbeat: bigint;
  /** Deviation threshold of its source, 1e-6; of a computed one the sum over its legs. */
  readonly deviation: bigint;
  readonly limits: FeedLimits;
  readonly settlement: Settlement | undefined;
  /** Hours as `types/FeedSessions.sol` packs them; 0: always open. */
  readonly sessions: bigint;
  readonly listing: AssetListing;
}

export interface Token {
  readonly symbol: string;
  readonly address: Hex | Local;
  readonly decimals: bigint;
  /** Token units. */
  readonly cap: bigint;
  /** Token units within 24 hours. */
  readonly outflowLimit: bigint;
}

export interface Collateral extends Token {
  /** Index of the asset that it is priced as. */
  readonly asset: number;
  readonly saleDiscount: bigint;
  readonly lotExponent: bigint;
}

/** In chain units, listed in the order of their indices. */
export interface Parameters {
  readonly file: string;
  readonly chainId: bigint;
  readonly governance: {
    /** Over how long a change of risk rates is ramped, s. */
    readonly riskRamp: bigint;
    readonly governor: Hex | "deployer";
    readonly guardian: Hex | "deployer";
    readonly steward: Hex | "deployer";
    /** Gives roles in the end; `deployer`: nothing is handed over. */
    readonly admin: Hex | "deployer";
    readonly governorDelay: bigint;
    readonly adminDelay: bigint;
  };
  readonly environment: {
    readonly sequencer: Hex | Local | "none";
    readonly sequencerGrace: bigint;
    readonly haltGrace: bigint;
    readonly pegAsset: bigint;
    readonly nativeAsset: bigint;
    readonly pegLow: bigint;
    readonly pegHigh: bigint;
  };
  /** Verifies reports of Data Streams. */
  readonly verifier: Hex | Local | "none";
  /** Gas of asking a feed, for the sources that are computed from feeds. */
  readonly callGas: bigint;
  readonly assets: readonly Asset[];
  readonly settlement: Token;
  readonly collaterals: readonly Collateral[];
  /** Names of the groups, by their index. */
  readonly groups: readonly string[];
  /** ρ of each of the ten groups, 1e-6. */
  readonly hedgeFloors: readonly bigint[];
  readonly globals: GlobalParameters;
  readonly money: MoneyParameters;
  readonly orders: OrderSettings;
  readonly pool: { readonly cooldown: bigint; readonly deviation: bigint };
  readonly insurance: { readonly targetShare: bigint };
}

/** Reads the file of a network. @param path Of the file; its default export is what is read. */
export async function loadParameters(path: string): Promise<Parameters> {
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as { default?: unknown };
  } catch (cause) {
    throw new PlimsollError(`cannot load the parameters of ${path}`, { cause });
  }
  return parseParameters(module.default, path);
}

/** @param raw What a file exports. @param file For messages. */
export function parseParameters(raw: unknown, file: string): Parameters {
  const root: Place = { file, path: "" };
  const written = fileReader(raw, root);
  const symbols = [...written.assets.keys()];
  const groups = [...written.groups.keys()];
  if (groups.length > MAX_GROUPS) throw new ParameterError("out of range", at(root, "groups"), groups, "at most 10");

  const indexOf = (name: string, place: Place): number => {
    const index = symbols.indexOf(name);
    if (index < 0) throw new ParameterError("unknown name", place, name, symbols.join(", "));
    return index;
  };
  const place = (path: string): Place => ({ file, path });
  const { pegAsset, nativeAsset, feedMargin, verifier, callGas, ...environment } = written.oracle;
  const feeds = feedsOf(written, file);
  const parameters: Parameters = {
    file,
    chainId: written.chainId,
    governance: written.governance,
    environment: {
      ...environment,
      pegAsset: BigInt(indexOf(pegAsset, place("oracle.pegAsset"))),
      nativeAsset: BigInt(indexOf(nativeAsset, place("oracle.nativeAsset"))),
    },
    verifier,
    callGas,
    assets: [...written.assets].map(([symbol, asset]) => {
      const group = groups.indexOf(asset.group);
      if (group < 0) {
        throw new ParameterError("unknown name", place(`assets.${symbol}.group`), asset.group, groups.join(", "));
      }
      return toAsset(symbol, asset, { group: BigInt(group), feedMargin, feeds, file });
    }),
    settlement: { symbol: written.settlement.symbol, ...tokenOf(written.settlement) },
    collaterals: [...written.collaterals].map(([symbol, { asset, saleDiscount, lot: lotExponent, ...token }]) => ({
      symbol,
      ...token,
      asset: indexOf(asset, place(`collaterals.${symbol}.asset`)),
      saleDiscount,
      lotExponent,
    })),
    groups,
    hedgeFloors: Array.from(
      { length: MAX_GROUPS },
      (_, group) => [...written.groups.values()][group]?.hedgeFloor ?? PPM,
    ),
    globals: written.globals,
    money: written.money,
    orders: written.orders,
    pool: written.pool,
    insurance: written.insurance,
  };
  checkRules(parameters);
  return parameters;
}

// ---------------------------------------------------------------- what a file says

const price = amount("USD", { min: "0.000000000001", max: MAX_PRICE });
const day = { min: "1 min", max: "3 d" };

/** What every kind of source says. */
const guards = {
  description: text,
  settlement: object({ stream: streamId, window: duration({ min: "1 s", max: "1 h" }) }),
  sessions: list(session),
  jump: percent({ min: "0.5", max: "50" }),
  spread: percent({ min: "0.1", max: "100" }),
  deadAfter: duration({ min: "1 min", max: "30 d" }),
  minAnswer: price,
  maxAnswer: price,
};
const OPTIONAL_GUARDS = ["settlement", "sessions"] as const;

/** The bounds of derived feeds on one call. */
const callGasReader = amount("gas", { min: "20000", max: "80000", decimals: 0 });
const decimals = integer({ min: 0n, max: 18n });
const heartbeat = duration(day);
const deviation = percent({ min: "0.01", max: "5" });
const KINDS = ["rounds", "observed", "composite", "share"] as const;

const writtenReader = object(
  { kind: choice("rounds", "observed"), proxy: address(LOCAL), decimals, price, heartbeat, deviation, ...guards },
  ["kind", "price", ...OPTIONAL_GUARDS],
);

/** The symbol of an asset whose feed it is, or a feed of its own; `answer` is the first one of a local feed. */
const ownLegReader = object(
  {
    proxy: address(LOCAL),
    description: text,
    decimals,
    answer: amount("", { min: "0.000000000001", max: MAX_PRICE }),
    heartbeat,
    deviation,
  },
  ["answer"],
);
const legReader = (value: unknown, place: Place) =>
  typeof value === "string" ? text(value, place) : ownLegReader(value, place);

const compositeReader = object(
  { kind: choice("composite"), both: list(legReader), market: list(legReader), rate: list(legReader), ...guards },
  [...LEG_SIDES, ...OPTIONAL_GUARDS],
);

const shareReader = object(
  {
    kind: choice("share"),
    vault: address(LOCAL),
    asset: text,
    growth: percent({ unit: "%/day", min: "0.001", max: "1" }),
    vaultGas: callGasReader,
    ...guards,
  },
  OPTIONAL_GUARDS,
);

const readFeed = (value: unknown, place: Place) => {
  const given = (value as { kind?: unknown } | null | undefined)?.kind;
  const kind = given === undefined ? "rounds" : choice(...KINDS)(given, at(place, "kind"));
  if (kind === "composite") return compositeReader(value, place);
  if (kind === "share") return shareReader(value, place);
  return { ...writtenReader(value, place), kind };
};
const feedReader = Object.assign(readFeed, {
  keyed: (key: string) => writtenReader.keyed?.(key) ?? shareReader.keyed?.(key),
});

const riskReader = object({
  beta: percent({ min: "0", max: "100" }),
  sigma: percent({ min: "0.1", max: "100" }),
  gamma: percent({ min: "0.05", max: "25" }),
  kappa: percent({ min: "0", max: "1000" }),
});

const marketReader = (symbol: string) =>
  object({
    openInterestCap: amount(symbol, { min: "0", max: MAX_SIZE }),
    openInterestShare: percent({ min: "0", max: "1000" }),
    skewCap: amount(symbol, { min: "0", max: MAX_SIZE }),
    takerFee: percent({ min: "0", max: "1" }),
    makerFee: percent({ min: "0", max: "1" }),
    maxFundingRate: percent({ unit: "%/day", decimals: 9, min: "0", max: "5" }),
    fundingVelocity: percent({ unit: "%/day²", decimals: 9, min: "0", max: "100" }),
    profitWeight: percent({ min: "0", max: "100" }),
    lot: lot(symbol),
    insuranceCap: amount("USD", { min: "0", max: MAX_INSURANCE_CAP }),
  });

const assetReader = (symbol: string) =>
  object(
    {
      group: text,
      feed: feedReader,
      risk: riskReader,
      depth: amount(symbol, { min: "0.000001", max: MAX_SIZE }),
      market: marketReader(symbol),
    },
    ["market"],
  );

/** The two amounts of a token depend on its decimals, so they are read after them. */
function tokenReader<Extra extends Record<string, Reader<unknown>>>(symbol: string, extra: Extra) {
  const readerOf = (scale: number) => {
    const token = amount(symbol, { min: "0", max: "1000000000000", decimals: scale });
    return object({ address: address(LOCAL), decimals, cap: token, outflowLimit: token, ...extra });
  };
  const read = (value: unknown, place: Place) => {
    const units = (value as { decimals?: unknown } | null)?.decimals;
    return readerOf(typeof units === "bigint" ? Number(units) : 18)(value, place);
  };
  return Object.assign(read, { keyed: (key: string) => readerOf(18).keyed?.(key) });
}

const settlementReader = (value: unknown, place: Place) => {
  const symbol = text((value as { symbol?: unknown } | null)?.symbol, at(place, "symbol"));
  return tokenReader(symbol, { symbol: text })(value, place);
};

const collateralReader = (symbol: string) =>
  tokenReader(symbol, { asset: text, saleDiscount: percent({ min: "0", max: "10" }), lot: lot(symbol) });

const share = percent({ min: "0", max: "100" });
const cents = amount("USD", { min: "0", max: "100000" });
const borrowRate = percent({ unit: "%/year", min: "0", max: "400" });
const gas = amount("gas", { min: "0", max: "2000000", decimals: 0 });

const fileReader = object({
  chainId: integer({ min: 1n, max: 1n << 53n }),
  governance: object({
    riskRamp: duration({ min: "1 d", max: "90 d" }),
    governor: address("deployer"),
    guardian: address("deployer"),
    steward: address("deployer"),
    admin: address("deployer"),
    governorDelay: duration({ min: "0 s", max: "30 d" }),
    adminDelay: duration({ min: "0 s", max: "30 d" }),
  }),
  oracle: object({
    sequencer: address(LOCAL, "none"),
    sequencerGrace: duration({ min: "5 min", max: "1 d" }),
    haltGrace: duration({ min: "5 min", max: "1 d" }),
    feedMargin: duration({ min: "1 s", max: "1 h" }),
    verifier: address(LOCAL, "none"),
    callGas: callGasReader,
    pegAsset: text,
    nativeAsset: text,
    pegLow: amount("USD", { min: "0.9", max: "1" }),
    pegHigh: amount("USD", { min: "1", max: "1.1" }),
  }),
  groups: record(() => object({ hedgeFloor: percent({ min: "10", max: "100" }) })),
  assets: record(assetReader),
  settlement: settlementReader,
  collaterals: record(collateralReader),
  globals: object({
    maintenanceFactor: percent({ min: "10", max: "90" }),
    shortfallInitial: share,
    shortfallMaintenance: share,
    protocolFeeShare: share,
    insuranceFeeShare: share,
    markMaxAge: duration({ min: "1 min", max: "7 d" }),
    liquidationTarget: share,
    liquidationPenalty: percent({ min: "1", max: "25" }),
    liquidatorShare: percent({ min: "10", max: "100" }),
    deepLoss: share,
    takeoverDiscount: percent({ min: "0", max: "5" }),
  }),
  money: object({
    minNotional: cents,
    smallRequirement: cents,
    flatReward: cents,
    unattributedCap: amount("USD", { min: "0", max: MAX_MONEY }),
    borrowKink: percent({ min: "10", max: "100" }),
    borrowRateKink: borrowRate,
    borrowRateFull: borrowRate,
    lossBudget: percent({ min: "1", max: "100" }),
  }),
  orders: object({
    delay: duration({ min: "5 s", max: "240 s" }),
    executionWindow: duration({ min: "60 s", max: "1 h" }),
    band: percent({ min: "0.01", max: "20" }),
    fixedPay: amount("USD", { min: "0", max: "20" }),
    tip: amount("gwei", { min: "0", max: "100", decimals: 9 }),
    singleGas: gas,
    basketGas: gas,
    legGas: gas,
    pokeGas: gas,
    refundGas: gas,
    legGap: duration({ min: "0 s", max: "1 h" }),
  }),
  pool: object({ cooldown: duration({ min: "1 h", max: "7 d" }), deviation: percent({ min: "0.05", max: "2" }) }),
  insurance: object({ targetShare: percent({ min: "0.5", max: "50" }) }),
});

/**
 * How the number at a path of a file is written, and within which bounds; undefined for anything but a number. Amounts of a
 * token as if it had 18 decimals.
 */
export function quantityOf(path: string): Quantity | undefined {
  return quantityAt(fileReader, path);
}

type Written = ReturnType<typeof fileReader>;
type WrittenAsset = Read<{ entry: ReturnType<typeof assetReader> }>["entry"];
type WrittenSource = WrittenAsset["feed"];
type WrittenLeg = ReturnType<typeof legReader>;

// ---------------------------------------------------------------- conversion

/** What an asset that is no market lists in place of market parameters. */
const NO_MARKET = {
  openInterestCap: 0n,
  openInterestShare: 0n,
  skewCap: 0n,
  takerFee: 0n,
  makerFee: 0n,
  maxFundingRate: 0n,
  fundingVelocity: 0n,
  profitWeight: 0n,
  lot: 0n,
  insuranceCap: 0n,
};

/** The feeds of assets that have one of their own, by symbol. */
function feedsOf({ assets, oracle: { feedMargin } }: Written, file: string): Map<string, Feed> {
  const feeds = new Map<string, Feed>();
  for (const [symbol, { feed }] of assets) {
    if (feed.kind !== "rounds" && feed.kind !== "observed") continue;
    const { proxy, description, decimals: places, heartbeat: beat, deviation: threshold } = feed;
    // Optional keys are typed as if they were there.
    const answer = localAnswer(proxy, feed.price, { file, path: `assets.${symbol}.feed.price` });
    feeds.set(symbol, {
      name: symbol,
      proxy,
      description,
      decimals: places,
      heartbeat: beat,
      maxAge: beat + feedMargin,
      deviation: threshold,
      answer,
    });
  }
  return feeds;
}

/** The first answer of a feed, which a local one must have and no other. */
function localAnswer(proxy: Hex | Local, answer: bigint | undefined, place: Place): bigint | undefined {
  const local = (proxy as string) === LOCAL;
  if (local && answer === undefined) throw new ParameterError("missing key", place, undefined, "a local feed needs it");
  if (!local && answer !== undefined) throw new ParameterError("unknown key", place, answer, "only of a local feed");
  return answer;
}

interface SourceContext {
  readonly feedMargin: bigint;
  readonly feeds: ReadonlyMap<string, Feed>;
  readonly file: string;
}

function toSource(symbol: string, written: WrittenSource, context: SourceContext): Source {
  const place: Place = { file: context.file, path: `assets.${symbol}.feed` };
  if (written.kind === "composite") {
    const legs = LEG_SIDES.flatMap((side) =>
      ((written[side] as readonly WrittenLeg[] | undefined) ?? []).map((leg, index) => ({
        side,
        feed: toLeg(`${symbol}.${side}.${String(index)}`, leg, context, at(at(place, side), String(index))),
      })),
    );
    if (legs.length === 0) throw new ParameterError("missing key", at(place, "both"), undefined, "or market and rate");
    return { kind: written.kind, legs };
  }
  if (written.kind === "share") {
    const { vault, growth, vaultGas } = written;
    return { kind: written.kind, vault, base: feedOf(written.asset, context, at(place, "asset")), growth, vaultGas };
  }
  return { kind: written.kind, feed: feedOf(symbol, context, place) };
}

function toLeg(name: string, leg: WrittenLeg, context: SourceContext, place: Place): Feed {
  if (typeof leg === "string") return feedOf(leg, context, place);
  const answer = localAnswer(leg.proxy, leg.answer, at(place, "answer"));
  return { ...leg, name, maxAge: leg.heartbeat + context.feedMargin, answer };
}

/** Of an asset whose price others write. */
function feedOf(symbol: string, { feeds }: SourceContext, place: Place): Feed {
  const feed = feeds.get(symbol);
  if (feed === undefined) throw new ParameterError("unknown name", place, symbol, [...feeds.keys()].join(", "));
  return feed;
}

/** Feeds that a source reads. */
export function feedsBehind(source: Source): readonly Feed[] {
  if (source.kind === "composite") return source.legs.map(({ feed }) => feed);
  return [source.kind === "share" ? source.base : source.feed];
}

/** How far an answer may be from what it stands for: in a product thresholds add up. */
function deviationOf(source: Source): bigint {
  const sum = (feeds: readonly Feed[]): bigint => feeds.reduce((total, feed) => total + feed.deviation, 0n);
  if (source.kind !== "composite") return sum(feedsBehind(source));
  const [market = 0n, rate = 0n] = (["market", "rate"] as const).map((product) =>
    sum(source.legs.filter(({ side }) => side === product || side === "both").map(({ feed }) => feed)),
  );
  return market > rate ? market : rate;
}

function toAsset(
  symbol: string,
  { feed, risk, depth, market }: WrittenAsset,
  { group, ...context }: { group: bigint } & SourceContext,
): Asset {
  const source = toSource(symbol, feed, context);
  // A computed source shifts the time of its answer so that the shortest of its legs' ages is the one that counts.
  const beat = feedsBehind(source)
    .map((leg) => leg.heartbeat)
    .reduce((a, b) => (a < b ? a : b));
  const maxAge = beat + context.feedMargin;
  const { lot: lotExponent, ...trade } = (market as typeof market | undefined) ?? NO_MARKET;
  return {
    symbol,
    source,
    description: feed.description,
    heartbeat: beat,
    deviation: deviationOf(source),
    limits: {
      maxAge,
      window: maxAge,
      jump: feed.jump,
      spread: feed.spread,
      deadAfter: feed.deadAfter,
      minAnswer: feed.minAnswer,
      maxAnswer: feed.maxAnswer,
    },
    settlement: feed.settlement,
    sessions: toSessions(feed.sessions, {
      file: context.file,
      path: `assets.${symbol}.feed.sessions`,
    }),
    listing: { risk, group, depth, ...trade, lotExponent, market: (market as unknown) !== undefined },
  };
}

function toSessions(written: readonly Session[] | undefined, place: Place): bigint {
  if (written === undefined) return 0n;
  const sessions = splitSessions(written);
  if (sessions.length > MAX_SESSIONS) {
    throw new ParameterError("out of range", place, sessions.length, `at most ${String(MAX_SESSIONS)} parts of a week`);
  }
  for (const [index, { open }] of sessions.entries()) {
    const before = sessions[index - 1];
    if (before !== undefined && open < before.close) {
      throw new ParameterError("inconsistent", place, open, "sessions do not overlap");
    }
  }
  return packSessions(sessions);
}

function tokenOf({
  address: where,
  decimals: places,
  cap,
  outflowLimit,
}: Written["settlement"]): Omit<Token, "symbol"> {
  return { address: where, decimals: places, cap, outflowLimit };
}

/** The clearing house's struct of this name: amounts in cents, rates in 1e-6. */
export function toMoneySettings(money: MoneyParameters): MoneyParameters {
  return {
    ...money,
    minNotional: money.minNotional / CENT,
    smallRequirement: money.smallRequirement / CENT,
    flatReward: money.flatReward / CENT,
    unattributedCap: money.unattributedCap / CENT,
  };
}

// ---------------------------------------------------------------- rules between numbers

function checkRules(parameters: Parameters): void {
  const { file, globals, assets } = parameters;
  const require: Require = (holds, path, value, rule) => {
    if (!holds) throw new ParameterError("inconsistent", { file, path }, value, rule);
  };

  require(globals.shortfallMaintenance >=
    globals.shortfallInitial, "globals.shortfallMaintenance", globals.shortfallMaintenance, "at least shortfallInitial");
  require(globals.protocolFeeShare + globals.insuranceFeeShare <=
    PPM, "globals.insuranceFeeShare", globals.insuranceFeeShare, "fee shares sum to at most 100 %");
  for (const token of [parameters.settlement, ...parameters.collaterals]) {
    // MAX_EXIT_WINDOWS of the vault: no limit locks anybody in.
    require(token.outflowLimit === 0n || token.outflowLimit * 20n >= token.cap, token === parameters.settlement
      ? "settlement.outflowLimit"
      : `collaterals.${token.symbol}.outflowLimit`, token.outflowLimit, "at least a twentieth of the cap");
  }
  const { money } = parameters;
  for (const key of ["minNotional", "smallRequirement", "flatReward", "unattributedCap"] as const) {
    require(money[key] % CENT === 0n, `money.${key}`, money[key], "whole cents");
  }
  require(money.borrowRateKink <=
    money.borrowRateFull, "money.borrowRateKink", money.borrowRateKink, "at most borrowRateFull");
  require(parameters.orders.fixedPay % 10n ** 14n === 0n, "orders.fixedPay", parameters.orders.fixedPay, "0.0001 USD");
  require(parameters.orders.tip % 1_000_000n === 0n, "orders.tip", parameters.orders.tip, "multiples of 0.001 gwei");
  for (const key of ["singleGas", "basketGas", "legGas", "pokeGas", "refundGas"] as const) {
    require(parameters.orders[key] % 1_000n === 0n, `orders.${key}`, parameters.orders[key], "multiples of 1000");
  }

  for (const asset of assets) {
    const path = `assets.${asset.symbol}`;
    const { limits, listing } = asset;
    require(limits.deadAfter >=
      limits.maxAge, `${path}.feed.deadAfter`, limits.deadAfter, "at least heartbeat + margin");
    require(limits.maxAnswer > limits.minAnswer, `${path}.feed.maxAnswer`, limits.maxAnswer, "above minAnswer");
    checkSource(asset, parameters, require);
    if (listing.market) checkMarket(asset, parameters, require);
  }

  // Limits of feeds take part in the price of pending orders, so nothing may change them within a window.
  const longest = assets.map(({ limits }) => limits.window).reduce((a, b) => (a > b ? a : b), 0n);
  const { governorDelay, adminDelay } = parameters.governance;
  const longer = "longer than the longest window of a feed";
  require(governorDelay > longest, "governance.governorDelay", governorDelay, longer);
  // Otherwise the admin could give itself the governor's role and be faster.
  const noFaster = "no shorter than the governor's delay";
  require(adminDelay >= governorDelay, "governance.adminDelay", adminDelay, noFaster);
}

type Require = (holds: boolean, path: string, value: unknown, rule: string) => void;

/** `DerivedSources.MAX_GAS` and `CompositeFeed.MAX_LEGS`. */
const MAX_CALL_GAS = 100_000n;
const CALL_GAS_RULE = "all calls of a source take at most 100000 gas";
const MAX_LEGS = 4;

function checkSource(asset: Asset, parameters: Parameters, require: Require): void {
  const { symbol, source, settlement, sessions, limits, listing } = asset;
  const { assets, collaterals, callGas } = parameters;
  const path = `assets.${symbol}.feed`;
  const dead = "longer than the longest closure by heartbeat + margin";
  const needed = longestClosure(sessions) + limits.maxAge;
  require(sessions === 0n || limits.deadAfter > needed, `${path}.deadAfter`, limits.deadAfter, dead);
  if (settlement !== undefined) checkSettlement(asset, settlement, parameters, require);
  if ("feed" in source) {
    const { proxy } = source.feed;
    const twin = assets.find(
      (other) => other !== asset && "feed" in other.source && isSame(other.source.feed.proxy, proxy),
    );
    require(twin === undefined, `${path}.proxy`, proxy, `${twin?.symbol ?? ""} has it`);
    return;
  }
  // A computed source has no rounds of its own, so that every order would be void.
  const rounds = !listing.market || settlement !== undefined;
  require(rounds, `${path}.settlement`, undefined, "a market over a computed source");
  if (source.kind === "composite") {
    checkLegs(source.legs, path, callGas, require);
    return;
  }
  const { vault, vaultGas } = source;
  require(vaultGas + callGas <= MAX_CALL_GAS, `${path}.vaultGas`, vaultGas, CALL_GAS_RULE);
  const token = collaterals.find((collateral) => assets[collateral.asset] === asset);
  const isToken = token === undefined || token.address === vault;
  require(isToken, `${path}.vault`, vault, `the token of ${token?.symbol ?? ""}`);
}

function checkSettlement(
  asset: Asset,
  { stream }: Settlement,
  { assets, verifier }: Parameters,
  require: Require,
): void {
  const path = `assets.${asset.symbol}.feed.settlement`;
  require(asset.listing.market, path, stream, "only orders settle, and this is no market");
  require(verifier !== "none", path, stream, "reports need oracle.verifier");
  // The id of another asset would price this one's orders.
  const twin = assets.find((other) => other !== asset && other.settlement?.stream === stream);
  require(twin === undefined, `${path}.stream`, stream, `${twin?.symbol ?? ""} settles by it`);
}

function checkLegs(legs: readonly Leg[], path: string, callGas: bigint, require: Require): void {
  const count = (side: LegSide): number => legs.filter((leg) => leg.side === side).length;
  require(count("market") > 0 === count("rate") > 0, `${path}.rate`, count("rate"), "market and rate, or only both");
  require(legs.length <= MAX_LEGS, path, legs.length, `at most ${String(MAX_LEGS)} legs`);
  require(BigInt(legs.length) * callGas <= MAX_CALL_GAS, path, legs.length, CALL_GAS_RULE);
  for (const [index, { feed }] of legs.entries()) {
    const twin = legs.slice(0, index).some((other) => other.feed === feed || isSame(other.feed.proxy, feed.proxy));
    require(!twin, path, feed.name, "each leg once; what both products have is in `both`");
  }
}

function isSame(proxy: Hex | Local, other: Hex | Local): boolean {
  return proxy === other && proxy !== LOCAL;
}

function checkMarket(
  { symbol, limits, listing, deviation: threshold }: Asset,
  { globals, pool }: Parameters,
  require: Require,
): void {
  const path = `assets.${symbol}`;
  const { depth, skewCap, openInterestCap, takerFee, makerFee, insuranceCap } = listing;
  require(makerFee <= takerFee, `${path}.market.makerFee`, makerFee, "at most the taker fee");
  require(skewCap <= depth, `${path}.market.skewCap`, skewCap, "at most the depth");
  require(openInterestCap <= depth, `${path}.market.openInterestCap`, openInterestCap, "at most the depth");

  // The listing invariant: (1 − φ)·(γ + m·σ) > taker fee + impact at the open-interest cap, as Listings.sol rounds it.
  const { beta, gamma, sigma } = listing.risk;
  const relief = ((PPM - globals.liquidationPenalty) * (gamma * PPM + globals.maintenanceFactor * sigma)) / (PPM * PPM);
  const cost = takerFee + (openInterestCap * PPM + depth - 1n) / depth;
  const rule = `closing frees ${String(relief)} and costs ${String(cost)}`;
  require(relief > cost, `${path}.market.openInterestCap`, openInterestCap, rule);

  // OI·max(0, J − μ) ≤ the insurance cap. A file has no prices, so what one jump may cost insurance has to be nothing.
  const maintenance = (globals.maintenanceFactor * (beta + sigma)) / PPM + gamma;
  const outright = `at most the maintenance rate of an outright position, ${String(maintenance)}`;
  require(limits.jump <= maintenance, `${path}.feed.jump`, limits.jump, outright);
  require(insuranceCap % INSURANCE_UNIT === 0n, `${path}.market.insuranceCap`, insuranceCap, "a multiple of 100 USD");

  // Who enters or leaves the pool must not know the price better than its feed shows it.
  require(pool.deviation >= threshold, "pool.deviation", pool.deviation, `at least the deviation of ${symbol}`);
}
