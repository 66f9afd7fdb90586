/**
 * Deploys the protocol with the numbers of a parameter file: Ignition's modules in `deploy/modules`, one after the other,
 * with the clearing house's address computed between the first two, and checks in the end that what stands on the chain
 * is what the file says.
 */
import { basename } from "node:path";

import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { getCreateAddress, type Interface, ZeroAddress } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";

import core, { BEFORE_CLEARING_HOUSE } from "../../deploy/modules/Core.ts";
import foundation from "../../deploy/modules/Foundation.ts";
import handover from "../../deploy/modules/Handover.ts";
import { listingModule } from "../../deploy/modules/Listing.ts";
import { rolesModule } from "../../deploy/modules/Roles.ts";
import { viewsModule } from "../../deploy/modules/Views.ts";
import { TARGETS } from "../../deploy/roles.ts";
import { encodeGlobals, encodeGroups } from "../model/parameters.ts";
import type { AddressBook } from "./addressBook.ts";
import { checkBacklinks, type Contracts, contractsAt } from "./contracts.ts";
import { DeploymentError } from "./DeploymentError.ts";
import { DriftError, findDrift } from "./drift.ts";
import { createIgnition, type Ignition } from "./ignition.ts";
import { type Parameters, toMoneySettings } from "./parameters.ts";
import { checkPlaces, placeOf, type Places, resolvePlaces } from "./places.ts";
import {
  bringReports,
  deploySources,
  FEED_KIND,
  fetcherFor,
  type FetchReports,
  settledByReports,
  type Sources,
} from "./sources.ts";

export interface DeployOptions {
  readonly connection: NetworkConnection;
  readonly parameters: Parameters;
  /** Pays, and ends without a role where the file names other holders; otherwise the first account of the connection. */
  readonly deployer?: HardhatEthersSigner;
  /** Contracts to use where the file says `local`; what is not given is deployed, on a local chain only. */
  readonly places?: Partial<Places>;
  /** Where markets settle by reports: brings the first ones, which the oracle compares with their feeds. */
  readonly fetchReports?: FetchReports;
  /** Names the folder of Ignition's state; otherwise `chain-<id>`. A network in the process has none. */
  readonly deploymentId?: string;
  /** Forgets the state of an earlier deployment under this id first: for a throw-away chain that has begun anew. */
  readonly fresh?: boolean;
  readonly displayUi?: boolean;
}

export interface Deployment {
  readonly book: AddressBook;
  readonly contracts: Contracts;
}

/** Throws a DeploymentError where the chain is not what the file expects, or not what it should be afterwards. */
export async function deployPlimsoll(options: DeployOptions): Promise<Deployment> {
  const { connection, parameters } = options;
  const { provider } = connection.ethers;
  const { chainId } = await provider.getNetwork();
  if (chainId !== parameters.chainId) {
    throw new DeploymentError(`${parameters.file} is for chain ${String(parameters.chainId)}, not ${String(chainId)}`);
  }
  const fetchReports = fetcherFor(parameters, options.fetchReports);
  const deployer = options.deployer ?? (await firstSigner(connection));
  const block = BigInt(await provider.getBlockNumber());
  const ignition = createIgnition({ ...options, sender: deployer.address, chainId });

  const found = await resolvePlaces({ connection, parameters, given: options.places, ignition });
  await checkPlaces(connection, parameters, found);
  const sources = await deploySources({ connection, parameters, places: found, ignition });
  const { places } = sources;

  const base = await ignition.deploy(foundation, { Foundation: { admin: deployer.address } });
  const { authority, oracle, ...libraries } = base;
  const predicted = await predictClearingHouse(deployer, ignition);
  const { lens, ...parts } = await ignition.deploy(core, {
    Core: { ...base, ...coreParameters(parameters, places), clearingHouse: predicted },
  });
  const { vault, orders, pool, insuranceFund, governance, extension, clearingHouse } = parts;
  const { streamReports } = sources;
  const relay = streamReports !== ZeroAddress;
  const {
    oracleHealth,
    governanceLens,
    reportRelay = ZeroAddress,
  } = await ignition.deploy(viewsModule({ relay }), {
    Views: { ...named({ oracle, orders, clearingHouse }), streamReports },
  });
  const addresses = named({
    authority,
    oracle,
    clearingHouse,
    extension,
    governance,
    vault,
    orders,
    pool,
    insuranceFund,
    lens,
    oracleHealth,
    governanceLens,
  });
  const contracts = await contractsAt(connection, addresses, deployer);
  await checkBacklinks(contracts);

  await bringReports({ connection, parameters, sources, deployer, fetchReports });
  await ignition.deploy(listingModule(listingPlan(parameters)), {
    Listing: { ...addresses, ...listingParameters(parameters, sources) },
  });
  const roles = rolesModule((target, role) => selectorsOf(contracts[target], TARGETS[target][role]));
  await ignition.deploy(roles, { Roles: { ...addresses, ...holdersOf(parameters, deployer.address) } });

  const { admin, adminDelay } = parameters.governance;
  if (admin !== "deployer") {
    await ignition.deploy(handover, { Handover: { ...addresses, admin, adminDelay, deployer: deployer.address } });
  }

  const drifts = await findDrift({
    contracts,
    parameters,
    places,
    reports: { ...sources, reportRelay },
    deployer: deployer.address,
  });
  if (drifts.length > 0) throw new DriftError(drifts);
  const { settlement, collaterals, assets } = parameters;
  const book: AddressBook = {
    parameters: basename(parameters.file),
    chainId,
    block,
    deployer: deployer.address,
    contracts: addresses,
    libraries,
    tokens: Object.fromEntries(
      [settlement, ...collaterals].map(({ symbol }) => [symbol, placeOf(places.tokens, symbol)]),
    ),
    feeds: Object.fromEntries(assets.map(({ symbol }) => [symbol, placeOf(places.feeds, symbol)])),
    legs: places.legs,
    vaults: places.vaults,
    streams: sources.streams,
    streamReports,
    reportRelay,
    sequencer: places.sequencer,
    verifier: places.verifier,
    aggregators: places.aggregators,
  };
  return { book, contracts };
}

/**
 * The address of the clearing house: of what the deployer creates after the satellites, the governance and the extension. Where a
 * deployment goes on that has begun with the vault, the one that the vault was given: the deployer's nonce may be past it.
 */
async function predictClearingHouse(deployer: HardhatEthersSigner, ignition: Ignition): Promise<string> {
  const given = ignition.argumentsOf("Core#Vault")?.[1];
  if (typeof given === "string") return given;
  return getCreateAddress({ from: deployer.address, nonce: (await deployer.getNonce()) + BEFORE_CLEARING_HOUSE });
}

function coreParameters(parameters: Parameters, places: Places) {
  const { settlement, orders, pool, insurance, globals, hedgeFloors, money } = parameters;
  return {
    settlementToken: placeOf(places.tokens, settlement.symbol),
    settlementCap: settlement.cap,
    settlementOutflowLimit: settlement.outflowLimit,
    orderSettings: orders,
    poolCooldown: pool.cooldown,
    poolDeviation: pool.deviation,
    insuranceTargetShare: insurance.targetShare,
    globals: encodeGlobals(globals),
    groups: encodeGroups(hedgeFloors),
    money: toMoneySettings(money),
  };
}

function listingPlan(parameters: Parameters) {
  const { assets, collaterals } = parameters;
  const hours = assets.flatMap(({ symbol, sessions }, asset) => (sessions === 0n ? [] : [{ symbol, asset }]));
  return { collaterals, hours, settlements: settledByReports(parameters) };
}

function listingParameters({ assets, environment, collaterals }: Parameters, { places, streams }: Sources) {
  const listing: Record<string, unknown> = {
    feeds: assets.map(({ symbol, source, limits }) => ({
      proxy: placeOf(places.feeds, symbol),
      kind: FEED_KIND[source.kind],
      limits,
    })),
    environment: { ...environment, sequencer: places.sequencer },
    assets: assets.map((asset) => asset.listing),
  };
  for (const { symbol, sessions, settlement } of assets) {
    listing[`${symbol}Sessions`] = sessions;
    if (settlement === undefined) continue;
    listing[`${symbol}Stream`] = placeOf(streams, symbol);
    listing[`${symbol}Window`] = settlement.window;
  }
  for (const { symbol, cap, outflowLimit, asset, saleDiscount, lotExponent } of collaterals) {
    listing[`${symbol}Token`] = placeOf(places.tokens, symbol);
    listing[`${symbol}Cap`] = cap;
    listing[`${symbol}OutflowLimit`] = outflowLimit;
    listing[`${symbol}Asset`] = asset;
    listing[`${symbol}SaleDiscount`] = saleDiscount;
    listing[`${symbol}Lot`] = lotExponent;
  }
  return listing;
}

function holdersOf({ governance: { governor, guardian, steward, governorDelay } }: Parameters, deployer: string) {
  const orDeployer = (holder: string): string => (holder === "deployer" ? deployer : holder);
  return {
    governor: orDeployer(governor),
    guardian: orDeployer(guardian),
    steward: orDeployer(steward),
    governorDelay,
  };
}

function selectorsOf(contract: Contracts[keyof typeof TARGETS], names: readonly string[]): string[] {
  const { fragments } = contract.interface as Interface;
  return names.map((name) => {
    const fragment = fragments.find(
      (candidate) => "selector" in candidate && "name" in candidate && candidate.name === name,
    );
    if (fragment === undefined) throw new DeploymentError(`no function ${name}`);
    return (fragment as unknown as { selector: string }).selector;
  });
}

/** Throws a DeploymentError for a name without an address. */
function named<Name extends string>(addresses: Record<Name, string | undefined>): Record<Name, string> {
  for (const name of Object.keys(addresses) as Name[]) placeOf(addresses as Record<string, string>, name);
  return addresses as Record<Name, string>;
}

async function firstSigner({ ethers }: NetworkConnection): Promise<HardhatEthersSigner> {
  const [first] = await ethers.getSigners();
  if (first === undefined) throw new DeploymentError("the network has no accounts");
  return first;
}
