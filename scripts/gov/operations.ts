/** The transactions by which governance acts: scheduling, executing and cancelling at the manager. */
import { timeOf } from "../oracles/words.ts";
import {
  accessOf,
  ADMIN,
  type Call,
  describeCall,
  nameOfRole,
  type Operation,
  readMembers,
  readOperations,
} from "./authority.ts";
import { refusalText } from "./contracts.ts";
import { NothingToDoError, NotReadyError, RefusedError, UnauthorizedError } from "./errors.ts";
import type { Gov } from "./gov.ts";
import { runSequence, SequenceError, type SequenceResult } from "./sequence.ts";
import { showDuration } from "./units.ts";

export interface Transaction {
  readonly to: string;
  readonly data: string;
  readonly description: string;
}

export interface Proposal {
  readonly transactions: readonly Transaction[];
  /** Of the delayed ones, ids at the manager. */
  readonly operations: readonly string[];
  /** What is scheduled already. */
  readonly skipped: readonly string[];
}

/**
 * Schedules what has a delay, calls what has none. Throws an UnauthorizedError where the caller lacks a role, a
 * RefusedError where a contract would refuse one of the calls, a NothingToDoError where all is scheduled already.
 *
 * @param refusals What the simulation of each call said. @param when Unix seconds; 0: as early as the delay allows.
 */
export async function propose(
  gov: Gov,
  {
    calls,
    caller,
    when,
    refusals,
  }: { calls: readonly Call[]; caller: string; when: bigint; refusals: readonly (string | undefined)[] },
): Promise<Proposal> {
  if (calls.length === 0) throw new NothingToDoError("nothing to propose: the chain is as the file says");
  for (const [index, call] of calls.entries()) {
    const refusal = refusals[index];
    if (refusal === undefined) continue;
    const said = `${call.target} would refuse ${call.method}: ${refusal}`;
    throw new RefusedError(`${said} (--allow-refused schedules it all the same)`);
  }
  const waiting = new Map((await readOperations(gov)).map((operation) => [operation.id, operation]));
  const transactions: Transaction[] = [];
  const operations: string[] = [];
  const skipped: string[] = [];
  for (const call of calls) {
    const { role, holds, delay } = await accessOf(gov, caller, call);
    if (!holds) throw new UnauthorizedError(`${caller} is no ${nameOfRole(role)}, who alone may ${call.method}`);
    const description = describeCall(gov, call.address, call.data);
    if (delay === 0n) {
      transactions.push({ to: call.address, data: call.data, description: `at once: ${description}` });
      continue;
    }
    const earliest = gov.time + delay;
    if (when !== 0n && when < earliest) {
      const soonest = `${timeOf(earliest)}, ${showDuration(delay)} from now`;
      throw new NotReadyError(`${call.method} cannot be scheduled for ${timeOf(when)}: at the earliest ${soonest}`);
    }
    const id = await idOf(gov, caller, call);
    const known = waiting.get(id);
    if (known !== undefined && known.state !== "expired") {
      skipped.push(`${description}: scheduled already, ${id}`);
      continue;
    }
    operations.push(id);
    transactions.push({
      ...managed(gov, "schedule", [call.address, call.data, when]),
      description: `schedule: ${description}`,
    });
  }
  if (transactions.length === 0) throw new NothingToDoError(`nothing to propose: ${skipped.join("; ")}`);
  return { transactions, operations, skipped };
}

async function idOf({ contracts: { authority }, at }: Gov, caller: string, call: Call): Promise<string> {
  return (await authority.getFunction("hashOperation")(caller, call.address, call.data, at)) as string;
}

/** A call of the manager. */
function managed(
  { contracts: { authority }, intent: { book } }: Gov,
  method: string,
  args: readonly unknown[],
): Omit<Transaction, "description"> {
  return {
    to: book.contracts.authority,
    data: authority.interface.encodeFunctionData(method, args),
  };
}

/** Which operations a command means. */
export type Selection = { readonly ids: readonly string[] } | { readonly all: true };

/**
 * Executes operations whose time has come, in the order in which they were scheduled. Throws a NotReadyError for one that is
 * named and waits or has expired, an UnauthorizedError for another's, a RefusedError where it would be refused.
 */
export async function execute(
  gov: Gov,
  { selection, caller }: { selection: Selection; caller: string },
): Promise<Transaction[]> {
  const operations = await select(gov, selection, ({ state, caller: owner }) => state === "ready" && owner === caller);
  for (const operation of operations) {
    const { id, caller: owner, readyAt, expiresAt, state } = operation;
    if (owner !== caller) throw new UnauthorizedError(`${id} was scheduled by ${owner}: only that account executes it`);
    if (state === "waiting") {
      const rest = `${showDuration(readyAt - gov.time)} from the block that was read`;
      throw new NotReadyError(`${id} may be executed from ${timeOf(readyAt)} on, ${rest}`);
    }
    if (state === "expired") throw new NotReadyError(`${id} has expired at ${timeOf(expiresAt)}: propose it anew`);
  }
  const transactions = operations.map(({ target, data }) => ({
    ...managed(gov, "execute", [target, data]),
    description: `execute: ${describeCall(gov, target, data)}`,
  }));
  await check(gov, caller, transactions);
  return transactions;
}

/**
 * Cancels operations. Throws an UnauthorizedError unless the caller has scheduled them, is guardian of the role that the
 * function needs, or the manager's admin.
 */
export async function cancel(
  gov: Gov,
  { selection, caller }: { selection: Selection; caller: string },
): Promise<Transaction[]> {
  const operations = await select(gov, selection, ({ state }) => state !== "expired");
  const members = await readMembers(gov);
  const holds = (role: bigint): boolean => members.some((member) => member.role === role && member.account === caller);
  const transactions: Transaction[] = [];
  for (const { id, caller: owner, target, data, state } of operations) {
    if (state === "expired") throw new NotReadyError(`${id} has expired: there is nothing to cancel`);
    const guardian = await guardianOf(gov, target, data);
    if (owner !== caller && !holds(guardian) && !holds(ADMIN)) {
      throw new UnauthorizedError(`${id} is cancelled by ${owner}, or the ${nameOfRole(guardian)}, not by ${caller}`);
    }
    transactions.push({
      ...managed(gov, "cancel", [owner, target, data]),
      description: `cancel: ${describeCall(gov, target, data)}`,
    });
  }
  await check(gov, caller, transactions);
  return transactions;
}

async function guardianOf({ contracts: { authority }, intent: { book }, at }: Gov, target: string, data: string) {
  if (target === book.contracts.authority) return ADMIN;
  const role: unknown = await authority.getFunction("getTargetFunctionRole")(target, data.slice(0, 10), at);
  return (await authority.getFunction("getRoleGuardian")(role, at)) as bigint;
}

/** Those that are named; or of all, those that `isMeant`. Throws a NothingToDoError where there is none. */
async function select(
  gov: Gov,
  selection: Selection,
  isMeant: (operation: Operation) => boolean,
): Promise<Operation[]> {
  const operations = await readOperations(gov);
  if ("all" in selection) {
    const meant = operations.filter(isMeant);
    if (meant.length === 0)
      throw new NothingToDoError(`none of ${String(operations.length)} operations is to be done now`);
    return meant;
  }
  return selection.ids.map((id) => {
    const found = operations.find((operation) => operation.id === id.toLowerCase());
    if (found === undefined) throw new NothingToDoError(`no operation ${id} is scheduled`);
    return found;
  });
}

/** Runs the transactions one after the other without sending them. Throws a RefusedError for the first that reverts. */
export async function check(gov: Gov, caller: string, transactions: readonly Transaction[]): Promise<void> {
  let results: SequenceResult[];
  try {
    results = await runSequence(gov.provider, { from: caller, calls: transactions, blockTag: gov.at.blockTag });
  } catch (error) {
    // What cannot be tried is found out when it is sent: each is estimated first.
    if (error instanceof SequenceError) return;
    throw error;
  }
  for (const [index, { success, data }] of results.entries()) {
    if (!success) throw new RefusedError(`${String(transactions[index]?.description)}: ${refusalText(data)}`);
  }
}
