/** Who may call what, as it stands on the chain. */
import type { TARGETS } from "../../deploy/roles.ts";
import { renderTable } from "../replay/table.ts";
import { nameOfRole, nameOfTarget, readMembers } from "./authority.ts";
import { intendedFunctions } from "./audit.ts";
import type { Gov } from "./gov.ts";
import { showDuration } from "./units.ts";

export interface MatrixRow {
  readonly contract: string;
  readonly method: string;
  readonly role: string;
  /** Who holds it, and how long each waits. */
  readonly holders: readonly { readonly account: string; readonly delay: bigint }[];
}

/** Every restricted function, and the manager itself. */
export async function readMatrix(gov: Gov): Promise<MatrixRow[]> {
  const { contracts, at } = gov;
  const members = await readMembers(gov);
  const holdersOf = (role: bigint) => members.filter((member) => member.role === role);
  const rows: MatrixRow[] = [];
  for (const { target, selector } of intendedFunctions(gov)) {
    const role = (await contracts.authority.getFunction("getTargetFunctionRole")(target, selector, at)) as bigint;
    const name = nameOfTarget(gov, target) as keyof typeof TARGETS;
    const abi = contracts[name].interface as { getFunction: (key: string) => { name: string } | null };
    const method = abi.getFunction(selector)?.name ?? selector;
    rows.push({ contract: name, method, role: nameOfRole(role), holders: holdersOf(role) });
  }
  rows.push({ contract: "authority", method: "all that changes roles", role: nameOfRole(0n), holders: holdersOf(0n) });
  return rows;
}

/** @param names Of accounts. */
export function renderMatrix(rows: readonly MatrixRow[], names: ReadonlyMap<string, string>): string {
  return renderTable(
    [
      { title: "contract", align: "left" },
      { title: "function", align: "left" },
      { title: "role", align: "left" },
      { title: "holder", align: "left" },
      { title: "waits", align: "left" },
    ],
    rows.map(({ contract, method, role, holders }) => [
      contract,
      method,
      role,
      holders.map(({ account }) => names.get(account) ?? account).join(", ") || "nobody",
      holders.map(({ delay }) => showDuration(delay)).join(", "),
    ]),
  );
}
