/** OpenZeppelin's AccessManager: who may do what and when, and what waits for its time. */
import { type Interface, type LogDescription, ZeroAddress } from "ethers";

import { ROLES, type Role, TARGETS } from "../../deploy/roles.ts";
import type { Gov } from "./gov.ts";
import { readLogs } from "./logs.ts";
import type { Target } from "./setters.ts";

/** The manager's own role, which grants all others; it has no row in `deploy/roles.ts`. */
export const ADMIN = 0n;
/** Everybody has it. */
export const PUBLIC = (1n << 64n) - 1n;

/** A call of a contract of the deployment. */
export interface Call {
  readonly target: Target | "authority";
  readonly address: string;
  readonly method: string;
  readonly args: readonly unknown[];
  readonly data: string;
}

/** Whether and when somebody may make a call. */
export interface Access {
  /** The role that the function needs. */
  readonly role: bigint;
  readonly holds: boolean;
  readonly delay: bigint;
}

export type OperationState = "waiting" | "ready" | "expired";

export interface Operation {
  readonly id: string;
  readonly nonce: bigint;
  readonly caller: string;
  readonly target: string;
  readonly data: string;
  /** Unix seconds from which on, and until which, it may be executed. */
  readonly readyAt: bigint;
  readonly expiresAt: bigint;
  readonly state: OperationState;
}

/** Names of the contracts that have restricted functions, and of the manager itself. */
export const TARGET_NAMES = [...(Object.keys(TARGETS) as Target[]), "authority"] as const;

export function nameOfRole(role: bigint): string {
  if (role === ADMIN) return "admin";
  if (role === PUBLIC) return "public";
  return Object.entries(ROLES).find(([, id]) => id === role)?.[0] ?? `role ${String(role)}`;
}

/** A call by its contract and function. @param args As ethers takes them. */
export function callOf(gov: Gov, target: Target | "authority", method: string, args: readonly unknown[]): Call {
  const { address, abi } = targetOf(gov, target);
  return { target, address, method, args, data: abi.encodeFunctionData(method, args) };
}

function targetOf(
  { contracts, intent: { book } }: Gov,
  target: Target | "authority",
): { address: string; abi: Interface } {
  const abi: Interface = contracts[target].interface;
  return { address: book.contracts[target], abi };
}

/** What `caller` needs for a call of a contract of the deployment, and has. */
export async function accessOf({ contracts: { authority }, at }: Gov, caller: string, call: Call): Promise<Access> {
  const selector = call.data.slice(0, 10);
  if (call.target === "authority") {
    // The manager's own functions ask for its admin; delays of targets are left out, of which there are none.
    const [holds, delay] = await membershipOf(authority, ADMIN, caller, at);
    return { role: ADMIN, holds, delay };
  }
  const role = (await authority.getFunction("getTargetFunctionRole")(call.address, selector, at)) as bigint;
  const [immediate, delay] = (await authority.getFunction("canCall")(caller, call.address, selector, at)) as [
    boolean,
    bigint,
  ];
  return { role, holds: immediate || delay > 0n, delay };
}

async function membershipOf(
  authority: Gov["contracts"]["authority"],
  role: bigint,
  account: string,
  at: Gov["at"],
): Promise<[boolean, bigint]> {
  return [...((await authority.getFunction("hasRole")(role, account, at)) as [boolean, bigint])];
}

/** What has been scheduled and neither executed nor cancelled, in the order in which it was. */
export async function readOperations(gov: Gov): Promise<Operation[]> {
  const { contracts, at, time } = gov;
  const { authority } = contracts;
  const expiration = (await authority.getFunction("expiration")(at)) as bigint;
  const seen = new Map<string, Omit<Operation, "readyAt" | "expiresAt" | "state">>();
  for (const { args } of await eventsOf(gov, "OperationScheduled")) {
    const [id, nonce, , caller, target, data] = args as unknown as [string, bigint, bigint, string, string, string];
    // The same call may be scheduled again once it is done: the last one counts.
    seen.delete(id);
    seen.set(id, { id, nonce, caller, target, data });
  }
  const operations: Operation[] = [];
  for (const operation of seen.values()) {
    const readyAt = await readyAtOf(gov, operation.id);
    // 0: done, cancelled, or expired; only the last of these is told by the time of its event.
    const scheduled = readyAt === 0n ? await expiredAt(gov, operation.id, operation.nonce) : readyAt;
    if (scheduled === undefined) continue;
    const expiresAt = scheduled + expiration;
    const state = time < scheduled ? "waiting" : time < expiresAt ? "ready" : "expired";
    operations.push({ ...operation, readyAt: scheduled, expiresAt, state });
  }
  return operations;
}

async function readyAtOf({ contracts: { authority }, at }: Gov, id: string): Promise<bigint> {
  return (await authority.getFunction("getSchedule")(id, at)) as bigint;
}

/** When an expired operation was due; undefined for one that was executed or cancelled. */
async function expiredAt(gov: Gov, id: string, nonce: bigint): Promise<bigint | undefined> {
  const ends = [...(await eventsOf(gov, "OperationExecuted", id)), ...(await eventsOf(gov, "OperationCanceled", id))];
  if (ends.some(({ args }) => (args[1] as bigint) === nonce)) return undefined;
  const [last] = (await eventsOf(gov, "OperationScheduled", id)).filter(({ args }) => (args[1] as bigint) === nonce);
  return last === undefined ? undefined : (last.args[2] as bigint);
}

/** Events of the manager in their order. @param topics Values of indexed arguments, from the first. */
export async function eventsOf(gov: Gov, name: string, ...topics: unknown[]): Promise<LogDescription[]> {
  const abi = gov.contracts.authority.interface;
  const event = abi.getEvent(name);
  if (event === null) throw new RangeError(`no event ${name}`);
  const filter = abi.encodeFilterTopics(event, topics);
  const logs = await readLogs(gov, { address: gov.intent.book.contracts.authority, topics: filter });
  return logs.flatMap((log) => abi.parseLog(log) ?? []);
}

export interface Member {
  readonly role: bigint;
  readonly account: string;
  readonly delay: bigint;
}

/** Everybody who holds a role, the manager's admin included; one whose grant has not come into force too. */
export async function readMembers(gov: Gov): Promise<Member[]> {
  const { contracts, at } = gov;
  const candidates = new Map<string, { role: bigint; account: string }>();
  for (const { args } of await eventsOf(gov, "RoleGranted")) {
    const [role, account] = args as unknown as [bigint, string];
    candidates.set(`${String(role)}/${account}`, { role, account });
  }
  const members: Member[] = [];
  for (const { role, account } of candidates.values()) {
    const [since, delay] = (await contracts.authority.getFunction("getAccess")(role, account, at)) as [bigint, bigint];
    if (since !== 0n) members.push({ role, account, delay });
  }
  return members.sort((a, b) => Number(a.role - b.role) || a.account.localeCompare(b.account));
}

/** The roles that the deployment knows. */
export function knownRoles(): readonly Role[] {
  return Object.keys(ROLES) as Role[];
}

/** A function as a contract of the deployment names it; undefined for another contract. */
export function nameOfTarget({ intent: { book } }: Gov, address: string): Target | "authority" | undefined {
  if (address === ZeroAddress) return undefined;
  return TARGET_NAMES.find((name) => book.contracts[name] === address);
}

/** What a call says: `clearingHouse.setLimits(0, …)`. */
export function describeCall(gov: Gov, target: string, data: string): string {
  const name = nameOfTarget(gov, target);
  if (name === undefined) return `${target} ${data.slice(0, 10)}`;
  const parsed = targetOf(gov, name).abi.parseTransaction({ data });
  if (parsed === null) return `${name} ${data.slice(0, 10)}`;
  return `${name}.${parsed.name}(${parsed.args.map(showArgument).join(", ")})`;
}

function showArgument(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(showArgument).join(", ")}]`;
  return String(value);
}
