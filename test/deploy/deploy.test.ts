import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";
import type { Interface } from "ethers";
import { network } from "hardhat";

import { ADMIN_ROLE, type Role, ROLES, TARGETS } from "../../deploy/roles.ts";
import { checkBacklinks } from "../../scripts/deploy/contracts.ts";
import { deployPlimsoll } from "../../scripts/deploy/deploy.ts";
import { DeploymentError } from "../../scripts/deploy/DeploymentError.ts";
import { findDrift } from "../../scripts/deploy/drift.ts";
import { loadParameters } from "../../scripts/deploy/parameters.ts";
import { decodeRisk } from "../../scripts/model/parameters.ts";

const connection = await network.create();
const { ethers, networkHelpers } = connection;
const root = join(import.meta.dirname, "../..");
const parameters = await loadParameters(join(root, "deploy/parameters/local.ts"));

/** Where the contracts of `TARGETS` are written. */
const SOURCES: Record<keyof typeof TARGETS, readonly string[]> = {
  oracle: ["oracles/FeedGovernance.sol", "oracles/PriceOracleExtension.sol"],
  vault: ["Vault.sol"],
  orders: ["Orders.sol"],
  pool: ["LiquidityPool.sol"],
  insuranceFund: ["InsuranceFund.sol"],
  clearingHouse: ["Clearing.sol", "ClearingHouse.sol", "ClearingHouseExtension.sol", "ClearingHouseGovernance.sol"],
};
const MONEY = {
  minNotional: 1,
  smallRequirement: 1,
  flatReward: 1,
  unattributedCap: 1,
  borrowKink: 100_000,
  borrowRateKink: 1,
  borrowRateFull: 1,
  lossBudget: 100_000,
};

async function deployed() {
  const [deployer, stranger] = await ethers.getSigners();
  if (deployer === undefined || stranger === undefined) throw new Error("the network has no accounts");
  const deployment = await deployPlimsoll({ connection, parameters });
  return { ...deployment, places: deployment.book, deployer, stranger };
}

async function rejected(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("nothing was thrown");
}

describe("deployPlimsoll", () => {
  it("leaves every number of the file on the chain", async () => {
    const { contracts, places, deployer } = await networkHelpers.loadFixture(deployed);

    expect(
      await findDrift({ contracts, parameters, places, reports: places, deployer: deployer.address }),
    ).to.deep.equal([]);
  });

  it("finds a number on the chain that is not the one of the file, of every kind", async () => {
    const { contracts, places, deployer } = await networkHelpers.loadFixture(deployed);
    const { authority, clearingHouse, insuranceFund, oracle, orders, pool, vault } = contracts;
    // Through the admin, who may give the deployer the role without its delay.
    await authority.getFunction("grantRole")(ROLES.governor, deployer.address, 0);
    await networkHelpers.time.increase(3n * 86_400n);
    const eth = parameters.assets[0];
    if (eth === undefined) throw new Error("no assets");
    await clearingHouse.setMoney({ ...MONEY, lossBudget: 110_000 });
    await clearingHouse.setLimits(0, 1, 1, 1, 1, 1, 0);
    await clearingHouse.rampRisk(1, { ...eth.listing.risk, sigma: 30_000 }, 86_400);
    await oracle.configure(0, { ...eth.limits, spread: 900_000 });
    await oracle.setSessions(1, (9_000n << 14n) | 60n);
    await oracle.setEnvironment({ ...parameters.environment, sequencer: places.sequencer, haltGrace: 301 });
    await orders.setParameters({ ...parameters.orders, delay: 31 });
    await pool.setCooldown(3_600);
    await insuranceFund.setTargetShare(60_000);
    await vault.setCap(1, 5);

    const drifts = await findDrift({ contracts, parameters, places, reports: places, deployer: deployer.address });

    expect(drifts.map(({ path }) => path)).to.have.members([
      "assets.ETH.feed.spread",
      "assets.BTC.feed.sessions",
      "oracle.haltGrace",
      "assets.ETH",
      "assets.BTC",
      "tokens.WBTC.cap",
      "money",
      "orders.delay",
      "pool.cooldown",
      "insurance.targetShare",
      "roles.governor",
    ]);
  });

  it("knows the clearing house's address before it is there", async () => {
    const { contracts, book } = await networkHelpers.loadFixture(deployed);

    expect(await contracts.vault.clearingHouse()).to.equal(book.contracts.clearingHouse);
    expect(await ethers.provider.getCode(book.contracts.clearingHouse)).not.to.equal("0x");
  });

  it("refuses a satellite that points elsewhere", async () => {
    const { contracts } = await networkHelpers.loadFixture(deployed);
    const { authority, oracle } = contracts;
    const elsewhere = await ethers.deployContract("Orders", [
      await authority.getAddress(),
      await oracle.getAddress(),
      await oracle.getAddress(),
      parameters.orders,
    ]);

    const error = await rejected(checkBacklinks({ ...contracts, orders: elsewhere }));
    expect(error).to.be.instanceOf(DeploymentError);
    expect(error.message).to.match(/^orders\.clearingHouse is/);
  });

  it("refuses an extension with another link", async () => {
    const { contracts, book } = await networkHelpers.loadFixture(deployed);
    const { authority, oracle, vault, orders, pool } = book.contracts;
    const { Deleveraging = "", Listings = "", Liquidations = "", PoolAccount = "", Waterfall = "" } = book.libraries;
    const elsewhere = await ethers.deployContract(
      "ClearingHouseExtension",
      [{ authority, oracle, vault, orders, pool, insuranceFund: vault }, book.contracts.governance],
      { libraries: { Deleveraging, Listings, Liquidations, PoolAccount, Waterfall } },
    );

    const error = await rejected(checkBacklinks({ ...contracts, extension: elsewhere }));
    expect(error).to.be.instanceOf(DeploymentError);
    expect(error.message).to.match(/^extension\.insuranceFund is/);
  });

  it("refuses a chain that the file is not for", async () => {
    const error = await rejected(deployPlimsoll({ connection, parameters: { ...parameters, chainId: 42161n } }));
    expect(error).to.be.instanceOf(DeploymentError);
    expect(error.message).to.match(/is for chain 42161, not 31337$/);
  });

  it("refuses a feed that describes itself otherwise", async () => {
    const { places } = await networkHelpers.loadFixture(deployed);
    const feeds = { ...places.feeds, ETH: places.feeds["BTC"] ?? "" };

    const error = await rejected(deployPlimsoll({ connection, parameters, places: { ...places, feeds } }));
    expect(error).to.be.instanceOf(DeploymentError);
    expect(error.message).to.match(/feed of ETH describes itself as "BTC \/ USD"/);
  });

  it("refuses a feed with other decimals", async () => {
    const { places } = await networkHelpers.loadFixture(deployed);
    const assets = parameters.assets.map((asset) =>
      "feed" in asset.source
        ? { ...asset, source: { ...asset.source, feed: { ...asset.source.feed, decimals: 18n } } }
        : asset,
    );

    const error = await rejected(deployPlimsoll({ connection, parameters: { ...parameters, assets }, places }));
    expect(error).to.be.instanceOf(DeploymentError);
    expect(error.message).to.equal("the feed of ETH has 8 decimals, not 18");
  });

  it("refuses a token with other decimals", async () => {
    const { places } = await networkHelpers.loadFixture(deployed);
    const tokens = { ...places.tokens, WBTC: places.tokens["USDC"] ?? "" };

    const error = await rejected(deployPlimsoll({ connection, parameters, places: { ...places, tokens } }));
    expect(error).to.be.instanceOf(DeploymentError);
    expect(error.message).to.match(/WBTC has 6 decimals/);
  });
});

describe("roles", () => {
  for (const target of Object.keys(SOURCES) as (keyof typeof TARGETS)[]) {
    it(`gives every restricted function of ${target} a role other than the admin's`, async () => {
      const { contracts } = await networkHelpers.loadFixture(deployed);
      const source = SOURCES[target].map((file) => readFileSync(join(root, "contracts", file), "utf8")).join("\n");
      const names = [...source.matchAll(/function (\w+)\([^)]*\)[^{;]*\brestricted\b/g)].map(([, name]) => name ?? "");
      expect(names).not.to.be.empty;
      expect(names).to.have.members(Object.values(TARGETS[target]).flat());

      for (const name of names) {
        const selector = (contracts[target].interface as Interface).getFunction(name)?.selector;
        const role: unknown = await contracts.authority.getFunction("getTargetFunctionRole")(
          contracts[target],
          selector,
        );
        expect(role, name).to.be.oneOf(Object.values(ROLES));
      }
    });
  }

  it("makes the governor wait and refuses everybody else", async () => {
    const { contracts, deployer, stranger } = await networkHelpers.loadFixture(deployed);
    const { authority, clearingHouse } = contracts;

    await expect(clearingHouse.connect(stranger).setMoney(MONEY)).to.be.revertedWithCustomError(
      clearingHouse,
      "AccessManagedUnauthorized",
    );
    await expect(clearingHouse.connect(deployer).setMoney(MONEY)).to.be.revert(ethers);
    const call = clearingHouse.interface.encodeFunctionData("setMoney", [MONEY]);
    await authority.getFunction("schedule")(await clearingHouse.getAddress(), call, 0);
    await networkHelpers.time.increase(parameters.governance.governorDelay);
    await clearingHouse.connect(deployer).setMoney(MONEY);
    const [, , money] = await clearingHouse.globals();
    expect(BigInt.asUintN(128, money)).to.equal(1n | (1n << 32n) | (1n << 64n) | (1n << 96n));
  });

  it("lets the guardian make a market, or everything, reduce-only at once, and start neither again", async () => {
    const { contracts } = await networkHelpers.loadFixture(deployed);
    const { clearingHouse } = contracts;

    await expect(clearingHouse.restrictMarket(0)).to.emit(clearingHouse, "MarketStatusChanged").withArgs(0, 2);
    await expect(clearingHouse.pause()).to.emit(clearingHouse, "Paused").withArgs(true);
    // As governor it would have to wait.
    await expect(clearingHouse.reopenMarket(0)).to.be.revert(ethers);
    await expect(clearingHouse.unpause()).to.be.revert(ethers);
  });
});

describe("handover", () => {
  it("leaves the deployer without any role, and every function to the holder that the file names", async () => {
    const { contracts, deployer, holders } = await networkHelpers.loadFixture(handedOver);
    const { authority } = contracts;
    const has = async (role: bigint, account: string) =>
      [...((await authority.getFunction("hasRole")(role, account)) as [boolean, bigint])] as [boolean, bigint];
    const { governorDelay } = parameters.governance;

    for (const role of [ADMIN_ROLE, ...Object.values(ROLES)]) {
      expect(await has(role, deployer.address), `role ${role}`).to.deep.equal([false, 0n]);
    }
    expect(await has(ADMIN_ROLE, holders.admin)).to.deep.equal([true, ADMIN_DELAY]);
    expect(await has(ROLES.governor, holders.governor)).to.deep.equal([true, governorDelay]);
    for (const [target, roles] of Object.entries(TARGETS) as [
      keyof typeof TARGETS,
      Record<Role, readonly string[]>,
    ][]) {
      for (const [role, names] of Object.entries(roles) as [Role, readonly string[]][]) {
        for (const name of names) await expectCallers(contracts, { target, name, role, holders, deployer });
      }
    }
  });

  it("lets nobody but the admin give roles, after its delay", async () => {
    const { contracts, deployer, holders } = await networkHelpers.loadFixture(handedOver);
    const { authority } = contracts;
    const grant = authority.interface.encodeFunctionData("grantRole", [ROLES.steward, deployer.address, 0]);

    await expect(deployer.sendTransaction({ to: authority, data: grant })).to.be.revertedWithCustomError(
      authority,
      "AccessManagerUnauthorizedAccount",
    );
    const admin = await ethers.getSigner(holders.admin);
    await expect(admin.sendTransaction({ to: authority, data: grant })).to.be.revertedWithCustomError(
      authority,
      "AccessManagerNotScheduled",
    );
  });

  it("is missed by the check where the deployer is still admin", async () => {
    const { contracts, places, deployer } = await networkHelpers.loadFixture(deployed);
    const governance = { ...parameters.governance, admin: ethers.Wallet.createRandom().address as `0x${string}` };

    const drifts = await findDrift({
      contracts,
      parameters: { ...parameters, governance },
      places,
      reports: places,
      deployer: deployer.address,
    });
    expect(drifts.map(({ path }) => path)).to.have.members(["roles.admin", "roles.admin.deployer"]);
  });
});

describe("the steward", () => {
  it("moves risk parameters at once by its steps, and by no others", async () => {
    const { contracts, holders } = await networkHelpers.loadFixture(handedOver);
    const { clearingHouse } = contracts;
    const steward = clearingHouse.connect(await ethers.getSigner(holders.steward));
    const [risk] = await clearingHouse.parametersOf(0);
    const { to: rates } = decodeRisk(risk);
    const day = 86_400;

    await expect(steward.rampRisk(0, rates, day)).to.be.revertedWithCustomError(
      clearingHouse,
      "AccessManagedUnauthorized",
    );
    await expect(
      steward.tuneRisk(0, { ...rates, sigma: (rates.sigma * 12n) / 10n }, day),
    ).to.be.revertedWithCustomError(clearingHouse, "StepTooLarge");
    await steward.tuneRisk(0, { ...rates, sigma: (rates.sigma * 11n) / 10n }, day);
    await expect(steward.tuneRisk(0, rates, day))
      .to.be.revertedWithCustomError(clearingHouse, "RampRunning")
      .withArgs((await networkHelpers.time.latest()) + day);
  });
});

/** Longer than the governor's. */
const ADMIN_DELAY = 3n * 86_400n;

/** With a holder of its own for each role. */
async function handedOver() {
  const [deployer, governor, guardian, steward, admin, stranger] = await ethers.getSigners();
  if (!deployer || !governor || !guardian || !steward || !admin || !stranger) throw new Error("too few accounts");
  const holders = {
    governor: governor.address as `0x${string}`,
    guardian: guardian.address as `0x${string}`,
    steward: steward.address as `0x${string}`,
    admin: admin.address as `0x${string}`,
  };
  const governance = { ...parameters.governance, ...holders, adminDelay: ADMIN_DELAY };
  const deployment = await deployPlimsoll({ connection, parameters: { ...parameters, governance } });
  return { ...deployment, deployer, holders, stranger };
}

/** The holder of the role may call the function, after the governor's delay if it is that; nobody else may. */
async function expectCallers(
  contracts: Awaited<ReturnType<typeof deployPlimsoll>>["contracts"],
  {
    target,
    name,
    role,
    holders,
    deployer,
  }: {
    target: keyof typeof TARGETS;
    name: string;
    role: Role;
    holders: Record<Role | "admin", string>;
    deployer: { address: string };
  },
): Promise<void> {
  const contract = contracts[target];
  const selector = (contract.interface as Interface).getFunction(name)?.selector;
  const delay = role === "governor" ? parameters.governance.governorDelay : 0n;
  for (const [caller, address] of Object.entries({ ...holders, deployer: deployer.address })) {
    const [immediate, wait] = (await contracts.authority.getFunction("canCall")(address, contract, selector)) as [
      boolean,
      bigint,
    ];
    const allowed = caller === role ? [delay === 0n, delay] : [false, 0n];
    expect([immediate, wait], `${target}.${name} by the ${caller}`).to.deep.equal(allowed);
  }
}
