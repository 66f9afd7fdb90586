/**
 * Every number of a parameter file that is on the chain, with what sets it: one row each. A new setter is a new row, and
 * a number without a `call` has no setter: a plan says so, and nothing more can be done about it.
 */
import { ZeroAddress } from "ethers";

import type { TARGETS } from "../../deploy/roles.ts";
import type { AddressBook } from "../deploy/addressBook.ts";
import type { Contracts } from "../deploy/contracts.ts";
import { type Asset, LOCAL, type Parameters, quantityOf, toMoneySettings, type Token } from "../deploy/parameters.ts";
import type { Quantity } from "../deploy/readers.ts";
import { FEED_KIND } from "../deploy/sources.ts";
import { marginsAtEnd } from "../model/margins.ts";
import {
  decodeCollateral,
  decodeGlobals,
  decodeGroups,
  decodeMoney,
  decodeRisk,
  decodeSizes,
  decodeTrade,
  GLOBAL_FIELDS,
  type GlobalParameters,
  MAX_GROUPS,
  type MoneyParameters,
  ratesUp,
  type RiskRates,
} from "../model/parameters.ts";
import { type At, type Books, range, withAsset } from "./books.ts";
import type { Power } from "./steps.ts";

export type Target = keyof typeof TARGETS;

/** In chain units; addresses and other words as strings. */
export type Values = Readonly<Record<string, bigint | string>>;

/** What a setter is called for: an asset, a token, or the protocol. */
export interface Subject {
  /** Of its part of the file; "" for the whole. */
  readonly path: string;
  /** Of an asset or a token. */
  readonly index: number;
}

/** The file, and where the deployment has put what it names. */
export interface Intent {
  readonly parameters: Parameters;
  readonly book: AddressBook;
}

export interface Field {
  /** Whole path in the file. */
  readonly path: string;
  /** Its unit and its bounds; undefined for a word. */
  readonly quantity: Quantity | undefined;
}

/** The name of a number in the clearing house's table of steps. */
export interface Bound {
  readonly name: string;
  /** Of the table, in the unit of the file's number. */
  readonly unit: bigint;
}

export interface SetterCall {
  readonly method: string;
  readonly args: readonly unknown[];
}

export interface Setter {
  /** Contract of the numbers. */
  readonly target: Target;
  /** Names the row: that of its function, or of what none sets. */
  readonly name: string;
  /** Those of the file that are listed on the chain. */
  readonly subjects: (intent: Intent, listed: Listed) => readonly Subject[];
  readonly fields: (intent: Intent, subject: Subject) => Readonly<Record<string, Field>>;
  readonly wanted: (intent: Intent, subject: Subject) => Values;
  /** May give more than the fields, for `call`. */
  readonly read: (contracts: Contracts, subject: Subject, at: At, intent: Intent) => Promise<Values>;
  /** What makes `wanted` of `live`; a text where nothing does. Without: there is no setter. */
  readonly call?: (change: {
    readonly intent: Intent;
    readonly subject: Subject;
    readonly wanted: Values;
    readonly live: Values;
    readonly power: Power;
  }) => SetterCall | string;
  /** Numbers that move by steps. What is in force during a ramp is read as `now.<name>`. */
  readonly bound?: (name: string) => Bound | undefined;
  /** How long the change takes, s. */
  readonly ramp?: (intent: Intent) => bigint;
  /** What requirements, caps and insurance follow afterwards. */
  readonly apply?: (books: Books, subject: Subject, wanted: Values) => Books;
  /** Where the order of calls matters: lower ones first. */
  readonly rank?: (live: Values, wanted: Values) => number;
  /** A row that the change of this one makes superfluous for the same subject. */
  readonly supersedes?: string;
}

/** How many assets and tokens are on the chain. */
export interface Listed {
  readonly assets: number;
  readonly tokens: number;
}

/** In place of the index of a collateral token: the settlement token. */
export const SETTLEMENT = 255;
/** The most that two sources may differ by. */
const MAX_TOLERANCE = 20_000n;
const MINUTE = 60n;
const DAY = 86_400n;
const NANO = 10n ** 9n;

/** Insurance caps are kept in hundreds. */
const INSURANCE_UNIT = 100n * 10n ** 18n;
const CENT = 10n ** 16n;
const FEES: readonly string[] = ["takerFee", "makerFee"];
const MONEY_IN_CENTS: readonly string[] = ["minNotional", "smallRequirement", "flatReward", "unattributedCap"];
const LIMITS = ["openInterestCap", "openInterestShare", "skewCap", "takerFee", "makerFee", "insuranceCap"] as const;
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
const ORDERS = [
  "delay",
  "executionWindow",
  "band",
  "fixedPay",
  "tip",
  "singleGas",
  "basketGas",
  "legGas",
  "pokeGas",
  "refundGas",
  "legGap",
] as const;
/** All but m, which ramps. */
const GLOBALS = GLOBAL_FIELDS.filter((name) => name !== "maintenanceFactor");

export const SETTERS: readonly Setter[] = [
  {
    target: "vault",
    name: "setOutflowLimit",
    subjects: tokens,
    fields: (intent, subject) => ({ outflowLimit: tokenField(intent, subject, "outflowLimit") }),
    wanted: (intent, subject) => ({ outflowLimit: tokenOf(intent, subject).outflowLimit }),
    read: async ({ vault }, { index }, at) => ({ outflowLimit: (await vault.limitsOf(index, at)).outflowLimit }),
    call: ({ subject, wanted }) => ({ method: "setOutflowLimit", args: [subject.index, wanted["outflowLimit"]] }),
    // No limit below a twentieth of the cap: a higher one comes before the cap, a lower one after it.
    rank: (live, wanted) => (limitRank(wanted["outflowLimit"]) > limitRank(live["outflowLimit"]) ? -1 : 1),
  },
  {
    target: "vault",
    name: "setCap",
    subjects: tokens,
    fields: (intent, subject) => ({ cap: tokenField(intent, subject, "cap") }),
    wanted: (intent, subject) => ({ cap: tokenOf(intent, subject).cap }),
    read: async ({ vault }, { index }, at) => ({ cap: (await vault.limitsOf(index, at)).cap }),
    call: ({ subject, wanted }) => ({ method: "setCap", args: [subject.index, wanted["cap"]] }),
  },
  {
    target: "oracle",
    name: "proposeSource",
    subjects: assets,
    fields: (_, subject) => ({
      proxy: { path: `${subject.path}.feed.proxy`, quantity: undefined },
      kind: { path: `${subject.path}.feed.kind`, quantity: undefined },
    }),
    wanted: (intent, subject) => {
      const { symbol, source } = assetOf(intent, subject);
      return { proxy: proxyOf(intent, symbol, source), kind: FEED_KIND[source.kind] };
    },
    read: async ({ oracle }, { index }, at) => {
      const [proxy] = await oracle.feedOf(index, at);
      const { kind } = await oracle.sourceOf(index, at);
      const { proxy: proposed, kind: proposedKind } = await oracle.proposalOf(index, at);
      return { proxy, kind, proposed, proposedKind };
    },
    call: ({ intent, subject, wanted, live }) => {
      if (live["proposed"] === wanted["proxy"] && live["proposedKind"] === wanted["kind"]) {
        return { method: "adoptSource", args: [subject.index] };
      }
      if (live["proposed"] !== ZeroAddress) {
        return `another source is in shadow, ${String(live["proposed"])}: cancelSource first`;
      }
      const { limits, deviation } = assetOf(intent, subject);
      // The old one's threshold is not in the file any more: that of the new one stands for it.
      const tolerance = 2n * deviation < MAX_TOLERANCE ? 2n * deviation : MAX_TOLERANCE;
      const input = { proxy: wanted["proxy"], kind: wanted["kind"], limits };
      return { method: "proposeSource", args: [subject.index, input, tolerance] };
    },
    supersedes: "configure",
  },
  {
    target: "oracle",
    name: "configure",
    subjects: assets,
    fields: (_, { path }) => ({
      maxAge: { path: `${path}.feed.maxAge`, quantity: durations(MINUTE, 3n * DAY) },
      window: { path: `${path}.feed.window`, quantity: durations(MINUTE, 7n * DAY) },
      ...fieldsOf(`${path}.feed`, ["jump", "spread", "deadAfter", "minAnswer", "maxAnswer"]),
    }),
    wanted: (intent, subject) => ({ ...assetOf(intent, subject).limits }),
    read: async ({ oracle }, { index }, at) => {
      const [, , limits] = await oracle.feedOf(index, at);
      const { maxAge, window, jump, spread, deadAfter, minAnswer, maxAnswer } = limits;
      return { maxAge, window, jump, spread, deadAfter, minAnswer, maxAnswer };
    },
    call: ({ subject, wanted }) => ({ method: "configure", args: [subject.index, wanted] }),
  },
  {
    target: "oracle",
    name: "setSessions",
    subjects: assets,
    fields: (_, { path }) => ({ sessions: { path: `${path}.feed.sessions`, quantity: undefined } }),
    wanted: (intent, subject) => ({ sessions: assetOf(intent, subject).sessions }),
    read: async ({ oracle }, { index }, at) => ({ sessions: (await oracle.sourceOf(index, at)).sessions }),
    call: ({ subject, wanted }) => ({ method: "setSessions", args: [subject.index, wanted["sessions"]] }),
  },
  {
    target: "oracle",
    name: "setSettlement",
    subjects: assets,
    fields: (_, { path }) => ({
      stream: { path: `${path}.feed.settlement.stream`, quantity: undefined },
      window: { path: `${path}.feed.settlement.window`, quantity: durations(0n, 3_600n) },
    }),
    wanted: (intent, subject) => {
      const { symbol, settlement } = assetOf(intent, subject);
      if (settlement === undefined) return { stream: ZeroAddress, window: 0n };
      return { stream: intent.book.streams[symbol] ?? settlement.stream, window: settlement.window };
    },
    read: async ({ oracle }, { index }, at) => {
      const { stream, window } = await oracle.sourceOf(index, at);
      return { stream, window };
    },
    call: ({ intent, subject, wanted }) => {
      const { symbol, settlement } = assetOf(intent, subject);
      if (settlement !== undefined && intent.book.streams[symbol] === undefined) {
        return `the deployment has no feed of the reports ${settlement.stream}`;
      }
      return { method: "setSettlement", args: [subject.index, wanted["stream"], wanted["window"]] };
    },
  },
  {
    target: "oracle",
    name: "setEnvironment",
    subjects: protocol,
    fields: () => ({
      sequencer: { path: "oracle.sequencer", quantity: undefined },
      pegAsset: { path: "oracle.pegAsset", quantity: undefined },
      nativeAsset: { path: "oracle.nativeAsset", quantity: undefined },
      ...fieldsOf("oracle", ["sequencerGrace", "haltGrace", "pegLow", "pegHigh"]),
    }),
    wanted: ({ parameters: { environment }, book }) => ({
      ...environment,
      sequencer: addressOr(environment.sequencer, book.sequencer),
    }),
    read: async ({ oracle }, _, at) => {
      const { sequencer, sequencerGrace, haltGrace, pegAsset, nativeAsset, pegLow, pegHigh } =
        await oracle.environment(at);
      return { sequencer, sequencerGrace, haltGrace, pegAsset, nativeAsset, pegLow, pegHigh };
    },
    call: ({ wanted }) => ({ method: "setEnvironment", args: [wanted] }),
  },
  {
    target: "clearingHouse",
    name: "rampRisk",
    subjects: assets,
    fields: (_, { path }) => fieldsOf(`${path}.risk`, ["beta", "sigma", "gamma", "kappa"]),
    wanted: (intent, subject) => ({ ...assetOf(intent, subject).listing.risk }),
    read: async ({ clearingHouse }, { index }, at) => {
      const risk = decodeRisk((await clearingHouse.parametersOf(index, at)).risk);
      return { ...risk.to, ...asNow(ratesUp(risk, await timeAt(clearingHouse, at))) };
    },
    bound: (name) => ({ name, unit: 1n }),
    call: ({ intent, subject, wanted, power }) => ({
      method: power === "steward" ? "tuneRisk" : "rampRisk",
      args: [subject.index, wanted, intent.parameters.governance.riskRamp],
    }),
    ramp: ({ parameters }) => parameters.governance.riskRamp,
    apply: (books, { index }, wanted) =>
      withAsset(books, index, (words) => {
        const to = wanted as unknown as RiskRates;
        return { ...words, risk: { ...words.risk, from: to, to, duration: 0n } };
      }),
  },
  {
    target: "clearingHouse",
    name: "setLimits",
    subjects: markets,
    fields: (_, { path }) => fieldsOf(`${path}.market`, LIMITS),
    wanted: (intent, subject) => pick(assetOf(intent, subject).listing, LIMITS),
    read: async ({ clearingHouse }, { index }, at) => {
      const { sizes, trade } = await clearingHouse.parametersOf(index, at);
      return pick({ ...decodeSizes(sizes), ...decodeTrade(trade) }, LIMITS);
    },
    bound: (name) => ({ name, unit: name === "insuranceCap" ? INSURANCE_UNIT : 1n }),
    call: ({ subject, wanted, power }) => {
      const names = power === "steward" ? LIMITS.filter((name) => !FEES.includes(name)) : LIMITS;
      const method = power === "steward" ? "tuneLimits" : "setLimits";
      return { method, args: [subject.index, ...names.map((name) => wanted[name])] };
    },
    // Rates may only fall to what a lower cap asks for once it is lower.
    rank: (live, wanted) => ((wanted["openInterestCap"] ?? 0n) < (live["openInterestCap"] ?? 0n) ? -1 : 0),
    apply: (books, { index }, wanted) =>
      withAsset(books, index, (words) => ({
        ...words,
        sizes: { ...words.sizes, ...pick(wanted, ["openInterestCap", "openInterestShare"]) },
        trade: { ...words.trade, ...pick(wanted, ["skewCap", "takerFee", "makerFee", "insuranceCap"]) },
      })),
  },
  {
    target: "clearingHouse",
    name: "setMoney",
    subjects: protocol,
    fields: () => fieldsOf("money", MONEY),
    wanted: ({ parameters }) => ({ ...parameters.money }),
    read: async ({ clearingHouse }, _, at) => ({ ...decodeMoney((await clearingHouse.globals(at))[2]) }),
    bound: (name) => ({ name, unit: MONEY_IN_CENTS.includes(name) ? CENT : 1n }),
    call: ({ wanted }) => ({ method: "setMoney", args: [toMoneySettings(wanted as unknown as MoneyParameters)] }),
    apply: (books, _, wanted) => ({ ...books, money: wanted as unknown as MoneyParameters }),
  },
  {
    target: "orders",
    name: "setParameters",
    subjects: protocol,
    fields: () => fieldsOf("orders", ORDERS),
    wanted: ({ parameters }) => ({ ...parameters.orders }),
    read: async ({ orders }, _, at) => pick(await orders.parameters(at), ORDERS),
    call: ({ wanted }) => ({ method: "setParameters", args: [wanted] }),
  },
  {
    target: "pool",
    name: "setCooldown",
    subjects: protocol,
    fields: () => fieldsOf("pool", ["cooldown"]),
    wanted: ({ parameters }) => ({ cooldown: parameters.pool.cooldown }),
    read: async ({ pool }, _, at) => ({ cooldown: await pool.cooldown(at) }),
    call: ({ wanted }) => ({ method: "setCooldown", args: [wanted["cooldown"]] }),
  },
  {
    target: "pool",
    name: "setDeviation",
    subjects: protocol,
    fields: () => fieldsOf("pool", ["deviation"]),
    wanted: ({ parameters }) => ({ deviation: parameters.pool.deviation }),
    read: async ({ pool }, _, at) => ({ deviation: await pool.deviation(at) }),
    call: ({ wanted }) => ({ method: "setDeviation", args: [wanted["deviation"]] }),
  },
  {
    target: "insuranceFund",
    name: "setTargetShare",
    subjects: protocol,
    fields: () => fieldsOf("insurance", ["targetShare"]),
    wanted: ({ parameters }) => ({ targetShare: parameters.insurance.targetShare }),
    read: async ({ insuranceFund }, _, at) => ({ targetShare: await insuranceFund.targetShare(at) }),
    call: ({ wanted }) => ({ method: "setTargetShare", args: [wanted["targetShare"]] }),
    apply: (books, _, wanted) => ({ ...books, insuranceShare: wanted["targetShare"] as bigint }),
  },

  {
    target: "clearingHouse",
    name: "setGlobals",
    subjects: protocol,
    fields: () => fieldsOf("globals", GLOBALS),
    wanted: ({ parameters }) => pick(parameters.globals, GLOBALS),
    read: async ({ clearingHouse }, _, at) => pick(decodeGlobals((await clearingHouse.globals(at))[0]), GLOBALS),
    bound: (name) => ({ name, unit: 1n }),
    call: ({ wanted }) => ({ method: "setGlobals", args: [wanted] }),
    apply: (books, _, wanted) => ({
      ...books,
      globals: { ...books.globals, ...(wanted as unknown as Omit<GlobalParameters, "maintenanceFactor">) },
    }),
  },
  {
    target: "clearingHouse",
    name: "rampMargins",
    subjects: protocol,
    fields: ({ parameters }) => ({
      maintenanceFactor: field("globals.maintenanceFactor"),
      ...Object.fromEntries(parameters.groups.map((name) => [name, field(`groups.${name}.hedgeFloor`)])),
    }),
    wanted: ({ parameters }) => ({
      maintenanceFactor: parameters.globals.maintenanceFactor,
      ...byName(parameters.hedgeFloors, parameters.groups),
    }),
    read: async ({ clearingHouse }, _, at, { parameters }) => {
      const [globals, groups] = await clearingHouse.globals(at);
      const now = {
        maintenanceFactor: decodeGlobals(globals).maintenanceFactor,
        ...byName(decodeGroups(groups), parameters.groups),
      };
      const [ramp, end] = await clearingHouse.marginRamp(at);
      const { groups: floors, ...factor } = marginsAtEnd(ramp, end) ?? {};
      const atEnd = floors === undefined ? {} : { ...factor, ...byName(floors, parameters.groups) };
      return { ...now, ...atEnd, ...asNow(now) };
    },
    bound: (name) => ({ name: name === "maintenanceFactor" ? name : "hedgeFloor", unit: 1n }),
    call: ({ intent: { parameters }, wanted, power }) => ({
      method: power === "steward" ? "tuneMargins" : "rampMargins",
      args: [wanted["maintenanceFactor"], floorsOf(wanted, parameters), parameters.governance.riskRamp],
    }),
    ramp: ({ parameters }) => parameters.governance.riskRamp,
    apply: (books, _, wanted) => ({
      ...books,
      globals: { ...books.globals, maintenanceFactor: wanted["maintenanceFactor"] as bigint },
      // Names are in the order of their indices.
      groups: books.groups.map((floor, group) => {
        const names = Object.keys(wanted).filter((name) => name !== "maintenanceFactor");
        return (wanted[names[group] ?? ""] as bigint | undefined) ?? floor;
      }),
    }),
  },
  {
    target: "clearingHouse",
    name: "setDepth",
    subjects: assets,
    fields: (_, { path }) => fieldsOf(path, ["depth"]),
    wanted: (intent, subject) => ({ depth: assetOf(intent, subject).listing.depth }),
    read: async ({ clearingHouse }, { index }, at) => ({
      depth: decodeSizes((await clearingHouse.parametersOf(index, at)).sizes).depth,
    }),
    bound: (name) => ({ name, unit: 1n }),
    call: ({ subject, wanted, power }) => ({
      method: power === "steward" ? "tuneDepth" : "setDepth",
      args: [subject.index, wanted["depth"]],
    }),
    apply: (books, { index }, wanted) =>
      withAsset(books, index, (words) => ({ ...words, sizes: { ...words.sizes, ...pick(wanted, ["depth"]) } })),
  },
  {
    target: "clearingHouse",
    name: "setGroup",
    subjects: assets,
    fields: (_, { path }) => ({ group: { path: `${path}.group`, quantity: undefined } }),
    wanted: (intent, subject) => ({ group: assetOf(intent, subject).listing.group }),
    read: async ({ clearingHouse }, { index }, at) => ({
      group: BigInt(decodeRisk((await clearingHouse.parametersOf(index, at)).risk).group),
    }),
    call: ({ subject, wanted }) => ({ method: "setGroup", args: [subject.index, wanted["group"]] }),
    apply: (books, { index }, wanted) =>
      withAsset(books, index, (words) => ({ ...words, risk: { ...words.risk, group: Number(wanted["group"]) } })),
  },

  // ---------------------------------------------------------------- without a setter

  {
    target: "clearingHouse",
    name: "trade",
    subjects: markets,
    fields: (_, { path }) => ({
      ...fieldsOf(`${path}.market`, ["maxFundingRate", "fundingVelocity", "profitWeight"]),
      lotExponent: field(`${path}.market.lot`),
    }),
    wanted: (intent, subject) =>
      pick(assetOf(intent, subject).listing, ["maxFundingRate", "fundingVelocity", "profitWeight", "lotExponent"]),
    read: async ({ clearingHouse }, { index }, at) => {
      const trade = decodeTrade((await clearingHouse.parametersOf(index, at)).trade);
      const { maxFundingRate, fundingVelocity, profitWeight, lotExponent } = trade;
      // Kept in WAD, written in 1e-9.
      return {
        maxFundingRate: maxFundingRate / NANO,
        fundingVelocity: fundingVelocity / NANO,
        profitWeight,
        lotExponent,
      };
    },
  },
  {
    target: "clearingHouse",
    name: "collateral",
    subjects: collaterals,
    fields: (_, { path }) => ({
      saleDiscount: field(`${path}.saleDiscount`),
      lotExponent: field(`${path}.lot`),
      asset: { path: `${path}.asset`, quantity: undefined },
    }),
    wanted: ({ parameters }, { index }) => {
      const { saleDiscount, lotExponent, asset } = entryOf(parameters.collaterals, index);
      return { saleDiscount, lotExponent, asset: BigInt(asset) };
    },
    read: async ({ clearingHouse }, { index }, at) => {
      const word = decodeCollateral(await clearingHouse.collateralParametersOf(index, at));
      return { saleDiscount: word.saleDiscount, lotExponent: word.lotExponent, asset: BigInt(word.asset) };
    },
  },
];

// ---------------------------------------------------------------- subjects

function protocol(): readonly Subject[] {
  return [{ path: "", index: 0 }];
}

function assets({ parameters }: Intent, listed: Listed): readonly Subject[] {
  return parameters.assets.slice(0, listed.assets).map(({ symbol }, index) => ({ path: `assets.${symbol}`, index }));
}

function markets(intent: Intent, listed: Listed): readonly Subject[] {
  return assets(intent, listed).filter((subject) => assetOf(intent, subject).listing.market);
}

function collaterals({ parameters }: Intent, listed: Listed): readonly Subject[] {
  return parameters.collaterals
    .slice(0, listed.tokens)
    .map(({ symbol }, index) => ({ path: `collaterals.${symbol}`, index }));
}

function tokens(intent: Intent, listed: Listed): readonly Subject[] {
  return [{ path: "settlement", index: SETTLEMENT }, ...collaterals(intent, listed)];
}

function assetOf({ parameters }: Intent, { index }: Subject): Asset {
  return entryOf(parameters.assets, index);
}

function tokenOf({ parameters }: Intent, { index }: Subject): Token {
  return index === SETTLEMENT ? parameters.settlement : entryOf(parameters.collaterals, index);
}

function entryOf<T>(list: readonly T[], index: number): T {
  const entry = list[index];
  if (entry === undefined) throw new RangeError(`no entry ${String(index)}`);
  return entry;
}

// ---------------------------------------------------------------- fields

function field(path: string): Field {
  return { path, quantity: quantityOf(path) };
}

function fieldsOf(path: string, names: readonly string[]): Record<string, Field> {
  return Object.fromEntries(names.map((name) => [name, field(`${path}.${name}`)]));
}

/** Amounts of a token are in its own units. */
function tokenField(intent: Intent, subject: Subject, name: string): Field {
  const { symbol, decimals } = tokenOf(intent, subject);
  const max = 10n ** 12n * 10n ** decimals;
  return {
    path: `${subject.path}.${name}`,
    quantity: { kind: "number", unit: symbol, scale: Number(decimals), min: 0n, max },
  };
}

function durations(min: bigint, max: bigint): Quantity {
  return { kind: "duration", unit: "s", scale: 0, min, max };
}

function pick<Name extends string>(from: object, names: readonly Name[]): Record<Name, bigint> {
  const entries = from as Record<Name, bigint>;
  return Object.fromEntries(names.map((name) => [name, entries[name]])) as Record<Name, bigint>;
}

function byName(values: readonly bigint[], names: readonly string[]): Values {
  return Object.fromEntries(names.map((name, index) => [name, entryOf(values, index)]));
}

/** What is in force, beside what a ramp leads to. */
function asNow(values: object): Values {
  return Object.fromEntries(Object.entries(values as Values).map(([name, value]) => [`now.${name}`, value]));
}

async function timeAt({ runner }: Contracts["clearingHouse"], { blockTag }: At): Promise<bigint> {
  const block = await runner?.provider?.getBlock(blockTag);
  if (block === null || block === undefined) throw new RangeError(`no block ${String(blockTag)}`);
  return BigInt(block.timestamp);
}

/** ρ of every group: those without a name stay as the file's reader has them. */
function floorsOf(wanted: Values, { groups, hedgeFloors }: Parameters): readonly (bigint | string | undefined)[] {
  return range(MAX_GROUPS).map((group) => {
    const name = groups[group];
    return name === undefined ? hedgeFloors[group] : wanted[name];
  });
}

/** No limit is the highest. */
function limitRank(limit: bigint | string | undefined): bigint {
  return limit === 0n || typeof limit !== "bigint" ? 1n << 255n : limit;
}

function addressOr(written: string, deployed: string): string {
  if (written === "none") return ZeroAddress;
  return written === LOCAL ? deployed : written;
}

/** The proxy that the file names, or the source that the deployment has made of what it says. */
function proxyOf({ book }: Intent, symbol: string, source: Asset["source"]): string {
  const deployed = book.feeds[symbol] ?? "";
  return "feed" in source ? addressOr(source.feed.proxy, deployed) : deployed;
}
