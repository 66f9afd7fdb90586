/** Everything of a deployment that is not as its file says: numbers, roles, delays, functions, feeds, links, code. */
import type { AddressBook } from "../deploy/addressBook.ts";
import { checkBacklinks } from "../deploy/contracts.ts";
import { findDrift } from "../deploy/drift.ts";
import { DeploymentError } from "../deploy/DeploymentError.ts";
import type { Parameters } from "../deploy/parameters.ts";
import { ROLES, type Role, TARGETS } from "../../deploy/roles.ts";
import { checkParameters, faultsOf } from "../oracles/check.ts";
import {
  ADMIN,
  eventsOf,
  knownRoles,
  type Member,
  nameOfRole,
  nameOfTarget,
  readMembers,
  TARGET_NAMES,
} from "./authority.ts";
import { findForeignCode } from "./codes.ts";
import type { Gov } from "./gov.ts";
import { findChanges } from "./plan.ts";
import { headerOf, showValue } from "./render.ts";
import { readStatus, type Status } from "./status.ts";
import { showDuration } from "./units.ts";

export type FindingKind = "number" | "role" | "function" | "feed" | "link" | "code" | "state";

/** A difference between what is and what is meant. */
export interface Finding {
  readonly kind: FindingKind;
  readonly text: string;
}

export interface Audit {
  readonly findings: readonly Finding[];
  /** Not a difference: what may become one. */
  readonly status: Status;
}

export async function readAudit(gov: Gov): Promise<Audit> {
  const status = await readStatus(gov);
  const findings: Finding[] = [
    ...(await findNumbers(gov)),
    ...(await findRoles(gov)),
    ...(await findFunctions(gov)),
    ...(await findFeeds(gov)),
    ...(await findLinks(gov)),
    ...(await findForeignCode(gov)).map((name): Finding => ({
      kind: "code",
      text: `${name} is not what is built here`,
    })),
    ...status.stopped.map((text): Finding => ({ kind: "state", text })),
  ];
  return { findings, status };
}

/** Both by the table of setters, in units, and by the deployment's own comparison, which knows places and kinds. */
async function findNumbers(gov: Gov): Promise<Finding[]> {
  const { contracts, intent } = gov;
  const { parameters, book } = intent;
  const changes = await findChanges(gov);
  const shown = changes.flatMap(({ fields }) =>
    fields.map(({ field, from, goal }): Finding => ({
      kind: "number",
      text: `${field.path} is ${showValue(from, field)}, not ${showValue(goal, field)}`,
    })),
  );
  const places = { ...book, ...addressesOf(parameters, book) };
  const drifts = await findDrift({ contracts, parameters, places, reports: book, deployer: book.deployer });
  const rest = drifts
    .filter(
      ({ path }) =>
        !path.startsWith("roles.") &&
        !isShown(
          path,
          changes.flatMap(({ fields }) => fields.map(({ field }) => field.path)),
        ),
    )
    .map(({ path, actual, expected }): Finding => ({ kind: "number", text: `${path} is ${actual}, not ${expected}` }));
  return [...shown, ...rest];
}

/** With what has been listed since the deployment: the file has its addresses. */
function addressesOf({ assets, settlement, collaterals }: Parameters, book: AddressBook) {
  const feeds = assets.flatMap(({ symbol, source }) =>
    "feed" in source ? [[symbol, source.feed.proxy] as const] : [],
  );
  const tokens = [settlement, ...collaterals].map(({ symbol, address }) => [symbol, address] as const);
  return {
    feeds: { ...Object.fromEntries(feeds), ...book.feeds },
    tokens: { ...Object.fromEntries(tokens), ...book.tokens },
  };
}

/** Whether a difference that the deployment's comparison finds is among those of the table, which are finer. */
function isShown(path: string, shown: readonly string[]): boolean {
  const key = path.replace(/^tokens\./, "").replace(/\.(risk|sizes|trade)$/, "");
  return shown.some(
    (other) =>
      other === path || other.startsWith(`${path}.`) || other.endsWith(`.${key}`) || other.startsWith(`${key}.`),
  );
}

// ---------------------------------------------------------------- roles

/** Who should hold what; the manager's admin is the one that the file names, or else the governor. */
export function intendedMembers({ intent: { parameters, book } }: Gov): Member[] {
  const governance: Readonly<Record<string, unknown>> = { ...parameters.governance };
  const accountOf = (name: string): string => {
    const holder = governance[name];
    return typeof holder !== "string" || holder === "deployer" ? book.deployer : holder;
  };
  const delayOf = (name: string): bigint => {
    const delay = governance[`${name}Delay`];
    return typeof delay === "bigint" ? delay : 0n;
  };
  const admin = "admin" in governance ? "admin" : "governor";
  // What has not been handed over is the deployer's, without a delay.
  const handedOver = accountOf(admin) !== book.deployer;
  return [
    { role: ADMIN, account: accountOf(admin), delay: handedOver ? delayOf(admin) : 0n },
    ...knownRoles().map((role) => ({ role: ROLES[role], account: accountOf(role), delay: delayOf(role) })),
  ];
}

async function findRoles(gov: Gov): Promise<Finding[]> {
  const { contracts, at } = gov;
  const members = await readMembers(gov);
  const intended = intendedMembers(gov);
  const findings: Finding[] = [];
  const add = (text: string): void => {
    findings.push({ kind: "role", text });
  };
  for (const { role, account, delay } of intended) {
    const found = members.find((member) => member.role === role && member.account === account);
    if (found === undefined) add(`${account} is not ${nameOfRole(role)}`);
    else if (found.delay !== delay) {
      add(`the ${nameOfRole(role)} ${account} waits ${showDuration(found.delay)}, not ${showDuration(delay)}`);
    }
  }
  for (const { role, account } of members) {
    const meant = intended.some((member) => member.role === role && member.account === account);
    if (!meant) add(`${account} is ${nameOfRole(role)}, and is not meant to be`);
  }
  for (const role of knownRoles()) {
    const ask = async (view: string): Promise<bigint> =>
      (await contracts.authority.getFunction(view)(ROLES[role], at)) as bigint;
    const [admin, guardian, grantDelay] = await Promise.all([
      ask("getRoleAdmin"),
      ask("getRoleGuardian"),
      ask("getRoleGrantDelay"),
    ]);
    if (admin !== ADMIN) add(`the ${role} is granted by ${nameOfRole(admin)}, not by admin`);
    const cancels = role === "guardian" ? ADMIN : ROLES.guardian;
    if (role === "governor" && guardian !== cancels) {
      add(`what the ${role} schedules is cancelled by ${nameOfRole(guardian)}, not by ${nameOfRole(cancels)}`);
    }
    if (grantDelay !== 0n) add(`a grant of ${role} takes ${showDuration(grantDelay)}, not 0 s`);
  }
  return findings;
}

// ---------------------------------------------------------------- functions

interface FunctionRole {
  readonly target: string;
  readonly selector: string;
  readonly role: bigint;
}

/** The role of every function that the deployment gives one, and of all that were ever given another. */
async function findFunctions(gov: Gov): Promise<Finding[]> {
  const { contracts, intent, at } = gov;
  const { authority } = contracts;
  const findings: Finding[] = [];
  const add = (text: string): void => {
    findings.push({ kind: "function", text });
  };
  const intended = new Map(intendedFunctions(gov).map((entry) => [`${entry.target}/${entry.selector}`, entry.role]));
  const seen = new Map<string, { target: string; selector: string }>(
    (await eventsOf(gov, "TargetFunctionRoleUpdated")).map(({ args }) => {
      const [target, selector] = args as unknown as [string, string];
      return [`${target}/${selector}`, { target, selector }];
    }),
  );
  for (const key of intended.keys()) {
    const [target = "", selector = ""] = key.split("/");
    seen.set(key, { target, selector });
  }
  for (const [key, { target, selector }] of seen) {
    const actual = (await authority.getFunction("getTargetFunctionRole")(target, selector, at)) as bigint;
    const meant = intended.get(key) ?? ADMIN;
    if (actual !== meant)
      add(`${functionName(gov, target, selector)} is for ${nameOfRole(actual)}, not ${nameOfRole(meant)}`);
  }
  for (const name of TARGET_NAMES) {
    const address = intent.book.contracts[name];
    const closed = (await authority.getFunction("isTargetClosed")(address, at)) as boolean;
    if (closed) add(`${name} is closed: nobody may call its restricted functions`);
    const delay = (await authority.getFunction("getTargetAdminDelay")(address, at)) as bigint;
    if (delay !== 0n) add(`changes of who may call ${name} take ${showDuration(delay)}, not 0 s`);
  }
  return findings;
}

export function intendedFunctions({ contracts, intent: { book } }: Gov): FunctionRole[] {
  return (Object.keys(TARGETS) as (keyof typeof TARGETS)[]).flatMap((target) =>
    knownRoles().flatMap((role) =>
      ((TARGETS[target] as Partial<Record<Role, readonly string[]>>)[role] ?? []).map((method) => {
        const fragment = (
          contracts[target].interface as { getFunction: (name: string) => { selector: string } | null }
        ).getFunction(method);
        if (fragment === null) throw new DeploymentError(`${target} has no function ${method}`);
        return { target: book.contracts[target], selector: fragment.selector, role: ROLES[role] };
      }),
    ),
  );
}

function functionName(gov: Gov, target: string, selector: string): string {
  const name = nameOfTarget(gov, target);
  if (name === undefined) return `${selector} of ${target}`;
  const abi = gov.contracts[name].interface as { getFunction: (key: string) => { name: string } | null };
  return `${name}.${abi.getFunction(selector)?.name ?? selector}`;
}

// ---------------------------------------------------------------- feeds and links

async function findFeeds({ provider, intent: { parameters } }: Gov): Promise<Finding[]> {
  const reading = await checkParameters(provider, parameters);
  return faultsOf(reading).map((text) => ({ kind: "feed", text }));
}

async function findLinks({ contracts }: Gov): Promise<Finding[]> {
  try {
    await checkBacklinks(contracts);
    return [];
  } catch (error) {
    if (!(error instanceof DeploymentError)) throw error;
    return [{ kind: "link", text: error.message }];
  }
}

export function renderAudit(gov: Gov, { findings, status }: Audit): string {
  const waiting = status.operations.map(
    ({ state, description, id }) => `  scheduled, ${state}: ${description} (${id})`,
  );
  const underWay = [...waiting, ...status.underWay.map((text) => `  ${text}`)];
  const verdict =
    findings.length === 0
      ? "as the file says"
      : ["NOT AS THE FILE SAYS", ...findings.map(({ kind, text }) => `  ${kind}: ${text}`)].join("\n");
  return [headerOf(gov), ...(underWay.length > 0 ? [["under way:", ...underWay].join("\n")] : []), verdict].join(
    "\n\n",
  );
}
