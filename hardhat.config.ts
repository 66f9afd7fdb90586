import { createRequire } from "node:module";
import { availableParallelism } from "node:os";

import toolbox from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { configVariable, defineConfig } from "hardhat/config";

const require = createRequire(import.meta.url);

/** Compilers come from npm and are pinned by the lock file: a build downloads nothing. */
const compilers = [
  {
    version: "0.8.37",
    path: require.resolve("solc/soljson.js"),
    settings: { viaIR: true, optimizer: { enabled: true, runs: 200 }, evmVersion: "osaka" },
  },
  {
    // The price proxies that Chainlink has deployed.
    version: "0.6.6",
    path: require.resolve("solc-0.6.6/soljson.js"),
    settings: { optimizer: { enabled: true, runs: 200 }, evmVersion: "istanbul" },
  },
  {
    // The verifier of Data Streams and the registry of Automation as Chainlink publishes them.
    version: "0.8.19",
    path: require.resolve("solc-0.8.19/soljson.js"),
    settings: { optimizer: { enabled: true, runs: 200 }, evmVersion: "paris" },
  },
  {
    // Chainlink's cache of data feeds, for tests.
    version: "0.8.26",
    path: require.resolve("solc-0.8.26/soljson.js"),
    settings: { optimizer: { enabled: true, runs: 200 }, evmVersion: "paris" },
  },
];

/** Contracts that Chainlink has published and the protocol is tested with. */
const DATA_STREAMS = "@chainlink/contracts/src/v0.8/llo-feeds/v0.5.0";
const AUTOMATION = "@chainlink/contracts/src/v0.8/automation";
const published = [
  "chainlink-contracts-v08/src/v0.6/EACAggregatorProxy.sol",
  `${DATA_STREAMS}/VerifierProxy.sol`,
  `${DATA_STREAMS}/Verifier.sol`,
  `${DATA_STREAMS}/FeeManager.sol`,
  `${DATA_STREAMS}/RewardManager.sol`,
  "@chainlink/contracts/src/v0.8/data-feeds/DataFeedsCache.sol",
  "@chainlink/contracts/src/v0.8/shared/access/SimpleWriteAccessController.sol",
  `${AUTOMATION}/v2_3/AutomationRegistry2_3.sol`,
  `${AUTOMATION}/v2_3/AutomationRegistryLogicA2_3.sol`,
  `${AUTOMATION}/v2_3/AutomationRegistryLogicB2_3.sol`,
  `${AUTOMATION}/v2_3/AutomationRegistryLogicC2_3.sol`,
  `${AUTOMATION}/AutomationForwarderLogic.sol`,
  `${AUTOMATION}/chains/ChainModuleBase.sol`,
  "@chainlink/contracts/src/v0.8/keystone/KeystoneForwarder.sol",
  "@chainlink/contracts/src/v0.8/shared/token/ERC677/LinkToken.sol",
];

/**
 * The handler of the invariant tests is large and deploys nothing: optimised in full it would take minutes to compile. It
 * is created from its artifact, so that nothing else is compiled with it.
 */
const overrides = {
  "test/invariants/Handler.sol": {
    version: "0.8.37",
    path: require.resolve("solc/soljson.js"),
    settings: {
      viaIR: true,
      optimizer: {
        enabled: true,
        runs: 200,
        details: { yul: true, yulDetails: { optimizerSteps: "dhfoDul:fDnTOcmu" } },
      },
      evmVersion: "osaka",
    },
  },
};

/**
 * Enforces the size limits of code (EIP-170, EIP-3860) and the gas limit of a transaction (EIP-7825). Transactions get
 * that limit: an estimate is exact to the unit of gas, and the base fee of the next block may cost a unit more.
 */
const chain = { type: "edr-simulated", chainType: "l1", hardfork: "osaka", gas: 2 ** 24 } as const;

/** Every run of the tests draws the same inputs. */
const FUZZ_SEED = "0x706c696d736f6c6c";

/** `npm run test:deep`: the same tests with far more runs. */
const deep = process.env["TEST_DEPTH"] === "deep";

export default defineConfig({
  plugins: [toolbox],
  paths: { ignition: "deploy" },
  typechain: { outDir: "typechain-types" },
  solidity: {
    npmFilesToBuild: published,
    profiles: {
      // Ignition builds with `production`. Both are the same, so that what is tested is what is deployed.
      default: { compilers, overrides, isolated: false },
      production: { compilers, isolated: false },
    },
  },
  networks: {
    default: chain,
    node: chain,
    localhost: { type: "http", chainType: "l1", url: "http://127.0.0.1:8545" },
    // `npm run deploy`: both variables are read when it is connected to, from the environment or the keystore.
    live: {
      type: "http",
      chainType: "generic",
      url: configVariable("PLIMSOLL_RPC_URL"),
      accounts: [configVariable("PLIMSOLL_DEPLOYER_KEY")],
    },
  },
  // `npx hardhat ignition verify chain-<id> --network live`.
  verify: { etherscan: { apiKey: configVariable("ETHERSCAN_API_KEY") } },
  test: {
    // Files are dealt to processes, each with its chain: half the time on two cores. Each takes up to 2.5 GB.
    mocha: {
      timeout: 120_000,
      parallel: true,
      jobs: Math.min(4, availableParallelism()),
      require: [new URL("test/bigints.ts", import.meta.url).href],
    },
    solidity: {
      // Each call that a test makes is a transaction of its own, so that transient storage does not outlive it.
      isolate: true,
      fsPermissions: { writeFile: ["cache/invariants.txt"] },
      fuzz: { runs: deep ? 10_000 : 256, seed: FUZZ_SEED },
      // To shorten a failing sequence it is replayed: not for half an hour.
      invariant: { runs: deep ? 750 : 16, depth: deep ? 96 : 48, failOnRevert: true, shrinkRunLimit: 200 },
    },
  },
});
