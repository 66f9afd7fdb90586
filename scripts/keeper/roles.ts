/**
 * Who may change a deployment, as its access manager says. A keeper acts with money of its own on what these could change:
 * it begins where every restricted function is for the role of `deploy/roles.ts`, and with a key that has none of them.
 *
 * What it does itself needs no role and no operator's right: everybody may do it, it is paid to, and buys from, an account
 * that its own key owns, and the relay of reports calls for it only what anybody may.
 */
import { Interface, type InterfaceAbi, type Provider } from "ethers";

import { ROLES, type Role, TARGETS } from "../../deploy/roles.ts";
import type { AddressBook } from "../deploy/addressBook.ts";
import { PlimsollError } from "../deploy/PlimsollError.ts";
import { ADMIN, nameOfRole } from "../gov/authority.ts";
import { EndpointsError } from "./rpc/Endpoints.ts";
import { WrongContractsError } from "./boot.ts";

/** A restricted function is for another role than it should be, or the keeper's key has one. */
export class RolesError extends PlimsollError {}

export type Target = keyof typeof TARGETS;

export interface CheckRolesOptions {
  readonly provider: Provider;
  readonly book: AddressBook;
  readonly abiOf: (target: Target) => InterfaceAbi;
  /** Whose key sends transactions; undefined: nobody's. */
  readonly signer: string | undefined;
}

const MANAGER = new Interface([
  "function multicall(bytes[] data) returns (bytes[])",
  "function getTargetFunctionRole(address target, bytes4 selector) view returns (uint64)",
  "function hasRole(uint64 role, address account) view returns (bool isMember, uint32 delay)",
]);

/** Throws a RolesError, or an EndpointsError. */
export async function checkRoles({ provider, book, abiOf, signer }: CheckRolesOptions): Promise<void> {
  const functions = restrictedFunctions(abiOf);
  const held = signer === undefined ? [] : [ADMIN, ...Object.values(ROLES)];
  const answers = await readTogether({ provider, authority: book.contracts.authority }, [
    ...functions.map(({ target, selector }) => ["getTargetFunctionRole", [book.contracts[target], selector]] as const),
    ...held.map((role) => ["hasRole", [role, signer]] as const),
  ]);
  for (const [place, { target, method, role }] of functions.entries()) {
    const found = answers[place];
    if (found !== role) {
      const [is, should] = [nameOfRole(found as bigint), nameOfRole(role)];
      throw new RolesError(`${target}.${method} is for the role ${is}, not for ${should}: see npm run gov -- audit`);
    }
  }
  for (const [place, role] of held.entries()) {
    if (answers[functions.length + place] === true) {
      throw new RolesError(`${String(signer)} is ${nameOfRole(role)} of the deployment: a keeper has a key of its own`);
    }
  }
}

function restrictedFunctions(abiOf: CheckRolesOptions["abiOf"]) {
  return (Object.keys(TARGETS) as Target[]).flatMap((target) => {
    const abi = Interface.from(abiOf(target));
    return (Object.keys(ROLES) as Role[]).flatMap((name) =>
      TARGETS[target][name].map((method: string) => {
        const selector = abi.getFunction(method)?.selector;
        if (selector === undefined) throw new PlimsollError(`${target} has no function ${method}`);
        return { target, method, selector, role: ROLES[name] };
      }),
    );
  });
}

type Question = readonly ["getTargetFunctionRole" | "hasRole", readonly unknown[]];

/** The first value of each answer, all of one block. */
async function readTogether(
  { provider, authority }: { provider: Provider; authority: string },
  questions: readonly Question[],
): Promise<unknown[]> {
  const calls = questions.map(([method, values]) => MANAGER.encodeFunctionData(method, values));
  try {
    const answer = await provider.call({ to: authority, data: MANAGER.encodeFunctionData("multicall", [calls]) });
    const [results] = MANAGER.decodeFunctionResult("multicall", answer) as unknown as [readonly string[]];
    return questions.map(([method], place): unknown => MANAGER.decodeFunctionResult(method, results[place] ?? "0x")[0]);
  } catch (cause) {
    if (cause instanceof EndpointsError) throw cause;
    throw new WrongContractsError(`the authority at ${authority} does not answer who may call what`, { cause });
  }
}
