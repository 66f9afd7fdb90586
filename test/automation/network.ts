/**
 * Networks that keep an upkeep: the registry of Chainlink Automation and the forwarder of the Chainlink Runtime Environment as
 * Chainlink publishes them, with nodes whose keys the tests know.
 */
import type { ContractTransactionReceipt, Log } from "ethers";

import { ethers, receiptOf, time, type World } from "../fixture.ts";
import { ETH, LINK, wad } from "../parameters.ts";
import { decodeSigned, Don } from "../streams/don.ts";
import { CHECK_GAS, checkDataOf, type CheckOptions, type Duty, PERFORM_GAS, PERFORM_SIZE } from "./support.ts";

/** In the order of the enum `Trigger` of the registry. */
const CONDITION = 0;
const LOG = 1;
const NODES = 4;
const GWEI = 10n ** 9n;
/** All that a transaction may take. */
const TRANSACTION_GAS = 1n << 24n;

const REPORT = "tuple(uint256,uint256,uint256[],uint256[],bytes[],bytes[])";
const CONDITIONAL_TRIGGER = "tuple(uint32 blockNum, bytes32 blockHash)";
const LOG_TRIGGER = "tuple(bytes32 logBlockHash, bytes32 txHash, uint32 logIndex, uint32 blockNum, bytes32 blockHash)";
const LOG_CONFIG =
  "tuple(address contractAddress, uint8 filterSelector, bytes32 topic0, bytes32 topic1, bytes32 topic2, bytes32 topic3)";
const TRIGGERING_LOG = "tuple(uint256,uint256,bytes32,uint256,bytes32,address,bytes32[],bytes)";

const coder = ethers.AbiCoder.defaultAbiCoder();

export interface Found {
  readonly needed: boolean;
  readonly data: string;
  readonly gasUsed: bigint;
  /** Why it is not needed, as the enum `UpkeepFailureReason`. */
  readonly reason: bigint;
}

/** A perform of an upkeep, for the report of a network. */
export interface Perform {
  readonly id: bigint;
  readonly data: string;
  readonly trigger: string;
}

/** The registry with a configuration of four nodes, limits as on most networks, billed in LINK. */
export async function deployRegistry(world: World) {
  const { admin, tokens } = world;
  const [linkFeed, nativeFeed] = [world.feedOf(LINK).proxy, world.feedOf(ETH).proxy];
  const gasAggregator = await ethers.deployContract("AccessListAggregator", [0, "Fast Gas / Gwei", false]);
  const gasFeed = await ethers.deployContract("EACAggregatorProxy", [gasAggregator, ethers.ZeroAddress]);
  await gasAggregator.addAccess(gasFeed);
  const now = await time.latest();
  await gasAggregator.transmit(GWEI, now, now);

  const link = await ethers.deployContract("LinkToken");
  const forwarderLogic = await ethers.deployContract("AutomationForwarderLogic");
  const chainModule = await ethers.deployContract("ChainModuleBase");
  const logicC = await ethers.deployContract("AutomationRegistryLogicC2_3", [
    link,
    linkFeed,
    nativeFeed,
    gasFeed,
    forwarderLogic,
    ethers.ZeroAddress,
    0,
    tokens.weth,
  ]);
  const logicB = await ethers.deployContract("AutomationRegistryLogicB2_3", [logicC]);
  const logicA = await ethers.deployContract("AutomationRegistryLogicA2_3", [logicB]);
  const registry = await ethers.deployContract("AutomationRegistry2_3", [logicA]);
  const management = logicA.attach(registry) as typeof logicA;
  const pipeline = logicB.attach(registry) as typeof logicB;
  const state = logicC.attach(registry) as typeof logicC;

  const don = new Don(NODES, "keeper");
  const transmitters = (await ethers.getSigners()).slice(-NODES);
  const [transmitter] = transmitters;
  if (transmitter === undefined) throw new Error("too few signers");
  await registry.setConfigTypeSafe(
    don.addresses,
    transmitters,
    don.faulty,
    {
      checkGasLimit: CHECK_GAS,
      maxPerformGas: PERFORM_GAS,
      maxCheckDataSize: 5_000,
      transcoder: ethers.ZeroAddress,
      reorgProtectionEnabled: true,
      stalenessSeconds: 90_000,
      maxPerformDataSize: PERFORM_SIZE,
      maxRevertDataSize: 5_000,
      upkeepPrivilegeManager: admin,
      gasCeilingMultiplier: 2,
      financeAdmin: admin,
      fallbackGasPrice: GWEI,
      fallbackLinkPrice: 15n * 10n ** 8n,
      fallbackNativePrice: 1_800n * 10n ** 8n,
      registrars: [],
      chainModule,
    },
    1,
    "0x",
    [link],
    [
      {
        gasFeePPB: 300_000_000,
        flatFeeMilliCents: 0,
        priceFeed: linkFeed,
        decimals: 18,
        fallbackPrice: 15n * 10n ** 8n,
        minSpend: 0,
      },
    ],
  );
  await link.grantMintRole(admin);
  await link.mint(admin, wad("1_000"));
  await link.approve(registry, ethers.MaxUint256);

  async function register(target: string, trigger: number, checkData: string, config: string): Promise<bigint> {
    const args = [
      target,
      PERFORM_GAS,
      admin.address,
      trigger,
      await link.getAddress(),
      checkData,
      config,
      "0x",
    ] as const;
    const receipt = await receiptOf(management.registerUpkeep(...args));
    for (const log of receipt.logs) {
      const event = management.interface.parseLog(log);
      if (event?.name !== "UpkeepRegistered") continue;
      const id = event.args.getValue("id") as bigint;
      await pipeline.addFunds(id, wad("100"));
      return id;
    }
    throw new Error("no upkeep was registered");
  }

  /** A conditional upkeep for a duty, funded. Returns its id. */
  async function registerDuty(target: string, duty: Duty, options: CheckOptions = {}): Promise<bigint> {
    return register(target, CONDITION, checkDataOf(duty, options), "0x");
  }

  /** An upkeep for an event, funded. Returns its id. */
  async function registerEvent(target: string, source: string, topic: string): Promise<bigint> {
    const config = [source, 0, topic, ethers.ZeroHash, ethers.ZeroHash, ethers.ZeroHash];
    return register(target, LOG, "0x", coder.encode([LOG_CONFIG], [config]));
  }

  /** What the nodes find out in their simulation, from nobody. */
  async function check(id: bigint, log?: Log): Promise<Found> {
    const data = log === undefined ? "0x" : coder.encode([TRIGGERING_LOG], [toTriggeringLog(log)]);
    const { "checkUpkeep(uint256,bytes)": simulate } = pipeline.connect(ethers.provider);
    const found = await simulate.staticCall(id, data, { from: ethers.ZeroAddress, gasLimit: TRANSACTION_GAS });
    const { upkeepNeeded, performData, gasUsed, upkeepFailureReason } = found;
    return { needed: upkeepNeeded, data: performData, gasUsed, reason: upkeepFailureReason };
  }

  /** Whether a perform would succeed now, as the nodes simulate it before they report it. */
  async function succeeds(id: bigint, data: string): Promise<boolean> {
    const [success] = await pipeline
      .connect(ethers.provider)
      .simulatePerformUpkeep.staticCall(id, data, { from: ethers.ZeroAddress, gasLimit: TRANSACTION_GAS });
    return success;
  }

  /** The trigger of a perform that the nodes have found in the latest block. */
  async function triggerOf(log?: Log): Promise<string> {
    const block = await ethers.provider.getBlock("latest");
    const { number: blockNum, hash: blockHash } = block ?? {};
    if (blockNum === undefined || typeof blockHash !== "string") throw new Error("no latest block");
    if (log === undefined) return coder.encode([CONDITIONAL_TRIGGER], [{ blockNum, blockHash }]);
    const { blockHash: logBlockHash, transactionHash: txHash, index: logIndex } = log;
    return coder.encode([LOG_TRIGGER], [{ logBlockHash, txHash, logIndex, blockNum, blockHash }]);
  }

  /** Brings a report of the nodes about performs: signed by as many as the registry asks for, sent by one of them. */
  async function transmit(performs: readonly Perform[]): Promise<ContractTransactionReceipt> {
    const report = coder.encode(
      [REPORT],
      [
        [
          GWEI,
          15n * 10n ** 8n,
          performs.map(({ id }) => id),
          performs.map(() => PERFORM_GAS),
          performs.map(({ trigger }) => trigger),
          performs.map(({ data }) => data),
        ],
      ],
    );
    const { configDigest: digest } = await registry.latestConfigDetails();
    const { context, data, rs, ss, parities } = decodeSigned(don.sign(report, { digest }));
    const [first = "", second = "", third = ""] = context.map((word) => ethers.hexlify(word));
    await time.setNextBlockTimestamp((await time.latest()) + 1);
    return receiptOf(
      registry
        .connect(transmitter)
        .transmit([first, second, third], data, [...rs], [...ss], parities, { gasLimit: TRANSACTION_GAS }),
    );
  }

  /** Of each perform of a report whether it succeeded and what gas it took, in their order. */
  function performsIn(receipt: ContractTransactionReceipt): { id: bigint; success: boolean; gasUsed: bigint }[] {
    return receipt.logs.flatMap((log) => {
      const event = registry.interface.parseLog(log);
      if (event?.name !== "UpkeepPerformed") return [];
      const value = (name: string): unknown => event.args.getValue(name);
      return [{ id: value("id") as bigint, success: value("success") as boolean, gasUsed: value("gasUsed") as bigint }];
    });
  }

  return {
    registry,
    state,
    link,
    don,
    registerDuty,
    registerEvent,
    check,
    succeeds,
    triggerOf,
    transmit,
    performsIn,
  };
}

function toTriggeringLog(log: Log): unknown[] {
  const { index, transactionHash, blockNumber, blockHash, address, topics, data } = log;
  return [index, 0, transactionHash, blockNumber, blockHash, address, topics, data];
}

const DON_ID = 1;
const CONFIG_VERSION = 1;
/** In front of a report: version, execution, time, network, configuration, workflow, its name and owner, report. */
const METADATA = ["uint8", "bytes32", "uint32", "uint32", "uint32", "bytes32", "bytes10", "address", "bytes2"];

/** The forwarder by which a network of four nodes writes what its workflows report. */
export async function deployForwarder() {
  const forwarder = await ethers.deployContract("KeystoneForwarder");
  const don = new Don(NODES, "workflow");
  await forwarder.setConfig(DON_ID, CONFIG_VERSION, don.faulty, don.addresses);
  let executions = 0n;

  /** Writes a report of a workflow to a receiver. Returns whether the receiver took it. */
  async function write(receiver: string, report: string): Promise<boolean> {
    const execution = ethers.toBeHex(++executions, 32);
    const metadata = ethers.solidityPacked(METADATA, [
      1,
      execution,
      await time.latest(),
      DON_ID,
      CONFIG_VERSION,
      ethers.id("workflow"),
      ethers.dataSlice(ethers.id("keeper"), 0, 10),
      ethers.ZeroAddress,
      "0x0001",
    ]);
    const raw = ethers.concat([metadata, report]);
    const context = ethers.zeroPadValue("0x01", 96);
    const hash = ethers.keccak256(ethers.concat([ethers.keccak256(raw), context]));
    const signatures = don.signers.slice(0, don.faulty + 1).map((signer) => {
      const { r, s, yParity } = signer.signingKey.sign(hash);
      return ethers.concat([r, s, ethers.toBeHex(yParity, 1)]);
    });
    const receipt = await receiptOf(
      forwarder.report(receiver, raw, context, signatures, { gasLimit: TRANSACTION_GAS }),
    );
    for (const log of receipt.logs) {
      const event = forwarder.interface.parseLog(log);
      if (event?.name === "ReportProcessed") return event.args.getValue("result") as boolean;
    }
    throw new Error("the report was not processed");
  }

  return { forwarder, write };
}
