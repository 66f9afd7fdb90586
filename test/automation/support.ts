/** What the tests of the upkeep share: a world with one, its checks as a network makes them, and what they find. */
import type { BytesLike } from "ethers";

import { type Account, ethers, type World } from "../fixture.ts";

/** In the order of the enums `Duty` and `Verb`. */
export const DUTIES = ["Prices", "Orders", "Accounts", "Protocol"] as const;
export const VERBS = [
  "Watch",
  "Forget",
  "Update",
  "Advance",
  "Execute",
  "Abandon",
  "Poke",
  "Liquidate",
  "Convert",
  "FlagInsolvent",
  "ClearInsolvency",
  "Seize",
  "SettleDeficit",
  "MarkPool",
  "Fulfill",
  "FlagDeleveraging",
  "Deleverage",
  "CloseMarket",
  "CutProfits",
  "WatchSource",
  "Realise",
  "BuySeized",
  "WriteOff",
] as const;

export type Duty = (typeof DUTIES)[number];
export type Verb = (typeof VERBS)[number];

/** Of the registries of most networks: gas of a check and of a perform, bytes of its data. */
export const CHECK_GAS = 10_000_000n;
export const PERFORM_GAS = 5_000_000n;
export const PERFORM_SIZE = 2_000n;

const NOBODY = ethers.ZeroHash;
const WORD_BITS = 160n;

export interface Step {
  readonly verb: Verb;
  readonly account: Account;
  readonly number: bigint;
  readonly words: readonly bigint[];
}

export interface CheckOptions {
  readonly shard?: number;
  readonly shards?: number;
  readonly page?: number;
  readonly period?: number;
  readonly gas?: bigint;
  readonly size?: bigint;
}

/** Check data of an upkeep: everything of a duty in one shard unless said otherwise. */
export function checkDataOf(duty: Duty, options: CheckOptions = {}): string {
  const { shard = 0, shards = 1, page = 50, period = 1, gas = PERFORM_GAS, size = PERFORM_SIZE } = options;
  return ethers.AbiCoder.defaultAbiCoder().encode(
    ["tuple(uint8,uint256,uint256,uint256,uint256,uint256,uint256)"],
    [[DUTIES.indexOf(duty), shard, shards, page, period, gas, size]],
  );
}

export function encodeStep({
  verb,
  account = NOBODY,
  number = 0n,
  words = [],
}: Partial<Step> & { verb: Verb }): string {
  return ethers.solidityPacked(
    ["uint8", "uint8", "uint96", "bytes32", ...words.map(() => "uint160")],
    [VERBS.indexOf(verb), words.length, number, account, ...words],
  );
}

export function decodeSteps(data: BytesLike): Step[] {
  const bytes = ethers.getBytes(data);
  const steps: Step[] = [];
  const read = (start: number, length: number) => ethers.hexlify(bytes.slice(start, start + length));
  for (let at = 0; at < bytes.length;) {
    const verb = VERBS[bytes[at] ?? VERBS.length];
    const count = bytes[at + 1];
    if (verb === undefined || count === undefined) throw new Error(`no step at ${at} of ${ethers.hexlify(data)}`);
    const words = Array.from({ length: count }, (_, word) => BigInt(read(at + 46 + word * 20, 20)));
    steps.push({ verb, number: BigInt(read(at + 2, 12)), account: read(at + 14, 32), words });
    at += 46 + count * 20;
  }
  return steps;
}

export interface Hint {
  readonly round: bigint;
  readonly before: bigint;
}

export function toHint(word: bigint): Hint {
  return { round: word >> 80n, before: BigInt.asUintN(80, word) };
}

/** A reduction or a sale: what of, and how much. */
export function toAmount(word: bigint): { index: number; amount: bigint } {
  return { index: Number((word % (1n << WORD_BITS)) >> 128n), amount: BigInt.asIntN(128, word) };
}

export type Automated = Awaited<ReturnType<typeof withUpkeep>>;

/** A world with an upkeep of carol's, and the verbs of a network that runs it. */
export async function withUpkeep<T extends World>(world: T) {
  const finder = await ethers.deployContract("UpkeepFinder", [world.lens]);
  const upkeep = await ethers.deployContract("KeeperUpkeep", [world.lens, finder, world.carol]);
  const ownAccount = await upkeep.ownAccount();

  /** What a check finds, as it is simulated: from nobody, within the gas of a check. */
  async function check(duty: Duty, options: CheckOptions = {}): Promise<Step[]> {
    return decodeSteps(await performDataOf(duty, options));
  }

  async function performDataOf(duty: Duty, options: CheckOptions = {}): Promise<string> {
    const [needed, data] = await upkeep.connect(ethers.provider).checkUpkeep.staticCall(checkDataOf(duty, options), {
      from: ethers.ZeroAddress,
      gasLimit: CHECK_GAS,
    });
    if (needed !== (data !== "0x")) throw new Error(`needed ${String(needed)}, but ${data}`);
    return data;
  }

  /** A check, and what it finds performed by a stranger within the gas of a perform. Returns what was found. */
  async function run(duty: Duty, options: CheckOptions = {}): Promise<Step[]> {
    const data = await performDataOf(duty, options);
    if (data === "0x") return [];
    await world.tick();
    const gasLimit = options.gas ?? PERFORM_GAS;
    await upkeep.connect(world.stranger).performUpkeep(data, { gasLimit: gasLimit + intrinsicGas(data) });
    return decodeSteps(data);
  }

  /** Registers accounts. */
  async function watch(...accounts: readonly Account[]): Promise<void> {
    for (const account of accounts) await upkeep.watch(account, []);
  }

  return { ...world, finder, upkeep, ownAccount, check, performDataOf, run, watch };
}

/** Of a transaction with the data of a perform around it; an upper bound. */
function intrinsicGas(data: string): bigint {
  return 21_000n + 40n * BigInt(ethers.dataLength(data) + 100);
}
