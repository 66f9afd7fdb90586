/**
 * Deploys a keeper's upkeep over a protocol that stands already, and says what to register with a network: conditional
 * upkeeps for the duties, in shards, and log upkeeps that fill the register of accounts.
 */
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { AbiCoder, type Interface, isAddress, ZeroAddress } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";

import upkeepModule from "../../deploy/modules/Upkeep.ts";
import type { KeeperUpkeep } from "../../typechain-types/index.ts";
import type { AddressBook } from "./addressBook.ts";
import { DeploymentError } from "./DeploymentError.ts";
import { createIgnition, LOCAL_CHAIN } from "./ignition.ts";

/** In the order of the enum `Duty`. */
const DUTIES = ["Prices", "Orders", "Accounts", "Protocol"] as const;
export type Duty = (typeof DUTIES)[number];

/** Events after which an account may need watching. */
const EVENTS = {
  clearingHouse: ["Fill"],
  orders: ["OrderSubmitted", "BasketSubmitted", "TriggerSubmitted"],
} as const;

/**
 * Entries that a check looks at: as many as ten million gas are enough for where each takes what most take. Where they take
 * more, the rest comes first in a later check. A market is tried, which values the whole pool each time.
 */
const PAGES: Readonly<Record<Duty, number>> = { Prices: 32, Orders: 100, Accounts: 20, Protocol: 3 };

/** Most that any upkeep may ask for, gas. */
const LARGEST_GAS = 10_000_000n;
/** An order alone is asked for with two million gas left. */
const LEAST_GAS = 2_500_000n;

export interface UpkeepLimits {
  /** Gas of a perform, as registered. */
  readonly gas: bigint;
  /** Most bytes of its data, as the registry has it. */
  readonly size: bigint;
  /** How often the network checks, s. */
  readonly period: bigint;
  /** Shards of the accounts, for `Orders` and `Accounts` each. */
  readonly shards: number;
}

/** An upkeep as a registry takes it. */
export interface Registration {
  readonly name: string;
  readonly trigger: "conditional" | "log";
  readonly checkData: string;
  /** Of a log upkeep. */
  readonly source?: string;
  readonly topic?: string;
}

export interface DeployUpkeepOptions {
  readonly connection: NetworkConnection;
  readonly book: AddressBook;
  /** Takes out what is earned; otherwise the deployer. */
  readonly owner?: string;
  /** Pays; otherwise the first account of the connection. */
  readonly deployer?: HardhatEthersSigner;
  readonly deploymentId?: string;
}

export interface DeployedUpkeep {
  readonly upkeep: KeeperUpkeep;
  readonly finder: string;
  readonly owner: string;
}

/** Throws a DeploymentError for another chain than the book's, an owner that is none, or a protocol that is not there. */
export async function deployUpkeep({ connection, book, ...options }: DeployUpkeepOptions): Promise<DeployedUpkeep> {
  const { ethers } = connection;
  const { chainId } = await ethers.provider.getNetwork();
  if (chainId !== book.chainId) {
    throw new DeploymentError(`the deployment is on chain ${String(book.chainId)}, this is ${String(chainId)}`);
  }
  const { lens, clearingHouse } = book.contracts;
  if ((await ethers.provider.getCode(lens)) === "0x") throw new DeploymentError(`no code of lens at ${lens}`);
  const deployer = options.deployer ?? (await ethers.getSigners())[0];
  if (deployer === undefined) throw new DeploymentError("the network has no accounts");
  const owner = options.owner ?? deployer.address;
  if (!isAddress(owner) || owner === ZeroAddress) throw new DeploymentError(`${owner} is no owner`);

  // One for each owner and protocol: a run that was interrupted goes on, another one is not mistaken for it.
  const names = [owner, lens].map((address) => address.slice(2, 10));
  const deploymentId = options.deploymentId ?? `chain-${String(chainId)}-upkeep-${names.join("-")}`;
  const fresh = chainId === LOCAL_CHAIN;
  const ignition = createIgnition({ connection, sender: deployer.address, chainId, deploymentId, fresh });
  const { upkeep: address, finder } = await ignition.deploy(upkeepModule, { Upkeep: { lens, owner } });
  if (address === undefined || finder === undefined) throw new DeploymentError("the upkeep was not deployed");
  const upkeep = await ethers.getContractAt("KeeperUpkeep", address, deployer);
  if ((await upkeep.clearingHouse()) !== clearingHouse) {
    throw new DeploymentError(`the lens ${lens} is of another clearing house than ${clearingHouse}`);
  }
  return { upkeep, finder, owner };
}

/** What to register so that nothing is left out. Throws a DeploymentError for limits that nothing can be done within. */
export function registrationsOf(
  { contracts }: AddressBook,
  interfaces: Readonly<Record<keyof typeof EVENTS, Interface>>,
  limits: UpkeepLimits,
): Registration[] {
  checkLimits(limits);
  const duties = DUTIES.flatMap((duty) => {
    const shards = duty === "Orders" || duty === "Accounts" ? limits.shards : 1;
    return Array.from({ length: shards }, (_, shard): Registration => {
      const name = shards === 1 ? duty : `${duty} ${String(shard + 1)}/${String(shards)}`;
      return { name, trigger: "conditional", checkData: checkDataOf(duty, { ...limits, shard, shards }) };
    });
  });
  const logs = (Object.keys(EVENTS) as (keyof typeof EVENTS)[]).flatMap((contract) =>
    EVENTS[contract].map((event): Registration => {
      const topic = interfaces[contract].getEvent(event)?.topicHash;
      if (topic === undefined) throw new DeploymentError(`no event ${event} of ${contract}`);
      return { name: event, trigger: "log", checkData: "0x", source: contracts[contract], topic };
    }),
  );
  return [...duties, ...logs];
}

/** Check data of a conditional upkeep. */
export function checkDataOf(
  duty: Duty,
  { shard, shards, period, gas, size }: UpkeepLimits & { readonly shard: number },
): string {
  return AbiCoder.defaultAbiCoder().encode(
    ["tuple(uint8,uint256,uint256,uint256,uint256,uint256,uint256)"],
    [[DUTIES.indexOf(duty), shard, shards, PAGES[duty], period, gas, size]],
  );
}

function checkLimits({ gas, size, period, shards }: UpkeepLimits): void {
  if (gas < LEAST_GAS || gas > LARGEST_GAS) {
    throw new DeploymentError(`gas ${String(gas)} is not between ${String(LEAST_GAS)} and ${String(LARGEST_GAS)}`);
  }
  if (size < 300n) throw new DeploymentError(`size ${String(size)} is too small for an order of several legs`);
  if (period < 1n) throw new DeploymentError(`period ${String(period)} is not a number of seconds`);
  if (!Number.isInteger(shards) || shards < 1 || shards > 1_000) {
    throw new DeploymentError(`${String(shards)} shards are not between 1 and 1000`);
  }
}
