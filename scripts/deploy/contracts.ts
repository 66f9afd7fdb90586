/** The contracts of a deployment, typed. */
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { Contract } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";

import { accessManagerArtifact } from "../../deploy/modules/Foundation.ts";
import type {
  ClearingHouseExtension,
  ClearingHouseGovernance,
  GovernanceLens,
  IClearingHouse,
  InsuranceFund,
  IPriceOracle,
  Lens,
  LiquidityPool,
  OracleHealth,
  Orders,
  Vault,
} from "../../typechain-types/index.ts";
import type { AddressBook } from "./addressBook.ts";
import { DeploymentError } from "./DeploymentError.ts";

export interface Contracts {
  /** OpenZeppelin's AccessManager. */
  readonly authority: Contract;
  readonly oracle: IPriceOracle;
  readonly clearingHouse: IClearingHouse;
  /** Code that the clearing house runs; nothing is called at its own address. */
  readonly extension: ClearingHouseExtension;
  /** Likewise, by way of the extension. */
  readonly governance: ClearingHouseGovernance;
  readonly vault: Vault;
  readonly orders: Orders;
  readonly pool: LiquidityPool;
  readonly insuranceFund: InsuranceFund;
  readonly lens: Lens;
  readonly oracleHealth: OracleHealth;
  readonly governanceLens: GovernanceLens;
}

/** The contracts of an address book. */
export async function contractsAt(
  { ethers }: NetworkConnection,
  addresses: AddressBook["contracts"],
  signer: HardhatEthersSigner,
): Promise<Contracts> {
  return {
    authority: await ethers.getContractAt([...accessManagerArtifact.abi], addresses.authority, signer),
    oracle: await ethers.getContractAt("IPriceOracle", addresses.oracle, signer),
    clearingHouse: await ethers.getContractAt("IClearingHouse", addresses.clearingHouse, signer),
    extension: await ethers.getContractAt("ClearingHouseExtension", addresses.extension, signer),
    governance: await ethers.getContractAt("ClearingHouseGovernance", addresses.governance, signer),
    vault: await ethers.getContractAt("Vault", addresses.vault, signer),
    orders: await ethers.getContractAt("Orders", addresses.orders, signer),
    pool: await ethers.getContractAt("LiquidityPool", addresses.pool, signer),
    insuranceFund: await ethers.getContractAt("InsuranceFund", addresses.insuranceFund, signer),
    lens: await ethers.getContractAt("Lens", addresses.lens, signer),
    oracleHealth: await ethers.getContractAt("OracleHealth", addresses.oracleHealth, signer),
    governanceLens: await ethers.getContractAt("GovernanceLens", addresses.governanceLens, signer),
  };
}

/** Throws a DeploymentError unless the clearing house, its code and its satellites point at each other. */
export async function checkBacklinks(contracts: Contracts): Promise<void> {
  const { clearingHouse, extension, governance, oracle, vault, orders, pool, insuranceFund } = contracts;
  const { lens, oracleHealth, governanceLens } = contracts;
  const house = await clearingHouse.getAddress();
  const claims: [string, string, string][] = [
    ["vault.clearingHouse", await vault.clearingHouse(), house],
    ["orders.clearingHouse", await orders.clearingHouse(), house],
    ["pool.clearingHouse", await pool.clearingHouse(), house],
    ["insuranceFund.clearingHouse", await insuranceFund.clearingHouse(), house],
    ["lens.clearingHouse", await lens.clearingHouse(), house],
    ["governanceLens.clearingHouse", await governanceLens.clearingHouse(), house],
    ["extension.governance", await extension.governance(), await governance.getAddress()],
    ["oracleHealth.oracle", await oracleHealth.oracle(), await oracle.getAddress()],
    ["orders.oracle", await orders.oracle(), await oracle.getAddress()],
    ["pool.vault", await pool.vault(), await vault.getAddress()],
  ];
  // Extension and governance run on the storage of the clearing house, but with their own links.
  for (const [name, linked] of Object.entries({ clearingHouse, extension, governance })) {
    claims.push(
      [`${name}.oracle`, await linked.oracle(), await oracle.getAddress()],
      [`${name}.vault`, await linked.vault(), await vault.getAddress()],
      [`${name}.orders`, await linked.orders(), await orders.getAddress()],
      [`${name}.pool`, await linked.pool(), await pool.getAddress()],
      [`${name}.insuranceFund`, await linked.insuranceFund(), await insuranceFund.getAddress()],
    );
  }
  // Not part of what the clearing house shows to callers.
  const code = new Contract(house, ["function extension() view returns (address)"], clearingHouse.runner);
  claims.push(["clearingHouse.extension", String(await code.getFunction("extension")()), await extension.getAddress()]);
  for (const [link, is, should] of claims) {
    if (is !== should) throw new DeploymentError(`${link} is ${is}, not ${should}: another transaction took a nonce`);
  }
}
