/**
 * Several calls in one `eth_call`, each seeing what the ones before have done, without deploying or sending anything: the
 * node is told that the sender's code is the few instructions below (a state override).
 */
import { concat, type Provider, toBeHex, zeroPadValue, hexlify, getBytes } from "ethers";

import { PlimsollError } from "../deploy/PlimsollError.ts";
import { revertDataOf } from "./contracts.ts";

export interface SequenceCall {
  readonly to: string;
  readonly data: string;
}

export interface SequenceResult {
  readonly success: boolean;
  readonly data: string;
}

/** What differs from the chain for the time of a call. */
export type Overrides = Readonly<
  Record<string, { readonly code?: string; readonly stateDiff?: Readonly<Record<string, string>> }>
>;

/** The node knows no state overrides, or could not run the calls. */
export class SequenceError extends PlimsollError {}

const OP = {
  LT: "10",
  ADD: "01",
  ISZERO: "15",
  CALLDATALOAD: "35",
  CALLDATASIZE: "36",
  CALLDATACOPY: "37",
  RETURNDATASIZE: "3d",
  RETURNDATACOPY: "3e",
  POP: "50",
  MSTORE: "52",
  JUMP: "56",
  JUMPI: "57",
  GAS: "5a",
  JUMPDEST: "5b",
  CALL: "f1",
  RETURN: "f3",
  SWAP1: "90",
} as const;

const push = (value: number): string => `60${value.toString(16).padStart(2, "0")}`;
const dup = (place: number): string => (0x7f + place).toString(16);

/**
 * Input: (target, length, data) of each call, the first two 32 bytes wide. Output: (success, length, data) of each. On the
 * stack are m, where the next result goes, and i, where the next call begins.
 */
function program(): string {
  const body = (loop: number, end: number): string[] => [
    ...[push(0), push(0), OP.JUMPDEST],
    // While i < CALLDATASIZE.
    ...[OP.CALLDATASIZE, dup(2), OP.LT, OP.ISZERO, push(end), OP.JUMPI],
    // The data to memory at m.
    ...[dup(1), push(0x20), OP.ADD, OP.CALLDATALOAD],
    ...[dup(1), dup(3), push(0x40), OP.ADD, dup(5), OP.CALLDATACOPY],
    // CALL(gas, target, 0, m, length, 0, 0).
    ...[push(0), push(0), dup(3), dup(6), push(0), dup(7), OP.CALLDATALOAD, OP.GAS, OP.CALL],
    // (success, length, data) over it.
    ...[dup(4), OP.MSTORE, OP.RETURNDATASIZE, dup(4), push(0x20), OP.ADD, OP.MSTORE],
    ...[OP.RETURNDATASIZE, push(0), dup(5), push(0x40), OP.ADD, OP.RETURNDATACOPY],
    // i and m to what follows.
    ...[OP.ADD, push(0x40), OP.ADD, OP.SWAP1, OP.RETURNDATASIZE, OP.ADD, push(0x40), OP.ADD, OP.SWAP1],
    ...[push(loop), OP.JUMP],
    // RETURN(0, m).
    ...[OP.JUMPDEST, OP.POP, push(0), OP.RETURN],
  ];
  const lengthOf = (parts: readonly string[]): number => parts.join("").length / 2;
  const draft = body(0, 0);
  const loop = lengthOf(draft.slice(0, 2));
  const end = lengthOf(draft) - lengthOf([OP.JUMPDEST, OP.POP, push(0), OP.RETURN]);
  return `0x${body(loop, end).join("")}`;
}

const PROGRAM = program();

/**
 * @param from Whose calls they are; its code is replaced for the time of the call.
 * @param overrides Of other addresses, or storage of this one.
 * @param time Unix seconds that the calls believe in; otherwise that of the block.
 */
export async function runSequence(
  provider: Provider & { send?: (method: string, params: unknown[]) => Promise<unknown> },
  {
    from,
    calls,
    overrides = {},
    blockTag,
    time,
  }: {
    from: string;
    calls: readonly SequenceCall[];
    overrides?: Overrides;
    blockTag: number | "latest";
    time?: bigint;
  },
): Promise<SequenceResult[]> {
  const data = concat(calls.flatMap((call) => [word(call.to), word(toBeHex(getBytes(call.data).length)), call.data]));
  const state = { ...overrides, [from]: { ...overrides[from], code: PROGRAM } };
  const block = blockTag === "latest" ? blockTag : `0x${blockTag.toString(16)}`;
  const params: unknown[] = [{ to: from, data }, block, state];
  if (time !== undefined) params.push({ time: `0x${time.toString(16)}` });
  if (provider.send === undefined) throw new SequenceError("the endpoint takes no raw requests");
  let output: string;
  try {
    output = (await provider.send("eth_call", params)) as string;
  } catch (cause) {
    const refused = revertDataOf(cause) === undefined ? "the node takes no state overrides" : "the calls fail together";
    throw new SequenceError(refused, { cause });
  }
  return decode(output, calls.length);
}

function decode(output: string, count: number): SequenceResult[] {
  const bytes = getBytes(output);
  const numberAt = (place: number): number => Number(BigInt(hexlify(bytes.slice(place, place + 32))));
  const results: SequenceResult[] = [];
  let place = 0;
  while (results.length < count) {
    // A node that ignores overrides answers for an address without code: nothing.
    if (place + 64 > bytes.length) throw new SequenceError("the node ignores state overrides");
    const length = numberAt(place + 32);
    results.push({ success: numberAt(place) === 1, data: hexlify(bytes.slice(place + 64, place + 64 + length)) });
    place += 64 + length;
  }
  return results;
}

function word(hex: string): string {
  return zeroPadValue(hex, 32);
}
