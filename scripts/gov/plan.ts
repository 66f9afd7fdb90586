/** What of a deployment is not as its file says, and the calls that would make it so. */
import type { Interface } from "ethers";

import { type Access, accessOf, type Call, callOf, nameOfRole, readMembers } from "./authority.ts";
import { type Books, readBooks } from "./books.ts";
import { refusalText } from "./contracts.ts";
import type { Gov } from "./gov.ts";
import { type Impact, readImpact } from "./impact.ts";
import { runSequence, SequenceError } from "./sequence.ts";
import { type Field, type Setter, SETTERS, type Subject, type Values } from "./setters.ts";
import { type Power, stepOf } from "./steps.ts";

/** A number that is another on the chain. */
export interface FieldChange {
  readonly field: Field;
  readonly from: bigint | string;
  /** After the call; of a number that moves by steps, after the first. */
  readonly to: bigint | string;
  /** Calls that it takes until it is as the file says. */
  readonly steps: number;
  /** What the file says. */
  readonly goal: bigint | string;
}

/** What one call changes, or what nothing can. */
export interface Change {
  readonly setter: Setter;
  readonly subject: Subject;
  readonly fields: readonly FieldChange[];
  readonly wanted: Values;
  readonly live: Values;
  /** Seconds; 0 where it takes hold at once. */
  readonly ramp: bigint;
  readonly call: Call | undefined;
  /** Why there is no call. */
  readonly reason: string | undefined;
}

export interface PlannedCall {
  readonly call: Call;
  readonly changes: readonly Change[];
  readonly access: Access;
  /** What the contract would say if it were executed after the calls before it; undefined: it would take it. */
  readonly refusal: string | undefined;
}

export interface Plan {
  readonly calls: readonly PlannedCall[];
  /** Changes that no call makes. */
  readonly unreachable: readonly Change[];
  /** Whether the calls have been run: some endpoints cannot. */
  readonly simulated: boolean;
  readonly impact: Impact;
  /** In the file, and not listed yet. */
  readonly unlisted: readonly string[];
}

/** @param only Paths of the file, with `*` for any part; without, everything. */
export async function makePlan(gov: Gov, { caller, only }: { caller: string; only: readonly string[] }): Promise<Plan> {
  const changes = await findChanges(gov, { only, power: await powerOf(gov, caller) });
  const now = await readBooks(gov.contracts, gov.at);
  const reachable = changes.filter(({ call }) => call !== undefined);
  const planned = reachable.reduce<Books>(
    (books, { setter, subject, wanted }) => setter.apply?.(books, subject, wanted) ?? books,
    now,
  );
  const calls = reachable.flatMap((change) => (change.call === undefined ? [] : [{ call: change.call, change }]));
  const { refusals, simulated } = await simulate(
    gov,
    calls.map(({ call }) => call),
  );
  return {
    calls: await Promise.all(
      calls.map(async ({ call, change }, index) => ({
        call,
        changes: [change],
        access: await accessOf(gov, caller, call),
        refusal: refusals[index],
      })),
    ),
    unreachable: changes.filter(({ call }) => call === undefined),
    simulated,
    impact: await readImpact(gov, { now, planned }),
    unlisted: unlistedOf(gov),
  };
}

/** Whoever is steward and not governor moves by the steward's steps. */
async function powerOf(gov: Gov, caller: string): Promise<Power> {
  const roles = (await readMembers(gov))
    .filter(({ account }) => account === caller)
    .map(({ role }) => nameOfRole(role));
  return roles.includes("steward") && !roles.includes("governor") ? "steward" : "governor";
}

/** Every row of the table whose numbers differ, in the order in which they are to be called. */
export async function findChanges(
  gov: Gov,
  { only = [], power = "governor" }: { only?: readonly string[]; power?: Power } = {},
): Promise<Change[]> {
  const { intent, contracts, at, listed } = gov;
  const rows = SETTERS.flatMap((setter) => setter.subjects(intent, listed).map((subject) => ({ setter, subject })));
  const compared = await Promise.all(
    rows.map(async ({ setter, subject }) => {
      const live = await setter.read(contracts, subject, at, intent);
      return compareRow(gov, { setter, subject, live, only, power });
    }),
  );
  const changes = compared.filter((change): change is Change => change !== undefined);
  const superseded = new Set(
    changes.flatMap(({ setter, subject }) =>
      setter.supersedes === undefined ? [] : [`${setter.supersedes}/${subject.path}`],
    ),
  );
  const rankOf = ({ setter, live, wanted }: Change): number => setter.rank?.(live, wanted) ?? 0;
  return changes
    .filter(({ setter, subject }) => !superseded.has(`${setter.name}/${subject.path}`))
    .sort((a, b) => rankOf(a) - rankOf(b));
}

interface Row {
  readonly setter: Setter;
  readonly subject: Subject;
  readonly live: Values;
  readonly only: readonly string[];
  readonly power: Power;
}

async function compareRow(gov: Gov, { setter, subject, live, only, power }: Row): Promise<Change | undefined> {
  const { intent } = gov;
  const fields = setter.fields(intent, subject);
  const file = setter.wanted(intent, subject);
  // What is left out of a plan stays as it is, and goes along with what its setter sets together.
  const isMeant = ({ path }: Field): boolean => only.length === 0 || only.some((pattern) => matches(path, pattern));
  const wanted: Record<string, bigint | string> = {};
  const changed: FieldChange[] = [];
  for (const [name, field] of Object.entries(fields)) {
    const [from, goal] = [valueOf(live, name), valueOf(file, name)];
    const meant = isMeant(field) && goal !== from;
    const { to, count } = meant ? await firstStep(gov, { setter, name, live, goal, power }) : { to: from, count: 0 };
    wanted[name] = to;
    if (meant) changed.push({ field, from, to, steps: count, goal });
  }
  if (changed.length === 0) return undefined;
  const stuck = changed.every(({ steps }) => steps === 0);
  const ramp = setter.ramp?.(intent) ?? 0n;
  const without = (reason: string): Change => {
    return { setter, subject, fields: changed, wanted, live, ramp, call: undefined, reason };
  };
  if (stuck) return without(`not the ${power}'s to move`);
  const made = setter.call?.({ intent, subject, wanted, live, power }) ?? "nothing sets it";
  if (typeof made === "string") return without(made);
  const abi = gov.contracts[setter.target].interface as unknown as Interface;
  if (abi.getFunction(made.method) === null) return without(`this deployment has no ${made.method}`);
  const call = callOf(gov, setter.target, made.method, made.args);
  return { setter, subject, fields: changed, wanted, live, ramp, call, reason: undefined };
}

async function firstStep(
  gov: Gov,
  { setter, name, live, goal, power }: Pick<Row, "setter" | "live" | "power"> & { name: string; goal: bigint | string },
): Promise<{ to: bigint | string; count: number }> {
  const bound = setter.bound?.(name);
  // A ramp starts from what is in force and not from where the last one leads.
  const from = live[`now.${name}`] ?? live[name];
  if (bound === undefined || typeof goal !== "bigint" || typeof from !== "bigint") return { to: goal, count: 1 };
  return from === goal ? { to: goal, count: 1 } : stepOf(gov, { bound, power, from, to: goal });
}

function valueOf(values: Values, name: string): bigint | string {
  const value = values[name];
  if (value === undefined) throw new RangeError(`no value of ${name}`);
  return value;
}

/** `assets.*.risk` stands for all paths below it, of any asset. */
export function matches(path: string | undefined, pattern: string): boolean {
  const [keys, parts] = [(path ?? "").split("."), pattern.split(".")];
  return parts.length <= keys.length && parts.every((part, index) => part === "*" || part === keys[index]);
}

function unlistedOf({ intent: { parameters }, listed }: Gov): string[] {
  return [
    ...parameters.assets.slice(listed.assets).map(({ symbol }) => `assets.${symbol}`),
    ...parameters.collaterals.slice(listed.tokens).map(({ symbol }) => `collaterals.${symbol}`),
  ];
}

/** Answers every question of who may with yes: `return (true, 0)`. */
const ALLOW_ALL = "0x600160005260406000f3";
/** Nobody's. */
const CALLER = "0x000000000000000000000000000000000000a11c";

/** What each contract would say if the calls were executed now, one after the other. */
export async function simulate(
  { provider, intent: { book }, at }: Gov,
  calls: readonly Call[],
): Promise<{ refusals: (string | undefined)[]; simulated: boolean }> {
  const own = calls.filter(({ target }) => target !== "authority");
  if (own.length === 0) return { refusals: calls.map(() => undefined), simulated: false };
  try {
    const results = await runSequence(provider, {
      from: CALLER,
      calls: own.map(({ address, data }) => ({ to: address, data })),
      overrides: { [book.contracts.authority]: { code: ALLOW_ALL } },
      blockTag: at.blockTag,
    });
    const refusals = new Map(own.map((call, index) => [call, results[index]]));
    return {
      refusals: calls.map((call) => {
        const result = refusals.get(call);
        return result === undefined || result.success ? undefined : refusalText(result.data);
      }),
      simulated: true,
    };
  } catch (error) {
    if (!(error instanceof SequenceError)) throw error;
    return { refusals: calls.map(() => undefined), simulated: false };
  }
}
