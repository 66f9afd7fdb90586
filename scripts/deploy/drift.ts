/** Reads every number of a parameter file back from the chain. */
import { Contract, type ContractRunner, type Interface, ZeroAddress } from "ethers";

import { ADMIN_ROLE, ROLES, type Role, TARGETS } from "../../deploy/roles.ts";
import { marginsAtEnd } from "../model/margins.ts";
import {
  decodeCollateral,
  decodeGlobals,
  decodeGroups,
  decodeMoney,
  decodeRisk,
  decodeSizes,
  decodeTrade,
} from "../model/parameters.ts";
import type { Contracts } from "./contracts.ts";
import { DeploymentError } from "./DeploymentError.ts";
import { type Asset, LEG_SIDES, type Parameters } from "./parameters.ts";
import { placeOf, type Places } from "./places.ts";
import { FEED_KIND, settledByReports } from "./sources.ts";

/** A value on the chain that is not the one of the file. */
export interface Drift {
  readonly path: string;
  readonly expected: string;
  readonly actual: string;
}

/** The chain is not what the file says. */
export class DriftError extends DeploymentError {
  readonly drifts: readonly Drift[];

  constructor(drifts: readonly Drift[]) {
    const shown = drifts.map(({ path, expected, actual }) => `${path} is ${actual}, not ${expected}`);
    super(`the chain differs from the parameters: ${shown.join("; ")}`);
    this.drifts = drifts;
  }
}

/** What brings the reports that orders settle by; zero addresses where none do. */
export interface ReportPlaces {
  readonly streamReports: string;
  readonly reportRelay: string;
  /** Feeds of reports by symbol. */
  readonly streams: Readonly<Record<string, string>>;
}

/** All differences, none for a deployment that is as its file says. */
export async function findDrift({
  contracts,
  parameters,
  places,
  reports,
  deployer,
}: {
  contracts: Contracts;
  parameters: Parameters;
  places: Places;
  reports: ReportPlaces;
  deployer: string;
}): Promise<Drift[]> {
  const drifts: Drift[] = [];
  const expect: Expect = (path, expected, actual) => {
    const [wanted, found] = [show(expected), show(actual)];
    if (wanted !== found) drifts.push({ path, expected: wanted, actual: found });
  };
  await compareOracle(contracts, parameters, places, expect);
  await compareSources(contracts, parameters, places, expect);
  await compareReports(contracts, parameters, { ...reports, verifier: places.verifier }, expect);
  await compareAssets(contracts, parameters, expect);
  await compareCustody(contracts, parameters, places, expect);
  await compareConstants(contracts, parameters, expect);
  await compareRoles(contracts, parameters, deployer, expect);
  return drifts;
}

type Expect = (path: string, expected: unknown, actual: unknown) => void;

async function compareOracle(
  { oracle }: Contracts,
  { assets, environment }: Parameters,
  places: Places,
  expect: Expect,
): Promise<void> {
  expect("oracle.assetCount", BigInt(assets.length), await oracle.assetCount());
  for (const [index, { symbol, limits }] of assets.entries()) {
    const [proxy, , actual] = await oracle.feedOf(index);
    expect(`assets.${symbol}.feed.proxy`, placeOf(places.feeds, symbol), proxy);
    for (const key of keysOf(limits)) expect(`assets.${symbol}.feed.${key}`, limits[key], actual[key]);
  }
  const actual = await oracle.environment();
  const expected = { ...environment, sequencer: places.sequencer };
  for (const key of keysOf(expected)) expect(`oracle.${key}`, expected[key], actual[key]);
}

/** Kinds and hours, and what the contracts of computed sources were made with. */
async function compareSources(
  { oracle }: Contracts,
  { assets, callGas }: Parameters,
  places: Places,
  expect: Expect,
): Promise<void> {
  const proxies = { ...places.feeds, ...places.legs };
  for (const [index, { symbol, source, sessions, description, limits }] of assets.entries()) {
    const path = `assets.${symbol}.feed`;
    const { kind, sessions: hours } = await oracle.sourceOf(index);
    expect(`${path}.kind`, FEED_KIND[source.kind], kind);
    expect(`${path}.sessions`, sessions, hours);
    const contract = sourceAt(placeOf(places.feeds, symbol), oracle.runner);
    if (source.kind === "composite") {
      expect(`${path}.description`, description, await contract.getFunction("description")());
      expect(`${path}.maxAge`, limits.maxAge, await contract.getFunction("maxAge")());
      const expected = source.legs.map(({ side, feed }) => [
        placeOf(proxies, feed.name),
        BigInt(LEG_SIDES.indexOf(side)),
        feed.maxAge,
        callGas,
      ]);
      expect(
        `${path}.legs`,
        expected,
        ((await contract.getFunction("legs")()) as unknown[][]).map((leg) => [...leg]),
      );
    }
    if (source.kind === "share") {
      expect(`${path}.description`, description, await contract.getFunction("description")());
      expect(`${path}.vault`, placeOf(places.vaults, symbol), await contract.getFunction("vault")());
      expect(`${path}.asset`, placeOf(proxies, source.base.name), await contract.getFunction("assetFeed")());
      expect(`${path}.growth`, source.growth, await contract.getFunction("maxGrowth")());
    }
  }
}

function sourceAt(address: string, runner: ContractRunner | null): Contract {
  const abi = [
    "function description() view returns (string)",
    "function maxAge() view returns (uint256)",
    "function legs() view returns ((address feed, uint8 side, uint24 maxAge, uint24 gasLimit)[])",
    "function vault() view returns (address)",
    "function assetFeed() view returns (address)",
    "function maxGrowth() view returns (uint256)",
  ];
  return new Contract(address, abi, runner);
}

/** What orders settle by, and who verifies it. */
async function compareReports(
  { oracle, orders, clearingHouse }: Contracts,
  parameters: Parameters,
  { streamReports, reportRelay, streams, verifier }: ReportPlaces & { verifier: string },
  expect: Expect,
): Promise<void> {
  for (const [index, { symbol, settlement }] of parameters.assets.entries()) {
    const { stream, window } = await oracle.sourceOf(index);
    const path = `assets.${symbol}.feed.settlement`;
    expect(path, settlement === undefined ? ZeroAddress : placeOf(streams, symbol), stream);
    expect(`${path}.window`, settlement?.window ?? 0n, window);
  }
  if (settledByReports(parameters).length === 0) return;
  const ask = async (address: string, signature: string): Promise<unknown> => {
    const contract = new Contract(address, [`function ${signature}`], oracle.runner);
    return contract.getFunction(signature.slice(0, signature.indexOf("(")))();
  };
  expect("oracle.verifier", verifier, await ask(streamReports, "verifier() view returns (address)"));
  for (const { symbol, settlement } of settledByReports(parameters)) {
    const stream = placeOf(streams, symbol);
    const path = `assets.${symbol}.feed.settlement.stream`;
    expect(path, settlement.stream, await ask(stream, "feedId() view returns (bytes32)"));
    expect(`${path}.reports`, streamReports, await ask(stream, "reports() view returns (address)"));
  }
  const links = { reports: streamReports, orders, clearingHouse };
  for (const [name, target] of Object.entries(links)) {
    const address = typeof target === "string" ? target : await target.getAddress();
    expect(`reportRelay.${name}`, address, await ask(reportRelay, `${name}() view returns (address)`));
  }
}

async function compareAssets({ clearingHouse }: Contracts, { assets, collaterals }: Parameters, expect: Expect) {
  const [assetCount, tokenCount] = await clearingHouse.listed();
  expect("clearingHouse.assets", BigInt(assets.length), assetCount);
  expect("clearingHouse.tokens", BigInt(collaterals.length), tokenCount);
  for (const [index, asset] of assets.entries()) {
    const [risk, sizes, trade] = await clearingHouse.parametersOf(index);
    const actual = { risk: decodeRisk(risk), sizes: decodeSizes(sizes), trade: decodeTrade(trade) };
    expect(`assets.${asset.symbol}`, listedAs(asset), {
      // A ramp leads to what was meant, or it is a difference; that it takes its time is none.
      risk: { to: actual.risk.to, group: actual.risk.group },
      sizes: actual.sizes,
      trade: actual.trade,
    });
  }
  for (const [index, { symbol, asset, saleDiscount, lotExponent }] of collaterals.entries()) {
    const actual = decodeCollateral(await clearingHouse.collateralParametersOf(index));
    expect(`collaterals.${symbol}`, { asset, saleDiscount, lotExponent, listed: true }, actual);
  }
}

/** An asset as the words of the clearing house have it. */
function listedAs({ listing }: Asset) {
  const { risk, group, depth, openInterestCap, openInterestShare, market, skewCap, takerFee, makerFee } = listing;
  return {
    risk: { to: risk, group: Number(group) },
    sizes: { depth, openInterestCap, openInterestShare, status: market ? "Active" : "None" },
    trade: {
      skewCap,
      takerFee,
      makerFee,
      // Listed in 1e-9, kept in WAD.
      maxFundingRate: listing.maxFundingRate * 10n ** 9n,
      fundingVelocity: listing.fundingVelocity * 10n ** 9n,
      profitWeight: listing.profitWeight,
      lotExponent: listing.lotExponent,
      insuranceCap: listing.insuranceCap,
    },
  };
}

/** In place of the index of a collateral token: the settlement token. */
const SETTLEMENT = 255;

async function compareCustody(
  { vault }: Contracts,
  { settlement, collaterals }: Parameters,
  places: Places,
  expect: Expect,
): Promise<void> {
  expect("vault.count", BigInt(collaterals.length), await vault.count());
  const tokens = [[SETTLEMENT, settlement] as const, ...collaterals.entries()];
  for (const [index, { symbol, decimals, cap, outflowLimit }] of tokens) {
    const [address, unitDecimals] = await vault.tokenOf(index);
    const limits = await vault.limitsOf(index);
    expect(`tokens.${symbol}.address`, placeOf(places.tokens, symbol), address);
    expect(`tokens.${symbol}.decimals`, decimals, unitDecimals);
    expect(`tokens.${symbol}.cap`, cap, limits.cap);
    expect(`tokens.${symbol}.outflowLimit`, outflowLimit, limits.outflowLimit);
  }
}

async function compareConstants(
  { clearingHouse, orders, pool, insuranceFund }: Contracts,
  parameters: Parameters,
  expect: Expect,
): Promise<void> {
  const [globals, groups, money] = await clearingHouse.globals();
  const [ramp, end] = await clearingHouse.marginRamp();
  const { groups: floors = decodeGroups(groups), ...factor } = marginsAtEnd(ramp, end) ?? {};
  expect("globals", parameters.globals, { ...decodeGlobals(globals), ...factor });
  expect("groups", parameters.hedgeFloors, floors);
  expect("money", parameters.money, decodeMoney(money));
  const settings = await orders.parameters();
  for (const key of keysOf(parameters.orders)) expect(`orders.${key}`, parameters.orders[key], settings[key]);
  expect("pool.cooldown", parameters.pool.cooldown, await pool.cooldown());
  expect("pool.deviation", parameters.pool.deviation, await pool.deviation());
  expect("insurance.targetShare", parameters.insurance.targetShare, await insuranceFund.targetShare());
}

async function compareRoles(contracts: Contracts, { governance }: Parameters, deployer: string, expect: Expect) {
  const { authority } = contracts;
  const ask = async (name: string, ...args: unknown[]): Promise<unknown> => authority.getFunction(name)(...args);
  for (const [target, roles] of Object.entries(TARGETS) as [keyof typeof TARGETS, Record<Role, readonly string[]>][]) {
    const contract = contracts[target];
    expect(`${target}.authority`, await authority.getAddress(), await contract.authority());
    for (const role of keysOf(roles)) {
      for (const name of roles[role]) {
        const selector = (contract.interface as Interface).getFunction(name)?.selector;
        const holder = await ask("getTargetFunctionRole", await contract.getAddress(), selector);
        expect(`roles.${target}.${name}`, ROLES[role], holder);
      }
    }
  }
  const holders = { governor: governance.governor, guardian: governance.guardian, steward: governance.steward };
  for (const role of keysOf(ROLES)) {
    const holder = holders[role] === "deployer" ? deployer : holders[role];
    const delay = role === "governor" ? governance.governorDelay : 0n;
    expect(`roles.${role}`, [true, delay], [...((await ask("hasRole", ROLES[role], holder)) as [boolean, bigint])]);
  }
  const { admin, adminDelay } = governance;
  const has = async (role: bigint, account: string) => [
    ...((await ask("hasRole", role, account)) as [boolean, bigint]),
  ];
  if (admin !== "deployer") {
    expect("roles.admin", [true, adminDelay], await has(ADMIN_ROLE, admin));
    if (admin !== deployer) expect("roles.admin.deployer", [false, 0n], await has(ADMIN_ROLE, deployer));
  }
  expect("roles.governor.guardian", ROLES.guardian, await ask("getRoleGuardian", ROLES.governor));
}

function keysOf<T extends object>(value: T): (keyof T & string)[] {
  return Object.keys(value) as (keyof T & string)[];
}

/** Keys in one order, so that equal values are equal texts. */
function show(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  return JSON.stringify(value, (_, entry: unknown) => {
    if (typeof entry === "bigint") return String(entry);
    if (typeof entry !== "object" || entry === null || Array.isArray(entry)) return entry;
    return Object.fromEntries(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
