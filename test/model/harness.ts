/** Runs the contracts' pure functions in batches, for comparison with the model. */
import type { BaseContract } from "ethers";
import fc from "fast-check";
import { network } from "hardhat";

import { SEED } from "./arbitraries.ts";

const { ethers } = await network.create();
const contract: BaseContract = await ethers.deployContract("ModelHarness");

/** Gas of one call; the limit of a transaction. */
const GAS_LIMIT = 1n << 24n;

/** What a call returned; `undefined` where it reverted. */
export type Answer = readonly unknown[] | undefined;

export interface Comparison<Case> {
  /** Function of the harness. */
  readonly name: string;
  readonly cases: fc.Arbitrary<Case>;
  readonly runs: number;
  /** Cases per call; fewer for functions that need much gas. */
  readonly batch?: number;
  readonly toArguments: (input: Case) => readonly unknown[];
  /** The model's answer, in the order of the contract's results; a RangeError stands for a revert. */
  readonly model: (input: Case) => readonly unknown[];
}

/** Draws cases, runs contract and model, and throws on the first difference. Returns how many cases did not revert. */
export async function compare<Case>(comparison: Comparison<Case>): Promise<number> {
  const { name, cases, runs, batch = 250, toArguments, model } = comparison;
  const inputs = fc.sample(cases, { seed: SEED, numRuns: runs });
  let answered = 0;
  for (let start = 0; start < inputs.length; start += batch) {
    const slice = inputs.slice(start, start + batch);
    const answers = await call(name, slice.map(toArguments));
    slice.forEach((input, position) => {
      const expected = answers[position];
      const actual = answerOf(() => model(input));
      if (show(actual) !== show(expected)) {
        throw new Error(`${name}(${show(input)})\n  contract ${show(expected)}\n  model    ${show(actual)}`);
      }
      if (expected !== undefined) ++answered;
    });
  }
  return answered;
}

/** Calls a function of the harness with each list of arguments, all in one `eth_call`. */
export async function call(name: string, inputs: readonly (readonly unknown[])[]): Promise<readonly Answer[]> {
  const calls = inputs.map((input) => contract.interface.encodeFunctionData(name, [...input]));
  const [oks, results] = (await contract
    .getFunction("batch")
    .staticCall(calls, { gasLimit: GAS_LIMIT })) as unknown as [boolean[], string[]];
  return oks.map((ok, position) =>
    ok ? contract.interface.decodeFunctionResult(name, results[position] ?? "0x").toArray(true) : undefined,
  );
}

function answerOf(model: () => readonly unknown[]): Answer {
  try {
    return model();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Text of a value, `bigint` included. */
export function show(value: unknown): string {
  if (value === undefined) return "reverts";
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner));
}
