/** Ignition as the deployment uses it. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";

import { type IgnitionModule, status } from "@nomicfoundation/ignition-core";
import type { NetworkConnection } from "hardhat/types/network";

import { DeploymentError } from "./DeploymentError.ts";
import { constructorArguments, mendJournal } from "./journal.ts";

/** The chain that `hardhat node` and the network in the process are. */
export const LOCAL_CHAIN = 31337n;

/** By module, then by name. */
export type ModuleParameters = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface Ignition {
  /** Deploys a module, or what is missing of it, and returns the addresses of its contracts by name. */
  readonly deploy: (module: IgnitionModule, parameters: ModuleParameters) => Promise<Readonly<Record<string, string>>>;
  /**
   * What an interrupted deployment gives, or was going to give, to a constructor; undefined where it has not come so far.
   * @param future Of its module, as `Core#Vault`.
   */
  readonly argumentsOf: (future: string) => readonly unknown[] | undefined;
}

export interface IgnitionOptions {
  readonly connection: NetworkConnection;
  readonly sender: string;
  readonly chainId: bigint;
  readonly deploymentId?: string | undefined;
  readonly fresh?: boolean | undefined;
  readonly displayUi?: boolean | undefined;
}

export function createIgnition({ connection, sender, chainId, ...options }: IgnitionOptions): Ignition {
  const deploymentId = options.deploymentId ?? `chain-${String(chainId)}`;
  const folder = stateFolder(deploymentId);
  if (options.fresh === true) {
    if (chainId !== LOCAL_CHAIN) throw new DeploymentError("only a throw-away chain begins anew");
    rmSync(folder, { recursive: true, force: true });
  }
  // In the process, Ignition keeps its state in memory, for each call anew.
  const keepsState = connection.networkConfig.type === "http";
  type Options = NonNullable<Parameters<typeof connection.ignition.deploy>[1]>;
  return {
    deploy: async (module, parameters) => {
      const complete = keepsState ? await completeIn(folder, module) : undefined;
      if (complete !== undefined) return complete;
      const confirmations = chainId === LOCAL_CHAIN ? 1 : undefined;
      if (keepsState) await mendJournal(folder, { connection, sender, confirmations });
      const contracts = await connection.ignition.deploy(module, {
        parameters: parameters as NonNullable<Options["parameters"]>,
        defaultSender: sender,
        deploymentId,
        displayUi: options.displayUi ?? false,
        ...(chainId === LOCAL_CHAIN ? { config: { blockPollingInterval: 25, requiredConfirmations: 1 } } : {}),
      });
      const addresses: Record<string, string> = {};
      for (const [name, contract] of Object.entries(contracts)) addresses[name] = await contract.getAddress();
      return addresses;
    },
    argumentsOf: (future) => (keepsState ? constructorArguments(folder, future) : undefined),
  };
}

/**
 * Addresses of a module of which nothing is missing. Ignition takes a deployment for failed while anything of it is
 * unfinished, whatever it is asked for: it must not be asked for what comes before an interruption.
 */
async function completeIn(folder: string, module: IgnitionModule): Promise<Record<string, string> | undefined> {
  if (!existsSync(join(folder, "journal.jsonl"))) return undefined;
  const { successful, contracts } = await status(folder);
  const done = new Set(successful);
  if ([...module.futures].some(({ id }) => !done.has(id))) return undefined;
  const addresses: Record<string, string> = {};
  for (const [name, { id }] of Object.entries(module.results)) {
    const address = contracts[id]?.address;
    if (address === undefined) return undefined;
    addresses[name] = address;
  }
  return addresses;
}

/** Where Ignition and the commands keep what belongs to a deployment. */
export function stateFolder(deploymentId: string): string {
  return join(import.meta.dirname, "../../deploy/deployments", deploymentId);
}
