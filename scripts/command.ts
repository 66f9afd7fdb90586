/** What commands that look at a deployment have in common: how they are asked, and how they end. */
import { parseArgs, type ParseArgsConfig } from "node:util";

import { messageOf, PlimsollError } from "./deploy/PlimsollError.ts";

/** What was asked for is not understood. */
export class ConfigError extends PlimsollError {}

/** What has failed for a bad argument, or a file that it names, fails as a ConfigError. */
export async function asConfig<T>(load: () => T | Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw configErrorOf(cause);
  }
}

/** `parseArgs` that throws a ConfigError. */
export function readArguments<const T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (cause) {
    throw configErrorOf(cause);
  }
}

function configErrorOf(cause: unknown): ConfigError {
  return cause instanceof ConfigError ? cause : new ConfigError(messageOf(cause), { cause });
}

/** @param rpc A JSON-RPC endpoint as it was given. Throws a ConfigError unless it is an http URL. */
export function endpointOf(rpc = ""): string {
  if (rpc === "") throw new ConfigError("--rpc is missing");
  if (!/^https?:\/\/./.test(rpc) || !URL.canParse(rpc)) throw new ConfigError(`--rpc is no http URL: ${rpc}`);
  return rpc;
}

export interface CommandOptions {
  /** @returns The exit code. */
  readonly main: () => Promise<number>;
  /** Shown after a ConfigError. */
  readonly usage: string;
  /** Exit codes: after a ConfigError, and after whatever `codes` does not name. */
  readonly exit: { readonly config: number; readonly unexpected: number };
  /** Of other errors, by class; the first that fits. */
  readonly codes?: readonly (readonly [new (message: string) => PlimsollError, number])[];
}

/** Runs a command and sets the exit code of the process. The unexpected is shown with where it came from. */
export async function runCommand({ main, usage, exit, codes = [] }: CommandOptions): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(messageOf(error));
    if (error instanceof ConfigError) console.error(usage);
    if (!(error instanceof PlimsollError)) console.error(error);
    const known = [[ConfigError, exit.config] as const, ...codes];
    process.exitCode = known.find(([Kind]) => error instanceof Kind)?.[1] ?? exit.unexpected;
  }
}
