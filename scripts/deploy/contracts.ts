/** The contracts of a deployment, typed. */
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { Contract } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";

import { accessManagerArtifact } from "../../deploy/modules/Foundation.ts";
import type { ClearingHouse, Lens, LiquidityPool, Orders, PriceOracle, Vault } from "../../typechain-types/index.ts";
import type { AddressBook } from "./addressBook.ts";
import { DeploymentError } from "./DeploymentError.ts";

export interface Contracts {
  /** OpenZeppelin's AccessManager. */
  readonly authority: Contract;
  readonly oracle: PriceOracle;
  readonly clearingHouse: ClearingHouse;
  readonly vault: Vault;
  readonly orders: Orders;
  readonly pool: LiquidityPool;
  readonly lens: Lens;
}

/** The contracts of an address book. */
export async function contractsAt(
  { ethers }: NetworkConnection,
  addresses: AddressBook["contracts"],
  signer: HardhatEthersSigner,
): Promise<Contracts> {
  return {
    authority: await ethers.getContractAt([...accessManagerArtifact.abi], addresses.authority, signer),
    oracle: await ethers.getContractAt("PriceOracle", addresses.oracle, signer),
    clearingHouse: await ethers.getContractAt("ClearingHouse", addresses.clearingHouse, signer),
    vault: await ethers.getContractAt("Vault", addresses.vault, signer),
    orders: await ethers.getContractAt("Orders", addresses.orders, signer),
    pool: await ethers.getContractAt("LiquidityPool", addresses.pool, signer),
    lens: await ethers.getContractAt("Lens", addresses.lens, signer),
  };
}

/** Throws a DeploymentError unless the clearing house and its satellites point at each other. */
export async function checkBacklinks({ clearingHouse, oracle, vault, orders, pool, lens }: Contracts): Promise<void> {
  const house = await clearingHouse.getAddress();
  const claims: [string, string, string][] = [
    ["vault.clearingHouse", await vault.clearingHouse(), house],
    ["orders.clearingHouse", await orders.clearingHouse(), house],
    ["pool.clearingHouse", await pool.clearingHouse(), house],
    ["lens.clearingHouse", await lens.clearingHouse(), house],
    ["clearingHouse.vault", await clearingHouse.vault(), await vault.getAddress()],
    ["clearingHouse.orders", await clearingHouse.orders(), await orders.getAddress()],
    ["clearingHouse.pool", await clearingHouse.pool(), await pool.getAddress()],
    ["clearingHouse.oracle", await clearingHouse.oracle(), await oracle.getAddress()],
    ["orders.oracle", await orders.oracle(), await oracle.getAddress()],
  ];
  for (const [link, is, should] of claims) {
    if (is !== should) throw new DeploymentError(`${link} is ${is}, not ${should}: another transaction took a nonce`);
  }
}
